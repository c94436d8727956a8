//! Columns of a row, each read as what it must be.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::postgres::{PgRow, Postgres};

use super::super::documents::corrupt;
use super::super::store::StoreError;
use super::fault::Fault;

/// A column that must be of the type asked for.
pub(super) fn column<'r, T>(row: &'r PgRow, name: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    row.try_get(name).map_err(|e| Fault::from(e).of_attempt())
}

/// A column that holds one of a closed list of words.
pub(super) fn word<T>(row: &PgRow, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let text: &str = column(row, name)?;
    parse(text).ok_or_else(|| corrupt(name, text))
}

/// A column that holds JSON, selected as text.
pub(super) fn document<T: DeserializeOwned>(row: &PgRow, name: &str) -> Result<T, StoreError> {
    serde_json::from_str(column(row, name)?).map_err(|e| StoreError::Data(format!("column `{name}`: {e}")))
}

/// A `timestamptz`, which travels as microseconds since 2000. sqlx's own reading panics where chrono's calendar ends
/// before the server's does, as at `infinity`.
pub(super) fn time(row: &PgRow, name: &str) -> Result<DateTime<Utc>, StoreError> {
    let microseconds: i64 = row.try_get_unchecked(name).map_err(|e| Fault::from(e).of_attempt())?;
    let epoch = DateTime::from_timestamp_secs(EPOCH_SECONDS);
    let time = epoch.and_then(|epoch| epoch.checked_add_signed(TimeDelta::microseconds(microseconds)));
    time.ok_or_else(|| corrupt(name, &format!("{microseconds} µs since 2000")))
}

/// A `date`, which travels as days since 2000; see [`time`].
pub(super) fn date(row: &PgRow, name: &str) -> Result<Option<NaiveDate>, StoreError> {
    let days: Option<i32> = row.try_get_unchecked(name).map_err(|e| Fault::from(e).of_attempt())?;
    let Some(days) = days else { return Ok(None) };
    let epoch = DateTime::from_timestamp_secs(EPOCH_SECONDS).map(|epoch| epoch.date_naive());
    let date = epoch.and_then(|epoch| epoch.checked_add_signed(TimeDelta::days(days.into())));
    date.map(Some).ok_or_else(|| corrupt(name, &format!("{days} days since 2000")))
}

/// 2000-01-01T00:00:00Z, from which PostgreSQL counts.
const EPOCH_SECONDS: i64 = 946_684_800;
