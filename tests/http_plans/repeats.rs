//! Byte-identical repeats, which the service recognizes before it parses them.

use std::path::Path;
use std::sync::Arc;

use instrument_registry::boot::Openers;
use registry_actors::tls::Tls;
use registry_store::sqlite::SqliteStore;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Answer, Client, Process, SOON, Service, Standin, body, eventually, fields, with};

const TEXT: &str = r#"{"plan_name": "p", "subscription_type": "live_feed", "instruments": ["NSE:TCS", "NSE:INFY"]}"#;

/// Starts a service in its own process, because a process has one recorder of metrics.
async fn process(folder: &TempDir, variables: &[(&str, &str)]) -> Process {
    Process::start(folder.path(), variables).await
}

async fn post(client: &Client, text: &str) -> Answer {
    client.post_text("plan?user_id=u", text).await
}

fn request(client: &Client) -> RequestBuilder {
    client.request(Method::POST, "plan?user_id=u").header("Content-Type", "application/json").body(TEXT)
}

/// Returns hits and misses of an operation of the L1 cache.
async fn cache_lookups(client: &Client, operation: &str) -> [f64; 2] {
    let cache = "instrument_registry_subscription_plan_cache_operations_total";
    let mut counts = [0.0; 2];
    for (count, status) in counts.iter_mut().zip(["hit", "miss"]) {
        let series = format!("{cache}{{operation=\"{operation}\",status=\"{status}\"}}");
        *count = client.metric(&series).await.expect("it is there from the start");
    }
    counts
}

