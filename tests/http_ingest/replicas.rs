//! Ingests of two services on one database.

use chrono::{FixedOffset, TimeDelta, Utc};
use serde_json::json;
use test_servers::TestDatabase;

use super::{FEW, ask, cancel, id, job, kite, kite_of, serve_endless_file, until, upload};
use crate::support::{CATALOG_VERSIONS, SOON, Service, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_can_be_read_and_canceled_on_every_replica() {
    let Some(database) = TestDatabase::new() else { return };
    let (endless, url) = (serve_endless_file().await, database.url());
    let origin = format!("http://{endless}");
    let variables = [FEW, ("DATABASE_URL", &*url), ("INSTRUMENT_REGISTRY_INGEST_ORIGINS", &*origin)];
    let (here, there) = (Service::with(&variables).await, Service::with(&variables).await);
    let running = id(&ask(&here.client, "kite", &json!({"source": format!("{origin}/file.csv")})).await);
    until(&there.client, &running, "running").await;

    let busy = upload(&there.client, "kite", "", kite_of(1)).await.problem(409, "job_in_progress");
    assert_eq!(busy["detail"], format!("job {running} of this broker is running; retry after it finishes"));
    assert_eq!(cancel(&there.client, &running).await["status"], "running");
    let stopped = until(&here.client, &running, "cancelled").await;
    assert_eq!(stopped["errors"], json!([]));
    eventually("it is known there too", SOON, async || {
        (job(&there.client, &running).await["status"] == "cancelled").then_some(())
    })
    .await;

    // Both services serve a file that one of them accepted.
    let next = id(&upload(&there.client, "kite", "", kite_of(1)).await);
    until(&here.client, &next, "completed").await;
    super::until_served(&here.client, 1).await;
    super::until_served(&there.client, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_runs_a_scheduled_ingest() {
    let Some(database) = TestDatabase::new() else { return };
    let (folder, url) = (tempfile::tempdir().unwrap(), database.url());
    let file = folder.path().join("kite.csv");
    std::fs::write(&file, kite(&[("ONE", 1)])).unwrap();
    let ist = FixedOffset::east_opt(5 * 3600 + 1800).unwrap();
    let at = (Utc::now().with_timezone(&ist) - TimeDelta::minutes(3)).format("%H:%M").to_string();
    let variables = [
        FEW,
        ("DATABASE_URL", &*url),
        ("INSTRUMENT_REGISTRY_INGEST_SOURCE_KITE", file.to_str().unwrap()),
        ("INSTRUMENT_REGISTRY_INGEST_AT_KITE", &*at),
        ("INSTRUMENT_REGISTRY_INGEST_RETRY_SECONDS", "1"),
    ];

    let (here, there) = tokio::join!(Service::with(&variables), Service::with(&variables));
    super::until_served(&here.client, 1).await;
    super::until_served(&there.client, 1).await;
    // Both services check the schedule several times in this time.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;

    let versions = here.client.get(CATALOG_VERSIONS).await.json();
    assert_eq!(versions["versions"].as_array().unwrap().len(), 1);
}
