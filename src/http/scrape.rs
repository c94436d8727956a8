//! The metrics that change without an event: they are set when the metrics are read.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, Utc};
use metrics::gauge;
use metrics_process::Collector;
use registry_actors::snapshot::Snapshot;
use registry_planning::calendar::Calendar;
use registry_planning::ingest::gate::credible_date;
use registry_planning::plan::describe::{end_of_trading_date, trading_date};
use registry_planning::vocabulary::Broker;

use super::context::AppState;
use super::portions::memory_load;
use crate::memory;
use crate::metrics::{
    CALENDAR_END, LIST_MEMORY, LIST_MEMORY_WAITING, LOAD_TIMESTAMP, MEMORY_LIMIT, MISSING_FILES, READY, SETTINGS_AGE,
};

/// Reads the memory, the processor time and the file descriptors of the process.
static PROCESS: LazyLock<Collector> = LazyLock::new(|| {
    let collector = Collector::default();
    collector.describe();
    collector
});

/// Sets the metrics that change without an event.
#[allow(clippy::cast_precision_loss)]
pub(super) fn measure(state: &AppState) {
    let snapshot = state.system.snapshot();
    gauge!(SETTINGS_AGE).set(state.system.config.age().unwrap_or_default().as_secs_f64());
    // The conditions of `/ready`. They need no report of an actor: a catalog that is served was read from the database.
    let is_ready = !state.is_draining() && snapshot.is_some() && state.api_keys.is_known();
    gauge!(READY).set(f64::from(u8::from(is_ready)));
    state.system.measure();
    let lists = memory_load();
    gauge!(LIST_MEMORY).set(lists.bytes as f64);
    gauge!(LIST_MEMORY_WAITING).set(lists.waiting as f64);
    measure_files(snapshot.as_deref());
    let calendar_end = snapshot.as_deref().and_then(|snapshot| snapshot.calendar().end()).map(end_of_trading_date);
    gauge!(CALENDAR_END).set(calendar_end.map_or(0, |end| end.timestamp()) as f64);
    PROCESS.collect();
    if let Some(bytes) = memory::limit() {
        gauge!(MEMORY_LIMIT).set(bytes as f64);
    }
}

/// Sets the age of the last accepted file of each broker.
#[allow(clippy::cast_precision_loss)]
fn measure_files(snapshot: Option<&Snapshot>) {
    for broker in Broker::WITH_FILES {
        let (loaded_at, days) =
            snapshot.and_then(|snapshot| last_file(snapshot, broker, Utc::now())).unwrap_or_default();
        let seconds = loaded_at.map_or(0, |at: DateTime<Utc>| at.timestamp());
        gauge!(LOAD_TIMESTAMP, "broker_id" => broker.as_str()).set(seconds as f64);
        gauge!(MISSING_FILES, "broker_id" => broker.as_str()).set(days as f64);
    }
}

/// Returns the time at which the last file of a broker was accepted, and the number of trading days since its date.
pub(super) fn last_file(
    snapshot: &Snapshot,
    broker: Broker,
    at: DateTime<Utc>,
) -> Option<(Option<DateTime<Utc>>, usize)> {
    let source = snapshot.catalogue.sources().iter().find(|source| source.broker == Some(broker))?;
    let age = file_age(source.file_date, source.loaded_at, snapshot.calendar(), trading_date(at));
    Some((source.loaded_at, age.map_or(0, |(_, days)| days)))
}

/// Returns the trading date of a file, and the number of trading days since then. If its name had no date, that is the
/// date on which it was accepted.
pub(crate) fn file_age(
    file_date: Option<NaiveDate>,
    loaded_at: Option<DateTime<Utc>>,
    calendar: &Calendar,
    today: NaiveDate,
) -> Option<(NaiveDate, usize)> {
    let date = credible_date(file_date, today).or_else(|| loaded_at.map(trading_date))?;
    Some((date, calendar.trading_days_after(date, today)))
}
