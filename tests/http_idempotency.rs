//! The header `Idempotency-Key`.

mod ingest;
mod outcomes;
mod profiles;
mod replicas;

use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Executor};
use test_servers::TestDatabase;

use crate::http_profiles::{PROFILES, create, delete, id, profile, put};
use crate::support::{Answer, Client, Process, REGISTRY, Service, body, with};

const PLAN: &str = "plan?user_id=u";

fn keyed(client: &Client, path: &str, key: &str, body: &Value) -> RequestBuilder {
    client.request(Method::POST, path).header("Idempotency-Key", key).json(body)
}

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    Answer::to(keyed(client, path, key, body)).await
}

/// Returns the body of an answer without the fields that differ between requests.
fn body_of(answer: &Answer) -> Value {
    let mut body = answer.json();
    let fields = body.as_object_mut().expect("the value is an object");
    assert_eq!(fields.remove("correlation_id").as_ref(), Some(&json!(answer.header("X-Correlation-ID"))));
    assert!(fields.remove("response_time_ms").is_some_and(|time| time.is_u64()));
    body
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("Idempotency-Replayed") == "true"
}

/// Asserts that the second answer is a replay of the first.
#[track_caller]
fn assert_replay(first: &Answer, second: &Answer) {
    assert!(!is_replay(first), "{first:?}");
    assert!(is_replay(second), "{second:?}");
    assert_eq!(body_of(second), body_of(first));
    assert_eq!(second.header("ETag"), first.header("ETag"));
}

/// Starts a service on SQLite, and one on PostgreSQL if the tests have a server.
async fn services() -> Vec<(Service, Option<TestDatabase>)> {
    let mut services = vec![(Service::start().await, None)];
    if let Some(database) = TestDatabase::new() {
        services.push((Service::with(&[("DATABASE_URL", &database.url())]).await, Some(database)));
    }
    services
}

/// Opens another session on the SQLite database of a service.
pub(crate) async fn session(service: &Service) -> SqliteConnection {
    SqliteConnectOptions::new().filename(service.database()).connect().await.expect("it can be opened")
}

