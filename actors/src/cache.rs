//! Plans at hand: L1 in this process, and the seam for an L2 that replicas share.
//!
//! Readers read L1 directly; the cache actor owns what costs time: expiry, the byte budget and eviction.

mod actor;
mod local;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use ractor::{ActorCell, SpawnErr};
use registry_planning::plan::Plan;
use registry_planning::request::CacheKey;
use serde_json::value::{RawValue, to_raw_value};
use tokio::time::Instant;

use self::actor::{CacheActor, CacheMessage};
use self::local::Local;
use crate::mailbox::{CallError, Inspection, Mailbox};
use crate::metrics::plan_cache_operation;

/// A plan and its JSON, ready to be sent.
#[derive(Debug)]
pub struct CachedPlan {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The plan as API.md's `plan_data`.
    pub json: Box<RawValue>,
}

impl CachedPlan {
    /// Renders a plan.
    ///
    /// # Panics
    /// Never: a plan has no map with keys other than text.
    pub fn new(plan: Arc<Plan>) -> Self {
        let json = to_raw_value(&*plan).expect("a plan serialises");
        CachedPlan { plan, json }
    }

    /// About how many bytes it holds: the JSON, the list of keys, each rejection and a fixed part.
    fn bytes(&self) -> usize {
        let plan = &self.plan;
        let keys = plan.instruments.text_bytes() + 4 * plan.instruments.len();
        let rejected: usize = plan.rejected.iter().map(|r| 128 + r.instrument.len() + r.detail.len()).sum();
        1024 + self.json.get().len() + keys + rejected
    }
}

/// An L2 cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shared cache does not answer: {0}")]
pub struct SharedCacheError(pub String);

/// A cache that replicas share. It holds ids only: the plan is read from the database.
#[async_trait]
pub trait SharedCache: Send + Sync + 'static {
    /// The id of the plan under that key.
    ///
    /// # Errors
    /// [`SharedCacheError`]; to the caller that is a miss.
    async fn get(&self, key: CacheKey) -> Result<Option<String>, SharedCacheError>;

    /// Remembers a plan for `ttl`.
    ///
    /// # Errors
    /// [`SharedCacheError`]; nobody waits for it.
    async fn put(&self, key: CacheKey, plan_id: &str, ttl: Duration) -> Result<(), SharedCacheError>;
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
    has_shared: bool,
}

impl CacheHandle {
    pub(crate) fn new(has_shared: bool) -> Self {
        CacheHandle { local: Arc::default(), mailbox: Mailbox::new("cache", CAPACITY), has_shared }
    }

    pub(crate) async fn spawn(
        &self,
        byte_budget: usize,
        shared: Option<Arc<dyn SharedCache>>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        let actor = CacheActor { local: Arc::clone(&self.local), byte_budget, shared };
        self.mailbox.spawn(actor, supervisor).await
    }

    /// The plan under that key, unless it is gone or expired. Counted as a hit or a miss.
    pub fn get(&self, key: CacheKey) -> Option<Arc<CachedPlan>> {
        counted("get", self.peek(key))
    }

    /// As [`CacheHandle::get`], for a second look by the same request: not counted.
    pub(crate) fn peek(&self, key: CacheKey) -> Option<Arc<CachedPlan>> {
        self.local.get(key, Instant::now())
    }

    /// The plan of that id, unless it is gone or expired. Counted as a hit or a miss.
    pub fn by_id(&self, plan_id: &str) -> Option<Arc<CachedPlan>> {
        counted("get_by_id", self.local.by_id(plan_id, Instant::now()))
    }

    /// Puts a plan into L1 and, without waiting, into L2.
    pub(crate) fn insert(&self, cached: &Arc<CachedPlan>) {
        plan_cache_operation("set", "success").increment(1);
        let Ok(ttl) = (cached.plan.expires_at - Utc::now()).to_std() else { return };
        let (key, generation) = self.local.insert(Arc::clone(cached), Instant::now() + ttl);
        let plan_id = cached.plan.plan_id.clone();
        // While the actor is being restarted nobody listens; the new one counts what is in the map when it starts.
        let _ = self.mailbox.tell(CacheMessage::Inserted { key, generation, plan_id, ttl });
    }

    /// Whether there is an L2.
    pub(crate) fn has_shared(&self) -> bool {
        self.has_shared
    }

    /// The plan id under that key in L2. Whatever goes wrong is a miss.
    pub(crate) async fn look_up_shared(&self, key: CacheKey, deadline: Instant) -> Option<String> {
        self.mailbox.call(deadline, |reply| CacheMessage::LookUp { key, reply }).await.ok().flatten()
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
