//! Metrics of subscription profiles.

use metrics::{counter, describe_counter};
use registry_planning::profile::{ConflictStatus, ConflictType, Strategy};
use registry_store::profiles::{CommandOutcome, Conflict, ProfileCommand};

use super::LAST_KNOWN_SERVED;

const PROFILE_CHANGES: &str = "instrument_registry_profile_changes_total";
const PROFILE_CONFLICTS: &str = "instrument_registry_subscription_plan_conflicts_total";

/// The values of the label `action`.
const ACTIONS: [&str; 7] = ["create", "update", "restore", "activate", "deactivate", "expire", "resolve_conflict"];

const DONE: &str = "done";
/// The profile already had the requested state.
const UNCHANGED: &str = "unchanged";
/// Conflicts prevented the change.
const REFUSED: &str = "refused";
/// The version or the state of the profile does not allow the change.
const NOT_ALLOWED: &str = "not_allowed";
const NOT_FOUND: &str = "not_found";
/// The database failed, or the outcome is unknown.
const FAILED: &str = "failed";
const STATUSES: [&str; 6] = [DONE, UNCHANGED, REFUSED, NOT_ALLOWED, NOT_FOUND, FAILED];

/// The conflict is not resolved yet.
const PENDING: &str = "pending";
/// A caller resolved the conflict.
const MANUAL: &str = "manual";
/// The values of the label `resolution`. The strategy `fail_on_conflict` leaves conflicts pending.
const RESOLUTIONS: [&str; 4] = [Strategy::LatestWins.as_str(), Strategy::Merge.as_str(), PENDING, MANUAL];

/// Counts a change that reached the database, by its result, and the conflicts that it met. A conflict that a caller
/// resolves was counted as pending before.
pub(crate) fn profile_changed<E>(command: &ProfileCommand, changed: &Result<CommandOutcome, E>) {
    let (status, conflicts) = match changed {
        Ok(CommandOutcome::Done(done) | CommandOutcome::Kept(done, _)) => (DONE, &done.conflicts[..]),
        Ok(CommandOutcome::Resolved(conflict)) => (DONE, std::slice::from_ref(&**conflict)),
        Ok(CommandOutcome::Unchanged(_) | CommandOutcome::Answered(_)) => (UNCHANGED, &[][..]),
        Ok(CommandOutcome::Refused(conflicts)) => (REFUSED, &conflicts[..]),
        Ok(CommandOutcome::NoProfile | CommandOutcome::NoVersion | CommandOutcome::NoConflict) => (NOT_FOUND, &[][..]),
        Ok(
            CommandOutcome::OtherVersion(_)
            | CommandOutcome::Inactive
            | CommandOutcome::Expired(_)
            | CommandOutcome::NotPending(_),
        ) => (NOT_ALLOWED, &[][..]),
        Err(_) => (FAILED, &[][..]),
    };
    counter!(PROFILE_CHANGES, "action" => action(command), "status" => status).increment(1);
    for conflict in conflicts {
        let (kind, resolution) = (conflict.conflict_type.as_str(), resolution(conflict));
        counter!(PROFILE_CONFLICTS, "conflict_type" => kind, "resolution" => resolution).increment(1);
    }
}

const fn action(command: &ProfileCommand) -> &'static str {
    match command {
        ProfileCommand::Create { .. } => "create",
        ProfileCommand::Update { .. } => "update",
        ProfileCommand::Restore { .. } => "restore",
        ProfileCommand::Activate { .. } => "activate",
        ProfileCommand::Deactivate { .. } => "deactivate",
        ProfileCommand::Expire { .. } => "expire",
        ProfileCommand::ResolveConflict { .. } => "resolve_conflict",
    }
}

fn resolution(conflict: &Conflict) -> &'static str {
    match conflict.resolution_strategy.as_deref().and_then(Strategy::parse) {
        Some(strategy) => strategy.as_str(),
        None if conflict.status == ConflictStatus::Pending => PENDING,
        None => MANUAL,
    }
}

/// Describes the metrics of profiles and sets them to 0.
pub(crate) fn register() {
    describe_counter!(
        LAST_KNOWN_SERVED,
        "Number of times the last known version of a profile was used because the database was unavailable"
    );
    counter!(LAST_KNOWN_SERVED).absolute(0);
    describe_counter!(
        PROFILE_CHANGES,
        "Number of profile changes by action and status: done, unchanged, refused (because of conflicts), not_allowed \
         (because of the version or state of the profile), not_found or failed"
    );
    describe_counter!(
        PROFILE_CONFLICTS,
        "Number of profile conflicts by type and resolution: the strategy that applied, pending, or manual"
    );
    for action in ACTIONS {
        for status in STATUSES {
            counter!(PROFILE_CHANGES, "action" => action, "status" => status).absolute(0);
        }
    }
    for kind in ConflictType::ALL {
        for resolution in RESOLUTIONS {
            counter!(PROFILE_CONFLICTS, "conflict_type" => kind.as_str(), "resolution" => resolution).absolute(0);
        }
    }
}
