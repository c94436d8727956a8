//! The persistence actor, which batches writes to the [`Store`] and owns the circuit breaker of the database.
//!
//! Writes are grouped without a timer: while one batch is being written, the next one fills. All database calls go
//! through this actor, so that one breaker counts all of them.

mod actor;
mod batch;
mod keyed;
mod load;
mod lookups;
pub(crate) mod metrics;
mod op;
pub mod profiles;
mod slot;
#[cfg(test)]
mod tests;
mod waiting;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::runtime::{ActorCell, SpawnErr};
use registry_planning::plan::Plan;
use registry_store::idempotency::{Claimed, KeyClaim, KeyedPlan};
use registry_store::{DEPENDENCY, Store, StoreError};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::error;

pub(crate) use self::actor::QueuedCall;
use self::actor::{PersistenceActor, PersistenceMessage};
use self::batch::PendingRow;
pub use self::load::LaneLoad;
use self::load::LoadBoard;
use self::lookups::Lookup;
pub use self::op::Op;
use self::profiles::LastKnown;
pub use self::slot::StoreSlot;
use crate::metrics::record_request;
use crate::runtime::breaker::{CallOutcome, ForcedState};
use crate::runtime::deadline::SharedDeadline;
use crate::runtime::guard::ForcedChange;
use crate::runtime::mailbox::{CallError, Inspection, Mailbox, NoReply, Reply};
use crate::runtime::panics::contain_async;
use crate::snapshot::SnapshotCell;
use crate::trace::{Stage, measured_async};

/// The reason why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersistenceError {
    /// The database does not respond; nothing was stored.
    #[error("the database is unavailable")]
    Unavailable {
        /// The time after which a retry is useful.
        retry_after: Duration,
    },
    /// The connection died during the write, which may be stored or not.
    #[error("the outcome of the write is unknown")]
    UnknownOutcome,
    /// The database rejects this row only.
    #[error("the database rejected the row: {0}")]
    Refused(String),
    /// The list took longer than a statement may. The database responds.
    #[error("the list took too long")]
    Timeout,
    /// The actor did not respond.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl PersistenceError {
    /// Whether the same call would fail again for the same reason.
    pub fn is_permanent(&self) -> bool {
        matches!(self, PersistenceError::Refused(_))
    }
}

/// Maximum number of requests that wait for the database: several times the rows of two batches. Beyond it the database
/// has fallen behind, and callers should know.
const CAPACITY: usize = 4096;

/// The handle of the persistence actor, for all calls of the database.
#[derive(Clone)]
pub struct PersistenceHandle {
    mailbox: Mailbox<PersistenceMessage>,
    last_known: Arc<LastKnown>,
    board: Arc<LoadBoard>,
}

impl PersistenceHandle {
    pub(crate) fn new() -> Self {
        PersistenceHandle {
            mailbox: Mailbox::new("persistence", CAPACITY),
            last_known: Arc::default(),
            board: Arc::default(),
        }
    }

    pub(crate) async fn spawn(
        &self,
        store: Arc<StoreSlot>,
        snapshots: Arc<SnapshotCell>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        let board = Arc::clone(&self.board);
        self.mailbox.spawn(PersistenceActor { store, snapshots, board }, supervisor).await
    }

    /// Stores a plan and calls `then` with the outcome, which is `Ok` after the plan is durable. `bytes` is its
    /// approximate size in a statement. The deadline may be extended while the plan waits.
    pub(crate) fn save(
        &self,
        plan: Arc<Plan>,
        bytes: usize,
        deadline: SharedDeadline,
        then: impl FnOnce(Result<(), PersistenceError>) + Send + 'static,
    ) {
        self.mailbox.ask_then(
            |reply| PersistenceMessage::Save(PendingRow { row: plan, bytes, deadline, reply }),
            |answer| {
                then(match answer {
                    Ok(outcome) => outcome,
                    Err(NoReply::NotAsked(refusal)) => Err(refusal.into()),
                    Err(NoReply::Dropped(_)) => Err(PersistenceError::UnknownOutcome),
                });
            },
        );
    }

    /// Stores the response to a request with an idempotency key, with the plan if it is new, and calls `then` with the
    /// outcome. See [`PersistenceHandle::save`].
    pub(crate) fn save_keyed(
        &self,
        row: KeyedPlan,
        bytes: usize,
        deadline: SharedDeadline,
        then: impl FnOnce(Result<Claimed, PersistenceError>) + Send + 'static,
    ) {
        self.mailbox.ask_then(
            |reply| PersistenceMessage::SaveKeyed(PendingRow { row, bytes, deadline, reply }),
            |answer| {
                then(match answer {
                    Ok(outcome) => outcome,
                    Err(NoReply::NotAsked(refusal)) => Err(refusal.into()),
                    Err(NoReply::Dropped(_)) => Err(PersistenceError::UnknownOutcome),
                });
            },
        );
    }

