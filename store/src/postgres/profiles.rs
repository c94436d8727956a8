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
use sqlx::PgConnection;

use self::lists::{audit_entries, conflicts, profiles, versions};
use self::transaction::Open;
use super::super::error::StoreError;
use super::super::paging::{Page, Position};
use super::super::profiles::{
    AuditEntry, Change, Changed, Conflict, ConflictFilter, ProfileFilter, ProfileStats, ProfileStore, ProfileVersion,
    apply,
};
use super::PostgresStore;
use super::columns::{column, optional_time, word};
use super::connections::{Bound, Connections};

const BY_TYPE: &str = "
    select subscription_type, count(*) as profiles
    from subscription_profiles
    group by subscription_type";

/// Active profiles are counted as all active ones minus the expired ones among them, because each number has an index.
const TOTALS: &str = "
    select
        (select count(*) from subscription_profiles where is_active)
            - (
                select count(*)
                from subscription_profiles
                where is_active and expires_at is not null and expires_at <= $1) as active_profiles,
        (select count(*) from subscription_conflicts) as total_conflicts,
        (select count(*) from subscription_conflicts where status = 'pending') as pending_conflicts,
        (select count(*) from subscription_audit_log) as total_audit_logs,
        (select last_cleanup from audit_retention) as last_cleanup";

const EXPIRED: &str = "
    select profile_id
    from subscription_profiles
    where is_active
        and expires_at is not null
        and expires_at <= $1
    order by expires_at
    limit $2";

/// The cutoff never moves back: permission to delete entries is not withdrawn.
const RAISE_CUTOFF: &str = "
    insert into audit_retention (cutoff, last_cleanup)
    values ($1, now())
    on conflict (is_only_row) do update set
        cutoff = greatest(audit_retention.cutoff, excluded.cutoff),
        last_cleanup = excluded.last_cleanup";

/// Skips entries that another replica is deleting. The ids are selected into an array, which is evaluated once.
const DELETE_AUDIT: &str = "
    delete from subscription_audit_log
    where audit_id = any (array(
        select audit_id
        from subscription_audit_log
        where created_at < $1
        order by created_at
        limit $2
        for update skip locked))";

#[async_trait]
impl ProfileStore for PostgresStore {
    async fn change_profile(&self, change: &Change) -> Result<Changed, StoreError> {
        make_change(&self.connections, change).await
    }

    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError> {
        read(&self.connections, profile_id).await
    }

    async fn profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Profile>, StoreError> {
        profiles(&self.connections, filter, position, limit).await
    }

    async fn profile_versions(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<ProfileVersion>, StoreError> {
        versions(&self.connections, profile_id, position, limit).await
    }

    async fn audit_entries(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<AuditEntry>, StoreError> {
        audit_entries(&self.connections, profile_id, position, limit).await
    }

    async fn conflicts(
        &self,
        filter: &ConflictFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Conflict>, StoreError> {
        conflicts(&self.connections, filter, position, limit).await
    }

    async fn profile_stats(&self, now: DateTime<Utc>) -> Result<ProfileStats, StoreError> {
        stats(&self.connections, now).await
    }

    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
        expired(&self.connections, now, limit).await
    }

    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        delete_audit_before(&self.connections, cutoff, limit).await
    }
}

async fn make_change(connections: &Connections, change: &Change) -> Result<Changed, StoreError> {
    // A repeated request waits for its key.
    let bound = if change.claim.is_some() { Bound::Statement } else { Bound::Bulk };
    // Independent of the server's default: reads under the lock must see everything that was committed before it.
    let mut open = Open(connections.begin("begin isolation level read committed", bound).await?);
    // After an error the connection is closed, which rolls back the transaction.
    let changed = apply(&mut open, change).await?;
    let Open(mut lease) = open;
    let committed = lease.commit(async |connection| sqlx::query("commit").execute(connection).await).await;
    lease.release(committed)?;
    Ok(changed)
}

async fn read(connections: &Connections, profile_id: &str) -> Result<Option<Profile>, StoreError> {
    // The server has no text with U+0000, and rejects one as a parameter.
    if profile_id.contains('\0') {
        return Ok(None);
    }
    let read = || {
        async |connection: &mut PgConnection| rows::profile_query(profile_id).build().fetch_optional(connection).await
    };
    connections.read(read).await?.as_ref().map(rows::profile).transpose()
}

async fn stats(connections: &Connections, now: DateTime<Utc>) -> Result<ProfileStats, StoreError> {
    let read = || {
        async |connection: &mut PgConnection| {
            let by_type = sqlx::query(BY_TYPE).fetch_all(&mut *connection).await?;
            Ok((by_type, sqlx::query(TOTALS).bind(now).fetch_one(connection).await?))
        }
    };
    let (by_type, totals) = connections.list(read).await?;

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

async fn expired(connections: &Connections, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
    let expired = || {
        async |connection: &mut PgConnection| {
            sqlx::query_scalar(EXPIRED).bind(now).bind(i64::from(limit)).fetch_all(connection).await
        }
    };
    connections.read(expired).await
}

/// Runs two statements and commits the first one before the second: the trigger of the audit log must see the cutoff.
/// Entries deleted by an earlier attempt whose response was lost are not counted.
async fn delete_audit_before(connections: &Connections, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
    let delete = || {
        async |connection: &mut PgConnection| {
            sqlx::query(RAISE_CUTOFF).bind(cutoff).execute(&mut *connection).await?;
            sqlx::query(DELETE_AUDIT).bind(cutoff).bind(i64::from(limit)).execute(connection).await
        }
    };
    Ok(connections.write_idempotent(delete).await?.rows_affected())
}
