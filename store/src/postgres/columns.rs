//! Reads columns of a row, and the words of shared queries.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use registry_planning::keys::KeyList;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Decode, QueryBuilder, Row};

use super::fault::Fault;
use crate::documents::corrupt;
use crate::error::StoreError;
use crate::sql::Dialect;
use crate::sql::columns::Columns;

impl Dialect for Postgres {
    const REPEATS_INDEX_CONDITIONS: bool = false;
    // Its statistics show which index is best.
    const WITHOUT_INDEX: &'static str = "";

    fn is(column: &str, value: bool) -> String {
        if value { column.to_owned() } else { format!("not {column}") }
    }

    fn bytes(column: &str) -> String {
        format!("octet_length(cast({column} as text))")
    }

    fn push_text(query: &mut QueryBuilder<Self>, value: &str) {
        query.push_bind(value);
    }

    fn push_integer(query: &mut QueryBuilder<Self>, value: i64) {
        query.push_bind(value);
    }

    fn push_time(query: &mut QueryBuilder<Self>, value: DateTime<Utc>) {
        query.push_bind(value);
    }

    fn push_any_text(query: &mut QueryBuilder<Self>, values: &[String]) {
        query.push(" = any (").push_bind(values).push(")");
    }

    fn push_any_integer(query: &mut QueryBuilder<Self>, values: &[i64]) {
        query.push(" = any (").push_bind(values).push(")");
    }
}

impl Columns for PgRow {
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

    /// Reads a `timestamptz`, which is sent as microseconds since 2000. The decoder of sqlx panics for values outside
    /// chrono's calendar, such as `infinity`.
    fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let Some(microseconds) = value::<i64>(self, name)? else { return Ok(None) };
        let epoch = DateTime::from_timestamp_secs(EPOCH_SECONDS);
        let time = epoch.and_then(|epoch| epoch.checked_add_signed(TimeDelta::microseconds(microseconds)));
        time.map(Some).ok_or_else(|| corrupt(name, &format!("{microseconds} µs since 2000")))
    }

    /// Reads a `date`, which is sent as days since 2000; see [`Columns::time`].
    fn date(&self, name: &str) -> Result<Option<NaiveDate>, StoreError> {
        let Some(days) = value::<i32>(self, name)? else { return Ok(None) };
        let epoch = DateTime::from_timestamp_secs(EPOCH_SECONDS).map(|epoch| epoch.date_naive());
        let date = epoch.and_then(|epoch| epoch.checked_add_signed(TimeDelta::days(days.into())));
        date.map(Some).ok_or_else(|| corrupt(name, &format!("{days} days since 2000")))
    }

    /// Reads a `text[]` of one dimension without nulls. sqlx would allocate a string for every element.
    fn keys(&self, name: &str) -> Result<KeyList, StoreError> {
        let fault = |e: sqlx::Error| Fault::from(e).of_attempt();
        let value = self.try_get_raw(name).map_err(fault)?;
        let bytes = value.as_bytes().map_err(|e| fault(sqlx::Error::Decode(e)))?;
        keys_of(bytes).ok_or_else(|| StoreError::Data(format!("invalid column `{name}`: expected an array of strings")))
    }
}

/// Reads a value without comparing its type with that of the column: `json` is sent as its text, and integers of any
/// size are read as `i64`.
fn value<'r, T: Decode<'r, Postgres>>(row: &'r PgRow, name: &str) -> Result<Option<T>, StoreError> {
    row.try_get_unchecked(name).map_err(|e| Fault::from(e).of_attempt())
}

/// Parses the format of the server's `array_send`: four-byte numbers (number of dimensions, whether there are nulls,
/// type of the elements; length and lower bound of each dimension), then each element after its length.
fn keys_of(mut rest: &[u8]) -> Option<KeyList> {
    let number = |rest: &mut &[u8]| {
        let (number, after) = rest.split_first_chunk::<4>()?;
        *rest = after;
        Some(u32::from_be_bytes(*number))
    };
    let (dimensions, _has_nulls, element) = (number(&mut rest)?, number(&mut rest)?, number(&mut rest)?);
    if dimensions == 0 && rest.is_empty() {
        return Some(KeyList::default());
    }
    let (count, _lower_bound) = (number(&mut rest)?, number(&mut rest)?);
    if dimensions != 1 || element != TEXT_OID || count as usize > rest.len() / 4 {
        return None;
    }
    let mut keys = KeyList::with_capacity(count as usize, rest.len() - 4 * count as usize);
    for _ in 0..count {
        // The length of a null is -1, which as an unsigned number is longer than the rest.
        let (key, after) = number(&mut rest).and_then(|length| rest.split_at_checked(length as usize))?;
        keys.push(std::str::from_utf8(key).ok()?);
        rest = after;
    }
    rest.is_empty().then_some(keys)
}

/// The OID of the type `text`, from `pg_type.dat` of the server.
const TEXT_OID: u32 = 25;

/// 2000-01-01T00:00:00Z, the epoch of PostgreSQL.
const EPOCH_SECONDS: i64 = 946_684_800;

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes the value as the server does.
    fn sent(dimensions: &[u32], element: u32, texts: &[Option<&[u8]>]) -> Vec<u8> {
        let mut bytes = [u32::try_from(dimensions.len()).unwrap(), u32::from(texts.contains(&None)), element]
            .into_iter()
            .chain(dimensions.iter().flat_map(|length| [*length, 1]))
            .flat_map(u32::to_be_bytes)
            .collect::<Vec<u8>>();
        for text in texts {
            let length = text.map_or(u32::MAX, |text| u32::try_from(text.len()).unwrap());
            bytes.extend(length.to_be_bytes());
            bytes.extend(text.unwrap_or_default());
        }
        bytes
    }

    #[test]
    fn an_array_of_texts_is_decoded() {
        let texts: [&[u8]; 3] = [b"NSE:TCS", b"", "NSE:É".as_bytes()];
        let bytes = sent(&[3], TEXT_OID, &texts.map(Some));

        assert_eq!(keys_of(&bytes), Some(["NSE:TCS", "", "NSE:É"].into_iter().collect()));
        assert_eq!(keys_of(&sent(&[], TEXT_OID, &[])), Some(KeyList::default()));
    }

    #[test]
    fn other_arrays_are_rejected() {
        let one: &[Option<&[u8]>] = &[Some(b"NSE:TCS")];
        let whole = sent(&[1], TEXT_OID, one);
        for bytes in [
            sent(&[1, 1], TEXT_OID, one),
            sent(&[1], 23, one),
            sent(&[2], TEXT_OID, one),
            sent(&[u32::MAX], TEXT_OID, one),
            sent(&[1], TEXT_OID, &[None]),
            sent(&[1], TEXT_OID, &[Some(b"\xff")]),
            [&whole[..], b"x"].concat(),
        ] {
            assert_eq!(keys_of(&bytes), None, "{bytes:?}");
        }
        for length in 0..whole.len() {
            assert_eq!(keys_of(&whole[..length]), None, "{length}");
        }
    }
}
