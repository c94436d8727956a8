//! The actions of operators. Each writes a line of the audit log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Extension, FromRequestParts, State};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;
use chrono::Utc;
use registry_actors::config::ServiceHealth;
use registry_actors::{BreakerReport, ForcedState};
use serde::Serialize;
use tracing::info;
use utoipa::ToSchema;

use super::body::JsonBody;
use super::context::{AppState, RequestContext, key_name};
use super::path::PathText;
use super::problem::Problem;
use super::query::Parameters;
use super::response::framed;
use super::schema::{parameters, types};
use super::status::StatusBreaker;
use crate::telemetry::{self, AUDIT_TARGET};

const ACTION_WITHIN: Duration = Duration::from_secs(10);
const FILTER_CHARACTERS_MAX: usize = 500;

/// The caller as recorded in the audit log.
pub(crate) struct Operator {
    /// The name of the API key, never the key.
    key: &'static str,
    peer: String,
}

impl FromRequestParts<Arc<AppState>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<AppState>) -> Result<Self, Problem> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = address.map_or_else(|| "unknown".to_owned(), |ConnectInfo(address)| address.to_string());
        Ok(Operator { key: key_name(parts), peer })
    }
}

impl Operator {
    /// Writes a line of the audit log, whatever the level of the log. `subject` is the target of the action; the field
    /// `target` of a line is `audit`.
    pub(super) fn audit(&self, action: &'static str, subject: &str, old: &str, new: &str) {
        info!(target: AUDIT_TARGET, audit = true, action, subject, old, new, key = self.key, peer = self.peer, "operator action");
    }
}

pub(super) fn deadline(context: &RequestContext) -> tokio::time::Instant {
    (context.arrived_at + ACTION_WITHIN).into()
}

/// The result of a refresh.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefreshAnswer {
    /// The outcome.
    #[schema(value_type = types::RefreshOutcome)]
    outcome: &'static str,
    /// The reason of the outcome.
    detail: String,
}

