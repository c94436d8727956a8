//! The table `subscription_plans`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::keys::KeyList;
use registry_planning::plan::Plan;
use registry_planning::vocabulary::SubscriptionType;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;
use sqlx::{PgConnection, QueryBuilder};

use super::PostgresStore;
use super::connections::Lease;
use crate::documents::{PlanDocuments, broker_of};
use crate::error::StoreError;
use crate::paging::Position;
use crate::plans::{PlanFilter, PlanPage, PlanStore};
use crate::sql::plans::{NEWEST_OF_PROFILE, PLANS, UNEXPIRED, decode_plan, plans, summary, unexpired};

/// Separates the keys of a plan in the statement, because arrays of different lengths cannot be sent as one array. No
/// key contains it: a key with a control character is malformed.
const SEPARATOR: char = '\u{1f}';

/// One statement for the whole batch: it is a transaction of its own, all of it or nothing. Its text is the same for
/// batches of any size, so that the server prepares it once. It is idempotent; see [`PlanStore::insert_plans`].
const INSERT: &str = "
    insert into subscription_plans (
        plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
        instruments, estimated_cost, performance_metrics, validation_results, rejected, metadata, document, broker_id,
        cache_key, created_at, expires_at, profile_id, profile_version)
    select
        plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
        string_to_array(instruments, e'\\x1f'), estimated_cost, performance_metrics::json, validation_results::json,
        rejected::json, metadata::json, document::json, broker_id, cache_key, created_at, expires_at, profile_id,
        profile_version
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
        $18::timestamptz[], $19::timestamptz[], $20::text[], $21::bigint[])
        as plan (
        plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
        instruments, estimated_cost, performance_metrics, validation_results, rejected, metadata, document, broker_id,
        cache_key, created_at, expires_at, profile_id, profile_version)
    on conflict (plan_id) do nothing";

/// The ids are selected into an array, which is evaluated once; a join might run the inner select, and its limit,
/// several times.
const DELETE: &str = "
    delete from subscription_plans
    where plan_id = any (array(
        select plan_id
        from subscription_plans
        where plan_id < $1
            and created_at < $2
            and not exists (select from idempotency_keys where idempotency_keys.plan_id = subscription_plans.plan_id)
        order by plan_id
        limit $3
        for update skip locked))";

#[async_trait]
impl PlanStore for PostgresStore {
    async fn insert_plans(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
        if plans.is_empty() {
            return Ok(());
        }
        let query = insertion(plans, self.writes_documents)?;
        self.connections.write(async |connection| query.execute(connection).await).await?;
        Ok(())
    }

    async fn plans_by_id(&self, ids: &[String]) -> Result<Vec<Plan>, StoreError> {
        // The server has no text with U+0000, and rejects one as a parameter.
        let ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| !id.contains('\0')).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let read = || {
            async |connection: &mut PgConnection| {
                QueryBuilder::new(PLANS).push(" = any (").push_bind(&ids).push(")").build().fetch_all(connection).await
            }
        };
        self.connections.read(read).await?.iter().map(decode_plan).collect()
    }

    async fn plans(&self, filter: &PlanFilter, position: &Position, limit: u32) -> Result<PlanPage, StoreError> {
        self.connections.page(&plans::<Postgres>(filter), position, limit, summary).await
    }

    async fn newest_plan_of(&self, profile_id: &str) -> Result<Option<String>, StoreError> {
        let read = || {
            async |connection: &mut PgConnection| {
                sqlx::query_scalar(NEWEST_OF_PROFILE).bind(profile_id).fetch_optional(connection).await
            }
        };
        self.connections.read(read).await
    }

    /// The id of a plan begins with the millisecond of its creation, so the oldest plans are found without an index on
    /// the time; the time itself decides. A plan that is the response to an idempotency key is kept as long as the key.
    /// Rows that another replica is deleting are skipped. Rows deleted by an earlier attempt whose response was lost
    /// are not counted.
    async fn delete_plans_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let first_kept = format!("plan_{:012x}", cutoff.timestamp_millis().max(0));
        let delete = || {
            async |connection: &mut PgConnection| {
                sqlx::query(DELETE).bind(&first_kept).bind(cutoff).bind(i64::from(limit)).execute(connection).await
            }
        };
        Ok(self.connections.write_idempotent(delete).await?.rows_affected())
    }

    async fn count_unexpired(&self, now: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
        let count =
            || async |connection: &mut PgConnection| sqlx::query(UNEXPIRED).bind(now).fetch_all(connection).await;
        unexpired(&self.connections.read(count).await?)
    }
}

