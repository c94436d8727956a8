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
