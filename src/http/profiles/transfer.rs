//! Imports many profiles at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use registry_actors::snapshot::Snapshot;
use registry_planning::profile::Draft;
use registry_store::profiles::{CommandOutcome, Done, ProfileCommand};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::NAME_CHARACTERS_MAX;
use super::changes::{change_of, new_id};
use super::import_export::{RejectedRow, RowDefaults, UnreadableFile, Watchlist, read_csv, read_json};
use super::problems::{change_outcome, failed_change};
use super::reading::named_user;
use super::schemas::ImportedProfile;
use super::{Caller, deadline, now, profile_context};
use crate::http::blocking::run_blocking;
use crate::http::body::{IMPORTS, JsonBody, is_json};
use crate::http::completing::CompletingTasks;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::path::PathText;
use crate::http::problem::{Fault, Problem};
use crate::http::query::Parameters;
use crate::http::response::framed;
use crate::http::schema::{parameters, types};

/// The result of an import.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportAnswer {
    /// The number of profiles that were created and are active.
    created: usize,
    /// The number of profiles that were created, then deactivated because of a later profile in the file.
    deactivated: usize,
    /// The number of profiles that failed.
    failed: usize,
    /// One result for each profile, in the order of the file.
    results: Vec<ImportResult>,
    /// The time that the import took, in milliseconds.
    duration_ms: u64,
}

/// The result for a profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImportResult {
    /// The start of the profile: the line of the CSV file, or the position in the JSON array, from 1.
    row: u64,
    /// The name of the profile. Absent if the file has no readable name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    profile_name: Option<String>,
    /// The result for the profile.
    #[schema(value_type = types::ImportStatus)]
    status: &'static str,
    /// The id of the profile. Absent if the profile was not created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<types::ProfileId>, nullable = false)]
    profile_id: Option<String>,
    /// The number of instruments of the profile. Absent if the profile was not created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    instrument_count: Option<usize>,
    /// The number of conflicts that were resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conflicts_resolved: Option<usize>,
    /// The profiles that were deactivated to resolve conflicts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deactivated_profiles: Vec<String>,
    /// The code of the problem. Absent if the profile was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<&'static str>,
    /// The cause of the problem and, if there is one, the remedy. Absent if the profile was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// The validation errors of the profile. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// The number of rows that were rejected.
    rejected_count: u64,
    /// The first 100 rejected rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected_rows: Vec<RejectedRow>,
}

/// The profiles to import.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // The body is read field by field; this is its documentation.
pub(crate) struct ImportBody {
    /// The profiles to create.
    #[schema(min_items = 1, max_items = 1000)]
    profiles: Vec<ImportedProfile>,
}

