//! The service with PostgreSQL, Redis and a config service that tests kill, freeze and restart.

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

/// Starts the service as a process with these environment variables and a key, in a new data folder.
async fn service(variables: &[(&str, &str)]) -> (Process, TempDir) {
    let folder = TempDir::new().expect("a folder can be made");
    (Process::start(folder.path(), variables).await, folder)
}

/// Returns the status and the body of `/ready`.
async fn ready(client: &Client) -> (u16, Value) {
    let answer = client.get("/ready").await;
    (answer.status, serde_json::from_str(&answer.text).expect("the text is JSON"))
}

/// Waits until a dependency has this status in `/ready`, and returns the body.
async fn until_check(client: &Client, dependency: &str, status: &str) -> Value {
    eventually(&format!("{dependency} is {status}"), SOON, async || {
        let (_, ready) = ready(client).await;
        (ready["checks"][dependency]["status"] == status).then_some(ready)
    })
    .await
}

/// Returns the number of log lines that contain the text.
fn logged(process: &Process, text: &str) -> usize {
    process.log().lines().filter(|line| line.contains(text)).count()
}

/// Returns the log lines about a dependency, in order.
fn logged_about(process: &Process, dependency: &str) -> Vec<Value> {
    let log = process.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["dependency"] == dependency).collect()
}

/// The words of log messages that mark the start and the end of an outage.
const UNAVAILABLE: &str = "unavailable";
const RECOVERED: &str = "recovered";

/// Returns the number of log messages about a dependency that contain the word.
fn count_logged(process: &Process, dependency: &str, word: &str) -> usize {
    let lines = logged_about(process, dependency);
    lines.iter().filter(|line| line["message"].as_str().is_some_and(|message| message.contains(word))).count()
}

/// Asserts that the log contains the start and the end of each outage of the dependency once, in turn. A busy machine
/// can cause further outages, because Redis and the database also wait for a processor.
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

/// Asserts that the log contains an outage of the dependency with a timeout as its reason, and its end.
fn assert_timeout_logged(process: &Process, dependency: &str) {
    assert_outage_logged(process, dependency);
    let lines = logged_about(process, dependency);
    let has_timeout = |line: &Value| {
        let reason = line["fault"].as_str().or_else(|| line["why"].as_str());
        reason.is_some_and(|reason| reason.contains("timeout"))
    };
    assert!(lines.iter().any(has_timeout), "{lines:#?}");
}

/// Returns the state of a dependency's breaker in the metrics: 0 closed, 1 open, 2 half open.
async fn breaker(client: &Client, dependency: &str) -> f64 {
    let series = format!("instrument_registry_breaker_state{{dependency=\"{dependency}\"}}");
    client.metric(&series).await.expect("it is there from the start")
}
