//! Compares the new file of a broker with the previous one.
//!
//! Rows are paired by identity, not by symbol or token: first by their full identity; then securities by ISIN in any
//! series; then rows with the same key; then contracts whose expiry moved, and securities without an ISIN that kept
//! their token. A row without a partner was added or removed.

mod document;

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, Hash};

use chrono::{NaiveDate, TimeDelta};
use foldhash::fast::FixedState;

pub use self::document::read_changes;
use crate::dump::Row;
use crate::identity::Identity;
use crate::instrument::Amount;
use crate::vocabulary::{InstrumentType, Segment, words};

/// The maximum number of days between the expiries of two contracts with the same token and other terms that are
/// regarded as one contract that moved. Exchanges move expiries by a few days within the week; the next contract of a
/// series is at least a week away.
const EXPIRY_MOVES_DAYS: i64 = 6;

words! {
    /// The kind of a change between two loads of a broker.
    ChangeKind {
        /// The previous file did not contain the instrument.
        Added = "added",
        /// The file does not contain the instrument any more.
        Removed = "removed",
        /// The instrument has another key.
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
        /// The instrument is traded in another series.
        SeriesChanged = "series_changed",
    }
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The key of the instrument: the new key, except if it was removed.
    pub key: String,
    /// The previous value. For a reused token: the key to which it belonged. Empty if the instrument was added.
    pub before: String,
    /// The new value. For a reused token: the token. Empty if the instrument was removed.
    pub after: String,
}

/// The difference between two files of one broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Every change, sorted by kind, then key.
    pub changes: Vec<Change>,
    /// The number of instruments in both files, by identity or by what replaced it in the pairing.
    pub in_both: usize,
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
    let mut pairing = Pairing::new(before, after);
    pairing.pair_by(|row| Some(Identity::of(row)), |_, _| true);
    pairing.pair_by(isin_of, |_, _| true);
    pairing.pair_by(|row| Some((row.exchange, row.symbol.as_str())), |_, _| true);
    pairing.pair_by(terms_and_token, is_moved);
    pairing.pair_by(name_and_token, |_, _| true);
    pairing.into_diff()
}

type Security<'a> = (Segment, &'a str);
type Terms<'a> = (Segment, &'a str, Option<Amount>, InstrumentType, &'a str);

fn isin_of(row: &Row) -> Option<Security<'_>> {
    match Identity::of(row) {
        Identity::Security { segment, isin, .. } => Some((segment, isin)),
        _ => None,
    }
}

fn terms_and_token(row: &Row) -> Option<Terms<'_>> {
    match Identity::of(row) {
        Identity::Contract { segment, underlying, strike, class, .. } => {
            Some((segment, underlying, strike, class, token_of(row)?))
        }
        _ => None,
    }
}

fn token_of(row: &Row) -> Option<&str> {
    Some(row.token.as_str()).filter(|token| !token.is_empty())
}

fn is_moved(before: &Row, after: &Row) -> bool {
    let moved = |before: NaiveDate, after: NaiveDate| (after - before).abs() <= TimeDelta::days(EXPIRY_MOVES_DAYS);
    before.expiry.zip(after.expiry).is_some_and(|(before, after)| moved(before, after))
}

/// If a file has no ISINs, an old symbol and a new one with the same token are one security.
fn name_and_token(row: &Row) -> Option<Security<'_>> {
    match Identity::of(row) {
        Identity::Named { segment, .. } => Some((segment, token_of(row)?)),
        _ => None,
    }
}

/// The pairs of rows of the old and the new file.
struct Pairing<'a, R> {
    before: &'a [R],
    after: &'a [Row],
    /// By position in `after`: the position in `before`.
    partner: Vec<Option<usize>>,
    is_taken: Vec<bool>,
}

impl<'a, R: Borrow<Row>> Pairing<'a, R> {
    fn new(before: &'a [R], after: &'a [Row]) -> Self {
        Pairing { before, after, partner: vec![None; after.len()], is_taken: vec![false; before.len()] }
    }

