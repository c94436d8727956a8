//! The document of the status.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use registry_planning::ingest::selection::Mode;
use registry_planning::vocabulary::Broker;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::schema::types;

/// The state of the service and its recent past.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusDocument {
    /// The time of the document.
    #[schema(value_type = String, format = DateTime)]
    pub(super) timestamp: String,
    pub(super) health: StatusHealth,
    pub(super) process: StatusProcess,
    pub(super) requests: StatusRequests,
    pub(super) history: StatusHistory,
    /// The endpoints with requests in the last 10 to 15 minutes, busiest first.
    pub(super) endpoints: Vec<StatusEndpoint>,
    /// The actors.
    pub(super) actors: Vec<StatusActor>,
    /// The circuit breakers of the configured dependencies.
    pub(super) breakers: Vec<StatusBreaker>,
    /// The lanes of database calls.
    pub(super) lanes: Vec<StatusLane>,
    pub(super) caches: StatusCaches,
    pub(super) batches: StatusBatches,
    pub(super) catalog: StatusCatalog,
    /// The last jobs of all processes on the database, at most 20, newest first. Those of other processes are up to 6 s old.
    pub(super) jobs: Vec<StatusJob>,
    pub(super) plans: StatusPlans,
    pub(super) settings: StatusSettings,
}

impl StatusDocument {
    /// Returns the document with only the last points of its history.
    pub(super) fn with_last_points(&self, count: usize) -> Self {
        let mut update = self.clone();
        let points = &mut update.history.points;
        points.drain(..points.len().saturating_sub(count));
        update
    }
}

/// The state of the service, and its problems.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusHealth {
    /// The state.
    #[schema(value_type = types::StatusWord)]
    pub(super) status: &'static str,
    /// The state in one sentence: that of the worst problem, if there is one.
    pub(super) summary: String,
    /// The problems, worst first.
    pub(super) problems: Vec<StatusProblem>,
}

/// A problem, and what to do about it.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusProblem {
    /// The severity.
    #[schema(value_type = types::Severity)]
    pub(super) severity: &'static str,
    /// The dependency, actor or other part that has the problem.
    pub(super) subject: String,
    /// The condition.
    pub(super) detail: String,
    /// The step to take now.
    #[schema(value_type = String)]
    pub(super) remedy: &'static str,
    /// The heading in the runbook, if it has one.
    #[schema(value_type = Option<String>, required)]
    pub(super) runbook: Option<&'static str>,
}

/// The process.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusProcess {
    /// The version of the service.
    #[schema(value_type = String)]
    pub(super) version: &'static str,
    /// The time at which the service started.
    #[schema(value_type = String, format = DateTime)]
    pub(super) started_at: String,
    /// The time since then, in seconds.
    pub(super) uptime_seconds: u64,
    /// The kind of database.
    #[schema(value_type = String)]
    pub(super) backend: &'static str,
    /// The resident memory, if known.
    #[schema(required)]
    pub(super) resident_memory_bytes: Option<u64>,
    /// The maximum of the memory, if known.
    #[schema(required)]
    pub(super) memory_limit_bytes: Option<u64>,
    /// The average number of busy processor cores over the last minute, if known.
    #[schema(required)]
    pub(super) cpu_cores_used: Option<f64>,
    /// The number of threads, if known.
    #[schema(required)]
    pub(super) threads: Option<u64>,
    /// The filter of the log.
    pub(super) log_level: String,
}

/// The requests to the API.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusRequests {
    /// The number of requests without a response.
    pub(super) in_flight: usize,
    /// The maximum of `in_flight`. A request beyond it is rejected.
    pub(super) permits: usize,
    pub(super) last_minute: StatusMinute,
}

/// The requests of the last minute.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusMinute {
    /// The number of responses per second.
    pub(super) requests_per_second: f64,
    /// The share of responses with a status of 500 or more, 0 to 1.
    pub(super) server_error_ratio: f64,
    /// The number of requests per second that were rejected because the service was at capacity.
    pub(super) shed_per_second: f64,
    /// The median of the time to the response, in milliseconds.
    #[schema(required)]
    pub(super) p50_ms: Option<f64>,
    /// The 95th percentile of the time to the response, in milliseconds.
    #[schema(required)]
    pub(super) p95_ms: Option<f64>,
    /// The 99th percentile of the time to the response, in milliseconds.
    #[schema(required)]
    pub(super) p99_ms: Option<f64>,
}

/// The last 15 minutes.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusHistory {
    /// The length of a step, in seconds.
    pub(super) step_seconds: u64,
    /// The length of the history, in minutes.
    pub(super) minutes: u64,
    /// The steps that have ended, oldest first. After the first event of a stream, only the new ones.
    pub(super) points: Vec<StatusPoint>,
}

