//! Builds the document of the status. Everything is in memory except the reports of the actors, which have a deadline.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use registry_actors::config::SettingsReport;
use registry_actors::system::ActorReport;
use registry_actors::{BreakerReport, CallError};
use registry_planning::plan::describe::trading_date;
use registry_planning::vocabulary::{Broker, format_time};
use registry_store::jobs::Job;

use super::document::{
    StatusActor, StatusBatches, StatusBreaker, StatusBroker, StatusCaches, StatusCatalog, StatusDocument,
    StatusEndpoint, StatusHistory, StatusJob, StatusLane, StatusLocalCache, StatusMinute, StatusPlans, StatusPoint,
    StatusProcess, StatusRefusal, StatusRequests, StatusSettings, StatusSharedCache,
};
use super::problems::{Observation, health};
use crate::http::context::{AppState, REQUESTS_MAX};
use crate::http::health::INSPECT_TIMEOUT;
use crate::http::health::checks::{BREAKERS, Readiness, milliseconds};
use crate::memory;
use crate::status::history::{BatchSummary, History, Step, ratio};
use crate::status::meters::{Level, Tally, entries};
use crate::status::process::{Usage, usage};
use crate::status::{Meters, STEP};
use crate::telemetry;

/// The length of the history.
const MINUTES: u64 = 15;
/// The size of the cache of the process.
const CACHE_BYTES_MAX: u64 = registry_actors::cache::BYTE_BUDGET as u64;

/// The reports of the actors at one time.
pub(crate) struct StatusFacts {
    reports: Vec<ActorReport>,
    settings: Option<SettingsReport>,
    usage: Usage,
    now: Instant,
    at: DateTime<Utc>,
}

/// Rounds to thousandths.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn rounded_option(value: Option<f64>) -> Option<f64> {
    value.map(rounded)
}

fn share(part: u32, whole: u32) -> Option<f64> {
    rounded_option(ratio(part.into(), whole.into()))
}

impl StatusFacts {
    /// Asks the actors.
    pub(super) async fn gather(state: &AppState) -> Self {
        let deadline = (Instant::now() + INSPECT_TIMEOUT).into();
        let (reports, settings) =
            tokio::join!(state.system.inspect(INSPECT_TIMEOUT), state.system.config.report(deadline));
        let settings = settings.ok().flatten();
        StatusFacts { reports, settings, usage: usage(), now: Instant::now(), at: Utc::now() }
    }

    /// Returns the document, and the number of steps of the history that were taken.
    pub(super) fn document(&self, state: &AppState) -> (StatusDocument, u64) {
        let (meters, readiness) = (Meters::global(), Readiness::of(state, &self.reports));
        let jobs = state.system.ingest.recent_jobs();
        let history = state.recent.lock();
        let actors: Vec<StatusActor> = self.reports.iter().map(|report| self.actor(report, &history)).collect();
        let breakers = self.breakers(&readiness);
        let minute = history.last_minute(meters, self.usage.cpu_seconds, self.now);
        let observation = Observation {
            readiness: &readiness,
            actors: &actors,
            breakers: &breakers,
            recent_restarts: self.recent_restarts(&history),
            shed_per_second: minute.shed_per_second,
            memory: self.usage.resident_bytes.zip(memory::limit()),
            memory_limit_at_start: memory::limit_at_start(),
            connections: (meters.connections_open.get(), meters.connections_max.get()),
            at: self.at,
        };
        let document = StatusDocument {
            timestamp: format_time(self.at),
            health: health(state, &observation),
            process: self.process(state, &history, minute.cpu_cores_used),
            requests: StatusRequests {
                in_flight: REQUESTS_MAX.saturating_sub(state.permits.available_permits()),
                permits: REQUESTS_MAX,
                last_minute: StatusMinute {
                    requests_per_second: rounded(minute.requests_per_second),
                    server_error_ratio: rounded(minute.server_error_ratio),
                    shed_per_second: rounded(minute.shed_per_second),
                    p50_ms: rounded_option(minute.latency.p50_ms),
                    p95_ms: rounded_option(minute.latency.p95_ms),
                    p99_ms: rounded_option(minute.latency.p99_ms),
                },
            },
            history: StatusHistory {
                step_seconds: STEP.as_secs(),
                minutes: MINUTES,
                points: history.steps().map(point).collect(),
            },
            endpoints: endpoints(&history, meters),
            actors,
            breakers,
            lanes: lanes(state),
            caches: caches(state, &history, meters, self.now),
            batches: batches(&history.batches(meters, self.now)),
            catalog: catalog(state, meters, self.at),
            jobs: jobs.iter().map(job_entry).collect(),
            plans: StatusPlans {
                active: entries(&meters.plans_active).into_iter().map(|(kind, level)| (kind, level.get())).collect(),
                created_by_broker: history.plans_by_broker(meters),
            },
            settings: self.settings(state),
        };
        (document, history.taken())
    }

