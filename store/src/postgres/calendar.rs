//! The table `calendar_loads`.

use async_trait::async_trait;
use sqlx::PgConnection;

use super::PostgresStore;
use crate::calendar::{CALENDARS_KEPT, CalendarRecord, CalendarStore, StoredCalendar};
use crate::error::StoreError;
use crate::sql::calendar::{NEWEST, calendar};

/// A version that was rolled back leaves a gap, so the kept ones are counted.
const SAVE: &str = "
    with newer as (
        select version from calendar_loads order by version desc limit $4
    ), forgotten as (
        delete from calendar_loads where version not in (select version from newer)
    )
    insert into calendar_loads (source, loaded_at, document) values ($1, $2, $3)
    returning version";

#[async_trait]
impl CalendarStore for PostgresStore {
    async fn calendar_after(&self, known: i64) -> Result<Option<StoredCalendar>, StoreError> {
        let read =
            || async |connection: &mut PgConnection| sqlx::query(NEWEST).bind(known).fetch_optional(connection).await;
        self.connections.read(read).await?.as_ref().map(calendar).transpose()
    }

    async fn save_calendar(&self, record: &CalendarRecord) -> Result<i64, StoreError> {
        let query = sqlx::query_scalar(SAVE)
            .bind(&record.source)
            .bind(record.loaded_at)
            .bind(record.calendar.to_csv())
            .bind(CALENDARS_KEPT - 1);
        // Not retried: a second attempt would store the calendar twice.
        self.connections.write(async |connection| query.fetch_one(connection).await).await
    }
}
