//! Plans at hand: L1 in this process, and the seam for an L2 that replicas share.
//!
//! Readers read L1 directly; the cache actor owns what costs time: expiry, the byte budget and eviction.

mod actor;
mod aliases;
mod deferred;
mod local;
pub mod redis;
mod sharing;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::runtime::{ActorCell, SpawnErr};
use async_trait::async_trait;
use chrono::Utc;
use registry_planning::plan::Plan;
use registry_planning::request::CacheKey;
use tokio::time::Instant;

use self::actor::{CacheActor, CacheMessage};
pub use self::deferred::DeferredCache;
use self::local::Local;
pub(crate) use self::sharing::SHARED_BUDGET;
use crate::metrics::plan_cache_operation;
use crate::runtime::mailbox::{CallError, Inspection, Mailbox};

/// A plan and its JSON, ready to be sent.
#[derive(Debug)]
pub struct CachedPlan {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The plan as API.md's `plan_data`.
    pub json: String,
}

impl CachedPlan {
    /// Renders a plan.
    pub fn new(plan: Arc<Plan>) -> Self {
        let json = plan.to_json();
        CachedPlan { plan, json }
    }

    /// About how many bytes it holds: the JSON, the list of keys, each rejection and a fixed part.
    fn bytes(&self) -> usize {
        let plan = &self.plan;
        let keys = plan.instruments.text_bytes() + 4 * plan.instruments.len();
        let rejected: usize = plan.rejected.iter().map(|r| 128 + r.instrument.len() + r.detail.len()).sum();
        1024 + self.json.capacity() + keys + rejected
    }
}

/// What a request's answer depends on, in 128 bits: its maker sees to it that two requests with one fingerprint are
/// answered with one plan, and that nobody can look for others that share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

/// A plan that can be answered without looking at the request.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The plan.
    pub cached: Arc<CachedPlan>,
    /// The plan's JSON as it is answered, where that is not [`CachedPlan::json`].
    pub json: Option<Arc<str>>,
}

impl Ready {
    /// The plan's JSON as it is answered.
    pub fn json(&self) -> &str {
        self.json.as_deref().unwrap_or(&self.cached.json)
    }
}

/// Why an L2 gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharedCacheError {
    /// It took too long. What was asked for may still happen.
    #[error("timeout: no response from the shared cache within {0:?}")]
    TimedOut(Duration),
    /// There is no connection to it, or it broke.
    #[error("shared cache connection failed: {0}")]
    Unreachable(String),
    /// It answered that it will not.
    #[error("the shared cache rejected the command: {0}")]
    Refused(String),
}

impl SharedCacheError {
    /// Its word in metrics.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            SharedCacheError::TimedOut(_) => "timed_out",
            SharedCacheError::Unreachable(_) => "unreachable",
            SharedCacheError::Refused(_) => "refused",
        }
    }
}

/// A plan as an L2 keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPlan {
    /// What it is found by.
    pub key: CacheKey,
    /// What is read from the database.
    pub plan_id: String,
    /// For how long.
    pub ttl: Duration,
}

/// A cache that replicas share. It holds ids only: the plan is read from the database.
///
/// # Cancel safety
/// The caller keeps the time: every call may be dropped at any moment, and the next one finds the cache usable.
#[async_trait]
pub trait SharedCache: Send + Sync + 'static {
    /// The plan id under each key, in the order of the keys. What is no plan id is a miss.
    ///
    /// # Errors
    /// [`SharedCacheError`]; to those who look something up that is a miss.
    async fn get_many(&self, keys: &[CacheKey]) -> Result<Vec<Option<String>>, SharedCacheError>;

    /// Puts each plan under its key, unless there is one already, and says in the same order which plan id is there
    /// now. So the first of several replicas decides.
    ///
    /// # Errors
    /// [`SharedCacheError`]; each plan may be there or not.
    async fn put_many(&self, plans: &[SharedPlan]) -> Result<Vec<String>, SharedCacheError>;

    /// Whether there is one at all. Until there is, nobody need ask it anything.
    fn is_there(&self) -> bool {
        true
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// [`SharedCacheError`].
    async fn ping(&self) -> Result<(), SharedCacheError>;
}

