//! Renders plans, and writes the responses that contain them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Uri;
use axum::response::Response;
use registry_actors::cache::{CachedPlan, Ready};
use registry_planning::json::ObjectWriter;
use registry_planning::plan::Plan;
use registry_planning::subscriptions::PlanSubscriptions;

use super::milliseconds;
use super::request::includes_subscriptions;
use super::subscriptions::without_subscriptions;
use crate::http::blocking::run_unless_quick;
use crate::http::context::{AppState, RequestContext};
use crate::http::portions::large_object;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::response::write_request_fields;

/// Maximum size of a plan as JSON whose legacy encoding is written on the threads that serve requests, bytes.
const QUICK_ENCODING_BYTES_MAX: usize = 16 << 10;

/// Returns the plan in the configured encoding.
pub(super) async fn ready(state: &AppState, cached: Arc<CachedPlan>, deadline: Instant) -> Result<Ready, Problem> {
    if !state.is_legacy_encoding {
        return Ok(Ready { cached, json: None });
    }
    let plan = Arc::clone(&cached.plan);
    let is_quick = cached.json.len() <= QUICK_ENCODING_BYTES_MAX;
    let json = run_unless_quick(is_quick, deadline, move || legacy_encoding(&plan, true)).await??;
    Ok(Ready { cached, json: Some(json.into()) })
}

pub(super) struct PlanResponse<'a> {
    pub(super) context: &'a RequestContext,
    pub(super) uri: &'a Uri,
    pub(super) took: Duration,
    pub(super) ready: &'a Ready,
    pub(super) is_reused: bool,
    pub(super) warning: Option<String>,
    pub(super) deadline: Instant,
}

impl PlanResponse<'_> {
    /// Writes the response.
    ///
    /// # Errors
    /// 409 if the query asks for subscriptions, and the plan has none; those of [`large_object`].
    pub(super) async fn write(self) -> Result<Response, Problem> {
        let PlanResponse { context, uri, took, ready, is_reused, warning, deadline } = self;
        let included = IncludedSubscriptions::of(uri, &ready.cached.plan)?;
        let bytes = ready.json().len() + included.bytes;
        let (context, ready) = (context.clone(), ready.clone());
        let write = move |answer: &mut ObjectWriter<'_>| {
            write_plan(answer, &context, took, &ready, is_reused);
            included.write(answer, &ready.cached.plan);
            if let Some(warning) = warning {
                answer.field("warnings", &[warning]);
            }
        };
        large_object(bytes, deadline, write).await
    }
}

pub(super) struct IncludedSubscriptions {
    is_requested: bool,
    pub(super) bytes: usize,
}

impl IncludedSubscriptions {
    /// Returns the subscriptions of the plan if the query, which is valid, asks for them.
    ///
    /// # Errors
    /// 409 if the plan has none.
    pub(super) fn of(uri: &Uri, plan: &Plan) -> Result<Self, Problem> {
        // Most queries have neither such a parameter nor an encoded one.
        let may_include = uri.query().is_some_and(|query| query.contains("include") || query.contains('%'));
        if !may_include || !includes_subscriptions(&mut Parameters::of(uri)) {
            return Ok(IncludedSubscriptions { is_requested: false, bytes: 0 });
        }
        let subscriptions = PlanSubscriptions::of(plan).ok_or_else(|| without_subscriptions(plan))?;
        let bytes = subscriptions.estimated_bytes(subscriptions.positions(None));
        Ok(IncludedSubscriptions { is_requested: true, bytes })
    }

    pub(super) fn write(&self, answer: &mut ObjectWriter<'_>, plan: &Plan) {
        if self.is_requested
            && let Some(subscriptions) = PlanSubscriptions::of(plan)
        {
            answer.field("subscriptions", &subscriptions);
        }
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
    pub(super) plan: &'a [u8],
}

impl PlanFrame<'_> {
    pub(super) fn write(&self, answer: &mut ObjectWriter<'_>, context: &RequestContext) {
        answer.field("status", self.status);
        answer.field("cache_hit", &self.is_reused);
        answer.raw("plan_data", self.plan);
        answer.field("duration_ms", &milliseconds(self.took));
        write_request_fields(answer, context);
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
