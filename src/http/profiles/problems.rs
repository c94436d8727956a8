//! The problems of changes of profiles.

use axum::http::StatusCode;
use registry_actors::persistence::PersistenceError;
use registry_planning::profile::{ConflictType, Profile};
use registry_store::profiles::{CommandOutcome, Conflict, Done};

use crate::http::problem::{Fault, Problem};
use crate::http::profile_state::{expired, inactive, no_such_profile};

/// The outcome of a change without a problem.
pub(super) enum ChangeOutcome {
    Done(Box<Done>),
    /// The profile already had the requested state.
    Unchanged(Box<Profile>),
}

/// Returns the outcome of a change.
///
/// # Errors
/// The problem of a rejected change.
pub(super) fn change_outcome(changed: CommandOutcome) -> Result<ChangeOutcome, Problem> {
    Err(match changed {
        CommandOutcome::Done(done) => return Ok(ChangeOutcome::Done(done)),
        CommandOutcome::Unchanged(profile) => return Ok(ChangeOutcome::Unchanged(profile)),
        CommandOutcome::Refused(conflicts) => conflicting(&conflicts),
        CommandOutcome::NoProfile => no_such_profile(),
        CommandOutcome::NoVersion => Problem::not_found("unknown version of the profile"),
        CommandOutcome::NoConflict => Problem::not_found("unknown conflict id"),
        CommandOutcome::OtherVersion(version) => {
            let detail = format!(
                "`If-Match` does not match: the profile has version {version}; read the profile again and send its `ETag`"
            );
            Problem::of(StatusCode::PRECONDITION_FAILED, "version_mismatch", detail)
        }
        CommandOutcome::Inactive => inactive(),
        CommandOutcome::Expired(at) => expired(at),
        CommandOutcome::NotPending(status) => {
            let detail = format!("conflict is not pending: its status is {status}");
            Problem::of(StatusCode::CONFLICT, "conflict_not_pending", detail)
        }
        // Callers that resolve conflicts or use idempotency keys have handled these outcomes before.
        CommandOutcome::Resolved(_) | CommandOutcome::Kept(..) | CommandOutcome::Answered(_) => Problem::internal(),
    })
}

/// Returns the problem of a change that failed in the database. If the outcome is unknown, the caller must not simply
/// repeat the request: unlike a plan, a change that is made twice has two effects.
pub(super) fn failed_change(error: PersistenceError) -> Problem {
    if error == PersistenceError::UnknownOutcome {
        let detail = "the database connection failed during the write, so the outcome is unknown; list the profiles of \
                      the user before you repeat the request";
        return Problem::of(StatusCode::GATEWAY_TIMEOUT, "unknown_outcome", detail);
    }
    error.into()
}

/// Returns 409 with every conflict. The code is the type of the conflicts if all have the same.
fn conflicting(conflicts: &[Conflict]) -> Problem {
    let kinds: Vec<ConflictType> = conflicts.iter().map(|conflict| conflict.conflict_type).collect();
    let code = match kinds.first() {
        Some(kind) if kinds.iter().all(|other| other == kind) => kind.as_str(),
        _ => "profile_conflict",
    };
    let details: Vec<&str> = causes(conflicts).into_iter().map(|(_, detail)| detail).collect();
    let faults =
        conflicts.iter().filter_map(detailed).flat_map(|(conflict, detail)| faults(conflict, detail)).collect();
    let conflicts = conflicts.iter().filter_map(|conflict| serde_json::to_value(conflict).ok()).collect();
    Problem::of(StatusCode::CONFLICT, code, format!("profile rejected: {}", details.join("; "))).with(faults, conflicts)
}

/// Returns the conflicts that caused the rejection of a profile, with their details. The strategy can resolve all
/// others.
pub(crate) fn causes(conflicts: &[Conflict]) -> Vec<(&Conflict, &str)> {
    let causes: Vec<_> = conflicts.iter().filter(|conflict| is_cause(conflict)).filter_map(detailed).collect();
    if !causes.is_empty() {
        return causes;
    }
    // Merging left no valid instrument. Duplicates are resolved, so they are not the cause.
    let is_other = |conflict: &&Conflict| conflict.conflict_type != ConflictType::DuplicateSubscription;
    conflicts.iter().filter(is_other).filter_map(detailed).collect()
}

fn detailed(conflict: &Conflict) -> Option<(&Conflict, &str)> {
    Some((conflict, conflict.conflict_data["detail"].as_str()?))
}

/// Whether the strategy cannot resolve the conflict. Without a strategy, conflicts are resolved manually.
fn is_cause(conflict: &Conflict) -> bool {
    let limit = conflict.conflict_data["limit"].as_str();
    match conflict.resolution_strategy.as_deref() {
        None => true,
        Some("latest_wins") => limit == Some("instruments"),
        Some(_) => limit.is_some(),
    }
}

fn faults(conflict: &Conflict, detail: &str) -> Vec<Fault> {
    let fault = |pointer: &str, detail: String| Fault { pointer: pointer.to_owned(), detail };
    if conflict.conflict_type == ConflictType::InvalidInstrument
        && let Some(instruments) = conflict.conflict_data["instruments"].as_array()
    {
        let of = |entry: &serde_json::Value| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default();
            fault("/instruments", format!("`{}` ({}): {}", text("instrument"), text("reason"), text("detail")))
        };
        return instruments.iter().map(of).collect();
    }
    match conflict.conflict_data["limit"].as_str() {
        Some("active_profiles") => vec![fault("/user_id", detail.to_owned())],
        _ => vec![fault("/instruments", detail.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn conflict(conflict_type: ConflictType, strategy: Option<&str>, data: Value) -> Conflict {
        Conflict {
            conflict_id: "conflict_0".to_owned(),
            profile_id: "profile_0".to_owned(),
            user_id: "desk".to_owned(),
            conflict_type,
            conflict_data: data,
            status: registry_planning::profile::ConflictStatus::Pending,
            resolution_strategy: strategy.map(str::to_owned),
            resolution_data: None,
            created_at: chrono::Utc::now(),
            resolved_at: None,
        }
    }

    fn detail(strategy: Option<&str>, is_full: bool) -> String {
        let instrument =
            json!({"instrument": "NSE:S0", "reason": "unknown", "detail": "instrument not in the catalog"});
        let mut found = vec![
            conflict(ConflictType::InvalidInstrument, strategy, json!({"detail": "A", "instruments": [instrument]})),
            conflict(ConflictType::DuplicateSubscription, strategy, json!({"detail": "B"})),
        ];
        if is_full {
            let data = json!({"detail": "C", "limit": "instruments"});
            found.push(conflict(ConflictType::LimitExceeded, strategy, data));
        }
        conflicting(&found).detail
    }

    #[test]
    fn a_rejection_names_only_its_causes() {
        assert_eq!(detail(Some("latest_wins"), true), "profile rejected: C");
        assert_eq!(detail(Some("merge"), true), "profile rejected: C");
        assert_eq!(detail(Some("merge"), false), "profile rejected: A");
        assert_eq!(detail(None, true), "profile rejected: A; B; C");
    }

    #[test]
    fn an_invalid_instrument_is_named_with_its_reason() {
        let instrument = json!({"instrument": "NSE:S0", "reason": "not_allowed", "detail": "X"});
        let found = conflict(ConflictType::InvalidInstrument, None, json!({"instruments": [instrument]}));

        assert_eq!(faults(&found, "A")[0].detail, "`NSE:S0` (not_allowed): X");
    }
}
