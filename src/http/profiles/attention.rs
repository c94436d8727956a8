//! Profiles with instruments that the catalog no longer contains or that have expired.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::{NaiveDate, Utc};
use registry_planning::catalogue::Catalogue;
use registry_planning::plan::describe::trading_date;
use registry_planning::plan::{Reason, Rejection};
use registry_store::Position;
use registry_store::profiles::{ProfileFilter, ProfileSummary, StoredProfile};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{USER_IDS, is_user_id};
use super::documents::WholeProfiles;
use super::{ProfileEntry, deadline};
use crate::http::blocking::run_blocking;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::ids::is_profile_id;
use crate::http::pagination::{cursor_after, read_cursor};
use crate::http::portions::{Reader, Rows};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::framed;
use crate::http::schema::parameters;

const PROFILES_PER_READ: u32 = 200;
/// Maximum number of profiles that a request checks, because they are read and checked one by one.
const CHECKED_PROFILES_MAX: u32 = 5_000;
/// Maximum size of the profiles that a request checks, in bytes as stored. One profile is always checked.
const CHECKED_BYTES_MAX: u64 = 64 << 20;

/// The profiles that need attention.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttentionAnswer<'a> {
    /// The entries, newest first.
    profiles: Vec<Attention<'a>>,
    /// The number of active profiles that the request checked.
    looked_at: u64,
    /// The `cursor` of the next page. Absent if all profiles were checked. Even an empty page may have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
    /// The version of the catalog that the profiles were compared with.
    catalogue_version: &'a str,
    /// The trading date that expiries were compared with.
    as_of: NaiveDate,
}

/// A profile with instruments that are malformed, unknown, inactive or expired.
#[derive(Serialize, ToSchema)]
pub(crate) struct Attention<'a> {
    #[serde(flatten)]
    profile: ProfileEntry<'a>,
    /// The number of instruments that are malformed, unknown, inactive or expired.
    wrong_count: usize,
    /// The first twenty of these instruments, with suggestions.
    instruments: &'a [Rejection],
}

/// Maximum number of instruments of a profile that are listed.
const LISTED_INSTRUMENTS_MAX: usize = 20;

/// Lists active profiles with unknown, inactive or expired instruments, newest first.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/attention", tag = "profiles",
    operation_id = "list_profiles_for_attention",
    summary = "List profiles that need attention",
    description = "Returns active profiles with instruments that are malformed, unknown, inactive or expired, \
        newest first. One request checks up to 5,000 profiles, at most 64 MiB as stored. `next_cursor` continues the list.",
    params(parameters::AttentionQuery),
    responses(
        (status = 200, description = "A page of profiles that need attention.", body = AttentionAnswer<'_>),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    let user_id = parameters.optional("user_id", USER_IDS, |text| is_user_id(text).then(|| text.to_owned()));
    let limit = parameters.within("limit", 1..=200);
    let cursor = read_cursor(&mut parameters, is_profile_id);
    parameters.check()?;

    let (snapshot, limit, as_of) = (snapshot(&state)?, limit.unwrap_or(50), trading_date(Utc::now()));
    let deadline = deadline(&context, &snapshot);
    let filter = ProfileFilter { user_id, subscription_type: None, is_active: Some(true) };
    let mut found: Vec<FoundProfile> = Vec::new();
    let (mut looked_at, mut bytes) = (0, 0_u64);
    let mut position = cursor.map_or(Position::Offset(0), Position::After);
    let next_cursor = loop {
        let reader = Reader::new(WholeProfiles(filter.clone()), &state.system.persistence);
        let mut page = reader.whole_page(position, PROFILES_PER_READ, deadline).await?;
        let mut last = None;
        while let Some(Rows { rows, bytes: read, memory, .. }) = page.next(deadline).await? {
            bytes = bytes.saturating_add(read);
            let (catalogue, capacity) = (Arc::clone(&snapshot.catalogue), limit - found.len());
            let check = move || {
                let _memory = memory;
                check(rows, &catalogue, as_of, capacity)
            };
            let result = run_blocking(deadline, check).await?.map_err(|fault| {
                tracing::error!(%fault, "failed to read the preferences of a profile");
                Problem::internal()
            })?;
            found.extend(result.found);
            looked_at += result.looked_at;
            last = result.last.or(last);
            if page.is_read() && result.is_all && !page.outline.has_next {
                last = None;
            }
            if found.len() == limit || bytes >= CHECKED_BYTES_MAX {
                break;
            }
        }
        let Some(last) = last else { break None };
        if found.len() == limit || bytes >= CHECKED_BYTES_MAX || looked_at >= u64::from(CHECKED_PROFILES_MAX) {
            break Some(cursor_after(&last));
        }
        position = Position::After(last);
    };
    let profiles = found.iter().map(|FoundProfile { profile, wrong_count, first }| Attention {
        profile: ProfileEntry::of(profile),
        wrong_count: *wrong_count,
        instruments: first,
    });
    Ok(framed(
        &context,
        AttentionAnswer {
            profiles: profiles.collect(),
            looked_at,
            next_cursor,
            catalogue_version: snapshot.catalogue.version(),
            as_of,
        },
    ))
}

/// A profile that needs attention.
struct FoundProfile {
    profile: ProfileSummary,
    wrong_count: usize,
    /// The first of its rejected instruments.
    first: Vec<Rejection>,
}

struct CheckResult {
    found: Vec<FoundProfile>,
    /// The id of the last checked profile.
    last: Option<String>,
    looked_at: u64,
    is_all: bool,
}

/// Checks profiles until `capacity` of them need attention. They are parsed one by one, because a parsed profile needs
/// more memory than its text.
fn check(
    profiles: Vec<StoredProfile>,
    catalogue: &Catalogue,
    as_of: NaiveDate,
    capacity: usize,
) -> serde_json::Result<CheckResult> {
    let (mut found, mut last, mut looked_at) = (Vec::new(), None, 0);
    let (now, total) = (Utc::now(), profiles.len() as u64);
    for profile in profiles {
        let profile = profile.parse()?;
        looked_at += 1;
        last = Some(profile.profile_id.clone());
        let mut wrong = profile.draft.invalid(catalogue, as_of, true);
        // The user knows the instruments that the rules of the profile exclude.
        wrong.retain(|rejection| rejection.reason != Reason::NotAllowed);
        if !wrong.is_empty() && !profile.is_expired(now) {
            let (profile, wrong_count) = (ProfileSummary::from(&profile), wrong.len());
            wrong.truncate(LISTED_INSTRUMENTS_MAX);
            wrong.shrink_to_fit();
            found.push(FoundProfile { profile, wrong_count, first: wrong });
            if found.len() == capacity {
                break;
            }
        }
    }
    Ok(CheckResult { found, last, looked_at, is_all: looked_at == total })
}
