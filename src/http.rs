//! The HTTP front end: routes, and what every request passes through.

mod body;
mod catalog;
mod fast_path;
mod fingerprint;
mod health;
mod idempotency;
mod ingest;
mod instruments;
mod keys;
mod measures;
mod middleware;
mod openapi;
mod path;
mod planner;
mod plans;
mod problem;
mod profiles;
mod query;
mod schema;
mod throttled_log;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use registry_actors::ingest::IngestSettings;
use registry_actors::system::System;
use registry_planning::json::ObjectWriter;
use tokio::sync::Semaphore;

pub(crate) use self::body::JsonBody;
use self::fast_path::Front;
pub(crate) use self::fast_path::FrontMaker;
pub(crate) use self::fingerprint::FingerprintKey;
pub(crate) use self::idempotency::KeysInFlight;
pub(crate) use self::keys::ApiKeys;
pub(crate) use self::measures::Measures;
pub(crate) use self::problem::{Fault, Problem};
pub(crate) use self::profiles::import_export;
pub(crate) use self::profiles::problems::causes;
pub(crate) use self::profiles::schemas::ExportedProfile;
pub(crate) use self::profiles::transfer::read_draft;
pub(crate) use self::profiles::{NAME_CHARACTERS_MAX, USER_IDS, is_user_id};
use self::profiles::{PROFILES, changes};
pub(crate) use self::throttled_log::Refusals;

/// Where the internal API lives.
pub(crate) const BASE: &str = "/api/v1/internal/instrument-registry";
/// Largest body, bytes.
const BODY_BYTES_MAX: usize = 2 << 20;

/// Requests to the API that may be under way at once: twice what the planners take, so that reads find room beside
/// them. What exceeds it is refused before its body is read.
pub(crate) const REQUESTS_MAX: usize = 4096;

const PLAN_ENDPOINT: (&str, &str) = ("POST", "/api/v1/internal/instrument-registry/subscriptions/plan");
const READ_ENDPOINT: (&str, &str) = ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}");

/// Every route: method and template. Also the closed list of the metrics' `endpoint` label.
pub(crate) const ENDPOINTS: [(&str, &str); 41] = [
    PLAN_ENDPOINT,
    ("POST", "/api/v1/internal/instrument-registry/subscriptions/plan/{plan_id}/describe"),
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/plans"),
    READ_ENDPOINT,
    ("GET", "/api/v1/internal/instrument-registry/subscriptions/planner/config"),
    ("POST", "/api/v1/internal/instrument-registry/subscriptions/planner/cleanup"),
    ("GET", "/api/v1/internal/instrument-registry/catalog/versions"),
    ("GET", "/api/v1/internal/instrument-registry/catalog/versions/{version}/diff"),
    ("GET", "/api/v1/internal/instrument-registry/instruments/resolve"),
    ("GET", "/api/v1/internal/instrument-registry/instruments"),
    ("GET", "/api/v1/internal/instrument-registry/instruments/{instrument_key}"),
    ("POST", "/api/v1/internal/instrument-registry/instruments:batchResolve"),
    ("POST", "/api/v1/internal/instrument-registry/search"),
    ("GET", "/api/v1/internal/instrument-registry/catalog/summary"),
    ("GET", "/api/v1/internal/instrument-registry/brokers"),
    ("GET", "/api/v1/internal/instrument-registry/brokers/{broker_id}/tokens/{instrument_key}"),
    ("POST", "/api/v1/internal/instrument-registry/brokers/{broker_id}/ingest"),
    ("GET", "/api/v1/internal/instrument-registry/jobs/{job_id}"),
    ("DELETE", "/api/v1/internal/instrument-registry/jobs/{job_id}"),
    ("POST", "/api/v1/internal/subscription-profiles"),
    ("GET", "/api/v1/internal/subscription-profiles/{profile_id}"),
    ("PUT", "/api/v1/internal/subscription-profiles/{profile_id}"),
    ("DELETE", "/api/v1/internal/subscription-profiles/{profile_id}"),
    ("POST", "/api/v1/internal/subscription-profiles/{profile_id}/activate"),
    ("GET", "/api/v1/internal/subscription-profiles/{profile_id}/audit"),
    ("GET", "/api/v1/internal/subscription-profiles/{profile_id}/versions"),
    ("POST", "/api/v1/internal/subscription-profiles/{profile_id}/versions/{version}/restore"),
    ("GET", "/api/v1/internal/subscription-profiles/{profile_id}/plans"),
    ("POST", "/api/v1/internal/subscription-profiles/{profile_id}/replan"),
    ("GET", "/api/v1/internal/subscription-profiles/users/{user_id}/profiles"),
    ("GET", "/api/v1/internal/subscription-profiles/users/{user_id}/export"),
    ("POST", "/api/v1/internal/subscription-profiles/users/{user_id}/import"),
    ("GET", "/api/v1/internal/subscription-profiles/conflicts/users/{user_id}"),
    ("POST", "/api/v1/internal/subscription-profiles/conflicts/{conflict_id}/resolve"),
    ("GET", "/api/v1/internal/subscription-profiles/attention"),
    ("GET", "/api/v1/internal/subscription-profiles/admin/stats"),
    ("POST", "/api/v1/internal/subscription-profiles/admin/cleanup-audit-logs"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
];

/// What handlers share.
pub(crate) struct AppState {
    pub(crate) system: Arc<System>,
    pub(crate) api_keys: Arc<ApiKeys>,
    pub(crate) fingerprint_key: FingerprintKey,
    pub(crate) is_legacy_encoding: bool,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) measures: Measures,
    pub(crate) refusals: Refusals,
    pub(crate) ingest: IngestSettings,
    pub(crate) is_draining: AtomicBool,
    /// Places for requests under way.
    pub(crate) places: Semaphore,
    pub(crate) keys_in_flight: KeysInFlight,
}