    fn process(&self, state: &AppState, history: &History, cpu_cores_used: Option<f64>) -> StatusProcess {
        let uptime = (self.at - history.started_at).num_seconds();
        StatusProcess {
            version: env!("CARGO_PKG_VERSION"),
            started_at: format_time(history.started_at),
            uptime_seconds: u64::try_from(uptime).unwrap_or(0),
            backend: state.system.backend(),
            resident_memory_bytes: self.usage.resident_bytes,
            memory_limit_bytes: memory::limit(),
            cpu_cores_used: rounded_option(cpu_cores_used),
            threads: self.usage.threads,
            log_level: telemetry::log_level(),
        }
    }

    fn actor(&self, report: &ActorReport, history: &History) -> StatusActor {
        let mailbox = report.inspection.as_ref().ok().map(|inspection| inspection.mailbox);
        let summary = history.actor(Meters::global(), report.name, self.now);
        let state = match &report.inspection {
            Ok(inspection) if inspection.mailbox.is_full() => "at_capacity",
            Ok(_) => "running",
            Err(CallError::Gone(_)) => "restarting",
            Err(CallError::DeadlineExceeded(_) | CallError::Overloaded(_)) => "unresponsive",
        };
        StatusActor {
            name: report.name,
            parent: "supervisor",
            state,
            waiting: mailbox.map(|mailbox| mailbox.waiting),
            in_flight: mailbox.map(|mailbox| mailbox.in_flight),
            permits: mailbox.map(|mailbox| mailbox.permits),
            response_time_ms: rounded(report.response_time.as_secs_f64() * 1e3),
            wait_p99_ms: rounded_option(summary.wait_p99_ms),
            handle_p99_ms: rounded_option(summary.handle_p99_ms),
            handled_per_second: rounded(summary.handled_per_second),
            restarts: summary.restarts,
            detail: report.inspection.as_ref().err().map(ToString::to_string),
        }
    }

    /// Returns the restarts of the last 15 minutes, by actor.
    fn recent_restarts(&self, history: &History) -> BTreeMap<&'static str, u64> {
        let recent = |report: &ActorReport| history.actor(Meters::global(), report.name, self.now).recent_restarts;
        self.reports.iter().map(|report| (report.name, recent(report))).filter(|(_, count)| *count > 0).collect()
    }

    fn breakers(&self, readiness: &Readiness) -> Vec<StatusBreaker> {
        let found = BREAKERS.into_iter().filter_map(|(actor, dependency)| {
            let report = self.reports.iter().find(|report| report.name == actor)?;
            let circuit = report.inspection.as_ref().ok()?.circuit?;
            let detail = readiness.checks.get(dependency).and_then(|check| check.detail.clone());
            Some(StatusBreaker::of(dependency, &circuit, self.at, detail))
        });
        found.collect()
    }

    fn settings(&self, state: &AppState) -> StatusSettings {
        let mut origins = BTreeMap::new();
        for origin in self.settings.iter().flat_map(|report| report.origins.values()) {
            *origins.entry(origin.as_str()).or_insert(0) += 1;
        }
        let refused = state.system.config.service().map(|service| service.refused).unwrap_or_default();
        StatusSettings {
            age_seconds: state.system.config.age().map(|age| age.as_secs()),
            origins,
            refused: refused
                .iter()
                .map(|key| format!("{key}: the value is out of range; another origin applies"))
                .collect(),
        }
    }
}

impl StatusBreaker {
    /// Returns the entry of a breaker.
    pub(crate) fn of(
        dependency: &'static str,
        report: &BreakerReport,
        at: DateTime<Utc>,
        detail: Option<String>,
    ) -> Self {
        let opened_at = report.open_for.and_then(|open_for| Some(at - TimeDelta::from_std(open_for).ok()?));
        StatusBreaker {
            dependency,
            state: report.state,
            forced: report.forced,
            failure_ratio: share(report.failures, report.calls),
            slow_ratio: share(report.slow, report.calls),
            calls_in_window: report.calls,
            opened_at: opened_at.map(format_time),
            next_trial_ms: report.next_probe_in.map(milliseconds),
            detail,
        }
    }
}

fn point(step: &Step) -> StatusPoint {
    StatusPoint {
        at: format_time(step.at),
        requests: step.requests,
        client_errors: step.client_errors,
        server_errors: step.server_errors,
        shed: step.tally(Tally::Shed),
        p50_ms: rounded_option(step.latency.p50_ms),
        p95_ms: rounded_option(step.latency.p95_ms),
        p99_ms: rounded_option(step.latency.p99_ms),
        plans_created: step.tally(Tally::PlansCreated),
        plans_cached: step.tally(Tally::CacheHits),
    }
}

