//! The planners: a pool routed by cache key, so that one planner gets all requests for one plan and creates it once.
//!
//! A plain supervised pool, not ractor's factory: a planner holds many requests at once in its in-flight table, where
//! a factory's worker holds one job.

mod actor;
#[cfg(any(test, feature = "fault-injection"))]
mod faults;
mod message;
pub(crate) mod metrics;
mod quarantine;
#[cfg(test)]
mod tests;
mod waiter;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use registry_planning::fit::PinnedOverCapacity;
use registry_planning::request::{PlanRequest, Resolved};
use registry_store::idempotency::{KeyedRequest, PlanAnswerRecord, StoredAnswer};
use tokio::time::Instant;

use self::actor::PlannerActor;
pub use self::actor::compute_plan;
#[cfg(any(test, feature = "fault-injection"))]
pub use self::faults::PanicAt;
use self::message::{PendingPlan, PlannerMessage};
pub use self::metrics::{PLANNING_DURATION, PLANS_BY_BROKER};
use self::quarantine::Quarantine;
use self::waiter::Waiter;
use crate::cache::{CacheHandle, CachedPlan};
use crate::persistence::{PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::{CallError, Inspection, Mailbox};
use crate::runtime::{ActorCell, SpawnErr};
use crate::snapshot::Snapshot;
use crate::trace;

/// The reason why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The plan could not be stored.
    #[error("failed to store the plan: {0}")]
    NotStored(#[from] PersistenceError),
    /// The pinned instruments exceed a limit of the broker.
    #[error(transparent)]
    PinnedOverCapacity(#[from] PinnedOverCapacity),
    /// Planning the request panicked, now or earlier.
    #[error("planning the request panicked")]
    Panicked,
    /// The planner did not respond, or is at capacity.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Nothing was stored because the idempotency key already has this answer.
    #[error("a response is already recorded for this idempotency key")]
    Answered(StoredAnswer),
}

/// A plan, and whether it is reused.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan and its JSON.
    pub cached: Arc<CachedPlan>,
    /// Whether the plan was created earlier, or for another concurrent caller.
    pub is_reused: bool,
    /// The answer that was stored with the plan for the idempotency key of the request. `None` if the request has no
    /// key, or if the plan was not created for it: then no answer is stored yet.
    pub record: Option<PlanAnswerRecord>,
}

/// A request whose answer is stored for its idempotency key.
#[derive(Clone, Debug)]
pub struct PlanClaim {
    /// The key, its scope and the digest of the request.
    pub request: Arc<KeyedRequest>,
    /// The time at which the request arrived.
    pub started_at: Instant,
}

impl PlanClaim {
    /// Returns the answer that contains this plan.
    pub fn record(&self, plan_id: &str, is_reused: bool) -> PlanAnswerRecord {
        let duration_ms = u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        PlanAnswerRecord { plan_id: plan_id.to_owned(), is_reused, duration_ms }
    }
}

/// Maximum number of requests in progress at one planner. At some thousand plans per second this is a fraction of a
/// second of work; beyond it an immediate 503 is better for a caller. A large request counts as several.
const CAPACITY: usize = 1024;
/// Number of keys for which a request counts once. Time and memory of a plan grow with its keys: a thousand plans of a
/// thousand instruments would wait for a second, and need 200 MB.
const KEYS_PER_PERMIT: usize = 250;

const NAMES: [&str; 8] =
    ["planner_0", "planner_1", "planner_2", "planner_3", "planner_4", "planner_5", "planner_6", "planner_7"];
/// Maximum number of planners. Each has a name for its metrics.
pub const PLANNERS_MAX: usize = NAMES.len();

/// The handle of all planners. The cache key of a request selects its planner.
#[derive(Clone)]
pub struct PlannerPool {
    planners: Arc<[Mailbox<PlannerMessage>]>,
    quarantine: Arc<Quarantine>,
    #[cfg(any(test, feature = "fault-injection"))]
    faults: Arc<faults::Faults>,
}

impl PlannerPool {
    /// Creates the handles of `count` planners, 1 to [`PLANNERS_MAX`].
    pub(crate) fn new(count: usize) -> Self {
        let names = &NAMES[..count.clamp(1, PLANNERS_MAX)];
        PlannerPool {
            planners: names.iter().map(|name| Mailbox::new(name, CAPACITY)).collect(),
            quarantine: Arc::default(),
            #[cfg(any(test, feature = "fault-injection"))]
            faults: Arc::default(),
        }
    }

    pub(crate) fn names(&self) -> &'static [&'static str] {
        &NAMES[..self.planners.len()]
    }

    pub(crate) async fn spawn(
        &self,
        index: usize,
        cache: CacheHandle,
        persistence: PersistenceHandle,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        let actor = PlannerActor {
            cache,
            persistence,
            quarantine: Arc::clone(&self.quarantine),
            #[cfg(any(test, feature = "fault-injection"))]
            faults: Arc::clone(&self.faults),
        };
        self.planners[index].spawn(actor, supervisor).await
    }

    /// Returns the plan for a resolved request: a new one, or a reused one. `Ok` means that it is durable.
    ///
    /// # Errors
    /// [`PlanError`].
    ///
    /// # Cancel safety
    /// If a caller disconnects, the work continues for the callers that joined it. Work without a caller is dropped.
    pub async fn plan(
        &self,
        request: Arc<PlanRequest>,
        resolved: Arc<Resolved>,
        snapshot: Arc<Snapshot>,
        deadline: Instant,
    ) -> Result<Planned, PlanError> {
        self.plan_keyed(request, resolved, snapshot, None, deadline).await
    }

    /// Returns the plan for a resolved request. If the plan is created for this request, the answer is stored with it
    /// for the idempotency key of the request.
    ///
    /// # Errors
    /// [`PlanError`]; [`PlanError::Answered`] if another request with the key was first.
    pub async fn plan_keyed(
        &self,
        request: Arc<PlanRequest>,
        resolved: Arc<Resolved>,
        snapshot: Arc<Snapshot>,
        claim: Option<PlanClaim>,
        deadline: Instant,
    ) -> Result<Planned, PlanError> {
        let key = resolved.cache_key();
        if self.quarantine.refuses(key) {
            return Err(PlanError::Panicked);
        }
        let planner = &self.planners[usize::from(key.0[0]) % self.planners.len()];
        let weight = u32::try_from(resolved.key_count().div_ceil(KEYS_PER_PERMIT)).unwrap_or(u32::MAX);
        let message = || {
            let (request, resolved, snapshot) = (Arc::clone(&request), Arc::clone(&resolved), Arc::clone(&snapshot));
            let (claim, trace) = (claim.clone(), trace::current());
            move |reply| {
                let caller = Waiter { reply, trace };
                PlannerMessage::Plan(PendingPlan { request, resolved, snapshot, claim, deadline, caller })
            }
        };
        match planner.call_weighted(deadline, weight, message()).await {
            // The planner dropped the request because its deadline had passed.
            Err(CallError::Gone(name)) if Instant::now() >= deadline => Err(CallError::DeadlineExceeded(name).into()),
            // The planner stopped while it held the request. Its successor starts in a moment, and planning twice does
            // no harm unless this request stopped the planner.
            Err(CallError::Gone(_)) => {
                tokio::time::sleep(RESEND_AFTER).await;
                if self.quarantine.refuses(key) {
                    return Err(PlanError::Panicked);
                }
                planner.call_weighted(deadline, weight, message()).await?
            }
            answer => answer?,
        }
    }

    /// Whether any planner would accept a request now. Otherwise a request need not even be read.
    pub fn has_capacity(&self) -> bool {
        self.planners.iter().any(Mailbox::has_capacity)
    }

    /// Returns the state of each planner; asks all of them at the same time.
    pub async fn inspect(&self, timeout: Duration) -> Vec<(&'static str, Duration, Result<Inspection, CallError>)> {
        let started_at = Instant::now();
        let inspections = self.names().iter().zip(self.planners.iter()).map(async |(name, planner)| {
            let inspection = planner.inspect(timeout).await;
            (*name, started_at.elapsed(), inspection)
        });
        join_all(inspections).await
    }

    /// Waits until no planner has a request in progress, and returns the first error.
    pub(crate) async fn drain(&self, deadline: Instant) -> Result<(), CallError> {
        let mut outcome = Ok(());
        for planner in self.planners.iter() {
            let drained = planner.call_outside_bound(deadline, |reply| PlannerMessage::Drain { reply }).await;
            outcome = outcome.and(drained);
        }
        outcome
    }

    pub(crate) fn actors(&self) -> Vec<ActorCell> {
        self.planners.iter().filter_map(Mailbox::actor).collect()
    }

    #[cfg(any(test, feature = "fault-injection"))]
    pub(crate) fn crash(&self, index: usize) -> Result<(), CallError> {
        self.planners[index].crash()
    }

    /// Takes the capacity of all planners until the value is dropped, for tests.
    #[cfg(any(test, feature = "fault-injection"))]
    pub fn occupy(&self) -> impl Send + Sync + use<> {
        self.planners.iter().map(Mailbox::take_permits).collect::<Vec<_>>()
    }

    /// Returns the number of messages that wait in the mailboxes of all planners, for tests.
    #[cfg(any(test, feature = "fault-injection"))]
    pub fn waiting(&self) -> usize {
        self.planners.iter().map(|planner| planner.load().waiting).sum()
    }

    /// Holds each planner at its next request until the value is dropped, for tests in a runtime with several threads.
    #[cfg(any(test, feature = "fault-injection"))]
    pub fn hold(&self) -> impl Send + Sync + use<> {
        self.faults.hold()
    }

    /// Makes requests of this user panic from now on, for tests.
    #[cfg(any(test, feature = "fault-injection"))]
    pub fn panic_at_requests_of(&self, user_id: &str, at: PanicAt) {
        self.faults.set(user_id, at);
    }
}

/// The first restart is immediate; this timeout also covers one with a short delay.
const RESEND_AFTER: Duration = Duration::from_millis(100);
