//! Ingests of files: jobs in every status, and rejected requests.

use axum::Router;
use tempfile::TempDir;

use super::*;
use crate::support::Process;

/// Starts a service in its own process, because all services of a process share the limit of concurrent uploads.
async fn process(variables: &[(&str, &str)]) -> (Process, TempDir) {
    let folder = TempDir::new().expect("a folder can be made");
    (Process::start(folder.path(), &[&LOOSE_GATES[..], variables].concat()).await, folder)
}

/// Serves a file whose response never ends, and returns its origin.
async fn serve_endless_file() -> String {
    let handler = || async {
        let first = futures_util::stream::once(async { Ok::<_, std::io::Error>(kite_before().into_bytes()) });
        axum::body::Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let router = Router::new().route("/file.csv", axum::routing::get(handler));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_answers() {
    let origin = serve_endless_file().await;
    let (service, _folder) = process(&[("INSTRUMENT_REGISTRY_INGEST_ORIGINS", &origin)]).await;
    let recorder = Recorder::new(&service.client);
    let path = |broker: &str, query: &str| format!("{REGISTRY}/brokers/{broker}/ingest{query}");
    let upload = |broker: &str, query: &str, file: String| {
        post_nothing(path(broker, query)).sending("application/octet-stream", file)
    };
    let job = |answer: &Answer| format!("{REGISTRY}/jobs/{}", text(&answer.json()["job_id"]));
    let until = async |answer: &Answer, status: &str| {
        until_status(&service.client, &text(&answer.json()["job_id"]), status).await;
    };

    let named = "?file_date=2025-01-15&file_name=kite.csv&priority=high";
    let first = recorder.record("ingest_upload", upload("kite", named, kite_before())).await;
    until(&first, "completed").await;
    recorder.record("job_completed", get(job(&first))).await;
    recorder.record("job_cancelled_too_late", delete(job(&first))).await;

    let older = recorder.send(upload("kite", "?file_date=2025-01-14&file_name=kite.csv", kite_after())).await;
    until(&older, "failed").await;
    recorder.record("job_failed_at_gate", get(job(&older))).await;
    let forced = "?file_date=2025-01-14&file_name=kite.csv&force=true&mode=incremental&priority=low";
    let forced = recorder.record("ingest_forced", upload("kite", forced, kite_after())).await;
    until(&forced, "completed").await;
    recorder.record("job_forced", get(job(&forced))).await;
    recorder.record("versions_overruled", get(format!("{CATALOG_VERSIONS}?limit=1"))).await;
    let part = "?mode=on_demand&segments=NSE_FO&exchanges=NFO&instrument_types=FUT";
    let part = recorder.record("ingest_on_demand", upload("kite", part, kite_after())).await;
    until(&part, "completed").await;
    let future = recorder.send(upload("kite", "?file_date=9999-12-31&force=true", kite_after())).await;
    until(&future, "failed").await;
    recorder.record("job_failed_in_the_future", get(job(&future))).await;
    let unreadable = recorder.send(upload("upstox", "", "<!DOCTYPE html>".to_owned())).await;
    until(&unreadable, "failed").await;
    recorder.record("job_failed_unreadable", get(job(&unreadable))).await;
    eventually("the refusal is reported", SOON, async || {
        let ready = service.client.read("/ready").await;
        let detail = ready["checks"]["catalogue"]["detail"].as_str()?;
        (detail.starts_with("version 3, ") && detail.contains("of upstox rejected")).then_some(())
    })
    .await;
    recorder.record("ready_with_refused_files", get("/ready")).await;
    recorder.record("rejections_dismissed", delete(format!("{REGISTRY}/brokers/upstox/rejections"))).await;

    let endless = json!({"source": format!("{origin}/file.csv"), "mode": "full_catalog", "priority": 7});
    let running = recorder.record("ingest_source", post(path("dhan", ""), &endless)).await;
    until(&running, "running").await;
    recorder.record("job_running", get(job(&running))).await;
    eventually("the job is stored as running", SOON, async || {
        let conflict = recorder.send(post(path("dhan", ""), &endless)).await.problem(409, "job_in_progress");
        conflict["detail"].as_str()?.contains("is running").then_some(())
    })
    .await;
    recorder.record("ingest_in_progress", post(path("dhan", ""), &endless)).await;
    let queued = recorder.send(post(path("groww", ""), &endless)).await;
    recorder.record("job_queued", get(job(&queued))).await;
    recorder.record("job_cancelled", delete(job(&queued))).await;
    recorder.record("job_cancelled_while_running", delete(job(&running))).await;
    until(&running, "cancelled").await;
    recorder.record("job_ended_by_cancellation", get(job(&running))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_faults() {
    let (service, _folder) = process(&[("INSTRUMENT_REGISTRY_INGEST_BYTES_MAX", "1048576")]).await;
    let recorder = Recorder::new(&service.client);
    let path = format!("{REGISTRY}/brokers/kite/ingest");
    let upload =
        |query: &str, file: Vec<u8>| post_nothing(format!("{path}{query}")).sending("application/octet-stream", file);

    let wrong = json!({
        "broker_id": "dhan", "mode": "all", "filters": {"segments": ["NSE_EQ", "NYSE"], "x": 1}, "priority": 11,
        "source": "../file.csv", "x": true,
    });
    recorder.record("ingest_every_fault", post(format!("{path}?file_date=today&force=maybe&x=1"), &wrong)).await;
    let query = "?file_name=&mode=some&priority=0&segments=NSE_EQ,X&exchanges=&instrument_types=X&file_date=2026-13-01";
    recorder.record("ingest_upload_every_fault", upload(query, b"x".to_vec())).await;
    recorder.record("ingest_on_demand_of_nothing", upload("?mode=on_demand", b"x".to_vec())).await;
    recorder.record("ingest_without_source", post_nothing(&path)).await;
    recorder.record("ingest_empty_file", upload("", Vec::new())).await;
    recorder.record("ingest_file_too_large", upload("", vec![b'x'; (1 << 20) + 1])).await;
    recorder.record("ingest_other_type", post_nothing(&path).sending("text/csv", "x")).await;
    recorder.record("ingest_unknown_broker", post_nothing(format!("{REGISTRY}/brokers/robinhood/ingest"))).await;
    recorder.record("ingest_broker_without_files", post_nothing(format!("{REGISTRY}/brokers/kotak/ingest"))).await;
    recorder.record("job_unknown", get(format!("{REGISTRY}/jobs/{}", unknown_id("job")))).await;
    recorder.record("job_unknown_cancelled", delete(format!("{REGISTRY}/jobs/{}", unknown_id("job")))).await;
    recorder.record("job_malformed_id", get(format!("{REGISTRY}/jobs/x"))).await;
    recorder.record("job_unknown_parameter", get(format!("{REGISTRY}/jobs/{}?x=1", unknown_id("job")))).await;
}
