//! The table `idempotency_keys`.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::plan::Plan;
use sqlx::sqlite::SqliteConnection;

use super::super::error::StoreError;
use super::super::idempotency::{Claimed, KeyClaim, KeyStore, KeyedPlan, StoredAnswer};
use super::SqliteStore;
use super::{fault, plans};
use crate::sql::keys::{READ_LIVE, RELEASE, stored_answer};

const CLAIM: &str = "
    insert into idempotency_keys (scope, key, request_digest, plan_id, answer, created_at, expires_at)
    values (?, ?, ?, ?, ?, ?, ?)
    on conflict (scope, key) do update set
        request_digest = excluded.request_digest,
        plan_id = excluded.plan_id,
        answer = excluded.answer,
        created_at = excluded.created_at,
        expires_at = excluded.expires_at
    where idempotency_keys.expires_at <= excluded.created_at";

const READ: &str = "
    select request_digest, answer
    from idempotency_keys
    where scope = ?
        and key = ?";

const SET_ANSWER: &str = "
    update idempotency_keys
    set answer = ?3
    where scope = ?1
        and key = ?2";

const DELETE_EXPIRED: &str = "
    delete from idempotency_keys
    where (scope, key) in (
        select scope, key
        from idempotency_keys
        where expires_at <= ?
        order by expires_at
        limit ?)";

#[async_trait]
impl KeyStore for SqliteStore {
    async fn insert_keyed_plans(&self, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError> {
        insert_plans(self, rows).await
    }

    async fn stored_answer(
        &self,
        scope: &str,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let query = sqlx::query(READ_LIVE).bind(scope).bind(key).bind(now.timestamp_millis());
        query.fetch_optional(&self.readers).await.map_err(fault)?.as_ref().map(stored_answer).transpose()
    }

    async fn delete_expired_keys(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let query = sqlx::query(DELETE_EXPIRED).bind(now.timestamp_millis()).bind(limit);
        Ok(query.execute(&self.writer).await.map_err(fault)?.rows_affected())
    }
}

/// Claims the key within a transaction that has the write lock.
pub(super) async fn claim(connection: &mut SqliteConnection, claim: &KeyClaim) -> Result<Claimed, StoreError> {
    let KeyClaim { request, plan_id, answer } = claim;
    let taken = sqlx::query(CLAIM)
        .bind(&request.scope)
        .bind(&request.key)
        .bind(&request.digest[..])
        .bind(plan_id)
        .bind(answer)
        .bind(request.now.timestamp_millis())
        .bind(request.expires_at().timestamp_millis())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    if taken.rows_affected() == 1 {
        return Ok(Claimed::Stored);
    }
    let query = sqlx::query(READ).bind(&request.scope).bind(&request.key);
    stored_answer(&query.fetch_one(connection).await.map_err(fault)?).map(Claimed::Taken)
}

/// Replaces the response of a key that this transaction claimed.
pub(super) async fn set_answer(
    connection: &mut SqliteConnection,
    scope: &str,
    key: &str,
    answer: &str,
) -> Result<(), StoreError> {
    sqlx::query(SET_ANSWER).bind(scope).bind(key).bind(answer).execute(connection).await.map_err(fault)?;
    Ok(())
}

/// Releases a key that this transaction claimed.
pub(super) async fn release(connection: &mut SqliteConnection, scope: &str, key: &str) -> Result<(), StoreError> {
    sqlx::query(RELEASE).bind(scope).bind(key).execute(connection).await.map_err(fault)?;
    Ok(())
}

/// Claims the keys, and inserts the plans of those that were free, in one transaction.
async fn insert_plans(store: &SqliteStore, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut transaction = store.writer.begin_with("begin immediate").await.map_err(fault)?;
    let mut claimed = Vec::with_capacity(rows.len());
    let mut new: Vec<Arc<Plan>> = Vec::new();
    for row in rows {
        let result = claim(&mut transaction, &row.claim).await?;
        if result == Claimed::Stored {
            new.extend(row.plan.clone());
        }
        claimed.push(result);
    }
    plans::insert(&mut *transaction, &new, store.writes_documents).await?;
    transaction.commit().await.map_err(fault)?;
    Ok(claimed)
}
