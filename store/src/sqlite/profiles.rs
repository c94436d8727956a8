//! The tables `subscription_profiles`, `profile_versions`, `subscription_conflicts`, `subscription_audit_log` and
//! `audit_retention`.

mod transaction;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::profile::Profile;
use sqlx::Sqlite;

use self::transaction::OpenTransaction;
use super::{SqliteStore, fault};
use crate::error::StoreError;
use crate::paging::{Page, Portion, PortionLimit, Position};
use crate::profiles::{
    AuditEntry, Change, CommandOutcome, ConflictFilter, ListedConflict, ProfileFilter, ProfileStats, ProfileStore,
    ProfileSummary, ProfileVersion, StoredProfile, apply,
};
use crate::sql::profiles as sql;

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
    async fn change_profile(&self, change: &Change) -> Result<CommandOutcome, StoreError> {
        let mut open = OpenTransaction(self.writer.begin_with("begin immediate").await.map_err(fault)?);
        // After an error the transaction is dropped, which rolls it back.
        let changed = apply(&mut open, change).await?;
        open.0.commit().await.map_err(fault)?;
        Ok(changed)
    }

    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError> {
        let mut query = sql::profile_query(profile_id);
        let row = query.build().fetch_optional(&self.readers).await.map_err(fault)?;
        row.as_ref().map(sql::profile).transpose()
    }

    async fn profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<ProfileSummary>, StoreError> {
        self.page(&sql::profiles::<Sqlite>(filter), position, limit, sql::profile_summary).await
    }

    async fn whole_profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<StoredProfile>, StoreError> {
        self.portion(&sql::whole_profiles::<Sqlite>(filter), position, limit, sql::stored_profile).await
    }

    async fn whole_profiles_of(
        &self,
        filter: &ProfileFilter,
        keys: &[String],
    ) -> Result<Vec<StoredProfile>, StoreError> {
        self.rows_of(&sql::whole_profiles::<Sqlite>(filter), keys, sql::stored_profile).await
    }

    async fn profile_versions(
        &self,
        profile_id: &str,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<ProfileVersion>, StoreError> {
        self.portion(&sql::versions(profile_id), position, limit, sql::version).await
    }

    async fn profile_versions_of(&self, profile_id: &str, keys: &[String]) -> Result<Vec<ProfileVersion>, StoreError> {
        self.rows_of(&sql::versions(profile_id), keys, sql::version).await
    }

    async fn audit_entries(
        &self,
        profile_id: &str,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<AuditEntry>, StoreError> {
        self.portion(&sql::audit_entries(profile_id), position, limit, sql::audit_entry).await
    }

    async fn audit_entries_of(&self, profile_id: &str, keys: &[String]) -> Result<Vec<AuditEntry>, StoreError> {
        self.rows_of(&sql::audit_entries(profile_id), keys, sql::audit_entry).await
    }

    async fn conflicts(
        &self,
        filter: &ConflictFilter,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<ListedConflict>, StoreError> {
        self.portion(&sql::conflicts::<Sqlite>(filter), position, limit, sql::conflict).await
    }

    async fn conflicts_of(&self, filter: &ConflictFilter, keys: &[String]) -> Result<Vec<ListedConflict>, StoreError> {
        self.rows_of(&sql::conflicts::<Sqlite>(filter), keys, sql::conflict).await
    }

    async fn profile_stats(&self, now: DateTime<Utc>) -> Result<ProfileStats, StoreError> {
        let by_type = sqlx::query(sql::BY_TYPE).fetch_all(&self.readers).await.map_err(fault)?;
        let totals = sql::totals(now).build().fetch_one(&self.readers).await.map_err(fault)?;
        sql::stats(&by_type, &totals)
    }

    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
        sql::expired(now, limit).build_query_scalar().fetch_all(&self.readers).await.map_err(fault)
    }

    /// Runs two statements, as in every database: the trigger of the audit log must see the cutoff.
    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let cutoff = cutoff.timestamp_millis();
        let raise = sqlx::query(RAISE_CUTOFF).bind(cutoff).bind(Utc::now().timestamp_millis());
        raise.execute(&self.writer).await.map_err(fault)?;
        let delete = sqlx::query(DELETE_AUDIT).bind(cutoff).bind(limit);
        Ok(delete.execute(&self.writer).await.map_err(fault)?.rows_affected())
    }
}
