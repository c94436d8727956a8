//! Computes the archive of a broker after another file is accepted.
//!
//! A whole state takes a hundred megabytes, an archive takes a few: both sides are sorted by key, so they are traversed
//! together, and the result is created on the way.

use std::borrow::Borrow;
use std::iter::Peekable;
use std::slice;
use std::sync::Arc;

use super::super::document::{DocumentError, DocumentWriter};
use super::{Archive, ArchivedRow, ArchivedRows, BrokerState, FORM, compare, fields_of};
use crate::dump::Row;
use crate::ingest::diff::KeyChange;
use crate::vocabulary::Exchange;

/// The instruments of a broker before a file, in the form that is available.
#[derive(Clone, Debug)]
pub enum StoredInstruments {
    /// The archive of the last load.
    Archive(Arc<[u8]>),
    /// The state from the tables, if a release that kept no archive, or one in another format, wrote the load.
    State(BrokerState),
}

/// A row of the last file of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept<'a> {
    /// The new file contains an equal row.
    Same(&'a Row),
    /// The new file contains another row with that key, or none.
    Other(Box<Row>),
}

impl Borrow<Row> for Kept<'_> {
    fn borrow(&self) -> &Row {
        match self {
            Kept::Same(row) => row,
            Kept::Other(row) => row,
        }
    }
}

/// The instruments of a broker after a file is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedArchive {
    /// The archive. Instruments that the file lacks are in it as they were, but inactive, with the key that they have now.
    pub archive: Vec<u8>,
    /// The keys that the last file contained and this one lacks, sorted.
    pub left: Vec<(Exchange, String)>,
}

impl StoredInstruments {
    /// Returns the state before the first file of a broker.
    pub fn none() -> Self {
        StoredInstruments::State(BrokerState::default())
    }

    /// Returns the rows in the order of keys.
    ///
    /// # Errors
    /// [`DocumentError`] if the archive cannot be read. A fault in a later row is returned as the last row.
    pub fn rows(&self) -> Result<ArchivedRows<'_>, DocumentError> {
        Ok(match self {
            StoredInstruments::Archive(bytes) => Box::new(Archive::new(bytes)?),
            StoredInstruments::State(state) => Box::new(state.rows().iter().cloned().map(Ok)),
        })
    }

    /// Whether this release, with its units, wrote the archive. Earlier ones read price steps and lots of some files in
    /// other units.
    pub fn has_current_units(&self) -> bool {
        match self {
            StoredInstruments::Archive(bytes) => Archive::new(bytes).is_ok_and(|archive| archive.is_current_version()),
            StoredInstruments::State(_) => false,
        }
    }

    /// Reads the whole state.
    ///
    /// # Errors
    /// [`DocumentError`] if the archive cannot be read.
    pub fn state(&self) -> Result<BrokerState, DocumentError> {
        Ok(BrokerState { rows: self.rows()?.collect::<Result<_, _>>()? })
    }

    /// Returns the rows of the last file, compared with those of the next one: equal rows are not stored twice. `file`
    /// is sorted by exchange and symbol.
    ///
    /// # Errors
    /// [`DocumentError`] if the archive cannot be read.
    pub fn last_file<'a>(&self, file: &'a [Row]) -> Result<Vec<Kept<'a>>, DocumentError> {
        let mut kept = Vec::with_capacity(file.len());
        for joined in self.joined(file)? {
            match joined? {
                (Some(was), is) if was.is_active => kept.push(match is {
                    Some(is) if *is == was.row => Kept::Same(is),
                    _ => Kept::Other(Box::new(was.row)),
                }),
                _ => {}
            }
        }
        Ok(kept)
    }

    /// Returns the state after `file`, which is sorted by exchange and symbol, is accepted.
    ///
    /// # Errors
    /// [`DocumentError`] if the archive cannot be read.
    pub fn followed_by(&self, file: &[Row]) -> Result<MergedArchive, DocumentError> {
        self.followed_with(file, &[])
    }

    /// Returns the state like [`Self::followed_by`]. Of each instrument that has another key in `file`, the row under the
    /// previous key gets the new one as its successor. `key_changes` are sorted.
    ///
    /// # Errors
    /// [`DocumentError`] if the archive cannot be read.
    pub fn followed_with(&self, file: &[Row], key_changes: &[KeyChange]) -> Result<MergedArchive, DocumentError> {
        let mut left = Vec::new();
        let mut count = 0;
        for joined in self.joined(file)? {
            count += 1;
            if let (Some(ArchivedRow { row, is_active: true, .. }), None) = joined? {
                left.push((row.exchange, row.symbol));
            }
        }
        // The title contains the number of rows, so a second pass is necessary.
        let mut writer = DocumentWriter::new(&FORM, count);
        for joined in self.joined(file)? {
            match joined? {
                (_, Some(is)) => writer.add(&fields_of(is, true, None)),
                (Some(was), None) => {
                    let now = if was.is_active { new_symbol(key_changes, &was.row) } else { was.successor.as_deref() };
                    writer.add(&fields_of(&was.row, false, now));
                }
                (None, None) => {}
            }
        }
        Ok(MergedArchive { archive: writer.finish(), left })
    }

    fn joined<'s, 'a>(&'s self, file: &'a [Row]) -> Result<RowPairs<'s, 'a>, DocumentError> {
        debug_assert!(file.is_sorted_by(|a, b| compare(a, b).is_lt()), "the rows of a file are in key order");
        Ok(RowPairs { previous: self.rows()?.peekable(), file: file.iter().peekable() })
    }
}

/// Returns the new symbol of an instrument.
fn new_symbol<'a>(key_changes: &'a [KeyChange], row: &Row) -> Option<&'a str> {
    let key = (row.exchange, row.symbol.as_str());
    let found = key_changes.binary_search_by(|change| (change.exchange, change.before.as_str()).cmp(&key)).ok()?;
    Some(&key_changes[found].after)
}

