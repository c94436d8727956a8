//! Profiles with instruments that the catalog no longer contains or that have expired.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::{NaiveDate, Utc};
use registry_actors::persistence::Op;
use registry_planning::catalogue::Catalogue;
use registry_planning::plan::describe::trading_date;
use registry_planning::plan::{Reason, Rejection};
use registry_planning::profile::Profile;
use registry_store::profiles::ProfileFilter;
use registry_store::{Position, Store};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{USER_IDS, is_user_id};
use super::{ProfileEntry, answer, deadline};
use crate::http::blocking::run_blocking;
use crate::http::body::Fields;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::ids::is_profile_id;
use crate::http::pagination::{CURSOR_PREFIX, cursor_after};
use crate::http::problem::Problem;
use crate::http::query::{Parameters, whole};
use crate::http::schema::parameters;

/// The number of profiles that are read at once.
const LOOKED_AT: u32 = 200;
/// Maximum number of profiles that a request checks, because they are read and checked one by one.
const LOOKED_AT_MAX: u32 = 5_000;

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
const TOLD_MAX: usize = 20;

/// Lists active profiles with unknown, inactive or expired instruments, newest first.
#[utoipa::path(
    get, path = "/api/v1/internal/subscription-profiles/attention", tag = "profiles",
    operation_id = "list_profiles_for_attention",
    summary = "List profiles that need attention",
    description = "Returns active profiles with instruments that are malformed, unknown, inactive or expired, \
        newest first. One request checks up to 5,000 profiles. `next_cursor` continues the list.",
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
    let limit = parameters.optional("limit", "an integer from 1 to 200", |text| {
        whole::<usize>(text).filter(|limit| (1..=200).contains(limit))
    });
    let cursor = parameters.optional("cursor", "a `next_cursor` of an earlier response", |text| {
        text.strip_prefix(CURSOR_PREFIX).filter(|id| is_profile_id(id)).map(ToOwned::to_owned)
    });
    Fields::none().finish(parameters.finish())?;

    let (snapshot, limit, as_of) = (snapshot(&state)?, limit.unwrap_or(50), trading_date(Utc::now()));
    let deadline = deadline(&context, &snapshot);
    let filter = ProfileFilter { user_id, subscription_type: None, is_active: Some(true) };
    let mut found: Vec<(Profile, Vec<Rejection>)> = Vec::new();
    let (mut looked_at, mut position) = (0, cursor.map_or(Position::Offset(0), Position::After));
    let next_cursor = loop {
        let selected = filter.clone();
        let list = move |store: Arc<dyn Store>| async move { store.profiles(&selected, &position, LOOKED_AT).await };
        let page = state.system.persistence.run(Op::Profiles, deadline.into(), list).await?;
        let has_next = page.has_next;
        let (catalogue, capacity) = (Arc::clone(&snapshot.catalogue), limit - found.len());
        let result = run_blocking(deadline, move || check(page.items, &catalogue, as_of, capacity)).await?;
        found.extend(result.found);
        looked_at += result.looked_at;
        let Some(last) = result.last else { break None };
        if result.is_all && !has_next {
            break None;
        }
        if found.len() == limit || looked_at >= u64::from(LOOKED_AT_MAX) {
            break Some(cursor_after(&last));
        }
        position = Position::After(last);
    };
    let profiles = found.iter().map(|(profile, wrong)| Attention {
        profile: ProfileEntry::of(profile),
        wrong_count: wrong.len(),
        instruments: &wrong[..wrong.len().min(TOLD_MAX)],
    });
    Ok(answer(
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

/// The result of checking some profiles.
struct CheckResult {
    found: Vec<(Profile, Vec<Rejection>)>,
    /// The id of the last checked profile.
    last: Option<String>,
    looked_at: u64,
    /// Whether all profiles were checked.
    is_all: bool,
}

/// Checks profiles until `capacity` of them need attention.
fn check(profiles: Vec<Profile>, catalogue: &Catalogue, as_of: NaiveDate, capacity: usize) -> CheckResult {
    let (mut found, mut last, mut looked_at) = (Vec::new(), None, 0);
    let (now, total) = (Utc::now(), profiles.len() as u64);
    for profile in profiles {
        looked_at += 1;
        last = Some(profile.profile_id.clone());
        let mut wrong = profile.draft.invalid(catalogue, as_of, true);
        // The user knows the instruments that the rules of the profile exclude.
        wrong.retain(|rejection| rejection.reason != Reason::NotAllowed);
        if !wrong.is_empty() && !profile.is_expired(now) {
            found.push((profile, wrong));
            if found.len() == capacity {
                break;
            }
        }
    }
    CheckResult { found, last, looked_at, is_all: looked_at == total }
}
