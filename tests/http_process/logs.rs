//! Contents of the log, and data that is never logged.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::{Answer, BASE, Client, KEY, Process, REGISTRY, SOON, Service, body, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_never_logged() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[("LOG_LEVEL", "trace")]).await;
    service.client.plan("u", &body(&["NSE:TCS"])).await;
    let wrong = service.client.clone().with_key("another-fake-key");
    wrong.get("plans").await.problem(401, "unauthorized");

    let log = service.log();

    assert!(log.contains("request completed"), "requests are logged at this level");
    assert!(!log.contains(KEY) && !log.contains("another-fake-key"));
}

/// Sends a request with this correlation id, and returns its status.
async fn send(service: &Client, id: &str, method: Method, path: &str, body: Option<&Value>) -> u16 {
    let request = service.request(method, path).header("X-Correlation-ID", id);
    Answer::to(body.into_iter().fold(request, |request, body| request.json(body))).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_has_one_line() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let (client, plan) = (&service.client, body(&["NSE:TCS"]));
    let unknown = format!("plans/plan_{}", "0".repeat(32));
    assert_eq!(send(client, "id-created", Method::POST, "plan?user_id=u", Some(&plan)).await, 200);
    assert_eq!(send(client, "id-repeated", Method::POST, "plan?user_id=u", Some(&plan)).await, 200);
    assert_eq!(send(client, "id-listed", Method::GET, "plans", None).await, 200);
    assert_eq!(send(client, "id-not-found", Method::GET, &unknown, None).await, 404);
    assert_eq!(send(client, "id-no-route", Method::GET, "/nothing", None).await, 404);
    let stranger = client.clone().with_key("another-fake-key");
    assert_eq!(send(&stranger, "id-unauthorized", Method::GET, "plans", None).await, 401);
    for probe in ["/health", "/ready", "/metrics"] {
        assert_eq!(send(client, "id-probe", Method::GET, probe, None).await, 200);
    }
    assert_eq!(send(client, "id-last", Method::GET, "plans", None).await, 200);

    let lines: Vec<Value> = eventually("the last request is logged", SOON, async || {
        let log = service.log();
        let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        lines.iter().any(|line| line["span"]["correlation_id"] == "id-last").then_some(lines)
    })
    .await;

    let line_of = |id: &str| {
        let mut lines = lines.iter().filter(|line| line["span"]["correlation_id"] == id);
        let line = lines.next().expect("the request has a line");
        assert_eq!(lines.next(), None, "a second line of {id}");
        assert_eq!(line["level"], "INFO", "{line}");
        assert_eq!(line["target"], "request", "{line}");
        assert_eq!(line["message"], "request completed", "{line}");
        assert!(line["duration_ms"].as_f64().is_some_and(|took| took > 0.0), "{line}");
        line
    };
    let created = line_of("id-created");
    assert_eq!(created["status"], 200);
    assert_eq!(created["key"], "environment");
    assert!(created["bytes"].as_u64().is_some_and(|bytes| bytes > 100), "{created}");
    assert_eq!(created["span"]["method"], "POST");
    assert_eq!(created["span"]["path"], format!("{BASE}/plan"));
    assert_eq!(created["span"]["trace_id"].as_str().map(str::len), Some(32));
    assert_eq!(line_of("id-repeated")["status"], 200);
    assert_eq!(line_of("id-listed")["key"], "environment");
    assert_eq!(line_of("id-not-found")["code"], "not_found");
    assert_eq!(line_of("id-not-found")["span"]["path"], format!("{BASE}/plans/{{plan_id}}"));
    assert_eq!(line_of("id-no-route")["status"], 404);
    assert_eq!(line_of("id-unauthorized")["code"], "unauthorized");
    assert_eq!(line_of("id-unauthorized")["key"], Value::Null);
    assert!(!lines.iter().any(|line| line["span"]["correlation_id"] == "id-probe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_requests_can_be_turned_off() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[("LOG_LEVEL", "info,request=warn")]).await;
    let level = format!("{REGISTRY}/admin/log-level");

    send(&service.client, "id-off", Method::GET, "plans", None).await;
    let change = Some(&json!({"level": "info"}));
    assert_eq!(send(&service.client, "id-change", Method::PUT, &level, change).await, 200);
    send(&service.client, "id-on", Method::GET, "plans", None).await;

    let log = eventually("the last request is logged", SOON, async || {
        Some(service.log()).filter(|log| log.contains("id-on"))
    });
    assert!(!log.await.contains("id-off"));
}

#[derive(Clone, Default)]
struct MemoryLog(Arc<Mutex<Vec<u8>>>);

impl io::Write for MemoryLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics while holding it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Creates a log that receives the lines of this thread that pass the filter.
fn captured_log(filter: &str) -> (MemoryLog, DefaultGuard) {
    let log = MemoryLog::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
    let filter: Targets = filter.parse().expect("the filter is valid");
    let subscriber = tracing_subscriber::registry().with(lines).with(filter);
    (log, tracing::subscriber::set_default(subscriber))
}

impl MemoryLog {
    fn of_requests(&self) -> Vec<Value> {
        let bytes = self.0.lock().expect("nobody panics while holding it").clone();
        let log = String::from_utf8(bytes).expect("the log is text");
        let lines = log.lines().map(|line| serde_json::from_str(line).expect("a line is JSON"));
        lines.filter(|line: &Value| line["target"] == "request").collect()
    }
}

#[tokio::test]
async fn failures_have_their_ids_at_any_level() {
    let (log, _subscriber) = captured_log("warn");
    let service = Service::start().await;
    let occupied = service.engine.planners.occupy();
    let request = service.client.request(Method::POST, "plan?user_id=u").json(&body(&["NSE:TCS"]));

    let answer = Answer::to(request.header("X-Correlation-ID", "id-shed")).await;

    drop(occupied);
    assert_eq!(answer.status, 503);
    let lines = log.of_requests();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["span"]["correlation_id"], "id-shed");
    assert_eq!(lines[0]["span"]["path"], format!("{BASE}/plan"));
}

#[tokio::test]
async fn lines_of_requests_have_their_ids_with_any_filter() {
    for filter in ["info", "warn,request=info", "info,instrument_registry=warn", "off,request=debug"] {
        let (log, _subscriber) = captured_log(filter);
        let service = Service::start().await;
        let request = service.client.request(Method::GET, "plans").header("X-Correlation-ID", "id-listed");

        assert_eq!(Answer::to(request).await.status, 200);

        let lines = log.of_requests();
        let line = lines.iter().find(|line| line["span"]["correlation_id"] == "id-listed");
        let span = &line.unwrap_or_else(|| panic!("{filter}: {lines:?}"))["span"];
        assert_eq!(span["method"], "GET", "{filter}");
        assert_eq!(span["path"], format!("{BASE}/plans"), "{filter}");
        assert_eq!(span["trace_id"].as_str().map(str::len), Some(32), "{filter}");
    }
}

#[tokio::test]
async fn failures_have_one_line_a_second_with_the_cause() {
    let (log, _subscriber) = captured_log("info");
    let service = Service::start().await;
    let occupied = service.engine.planners.occupy();

    let began_at = Instant::now();
    for _ in 0..5 {
        let request = service.client.request(Method::POST, "plan?user_id=u").json(&body(&["NSE:TCS"]));
        assert_eq!(Answer::to(request.header("Connection", "close")).await.status, 503);
    }

    let lines_max = 1 + began_at.elapsed().as_secs() as usize;
    drop(occupied);
    let lines = log.of_requests();
    assert!((1..=lines_max).contains(&lines.len()), "{lines:?}");
    for line in lines {
        assert_eq!(line["level"], "WARN", "{line}");
        assert_eq!(line["message"], "request failed", "{line}");
        assert_eq!(line["code"], "overloaded", "{line}");
        assert!(line["detail"].is_string() && line["untold"].is_u64() && line["bytes"].is_u64(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_of_requests_are_not_logged() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[("LOG_LEVEL", "debug")]).await;
    service.client.plan("caller-7-x", &body(&["NSE:TCS", "NSE:SECRET-WISH"])).await;
    service.client.post_text("plan?user_id=caller-7-x", "{\"SECRET-WISH\"").await.problem(400, "invalid_json");

    let log = service.log();

    assert!(log.contains("request completed"), "requests are logged at this level");
    assert!(!log.contains("SECRET-WISH") && !log.contains("caller-7-x"), "{log}");
}

/// Returns the log as JSON values once a line has this message.
async fn lines_with(service: &Process, message: &str) -> Vec<Value> {
    eventually("the line is logged", SOON, async || {
        let lines: Vec<Value> = service.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        lines.iter().any(|line| line["message"] == message).then_some(lines)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_actors_have_their_names() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[("LOG_LEVEL", "trace")]).await;

    let lines = lines_with(&service, "database initialized").await;

    let actor_of = |message: &str| {
        let line = lines.iter().find(|line| line["message"] == message).expect("the line is logged");
        line["actor"].as_str().map(str::to_owned)
    };
    assert_eq!(actor_of("database initialized").as_deref(), Some("persistence"));
    assert_eq!(actor_of("settings applied").as_deref(), Some("config"));
    assert_eq!(actor_of("listening"), None);
    for line in &lines {
        assert_ne!(line["span"]["name"], "Actor", "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_can_be_text_instead_of_json() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[("LOG_FORMAT", "text")]).await;

    let line = eventually("the line is logged", SOON, async || {
        service.log().lines().find(|line| line.contains("settings applied")).map(str::to_owned)
    })
    .await;

    // The output is not a terminal, so it has no colors.
    assert_eq!(&line[12..43], " INFO  config      settings app");
}
