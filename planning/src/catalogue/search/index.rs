//! The search index of a catalog, created once when the catalog is built.

use std::ops::Range;

use chrono::NaiveDate;
use memchr::memmem::Finder;

use super::AssetClass;
use super::bits::Bits;
use super::chains::{Chains, ContractIndex};
use super::filters::Filters;
use super::rank::Ranks;
use super::texts::{Texts, as_u32, folded, partition_point};
use super::typo::Words;
use crate::catalogue::{Catalogue, InstrumentId};
use crate::vocabulary::{Exchange, InstrumentType};

/// The index of the symbols, names, ISINs and contracts of a catalog.
///
/// Symbols need no index of their own: ids are in the order of exchange and symbol, so that symbols with the same
/// prefix are adjacent, and the keys of the catalog are one text that can be searched for parts.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(super) ranks: Ranks,
    /// The end of the instruments of each exchange.
    exchange_ends: [u32; Exchange::ALL.len()],
    /// All instruments except aliases.
    pub(super) listed: Bits,
    active: Bits,
    /// The instruments with an expiry.
    pub(super) dated: Bits,
    with_options: Bits,
    by_class: [Bits; InstrumentType::ALL.len()],
    /// The aliases, except symbols of securities without their series.
    pub(super) aliases: Vec<InstrumentId>,
    /// The few instruments whose symbols are not in capital letters, so that the order of the ids does not help to find
    /// them.
    mixed_case: Vec<InstrumentId>,
    pub(super) names: Texts,
    pub(super) isins: Texts,
    pub(super) underlyings: Texts,
    /// The expiries of active contracts, by underlying, exchange and date.
    expiries: Vec<(u32, Exchange, Expiry)>,
    pub(super) chains: Chains,
    /// The words that are searched for typing errors: symbols without an expiry, underlyings, words of names.
    pub(super) symbol_words: Words,
    pub(super) underlying_words: Words,
    pub(super) name_words: Words,
}

impl Index {
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let length = catalogue.len();
        let mut index = Index {
            listed: Bits::new(length),
            active: Bits::new(length),
            dated: Bits::new(length),
            with_options: Bits::new(length),
            by_class: std::array::from_fn(|_| Bits::new(length)),
            ..Index::default()
        };
        let exchange_of = |number: usize| catalogue.records[number].exchange;
        index.exchange_ends =
            Exchange::ALL.map(|exchange| as_u32(partition_point(length, |number| exchange_of(number) <= exchange)));
        for id in (0..as_u32(length)).map(InstrumentId) {
            index.add(catalogue, id);
        }

