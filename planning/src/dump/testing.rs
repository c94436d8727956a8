//! What tests of readers have in common.

use super::field::Reason;
use super::{DumpError, Entry, OnEntry, Row};

/// A row with its line, or why it was rejected.
pub(super) type Outcome = (u64, Result<Row, Reason>);

/// Every row with its line, of an undecided one the row as it stands.
pub(super) fn outcomes(
    read: impl FnOnce(&mut OnEntry<'_>) -> Result<(), DumpError>,
) -> Result<Vec<Outcome>, DumpError> {
    let mut outcomes = Vec::new();
    read(&mut |line, entry| {
        let outcome = match entry {
            Entry::Row(row) | Entry::Undecided(row) => Ok(row),
            Entry::Rejected(rejection) => Err(rejection.reason),
        };
        outcomes.push((line, outcome));
    })?;
    Ok(outcomes)
}

/// The one row of a file.
pub(super) fn only(read: impl FnOnce(&mut OnEntry<'_>) -> Result<(), DumpError>) -> Result<Row, Reason> {
    let mut outcomes = outcomes(read).unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0).1
}
