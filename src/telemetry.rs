//! Logs, metrics and traces of the process.

mod json;
#[cfg(test)]
mod tests;
mod text;
mod traces;

use std::io::IsTerminal;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use registry_actors::planner::PLANNING_DURATION;
use registry_actors::{HANDLE_DURATION, MAILBOX_WAIT};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use self::json::JsonLines;
use self::text::{TextFields, TextLines};
pub use self::traces::export_traces;
use crate::metrics::HTTP_DURATION;
use crate::settings::LogFormat;
use crate::status::{CountingRecorder, Meters};

/// Buckets for the time to respond, in seconds: fine enough for service level objectives.
const RESPONSES: &[f64] = &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Buckets for other times in seconds, which have many series: calls of dependencies, and waits for them. The limits
/// from which a circuit breaker counts a call as slow are among them: 25 ms of Redis, 2 s of the database, 10 s of the
/// settings.
const CALLS: &[f64] = &[0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0];
/// Buckets for times of actors in seconds. Each power of ten is enough to find the message that delays others.
const ACTORS: &[f64] = &[0.000_1, 0.001, 0.01, 0.1, 1.0];
/// Buckets for the time to create a plan, in seconds: from a few instruments to the maximum.
const PLANNING: &[f64] = &[0.000_05, 0.000_25, 0.001, 0.005, 0.025, 0.1];
/// Buckets for the rows of a batch and the keys of a pipeline.
const ROWS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// The interval at which samples are moved to their buckets, so that they do not accumulate if nothing scrapes them.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// With this target, sqlx logs unknown URL parameters with their values, for example a misspelled `password`.
const PARAMETERS_OF_URLS: &str = "sqlx_postgres::options::parse";

/// With this target, ractor begins a span for each actor, whose field is a number. Lines have the name of the actor
/// instead.
const ACTORS_BY_NUMBER: &str = "ractor";

static LOG_LEVEL: Mutex<String> = Mutex::new(String::new());

/// The target of the lines of the audit log, which no filter hides.
pub(crate) const AUDIT_TARGET: &str = "audit";
pub(crate) const REQUEST_TARGET: &str = "request";

/// Replaces the filter of the log that [`init_logs`] has installed.
static RELOAD: OnceLock<Box<dyn Fn(Targets) + Send + Sync>> = OnceLock::new();

/// Parses a filter: a level, or a list of levels and targets with their levels.
pub(crate) fn parse_filter(text: &str) -> Option<Targets> {
    // A word that is no level would be a target with all its lines, and turn off all others.
    let is_directive = |part: &str| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok();
    text.split(',').all(is_directive).then(|| text.parse().ok()).flatten()
}

/// Completes a filter with the targets that do not depend on it.
fn complete(filter: Targets) -> Targets {
    filter
        .with_target(PARAMETERS_OF_URLS, LevelFilter::OFF)
        .with_target(ACTORS_BY_NUMBER, LevelFilter::OFF)
        .with_target(AUDIT_TARGET, LevelFilter::INFO)
}

pub(crate) fn set_log_level(log_level: &str) {
    let Some(filter) = parse_filter(log_level) else { return };
    log_level.clone_into(&mut LOG_LEVEL.lock().unwrap_or_else(PoisonError::into_inner));
    // Without a log of this process there is nothing to filter, as in tests.
    if let Some(reload) = RELOAD.get() {
        reload(complete(filter));
    }
}

pub(crate) fn log_level() -> String {
    LOG_LEVEL.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Writes logs to standard error.
///
/// If `log_level` is not a valid filter, the level is `info`. The settings have checked it before.
pub fn init_logs(log_level: &str, format: LogFormat) {
    log_level.clone_into(&mut LOG_LEVEL.lock().unwrap_or_else(PoisonError::into_inner));
    let filter = log_level.parse::<Targets>().unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let (filter, handle) = reload::Layer::new(complete(filter));
    let _ = RELOAD.set(Box::new(move |filter| {
        // Fails only if the subscriber is gone.
        let _ = handle.reload(filter);
    }));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let is_terminal = std::io::stderr().is_terminal();
    // Another subscriber may be installed if several engines run in one process, as in tests.
    let _ = if format == LogFormat::Text || format == LogFormat::Auto && is_terminal {
        let has_colors = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let lines = layer.with_ansi(has_colors).fmt_fields(TextFields).event_format(TextLines::new());
        registry.with(lines).try_init()
    } else {
        registry.with(layer.fmt_fields(JsonFields::new()).event_format(JsonLines::new())).try_init()
    };
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    // A full name takes precedence over a suffix.
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(HTTP_DURATION.to_owned()), RESPONSES)?
        .set_buckets_for_metric(Matcher::Full(PLANNING_DURATION.to_owned()), PLANNING)?
        .set_buckets_for_metric(Matcher::Full(MAILBOX_WAIT.to_owned()), ACTORS)?
        .set_buckets_for_metric(Matcher::Full(HANDLE_DURATION.to_owned()), ACTORS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), CALLS)?
        .set_buckets_for_metric(Matcher::Suffix("_rows".to_owned()), ROWS)?
        .set_buckets_for_metric(Matcher::Suffix("_keys".to_owned()), ROWS)
}

/// Installs the metrics recorder of the process and its upkeep. Must be called in the runtime.
///
/// # Errors
/// [`BuildError`] if a recorder is already installed.
pub fn init_metrics() -> Result<PrometheusHandle, BuildError> {
    let inner = builder()?.build_recorder();
    let handle = inner.handle();
    metrics::set_global_recorder(CountingRecorder { inner, meters: Meters::global() })
        .map_err(|fault| metrics::SetRecorderError(fault.0.inner))?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(UPKEEP_EVERY);
        loop {
            interval.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}
