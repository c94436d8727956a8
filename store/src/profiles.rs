//! Subscription profiles as they are stored, and their changes.
//!
//! Every database decides and writes a [`Change`] in one transaction, under a lock of its user. The steps are in
//! `changing`; a database provides them with a [`Transaction`]. Every change stores a new version and an audit log
//! entry.

mod changing;
mod listed;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::catalogue::Catalogue;
use registry_planning::json::{Document, Json};
use registry_planning::keys::KeyList;
use registry_planning::plan::describe::trading_date;
use registry_planning::profile::{
    Action, ConflictStatus, ConflictType, Draft, ExistingProfile, Profile, ProfilePolicy, Rules,
};
use registry_planning::vocabulary::SubscriptionType;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use self::changing::apply;
pub use self::listed::{AuditEntry, ListedConflict, ProfileSummary, ProfileVersion, StoredProfile};
use super::error::StoreError;
use super::idempotency::{Claimed, KeyClaim, KeyedRequest, StoredAnswer};
use super::paging::{Page, Portion, PortionLimit, Position};

/// The originator of a change, as the audit log stores it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The user of the profile; `None` if the service acts without a caller.
    pub user_id: Option<String>,
    /// The name of the API key; `command line` or `system` if there was no request.
    pub key_name: String,
    /// The IP address of the caller; `None` if there was no request.
    pub address: Option<String>,
    /// The start of the header `User-Agent`; `None` if it is missing or there was no request.
    pub user_agent: Option<String>,
}

impl Actor {
    /// Returns the service as the originator.
    pub fn system() -> Self {
        Actor { key_name: "system".to_owned(), ..Actor::default() }
    }
}

/// The settings and the catalog with which a change is checked.
#[derive(Clone, Debug)]
pub struct ProfileContext {
    /// The maximum number of profiles of a user, the strategy for conflicts, and the strictness.
    pub policy: ProfilePolicy,
    /// The catalog that contains the valid instruments.
    pub catalogue: Arc<Catalogue>,
    /// The trading date on which the instruments must be valid.
    pub today: NaiveDate,
}

impl ProfileContext {
    /// Creates the context for a change at `now`.
    pub fn new(policy: ProfilePolicy, catalogue: Arc<Catalogue>, now: DateTime<Utc>) -> Self {
        ProfileContext { policy, catalogue, today: trading_date(now) }
    }
}

/// A change of profiles with its originator and time.
#[derive(Clone, Debug)]
pub struct Change {
    /// The change with its arguments.
    pub command: ProfileCommand,
    /// The caller, or the service itself, as the audit log stores it.
    pub actor: Actor,
    /// The correlation id of the request, which the audit log stores.
    pub correlation_id: String,
    /// The current time, to the millisecond.
    pub now: DateTime<Utc>,
    /// The idempotency key for which the response is stored; `None` if the request has no key.
    pub claim: Option<ProfileClaim>,
}

/// An idempotency key whose response is stored with a change of profiles.
#[derive(Clone)]
pub struct ProfileClaim {
    /// The request whose key is claimed.
    pub request: Arc<KeyedRequest>,
    /// Renders the response to a completed change as JSON. Called inside the transaction of the change.
    pub answer: Arc<dyn Fn(&Done) -> String + Send + Sync>,
}

impl fmt::Debug for ProfileClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileClaim").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A change of profiles with its arguments.
#[derive(Clone, Debug)]
pub enum ProfileCommand {
    /// Creates an active profile, unless a conflict prevents it.
    Create {
        /// The id, created by the caller.
        profile_id: String,
        /// The user who gets the profile.
        user_id: String,
        /// The requested content. The strategy for conflicts may remove or add instruments.
        draft: Draft,
        /// The settings and the catalog with which the change is checked.
        profile_context: ProfileContext,
    },
    /// Changes the content of an active profile.
    Update {
        /// The id of the profile.
        profile_id: String,
        /// The versions that it may have; `None` for any.
        if_version: Option<IfVersion>,
        /// The fields to change.
        patch: Patch,
        /// The settings and the catalog with which the change is checked.
        profile_context: ProfileContext,
    },
    /// Restores the content of an old version of an active profile.
    Restore {
        /// The id of the profile.
        profile_id: String,
        /// The versions that it may have; `None` for any.
        if_version: Option<IfVersion>,
        /// The number of the version whose content is restored.
        version: u32,
        /// The settings and the catalog with which the change is checked.
        profile_context: ProfileContext,
    },
    /// Activates a profile, which is checked like a new one.
    Activate {
        /// The id of the profile.
        profile_id: String,
        /// The versions that it may have; `None` for any.
        if_version: Option<IfVersion>,
        /// The new expiry time; `Some(None)` for none; `None` to keep the current one.
        expires_at: Option<Option<DateTime<Utc>>>,
        /// The settings and the catalog with which the change is checked.
        profile_context: ProfileContext,
    },
    /// Deactivates a profile, which plan requests then cannot use.
    Deactivate {
        /// The id of the profile.
        profile_id: String,
        /// The versions that it may have; `None` for any.
        if_version: Option<IfVersion>,
    },
    /// Deactivates an expired profile. The service does this on a timer, without a caller.
    Expire {
        /// The id of the profile.
        profile_id: String,
    },
    /// Resolves a pending conflict manually.
    ResolveConflict {
        /// The id of the conflict.
        conflict_id: String,
        /// `resolved` or `failed`.
        status: ConflictStatus,
        /// The caller's note, which is stored with the resolution.
        note: Option<String>,
    },
}

