//! Columns of a row, each read as what it must be.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use registry_planning::keys::KeyList;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::postgres::{PgRow, Postgres};

use super::super::documents::corrupt;
use super::super::error::StoreError;
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
    serde_json::from_str(column(row, name)?).map_err(|e| StoreError::Data(format!("invalid column `{name}`: {e}")))
}

/// A column that holds JSON or null, selected as text.
pub(super) fn optional_document<T: DeserializeOwned>(row: &PgRow, name: &str) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = column(row, name)?;
    let fault = |e| StoreError::Data(format!("invalid column `{name}`: {e}"));
    text.map(serde_json::from_str).transpose().map_err(fault)
}

/// A `text[]` of one dimension without nulls, read into one piece of memory: sqlx makes a string of every element.
///
/// It travels as four-byte numbers (dimensions, whether there are nulls, the elements' type; of each dimension its length
/// and lower bound), and then each element behind its length, as the server's `array_send` writes it.
pub(super) fn keys(row: &PgRow, name: &str) -> Result<KeyList, StoreError> {
    let fault = |e: sqlx::Error| Fault::from(e).of_attempt();
    let value = row.try_get_raw(name).map_err(fault)?;
    let bytes = value.as_bytes().map_err(|e| fault(sqlx::Error::Decode(e)))?;
    keys_of(bytes).ok_or_else(|| StoreError::Data(format!("invalid column `{name}`: expected an array of strings")))
}

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
        // The length of a null is -1, which is longer than what there is.
        let (key, after) = number(&mut rest).and_then(|length| rest.split_at_checked(length as usize))?;
        keys.push(std::str::from_utf8(key).ok()?);
        rest = after;
    }
    rest.is_empty().then_some(keys)
}

/// The server's number for the type `text`, as in its `pg_type.dat`.
const TEXT_OID: u32 = 25;

/// A `timestamptz`, which travels as microseconds since 2000. sqlx's own reading panics where chrono's calendar ends
/// before the server's does, as at `infinity`.
pub(super) fn time(row: &PgRow, name: &str) -> Result<DateTime<Utc>, StoreError> {
    time_of(name, row.try_get_unchecked(name).map_err(|e| Fault::from(e).of_attempt())?)
}

/// A `timestamptz` or null; see [`time`].
pub(super) fn optional_time(row: &PgRow, name: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let microseconds: Option<i64> = row.try_get_unchecked(name).map_err(|e| Fault::from(e).of_attempt())?;
    microseconds.map(|microseconds| time_of(name, microseconds)).transpose()
}

fn time_of(name: &str, microseconds: i64) -> Result<DateTime<Utc>, StoreError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As the server sends it.
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
    fn an_array_of_texts_is_read() {
        let texts: [&[u8]; 3] = [b"NSE:TCS", b"", "NSE:É".as_bytes()];
        let bytes = sent(&[3], TEXT_OID, &texts.map(Some));

        assert_eq!(keys_of(&bytes), Some(["NSE:TCS", "", "NSE:É"].into_iter().collect()));
        assert_eq!(keys_of(&sent(&[], TEXT_OID, &[])), Some(KeyList::default()));
    }

    #[test]
    fn whatever_else_it_is_is_no_list() {
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
