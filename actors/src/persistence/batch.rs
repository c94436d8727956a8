//! Rows that wait to be written in batches: plans, and responses with idempotency keys.

use std::pin::Pin;
use std::slice::from_ref;
use std::sync::Arc;

use async_trait::async_trait;
use metrics::{counter, histogram};
use registry_planning::plan::Plan;
use tokio::time::Instant;
use tracing::info;

use super::waiting::WaitingQueue;
use super::{DEPENDENCY, Finding, PersistenceError, Store, StoreError, contained};
use crate::runtime::breaker::CallOutcome;
use crate::runtime::deadline::SharedDeadline;
use crate::runtime::mailbox::{CallError, Continuation};

/// Maximum number of rows in a batch: a database still plans a statement of this size quickly.
pub(super) const ROWS_MAX: usize = 256;
/// Maximum number of bytes in a batch of several rows, so that large plans do not cause a statement of many megabytes.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// Minimum number of rows of a second concurrent batch.
pub(super) const SECOND_BATCH_ROWS_MIN: usize = 64;

/// The metric of batches that were retried.
pub(crate) const BATCH_RETRIES: &str = "instrument_registry_persistence_batch_retries_total";

#[async_trait]
pub(super) trait BatchRow: Clone + Send + Sync {
    /// The result of one row that the store accepted.
    type Answer: Send;

    /// Stores all rows or none, and returns a result for each. Rows that are already stored are allowed, because an
    /// attempt with an unknown outcome is [retried].
    async fn insert(
        store: &dyn Store,
        rows: &[Self],
        deadlines: &[SharedDeadline],
    ) -> Result<Vec<Self::Answer>, StoreError>;
}

#[async_trait]
impl BatchRow for Arc<Plan> {
    type Answer = ();

    async fn insert(store: &dyn Store, rows: &[Self], deadlines: &[SharedDeadline]) -> Result<Vec<()>, StoreError> {
        retried(deadlines, || store.insert_plans(rows)).await?;
        Ok(vec![(); rows.len()])
    }
}

pub(super) struct PendingRow<R: BatchRow> {
    pub(super) row: R,
    /// Approximate size in a statement.
    pub(super) bytes: usize,
    pub(super) deadline: SharedDeadline,
    pub(super) reply: Continuation<Result<R::Answer, PersistenceError>>,
}

impl<R: BatchRow> PendingRow<R> {
    pub(super) fn refuse(self, why: impl Into<PersistenceError>) {
        self.reply.send(Err(why.into()));
    }
}

/// The waiting rows, in order of arrival.
pub(super) struct FillingBatch<R: BatchRow> {
    pending: WaitingQueue<PendingRow<R>>,
    bytes: usize,
}

impl<R: BatchRow> Default for FillingBatch<R> {
    fn default() -> Self {
        FillingBatch { pending: WaitingQueue::default(), bytes: 0 }
    }
}

impl<R: BatchRow> FillingBatch<R> {
    pub(super) fn push(&mut self, pending: PendingRow<R>) {
        self.bytes += pending.bytes;
        self.pending.push(pending);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        self.pending.oldest()
    }

    /// Whether a second batch should start while another one is being written. A small batch costs nearly as much as a
    /// large one, so it should grow first.
    pub(super) fn is_worth_another(&self) -> bool {
        self.pending.len() >= SECOND_BATCH_ROWS_MIN || self.bytes >= BYTES_MAX / 2
    }

    /// Takes the next batch. Rows for which nobody waits are dropped.
    pub(super) fn take(&mut self, now: Instant) -> Vec<PendingRow<R>> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.pending.first() {
            let is_full = batch.len() >= ROWS_MAX || bytes + next.bytes > BYTES_MAX;
            if is_full && !batch.is_empty() {
                break;
            }
            let Some(pending) = self.pending.pop() else { break };
            self.bytes -= pending.bytes;
            if pending.deadline.has_passed(now) {
                counter!("instrument_registry_abandoned_writes_total").increment(1);
                pending.refuse(CallError::DeadlineExceeded("persistence"));
                continue;
            }
            bytes += pending.bytes;
            batch.push(pending);
        }
        batch
    }

    pub(super) fn refuse_all(&mut self, why: &PersistenceError) {
        self.bytes = 0;
        self.pending.drain().for_each(|pending| pending.refuse(why.clone()));
    }
}

/// Writes a batch, sends the results to the callers, and returns the finding.
pub(super) async fn write<R: BatchRow>(store: &dyn Store, batch: Vec<PendingRow<R>>) -> Finding {
    let started_at = Instant::now();
    let rows_count = batch.len();
    let (rows, deadlines): (Vec<_>, Vec<_>) =
        batch.iter().map(|pending| (pending.row.clone(), pending.deadline.clone())).unzip();
    let result = R::insert(store, &rows, &deadlines).await;
    let finding = Finding::of(&result);
    let (finding, label) = match result {
        Ok(answers) => {
            for (pending, answer) in batch.into_iter().zip(answers) {
                pending.reply.send(Ok(answer));
            }
            (finding, "written")
        }
        Err(StoreError::Data(_)) if batch.len() > 1 => (write_one_by_one(store, batch).await, "split"),
        Err(fault) => {
            batch.into_iter().for_each(|pending| pending.refuse(fault.clone()));
            (finding, "failed")
        }
    };
    #[allow(clippy::cast_precision_loss)]
    histogram!("instrument_registry_persistence_batch_rows").record(rows_count as f64);
    histogram!("instrument_registry_persistence_batch_duration_seconds").record(started_at.elapsed());
    counter!("instrument_registry_persistence_batches_total", "outcome" => label).increment(1);
    finding
}

/// A call of the store in progress.
type StoreCall<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Runs an idempotent write. If the outcome is unknown, retries it once, unless no caller waits.
///
/// Other statements are not retried if the server did not respond in time. This one is: a caller who gets an unknown
/// outcome requests another plan, and two are stored. The second attempt uses the permit of the batch for as long
/// again, but no caller waits longer than its own deadline.
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
    info!(dependency = DEPENDENCY, fault = first, rows = deadlines.len(), "batch outcome unknown; retrying");
    match contained(write()).await {
        // This attempt had no effect. The first one may have.
        Err(StoreError::Unavailable(why)) => Err(StoreError::UnknownOutcome(format!("{first}; retry failed: {why}"))),
        Err(StoreError::Busy) => Err(StoreError::UnknownOutcome(first)),
        second => second,
    }
}

/// Writes each row of a rejected batch alone, so that a bad row does not affect the others. If the database does not
/// respond, the rest is not tried: each row would wait for its timeout.
async fn write_one_by_one<R: BatchRow>(store: &dyn Store, batch: Vec<PendingRow<R>>) -> Finding {
    let mut batch = batch.into_iter();
    for pending in batch.by_ref() {
        let result = R::insert(store, from_ref(&pending.row), from_ref(&pending.deadline)).await;
        let finding = Finding::of(&result);
        match result.map(|answers| answers.into_iter().next()) {
            Ok(Some(answer)) => pending.reply.send(Ok(answer)),
            Ok(None) => pending.refuse(StoreError::Data("the store returned no result for the row".to_owned())),
            Err(fault) => pending.refuse(fault),
        }
        if finding.outcome == CallOutcome::Failure {
            let untried = StoreError::Unavailable("an earlier row of the batch failed".to_owned());
            batch.for_each(|pending| pending.refuse(untried.clone()));
            return finding;
        }
    }
    Finding::SUCCESS
}
