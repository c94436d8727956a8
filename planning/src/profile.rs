//! Subscription profiles: named sets of instruments of a user or strategy, from which plans are created.
//!
//! [`Rules`] define which instruments a profile allows in its plans. [`Draft::invalid`] finds those that are not
//! allowed, and [`resolve_conflicts`] resolves the conflicts of a profile with them, with a limit, or with the user's
//! other profiles.

mod preferences;
mod resolve;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::preferences::{Preferences, secret_name};
pub use self::resolve::{
    Accepted, DUPLICATE_SHARE, DetectedConflict, ExistingProfile, ProfilePolicy, Resolution, exceeds,
    removed_from_union, resolve_conflicts,
};
pub use self::rules::Rules;
use crate::catalogue::search::Selector;
use crate::json::{Document, Json};
use crate::keys::KeyList;
use crate::vocabulary::{Broker, Mode, SubscriptionType, format_time, words};

/// The maximum number of instruments in a profile of any type.
pub const INSTRUMENTS_MAX: u32 = 1000;

words! {
    /// The type of a conflict of a profile.
    ConflictType {
        /// The profile exceeds a limit: of instruments, or of active profiles of the user.
        LimitExceeded = "limit_exceeded",
        /// The user has another active profile of the same type with the same, or nearly the same, instruments.
        DuplicateSubscription = "duplicate_subscription",
        /// Instruments do not meet the conditions of the catalog or the rules of the profile.
        InvalidInstrument = "invalid_instrument",
    }
}

words! {
    /// The status of a conflict.
    ConflictStatus {
        /// The conflict needs a decision.
        Pending = "pending",
        /// The conflict was resolved.
        Resolved = "resolved",
        /// The change that caused the conflict was rejected.
        Failed = "failed",
    }
}

words! {
    /// The strategy for resolving conflicts.
    Strategy {
        /// The latest profile is stored as it was sent. Conflicting profiles are deactivated.
        LatestWins = "latest_wins",
        /// Invalid instruments are removed, and overlapping profiles are merged.
        Merge = "merge",
        /// The change is rejected.
        FailOnConflict = "fail_on_conflict",
    }
}

words! {
    /// The kind of a change of a profile.
    Action {
        /// The profile was created.
        Create = "create",
        /// The content of the profile was changed.
        Update = "update",
        /// The profile was deactivated.
        Deactivate = "deactivate",
        /// The profile was activated.
        Activate = "activate",
        /// An earlier version of the profile was restored.
        Restore = "restore",
        /// A conflict was resolved, by a strategy or by hand.
        ResolveConflict = "resolve_conflict",
    }
}

impl SubscriptionType {
    /// Returns the maximum number of instruments of a profile if validation is strict.
    pub const fn strict_instruments_max(self) -> u32 {
        match self {
            SubscriptionType::LiveFeed => 50,
            SubscriptionType::Historical => 200,
            SubscriptionType::Alerts => 100,
        }
    }
}

/// The part of a profile that its user provides. `P` is the form of the preferences.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ExportedProfile, description = "An exported profile."))]
pub struct Draft<P = Document> {
    /// The name of the profile.
    pub profile_name: String,
    /// The use of the instruments.
    pub subscription_type: SubscriptionType,
    /// The instruments as the caller sent them, most important first.
    // They are distinct.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub instruments: KeyList,
    /// The options of plans that are created from the profile, and data of the caller.
    pub preferences: P,
    /// The rules that an instrument must meet to be included in plans.
    pub validation_rules: Rules,
    /// The maximum number of instruments of the profile and its plans. Null if the profile does not set one. It can
    /// only lower the general maximum.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub max_instruments: Option<u32>,
    /// The time when the profile expires. Null if it does not expire.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    #[serde(with = "optional_time")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// The preferences that distinguish profiles with the same keys: such profiles are not duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinguishingPreferences {
    /// The broker.
    pub broker: Option<Broker>,
    /// The selectors.
    pub selectors: Vec<Selector>,
}

impl DistinguishingPreferences {
    /// Reads them from the preferences of a profile.
    pub fn of(preferences: &Map<String, Value>) -> Self {
        let (Preferences { feed, selectors, .. }, _) = Preferences::of(preferences);
        DistinguishingPreferences { broker: feed.broker, selectors }
    }
}

