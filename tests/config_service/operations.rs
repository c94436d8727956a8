//! The actions of operators on the settings: refreshes, and the breaker of the config service.

use serde_json::json;

use super::*;
use crate::support::{Client, REGISTRY};

async fn act(client: &Client, path: &str, body: &Value) -> Value {
    client.post(&format!("{REGISTRY}/admin/{path}"), body).await.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_returns_after_the_settings_changed() {
    let (standin, folder) = (Standin::start(&[(TTL, "60")]).await, TempDir::new().unwrap());
    let service = service(&standin, &[("DATABASE_URL", &database_in(&folder))]).await;
    ready(&service).await;

    standin.set(TTL, "70");
    let refreshed = act(&service.client, "settings/refresh", &json!({})).await;

    assert_eq!(refreshed["outcome"], "ok", "{refreshed}");
    assert_eq!(ttl(&service).await.0, "70");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_without_a_response_fails() {
    let (standin, folder) = (Standin::start(&[(TTL, "60")]).await, TempDir::new().unwrap());
    let service = service(&standin, &[("DATABASE_URL", &database_in(&folder))]).await;
    ready(&service).await;

    standin.stop().await;
    let first = act(&service.client, "settings/refresh", &json!({})).await;
    let rejected = act(&service.client, "settings/refresh", &json!({})).await;

    assert_eq!(first["outcome"], "failed", "{first}");
    assert!(first["detail"].as_str().is_some_and(|detail| detail.contains("connection")), "{first}");
    assert_eq!(rejected["outcome"], "failed");
    assert!(rejected["detail"].as_str().is_some_and(|detail| detail.contains("circuit breaker")), "{rejected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_breaker_refreshes_the_settings() {
    let (standin, folder) = (Standin::start(&[(TTL, "60")]).await, TempDir::new().unwrap());
    let service = service(&standin, &[("DATABASE_URL", &database_in(&folder))]).await;
    ready(&service).await;

    let forced = act(&service.client, "breakers/config_service", &json!({"action": "force_open"})).await;
    standin.set(TTL, "80");
    let rejected = act(&service.client, "settings/refresh", &json!({})).await;
    act(&service.client, "breakers/config_service", &json!({"action": "reset"})).await;

    until_ttl(&service, "80", "config_service").await;
    assert_eq!(forced["forced"], "open");
    assert_eq!(rejected["outcome"], "failed");
}
