//! The batch that is filling, and how one is written.

use std::pin::Pin;
use std::sync::Arc;

use metrics::{counter, histogram};
use registry_planning::plan::Plan;
use tokio::time::Instant;
use tracing::debug;

use super::{Finding, PersistenceError, Store, StoreError, contained, measured};
use crate::breaker::Outcome;
use crate::deadline::SharedDeadline;
use crate::mailbox::{CallError, Continuation};

/// Most rows in a batch: one statement of a size that a database still plans quickly.
pub(super) const ROWS_MAX: usize = 256;
/// Most bytes in a batch of several, so that large plans do not make a statement of many megabytes.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// Rows that are worth a batch beside another one.
pub(super) const ROWS_BESIDE_MIN: usize = 64;

/// Batches that were written once more.
pub(crate) const BATCH_RETRIES: &str = "instrument_registry_persistence_batch_retries_total";

/// One plan that waits to be written.
pub(super) struct Pending {
    pub(super) plan: Arc<Plan>,
    /// About what it takes in a statement.
    pub(super) bytes: usize,
    pub(super) deadline: SharedDeadline,
    pub(super) reply: Continuation<Result<(), PersistenceError>>,
}

/// The plans that wait, in order of arrival.
#[derive(Default)]
pub(super) struct Filling {
    pending: std::collections::VecDeque<Pending>,
    /// Of all that wait.
    bytes: usize,
}

impl Filling {
    pub(super) fn push(&mut self, pending: Pending) {
        self.bytes += pending.bytes;
        self.pending.push_back(pending);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether a batch of it is worth being begun beside another one: a small one costs nearly what a large one does, and is
    /// better left to grow.
    pub(super) fn is_worth_another(&self) -> bool {
        self.pending.len() >= ROWS_BESIDE_MIN || self.bytes >= BYTES_MAX / 2
    }

    /// Takes the next batch. What nobody waits for any more is dropped before it costs anything.
    pub(super) fn take(&mut self, now: Instant) -> Vec<Pending> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.pending.front() {
            let is_full = batch.len() >= ROWS_MAX || bytes + next.bytes > BYTES_MAX;
            if is_full && !batch.is_empty() {
                break;
            }
            let Some(pending) = self.pending.pop_front() else { break };
            self.bytes -= pending.bytes;
            if pending.deadline.has_passed(now) {
                counter!("instrument_registry_abandoned_writes_total").increment(1);
                pending.reply.send(Err(CallError::DeadlineExceeded("persistence").into()));
                continue;
            }
            bytes += pending.bytes;
            batch.push(pending);
        }
        batch
    }

    pub(super) fn take_all(&mut self) -> Vec<Pending> {
        self.bytes = 0;
        self.pending.drain(..).collect()
    }
}

/// Writes a batch, answers everybody in it, and says what it shows of the database.
pub(super) async fn write(store: &dyn Store, batch: Vec<Pending>) -> Finding {
    let started_at = Instant::now();
    let (plans, deadlines): (Vec<_>, Vec<_>) =
        batch.iter().map(|pending| (Arc::clone(&pending.plan), pending.deadline.clone())).unzip();
    let result = insert(store, &plans, &deadlines).await;
    let (finding, label) = match &result {
        Err(StoreError::Data(_)) if batch.len() > 1 => (write_one_by_one(store, batch).await, "split"),
        _ => {
            let finding = Finding::of(&result);
            let label = if result.is_ok() { "written" } else { "failed" };
            for pending in batch {
                pending.reply.send(result.clone().map_err(PersistenceError::from));
            }
            (finding, label)
        }
    };
    #[allow(clippy::cast_precision_loss)]
    histogram!("instrument_registry_persistence_batch_rows").record(plans.len() as f64);
    histogram!("instrument_registry_persistence_batch_duration_seconds").record(started_at.elapsed());
    counter!("instrument_registry_persistence_batches_total", "outcome" => label).increment(1);
    measured("insert_plans", &finding, started_at.elapsed());
    finding
}

/// Stores plans all or none. A plan that is stored already is left as it is, so that another attempt does no harm.
async fn insert(store: &dyn Store, plans: &[Arc<Plan>], deadlines: &[SharedDeadline]) -> Result<(), StoreError> {
    retried(deadlines, || store.insert_plans(plans)).await
}

/// A call of the store that is under way.
type StoreCall<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Writes what may be written twice. If the outcome is unknown, writes it once more. Nothing is done again for callers who
/// have gone.
pub(super) async fn retried<'a, T>(
    deadlines: &[SharedDeadline],
    write: impl Fn() -> StoreCall<'a, T>,
) -> Result<T, StoreError> {
    let result = contained(write()).await;
    let Err(StoreError::UnknownOutcome(first)) = result else { return result };
    let now = Instant::now();
    if deadlines.iter().all(|deadline| deadline.has_passed(now)) {
        return Err(StoreError::UnknownOutcome(first));
    }
    counter!(BATCH_RETRIES).increment(1);
    debug!(fault = first, rows = deadlines.len(), "the outcome of a batch is unknown: retrying");
    match contained(write()).await {
        // This attempt did nothing. The first one may have.
        Err(StoreError::Unavailable(why)) => Err(StoreError::UnknownOutcome(format!("{first}; retry failed: {why}"))),
        Err(StoreError::Busy) => Err(StoreError::UnknownOutcome(first)),
        second => second,
    }
}

/// Writes the rows of a batch that the database refused, each alone, so that a bad row takes no neighbour with it. Once
/// the database does not answer the rest is not tried: each row would wait for as long as its timeout.
async fn write_one_by_one(store: &dyn Store, batch: Vec<Pending>) -> Finding {
    let mut batch = batch.into_iter();
    for pending in batch.by_ref() {
        let (plan, deadline) = (Arc::clone(&pending.plan), pending.deadline.clone());
        let result = insert(store, &[plan], &[deadline]).await;
        let finding = Finding::of(&result);
        pending.reply.send(result.map_err(PersistenceError::from));
        if finding.outcome == Outcome::Failure {
            let untried = StoreError::Unavailable("it went away while a batch was written row by row".to_owned());
            batch.for_each(|pending| pending.reply.send(Err(untried.clone().into())));
            return finding;
        }
    }
    Finding::SUCCESS
}
