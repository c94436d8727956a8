//! The size and the completeness of the metrics.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use super::measures::series;
use crate::http_ingest::{FEW, kite_of};
use crate::http_profiles::{PROFILES, id, profile, put};
use crate::support::{Answer, CATALOG_VERSIONS, Client, Process, REGISTRY, SOON, body, eventually};

/// Maximum size of the metrics of a service that has served nothing, in bytes.
const BYTES_AT_START_MAX: usize = 150_000;
/// Maximum size of the metrics after every route was used, in bytes.
const BYTES_MAX: usize = 350_000;

/// The names of the contract, with a suffix if the metric is a histogram.
const CONTRACT: [&str; 12] = [
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "subscription_plans_created_total",
    "subscription_plan_descriptions_generated_total",
    "subscription_plan_cache_operations_total",
    "subscription_plan_conflicts_total",
    "subscription_plan_optimization_duration_seconds_bucket",
    "subscription_plans_active",
    "lookups_total",
    "ingestion_jobs_total",
    "broker_tokens_active",
    "cache_operations_total",
];

#[tokio::test(flavor = "multi_thread")]
async fn startup_metrics_are_small_and_hold_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;

    let text = service.client.get("/metrics").await.text;

    assert!(text.len() <= BYTES_AT_START_MAX, "{} bytes: {:?}", text.len(), largest(&text));
    let names: BTreeSet<&str> = series(&text).into_iter().map(|(name, ..)| name).collect();
    let missing: Vec<&str> =
        CONTRACT.into_iter().filter(|name| !names.contains(&*format!("instrument_registry_{name}"))).collect();
    assert_eq!(missing, [""; 0]);
}

/// If the first sample of a counter is its first event, the counter has no rate for an alert.
#[tokio::test(flavor = "multi_thread")]
async fn failures_of_dependencies_are_counted_from_0() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;

    let text = service.client.get("/metrics").await.text;

    let mut failures = BTreeSet::new();
    for (name, labels, value) in series(&text) {
        if name == "instrument_registry_dependency_request_failures_total" {
            assert!(value.abs() < f64::EPSILON, "{labels}: {value}");
            failures.insert(labels.replace('"', ""));
        }
    }
    let expected = [
        ("config_service", ["refused", "timed_out", "unreachable"]),
        ("database", ["failed", "refused", "timed_out"]),
        ("redis", ["refused", "timed_out", "unreachable"]),
    ];
    let expected = expected.into_iter().flat_map(|(dependency, outcomes)| {
        outcomes.map(|outcome| format!("dependency={dependency},outcome={outcome}"))
    });
    assert_eq!(failures, expected.collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_stay_bounded_when_everything_was_used() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[FEW]).await;
    let client = &service.client;

    let routes = use_everything(client).await;

    let text = client.get("/metrics").await.text;
    let lines = series(&text);
    let unused: Vec<&(String, String)> = routes
        .iter()
        .filter(|(method, endpoint)| {
            let labels = format!("method=\"{method}\",endpoint=\"{endpoint}\"");
            let is_used = |(name, of, value): &(&str, &str, f64)| {
                *name == "instrument_registry_http_request_duration_seconds_count" && *of == labels && *value > 0.0
            };
            !lines.iter().any(is_used)
        })
        .collect();
    assert_eq!(unused, Vec::<&(String, String)>::new());
    assert!(routes.len() > 40, "{routes:?}");
    assert!(text.len() <= BYTES_MAX, "{} bytes: {:?}", text.len(), largest(&text));
}

/// Uses every route, successfully if possible, and returns methods and templates.
pub(crate) async fn use_everything(client: &Client) -> Vec<(String, String)> {
    use_plans_and_profiles(client).await;
    use_ingest(client).await;
    use_every_route_for_nothing_known(client).await
}

/// Returns the metrics with the most bytes, for a message.
fn largest(text: &str) -> Vec<(usize, &str)> {
    let mut bytes: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        *bytes.entry(line.split(['{', ' ']).next().unwrap_or_default()).or_default() += line.len();
    }
    let mut sizes: Vec<(usize, &str)> = bytes.into_iter().map(|(name, bytes)| (bytes, name)).collect();
    sizes.sort_unstable();
    sizes.into_iter().rev().take(8).collect()
}