/// Creates a profile from each watchlist in a file. A failed profile does not affect the others.
#[utoipa::path(
    post, path = "/api/v1/internal/subscription-profiles/users/{user_id}/import", tag = "profiles",
    operation_id = "import_profiles",
    summary = "Import profiles",
    description = "Creates a profile for each entry of a file. An entry that fails does not affect the others.",
    params(parameters::UserPath, parameters::ImportQuery),
    request_body(
        content(
            (ImportBody = "application/json"),
            (types::CsvFile = "text/csv"),
            (types::CsvFile = "text/plain"),
        ),
        description = "The profiles as JSON, or as CSV with one key per line or a header with the columns `profile_id`, `profile_name`, `subscription_type` and `instrument`.",
    ),
    responses(
        (status = 200, description = "The result for each entry.", body = ImportAnswer),
        (status = 415, description = "The body is neither JSON nor CSV."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn import(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PathText(user_id): PathText,
    caller: Caller,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let started_at = Instant::now();
    let user_id = named_user(user_id)?;
    let is_json = is_json(request.headers());
    if !is_json && !is_csv(request.headers()) {
        return Err(Problem::unsupported_media_type("application/json, text/csv or text/plain"));
    }
    let mut parameters = Parameters::of(&uri);
    let profile_name = parameters.optional("profile_name", "1 to 255 characters other than U+0000", |name| {
        let is_name = (1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) && !name.contains('\0');
        is_name.then(|| name.to_owned())
    });
    let kind = parameters.optional_word("subscription_type");
    if is_json && profile_name.is_some() {
        parameters.fault("profile_name", "applies to CSV only".to_owned());
    }
    if is_json && kind.is_some() {
        parameters.fault("subscription_type", "applies to CSV only".to_owned());
    }
    parameters.check()?;
    let body = JsonBody::read_within(&IMPORTS, request.into_body()).await?;
    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot);
    let brokers = Arc::clone(&snapshot.brokers);
    let read = move || {
        if is_json {
            return read_json(&body, now(), brokers.capacity());
        }
        let usual = RowDefaults::default();
        let defaults = RowDefaults {
            profile_name: profile_name.unwrap_or(usual.profile_name),
            subscription_type: kind.unwrap_or(usual.subscription_type),
        };
        let whole = |fault: UnreadableFile| Problem::invalid(vec![Fault { pointer: String::new(), detail: fault.0 }]);
        read_csv(body.bytes(), &defaults).map_err(whole)
    };
    let importing = Importing { state, context: context.clone(), caller, snapshot, user_id, deadline };
    // The import of a file completes even if the caller disconnects.
    let import = async move {
        // A body of 2 MiB can have 200,000 rows.
        let lists = run_blocking(deadline, read).await??;
        Ok::<_, Problem>(importing.all(lists).await)
    };
    let results = IMPORTING.run(deadline, import).await??;
    let of = |status: &str| results.iter().filter(|result| result.status == status).count();
    let (created, deactivated, failed) = (of(CREATED), of(DEACTIVATED), of(FAILED));
    let duration_ms = u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(framed(&context, ImportAnswer { created, deactivated, failed, results, duration_ms }))
}

/// Two imports at once: while one stores its profiles, the next one is read. The lists of a file need up to ten times
/// its bytes while it is read.
static IMPORTING: CompletingTasks = CompletingTasks::new(2);

const CREATED: &str = "created";
const DEACTIVATED: &str = "deactivated";
const FAILED: &str = "failed";

/// The state of an import.
struct Importing {
    state: Arc<AppState>,
    context: RequestContext,
    caller: Caller,
    snapshot: Arc<Snapshot>,
    user_id: String,
    deadline: Instant,
}

impl Importing {
    /// Creates the profiles one by one. After a timeout, or if the database is unavailable, the rest is not attempted.
    async fn all(self, lists: Vec<Watchlist>) -> Vec<ImportResult> {
        let mut results: Vec<ImportResult> = Vec::with_capacity(lists.len());
        let mut obstacle: Option<String> = None;
        for list in lists {
            let Watchlist { row, profile_name, draft, rejected_count, rejected_rows } = list;
            let made = match (draft, &obstacle) {
                (Err(problem), _) => Err(*problem),
                (Ok(_), Some(obstacle)) => Err(Problem::not_tried(obstacle)),
                (Ok(draft), None) => self.create(draft).await,
            };
            if let Err(Problem {
                status: StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT, detail, ..
            }) = &made
                && obstacle.is_none()
            {
                obstacle = Some(format!("not attempted, because row {row} failed: {detail}"));
            }
            let result = ImportResult {
                row,
                profile_name,
                status: if made.is_ok() { CREATED } else { FAILED },
                profile_id: None,
                instrument_count: None,
                conflicts_resolved: None,
                deactivated_profiles: Vec::new(),
                code: None,
                detail: None,
                errors: Vec::new(),
                rejected_count,
                rejected_rows,
            };
            results.push(match made {
                Ok(Done { profile, conflicts, deactivated }) => ImportResult {
                    profile_id: Some(profile.profile_id),
                    instrument_count: Some(profile.draft.instruments.len()),
                    conflicts_resolved: Some(conflicts.len()),
                    deactivated_profiles: deactivated,
                    ..result
                },
                Err(Problem { code, detail, faults, .. }) => {
                    ImportResult { code: Some(code), detail: Some(detail), errors: faults, ..result }
                }
            });
        }
        let gone: HashSet<String> = results.iter().flat_map(|result| result.deactivated_profiles.clone()).collect();
        for result in &mut results {
            if result.profile_id.as_ref().is_some_and(|id| gone.contains(id)) {
                result.status = DEACTIVATED;
            }
        }
        results
    }

    async fn create(&self, draft: Draft) -> Result<Done, Problem> {
        let now = now();
        let (profile_id, user_id) = (new_id(), self.user_id.clone());
        let command = ProfileCommand::Create {
            profile_id,
            user_id,
            draft,
            profile_context: profile_context(&self.snapshot, now),
        };
        let change = change_of(command, &self.caller, &self.context, now);
        let changed = self.state.system.persistence.change_profile(change, self.deadline.into()).await;
        match changed.map_err(failed_change)? {
            CommandOutcome::Done(done) => Ok(*done),
            other => Err(change_outcome(other).err().unwrap_or_else(Problem::internal)),
        }
    }
}

fn is_csv(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("text/csv") || kind.eq_ignore_ascii_case("text/plain")
}
