//! The transaction of a change.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::keys::KeyList;
use registry_planning::profile::{Action, ExistingProfile, Profile};
use registry_planning::vocabulary::SubscriptionType;
use sqlx::sqlite::Sqlite;

use super::super::super::documents::json;
use super::super::super::error::StoreError;
use super::super::super::idempotency::{Claimed, KeyClaim, KeyedRequest};
use super::super::super::profiles::{Actor, Conflict, NewEntry, Transaction};
use super::super::{fault, keys};
use crate::sql::columns::document;
use crate::sql::profiles as sql;

const EXISTING_PROFILES: &str = "
    select profile_id, profile_name, subscription_type, created_at, instrument_count,
        case
            when preferences like '%broker%' or preferences like '%selectors%' then preferences
            else '{}'
        end as preferences,
        case
            when subscription_type = ?3 then (
                select count(*)
                from json_each(instruments)
                where value in (select value from json_each(?4)))
            else 0
        end as shared
    from subscription_profiles
    where user_id = ?1
        and is_active = 1
        and profile_id <> ?2
        and (expires_at is null or expires_at > ?5)
    order by profile_id";

const PUT: &str = "
    insert into subscription_profiles (
        profile_id, user_id, profile_name, subscription_type, instruments, instrument_count, preferences, validation_rules,
        max_instruments, is_active, version, created_at, updated_at, expires_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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

const PUT_VERSION: &str = "
    insert into profile_versions (profile_id, version, action, actor, document)
    values (?, ?, ?, ?, ?)";

const AUDIT: &str = "
    insert into subscription_audit_log (
        profile_id, user_id, action, actor, old_data, new_data, correlation_id, created_at)
    values (?, ?, ?, ?, ?, ?, ?, ?)";

const PUT_CONFLICT: &str = "
    insert into subscription_conflicts (
        conflict_id, profile_id, user_id, conflict_type, conflict_data, status, resolution_strategy, resolution_data,
        created_at, resolved_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (conflict_id) do update set
        status = excluded.status,
        resolution_strategy = excluded.resolution_strategy,
        resolution_data = excluded.resolution_data,
        resolved_at = excluded.resolved_at";

/// A transaction that has the file's write lock.
pub(super) struct OpenTransaction(pub(super) sqlx::Transaction<'static, Sqlite>);

#[async_trait]
impl Transaction for OpenTransaction {
    /// Does nothing: SQLite has one writer at a time for all users, and `begin immediate` has waited for the previous
    /// one.
    async fn lock_user(&mut self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn profile(&mut self, profile_id: &str) -> Result<Option<Profile>, StoreError> {
        let mut query = sql::profile_query(profile_id);
        let row = query.build().fetch_optional(&mut *self.0).await.map_err(fault)?;
        row.as_ref().map(sql::profile).transpose()
    }

    async fn version(&mut self, profile_id: &str, version: u32) -> Result<Option<Profile>, StoreError> {
        let query = sqlx::query(sql::VERSION).bind(profile_id).bind(version);
        let row = query.fetch_optional(&mut *self.0).await.map_err(fault)?;
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
        let rows = sqlx::query(EXISTING_PROFILES)
            .bind(user_id)
            .bind(but)
            .bind(kind.as_str())
            .bind(json(instruments)?)
            .bind(now.timestamp_millis())
            .fetch_all(&mut *self.0)
            .await
            .map_err(fault)?;
        rows.iter().map(sql::existing_profile).collect()
    }

    async fn put(&mut self, profile: &Profile, action: Action, actor: &Actor) -> Result<(), StoreError> {
        let draft = &profile.draft;
        sqlx::query(PUT)
            .bind(&profile.profile_id)
            .bind(&profile.user_id)
            .bind(&draft.profile_name)
            .bind(draft.subscription_type.as_str())
            .bind(json(&draft.instruments)?)
            .bind(i64::try_from(draft.instruments.len()).unwrap_or(i64::MAX))
            .bind(json(&draft.preferences)?)
            .bind(json(&draft.validation_rules)?)
            .bind(draft.max_instruments)
            .bind(profile.is_active)
            .bind(profile.version)
            .bind(profile.created_at.timestamp_millis())
            .bind(profile.updated_at.timestamp_millis())
            .bind(draft.expires_at.map(|expires_at| expires_at.timestamp_millis()))
            .execute(&mut *self.0)
            .await
            .map_err(fault)?;
        sqlx::query(PUT_VERSION)
            .bind(&profile.profile_id)
            .bind(profile.version)
            .bind(action.as_str())
            .bind(json(actor)?)
            .bind(json(profile)?)
            .execute(&mut *self.0)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn audit(&mut self, entry: &NewEntry) -> Result<(), StoreError> {
        sqlx::query(AUDIT)
            .bind(&entry.profile_id)
            .bind(&entry.user_id)
            .bind(entry.action.as_str())
            .bind(json(&entry.actor)?)
            .bind(entry.old_data.as_ref().map(json).transpose()?)
            .bind(entry.new_data.as_ref().map(json).transpose()?)
            .bind(&entry.correlation_id)
            .bind(entry.created_at.timestamp_millis())
            .execute(&mut *self.0)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn conflict(&mut self, conflict_id: &str) -> Result<Option<Conflict>, StoreError> {
        let mut query = sql::conflict_query(conflict_id);
        let row = query.build().fetch_optional(&mut *self.0).await.map_err(fault)?;
        row.as_ref().map(sql::conflict).transpose()
    }

    async fn put_conflict(&mut self, conflict: &Conflict) -> Result<(), StoreError> {
        sqlx::query(PUT_CONFLICT)
            .bind(&conflict.conflict_id)
            .bind(&conflict.profile_id)
            .bind(&conflict.user_id)
            .bind(conflict.conflict_type.as_str())
            .bind(json(&conflict.conflict_data)?)
            .bind(conflict.status.as_str())
            .bind(&conflict.resolution_strategy)
            .bind(conflict.resolution_data.as_ref().map(json).transpose()?)
            .bind(conflict.created_at.timestamp_millis())
            .bind(conflict.resolved_at.map(|resolved_at| resolved_at.timestamp_millis()))
            .execute(&mut *self.0)
            .await
            .map_err(fault)?;
        Ok(())
    }

    async fn claim(&mut self, claim: &KeyClaim) -> Result<Claimed, StoreError> {
        keys::claim(&mut self.0, claim).await
    }

    async fn set_answer(&mut self, request: &KeyedRequest, answer: &str) -> Result<(), StoreError> {
        keys::set_answer(&mut self.0, &request.scope, &request.key, answer).await
    }

    async fn release(&mut self, request: &KeyedRequest) -> Result<(), StoreError> {
        keys::release(&mut self.0, &request.scope, &request.key).await
    }
}
