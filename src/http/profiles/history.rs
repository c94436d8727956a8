//! The audit log and the versions of a profile.

use std::sync::Arc;

use anyhow::Context;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use registry_planning::profile::{Action, Profile};
use registry_planning::vocabulary::format_time;
use registry_store::profiles::{Actor, AuditEntry, ProfileVersion};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::documents::{AuditLog, Versions};
use super::schemas;
use super::{ProfileId, ShownProfile, deadline, find_profile, is_number};
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::pagination::{Pagination, Paging, cursor_after};
use crate::http::portions::{Format, Reader};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::frame;
use crate::http::schema::parameters;

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditAnswer {
    /// The entries, newest first.
    entries: Vec<AuditLogEntry<'static>>,
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
    old_data: Option<&'a RawValue>,
    /// The profile after the change, or the conflict if the change is `resolve_conflict`.
    #[schema(value_type = Option<Object>, required)]
    new_data: Option<&'a RawValue>,
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
            old_data: entry.old_data.as_deref(),
            new_data: entry.new_data.as_deref(),
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
    description = "Returns a page of the changes of a profile, newest first. \
        A page that `cursor` selects ends before its documents exceed 4 MiB.",
    params(parameters::ProfilePath, parameters::Page200, parameters::AfterNumber),
    responses(
        (status = 200, description = "A page of entries.", body = AuditAnswer),
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
    parameters.check()?;

    let snapshot = snapshot(&state)?;
    let (deadline, persistence) = (deadline(&context, &snapshot), &state.system.persistence);
    let reader = Reader::new(AuditLog(profile_id.clone()), persistence);
    let page = reader.page(paging.position.clone(), paging.limit, deadline).await?;
    if page.outline.items.is_empty() && page.outline.total == 0 {
        // A rejected profile also has entries if one of its conflicts was resolved.
        find_profile(persistence, &profile_id, deadline).await?;
    }
    let next_cursor = page.next_key().map(cursor_after);
    let body = AuditAnswer { entries: Vec::new(), pagination: paging.pagination(&page.outline), next_cursor };
    let format =
        Format::json(frame(&context, body), |entry, text| Ok(serde_json::to_writer(text, &AuditLogEntry::of(entry))?));
    page.respond(format, &context, deadline).await
}

/// A page of versions.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileVersionsAnswer {
    /// The entries, newest first.
    versions: Vec<ProfileVersionEntry<'static>>,
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
    fn of(version: &'a ProfileVersion, profile: &'a Profile) -> Self {
        ProfileVersionEntry {
            version: profile.version,
            action: version.action,
            actor: &version.actor,
            created_at: format_time(profile.updated_at),
            profile: ShownProfile::of(profile),
        }
    }
}

/// Lists the versions of a profile, newest first.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/{profile_id}/versions", tag = "profiles",
    operation_id = "list_profile_versions",
    summary = "List versions of a profile",
    description = "Returns a page of the versions of a profile, newest first. \
        A page that `cursor` selects ends before its documents exceed 4 MiB.",
    params(parameters::ProfilePath, parameters::Page200, parameters::AfterNumber),
    responses(
        (status = 200, description = "A page of versions.", body = ProfileVersionsAnswer),
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
    parameters.check()?;

    let snapshot = snapshot(&state)?;
    let (deadline, persistence) = (deadline(&context, &snapshot), &state.system.persistence);
    find_profile(persistence, &profile_id, deadline).await?;
    let reader = Reader::new(Versions(profile_id), persistence);
    let page = reader.page(paging.position.clone(), paging.limit, deadline).await?;
    let next_cursor = page.next_key().map(cursor_after);
    let body =
        ProfileVersionsAnswer { versions: Vec::new(), pagination: paging.pagination(&page.outline), next_cursor };
    let format = Format::json(frame(&context, body), |version: &ProfileVersion, text| {
        // Profiles are parsed one at a time, because a parsed profile needs more memory than its text.
        let profile = version.profile().context("invalid version of a profile")?;
        Ok(serde_json::to_writer(text, &ProfileVersionEntry::of(version, &profile))?)
    });
    page.respond(format, &context, deadline).await
}
