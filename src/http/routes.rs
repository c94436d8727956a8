//! The routes of the API. A route exists once: in the attribute of its handler, which the router, the OpenAPI
//! document and the labels of metrics use.

use std::sync::{Arc, LazyLock};

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::context::AppState;
use super::profiles::{attention, changes, conflicts, export, history, planning, reading, transfer};
use super::{
    broker_limits, calendar, catalog, health, ingest, instruments, operations, planner, plans, status, versions,
};

pub(super) struct Api {
    pub(super) router: Router<Arc<AppState>>,
    pub(super) description: OpenApi,
}

/// Created once for all services of the process.
pub(super) static API: LazyLock<Api> = LazyLock::new(|| {
    let parts = [plans(), catalog(), profiles(), operations(), probes()];
    let all = parts.into_iter().fold(OpenApiRouter::new(), OpenApiRouter::merge);
    let (router, description) = all.split_for_parts();
    Api { router, description }
});

fn plans() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(plans::create))
        .routes(routes!(plans::describe))
        .routes(routes!(plans::listing::list))
        .routes(routes!(plans::read_plan))
        .routes(routes!(plans::subscriptions::read_subscriptions))
        .routes(routes!(plans::explain::explain))
        .routes(routes!(plans::transition::read_diff))
        .routes(routes!(plans::transition::read_schedule))
        .routes(routes!(plans::verify::verify))
        .routes(routes!(plans::rebalance::rebalance))
        .routes(routes!(planner::config))
        .routes(routes!(planner::cleanup))
}

fn catalog() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(versions::list))
        .routes(routes!(versions::diff))
        .routes(routes!(instruments::resolve))
        .routes(routes!(instruments::list))
        .routes(routes!(instruments::read_instrument))
        .routes(routes!(instruments::batch::resolve))
        .routes(routes!(instruments::search::search))
        .routes(routes!(catalog::summary))
        .routes(routes!(calendar::calendar))
        .routes(routes!(catalog::brokers))
        .routes(routes!(broker_limits::limits))
        .routes(routes!(catalog::token))
        .routes(routes!(ingest::ingest))
        .routes(routes!(ingest::rejections::dismiss_rejections))
        .routes(routes!(ingest::read_job, ingest::cancel))
}

fn profiles() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(changes::create))
        .routes(routes!(reading::read_profile, changes::update, changes::deactivate))
        .routes(routes!(changes::activate))
        .routes(routes!(changes::restore))
        .routes(routes!(reading::list))
        .routes(routes!(reading::stats))
        .routes(routes!(reading::clean_up))
        .routes(routes!(history::audit))
        .routes(routes!(history::versions))
        .routes(routes!(conflicts::list))
        .routes(routes!(conflicts::resolve))
        .routes(routes!(attention::list))
        .routes(routes!(planning::list))
        .routes(routes!(planning::replan))
        .routes(routes!(transfer::import))
        .routes(routes!(export::export))
}

fn operations() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(status::stream))
        .routes(routes!(operations::refresh_settings))
        .routes(routes!(operations::force_breaker))
        .routes(routes!(operations::set_log_level))
}

/// Returns the routes of the probes, which the probe port has too.
pub(super) fn probes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(health::health)).routes(routes!(health::ready)).routes(routes!(health::metrics))
}
