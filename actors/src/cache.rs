//! Cached plans: L1 in this process, and the interface of an L2 that replicas share.
//!
//! Readers read L1 directly. The cache actor owns the work that takes time: expiry, the byte budget and eviction.

mod actor;
mod aliases;
mod deferred;
mod local;
pub(crate) mod metrics;
pub mod redis;
mod sharing;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use registry_planning::heap;
use registry_planning::plan::Plan;
use registry_planning::vocabulary::CacheKey;
use tokio::time::Instant;

use self::actor::{CacheActor, CacheMessage};
pub use self::deferred::DeferredCache;
use self::local::{ENTRY_BYTES, Local};
use self::metrics::plan_cache_operation;
pub(crate) use self::sharing::SHARED_BUDGET;
use crate::runtime::breaker::ForcedState;
use crate::runtime::guard::ForcedChange;
use crate::runtime::mailbox::{CallError, Inspection, Mailbox};
use crate::runtime::{ActorCell, SpawnErr};
use crate::trace::{Stage, measured};

/// A plan and its JSON, ready to be sent.
#[derive(Debug)]
pub struct CachedPlan {
    /// The plan, which all readers share.
    pub plan: Arc<Plan>,
    /// The plan as API.md's `plan_data`.
    pub json: String,
}

impl CachedPlan {
    /// Renders the JSON of a plan once, for all responses.
    pub fn new(plan: Arc<Plan>) -> Self {
        let json = plan.to_json();
        CachedPlan { plan, json }
    }

    /// Returns the number of bytes that it uses in L1 without its aliases.
    fn bytes(&self) -> usize {
        let plan = heap::arc::<Plan>() + self.plan.heap_bytes();
        let id = heap::block(self.plan.plan_id.len());
        heap::arc::<CachedPlan>() + heap::block(self.json.capacity()) + plan + id + ENTRY_BYTES
    }
}

/// A 128-bit hash of everything that the response to a request depends on. Its creator ensures that two requests with
/// the same fingerprint get the same plan, and that nobody can search for collisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

/// A plan that can be returned without parsing the request.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The plan in L1 with its own JSON.
    pub cached: Arc<CachedPlan>,
    /// The plan's JSON in the response, if it differs from [`CachedPlan::json`].
    pub json: Option<Arc<str>>,
}

impl Ready {
    /// Returns the plan's JSON in the response.
    pub fn json(&self) -> &str {
        self.json.as_deref().unwrap_or(&self.cached.json)
    }
}

/// The reason why a call of L2 failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharedCacheError {
    /// The call took too long. It may still take effect.
    #[error("timeout: no response from the shared cache within {0:?}")]
    TimedOut(Duration),
    /// There is no connection, or it broke.
    #[error("shared cache connection failed: {0}")]
    Unreachable(String),
    /// L2 rejected the command, for example because its memory is full.
    #[error("the shared cache rejected the command: {0}")]
    Refused(String),
}

impl SharedCacheError {
    /// Returns the value of the label `outcome`.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            SharedCacheError::TimedOut(_) => "timed_out",
            SharedCacheError::Unreachable(_) => "unreachable",
            SharedCacheError::Refused(_) => "refused",
        }
    }
}

/// A plan as L2 stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPlan {
    /// The cache key of the plan, under which L2 stores the id.
    pub key: CacheKey,
    /// The id by which the plan is read from the database.
    pub plan_id: String,
    /// The time after which L2 deletes the id.
    pub ttl: Duration,
}

/// A cache that replicas share. It holds ids only: the plan is read from the database.
///
/// # Cancel safety
/// The caller keeps the time: every call may be dropped at any moment, and the next one finds the cache usable.
#[async_trait]
pub trait SharedCache: Send + Sync + 'static {
    /// Returns the plan id of each key, in the order of the keys. A value that is not a plan id is a miss.
    ///
    /// # Errors
    /// [`SharedCacheError`], which callers treat as a miss.
    async fn get_many(&self, keys: &[CacheKey]) -> Result<Vec<Option<String>>, SharedCacheError>;

    /// Stores each plan under its key unless the key exists, and returns in the same order the plan id that the key has
    /// now. Thus the first of several replicas decides.
    ///
    /// # Errors
    /// [`SharedCacheError`]; each plan may be stored or not.
    async fn put_many(&self, plans: &[SharedPlan]) -> Result<Vec<String>, SharedCacheError>;

    /// Whether L2 exists yet. Until it does, callers need not use it.
    fn is_configured(&self) -> bool {
        true
    }

    /// Returns the host and port of the server, for logs and reports.
    fn address(&self) -> Option<String> {
        None
    }

    /// Checks that the server responds.
    ///
    /// # Errors
    /// [`SharedCacheError`].
    async fn ping(&self) -> Result<(), SharedCacheError>;
}

fn counted<T>(operation: &'static str, found: Option<T>) -> Option<T> {
    plan_cache_operation(operation, if found.is_some() { "hit" } else { "miss" }).increment(1);
    found
}

/// Maximum size of L1 in bytes. The container has 384 MB for two catalogs and everything else.
pub const BYTE_BUDGET: usize = 64 << 20;
/// People request clearing, and planners look up in L2: one lookup per plan in progress.
const CAPACITY: usize = 4096;

