//! The plan whose placement a new one keeps.

use std::sync::Arc;

use axum::http::StatusCode;
use registry_actors::snapshot::Snapshot;
use registry_planning::plan::Plan;
use registry_planning::previous::PreviousPlan;
use registry_planning::request::PlanRequest;
use registry_planning::vocabulary::{Broker, SubscriptionType};

use super::subscriptions::without_subscriptions;
use super::{find_plan, resolve};
use crate::http::context::{AppState, RequestContext, deadline};
use crate::http::problem::Problem;

/// Returns the request with the placement of its previous plan. A plan for historical data has no connections and is
/// unchanged.
///
/// # Errors
/// 404 if the user has no such plan; 409 if it is at another broker, or has no subscriptions.
pub(super) async fn with_previous(
    state: &AppState,
    context: &RequestContext,
    snapshot: &Snapshot,
    request: PlanRequest,
) -> Result<PlanRequest, Problem> {
    let Some(PreviousPlan { plan_id, placement: None, .. }) = &request.feed.previous else { return Ok(request) };
    if request.subscription_type == SubscriptionType::Historical {
        return Ok(request);
    }
    let unknown = || Problem::not_found(format!("the user has no plan `{plan_id}` (`previous_plan_id`)"));
    let found = find_plan(state, context, snapshot, plan_id.clone()).await;
    let cached = found.map_err(|fault| if fault.status == StatusCode::NOT_FOUND { unknown() } else { fault })?;
    if cached.plan.user_id != request.user_id {
        return Err(unknown());
    }
    let broker = broker_of(&cached.plan);
    if broker != request.feed.broker {
        return Err(at_other_broker(broker, request.feed.broker));
    }
    let previous = cached.plan.as_previous().ok_or_else(|| without_subscriptions(&cached.plan))?;
    Ok(following(request, Some(previous)))
}

/// Returns the request of a plan that replaces another one of the same source: it keeps the placement of that plan if
/// both are at the same broker. If nothing has changed, it is the request of the replaced plan.
///
/// # Errors
/// Those of resolving the request and of finding plans, except that a plan was deleted.
pub(in crate::http) async fn replacing(
    state: &AppState,
    context: &RequestContext,
    snapshot: &Arc<Snapshot>,
    request: PlanRequest,
    replaced: Option<&Plan>,
) -> Result<PlanRequest, Problem> {
    let is_suited = |plan: &&Plan| plan.user_id == request.user_id && broker_of(plan) == request.feed.broker;
    let Some(replaced) = replaced.filter(is_suited) else { return Ok(request) };
    let Some(previous) = replaced.as_previous() else { return Ok(request) };
    for earlier in [None, before(state, context, snapshot, replaced).await?] {
        let same = Arc::new(following(request.clone(), earlier));
        if resolve(&same, snapshot, deadline(context, snapshot)).await?.cache_key() == replaced.cache_key {
            return Ok(Arc::unwrap_or_clone(same));
        }
    }
    Ok(following(request, Some(previous)))
}

/// Returns the plan whose placement a plan kept, if it still exists.
async fn before(
    state: &AppState,
    context: &RequestContext,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Result<Option<PreviousPlan>, Problem> {
    let part = plan.metadata.broker_part.as_ref();
    let Some(previous) = part.and_then(|part| part.request.request().feed.previous.as_ref()) else { return Ok(None) };
    match find_plan(state, context, snapshot, previous.plan_id.clone()).await {
        Ok(cached) => {
            let is_rebalanced = previous.is_rebalanced;
            Ok(cached.plan.as_previous().map(|earlier| PreviousPlan { is_rebalanced, ..earlier }))
        }
        Err(fault) if fault.status == StatusCode::NOT_FOUND => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn following(mut request: PlanRequest, previous: Option<PreviousPlan>) -> PlanRequest {
    request.feed.previous = previous;
    request
}

fn broker_of(plan: &Plan) -> Option<Broker> {
    plan.metadata.feed.as_ref().and_then(|feed| feed.broker)
}

fn at_other_broker(previous: Option<Broker>, requested: Option<Broker>) -> Problem {
    let at =
        |broker: Option<Broker>| broker.map_or_else(|| "no broker".to_owned(), |broker| format!("broker `{broker}`"));
    let detail = format!(
        "the previous plan names {}, the request {}; use a `previous_plan_id` of the same broker",
        at(previous),
        at(requested)
    );
    Problem::of(StatusCode::CONFLICT, "plan_at_other_broker", detail)
}