fn endpoints(history: &History, meters: &Meters) -> Vec<StatusEndpoint> {
    let entry = |endpoint: crate::status::history::EndpointSummary| StatusEndpoint {
        method: endpoint.method,
        endpoint: endpoint.endpoint,
        requests: endpoint.requests,
        client_errors: endpoint.client_errors,
        server_errors: endpoint.server_errors,
        p50_ms: rounded_option(endpoint.latency.p50_ms),
        p95_ms: rounded_option(endpoint.latency.p95_ms),
        p99_ms: rounded_option(endpoint.latency.p99_ms),
    };
    history.endpoints(meters).into_iter().map(entry).collect()
}

fn lanes(state: &AppState) -> Vec<StatusLane> {
    let entry = |load: registry_actors::persistence::LaneLoad| StatusLane {
        lane: load.lane,
        waiting: load.waiting,
        in_flight: load.in_flight,
        permits: load.permits,
        oldest_wait_ms: milliseconds(load.oldest_wait()),
        oldest_wait_ms_max: milliseconds(load.wait_max),
    };
    state.system.persistence.lanes().into_iter().map(entry).collect()
}

fn caches(state: &AppState, history: &History, meters: &Meters, now: Instant) -> StatusCaches {
    let recent = |tally| history.recent(meters, tally);
    let (hits, misses) = (recent(Tally::CacheHits), recent(Tally::CacheMisses));
    #[allow(clippy::cast_precision_loss)]
    let per_minute =
        |tally| recent(tally) as f64 / (history.covered(now).max(Duration::from_secs(60)).as_secs_f64() / 60.0);
    let l2 = state.system.cache.has_shared().then(|| {
        let (hits, misses) = (recent(Tally::SharedHits), recent(Tally::SharedMisses));
        StatusSharedCache {
            hit_ratio: rounded_option(ratio(hits, hits + misses)),
            failed_per_minute: rounded(per_minute(Tally::SharedFailed)),
            skipped_per_minute: rounded(per_minute(Tally::SharedSkipped)),
        }
    });
    let l1 = StatusLocalCache {
        entries: meters.cache_entries.get(),
        bytes: meters.cache_bytes.get(),
        bytes_max: CACHE_BYTES_MAX,
        hit_ratio: rounded_option(ratio(hits, hits + misses)),
    };
    StatusCaches { l1, l2 }
}

fn batches(summary: &BatchSummary) -> StatusBatches {
    StatusBatches {
        rows_p50: summary.rows_p50,
        rows_p99: summary.rows_p99,
        per_second: rounded(summary.per_second),
        duration_p50_ms: rounded_option(summary.duration_p50_ms),
        duration_p99_ms: rounded_option(summary.duration_p99_ms),
    }
}

fn catalog(state: &AppState, meters: &Meters, at: DateTime<Utc>) -> StatusCatalog {
    let snapshot = state.system.snapshot();
    let catalogue = snapshot.as_ref().map(|snapshot| &snapshot.catalogue);
    let sources = catalogue.map(|catalogue| catalogue.sources()).unwrap_or_default();
    let tokens: BTreeMap<String, u64> = entries(&meters.tokens_active)
        .into_iter()
        .map(|(broker, level): (_, std::sync::Arc<Level>)| (broker, level.get()))
        .collect();
    let (refusals, loads) = (state.system.catalogue.rejected_files(), state.system.catalogue.last_loads());
    let broker = |broker: Broker| {
        let source = sources.iter().find(|source| source.broker == Some(broker));
        let load = loads.iter().find(|load| load.broker == broker);
        let file_date = source.and_then(|source| source.file_date);
        let refusal = refusals.iter().find(|refusal| refusal.broker == broker);
        StatusBroker {
            broker_id: broker.as_str(),
            file_date,
            age_days: file_date.map(|date| (trading_date(at) - date).num_days().max(0)),
            version: load.map(|load| load.version),
            loaded_at: source.and_then(|source| source.loaded_at).map(format_time),
            active_tokens: tokens.get(broker.as_str()).copied().unwrap_or(0),
            last_diff: load.and_then(|load| load.diff_counts.clone()),
            refusal: refusal.map(|refusal| StatusRefusal {
                source: refusal.source.clone(),
                refused_at: format_time(refusal.rejected_at),
                faults: refusal.faults.iter().map(ToString::to_string).collect(),
            }),
        }
    };
    StatusCatalog {
        version: catalogue.map(|catalogue| catalogue.version().to_owned()),
        instruments: catalogue.map(|catalogue| catalogue.instrument_count()),
        is_demonstration: catalogue.is_some_and(|catalogue| catalogue.is_demonstration()),
        published_at: sources.iter().filter_map(|source| source.loaded_at).max().map(format_time),
        brokers: Broker::WITH_FILES.into_iter().map(broker).collect(),
    }
}

fn job_entry(job: &Job) -> StatusJob {
    StatusJob {
        job_id: job.job_id.clone(),
        broker_id: job.broker.as_str(),
        mode: job.mode.as_str(),
        status: job.status.as_str(),
        progress: job.progress,
        processed_instruments: job.processed,
        errors: job.errors.clone(),
        created_at: format_time(job.created_at),
        finished_at: job.finished_at.map(format_time),
    }
}
