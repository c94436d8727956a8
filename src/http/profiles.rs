//! Subscription profiles: changes, lists, history, and plans.
//!
//! They are mounted at two paths, and each path can end in a slash. The [fast path](super::fast_path) replaces a path
//! by its canonical form.

pub(super) mod attention;
mod body;
pub(super) mod changes;
pub(super) mod conflicts;
mod documents;
pub(super) mod export;
pub(super) mod history;
pub(crate) mod import_export;
mod keyed;
pub(super) mod planning;
pub(crate) mod problems;
pub(super) mod reading;
pub(super) mod schemas;
pub(super) mod transfer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::http::schema::types;
use axum::extract::{ConnectInfo, FromRequestParts, Path};
use axum::http::header;
use axum::http::request::Parts;
use chrono::{DateTime, SubsecRound, Utc};
use registry_actors::persistence::PersistenceHandle;
use registry_actors::snapshot::Snapshot;
use registry_planning::profile::Profile;
use registry_store::profiles::{Actor, IfVersion, ProfileContext, ProfileSummary};
use serde::Serialize;
use utoipa::ToSchema;

use super::context::{AppState, RequestContext, key_name};
use super::ids::is_profile_id;
use super::problem::Problem;
use super::profile_state::no_such_profile;
use super::query::whole;

pub(crate) use self::body::{NAME_CHARACTERS_MAX, USER_IDS, is_user_id};

/// The canonical path of profiles.
pub(crate) const PROFILES: &str = "/api/v1/internal/subscription-profiles";
/// The other path of profiles.
const PROFILES_ALIAS: &str = "/api/v1/internal/instrument-registry/subscription-profiles";

/// Whether a path is below one of the paths of profiles.
pub(super) fn is_below(path: &str) -> bool {
    path.starts_with(PROFILES) || path.starts_with(PROFILES_ALIAS)
}

/// Returns the canonical form of a path of profiles. Returns `None` if the path is canonical or of another resource.
pub(super) fn canonical(path: &str) -> Option<String> {
    let (is_other, rest) = match path.strip_prefix(PROFILES_ALIAS) {
        Some(rest) => (true, rest),
        None => (false, path.strip_prefix(PROFILES)?),
    };
    if !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    // Only one slash is removed: a path with an empty segment is another path.
    let trimmed = rest.strip_suffix('/').unwrap_or(rest);
    (is_other || trimmed.len() < rest.len()).then(|| format!("{PROFILES}{trimmed}"))
}

/// Maximum length of a user agent in the audit log; the rest is cut off.
const USER_AGENT_CHARACTERS_MAX: usize = 256;

/// The caller as recorded in the audit log, and the version in `If-Match`.
pub(crate) struct Caller {
    actor: Actor,
    if_version: Option<IfVersion>,
}

impl FromRequestParts<Arc<AppState>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<AppState>) -> Result<Self, Problem> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let actor = Actor {
            user_id: None,
            key_name: key_name(parts).to_owned(),
            address: address.map(|ConnectInfo(address)| address.ip().to_string()),
            user_agent: agent.map(|agent| agent.chars().take(USER_AGENT_CHARACTERS_MAX).collect()),
        };
        Ok(Caller { actor, if_version: changes::if_version(&parts.headers) })
    }
}

pub(crate) struct ProfileId(String);

impl<S: Send + Sync> FromRequestParts<S> for ProfileId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // The first parameter of the path is the profile.
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let first = path.ok().and_then(|Path(named)| named.into_iter().next());
        first.map(|(_, id)| id).filter(|id| is_profile_id(id)).map(ProfileId).ok_or_else(not_an_id)
    }
}

fn not_an_id() -> Problem {
    Problem::malformed_id("profile id must be `profile_` followed by 32 lowercase hexadecimal digits")
}

#[derive(Serialize)]
pub(crate) struct ShownProfile<'a> {
    #[serde(flatten)]
    profile: &'a Profile,
    instrument_count: usize,
    is_expired: bool,
}

