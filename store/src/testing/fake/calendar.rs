//! Calendars of the fake store.

use super::*;
use crate::calendar::{CalendarRecord, CalendarStore, StoredCalendar};

#[async_trait]
impl CalendarStore for FakeStore {
    async fn calendar_after(&self, known: i64) -> Result<Option<StoredCalendar>, StoreError> {
        Ok(self.answer()?.calendars.last().filter(|stored| stored.version > known).cloned())
    }

    async fn save_calendar(&self, record: &CalendarRecord) -> Result<i64, StoreError> {
        let calendars = &mut self.answer()?.calendars;
        let version = calendars.last().map_or(1, |stored| stored.version + 1);
        calendars.push(StoredCalendar { version, record: record.clone() });
        Ok(version)
    }
}