        let instruments = || catalogue.instruments();
        // The name of most contracts is their underlying, which finds them anyway.
        let named = instruments().filter(|instrument| instrument.record.underlying != instrument.record.name);
        index.names = Texts::new(named.map(|instrument| (instrument.id.0, instrument.name()))).with_words();
        let isins = instruments().filter_map(|instrument| Some((instrument.id.0, instrument.isin()?)));
        index.isins = Texts::new(isins);
        let underlyings = instruments().filter_map(|instrument| Some((instrument.id.0, instrument.underlying()?)));
        index.underlyings = Texts::new(underlyings);
        let ContractIndex { chains, expiries, from_middle } = Chains::collect(catalogue, &index.underlyings);
        index.ranks = Ranks::new(catalogue, &from_middle);
        (index.chains, index.expiries) = (chains, expiries);
        // Aliases are included, because they are mistyped too.
        let ids = (0..as_u32(length)).map(InstrumentId).map(|id| catalogue.get(id));
        let undated: Vec<String> = ids
            .filter(|instrument| instrument.expiry().is_none())
            .map(|instrument| folded(instrument.symbol()))
            .collect();
        index.symbol_words = Words::new(undated.iter().map(String::as_str));
        index.underlying_words = Words::new((0..index.underlyings.len()).map(|at| index.underlyings.get(at)));
        index.name_words = Words::new(index.names.distinct_words());
        index.aliases.shrink_to_fit();
        index
    }

    fn add(&mut self, catalogue: &Catalogue, id: InstrumentId) {
        let record = &catalogue.records[id.index()];
        if catalogue.key(id).bytes().any(|byte| byte.is_ascii_lowercase()) {
            self.mixed_case.push(id);
        }
        if record.is_alias {
            // The symbol of an NSE security without its series finds nothing that the symbol with it does not find.
            let (symbol, of_target) = (catalogue.get(id).symbol(), catalogue.get(record.group).symbol());
            if record.class == InstrumentType::Index || !of_target.starts_with(symbol) {
                self.aliases.push(id);
            }
            return;
        }
        self.listed.insert(id.0);
        self.by_class[record.class as usize].insert(id.0);
        for (set, holds) in [
            (&mut self.active, record.is_active),
            (&mut self.dated, record.expiry.is_some()),
            (&mut self.with_options, record.has_options),
        ] {
            if holds {
                set.insert(id.0);
            }
        }
    }

    /// Returns the expiries of the active contracts on an exchange that refer to exactly this underlying, ascending.
    pub(super) fn expiries_at(&self, exchange: Exchange, underlying: usize) -> &[(u32, Exchange, Expiry)] {
        let wanted = (as_u32(underlying), exchange);
        let start = self.expiries.partition_point(|(other, exchange, _)| (*other, *exchange) < wanted);
        let rest = &self.expiries[start..];
        &rest[..rest.partition_point(|(other, exchange, _)| (*other, *exchange) == wanted)]
    }

    /// Returns the ids of the instruments of an exchange.
    pub(super) fn exchange(&self, exchange: Exchange) -> Range<u32> {
        let number = exchange as usize;
        number.checked_sub(1).map_or(0, |before| self.exchange_ends[before])..self.exchange_ends[number]
    }

    /// Returns the ids of the instruments of a type on an exchange.
    pub(super) fn of_class(&self, exchange: Exchange, class: InstrumentType) -> impl Iterator<Item = u32> {
        let of_exchange = self.exchange(exchange);
        self.by_class[class as usize].iter().filter(move |id| of_exchange.contains(id))
    }

    /// Returns the ids of the instruments on an exchange whose symbols start with `prefix`, aliases included.
    pub(crate) fn with_prefix(&self, catalogue: &Catalogue, exchange: Exchange, prefix: &str) -> Range<u32> {
        let all = self.exchange(exchange);
        let symbol = |offset: usize| catalogue.get(InstrumentId(all.start + as_u32(offset))).symbol().as_bytes();
        let prefix = prefix.as_bytes();
        let first = partition_point(all.len(), |offset| symbol(offset) < prefix);
        // Few symbols start with the prefix in most cases, so the end is near.
        let begins = |offset: usize| symbol(offset).starts_with(prefix);
        let mut step = 1;
        while first + step < all.len() && begins(first + step) {
            step *= 2;
        }
        let rest = all.len().min(first + step) - first;
        let count = partition_point(rest, |offset| begins(first + offset));
        all.start + as_u32(first)..all.start + as_u32(first + count)
    }

    /// Adds every instrument with exactly this symbol.
    pub(super) fn insert_symbol(&self, catalogue: &Catalogue, symbol: &str, into: &mut Bits) {
        self.with_symbol(catalogue, symbol).into_iter().for_each(|id| into.insert(id));
    }

    /// Returns every instrument with exactly this symbol, the targets of aliases among them.
    pub(super) fn with_symbol(&self, catalogue: &Catalogue, symbol: &str) -> Vec<u32> {
        let mut found = Vec::new();
        let mut key = String::with_capacity(symbol.len() + 8);
        for exchange in Exchange::ALL {
            key.clear();
            key.extend([exchange.as_str(), ":", symbol]);
            if let Some(id) = catalogue.find(&key) {
                found.push(catalogue.target(id).0);
            }
        }
        for id in &self.mixed_case {
            if catalogue.get(*id).symbol().eq_ignore_ascii_case(symbol) {
                found.push(catalogue.target(*id).0);
            }
        }
        found
    }

    /// Adds every instrument whose symbol, or an alias of it, starts with `prefix`.
    pub(super) fn insert_prefix(&self, catalogue: &Catalogue, prefix: &str, into: &mut Bits) {
        for exchange in Exchange::ALL {
            into.insert_range(self.with_prefix(catalogue, exchange, prefix));
        }
        for id in self.aliases.iter().chain(&self.mixed_case) {
            let symbol = catalogue.get(*id).symbol();
            if symbol.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
                into.insert(catalogue.target(*id).0);
            }
        }
    }

    /// Adds every instrument whose symbol, name or ISIN contains `needle`.
    pub(super) fn insert_containing(&self, catalogue: &Catalogue, needle: &str, into: &mut Bits) {
        let finder = Finder::new(needle);
        for exchange in Exchange::ALL {
            self.insert_symbols_containing(catalogue, exchange, &finder, into);
        }
        for id in self.aliases.iter().chain(&self.mixed_case) {
            if folded(catalogue.get(*id).symbol()).contains(needle) {
                into.insert(catalogue.target(*id).0);
            }
        }
        self.names.insert_containing(&finder, into);
        self.isins.insert_containing(&finder, into);
    }

    /// Searches the keys of an exchange as one text. A hit that starts before a symbol, or ends after it, does not
    /// count; after a hit, the search continues with the next key.
    fn insert_symbols_containing(
        &self,
        catalogue: &Catalogue,
        exchange: Exchange,
        needle: &Finder<'_>,
        into: &mut Bits,
    ) {
        let ids = self.exchange(exchange);
        let (first, end) = (ids.start as usize, ids.end as usize);
        let ends = &catalogue.key_ends[first..end];
        let Some(last) = ends.last() else { return };
        let text = &catalogue.keys.as_bytes()[..*last as usize];
        let symbol_offset = exchange.as_str().len() + 1;
        let mut id = 0;
        let mut key_start = first.checked_sub(1).map_or(0, |before| catalogue.key_ends[before] as usize);
        let mut from = key_start + symbol_offset;
        while let Some(hit) = needle.find(text.get(from..).unwrap_or_default()) {
            let (start, end) = (from + hit, from + hit + needle.needle().len());
            // Hits are in order and often close together, so the search for the next key starts at the last one.
            let passed = gallop(&ends[id..], |key_end| *key_end as usize <= start);
            if passed > 0 {
                id += passed;
                key_start = ends[id - 1] as usize;
            }
            let key_end = ends[id] as usize;
            if start >= key_start + symbol_offset && end <= key_end {
                into.insert(ids.start + as_u32(id));
                from = key_end + symbol_offset;
            } else {
                from = start + 1;
            }
        }
    }

    /// Returns all instruments that pass the filters.
    pub(super) fn passing(&self, catalogue: &Catalogue, filters: &Filters) -> Bits {
        let mut passing = self.listed.clone();
        if !filters.exchanges.is_empty() {
            let mut chosen = Bits::new(catalogue.len());
            filters.exchanges.iter().for_each(|exchange| chosen.insert_range(self.exchange(*exchange)));
            passing.retain_in(&chosen);
        }
        if !filters.instrument_types.is_empty() {
            let mut chosen = Bits::new(catalogue.len());
            filters.instrument_types.iter().for_each(|class| chosen.insert_all(&self.by_class[*class as usize]));
            passing.retain_in(&chosen);
        }
        if !filters.asset_classes.is_empty() {
            passing.retain_in(&self.of_asset_classes(catalogue, &filters.asset_classes));
        }
        for (wanted, set) in [(filters.is_active, &self.active), (filters.has_options, &self.with_options)] {
            match wanted {
                Some(true) => passing.retain_in(set),
                Some(false) => passing.remove_all(set),
                None => {}
            }
        }
        if filters.min_lot_size.is_some() || filters.max_lot_size.is_some() {
            let sizes = filters.min_lot_size.unwrap_or(0)..=filters.max_lot_size.unwrap_or(u32::MAX);
            let mut chosen = Bits::new(catalogue.len());
            // Indices have no lot, but the lot of a contract may be unknown, and is then not below a maximum.
            let has_size = |id: &u32| {
                let record = &catalogue.records[*id as usize];
                sizes.contains(&record.lot_size) && (record.lot_size != 0 || record.class == InstrumentType::Index)
            };
            passing.iter().filter(has_size).for_each(|id| chosen.insert(id));
            passing = chosen;
        }
        passing
    }

    /// Exchange and type alone determine the asset class.
    fn of_asset_classes(&self, catalogue: &Catalogue, wanted: &[AssetClass]) -> Bits {
        let mut chosen = Bits::new(catalogue.len());
        for exchange in Exchange::ALL {
            let range = self.exchange(exchange);
            for class in InstrumentType::ALL {
                if !range.is_empty() && wanted.contains(&AssetClass::of(exchange, class)) {
                    let mut part = Bits::new(catalogue.len());
                    part.insert_range(range.clone());
                    part.retain_in(&self.by_class[class as usize]);
                    chosen.insert_all(&part);
                }
            }
        }
        chosen
    }
}

/// A date on which active contracts of one underlying expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The last trading date of the contracts.
    pub date: NaiveDate,
    /// Whether active futures expire on the date.
    pub has_futures: bool,
    /// Whether active options expire on the date.
    pub has_options: bool,
}

/// Returns how many of the first items satisfy the condition. It searches near the front first.
fn gallop<T>(items: &[T], holds: impl Fn(&T) -> bool) -> usize {
    let mut step = 1;
    while step <= items.len() && holds(&items[step - 1]) {
        step *= 2;
    }
    let (low, high) = (step / 2, step.min(items.len()));
    low + items[low..high].partition_point(holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn galloping_and_plain_counting_agree() {
        for length in 0..40 {
            let items: Vec<usize> = (0..length).collect();
            for limit in 0..=length {
                assert_eq!(gallop(&items, |item| *item < limit), limit);
            }
        }
    }
}
