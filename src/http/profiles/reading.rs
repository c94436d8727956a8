//! Reads, lists and counts profiles.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::Utc;
use registry_actors::persistence::Op;
use registry_planning::vocabulary::{SubscriptionType, format_time};
use registry_store::Store;
use registry_store::profiles::{ProfileFilter, ProfileStats};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{USER_IDS, is_user_id};
use super::changes::with_tag;
use super::schemas;
use super::{ProfileEntry, ProfileId, ShownProfile, deadline, find_profile};
use crate::http::body::JsonBody;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::ids::is_profile_id;
use crate::http::instruments::BOOLEANS;
use crate::http::pagination::{Pagination, Paging, cursor_after};
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::framed;
use crate::http::schema::parameters;

/// A profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileReadAnswer<'a> {
    #[schema(value_type = schemas::SubscriptionProfile)]
    profile: ShownProfile<'a>,
}

/// Reads a profile, active or not.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/{profile_id}", tag = "profiles", operation_id = "get_profile",
    summary = "Get a profile",
    description = "Returns a profile, active or not.",
    params(parameters::ProfilePath),
    responses(
        (status = 200, description = "The profile.", body = ProfileReadAnswer<'_>, headers(("ETag" = String, description = "The version of the profile in quotes, for `If-Match`."))),
        (status = 404, description = "The profile does not exist."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn read_profile(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    ProfileId(profile_id): ProfileId,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let snapshot = snapshot(&state)?;
    let profile = find_profile(&state.system.persistence, &profile_id, deadline(&context, &snapshot)).await?;
    Ok(with_tag(framed(&context, ProfileReadAnswer { profile: ShownProfile::of(&profile) }), profile.version))
}

/// A page of profiles.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileListAnswer<'a> {
    /// The profiles, newest first, without their instruments.
    profiles: Vec<ProfileEntry<'a>>,
    pagination: Pagination,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Lists a user's profiles, newest first.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/users/{user_id}/profiles", tag = "profiles",
    operation_id = "list_profiles",
    summary = "List the profiles of a user",
    description = "Returns a page of the profiles that match every filter, newest first, without their instruments.",
    params(parameters::UserPath, parameters::ProfileListQuery, parameters::Page1000, parameters::AfterProfile),
    responses(
        (status = 200, description = "A page of profiles.", body = ProfileListAnswer<'_>),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PathText(user_id): PathText,
    uri: Uri,
) -> Result<Response, Problem> {
    let user_id = named_user(user_id)?;
    let mut parameters = Parameters::of(&uri);
    let filter = ProfileFilter {
        user_id: Some(user_id),
        subscription_type: parameters.optional_word("subscription_type"),
        is_active: parameters.optional("is_active", BOOLEANS, |text| text.parse().ok()),
    };
    let paging = Paging::read(&mut parameters, 100, 1000, is_profile_id);
    parameters.check()?;

    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot).into();
    let (position, limit) = (paging.position.clone(), paging.limit);
    let list = move |store: Arc<dyn Store>| async move { store.profiles(&filter, &position, limit).await };
    let page = state.system.persistence.run(Op::Profiles, deadline, list).await?;
    let last = page.items.last().filter(|_| page.has_next);
    let next_cursor = last.map(|profile| cursor_after(&profile.profile_id));
    let profiles = page.items.iter().map(ProfileEntry::of).collect();
    Ok(framed(&context, ProfileListAnswer { profiles, pagination: paging.pagination(&page), next_cursor }))
}

pub(super) fn named_user(user_id: String) -> Result<String, Problem> {
    if is_user_id(&user_id) { Ok(user_id) } else { Err(Problem::malformed_id(format!("user id must be {USER_IDS}"))) }
}

/// The statistics of profiles.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileStatsAnswer {
    stats: ProfileCounts,
}

/// The numbers of profiles, conflicts and audit log entries.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileCounts {
    /// The number of profiles, active or not.
    total_profiles: u64,
    /// The number of profiles that are active and not expired.
    active_profiles: u64,
    /// The number of profiles by subscription type, active or not.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    profiles_by_type: std::collections::BTreeMap<&'static str, u64>,
    /// The number of conflicts in any status.
    total_conflicts: u64,
    /// The number of pending conflicts.
    pending_conflicts: u64,
    /// The number of audit log entries.
    total_audit_logs: u64,
    /// The time when old audit log entries were last deleted. Null if they never were.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    last_cleanup: Option<String>,
}

/// Counts profiles, conflicts and entries of the audit log.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/admin/stats", tag = "profiles",
    operation_id = "get_profile_stats",
    summary = "Count profiles and conflicts",
    description = "Counts profiles, conflicts and audit log entries of all users.",
    responses(
        (status = 200, description = "The statistics.", body = ProfileStatsAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn stats(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot).into();
    let count = |store: Arc<dyn Store>| async move { store.profile_stats(Utc::now()).await };
    let stats = state.system.persistence.run(Op::ProfileStats, deadline, count).await?;
    let ProfileStats {
        total_profiles,
        active_profiles,
        profiles_by_type,
        total_conflicts,
        pending_conflicts,
        total_audit_logs,
        last_cleanup,
    } = stats;
    let of_type = |kind: &SubscriptionType| (kind.as_str(), profiles_by_type.get(kind).copied().unwrap_or(0));
    Ok(framed(
        &context,
        ProfileStatsAnswer {
            stats: ProfileCounts {
                total_profiles,
                active_profiles,
                profiles_by_type: SubscriptionType::ALL.iter().map(of_type).collect(),
                total_conflicts,
                pending_conflicts,
                total_audit_logs,
                last_cleanup: last_cleanup.map(format_time),
            },
        },
    ))
}

/// The result of a cleanup of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditCleanupAnswer {
    /// The number of deleted entries.
    deleted_count: u64,
    /// The retention period in effect, in days.
    retention_days: u32,
    /// The cutoff: entries that are older were deleted.
    #[schema(value_type = String, format = DateTime)]
    cutoff_date: String,
}

/// Deletes entries of the audit log beyond the retention period.
#[utoipa::path(
    post, path = "/api/v1/internal/subscription-profiles/admin/cleanup-audit-logs", tag = "profiles",
    operation_id = "clean_up_audit_log",
    summary = "Delete old audit log entries",
    description = "Deletes audit log entries that are older than the retention period.",
    responses(
        (status = 200, description = "The number of deleted entries.", body = AuditCleanupAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn clean_up(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    body.optional_fields()?.finish(Parameters::of(&uri).finish())?;
    let snapshot = snapshot(&state)?;
    let retention_days = snapshot.settings.audit_retention_days;
    let deadline = deadline(&context, &snapshot).into();
    let (deleted_count, cutoff) = state.system.persistence.delete_old_audit_entries(retention_days, deadline).await?;
    Ok(framed(&context, AuditCleanupAnswer { deleted_count, retention_days, cutoff_date: format_time(cutoff) }))
}