/// Returns the body of an answer without the fields that differ between requests.
fn lasting(answer: &Answer) -> Value {
    let volatile = ["correlation_id", "response_time_ms", "duration_ms"];
    volatile.into_iter().fold(answer.json(), |json, field| with(json, field, Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_served_by_its_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let service = process(&folder, &[]).await;
    let client = &service.client;

    let made = post(client, TEXT).await;
    let read = post(client, &format!("{TEXT} ")).await;
    let before = [cache_lookups(client, "fingerprint").await, cache_lookups(client, "get").await];
    let repeat = Answer::to(request(client).header("X-Correlation-ID", "its-\"own\"")).await;
    let after = [cache_lookups(client, "fingerprint").await, cache_lookups(client, "get").await];

    // Two spellings: the second found the plan by its cache key. The repeat was not read.
    assert_eq!(before, [[0.0, 2.0], [1.0, 1.0]]);
    assert_eq!(after, [[1.0, 2.0], [2.0, 1.0]]);
    let answer = repeat.json();
    assert_eq!(answer["status"], "cached");
    assert_eq!(answer["cache_hit"], true);
    assert_eq!(answer["plan_id"], made.json()["plan_id"]);
    assert_eq!(answer["plan_data"], made.json()["plan_data"]);
    assert_eq!(answer["correlation_id"], "its-\"own\"");
    assert_eq!(repeat.header("X-Correlation-ID"), "its-\"own\"");
    assert!(answer["duration_ms"].is_u64() && answer["response_time_ms"].is_u64(), "{answer}");
    assert_eq!(lasting(&repeat), lasting(&read));
    assert_eq!(fields(&answer), fields(&read.json()));
    let names = |answer: &Answer| {
        let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(&repeat), names(&read));
    let counted = format!(
        "instrument_registry_http_requests_total{{method=\"POST\",endpoint=\"{}/plan\",status=\"200\"}}",
        crate::support::BASE
    );
    assert_eq!(client.metric(&counted).await, Some(3.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_in_the_legacy_encoding_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let service = process(&folder, &[("INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING", "true")]).await;
    let client = &service.client;
    let made = post(client, TEXT).await.json();

    let repeat = post(client, TEXT).await.json();

    assert_eq!(cache_lookups(client, "fingerprint").await, [1.0, 1.0]);
    assert!(repeat["plan_data"]["instruments"].is_string(), "{repeat}");
    assert_eq!(repeat["status"], "cached");
    assert_eq!(repeat["plan_data"], made["plan_data"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejections_are_never_served_by_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let service = process(&folder, &[]).await;
    let client = &service.client;
    post(client, TEXT).await.json();

    for _ in 0..2 {
        post(client, "").await.problem(400, "invalid_json");
        post(client, &TEXT.replace("live_feed", "dead_feed")).await.problem(422, "validation_failed");
        client.post_text("plan?user_id=u&more=1", TEXT).await.problem(422, "validation_failed");
        client.post_text("plan", TEXT).await.problem(422, "validation_failed");
    }

    assert_eq!(cache_lookups(client, "fingerprint").await, [0.0, 9.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_an_idempotency_key_bypass_fingerprints() {
    let folder = tempfile::tempdir().unwrap();
    let service = process(&folder, &[]).await;
    let client = &service.client;
    let with_key = async |key: &str| Answer::to(request(client).header("Idempotency-Key", key)).await.json();

    let made = with_key("k").await;
    let again = with_key("k").await;
    let other_key = with_key("l").await;
    let without_key = post(client, TEXT).await.json();
    let counts = [cache_lookups(client, "fingerprint").await, cache_lookups(client, "get").await];
    let past_it = with_key("m").await;

    // Keyed requests neither store fingerprints nor look them up.
    assert_eq!(counts, [[0.0, 1.0], [2.0, 1.0]]);
    assert_eq!(cache_lookups(client, "fingerprint").await, [0.0, 1.0]);
    for answer in [&other_key, &without_key, &past_it] {
        assert_eq!(answer["status"], "cached");
        assert_eq!(answer["plan_id"], made["plan_id"]);
    }
    // The same key returns the first answer again.
    assert_eq!(again["status"], "created");
    assert_eq!(again["plan_id"], made["plan_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_requires_the_key_and_the_content_type() {
    let service = Service::start().await;
    let made = post(&service.client, TEXT).await.json();
    let repeated = post(&service.client, TEXT).await.json();
    let stranger = service.client.clone().with_key("another-key-of-the-same-length-00");

    let wrong_key = post(&stranger, TEXT).await;
    let no_key = service.client.request_without_key(Method::POST, "plan?user_id=u").body(TEXT);
    let no_key = Answer::to(no_key.header("Content-Type", "application/json")).await;
    let text = service.client.request(Method::POST, "plan?user_id=u").header("Content-Type", "text/plain").body(TEXT);
    let text = Answer::to(text).await;

    assert_eq!(repeated["status"], "cached");
    assert_eq!(repeated["plan_id"], made["plan_id"]);
    wrong_key.problem(401, "unauthorized");
    no_key.problem(401, "unauthorized");
    text.problem(415, "unsupported_media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn fingerprints_include_user_path_and_method() {
    let service = Service::start().await;
    let client = &service.client;
    let made = post(client, TEXT).await.json();

    let others = [client.post_text("plan?user_id=v", TEXT).await.json(), post(client, TEXT).await.json()];
    let same_user = client.post_text("plan?user_id=%75", TEXT).await.json();
    let describe = format!("plan/{}/describe?user_id=u", made["plan_id"].as_str().unwrap());
    client.post_text(&describe, TEXT).await.problem(422, "validation_failed");
    let put = client.request(Method::PUT, "plan?user_id=u").header("Content-Type", "application/json").body(TEXT);
    Answer::to(put).await.problem(405, "method_not_allowed");

    assert_eq!(others[0]["status"], "created");
    assert_eq!(others[0]["plan_data"]["user_id"], "v");
    assert_eq!(others[1]["status"], "cached");
    assert_eq!(others[1]["plan_data"]["user_id"], "u");
    assert_eq!(same_user["status"], "cached");
    assert_eq!(same_user["plan_id"], made["plan_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_after_the_ttl_creates_a_new_plan() {
    let folder = tempfile::tempdir().unwrap();
    let service = process(&folder, &[("INSTRUMENT_REGISTRY_PLAN_CACHE_TTL", "1")]).await;
    let client = &service.client;

    // On a slow machine, a plan may expire before the repeat.
    eventually("a repeat is in time", SOON, async || {
        post(client, TEXT).await.json();
        post(client, TEXT).await.json();
        (cache_lookups(client, "fingerprint").await[0] >= 1.0).then_some(())
    })
    .await;
    let last = post(client, TEXT).await.json();
    let next = eventually("a new plan is created", SOON, async || {
        Some(post(client, TEXT).await.json()).filter(|answer| answer["plan_id"] != last["plan_id"])
    })
    .await;

    assert_eq!(next["status"], "created");
    assert_eq!(next["cache_hit"], false);
    assert!(next["plan_data"]["created_at"].as_str() >= last["plan_data"]["expires_at"].as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_settings_invalidate_fingerprints() {
    const STRICTNESS: &str = "INSTRUMENT_REGISTRY_FILTERING_STRICTNESS";
    fn store(url: &str, _: &Tls) -> anyhow::Result<Arc<dyn registry_store::Store>> {
        Ok(Arc::new(SqliteStore::new(Path::new(url.trim_start_matches("postgres://")))))
    }
    let standin = Standin::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let database = format!("postgres://{}/database.sqlite", folder.path().display());
    let variables = [("CONFIG_SERVICE_URL", &*standin.url()), ("DATABASE_URL", &*database)];
    let openers = Openers { store, ..Openers::default() };
    let service = Service::run_with(TempDir::new().unwrap(), &variables, openers).await;
    let client = &service.client;
    let before = eventually("the service is ready", SOON, async || {
        Some(post(client, TEXT).await).filter(|answer| answer.status == 200).map(|answer| answer.json())
    })
    .await;
    let repeated = post(client, TEXT).await.json();

    standin.set(STRICTNESS, "strict");
    service.engine.config.refresh("of-a-test".into()).unwrap();
    let after = eventually("the setting is in force", SOON, async || {
        let answer = post(client, TEXT).await.json();
        (answer["plan_data"]["filtering_strictness"] == "strict").then_some(answer)
    })
    .await;
    let repeated_after = post(client, TEXT).await.json();

    assert_eq!(repeated["status"], "cached");
    assert_eq!(repeated["plan_id"], before["plan_id"]);
    assert_ne!(before["plan_data"]["filtering_strictness"], "strict");
    assert_eq!(after["status"], "created");
    assert_eq!(repeated_after["status"], "cached");
    assert_eq!(repeated_after["plan_id"], after["plan_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fingerprints_survive_a_restart_of_the_cache_actor() {
    let service = Service::start().await;
    let client = &service.client;
    let other = body(&["NSE:ITC"]).to_string();
    let made = [post(client, TEXT).await.json(), post(client, &other).await.json()];

    assert!(service.engine.crash("cache"));
    let meanwhile = [post(client, TEXT).await.json(), post(client, &other).await.json()];
    eventually("the actor is back", SOON, async || {
        service.engine.cache.inspect(SOON).await.ok().filter(|inspection| inspection.in_flight == Some(2))
    })
    .await;
    let after = [post(client, TEXT).await.json(), post(client, &other).await.json()];

    for (made, answers) in made.iter().zip([[&meanwhile[0], &after[0]], [&meanwhile[1], &after[1]]]) {
        for answer in answers {
            assert_eq!(answer["status"], "cached");
            assert_eq!(answer["plan_id"], made["plan_id"]);
        }
    }
}
