//! The lists about profiles whose rows contain documents.

use registry_actors::persistence::Op;
use registry_store::profiles::{
    AuditEntry, ConflictFilter, ListedConflict, ProfileFilter, ProfileVersion, StoredProfile,
};
use registry_store::{Portion, PortionLimit, Position, Store, StoreError};

use crate::http::portions::DocumentList;

/// Whole profiles.
pub(super) struct WholeProfiles(pub(super) ProfileFilter);

/// The versions of the profile with this id.
pub(super) struct Versions(pub(super) String);

/// The audit log of the profile with this id.
pub(super) struct AuditLog(pub(super) String);

/// Conflicts of a user.
pub(super) struct Conflicts(pub(super) ConflictFilter);

impl DocumentList for WholeProfiles {
    type Row = StoredProfile;

    const OP: Op = Op::Profiles;

    async fn portion(
        &self,
        store: &dyn Store,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<StoredProfile>, StoreError> {
        store.whole_profiles(&self.0, position, limit).await
    }

    async fn rows_of(&self, store: &dyn Store, keys: &[String]) -> Result<Vec<StoredProfile>, StoreError> {
        store.whole_profiles_of(&self.0, keys).await
    }
}

impl DocumentList for Versions {
    type Row = ProfileVersion;

    const OP: Op = Op::ProfileVersions;

    async fn portion(
        &self,
        store: &dyn Store,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<ProfileVersion>, StoreError> {
        store.profile_versions(&self.0, position, limit).await
    }

    async fn rows_of(&self, store: &dyn Store, keys: &[String]) -> Result<Vec<ProfileVersion>, StoreError> {
        store.profile_versions_of(&self.0, keys).await
    }
}

impl DocumentList for AuditLog {
    type Row = AuditEntry;

    const OP: Op = Op::AuditEntries;

    async fn portion(
        &self,
        store: &dyn Store,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<AuditEntry>, StoreError> {
        store.audit_entries(&self.0, position, limit).await
    }

    async fn rows_of(&self, store: &dyn Store, keys: &[String]) -> Result<Vec<AuditEntry>, StoreError> {
        store.audit_entries_of(&self.0, keys).await
    }
}

impl DocumentList for Conflicts {
    type Row = ListedConflict;

    const OP: Op = Op::Conflicts;

    async fn portion(
        &self,
        store: &dyn Store,
        position: &Position,
        limit: PortionLimit,
    ) -> Result<Portion<ListedConflict>, StoreError> {
        store.conflicts(&self.0, position, limit).await
    }

    async fn rows_of(&self, store: &dyn Store, keys: &[String]) -> Result<Vec<ListedConflict>, StoreError> {
        store.conflicts_of(&self.0, keys).await
    }
}
