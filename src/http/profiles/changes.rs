//! Creates and changes profiles.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use registry_planning::capacity::Capacity;
use registry_planning::profile::{Draft, Strategy};
use registry_store::profiles::{Change, Conflict, Done, IfVersion, ProfileCommand};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problems::{ChangeOutcome, change_outcome, failed_change};
use super::schemas;
use super::schemas::{ActivateBody, PatchBody, ProfileBody};
use super::{Caller, ProfileId, ShownProfile, body, deadline, keyed, now, profile_context};
use crate::http::body::JsonBody;
use crate::http::context::{AppState, RequestContext, snapshot};
use crate::http::idempotency;
use crate::http::problem::Problem;
use crate::http::query::{Parameters, whole};
use crate::http::response::framed;
use crate::http::schema::conflict::ProfileConflict;
use crate::http::schema::{parameters, types};

/// The result of a change of a profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeAnswer<'a> {
    /// The id of the profile.
    #[schema(value_type = types::ProfileId)]
    profile_id: &'a str,
    /// The user that the profile belongs to.
    user_id: &'a str,
    /// The change.
    #[schema(value_type = types::ChangeStatus)]
    status: &'static str,
    /// The number of conflicts that were resolved.
    conflicts_resolved: usize,
    /// The strategy in effect.
    #[schema(value_type = registry_planning::profile::Strategy)]
    resolution_strategy: &'static str,
    /// The conflicts that were resolved.
    #[schema(value_type = Vec<ProfileConflict>)]
    conflicts: &'a [Conflict],
    /// The profiles that were deactivated to resolve conflicts.
    #[schema(value_type = Vec<types::ProfileId>)]
    deactivated_profiles: &'a [String],
    /// The time that the operation took, in milliseconds.
    duration_ms: u64,
    /// The profile after the change.
    #[schema(value_type = schemas::SubscriptionProfile)]
    profile: ShownProfile<'a>,
}

