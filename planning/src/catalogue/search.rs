//! Search over symbol, name, ISIN and underlying, ranked as a person would expect.
//!
//! A search goes through [stages](MatchKind), the closest match first: what is written exactly so, what begins so, what
//! has a word that begins so, what has it somewhere, what is nearly so. Shares and indices that match come before
//! contracts that do, for there are hundreds of contracts on a share. Within a stage the order is that of
//! [`rank`](self::rank). Every instrument is found once, in the first stage that has it; the same query against the same
//! catalogue gives the same order, so that pages fit together.
//!
//! The index is made when a catalogue is built, off the threads that serve requests, and not at the first search: it
//! adds a tenth to the time of building, for which the first caller would otherwise wait.

mod bits;
mod filters;
mod highlight;
mod index;
mod order;
mod rank;
mod stages;
#[cfg(test)]
mod tests;
mod texts;
mod typo;

use chrono::NaiveDate;

use self::bits::Bits;
pub use self::filters::{AssetClass, Filters};
pub use self::highlight::{Field, Highlight};
pub use self::index::Expiry;
pub(crate) use self::index::Index;
use self::stages::Stages;
use self::typo::{distance, mistakes_allowed};
use super::{Catalogue, Instrument, InstrumentId};
use crate::instrument::{Class, Exchange};
use crate::request::words;

words! {
    /// How an instrument matches what was written.
    MatchKind {
        /// Nothing was written: all match.
        All = "all",
        /// It is the symbol, an alias, the key or the ISIN.
        Exact = "exact",
        /// The symbol or an alias begins so.
        Prefix = "prefix",
        /// A word of the name begins so.
        Word = "word",
        /// It is what the contract refers to.
        Underlying = "underlying",
        /// Symbol, name or ISIN have it somewhere.
        Part = "part",
        /// Symbol and name have every word of it somewhere.
        Words = "words",
        /// It is nearly so: mistyped.
        Near = "near",
    }
}

words! {
    /// How far a search goes.
    Reach {
        /// What is or begins so: as one types.
        Prefix = "prefix",
        /// What has it somewhere, too.
        Part = "part",
        /// What is nearly so, too.
        Near = "near",
    }
}

words! {
    /// By what results are ordered.
    SortBy {
        /// The closest match first.
        Relevance = "relevance",
        /// By symbol.
        Symbol = "symbol",
        /// By name.
        Name = "name",
        /// By expiry; what has none comes last.
        Expiry = "expiry",
        /// By strike; what has none comes last.
        Strike = "strike",
        /// By lot size.
        LotSize = "lot_size",
    }
}

words! {
    /// In which direction results are ordered.
    SortOrder {
        /// As [`SortBy`] says.
        Ascending = "asc",
        /// The other way round.
        Descending = "desc",
    }
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What was written; nothing finds everything that the filters let pass.
    pub text: String,
    /// What it is narrowed to.
    pub filters: Filters,
    /// How far to go.
    pub reach: Reach,
    /// In which order.
    pub sort_by: SortBy,
    /// In which direction.
    pub sort_order: SortOrder,
    /// How many results to pass over.
    pub offset: usize,
    /// Most results to give.
    pub limit: usize,
    /// The trading date, for contracts that have expired by then come last.
    pub as_of: NaiveDate,
}

impl Query {
    /// A query for the first 20 of everything that may be meant.
    pub fn new(text: impl Into<String>, as_of: NaiveDate) -> Self {
        Query {
            text: text.into(),
            filters: Filters::default(),
            reach: Reach::Near,
            sort_by: SortBy::Relevance,
            sort_order: SortOrder::Ascending,
            offset: 0,
            limit: 20,
            as_of,
        }
    }
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The instrument.
    pub id: InstrumentId,
    /// How it matches.
    pub kind: MatchKind,
}

/// A part of the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The results of this page, in order.
    pub hits: Vec<Hit>,
    /// How many results there are on all pages.
    pub total: usize,
    /// The same by how they match; kinds without a result are left out.
    pub by_kind: Vec<(MatchKind, usize)>,
    terms: Terms,
}

/// What was found in the fields, in capital letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Terms {
    whole: Vec<String>,
    words: Vec<String>,
    near: Vec<String>,
}

impl Page {
    /// Which parts of an instrument of this page matched.
    pub fn highlights(&self, hit: &Hit, instrument: &Instrument<'_>) -> Vec<Highlight> {
        let terms = match hit.kind {
            MatchKind::All => return Vec::new(),
            MatchKind::Near => &self.terms.near,
            MatchKind::Words => &self.terms.words,
            _ => &self.terms.whole,
        };
        highlight::highlights(instrument, terms)
    }
}

