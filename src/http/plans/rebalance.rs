//! Creates a plan of the same request with balanced connections.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::Utc;
use registry_actors::snapshot::Snapshot;
use registry_planning::json::ObjectWriter;
use registry_planning::plan::Plan;
use registry_planning::plan::describe::trading_date;
use registry_planning::plan::placement::{PlacementMove, moves};
use registry_planning::previous::PreviousPlan;
use registry_planning::request::PlanRequest;
use utoipa::ToSchema;

use super::rendering::write_plan;
use super::subscriptions::without_subscriptions;
use super::{PlanId, QUICK_INSTRUMENTS_MAX, cached_or_new_plan, find_plan, reject_if_at_capacity};
use crate::http::blocking::run_unless_quick;
use crate::http::body::JsonBody;
use crate::http::context::{AppState, RequestContext, deadline, snapshot};
use crate::http::portions::large_object;
use crate::http::problem::Problem;
use crate::http::profile_state::is_usable;
use crate::http::query::Parameters;
use crate::http::schema::{parameters, types};

/// The size of a move as JSON without the names of instrument and accounts, in bytes.
const MOVE_BYTES: usize = 256;

/// A plan with balanced connections, and the moves that lead to it.
#[derive(ToSchema)]
#[allow(dead_code)] // The response is written around the plan's JSON; this is its documentation.
pub(crate) struct RebalanceAnswer {
    /// The id of the new plan.
    #[schema(value_type = types::PlanId)]
    plan_id: String,
    /// `created`, or `cached` if an equal plan existed.
    #[schema(value_type = types::ReplanOrigin)]
    status: &'static str,
    /// Whether the plan was reused.
    cache_hit: bool,
    /// The new plan.
    plan_data: Plan,
    /// The time that it took to create or find the plan, in milliseconds.
    duration_ms: u64,
    /// The correlation id of the request.
    correlation_id: String,
    /// The time from the arrival of the request to the response, in milliseconds.
    response_time_ms: u64,
    /// Always true: defaults come from the settings.
    config_driven: bool,
    /// Always `v1`.
    #[schema(value_type = types::ApiVersion)]
    api_version: &'static str,
    /// The plan that was rebalanced.
    #[schema(value_type = types::PlanId)]
    previous_plan_id: String,
    /// The subscriptions that have another connection than before, in the order of the new plan.
    moves: Vec<PlacementMove>,
}

/// Creates a plan of the same request with balanced connections.
#[utoipa::path(
    post, path = "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/rebalance", tag = "plans",
    operation_id = "rebalance_plan",
    summary = "Rebalance a plan",
    description = "Creates a plan of the request of a plan at a broker, with the balanced placement instead of the one that the \
        plan kept or requested, and returns the moves. Instruments that need not move for the balance stay. The plan is \
        stored and has the date of the other one, which stays as it is. Options that the settings do not allow any more are \
        ignored, and the plan has a warning.",
    params(parameters::PlanPath),
    responses(
        (status = 200, description = "The new plan and the moves.", body = RebalanceAnswer),
        (status = 404, description = "The plan does not exist."),
        (status = 409, description = "The plan names no broker (`plan_without_broker`) or has no subscriptions (`plan_without_subscriptions`), its profile is inactive or has expired (`profile_inactive`, `profile_expired`), or the pinned instruments exceed a limit of the broker (`pinned_over_capacity`)."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn rebalance(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PlanId(plan_id): PlanId,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    body.optional_fields()?.finish(Parameters::of(&uri).finish())?;
    let started_at = Instant::now();
    let snapshot = snapshot(&state)?;
    let deadline = deadline(&context, &snapshot);
    reject_if_at_capacity(&state)?;
    let previous = find_plan(&state, &context, &snapshot, plan_id).await?;
    let request = balanced(&previous.plan, &snapshot)?;
    require_usable_profile(&state, &request, deadline).await?;
    let (ready, is_reused) = cached_or_new_plan(&state, request, snapshot, deadline).await?;

    let is_quick = ready.cached.plan.instruments.len() <= QUICK_INSTRUMENTS_MAX;
    let (old, new) = (Arc::clone(&previous), Arc::clone(&ready.cached));
    let moves = run_unless_quick(is_quick, deadline, move || moves(&old.plan, &new.plan)).await?;
    let (bytes, took) = (ready.json().len() + MOVE_BYTES * moves.len(), started_at.elapsed());
    let write = move |answer: &mut ObjectWriter<'_>| {
        write_plan(answer, &context, took, &ready, is_reused);
        answer.field("previous_plan_id", &previous.plan.plan_id);
        answer.field("moves", &moves);
    };
    large_object(bytes, deadline, write).await
}

/// Returns the request of a plan with the balanced placement, within the current settings.
///
/// # Errors
/// 409 if the plan has no subscriptions.
fn balanced(plan: &Plan, snapshot: &Snapshot) -> Result<PlanRequest, Problem> {
    let part = plan.metadata.broker_part.as_ref().filter(|part| part.subscriptions.is_some());
    let stored = part.ok_or_else(|| without_subscriptions(plan))?.request.request();
    let max_instruments = snapshot.settings.max_instruments_per_plan;
    // On another date the plan could have other instruments, but only their connections are to change.
    let mut request = stored.repeated(snapshot.brokers.capacity(), max_instruments, stored.options.as_of);
    request.renew_calendar_warning(snapshot.calendar(), trading_date(Utc::now()));
    request.feed.placement = None;
    request.feed.previous = plan.as_previous().map(|previous| PreviousPlan { is_rebalanced: true, ..previous });
    Ok(request)
}

/// Checks that plans can be created from the profile of the request, if it has one.
///
/// # Errors
/// 409 if the profile is inactive or has expired; those of reading it.
async fn require_usable_profile(state: &AppState, request: &PlanRequest, deadline: Instant) -> Result<(), Problem> {
    let Some(profile) = request.source.profile() else { return Ok(()) };
    let profile_id = profile.reference.profile_id.clone();
    let found = state.system.persistence.profile_or_last_known(profile_id, deadline.into()).await?;
    // The plan remains if its profile does not.
    found.map_or(Ok(()), |found| is_usable(&found.profile, Utc::now()))
}