    /// Stores the response to a plan request whose plan is already stored.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn store_answer(&self, claim: KeyClaim, deadline: Instant) -> Result<Claimed, PersistenceError> {
        let bytes = claim.answer.len();
        let (sender, receiver) = oneshot::channel();
        self.save_keyed(KeyedPlan { plan: None, claim }, bytes, SharedDeadline::new(deadline), move |outcome| {
            let _ = sender.send(outcome);
        });
        match measured_async(Stage::Database, timeout_at(deadline, receiver)).await {
            Ok(answer) => answer.unwrap_or(Err(PersistenceError::UnknownOutcome)),
            Err(_) => Err(CallError::DeadlineExceeded("persistence").into()),
        }
    }

    /// Reads a plan; `None` if the id is unknown. Concurrent reads share a query.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn plan(&self, plan_id: String, deadline: Instant) -> Result<Option<Plan>, PersistenceError> {
        let lookup = |reply| PersistenceMessage::LookUp(Lookup { plan_id, reply });
        measured_async(Stage::Database, self.mailbox.call(deadline, lookup)).await?
    }

    /// Deletes plans past their retention, and returns their number.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn delete_old_plans(&self, retention_days: u32, deadline: Instant) -> Result<u64, PersistenceError> {
        let run = move |store: Arc<dyn Store>| async move { actor::delete_old_plans(&*store, retention_days).await };
        self.run(Op::DeleteOldPlans, deadline, run).await
    }

    /// Returns the load of the lanes as of the last message that the actor has handled. Does not wait for the actor.
    pub fn lanes(&self) -> impl IntoIterator<Item = LaneLoad> + use<> {
        self.board.read()
    }

    /// Returns the state of the actor, or an error after `timeout`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn inspect(&self, timeout: Duration) -> Result<Inspection, CallError> {
        self.mailbox.inspect(timeout).await
    }

    /// Forces a state of the circuit breaker, or returns to the automatic one. A restart of the actor does so too.
    pub(crate) async fn force_breaker(
        &self,
        forced: Option<ForcedState>,
        deadline: Instant,
    ) -> Result<ForcedChange, CallError> {
        self.mailbox.call_outside_bound(deadline, |reply| PersistenceMessage::Force { forced, reply }).await
    }

    /// Waits until all accepted rows are written.
    pub(crate) async fn flush(&self, deadline: Instant) -> Result<(), CallError> {
        self.mailbox.call_outside_bound(deadline, |reply| PersistenceMessage::Flush { reply }).await
    }

    /// Runs `work` on the store in a task, with a permit of the lane of `op` and under the breaker of the actor.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn run<T, F, W>(&self, op: Op, deadline: Instant, work: F) -> Result<T, PersistenceError>
    where
        T: Send + 'static,
        F: FnOnce(Arc<dyn Store>) -> W + Send + 'static,
        W: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let message = |reply| PersistenceMessage::Run { op, call: Box::new(Query { work, reply }) };
        measured_async(Stage::Database, self.mailbox.call(deadline, message)).await?
    }

    pub(crate) fn actor(&self) -> Option<ActorCell> {
        self.mailbox.actor()
    }

    #[cfg(any(test, feature = "fault-injection"))]
    pub(crate) fn crash(&self) -> Result<(), CallError> {
        self.mailbox.crash()
    }
}

struct Query<T, F> {
    work: F,
    reply: Reply<Result<T, PersistenceError>>,
}

impl<T, F, W> QueuedCall for Query<T, F>
where
    T: Send + 'static,
    F: FnOnce(Arc<dyn Store>) -> W + Send + 'static,
    W: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_abandoned()
    }

    fn refuse(self: Box<Self>, why: PersistenceError) {
        self.reply.send(Err(why));
    }

    fn run(self: Box<Self>, store: Arc<dyn Store>) -> Pin<Box<dyn Future<Output = Finding> + Send>> {
        Box::pin(async move {
            let result = contained((self.work)(store)).await;
            let finding = Finding::of(&result);
            self.reply.send(result.map_err(PersistenceError::from));
            finding
        })
    }
}

/// Waits for a call of the store. If the call panics, only this call fails; the actor and other calls continue.
async fn contained<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    contain_async(call).await.unwrap_or_else(|panic| {
        error!(panic, "store call panicked");
        Err(StoreError::Data(format!("the store call panicked: {panic}")))
    })
}

/// The state of the database according to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    outcome: CallOutcome,
    /// The value of the label `outcome` of metrics.
    label: &'static str,
    /// The cause of the failure.
    fault: Option<String>,
}

impl Finding {
    const SUCCESS: Finding = Finding { outcome: CallOutcome::Success, label: "success", fault: None };
    /// The database responded and rejected the call, so it is not a failure of the database.
    const REFUSED: Finding = Finding { outcome: CallOutcome::Ignored, label: "refused", fault: None };
    /// The database responded and canceled the call, so it is not a failure of the database.
    const TIMED_OUT: Finding = Finding { outcome: CallOutcome::Ignored, label: "timed_out", fault: None };

    fn of<T>(result: &Result<T, StoreError>) -> Self {
        match result {
            Ok(_) => Finding::SUCCESS,
            Err(StoreError::Data(_) | StoreError::Overtaken | StoreError::Busy) => Finding::REFUSED,
            Err(StoreError::Timeout(_)) => Finding::TIMED_OUT,
            Err(fault) => Finding { outcome: CallOutcome::Failure, label: "failed", fault: Some(fault.to_string()) },
        }
    }
}

pub(crate) const OUTCOMES: [&str; 4] = ["success", "refused", "timed_out", "failed"];

/// Records the duration and the outcome of a call.
fn measured(op: Op, finding: &Finding, took: Duration) {
    record_request(DEPENDENCY, op.as_str(), finding.label, took);
}

impl From<StoreError> for PersistenceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Busy => {
                PersistenceError::Unavailable { retry_after: Duration::from_secs(1) }
            }
            StoreError::UnknownOutcome(_) => PersistenceError::UnknownOutcome,
            StoreError::Data(why) => PersistenceError::Refused(why),
            StoreError::Timeout(_) => PersistenceError::Timeout,
            StoreError::Overtaken => PersistenceError::Refused(error.to_string()),
        }
    }
}
