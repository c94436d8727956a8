//! The service with PostgreSQL, Redis and a config service beside it, each of which dies, freezes and comes back.

mod config_service;
mod database;
mod latency;
mod ledger;
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

/// The state of a dependency's breaker in the metrics: 0 closed, 1 open, 2 half open.
async fn breaker(client: &Client, dependency: &str) -> f64 {
    let series = format!("instrument_registry_breaker_state{{dependency=\"{dependency}\"}}");
    client.metric(&series).await.expect("it is there from the start")
}