/// The handle of the cache. It reads L1 directly, and calls the actor for L2.
#[derive(Clone)]
pub struct CacheHandle {
    local: Arc<Local>,
    mailbox: Mailbox<CacheMessage>,
    shared: Option<Arc<dyn SharedCache>>,
}

impl CacheHandle {
    pub(crate) fn new(shared: Option<Arc<dyn SharedCache>>) -> Self {
        CacheHandle { local: Arc::default(), mailbox: Mailbox::new("cache", CAPACITY), shared }
    }

    pub(crate) async fn spawn(&self, byte_budget: usize, supervisor: ActorCell) -> Result<ActorCell, SpawnErr> {
        let actor = CacheActor { local: Arc::clone(&self.local), byte_budget, shared: self.shared.clone() };
        self.mailbox.spawn(actor, supervisor).await
    }

    /// Returns the plan of a key unless it was evicted or has expired. Counts a hit or a miss.
    pub fn get(&self, key: CacheKey) -> Option<Arc<CachedPlan>> {
        counted("get", measured(Stage::Cache, || self.peek(key)))
    }

    /// Returns the plan for the request with this fingerprint unless it was evicted or has expired. Counts a hit or a
    /// miss of its own; a hit also counts as one of [`CacheHandle::get`], which it replaces.
    pub fn by_fingerprint(&self, fingerprint: Fingerprint) -> Option<Ready> {
        let found = measured(Stage::Cache, || self.local.by_fingerprint(fingerprint, Instant::now()));
        let ready = counted("fingerprint", found)?;
        counted("get", Some(ready))
    }

    /// Lets later requests with this fingerprint get this plan while L1 holds it.
    pub fn alias(&self, fingerprint: Fingerprint, ready: &Ready) {
        self.local.alias(fingerprint, ready);
    }

    /// Returns the plan of a key as [`CacheHandle::get`] does, for a second lookup by the same request. Counts nothing.
    pub(crate) fn peek(&self, key: CacheKey) -> Option<Arc<CachedPlan>> {
        self.local.get(key, Instant::now())
    }

    /// Returns the plan of an id unless it was evicted or has expired. Counts a hit or a miss.
    pub fn by_id(&self, plan_id: &str) -> Option<Arc<CachedPlan>> {
        counted("get_by_id", measured(Stage::Cache, || self.local.by_id(plan_id, Instant::now())))
    }

    /// Returns the plan of an id as [`CacheHandle::by_id`] does, but counts only a hit: after a miss the caller looks
    /// it up again.
    pub fn hit_by_id(&self, plan_id: &str) -> Option<Arc<CachedPlan>> {
        let cached = measured(Stage::Cache, || self.local.by_id(plan_id, Instant::now()))?;
        counted("get_by_id", Some(cached))
    }

    pub(crate) fn insert(&self, cached: &Arc<CachedPlan>) {
        plan_cache_operation("set", "success").increment(1);
        let Ok(ttl) = (cached.plan.expires_at - Utc::now()).to_std() else { return };
        let (key, generation) = self.local.insert(Arc::clone(cached), Instant::now() + ttl);
        // Fails while the actor is restarting. The new actor counts the entries of the map when it starts.
        let _ = self.mailbox.tell(CacheMessage::Inserted { key, generation });
    }

    /// Whether there is an L2.
    pub fn has_shared(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.is_configured())
    }

    /// Returns the plan id of a key in L2. Takes at most [`SHARED_BUDGET`]; every failure is a miss.
    pub(crate) async fn look_up_shared(&self, key: CacheKey, deadline: Instant) -> Option<String> {
        let deadline = deadline.min(Instant::now() + SHARED_BUDGET);
        self.mailbox.call(deadline, |reply| CacheMessage::LookUp { key, reply }).await.ok().flatten()
    }

    /// Stores a plan in L2 and returns the plan id that its key has there: its own or, if another replica was first,
    /// that replica's. `None` if L2 does not respond before the deadline; the plan may still be stored.
    pub(crate) async fn share(&self, plan: &Plan, deadline: Instant) -> Option<String> {
        let ttl = (plan.expires_at - Utc::now()).to_std().ok()?;
        let shared = SharedPlan { key: plan.cache_key, plan_id: plan.plan_id.clone(), ttl };
        self.mailbox.call(deadline, |reply| CacheMessage::Share { shared, reply }).await.ok().flatten()
    }

    /// Removes expired entries and returns their number.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn clear_expired(&self, deadline: Instant) -> Result<u64, CallError> {
        self.mailbox.call(deadline, |reply| CacheMessage::ClearExpired { reply }).await
    }

    /// Forces a state of the circuit breaker of Redis, or returns to the automatic one. A restart of the actor does so
    /// too. Returns `None` without Redis.
    pub(crate) async fn force_breaker(
        &self,
        forced: Option<ForcedState>,
        deadline: Instant,
    ) -> Result<Option<ForcedChange>, CallError> {
        self.mailbox.call_outside_bound(deadline, |reply| CacheMessage::Force { forced, reply }).await
    }

    /// Returns the state of the actor, or an error after `timeout`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn inspect(&self, timeout: Duration) -> Result<Inspection, CallError> {
        self.mailbox.inspect(timeout).await
    }

    pub(crate) fn actor(&self) -> Option<ActorCell> {
        self.mailbox.actor()
    }

    #[cfg(any(test, feature = "fault-injection"))]
    pub(crate) fn crash(&self) -> Result<(), CallError> {
        self.mailbox.crash()
    }
}
