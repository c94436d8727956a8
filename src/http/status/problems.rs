//! The problems of the service, worst first, each with its remedy. They come from the checks of `/ready`, and from
//! figures that alerts watch too: the conditions are those of `deploy/prometheus/alerts.yml`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{Broker, counted};

use super::document::{StatusActor, StatusBreaker, StatusHealth, StatusProblem};
use crate::http::context::AppState;
use crate::http::health::checks::{Check, Readiness, refused};
use crate::http::scrape::last_file;

const CRITICAL: &str = "critical";
const WARNING: &str = "warning";
/// The age from which settings are stale, in seconds.
const SETTINGS_AGE_MAX: u64 = 600;
/// The minutes of the day in UTC between which the file of today must have been accepted: from 09:00 to the end of the
/// trading day in Asia/Kolkata.
const FILE_EXPECTED: std::ops::Range<u32> = 210..1110;

/// The time before the end of the trading calendar from which it is a problem.
const CALENDAR_NOTICE: TimeDelta = TimeDelta::days(14);

/// The facts from which problems are derived.
pub(super) struct Observation<'a> {
    pub(super) readiness: &'a Readiness,
    pub(super) actors: &'a [StatusActor],
    pub(super) breakers: &'a [StatusBreaker],
    /// The restarts of the last 15 minutes, by actor.
    pub(super) recent_restarts: BTreeMap<&'static str, u64>,
    pub(super) shed_per_second: f64,
    /// The resident memory, and its limit.
    pub(super) memory: Option<(u64, u64)>,
    /// The limit when the process started.
    pub(super) memory_limit_at_start: Option<u64>,
    /// The open connections, and their maximum.
    pub(super) connections: (u64, u64),
    pub(super) at: DateTime<Utc>,
}

/// Returns the health with all problems.
pub(super) fn health(state: &AppState, observation: &Observation<'_>) -> StatusHealth {
    let mut problems: Vec<StatusProblem> = of_readiness(observation.readiness).into_iter().collect();
    problems.extend(of_dependencies(state, &observation.readiness.checks));
    problems.extend(observation.breakers.iter().filter_map(of_breaker));
    problems.extend(of_load(observation));
    problems.extend(observation.actors.iter().filter_map(of_actor));
    problems.extend(observation.recent_restarts.iter().map(|(actor, count)| of_restarts(actor, *count)));
    problems.extend(of_catalog(state, observation));
    // The sort is stable.
    problems.sort_by_key(|problem| problem.severity != CRITICAL);
    let status = match (observation.readiness.reason, problems.is_empty()) {
        (Some(_), _) => "not_ready",
        (None, false) => "degraded",
        (None, true) => "ok",
    };
    let summary = match problems.first() {
        Some(worst) => format!("{}: {}.", worst.subject, worst.detail.trim_end_matches('.')),
        None => "All parts work.".to_owned(),
    };
    StatusHealth { status, summary, problems }
}

fn problem(
    severity: &'static str,
    subject: &str,
    detail: impl Into<String>,
    remedy: &'static str,
    runbook: impl Into<Option<&'static str>>,
) -> StatusProblem {
    StatusProblem { severity, subject: subject.to_owned(), detail: detail.into(), remedy, runbook: runbook.into() }
}

fn of_readiness(readiness: &Readiness) -> Option<StatusProblem> {
    let remedy = match readiness.reason? {
        "draining" => "Wait for the replacement of this process.",
        _ => "Wait a minute; if it persists, read the errors in the log and check the database and the config service.",
    };
    let detail = format!("not ready: {}", readiness.reason?);
    Some(problem(CRITICAL, "process", detail, remedy, "InstrumentRegistryNotReady"))
}

