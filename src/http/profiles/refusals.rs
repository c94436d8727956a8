//! What callers are told where a change was not made.

use axum::http::StatusCode;
use registry_actors::persistence::PersistenceError;
use registry_actors::persistence::profiles::{Changed, Conflict, Done};
use registry_planning::plan::format_time;
use registry_planning::profile::{ConflictType, Profile};

use super::no_such_profile;
use crate::http::problem::{Fault, Problem};

/// What became of a change: made, or not needed.
pub(super) enum Made {
    Now(Box<Done>),
    /// It was so already.
    Before(Box<Profile>),
}

/// # Errors
/// The problem, where it was not made.
pub(super) fn made(changed: Changed) -> Result<Made, Problem> {
    Err(match changed {
        Changed::Done(done) => return Ok(Made::Now(done)),
        Changed::Unchanged(profile) => return Ok(Made::Before(profile)),
        Changed::Refused(conflicts) => conflicting(&conflicts),
        Changed::NoProfile => no_such_profile(),
        Changed::NoVersion => Problem::not_found("unknown version of the profile"),
        Changed::NoConflict => Problem::not_found("unknown conflict id"),
        Changed::OtherVersion(version) => {
            let detail = format!("`If-Match` does not match: the profile has version {version}");
            Problem::of(StatusCode::PRECONDITION_FAILED, "version_mismatch", detail)
        }
        Changed::Inactive => inactive(),
        Changed::Expired(at) => expired(at),
        Changed::NotPending(status) => {
            let detail = format!("conflict is not pending: its status is {status}");
            Problem::of(StatusCode::CONFLICT, "conflict_not_pending", detail)
        }
        // Only a conflict is settled, and only a request with a key has an answer kept; both take these themselves.
        Changed::Settled(_) | Changed::Kept(..) | Changed::Answered(_) => Problem::internal(),
    })
}

pub(super) fn inactive() -> Problem {
    let detail = "profile is inactive; POST …/{profile_id}/activate to activate it, with a later `expires_at` (or null) if it \
                  has expired";
    Problem::of(StatusCode::CONFLICT, "profile_inactive", detail)
}

pub(super) fn expired(at: chrono::DateTime<chrono::Utc>) -> Problem {
    let detail = format!(
        "profile expired at {}; POST …/{{profile_id}}/activate with a later `expires_at` (or null) to reactivate it",
        format_time(at)
    );
    Problem::of(StatusCode::CONFLICT, "profile_expired", detail)
}

/// Where the database does not say what became of a change. Unlike a plan, a change that is made twice is two changes.
pub(super) fn not_changed(error: PersistenceError) -> Problem {
    if error == PersistenceError::UnknownOutcome {
        let detail = "the database connection failed during the write, so the outcome is unknown; list the profiles of \
                      the user before you repeat the request";
        return Problem::of(StatusCode::GATEWAY_TIMEOUT, "unknown_outcome", detail);
    }
    error.into()
}

/// 409 with every conflict. Its code is the conflicts' kind where they are of one.
fn conflicting(conflicts: &[Conflict]) -> Problem {
    let kinds: Vec<ConflictType> = conflicts.iter().map(|conflict| conflict.conflict_type).collect();
    let code = match kinds.first() {
        Some(kind) if kinds.iter().all(|other| other == kind) => kind.as_str(),
        _ => "profile_conflict",
    };
    let details: Vec<&str> =
        conflicts.iter().filter_map(|conflict| conflict.conflict_data["detail"].as_str()).collect();
    let faults = conflicts.iter().zip(&details).flat_map(|(conflict, detail)| faults(conflict, detail)).collect();
    let conflicts = conflicts.iter().filter_map(|conflict| serde_json::to_value(conflict).ok()).collect();
    Problem::of(StatusCode::CONFLICT, code, format!("profile rejected: {}", details.join("; "))).with(faults, conflicts)
}

fn faults(conflict: &Conflict, detail: &str) -> Vec<Fault> {
    let fault = |pointer: &str, detail: String| Fault { pointer: pointer.to_owned(), detail };
    if conflict.conflict_type == ConflictType::InvalidInstrument
        && let Some(instruments) = conflict.conflict_data["instruments"].as_array()
    {
        let of = |entry: &serde_json::Value| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default();
            fault("/instruments", format!("`{}` is {}: {}", text("instrument"), text("reason"), text("detail")))
        };
        return instruments.iter().map(of).collect();
    }
    match conflict.conflict_data["limit"].as_str() {
        Some("active_profiles") => vec![fault("/user_id", detail.to_owned())],
        _ => vec![fault("/instruments", detail.to_owned())],
    }
}
