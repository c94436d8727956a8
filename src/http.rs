//! The HTTP front end: routes, handlers and middleware.

mod blocking;
mod body;
mod broker_limits;
mod calendar;
mod catalog;
mod completing;
mod context;
mod dashboard;
mod docs;
mod draining;
mod endpoints;
mod errors;
mod fast_path;
mod files;
mod fingerprint;
mod frame;
mod hang_up;
mod health;
mod idempotency;
mod ids;
mod ingest;
mod instruments;
mod keys;
mod measures;
mod middleware;
mod openapi;
mod operations;
mod pagination;
mod path;
mod planner;
mod plans;
mod portions;
mod problem;
mod profile_state;
mod profiles;
mod query;
mod response;
mod schema;
mod scrape;
mod secret_faults;
mod server_timing;
mod shedding;
mod stale_counts;
mod status;
mod status_streams;
mod throttled_log;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::{delete, get, post, put};

pub(crate) use self::body::JsonBody;
pub(crate) use self::context::{AppState, REQUESTS_MAX};
use self::context::{OnProbePort, RequestContext};
pub(crate) use self::endpoints::{BASE, ENDPOINTS, PLAN_ENDPOINTS};
use self::fast_path::FastPath;
pub(crate) use self::fast_path::FastPathMaker;
pub(crate) use self::fingerprint::FingerprintKey;
pub(crate) use self::idempotency::KeysInFlight;
pub(crate) use self::keys::ApiKeys;
pub(crate) use self::measures::Measures;
pub(crate) use self::problem::{Fault, Problem};
pub(crate) use self::profiles::import_export;
pub(crate) use self::profiles::problems::causes;
pub(crate) use self::profiles::{NAME_CHARACTERS_MAX, USER_IDS, is_user_id};
use self::profiles::{PROFILES, changes};
pub(crate) use self::secret_faults::SecretFaults;
pub(crate) use self::stale_counts::StaleCounts;
pub(crate) use self::status_streams::StatusStreams;
pub(crate) use self::throttled_log::ThrottledLog;

/// Returns the service of all routes, for at most `connections_max` connections.
pub(crate) fn service(state: Arc<AppState>, connections_max: usize) -> FastPath {
    let router = router(Arc::clone(&state));
    FastPath::new(state, router, connections_max)
}

fn router(state: Arc<AppState>) -> Router {
    let subscriptions = Router::new()
        .route("/plan", post(plans::create))
        .route("/plan/{plan_id}/describe", post(plans::describe))
        .route("/plans", get(plans::listing::list))
        .route("/plans/{plan_id}", get(plans::read_plan))
        .route("/plans/{plan_id}/subscriptions", get(plans::subscriptions::read))
        .route("/plans/{plan_id}/explain", get(plans::explain::explain))
        .route("/plans/{plan_id}/diff", get(plans::transition::read_diff))
        .route("/plans/{plan_id}/schedule", get(plans::transition::read_schedule))
        .route("/plans/{plan_id}/verify", get(plans::verify::verify))
        .route("/plans/{plan_id}/rebalance", post(plans::rebalance::rebalance))
        .route("/planner/config", get(planner::config))
        .route("/planner/cleanup", post(planner::cleanup));
    let registry = Router::new()
        .route("/admin/settings/refresh", post(operations::refresh_settings))
        .route("/admin/breakers/{dependency}", post(operations::force_breaker))
        .route("/admin/log-level", put(operations::set_log_level))
        .route("/status", get(status::status))
        .route("/status/stream", get(status::stream))
        .route("/instruments/resolve", get(instruments::resolve))
        .route("/instruments", get(instruments::list))
        .route("/instruments/{instrument_key}", get(instruments::read_instrument))
        .route("/instruments:batchResolve", post(instruments::batch::resolve))
        .route("/search", post(instruments::search::search))
        .route("/catalog/summary", get(catalog::summary))
        .route("/calendar", get(calendar::calendar))
        .route("/brokers", get(catalog::brokers))
        .route("/brokers/{broker_id}/limits", get(broker_limits::limits))
        .route("/brokers/{broker_id}/tokens/{instrument_key}", get(catalog::token))
        .route("/brokers/{broker_id}/ingest", post(ingest::ingest))
        .route("/brokers/{broker_id}/rejections", delete(ingest::rejections::dismiss_rejections))
        .route("/jobs/{job_id}", get(ingest::read_job).delete(ingest::cancel));
    let profiles = Router::new()
        .route("/{profile_id}", get(profiles::reading::read_profile).put(changes::update).delete(changes::deactivate))
        .route("/{profile_id}/activate", post(changes::activate))
        .route("/{profile_id}/audit", get(profiles::history::audit))
        .route("/{profile_id}/versions", get(profiles::history::versions))
        .route("/{profile_id}/versions/{version}/restore", post(changes::restore))
        .route("/{profile_id}/plans", get(profiles::planning::list))
        .route("/{profile_id}/replan", post(profiles::planning::replan))
        .route("/users/{user_id}/profiles", get(profiles::reading::list))
        .route("/users/{user_id}/export", get(profiles::export::export))
        .route("/users/{user_id}/import", post(profiles::transfer::import))
        .route("/conflicts/users/{user_id}", get(profiles::conflicts::list))
        .route("/conflicts/{conflict_id}/resolve", post(profiles::conflicts::resolve))
        .route("/attention", get(profiles::attention::list))
        .route("/admin/stats", get(profiles::reading::stats))
        .route("/admin/cleanup-audit-logs", post(profiles::reading::clean_up));
    Router::new()
        .route(PROFILES, post(changes::create))
        .nest(PROFILES, profiles)
        .nest(&format!("{BASE}/subscriptions"), subscriptions)
        .nest(BASE, registry)
        .route(&format!("{BASE}/catalog/versions"), get(versions::list))
        .route(&format!("{BASE}/catalog/versions/{{version}}/diff"), get(versions::diff))
        .merge(probes())
        .route("/openapi.json", get(openapi::document))
        .route("/", get(docs::to_swagger_ui))
        .route("/dashboard", get(dashboard::page))
        .route("/dashboard/{file}", get(dashboard::file))
        .route("/docs", get(docs::swagger_ui))
        .route("/docs/", get(docs::swagger_ui))
        .route("/docs/errors", get(docs::errors))
        .route("/docs/errors/", get(docs::to_errors))
        .route("/docs/{file}", get(docs::file))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), middleware::pass))
        .with_state(state)
}

/// Returns the routes of the probe port, which needs no key.
pub(crate) fn probe_router(state: Arc<AppState>) -> Router {
    probes()
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), middleware::pass))
        .layer(axum::middleware::map_request(begin_probe))
        .with_state(state)
}

async fn begin_probe(mut request: Request) -> Request {
    let context = RequestContext::begin(request.headers());
    let extensions = request.extensions_mut();
    extensions.insert(context);
    extensions.insert(OnProbePort);
    request
}

fn probes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
}

async fn not_found() -> Problem {
    Problem::not_found("unknown path")
}

async fn method_not_allowed() -> Problem {
    Problem::method_not_allowed()
}
