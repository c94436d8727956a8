//! Creates, describes and reads plans.

mod dry_run;
pub(crate) mod explain;
mod keyed;
pub(crate) mod listing;
mod previous;
pub(crate) mod rebalance;
mod rendering;
mod request;
mod schemas;
pub(crate) mod subscriptions;
mod tags;
pub(crate) mod transition;
pub(crate) mod verify;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Extension, FromRequestParts, OriginalUri, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{NaiveDate, Utc};
use metrics::counter;
use registry_actors::cache::{CachedPlan, Fingerprint, Ready};
use registry_actors::persistence::profiles::FoundProfile;
use registry_actors::planner::PlanError;
use registry_actors::snapshot::Snapshot;
use registry_planning::json::ObjectWriter;
use registry_planning::plan::Plan;
use registry_planning::plan::describe::{
    Description, DescriptionLevel, Present, describe as describe_plan, trading_date,
};
use registry_planning::profile::Profile;
use registry_planning::request::{PlanRequest, Resolved};
use registry_planning::source::Source;
use registry_planning::subscriptions::Subscription;
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use self::previous::replacing;
pub(super) use self::rendering::write_plan;
use self::rendering::{IncludedSubscriptions, PlanResponse, ready};
use self::request::{ParsedRequest, RequestContent};
pub(super) use self::request::{PlanOverrides, request_from};
use self::schemas::{PlanAnswer, PlanBody};
use self::tags::{entity_tag, with_tag};
use super::blocking::run_unless_quick;
use super::body::JsonBody;
use super::context::{AppState, RequestContext, deadline, snapshot};
use super::idempotency;
use super::portions::large_object;
use super::problem::Problem;
use super::profile_state::{is_usable, no_such_profile};
use super::query::Parameters;
use super::response::{framed, is_known_to_caller, write_request_fields};
use super::schema::{parameters, types};
use super::shedding;
use crate::metrics::{DESCRIPTIONS, ERROR, REQUESTS_SHED, SUCCESS};

/// Maximum number of items of a request that are resolved on the threads that serve requests.
const QUICK_ITEMS_MAX: usize = 1000;
/// Maximum number of instruments of a plan that is described, or rendered after it was read, on these threads.
const QUICK_INSTRUMENTS_MAX: usize = 100;

