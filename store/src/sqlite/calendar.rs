//! The table `calendar_loads`.

use async_trait::async_trait;

use super::{SqliteStore, fault};
use crate::calendar::{CALENDARS_KEPT, CalendarRecord, CalendarStore, StoredCalendar};
use crate::error::StoreError;
use crate::sql::calendar::{NEWEST, calendar};

#[async_trait]
impl CalendarStore for SqliteStore {
    async fn calendar_after(&self, known: i64) -> Result<Option<StoredCalendar>, StoreError> {
        let row = sqlx::query(NEWEST).bind(known).fetch_optional(&self.readers).await.map_err(fault)?;
        row.as_ref().map(calendar).transpose()
    }

    async fn save_calendar(&self, record: &CalendarRecord) -> Result<i64, StoreError> {
        let mut transaction = self.loader.begin_with("begin immediate").await.map_err(fault)?;
        let version = sqlx::query_scalar(
            "insert into calendar_loads (source, loaded_at, document) values ($1, $2, $3) returning version",
        )
        .bind(&record.source)
        .bind(record.loaded_at.timestamp_millis())
        .bind(record.calendar.to_csv())
        .fetch_one(&mut *transaction)
        .await
        .map_err(fault)?;
        sqlx::query(
            "delete from calendar_loads where version not in \
             (select version from calendar_loads order by version desc limit $1)",
        )
        .bind(CALENDARS_KEPT)
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        Ok(version)
    }
}
