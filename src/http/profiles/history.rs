//! The audit log and the versions of a profile.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use registry_actors::persistence::Op;
use registry_planning::json::Json;
use registry_planning::profile::Action;
use registry_planning::vocabulary::format_time;
use registry_store::Store;
use registry_store::profiles::{Actor, AuditEntry, ProfileVersion};
use serde::Serialize;
use utoipa::ToSchema;

use super::schemas;
use super::{ProfileId, ShownProfile, answer, deadline, find_profile, is_number};
use crate::http::body::Fields;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::pagination::{Pagination, Paging, cursor_after};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::schema::parameters;

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditAnswer<'a> {
    /// The entries, newest first.
    entries: Vec<AuditLogEntry<'a>>,
    pagination: Pagination,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditLogEntry<'a> {
    /// The id of the entry. A later entry of the profile has a greater id.
    audit_id: i64,
    /// The kind of the change.
    #[schema(value_type = Action)]
    action: Action,
    /// The caller that made the change.
    #[schema(value_type = schemas::AuditActor)]
    actor: &'a Actor,
    /// The profile before the change, or the conflict if the change is `resolve_conflict`. Null if it did not exist
    /// before.
    #[schema(value_type = Option<Object>, required)]
    old_data: Option<&'a Json>,
    /// The profile after the change, or the conflict if the change is `resolve_conflict`.
    #[schema(value_type = Option<Object>, required)]
    new_data: Option<&'a Json>,
    /// The correlation id of the request that made the change.
    correlation_id: &'a str,
    /// The time of the change.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
}

impl<'a> AuditLogEntry<'a> {
    fn of(AuditEntry { audit_id, entry }: &'a AuditEntry) -> Self {
        AuditLogEntry {
            audit_id: *audit_id,
            action: entry.action,
            actor: &entry.actor,
            old_data: entry.old_data.as_ref(),
            new_data: entry.new_data.as_ref(),
            correlation_id: &entry.correlation_id,
            created_at: format_time(entry.created_at),
        }
    }
}

/// Lists the audit log of a profile, newest first.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/{profile_id}/audit", tag = "profiles",
    operation_id = "list_audit_entries",
    summary = "List audit log entries of a profile",
    description = "Returns a page of the changes of a profile, newest first.",
    params(parameters::ProfilePath, parameters::Page200, parameters::AfterNumber),
    responses(
        (status = 200, description = "A page of entries.", body = AuditAnswer<'_>),
        (status = 404, description = "The profile does not exist."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn audit(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    ProfileId(profile_id): ProfileId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let paging = Paging::read(&mut parameters, 50, 200, is_number);
    Fields::none().finish(parameters.finish())?;

    let snapshot = snapshot(&state)?;
    let (deadline, persistence) = (deadline(&context, &snapshot), &state.system.persistence);
    let (id, position, limit) = (profile_id.clone(), paging.position.clone(), paging.limit);
    let list = move |store: Arc<dyn Store>| async move { store.audit_entries(&id, &position, limit).await };
    let page = persistence.run(Op::AuditEntries, deadline.into(), list).await?;
    if page.items.is_empty() && page.total == 0 {
        // A rejected profile also has entries if one of its conflicts was resolved.
        find_profile(persistence, &profile_id, deadline).await?;
    }
    let next_cursor = page.items.last().filter(|_| page.has_next).map(|entry| cursor_after(entry.audit_id));
    let entries = page.items.iter().map(AuditLogEntry::of).collect();
    Ok(answer(&context, AuditAnswer { entries, pagination: paging.pagination(&page), next_cursor }))
}

/// A page of versions.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileVersionsAnswer<'a> {
    /// The entries, newest first.
    versions: Vec<ProfileVersionEntry<'a>>,
    pagination: Pagination,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A version of a profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileVersionEntry<'a> {
    /// The version of the profile: 1 for a new profile, increased by each change.
    version: u32,
    /// The change that created the version.
    #[schema(value_type = Action)]
    action: Action,
    /// The caller that made the change.
    #[schema(value_type = schemas::AuditActor)]
    actor: &'a Actor,
    /// The time when the version was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: String,
    /// The profile in this version.
    #[schema(value_type = schemas::SubscriptionProfile)]
    profile: ShownProfile<'a>,
}

impl<'a> ProfileVersionEntry<'a> {
    fn of(version: &'a ProfileVersion) -> Self {
        let ProfileVersion { profile, action, actor } = version;
        let created_at = format_time(profile.updated_at);
        ProfileVersionEntry {
            version: profile.version,
            action: *action,
            actor,
            created_at,
            profile: ShownProfile::of(profile),
        }
    }
}

/// Lists the versions of a profile, newest first.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/{profile_id}/versions", tag = "profiles",
    operation_id = "list_profile_versions",
    summary = "List versions of a profile",
    description = "Returns a page of the versions of a profile, newest first.",
    params(parameters::ProfilePath, parameters::Page200, parameters::AfterNumber),
    responses(
        (status = 200, description = "A page of versions.", body = ProfileVersionsAnswer<'_>),
        (status = 404, description = "The profile does not exist."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn versions(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    ProfileId(profile_id): ProfileId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let paging = Paging::read(&mut parameters, 50, 200, is_number);
    Fields::none().finish(parameters.finish())?;

    let snapshot = snapshot(&state)?;
    let (deadline, persistence) = (deadline(&context, &snapshot), &state.system.persistence);
    find_profile(persistence, &profile_id, deadline).await?;
    let (position, limit) = (paging.position.clone(), paging.limit);
    let list = move |store: Arc<dyn Store>| async move { store.profile_versions(&profile_id, &position, limit).await };
    let page = persistence.run(Op::ProfileVersions, deadline.into(), list).await?;
    let last = page.items.last().filter(|_| page.has_next);
    let next_cursor = last.map(|version| cursor_after(version.profile.version));
    let versions = page.items.iter().map(ProfileVersionEntry::of).collect();
    Ok(answer(&context, ProfileVersionsAnswer { versions, pagination: paging.pagination(&page), next_cursor }))
}
