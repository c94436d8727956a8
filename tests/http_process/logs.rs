//! What stands in the log, and what never does.

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Answer, KEY, Process, SOON, body, eventually};

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

#[tokio::test(flavor = "multi_thread")]
async fn every_line_about_a_request_has_its_correlation_id() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[("LOG_LEVEL", "info,instrument_registry=debug")]).await;
    let request = service.client.request(Method::POST, "plan?user_id=u").header("X-Correlation-ID", "look-for-me-7");
    assert_eq!(Answer::to(request.json(&body(&["NSE:TCS"]))).await.status, 200);

    let line: Value = eventually("the answer is logged", SOON, async || {
        let log = service.log();
        let line = log.lines().find(|line| line.contains("look-for-me-7") && line.contains("request completed"))?;
        serde_json::from_str(line).ok()
    })
    .await;

    assert_eq!(
        (&line["level"], &line["message"], &line["status"]),
        (&"DEBUG".into(), &"request completed".into(), &200.into())
    );
    assert_eq!(line["span"]["correlation_id"], "look-for-me-7");
    assert!(line["duration_ms"].as_f64().is_some_and(|took| took > 0.0), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_callers_ask_for_is_not_logged() {
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
async fn lines_for_people_can_be_requested() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[("LOG_FORMAT", "text")]).await;

    let line = eventually("the line is logged", SOON, async || {
        service.log().lines().find(|line| line.contains("settings applied")).map(str::to_owned)
    })
    .await;

    // Not a terminal: no colors.
    assert_eq!(&line[12..43], " INFO  config      settings app");
}
