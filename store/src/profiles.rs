//! Subscription profiles as they are stored, and what can be done with them.
//!
//! A [`Change`] is decided and written in one transaction, under a lock of its user, whichever the database: the steps stand
//! in `changing`, and a database offers them as a [`Transaction`]. With every change goes the new version and an entry of
//! the audit log.

mod changing;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::catalogue::Catalogue;
use registry_planning::json::{Document, Json};
use registry_planning::keys::KeyList;
use registry_planning::plan::describe::trading_date;
use registry_planning::profile::{Action, ConflictStatus, ConflictType, Draft, Profile, Standing, Terms};
use registry_planning::request::SubscriptionType;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use self::changing::apply;
use super::error::StoreError;
use super::idempotency::{Claimed, KeyClaim, KeyedRequest, StoredAnswer};
use super::paging::{Page, Position};

/// Who does something, as the audit log keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// For whom: the profile's user, or none where the service acts by itself.
    pub user_id: Option<String>,
    /// With which of the service's keys; `system` where the service acts by itself.
    pub key_name: String,
    /// From which address.
    pub address: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
}

impl Actor {
    /// The service itself.
    pub fn system() -> Self {
        Actor { key_name: "system".to_owned(), ..Actor::default() }
    }
}

/// By what a change is judged: settings and catalogue of one moment.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The settings.
    pub terms: Terms,
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// The trading date.
    pub today: NaiveDate,
}

impl Judgement {
    /// By these settings and this catalogue, at `now`.
    pub fn new(terms: Terms, catalogue: Arc<Catalogue>, now: DateTime<Utc>) -> Self {
        Judgement { terms, catalogue, today: trading_date(now) }
    }
}

/// What is to change, who asks, and since when it counts.
#[derive(Clone, Debug)]
pub struct Change {
    /// What is to change.
    pub what: What,
    /// Who asks.
    pub actor: Actor,
    /// Of the request.
    pub correlation_id: String,
    /// Now, to the millisecond.
    pub now: DateTime<Utc>,
    /// The idempotency key under which its answer is kept.
    pub claim: Option<ProfileClaim>,
}

/// A change of profiles whose answer is kept.
#[derive(Clone)]
pub struct ProfileClaim {
    /// The request.
    pub request: Arc<KeyedRequest>,
    /// Writes the answer to a change that was made, as JSON. Called inside the change's transaction.
    pub answer: Arc<dyn Fn(&Done) -> String + Send + Sync>,
}

impl fmt::Debug for ProfileClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileClaim").field("request", &self.request).finish_non_exhaustive()
    }
}

/// What is to change.
#[derive(Clone, Debug)]
pub enum What {
    /// A new profile.
    Create {
        /// Its id, made by the caller.
        profile_id: String,
        /// Whose it is.
        user_id: String,
        /// What the user says it is.
        draft: Draft,
        /// By what it is judged.
        judgement: Judgement,
    },
    /// Other content for an active profile.
    Update {
        /// The profile.
        profile_id: String,
        /// The version that it must have.
        if_version: Option<IfVersion>,
        /// What is given.
        patch: Patch,
        /// By what it is judged.
        judgement: Judgement,
    },
    /// The content of an old version for an active profile.
    Restore {
        /// The profile.
        profile_id: String,
        /// The version that it must have.
        if_version: Option<IfVersion>,
        /// The old version.
        version: u32,
        /// By what it is judged.
        judgement: Judgement,
    },
    /// A profile goes back into use.
    Activate {
        /// The profile.
        profile_id: String,
        /// The version that it must have.
        if_version: Option<IfVersion>,
        /// When it is to go out of use by itself; `Some(None)`: never; `None`: as before.
        expires_at: Option<Option<DateTime<Utc>>>,
        /// By what it is judged.
        judgement: Judgement,
    },
    /// A profile goes out of use.
    Deactivate {
        /// The profile.
        profile_id: String,
        /// The version that it must have.
        if_version: Option<IfVersion>,
    },
    /// A profile whose time is over goes out of use.
    Expire {
        /// The profile.
        profile_id: String,
    },
    /// A pending conflict is settled by hand.
    ResolveConflict {
        /// The conflict.
        conflict_id: String,
        /// `resolved` or `failed`.
        status: ConflictStatus,
        /// What was done, in the caller's words.
        note: Option<String>,
    },
}

