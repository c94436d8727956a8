//! Plan requests with an idempotency key.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Uri;
use axum::response::Response;
use chrono::Utc;
use registry_actors::cache::CachedPlan;
use registry_actors::persistence::PersistenceError;
use registry_actors::planner::{PlanClaim, PlanError, Planned};
use registry_actors::snapshot::Snapshot;
use registry_planning::plan::describe::trading_date;
use registry_store::idempotency::{Claimed, PlanAnswerRecord};

use super::dry_run::cannot_have_key;
use super::previous::with_previous;
use super::rendering::PlanResponse;
use super::request::{ParsedRequest, RequestContent};
use super::subscriptions::require_subscriptions;
use super::{find_plan, of_profile, plan_problem, ready, reject_if_at_capacity, request, resolve};
use crate::http::body::JsonBody;
use crate::http::context::{AppState, RequestContext, deadline, snapshot};
use crate::http::idempotency::{RequestHasher, answer_to, parse, replayed, stored_answer};
use crate::http::problem::Problem;
use crate::http::query::Parameters;

/// Returns the stored response of the key, or creates the plan and stores the response with it. A cached plan is
/// returned after the response is stored.
pub(super) async fn plan_response(
    state: &AppState,
    context: &RequestContext,
    uri: &Uri,
    body: &JsonBody,
    key: String,
) -> Result<Response, Problem> {
    let snapshot = snapshot(state)?;
    let deadline = deadline(context, &snapshot);
    let started_at = Instant::now();
    reject_if_at_capacity(state)?;
    let today = trading_date(Utc::now());
    let Some(user_id) = Parameters::of(uri).user_id() else {
        // Parsing the request reports the missing user together with all other faults.
        let parsed = request::parse_plan_request(uri, body, &snapshot, today, deadline).await;
        return Err(parsed.err().unwrap_or_else(Problem::internal));
    };
    let guard = state.keys_in_flight.enter(format!("plan/{user_id}"), key);
    let keyed = guard.request(RequestHasher::new("plan", uri).with_body(body.bytes()));
    // Look up the key before parsing: a repeat gets the same response even if the settings have changed since.
    if let Some(answer) = stored_answer(&state.system.persistence, &guard, &keyed, deadline).await? {
        return replay(state, context, uri, &snapshot, &answer).await;
    }
    let claim = PlanClaim { request: Arc::clone(&keyed), started_at: started_at.into() };
    let parsed = request::parse_plan_request(uri, body, &snapshot, today, deadline).await?;
    let ParsedRequest { content, is_dry_run, includes_subscriptions } = parsed;
    if is_dry_run {
        return Err(cannot_have_key());
    }
    let request = match content {
        RequestContent::Complete(request) => *request,
        // The last known profile is not enough: without the database no response can be stored.
        RequestContent::OfProfile { user_id, profile_id, overrides } => {
            let profile = state.system.persistence.profile(profile_id, deadline.into()).await?;
            of_profile(profile.map(Arc::new), &user_id, *overrides, &snapshot)?
        }
    };
    let request = with_previous(state, context, &snapshot, request).await?;
    if includes_subscriptions {
        require_subscriptions(&request, &snapshot)?;
    }
    let request = Arc::new(request);
    let resolved = resolve(&request, &snapshot, deadline).await?;
    let planned = match state.system.cache.get(resolved.cache_key()) {
        Some(cached) => Ok(Planned { cached, is_reused: true, record: None }),
        None => {
            let (snapshot, claim) = (Arc::clone(&snapshot), Some(claim.clone()));
            state.system.planners.plan_keyed(Arc::clone(&request), resolved, snapshot, claim, deadline.into()).await
        }
    };
    let Planned { cached, is_reused, record } = match planned {
        Err(PlanError::Answered(stored)) => {
            return replay(state, context, uri, &snapshot, &answer_to(&keyed, stored)?).await;
        }
        planned => planned.map_err(|fault| plan_problem(fault, &request.source))?,
    };
    if let Some(record) = record {
        return answer(state, context, uri, cached, &record, deadline).await;
    }
    let record = claim.record(&cached.plan.plan_id, is_reused);
    let kept = record.claim(&keyed).map_err(PersistenceError::from)?;
    match state.system.persistence.store_answer(kept, deadline.into()).await? {
        Claimed::Stored => answer(state, context, uri, cached, &record, deadline).await,
        Claimed::Taken(stored) => replay(state, context, uri, &snapshot, &answer_to(&keyed, stored)?).await,
    }
}

async fn replay(
    state: &AppState,
    context: &RequestContext,
    uri: &Uri,
    snapshot: &Snapshot,
    stored: &str,
) -> Result<Response, Problem> {
    let record: PlanAnswerRecord = parse(stored)?;
    let cached = find_plan(state, context, snapshot, record.plan_id.clone()).await?;
    answer(state, context, uri, cached, &record, deadline(context, snapshot)).await.map(replayed)
}

async fn answer(
    state: &AppState,
    context: &RequestContext,
    uri: &Uri,
    cached: Arc<CachedPlan>,
    record: &PlanAnswerRecord,
    deadline: Instant,
) -> Result<Response, Problem> {
    let ready = ready(state, cached, deadline).await?;
    let (took, is_reused) = (Duration::from_millis(record.duration_ms), record.is_reused);
    PlanResponse { context, uri, took, ready: &ready, is_reused, warning: None, deadline }.write().await
}