/// Creates a profile.
#[utoipa::path(
    post, path = "/api/v1/internal/subscription-profiles", tag = "profiles", operation_id = "create_profile",
    summary = "Create a profile",
    description = "Creates an active profile. The strategy in effect resolves conflicts with the limits and with \
        other profiles of the user. The scope of an `Idempotency-Key` is the user. A request that fails with a \
        conflict (409) does not use its key: a repeat is decided again and records its conflicts again.",
    params(parameters::IdempotencyKey),
    request_body(content = ProfileBody, description = "The profile to create."),
    responses(
        (status = 200, description = "The profile.", body = ChangeAnswer<'_>, headers(("ETag" = String, description = "The version of the profile in quotes, for `If-Match`."))),
        (status = 409, description = "A limit is exceeded (`limit_exceeded`), or the strategy does not resolve the conflicts (`duplicate_subscription`, `invalid_instrument`, `profile_conflict`; `conflicts` lists them), or a request with the same `Idempotency-Key` is in flight (`idempotency_key_in_flight`)."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    if let Some(key) = idempotency::key_of(&headers)? {
        return keyed::create(&state, &context, &caller, &uri, &body, key).await;
    }
    let (user_id, draft) = new_profile(&uri, &body, now(), snapshot(&state)?.brokers.capacity())?;
    let profile_id = new_id();
    change(&state, &context, caller, "created", |profile_context| ProfileCommand::Create {
        profile_id,
        user_id,
        draft,
        profile_context,
    })
    .await
}

pub(super) fn new_profile(
    uri: &Uri,
    body: &JsonBody,
    now: DateTime<Utc>,
    capacity: &Capacity,
) -> Result<(String, Draft), Problem> {
    let mut fields = body.fields()?;
    let (user_id, draft) = (body::user_id(&mut fields), body::draft(&mut fields, now, capacity));
    fields.finish(Parameters::of(uri).finish())?;
    // If a value is missing here, a fault was reported above.
    user_id.zip(draft).ok_or_else(Problem::internal)
}

/// Returns the id of a new profile. Ids are ordered by time.
pub(super) fn new_id() -> String {
    format!("profile_{}", Uuid::now_v7().simple())
}

/// Changes the fields of an active profile that the body contains.
#[utoipa::path(
    put, path = "/api/v1/internal/subscription-profiles/{profile_id}", tag = "profiles",
    operation_id = "update_profile",
    summary = "Update a profile",
    description = "Changes the fields that the body contains. Other fields do not change. The profile must be \
        active.",
    params(parameters::ProfilePath, parameters::IfMatch),
    request_body(content = PatchBody, description = "The fields to change: at least one."),
    responses(
        (status = 200, description = "The profile.", body = ChangeAnswer<'_>, headers(("ETag" = String, description = "The version of the profile in quotes, for `If-Match`."))),
        (status = 404, description = "The profile does not exist."),
        (status = 409, description = "The profile is inactive or has expired (`profile_inactive`, `profile_expired`), a limit is exceeded (`limit_exceeded`), or the strategy does not resolve the conflicts (`duplicate_subscription`, `invalid_instrument`, `profile_conflict`)."),
        (status = 412, description = "The profile has another version: `version_mismatch`."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn update(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    ProfileId(profile_id): ProfileId,
    caller: Caller,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.fields()?;
    if fields.is_empty() {
        fields.fault_of_all("expected at least one field of a profile, got none");
    }
    let patch = body::patch(&mut fields, now(), snapshot(&state)?.brokers.capacity());
    fields.finish(Parameters::of(&uri).finish())?;
    let if_version = caller.if_version.clone();
    let command = |profile_context| ProfileCommand::Update { profile_id, if_version, patch, profile_context };
    change(&state, &context, caller, "updated", command).await
}

/// Deactivates a profile, which keeps its history.
#[utoipa::path(
    delete, path = "/api/v1/internal/subscription-profiles/{profile_id}", tag = "profiles",
    operation_id = "deactivate_profile",
    summary = "Deactivate a profile",
    description = "Deactivates a profile. The profile and its history are kept. An inactive profile does not \
        change.",
    params(parameters::ProfilePath, parameters::IfMatch),
    responses(
        (status = 200, description = "The profile.", body = ChangeAnswer<'_>, headers(("ETag" = String, description = "The version of the profile in quotes, for `If-Match`."))),
        (status = 404, description = "The profile does not exist."),
        (status = 412, description = "The profile has another version: `version_mismatch`."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn deactivate(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    ProfileId(profile_id): ProfileId,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let if_version = caller.if_version.clone();
    change(&state, &context, caller, "deactivated", |_| ProfileCommand::Deactivate { profile_id, if_version }).await
}

/// Activates a profile.
#[utoipa::path(
    post, path = "/api/v1/internal/subscription-profiles/{profile_id}/activate", tag = "profiles",
    operation_id = "activate_profile",
    summary = "Activate a profile",
    description = "Activates a profile that is inactive or has expired. A profile that has expired requires a \
        later `expires_at`, or null.",
    params(parameters::ProfilePath, parameters::IfMatch),
    request_body(content = Option<ActivateBody>, description = "The new expiry. The body may be empty."),
    responses(
        (status = 200, description = "The profile.", body = ChangeAnswer<'_>, headers(("ETag" = String, description = "The version of the profile in quotes, for `If-Match`."))),
        (status = 404, description = "The profile does not exist."),
        (status = 409, description = "The profile has expired (`profile_expired`), a limit is exceeded (`limit_exceeded`), or the strategy does not resolve the conflicts (`duplicate_subscription`, `invalid_instrument`, `profile_conflict`)."),
        (status = 412, description = "The profile has another version: `version_mismatch`."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn activate(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    ProfileId(profile_id): ProfileId,
    caller: Caller,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.optional_fields()?;
    let is_endless = fields.is_null("expires_at");
    let later = fields.optional_future_time("expires_at", now());
    fields.finish(Parameters::of(&uri).finish())?;
    let expires_at = if is_endless { Some(None) } else { later.map(Some) };
    let if_version = caller.if_version.clone();
    let command = |profile_context| ProfileCommand::Activate { profile_id, if_version, expires_at, profile_context };
    change(&state, &context, caller, "activated", command).await
}

/// Restores an earlier version of an active profile as its new version.
#[utoipa::path(
    post, path = "/api/v1/internal/subscription-profiles/{profile_id}/versions/{version}/restore", tag = "profiles",
    operation_id = "restore_profile_version",
    summary = "Restore a version of a profile",
    description = "Creates a new version of an active profile from an earlier version.",
    params(parameters::ProfilePath, parameters::ProfileVersionPath, parameters::IfMatch),
    responses(
        (status = 200, description = "The profile.", body = ChangeAnswer<'_>, headers(("ETag" = String, description = "The version of the profile in quotes, for `If-Match`."))),
        (status = 404, description = "The profile or the version does not exist."),
        (status = 409, description = "The profile is inactive or has expired (`profile_inactive`, `profile_expired`), a limit is exceeded (`limit_exceeded`), or the strategy does not resolve the conflicts (`duplicate_subscription`, `invalid_instrument`, `profile_conflict`)."),
        (status = 412, description = "The profile has another version: `version_mismatch`."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn restore(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    ProfileId(profile_id): ProfileId,
    Path((_, version)): Path<(String, String)>,
    caller: Caller,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    body.optional_fields()?.finish(Parameters::of(&uri).finish())?;
    let version = version_in(&version)
        .ok_or_else(|| Problem::malformed_id("profile version must be an integer of at least 1"))?;
    let if_version = caller.if_version.clone();
    let command = |profile_context| ProfileCommand::Restore { profile_id, if_version, version, profile_context };
    change(&state, &context, caller, "restored", command).await
}

/// The version in a path. A number beyond every version is a version that does not exist.
fn version_in(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && text.bytes().any(|byte| byte != b'0');
    is_number.then(|| whole(text).unwrap_or(u32::MAX))
}

/// Returns the versions in `If-Match`, or `None` if it accepts any version. A tag that this service does not create is
/// not a version.
pub(super) fn if_version(headers: &HeaderMap) -> Option<IfVersion> {
    let mut tags = headers.get_all(header::IF_MATCH).iter().peekable();
    tags.peek()?;
    let mut versions = Vec::new();
    for tag in tags.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim) {
        if tag == "*" {
            return None;
        }
        let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(whole::<u32>);
        versions.extend(version);
    }
    Some(IfVersion(versions))
}

async fn change(
    state: &AppState,
    context: &RequestContext,
    caller: Caller,
    status: &'static str,
    command: impl FnOnce(registry_store::profiles::ProfileContext) -> ProfileCommand,
) -> Result<Response, Problem> {
    let started_at = Instant::now();
    let snapshot = snapshot(state)?;
    let now = now();
    let change = change_of(command(profile_context(&snapshot, now)), &caller, context, now);
    let strategy = snapshot.settings.conflict_resolution_strategy;
    let changed = state.system.persistence.change_profile(change, deadline(context, &snapshot).into()).await;
    let done = match change_outcome(changed.map_err(failed_change)?)? {
        ChangeOutcome::Done(done) => *done,
        ChangeOutcome::Unchanged(profile) => Done { profile: *profile, conflicts: Vec::new(), deactivated: Vec::new() },
    };
    let answer = framed(context, change_answer(&done, status, strategy, started_at));
    Ok(with_tag(answer, done.profile.version))
}

/// Returns the response to a change, without the fields of the request.
pub(super) fn change_answer<'a>(
    done: &'a Done,
    status: &'static str,
    strategy: Strategy,
    started_at: Instant,
) -> ChangeAnswer<'a> {
    let Done { profile, conflicts, deactivated } = done;
    ChangeAnswer {
        profile_id: &profile.profile_id,
        user_id: &profile.user_id,
        status,
        conflicts_resolved: conflicts.len(),
        resolution_strategy: strategy.as_str(),
        conflicts,
        deactivated_profiles: deactivated,
        duration_ms: u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX),
        profile: ShownProfile::of(profile),
    }
}

pub(super) fn change_of(
    command: ProfileCommand,
    caller: &Caller,
    context: &RequestContext,
    now: chrono::DateTime<chrono::Utc>,
) -> Change {
    Change {
        command,
        actor: caller.actor.clone(),
        correlation_id: context.correlation_id.to_string(),
        now,
        claim: None,
    }
}

/// Returns the response with the version of a profile as its entity tag, which `If-Match` is compared with.
pub(super) fn with_tag(mut response: Response, version: u32) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_beyond_all_others_is_valid() {
        assert_eq!(version_in("7"), Some(7));
        assert_eq!(version_in("99999999999999999999"), Some(u32::MAX));
        for text in ["", "0", "00", "-1", "+1", "1.0", "x"] {
            assert_eq!(version_in(text), None, "{text}");
        }
    }

    #[test]
    fn if_match_names_versions_any_or_none() {
        let parse_if_match = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_MATCH, HeaderValue::from_static(value));
            }
            if_version(&headers)
        };

        assert_eq!(parse_if_match(&[]), None);
        assert_eq!(parse_if_match(&["*"]), None);
        assert_eq!(parse_if_match(&["\"3\""]), Some(IfVersion(vec![3])));
        assert_eq!(parse_if_match(&["\"3\", \"5\"", "\"7\""]), Some(IfVersion(vec![3, 5, 7])));
        // A weak tag never matches, and a tag that is not a version matches nothing.
        assert_eq!(parse_if_match(&["W/\"3\""]), Some(IfVersion(vec![])));
        assert_eq!(parse_if_match(&["\"abc\", 3"]), Some(IfVersion(vec![])));
    }
}
