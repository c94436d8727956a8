//! Parses the profile in a request body.

use chrono::{DateTime, Utc};
use registry_planning::capacity::Capacity;
use registry_planning::catalogue::search::DocumentFault;
use registry_planning::json::Document;
use registry_planning::keys::KeyList;
use registry_planning::profile::{Draft, INSTRUMENTS_MAX, Preferences, Rules, secret_name};
use registry_planning::vocabulary::Word;
use registry_store::profiles::Patch;

use crate::http::body::Fields;
use crate::http::query;

const USER_CHARACTERS_MAX: usize = 50;
pub(crate) const NAME_CHARACTERS_MAX: usize = 255;
const MAX_INSTRUMENTS_MAX: u32 = 2000;
const PREFERENCES_BYTES_MAX: usize = 64 << 10;

pub(crate) fn is_user_id(text: &str) -> bool {
    query::is_user_id(text, USER_CHARACTERS_MAX)
}

/// The description of the texts that [`is_user_id`] accepts.
pub(crate) const USER_IDS: &str = "1 to 50 characters from `A–Z a–z 0–9 . _ @ : -`";

pub(super) fn user_id(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.text("user_id", 1, USER_CHARACTERS_MAX)?;
    if is_user_id(&text) {
        return Some(text);
    }
    fields.fault("user_id", format!("expected {USER_IDS}, got `{text}`"));
    None
}

/// Takes a whole profile. `capacity` is that of the brokers. `None` if a field is missing or invalid; a fault was added
/// for it then.
pub(super) fn draft(fields: &mut Fields<'_>, now: DateTime<Utc>, capacity: &Capacity) -> Option<Draft> {
    let profile_name = fields.text("profile_name", 1, NAME_CHARACTERS_MAX);
    let subscription_type = fields.word("subscription_type");
    let instruments = instruments(fields);
    let preferences = preferences(fields, capacity).unwrap_or_default();
    let validation_rules = rules(fields).unwrap_or_default();
    let max_instruments = fields.optional_integer("max_instruments", 1, MAX_INSTRUMENTS_MAX);
    let expires_at = fields.optional_future_time("expires_at", now);
    Some(Draft {
        profile_name: profile_name?,
        subscription_type: subscription_type?,
        instruments: instruments?,
        preferences,
        validation_rules,
        max_instruments,
        expires_at,
    })
}

/// Takes the fields of an update. An optional field may be null, which removes its value.
pub(super) fn patch(fields: &mut Fields<'_>, now: DateTime<Utc>, capacity: &Capacity) -> Patch {
    let (is_unlimited, is_endless) = (fields.is_null("max_instruments"), fields.is_null("expires_at"));
    let instruments = if fields.has("instruments") { instruments(fields) } else { fields.forget_null("instruments") };
    let max_instruments = fields.optional_integer("max_instruments", 1, MAX_INSTRUMENTS_MAX);
    let expires_at = fields.optional_future_time("expires_at", now);
    Patch {
        profile_name: fields.optional_text("profile_name", 1, NAME_CHARACTERS_MAX),
        subscription_type: fields.optional_word("subscription_type"),
        instruments,
        preferences: preferences(fields, capacity),
        validation_rules: rules(fields),
        max_instruments: if is_unlimited { Some(None) } else { max_instruments.map(Some) },
        expires_at: if is_endless { Some(None) } else { expires_at.map(Some) },
    }
}

/// Takes the instruments. They are stored as sent, even if they are not valid keys, but without U+0000, which
/// PostgreSQL cannot store.
fn instruments(fields: &mut Fields<'_>) -> Option<KeyList> {
    let keys = fields.keys("instruments", 1, INSTRUMENTS_MAX as usize)?;
    if keys.iter().any(|key| key.contains('\0')) {
        fields.fault("instruments", "must not contain the character U+0000".to_owned());
        return None;
    }
    Some(keys)
}

/// Takes the preferences, and checks accounts, tier and connections with the capacity of the broker.
fn preferences(fields: &mut Fields<'_>, capacity: &Capacity) -> Option<Document> {
    let preferences = fields.optional_document("preferences", PREFERENCES_BYTES_MAX)?;
    let values = preferences.values();
    if let Some(name) = secret_name(&values) {
        let detail = format!(
            "rejected field `{name}`: a profile must not hold secrets, so field names must not contain password, secret, token or key"
        );
        fields.fault("preferences", detail);
    }
    let (mut read, mut faults) = Preferences::of(&values);
    // If the profile has no broker, the accounts are validated with the broker of each request.
    if read.feed.broker.is_some() {
        faults.extend(read.feed.retain_valid_accounts(capacity, false));
    }
    for DocumentFault { pointer, detail } in faults {
        fields.fault_at(&format!("/preferences{pointer}"), detail);
    }
    Some(preferences)
}

fn rules(fields: &mut Fields<'_>) -> Option<Rules> {
    let is_given = fields.has("validation_rules");
    let mut inner = fields.optional_object("validation_rules");
    let rules = Rules {
        allowed_exchanges: words(&mut inner, "allowed_exchanges"),
        allowed_types: words(&mut inner, "allowed_types"),
        max_per_underlying: inner.optional_integer("max_per_underlying", 1, INSTRUMENTS_MAX),
        require_active: inner.optional_bool("require_active"),
        min_days_to_expiry: inner.optional_integer("min_days_to_expiry", 0, 3650),
    };
    fields.close(inner);
    is_given.then_some(rules)
}

/// Takes a list of words of a closed list. An empty list would allow no instrument, so it is rejected.
fn words<T: Word>(fields: &mut Fields<'_>, name: &str) -> Option<Vec<T>> {
    let (is_given, faults) = (fields.has(name), fields.faults().len());
    let list = fields.optional_words(name);
    if is_given && list.is_empty() && fields.faults().len() == faults {
        fields.fault(name, format!("expected one or more of {}, got an empty array", T::WORDS));
    }
    (!list.is_empty()).then_some(list)
}
