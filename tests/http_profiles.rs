//! Subscription profiles over HTTP.

mod faults;
mod history;
mod large;
mod numbers;
mod planning;
mod replicas;
mod strategies;
mod transfer;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Service, fields, texts, with};

/// The first of the two paths under which profiles are served.
pub(crate) const PROFILES: &str = "/api/v1/internal/subscription-profiles";

/// Returns the body of a request that creates a profile.
pub(crate) fn profile(user: &str, name: &str, instruments: &[&str]) -> Value {
    json!({"user_id": user, "profile_name": name, "subscription_type": "live_feed", "instruments": instruments})
}

/// Creates a profile, and panics if the service rejects it.
pub(crate) async fn create(client: &Client, body: &Value) -> Value {
    client.post(PROFILES, body).await.json()
}

pub(crate) fn id(answer: &Value) -> &str {
    answer["profile_id"].as_str().expect("a profile has an id")
}

pub(crate) async fn put(client: &Client, id: &str, body: &Value) -> Answer {
    Answer::to(client.request(Method::PUT, &format!("{PROFILES}/{id}")).json(body)).await
}

pub(crate) async fn delete(client: &Client, id: &str) -> Answer {
    Answer::to(client.request(Method::DELETE, &format!("{PROFILES}/{id}"))).await
}

