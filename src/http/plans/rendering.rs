//! Renders plans, and writes the responses that contain them.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use axum::response::Response;
use registry_actors::cache::{CachedPlan, Ready};
use registry_planning::json::ObjectWriter;
use registry_planning::plan::Plan;
use registry_planning::subscriptions::PlanSubscriptions;

use super::milliseconds;
use super::request::includes_subscriptions;
use super::subscriptions::without_subscriptions;
use crate::http::context::{AppState, RequestContext};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::json_object;

/// Returns the plan in the configured encoding.
pub(super) fn ready(state: &AppState, cached: Arc<CachedPlan>) -> Result<Ready, Problem> {
    let json = state.is_legacy_encoding.then(|| legacy_encoding(&cached.plan, true).map(Arc::from)).transpose()?;
    Ok(Ready { cached, json })
}

/// Returns the response that contains a plan.
///
/// # Errors
/// 409 if the query asks for subscriptions, and the plan has none.
pub(in crate::http) fn response_with_plan(
    context: &RequestContext,
    uri: &Uri,
    took: Duration,
    ready: &Ready,
    is_reused: bool,
) -> Result<Response, Problem> {
    let subscriptions = included_subscriptions(uri, &ready.cached.plan)?;
    Ok(json_object(ready.json().len(), |answer| {
        write_plan(answer, context, took, ready, is_reused);
        write_included(answer, subscriptions);
    }))
}

/// Returns the subscriptions of the plan if the query, which is valid, asks for them.
///
/// # Errors
/// 409 if the plan has none.
pub(super) fn included_subscriptions<'a>(uri: &Uri, plan: &'a Plan) -> Result<Option<PlanSubscriptions<'a>>, Problem> {
    // Most queries have neither such a parameter nor an encoded one.
    let may_include = uri.query().is_some_and(|query| query.contains("include") || query.contains('%'));
    if !may_include || !includes_subscriptions(&mut Parameters::of(uri)) {
        return Ok(None);
    }
    PlanSubscriptions::of(plan).map(Some).ok_or_else(|| without_subscriptions(plan))
}

/// Writes the subscriptions that the response includes.
pub(super) fn write_included(answer: &mut ObjectWriter<'_>, subscriptions: Option<PlanSubscriptions<'_>>) {
    if let Some(subscriptions) = subscriptions {
        answer.field("subscriptions", &subscriptions);
    }
}

/// Writes the fields of a response that contains a plan.
pub(in crate::http) fn write_plan(
    answer: &mut ObjectWriter<'_>,
    context: &RequestContext,
    took: Duration,
    ready: &Ready,
    is_reused: bool,
) {
    answer.field("plan_id", &ready.cached.plan.plan_id);
    let status = if is_reused { "cached" } else { "created" };
    PlanFrame { status, is_reused, took, plan: ready.json().as_bytes() }.write(answer, context);
}

/// The fields of a response that contains a plan, except the id.
pub(super) struct PlanFrame<'a> {
    pub(super) status: &'static str,
    pub(super) is_reused: bool,
    pub(super) took: Duration,
    /// The plan as JSON.
    pub(super) plan: &'a [u8],
}

impl PlanFrame<'_> {
    pub(super) fn write(&self, answer: &mut ObjectWriter<'_>, context: &RequestContext) {
        answer.field("status", self.status);
        answer.field("cache_hit", &self.is_reused);
        answer.raw("plan_data", self.plan);
        answer.field("duration_ms", &milliseconds(self.took));
        answer.field("correlation_id", &*context.correlation_id);
        answer.field("response_time_ms", &context.elapsed_ms());
        answer.field("config_driven", &true);
        answer.field("api_version", "v1");
    }
}

/// Renders the plan with four fields as strings that contain JSON, for callers of the first version.
pub(super) fn legacy_encoding(plan: &Plan, has_id: bool) -> Result<String, Problem> {
    let encode = || {
        let mut value = serde_json::to_value(plan)?;
        if let Some(fields) = value.as_object_mut().filter(|_| !has_id) {
            fields.remove("plan_id");
        }
        for name in ["instruments", "performance_metrics", "validation_results", "metadata"] {
            value[name] = serde_json::to_string(&value[name])?.into();
        }
        serde_json::to_string(&value)
    };
    encode().map_err(|fault: serde_json::Error| {
        tracing::error!(%fault, "failed to serialize plan in the legacy encoding");
        Problem::internal()
    })
}
