//! Health, readiness and metrics of the process.

pub(super) mod checks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use registry_planning::vocabulary::format_time;
use serde::Serialize;
use utoipa::ToSchema;

use self::checks::{Check, Readiness};
use super::context::{AppState, NOT_LOADED};
use super::problem::Problem;
use super::response::json;
use super::scrape;
use crate::http::schema::types;

const SERVICE: &str = "instrument_registry";
const NOT_REACHED: &str = "database not reached yet";
pub(super) const INSPECT_TIMEOUT: Duration = Duration::from_millis(500);

/// The process responds.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthAnswer {
    /// Always `healthy`.
    #[schema(value_type = types::HealthStatus)]
    status: &'static str,
    /// Always `instrument_registry`.
    service: &'static str,
    /// The version of the service.
    version: &'static str,
    /// The time of the response.
    #[schema(value_type = String, format = DateTime)]
    timestamp: String,
}

/// Reports that the process responds, and nothing more.
#[utoipa::path(
    get, path = "/health", tag = "process", operation_id = "get_health",
    summary = "Check that the process responds",
    description = "Reports that the process responds, and nothing more.",
    responses(
        (status = 200, description = "The process responds.", body = HealthAnswer),
    ),
)]
pub(crate) async fn health() -> Response {
    json(&HealthAnswer {
        status: "healthy",
        service: SERVICE,
        version: env!("CARGO_PKG_VERSION"),
        timestamp: format_time(Utc::now()),
    })
}

/// Whether the service is ready to handle requests.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadyAnswer {
    /// The state of the service.
    #[schema(value_type = types::ReadyStatus)]
    status: &'static str,
    /// Whether a dependency or an actor is unavailable or degraded while the service still works.
    degraded: bool,
    /// Why the service is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'static str>,
    /// The state of each dependency and actor.
    checks: BTreeMap<&'static str, Check>,
    /// The time of the response.
    #[schema(value_type = String, format = DateTime)]
    timestamp: String,
}

/// Reports whether the service is ready, and the state of each dependency and actor.
#[utoipa::path(
    get, path = "/ready", tag = "process", operation_id = "get_readiness",
    summary = "Check that the service is ready",
    description = "Reports whether the service is ready to handle requests, and the state of each dependency and actor.",
    responses(
        (status = 200, description = "The service is ready. It may be degraded.", body = ReadyAnswer),
        (status = 503, description = "The settings, the API key or the catalog are not loaded, the database was never reached, or the process is draining.", body = ReadyAnswer),
    ),
)]
pub(crate) async fn ready(State(state): State<Arc<AppState>>) -> Response {
    let reports = state.system.inspect(INSPECT_TIMEOUT).await;
    let Readiness { reason, checks } = Readiness::of(&state, &reports);
    let degraded = checks.values().any(Check::is_degraded);
    let mut response = json(&ReadyAnswer {
        status: if reason.is_some() { "not_ready" } else { "ready" },
        degraded,
        reason,
        checks,
        timestamp: format_time(Utc::now()),
    });
    if reason.is_some() {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(fastrand::u64(1..=3)));
    }
    response
}

/// Adds the reason of `/ready` to the problem of a request that arrived too early.
pub(super) async fn name_cause(state: &AppState, mut response: Response) -> Response {
    let is_early = response.status() == StatusCode::SERVICE_UNAVAILABLE
        && response.extensions().get::<Problem>().is_some_and(|problem| problem.code == NOT_LOADED);
    if !is_early || state.system.snapshot().is_some() {
        return response;
    }
    let inspection = state.system.persistence.inspect(INSPECT_TIMEOUT).await;
    if inspection.is_ok_and(|inspection| inspection.reached == Some(true)) {
        return response;
    }
    if let Some(problem) = response.extensions_mut().get_mut::<Problem>() {
        problem.detail = format!("{NOT_REACHED}; retry later");
    }
    response
}

/// Returns the metrics in the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "process", operation_id = "get_metrics",
    summary = "Get metrics",
    description = "Returns the metrics in the text format of Prometheus.",
    responses(
        (status = 200, description = "The metrics.", body = String, content_type = "text/plain"),
    ),
)]
pub(crate) async fn metrics(State(state): State<Arc<AppState>>) -> Response {
    scrape::measure(&state);
    let content_type = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    ([content_type], state.metrics.render()).into_response()
}