impl Draft {
    /// Adds the instruments of another draft that this one lacks, in the modes that they have there, with their lowest
    /// modes and pins. Priorities are not copied: those of this draft decide.
    pub fn unite(&mut self, other: &Draft) {
        let mine: HashSet<&str> = self.instruments.iter().collect();
        let gained: Vec<String> =
            other.instruments.iter().filter(|key| !mine.contains(key)).map(str::to_owned).collect();
        let feed_of = |draft: &Draft| Preferences::of(&draft.preferences.values()).0.feed;
        let (own, theirs) = (feed_of(self), feed_of(other));
        for key in &gained {
            let their_mode = theirs.modes.get(key).copied().or(theirs.mode);
            let gained_mode = their_mode.filter(|mode| own.mode != Some(*mode) && !own.modes.contains_key(key));
            self.set_mode("modes", key, gained_mode);
            // The lowest mode of this draft may be above the mode of the instrument.
            let is_below = |mode: Mode| own.min_mode.is_some_and(|min_mode| !mode.includes(min_mode));
            let lowest = theirs.min_modes.get(key).copied().or(theirs.min_mode);
            let lowest = lowest.or(gained_mode.filter(|mode| is_below(*mode)).map(|_| Mode::Ltp));
            self.set_mode("min_modes", key, lowest.filter(|mode| own.min_mode != Some(*mode)));
            self.instruments.push(key);
        }
        let pinned = gained.into_iter().filter(|key| theirs.pinned.contains(key));
        let mut pinned = pinned.map(Json::Text).peekable();
        if pinned.peek().is_some() {
            let own = own.pinned.iter().cloned().map(Json::Text);
            self.preferences.set("pinned", Json::List(own.chain(pinned).collect()));
        }
    }

    /// Sets the entry of an instrument in a preference that maps instruments to modes.
    fn set_mode(&mut self, name: &str, key: &str, mode: Option<Mode>) {
        if let Some(mode) = mode
            && let Some(modes) = self.preferences.object_mut(name)
        {
            modes.set(key, Json::Text(mode.as_str().to_owned()));
        }
    }
}

/// A stored profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "KeptProfile")]
pub struct Profile {
    /// `profile_` and 32 hexadecimal digits of a UUID v7.
    pub profile_id: String,
    /// The user that owns it.
    pub user_id: String,
    /// The part that the user provides.
    #[serde(flatten)]
    pub draft: Draft,
    /// Whether plans can be created from it, unless it has expired.
    pub is_active: bool,
    /// 1, and 1 more with each change.
    pub version: u32,
    /// The time at which it was created.
    #[serde(with = "time")]
    pub created_at: DateTime<Utc>,
    /// The time of the last change.
    #[serde(with = "time")]
    pub updated_at: DateTime<Utc>,
}

/// The form from which a profile is parsed: serde would parse a flattened [`Draft`] through a buffer, which alters
/// numbers.
#[derive(Deserialize)]
struct KeptProfile {
    profile_id: String,
    user_id: String,
    profile_name: String,
    subscription_type: SubscriptionType,
    instruments: KeyList,
    preferences: Document,
    validation_rules: Rules,
    max_instruments: Option<u32>,
    expires_at: Option<DateTime<Utc>>,
    is_active: bool,
    version: u32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<KeptProfile> for Profile {
    fn from(kept: KeptProfile) -> Self {
        Profile {
            profile_id: kept.profile_id,
            user_id: kept.user_id,
            draft: Draft {
                profile_name: kept.profile_name,
                subscription_type: kept.subscription_type,
                instruments: kept.instruments,
                preferences: kept.preferences,
                validation_rules: kept.validation_rules,
                max_instruments: kept.max_instruments,
                expires_at: kept.expires_at,
            },
            is_active: kept.is_active,
            version: kept.version,
            created_at: kept.created_at,
            updated_at: kept.updated_at,
        }
    }
}

impl Profile {
    /// Whether the profile has expired at `now`.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.draft.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

/// Returns the keys without repeats, each at its first position.
pub fn distinct(keys: &KeyList) -> KeyList {
    let mut seen = HashSet::with_capacity(keys.len());
    keys.iter().filter(|key| seen.insert(*key)).collect()
}

mod time {
    use chrono::{DateTime, Utc};
    use serde::Serializer;

    pub(super) fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::format_time(*time))
    }
}

mod optional_time {
    use chrono::{DateTime, Utc};
    use serde::{Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(super::format_time).serialize(serializer)
    }
}
