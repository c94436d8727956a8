//! Stored plans and lists of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::instrument::Amount;
use registry_planning::plan::{Plan, PlanStatus};
use registry_planning::vocabulary::{ProfileReference, SubscriptionType};

use super::error::StoreError;
use super::paging::{Page, Position};

/// The plans to list. An absent field selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// Only plans of this user.
    pub user_id: Option<String>,
    /// Only plans of this type.
    pub subscription_type: Option<SubscriptionType>,
    /// Only plans with this status.
    pub status: Option<PlanStatus>,
    /// Only plans that were created from this profile, in any version.
    pub profile_id: Option<String>,
}

/// The fields of a plan that a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PlanSummary {
    pub plan_id: String,
    pub user_id: String,
    pub plan_name: String,
    pub subscription_type: SubscriptionType,
    pub status: PlanStatus,
    pub estimated_cost: Amount,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub profile: Option<ProfileReference>,
}

/// One page of plans, newest first.
pub type PlanPage = Page<PlanSummary>;

/// The table of plans, which are never changed.
#[async_trait]
pub trait PlanStore: Send + Sync + 'static {
    /// Stores all plans or none. A plan whose id is already stored is not changed, so that a caller who does not know
    /// the outcome may store the plans again: the next attempt uses no connection that was created before this one
    /// failed.
    async fn insert_plans(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError>;

    /// Reads the plans with these ids, in any order. Unknown ids are omitted. A plan is returned once, even if its id
    /// is repeated.
    async fn plans_by_id(&self, ids: &[String]) -> Result<Vec<Plan>, StoreError>;

    /// Reads a plan; `None` if the id is unknown.
    async fn plan(&self, plan_id: &str) -> Result<Option<Plan>, StoreError> {
        Ok(self.plans_by_id(&[plan_id.to_owned()]).await?.pop())
    }

    /// Lists plans, newest first.
    async fn plans(&self, filter: &PlanFilter, position: &Position, limit: u32) -> Result<PlanPage, StoreError>;

    /// Reads the id of the newest plan that was created from a profile, in any version.
    async fn newest_plan_of(&self, profile_id: &str) -> Result<Option<String>, StoreError>;

    /// Deletes up to `limit` plans that were created before `cutoff`, and returns their number. A plan that is the
    /// response to an idempotency key is kept as long as the key.
    async fn delete_plans_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;

    /// Counts the plans of each type that are not expired at `now`.
    async fn count_unexpired(&self, now: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError>;
}