/// The versions that a profile may have for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfVersion(pub Vec<u32>);

/// The fields of an update. An absent field is not changed.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Patch {
    pub profile_name: Option<String>,
    pub subscription_type: Option<SubscriptionType>,
    pub instruments: Option<KeyList>,
    pub preferences: Option<Document>,
    pub validation_rules: Option<Rules>,
    /// `Some(None)` removes it.
    pub max_instruments: Option<Option<u32>>,
    /// `Some(None)` removes it.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// The outcome of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum CommandOutcome {
    /// The change was made. It has no idempotency key.
    Done(Box<Done>),
    /// The change was made, and this response is stored for its idempotency key.
    Kept(Box<Done>, String),
    /// Nothing was done, because the idempotency key already has this response.
    Answered(StoredAnswer),
    /// The profile already has the requested content.
    Unchanged(Box<Profile>),
    /// A conflict was resolved.
    Resolved(Box<Conflict>),
    /// Conflicts prevented the change. They were stored; nothing else was done.
    Refused(Vec<Conflict>),
    /// There is no such profile.
    NoProfile,
    /// There is no such version of the profile.
    NoVersion,
    /// There is no such conflict.
    NoConflict,
    /// The profile has this other version.
    OtherVersion(u32),
    /// The profile is not active.
    Inactive,
    /// The profile expired at this time.
    Expired(DateTime<Utc>),
    /// The conflict is not pending, but has this status.
    NotPending(ConflictStatus),
}

/// A completed change, with its effects on other profiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The profile after the change, with its new version.
    pub profile: Profile,
    /// The conflicts that the strategy resolved.
    pub conflicts: Vec<Conflict>,
    /// The ids of profiles that were deactivated for it.
    pub deactivated: Vec<String>,
}

/// A conflict as it is stored. `D` is the form of its details.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflict<D = Value> {
    /// `conflict_` and 32 hexadecimal digits of a UUID v7.
    pub conflict_id: String,
    /// The profile; if it was not created, the id that it would have had.
    pub profile_id: String,
    /// The user of the profile.
    pub user_id: String,
    /// The rule that the change would have broken.
    pub conflict_type: ConflictType,
    /// The details, an object.
    pub conflict_data: D,
    /// `pending` until the conflict is resolved or failed.
    pub status: ConflictStatus,
    /// The strategy that resolved or failed it, or `manual`; `None` while it is pending.
    pub resolution_strategy: Option<String>,
    /// The resolution, an object.
    pub resolution_data: Option<D>,
    /// The time at which it was detected.
    #[serde(serialize_with = "time")]
    pub created_at: DateTime<Utc>,
    /// The time at which it was resolved or failed.
    #[serde(serialize_with = "optional_time")]
    pub resolved_at: Option<DateTime<Utc>>,
}

/// A new audit log entry. `D` is the form of its states.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry<D = Json> {
    /// The id of the profile, which was never created if a conflict prevented that.
    pub profile_id: String,
    /// The user of the profile.
    pub user_id: String,
    /// The kind of change.
    pub action: Action,
    /// The caller, or the service itself.
    pub actor: Actor,
    /// The previous state, an object; `None` for a new profile.
    pub old_data: Option<D>,
    /// The new state, an object.
    pub new_data: Option<D>,
    /// The correlation id of the request.
    pub correlation_id: String,
    /// The time of the change.
    pub created_at: DateTime<Utc>,
}

/// The profiles to list. An absent field selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileFilter {
    /// Only profiles of this user.
    pub user_id: Option<String>,
    /// Only profiles of this type.
    pub subscription_type: Option<SubscriptionType>,
    /// Only profiles that are active, or only those that are not.
    pub is_active: Option<bool>,
}

/// The conflicts to list. An absent field selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConflictFilter {
    /// The user whose profiles have the conflicts.
    pub user_id: String,
    /// Only conflicts with this status.
    pub status: Option<ConflictStatus>,
    /// Only conflicts of this type.
    pub conflict_type: Option<ConflictType>,
}

/// Counts of profiles, conflicts and audit log entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ProfileStats {
    pub total_profiles: u64,
    /// Active and not expired.
    pub active_profiles: u64,
    pub profiles_by_type: BTreeMap<SubscriptionType, u64>,
    pub total_conflicts: u64,
    pub pending_conflicts: u64,
    pub total_audit_logs: u64,
    /// The last time at which audit log entries past their retention were deleted.
    pub last_cleanup: Option<DateTime<Utc>>,
}

