//! Plans that were acknowledged, and must be read back byte for byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::task::{JoinHandle, JoinSet};

use super::caller::{Caller, Content};
use super::course::Outcome;
use crate::service::BASE;

/// The user of the plans that are created before everything else.
pub(super) const USER: &str = "pressure-plans";

/// The number of these plans.
pub(super) const PLANS: usize = 300;

/// The number of their instruments: the maximum.
const INSTRUMENTS: usize = 5_000;

/// The number of instruments of a plan that is created during the steps.
const INSTRUMENTS_MEANWHILE: usize = 100;

/// The pause between two of these plans.
const PAUSE: Duration = Duration::from_millis(50);

/// The number of plans that are read back at the same time.
const READERS: usize = 8;

/// A plan that the service acknowledged.
pub(super) struct Plan {
    plan_id: String,
    document: String,
}

#[derive(Deserialize)]
struct Created<'a> {
    plan_id: String,
    #[serde(borrow)]
    plan_data: &'a RawValue,
}

#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    plan: &'a RawValue,
}

/// Creates the plans of the user. Each has another set of instruments, so that none is a repeat.
pub(super) async fn create_all(caller: &Caller, keys: &[String]) -> anyhow::Result<Vec<Plan>> {
    let mut plans = Vec::with_capacity(PLANS);
    for number in 0..PLANS {
        plans.push(create(caller, USER, &keys[number..number + INSTRUMENTS]).await?);
    }
    Ok(plans)
}

/// Creates a plan.
pub(super) async fn create(caller: &Caller, user: &str, keys: &[String]) -> anyhow::Result<Plan> {
    let body = json!({ "plan_name": "Pressure", "subscription_type": "live_feed", "instruments": keys });
    let path = format!("{BASE}/subscriptions/plan?user_id={user}");
    let answer = caller.post(&path, &Content::json(&body)).await?;
    let created: Created<'_> = serde_json::from_slice(&answer.body).context("failed to parse the plan")?;
    Ok(Plan { plan_id: created.plan_id, document: created.plan_data.get().to_owned() })
}

/// Reads plans back.
pub(super) async fn read_back(caller: &Caller, plans: Vec<Plan>) -> anyhow::Result<Outcome> {
    let plans = Arc::new(plans);
    let mut readers = JoinSet::new();
    for first in 0..READERS {
        let (caller, plans) = (caller.clone(), Arc::clone(&plans));
        readers.spawn(async move {
            let mut results = Vec::new();
            for plan in plans.iter().skip(first).step_by(READERS) {
                results.push(plan.read_back(&caller).await.with_context(|| plan.plan_id.clone()));
            }
            results
        });
    }
    Ok(Outcome::of(readers.join_all().await.into_iter().flatten()))
}

impl Plan {
    async fn read_back(&self, caller: &Caller) -> anyhow::Result<()> {
        let answer = caller.get(&format!("{BASE}/subscriptions/plans/{}", self.plan_id)).await?;
        let stored: Stored<'_> = serde_json::from_slice(&answer.body).context("failed to parse the plan")?;
        anyhow::ensure!(stored.plan.get() == self.document, "differs from the acknowledged plan");
        Ok(())
    }
}

/// Creates plans, one after the other, until it is stopped.
pub(super) struct Writer {
    is_stopped: Arc<AtomicBool>,
    task: JoinHandle<(Vec<Plan>, Vec<anyhow::Error>)>,
}

impl Writer {
    /// Starts to create plans. It must be called inside the runtime.
    pub(super) fn start(caller: &Caller, keys: &[String]) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (stopped, caller, keys) = (Arc::clone(&is_stopped), caller.clone(), keys.to_vec());
        let task = tokio::spawn(async move {
            let (mut plans, mut errors) = (Vec::new(), Vec::new());
            for number in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                match create(&caller, "pressure-meanwhile", window(&keys, number)).await {
                    Ok(plan) => plans.push(plan),
                    Err(error) => errors.push(error),
                }
                tokio::time::sleep(PAUSE).await;
            }
            (plans, errors)
        });
        Self { is_stopped, task }
    }

    /// Returns the acknowledged plans, and the errors of the others.
    pub(super) async fn stop(self) -> anyhow::Result<(Vec<Plan>, Vec<anyhow::Error>)> {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.task.await.context("the writer of plans panicked")
    }
}

/// Returns different keys for each number.
fn window(keys: &[String], number: usize) -> &[String] {
    let starts = keys.len() / 2;
    let (first, more) = (number % starts, number / starts);
    &keys[first..first + INSTRUMENTS_MEANWHILE + more]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_different() {
        let keys: Vec<String> = (0..500).map(|number| number.to_string()).collect();

        assert_eq!(window(&keys, 3).len(), INSTRUMENTS_MEANWHILE);
        assert_eq!(window(&keys, 3)[0], "3");
        assert_eq!(window(&keys, 253).len(), INSTRUMENTS_MEANWHILE + 1);
        assert_eq!(window(&keys, 253)[0], "3");
    }
}
