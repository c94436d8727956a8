//! Joins rows of different keys that are one instrument, because brokers list it under different keys.
//!
//! * A security whose symbol changed between the dates of two files. Its ISIN and its series are the same.
//! * A contract whose expiry one broker writes as the monthly one of its month, another one by its date. Its terms are the
//!   same.
//!
//! Rows that a broker lists separately are never one instrument. The key of the newest file counts, and the other key
//! becomes its alias.

use std::collections::HashSet;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::super::{Field, Provenance, Record, StringId};
use super::Builder;
use super::listing::KeyedRecords;
use crate::dump::symbol::{Contract, Cycle, of_derivative};
use crate::instrument::Amount;
use crate::series::ORDINARY;
use crate::vocabulary::{Broker, Segment};

/// Joins the rows of a builder, which are sorted. `precedence` is the descending order of the brokers.
pub(super) fn join(builder: &mut Builder, provenance: &mut Provenance, precedence: &[Broker]) {
    let joins = Joins { builder, provenance, precedence };
    let mut pairs = Vec::new();
    for mut group in joins.of_one_isin().into_iter().chain(joins.of_the_same_terms()) {
        joins.unite(&mut group, &mut pairs);
    }
    if pairs.is_empty() {
        return;
    }
    for (from, into) in pairs {
        absorb(builder, provenance, from, into);
    }
    provenance.finish_joins();
}

/// Joins rows with the same key. The rows are sorted; the later ones were added when their keys had passed.
pub(super) fn join_late(builder: &mut Builder, provenance: &mut Provenance) {
    for (late, first) in of_one_key(&builder.listing) {
        let (own, other) = (&builder.listing.records[first], &builder.listing.records[late]);
        match own.is_active {
            // Their terms contradict each other under every key, and a token must not refer to other terms.
            true if own.expiry != other.expiry => {
                builder.tokens_in_order.retain(|(_, position, _)| *position as usize != late);
                builder.absorbed.push((late, first));
            }
            true => absorb(builder, provenance, late, first),
            false => absorb(builder, provenance, first, late),
        }
    }
    provenance.finish_joins();
    builder.drop_absorbed(provenance);
}

/// Returns each row whose key an earlier row has, with the position of that row.
fn of_one_key(listing: &KeyedRecords) -> Vec<(usize, usize)> {
    let mut first = 0;
    let mut found = Vec::new();
    for position in 1..listing.records.len() {
        if listing.at(position) == listing.at(first) {
            found.push((position, first));
        } else {
            first = position;
        }
    }
    found
}

struct Joins<'a> {
    builder: &'a Builder,
    provenance: &'a Provenance,
    precedence: &'a [Broker],
}

