//! Health, readiness, metrics.

use reqwest::Method;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn process_answers() {
    let service = Service::start().await;
    let recorder = Recorder::new(&service.client);

    recorder.record_with_every_header("health", get("/health").without_key()).await;
    recorder.record("metrics", get("/metrics").without_key()).await;
    recorder.record("openapi", get("/openapi.json").without_key()).await;
    recorder.record("health_method_not_allowed", post_nothing("/health").without_key()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_answers() {
    let demonstration = Service::start().await;
    let recorder = Recorder::new(&demonstration.client);
    recorder.record("ready_with_demonstration", get("/ready").without_key()).await;
    let summary = get(format!("{REGISTRY}/catalog/summary?include_stats=false"));
    recorder.record("catalog_summary_demonstration", summary).await;
    drop(recorder);

    let loaded = loaded_service(&[]).await;
    let recorder = Recorder::new(&loaded.client);
    recorder.record("ready", get("/ready").without_key()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_answers() {
    let service = Service::start().await;
    let client = service.client.clone();
    let recorder = Recorder::new(&client);
    recorder.record("status", get(STATUS)).await;
    let admin = |path: &str| format!("{REGISTRY}/admin/{path}");
    recorder.record("settings_refresh", post_nothing(admin("settings/refresh"))).await;
    let force = |action: &str| post(admin("breakers/database"), &json!({"action": action}));
    recorder.record("breaker_forced", force("force_closed")).await;
    recorder.record("breaker_reset", force("reset")).await;
    recorder.record("breaker_invalid", force("open")).await;
    recorder.record("breaker_unknown", post(admin("breakers/mongo"), &json!({"action": "reset"}))).await;
    recorder.record("log_level_invalid", put(admin("log-level"), &json!({"level": "verbose"}))).await;
    recorder.record("log_level", put(admin("log-level"), &json!({"level": "info"}))).await;

    // A stream ends when the service stops.
    let request = client.request(Method::GET, STREAM).header("X-Correlation-ID", "contract");
    let response = request.send().await.expect("the service answers");
    let (running, _folder) = service.stop();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("the stream ends");
    recorder.compare("status_stream", &get(STREAM), &Answer { status, headers, text });
    running.await.expect("the task does not panic").expect("it ends well");
}
