//! Scheduled ingests, and the configured source of a broker.

use chrono::{FixedOffset, TimeDelta, Utc};

use super::{FEW, kite, symbols};
use crate::support::{CATALOG_VERSIONS, SOON, Service, eventually};

/// Returns the time of day in India three minutes ago.
fn a_few_minutes_ago() -> String {
    let ist = FixedOffset::east_opt(5 * 3600 + 1800).expect("it is a zone");
    (Utc::now().with_timezone(&ist) - TimeDelta::minutes(3)).format("%H:%M").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_ingest_runs_late_and_failures_are_retried() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kite.csv");
    let variables = [
        FEW,
        ("INSTRUMENT_REGISTRY_INGEST_SOURCE_KITE", file.to_str().unwrap()),
        ("INSTRUMENT_REGISTRY_INGEST_AT_KITE", &a_few_minutes_ago()),
        ("INSTRUMENT_REGISTRY_INGEST_RETRY_SECONDS", "1"),
    ];
    let failed = "instrument_registry_ingestion_jobs_total{broker_id=\"kite\",mode=\"full_catalog\",status=\"failed\"}";
    let service = Service::with(&variables).await;
    let client = &service.client;
    let before = client.metric(failed).await.expect("it is there from the start");

    // The file does not exist yet.
    eventually("an attempt has failed", SOON, async || {
        (client.metric(failed).await.expect("it is there") > before).then_some(())
    })
    .await;
    std::fs::write(&file, kite(&[("ONE", 1)])).unwrap();
    super::until_served(client, 1).await;

    assert_eq!(symbols(client, true).await, ["ONE"]);
    // The schedule must not ingest the file again.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let versions = client.get(CATALOG_VERSIONS).await.json();
    assert_eq!(versions["versions"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_source_uses_the_configured_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kite_2026-11-20.csv");
    std::fs::write(&file, kite(&[("ONE", 1)])).unwrap();
    let source = ("INSTRUMENT_REGISTRY_INGEST_SOURCE_KITE", file.to_str().unwrap());
    let service = Service::with(&[FEW, source]).await;

    let body = serde_json::json!({"broker_id": "kite", "mode": "full_catalog", "filters": {}, "priority": 1});
    let taken = super::ask(&service.client, "kite", &body).await;
    let done = super::until(&service.client, &super::id(&taken), "completed").await;

    assert_eq!(done["source"], file.to_str().unwrap());
    assert_eq!(done["priority"], 1);
}