impl Catalogue {
    /// Searches. A scan of everything takes some milliseconds on a quarter of a million instruments; what only has to
    /// begin so takes microseconds.
    pub fn search(&self, query: &Query) -> Page {
        let mut stages = Stages::new(self, &query.filters);
        let terms = stages.run(query);
        let hits = match (query.sort_by, query.sort_order) {
            (SortBy::Relevance, SortOrder::Ascending) => stages.page(query.offset, query.limit, query.as_of),
            (SortBy::Relevance, SortOrder::Descending) => {
                let end = stages.total().saturating_sub(query.offset);
                let start = end.saturating_sub(query.limit);
                let mut hits = stages.page(start, end - start, query.as_of);
                hits.reverse();
                hits
            }
            _ => order::page(self, &stages, query),
        };
        Page { hits, total: stages.total(), by_kind: stages.by_kind(), terms }
    }

    /// Lists instruments in the order of their keys: those at `offset` and after, and how many there are.
    pub fn list(&self, filters: &Filters, offset: usize, limit: usize) -> (Vec<InstrumentId>, usize) {
        let passing = self.index.passing(self, filters);
        (passing.iter().skip(offset).take(limit).map(InstrumentId).collect(), passing.count())
    }

    /// Every instrument of a symbol (or an alias), of an ISIN, or of both, most worth first. A symbol may be given as a
    /// whole key.
    pub fn resolve(
        &self,
        symbol: Option<&str>,
        isin: Option<&str>,
        filters: &Filters,
        as_of: NaiveDate,
    ) -> Vec<InstrumentId> {
        let mut found = self.index.passing(self, filters);
        if let Some(symbol) = symbol {
            let mut of_symbol = Bits::new(self.len());
            for exchange in Exchange::ALL {
                if let Some(id) = self.find(&format!("{exchange}:{symbol}")) {
                    of_symbol.insert(self.target(id).0);
                }
            }
            if let Some(id) = self.find(symbol) {
                of_symbol.insert(self.target(id).0);
            }
            found.retain_in(&of_symbol);
        }
        if let Some(isin) = isin {
            let mut of_isin = Bits::new(self.len());
            if let Some(index) = self.index.isins.find(isin) {
                self.index.isins.insert(index, &mut of_isin);
            }
            found.retain_in(&of_isin);
        }
        let ranks = self.index.ranks.on(as_of);
        ranks.first(found.words(), self.len()).into_iter().map(InstrumentId).collect()
    }

    /// How many active contracts have expired before the date.
    pub fn expired_count(&self, date: NaiveDate) -> usize {
        self.index.ranks.expired_count(date)
    }

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

    /// Underlyings that are nearly that, nearest first.
    pub(crate) fn near_underlyings(&self, written: &str) -> Vec<(&str, usize)> {
        let mut near = self.index.underlying_words.near(written, mistakes_allowed(written.len()));
        near.sort_by_key(|(_, distance)| *distance);
        near
    }

    /// The instruments without expiry on an exchange whose symbols are nearly that, nearest first, then most worth.
    pub(crate) fn near_symbols(&self, exchange: Exchange, written: &str, as_of: NaiveDate) -> Vec<InstrumentId> {
        let ranks = self.index.ranks.on(as_of);
        let near = self.index.symbol_words.near(written, mistakes_allowed(written.len()));
        let mut found: Vec<(usize, u32, InstrumentId)> = near
            .into_iter()
            .filter_map(|(symbol, distance)| {
                let id = self.find(&format!("{exchange}:{symbol}"))?;
                Some((distance, ranks.of(self.target(id).0), id))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(.., id)| id).collect()
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

    /// The instrument that an alias stands for; itself otherwise.
    pub fn target(&self, id: InstrumentId) -> InstrumentId {
        let record = &self.records[id.index()];
        if record.is_alias { record.group } else { id }
    }

    /// How many instruments there are of each kind on each exchange, active and inactive.
    pub fn counts(&self) -> Vec<((Exchange, Class), Counts)> {
        let mut counts = std::collections::BTreeMap::<(Exchange, Class), Counts>::new();
        for instrument in self.instruments() {
            let count = counts.entry((instrument.exchange(), instrument.class())).or_default();
            if instrument.is_active() { count.active += 1 } else { count.inactive += 1 }
        }
        counts.into_iter().collect()
    }
}

/// Instruments counted by whether a broker's last accepted file has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// That a broker's last accepted file has.
    pub active: usize,
    /// That none has any more.
    pub inactive: usize,
}