impl AppState {
    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}

/// Everything that answers requests.
pub(crate) fn front(state: Arc<AppState>) -> Front {
    let router = router(Arc::clone(&state));
    Front::new(state, router)
}

fn router(state: Arc<AppState>) -> Router {
    let subscriptions = Router::new()
        .route("/plan", post(plans::create))
        .route("/plan/{plan_id}/describe", post(plans::describe))
        .route("/plans", get(plans::listing::list))
        .route("/plans/{plan_id}", get(plans::read))
        .route("/planner/config", get(planner::config))
        .route("/planner/cleanup", post(planner::cleanup));
    let registry = Router::new()
        .route("/instruments/resolve", get(instruments::resolve))
        .route("/instruments", get(instruments::list))
        .route("/instruments/{instrument_key}", get(instruments::read))
        .route("/instruments:batchResolve", post(instruments::batch::resolve))
        .route("/search", post(instruments::search::search))
        .route("/catalog/summary", get(catalog::summary))
        .route("/brokers", get(catalog::brokers))
        .route("/brokers/{broker_id}/tokens/{instrument_key}", get(catalog::token))
        .route("/brokers/{broker_id}/ingest", post(ingest::ingest))
        .route("/jobs/{job_id}", get(ingest::read).delete(ingest::cancel));
    let profiles = Router::new()
        .route("/{profile_id}", get(profiles::reading::read).put(changes::update).delete(changes::deactivate))
        .route("/{profile_id}/activate", post(changes::activate))
        .route("/{profile_id}/audit", get(profiles::history::audit))
        .route("/{profile_id}/versions", get(profiles::history::versions))
        .route("/{profile_id}/versions/{version}/restore", post(changes::restore))
        .route("/{profile_id}/plans", get(profiles::planning::list))
        .route("/{profile_id}/replan", post(profiles::planning::replan))
        .route("/users/{user_id}/profiles", get(profiles::reading::list))
        .route("/users/{user_id}/export", get(profiles::transfer::export))
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
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::document))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), middleware::pass))
        .with_state(state)
}

async fn not_found() -> Problem {
    Problem::not_found("unknown path")
}

async fn method_not_allowed() -> Problem {
    Problem::method_not_allowed()
}

/// A JSON answer.
pub(crate) fn json(body: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(json) => json_bytes(json),
        Err(fault) => {
            tracing::error!(%fault, "failed to serialize response as JSON");
            Problem::internal().into_response()
        }
    }
}

/// A JSON answer that holds a part of so many bytes.
pub(crate) fn json_object(part: usize, write: impl FnOnce(&mut ObjectWriter<'_>)) -> Response {
    // Room for the rest of it, or the part would be copied again.
    let mut json = Vec::with_capacity(part + 512);
    let mut object = ObjectWriter::begin(&mut json);
    write(&mut object);
    object.end();
    json_bytes(json)
}

fn json_bytes(json: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

/// Pieces of work that go through the whole catalogue at once: more would not be done sooner, but take more memory.
static LONG_WORK: Semaphore = Semaphore::const_new(4);

/// Does what may take milliseconds on a thread that serves no requests, when one of the few places is free.
///
/// # Errors
/// 504 where none became free before the deadline.
pub(crate) async fn off_the_workers<T: Send + 'static>(
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let place = tokio::time::timeout_at(deadline.into(), LONG_WORK.acquire()).await;
    let _place = place.map_err(|_| Problem::deadline_exceeded())?;
    tokio::task::spawn_blocking(work).await.map_err(|fault| {
        tracing::error!(%fault, "catalog task panicked or was canceled");
        Problem::internal()
    })
}
