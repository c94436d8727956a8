//! The spans that a collector receives.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use reqwest::Method;
use tempfile::TempDir;
use test_servers::PostgresServer;

use crate::support::collector::{Collector, ReceivedSpan};
use crate::support::{Answer, BASE, Process, SOON, Standin, body, eventually};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const SERVER: i32 = 2;
const CLIENT: i32 = 3;

/// Exports spans after 50 ms, so that tests do not wait for the default of 5 s.
const OFTEN: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "50");

/// Starts a service that exports to the collector.
async fn start(folder: &TempDir, collector: &Collector, variables: &[(&str, &str)]) -> Process {
    let url = collector.url();
    let mut all = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", &*url)];
    all.extend(variables);
    Process::start(folder.path(), &all).await
}

/// Requests a plan with a `traceparent` that has these flags.
async fn request_plan(service: &Process, instrument: &str, flags: &str) -> Answer {
    let request = service.client.request(Method::POST, "plan?user_id=u").json(&body(&[instrument]));
    Answer::to(request.header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"))).await
}

fn names(spans: &[ReceivedSpan]) -> Vec<&str> {
    let mut names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn plan_span() -> String {
    format!("POST {BASE}/plan")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_spans_for_its_stages() {
    let (folder, collector) = (TempDir::new().unwrap(), Collector::start().await);
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20fake");
    let service = start(&folder, &collector, &[OFTEN, headers]).await;

    let answer = request_plan(&service, "NSE:TCS", "01").await;

    assert_eq!(answer.status, 200);
    let span = collector.span(&plan_span(), |_| true).await;
    assert_eq!(span.trace_id, TRACE);
    assert_eq!(span.parent_id, PARENT);
    assert_eq!(answer.header("traceparent"), format!("00-{TRACE}-{}-01", span.span_id));
    assert_eq!(span.kind, SERVER);
    assert!(!span.has_failed);
    assert_eq!(span.attributes["http.request.method"], "POST");
    assert_eq!(span.attributes["http.route"], format!("{BASE}/plan"));
    assert_eq!(span.attributes["http.response.status_code"], "200");
    assert_eq!(span.attributes["instrument_registry.correlation_id"], answer.header("X-Correlation-ID"));
    assert_eq!(span.resource["service.name"], "instrument-registry");
    assert_eq!(collector.authorization().as_deref(), Some("Basic fake"));

    let stages = collector.children(&span);
    assert_eq!(names(&stages), ["cache", "database", "plan", "queue"]);
    for stage in &stages {
        assert_eq!(stage.trace_id, TRACE);
        assert!(span.started_at <= stage.started_at, "{stage:?} {span:?}");
        assert!(stage.started_at <= stage.ended_at, "{stage:?}");
        assert!(stage.ended_at <= span.ended_at, "{stage:?} {span:?}");
    }
    let first = |name: &str| stages.iter().find(|stage| stage.name == name).unwrap();
    assert!(first("queue").started_at <= first("plan").started_at);
    assert!(first("plan").ended_at <= first("database").ended_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_plan_has_a_span_without_database() {
    let (folder, collector) = (TempDir::new().unwrap(), Collector::start().await);
    let service = start(&folder, &collector, &[OFTEN, ("OTEL_SERVICE_NAME", "plans-of-tests")]).await;
    service.client.plan("u", &body(&["NSE:TCS"])).await;

    request_plan(&service, "NSE:TCS", "01").await;

    let span = collector.span(&plan_span(), |span| span.trace_id == TRACE).await;
    assert_eq!(names(&collector.children(&span)), ["cache"]);
    assert_eq!(span.resource["service.name"], "plans-of-tests");
    // The first request had no `traceparent` and started its own trace.
    let first = collector.span(&plan_span(), |span| span.trace_id != TRACE).await;
    assert_eq!(first.parent_id, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_values_of_variables_do_not_stop_the_export() {
    let (folder, collector) = (TempDir::new().unwrap(), Collector::start().await);
    let url = format!("{}/v1/traces", collector.url());
    let variables = [
        OFTEN,
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "xray"),
    ];
    let service = Process::start(folder.path(), &variables).await;

    request_plan(&service, "NSE:TCS", "01").await;

    collector.span(&plan_span(), |span| span.trace_id == TRACE).await;
    let log = service.log();
    assert!(log.contains("OTEL_TRACES_SAMPLER: expected always_on"), "{log}");
    assert!(log.contains("OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_can_be_turned_off_by_their_variables() {
    let folder = TempDir::new().unwrap();
    let url = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let service = Process::start(folder.path(), &[url, ("OTEL_TRACES_EXPORTER", "none")]).await;

    assert_eq!(request_plan(&service, "NSE:TCS", "01").await.status, 200);
    assert!(!service.log().contains("exporting traces"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unsampled_traces_are_not_exported() {
    let (folder, collector) = (TempDir::new().unwrap(), Collector::start().await);
    let sampler = ("OTEL_TRACES_SAMPLER", "parentbased_always_off");
    let service = start(&folder, &collector, &[OFTEN, sampler]).await;

    service.client.plan("u", &body(&["NSE:TCS"])).await;
    let unsampled = request_plan(&service, "NSE:INFY", "00").await;
    let sampled = request_plan(&service, "NSE:RELIANCE", "01").await;

    let span = collector.span(&plan_span(), |_| true).await;
    assert!(unsampled.header("traceparent").ends_with("-00"));
    assert!(sampled.header("traceparent").contains(&span.span_id));
    let requests = collector.spans().into_iter().filter(|span| span.name == plan_span());
    assert_eq!(requests.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_request_has_an_error_status() {
    let Some(mut database) = PostgresServer::start() else { return };
    let (folder, collector) = (TempDir::new().unwrap(), Collector::start().await);
    let service = start(&folder, &collector, &[OFTEN, ("DATABASE_URL", &*database.url())]).await;
    request_plan(&service, "NSE:MISSING", "01").await;

    database.kill();
    let failed = request_plan(&service, "NSE:TCS", "01").await;

    assert!(failed.status >= 500, "{failed:?}");
    let span = collector.span(&plan_span(), |span| span.has_failed).await;
    assert_eq!(span.attributes["http.response.status_code"], failed.status.to_string());
    assert!(!span.attributes["error.type"].is_empty());
    // A request that the caller must correct is not a failure of the service.
    let rejected = Answer::to(service.client.request(Method::POST, "plan?user_id=u").body("{")).await;
    assert_eq!(rejected.status / 100, 4);
    let status = rejected.status.to_string();
    let span = collector.span(&plan_span(), |span| span.attributes["http.response.status_code"] == status).await;
    assert!(!span.has_failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_requests_are_served() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = port.local_addr().unwrap();
    drop(port);
    let folder = TempDir::new().unwrap();
    let url = format!("http://{address}");
    let mut service = Process::start(folder.path(), &[OFTEN, ("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;

    assert_eq!(request_plan(&service, "NSE:TCS", "01").await.status, 200);

    let failed = "instrument_registry_trace_spans_total{status=\"failed\"}";
    let first = eventually("spans fail", SOON, async || service.client.metric(failed).await.filter(|n| *n > 0.0)).await;
    assert_eq!(request_plan(&service, "NSE:INFY", "01").await.status, 200);
    eventually("more fail", SOON, async || service.client.metric(failed).await.filter(|n| *n > first)).await;
    let lines = |text: &str| service.log().lines().filter(|line| line.contains(text)).count();
    assert_eq!(lines("failed to export traces; dropping spans"), 1);

    let collector = Collector::start_at(address).await;
    assert_eq!(request_plan(&service, "NSE:RELIANCE", "01").await.status, 200);
    collector.span(&plan_span(), |_| true).await;
    eventually("the recovery is logged", SOON, async || (lines("traces are exported again") == 1).then_some(())).await;

    service.terminate();
    assert_eq!(service.end(SOON).await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_spans_are_exported_at_shutdown() {
    let (folder, collector) = (TempDir::new().unwrap(), Collector::start().await);
    let mut service = start(&folder, &collector, &[("OTEL_BSP_SCHEDULE_DELAY", "3600000")]).await;
    request_plan(&service, "NSE:TCS", "01").await;
    assert_eq!(collector.spans().len(), 0);

    service.terminate();
    assert_eq!(service.end(SOON).await.code(), Some(0));

    let requests = collector.spans().into_iter().filter(|span| span.name == plan_span());
    assert_eq!(requests.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unresponsive_collector_does_not_delay_shutdown() {
    // The backlog accepts connections, and no response is ever sent.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = TempDir::new().unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut service = Process::start(folder.path(), &[OFTEN, ("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    assert_eq!(request_plan(&service, "NSE:TCS", "01").await.status, 200);

    service.terminate();

    // The process ends within 10 s, or later if the machine is busy with other tests.
    assert_eq!(service.end(Duration::from_secs(60)).await.code(), Some(0));
    assert!(service.log().contains("failed to export the last traces"));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_the_config_service_have_a_span() {
    let Some(database) = PostgresServer::start() else { return };
    let config = Standin::start(&[("DATABASE_URL", &database.url())]).await;
    let (folder, collector) = (TempDir::new().unwrap(), Collector::start().await);
    let _service = start(&folder, &collector, &[OFTEN, ("CONFIG_SERVICE_URL", &*config.url())]).await;

    let span = collector.span("settings_refresh", |_| true).await;

    assert_eq!(span.kind, CLIENT);
    let called = format!("00-{}-{}-03", span.trace_id, span.span_id);
    assert!(config.traceparents().contains(&called), "{called}");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_have_a_span_only_if_their_caller_has_one() {
    let (folder, collector) = (TempDir::new().unwrap(), Collector::start().await);
    let service = start(&folder, &collector, &[OFTEN]).await;

    Answer::to(service.client.request(Method::GET, "/health")).await;
    let traced = service.client.request(Method::GET, "/health");
    Answer::to(traced.header("traceparent", format!("00-{TRACE}-{PARENT}-01"))).await;

    collector.span("GET /health", |span| span.trace_id == TRACE).await;
    assert!(!collector.spans().iter().any(|span| span.name == "GET /health" && span.trace_id != TRACE));
}
