//! Whether plans can be created from a profile, and the problems if not.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use registry_planning::profile::Profile;
use registry_planning::vocabulary::format_time;

use super::problem::Problem;

/// Returns whether plans can be created from a profile.
///
/// # Errors
/// 409 if the profile is inactive or has expired.
pub(super) fn is_usable(profile: &Profile, now: DateTime<Utc>) -> Result<(), Problem> {
    match profile.draft.expires_at.filter(|_| profile.is_expired(now)) {
        _ if !profile.is_active => Err(inactive()),
        Some(at) => Err(expired(at)),
        None => Ok(()),
    }
}

pub(super) fn inactive() -> Problem {
    let detail = "profile is inactive; POST …/{profile_id}/activate to activate it, with a later `expires_at` (or null) if it \
                  has expired";
    Problem::of(StatusCode::CONFLICT, "profile_inactive", detail)
}

pub(super) fn expired(at: DateTime<Utc>) -> Problem {
    let detail = format!(
        "profile expired at {}; POST …/{{profile_id}}/activate with a later `expires_at` (or null) to reactivate it",
        format_time(at)
    );
    Problem::of(StatusCode::CONFLICT, "profile_expired", detail)
}

pub(super) fn no_such_profile() -> Problem {
    Problem::not_found("unknown profile id")
}
