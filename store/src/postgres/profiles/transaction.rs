//! The transaction of a change.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::keys::KeyList;
use registry_planning::profile::{Action, ExistingProfile, Profile};
use registry_planning::vocabulary::SubscriptionType;
use tokio::time::{Instant, sleep};

use super::super::super::documents::json;
use super::super::super::error::StoreError;
use super::super::super::idempotency::{Claimed, KeyClaim, KeyedRequest};
use super::super::super::profiles::{Actor, Conflict, NewEntry, Transaction};
use super::super::connections::Lease;
use super::super::keys;
use crate::sql::columns::document;
use crate::sql::profiles as sql;

/// Locks until the end of the transaction. Each later statement sees everything that was committed before.
const LOCK: &str = "select pg_try_advisory_xact_lock(hashtextextended('subscription profiles of ' || $1, 0))";

/// Maximum time to wait for the lock of a user. A waiting call holds one of the few connections, which others need.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two attempts.
const RETRY_EVERY: Duration = Duration::from_millis(5);

/// `intersect` reads both lists once, with any query plan.
// Preferences are parsed by the service: a text in them may contain U+0000, with which the server fails.
const EXISTING_PROFILES: &str = "
    select profile_id, profile_name, subscription_type, created_at, instrument_count,
        case
            when preferences::text like '%broker%' or preferences::text like '%selectors%' then preferences::text
            else '{}'
        end as preferences,
        case
            when subscription_type = $3 then (
                select count(*)
                from (select unnest(instruments) intersect select unnest($4::text[])) as common)
            else 0
        end as shared
    from subscription_profiles
    where user_id = $1
        and is_active
        and profile_id <> $2
        and (expires_at is null or expires_at > $5)
    order by profile_id";

const PUT: &str = "
    with kept as (
        insert into profile_versions (profile_id, version, action, actor, document)
        values ($1, $11, $15, $16::json, $17::json))
    insert into subscription_profiles (
        profile_id, user_id, profile_name, subscription_type, instruments, instrument_count, preferences, validation_rules,
        max_instruments, is_active, version, created_at, updated_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7::json, $8::json, $9, $10, $11, $12, $13, $14)
    on conflict (profile_id) do update set
        profile_name = excluded.profile_name,
        subscription_type = excluded.subscription_type,
        instruments = excluded.instruments,
        instrument_count = excluded.instrument_count,
        preferences = excluded.preferences,
        validation_rules = excluded.validation_rules,
        max_instruments = excluded.max_instruments,
        is_active = excluded.is_active,
        version = excluded.version,
        updated_at = excluded.updated_at,
        expires_at = excluded.expires_at";

const AUDIT: &str = "
    insert into subscription_audit_log (
        profile_id, user_id, action, actor, old_data, new_data, correlation_id, created_at)
    values ($1, $2, $3, $4::json, $5::json, $6::json, $7, $8)";

const PUT_CONFLICT: &str = "
    insert into subscription_conflicts (
        conflict_id, profile_id, user_id, conflict_type, conflict_data, status, resolution_strategy, resolution_data,
        created_at, resolved_at)
    values ($1, $2, $3, $4, $5::json, $6, $7, $8::json, $9, $10)
    on conflict (conflict_id) do update set
        status = excluded.status,
        resolution_strategy = excluded.resolution_strategy,
        resolution_data = excluded.resolution_data,
        resolved_at = excluded.resolved_at";

/// A lease with an open transaction.
pub(super) struct OpenTransaction<'a>(pub(super) Lease<'a>);

