//! The lists about profiles whose rows contain documents.

use registry_actors::persistence::Op;
use registry_store::profiles::{
    AuditEntry, ConflictFilter, ListedConflict, ProfileFilter, ProfileVersion, StoredProfile,
};
use registry_store::{Portion, PortionLimit, Position, Store, StoreError};

use crate::http::portions::DocumentList;

/// Declares lists, each with its filter, its row, and the operations of the database that read it.
macro_rules! document_lists {
    ($($(#[$doc:meta])* $list:ident($filter:ty) of $row:ty: $op:ident, $portion:ident, $rows_of:ident;)+) => { $(
        $(#[$doc])*
        pub(super) struct $list(pub(super) $filter);

        impl DocumentList for $list {
            type Row = $row;

            const OP: Op = Op::$op;

            async fn portion(
                &self,
                store: &dyn Store,
                position: &Position,
                limit: PortionLimit,
            ) -> Result<Portion<$row>, StoreError> {
                store.$portion(&self.0, position, limit).await
            }

            async fn rows_of(&self, store: &dyn Store, keys: &[String]) -> Result<Vec<$row>, StoreError> {
                store.$rows_of(&self.0, keys).await
            }
        }
    )+ };
}

document_lists! {
    /// Whole profiles.
    WholeProfiles(ProfileFilter) of StoredProfile: Profiles, whole_profiles, whole_profiles_of;
    /// The versions of the profile with this id.
    Versions(String) of ProfileVersion: ProfileVersions, profile_versions, profile_versions_of;
    /// The audit log of the profile with this id.
    AuditLog(String) of AuditEntry: AuditEntries, audit_entries, audit_entries_of;
    /// Conflicts of a user.
    Conflicts(ConflictFilter) of ListedConflict: Conflicts, conflicts, conflicts_of;
}
