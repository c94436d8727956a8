//! Calls about profiles.

mod last_known;
mod metrics;

use std::sync::Arc;

use ::metrics::counter;
use chrono::{DateTime, Utc};
use registry_planning::profile::Profile;
use registry_store::profiles::{Change, CommandOutcome};
use registry_store::{Store, StoreError};
use tokio::time::{Duration, Instant};

pub(super) use self::last_known::LastKnown;
use self::metrics::profile_changed;
pub(super) use self::metrics::register as register_metrics;
use crate::persistence::actor::delete_old_audit_entries;
use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::CallError;

/// The metric of profiles that were served as last known because the database was unavailable.
pub const LAST_KNOWN_SERVED: &str = "instrument_registry_profiles_last_known_total";

/// Maximum time to wait for the database if the profile is known without it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A profile that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundProfile {
    /// The profile, active or not.
    pub profile: Arc<Profile>,
    /// Whether the profile is current. Otherwise the database is unavailable, and this is the last known version.
    pub is_current: bool,
}

impl PersistenceHandle {
    /// Makes a change, or returns the reason for which it is not made.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn change_profile(&self, change: Change, deadline: Instant) -> Result<CommandOutcome, PersistenceError> {
        let known = Arc::clone(&self.last_known);
        let work = move |store: Arc<dyn Store>| async move {
            let changed = change_profile(&*store, &change).await?;
            known.changed(&changed);
            Ok(changed)
        };
        self.run(Op::ChangeProfile, deadline, work).await
    }

    /// Reads a profile, active or not.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn profile(&self, profile_id: String, deadline: Instant) -> Result<Option<Profile>, PersistenceError> {
        let known = Arc::clone(&self.last_known);
        let work = move |store: Arc<dyn Store>| async move {
            let found = store.profile(&profile_id).await?;
            known.put(&profile_id, found.as_ref());
            Ok(found)
        };
        self.run(Op::Profile, deadline, work).await
    }

    /// Reads a profile, active or not. If the database is unavailable, returns the last known version, if there is one.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn profile_or_last_known(
        &self,
        profile_id: String,
        deadline: Instant,
    ) -> Result<Option<FoundProfile>, PersistenceError> {
        let is_known = self.last_known.get(&profile_id).is_some();
        let until = if is_known { deadline.min(Instant::now() + PATIENCE) } else { deadline };
        let fault = match self.profile(profile_id.clone(), until).await {
            Ok(found) => return Ok(found.map(|found| FoundProfile { profile: Arc::new(found), is_current: true })),
            Err(fault) => fault,
        };
        // After the deadline nobody waits for the profile any more.
        let is_out = match &fault {
            PersistenceError::Unavailable { .. } | PersistenceError::Call(CallError::Gone(_)) => true,
            PersistenceError::Call(CallError::DeadlineExceeded(_)) => Instant::now() < deadline,
            _ => false,
        };
        let known = if is_out { self.last_known.get(&profile_id) } else { None };
        let profile = known.ok_or(fault)?;
        counter!(LAST_KNOWN_SERVED).increment(1);
        Ok(Some(FoundProfile { profile, is_current: false }))
    }

    /// Deletes audit log entries past their retention, and returns their number and the cutoff.
    ///
    /// # Errors
    /// [`PersistenceError`].
    pub async fn delete_old_audit_entries(
        &self,
        retention_days: u32,
        deadline: Instant,
    ) -> Result<(u64, DateTime<Utc>), PersistenceError> {
        let work = move |store: Arc<dyn Store>| async move { delete_old_audit_entries(&*store, retention_days).await };
        self.run(Op::DeleteOldAuditEntries, deadline, work).await
    }
}

/// Makes a change and counts its outcome.
pub(super) async fn change_profile(store: &dyn Store, change: &Change) -> Result<CommandOutcome, StoreError> {
    let changed = store.change_profile(change).await;
    profile_changed(&change.command, &changed);
    changed
}