/// Moves the times of all stored keys back by a day.
async fn age_keys_by_a_day(service: &Service, database: Option<&TestDatabase>) {
    match database {
        None => {
            let day = 86_400_000;
            let sql =
                format!("update idempotency_keys set created_at = created_at - {day}, expires_at = expires_at - {day}");
            session(service).await.execute(sqlx::AssertSqlSafe(sql)).await.expect("it is valid");
        }
        Some(database) => {
            let sql = "update instrument_registry.idempotency_keys \
                       set created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day'";
            database.admin().await.execute(sql).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_plan_request_gets_the_same_answer() {
    for (service, _database) in services().await {
        let client = &service.client;
        let request = body(&["NSE:TCS", "NSE:INFY"]);

        let first = post(client, PLAN, "k", &request).await;
        let second = post(client, PLAN, "k", &request).await;
        let without_key = client.ask("u", &request).await;

        assert_eq!(first.json()["status"], "created");
        assert_replay(&first, &second);
        assert_eq!(without_key.json()["status"], "cached");
        assert!(!is_replay(&without_key));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_plan_is_replayed_as_cached() {
    for (service, _database) in services().await {
        let client = &service.client;
        let request = body(&["NSE:TCS"]);
        let made = client.ask("u", &request).await.json();

        let first = post(client, PLAN, "k", &request).await;
        let second = post(client, PLAN, "k", &request).await;

        assert_eq!(first.json()["status"], "cached");
        assert_eq!(first.json()["plan_id"], made["plan_id"]);
        assert_replay(&first, &second);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_with_a_used_key_is_rejected() {
    for (service, _database) in services().await {
        let client = &service.client;
        let first = post(client, PLAN, "k", &body(&["NSE:TCS"])).await;

        let other_body = post(client, PLAN, "k", &body(&["NSE:INFY"])).await;
        let other_user = post(client, "plan?user_id=v", "k", &body(&["NSE:TCS"])).await;
        let again = post(client, PLAN, "k", &body(&["NSE:TCS"])).await;

        other_body.problem(422, "idempotency_key_reused");
        // Users do not share keys.
        assert_ne!(other_user.json()["plan_id"], first.json()["plan_id"]);
        assert_replay(&first, &again);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_free_again_after_a_day() {
    for (service, database) in services().await {
        let client = &service.client;
        post(client, PLAN, "k", &body(&["NSE:TCS"])).await.json();
        post(client, PLAN, "k", &body(&["NSE:INFY"])).await.problem(422, "idempotency_key_reused");

        age_keys_by_a_day(&service, database.as_ref()).await;
        let next = post(client, PLAN, "k", &body(&["NSE:INFY"])).await;
        let again = post(client, PLAN, "k", &body(&["NSE:INFY"])).await;

        assert_replay(&next, &again);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_is_a_conflict() {
    let service = Service::start().await;
    let client = &service.client;
    let mut session = session(&service).await;
    session.execute("begin immediate").await.expect("nobody else writes");

    let ask = || tokio::spawn(Answer::to(keyed(client, PLAN, "k", &body(&["NSE:TCS"]))));
    let (mut one, mut other) = (ask(), ask());
    // The request that arrives first waits for the database.
    let (refused, waiting) = tokio::select! {
        refused = &mut one => (refused, other),
        refused = &mut other => (refused, one),
    };
    session.execute("rollback").await.expect("it is open");
    let refused = refused.expect("the task does not panic");
    let made = waiting.await.expect("the task does not panic");

    refused.problem(409, "idempotency_key_in_flight");
    assert!((1..=3).contains(&refused.header("Retry-After").parse::<u32>().expect("it is a number of seconds")));
    let again = post(client, PLAN, "k", &body(&["NSE:TCS"])).await;
    assert_replay(&made, &again);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_repeats_all_get_the_first_answer() {
    for (service, _database) in services().await {
        let client = &service.client;
        let request = body(&["NSE:TCS"]);
        let first = post(client, PLAN, "k", &request).await;

        let repeats: Vec<_> = (0..20).map(|_| tokio::spawn(Answer::to(keyed(client, PLAN, "k", &request)))).collect();

        for repeat in repeats {
            assert_replay(&first, &repeat.await.expect("the task does not panic"));
        }
        let other = (0..20).map(|_| tokio::spawn(Answer::to(keyed(client, PLAN, "k", &body(&["NSE:INFY"])))));
        for other in other.collect::<Vec<_>>() {
            other.await.expect("the task does not panic").problem(422, "idempotency_key_reused");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_replayed_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut before = Process::start(folder.path(), &[]).await;
    let request = body(&["NSE:TCS", "NSE:INFY"]);
    let first = post(&before.client, PLAN, "k", &request).await;
    before.kill();

    let after = Process::start(folder.path(), &[]).await;
    let second = post(&after.client, PLAN, "k", &request).await;

    assert_replay(&first, &second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_plan_is_replayed_after_the_profile_changed() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("u", "Opening", &["NSE:TCS"])).await;
    let request = json!({"profile_id": id(&made)});
    let first = post(client, PLAN, "k", &request).await;

    put(client, id(&made), &json!({"instruments": ["NSE:INFY"]})).await.json();
    let after_change = post(client, PLAN, "k", &request).await;
    delete(client, id(&made)).await.json();
    let after_deactivation = post(client, PLAN, "k", &request).await;

    assert_replay(&first, &after_change);
    assert_replay(&first, &after_deactivation);
    post(client, PLAN, "l", &request).await.problem(409, "profile_inactive");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_request_leaves_its_key_free() {
    let service = Service::start().await;
    let client = &service.client;

    post(client, PLAN, "k", &json!({"plan_name": ""})).await.problem(422, "validation_failed");
    let unknown = json!({"profile_id": format!("profile_{}", "0".repeat(32))});
    post(client, PLAN, "k", &unknown).await.problem(404, "not_found");
    post(client, "plan?user_id=", "k", &body(&["NSE:TCS"])).await.problem(422, "validation_failed");
    let made = post(client, PLAN, "k", &body(&["NSE:TCS"])).await;

    assert!(!is_replay(&made));
    assert_eq!(made.json()["status"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_rejects_an_idempotency_key() {
    let service = Service::start().await;
    let client = &service.client;
    let request = with(body(&["NSE:TCS"]), "dry_run", true);

    let refused = post(client, PLAN, "k", &request).await;
    let made = post(client, PLAN, "k", &body(&["NSE:TCS"])).await;

    assert_eq!(refused.faults()["/dry_run"], "cannot be combined with the header `Idempotency-Key`");
    assert_eq!(made.json()["status"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_key_is_rejected() {
    let service = Service::start().await;
    let client = &service.client;
    let operations = [PLAN.to_owned(), PROFILES.to_owned(), format!("{REGISTRY}/brokers/kite/ingest")];

    for path in operations {
        for key in [&b""[..], &[b'k'; 256], b"two words", b"tab\tbed", "naïve".as_bytes()] {
            let key = HeaderValue::from_bytes(key).expect("a header may have it");
            let request = client.request(Method::POST, &path).header("Idempotency-Key", key).json(&json!({}));
            assert_eq!(Answer::to(request).await.pointers(), ["/header/Idempotency-Key"], "{path}");
        }
        let twice = keyed(client, &path, "k", &json!({})).header("Idempotency-Key", "l");
        assert_eq!(Answer::to(twice).await.pointers(), ["/header/Idempotency-Key"], "{path}");
    }
    let longest = post(client, PLAN, &"~".repeat(255), &body(&["NSE:TCS"])).await;
    assert_eq!(longest.json()["status"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_operations_ignore_the_header() {
    let service = Service::start().await;
    let client = &service.client;
    let plan = post(client, PLAN, "k", &body(&["NSE:TCS"])).await.json();
    let made = create(client, &profile("u", "Opening", &["NSE:TCS"])).await;
    let describe = format!("plan/{}/describe", plan["plan_id"].as_str().expect("the value is an id"));

    for level in ["basic", "detailed", "basic"] {
        let described = post(client, &describe, "k", &json!({"description_level": level})).await;
        described.json();
        assert!(!is_replay(&described));
    }
    for name in ["One", "Two", "One"] {
        let path = format!("{PROFILES}/{}", id(&made));
        let request = client.request(Method::PUT, &path).header("Idempotency-Key", "two words");
        let changed = Answer::to(request.json(&json!({"profile_name": name}))).await;
        assert_eq!(changed.json()["profile"]["profile_name"], name);
        assert!(!is_replay(&changed));
    }
    let replan = format!("{PROFILES}/{}/replan", id(&made));
    let first = post(client, &replan, "k", &json!({})).await;
    let second = post(client, &replan, "k", &json!({})).await;
    assert_eq!(first.json()["status"], "created");
    assert_eq!(second.json()["status"], "cached");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_in_the_legacy_encoding_are_replayed() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING", "true")]).await;
    let request = with(body(&["NSE:TCS"]), "description", "d");

    let first = post(&service.client, PLAN, "k", &request).await;
    let second = post(&service.client, PLAN, "k", &request).await;

    assert!(first.json()["plan_data"]["instruments"].is_string());
    assert_replay(&first, &second);
}
