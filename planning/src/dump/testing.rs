//! Helpers for the tests of readers.

use super::field::Reason;
use super::{DumpError, Entry, OnEntry, Row};

/// A row, or the reason of its rejection, with its line.
pub(super) type NumberedRow = (u64, Result<Row, Reason>);

/// Returns every row with its line. Undecided rows are returned unchanged, those with two readings of their expiry in the
/// only order in which it is a date.
pub(super) fn outcomes(
    read: impl FnOnce(&mut OnEntry<'_>) -> Result<(), DumpError>,
) -> Result<Vec<NumberedRow>, DumpError> {
    let mut outcomes = Vec::new();
    read(&mut |line, entry| {
        let outcome = match entry {
            Entry::Row(row) | Entry::Undecided(row) => Ok(row),
            Entry::Skipped(reason) => Err(reason),
            Entry::Slashed(date) => {
                let order = date.order_by_date.expect("the date has one reading");
                match date.in_order(order) {
                    Ok(Entry::Row(row) | Entry::Undecided(row)) => Ok(row),
                    other => panic!("expected a row, got {other:?}"),
                }
            }
            Entry::Rejected(rejection) => Err(rejection.reason),
        };
        outcomes.push((line, outcome));
    })?;
    Ok(outcomes)
}

/// Returns the only row of a file.
pub(super) fn only(read: impl FnOnce(&mut OnEntry<'_>) -> Result<(), DumpError>) -> Result<Row, Reason> {
    let mut outcomes = outcomes(read).unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0).1
}
