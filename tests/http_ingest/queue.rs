//! The queue of jobs.

use serde_json::json;

use super::{FEW, ask, cancel, id, job, kite_of, serve_endless_file, symbols, until, upload};
use crate::support::{SOON, Service, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_has_one_job_at_a_time() {
    let endless = serve_endless_file().await;
    let service = Service::with(&[FEW, ("INSTRUMENT_REGISTRY_INGEST_ORIGINS", &format!("http://{endless}"))]).await;
    let client = &service.client;
    let source = json!({"source": format!("http://{endless}/file.csv")});
    let running = id(&ask(client, "kite", &source).await);
    until(client, &running, "running").await;

    let busy = upload(client, "kite", "", kite_of(1)).await.problem(409, "job_in_progress");
    // The status comes from the database, which is written after the actor reports the new one.
    let detail = busy["detail"].as_str().unwrap();
    let states = ["queued", "running"]
        .map(|status| format!("job {running} of this broker is {status}; retry after it finishes"));
    assert!(states.contains(&detail.to_owned()), "{detail}");

    let stopping = cancel(client, &running).await;
    assert_eq!(stopping["job_id"], running);
    let stopped = until(client, &running, "cancelled").await;
    assert_eq!(stopped["errors"], json!([]));
    assert_eq!(stopped["version"], json!(null));
    assert!(stopped["finished_at"].is_string());

    // A finished job keeps its status, and the service accepts the next job of the broker.
    assert_eq!(cancel(client, &running).await["status"], "cancelled");
    let next = upload(client, "kite", "", kite_of(1)).await;
    assert_eq!(until(client, &id(&next), "completed").await["new_instruments"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_jobs_start_by_priority() {
    let endless = serve_endless_file().await;
    let service = Service::with(&[FEW, ("INSTRUMENT_REGISTRY_INGEST_ORIGINS", &format!("http://{endless}"))]).await;
    let client = &service.client;
    let running = id(&ask(client, "kite", &json!({"source": format!("http://{endless}/file.csv")})).await);
    until(client, &running, "running").await;

    // No file is valid for its broker, so each job ends as soon as its file is read.
    let mut waiting = Vec::new();
    for (broker, priority) in [("dhan", "low"), ("angel", "5"), ("groww", "high"), ("nuvama", "normal")] {
        waiting.push(id(&upload(client, broker, &format!("priority={priority}"), "x").await));
    }
    let unwanted = id(&upload(client, "fyers", "priority=10", "x").await);
    for waiting in waiting.iter().chain([&unwanted]) {
        let waiting = job(client, waiting).await;
        assert_eq!(waiting["status"], "queued");
        assert_eq!(waiting["progress"], 0);
        assert_eq!(waiting["started_at"], json!(null));
    }
    assert_eq!(cancel(client, &unwanted).await["status"], "cancelled");
    cancel(client, &running).await;

    let mut order = Vec::new();
    for waiting in &waiting {
        let ended = until(client, waiting, "failed").await;
        order.push((ended["started_at"].as_str().unwrap().to_owned(), ended["broker_id"].as_str().unwrap().to_owned()));
    }
    order.sort();
    let order: Vec<&str> = order.iter().map(|(_, broker)| broker.as_str()).collect();
    assert_eq!(order, ["groww", "angel", "nuvama", "dhan"]);
    assert_eq!(job(client, &unwanted).await["started_at"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn running_jobs_survive_a_restart_of_the_ingest_actor() {
    let endless = serve_endless_file().await;
    let service = Service::with(&[FEW, ("INSTRUMENT_REGISTRY_INGEST_ORIGINS", &format!("http://{endless}"))]).await;
    let client = &service.client;
    let running = id(&ask(client, "kite", &json!({"source": format!("http://{endless}/file.csv")})).await);
    until(client, &running, "running").await;
    let waiting = id(&upload(client, "dhan", "", "x").await);

    assert!(service.engine.crash("ingest"));

    // The queued job is lost with the queue and fails. The running job continues and can be canceled.
    let lost = until(client, &waiting, "failed").await;
    assert_eq!(lost["errors"], json!(["the job queue was lost because an actor restarted; submit the job again"]));
    assert_eq!(job(client, &running).await["status"], "running");
    eventually("the actor is back", SOON, async || {
        cancel(client, &running).await;
        (job(client, &running).await["status"] == "cancelled").then_some(())
    })
    .await;
    let next = id(&upload(client, "kite", "", kite_of(1)).await);
    until(client, &next, "completed").await;
    super::until_served(client, 1).await;
    assert_eq!(symbols(client, true).await, ["SHARE1"]);
}
