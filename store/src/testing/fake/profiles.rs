//! The tables of profiles.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::profile::Profile;

use super::{FakeStore, no_lists};
use crate::paging::{Page, Portion, PortionLimit};
use crate::profiles::{
    AuditEntry, Change, CommandOutcome, ConflictFilter, Done, ListedConflict, ProfileCommand, ProfileFilter,
    ProfileStats, ProfileSummary, ProfileVersion, StoredProfile,
};
use crate::{Position, ProfileStore, StoreError};

#[async_trait]
impl ProfileStore for FakeStore {
    /// Supports only the change that the actor makes without a caller.
    async fn change_profile(&self, change: &Change) -> Result<CommandOutcome, StoreError> {
        self.panic_if_requested("change_profile");
        let ProfileCommand::Expire { profile_id } = &change.command else {
            return Err(StoreError::Data("the fake store does not support profile changes".to_owned()));
        };
        let mut state = self.answer()?;
        if state.broken_profile.as_ref() == Some(profile_id) {
            return Err(StoreError::Data("fault injected by a test".to_owned()));
        }
        let Some(profile) = state.profiles.get_mut(profile_id) else { return Ok(CommandOutcome::NoProfile) };
        profile.is_active = false;
        let profile = profile.clone();
        Ok(CommandOutcome::Done(Box::new(Done { profile, conflicts: vec![], deactivated: vec![] })))
    }

    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError> {
        self.reads.acquire().await.unwrap().forget();
        Ok(self.answer()?.profiles.get(profile_id).cloned())
    }

    async fn profiles(&self, _: &ProfileFilter, _: &Position, _: u32) -> Result<Page<ProfileSummary>, StoreError> {
        Err(no_lists())
    }

    async fn whole_profiles(
        &self,
        _: &ProfileFilter,
        _: &Position,
        _: PortionLimit,
    ) -> Result<Portion<StoredProfile>, StoreError> {
        Err(no_lists())
    }

    async fn whole_profiles_of(&self, _: &ProfileFilter, _: &[String]) -> Result<Vec<StoredProfile>, StoreError> {
        Err(no_lists())
    }

    async fn profile_versions(
        &self,
        _: &str,
        _: &Position,
        _: PortionLimit,
    ) -> Result<Portion<ProfileVersion>, StoreError> {
        Err(no_lists())
    }

    async fn profile_versions_of(&self, _: &str, _: &[String]) -> Result<Vec<ProfileVersion>, StoreError> {
        Err(no_lists())
    }

    async fn audit_entries(&self, _: &str, _: &Position, _: PortionLimit) -> Result<Portion<AuditEntry>, StoreError> {
        Err(no_lists())
    }

    async fn audit_entries_of(&self, _: &str, _: &[String]) -> Result<Vec<AuditEntry>, StoreError> {
        Err(no_lists())
    }

    async fn conflicts(
        &self,
        _: &ConflictFilter,
        _: &Position,
        _: PortionLimit,
    ) -> Result<Portion<ListedConflict>, StoreError> {
        Err(no_lists())
    }

    async fn conflicts_of(&self, _: &ConflictFilter, _: &[String]) -> Result<Vec<ListedConflict>, StoreError> {
        Err(no_lists())
    }

    async fn profile_stats(&self, _: DateTime<Utc>) -> Result<ProfileStats, StoreError> {
        self.answer().map(|_| ProfileStats::default())
    }

    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
        self.panic_if_requested("expired_profiles");
        let state = self.answer()?;
        let expired = state.profiles.values().filter(|profile| profile.is_active && profile.is_expired(now));
        Ok(expired.take(limit as usize).map(|profile| profile.profile_id.clone()).collect())
    }

    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.panic_if_requested("delete_audit_before");
        let audited = &mut self.answer()?.audited;
        let before = audited.len();
        let mut left = limit;
        audited.retain(|created_at| {
            let goes = left > 0 && *created_at < cutoff;
            left -= u32::from(goes);
            !goes
        });
        Ok((before - audited.len()) as u64)
    }
}
