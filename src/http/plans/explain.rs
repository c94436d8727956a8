//! Explains the decision about one key of the request of a plan.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use registry_planning::explain::{Explanation, NotInPlan, explain as explain_key};
use registry_planning::instrument::KEY_CHARACTERS_MAX;
use serde::Serialize;
use utoipa::ToSchema;

use super::{PlanId, find_plan, milliseconds};
use crate::http::blocking::run_blocking;
use crate::http::context::{AppState, RequestContext, deadline, snapshot};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::framed;
use crate::http::schema::{parameters, types};

/// The explanation of a decision.
#[derive(Serialize, ToSchema)]
pub(crate) struct ExplainAnswer {
    #[serde(flatten)]
    explanation: Explanation,
    /// The time that it took to explain the decision, in milliseconds.
    duration_ms: u64,
    /// Always `v1`.
    #[schema(value_type = types::ApiVersion)]
    api_version: &'static str,
}

/// Explains why an instrument is in a plan, or why it is not.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}/explain", tag = "plans",
    operation_id = "explain_plan_instrument",
    summary = "Explain the decision about an instrument of a plan",
    description = "Returns why a plan contains a key of its request, or why it was left out: the reason, the limit that decided \
        with its figures, the instrument that it would have displaced, the connection, mode, cost and expected rates, the \
        nearest alternatives, and whether the catalog has changed since. If the plan names a broker and the catalog and the \
        limits are those of the plan, the fit is repeated for the explanation.",
    params(parameters::PlanPath, parameters::ExplainQuery),
    responses(
        (status = 200, description = "The explanation.", body = ExplainAnswer),
        (status = 404, description = "The plan does not exist (`not_found`), or its request does not contain the key (`not_in_plan`)."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn explain(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PlanId(plan_id): PlanId,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::of(&uri);
    if !parameters.has("instrument") {
        parameters.fault("instrument", "is required".to_owned());
    }
    let expected = format!("a key of 1 to {KEY_CHARACTERS_MAX} characters");
    let key = parameters.optional("instrument", &expected, |text| {
        (1..=KEY_CHARACTERS_MAX).contains(&text.chars().count()).then(|| text.to_owned())
    });
    parameters.check()?;
    let Some(key) = key else { return Err(Problem::internal()) };

    let snapshot = snapshot(&state)?;
    let started_at = Instant::now();
    let deadline = deadline(&context, &snapshot);
    let cached = find_plan(&state, &context, &snapshot, plan_id).await?;
    // The fit is repeated, and selectors of the request visit the whole catalog.
    let explained = run_blocking(deadline, move || {
        explain_key(&cached.plan, &key, snapshot.basis()).map_err(|fault| not_in_plan(&key, &fault))
    });
    Ok(framed(
        &context,
        ExplainAnswer {
            explanation: explained.await??,
            duration_ms: milliseconds(started_at.elapsed()),
            api_version: "v1",
        },
    ))
}

fn not_in_plan(key: &str, NotInPlan { suggestions }: &NotInPlan) -> Problem {
    let quoted: Vec<String> = suggestions.iter().map(|key| format!("`{key}`")).collect();
    let suggested = if quoted.is_empty() { String::new() } else { format!("; it contains {}", quoted.join(", ")) };
    let detail = format!("the request of the plan does not contain `{key}`{suggested}");
    Problem::of(StatusCode::NOT_FOUND, "not_in_plan", detail)
}
