//! What callers ask of profiles.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use registry_planning::profile::Profile;
use tokio::time::Instant;

use super::{AuditEntry, Change, Changed, Conflict, ConflictFilter, Page, ProfileFilter, ProfileStats, ProfileVersion};
use crate::metrics::profile_changed;
use crate::persistence::actor::delete_old_audit_entries;
use crate::persistence::{PersistenceError, PersistenceHandle, Position, Store, StoreError, Work};

impl PersistenceHandle {
    /// Makes a change, or says why it is not made.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn change_profile(&self, change: Change, deadline: Instant) -> Result<Changed, PersistenceError> {
        let work = move |store: Arc<dyn Store>| -> Work<Changed> {
            Box::pin(async move { change_profile(&*store, &change).await })
        };
        self.run("change_profile", deadline, work).await
    }

    /// Reads a profile, in use or not.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn profile(&self, profile_id: String, deadline: Instant) -> Result<Option<Profile>, PersistenceError> {
        self.run("profile", deadline, move |store| Box::pin(async move { store.profile(&profile_id).await })).await
    }

    /// Lists profiles, newest first.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn profiles(
        &self,
        filter: ProfileFilter,
        position: Position,
        limit: u32,
        deadline: Instant,
    ) -> Result<Page<Profile>, PersistenceError> {
        let work = move |store: Arc<dyn Store>| -> Work<Page<Profile>> {
            Box::pin(async move { store.profiles(&filter, &position, limit).await })
        };
        self.run("profiles", deadline, work).await
    }

    /// Lists the versions of a profile, newest first; see [`Store::profile_versions`].
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn profile_versions(
        &self,
        profile_id: String,
        position: Position,
        limit: u32,
        deadline: Instant,
    ) -> Result<Page<ProfileVersion>, PersistenceError> {
        let work = move |store: Arc<dyn Store>| -> Work<Page<ProfileVersion>> {
            Box::pin(async move { store.profile_versions(&profile_id, &position, limit).await })
        };
        self.run("profile_versions", deadline, work).await
    }

    /// Lists the entries of the audit log about a profile, newest first; see [`Store::audit_entries`].
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn audit_entries(
        &self,
        profile_id: String,
        position: Position,
        limit: u32,
        deadline: Instant,
    ) -> Result<Page<AuditEntry>, PersistenceError> {
        let work = move |store: Arc<dyn Store>| -> Work<Page<AuditEntry>> {
            Box::pin(async move { store.audit_entries(&profile_id, &position, limit).await })
        };
        self.run("audit_entries", deadline, work).await
    }

    /// Lists a user's conflicts, newest first.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn conflicts(
        &self,
        filter: ConflictFilter,
        position: Position,
        limit: u32,
        deadline: Instant,
    ) -> Result<Page<Conflict>, PersistenceError> {
        let work = move |store: Arc<dyn Store>| -> Work<Page<Conflict>> {
            Box::pin(async move { store.conflicts(&filter, &position, limit).await })
        };
        self.run("conflicts", deadline, work).await
    }

    /// Counts what there is of profiles.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn profile_stats(&self, now: DateTime<Utc>, deadline: Instant) -> Result<ProfileStats, PersistenceError> {
        self.run("profile_stats", deadline, move |store| Box::pin(async move { store.profile_stats(now).await })).await
    }

    /// Deletes the entries of the audit log that have outlived the retention, and says how many, and before which moment
    /// they were made.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn delete_old_audit_entries(
        &self,
        retention_days: u32,
        deadline: Instant,
    ) -> Result<(u64, DateTime<Utc>), PersistenceError> {
        let work = move |store: Arc<dyn Store>| -> Work<(u64, DateTime<Utc>)> {
            Box::pin(async move { delete_old_audit_entries(&*store, retention_days).await })
        };
        self.run("delete_old_audit_entries", deadline, work).await
    }
}

/// Makes a change and counts what became of it.
pub(in crate::persistence) async fn change_profile(store: &dyn Store, change: &Change) -> Result<Changed, StoreError> {
    let changed = store.change_profile(change).await;
    profile_changed(&change.what, &changed);
    changed
}
