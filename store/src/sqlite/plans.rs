//! The table `subscription_plans`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::instrument::Amount;
use registry_planning::keys::KeyList;
use registry_planning::plan::{Metadata, Plan, PlanStatus};
use registry_planning::profile::ProfileReference;
use registry_planning::request::{FilteringStrictness, OptimizationLevel, SubscriptionType};
use serde::de::DeserializeOwned;
use sqlx::sqlite::{Sqlite, SqliteExecutor, SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row};

use super::super::documents::{Documents, cache_key, corrupt, json};
use super::super::error::StoreError;
use super::super::paging::{COUNT_MAX, Position};
use super::super::plans::{PlanFilter, PlanPage, PlanStore, PlanSummary};
use super::SqliteStore;
use super::{fault, milliseconds};

#[async_trait]
impl PlanStore for SqliteStore {
    async fn insert_plans(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
        insert(&self.writer, plans).await
    }

    async fn plans_by_id(&self, ids: &[String]) -> Result<Vec<Plan>, StoreError> {
        read(&self.readers, ids).await
    }

    async fn plans(&self, filter: &PlanFilter, position: &Position, limit: u32) -> Result<PlanPage, StoreError> {
        list(&self.readers, filter, position, limit).await
    }

    async fn delete_plans_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        delete_before(&self.writer, cutoff, limit).await
    }

    async fn count_unexpired(&self, now: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
        count_unexpired(&self.readers, now).await
    }
}

/// One statement for the whole batch: it is a transaction of its own, all of it or nothing, without a BEGIN that a
/// cancellation could leave open.
pub(super) async fn insert(executor: impl SqliteExecutor<'_>, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
    if plans.is_empty() {
        return Ok(());
    }
    let rows = plans
        .iter()
        .map(|plan| Ok((json(&plan.instruments)?, Documents::of(plan)?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into subscription_plans (plan_id, user_id, plan_name, description, subscription_type, status, \
         optimization_level, filtering_strictness, instruments, estimated_cost, performance_metrics, \
         validation_results, rejected, metadata, cache_key, created_at, expires_at, profile_id, profile_version) ",
    );
    query.push_values(plans.iter().zip(&rows), |mut row, (plan, (instruments, documents))| {
        let profile = plan.metadata.profile.as_ref();
        row.push_bind(&plan.plan_id)
            .push_bind(&plan.user_id)
            .push_bind(&plan.plan_name)
            .push_bind(&plan.description)
            .push_bind(plan.subscription_type.as_str())
            .push_bind(plan.status.as_str())
            .push_bind(plan.optimization_level.as_str())
            .push_bind(plan.filtering_strictness.as_str())
            .push_bind(instruments)
            .push_bind(plan.estimated_cost.ten_thousandths())
            .push_bind(&documents.performance_metrics)
            .push_bind(&documents.validation_results)
            .push_bind(&documents.rejected)
            .push_bind(&documents.metadata)
            .push_bind(plan.cache_key.to_string())
            .push_bind(plan.created_at.timestamp_millis())
            .push_bind(plan.expires_at.timestamp_millis())
            .push_bind(profile.map(|profile| &profile.profile_id))
            .push_bind(profile.map(|profile| profile.version));
    });
    query.push(" on conflict (plan_id) do nothing");
    query.build().execute(executor).await.map_err(fault)?;
    Ok(())
}

async fn read(pool: &SqlitePool, ids: &[String]) -> Result<Vec<Plan>, StoreError> {
    let ids = json(&ids)?;
    let rows = sqlx::query(
        "select plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, \
         filtering_strictness, instruments, estimated_cost, performance_metrics, validation_results, rejected, \
         metadata, cache_key, created_at, expires_at \
         from subscription_plans where plan_id in (select value from json_each(?))",
    )
    .bind(ids)
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    rows.iter().map(plan_of).collect()
}

fn plan_of(row: &SqliteRow) -> Result<Plan, StoreError> {
    let instruments: Arc<KeyList> = Arc::new(json_column(row, "instruments")?);
    let mut metadata: Metadata = json_column(row, "metadata")?;
    metadata.optimization_result.optimized_instruments = Arc::clone(&instruments);
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
        performance_metrics: json_column(row, "performance_metrics")?,
        validation_results: json_column(row, "validation_results")?,
        rejected: json_column(row, "rejected")?,
        cache_key: cache_key(&column::<String>(row, "cache_key")?)?,
        created_at: milliseconds("created_at", column(row, "created_at")?)?,
        expires_at: milliseconds("expires_at", column(row, "expires_at")?)?,
        metadata,
    })
}

fn column<'r, T>(row: &'r SqliteRow, name: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
{
    row.try_get(name).map_err(fault)
}

fn json_column<T: DeserializeOwned>(row: &SqliteRow, name: &str) -> Result<T, StoreError> {
    let text: String = column(row, name)?;
    serde_json::from_str(&text).map_err(|e| StoreError::Data(format!("invalid column `{name}`: {e}")))
}

