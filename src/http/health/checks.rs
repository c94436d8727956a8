//! The checks of the dependencies and actors: one set of facts for `/ready` and for the status.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use registry_actors::config::{SecretKey, ServiceHealth};
use registry_actors::persistence::LaneLoad;
use registry_actors::system::ActorReport;
use registry_planning::calendar::CalendarState;
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{counted, format_time};
use registry_store::RejectedFile;
use serde::Serialize;
use utoipa::ToSchema;

use super::NOT_REACHED;
use crate::http::context::{AppState, REQUESTS_MAX, STILL_LOADING};
use crate::http::portions::{MemoryLoad, WAIT_MAX, memory_load};
use crate::http::schema::types;

/// The actors that own a circuit breaker, each with its dependency.
pub(crate) const BREAKERS: [(&str, &str); 3] =
    [("persistence", "database"), ("cache", "redis"), ("config", "config_service")];
/// The detail of a check without a free permit.
const AT_CAPACITY: &str = "at capacity: further calls are rejected";

/// The state of a dependency or an actor.
#[derive(Serialize, ToSchema)]
pub(crate) struct Check {
    /// The state.
    #[schema(value_type = types::CheckStatus)]
    pub(crate) status: &'static str,
    /// The state of its circuit breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<types::BreakerState>, nullable = false)]
    breaker: Option<&'static str>,
    /// The time that the check took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    response_time_ms: Option<f64>,
    /// Config service only: the age of the settings, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    age_seconds: Option<u64>,
    /// Actors: the number of messages that wait. `list_memory`: the number of lists that wait for memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    waiting: Option<usize>,
    /// Actors: the number of calls without a reply. `requests`: the number of requests to the API without a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    in_flight: Option<usize>,
    /// The maximum of `in_flight`. A call or request beyond it is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    permits: Option<usize>,
    /// `list_memory` only: the size of the documents that responses have in memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    bytes: Option<usize>,
    /// The maximum of `bytes`. A list beyond it waits, and is rejected at its deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    bytes_max: Option<usize>,
    /// `list_memory` only: the time for which the first list has waited, in milliseconds; 0 if none waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    oldest_wait_ms: Option<u64>,
    /// The maximum of `oldest_wait_ms`. Above it the check is `degraded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    oldest_wait_ms_max: Option<u64>,
    /// Database only: the load of each lane. Calls of one lane do not wait for calls of another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lanes: Option<BTreeMap<&'static str, LaneCheck>>,
    /// Additional information for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) detail: Option<String>,
}

impl Check {
    /// Whether the service works without the dependency, or worse than it should: any status but `ok` and
    /// `not_configured`.
    pub(crate) fn is_degraded(&self) -> bool {
        !matches!(self.status, "ok" | "not_configured")
    }

    fn new(status: &'static str) -> Self {
        Check {
            status,
            breaker: None,
            response_time_ms: None,
            age_seconds: None,
            waiting: None,
            in_flight: None,
            permits: None,
            bytes: None,
            bytes_max: None,
            oldest_wait_ms: None,
            oldest_wait_ms_max: None,
            lanes: None,
            detail: None,
        }
    }
}

/// The load of one lane of database calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct LaneCheck {
    /// The number of calls, or of plans in batches, that wait.
    waiting: usize,
    /// The number of calls in progress.
    in_flight: usize,
    /// The maximum number of calls in progress. 0 before the database was reached.
    permits: usize,
    /// The time for which the oldest call has waited for a permit, in milliseconds; 0 if none waits.
    oldest_wait_ms: u64,
    /// The maximum of `oldest_wait_ms`. Above it the database is `degraded`.
    oldest_wait_ms_max: u64,
}

