//! Lists of stored plans.

use chrono::{DateTime, Utc};
use registry_planning::instrument::Amount;
use registry_planning::plan::PlanStatus;
use registry_planning::profile::ProfileReference;
use registry_planning::request::SubscriptionType;

/// The plans to list. An absent field selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// The user.
    pub user_id: Option<String>,
    /// The type.
    pub subscription_type: Option<SubscriptionType>,
    /// The status.
    pub status: Option<PlanStatus>,
    /// The profile from which the plan was created, in any version.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanPage {
    /// The plans.
    pub plans: Vec<PlanSummary>,
    /// Number of plans that the filter selects, at most [`COUNT_MAX`](crate::COUNT_MAX).
    pub total: u64,
    /// Whether there are more than `total`.
    pub total_is_lower_bound: bool,
    /// Whether there are plans after this page.
    pub has_next: bool,
}
