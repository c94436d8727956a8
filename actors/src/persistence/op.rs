//! The calls of the store, by name, and the lane of each.

use registry_store::Lane;
use strum::{IntoStaticStr, VariantArray};

/// A kind of call of the store. Its word is the value of the label `operation` of metrics; words of earlier releases
/// stay, so that queries of dashboards and alerts still match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs)]
pub enum Op {
    AuditEntries,
    Calendar,
    CancelJob,
    Catalogue,
    CatalogueVersion,
    ChangeProfile,
    Conflicts,
    CountUnexpired,
    CreateJob,
    CreateKeyedJob,
    DeleteExpiredKeys,
    DeleteOldAuditEntries,
    DeleteOldPlans,
    Diff,
    #[strum(serialize = "dismiss_refusals")]
    DismissRejectedFiles,
    ExpireProfiles,
    #[strum(serialize = "fail_silent_jobs")]
    FailStaleJobs,
    InsertKeyedPlans,
    InsertPlans,
    Job,
    LastGood,
    LastSummaries,
    LatestJobs,
    NewestPlan,
    Offer,
    Ping,
    Plan,
    Plans,
    Prepare,
    Profile,
    ProfileStats,
    ProfileVersions,
    Profiles,
    #[strum(serialize = "refuse_load")]
    RejectLoad,
    #[strum(serialize = "refusals")]
    RejectedFiles,
    SaveJob,
    SaveLastGood,
    StoredAnswer,
    Versions,
}

impl Op {
    /// Returns the value of the label `operation`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    pub(crate) const fn lane(self) -> Lane {
        match self {
            Op::AuditEntries
            | Op::Conflicts
            | Op::Diff
            | Op::Plans
            | Op::ProfileStats
            | Op::ProfileVersions
            | Op::Profiles
            | Op::Versions => Lane::List,
            Op::ChangeProfile => Lane::Change,
            Op::CreateKeyedJob | Op::InsertKeyedPlans => Lane::Keyed,
            Op::Catalogue
            | Op::CountUnexpired
            | Op::DeleteExpiredKeys
            | Op::DeleteOldAuditEntries
            | Op::DeleteOldPlans
            | Op::ExpireProfiles
            | Op::FailStaleJobs
            | Op::Offer => Lane::Upkeep,
            Op::Calendar
            | Op::CancelJob
            | Op::CatalogueVersion
            | Op::CreateJob
            | Op::DismissRejectedFiles
            | Op::InsertPlans
            | Op::Job
            | Op::LastGood
            | Op::LastSummaries
            | Op::LatestJobs
            | Op::NewestPlan
            | Op::Ping
            | Op::Plan
            | Op::Prepare
            | Op::Profile
            | Op::RejectedFiles
            | Op::RejectLoad
            | Op::SaveJob
            | Op::SaveLastGood
            | Op::StoredAnswer => Lane::Point,
        }
    }

    /// Whether the call is retention or a count. These run one at a time, so that a long one leaves a permit of its
    /// lane to loads and to reads of the catalog.
    pub(crate) const fn is_retention(self) -> bool {
        matches!(
            self,
            Op::CountUnexpired
                | Op::DeleteExpiredKeys
                | Op::DeleteOldAuditEntries
                | Op::DeleteOldPlans
                | Op::ExpireProfiles
        )
    }

    /// Whether its duration does not depend on the state of the database only: it visits many rows, or waits for other
    /// transactions.
    pub(crate) const fn is_untimed(self) -> bool {
        match self.lane() {
            Lane::List | Lane::Change | Lane::Keyed => true,
            Lane::Upkeep => !matches!(self, Op::FailStaleJobs),
            Lane::Point => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(is_wanted: impl Fn(Op) -> bool) -> Vec<&'static str> {
        Op::VARIANTS.iter().filter(|op| is_wanted(**op)).map(|op| op.as_str()).collect()
    }

    #[test]
    fn words_of_earlier_releases_stay() {
        let renamed = [Op::DismissRejectedFiles, Op::FailStaleJobs, Op::RejectLoad, Op::RejectedFiles];

        let expected = ["dismiss_refusals", "fail_silent_jobs", "refuse_load", "refusals"];
        assert_eq!(renamed.map(Op::as_str), expected);
    }

    #[test]
    fn lists_have_a_lane_of_their_own() {
        assert_eq!(
            words(|op| op.lane() == Lane::List),
            [
                "audit_entries",
                "conflicts",
                "diff",
                "plans",
                "profile_stats",
                "profile_versions",
                "profiles",
                "versions"
            ]
        );
    }

    #[test]
    fn retention_and_bulk_work_share_a_lane() {
        let retention = [
            "count_unexpired",
            "delete_expired_keys",
            "delete_old_audit_entries",
            "delete_old_plans",
            "expire_profiles",
        ];

        assert_eq!(words(Op::is_retention), retention);
        assert_eq!(
            words(|op| op.lane() == Lane::Upkeep && !op.is_retention()),
            ["catalogue", "fail_silent_jobs", "offer"]
        );
    }

    #[test]
    fn calls_that_wait_for_others_are_not_point_calls() {
        assert_eq!(words(|op| op.lane() == Lane::Change), ["change_profile"]);
        assert_eq!(words(|op| op.lane() == Lane::Keyed), ["create_keyed_job", "insert_keyed_plans"]);
        assert_eq!(words(|op| op.lane() == Lane::Point && op.is_untimed()), [""; 0]);
    }
}