/// Creates a plan, or returns the plan that was created for the same request.
#[utoipa::path(
    post, path = "/api/v1/internal/instrument-registry/subscriptions/plan", tag = "plans",
    operation_id = "create_plan",
    summary = "Create a plan",
    description = "Returns the plan for a set of instruments: a new one, which is stored before the response is \
        sent, or the one that was created for an equal request and is still in a cache. Exactly one of \
        `instruments`, `items`, `profile_id` and `selectors` provides the set. A body with `items` may have 4 MiB, any \
        other one 2 MiB. Options that are absent or null come from \
        the settings. The scope of an `Idempotency-Key` is the user. The repeated response has the `status`, \
        `cache_hit` and `duration_ms` of the first one, and requires the database even if the plan is cached.",
    params(parameters::UserQuery, parameters::IncludeQuery, parameters::IdempotencyKey),
    request_body(content = PlanBody, description = "The instruments in one of four ways, and the options of the plan."),
    responses(
        (status = 200, description = "The plan.", body = PlanAnswer),
        (status = 404, description = "The user has no profile or no previous plan with this id."),
        (status = 409, description = "The profile is inactive or has expired (`profile_inactive`, `profile_expired`), the previous plan is at another broker or at none (`plan_at_other_broker`), or has no subscriptions (`plan_without_subscriptions`), the pinned instruments exceed a limit of the broker (`pinned_over_capacity`), the response should include the subscriptions of a plan that names no broker or is for historical data (`plan_without_broker`, `plan_without_subscriptions`), or a request with the same `Idempotency-Key` is in flight (`idempotency_key_in_flight`)."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn create(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    match idempotency::key_of(&headers)? {
        Some(key) => keyed::plan_response(&state, &context, &uri, &body, key).await,
        None => plan_response(&state, &context, &uri, &body).await,
    }
}

/// Responds to a plan request without an idempotency key. A repeat is served by its fingerprint, without parsing.
/// Another request gets the cached plan of the same set, or a new one.
pub(super) async fn plan_response(
    state: &AppState,
    context: &RequestContext,
    uri: &Uri,
    body: &JsonBody,
) -> Result<Response, Problem> {
    let snapshot = snapshot(state)?;
    let deadline = deadline(context, &snapshot);
    // The date is read once: the fingerprint and the parsed request must have the same date.
    let today = trading_date(Utc::now());
    let started_at = Instant::now();
    let fingerprint = state.fingerprint_key.fingerprint(uri, body.bytes(), today, &snapshot.request_hash);
    if let Some(ready) = state.system.cache.by_fingerprint(fingerprint) {
        let took = started_at.elapsed();
        let repeat = PlanResponse { context, uri, took, ready: &ready, is_reused: true, warning: None, deadline };
        return repeat.write().await;
    }
    // The future is boxed so that the future of a repeat, which is served above, stays small.
    Box::pin(new_plan_response(state, context, uri, body, Arrival { snapshot, today, deadline, fingerprint })).await
}

/// Responds to a plan request while no planner has capacity, if it is a repeat. Its body is not stored.
///
/// # Errors
/// If the body does not arrive.
pub(super) async fn repeat_response(
    state: &AppState,
    context: &RequestContext,
    uri: &Uri,
    body: Body,
    snapshot: &Snapshot,
) -> Result<Option<Response>, Problem> {
    let started_at = Instant::now();
    let hasher = state.fingerprint_key.begin(uri, trading_date(Utc::now()), &snapshot.request_hash);
    let fingerprint = shedding::fingerprint(hasher, body).await?;
    let ready = state.system.cache.by_fingerprint(fingerprint);
    let Some(ready) = ready else { return Ok(None) };
    let (took, deadline) = (started_at.elapsed(), deadline(context, snapshot));
    let repeat = PlanResponse { context, uri, took, ready: &ready, is_reused: true, warning: None, deadline };
    repeat.write().await.map(Some)
}

struct Arrival {
    snapshot: Arc<Snapshot>,
    today: NaiveDate,
    deadline: Instant,
    fingerprint: Fingerprint,
}

/// Responds to a plan request that is not a repeat.
async fn new_plan_response(
    state: &AppState,
    context: &RequestContext,
    uri: &Uri,
    body: &JsonBody,
    Arrival { snapshot, today, deadline, fingerprint }: Arrival,
) -> Result<Response, Problem> {
    reject_if_at_capacity(state)?;
    let parsed = request::parse_plan_request(uri, body, &snapshot, today, deadline).await?;
    let ParsedRequest { content, is_dry_run, includes_subscriptions } = parsed;
    // A plan of a profile depends on the profile, which a fingerprint does not cover.
    let fingerprint = matches!(content, RequestContent::Complete(_)).then_some(fingerprint);
    let (request, warning) = match content {
        RequestContent::Complete(request) => (*request, None),
        RequestContent::OfProfile { user_id, profile_id, overrides } => {
            let found = state.system.persistence.profile_or_last_known(profile_id, deadline.into()).await?;
            let warning = found.as_ref().and_then(last_known_warning);
            (of_profile(found.map(|found| found.profile), &user_id, *overrides, &snapshot)?, warning)
        }
    };
    let request = previous::with_previous(state, context, &snapshot, request).await?;
    if includes_subscriptions {
        subscriptions::require_subscriptions(&request, &snapshot)?;
    }
    if is_dry_run {
        return dry_run::dry_run_response(state, context, uri, request, snapshot, deadline, warning).await;
    }
    let started_at = Instant::now();
    let (ready, is_reused) = cached_or_new_plan(state, request, snapshot, deadline).await?;
    if let Some(fingerprint) = fingerprint {
        state.system.cache.alias(fingerprint, &ready);
    }
    let took = started_at.elapsed();
    PlanResponse { context, uri, took, ready: &ready, is_reused, warning, deadline }.write().await
}

/// Returns the warning about a profile that is only the last known one. It is not part of the plan: plan and cache key
/// depend on the version of the profile alone.
fn last_known_warning(found: &FoundProfile) -> Option<String> {
    let version = found.profile.version;
    let warning = || format!("database unavailable: used version {version} of the profile, the last one known");
    (!found.is_current).then(warning)
}

/// Rejects a request if no planner has capacity. This is the first step, because the cost of a rejection is taken from
/// the requests that are admitted.
fn reject_if_at_capacity(state: &AppState) -> Result<(), Problem> {
    if state.system.planners.has_capacity() {
        return Ok(());
    }
    counter!(REQUESTS_SHED).increment(1);
    Err(Problem::overloaded())
}

/// Returns the request for a plan of a user's profile.
fn of_profile(
    profile: Option<Arc<Profile>>,
    user_id: &str,
    overrides: PlanOverrides,
    snapshot: &Snapshot,
) -> Result<PlanRequest, Problem> {
    // A user cannot see the profiles of others.
    let profile = profile.filter(|profile| profile.user_id == user_id).ok_or_else(no_such_profile)?;
    is_usable(&profile, Utc::now())?;
    request_from(&profile, overrides, snapshot)
}

pub(super) async fn cached_or_new_plan(
    state: &AppState,
    request: PlanRequest,
    snapshot: Arc<Snapshot>,
    deadline: Instant,
) -> Result<(Ready, bool), Problem> {
    let request = Arc::new(request);
    let resolved = resolve(&request, &snapshot, deadline).await?;
    let (cached, is_reused) = match state.system.cache.get(resolved.cache_key()) {
        Some(cached) => (cached, true),
        None => {
            let planned = state.system.planners.plan(Arc::clone(&request), resolved, snapshot, deadline.into()).await;
            let planned = planned.map_err(|fault| plan_problem(fault, &request.source))?;
            (planned.cached, planned.is_reused)
        }
    };
    Ok((ready(state, cached, deadline).await?, is_reused))
}

/// Returns the problem of a plan that was not created from this source. Only items of the body can pin instruments; the
/// pins of a profile are in its preferences.
fn plan_problem(fault: PlanError, source: &Source) -> Problem {
    match (fault, source) {
        (PlanError::PinnedOverCapacity(over), Source::Items(_)) => Problem::pinned_over_capacity(&over, "/items"),
        (fault, _) => fault.into(),
    }
}

/// Resolves a request. Selectors visit the whole catalog, and items can be many, so they are resolved outside the
/// threads that serve requests.
async fn resolve(
    request: &Arc<PlanRequest>,
    snapshot: &Arc<Snapshot>,
    deadline: Instant,
) -> Result<Arc<Resolved>, Problem> {
    let has_many = matches!(&request.source, Source::Items(items) if items.len() > QUICK_ITEMS_MAX);
    let previous = request.feed.previous.as_ref().and_then(|previous| previous.placement.as_ref());
    let follows_many = previous.is_some_and(|previous| previous.places.len() > QUICK_ITEMS_MAX);
    let is_quick = !has_many && !follows_many && !request.source.has_selectors();
    let (request, snapshot) = (Arc::clone(request), Arc::clone(snapshot));
    let resolve = move || Arc::new(Resolved::new(&request, snapshot.basis(), &snapshot.hash));
    run_unless_quick(is_quick, deadline, resolve).await
}

/// The id of the plan in the path. An id that cannot be decoded is unknown.
pub(crate) struct PlanId(String);

impl<S: Send + Sync> FromRequestParts<S> for PlanId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(plan_id)) => Ok(PlanId(plan_id)),
            Err(_) => Err(no_such_plan()),
        }
    }
}

