//! W3C Trace Context: `traceparent` in requests, responses, log lines and calls of other services.

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Answer, Process, SOON, Service, body, eventually};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Returns trace id, span id and flags of a `traceparent` of version 00.
#[track_caller]
fn fields(traceparent: &str) -> (&str, &str, &str) {
    let fields: Vec<&str> = traceparent.split('-').collect();
    let ["00", trace_id, span_id, flags] = fields[..] else { panic!("not a traceparent: `{traceparent}`") };
    (trace_id, span_id, flags)
}

async fn ask(service: &Service, traceparents: &[&str]) -> Answer {
    let request = service.client.request(Method::POST, "plan?user_id=u").json(&body(&["NSE:TCS"]));
    Answer::to(traceparents.iter().fold(request, |request, value| request.header("traceparent", *value))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_continued_in_the_response() {
    let service = Service::start().await;
    let given = format!("00-{TRACE}-{PARENT}-01");

    let created = ask(&service, &[&given]).await;
    let repeated = ask(&service, &[&given]).await;
    let occupied = service.engine.planners.occupy();
    let request = service.client.request(Method::POST, "plan?user_id=v").json(&body(&["NSE:TCS"]));
    let shed = Answer::to(request.header("traceparent", &given)).await;
    drop(occupied);
    let health = Answer::to(service.client.request(Method::GET, "/health").header("traceparent", &given)).await;

    let mut spans = Vec::new();
    for answer in [&created, &repeated, &shed, &health] {
        let (trace_id, span_id, flags) = fields(answer.header("traceparent"));
        assert_eq!(trace_id, TRACE);
        assert_ne!(span_id, PARENT);
        assert_eq!(flags, "01");
        assert!(!spans.contains(&span_id), "{span_id}");
        spans.push(span_id);
    }
    assert_eq!(shed.status, 503);
    // The trace id does not replace the correlation id.
    assert_ne!(created.header("X-Correlation-ID"), TRACE);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_traceparent_is_ignored() {
    let service = Service::start().await;
    let valid = format!("00-{TRACE}-{PARENT}-01");
    let upper_case = valid.to_uppercase();

    for given in [&["nonsense"][..], &[&upper_case], &[&valid, &valid]] {
        let answer = ask(&service, given).await;

        assert_eq!(answer.status, 200, "{given:?}");
        let (trace_id, _, flags) = fields(answer.header("traceparent"));
        assert_ne!(trace_id, TRACE, "{given:?}");
        assert_eq!(flags, "02", "{given:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_has_a_traceparent_only_on_request() {
    let service = Service::start().await;

    let answer = ask(&service, &[]).await;

    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("traceparent"));
}

/// Waits for the first log line with this text, and returns it.
async fn line_with(service: &Process, text: &str) -> Value {
    let line = eventually("the line is logged", SOON, async || {
        service.log().lines().find(|line| line.contains(text)).map(str::to_owned)
    });
    serde_json::from_str(&line.await).expect("a log line is JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_have_the_ids_of_the_trace() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let request = |id| service.client.request(Method::GET, "plans").header("X-Correlation-ID", id);
    let traced = request("with-trace").header("traceparent", format!("00-{TRACE}-{PARENT}-00"));

    let answer = Answer::to(traced).await;
    Answer::to(request("without-trace")).await;

    let span = &line_with(&service, "with-trace").await["span"];
    assert_eq!(span["trace_id"], TRACE);
    assert_eq!(span["span_id"], fields(answer.header("traceparent")).1);
    assert_eq!(span["parent_id"], PARENT);
    let span = &line_with(&service, "without-trace").await["span"];
    assert_eq!(span["trace_id"].as_str().map(str::len), Some(32));
    assert_eq!(span["span_id"].as_str().map(str::len), Some(16));
    assert_eq!(span["parent_id"], Value::Null);
}
