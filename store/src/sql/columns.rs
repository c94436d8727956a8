//! Reads columns of a row as the types of the service.

use chrono::{DateTime, NaiveDate, Utc};
use registry_planning::keys::KeyList;
use serde::de::DeserializeOwned;

use crate::documents::corrupt;
use crate::error::StoreError;

/// A row of either database. Columns are read by their names; null is `None`.
pub(crate) trait Columns {
    /// Reads a text, or a JSON document as its text.
    fn text(&self, name: &str) -> Result<Option<&str>, StoreError>;
    fn integer(&self, name: &str) -> Result<Option<i64>, StoreError>;
    fn boolean(&self, name: &str) -> Result<Option<bool>, StoreError>;
    fn bytes(&self, name: &str) -> Result<Option<&[u8]>, StoreError>;
    fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, StoreError>;
    fn date(&self, name: &str) -> Result<Option<NaiveDate>, StoreError>;
    /// Reads a list of keys into one allocation.
    fn keys(&self, name: &str) -> Result<KeyList, StoreError>;
}

/// A type as which a column can be read.
pub(crate) trait Column<'r>: Sized {
    fn read(row: &'r impl Columns, name: &str) -> Result<Option<Self>, StoreError>;
}

macro_rules! columns {
    ($($type:ty: $read:ident),+ $(,)?) => {
        $(impl<'r> Column<'r> for $type {
            fn read(row: &'r impl Columns, name: &str) -> Result<Option<Self>, StoreError> {
                row.$read(name)
            }
        })+
    };
}

columns! {
    &'r str: text,
    &'r [u8]: bytes,
    i64: integer,
    bool: boolean,
    DateTime<Utc>: time,
    NaiveDate: date,
}

impl Column<'_> for String {
    fn read(row: &impl Columns, name: &str) -> Result<Option<Self>, StoreError> {
        Ok(row.text(name)?.map(str::to_owned))
    }
}

impl Column<'_> for u32 {
    fn read(row: &impl Columns, name: &str) -> Result<Option<Self>, StoreError> {
        unsigned(row, name)
    }
}

impl Column<'_> for u64 {
    fn read(row: &impl Columns, name: &str) -> Result<Option<Self>, StoreError> {
        unsigned(row, name)
    }
}

fn unsigned<T: TryFrom<i64>>(row: &impl Columns, name: &str) -> Result<Option<T>, StoreError> {
    let Some(number) = row.integer(name)? else { return Ok(None) };
    T::try_from(number).map(Some).map_err(|_| corrupt(name, &number.to_string()))
}

pub(crate) fn optional<'r, T: Column<'r>>(row: &'r impl Columns, name: &str) -> Result<Option<T>, StoreError> {
    T::read(row, name)
}

pub(crate) fn column<'r, T: Column<'r>>(row: &'r impl Columns, name: &str) -> Result<T, StoreError> {
    optional(row, name)?.ok_or_else(|| StoreError::Data(format!("invalid column `{name}`: unexpected null")))
}

/// Reads a column with one word of a closed list.
pub(crate) fn word<T>(row: &impl Columns, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let text = column(row, name)?;
    parse(text).ok_or_else(|| corrupt(name, text))
}

pub(crate) fn document<T: DeserializeOwned>(row: &impl Columns, name: &str) -> Result<T, StoreError> {
    parsed(name, column(row, name)?)
}

pub(crate) fn optional_document<T: DeserializeOwned>(row: &impl Columns, name: &str) -> Result<Option<T>, StoreError> {
    row.text(name)?.map(|text| parsed(name, text)).transpose()
}

fn parsed<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Data(format!("invalid column `{name}`: {e}")))
}
