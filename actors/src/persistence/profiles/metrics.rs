//! Metrics of subscription profiles.

use metrics::{counter, describe_counter};
use registry_planning::profile::{ConflictStatus, ConflictType, Strategy};
use registry_store::profiles::{Changed, Conflict, What};

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
pub(crate) fn profile_changed<E>(what: &What, changed: &Result<Changed, E>) {
    let (status, conflicts) = match changed {
        Ok(Changed::Done(done) | Changed::Kept(done, _)) => (DONE, &done.conflicts[..]),
        Ok(Changed::Settled(conflict)) => (DONE, std::slice::from_ref(&**conflict)),
        Ok(Changed::Unchanged(_) | Changed::Answered(_)) => (UNCHANGED, &[][..]),
        Ok(Changed::Refused(conflicts)) => (REFUSED, &conflicts[..]),
        Ok(Changed::NoProfile | Changed::NoVersion | Changed::NoConflict) => (NOT_FOUND, &[][..]),
        Ok(Changed::OtherVersion(_) | Changed::Inactive | Changed::Expired(_) | Changed::NotPending(_)) => {
            (NOT_ALLOWED, &[][..])
        }
        Err(_) => (FAILED, &[][..]),
    };
    counter!(PROFILE_CHANGES, "action" => action(what), "status" => status).increment(1);
    for conflict in conflicts {
        let (kind, resolution) = (conflict.conflict_type.as_str(), resolution(conflict));
        counter!(PROFILE_CONFLICTS, "conflict_type" => kind, "resolution" => resolution).increment(1);
    }
}

const fn action(what: &What) -> &'static str {
    match what {
        What::Create { .. } => "create",
        What::Update { .. } => "update",
        What::Restore { .. } => "restore",
        What::Activate { .. } => "activate",
        What::Deactivate { .. } => "deactivate",
        What::Expire { .. } => "expire",
        What::ResolveConflict { .. } => "resolve_conflict",
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
