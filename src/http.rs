//! The HTTP front end: routes, handlers and middleware.

mod blocking;
mod body;
mod broker_limits;
mod calendar;
mod catalog;
mod completing;
mod completion;
mod context;
mod dashboard;
mod docs;
mod draining;
mod endpoint_list;
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
pub(crate) mod offline;
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
mod routes;
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

pub(crate) use self::body::JsonBody;
pub(crate) use self::context::{AppState, REQUESTS_MAX};
use self::context::{OnProbePort, RequestContext};
pub(crate) use self::endpoint_list::endpoints;
pub(crate) use self::endpoints::{BASE, PLAN_ENDPOINTS};
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
pub(crate) use self::scrape::file_age;
pub(crate) use self::secret_faults::SecretFaults;
pub(crate) use self::stale_counts::StaleCounts;
pub(crate) use self::status::is_stale;
pub(crate) use self::status_streams::StatusStreams;
pub(crate) use self::throttled_log::ThrottledLog;

/// Returns the service of all routes, for at most `connections_max` connections.
pub(crate) fn service(state: Arc<AppState>, connections_max: usize) -> FastPath {
    let router = router(Arc::clone(&state));
    FastPath::new(state, router, connections_max)
}

fn router(state: Arc<AppState>) -> Router {
    let router = endpoint_list::PAGES
        .iter()
        .fold(routes::API.router.clone(), |router, page| router.route(page.path, (page.handler)()));
    complete(router, state)
}

fn complete(router: Router<Arc<AppState>>, state: Arc<AppState>) -> Router {
    router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), middleware::pass))
        .with_state(state)
}

/// Returns the routes of the probe port, which needs no key.
pub(crate) fn probe_router(state: Arc<AppState>) -> Router {
    let (probes, _) = routes::probes().split_for_parts();
    complete(probes, state).layer(axum::middleware::map_request(begin_probe))
}

async fn begin_probe(mut request: Request) -> Request {
    let context = RequestContext::begin(request.headers());
    let extensions = request.extensions_mut();
    extensions.insert(context);
    extensions.insert(OnProbePort);
    request
}

async fn not_found() -> Problem {
    Problem::not_found("unknown path")
}

async fn method_not_allowed() -> Problem {
    Problem::method_not_allowed()
}
