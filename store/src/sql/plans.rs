//! Queries and rows of the table `subscription_plans`.

use std::collections::BTreeMap;
use std::sync::Arc;

use registry_planning::instrument::Amount;
use registry_planning::plan::{Plan, PlanStatus};
use registry_planning::vocabulary::{FilteringStrictness, OptimizationLevel, ProfileReference, SubscriptionType};

use super::Dialect;
use super::columns::{Columns, column, document, optional, optional_document, word};
use super::list::{KeyColumn, List};
use crate::documents::{PlanParts, cache_key};
use crate::error::StoreError;
use crate::plans::{PlanFilter, PlanSummary};

/// Selects plans; a condition on their ids follows.
pub(crate) const PLANS: &str = "
    select
        plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
        instruments, estimated_cost, performance_metrics, validation_results, rejected, metadata, document, cache_key,
        created_at, expires_at
    from subscription_plans
    where plan_id";

const SUMMARIES: &str = "plan_id, user_id, plan_name, subscription_type, status, estimated_cost, created_at, expires_at, \
    profile_id, profile_version";

pub(crate) const NEWEST_OF_PROFILE: &str = "
    select plan_id from subscription_plans where profile_id = $1 order by plan_id desc limit 1";

pub(crate) const UNEXPIRED: &str = "
    select subscription_type, count(*) as plans
    from subscription_plans
    where expires_at > $1
    group by subscription_type";

pub(crate) fn plans<DB: Dialect>(filter: &PlanFilter) -> List<'_> {
    let is_rare = DB::REPEATS_INDEX_CONDITIONS && filter.status.is_some_and(|status| status != PlanStatus::Optimized);
    List::new(SUMMARIES, "subscription_plans", KeyColumn::Text("plan_id"))
        .equal_to("user_id", filter.user_id.as_deref())
        .literally(filter.subscription_type.map(|kind| of_type::<DB>(kind, filter.user_id.is_some())))
        // A status other than the usual one has an index of its own.
        .literally(filter.status.map(|status| format!("status = '{status}'")))
        .literally(is_rare.then(|| "status <> 'optimized'".to_owned()))
        .equal_to("profile_id", filter.profile_id.as_deref())
}

/// Returns the condition that rows have a type. The index of a user selects fewer rows than that of a type.
pub(crate) fn of_type<DB: Dialect>(kind: SubscriptionType, has_user: bool) -> String {
    let prefix = if has_user { DB::WITHOUT_INDEX } else { "" };
    format!("{prefix}subscription_type = '{kind}'")
}

pub(crate) fn decode_plan(row: &impl Columns) -> Result<Plan, StoreError> {
    let instruments = Arc::new(row.keys("instruments")?);
    let PlanParts { performance_metrics, validation_results, rejected, mut metadata } = parts(row)?;
    metadata.restore_instruments(&instruments);
    Ok(Plan {
        plan_id: column(row, "plan_id")?,
        user_id: column(row, "user_id")?,
        plan_name: column(row, "plan_name")?,
        description: column(row, "description")?,
        subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
        instruments,
        optimization_level: word(row, "optimization_level", OptimizationLevel::parse)?,
        filtering_strictness: word(row, "filtering_strictness", FilteringStrictness::parse)?,
        status: word(row, "status", PlanStatus::parse)?,
        estimated_cost: Amount::from_ten_thousandths(column(row, "estimated_cost")?),
        performance_metrics,
        validation_results,
        rejected,
        cache_key: cache_key(column(row, "cache_key")?)?,
        created_at: column(row, "created_at")?,
        expires_at: column(row, "expires_at")?,
        allocation: metadata.broker_part.as_ref().map(|part| Arc::clone(&part.allocation)),
        metadata,
    })
}

/// Reads the document; if the row has none, reads the columns of the previous release.
fn parts(row: &impl Columns) -> Result<PlanParts, StoreError> {
    if let Some(parts) = optional_document(row, "document")? {
        return Ok(parts);
    }
    Ok(PlanParts {
        performance_metrics: document(row, "performance_metrics")?,
        validation_results: document(row, "validation_results")?,
        rejected: document(row, "rejected")?,
        metadata: document(row, "metadata")?,
    })
}

pub(crate) fn summary(row: &impl Columns) -> Result<PlanSummary, StoreError> {
    Ok(PlanSummary {
        plan_id: column(row, "plan_id")?,
        user_id: column(row, "user_id")?,
        plan_name: column(row, "plan_name")?,
        subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
        status: word(row, "status", PlanStatus::parse)?,
        estimated_cost: Amount::from_ten_thousandths(column(row, "estimated_cost")?),
        created_at: column(row, "created_at")?,
        expires_at: column(row, "expires_at")?,
        profile: profile(row)?,
    })
}

/// Returns the profile from which the plan was created, if there is one.
fn profile(row: &impl Columns) -> Result<Option<ProfileReference>, StoreError> {
    let Some(profile_id) = optional(row, "profile_id")? else { return Ok(None) };
    let version = optional(row, "profile_version")?;
    Ok(version.map(|version| ProfileReference { profile_id, version }))
}

pub(crate) fn unexpired(rows: &[impl Columns]) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
    let of_type = |row| Ok((word(row, "subscription_type", SubscriptionType::parse)?, column(row, "plans")?));
    rows.iter().map(of_type).collect()
}