/// The version that a profile must have for a change, one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfVersion(pub Vec<u32>);

/// What an update gives. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Patch {
    pub profile_name: Option<String>,
    pub subscription_type: Option<SubscriptionType>,
    pub instruments: Option<KeyList>,
    pub preferences: Option<Document>,
    pub validation_rules: Option<registry_planning::profile::Rules>,
    /// `Some(None)` takes it away.
    pub max_instruments: Option<Option<u32>>,
    /// `Some(None)` takes it away.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed {
    /// It was made.
    Done(Box<Done>),
    /// It was made, and this answer is kept for its idempotency key.
    Kept(Box<Done>, String),
    /// Nothing was done: its idempotency key has this answer.
    Answered(StoredAnswer),
    /// The profile is as it was to become already.
    Unchanged(Box<Profile>),
    /// A conflict was settled.
    Settled(Box<Conflict>),
    /// Conflicts were in the way. They were recorded; nothing else was done.
    Refused(Vec<Conflict>),
    /// There is no such profile.
    NoProfile,
    /// There is no such version of the profile.
    NoVersion,
    /// There is no such conflict.
    NoConflict,
    /// The profile has another version: this one.
    OtherVersion(u32),
    /// The profile is out of use.
    Inactive,
    /// The profile's time is over.
    Expired(DateTime<Utc>),
    /// The conflict is not pending, but this.
    NotPending(ConflictStatus),
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The profile as it is now.
    pub profile: Profile,
    /// Conflicts on the way, settled by the strategy.
    pub conflicts: Vec<Conflict>,
    /// Profiles that made room for it.
    pub deactivated: Vec<String>,
}

/// A conflict as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflict {
    /// `conflict_` and 32 hexadecimal digits of a UUID v7.
    pub conflict_id: String,
    /// The profile; the id that it would have had where it was not made.
    pub profile_id: String,
    /// Whose it is.
    pub user_id: String,
    /// Its kind.
    pub conflict_type: ConflictType,
    /// What it is about: an object.
    pub conflict_data: Value,
    /// Where it stands.
    pub status: ConflictStatus,
    /// By what it was settled or refused: a strategy, or `manual`; none while it is pending.
    pub resolution_strategy: Option<String>,
    /// What was done: an object.
    pub resolution_data: Option<Value>,
    /// When it was found.
    #[serde(serialize_with = "time")]
    pub created_at: DateTime<Utc>,
    /// When it was settled or refused.
    #[serde(serialize_with = "optional_time")]
    pub resolved_at: Option<DateTime<Utc>>,
}

/// An entry to the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// The profile.
    pub profile_id: String,
    /// Whose it is.
    pub user_id: String,
    /// What was done.
    pub action: Action,
    /// Who did it.
    pub actor: Actor,
    /// What was before: an object; none of a new profile.
    pub old_data: Option<Json>,
    /// What is now: an object.
    pub new_data: Option<Json>,
    /// Of the request.
    pub correlation_id: String,
    /// When it was done.
    pub created_at: DateTime<Utc>,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Grows with time.
    pub audit_id: i64,
    /// What it says.
    pub entry: NewEntry,
}

/// A version of a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileVersion {
    /// The profile as it was.
    pub profile: Profile,
    /// What made it so.
    pub action: Action,
    /// Who made it so.
    pub actor: Actor,
}

/// Which profiles to list. An absent field selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileFilter {
    /// Of this user.
    pub user_id: Option<String>,
    /// Of this type.
    pub subscription_type: Option<SubscriptionType>,
    /// In use, or out of use.
    pub is_active: Option<bool>,
}

/// Which conflicts to list. An absent field selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConflictFilter {
    /// Of this user.
    pub user_id: String,
    /// Which stand there.
    pub status: Option<ConflictStatus>,
    /// Of this kind.
    pub conflict_type: Option<ConflictType>,
}