fn no_such_plan() -> Problem {
    Problem::not_found("unknown plan id")
}

/// The options of a description. The body may be empty.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // The body is read field by field; this is its documentation.
pub(crate) struct DescribeBody {
    /// The level of detail. If it is absent or null, it is `detailed`.
    description_level: Option<DescriptionLevel>,
}

/// The description of a plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct DescribeAnswer {
    #[serde(flatten)]
    description: Description,
    /// The time that it took to describe the plan, in milliseconds.
    duration_ms: u64,
    /// Always `v1`.
    #[schema(value_type = types::ApiVersion)]
    api_version: &'static str,
}

/// Describes a plan: instruments, cost, performance and risks.
#[utoipa::path(
    post, path = "/api/v1/internal/instrument-registry/subscriptions/plan/{plan_id}/describe", tag = "plans",
    operation_id = "describe_plan",
    summary = "Describe a plan",
    description = "Analyzes the instruments, cost, performance and risks of a plan. Every figure is computed from \
        the plan and the current catalog.",
    params(parameters::PlanPath),
    request_body(content = Option<DescribeBody>, description = "The level of detail. The body may be empty."),
    responses(
        (status = 200, description = "The description of the plan.", body = DescribeAnswer),
        (status = 404, description = "The plan does not exist."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn describe(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PlanId(plan_id): PlanId,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.optional_fields()?;
    let level = fields.optional_word("description_level");
    fields.finish(Parameters::of(&uri).finish())?;
    let level = level.unwrap_or(DescriptionLevel::Detailed);

    let snapshot = snapshot(&state)?;
    let started_at = Instant::now();
    let deadline = deadline(&context, &snapshot);
    let described = async {
        let cached = find_plan(&state, &context, &snapshot, plan_id).await?;
        let is_quick = cached.plan.instruments.len() <= QUICK_INSTRUMENTS_MAX;
        run_unless_quick(is_quick, deadline, move || describe_plan(&cached.plan, level, present(&snapshot))).await
    };
    let described = described.await;
    let status = if described.is_ok() { SUCCESS } else { ERROR };
    counter!(DESCRIPTIONS, "description_level" => level.as_str(), "status" => status).increment(1);
    Ok(framed(
        &context,
        DescribeAnswer { description: described?, duration_ms: milliseconds(started_at.elapsed()), api_version: "v1" },
    ))
}

/// Returns the present against which a plan is described.
fn present(snapshot: &Snapshot) -> Present<'_> {
    Present {
        basis: snapshot.basis(),
        today: trading_date(Utc::now()),
        daily_budget: snapshot.settings.daily_budget_per_user,
    }
}

/// A stored plan.
#[derive(ToSchema)]
#[allow(dead_code)] // Like the response to a plan request.
pub(crate) struct ReadAnswer {
    /// The plan.
    plan: Plan,
    /// The subscriptions of the plan, in the order in which they are sent. Present if the request
    /// includes them.
    #[schema(nullable = false)]
    subscriptions: Option<Vec<Subscription<'static>>>,
}

/// Reads a plan, expired or not.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}", tag = "plans",
    operation_id = "get_plan",
    summary = "Get a plan",
    description = "Returns a stored plan, expired or not. A plan never changes, so its `ETag` stays valid. If a plan at a broker \
        is read after the catalog has changed, `metadata.catalogue` compares the two, and the `ETag` belongs to the comparison.",
    params(parameters::PlanPath, parameters::IncludeQuery, parameters::IfNoneMatch),
    responses(
        (status = 200, description = "The plan.", body = ReadAnswer, headers(("ETag" = String, description = "The weak entity tag of the plan, for `If-None-Match`."))),
        (status = 304, description = "The `ETag` in `If-None-Match` is still valid."),
        (status = 404, description = "The plan does not exist."),
        (status = 409, description = "The response should include the subscriptions, and the plan names no broker (`plan_without_broker`) or has no subscriptions (`plan_without_subscriptions`)."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn read_plan(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PlanId(plan_id): PlanId,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    request::includes_subscriptions(&mut parameters);
    parameters.check()?;
    let snapshot = snapshot(&state)?;
    let cached = find_plan(&state, &context, &snapshot, plan_id).await?;
    plan_by_id_response(&state, &snapshot, &context, &uri, &headers, cached).await
}

/// Returns the response to a request for a plan by id.
///
/// # Errors
/// 409 if the query asks for subscriptions, and the plan has none; those of [`large_object`] and of comparing it with
/// the catalog.
pub(super) async fn plan_by_id_response(
    state: &AppState,
    snapshot: &Arc<Snapshot>,
    context: &RequestContext,
    uri: &Uri,
    headers: &HeaderMap,
    cached: Arc<CachedPlan>,
) -> Result<Response, Problem> {
    let deadline = deadline(context, snapshot);
    let compared = verify::compared_catalogue(state, snapshot, &cached, deadline).await?;
    let included = IncludedSubscriptions::of(uri, &cached.plan)?;
    let tag = entity_tag(&cached.plan, compared.as_ref().unwrap_or(&cached.plan.metadata.catalogue));
    let response = if is_known_to_caller(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (context, bytes) = (context.clone(), cached.json.len() + included.bytes);
        let write = move |answer: &mut ObjectWriter<'_>| {
            match compared {
                Some(compared) => {
                    let json = cached.plan.metadata.catalogue.replaced_in(&cached.json, &compared);
                    answer.raw("plan", json.as_bytes());
                }
                None => answer.raw("plan", cached.json.as_bytes()),
            }
            included.write(answer, &cached.plan);
            write_request_fields(answer, &context);
        };
        large_object(bytes, deadline, write).await?
    };
    Ok(with_tag(response, &tag))
}

/// Returns the plan with this id from the cache or the database.
async fn find_plan(
    state: &AppState,
    context: &RequestContext,
    snapshot: &Snapshot,
    plan_id: String,
) -> Result<Arc<CachedPlan>, Problem> {
    if let Some(cached) = state.system.cache.by_id(&plan_id) {
        return Ok(cached);
    }
    let deadline = deadline(context, snapshot);
    let found = state.system.persistence.plan(plan_id, deadline.into()).await?;
    let plan = found.ok_or_else(no_such_plan)?;
    let is_quick = plan.instruments.len() <= QUICK_INSTRUMENTS_MAX;
    run_unless_quick(is_quick, deadline, move || Arc::new(CachedPlan::new(Arc::new(plan)))).await
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
