//! Search over symbol, name, ISIN and underlying, ranked as a person would expect.
//!
//! A search goes through [stages](MatchKind), the closest match first: exact matches, prefixes, prefixes of a word,
//! parts, and matches with typing errors. If the query is an underlying, its futures and the options around the middle
//! of its nearest chain follow exact matches; otherwise shares and indices precede contracts, because a share has
//! hundreds of contracts. Within a stage, [`rank`] determines the order. Every instrument is found once, in the
//! first stage that contains it. The same query against the same catalog gives the same order, so that pages are
//! consistent.
//!
//! The index is created when a catalog is built, not on the threads that serve requests, and not at the first search:
//! it adds a tenth to the time of building, which the first caller would otherwise have to wait.

mod bits;
mod chains;
mod filters;
pub(crate) mod forms;
mod highlight;
pub(crate) mod hints;
mod index;
mod order;
mod rank;
mod select;
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
pub use self::select::{DocumentFault, SELECTED_MAX, SELECTORS_MAX, Selected, Selector};
use self::stages::Stages;
use super::{Catalogue, Instrument, InstrumentId};
use crate::vocabulary::{Exchange, words};

words! {
    /// The way in which an instrument matches the query.
    MatchKind {
        /// The query is empty, so that every instrument matches.
        All = "all",
        /// The query is the symbol, an alias, the key or the ISIN, also in another notation, or it was the symbol before
        /// the instrument was renamed.
        Exact = "exact",
        /// The symbol or an alias starts with the query.
        Prefix = "prefix",
        /// A word of the name starts with the query.
        Word = "word",
        /// The query is the underlying of the contract.
        Underlying = "underlying",
        /// The symbol, name or ISIN contains the query.
        Part = "part",
        /// The symbol and name contain every word of the query.
        Words = "words",
        /// The instrument matches the query if typing errors are corrected.
        Near = "near",
    }
}

words! {
    /// The least exact kind of match that a search includes.
    Reach {
        /// Exact matches and prefixes, for suggestions while a user types.
        Prefix = "prefix",
        /// Also parts of symbols, names and ISINs.
        Part = "part",
        /// Also matches with typing errors.
        Near = "near",
    }
}

words! {
    /// The sort key of search results.
    SortBy {
        /// The closest match first.
        Relevance = "relevance",
        /// By symbol.
        Symbol = "symbol",
        /// By name.
        Name = "name",
        /// By expiry. Instruments without an expiry come last.
        Expiry = "expiry",
        /// By strike. Instruments without a strike come last.
        Strike = "strike",
        /// By lot size.
        LotSize = "lot_size",
    }
}

words! {
    /// The sort order of search results.
    SortOrder {
        /// In the order of [`SortBy`].
        Ascending = "asc",
        /// In the reverse order.
        Descending = "desc",
    }
}

/// A search of the catalog: the text, the filters, the order, and the requested page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The text to search for; an empty text finds every instrument that passes the filters.
    pub text: String,
    /// The filters that results must pass.
    pub filters: Filters,
    /// The least exact kind of match that is searched for.
    pub reach: Reach,
    /// The property by which results are sorted.
    pub sort_by: SortBy,
    /// The direction of the order.
    pub sort_order: SortOrder,
    /// The number of results before the page.
    pub offset: usize,
    /// The maximum number of results on the page.
    pub limit: usize,
    /// The trading date: contracts that have expired by then are last.
    pub as_of: NaiveDate,
}

impl Query {
    /// Returns a query for the first 20 results of any match kind.
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

/// One result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The id of the instrument in the searched catalog.
    pub id: InstrumentId,
    /// The most exact way in which the instrument matches the text.
    pub kind: MatchKind,
}

/// The requested page of the results, with the number of all results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The results of this page, in order.
    pub hits: Vec<Hit>,
    /// The number of results on all pages.
    pub total: usize,
    /// The number of results by match kind; kinds without a result are omitted.
    pub by_kind: Vec<(MatchKind, usize)>,
    terms: MatchedTerms,
}

/// The terms that were found in the fields, in capital letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct MatchedTerms {
    whole: Vec<String>,
    words: Vec<String>,
    near: Vec<String>,
}

impl Page {
    /// Returns the parts of an instrument of this page that matched.
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
    /// Searches the catalog. A scan of everything takes some milliseconds with a quarter of a million instruments; a
    /// search for prefixes takes microseconds.
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

    /// Lists the instruments in the order of their keys, starting at `offset`, and their total number.
    pub fn list(&self, filters: &Filters, offset: usize, limit: usize) -> (Vec<InstrumentId>, usize) {
        let passing = self.index.passing(self, filters);
        (passing.iter().skip(offset).take(limit).map(InstrumentId).collect(), passing.count())
    }

    /// Returns every instrument of a symbol (or an alias), of an ISIN, or of both, in descending worth. The symbol may
    /// be a whole key.
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

    /// Returns the number of active contracts that expired before the date.
    pub fn expired_count(&self, date: NaiveDate) -> usize {
        self.index.ranks.expired_count(date)
    }

    /// Returns the target of an alias; for other instruments, the instrument itself.
    pub fn target(&self, id: InstrumentId) -> InstrumentId {
        let record = &self.records[id.index()];
        if record.is_alias { record.group } else { id }
    }
}
