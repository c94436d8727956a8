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
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{PgConnection, QueryBuilder};

use super::super::documents::{Documents, cache_key, corrupt};
use super::super::error::StoreError;
use super::super::paging::{COUNT_MAX, Position};
use super::super::plans::{PlanFilter, PlanPage, PlanStore, PlanSummary};
use super::PostgresStore;
use super::columns::{column, document, keys, time, word};
use super::connections::{Connections, Lease};

/// Separates the keys of a plan in the statement, because arrays of different lengths cannot be sent as one array. No
/// key contains it: a key with a control character is malformed.
const SEPARATOR: char = '\u{1f}';

/// One statement for the whole batch: it is a transaction of its own, all of it or nothing. Its text is the same for
/// batches of any size, so that the server prepares it once. It is idempotent; see [`PlanStore::insert_plans`].
const INSERT: &str = "
    insert into subscription_plans (
        plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
        instruments, estimated_cost, performance_metrics, validation_results, rejected, metadata, cache_key, created_at,
        expires_at, profile_id, profile_version)
    select
        plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
        string_to_array(instruments, e'\\x1f'), estimated_cost, performance_metrics::json, validation_results::json,
        rejected::json, metadata::json, cache_key, created_at, expires_at, profile_id, profile_version
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[],
        $17::timestamptz[], $18::text[], $19::bigint[])
        as plan (
        plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
        instruments, estimated_cost, performance_metrics, validation_results, rejected, metadata, cache_key, created_at,
        expires_at, profile_id, profile_version)
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

const UNEXPIRED: &str = "
    select subscription_type, count(*) as plans
    from subscription_plans
    where expires_at > $1
    group by subscription_type";

const READ: &str = "
    select
        plan_id, user_id, plan_name, description, subscription_type, status, optimization_level, filtering_strictness,
        instruments, estimated_cost, performance_metrics::text, validation_results::text, rejected::text, metadata::text,
        cache_key, created_at, expires_at
    from subscription_plans
    where plan_id = any ($1)";

#[async_trait]
impl PlanStore for PostgresStore {
    async fn insert_plans(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
        insert(&self.connections, plans).await
    }

    async fn plans_by_id(&self, ids: &[String]) -> Result<Vec<Plan>, StoreError> {
        read(&self.connections, ids).await
    }

    async fn plans(&self, filter: &PlanFilter, position: &Position, limit: u32) -> Result<PlanPage, StoreError> {
        list(&self.connections, filter, position, limit).await
    }

    async fn delete_plans_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        delete_before(&self.connections, cutoff, limit).await
    }

    async fn count_unexpired(&self, now: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
        count_unexpired(&self.connections, now).await
    }
}

async fn insert(connections: &Connections, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
    if plans.is_empty() {
        return Ok(());
    }
    let query = insertion(plans)?;
    connections.write(async |connection| query.execute(connection).await).await?;
    Ok(())
}

/// Stores plans within an open transaction.
pub(super) async fn insert_within(lease: &mut Lease<'_>, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
    let query = insertion(plans)?;
    lease.attempt(async |connection| query.execute(connection).await).await?;
    Ok(())
}

/// Returns the statement with the columns of these plans.
fn insertion(plans: &[Arc<Plan>]) -> Result<Query<'_, Postgres, PgArguments>, StoreError> {
    let instruments = plans.iter().map(|plan| joined(&plan.instruments)).collect::<Result<Vec<_>, _>>()?;
    let documents = plans.iter().map(|plan| Documents::of(plan)).collect::<Result<Vec<_>, _>>()?;
    let cache_keys: Vec<String> = plans.iter().map(|plan| plan.cache_key.to_string()).collect();
    // Invariant: all arrays have the same length. `unnest` would fill shorter ones with nulls.
    let of_plans = |column: for<'a> fn(&'a Plan) -> &'a str| plans.iter().map(|plan| column(plan)).collect::<Vec<_>>();
    let of_documents = |column: for<'a> fn(&'a Documents) -> &'a str| documents.iter().map(column).collect::<Vec<_>>();
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

async fn read(connections: &Connections, ids: &[String]) -> Result<Vec<Plan>, StoreError> {
    // The server has no text with U+0000, and rejects one as a parameter.
    let ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| !id.contains('\0')).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let read = || async |connection: &mut PgConnection| sqlx::query(READ).bind(&ids).fetch_all(connection).await;
    connections.read(read).await?.iter().map(plan_of).collect()
}

fn plan_of(row: &PgRow) -> Result<Plan, StoreError> {
    let instruments: Arc<KeyList> = Arc::new(keys(row, "instruments")?);
    let mut metadata: Metadata = document(row, "metadata")?;
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
        performance_metrics: document(row, "performance_metrics")?,
        validation_results: document(row, "validation_results")?,
        rejected: document(row, "rejected")?,
        cache_key: cache_key(column(row, "cache_key")?)?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        metadata,
    })
}