fn counted<T>(operation: &'static str, found: Option<T>) -> Option<T> {
    plan_cache_operation(operation, if found.is_some() { "hit" } else { "miss" }).increment(1);
    found
}

/// Bytes that L1 may hold. The container has 384 MB for two catalogues and everything else.
pub const BYTE_BUDGET: usize = 64 << 20;
/// Clearing is asked for by people, and look-ups in L2 by planners: one per plan under way.
const CAPACITY: usize = 4096;

/// The handle of the cache.
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

    /// The plan under that key, unless it is gone or expired. Counted as a hit or a miss.
    pub fn get(&self, key: CacheKey) -> Option<Arc<CachedPlan>> {
        counted("get", self.peek(key))
    }

    /// The plan that answers the request with this fingerprint, unless it is gone or expired. Counted as a hit or a
    /// miss of its own; a hit also counts as one of [`CacheHandle::get`], which it replaces.
    pub fn by_fingerprint(&self, fingerprint: Fingerprint) -> Option<Ready> {
        let ready = counted("fingerprint", self.local.by_fingerprint(fingerprint, Instant::now()))?;
        counted("get", Some(ready))
    }

    /// Has later requests with this fingerprint answered with this plan, for as long as L1 holds it.
    pub fn alias(&self, fingerprint: Fingerprint, ready: &Ready) {
        self.local.alias(fingerprint, ready);
    }

    /// As [`CacheHandle::get`], for a second look by the same request: not counted.
    pub(crate) fn peek(&self, key: CacheKey) -> Option<Arc<CachedPlan>> {
        self.local.get(key, Instant::now())
    }

    /// The plan of that id, unless it is gone or expired. Counted as a hit or a miss.
    pub fn by_id(&self, plan_id: &str) -> Option<Arc<CachedPlan>> {
        counted("get_by_id", self.local.by_id(plan_id, Instant::now()))
    }

    /// As [`CacheHandle::by_id`], for a first look: only a hit is counted, since a second look follows a miss.
    pub fn hit_by_id(&self, plan_id: &str) -> Option<Arc<CachedPlan>> {
        let cached = self.local.by_id(plan_id, Instant::now())?;
        counted("get_by_id", Some(cached))
    }

    /// Puts a plan into L1.
    pub(crate) fn insert(&self, cached: &Arc<CachedPlan>) {
        plan_cache_operation("set", "success").increment(1);
        let Ok(ttl) = (cached.plan.expires_at - Utc::now()).to_std() else { return };
        let (key, generation) = self.local.insert(Arc::clone(cached), Instant::now() + ttl);
        // While the actor is being restarted nobody listens; the new one counts what is in the map when it starts.
        let _ = self.mailbox.tell(CacheMessage::Inserted { key, generation });
    }

    /// Whether there is an L2.
    pub fn has_shared(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.is_there())
    }

    /// The plan id under that key in L2, asked for [`SHARED_BUDGET`] at most. Whatever goes wrong is a miss.
    pub(crate) async fn look_up_shared(&self, key: CacheKey, deadline: Instant) -> Option<String> {
        let deadline = deadline.min(Instant::now() + SHARED_BUDGET);
        self.mailbox.call(deadline, |reply| CacheMessage::LookUp { key, reply }).await.ok().flatten()
    }

    /// Puts a plan into L2 and says which plan id is under its key there: its own or, where another replica was first,
    /// that one's. `None` where L2 does not say before the deadline; the plan is put there all the same, if it can be.
    pub(crate) async fn share(&self, plan: &Plan, deadline: Instant) -> Option<String> {
        let ttl = (plan.expires_at - Utc::now()).to_std().ok()?;
        let shared = SharedPlan { key: plan.cache_key, plan_id: plan.plan_id.clone(), ttl };
        self.mailbox.call(deadline, |reply| CacheMessage::Share { shared, reply }).await.ok().flatten()
    }

    /// Removes expired entries and says how many.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn clear_expired(&self, deadline: Instant) -> Result<u64, CallError> {
        self.mailbox.call(deadline, |reply| CacheMessage::ClearExpired { reply }).await
    }

    /// How the actor is.
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
