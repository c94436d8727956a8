//! The settings of the planner, and the cleanup of plans.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use registry_actors::settings::{Origin, SETTINGS, SettingKey};
use registry_planning::vocabulary::format_time;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::JsonBody;
use super::context::{AppState, RequestContext, deadline, snapshot};
use super::problem::Problem;
use super::query::Parameters;
use super::response::framed;
use super::schema::types;

/// The settings of the planner in effect.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConfigAnswer {
    /// The value of each setting, as the config service holds it.
    configuration: BTreeMap<&'static str, String>,
    /// The source of each value.
    #[schema(value_type = BTreeMap<String, types::SettingOrigin>)]
    sources: BTreeMap<&'static str, Origin>,
    /// The version of the settings. Equal settings have equal versions.
    version: String,
    /// The time of the last change of a value.
    #[schema(value_type = String, format = DateTime)]
    last_updated: String,
}

/// Returns the settings of the planner.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/subscriptions/planner/config", tag = "planner",
    operation_id = "get_planner_config",
    summary = "Get the settings of the planner",
    description = "Returns the settings in effect and the source of each value.",
    responses(
        (status = 200, description = "The settings in effect.", body = ConfigAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn config(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let snapshot = snapshot(&state)?;
    let report = state.system.config.report(deadline(&context, &snapshot).into()).await?;
    // There is a snapshot, so settings were loaded. An actor that was restarted reads them again soon.
    let report = report.ok_or_else(|| Problem::from(registry_actors::CallError::Gone("config")))?;
    let shown = || SETTINGS.iter().filter(|key: &&SettingKey| key.is_planner_key).map(|key| key.name);
    Ok(framed(
        &context,
        ConfigAnswer {
            configuration: shown().filter_map(|key| Some((key, report.values.get(key)?.clone()))).collect(),
            sources: shown().filter_map(|key| Some((key, *report.origins.get(key)?))).collect(),
            version: report.version,
            last_updated: format_time(report.last_updated),
        },
    ))
}

/// The result of a cleanup.
#[derive(Serialize, ToSchema)]
pub(crate) struct CleanupAnswer {
    /// The number of plans that were deleted.
    deleted_plans: u64,
    /// The number of expired entries that were removed from the cache.
    cleared_cache_entries: u64,
    /// The time that the operation took, in milliseconds.
    duration_ms: u64,
}

/// Deletes plans beyond the retention period, and expired cache entries.
#[utoipa::path(
    post, path = "/api/v1/internal/instrument-registry/subscriptions/planner/cleanup", tag = "planner",
    operation_id = "clean_up_plans",
    summary = "Delete old plans",
    description = "Deletes plans that are older than the retention period, and removes expired entries from the cache.",
    responses(
        (status = 200, description = "The number of deleted plans and removed cache entries.", body = CleanupAnswer),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn cleanup(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, Problem> {
    // There are no options: the body can be empty or an empty object, and every field is unknown.
    body.optional_fields()?.finish(Parameters::of(&uri).finish())?;
    let snapshot = snapshot(&state)?;
    let started_at = Instant::now();
    let deadline = deadline(&context, &snapshot).into();
    let deleted_plans =
        state.system.persistence.delete_old_plans(snapshot.settings.plan_retention_days, deadline).await?;
    let cleared_cache_entries = state.system.cache.clear_expired(deadline).await?;
    Ok(framed(
        &context,
        CleanupAnswer {
            deleted_plans,
            cleared_cache_entries,
            duration_ms: u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX),
        },
    ))
}
