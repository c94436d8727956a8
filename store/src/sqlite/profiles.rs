//! The tables `subscription_profiles`, `profile_versions`, `subscription_conflicts`, `subscription_audit_log` and
//! `audit_retention`.

mod lists;
mod rows;
mod transaction;

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::profile::Profile;
use registry_planning::request::SubscriptionType;
use sqlx::sqlite::SqlitePool;

use self::lists::{audit_entries, conflicts, profiles, versions};
use self::rows::{column, optional_time, word};
use self::transaction::Open;
use super::super::error::StoreError;
use super::super::paging::{Page, Position};
use super::super::profiles::{
    AuditEntry, Change, Changed, Conflict, ConflictFilter, ProfileFilter, ProfileStats, ProfileStore, ProfileVersion,
    apply,
};
use super::SqliteStore;
use super::fault;

const BY_TYPE: &str = "
    select subscription_type, count(*) as profiles
    from subscription_profiles
    group by subscription_type";

/// Active profiles are counted as all active ones minus the expired ones among them, because each number has an index.
const TOTALS: &str = "
    select
        (select count(*) from subscription_profiles where is_active = 1)
            - (
                select count(*)
                from subscription_profiles
                where is_active = 1 and expires_at is not null and expires_at <= ?) as active_profiles,
        (select count(*) from subscription_conflicts) as total_conflicts,
        (select count(*) from subscription_conflicts where status = 'pending') as pending_conflicts,
        (select count(*) from subscription_audit_log) as total_audit_logs,
        (select last_cleanup from audit_retention) as last_cleanup";

const EXPIRED: &str = "
    select profile_id
    from subscription_profiles
    where is_active = 1
        and expires_at is not null
        and expires_at <= ?
    order by expires_at
    limit ?";

/// The cutoff never moves back: permission to delete entries is not withdrawn.
const RAISE_CUTOFF: &str = "
    insert into audit_retention (is_only_row, cutoff, last_cleanup)
    values (1, ?, ?)
    on conflict (is_only_row) do update set
        cutoff = max(coalesce(cutoff, excluded.cutoff), excluded.cutoff),
        last_cleanup = excluded.last_cleanup";

const DELETE_AUDIT: &str = "
    delete from subscription_audit_log
    where audit_id in (
        select audit_id
        from subscription_audit_log
        where created_at < ?
        order by created_at
        limit ?)";

#[async_trait]
impl ProfileStore for SqliteStore {
    async fn change_profile(&self, change: &Change) -> Result<Changed, StoreError> {
        make_change(&self.writer, change).await
    }

    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError> {
        read(&self.readers, profile_id).await
    }

    async fn profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Profile>, StoreError> {
        profiles(&self.readers, filter, position, limit).await
    }

    async fn profile_versions(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<ProfileVersion>, StoreError> {
        versions(&self.readers, profile_id, position, limit).await
    }

    async fn audit_entries(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<AuditEntry>, StoreError> {
        audit_entries(&self.readers, profile_id, position, limit).await
    }

    async fn conflicts(
        &self,
        filter: &ConflictFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Conflict>, StoreError> {
        conflicts(&self.readers, filter, position, limit).await
    }

    async fn profile_stats(&self, now: DateTime<Utc>) -> Result<ProfileStats, StoreError> {
        stats(&self.readers, now).await
    }

    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
        expired(&self.readers, now, limit).await
    }

    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        delete_audit_before(&self.writer, cutoff, limit).await
    }
}

async fn make_change(pool: &SqlitePool, change: &Change) -> Result<Changed, StoreError> {
    let mut open = Open(pool.begin_with("begin immediate").await.map_err(fault)?);
    // After an error the transaction is dropped, which rolls it back.
    let changed = apply(&mut open, change).await?;
    open.0.commit().await.map_err(fault)?;
    Ok(changed)
}

async fn read(pool: &SqlitePool, profile_id: &str) -> Result<Option<Profile>, StoreError> {
    let mut query = rows::profile_query(profile_id);
    let row = query.build().fetch_optional(pool).await.map_err(fault)?;
    row.as_ref().map(rows::profile).transpose()
}

async fn stats(pool: &SqlitePool, now: DateTime<Utc>) -> Result<ProfileStats, StoreError> {
    let by_type = sqlx::query(BY_TYPE).fetch_all(pool).await.map_err(fault)?;
    let totals = sqlx::query(TOTALS).bind(now.timestamp_millis()).fetch_one(pool).await.map_err(fault)?;

    let count = |row, name| -> Result<u64, StoreError> { Ok(u64::try_from(column::<i64>(row, name)?).unwrap_or(0)) };
    let of_type = |row| Ok((word(row, "subscription_type", SubscriptionType::parse)?, count(row, "profiles")?));
    let profiles_by_type = by_type.iter().map(of_type).collect::<Result<BTreeMap<_, _>, StoreError>>()?;
    Ok(ProfileStats {
        total_profiles: profiles_by_type.values().sum(),
        active_profiles: count(&totals, "active_profiles")?,
        profiles_by_type,
        total_conflicts: count(&totals, "total_conflicts")?,
        pending_conflicts: count(&totals, "pending_conflicts")?,
        total_audit_logs: count(&totals, "total_audit_logs")?,
        last_cleanup: optional_time(&totals, "last_cleanup")?,
    })
}

async fn expired(pool: &SqlitePool, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar(EXPIRED).bind(now.timestamp_millis()).bind(limit).fetch_all(pool).await.map_err(fault)
}

/// Runs two statements, as in every database: the trigger of the audit log must see the cutoff.
async fn delete_audit_before(pool: &SqlitePool, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let cutoff = cutoff.timestamp_millis();
    let raise = sqlx::query(RAISE_CUTOFF).bind(cutoff).bind(Utc::now().timestamp_millis());
    raise.execute(pool).await.map_err(fault)?;
    let deleted = sqlx::query(DELETE_AUDIT).bind(cutoff).bind(limit).execute(pool).await.map_err(fault)?;
    Ok(deleted.rows_affected())
}
