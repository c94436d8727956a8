//! Compares the new file of a broker with the previous one.
//!
//! Rows are paired by identity, not by symbol or token: first by their full identity; then securities by ISIN in any
//! series; then rows with the same key; then contracts whose expiry moved; then shares that moved to another series, by
//! base symbol and name; then securities without an ISIN that kept their token. A row without a partner was added or
//! removed.

mod document;
mod pairing;

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;

pub use self::document::read_changes;
use self::pairing::paired;
use crate::dump::Row;
use crate::instrument::Amount;
use crate::vocabulary::{Exchange, words};

words! {
    /// The kind of a change between two loads of a broker.
    ChangeKind {
        /// The previous file did not contain the instrument.
        Added = "added",
        /// The file does not contain the instrument any more.
        Removed = "removed",
        /// The instrument has another key, and not only because its series changed.
        Renamed = "renamed",
        /// The instrument has another token.
        TokenChanged = "token_changed",
        /// The token of the instrument belonged to another one before.
        TokenReused = "token_reused",
        /// The last trading date changed.
        ExpiryMoved = "expiry_moved",
        /// The lot size changed.
        LotChanged = "lot_changed",
        /// The tick size changed.
        TickChanged = "tick_changed",
        /// The instrument is traded in another series. If its key was made of its symbol and its series, it has another key.
        SeriesChanged = "series_changed",
    }
}

/// A change of one instrument between two files. An instrument with several changed fields has several changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The kind of the change: the field, or that the instrument was added or removed.
    pub kind: ChangeKind,
    /// The key of the instrument: the new key, except if it was removed.
    pub key: String,
    /// The previous value. For a reused token: the key to which it belonged. Empty if the instrument was added.
    pub before: String,
    /// The new value. For a reused token: the token. Empty if the instrument was removed.
    pub after: String,
}

/// The difference between two successive files of one broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Every change, sorted by kind, then key.
    pub changes: Vec<Change>,
    /// The number of instruments in both files, by identity or by another trait that pairs their rows.
    pub in_both: usize,
    /// The instruments in both files whose keys differ, sorted.
    pub key_changes: Vec<KeyChange>,
}

/// A new key of an instrument. The exchange of a key never changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyChange {
    /// The exchange, which is the same in both keys.
    pub exchange: Exchange,
    /// The part of the key after the colon in the previous file.
    pub before: String,
    /// The part of the key after the colon in the new file.
    pub after: String,
}

impl KeyChange {
    fn between(old: &Row, new: &Row) -> Option<Self> {
        let has_changed = old.exchange == new.exchange && old.symbol != new.symbol;
        has_changed.then(|| KeyChange { exchange: new.exchange, before: old.symbol.clone(), after: new.symbol.clone() })
    }
}

impl Diff {
    /// Returns the number of changes by kind; kinds without a change are omitted.
    pub fn counts(&self) -> BTreeMap<ChangeKind, usize> {
        let mut counts = BTreeMap::new();
        for change in &self.changes {
            *counts.entry(change.kind).or_default() += 1;
        }
        counts
    }

    /// Returns the number of instruments in both files that differ in any way.
    pub fn updated(&self) -> usize {
        let others = [ChangeKind::Added, ChangeKind::Removed, ChangeKind::TokenReused];
        let changed = self.changes.iter().filter(|change| !others.contains(&change.kind));
        changed.map(|change| change.key.as_str()).collect::<HashSet<_>>().len()
    }

    /// Returns the number of changes of a kind.
    pub fn count(&self, kind: ChangeKind) -> usize {
        self.changes.iter().filter(|change| change.kind == kind).count()
    }
}

/// Compares two files of one broker, each with unique keys.
pub fn diff<R: Borrow<Row>>(before: &[R], after: &[Row]) -> Diff {
    paired(before, after).into_diff()
}

fn compare(old: &Row, new: &Row, changes: &mut Vec<Change>) {
    let mut note = |kind, before: String, after: String| {
        if before != after {
            changes.push(change(kind, new, before, after));
        }
    };
    let date = |date: Option<NaiveDate>| date.map_or_else(String::new, |date| date.to_string());
    let (was, is) = (old.listing(), new.listing());
    if !was.differs_by_series(is) {
        note(ChangeKind::Renamed, key_of(old), key_of(new));
    }
    note(ChangeKind::TokenChanged, old.token.clone(), new.token.clone());
    note(ChangeKind::ExpiryMoved, date(old.expiry), date(new.expiry));
    // A file that does not contain a value does not change it.
    if old.lot_size != 0 && new.lot_size != 0 {
        note(ChangeKind::LotChanged, old.lot_size.to_string(), new.lot_size.to_string());
    }
    if old.tick_size != Amount::ZERO && new.tick_size != Amount::ZERO {
        note(ChangeKind::TickChanged, old.tick_size.to_string(), new.tick_size.to_string());
    }
    if let Some((before, after)) = was.known_series().zip(is.known_series()) {
        note(ChangeKind::SeriesChanged, before.to_owned(), after.to_owned());
    }
}

fn change(kind: ChangeKind, row: &Row, before: String, after: String) -> Change {
    Change { kind, key: key_of(row), before, after }
}

fn key_of(row: &Row) -> String {
    format!("{}:{}", row.exchange, row.symbol)
}

#[cfg(test)]
mod tests;
