//! The tables `subscription_profiles`, `profile_versions`, `subscription_conflicts`, `subscription_audit_log` and
//! `audit_retention`.

mod transaction;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::profile::Profile;
use sqlx::{PgConnection, Postgres};

use self::transaction::OpenTransaction;
use super::PostgresStore;
use super::connections::Bound;
use crate::error::StoreError;
use crate::paging::{Page, Portion, PortionLimit, Position};
use crate::profiles::{
    AuditEntry, Change, CommandOutcome, ConflictFilter, ListedConflict, ProfileFilter, ProfileStats, ProfileStore,
    ProfileSummary, ProfileVersion, StoredProfile, apply,
};
use crate::sql::profiles as sql;

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
    async fn change_profile(&self, change: &Change) -> Result<CommandOutcome, StoreError> {
        // A repeated request waits for its key.
        let bound = if change.claim.is_some() { Bound::Statement } else { Bound::Bulk };
        // Independent of the server's default: reads under the lock must see everything that was committed before it.
        let mut open = OpenTransaction(self.connections.begin("begin isolation level read committed", bound).await?);
        // After an error the connection is closed, which rolls back the transaction.
        let changed = apply(&mut open, change).await?;
        let OpenTransaction(mut lease) = open;
        let committed = lease.commit(async |connection| sqlx::query("commit").execute(connection).await).await;
        lease.release(committed)?;
        Ok(changed)
    }

    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError> {
        // The server has no text with U+0000, and rejects one as a parameter.
        if profile_id.contains('\0') {
            return Ok(None);
        }
        let read = || {
            async |connection: &mut PgConnection| {
                sql::profile_query(profile_id).build().fetch_optional(connection).await
            }
        };
        self.connections.read(read).await?.as_ref().map(sql::profile).transpose()
    }

    async fn profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<ProfileSummary>, StoreError> {
        self.connections.page(&sql::profiles::<Postgres>(filter), position, limit, sql::profile_summary).await
    }

    async fn whole_profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<StoredProfile>, StoreError> {
        self.connections.portion(&sql::whole_profiles::<Postgres>(filter), position, limit, sql::stored_profile).await
    }

    async fn whole_profiles_of(
        &self,
        filter: &ProfileFilter,
        keys: &[String],
    ) -> Result<Vec<StoredProfile>, StoreError> {
        self.connections.rows_of(&sql::whole_profiles::<Postgres>(filter), keys, sql::stored_profile).await
    }

    async fn profile_versions(
        &self,
        profile_id: &str,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<ProfileVersion>, StoreError> {
        self.connections.portion(&sql::versions(profile_id), position, limit, sql::version).await
    }

    async fn profile_versions_of(&self, profile_id: &str, keys: &[String]) -> Result<Vec<ProfileVersion>, StoreError> {
        self.connections.rows_of(&sql::versions(profile_id), keys, sql::version).await
    }

    async fn audit_entries(
        &self,
        profile_id: &str,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<AuditEntry>, StoreError> {
        self.connections.portion(&sql::audit_entries(profile_id), position, limit, sql::audit_entry).await
    }

    async fn audit_entries_of(&self, profile_id: &str, keys: &[String]) -> Result<Vec<AuditEntry>, StoreError> {
        self.connections.rows_of(&sql::audit_entries(profile_id), keys, sql::audit_entry).await
    }

    async fn conflicts(
        &self,
        filter: &ConflictFilter,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<ListedConflict>, StoreError> {
        self.connections.portion(&sql::conflicts::<Postgres>(filter), position, limit, sql::conflict).await
    }

    async fn conflicts_of(&self, filter: &ConflictFilter, keys: &[String]) -> Result<Vec<ListedConflict>, StoreError> {
        self.connections.rows_of(&sql::conflicts::<Postgres>(filter), keys, sql::conflict).await
    }

    async fn profile_stats(&self, now: DateTime<Utc>) -> Result<ProfileStats, StoreError> {
        let read = || {
            async |connection: &mut PgConnection| {
                let by_type = sqlx::query(sql::BY_TYPE).fetch_all(&mut *connection).await?;
                Ok((by_type, sql::totals(now).build().fetch_one(connection).await?))
            }
        };
        let (by_type, totals) = self.connections.list(read).await?;
        sql::stats(&by_type, &totals)
    }

    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
        let expired = || {
            async |connection: &mut PgConnection| {
                sql::expired(now, limit).build_query_scalar().fetch_all(connection).await
            }
        };
        self.connections.read(expired).await
    }

    /// Runs two statements and commits the first one before the second: the trigger of the audit log must see the
    /// cutoff. Entries deleted by an earlier attempt whose response was lost are not counted.
    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let delete = || {
            async |connection: &mut PgConnection| {
                sqlx::query(RAISE_CUTOFF).bind(cutoff).execute(&mut *connection).await?;
                sqlx::query(DELETE_AUDIT).bind(cutoff).bind(i64::from(limit)).execute(connection).await
            }
        };
        Ok(self.connections.write_idempotent(delete).await?.rows_affected())
    }
}