/// The tables of profiles, their versions, conflicts and audit log.
#[async_trait]
pub trait ProfileStore: Send + Sync + 'static {
    /// Decides a change of profiles and makes it, completely or not at all, while nobody else changes profiles of the
    /// user. Conflicts that prevent it are stored.
    async fn change_profile(&self, change: &Change) -> Result<CommandOutcome, StoreError>;

    /// Reads a profile, active or not.
    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError>;

    /// Lists profiles, newest first, without their documents.
    async fn profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<ProfileSummary>, StoreError>;

    /// Lists whole profiles, newest first.
    async fn whole_profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<StoredProfile>, StoreError>;

    /// Reads those of the profiles with these ids that a list with this filter contained, newest first.
    async fn whole_profiles_of(
        &self,
        filter: &ProfileFilter,
        keys: &[String],
    ) -> Result<Vec<StoredProfile>, StoreError>;

    /// Lists the versions of a profile, newest first; an unknown profile has none. [`Position::After`] has a version.
    async fn profile_versions(
        &self,
        profile_id: &str,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<ProfileVersion>, StoreError>;

    /// Reads these versions of a profile, newest first.
    async fn profile_versions_of(&self, profile_id: &str, keys: &[String]) -> Result<Vec<ProfileVersion>, StoreError>;

    /// Lists the audit log entries of a profile, newest first. [`Position::After`] has the number of an entry.
    async fn audit_entries(
        &self,
        profile_id: &str,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<AuditEntry>, StoreError>;

    /// Reads these entries of the audit log of a profile, newest first.
    async fn audit_entries_of(&self, profile_id: &str, keys: &[String]) -> Result<Vec<AuditEntry>, StoreError>;

    /// Lists the conflicts of a user, newest first.
    async fn conflicts(
        &self,
        filter: &ConflictFilter,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<ListedConflict>, StoreError>;

    /// Reads those of the conflicts with these ids that a list with this filter contained, newest first.
    async fn conflicts_of(&self, filter: &ConflictFilter, keys: &[String]) -> Result<Vec<ListedConflict>, StoreError>;

    /// Counts profiles, those active at `now`, conflicts and audit log entries.
    async fn profile_stats(&self, now: DateTime<Utc>) -> Result<ProfileStats, StoreError>;

    /// Reads the ids of up to `limit` active profiles that are expired at `now`, longest expired first.
    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError>;

    /// Permits the deletion of audit log entries that were created before `cutoff`, deletes up to `limit` of them, and
    /// returns their number. The permission is never withdrawn.
    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

/// One transaction on profiles. Its owner commits it; otherwise all of its changes are rolled back.
#[async_trait]
pub(super) trait Transaction: Send {
    /// Acquires the lock of this user until the end of the transaction. Waits for a limited time while another
    /// transaction holds it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if other transactions hold it for too long.
    async fn lock_user(&mut self, user_id: &str) -> Result<(), StoreError>;

    async fn profile(&mut self, profile_id: &str) -> Result<Option<Profile>, StoreError>;

    async fn version(&mut self, profile_id: &str, version: u32) -> Result<Option<Profile>, StoreError>;

    /// Reads the other profiles of the user that are active and not expired at `now`, each with the number of
    /// instruments that it shares with `instruments` if it has the type `kind`.
    async fn existing_profiles(
        &mut self,
        user_id: &str,
        but: &str,
        kind: SubscriptionType,
        instruments: &KeyList,
        now: DateTime<Utc>,
    ) -> Result<Vec<ExistingProfile>, StoreError>;

    /// Inserts or replaces a profile, and stores it as a version created by `action`.
    async fn put(&mut self, profile: &Profile, action: Action, actor: &Actor) -> Result<(), StoreError>;

    /// Adds an entry to the audit log.
    async fn audit(&mut self, entry: &NewEntry) -> Result<(), StoreError>;

    async fn conflict(&mut self, conflict_id: &str) -> Result<Option<Conflict>, StoreError>;

    /// Inserts or replaces a conflict.
    async fn put_conflict(&mut self, conflict: &Conflict) -> Result<(), StoreError>;

    /// Claims an idempotency key. Waits for another transaction that is claiming it.
    async fn claim(&mut self, claim: &KeyClaim) -> Result<Claimed, StoreError>;

    /// Replaces the response of a key that this transaction claimed.
    async fn set_answer(&mut self, request: &KeyedRequest, answer: &str) -> Result<(), StoreError>;

    /// Releases a key that this transaction claimed.
    async fn release(&mut self, request: &KeyedRequest) -> Result<(), StoreError>;
}

fn time<S: serde::Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&registry_planning::vocabulary::format_time(*time))
}

fn optional_time<S: serde::Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(registry_planning::vocabulary::format_time).serialize(serializer)
}
