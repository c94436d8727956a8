//! Durable storage: the [`Store`] behind it, and the actor that batches writes and owns the database's breaker.
//!
//! Writes are grouped without a timer: while one batch is being written the next one fills. Every database call of the
//! engine comes through this actor, so that one breaker knows all of them.

mod actor;
mod batch;
mod deferred;
mod keyed;
mod lookups;
pub mod profiles;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use metrics::histogram;
use ractor::{ActorCell, SpawnErr};
use registry_planning::load::diff::ChangeKind;
use registry_planning::plan::Plan;
use registry_store::idempotency::{Claimed, KeyClaim, KeyedPlan, KeyedRequest, StoredAnswer};
use registry_store::jobs::{self, Created, Job};
use registry_store::{
    DEPENDENCY, LastGoodSettings, LoadDiff, LoadSummary, PlanFilter, PlanPage, Position, Refusal, RefusalRecord, Store,
    StoreError, StoredCatalogue,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use tracing::error;

pub(crate) use self::actor::Call;
use self::actor::{PersistenceActor, PersistenceMessage};
pub(crate) use self::batch::BATCH_RETRIES;
use self::batch::Pending;
pub use self::deferred::DeferredStore;
use self::lookups::Lookup;
use self::profiles::LastKnown;
use crate::breaker::Outcome;
use crate::deadline::SharedDeadline;
use crate::mailbox::{CallError, Inspection, Mailbox, Reply, Unanswered};
use crate::metrics::REQUEST_DURATION;
use crate::panics::contain_async;
use crate::snapshot::SnapshotCell;

/// Why something was not stored or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersistenceError {
    /// The database does not answer; nothing was stored.
    #[error("the database is unavailable")]
    Unavailable {
        /// When it is worth another try.
        retry_after: Duration,
    },
    /// The connection died on the way: it may have been stored or not.
    #[error("the outcome of the write is unknown")]
    UnknownOutcome,
    /// The database refuses this row, and only this one.
    #[error("the database rejected the row: {0}")]
    Refused(String),
    /// The actor did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Requests that may wait for the database at once. A plan waits for one batch at most, 256 rows of two batches a few
/// times over: beyond this the database has fallen behind and callers are better told so.
const CAPACITY: usize = 4096;

/// The handle of the persistence actor.
#[derive(Clone)]
pub struct PersistenceHandle {
    mailbox: Mailbox<PersistenceMessage>,
    last_known: Arc<LastKnown>,
}

pub(crate) type Work<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

impl PersistenceHandle {
    pub(crate) fn new() -> Self {
        PersistenceHandle { mailbox: Mailbox::new("persistence", CAPACITY), last_known: Arc::default() }
    }

    pub(crate) async fn spawn(
        &self,
        store: Arc<dyn Store>,
        snapshots: Arc<SnapshotCell>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        self.mailbox.spawn(PersistenceActor { store, snapshots }, supervisor).await
    }

    /// Stores a plan and has `then` done with the outcome, `Ok` once it is durable. `bytes` is about what it takes in a
    /// statement. The deadline may be put off while the plan waits: the actor and its batches mind it.
    pub(crate) fn save(
        &self,
        plan: Arc<Plan>,
        bytes: usize,
        deadline: SharedDeadline,
        then: impl FnOnce(Result<(), PersistenceError>) + Send + 'static,
    ) {
        self.mailbox.ask_then(
            |reply| PersistenceMessage::Save(Pending { row: plan, bytes, deadline, reply }),
            |answer| {
                then(match answer {
                    Ok(outcome) => outcome,
                    Err(Unanswered::NotAsked(refusal)) => Err(refusal.into()),
                    Err(Unanswered::Dropped(_)) => Err(PersistenceError::UnknownOutcome),
                });
            },
        );
    }

    /// Stores the answer to a request with an idempotency key, with the plan if that is new, and has `then` done with the
    /// outcome. See [`PersistenceHandle::save`].
    pub(crate) fn save_keyed(
        &self,
        row: KeyedPlan,
        bytes: usize,
        deadline: SharedDeadline,
        then: impl FnOnce(Result<Claimed, PersistenceError>) + Send + 'static,
    ) {
        self.mailbox.ask_then(
            |reply| PersistenceMessage::SaveKeyed(Pending { row, bytes, deadline, reply }),
            |answer| {
                then(match answer {
                    Ok(outcome) => outcome,
                    Err(Unanswered::NotAsked(refusal)) => Err(refusal.into()),
                    Err(Unanswered::Dropped(_)) => Err(PersistenceError::UnknownOutcome),
                });
            },
        );
    }

    /// Stores the answer to a plan request whose plan is stored already.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn keep_answer(&self, claim: KeyClaim, deadline: Instant) -> Result<Claimed, PersistenceError> {
        let bytes = claim.answer.len();
        let (sender, receiver) = oneshot::channel();
        self.save_keyed(KeyedPlan { plan: None, claim }, bytes, SharedDeadline::new(deadline), move |outcome| {
            let _ = sender.send(outcome);
        });
        match timeout_at(deadline, receiver).await {
            Ok(answer) => answer.unwrap_or(Err(PersistenceError::UnknownOutcome)),
            Err(_) => Err(CallError::DeadlineExceeded("persistence").into()),
        }
    }

    /// Reads the answer that is kept for a request's idempotency key.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn stored_answer(
        &self,
        request: Arc<KeyedRequest>,
        deadline: Instant,
    ) -> Result<Option<StoredAnswer>, PersistenceError> {
        let work = move |store: Arc<dyn Store>| -> Work<Option<StoredAnswer>> {
            Box::pin(async move { store.stored_answer(&request.scope, &request.key, request.now).await })
        };
        self.run("stored_answer", deadline, work).await
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn plan(&self, plan_id: String, deadline: Instant) -> Result<Option<Plan>, PersistenceError> {
        let lookup = |reply| PersistenceMessage::LookUp(Lookup { plan_id, reply });
        self.mailbox.call(deadline, lookup).await?
    }

    /// Lists plans.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn plans(
        &self,
        filter: PlanFilter,
        position: Position,
        limit: u32,
        deadline: Instant,
    ) -> Result<PlanPage, PersistenceError> {
        self.run("plans", deadline, move |store| Box::pin(async move { store.plans(&filter, &position, limit).await }))
            .await
    }

    /// Deletes the plans that have outlived the retention, and says how many.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn delete_old_plans(&self, retention_days: u32, deadline: Instant) -> Result<u64, PersistenceError> {
        let run = move |store: Arc<dyn Store>| -> Work<u64> {
            Box::pin(async move { actor::delete_old_plans(&*store, retention_days).await })
        };
        self.run("delete_old_plans", deadline, run).await
    }

    /// What the config service last said.
    pub(crate) async fn last_good(&self, deadline: Instant) -> Result<LastGoodSettings, PersistenceError> {
        self.run("last_good", deadline, |store| Box::pin(async move { store.last_good().await })).await
    }

    /// Keeps what the config service said.
    pub(crate) async fn save_last_good(
        &self,
        said: LastGoodSettings,
        deadline: Instant,
    ) -> Result<(), PersistenceError> {
        let work = |store: Arc<dyn Store>| -> Work<()> { Box::pin(async move { store.save_last_good(&said).await }) };
        self.run("save_last_good", deadline, work).await
    }

    /// The version of the stored catalogue; `None` where no load was ever accepted.
    pub(crate) async fn catalogue_version(&self, deadline: Instant) -> Result<Option<i64>, PersistenceError> {
        self.run("catalogue_version", deadline, |store| Box::pin(async move { store.catalogue_version().await })).await
    }

    /// Reads the stored catalogue.
    pub(crate) async fn catalogue(&self, deadline: Instant) -> Result<Option<StoredCatalogue>, PersistenceError> {
        self.run("catalogue", deadline, |store| Box::pin(async move { store.catalogue().await })).await
    }

    /// The refusals after which no load of their broker was accepted, newest first.
    pub(crate) async fn refusals(&self, deadline: Instant) -> Result<Vec<Refusal>, PersistenceError> {
        self.run("refusals", deadline, |store| Box::pin(async move { store.refusals().await })).await
    }

    /// Lists accepted loads, newest first, `limit` at most; those before the version `before` where there is one.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn versions(
        &self,
        before: Option<i64>,
        limit: u32,
        deadline: Instant,
    ) -> Result<Vec<LoadSummary>, PersistenceError> {
        self.run("versions", deadline, move |store| Box::pin(async move { store.versions(before, limit).await })).await
    }

    /// The first changes that a load made, `limit` at most, of one kind alone where there is one; `None` where there is
    /// no such load.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn diff(
        &self,
        version: i64,
        kind: Option<ChangeKind>,
        limit: u32,
        deadline: Instant,
    ) -> Result<Option<LoadDiff>, PersistenceError> {
        self.run("diff", deadline, move |store| Box::pin(async move { store.diff(version, kind, limit).await })).await
    }

    /// Keeps a new job; see `JobStore::create_job`.
    pub(crate) async fn create_job(&self, job: Job, deadline: Instant) -> Result<Created, PersistenceError> {
        self.run("create_job", deadline, move |store| Box::pin(async move { store.create_job(&job).await })).await
    }

    /// Stores a new job with the answer for its idempotency key; see `JobStore::create_keyed_job`.
    pub(crate) async fn create_keyed_job(
        &self,
        job: Job,
        claim: KeyClaim,
        deadline: Instant,
    ) -> Result<Created, PersistenceError> {
        let work = move |store: Arc<dyn Store>| -> Work<Created> {
            Box::pin(async move { store.create_keyed_job(&job, &claim).await })
        };
        self.run("create_keyed_job", deadline, work).await
    }

    /// Keeps how far a job is, and says whether it is still wanted; see `JobStore::save_job`.
    pub(crate) async fn save_job(&self, job: Job, deadline: Instant) -> Result<bool, PersistenceError> {
        self.run("save_job", deadline, move |store| Box::pin(async move { store.save_job(&job).await })).await
    }

    /// Reads a job.
    pub(crate) async fn job(&self, job_id: String, deadline: Instant) -> Result<Option<Job>, PersistenceError> {
        self.run("job", deadline, move |store| Box::pin(async move { store.job(&job_id).await })).await
    }

    /// Keeps that a job is not wanted any more.
    pub(crate) async fn cancel_job(&self, job_id: String, deadline: Instant) -> Result<Option<Job>, PersistenceError> {
        self.run("cancel_job", deadline, move |store| Box::pin(async move { store.cancel_job(&job_id).await })).await
    }

    /// Fails the jobs of which there was no sign for too long.
    pub(crate) async fn fail_silent_jobs(&self, deadline: Instant) -> Result<Vec<Job>, PersistenceError> {
        let work = |store: Arc<dyn Store>| -> Work<Vec<Job>> {
            Box::pin(async move { store.fail_silent_jobs(jobs::SILENT_MAX).await })
        };
        self.run("fail_silent_jobs", deadline, work).await
    }

    /// Keeps that a file was not accepted.
    pub(crate) async fn refuse_load(&self, record: RefusalRecord, deadline: Instant) -> Result<(), PersistenceError> {
        self.run("refuse_load", deadline, move |store| Box::pin(async move { store.refuse_load(&record).await })).await
    }

    /// How the actor is.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn inspect(&self, timeout: Duration) -> Result<Inspection, CallError> {
        self.mailbox.inspect(timeout).await
    }

    /// Waits until everything that was handed over has been written.
    pub(crate) async fn flush(&self, deadline: Instant) -> Result<(), CallError> {
        self.mailbox.call_outside_bound(deadline, |reply| PersistenceMessage::Flush { reply }).await
    }

    /// Runs `work` against the store, outside the actor and under its breaker.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        deadline: Instant,
        work: impl FnOnce(Arc<dyn Store>) -> Work<T> + Send + 'static,
    ) -> Result<T, PersistenceError> {
        let message = |reply| PersistenceMessage::Run { operation, job: Box::new(Query { work, reply }) };
        self.mailbox.call(deadline, message).await?
    }

    pub(crate) fn actor(&self) -> Option<ActorCell> {
        self.mailbox.actor()
    }

    #[cfg(any(test, feature = "fault-injection"))]
    pub(crate) fn crash(&self) -> Result<(), CallError> {
        self.mailbox.crash()
    }
}

