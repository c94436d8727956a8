//! Follows the stored trading calendar.

use std::sync::Arc;

use chrono::Utc;
use registry_planning::plan::describe::trading_date;
use registry_store::StoredCalendar;
use tokio::time::{Duration, Instant};
use tracing::{info, warn};

use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::snapshot::SnapshotCell;

/// Timeout of the query of a newer calendar.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A newer calendar than the served one, if there is one; the error of a calendar that this release cannot read.
pub(super) type NewerCalendar = Result<Option<StoredCalendar>, PersistenceError>;

#[derive(Default)]
pub(super) struct FollowedCalendar {
    /// 0 if no calendar was found.
    version: i64,
    is_failing: bool,
}

impl FollowedCalendar {
    pub(super) fn version(&self) -> i64 {
        self.version
    }

    /// Publishes a newer calendar. One that cannot be read leaves the last one in effect.
    pub(super) fn follow(&mut self, newer: NewerCalendar, snapshots: &SnapshotCell) {
        match newer {
            Ok(newer) => {
                self.is_failing = false;
                if let Some(newer) = newer {
                    self.publish(newer, snapshots);
                }
            }
            Err(fault) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    warn!(%fault, "failed to read the trading calendar; the last one stays in effect");
                }
            }
        }
    }

    fn publish(&mut self, newer: StoredCalendar, snapshots: &SnapshotCell) {
        let StoredCalendar { version, record } = &newer;
        info!(calendar.version = version, source = record.source, "serving trading calendar");
        if let Some(reason) = record.calendar.warning(trading_date(Utc::now())) {
            warn!(calendar.version = version, reason, "trading calendar must be replaced");
        }
        self.version = *version;
        snapshots.set_calendar(Arc::new(newer));
    }
}

/// Reads the calendar if it is newer than the version `known`.
///
/// # Errors
/// [`PersistenceError`] if the database does not respond.
pub(super) async fn newer_calendar(
    persistence: &PersistenceHandle,
    known: i64,
) -> Result<NewerCalendar, PersistenceError> {
    let read = persistence
        .run(Op::Calendar, Instant::now() + TIMEOUT, move |store| async move { store.calendar_after(known).await });
    match read.await {
        Err(fault) if !fault.is_permanent() => Err(fault),
        read => Ok(read),
    }
}
