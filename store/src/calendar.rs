//! Trading calendars.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::calendar::Calendar;

use super::error::StoreError;

/// Number of calendars that are kept. Only the newest one applies.
pub const CALENDARS_KEPT: i64 = 10;

/// A calendar before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarRecord {
    /// The name of the file that it was read from, for messages.
    pub source: String,
    /// The time at which the file was read.
    pub loaded_at: DateTime<Utc>,
    /// The holidays and sessions of exchanges.
    pub calendar: Calendar,
}

/// A stored calendar. The one with the highest version applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCalendar {
    /// The version, which increases with every calendar.
    pub version: i64,
    /// The calendar and its source.
    pub record: CalendarRecord,
}

/// The table of trading calendars.
#[async_trait]
pub trait CalendarStore: Send + Sync + 'static {
    /// Reads the newest calendar if it is newer than the version `known`, which is 0 if none is known.
    async fn calendar_after(&self, known: i64) -> Result<Option<StoredCalendar>, StoreError>;

    /// Stores a calendar as the newest one, completely or not at all, and returns its version.
    async fn save_calendar(&self, record: &CalendarRecord) -> Result<i64, StoreError>;
}