/// A step of the history.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusPoint {
    /// The end of the step.
    #[schema(value_type = String, format = DateTime)]
    pub(super) at: String,
    /// The number of responses.
    pub(super) requests: u64,
    /// The number of responses with a status from 400 to 499.
    pub(super) client_errors: u64,
    /// The number of responses with a status of 500 or more.
    pub(super) server_errors: u64,
    /// The number of requests that were rejected because the service was at capacity.
    pub(super) shed: u64,
    /// The median of the time to the response, in milliseconds.
    #[schema(required)]
    pub(super) p50_ms: Option<f64>,
    /// The 95th percentile of the time to the response, in milliseconds.
    #[schema(required)]
    pub(super) p95_ms: Option<f64>,
    /// The 99th percentile of the time to the response, in milliseconds.
    #[schema(required)]
    pub(super) p99_ms: Option<f64>,
    /// The number of plans that were created and stored.
    pub(super) plans_created: u64,
    /// The number of plans that were found in the cache of the process.
    pub(super) plans_cached: u64,
}

/// The responses of an endpoint in the last 10 to 15 minutes.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusEndpoint {
    /// The method.
    pub(super) method: String,
    /// The template of the path.
    pub(super) endpoint: String,
    /// The number of responses.
    pub(super) requests: u64,
    /// The number of responses with a status from 400 to 499.
    pub(super) client_errors: u64,
    /// The number of responses with a status of 500 or more.
    pub(super) server_errors: u64,
    /// The median of the time to the response, in milliseconds.
    #[schema(required)]
    pub(super) p50_ms: Option<f64>,
    /// The 95th percentile of the time to the response, in milliseconds.
    #[schema(required)]
    pub(super) p95_ms: Option<f64>,
    /// The 99th percentile of the time to the response, in milliseconds.
    #[schema(required)]
    pub(super) p99_ms: Option<f64>,
}

/// An actor.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusActor {
    /// The name.
    #[schema(value_type = String)]
    pub(super) name: &'static str,
    /// The actor that restarts it.
    #[schema(value_type = String)]
    pub(super) parent: &'static str,
    /// The state.
    #[schema(value_type = types::ActorState)]
    pub(super) state: &'static str,
    /// The number of messages that wait, if known.
    #[schema(required)]
    pub(super) waiting: Option<usize>,
    /// The number of calls without a reply, if known.
    #[schema(required)]
    pub(super) in_flight: Option<usize>,
    /// The maximum of `in_flight`, if known.
    #[schema(required)]
    pub(super) permits: Option<usize>,
    /// The time until the actor reported its state, or until the deadline, in milliseconds.
    pub(super) response_time_ms: f64,
    /// The 99th percentile of the time of a message in the mailbox over the last 1 to 2 minutes, in milliseconds.
    #[schema(required)]
    pub(super) wait_p99_ms: Option<f64>,
    /// The 99th percentile of the time to handle a message over the last 1 to 2 minutes, in milliseconds.
    #[schema(required)]
    pub(super) handle_p99_ms: Option<f64>,
    /// The number of handled messages per second over the last 1 to 2 minutes.
    pub(super) handled_per_second: f64,
    /// The number of restarts since the start of the service.
    pub(super) restarts: u64,
    /// Additional information, if there is any.
    #[schema(required)]
    pub(super) detail: Option<String>,
}

/// A circuit breaker.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusBreaker {
    /// The dependency.
    #[schema(value_type = types::Dependency)]
    pub(super) dependency: &'static str,
    /// The state.
    #[schema(value_type = types::BreakerState)]
    pub(super) state: &'static str,
    /// The state that an operator has forced, if any.
    #[schema(value_type = Option<types::ForcedState>, required)]
    pub(super) forced: Option<&'static str>,
    /// The share of calls that failed, 0 to 1. `null` without calls.
    #[schema(required)]
    pub(super) failure_ratio: Option<f64>,
    /// The share of calls that took too long, 0 to 1. `null` without calls.
    #[schema(required)]
    pub(super) slow_ratio: Option<f64>,
    /// The number of calls in the window of the breaker. It is empty after an opening.
    pub(super) calls_in_window: u32,
    /// The time of the first opening in a row, unless the breaker is closed.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub(super) opened_at: Option<String>,
    /// The time until the next trial call, in milliseconds, unless the breaker is closed.
    #[schema(required)]
    pub(super) next_trial_ms: Option<u64>,
    /// Additional information, if there is any.
    #[schema(required)]
    pub(super) detail: Option<String>,
}

/// A lane of database calls.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusLane {
    /// The name.
    #[schema(value_type = String)]
    pub(super) lane: &'static str,
    /// The number of calls, or of plans in batches, that wait.
    pub(super) waiting: usize,
    /// The number of calls in progress.
    pub(super) in_flight: usize,
    /// The maximum number of calls in progress. 0 before the database was reached.
    pub(super) permits: usize,
    /// The time for which the oldest call has waited, in milliseconds; 0 if none waits.
    pub(super) oldest_wait_ms: u64,
    /// The maximum of `oldest_wait_ms` of a lane that is not saturated.
    pub(super) oldest_wait_ms_max: u64,
}

