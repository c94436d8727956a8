//! Jobs after a crash or a shutdown of their service.

use std::path::Path;

use serde_json::json;

use super::{FEW, ask, id, job, kite_of, serve_endless_file, until, upload};
use crate::support::{Process, SOON, eventually};

async fn with_running_job(folder: &Path) -> (Process, String) {
    let endless = serve_endless_file().await;
    let origin = format!("http://{endless}");
    let service = Process::start(folder, &[FEW, ("INSTRUMENT_REGISTRY_INGEST_ORIGINS", &origin)]).await;
    let source = json!({"source": format!("{origin}/file.csv")});
    let running = id(&ask(&service.client, "kite", &source).await);
    until(&service.client, &running, "running").await;
    (service, running)
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_killed_service_fail() {
    let folder = tempfile::tempdir().unwrap();
    let (mut service, running) = with_running_job(folder.path()).await;
    let waiting = id(&upload(&service.client, "dhan", "", "x").await);

    service.kill();
    let service = Process::start(folder.path(), &[FEW]).await;

    for orphan in [&running, &waiting] {
        let failed = eventually("it has failed", SOON, async || {
            let job = job(&service.client, orphan).await;
            (job["status"] == "failed").then_some(job)
        })
        .await;
        let why = "its replica stopped or sent no heartbeat for 15 s; see catalog/versions for the accepted files";
        assert_eq!(failed["errors"], json!([why]));
        assert!(failed["finished_at"].is_string());
    }
    let next = upload(&service.client, "kite", "", kite_of(1)).await;
    until(&service.client, &id(&next), "completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_fails_unfinished_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let (mut service, running) = with_running_job(folder.path()).await;
    let waiting = id(&upload(&service.client, "dhan", "", "x").await);

    service.terminate();
    let ended = service.end(SOON).await;
    let service = Process::start(folder.path(), &[FEW]).await;

    assert!(ended.success(), "{ended}");
    for stopped in [&running, &waiting] {
        let failed = job(&service.client, stopped).await;
        assert_eq!(failed["status"], "failed");
        assert_eq!(failed["errors"], json!(["the service shut down before the job completed"]));
    }
}
