//! Finds indices that have another key at another broker.

use std::collections::{BTreeMap, BTreeSet};

use super::listed::{Brokers, ListedInstrument};
use super::{Catalogue, Instrument, InstrumentId};
use crate::vocabulary::{Broker, InstrumentType, Segment};

/// An index with two keys. No broker lists both of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubledIndex<'a> {
    /// The two keys of the index.
    pub keys: [&'a str; 2],
    /// The brokers that list each of `keys`, at the same position.
    pub brokers: [Vec<Broker>; 2],
}

/// An index that only one of the brokers with indices of that segment lists, and that resembles no other index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleIndex<'a> {
    /// The key of the index.
    pub key: &'a str,
    /// The only broker that lists the index.
    pub broker: Broker,
}

/// Compares the indices of each segment by symbol, alias and name, without case, spaces and punctuation.
pub(super) fn compare<'a>(
    catalogue: &'a Catalogue,
    listed: &[ListedInstrument<'a>],
) -> (Vec<DoubledIndex<'a>>, Vec<SingleIndex<'a>>) {
    let indices: Vec<&ListedInstrument<'a>> =
        listed.iter().filter(|listed| listed.instrument.class() == InstrumentType::Index).collect();
    let aliases = aliases(catalogue);
    let mut of_segment: BTreeMap<Segment, Brokers> = BTreeMap::new();
    let mut by_text: BTreeMap<(Segment, String), Vec<usize>> = BTreeMap::new();
    for (position, ListedInstrument { instrument, brokers }) in indices.iter().enumerate() {
        let all = of_segment.entry(instrument.segment()).or_default();
        *all = all.union(*brokers);
        for text in texts(instrument, &aliases) {
            by_text.entry((instrument.segment(), text)).or_default().push(position);
        }
    }
    let mut pairs: BTreeSet<(usize, usize)> = BTreeSet::new();
    for group in by_text.values() {
        for (at, first) in group.iter().enumerate() {
            let is_other = |second: &&usize| indices[*first].brokers.is_disjoint(indices[**second].brokers);
            pairs.extend(group[at + 1..].iter().filter(is_other).map(|second| (*first, *second)));
        }
    }
    let is_doubled: BTreeSet<usize> = pairs.iter().flat_map(|(first, second)| [*first, *second]).collect();
    let is_single = |(position, index): &(usize, &&ListedInstrument<'a>)| {
        index.brokers.len() == 1 && of_segment[&index.instrument.segment()].len() > 1 && !is_doubled.contains(position)
    };
    let doubled = |(first, second): (usize, usize)| {
        let both = [indices[first], indices[second]];
        DoubledIndex {
            keys: both.map(|listed| listed.instrument.key()),
            brokers: both.map(|listed| listed.brokers.to_vec()),
        }
    };
    let single = |(_, index): (usize, &&ListedInstrument<'a>)| {
        Some(SingleIndex { key: index.instrument.key(), broker: index.brokers.iter().next()? })
    };
    let singles = indices.iter().enumerate().filter(is_single).filter_map(single).collect();
    (pairs.into_iter().map(doubled).collect(), singles)
}

/// Returns the symbols of all aliases by the instrument that they name.
fn aliases(catalogue: &Catalogue) -> BTreeMap<InstrumentId, Vec<&str>> {
    let mut aliases: BTreeMap<InstrumentId, Vec<&str>> = BTreeMap::new();
    let ids = (0..u32::try_from(catalogue.len()).unwrap_or(u32::MAX)).map(InstrumentId);
    for alias in ids.map(|id| catalogue.get(id)).filter(Instrument::is_alias) {
        aliases.entry(alias.group()).or_default().push(alias.symbol());
    }
    aliases
}

/// Returns the distinct texts that name an index, with capital letters and digits only.
fn texts(instrument: &Instrument<'_>, aliases: &BTreeMap<InstrumentId, Vec<&str>>) -> BTreeSet<String> {
    let of_alias = aliases.get(&instrument.id()).into_iter().flatten().copied();
    let all = [instrument.symbol(), instrument.name()].into_iter().chain(of_alias);
    let normalized =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect() };
    all.map(normalized).filter(|text| !text.is_empty()).collect()
}
