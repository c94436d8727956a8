//! Exports many profiles at once.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{HeaderValue, Uri};
use axum::response::Response;
use registry_store::Position;
use registry_store::profiles::{ProfileFilter, StoredProfile};
use serde::Serialize;
use utoipa::ToSchema;

use super::deadline;
use super::documents::WholeProfiles;
use super::import_export::{File, PROFILES_MAX, csv_header, csv_rows_bytes, write_csv_rows};
use super::reading::named_user;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::ids::is_profile_id;
use crate::http::instruments::BOOLEANS;
use crate::http::pagination::{cursor_after, read_cursor};
use crate::http::path::PathText;
use crate::http::portions::{Format, Frame, Reader};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::frame;
use crate::http::schema::parameters;

/// A row of a CSV file repeats the id and the name of its profile. With long names and short keys the rows are larger
/// than this; they are measured before they are written.
const CSV_GROWTH: u64 = 8;

/// Exports a user's profiles as a file that can be imported.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/users/{user_id}/export", tag = "profiles",
    operation_id = "export_profiles",
    summary = "Export the profiles of a user",
    description = "Returns up to 1000 profiles, newest first, in a format that can be imported. \
        A page that `cursor` selects ends before its documents exceed 4 MiB.",
    params(parameters::UserPath, parameters::ExportQuery),
    responses(
        (status = 200, description = "Up to 1000 profiles.", content((ExportAnswer<'_> = "application/json"), (String = "text/csv")), headers(("X-Next-Cursor" = String, description = "CSV only: the `cursor` of the next page. Absent on the last page."))),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn export(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PathText(user_id): PathText,
    uri: Uri,
) -> Result<Response, Problem> {
    let user_id = named_user(user_id)?;
    let mut parameters = Parameters::of(&uri);
    let is_csv = parameters.optional("format", "one of json, csv", |text| match text {
        "json" => Some(false),
        "csv" => Some(true),
        _ => None,
    });
    let is_active = parameters.optional("is_active", BOOLEANS, |text| text.parse().ok());
    let cursor = read_cursor(&mut parameters, is_profile_id);
    parameters.check()?;

    let snapshot = snapshot(&state)?;
    let is_active = Some(is_active.unwrap_or(true));
    let filter = ProfileFilter { user_id: Some(user_id), subscription_type: None, is_active };
    let position = cursor.map_or(Position::Offset(0), Position::After);
    let deadline = deadline(&context, &snapshot);
    #[allow(clippy::cast_possible_truncation)] // The maximum is 1000.
    let limit = PROFILES_MAX as u32;
    let is_csv = is_csv == Some(true);
    let reader = Reader::new(WholeProfiles(filter), &state.system.persistence);
    let reader = if is_csv { reader.growing(CSV_GROWTH) } else { reader };
    let page = reader.page(position, limit, deadline).await?;
    let next_cursor = page.next_key().map(cursor_after);
    let header = next_cursor.as_ref().filter(|_| is_csv).and_then(|cursor| HeaderValue::from_str(cursor).ok());
    let format = if is_csv { csv_format() } else { json_format(&context, next_cursor) };
    let mut response = page.respond(format, &context, deadline).await?;
    if let Some(cursor) = header {
        response.headers_mut().insert("x-next-cursor", cursor);
    }
    Ok(response)
}

fn json_format(context: &RequestContext, next_cursor: Option<String>) -> Format<StoredProfile> {
    let frame = frame(context, ExportAnswer { file: File { profiles: Vec::new() }, next_cursor });
    Format::json(frame, |profile, text| Ok(serde_json::to_writer(text, &profile.draft)?))
}

fn csv_format() -> Format<StoredProfile> {
    Format {
        content_type: "text/csv; charset=utf-8",
        frame: Box::new(|| Ok(Frame { head: csv_header()?, tail: Vec::new() })),
        separator: b"",
        write: |profile, text| write_csv_rows(&profile.profile_id, &profile.draft, text),
        measure: Some(|profile| (&profile.profile_id, csv_rows_bytes(&profile.profile_id, &profile.draft))),
    }
}

/// The profiles of a user.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExportAnswer<'a> {
    #[serde(flatten)]
    file: File<'a>,
    /// The `cursor` of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}