fn word<T>(row: &SqliteRow, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let text: String = column(row, name)?;
    parse(&text).ok_or_else(|| corrupt(name, &text))
}

async fn list(pool: &SqlitePool, filter: &PlanFilter, position: &Position, limit: u32) -> Result<PlanPage, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "select plan_id, user_id, plan_name, subscription_type, status, estimated_cost, created_at, expires_at, \
         profile_id, profile_version from subscription_plans where true",
    );
    push_filter(&mut query, filter);
    if let Position::After(plan_id) = position {
        query.push(" and plan_id < ").push_bind(plan_id);
    }
    query.push(" order by plan_id desc limit ").push_bind(i64::from(limit) + 1);
    if let Position::Offset(offset) = position {
        query.push(" offset ").push_bind(i64::try_from(*offset).unwrap_or(i64::MAX));
    }
    let rows = query.build().fetch_all(pool).await.map_err(fault)?;

    // Counting stops at one more than the reported maximum, so that the cost of a list does not depend on the size of
    // the table.
    let mut count = QueryBuilder::<Sqlite>::new("select count(*) from (select 1 from subscription_plans where true");
    push_filter(&mut count, filter);
    count.push(" limit ").push_bind(i64::try_from(COUNT_MAX).unwrap_or(i64::MAX) + 1).push(")");
    let counted: i64 = count.build_query_scalar().fetch_one(pool).await.map_err(fault)?;
    let counted = u64::try_from(counted).unwrap_or(0);

    let has_next = rows.len() > limit as usize;
    let plans = rows.iter().take(limit as usize).map(summary_of).collect::<Result<_, _>>()?;
    Ok(PlanPage { plans, total: counted.min(COUNT_MAX), total_is_lower_bound: counted > COUNT_MAX, has_next })
}

fn push_filter(query: &mut QueryBuilder<Sqlite>, filter: &PlanFilter) {
    if let Some(user_id) = &filter.user_id {
        query.push(" and user_id = ").push_bind(user_id);
    }
    if let Some(kind) = filter.subscription_type {
        query.push(" and subscription_type = ").push_bind(kind.as_str());
    }
    if let Some(status) = filter.status {
        query.push(" and status = ").push_bind(status.as_str());
        if status != PlanStatus::Optimized {
            // Repeats the condition as a literal for the query planner, which does not see parameters, so that it can
            // use the partial index.
            query.push(" and status <> 'optimized'");
        }
    }
    if let Some(profile_id) = &filter.profile_id {
        query.push(" and profile_id = ").push_bind(profile_id);
    }
}

fn summary_of(row: &SqliteRow) -> Result<PlanSummary, StoreError> {
    Ok(PlanSummary {
        plan_id: column(row, "plan_id")?,
        user_id: column(row, "user_id")?,
        plan_name: column(row, "plan_name")?,
        subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
        status: word(row, "status", PlanStatus::parse)?,
        estimated_cost: Amount::from_ten_thousandths(column(row, "estimated_cost")?),
        created_at: milliseconds("created_at", column(row, "created_at")?)?,
        expires_at: milliseconds("expires_at", column(row, "expires_at")?)?,
        profile: profile_of(row)?,
    })
}

/// Returns the profile from which the plan was created, if there is one.
fn profile_of(row: &SqliteRow) -> Result<Option<ProfileReference>, StoreError> {
    let (profile_id, version): (Option<String>, Option<i64>) =
        (column(row, "profile_id")?, column(row, "profile_version")?);
    let Some((profile_id, version)) = profile_id.zip(version) else { return Ok(None) };
    let version = u32::try_from(version).map_err(|_| corrupt("profile_version", &version.to_string()))?;
    Ok(Some(ProfileReference { profile_id, version }))
}

/// The id of a plan begins with the millisecond of its creation, so the oldest plans are found without an index on the
/// time; the time itself decides. A plan that is the response to an idempotency key is kept as long as the key.
async fn delete_before(pool: &SqlitePool, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let result = sqlx::query(
        "delete from subscription_plans where plan_id in (\
         select plan_id from subscription_plans where plan_id < ? and created_at < ? \
         and not exists (select 1 from idempotency_keys where idempotency_keys.plan_id = subscription_plans.plan_id) \
         order by plan_id limit ?)",
    )
    .bind(format!("plan_{:012x}", cutoff.timestamp_millis().max(0)))
    .bind(cutoff.timestamp_millis())
    .bind(limit)
    .execute(pool)
    .await
    .map_err(fault)?;
    Ok(result.rows_affected())
}

async fn count_unexpired(pool: &SqlitePool, now: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
    let rows = sqlx::query(
        "select subscription_type, count(*) as plans from subscription_plans \
         where expires_at > ? group by subscription_type",
    )
    .bind(now.timestamp_millis())
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    rows.iter()
        .map(|row| {
            let plans: i64 = column(row, "plans")?;
            Ok((word(row, "subscription_type", SubscriptionType::parse)?, u64::try_from(plans).unwrap_or(0)))
        })
        .collect()
}