/// Refreshes the settings.
#[utoipa::path(
    post, path = "/api/v1/internal/instrument-registry/admin/settings/refresh", tag = "operations",
    operation_id = "refresh_settings",
    summary = "Refresh the settings",
    description = "Reads the settings from the config service now, and waits for the outcome.",
    responses(
        (status = 200, description = "The outcome.", body = RefreshAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn refresh_settings(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    operator: Operator,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let config = &state.system.config;
    let (outcome, detail) = match config.service() {
        None => ("not_configured", "there is no config service; the environment applies".to_owned()),
        Some(_) => {
            let outcome = config.refresh_now(Arc::clone(&context.correlation_id), deadline(&context)).await?;
            refreshed(outcome, config.service().map(|service| service.health))
        }
    };
    operator.audit("refresh_settings", "settings", "", outcome);
    Ok(framed(&context, RefreshAnswer { outcome, detail }))
}

fn refreshed(outcome: &str, health: Option<ServiceHealth>) -> (&'static str, String) {
    match (outcome, health) {
        ("ok", _) => ("ok", "the config service responded for every key".to_owned()),
        ("partial", Some(ServiceHealth::AnsweringInPart(why))) => ("partial", why),
        ("partial", _) => ("partial", "the config service did not respond for some keys".to_owned()),
        ("not_permitted", _) => {
            ("failed", "the circuit breaker of the config service is open; the last good settings apply".to_owned())
        }
        (_, Some(ServiceHealth::Failing(why) | ServiceHealth::Rejecting(why))) => ("failed", why),
        _ => ("failed", "the config service did not respond".to_owned()),
    }
}

/// A request to force a circuit breaker.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // Only documentation: the handler reads the fields, to report every fault at once.
pub(crate) struct ForceBreakerBody {
    /// The action.
    #[schema(value_type = types::BreakerAction)]
    action: String,
}

/// A circuit breaker after an action.
#[derive(Serialize, ToSchema)]
pub(crate) struct BreakerAnswer {
    #[serde(flatten)]
    breaker: StatusBreaker,
}

/// Returns the state that an action forces, `None` within for the automatic one.
fn parse_action(word: &str) -> Option<Option<ForcedState>> {
    match word {
        "force_open" => Some(Some(ForcedState::Open)),
        "force_closed" => Some(Some(ForcedState::Closed)),
        "reset" => Some(None),
        _ => None,
    }
}

/// Forces a circuit breaker.
#[utoipa::path(
    post, path = "/api/v1/internal/instrument-registry/admin/breakers/{dependency}", tag = "operations",
    operation_id = "force_breaker",
    summary = "Force a circuit breaker",
    description = "`force_open` rejects every call of the dependency, `force_closed` lets every call pass, and `reset` returns \
        to the automatic state, which begins closed and with an empty window. The state is of this process and ends with it, \
        or with a restart of the actor that owns the breaker.",
    params(parameters::DependencyPath),
    request_body(content = ForceBreakerBody, description = "The action."),
    responses(
        (status = 200, description = "The circuit breaker.", body = BreakerAnswer),
        (status = 404, description = "The dependency does not exist, or is not configured."),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn force_breaker(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    PathText(dependency): PathText,
    operator: Operator,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.fields()?;
    fields.require("action");
    let forced = fields.optional_form("action", parse_action, "one of force_open, force_closed, reset");
    fields.finish(Parameters::of(&uri).finish())?;
    let dependency = ["database", "redis", "config_service"]
        .into_iter()
        .find(|known| *known == dependency)
        .ok_or_else(|| Problem::not_found("unknown dependency; expected one of database, redis, config_service"))?;
    let change = state.system.force_breaker(dependency, forced.flatten(), deadline(&context)).await?;
    let change = change.ok_or_else(|| Problem::not_found(format!("{dependency} is not configured")))?;
    operator.audit("force_breaker", dependency, described(&change.before), described(&change.after));
    let detail = change.after.forced.map(|forced| format!("forced {forced} by an operator; `reset` ends it"));
    Ok(framed(&context, BreakerAnswer { breaker: StatusBreaker::of(dependency, &change.after, Utc::now(), detail) }))
}

/// Describes a state of a circuit breaker for the audit log.
fn described(report: &BreakerReport) -> &'static str {
    match report.forced {
        Some("open") => "forced_open",
        Some(_) => "forced_closed",
        None => report.state,
    }
}

/// A request to change the log.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // Only documentation: the handler reads the fields, to report every fault at once.
pub(crate) struct LogLevelBody {
    /// A level (`error`, `warn`, `info`, `debug` or `trace`), or a filter such as `info,registry_actors=debug`.
    #[schema(min_length = 1, max_length = 500)]
    level: String,
}

/// The filter of the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogLevelAnswer {
    /// The filter in effect.
    level: String,
    /// The filter before.
    previous: String,
}

/// Changes the log level.
#[utoipa::path(
    put, path = "/api/v1/internal/instrument-registry/admin/log-level", tag = "operations",
    operation_id = "set_log_level",
    summary = "Set the log level",
    description = "Changes the filter of the log until the end of the process. `LOG_LEVEL` applies again after a restart.",
    request_body(content = LogLevelBody, description = "The filter of the log."),
    responses(
        (status = 200, description = "The filter is in effect.", body = LogLevelAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn set_log_level(
    Extension(context): Extension<RequestContext>,
    operator: Operator,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    let mut fields = body.fields()?;
    let level = fields.text("level", 1, FILTER_CHARACTERS_MAX);
    if level.as_ref().is_some_and(|level| telemetry::parse_filter(level).is_none()) {
        let expected = "expected error, warn, info, debug, trace, or a filter such as `info,registry_actors=debug`";
        fields.fault("level", expected.to_owned());
    }
    fields.finish(Parameters::of(&uri).finish())?;
    let level = level.unwrap_or_default();
    let previous = telemetry::log_level();
    telemetry::set_log_level(&level);
    operator.audit("set_log_level", "log", &previous, &level);
    Ok(framed(&context, LogLevelAnswer { level, previous }))
}