async fn use_plans_and_profiles(client: &Client) {
    let plan = client.plan("user", &body(&["NSE:TCS"])).await;
    let plan_id = plan["plan_id"].as_str().expect("the value is an id");
    let keyed = client.request(Method::POST, "plan?user_id=user").header("Idempotency-Key", "key");
    Answer::to(keyed.json(&body(&["NSE:INFY"]))).await.json();
    client.read(&format!("plans/{plan_id}")).await;
    client.post_text(&format!("plan/{plan_id}/describe"), "").await.json();
    for path in ["plans?user_id=user", "planner/config"] {
        client.read(path).await;
    }
    for path in ["instruments", "instruments/resolve?symbol=TCS&exchange=NSE", "instruments/NSE:TCS", "brokers"] {
        client.read(&format!("{REGISTRY}/{path}")).await;
    }
    client.post(&format!("{REGISTRY}/search"), &json!({"query": "TCS"})).await.json();
    client.post(&format!("{REGISTRY}/instruments:batchResolve"), &json!({"instruments": ["NSE:TCS"]})).await.json();

    let created = client.post(PROFILES, &profile("user", "first", &["NSE:TCS"])).await.json();
    let profile_id = id(&created);
    put(client, profile_id, &json!({"profile_name": "renamed"})).await.json();
    let own = format!("{PROFILES}/{profile_id}");
    client.post(&format!("{own}/versions/1/restore"), &json!({})).await.json();
    client.post(&format!("{own}/replan"), &json!({})).await.json();
    for path in ["", "/audit", "/versions", "/plans"] {
        client.read(&format!("{own}{path}")).await;
    }
    Answer::to(client.request(Method::DELETE, &own)).await.json();
    client.post(&format!("{own}/activate"), &json!({})).await.json();
    client
        .post(&format!("{PROFILES}/users/user/import"), &json!({"profiles": [profile("user", "second", &["NSE:TCS"])]}))
        .await;
    for path in ["users/user/profiles", "users/user/export", "conflicts/users/user", "attention", "admin/stats"] {
        client.read(&format!("{PROFILES}/{path}")).await;
    }
}

async fn use_ingest(client: &Client) {
    let path = format!("{REGISTRY}/brokers/kite/ingest");
    let upload = client.request(Method::POST, &path).header("Content-Type", "application/octet-stream");
    let job = Answer::to(upload.body(kite_of(3))).await.json();
    let job_path = format!("{REGISTRY}/jobs/{}", job["job_id"].as_str().expect("the value is an id"));
    eventually("the job ends", SOON, async || {
        (client.read(&job_path).await["status"] == json!("completed")).then_some(())
    })
    .await;
    client.read(CATALOG_VERSIONS).await;
    client.read(&format!("{CATALOG_VERSIONS}/1/diff")).await;
    Answer::to(client.request(Method::DELETE, &job_path)).await;
}

/// Sends a request to every route, with ids that do not exist, and returns methods and templates.
async fn use_every_route_for_nothing_known(client: &Client) -> Vec<(String, String)> {
    let document: Value = client.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().expect("the document has paths");
    let mut routes = vec![("GET".to_owned(), "/openapi.json".to_owned())];
    for (path, operations) in paths {
        for method in operations.as_object().expect("a path has operations").keys() {
            routes.push((method.to_uppercase(), path.clone()));
        }
    }
    for (method, path) in &routes {
        let mut sent = path.clone();
        while let (Some(start), Some(end)) = (sent.find('{'), sent.find('}')) {
            sent.replace_range(start..=end, "missing");
        }
        let request = client.request(Method::from_bytes(method.as_bytes()).expect("it is a method"), &sent);
        if path.ends_with("/stream") {
            // The body of a stream does not end, so do not read it.
            request.send().await.expect("the service answers");
            continue;
        }
        Answer::to(request.json(&json!({}))).await;
    }
    routes
}