    /// Pairs rows that have no partner yet and have the same trait. A trait that several rows of one file share
    /// identifies none of them.
    fn pair_by<T: Eq + Hash>(&mut self, trait_of: impl Fn(&'a Row) -> Option<T>, is_pair: impl Fn(&Row, &Row) -> bool) {
        let (before, after) = (self.before, self.after);
        let free_before = (0..before.len()).filter(|at| !self.is_taken[*at]);
        let olds = Hashed::new(free_before, |at| trait_of(before[at].borrow()));
        let free_after = (0..after.len()).filter(|at| self.partner[*at].is_none());
        let news = Hashed::new(free_after, |at| trait_of(&after[at]));
        for (olds, news) in olds.alike(&news) {
            for (_, new) in news {
                let shared = trait_of(&after[*new]);
                let mut same_new = news.iter().filter(|(_, other)| trait_of(&after[*other]) == shared);
                let mut same_old = olds.iter().filter(|(_, old)| trait_of(before[*old].borrow()) == shared);
                let is_unique = same_new.nth(1).is_none();
                let (Some((_, old)), None) = (same_old.next(), same_old.next()) else { continue };
                if is_unique && is_pair(before[*old].borrow(), &after[*new]) {
                    self.partner[*new] = Some(*old);
                    self.is_taken[*old] = true;
                }
            }
        }
    }

    fn into_diff(self) -> Diff {
        let mut diff = Diff::default();
        let row = |position: usize| -> &Row { self.before[position].borrow() };
        let by_token = Hashed::new(0..self.before.len(), |at| Some((row(at).segment, token_of(row(at))?)));
        for (new, partner) in self.after.iter().zip(&self.partner) {
            match partner {
                Some(old) => {
                    diff.in_both += 1;
                    compare(row(*old), new, &mut diff.changes);
                }
                None => diff.changes.push(change(ChangeKind::Added, new, String::new(), key_of(new))),
            }
            let has_token = |at: &usize| row(*at).segment == new.segment && row(*at).token == new.token;
            // If several rows have the token, the last one counts.
            let owner = by_token.of(&(new.segment, new.token.as_str())).filter(has_token).last();
            if let Some(owner) = owner.filter(|owner| *partner != Some(*owner)) {
                diff.changes.push(change(ChangeKind::TokenReused, new, key_of(row(owner)), new.token.clone()));
            }
        }
        let gone = (0..self.before.len()).filter(|at| !self.is_taken[*at]).map(row);
        diff.changes.extend(gone.map(|old| change(ChangeKind::Removed, old, key_of(old), String::new())));
        diff.changes.sort_unstable();
        diff
    }
}

/// Positions by the hash of a trait: this takes a fifth of the memory of a map by the trait itself. Look-ups must
/// compare the traits, because different traits may have the same hash.
struct Hashed(Vec<Entry>);

/// A hash and a position.
type Entry = (u64, usize);

/// The seed is fixed, so that a comparison takes the same time again.
const HASHER: FixedState = FixedState::with_seed(0);

impl Hashed {
    fn new<T: Hash>(positions: impl Iterator<Item = usize>, trait_of: impl Fn(usize) -> Option<T>) -> Self {
        let mut hashed: Vec<_> = positions.filter_map(|at| Some((HASHER.hash_one(trait_of(at)?), at))).collect();
        hashed.sort_unstable();
        Hashed(hashed)
    }

    /// Returns the positions of each hash that both have.
    fn alike<'s>(&'s self, other: &'s Hashed) -> impl Iterator<Item = (&'s [Entry], &'s [Entry])> {
        let groups = |hashed: &'s Hashed| hashed.0.chunk_by(|a, b| a.0 == b.0);
        let mut own = groups(self).peekable();
        groups(other).filter_map(move |theirs| {
            while own.next_if(|own| own[0].0 < theirs[0].0).is_some() {}
            Some((own.next_if(|own| own[0].0 == theirs[0].0)?, theirs))
        })
    }

    /// Returns the positions of one hash, ascending.
    fn of<T: Hash>(&self, shared: &T) -> impl Iterator<Item = usize> {
        let hash = HASHER.hash_one(shared);
        let first = self.0.partition_point(|(other, _)| *other < hash);
        self.0[first..].iter().take_while(move |(other, _)| *other == hash).map(|(_, at)| *at)
    }
}