impl Joins<'_> {
    fn records(&self) -> &[Record] {
        &self.builder.listing.records
    }

    /// Returns the groups of active securities with the same ISIN and series on one exchange.
    ///
    /// The group of a BSE security is not part of it: it changes, and it does not distinguish securities. If the series
    /// of a row is not known, it is that of the other rows, if they agree.
    fn of_one_isin(&self) -> Vec<Vec<usize>> {
        let is_security = |record: &Record| {
            record.is_active
                && record.isin != StringId::default()
                && matches!(record.segment, Segment::NseEquity | Segment::BseEquity)
        };
        let records = self.records();
        let mut listed: Vec<(StringId, Segment, usize)> = (records.iter().enumerate())
            .filter(|(_, record)| is_security(record))
            .map(|(position, record)| (record.isin, record.segment, position))
            .collect();
        listed.sort_unstable();
        let groups = listed.chunk_by(|(isin, segment, _), (other, of, _)| isin == other && segment == of);
        let mut found = Vec::new();
        for group in groups.filter(|group| group.len() > 1) {
            let positions = group.iter().map(|(.., position)| *position);
            if group[0].1 == Segment::BseEquity {
                found.push(positions.collect());
                continue;
            }
            let (unknown, known): (Vec<usize>, Vec<usize>) =
                positions.partition(|position| records[*position].series == StringId::default());
            let mut by_series: Vec<Vec<usize>> = Vec::new();
            for position in known {
                match by_series.iter_mut().find(|of| self.series(of[0]) == self.series(position)) {
                    Some(of) => of.push(position),
                    None => by_series.push(vec![position]),
                }
            }
            match &mut by_series[..] {
                [] => found.push(unknown),
                [only] => {
                    only.extend(unknown);
                    found.append(&mut by_series);
                }
                _ => found.append(&mut by_series),
            }
        }
        found
    }

    fn series(&self, position: usize) -> &str {
        let series = self.builder.strings.get(self.records()[position].series);
        if series.is_empty() { ORDINARY } else { series }
    }

    /// Returns the pairs of active contracts with the same terms, one with the monthly and one with the weekly notation
    /// of their expiry.
    fn of_the_same_terms(&self) -> Vec<Vec<usize>> {
        let records = self.records();
        let is_contract = |record: &Record| record.is_active && record.expiry.is_some();
        // A row of all brokers is not joined.
        let of_some =
            self.brokers_of_rows().filter(|(_, brokers)| (brokers.count_ones() as usize) < self.precedence.len());
        let mut monthly: HashSet<Chain, RandomState> = HashSet::default();
        // Each run of weekly contracts of one chain. They are next to each other.
        let mut weekly: Vec<(Chain, Range<usize>)> = Vec::new();
        let mut last = None;
        for (position, _) in of_some.filter(|(position, _)| is_contract(&records[*position])) {
            let record = &records[position];
            let chain = (record.segment, record.underlying, record.expiry);
            let Some(cycle) = self.cycle(position) else { continue };
            match (cycle, last == Some((chain, cycle))) {
                (Cycle::Weekly, true) => {
                    if let Some((_, run)) = weekly.last_mut() {
                        run.end = position + 1;
                    }
                }
                (Cycle::Weekly, false) => weekly.push((chain, position..position + 1)),
                (Cycle::Monthly, true) => {}
                (Cycle::Monthly, false) => {
                    monthly.insert(chain);
                }
            }
            last = Some((chain, cycle));
        }
        let both = weekly.into_iter().filter(|(chain, _)| monthly.contains(chain)).flat_map(|(_, run)| run);
        let of_run = both.filter(|position| is_contract(&records[*position]));
        of_run
            .filter_map(|position| Some(vec![position, self.monthly(position).filter(|monthly| *monthly != position)?]))
            .collect()
    }

    /// Returns the notation of the expiry of a contract. The underlying has its length in bytes.
    fn cycle(&self, position: usize) -> Option<Cycle> {
        let (_, symbol) = self.builder.listing.at(position);
        let underlying = self.builder.strings.get(self.records()[position].underlying);
        // The year, then `AUG` or `818`.
        let month = symbol.as_bytes().get(underlying.len() + 2..underlying.len() + 5)?;
        Some(if month[1..].iter().all(u8::is_ascii_digit) { Cycle::Weekly } else { Cycle::Monthly })
    }

    /// Returns the position of the contract with the same terms in monthly notation.
    fn monthly(&self, position: usize) -> Option<usize> {
        let record = &self.records()[position];
        let contract = Contract::of(record.class, record.strike)?;
        let underlying = self.builder.strings.get(record.underlying);
        let symbol = of_derivative(underlying, record.expiry?, Cycle::Monthly, contract);
        let found = self.builder.listing.find(record.exchange, &symbol).ok()?;
        let other = &self.records()[found];
        (other.is_active && other.expiry == record.expiry && other.underlying == record.underlying).then_some(found)
    }

    /// Adds those of a group that no broker lists separately, each with the one that it becomes.
    fn unite(&self, group: &mut [usize], pairs: &mut Vec<(usize, usize)>) {
        let rank = |position: usize| {
            let base = self.provenance.base_at(position);
            self.precedence.iter().position(|broker| *broker == base)
        };
        // A key without a series that others know is incomplete.
        let is_incomplete = |position: usize| self.records()[position].series == StringId::default();
        group.sort_by_key(|position| (is_incomplete(*position), rank(*position), *position));
        let [into, others @ ..] = &*group else { return };
        let mut brokers = self.brokers(*into);
        for from in others {
            let of_other = self.brokers(*from);
            if brokers & of_other == 0 {
                brokers |= of_other;
                pairs.push((*from, *into));
            }
        }
    }

    /// Returns the brokers that list a row, one bit for each.
    fn brokers(&self, position: usize) -> u32 {
        let tokens = &self.builder.tokens_in_order;
        let start = tokens.partition_point(|(_, of, _)| (*of as usize) < position);
        let of_row = tokens[start..].iter().take_while(|(_, of, _)| *of as usize == position);
        brokers_of(of_row)
    }

    /// Returns the active rows with the brokers that list them, one bit for each.
    fn brokers_of_rows(&self) -> impl Iterator<Item = (usize, u32)> {
        let rows = self.builder.tokens_in_order.chunk_by(|(_, row, _), (_, other, _)| row == other);
        rows.map(|of_row| (of_row[0].1 as usize, brokers_of(of_row)))
    }
}

/// Returns the brokers of tokens, one bit for each.
fn brokers_of<'a>(tokens: impl IntoIterator<Item = &'a (Broker, u32, Range<u32>)>) -> u32 {
    tokens.into_iter().fold(0, |brokers, (broker, ..)| brokers | 1 << *broker as u32)
}

/// The contracts of one expiry.
type Chain = (Segment, StringId, Option<chrono::NaiveDate>);

/// Makes the row `from` a part of the row `into`.
fn absorb(builder: &mut Builder, provenance: &mut Provenance, from: usize, into: usize) {
    builder.absorbed.push((from, into));
    let other = builder.listing.records[from];
    let own = &mut builder.listing.records[into];
    if !other.is_active {
        return;
    }
    let mut filled = Vec::new();
    for (field, own, other) in [
        (Field::Name, &mut own.name, other.name),
        (Field::Isin, &mut own.isin, other.isin),
        (Field::Series, &mut own.series, other.series),
        (Field::Underlying, &mut own.underlying, other.underlying),
    ] {
        if *own == StringId::default() && other != StringId::default() {
            *own = other;
            filled.push(field);
        }
    }
    let mut contradicting = Vec::new();
    if own.lot_size == 0 && other.lot_size != 0 {
        own.lot_size = other.lot_size;
        filled.push(Field::LotSize);
    } else if own.lot_size != other.lot_size && other.lot_size != 0 {
        contradicting.push((Field::LotSize, [own.lot_size, other.lot_size].map(|lot_size| lot_size.to_string())));
    }
    if own.tick_size == Amount::ZERO && other.tick_size != Amount::ZERO {
        own.tick_size = other.tick_size;
        filled.push(Field::TickSize);
    } else if own.tick_size != other.tick_size && other.tick_size != Amount::ZERO {
        contradicting.push((Field::TickSize, [own.tick_size, other.tick_size].map(|tick_size| tick_size.to_string())));
    }
    let key = |position: usize| {
        let (exchange, symbol) = builder.listing.at(position);
        format!("{exchange}:{symbol}")
    };
    provenance.join((from, &key(from)), (into, &key(into)), filled, contradicting);
}