/// Stores plans within an open transaction.
pub(super) async fn insert_within(
    lease: &mut Lease<'_>,
    plans: &[Arc<Plan>],
    writes_documents: bool,
) -> Result<(), StoreError> {
    let query = insertion(plans, writes_documents)?;
    lease.attempt(async |connection| query.execute(connection).await).await?;
    Ok(())
}

/// Returns the statement with the columns of these plans.
fn insertion(plans: &[Arc<Plan>], writes_documents: bool) -> Result<Query<'_, Postgres, PgArguments>, StoreError> {
    let instruments = plans.iter().map(|plan| joined(&plan.instruments)).collect::<Result<Vec<_>, _>>()?;
    let documents =
        plans.iter().map(|plan| PlanDocuments::of(plan, writes_documents)).collect::<Result<Vec<_>, _>>()?;
    let cache_keys: Vec<String> = plans.iter().map(|plan| plan.cache_key.to_string()).collect();
    // Invariant: all arrays have the same length. `unnest` would fill shorter ones with nulls.
    let of_plans = |column: for<'a> fn(&'a Plan) -> &'a str| plans.iter().map(|plan| column(plan)).collect::<Vec<_>>();
    let of_documents = |column: fn(&PlanDocuments) -> &Option<String>| {
        documents.iter().map(|row| column(row).as_deref()).collect::<Vec<_>>()
    };
    let times = |column: fn(&Plan) -> DateTime<Utc>| plans.iter().map(|plan| column(plan)).collect::<Vec<_>>();
    let profiles = || plans.iter().map(|plan| plan.metadata.profile.as_ref());
    Ok(sqlx::query(INSERT)
        .bind(of_plans(|plan| &plan.plan_id))
        .bind(of_plans(|plan| &plan.user_id))
        .bind(of_plans(|plan| &plan.plan_name))
        .bind(of_plans(|plan| &plan.description))
        .bind(of_plans(|plan| plan.subscription_type.as_str()))
        .bind(of_plans(|plan| plan.status.as_str()))
        .bind(of_plans(|plan| plan.optimization_level.as_str()))
        .bind(of_plans(|plan| plan.filtering_strictness.as_str()))
        .bind(instruments)
        .bind(plans.iter().map(|plan| plan.estimated_cost.ten_thousandths()).collect::<Vec<_>>())
        .bind(of_documents(|documents| &documents.performance_metrics))
        .bind(of_documents(|documents| &documents.validation_results))
        .bind(of_documents(|documents| &documents.rejected))
        .bind(of_documents(|documents| &documents.metadata))
        .bind(of_documents(|documents| &documents.document))
        .bind(plans.iter().map(|plan| broker_of(plan)).collect::<Vec<_>>())
        .bind(cache_keys)
        .bind(times(|plan| plan.created_at))
        .bind(times(|plan| plan.expires_at))
        .bind(profiles().map(|profile| profile.map(|profile| profile.profile_id.as_str())).collect::<Vec<_>>())
        .bind(profiles().map(|profile| profile.map(|profile| i64::from(profile.version))).collect::<Vec<_>>()))
}

/// Joins the keys to one text for `string_to_array`, which returns no element for an empty text.
fn joined(keys: &KeyList) -> Result<String, StoreError> {
    let joined = keys.joined(SEPARATOR);
    joined.ok_or_else(|| StoreError::Data("the plan has an invalid instrument key".to_owned()))
}
