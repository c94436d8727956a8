//! The service with PostgreSQL, Redis and a config service beside it, each of which dies, freezes and comes back.

mod calls;
mod config_service;
mod database;
mod ledger;
mod lists;
mod redis;
mod together;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Client, KEY, Process, SOON, eventually};

/// The service as a process with this environment, and a key.
async fn service(variables: &[(&str, &str)]) -> (Process, TempDir) {
    let folder = TempDir::new().expect("a folder can be made");
    (Process::start(folder.path(), variables).await, folder)
}

/// `/ready`, whatever its status.
async fn ready(client: &Client) -> (u16, Value) {
    let answer = client.get("/ready").await;
    (answer.status, serde_json::from_str(&answer.text).expect("it is JSON"))
}

/// Waits until `/ready` says this of a dependency, and gives it all.
async fn until_check(client: &Client, dependency: &str, status: &str) -> Value {
    eventually(&format!("{dependency} is {status}"), SOON, async || {
        let (_, ready) = ready(client).await;
        (ready["checks"][dependency]["status"] == status).then_some(ready)
    })
    .await
}

/// How often the log has a line with this.
fn logged(process: &Process, text: &str) -> usize {
    process.log().lines().filter(|line| line.contains(text)).count()
}

/// The log lines about a dependency, in order.
fn logged_about(process: &Process, dependency: &str) -> Vec<Value> {
    let log = process.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["dependency"] == dependency).collect()
}

/// The standard words of an outage.
const UNAVAILABLE: &str = "unavailable";
const RECOVERED: &str = "recovered";

/// How many messages about a dependency have this word.
fn count_logged(process: &Process, dependency: &str, word: &str) -> usize {
    let lines = logged_about(process, dependency);
    lines.iter().filter(|line| line["message"].as_str().is_some_and(|message| message.contains(word))).count()
}

/// Asserts that an operator finds an outage of the dependency in the log, and its end, each of them once. A busy machine
/// may add other outages: Redis and the database also wait for a processor.
fn assert_outage_logged(process: &Process, dependency: &str) {
    let lines = logged_about(process, dependency);
    let word_of = |line: &Value| {
        let message = line["message"].as_str()?;
        [UNAVAILABLE, RECOVERED].into_iter().find(|word| message.contains(word))
    };
    let words: Vec<&str> = lines.iter().filter_map(word_of).collect();
    let is_in_turn = words.chunks(2).all(|outage| outage == [UNAVAILABLE, RECOVERED]);
    assert!(!words.is_empty() && is_in_turn, "{lines:#?}");
}

/// Asserts that an operator finds an outage of the dependency in the log whose reason is a timeout, and its end.
fn assert_timeout_logged(process: &Process, dependency: &str) {
    assert_outage_logged(process, dependency);
    let lines = logged_about(process, dependency);
    let has_timeout = |line: &Value| {
        let reason = line["fault"].as_str().or_else(|| line["why"].as_str());
        reason.is_some_and(|reason| reason.contains("timeout"))
    };
    assert!(lines.iter().any(has_timeout), "{lines:#?}");
}

/// The state of a dependency's breaker in the metrics: 0 closed, 1 open, 2 half open.
async fn breaker(client: &Client, dependency: &str) -> f64 {
    let series = format!("instrument_registry_breaker_state{{dependency=\"{dependency}\"}}");
    client.metric(&series).await.expect("it is there from the start")
}