async fn list(
    connections: &Connections,
    filter: &PlanFilter,
    position: &Position,
    limit: u32,
) -> Result<PlanPage, StoreError> {
    let read = || {
        async |connection: &mut PgConnection| {
            let rows = page(filter, position, limit).build().fetch_all(&mut *connection).await?;
            let counted: i64 = count(filter).build_query_scalar().fetch_one(connection).await?;
            Ok((rows, u64::try_from(counted).unwrap_or(0)))
        }
    };
    let (rows, counted) = connections.list(read).await?;

    let has_next = rows.len() > limit as usize;
    let plans = rows.iter().take(limit as usize).map(summary_of).collect::<Result<_, _>>()?;
    Ok(PlanPage { plans, total: counted.min(COUNT_MAX), total_is_lower_bound: counted > COUNT_MAX, has_next })
}

/// Selects one row more than the page has.
fn page(filter: &PlanFilter, position: &Position, limit: u32) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select plan_id, user_id, plan_name, subscription_type, status, estimated_cost, created_at, expires_at, \
         profile_id, profile_version from subscription_plans where true",
    );
    push_filter(&mut query, filter);
    if let Position::After(plan_id) = position {
        query.push(" and plan_id < ").push_bind(plan_id.clone());
    }
    query.push(" order by plan_id desc limit ").push_bind(i64::from(limit) + 1);
    if let Position::Offset(offset) = position {
        query.push(" offset ").push_bind(i64::try_from(*offset).unwrap_or(i64::MAX));
    }
    query
}

/// Counting stops at one more than the reported maximum, so that the cost of a list does not depend on the size of the
/// table.
fn count(filter: &PlanFilter) -> QueryBuilder<Postgres> {
    let mut count = QueryBuilder::<Postgres>::new("select count(*) from (select from subscription_plans where true");
    push_filter(&mut count, filter);
    count.push(" limit ").push_bind(i64::try_from(COUNT_MAX).unwrap_or(i64::MAX) + 1).push(") as counted");
    count
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &PlanFilter) {
    if let Some(user_id) = &filter.user_id {
        query.push(" and user_id = ").push_bind(user_id.clone());
    }
    // Types and statuses are words of closed lists, and written out: so the server knows how many plans have them, and that a
    // status other than the usual one has an index of its own.
    if let Some(kind) = filter.subscription_type {
        query.push(format_args!(" and subscription_type = '{}'", kind.as_str()));
    }
    if let Some(status) = filter.status {
        query.push(format_args!(" and status = '{}'", status.as_str()));
    }
    if let Some(profile_id) = &filter.profile_id {
        query.push(" and profile_id = ").push_bind(profile_id.clone());
    }
}

fn summary_of(row: &PgRow) -> Result<PlanSummary, StoreError> {
    Ok(PlanSummary {
        plan_id: column(row, "plan_id")?,
        user_id: column(row, "user_id")?,
        plan_name: column(row, "plan_name")?,
        subscription_type: word(row, "subscription_type", SubscriptionType::parse)?,
        status: word(row, "status", PlanStatus::parse)?,
        estimated_cost: Amount::from_ten_thousandths(column(row, "estimated_cost")?),
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        profile: profile_of(row)?,
    })
}

/// Returns the profile from which the plan was created, if there is one.
fn profile_of(row: &PgRow) -> Result<Option<ProfileReference>, StoreError> {
    let (profile_id, version): (Option<String>, Option<i32>) =
        (column(row, "profile_id")?, column(row, "profile_version")?);
    let Some((profile_id, version)) = profile_id.zip(version) else { return Ok(None) };
    let version = u32::try_from(version).map_err(|_| corrupt("profile_version", &version.to_string()))?;
    Ok(Some(ProfileReference { profile_id, version }))
}

/// The id of a plan begins with the millisecond of its creation, so the oldest plans are found without an index on the
/// time; the time itself decides. A plan that is the response to an idempotency key is kept as long as the key. Rows
/// that another replica is deleting are skipped. Rows deleted by an earlier attempt whose response was lost are not
/// counted.
async fn delete_before(connections: &Connections, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let first_kept = format!("plan_{:012x}", cutoff.timestamp_millis().max(0));
    let delete = || {
        async |connection: &mut PgConnection| {
            sqlx::query(DELETE).bind(&first_kept).bind(cutoff).bind(i64::from(limit)).execute(connection).await
        }
    };
    Ok(connections.write_idempotent(delete).await?.rows_affected())
}

async fn count_unexpired(
    connections: &Connections,
    now: DateTime<Utc>,
) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
    let count = || async |connection: &mut PgConnection| sqlx::query(UNEXPIRED).bind(now).fetch_all(connection).await;
    connections
        .read(count)
        .await?
        .iter()
        .map(|row| {
            let plans: i64 = column(row, "plans")?;
            Ok((word(row, "subscription_type", SubscriptionType::parse)?, u64::try_from(plans).unwrap_or(0)))
        })
        .collect()
}
