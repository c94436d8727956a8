//! What [`crate::help`] asks of a catalogue: each within a bounded time.

use chrono::NaiveDate;

use super::bits::Bits;
use super::typo::{distance, mistakes_allowed};
use super::{Catalogue, Expiry, InstrumentId};
use crate::vocabulary::Exchange;

impl Catalogue {
    /// The underlying with which a contract's symbol on an exchange begins, if active contracts refer to it there; the
    /// longest wins.
    pub(crate) fn underlying_of_symbol(&self, exchange: Exchange, symbol: &str) -> Option<&str> {
        let underlyings = &self.index.underlyings;
        let mut text = symbol;
        loop {
            let index = underlyings.longest_prefix_of(text)?;
            let found = underlyings.get(index);
            if !self.index.expiries_at(exchange, index).is_empty() {
                return Some(found);
            }
            // Known, but not on this exchange: perhaps a shorter one is.
            text = found.get(..found.len().checked_sub(1)?)?;
        }
    }

    /// When active contracts on an exchange end that refer to exactly that, ascending.
    pub(crate) fn expiries_of(&self, exchange: Exchange, underlying: &str) -> Vec<Expiry> {
        let Some(index) = self.index.underlyings.find(underlying) else { return Vec::new() };
        self.index.expiries_at(exchange, index).iter().map(|(.., expiry)| *expiry).collect()
    }

    /// Every instrument of an ISIN, by key.
    pub(crate) fn with_isin(&self, isin: &str) -> Vec<InstrumentId> {
        let runs = self.index.isins.find(isin).map(|index| self.index.isins.runs(index));
        runs.unwrap_or_default().iter().cloned().flatten().map(InstrumentId).collect()
    }

    /// The instruments between which a symbol would stand on an exchange, as far as they are nearly that: a contract
    /// that is mistyped towards its end.
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

    /// The underlyings that are nearest to that, if any are near.
    pub(crate) fn nearest_underlyings(&self, written: &str) -> Vec<&str> {
        self.index.underlying_words.nearest(written, mistakes_allowed(written.len()))
    }

    /// The instruments without expiry on an exchange whose symbols are nearest to that, most worth first.
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

    /// The first `count` of an exchange's instruments without expiry whose symbol, or else a word of whose name, begins
    /// so.
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

    /// The ids of an exchange whose symbols begin with `prefix`.
    pub(crate) fn with_prefix(&self, exchange: Exchange, prefix: &str) -> impl Iterator<Item = InstrumentId> + use<> {
        self.index.with_prefix(self, exchange, prefix).map(InstrumentId)
    }
}
