mod shutdown;
mod supervision;

use tokio::time::Duration;

use super::System;
use crate::runtime::mailbox::{CallError, Inspection};

const SECOND: Duration = Duration::from_secs(1);
const ACTORS: [&str; 7] = ["config", "persistence", "catalogue", "ingest", "cache", "planner_0", "planner_1"];

async fn inspection(system: &System, name: &str) -> Result<Inspection, CallError> {
    let reports = system.inspect(SECOND).await;
    reports.into_iter().find(|report| report.name == name).unwrap().inspection
}

/// Waits until the actor responds again and has reached its dependency.
async fn until_back(system: &System, name: &str) {
    for _ in 0..10_000 {
        if inspection(system, name).await.is_ok_and(|inspection| inspection.reached != Some(false)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{name} did not recover");
}

/// Crashes the actor and waits until it has restarted.
async fn crash(system: &System, name: &str) {
    assert!(system.crash(name));
    crate::testing::run_ready_tasks().await;
    until_back(system, name).await;
}