/// One piece of work and where its result goes.
struct Query<T, F> {
    work: F,
    reply: Reply<Result<T, PersistenceError>>,
}

impl<T, F> Call for Query<T, F>
where
    T: Send + 'static,
    F: FnOnce(Arc<dyn Store>) -> Work<T> + Send + 'static,
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

/// Waits for a call of the store. A panic on the way is the fault of what the call was given or read: it fails, and the
/// actor and everybody else's calls live.
async fn contained<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    contain_async(call).await.unwrap_or_else(|panic| {
        error!(panic, "store call panicked");
        Err(StoreError::Data(format!("the store call panicked: {panic}")))
    })
}

/// What a call shows of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    outcome: Outcome,
    /// Why it failed.
    fault: Option<String>,
}

impl Finding {
    const SUCCESS: Finding = Finding { outcome: Outcome::Success, fault: None };

    fn of<T>(result: &Result<T, StoreError>) -> Self {
        match result {
            Ok(_) => Finding::SUCCESS,
            // The database answered, and was right to refuse.
            Err(StoreError::Data(_) | StoreError::Overtaken | StoreError::Busy) => {
                Finding { outcome: Outcome::Ignored, fault: None }
            }
            Err(fault) => Finding { outcome: Outcome::Failure, fault: Some(fault.to_string()) },
        }
    }

