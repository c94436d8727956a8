//! Plans that are computed and returned, and neither stored nor cached.

use std::sync::Arc;
use std::time::Instant;

use axum::http::Uri;
use axum::response::Response;
use registry_actors::planner::{PlanError, compute_plan};
use registry_actors::snapshot::Snapshot;
use registry_planning::json::ObjectWriter;
use registry_planning::plan::Plan;
use registry_planning::request::{PlanRequest, Resolved};

use super::plan_problem;
use super::rendering::{IncludedSubscriptions, PlanFrame, legacy_encoding};
use crate::http::blocking::run_blocking;
use crate::http::context::{AppState, RequestContext};
use crate::http::portions::large_object;
use crate::http::problem::{Fault, Problem};

/// Computes the plan of a request on the threads for computations, and returns it without an id.
pub(super) async fn dry_run_response(
    state: &AppState,
    context: &RequestContext,
    uri: &Uri,
    request: PlanRequest,
    snapshot: Arc<Snapshot>,
    deadline: Instant,
    warning: Option<String>,
) -> Result<Response, Problem> {
    let started_at = Instant::now();
    let is_legacy = state.is_legacy_encoding;
    let (plan, json) = run_blocking(deadline, move || computed_plan(&request, &snapshot, is_legacy)).await??;
    let took = started_at.elapsed();
    let included = IncludedSubscriptions::of(uri, &plan)?;
    let (context, bytes) = (context.clone(), json.len() + included.bytes);
    let write = move |answer: &mut ObjectWriter<'_>| {
        PlanFrame { status: "dry_run", is_reused: false, took, plan: json.as_bytes() }.write(answer, &context);
        included.write(answer, &plan);
        if let Some(warning) = warning {
            answer.field("warnings", &[warning]);
        }
    };
    large_object(bytes, deadline, write).await
}

/// Returns the plan, and its JSON without an id.
fn computed_plan(request: &PlanRequest, snapshot: &Snapshot, is_legacy: bool) -> Result<(Plan, String), Problem> {
    let resolved = Resolved::new(request, snapshot.basis(), &snapshot.hash);
    let plan = compute_plan(request, &resolved, snapshot);
    let plan = plan.map_err(|over| plan_problem(PlanError::from(over), &request.source))?;
    let json = if is_legacy { legacy_encoding(&plan, false)? } else { plan.to_json_without_id() };
    Ok((plan, json))
}

/// 422: a stored response would refer to a plan that is not stored.
pub(super) fn cannot_have_key() -> Problem {
    let detail = "cannot be combined with the header `Idempotency-Key`".to_owned();
    Problem::invalid(vec![Fault { pointer: "/dry_run".to_owned(), detail }])
}
