//! The messages of a planner.

use std::sync::Arc;

use registry_planning::plan::Plan;
use registry_planning::request::{PlanRequest, Resolved};
use registry_planning::vocabulary::CacheKey;
use registry_store::idempotency::Claimed;
use tokio::time::Instant;

use super::PlanClaim;
use super::waiter::Waiter;
use crate::cache::CachedPlan;
use crate::persistence::PersistenceError;
use crate::runtime::mailbox::{Message, Reply};
use crate::snapshot::Snapshot;
use crate::trace::Interval;

/// A request that arrived.
pub(crate) struct PendingPlan {
    pub(super) request: Arc<PlanRequest>,
    pub(super) resolved: Arc<Resolved>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) claim: Option<PlanClaim>,
    pub(super) deadline: Instant,
    pub(super) caller: Waiter,
}

pub(crate) enum PlannerMessage {
    Plan(PendingPlan),
    LookedUp {
        key: CacheKey,
        found: Option<Arc<Plan>>,
        /// The look-up in L2.
        looked_up: Interval,
        /// The read of the plan that L2 named.
        read: Option<Interval>,
    },
    Saved {
        key: CacheKey,
        outcome: Result<Claimed, PersistenceError>,
        written: Interval,
    },
    /// L2 has responded.
    Shared {
        key: CacheKey,
        made: Arc<CachedPlan>,
        /// The plan of another replica, if that replica was first.
        winner: Option<Arc<Plan>>,
        put: Interval,
        /// The read of that plan.
        read: Option<Interval>,
    },
    Drain {
        reply: Reply<()>,
    },
}

impl PlannerMessage {
    /// Returns the cache key that the message concerns; `None` if it concerns all of them.
    pub(super) fn key(&self) -> Option<CacheKey> {
        match self {
            PlannerMessage::Plan(pending) => Some(pending.resolved.cache_key()),
            PlannerMessage::LookedUp { key, .. }
            | PlannerMessage::Saved { key, .. }
            | PlannerMessage::Shared { key, .. } => Some(*key),
            PlannerMessage::Drain { .. } => None,
        }
    }

    /// Returns the calls whose outcome the message has, in their order.
    pub(super) fn calls(&self) -> impl Iterator<Item = Interval> {
        let (call, read) = match self {
            PlannerMessage::LookedUp { looked_up, read, .. } => (Some(*looked_up), *read),
            PlannerMessage::Saved { written, .. } => (Some(*written), None),
            PlannerMessage::Shared { put, read, .. } => (Some(*put), *read),
            PlannerMessage::Plan(_) | PlannerMessage::Drain { .. } => (None, None),
        };
        call.into_iter().chain(read)
    }
}

impl Message for PlannerMessage {
    fn kind(&self) -> &'static str {
        match self {
            PlannerMessage::Plan(_) => "plan",
            PlannerMessage::LookedUp { .. } => "looked_up",
            PlannerMessage::Saved { .. } => "saved",
            PlannerMessage::Shared { .. } => "shared",
            PlannerMessage::Drain { .. } => "drain",
        }
    }
}