impl LaneCheck {
    fn of(load: &LaneLoad) -> Self {
        LaneCheck {
            waiting: load.waiting,
            in_flight: load.in_flight,
            permits: load.permits,
            oldest_wait_ms: milliseconds(load.oldest_wait()),
            oldest_wait_ms_max: milliseconds(load.wait_max),
        }
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The state of the service: the facts of `/ready` and of the status.
pub(crate) struct Readiness {
    pub(crate) reason: Option<&'static str>,
    pub(crate) checks: BTreeMap<&'static str, Check>,
}

impl Readiness {
    pub(crate) fn of(state: &AppState, reports: &[ActorReport]) -> Self {
        let mut checks: BTreeMap<&'static str, Check> =
            reports.iter().map(|report| (actor_key(report.name), check_of(report))).collect();
        checks.insert("config_service", config_service_check(state, reports));
        checks.insert("redis", redis_check(state, reports));
        let (database, is_reached) = database_check(state, reports);
        checks.insert("database", database);
        checks.insert("requests", requests_check(state.permits.available_permits()));
        checks.insert("list_memory", list_memory_check(&memory_load()));
        let (catalogue, is_loaded) = catalogue_check(state);
        checks.insert("catalogue", catalogue);
        checks.insert("calendar", calendar_check(state));
        let (status, detail) = state.limits.state().check();
        checks.insert("broker_limits", Check { detail, ..Check::new(status) });

        name_forced_states(&mut checks, reports);

        // The metric of readiness has the same conditions (scrape.rs).
        let reason = match (state.is_draining(), is_reached, is_loaded) {
            (true, ..) => Some("draining"),
            (_, false, false) => Some(NOT_REACHED),
            (_, _, false) => Some(STILL_LOADING),
            _ if !state.api_keys.is_known() => Some("API key not yet received from the config service"),
            _ => None,
        };
        Readiness { reason, checks }
    }
}

/// Adds the circuit breakers that an operator has forced to the details of their dependencies.
fn name_forced_states(checks: &mut BTreeMap<&'static str, Check>, reports: &[ActorReport]) {
    for (actor, dependency) in BREAKERS {
        let report = reports.iter().find(|report| report.name == actor);
        let circuit = report.and_then(|report| report.inspection.as_ref().ok()?.circuit);
        if let (Some(forced), Some(check)) = (circuit.and_then(|circuit| circuit.forced), checks.get_mut(dependency)) {
            let forced = format!("circuit breaker forced {forced} by an operator");
            check.detail = Some(match check.detail.take() {
                Some(detail) => format!("{detail}; {forced}"),
                None => forced,
            });
        }
    }
}

/// Returns the name of an actor among the checks, which differs from the names of dependencies.
fn actor_key(name: &'static str) -> &'static str {
    match name {
        "config" => "actor_config",
        "catalogue" => "actor_catalogue",
        "ingest" => "actor_ingest",
        "cache" => "actor_cache",
        "persistence" => "actor_persistence",
        planner => planner,
    }
}

fn check_of(report: &ActorReport) -> Check {
    let mut check = Check::new(if report.inspection.is_ok() { "ok" } else { "unavailable" });
    check.response_time_ms = Some((report.response_time.as_secs_f64() * 1e6).round() / 1e3);
    match &report.inspection {
        Ok(inspection) => {
            let mailbox = inspection.mailbox;
            check.breaker = inspection.breaker;
            check.waiting = Some(mailbox.waiting);
            check.in_flight = Some(mailbox.in_flight);
            check.permits = Some(mailbox.permits);
            if mailbox.is_full() {
                check.status = "degraded";
                check.detail = Some(AT_CAPACITY.to_owned());
            }
        }
        Err(fault) => check.detail = Some(fault.to_string()),
    }
    check
}

/// Returns the check of the requests to the API in flight, if `free` more are accepted.
fn requests_check(free: usize) -> Check {
    let mut check = Check::new("ok");
    check.in_flight = Some(REQUESTS_MAX.saturating_sub(free));
    check.permits = Some(REQUESTS_MAX);
    if free == 0 {
        check.status = "degraded";
        check.detail = Some(AT_CAPACITY.to_owned());
    }
    check
}

fn list_memory_check(load: &MemoryLoad) -> Check {
    let is_saturated = load.oldest_wait > WAIT_MAX;
    let (oldest, oldest_max) = (milliseconds(load.oldest_wait), milliseconds(WAIT_MAX));
    let detail = is_saturated.then(|| {
        format!(
            "saturated: {} of {} bytes taken, {} lists waiting, the oldest for {oldest} ms (expected at most {oldest_max} ms)",
            load.bytes, load.bytes_max, load.waiting
        )
    });
    Check {
        waiting: Some(load.waiting),
        bytes: Some(load.bytes),
        bytes_max: Some(load.bytes_max),
        oldest_wait_ms: Some(oldest),
        oldest_wait_ms_max: Some(oldest_max),
        detail,
        ..Check::new(if is_saturated { "degraded" } else { "ok" })
    }
}

/// Returns the check of the database, and whether the database was ever reached. A restart of the actor does not make
/// the service unready: a catalog that is served was read from the database.
fn database_check(state: &AppState, reports: &[ActorReport]) -> (Check, bool) {
    let report = reports.iter().find(|report| report.name == "persistence");
    let lanes: Vec<LaneLoad> = state.system.persistence.lanes().into_iter().collect();
    let Some(Ok(inspection)) = report.map(|report| &report.inspection) else {
        let check = Check { lanes: Some(lane_checks(&lanes)), ..Check::new("unavailable") };
        return (check, state.system.snapshot().is_some());
    };
    let is_reached = inspection.reached.unwrap_or(false);
    let is_closed = inspection.breaker == Some("closed");
    let saturated = saturation(&lanes);
    let mut check = Check::new(match (is_reached && is_closed, &saturated) {
        (false, _) => "unavailable",
        (true, Some(_)) => "degraded",
        (true, None) => "ok",
    });
    check.breaker = inspection.breaker;
    check.lanes = Some(lane_checks(&lanes));
    let loss = || inspection.tls_fault.clone().or_else(|| inspection.loss.clone());
    let more = saturated.or_else(loss);
    let more = more.or_else(|| state.secret_faults.describe(SecretKey::DatabaseUrl));
    check.detail = Some(match more {
        Some(more) => format!("{}; {more}", state.system.backend()),
        None => state.system.backend().to_owned(),
    });
    (check, is_reached || state.system.snapshot().is_some())
}

fn lane_checks(lanes: &[LaneLoad]) -> BTreeMap<&'static str, LaneCheck> {
    lanes.iter().map(|load| (load.lane, LaneCheck::of(load))).collect()
}

/// Describes the lanes in which a call has waited for longer than is normal, if there are any.
fn saturation(lanes: &[LaneLoad]) -> Option<String> {
    let saturated: Vec<String> = lanes.iter().filter(|load| load.is_saturated()).map(describe_saturation).collect();
    (!saturated.is_empty()).then(|| saturated.join("; "))
}

fn describe_saturation(load: &LaneLoad) -> String {
    format!(
        "lane `{}` saturated: {} of {} permits held, {} waiting, the oldest for {} ms (expected at most {} ms)",
        load.lane,
        load.in_flight,
        load.permits,
        load.waiting,
        milliseconds(load.oldest_wait()),
        milliseconds(load.wait_max),
    )
}

/// Returns the check of the config service. The last good values apply while it is unavailable.
fn config_service_check(state: &AppState, reports: &[ActorReport]) -> Check {
    let Some(service) = state.system.config.service() else { return Check::new("not_configured") };
    let (status, detail) = match service.health {
        ServiceHealth::NotAsked => ("unavailable", Some("not contacted yet".to_owned())),
        ServiceHealth::Answering if !service.refused.is_empty() => {
            ("degraded", Some(format!("out of range: {}", service.refused.join(", "))))
        }
        ServiceHealth::Answering => ("ok", None),
        ServiceHealth::AnsweringInPart(why) => ("degraded", Some(why)),
        ServiceHealth::Failing(why) | ServiceHealth::Rejecting(why) => ("unavailable", Some(why)),
    };
    let report = reports.iter().find(|report| report.name == "config");
    let breaker = report.and_then(|report| report.inspection.as_ref().ok()?.breaker);
    let age_seconds = service.answered_at.map(|at| at.elapsed().as_secs());
    Check { breaker, age_seconds, detail, ..Check::new(status) }
}

/// Returns the check of the shared cache. Without it, plans are created more often, but every response is correct.
fn redis_check(state: &AppState, reports: &[ActorReport]) -> Check {
    let unusable = state.secret_faults.describe(SecretKey::RedisUrl);
    if !state.system.cache.has_shared() {
        let status = if unusable.is_some() { "unavailable" } else { "not_configured" };
        return Check { detail: unusable, ..Check::new(status) };
    }
    let report = reports.iter().find(|report| report.name == "cache");
    let Some(Ok(inspection)) = report.map(|report| &report.inspection) else { return Check::new("unavailable") };
    let is_closed = inspection.breaker == Some("closed");
    let (status, detail) = match (inspection.reached == Some(true) && is_closed, inspection.dropped) {
        (false, _) => ("unavailable", inspection.tls_fault.clone().or_else(|| inspection.loss.clone())),
        (true, Some(dropped)) => ("degraded", Some(format!("queue full: {dropped} are dropped"))),
        // The cache of the previous URL remains active.
        (true, None) if unusable.is_some() => ("degraded", unusable),
        (true, None) => ("ok", None),
    };
    Check { breaker: inspection.breaker, detail, ..Check::new(status) }
}

fn catalogue_check(state: &AppState) -> (Check, bool) {
    let Some(snapshot) = state.system.snapshot() else { return (Check::new("unavailable"), false) };
    let catalogue = &snapshot.catalogue;
    let is_real = !catalogue.is_demonstration() && !catalogue.is_empty();
    let mut check = Check::new(if is_real { "ok" } else { "degraded" });
    let instruments = counted(catalogue.instrument_count(), "instrument");
    check.detail = Some(match catalogue.version() {
        "demo" => format!("demonstration catalog, {instruments}; ingest a file of a broker to replace it"),
        "none" => "no file accepted yet".to_owned(),
        version => format!("version {version}, {instruments}"),
    });
    let refusals = state.system.catalogue.rejected_files();
    if !refusals.is_empty() {
        check.status = "degraded";
        let newest: BTreeMap<_, _> = refusals.iter().rev().map(|refusal| (refusal.broker, refusal)).collect();
        let refused: Vec<String> = newest.into_values().map(refused).collect();
        check.detail = check.detail.map(|detail| format!("{detail}; {}", refused.join("; ")));
    }
    (check, true)
}

/// Returns the check of the trading calendar, which is degraded from the day after its end.
fn calendar_check(state: &AppState) -> Check {
    let Some(snapshot) = state.system.snapshot() else { return Check::new("unavailable") };
    let Some(load) = &snapshot.calendar_load else { return Check::new("not_configured") };
    let today = trading_date(Utc::now());
    let status = match load.record.calendar.state(today) {
        CalendarState::Ended(..) => "degraded",
        CalendarState::Missing | CalendarState::Ending(..) | CalendarState::Current(_) => "ok",
    };
    let ends = load.record.calendar.coverage().iter().map(|(exchange, own)| format!("{exchange} until {}", own.to));
    let mut detail = format!("version {}, {}", load.version, ends.collect::<Vec<_>>().join(", "));
    if let Some(warning) = load.record.calendar.warning(today) {
        detail = format!("{detail}; {warning}");
    }
    Check { detail: Some(detail), ..Check::new(status) }
}

pub(crate) fn refused(refusal: &RejectedFile) -> String {
    let faults: Vec<String> = refusal.faults.iter().map(ToString::to_string).collect();
    format!(
        "file `{}` of {} rejected at {}: {}",
        refusal.source,
        refusal.broker.as_str(),
        format_time(refusal.rejected_at),
        faults.join("; ")
    )
}

#[cfg(test)]
mod tests;
