//! The recent past of the process, in memory, so that the status needs no metrics database.
//!
//! [`Meters`] gets the same events as the recorder of Prometheus, so that code records each event once. [`History`]
//! takes a sample of the meters every [`STEP`]; it gets the time as an argument.

pub(crate) mod buckets;
pub(crate) mod history;
pub(crate) mod meters;
pub(crate) mod process;
mod recorder;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;

use self::history::History;
pub(crate) use self::meters::Meters;
pub(crate) use self::recorder::CountingRecorder;

/// The interval between two samples.
pub(crate) const STEP: Duration = Duration::from_secs(5);

pub(crate) struct RecentHistory(Mutex<History>);

impl RecentHistory {
    /// Begins with the present values of the meters: earlier ones are not of this service.
    pub(crate) fn begin() -> Self {
        RecentHistory(Mutex::new(History::begin(
            Meters::global(),
            process::usage().cpu_seconds,
            Instant::now(),
            Utc::now(),
        )))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, History> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a sample every [`STEP`], for as long as others hold the history.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut interval = tokio::time::interval(STEP);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        interval.tick().await;
        while Arc::strong_count(&self) > 1 {
            interval.tick().await;
            let cpu_seconds = process::usage().cpu_seconds;
            self.lock().sample(Meters::global(), cpu_seconds, Instant::now(), Utc::now());
        }
    }
}
