//! The settings and the cleanup of the planner.

use chrono::DateTime;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::support::{SOON, Service, body, eventually, fields, with};

const KEYS: [&str; 5] = [
    "INSTRUMENT_REGISTRY_FILTERING_STRICTNESS",
    "INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN",
    "INSTRUMENT_REGISTRY_PLANNER_OPTIMIZATION_LEVEL",
    "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT",
    "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_five_planner_settings_are_shown_with_their_sources() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "77")]).await;

    let config = service.client.read("planner/config").await;

    assert_eq!(
        fields(&config),
        ["configuration", "correlation_id", "last_updated", "response_time_ms", "sources", "version"]
    );
    assert_eq!(fields(&config["configuration"]), KEYS);
    assert_eq!(fields(&config["sources"]), KEYS);
    let shown = |key: &str| (config["configuration"][key].clone(), config["sources"][key].clone());
    assert_eq!(shown(KEYS[1]), (json!("77"), json!("environment")));
    assert_eq!(shown(KEYS[2]), (json!("moderate"), json!("default")));
    assert_eq!(shown(KEYS[3]), (json!("30"), json!("default")));
    assert_eq!(shown(KEYS[4]), (json!("300"), json!("default")));
    assert!(DateTime::parse_from_rfc3339(config["last_updated"].as_str().unwrap()).is_ok(), "{config}");
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_settings_have_equal_versions_on_every_replica() {
    let version = async |variables: &[(&str, &str)]| {
        Service::with(variables).await.client.read("planner/config").await["version"].clone()
    };

    let (default, same) = (version(&[]).await, version(&[("INSTRUMENT_REGISTRY_PLAN_CACHE_TTL", "300")]).await);
    let other = version(&[("INSTRUMENT_REGISTRY_PLAN_CACHE_TTL", "301")]).await;

    assert_eq!(default, same);
    assert_ne!(default, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn cleanup_reports_zero_when_nothing_expired() {
    let service = Service::start().await;
    service.client.plan("u", &body(&["NSE:TCS"])).await;

    for answer in [
        service.client.post_text("planner/cleanup", "").await,
        service.client.post("planner/cleanup", &json!({})).await,
    ] {
        let cleaned = answer.json();
        assert_eq!(
            fields(&cleaned),
            ["cleared_cache_entries", "correlation_id", "deleted_plans", "duration_ms", "response_time_ms"]
        );
        assert_eq!(cleaned["deleted_plans"], 0);
        assert_eq!(cleaned["cleared_cache_entries"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cleanup_deletes_only_plans_past_their_retention() {
    let service = Service::start().await;
    let young = service.client.plan("young", &body(&["NSE:TCS"])).await;
    let old = service.client.plan("old", &body(&["NSE:TCS"])).await;
    let mut database: SqliteConnection =
        SqliteConnectOptions::new().filename(service.database()).connect().await.unwrap();
    let aged = sqlx::query("update subscription_plans set plan_id = ?, created_at = 1 where plan_id = ?")
        .bind("plan_00000000000170008000000000000001")
        .bind(old["plan_id"].as_str())
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();

    let cleaned = service.client.post_text("planner/cleanup", "").await.json();

    assert_eq!(aged.rows_affected(), 1);
    assert_eq!(cleaned["deleted_plans"], 1);
    service.client.get("plans/plan_00000000000170008000000000000001").await.problem(404, "not_found");
    assert_eq!(service.client.read("plans").await["plans"][0]["plan_id"], young["plan_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cleanup_counts_cleared_cache_entries() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_PLAN_CACHE_TTL", "1")]).await;
    let mut day = 0;

    // The cache also removes expired entries every 5 s. If that happens first, retry with another plan.
    let cleared = eventually("an entry is cleared", SOON, async || {
        day += 1;
        let request = with(body(&["NSE:TCS"]), "as_of", format!("2030-02-{day:02}"));
        let plan = service.client.plan("u", &request).await;
        let expires_at = plan["plan_data"]["expires_at"].as_str().unwrap();
        let expires_at = DateTime::parse_from_rfc3339(expires_at).unwrap();
        eventually("the plan expires", SOON, async || {
            (chrono::Utc::now() > expires_at + chrono::TimeDelta::milliseconds(20)).then_some(())
        })
        .await;
        let cleaned = service.client.post_text("planner/cleanup", "").await.json();
        cleaned["cleared_cache_entries"].as_u64().filter(|cleared| *cleared > 0)
    })
    .await;

    assert_eq!(cleared, 1);
    assert_eq!(service.client.read("plans").await["pagination"]["total"], day);
}