fn compare(old: &Row, new: &Row, changes: &mut Vec<Change>) {
    let mut note = |kind, before: String, after: String| {
        if before != after {
            changes.push(change(kind, new, before, after));
        }
    };
    let date = |date: Option<NaiveDate>| date.map_or_else(String::new, |date| date.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    note(ChangeKind::Renamed, key_of(old), key_of(new));
    note(ChangeKind::TokenChanged, old.token.clone(), new.token.clone());
    note(ChangeKind::ExpiryMoved, date(old.expiry), date(new.expiry));
    note(ChangeKind::LotChanged, old.lot_size.to_string(), new.lot_size.to_string());
    note(ChangeKind::TickChanged, old.tick_size.to_string(), new.tick_size.to_string());
    note(ChangeKind::SeriesChanged, text(&old.series), text(&new.series));
}

fn change(kind: ChangeKind, row: &Row, before: String, after: String) -> Change {
    Change { kind, key: key_of(row), before, after }
}

fn key_of(row: &Row) -> String {
    format!("{}:{}", row.exchange, row.symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{equity, future, index};

    /// Returns `kind key before after` of every change.
    fn changes(before: &[Row], after: &[Row]) -> Vec<String> {
        let diff = diff(before, after);
        diff.changes.iter().map(|c| format!("{} {} {} {}", c.kind.as_str(), c.key, c.before, c.after)).collect()
    }

    fn with_token(row: Row, token: &str) -> Row {
        Row { token: token.into(), ..row }
    }

    fn contract(symbol: &str, expiry: &str, token: &str) -> Row {
        with_token(future("NIFTY", symbol, expiry), token)
    }

    #[test]
    fn equal_files_have_no_difference() {
        let rows = [equity("NSE", "TCS", "INE467B01029"), contract("NIFTY26AUGFUT", "2026-08-25", "1")];

        assert_eq!(diff(&rows, &rows), Diff { changes: vec![], in_both: 2 });
    }

    #[test]
    fn a_reused_token_of_a_removed_contract_is_three_changes() {
        let (july, august) =
            (contract("NIFTY26JULFUT", "2026-07-28", "40018"), contract("NIFTY26AUGFUT", "2026-08-25", "40018"));

        assert_eq!(
            changes(&[july], &[august]),
            [
                "added NFO:NIFTY26AUGFUT  NFO:NIFTY26AUGFUT",
                "removed NFO:NIFTY26JULFUT NFO:NIFTY26JULFUT ",
                "token_reused NFO:NIFTY26AUGFUT NFO:NIFTY26JULFUT 40018",
            ]
        );
    }

    #[test]
    fn exchanged_tokens_are_both_changed_and_reused() {
        let (a, b) = (contract("NIFTY26JULFUT", "2026-07-28", "1"), contract("NIFTY26AUGFUT", "2026-08-25", "2"));
        let after = [with_token(a.clone(), "2"), with_token(b.clone(), "1")];

        assert_eq!(
            changes(&[a, b], &after),
            [
                "token_changed NFO:NIFTY26AUGFUT 2 1",
                "token_changed NFO:NIFTY26JULFUT 1 2",
                "token_reused NFO:NIFTY26AUGFUT NFO:NIFTY26JULFUT 1",
                "token_reused NFO:NIFTY26JULFUT NFO:NIFTY26AUGFUT 2",
            ]
        );
    }

    #[test]
    fn a_monthly_contract_whose_day_moves_keeps_its_key() {
        let (before, after) =
            (contract("NIFTY26AUGFUT", "2026-08-27", "1"), contract("NIFTY26AUGFUT", "2026-08-25", "1"));

        assert_eq!(changes(&[before], &[after]), ["expiry_moved NFO:NIFTY26AUGFUT 2026-08-27 2026-08-25"]);
    }

    #[test]
    fn a_moved_weekly_contract_is_identified_by_its_token() {
        let (before, after) =
            (contract("NIFTY26820FUT", "2026-08-20", "1"), contract("NIFTY26818FUT", "2026-08-18", "1"));
        let next_week = contract("NIFTY26827FUT", "2026-08-27", "1");

        assert_eq!(
            changes(std::slice::from_ref(&before), &[after]),
            [
                "renamed NFO:NIFTY26818FUT NFO:NIFTY26820FUT NFO:NIFTY26818FUT",
                "expiry_moved NFO:NIFTY26818FUT 2026-08-20 2026-08-18",
            ]
        );
        assert_eq!(diff(&[before], &[next_week]).in_both, 0);
    }

    #[test]
    fn a_renamed_security_is_identified_by_its_isin() {
        let before = Row { series: Some("EQ".into()), ..equity("NSE", "ZOMATO", "INE758T01015") };
        let after = Row { symbol: "ETERNAL".into(), series: Some("BE".into()), ..before.clone() };

        assert_eq!(
            changes(&[before], &[after]),
            ["renamed NSE:ETERNAL NSE:ZOMATO NSE:ETERNAL", "series_changed NSE:ETERNAL EQ BE",]
        );
    }

    #[test]
    fn a_renamed_security_without_isin_is_identified_by_token() {
        let named = |symbol, token| with_token(index("NSE", symbol, None), token);

        assert_eq!(changes(&[named("OLD", "5")], &[named("NEW", "5")]), ["renamed NSE:NEW NSE:OLD NSE:NEW"]);
        let kept = changes(&[named("OLD", "5")], &[named("OLD", "6"), named("NEW", "5")]);
        assert_eq!(kept, ["added NSE:NEW  NSE:NEW", "token_changed NSE:OLD 5 6", "token_reused NSE:NEW NSE:OLD 5",]);
    }

    #[test]
    fn lot_and_tick_are_compared_by_identity_not_token() {
        let before = [contract("NIFTY26AUGFUT", "2026-08-25", "1"), contract("NIFTY26SEPFUT", "2026-09-29", "2")];
        let mut after = before.clone();
        after[0].token = "2".into();
        after[1].token = "3".into();
        after[1].lot_size = before[1].lot_size + 10;
        after[1].tick_size = Amount::from_ten_thousandths(1000);

        let diff = diff(&before, &after);

        assert_eq!((diff.in_both, diff.count(ChangeKind::LotChanged), diff.count(ChangeKind::TickChanged)), (2, 1, 1));
        assert_eq!(diff.counts()[&ChangeKind::TokenReused], 1);
    }

    #[test]
    fn a_trait_of_several_rows_pairs_none_of_them() {
        let block = |symbol: &str| Row { series: None, ..equity("NSE", symbol, "INE467B01029") };

        let diff = diff(&[block("A"), block("B")], &[block("C"), block("D")]);

        assert_eq!((diff.in_both, diff.count(ChangeKind::Added), diff.count(ChangeKind::Removed)), (0, 2, 2));
    }

    #[test]
    fn every_kind_has_a_distinct_word() {
        for kind in ChangeKind::ALL {
            assert_eq!(ChangeKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(ChangeKind::parse("moved"), None);
    }
}
