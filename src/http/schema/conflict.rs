//! The schema of a conflict, which lists of conflicts and problem documents contain.

use registry_planning::profile::{ConflictStatus, ConflictType};
use utoipa::ToSchema;

use super::types;

/// A conflict of a profile with a limit, the catalog or another profile.
#[derive(ToSchema)]
#[allow(dead_code)] // Conflicts are written from stored rows; this is their documentation.
pub(crate) struct ProfileConflict {
    /// The id of the conflict.
    #[schema(value_type = types::ConflictId)]
    conflict_id: String,
    /// The id of the profile. If the service rejected the profile, no profile with this id exists.
    #[schema(value_type = types::ProfileId)]
    profile_id: String,
    /// The user that the profile belongs to.
    user_id: String,
    /// The type of the conflict.
    conflict_type: ConflictType,
    /// The details of the conflict.
    #[schema(value_type = Object)]
    conflict_data: serde_json::Value,
    /// The status of the conflict.
    status: ConflictStatus,
    /// The strategy that resolved the conflict, or `manual`. Null while the conflict is pending.
    #[schema(required)]
    resolution_strategy: Option<String>,
    /// The details of the resolution. Null if there are none.
    #[schema(value_type = Option<Object>, required)]
    resolution_data: Option<serde_json::Value>,
    /// The time when the conflict was detected.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// The time when the conflict was resolved or failed. Null while the conflict is pending.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    resolved_at: Option<String>,
}
