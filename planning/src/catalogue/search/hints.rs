//! Queries of [`crate::help`] to a catalog. Each takes a bounded time.

use chrono::NaiveDate;

use super::bits::Bits;
use super::typo::{distance, mistakes_allowed};
use super::{Catalogue, Expiry, InstrumentId};
use crate::vocabulary::{Exchange, InstrumentType};

impl Catalogue {
    /// Returns the underlyings with which the symbol of a contract on an exchange starts, the longest first. Active
    /// contracts on the exchange refer to each of them.
    pub(crate) fn underlyings_of_symbol<'a>(
        &'a self,
        exchange: Exchange,
        symbol: &str,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let underlyings = &self.index.underlyings;
        let longest = |text: &str| underlyings.longest_prefix_of(text);
        let mut next = longest(symbol);
        std::iter::from_fn(move || {
            let index = next?;
            let found = underlyings.get(index);
            next = found.get(..found.len().saturating_sub(1)).and_then(longest);
            Some((index, found))
        })
        .filter(move |(index, _)| !self.index.expiries_at(exchange, *index).is_empty())
        .map(|(_, found)| found)
    }

    /// Returns the expiries of the active contracts on an exchange that refer to exactly this underlying, ascending.
    pub(crate) fn expiries_of(&self, exchange: Exchange, underlying: &str) -> Vec<Expiry> {
        let Some(index) = self.index.underlyings.find(underlying) else { return Vec::new() };
        self.index.expiries_at(exchange, index).iter().map(|(.., expiry)| *expiry).collect()
    }

    /// Returns the indices of an exchange, by key.
    pub(crate) fn indices(&self, exchange: Exchange) -> impl Iterator<Item = InstrumentId> {
        self.index.of_class(exchange, InstrumentType::Index).map(InstrumentId)
    }

    /// Returns every instrument of an ISIN, by key.
    pub(crate) fn with_isin(&self, isin: &str) -> Vec<InstrumentId> {
        let runs = self.index.isins.find(isin).map(|index| self.index.isins.runs(index));
        runs.unwrap_or_default().iter().cloned().flatten().map(InstrumentId).collect()
    }

    /// Returns the neighbors of a symbol in the order of symbols of an exchange, if they are similar to it: a contract
    /// with a typing error near its end.
    pub(crate) fn near_neighbours(&self, exchange: Exchange, written: &str) -> Vec<InstrumentId> {
        let range = self.index.exchange(exchange);
        let place = self.index.with_prefix(self, exchange, written).start;
        let neighbours = place.saturating_sub(1).max(range.start)..(place + 1).min(range.end);
        let is_near = |id: &InstrumentId| {
            let symbol = self.get(*id).symbol();
            distance(symbol.as_bytes(), written.as_bytes(), mistakes_allowed(written.len())).is_some()
        };
        neighbours.map(InstrumentId).filter(is_near).collect()
    }

    /// Returns the underlyings that are most similar to the text, if any are similar.
    pub(crate) fn nearest_underlyings(&self, written: &str) -> Vec<&str> {
        self.index.underlying_words.nearest(written, mistakes_allowed(written.len()))
    }

    /// Returns the instruments without an expiry on an exchange whose symbols are most similar to the text, in
    /// descending worth.
    pub(crate) fn nearest_symbols(&self, exchange: Exchange, written: &str, as_of: NaiveDate) -> Vec<InstrumentId> {
        let ranks = self.index.ranks.on(as_of);
        let nearest = self.index.symbol_words.nearest(written, mistakes_allowed(written.len()));
        let mut found: Vec<(u32, InstrumentId)> = nearest
            .into_iter()
            .filter_map(|symbol| {
                let id = self.find(&format!("{exchange}:{symbol}"))?;
                Some((ranks.of(self.target(id).0), id))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Returns the first `count` instruments without an expiry on an exchange whose symbol starts with the prefix; if
    /// no symbol does, those with a name that contains such a word.
    pub(crate) fn beginning_with(
        &self,
        exchange: Exchange,
        written: &str,
        as_of: NaiveDate,
        count: usize,
    ) -> Vec<InstrumentId> {
        let ranks = self.index.ranks.on(as_of);
        let mut found = Bits::new(self.len());
        found.insert_range(self.index.with_prefix(self, exchange, written));
        if found.is_empty() {
            self.index.names.insert_with_word(written, &mut found);
            let mut of_exchange = Bits::new(self.len());
            of_exchange.insert_range(self.index.exchange(exchange));
            found.retain_in(&of_exchange);
        }
        found.remove_all(&self.index.dated);
        ranks.first(found.words(), count).into_iter().map(InstrumentId).collect()
    }

    /// Returns the ids of the instruments on an exchange whose symbols start with `prefix`.
    pub(crate) fn with_prefix(&self, exchange: Exchange, prefix: &str) -> impl Iterator<Item = InstrumentId> + use<> {
        self.index.with_prefix(self, exchange, prefix).map(InstrumentId)
    }
}