    /// Its word in metrics.
    const fn label(&self) -> &'static str {
        match self.outcome {
            Outcome::Success => "success",
            Outcome::Ignored => "refused",
            Outcome::Failure => "failed",
        }
    }
}

/// Labels `operation` and `outcome` of its calls.
pub(crate) const OPERATIONS: [&str; 34] = [
    "audit_entries",
    "cancel_job",
    "catalogue",
    "catalogue_version",
    "change_profile",
    "conflicts",
    "count_unexpired",
    "create_job",
    "create_keyed_job",
    "delete_expired_keys",
    "delete_old_audit_entries",
    "delete_old_plans",
    "diff",
    "expire_profiles",
    "fail_silent_jobs",
    "insert_keyed_plans",
    "insert_plans",
    "job",
    "last_good",
    "offer",
    "ping",
    "plan",
    "plans",
    "prepare",
    "profile",
    "profile_stats",
    "profile_versions",
    "profiles",
    "refusals",
    "refuse_load",
    "save_job",
    "save_last_good",
    "stored_answer",
    "versions",
];
pub(crate) const OUTCOMES: [&str; 3] = ["success", "refused", "failed"];

/// Records how long a call took, and how it ended.
fn measured(operation: &'static str, finding: &Finding, took: Duration) {
    let outcome = finding.label();
    histogram!(REQUEST_DURATION, "dependency" => DEPENDENCY, "operation" => operation, "outcome" => outcome)
        .record(took);
}

impl From<StoreError> for PersistenceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Busy => {
                PersistenceError::Unavailable { retry_after: Duration::from_secs(1) }
            }
            StoreError::UnknownOutcome(_) => PersistenceError::UnknownOutcome,
            StoreError::Data(why) => PersistenceError::Refused(why),
            StoreError::Overtaken => PersistenceError::Refused(error.to_string()),
        }
    }
}
