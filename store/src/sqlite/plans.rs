//! The table `subscription_plans`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::plan::Plan;
use registry_planning::vocabulary::SubscriptionType;
use sqlx::QueryBuilder;
use sqlx::sqlite::{Sqlite, SqliteExecutor};

use super::{SqliteStore, fault};
use crate::documents::{PlanDocuments, broker_of, json};
use crate::error::StoreError;
use crate::paging::Position;
use crate::plans::{PlanFilter, PlanPage, PlanStore};
use crate::sql::plans::{NEWEST_OF_PROFILE, PLANS, UNEXPIRED, decode_plan, plans, summary, unexpired};

const DELETE: &str = "
    delete from subscription_plans
    where plan_id in (
        select plan_id
        from subscription_plans
        where plan_id < ?
            and created_at < ?
            and not exists (select 1 from idempotency_keys where idempotency_keys.plan_id = subscription_plans.plan_id)
        order by plan_id
        limit ?)";

#[async_trait]
impl PlanStore for SqliteStore {
    async fn insert_plans(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
        insert(&self.writer, plans, self.writes_documents).await
    }

    async fn plans_by_id(&self, ids: &[String]) -> Result<Vec<Plan>, StoreError> {
        let mut query = QueryBuilder::new(PLANS);
        query.push(" in (select value from json_each(").push_bind(json(&ids)?).push("))");
        query.build().fetch_all(&self.readers).await.map_err(fault)?.iter().map(decode_plan).collect()
    }

    async fn plans(&self, filter: &PlanFilter, position: &Position, limit: u32) -> Result<PlanPage, StoreError> {
        self.page(&plans::<Sqlite>(filter), position, limit, summary).await
    }

    async fn newest_plan_of(&self, profile_id: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar(NEWEST_OF_PROFILE).bind(profile_id);
        query.fetch_optional(&self.readers).await.map_err(fault)
    }

    /// The id of a plan begins with the millisecond of its creation, so the oldest plans are found without an index on
    /// the time; the time itself decides. A plan that is the response to an idempotency key is kept as long as the key.
    async fn delete_plans_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let query = sqlx::query(DELETE)
            .bind(format!("plan_{:012x}", cutoff.timestamp_millis().max(0)))
            .bind(cutoff.timestamp_millis())
            .bind(limit);
        Ok(query.execute(&self.writer).await.map_err(fault)?.rows_affected())
    }

    async fn count_unexpired(&self, now: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
        let query = sqlx::query(UNEXPIRED).bind(now.timestamp_millis());
        unexpired(&query.fetch_all(&self.readers).await.map_err(fault)?)
    }
}

/// Inserts the whole batch with one statement, which is a transaction without a BEGIN that a cancellation could leave
/// open.
pub(super) async fn insert(
    executor: impl SqliteExecutor<'_>,
    plans: &[Arc<Plan>],
    writes_documents: bool,
) -> Result<(), StoreError> {
    if plans.is_empty() {
        return Ok(());
    }
    let rows = plans
        .iter()
        .map(|plan| Ok((json(&plan.instruments)?, PlanDocuments::of(plan, writes_documents)?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into subscription_plans (plan_id, user_id, plan_name, description, subscription_type, status, \
         optimization_level, filtering_strictness, instruments, estimated_cost, performance_metrics, \
         validation_results, rejected, metadata, document, broker_id, cache_key, created_at, expires_at, profile_id, \
         profile_version) ",
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
            // Null is not allowed in the columns that a document replaces.
            .push_bind(documents.performance_metrics.as_deref().unwrap_or_default())
            .push_bind(documents.validation_results.as_deref().unwrap_or_default())
            .push_bind(documents.rejected.as_deref().unwrap_or_default())
            .push_bind(documents.metadata.as_deref().unwrap_or_default())
            .push_bind(&documents.document)
            .push_bind(broker_of(plan))
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