/// The caches.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusCaches {
    pub(super) l1: StatusLocalCache,
    /// The cache that replicas share. `null` if it is not configured.
    #[schema(required)]
    pub(super) l2: Option<StatusSharedCache>,
}

/// The cache of the process.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusLocalCache {
    /// The number of plans.
    pub(super) entries: u64,
    /// The size, in bytes.
    pub(super) bytes: u64,
    /// The maximum size, in bytes.
    pub(super) bytes_max: u64,
    /// The share of requests for plans over the last 15 minutes that it served, 0 to 1. `null` without requests.
    #[schema(required)]
    pub(super) hit_ratio: Option<f64>,
}

/// The cache that replicas share.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusSharedCache {
    /// The share of completed lookups over the last 15 minutes that found a plan, 0 to 1. `null` without lookups.
    #[schema(required)]
    pub(super) hit_ratio: Option<f64>,
    /// The number of failed lookups per minute over the last 15 minutes.
    pub(super) failed_per_minute: f64,
    /// The number of lookups per minute over the last 15 minutes that were not sent.
    pub(super) skipped_per_minute: f64,
}

/// The batches of new plans over the last 1 to 2 minutes.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusBatches {
    /// The median of the number of rows. `null` without batches.
    #[schema(required)]
    pub(super) rows_p50: Option<f64>,
    /// The 99th percentile of the number of rows. `null` without batches.
    #[schema(required)]
    pub(super) rows_p99: Option<f64>,
    /// The number of batches per second.
    pub(super) per_second: f64,
    /// The median of the time to write a batch, in milliseconds. `null` without batches.
    #[schema(required)]
    pub(super) duration_p50_ms: Option<f64>,
    /// The 99th percentile of the time to write a batch, in milliseconds. `null` without batches.
    #[schema(required)]
    pub(super) duration_p99_ms: Option<f64>,
}

/// The catalog.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusCatalog {
    /// The version. `null` before the catalog is loaded.
    #[schema(required)]
    pub(super) version: Option<String>,
    /// The number of instruments. `null` before the catalog is loaded.
    #[schema(required)]
    pub(super) instruments: Option<usize>,
    /// Whether it is the catalog for demonstrations.
    pub(super) is_demonstration: bool,
    /// The time of the last load, if known.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub(super) published_at: Option<String>,
    /// The brokers whose files the service reads.
    pub(super) brokers: Vec<StatusBroker>,
}

/// The last files of a broker.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusBroker {
    #[schema(value_type = Broker)]
    pub(super) broker_id: &'static str,
    /// The trading date of the last accepted file, if known.
    #[schema(required)]
    pub(super) file_date: Option<NaiveDate>,
    /// The number of days since that date.
    #[schema(required)]
    pub(super) age_days: Option<i64>,
    /// The version of the catalog that the last accepted file created.
    #[schema(required)]
    pub(super) version: Option<i64>,
    /// The time at which the last file was accepted, if known.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub(super) loaded_at: Option<String>,
    /// The number of tokens of active instruments.
    pub(super) active_tokens: u64,
    /// The number of changes of each kind between the last two accepted files. Null without a file.
    #[schema(required)]
    pub(super) last_diff: Option<BTreeMap<String, u64>>,
    /// The last rejected file, unless a later one was accepted.
    #[schema(required)]
    pub(super) refusal: Option<StatusRefusal>,
}

/// A rejected file.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusRefusal {
    /// The source of the file.
    pub(super) source: String,
    /// The time of the rejection.
    #[schema(value_type = String, format = DateTime)]
    pub(super) refused_at: String,
    /// The reasons.
    pub(super) faults: Vec<String>,
}

/// A job.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusJob {
    /// The id.
    #[schema(value_type = types::JobId)]
    pub(super) job_id: String,
    #[schema(value_type = Broker)]
    pub(super) broker_id: &'static str,
    #[schema(value_type = Mode)]
    pub(super) mode: &'static str,
    /// The state.
    #[schema(value_type = types::JobState)]
    pub(super) status: &'static str,
    /// The progress in percent.
    pub(super) progress: u8,
    /// The number of rows read.
    pub(super) processed_instruments: u64,
    /// The reasons of a failure.
    pub(super) errors: Vec<String>,
    /// The time of the request.
    #[schema(value_type = String, format = DateTime)]
    pub(super) created_at: String,
    /// The time at which the job finished.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub(super) finished_at: Option<String>,
}

/// The plans.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusPlans {
    /// The number of stored plans that have not expired, by subscription type.
    pub(super) active: BTreeMap<String, u64>,
    /// The number of plans that this process has created since its start, by broker; `none` without a broker.
    pub(super) created_by_broker: BTreeMap<String, u64>,
}

/// The settings.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StatusSettings {
    /// The time since the config service last responded for every key, in seconds. `null` without a config service.
    #[schema(required)]
    pub(super) age_seconds: Option<u64>,
    /// The number of settings by the origin of their value. Empty if the actor did not report in time.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub(super) origins: BTreeMap<&'static str, u64>,
    /// The rejected values, each with its reason.
    pub(super) refused: Vec<String>,
}