#[async_trait]
impl Transaction for OpenTransaction<'_> {
    async fn lock_user(&mut self, user_id: &str) -> Result<(), StoreError> {
        let until = Instant::now() + LOCK_TIMEOUT;
        loop {
            let query = sqlx::query_scalar(LOCK).bind(user_id);
            if self.0.attempt(async |connection| query.fetch_one(connection).await).await? {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(StoreError::Busy);
            }
            // The jitter keeps waiting calls out of step.
            sleep(RETRY_EVERY + Duration::from_micros(fastrand::u64(..5_000))).await;
        }
    }

    async fn profile(&mut self, profile_id: &str) -> Result<Option<Profile>, StoreError> {
        let mut query = sql::profile_query(profile_id);
        let row = self.0.attempt(async |connection| query.build().fetch_optional(connection).await).await?;
        row.as_ref().map(sql::profile).transpose()
    }

    async fn version(&mut self, profile_id: &str, version: u32) -> Result<Option<Profile>, StoreError> {
        let query = sqlx::query(sql::VERSION).bind(profile_id).bind(i64::from(version));
        let row = self.0.attempt(async |connection| query.fetch_optional(connection).await).await?;
        row.map(|row| document(&row, "document")).transpose()
    }

    async fn existing_profiles(
        &mut self,
        user_id: &str,
        but: &str,
        kind: SubscriptionType,
        instruments: &KeyList,
        now: DateTime<Utc>,
    ) -> Result<Vec<ExistingProfile>, StoreError> {
        let keys: Vec<&str> = instruments.iter().collect();
        let query = sqlx::query(EXISTING_PROFILES).bind(user_id).bind(but).bind(kind.as_str()).bind(keys).bind(now);
        let rows = self.0.attempt(async |connection| query.fetch_all(connection).await).await?;
        rows.iter().map(sql::existing_profile).collect()
    }

    async fn put(&mut self, profile: &Profile, action: Action, actor: &Actor) -> Result<(), StoreError> {
        let draft = &profile.draft;
        let keys: Vec<&str> = draft.instruments.iter().collect();
        let query = sqlx::query(PUT)
            .bind(&profile.profile_id)
            .bind(&profile.user_id)
            .bind(&draft.profile_name)
            .bind(draft.subscription_type.as_str())
            .bind(keys)
            .bind(i64::try_from(draft.instruments.len()).unwrap_or(i64::MAX))
            .bind(json(&draft.preferences)?)
            .bind(json(&draft.validation_rules)?)
            .bind(draft.max_instruments.map(i64::from))
            .bind(profile.is_active)
            .bind(i64::from(profile.version))
            .bind(profile.created_at)
            .bind(profile.updated_at)
            .bind(draft.expires_at)
            .bind(action.as_str())
            .bind(json(actor)?)
            .bind(json(profile)?);
        self.0.attempt(async |connection| query.execute(connection).await).await?;
        Ok(())
    }

    async fn audit(&mut self, entry: &NewEntry) -> Result<(), StoreError> {
        let query = sqlx::query(AUDIT)
            .bind(&entry.profile_id)
            .bind(&entry.user_id)
            .bind(entry.action.as_str())
            .bind(json(&entry.actor)?)
            .bind(entry.old_data.as_ref().map(json).transpose()?)
            .bind(entry.new_data.as_ref().map(json).transpose()?)
            .bind(&entry.correlation_id)
            .bind(entry.created_at);
        self.0.attempt(async |connection| query.execute(connection).await).await?;
        Ok(())
    }

    async fn conflict(&mut self, conflict_id: &str) -> Result<Option<Conflict>, StoreError> {
        let mut query = sql::conflict_query(conflict_id);
        let row = self.0.attempt(async |connection| query.build().fetch_optional(connection).await).await?;
        row.as_ref().map(sql::conflict).transpose()
    }

    async fn put_conflict(&mut self, conflict: &Conflict) -> Result<(), StoreError> {
        let query = sqlx::query(PUT_CONFLICT)
            .bind(&conflict.conflict_id)
            .bind(&conflict.profile_id)
            .bind(&conflict.user_id)
            .bind(conflict.conflict_type.as_str())
            .bind(json(&conflict.conflict_data)?)
            .bind(conflict.status.as_str())
            .bind(&conflict.resolution_strategy)
            .bind(conflict.resolution_data.as_ref().map(json).transpose()?)
            .bind(conflict.created_at)
            .bind(conflict.resolved_at);
        self.0.attempt(async |connection| query.execute(connection).await).await?;
        Ok(())
    }

    async fn claim(&mut self, claim: &KeyClaim) -> Result<Claimed, StoreError> {
        Ok(keys::claim(&mut self.0, &[claim]).await?.pop().unwrap_or(Claimed::Stored))
    }

    async fn set_answer(&mut self, request: &KeyedRequest, answer: &str) -> Result<(), StoreError> {
        keys::set_answer(&mut self.0, &request.scope, &request.key, answer).await
    }

    async fn release(&mut self, request: &KeyedRequest) -> Result<(), StoreError> {
        keys::release(&mut self.0, &request.scope, &request.key).await
    }
}
