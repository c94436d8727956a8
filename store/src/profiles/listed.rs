//! The rows of lists. Documents in them are not parsed, because callers only copy most of them, and a parsed document
//! needs many times the memory of its text.

use chrono::{DateTime, Utc};
use registry_planning::json::Document;
use registry_planning::profile::{Action, Draft, Profile};
use registry_planning::vocabulary::SubscriptionType;
use serde_json::value::RawValue;

use super::{Actor, Conflict, NewEntry};

/// A stored audit log entry. Its states are not parsed.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Ascends with time.
    pub audit_id: i64,
    /// The change, its originator, and the states before and after it.
    pub entry: NewEntry<Box<RawValue>>,
}

/// A version of a profile. The profile is not parsed.
#[derive(Clone, Debug)]
pub struct ProfileVersion {
    /// The profile in this version.
    pub document: Box<RawValue>,
    /// The action that created this version.
    pub action: Action,
    /// The caller or the service that made this change.
    pub actor: Actor,
}

impl ProfileVersion {
    /// Parses the profile.
    ///
    /// # Errors
    /// If the document is not a profile.
    pub fn profile(&self) -> serde_json::Result<Profile> {
        serde_json::from_str(self.document.get())
    }
}

/// A conflict in a list. Its details are not parsed.
pub type ListedConflict = Conflict<Box<RawValue>>;

/// The fields of a profile that a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ProfileSummary {
    pub profile_id: String,
    pub user_id: String,
    pub profile_name: String,
    pub subscription_type: SubscriptionType,
    pub instrument_count: u64,
    pub max_instruments: Option<u32>,
    pub is_active: bool,
    pub version: u32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl From<&Profile> for ProfileSummary {
    fn from(profile: &Profile) -> Self {
        ProfileSummary {
            profile_id: profile.profile_id.clone(),
            user_id: profile.user_id.clone(),
            profile_name: profile.draft.profile_name.clone(),
            subscription_type: profile.draft.subscription_type,
            instrument_count: profile.draft.instruments.len() as u64,
            max_instruments: profile.draft.max_instruments,
            is_active: profile.is_active,
            version: profile.version,
            created_at: profile.created_at,
            updated_at: profile.updated_at,
            expires_at: profile.draft.expires_at,
        }
    }
}

/// A profile whose preferences are not parsed.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct StoredProfile {
    pub profile_id: String,
    pub user_id: String,
    pub draft: Draft<Box<RawValue>>,
    pub is_active: bool,
    pub version: u32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl StoredProfile {
    /// Parses the preferences.
    ///
    /// # Errors
    /// If they are not an object.
    pub fn parse(self) -> serde_json::Result<Profile> {
        let StoredProfile { profile_id, user_id, draft, is_active, version, created_at, updated_at } = self;
        let Draft {
            profile_name,
            subscription_type,
            instruments,
            preferences,
            validation_rules,
            max_instruments,
            expires_at,
        } = draft;
        let preferences: Document = serde_json::from_str(preferences.get())?;
        let draft = Draft {
            profile_name,
            subscription_type,
            instruments,
            preferences,
            validation_rules,
            max_instruments,
            expires_at,
        };
        Ok(Profile { profile_id, user_id, draft, is_active, version, created_at, updated_at })
    }
}