impl<'a> ShownProfile<'a> {
    fn of(profile: &'a Profile) -> Self {
        let instrument_count = profile.draft.instruments.len();
        ShownProfile { profile, instrument_count, is_expired: profile.is_expired(Utc::now()) }
    }
}

/// A profile in a list, without its instruments.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileEntry<'a> {
    /// The id of the profile.
    #[schema(value_type = types::ProfileId)]
    profile_id: &'a str,
    /// The user that the profile belongs to.
    user_id: &'a str,
    /// The name of the profile.
    profile_name: &'a str,
    /// The use of the instruments.
    subscription_type: registry_planning::vocabulary::SubscriptionType,
    /// The number of instruments.
    #[schema(value_type = usize)]
    instrument_count: u64,
    /// The maximum number of instruments of the profile and its plans. Null if the profile does not set one. It can
    /// only lower the general maximum.
    #[schema(required)]
    max_instruments: Option<u32>,
    /// Whether the profile is active. Plans can be created from an active profile until it expires.
    is_active: bool,
    /// Whether `expires_at` has passed.
    is_expired: bool,
    /// The version: 1 for a new profile, increased by each change.
    version: u32,
    /// The time when the profile was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// The time of the last change.
    #[schema(value_type = String, format = DateTime)]
    updated_at: String,
    /// The time when the profile expires. Null if it does not expire.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    expires_at: Option<String>,
}

impl<'a> ProfileEntry<'a> {
    fn of(profile: &'a ProfileSummary) -> Self {
        let time = registry_planning::vocabulary::format_time;
        ProfileEntry {
            profile_id: &profile.profile_id,
            user_id: &profile.user_id,
            profile_name: &profile.profile_name,
            subscription_type: profile.subscription_type,
            instrument_count: profile.instrument_count,
            max_instruments: profile.max_instruments,
            is_active: profile.is_active,
            is_expired: profile.expires_at.is_some_and(|expires_at| expires_at <= Utc::now()),
            version: profile.version,
            created_at: time(profile.created_at),
            updated_at: time(profile.updated_at),
            expires_at: profile.expires_at.map(time),
        }
    }
}

/// Whether the text is a number, as in cursors of lists that are ordered by one.
fn is_number(text: &str) -> bool {
    whole::<i64>(text).is_some()
}

/// Returns the settings, catalog and time that a change is validated with.
fn profile_context(snapshot: &Snapshot, now: DateTime<Utc>) -> ProfileContext {
    ProfileContext::new(snapshot.settings.profile_policy(), Arc::clone(&snapshot.catalogue), now)
}

/// Returns the current time in the precision of stored times.
fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

fn deadline(context: &RequestContext, snapshot: &Snapshot) -> Instant {
    context.arrived_at + snapshot.settings.subscription_timeout
}

/// Reads the profile with this id from the database.
async fn find_profile(
    persistence: &PersistenceHandle,
    profile_id: &str,
    deadline: Instant,
) -> Result<Profile, Problem> {
    let found = persistence.profile(profile_id.to_owned(), deadline.into()).await?;
    found.ok_or_else(no_such_profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_mounts_and_a_trailing_slash_are_one_path() {
        let path = |rest: &str| Some(format!("{PROFILES}{rest}"));

        assert_eq!(canonical(PROFILES), None);
        assert_eq!(canonical(&format!("{PROFILES}/")), path(""));
        assert_eq!(canonical(PROFILES_ALIAS), path(""));
        assert_eq!(canonical(&format!("{PROFILES_ALIAS}/admin/stats/")), path("/admin/stats"));
        assert_eq!(canonical(&format!("{PROFILES}/admin//")), path("/admin/"));
        assert_eq!(canonical(&format!("{PROFILES}s")), None);
        assert_eq!(canonical("/health/"), None);
    }
}
