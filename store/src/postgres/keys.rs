//! The table `idempotency_keys`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::plan::Plan;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::super::error::StoreError;
use super::super::idempotency::{Claimed, KeyClaim, KeyStore, KeyedPlan, StoredAnswer, order_of};
use super::PostgresStore;
use super::connections::{Bound, Lease};
use super::plans;
use crate::sql::columns::column;
use crate::sql::keys::{READ_LIVE, RELEASE, stored_answer};

/// Claims every free key. If another transaction is claiming a key, waits for its commit.
const CLAIM: &str = "
    insert into idempotency_keys (scope, key, request_digest, plan_id, answer, created_at, expires_at)
    select scope, key, request_digest, plan_id, answer::json, created_at, expires_at
    from unnest(
        $1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
        as claim (scope, key, request_digest, plan_id, answer, created_at, expires_at)
    on conflict (scope, key) do update set
        request_digest = excluded.request_digest,
        plan_id = excluded.plan_id,
        answer = excluded.answer,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at
    where idempotency_keys.expires_at <= excluded.created_at
    returning scope, key";

const READ: &str = "
    select scope, key, request_digest, answer
    from idempotency_keys
    join unnest($1::text[], $2::text[]) as wanted (scope, key) using (scope, key)";

const SET_ANSWER: &str = "
    update idempotency_keys
    set answer = $3::json
    where scope = $1
        and key = $2";

/// Skips keys that another replica is deleting. The keys are selected into an array, which is evaluated once.
const DELETE_EXPIRED: &str = "
    delete from idempotency_keys
    where ctid = any (array(
        select ctid
        from idempotency_keys
        where expires_at <= $1
        order by expires_at
        limit $2
        for update skip locked))";

#[async_trait]
impl KeyStore for PostgresStore {
    async fn insert_keyed_plans(&self, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError> {
        insert_plans(self, rows).await
    }

    async fn stored_answer(
        &self,
        scope: &str,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let read = || {
            async |connection: &mut PgConnection| {
                sqlx::query(READ_LIVE).bind(scope).bind(key).bind(now).fetch_optional(connection).await
            }
        };
        self.connections.read(read).await?.as_ref().map(stored_answer).transpose()
    }

    async fn delete_expired_keys(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let delete = || {
            async |connection: &mut PgConnection| {
                sqlx::query(DELETE_EXPIRED).bind(now).bind(i64::from(limit)).execute(connection).await
            }
        };
        Ok(self.connections.write_idempotent(delete).await?.rows_affected())
    }
}

/// Claims keys within an open transaction. Returns one result per claim, in their order.
pub(super) async fn claim(lease: &mut Lease<'_>, claims: &[&KeyClaim]) -> Result<Vec<Claimed>, StoreError> {
    let of_claims = |column: for<'a> fn(&'a KeyClaim) -> &'a str| claims.iter().map(|claim| column(claim)).collect();
    let (scopes, keys): (Vec<&str>, Vec<&str>) =
        (of_claims(|claim| &claim.request.scope), of_claims(|claim| &claim.request.key));
    let answers: Vec<&str> = of_claims(|claim| &claim.answer);
    let query = sqlx::query(CLAIM)
        .bind(scopes.clone())
        .bind(keys.clone())
        .bind(claims.iter().map(|claim| &claim.request.digest[..]).collect::<Vec<_>>())
        .bind(claims.iter().map(|claim| claim.plan_id.as_deref()).collect::<Vec<_>>())
        .bind(answers)
        .bind(claims.iter().map(|claim| claim.request.now).collect::<Vec<_>>())
        .bind(claims.iter().map(|claim| claim.request.expires_at()).collect::<Vec<_>>());
    let won = lease.attempt(async |connection| query.fetch_all(connection).await).await?;
    if won.len() == claims.len() {
        return Ok(vec![Claimed::Stored; claims.len()]);
    }
    let won = won.iter().map(named).collect::<Result<HashSet<_>, _>>()?;
    let lost = |index: &usize| !won.contains(&(scopes[*index].to_owned(), keys[*index].to_owned()));
    let lost: Vec<usize> = (0..claims.len()).filter(lost).collect();
    let query = sqlx::query(READ)
        .bind(lost.iter().map(|index| scopes[*index]).collect::<Vec<_>>())
        .bind(lost.iter().map(|index| keys[*index]).collect::<Vec<_>>());
    let rows = lease.attempt(async |connection| query.fetch_all(connection).await).await?;
    let mut stored = HashMap::new();
    for row in &rows {
        stored.insert(named(row)?, stored_answer(row)?);
    }
    let mut claimed = vec![Claimed::Stored; claims.len()];
    for index in lost {
        let answer = stored.get(&(scopes[index].to_owned(), keys[index].to_owned()));
        // The key expired and was deleted meanwhile: the next attempt finds it free.
        let gone = || StoreError::Unavailable("the idempotency key expired while it was read; retry".to_owned());
        claimed[index] = Claimed::Taken(answer.ok_or_else(gone)?.clone());
    }
    Ok(claimed)
}

fn named(row: &PgRow) -> Result<(String, String), StoreError> {
    Ok((column(row, "scope")?, column(row, "key")?))
}

/// Replaces the response of a key that this transaction claimed.
pub(super) async fn set_answer(lease: &mut Lease<'_>, scope: &str, key: &str, answer: &str) -> Result<(), StoreError> {
    let query = sqlx::query(SET_ANSWER).bind(scope).bind(key).bind(answer);
    lease.attempt(async |connection| query.execute(connection).await).await?;
    Ok(())
}

/// Releases a key that this transaction claimed.
pub(super) async fn release(lease: &mut Lease<'_>, scope: &str, key: &str) -> Result<(), StoreError> {
    let query = sqlx::query(RELEASE).bind(scope).bind(key);
    lease.attempt(async |connection| query.execute(connection).await).await?;
    Ok(())
}

/// Claims the keys, and inserts the plans of those that were free, in one transaction.
async fn insert_plans(store: &PostgresStore, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let order = order_of(rows);
    let claims: Vec<&KeyClaim> = order.iter().map(|index| &rows[*index].claim).collect();
    let mut lease = store.connections.begin("begin isolation level read committed", Bound::Statement).await?;
    let mut claimed = vec![Claimed::Stored; rows.len()];
    for (index, result) in order.iter().zip(claim(&mut lease, &claims).await?) {
        claimed[*index] = result;
    }
    let won = rows.iter().zip(&claimed).filter(|(_, claimed)| **claimed == Claimed::Stored);
    let new: Vec<Arc<Plan>> = won.filter_map(|(row, _)| row.plan.clone()).collect();
    if !new.is_empty() {
        plans::insert_within(&mut lease, &new, store.writes_documents).await?;
    }
    let committed = lease.commit(async |connection| sqlx::query("commit").execute(connection).await).await;
    lease.release(committed)?;
    Ok(claimed)
}