/// What there is, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ProfileStats {
    pub total_profiles: u64,
    /// In use and not expired.
    pub active_profiles: u64,
    pub profiles_by_type: BTreeMap<SubscriptionType, u64>,
    pub total_conflicts: u64,
    pub pending_conflicts: u64,
    pub total_audit_logs: u64,
    /// When entries of the audit log past their retention were last looked for and deleted.
    pub last_cleanup: Option<DateTime<Utc>>,
}

/// The tables of profiles, their versions, conflicts and audit log.
#[async_trait]
pub trait ProfileStore: Send + Sync + 'static {
    /// Decides a change of profiles and makes it, completely or not at all, while nobody else changes profiles of the user.
    /// Conflicts that prevent it are stored.
    async fn change_profile(&self, change: &Change) -> Result<Changed, StoreError>;

    /// Reads a profile, active or not.
    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError>;

    /// Lists profiles, newest first.
    async fn profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Profile>, StoreError>;

    /// Lists the versions of a profile, newest first; an unknown profile has none. [`Position::After`] has a version.
    async fn profile_versions(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<ProfileVersion>, StoreError>;

    /// Lists the audit log entries of a profile, newest first. [`Position::After`] has the number of an entry.
    async fn audit_entries(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<AuditEntry>, StoreError>;

    /// Lists the conflicts of a user, newest first.
    async fn conflicts(
        &self,
        filter: &ConflictFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Conflict>, StoreError>;

    /// Counts profiles, those active at `now`, conflicts and audit log entries.
    async fn profile_stats(&self, now: DateTime<Utc>) -> Result<ProfileStats, StoreError>;

    /// Reads the ids of up to `limit` active profiles that are expired at `now`, longest expired first.
    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError>;

    /// Permits the deletion of audit log entries that were created before `cutoff`, deletes up to `limit` of them, and
    /// returns their number. The permission is never withdrawn.
    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

/// What one transaction of a database can do with profiles. Nothing of it stays unless it is committed, which is its owner's
/// to do.
#[async_trait]
pub(super) trait Transaction: Send {
    /// Waits a while until no other transaction has the lock of this user, and takes it until the end.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where others have it for too long.
    async fn lock_user(&mut self, user_id: &str) -> Result<(), StoreError>;

    /// Reads a profile.
    async fn profile(&mut self, profile_id: &str) -> Result<Option<Profile>, StoreError>;

    /// The content of a version of a profile.
    async fn version(&mut self, profile_id: &str, version: u32) -> Result<Option<Profile>, StoreError>;

    /// The user's profiles but this one that are active and not expired at `now`, and how many instruments each of that type
    /// shares with `instruments`.
    async fn standings(
        &mut self,
        user_id: &str,
        but: &str,
        kind: SubscriptionType,
        instruments: &KeyList,
        now: DateTime<Utc>,
    ) -> Result<Vec<Standing>, StoreError>;

    /// Writes a profile, new or in the place of the one with its id, and keeps it as a version made by `action`.
    async fn put(&mut self, profile: &Profile, action: Action, actor: &Actor) -> Result<(), StoreError>;

    /// Adds to the audit log.
    async fn audit(&mut self, entry: &NewEntry) -> Result<(), StoreError>;

    /// Reads a conflict.
    async fn conflict(&mut self, conflict_id: &str) -> Result<Option<Conflict>, StoreError>;

    /// Writes a conflict, new or in the place of the one with its id.
    async fn put_conflict(&mut self, conflict: &Conflict) -> Result<(), StoreError>;

    /// Takes an idempotency key, and waits for another transaction that is taking it.
    async fn claim(&mut self, claim: &KeyClaim) -> Result<Claimed, StoreError>;

    /// Exchanges the answer of a key that this transaction took.
    async fn set_answer(&mut self, request: &KeyedRequest, answer: &str) -> Result<(), StoreError>;

    /// Gives back a key that this transaction took.
    async fn release(&mut self, request: &KeyedRequest) -> Result<(), StoreError>;
}

fn time<S: serde::Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&registry_planning::plan::format_time(*time))
}

fn optional_time<S: serde::Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(registry_planning::plan::format_time).serialize(serializer)
}
