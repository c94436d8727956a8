//! Finds instruments that have one key at some brokers, and another key at others.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::listed::{Brokers, ListedInstrument};
use super::{Findings, Instrument, InstrumentId, Source};
use crate::instrument::Amount;
use crate::series::rank_of;
use crate::vocabulary::{Broker, InstrumentType, Segment, words};

words! {
    /// The reason why two keys belong to one instrument.
    MatchedBy {
        /// The securities have the same ISIN.
        Isin = "isin",
        /// The securities have the same symbol apart from the series, and the series does not distinguish securities.
        Symbol = "symbol",
        /// The contracts have the same underlying, expiry, strike and type.
        Terms = "terms",
    }
}

/// An instrument with two keys. No broker lists both of them, otherwise they would be two instruments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubled<'a> {
    /// The two keys of the instrument, in the order of keys.
    pub keys: [&'a str; 2],
    /// The brokers that list each of `keys`, at the same position.
    pub brokers: [Vec<Broker>; 2],
    /// The reason why the keys belong to one instrument.
    pub matched_by: MatchedBy,
}

/// Adds the instruments with two keys to the findings.
///
/// Securities are one if they have the same ISIN; if one of them has none, because Kite, Angel One and Dhan's compact
/// file have no ISINs, then by the symbol without the series. The keys of contracts follow from their terms.
pub(super) fn find<'a>(sources: &[Source], listed: &[ListedInstrument<'a>], findings: &mut Findings<'a>) {
    let securities: Vec<ListedInstrument<'a>> =
        listed.iter().copied().filter(|listed| is_security(&listed.instrument)).collect();
    let contracts = listed.iter().filter_map(|listed| Some((terms(&listed.instrument)?, *listed)));
    let mut pairs: BTreeMap<(InstrumentId, InstrumentId), Pair<'a>> = BTreeMap::new();
    let mut add = |pair: Pair<'a>| {
        pairs.entry((pair.first.instrument.id(), pair.second.instrument.id())).or_insert(pair);
    };
    let with_isin = securities.iter().filter_map(|listed| {
        let instrument = &listed.instrument;
        Some(((instrument.segment(), instrument.isin()?), *listed))
    });
    compare(with_isin.collect(), MatchedBy::Isin, |_, _| true, &mut add);
    let with_base = securities.iter().map(|listed| {
        let instrument = &listed.instrument;
        ((instrument.segment(), base_symbol(instrument)), *listed)
    });
    compare(with_base.collect(), MatchedBy::Symbol, is_one_security, &mut add);
    compare(contracts.collect(), MatchedBy::Terms, |_, _| true, &mut add);

    let dates: BTreeMap<Broker, NaiveDate> =
        sources.iter().filter_map(|source| Some((source.broker?, source.file_date?))).collect();
    for pair in pairs.into_values() {
        let list = match pair.change() {
            Some(_) if pair.is_of_one_date(&dates) => &mut findings.doubled,
            Some(KeyChangeCause::Series) => &mut findings.series_differs_by_date,
            Some(KeyChangeCause::Symbol) => &mut findings.symbol_differs_by_date,
            None => &mut findings.doubled,
        };
        list.push(pair.doubled());
    }
}

fn is_security(instrument: &Instrument<'_>) -> bool {
    matches!(instrument.segment(), Segment::NseEquity | Segment::BseEquity)
}

/// The terms of a contract. Equal terms are one contract.
type ContractTerms<'a> = (Segment, &'a str, NaiveDate, Option<Amount>, InstrumentType);

fn terms<'a>(instrument: &Instrument<'a>) -> Option<ContractTerms<'a>> {
    let (underlying, expiry) = (instrument.underlying()?, instrument.expiry()?);
    Some((instrument.segment(), underlying, expiry, instrument.strike(), instrument.class()))
}

/// A change of an instrument between the dates of two files, which changes its key.
enum KeyChangeCause {
    /// Another series of the same symbol.
    Series,
    /// Another symbol.
    Symbol,
}

/// Two instruments that are one, the first key first.
#[derive(Clone, Copy)]
struct Pair<'a> {
    first: ListedInstrument<'a>,
    second: ListedInstrument<'a>,
    matched_by: MatchedBy,
}

/// Compares all instruments of each group, and passes on the pairs that are one instrument and have no broker in
/// common.
fn compare<'a, K: Ord>(
    mut listed: Vec<(K, ListedInstrument<'a>)>,
    matched_by: MatchedBy,
    is_one: impl Fn(&Instrument<'a>, &Instrument<'a>) -> bool,
    add: &mut impl FnMut(Pair<'a>),
) {
    // A stable sort keeps the order of keys within a group.
    listed.sort_by(|(a, _), (b, _)| a.cmp(b));
    for group in listed.chunk_by(|(a, _), (b, _)| a == b) {
        for (index, (_, first)) in group.iter().enumerate() {
            for (_, second) in &group[index + 1..] {
                if first.brokers.is_disjoint(second.brokers) && is_one(&first.instrument, &second.instrument) {
                    add(Pair { first: *first, second: *second, matched_by });
                }
            }
        }
    }
}

impl<'a> Pair<'a> {
    /// Whether a file of the first key and a file of the second key may have the same date.
    fn is_of_one_date(&self, dates: &BTreeMap<Broker, NaiveDate>) -> bool {
        let differ = |a: Broker, b: Broker| matches!((dates.get(&a), dates.get(&b)), (Some(a), Some(b)) if a != b);
        self.first.brokers.iter().any(|a| self.second.brokers.iter().any(|b| !differ(a, b)))
    }

    /// Returns the change that explains the two keys; `None` if they have the same symbol and the same series.
    fn change(&self) -> Option<KeyChangeCause> {
        let (first, second) = (&self.first.instrument, &self.second.instrument);
        if !is_security(first) || base_symbol(first) != base_symbol(second) {
            return Some(KeyChangeCause::Symbol);
        }
        let is_same_series = first.series().is_some() && first.series() == second.series();
        (!is_same_series).then_some(KeyChangeCause::Series)
    }

    fn doubled(&self) -> Doubled<'a> {
        let both = [&self.first, &self.second];
        Doubled {
            keys: both.map(|listed| listed.instrument.key()),
            brokers: both.map(|listed| Brokers::to_vec(listed.brokers)),
            matched_by: self.matched_by,
        }
    }
}

/// Returns the symbol without the series that its key contains.
fn base_symbol<'a>(instrument: &Instrument<'a>) -> &'a str {
    let symbol = instrument.symbol();
    let without = |series: &str| symbol.strip_suffix(series)?.strip_suffix('-').filter(|base| !base.is_empty());
    instrument.series().and_then(without).or_else(|| without("EQ")).unwrap_or(symbol)
}

/// Whether two securities with the same base symbol are one. An unknown series can be any series of that type.
fn is_one_security(a: &Instrument<'_>, b: &Instrument<'_>) -> bool {
    if matches!((a.isin(), b.isin()), (Some(a), Some(b)) if a != b) {
        return false;
    }
    match (a.series(), b.series()) {
        (Some(a), Some(b)) => a == b || [a, b].iter().all(|series| rank_of(series).is_some()),
        _ => a.class() == b.class(),
    }
}
