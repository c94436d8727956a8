//! Operation of the process: health, readiness, metrics, the OpenAPI document, headers.

mod broker_limits;
mod connections;
mod dashboard;
mod documentation;
pub(crate) mod exposition;
mod hang_ups;
mod headers;
mod logs;
pub(crate) mod measures;
mod readiness;
mod spans;
mod supervision;
mod timing;
mod tracing;

use chrono::DateTime;
use serde_json::Value;

use crate::support::{BASE, CATALOG_VERSIONS, REGISTRY, Service, fields};

#[tokio::test(flavor = "multi_thread")]
async fn health_reports_service_and_version() {
    let service = Service::start().await;

    let health = service.client.get("/health").await.json();

    assert_eq!(fields(&health), ["service", "status", "timestamp", "version"]);
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["service"], "instrument_registry");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(DateTime::parse_from_rfc3339(health["timestamp"].as_str().unwrap()).is_ok(), "{health}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_lists_every_route() {
    let service = Service::start().await;

    let document = service.client.get("/openapi.json").await.json();

    assert!(document["openapi"].as_str().unwrap().starts_with("3."), "{}", document["openapi"]);
    let routes: Vec<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| format!("{method} {path}")))
        .collect();
    let mut expected = vec![
        format!("post {BASE}/plan"),
        format!("post {BASE}/plan/{{plan_id}}/describe"),
        format!("get {BASE}/plans"),
        format!("get {BASE}/plans/{{plan_id}}"),
        format!("get {BASE}/plans/{{plan_id}}/diff"),
        format!("get {BASE}/plans/{{plan_id}}/explain"),
        format!("get {BASE}/plans/{{plan_id}}/schedule"),
        format!("get {BASE}/plans/{{plan_id}}/verify"),
        format!("post {BASE}/plans/{{plan_id}}/rebalance"),
        format!("get {BASE}/plans/{{plan_id}}/subscriptions"),
        format!("get {BASE}/planner/config"),
        format!("post {BASE}/planner/cleanup"),
        format!("get {CATALOG_VERSIONS}"),
        format!("get {CATALOG_VERSIONS}/{{version}}/diff"),
        format!("get {REGISTRY}/instruments"),
        format!("get {REGISTRY}/instruments/resolve"),
        format!("get {REGISTRY}/instruments/{{instrument_key}}"),
        format!("post {REGISTRY}/instruments:batchResolve"),
        format!("post {REGISTRY}/search"),
        format!("post {REGISTRY}/brokers/{{broker_id}}/ingest"),
        format!("get {REGISTRY}/jobs/{{job_id}}"),
        format!("delete {REGISTRY}/jobs/{{job_id}}"),
        format!("post {REGISTRY}/admin/settings/refresh"),
        format!("post {REGISTRY}/admin/breakers/{{dependency}}"),
        format!("put {REGISTRY}/admin/log-level"),
        format!("delete {REGISTRY}/brokers/{{broker_id}}/rejections"),
        format!("get {REGISTRY}/status"),
        format!("get {REGISTRY}/status/stream"),
        format!("get {REGISTRY}/catalog/summary"),
        format!("get {REGISTRY}/calendar"),
        format!("get {REGISTRY}/brokers"),
        format!("get {REGISTRY}/brokers/{{broker_id}}/limits"),
        format!("get {REGISTRY}/brokers/{{broker_id}}/tokens/{{instrument_key}}"),
        "get /health".to_owned(),
        "get /ready".to_owned(),
        "get /metrics".to_owned(),
    ];
    let profiles = [
        "post ",
        "get /{profile_id}",
        "put /{profile_id}",
        "delete /{profile_id}",
        "post /{profile_id}/activate",
        "get /{profile_id}/audit",
        "get /{profile_id}/versions",
        "post /{profile_id}/versions/{version}/restore",
        "get /{profile_id}/plans",
        "post /{profile_id}/replan",
        "get /users/{user_id}/profiles",
        "get /users/{user_id}/export",
        "post /users/{user_id}/import",
        "get /conflicts/users/{user_id}",
        "post /conflicts/{conflict_id}/resolve",
        "get /attention",
        "get /admin/stats",
        "post /admin/cleanup-audit-logs",
    ];
    let prefix = |route: &str| route.replacen(' ', " /api/v1/internal/subscription-profiles", 1);
    expected.extend(profiles.map(prefix));
    expected.sort_unstable();
    let mut routes = routes;
    routes.sort_unstable();
    assert_eq!(routes, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_in_the_openapi_document_resolves() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let service = Service::start().await;

    let document = service.client.get("/openapi.json").await.json();

    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
