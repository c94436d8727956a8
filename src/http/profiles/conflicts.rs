//! Lists conflicts, and resolves them manually.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use registry_planning::profile::ConflictStatus;
use registry_store::profiles::{CommandOutcome, Conflict, ConflictFilter, ListedConflict, ProfileCommand};
use serde::Serialize;
use utoipa::ToSchema;

use super::changes::change_of;
use super::documents::Conflicts;
use super::problems::{change_outcome, failed_change};
use super::reading::named_user;
use super::{Caller, deadline, now};
use crate::http::body::JsonBody;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::ids::is_id;
use crate::http::pagination::{Pagination, Paging, cursor_after};
use crate::http::path::PathText;
use crate::http::portions::{Format, Reader};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::{frame, framed};
use crate::http::schema::conflict::ProfileConflict;
use crate::http::schema::{parameters, types};

const NOTE_CHARACTERS_MAX: usize = 1000;

/// A page of conflicts.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConflictListAnswer {
    /// The entries, newest first.
    #[schema(value_type = Vec<ProfileConflict>)]
    conflicts: Vec<ListedConflict>,
    pagination: Pagination,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Lists the conflicts of a user's profiles, newest first.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/conflicts/users/{user_id}", tag = "profiles",
    operation_id = "list_conflicts",
    summary = "List the conflicts of a user",
    description = "Returns a page of the conflicts that match every filter, newest first. \
        A page that `cursor` selects ends before its documents exceed 4 MiB.",
    params(parameters::UserPath, parameters::ConflictListQuery, parameters::Page1000, parameters::AfterConflict),
    responses(
        (status = 200, description = "A page of conflicts.", body = ConflictListAnswer),
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
    let filter = ConflictFilter {
        user_id,
        status: parameters.optional_word("status"),
        conflict_type: parameters.optional_word("conflict_type"),
    };
    let paging = Paging::read(&mut parameters, 100, 1000, is_conflict_id);
    parameters.check()?;

    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot);
    let reader = Reader::new(Conflicts(filter), &state.system.persistence);
    let page = reader.page(paging.position.clone(), paging.limit, deadline).await?;
    let next_cursor = page.next_key().map(cursor_after);
    let body = ConflictListAnswer { conflicts: Vec::new(), pagination: paging.pagination(&page.outline), next_cursor };
    let format = Format::json(frame(&context, body), |conflict: &ListedConflict, text| {
        Ok(serde_json::to_writer(text, conflict)?)
    });
    page.respond(format, &context, deadline).await
}

fn is_conflict_id(text: &str) -> bool {
    is_id(text, "conflict_")
}

/// The resolution of a conflict.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // The body is read field by field; this is its documentation.
pub(crate) struct ResolveBody {
    /// The new status. If it is absent or null, it is `resolved`.
    status: Option<types::ResolvedStatus>,
    /// A note about the resolution.
    #[schema(min_length = 1, max_length = 1000, pattern = r"^[^\u0000]*$")]
    note: Option<String>,
}

/// A conflict.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConflictAnswer {
    #[schema(value_type = ProfileConflict)]
    conflict: Conflict,
}

/// Resolves a pending conflict manually.
#[utoipa::path(
    post, path = "/api/v1/internal/subscription-profiles/conflicts/{conflict_id}/resolve", tag = "profiles",
    operation_id = "resolve_conflict",
    summary = "Resolve a conflict by hand",
    description = "Records the resolution of a pending conflict.",
    params(parameters::ConflictPath),
    request_body(content = Option<ResolveBody>, description = "The resolution of the conflict. The body may be empty."),
    responses(
        (status = 200, description = "The conflict.", body = ConflictAnswer),
        (status = 404, description = "The conflict does not exist."),
        (status = 409, description = "The conflict is not pending: `conflict_not_pending`."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn resolve(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PathText(conflict_id): PathText,
    caller: Caller,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    if !is_conflict_id(&conflict_id) {
        let detail = "conflict id must be `conflict_` followed by 32 lowercase hexadecimal digits";
        return Err(Problem::malformed_id(detail));
    }
    let mut fields = body.optional_fields()?;
    let ended = |word: &str| ConflictStatus::parse(word).filter(|status| *status != ConflictStatus::Pending);
    let status = fields.optional_form("status", ended, "one of resolved, failed");
    let note = fields.optional_text("note", 1, NOTE_CHARACTERS_MAX);
    fields.finish(Parameters::of(&uri).finish())?;

    let snapshot = snapshot(&state)?;
    let status = status.unwrap_or(ConflictStatus::Resolved);
    let change = change_of(ProfileCommand::ResolveConflict { conflict_id, status, note }, &caller, &context, now());
    let changed = state.system.persistence.change_profile(change, deadline(&context, &snapshot).into()).await;
    match changed.map_err(failed_change)? {
        CommandOutcome::Resolved(conflict) => Ok(framed(&context, ConflictAnswer { conflict: *conflict })),
        other => Err(change_outcome(other).err().unwrap_or_else(Problem::internal)),
    }
}