/// The remedy of a check by its name and status, and the heading in the runbook.
fn remedy_of(name: &str, status: &str) -> Option<(&'static str, &'static str, Option<&'static str>)> {
    Some(match (name, status) {
        ("database", "unavailable") => (
            CRITICAL,
            "Start the database, or make it reachable; the service retries. Cached plans are served until they expire.",
            Some("InstrumentRegistryDatabaseUnavailable"),
        ),
        ("database", _) => (
            WARNING,
            "Look for slow queries and locks in the database, and reduce the load of the saturated lane.",
            Some("InstrumentRegistryDatabaseLaneSaturated"),
        ),
        ("redis", _) => (
            WARNING,
            "Start Redis; it needs no data. Plans stay correct without it.",
            Some("InstrumentRegistryRedisUnavailable"),
        ),
        ("config_service", "unavailable") => (
            WARNING,
            "Check the config service and the API key for it; the last good settings apply.",
            Some("InstrumentRegistryConfigServiceUnavailable"),
        ),
        ("config_service", _) => {
            (WARNING, "Correct the named settings in the config service.", Some("InstrumentRegistrySettingsOutOfRange"))
        }
        ("requests", _) => (
            CRITICAL,
            "Add a replica, or reduce the number of concurrent requests of the callers.",
            Some("InstrumentRegistryRequestsShed"),
        ),
        ("list_memory", _) => (
            WARNING,
            "Make callers request smaller pages, or fewer large lists at a time.",
            Some("InstrumentRegistryRequestsShed"),
        ),
        ("calendar", "degraded") => (
            WARNING,
            "Ingest a trading calendar that covers the current date.",
            Some("InstrumentRegistryCalendarEnding"),
        ),
        ("broker_limits", _) => (
            WARNING,
            "Correct the file of broker limits, and send SIGHUP.",
            Some("InstrumentRegistryBrokerLimitsFaulty"),
        ),
        // Actors and the catalog have problems of their own.
        _ => return None,
    })
}

fn of_dependencies(state: &AppState, checks: &BTreeMap<&'static str, Check>) -> Vec<StatusProblem> {
    let mut problems: Vec<StatusProblem> = checks
        .iter()
        .filter(|(_, check)| check.is_degraded())
        .filter_map(|(name, check)| {
            let (severity, remedy, runbook) = remedy_of(name, check.status)?;
            let detail = match &check.detail {
                Some(detail) => format!("{}: {detail}", check.status),
                None => check.status.to_owned(),
            };
            Some(problem(severity, name, detail, remedy, runbook))
        })
        .collect();
    let age = state.system.config.age().map_or(0, |age| age.as_secs());
    if age > SETTINGS_AGE_MAX {
        let detail = format!("the config service has not responded for every key for {age} s");
        let remedy = "Check the config service; refresh the settings when it responds.";
        problems.push(problem(WARNING, "settings", detail, remedy, "InstrumentRegistrySettingsStale"));
    }
    problems
}

/// Whether `part` is more than `percent` percent of `whole`.
fn exceeds(part: u64, whole: u64, percent: u64) -> bool {
    whole > 0 && part.saturating_mul(100) > whole.saturating_mul(percent)
}

fn of_breaker(breaker: &StatusBreaker) -> Option<StatusProblem> {
    let detail = format!("the circuit breaker is forced {} by an operator", breaker.forced?);
    let remedy = "Reset the circuit breaker when the reason is gone.";
    Some(problem(WARNING, breaker.dependency, detail, remedy, None))
}

fn of_load(observation: &Observation<'_>) -> Vec<StatusProblem> {
    let mut problems = Vec::new();
    if observation.shed_per_second > 0.0 {
        let detail = format!("{:.1} requests per second are rejected at capacity", observation.shed_per_second);
        let remedy = "Add a replica, or reduce the load.";
        problems.push(problem(WARNING, "requests", detail, remedy, "InstrumentRegistryRequestsShed"));
    }
    if let Some((used, limit)) = observation.memory.filter(|(used, limit)| exceeds(*used, *limit, 85)) {
        let mebibytes = |bytes: u64| bytes.saturating_add(1 << 19) >> 20;
        let mut detail = format!("{} MiB of {} MiB of memory are occupied", mebibytes(used), mebibytes(limit));
        if let Some(before) = observation.memory_limit_at_start.filter(|before| *before > limit) {
            detail += &format!("; the limit was {} MiB when the process started", mebibytes(before));
        }
        let remedy = "Raise the memory limit before the system kills the process.";
        problems.push(problem(CRITICAL, "memory", detail, remedy, "InstrumentRegistryMemoryNearLimit"));
    }
    let (open, max) = observation.connections;
    if exceeds(open, max, 90) {
        let detail = format!("{open} of {max} connections are open");
        let remedy = "Find the caller that opens them, and make it reuse connections.";
        problems.push(problem(WARNING, "connections", detail, remedy, "InstrumentRegistryConnectionsNearMaximum"));
    }
    problems
}

