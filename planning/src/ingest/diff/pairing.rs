//! Finds the row of the old file that is the same instrument as a row of the new one.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use chrono::{NaiveDate, TimeDelta};
use foldhash::fast::FixedState;

use super::{ChangeKind, Diff, KeyChange, change, compare, key_of};
use crate::dump::Row;
use crate::identity::{EXPIRY_MOVES_DAYS, Identity};
use crate::instrument::Amount;
use crate::series::comparable_name;
use crate::vocabulary::{InstrumentType, Segment};

/// Pairs the rows of two files, each with unique keys.
pub(super) fn paired<'a, R: Borrow<Row>>(before: &'a [R], after: &'a [Row]) -> Pairing<'a, R> {
    let mut pairing = Pairing::new(before, after);
    pairing.pair_by(|row| Some(Identity::of(row)), |_, _| true);
    pairing.pair_by(isin_of, |_, _| true);
    pairing.pair_by(|row| Some((row.exchange, row.symbol.as_str())), |_, _| true);
    pairing.pair_by(terms_and_token, is_moved);
    // Before tokens, because the exchange may give the token of the old series to another share.
    pairing.pair_by(share_and_name, |_, _| true);
    pairing.pair_by(name_and_token, |_, _| true);
    pairing
}

type Security<'a> = (Segment, &'a str);
type ContractTraits<'a> = (Segment, &'a str, Option<Amount>, InstrumentType, &'a str);

fn isin_of(row: &Row) -> Option<Security<'_>> {
    match Identity::of(row) {
        Identity::Security { segment, isin, .. } => Some((segment, isin)),
        _ => None,
    }
}

fn terms_and_token(row: &Row) -> Option<ContractTraits<'_>> {
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

/// When a share moves to another series, it keeps its base symbol and its name; its key and its token change.
/// Securities in other series than those of shares are not paired: several of them have one base symbol and one name.
fn share_and_name(row: &Row) -> Option<(&str, String)> {
    let listing = row.listing();
    if !listing.is_share() {
        return None;
    }
    let name = comparable_name(&row.name);
    (!name.is_empty()).then(|| (listing.base(), name))
}

/// The pairs of rows of the old and the new file.
pub(super) struct Pairing<'a, R> {
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
        let olds = HashIndex::new(free_before, |at| trait_of(before[at].borrow()));
        let free_after = (0..after.len()).filter(|at| self.partner[*at].is_none());
        let news = HashIndex::new(free_after, |at| trait_of(&after[at]));
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

    pub(super) fn into_diff(self) -> Diff {
        let mut diff = Diff::default();
        let row = |position: usize| -> &Row { self.before[position].borrow() };
        let by_token = HashIndex::new(0..self.before.len(), |at| Some((row(at).segment, token_of(row(at))?)));
        for (new, partner) in self.after.iter().zip(&self.partner) {
            match partner {
                Some(old) => {
                    diff.in_both += 1;
                    let old = row(*old);
                    compare(old, new, &mut diff.changes);
                    diff.key_changes.extend(KeyChange::between(old, new));
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
        diff.key_changes.sort_unstable();
        diff
    }
}

/// Positions by the hash of a trait: this takes a fifth of the memory of a map by the trait itself. Look-ups must
/// compare the traits, because different traits may have the same hash.
struct HashIndex(Vec<HashedPosition>);

type HashedPosition = (u64, usize);

/// The seed is fixed, so that a comparison takes the same time again.
const HASHER: FixedState = FixedState::with_seed(0);

impl HashIndex {
    fn new<T: Hash>(positions: impl Iterator<Item = usize>, trait_of: impl Fn(usize) -> Option<T>) -> Self {
        let mut hashed: Vec<_> = positions.filter_map(|at| Some((HASHER.hash_one(trait_of(at)?), at))).collect();
        hashed.sort_unstable();
        HashIndex(hashed)
    }

    /// Returns the positions of each hash that both have.
    fn alike<'s>(&'s self, other: &'s HashIndex) -> impl Iterator<Item = (&'s [HashedPosition], &'s [HashedPosition])> {
        let groups = |hashed: &'s HashIndex| hashed.0.chunk_by(|a, b| a.0 == b.0);
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
