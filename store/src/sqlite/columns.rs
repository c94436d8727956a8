//! Reads columns of a row, and the words of shared queries.

use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::keys::KeyList;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, QueryBuilder, Row, Type};

use super::fault;
use crate::documents::corrupt;
use crate::error::StoreError;
use crate::sql::Dialect;
use crate::sql::columns::{Columns, document};

impl Dialect for Sqlite {
    const REPEATS_INDEX_CONDITIONS: bool = true;
    const WITHOUT_INDEX: &'static str = "+";

    fn is(column: &str, value: bool) -> String {
        format!("{column} = {}", i32::from(value))
    }

    /// Does not read the column: its size is in the header of the row.
    fn bytes(column: &str) -> String {
        format!("octet_length({column})")
    }

    fn push_text(query: &mut QueryBuilder<Self>, value: &str) {
        query.push_bind(value);
    }

    fn push_integer(query: &mut QueryBuilder<Self>, value: i64) {
        query.push_bind(value);
    }

    fn push_time(query: &mut QueryBuilder<Self>, value: DateTime<Utc>) {
        query.push_bind(value.timestamp_millis());
    }

    fn push_any_text(query: &mut QueryBuilder<Self>, values: &[String]) {
        push_any(query, &serde_json::json!(values));
    }

    fn push_any_integer(query: &mut QueryBuilder<Self>, values: &[i64]) {
        push_any(query, &serde_json::json!(values));
    }
}

/// Adds the values as a JSON list, because SQLite has no arrays.
fn push_any(query: &mut QueryBuilder<Sqlite>, values: &serde_json::Value) {
    query.push(" in (select value from json_each(").push_bind(values.to_string()).push("))");
}

impl Columns for SqliteRow {
    fn text(&self, name: &str) -> Result<Option<&str>, StoreError> {
        value(self, name)
    }

    fn integer(&self, name: &str) -> Result<Option<i64>, StoreError> {
        value(self, name)
    }

    fn boolean(&self, name: &str) -> Result<Option<bool>, StoreError> {
        value(self, name)
    }

    fn bytes(&self, name: &str) -> Result<Option<&[u8]>, StoreError> {
        value(self, name)
    }

    /// Reads milliseconds since 1970.
    fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let Some(milliseconds) = self.integer(name)? else { return Ok(None) };
        let time = DateTime::from_timestamp_millis(milliseconds);
        time.map(Some).ok_or_else(|| corrupt(name, &milliseconds.to_string()))
    }

    /// Reads `YYYY-MM-DD`.
    fn date(&self, name: &str) -> Result<Option<NaiveDate>, StoreError> {
        self.text(name)?.map(|text| text.parse().map_err(|_| corrupt(name, text))).transpose()
    }

    /// Reads a JSON array.
    fn keys(&self, name: &str) -> Result<KeyList, StoreError> {
        document(self, name)
    }
}

fn value<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(row: &'r SqliteRow, name: &str) -> Result<Option<T>, StoreError> {
    row.try_get(name).map_err(fault)
}