pub(super) async fn post(client: &Client, path: &str) -> Answer {
    Answer::to(client.request(Method::POST, &format!("{PROFILES}/{path}"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_created_read_updated_and_deactivated() {
    let service = Service::start().await;
    let client = &service.client;

    let made = create(client, &profile("desk", "Opening", &["NSE:TCS", "NSE:RELIANCE", "NSE:TCS"])).await;
    let id = id(&made).to_owned();
    let read = client.get(&format!("{PROFILES}/{id}")).await;
    let changed = put(client, &id, &json!({"profile_name": "Close", "max_instruments": 20})).await.json();
    let listed =
        client.read(&format!("{PROFILES}/users/desk/profiles?subscription_type=live_feed&is_active=true")).await;
    let deactivated = delete(client, &id).await.json();
    let after = client.read(&format!("{PROFILES}/{id}")).await;

    assert!(id.len() == 40 && id.starts_with("profile_"), "{id}");
    assert_eq!(made["status"], "created");
    assert_eq!(made["conflicts_resolved"], 0);
    assert_eq!(made["resolution_strategy"], "latest_wins");
    for name in ["profile_id", "user_id", "profile_name", "subscription_type", "instrument_count", "is_active"] {
        assert!(!made["profile"][name].is_null(), "{name}: {made}");
    }
    assert_eq!(made["profile"]["instrument_count"], 2);
    assert_eq!(read.header("ETag"), "\"1\"");
    assert_eq!(texts(&read.json()["profile"]["instruments"]), ["NSE:TCS", "NSE:RELIANCE"]);
    assert_eq!(
        fields(&read.json()["profile"]),
        [
            "created_at",
            "expires_at",
            "instrument_count",
            "instruments",
            "is_active",
            "is_expired",
            "max_instruments",
            "preferences",
            "profile_id",
            "profile_name",
            "subscription_type",
            "updated_at",
            "user_id",
            "validation_rules",
            "version"
        ]
    );
    assert_eq!(changed["status"], "updated");
    assert_eq!(changed["profile"]["version"], 2);
    assert_eq!(changed["profile"]["profile_name"], "Close");
    assert_eq!(texts(&changed["profile"]["instruments"]).len(), 2, "fields that the change does not name stay");
    assert_eq!(listed["profiles"][0]["profile_id"], json!(id));
    assert_eq!(listed["pagination"]["total"], 1);
    assert_eq!(deactivated["status"], "deactivated");
    assert_eq!(after["profile"]["is_active"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_mounts_accept_a_trailing_slash() {
    let service = Service::start().await;
    let client = &service.client;
    let too = "/api/v1/internal/instrument-registry/subscription-profiles";

    let body = profile("desk", "A", &["NSE:TCS"]);
    let first = client.post(&format!("{too}/"), &body).await.json();
    let second = client.post(&format!("{PROFILES}/"), &with(body, "instruments", json!(["NSE:INFY"]))).await.json();

    for path in
        [format!("{PROFILES}/{}/", id(&first)), format!("{too}/{}", id(&first)), format!("{too}/{}/", id(&second))]
    {
        assert_eq!(client.get(&path).await.status, 200, "{path}");
    }
    let problem = client.get(&format!("{too}/users/desk/profiles/?limit=0")).await.problem(422, "validation_failed");
    assert_eq!(problem["instance"], format!("{too}/users/desk/profiles/"), "the path that was asked for");
    let keyless = client.request_without_key(Method::GET, &format!("{too}/admin/stats/"));
    assert_eq!(Answer::to(keyless).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_are_listed_newest_first_by_page_and_cursor() {
    let service = Service::start().await;
    let client = &service.client;
    for (number, key) in ["NSE:TCS", "NSE:INFY", "NSE:RELIANCE", "NSE:ITC", "NSE:SBIN"].iter().enumerate() {
        create(client, &profile("desk", &format!("P{number}"), &[key])).await;
    }
    create(client, &profile("other", "X", &["NSE:TCS"])).await;

    let names = |page: &Value| -> Vec<String> {
        let profiles = page["profiles"].as_array().expect("a list");
        profiles.iter().map(|profile| profile["profile_name"].as_str().expect("a name").to_owned()).collect()
    };
    let path = format!("{PROFILES}/users/desk/profiles?limit=2");
    let first = client.read(&path).await;
    let cursor = first["next_cursor"].as_str().expect("there is more").to_owned();
    let second = client.read(&format!("{path}&cursor={cursor}")).await;
    let last = client.read(&format!("{path}&offset=4")).await;

    assert_eq!(names(&first), vec!["P4".to_owned(), "P3".to_owned()]);
    assert_eq!(names(&second), vec!["P2".to_owned(), "P1".to_owned()]);
    assert_eq!(names(&last), vec!["P0".to_owned()]);
    assert_eq!(first["pagination"], json!({"total": 5, "limit": 2, "offset": 0, "has_next": true}));
    assert_eq!(last["pagination"]["has_next"], false);
    assert_eq!(last["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_count_the_rows_of_the_tables() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY", "fail_on_conflict")]).await;
    let client = &service.client;
    let first = create(client, &profile("desk", "A", &["NSE:TCS"])).await;
    create(client, &with(profile("desk", "B", &["NSE:TCS"]), "subscription_type", "alerts")).await;
    client
        .post(PROFILES, &profile("desk", "C", &["NSE:TCS"]))
        .await
        .problem_with_conflicts(409, "duplicate_subscription");
    delete(client, id(&first)).await.json();

    let mut stats = client.read(&format!("{PROFILES}/admin/stats")).await["stats"].take();
    // The service deletes old audit entries periodically, first at startup.
    let at_start = stats["last_cleanup"].take();

    assert_eq!(
        stats,
        json!({
            "total_profiles": 2, "active_profiles": 1,
            "profiles_by_type": {"live_feed": 1, "historical": 0, "alerts": 1},
            "total_conflicts": 1, "pending_conflicts": 1, "total_audit_logs": 3, "last_cleanup": null,
        })
    );
    let cleaned = post(client, "admin/cleanup-audit-logs").await.json();
    assert_eq!(cleaned["deleted_count"], 0);
    assert_eq!(cleaned["retention_days"], 365);
    let after = client.read(&format!("{PROFILES}/admin/stats")).await;
    let last = &after["stats"]["last_cleanup"];
    assert!(last.is_string() && *last != at_start && cleaned["cutoff_date"].is_string(), "{after}");
}