fn of_actor(actor: &StatusActor) -> Option<StatusProblem> {
    let (severity, detail, remedy, runbook) = match actor.state {
        "at_capacity" => (
            WARNING,
            "at capacity: further calls are rejected",
            "Reduce the load, or add a replica.",
            "InstrumentRegistryRequestsShed",
        ),
        "restarting" => (
            CRITICAL,
            "the actor is not running",
            "Read its last errors in the log; the supervisor restarts it.",
            "InstrumentRegistryActorRestarts",
        ),
        "unresponsive" => (
            CRITICAL,
            "the actor does not respond",
            "Read its last lines in the log; restart the process if it does not recover within a minute.",
            "InstrumentRegistryActorRestarts",
        ),
        _ => return None,
    };
    Some(problem(severity, actor.name, detail, remedy, runbook))
}

fn of_restarts(actor: &str, count: u64) -> StatusProblem {
    let detail = format!("{} in the last 15 minutes", counted(usize::try_from(count).unwrap_or(usize::MAX), "restart"));
    let remedy = "Read the error `actor stopped unexpectedly` in the log, and report the defect.";
    problem(WARNING, actor, detail, remedy, "InstrumentRegistryActorRestarts")
}

/// Whether the last file of a broker is too old, so many trading days after its date.
pub(crate) fn is_stale(days: usize, at: DateTime<Utc>) -> bool {
    let minute = at.hour() * 60 + at.minute();
    days > 1 || (days > 0 && FILE_EXPECTED.contains(&minute))
}

fn of_catalog(state: &AppState, observation: &Observation<'_>) -> Vec<StatusProblem> {
    let mut problems = Vec::new();
    let Some(snapshot) = state.system.snapshot() else { return problems };
    let catalogue = &snapshot.catalogue;
    if catalogue.is_demonstration() || catalogue.is_empty() {
        let detail = if catalogue.is_empty() { "no file accepted yet" } else { "the demonstration catalog is served" };
        problems.push(problem(WARNING, "catalog", detail, "Ingest a file of a broker.", None));
    }
    let refusals = state.system.catalogue.rejected_files();
    for broker in Broker::WITH_FILES {
        if let Some(refusal) = refusals.iter().find(|refusal| refusal.broker == broker) {
            let remedy = "Compare the file with the last accepted one; ingest a corrected file, or this one with `force`. Dismiss \
                          the rejection if nobody uses the broker.";
            problems.push(problem(WARNING, "catalog", refused(refusal), remedy, "InstrumentRegistryFileRejected"));
        }
        let days = last_file(&snapshot, broker, observation.at).map_or(0, |(_, days)| days);
        if is_stale(days, observation.at) {
            let detail = format!("the last file of {} is {} old", broker.as_str(), counted(days, "trading day"));
            let remedy = "Ingest the newest file of the broker; look for its job and its rejection.";
            problems.push(problem(WARNING, "catalog", detail, remedy, "InstrumentRegistryCatalogStale"));
        }
    }
    problems.extend(of_calendar(snapshot.calendar().end(), trading_date(observation.at)));
    problems
}

/// Returns the problem of a calendar that ends soon. After its end, the check of `/ready` is a problem.
fn of_calendar(end: Option<NaiveDate>, today: NaiveDate) -> Option<StatusProblem> {
    let end = end.filter(|end| (TimeDelta::zero()..CALENDAR_NOTICE).contains(&(*end - today)))?;
    let remedy = "Ingest the trading calendar of the next year.";
    Some(problem(WARNING, "calendar", format!("ends on {end}"), remedy, "InstrumentRegistryCalendarEnding"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_calendar_is_a_problem_two_weeks_before() {
        let date = |day| NaiveDate::from_ymd_opt(2026, 12, day).unwrap();
        let is_problem = |today| of_calendar(Some(date(31)), today).is_some();

        assert!(!is_problem(date(17)));
        assert!(is_problem(date(18)));
        assert!(is_problem(date(31)), "the last day");
        assert!(!is_problem(date(31) + TimeDelta::days(1)));
        assert_eq!(of_calendar(None, date(31)).map(|problem| problem.detail), None);
    }
}