/// Traverses both sides in the order of keys: the previous row of a key, and the row in the file.
struct RowPairs<'s, 'a> {
    previous: Peekable<ArchivedRows<'s>>,
    file: Peekable<slice::Iter<'a, Row>>,
}

impl<'a> Iterator for RowPairs<'_, 'a> {
    type Item = Result<(Option<ArchivedRow>, Option<&'a Row>), DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let order = match (self.previous.peek(), self.file.peek()) {
            (None, None) => return None,
            // A fault is returned as soon as it occurs.
            (Some(Err(_)), _) => return self.previous.next().map(|was| was.map(|was| (Some(was), None))),
            (Some(Ok(was)), Some(is)) => compare(&was.row, is),
            (Some(Ok(_)), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
        };
        let was = if order.is_le() { self.previous.next().transpose() } else { Ok(None) };
        let is = if order.is_ge() { self.file.next() } else { None };
        Some(was.map(|was| (was, is)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::diff::diff;
    use crate::testing::{equity, future, index};

    fn archive(rows: &[Row]) -> StoredInstruments {
        StoredInstruments::Archive(StoredInstruments::none().followed_by(rows).unwrap().archive.into())
    }

    fn rows() -> Vec<Row> {
        let share = equity("NSE", "TCS", "INE467B01029");
        vec![future("NIFTY", "NIFTY26AUGFUT", "2026-08-25"), index("NSE", "NIFTY 50", Some("NIFTY")), share]
    }

    #[test]
    fn instruments_missing_from_a_file_stay_inactive() {
        let before = rows();
        let renamed = Row { name: "another name".into(), ..before[2].clone() };

        let MergedArchive { archive: after, left } =
            archive(&before).followed_by(std::slice::from_ref(&renamed)).unwrap();

        let archived = |row: &Row, is_active| ArchivedRow::new(row.clone(), is_active);
        let expected = [archived(&before[0], false), archived(&before[1], false), archived(&renamed, true)];
        assert_eq!(BrokerState::read(&after).unwrap().rows(), expected);
        assert_eq!(left, [(Exchange::Nfo, "NIFTY26AUGFUT".to_owned()), (Exchange::Nse, "NIFTY 50".to_owned())]);
        let after = StoredInstruments::Archive(after.into());
        assert_eq!(after.followed_by(&[]).unwrap().left, [(Exchange::Nse, "TCS".to_owned())]);
        assert_eq!(after.last_file(&[]).unwrap(), [Kept::Other(Box::new(renamed))]);
    }

    /// Returns the successor of each row of an archive.
    fn successors(archive: &StoredInstruments) -> Vec<(String, Option<String>)> {
        let rows = archive.state().unwrap().into_rows();
        rows.into_iter().map(|archived| (archived.row.symbol, archived.successor)).collect()
    }

    fn followed(before: &StoredInstruments, file: &[Row]) -> StoredInstruments {
        let diff = diff(&before.last_file(file).unwrap(), file);
        StoredInstruments::Archive(before.followed_with(file, &diff.key_changes).unwrap().archive.into())
    }

    #[test]
    fn an_instrument_with_a_new_key_is_stored_under_the_old_one() {
        let share = |symbol: &str| vec![equity("NSE", symbol, "INE467B01029")];
        let named = |pairs: &[(&str, Option<&str>)]| -> Vec<(String, Option<String>)> {
            pairs.iter().map(|(symbol, successor)| ((*symbol).to_owned(), successor.map(str::to_owned))).collect()
        };

        let first = followed(&StoredInstruments::none(), &share("OLD"));
        let second = followed(&first, &share("NEW"));
        let third = followed(&second, &share("NEWER"));
        let again = followed(&third, &share("OLD"));

        assert_eq!(successors(&first), named(&[("OLD", None)]));
        assert_eq!(successors(&second), named(&[("NEW", None), ("OLD", Some("NEW"))]));
        assert_eq!(successors(&third), named(&[("NEW", Some("NEWER")), ("NEWER", None), ("OLD", Some("NEW"))]));
        assert_eq!(
            successors(&again),
            named(&[("NEW", Some("NEWER")), ("NEWER", Some("OLD")), ("OLD", None)]),
            "an instrument that is listed again has no successor"
        );
    }

    #[test]
    fn only_differing_rows_of_the_last_file_are_copied() {
        let (before, mut after) = (rows(), rows());
        after[1].lot_size += 1;
        after.remove(0);

        let kept = archive(&before).last_file(&after).unwrap();

        let other = |row: &Row| Kept::Other(Box::new(row.clone()));
        assert_eq!(kept, [other(&before[0]), other(&before[1]), Kept::Same(&after[1])]);
        assert_eq!(kept.iter().map(Borrow::borrow).collect::<Vec<&Row>>(), before.iter().collect::<Vec<_>>());
    }

    #[test]
    fn an_archive_and_its_state_are_equal() {
        let archive = archive(&rows());
        let state = StoredInstruments::State(archive.state().unwrap());

        assert_eq!(state.followed_by(&rows()[1..]).unwrap(), archive.followed_by(&rows()[1..]).unwrap());
        assert_eq!(state.last_file(&rows()).unwrap(), archive.last_file(&rows()).unwrap());
    }

    #[test]
    fn a_damaged_archive_is_an_error_not_a_short_one() {
        let StoredInstruments::Archive(bytes) = archive(&rows()) else { panic!("it is an archive") };
        let cut = StoredInstruments::Archive(bytes[..bytes.len() - 1].into());

        assert!(cut.followed_by(&rows()).is_err());
        assert!(cut.last_file(&[]).is_err());
    }
}
