//! Answers with idempotency keys that wait to be written: those that wait are written together, as plans are.

use std::collections::VecDeque;
use std::slice::from_ref;

use metrics::counter;
use tokio::time::Instant;

use super::idempotency::{Claimed, KeyedPlan, StoredAnswer};
use super::{Finding, PersistenceError, Store, StoreError};
use crate::breaker::Outcome;
use crate::deadline::SharedDeadline;
use crate::mailbox::{CallError, Continuation};
use crate::persistence::batch::{BYTES_MAX, ROWS_MAX, retried};

/// Writes under way at once: one may wait for the disk while another is on its way there.
pub(super) const WRITES_IN_FLIGHT_MAX: usize = 2;

/// One answer that waits to be written, with its plan if that is new.
pub(super) struct PendingAnswer {
    pub(super) row: KeyedPlan,
    /// About what it takes in a statement.
    pub(super) bytes: usize,
    pub(super) deadline: SharedDeadline,
    pub(super) reply: Continuation<Result<Claimed, PersistenceError>>,
}

/// Takes those that are written next, in order of arrival. What nobody waits for any more is dropped before it costs
/// anything.
pub(super) fn take(waiting: &mut VecDeque<PendingAnswer>, now: Instant) -> Vec<PendingAnswer> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while let Some(next) = waiting.front() {
        let is_full = batch.len() >= ROWS_MAX || bytes + next.bytes > BYTES_MAX;
        if is_full && !batch.is_empty() {
            break;
        }
        let Some(pending) = waiting.pop_front() else { break };
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

/// Writes a batch in one transaction, answers everybody in it, and returns what it shows of the database.
pub(super) async fn write(store: &dyn Store, batch: Vec<PendingAnswer>) -> Finding {
    let (rows, deadlines): (Vec<_>, Vec<_>) =
        batch.iter().map(|pending| (pending.row.clone(), pending.deadline.clone())).unzip();
    let result = insert(store, &rows, &deadlines).await;
    let finding = Finding::of(&result);
    match result {
        Ok(claimed) => {
            for (pending, claimed) in batch.into_iter().zip(claimed) {
                pending.reply.send(Ok(claimed));
            }
            finding
        }
        // A row that is refused takes no neighbor with it; nor do two rows with one key refuse each other.
        Err(StoreError::Data(_)) if batch.len() > 1 => write_one_by_one(store, batch).await,
        Err(fault) => {
            batch.into_iter().for_each(|pending| pending.reply.send(Err(fault.clone().into())));
            finding
        }
    }
}

/// Stores answers and their plans, all or none. An answer that an earlier attempt stored is its own, and counts as stored.
async fn insert(
    store: &dyn Store,
    rows: &[KeyedPlan],
    deadlines: &[SharedDeadline],
) -> Result<Vec<Claimed>, StoreError> {
    let mut claimed = retried(deadlines, || store.insert_keyed_plans(rows)).await?;
    for (claimed, row) in claimed.iter_mut().zip(rows) {
        let is_own =
            |stored: &StoredAnswer| stored.digest == row.claim.request.digest && stored.answer == row.claim.answer;
        if matches!(claimed, Claimed::Taken(stored) if is_own(stored)) {
            *claimed = Claimed::Stored;
        }
    }
    Ok(claimed)
}

/// Writes rows each alone. Once the database does not answer, the rest is not tried.
async fn write_one_by_one(store: &dyn Store, batch: Vec<PendingAnswer>) -> Finding {
    let mut batch = batch.into_iter();
    for pending in batch.by_ref() {
        let result = insert(store, from_ref(&pending.row), from_ref(&pending.deadline)).await;
        let finding = Finding::of(&result);
        // The one row has one result.
        let claimed = result.map(|claimed| claimed.into_iter().next().unwrap_or(Claimed::Stored));
        pending.reply.send(claimed.map_err(PersistenceError::from));
        if finding.outcome == Outcome::Failure {
            let untried = StoreError::Unavailable("it went away while answers were written one by one".to_owned());
            batch.for_each(|pending| pending.reply.send(Err(untried.clone().into())));
            return finding;
        }
    }
    Finding::SUCCESS
}
