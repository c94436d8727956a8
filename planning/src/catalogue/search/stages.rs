//! Runs a query through the stages of a search.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::bits::{Bits, Sparse, numbers_of};
use super::texts::folded;
use super::typo::mistakes_allowed;
use super::{Catalogue, Filters, Hit, Index, InstrumentId, MatchKind, Query, Reach, Terms};

/// Nearly every text contains a part with fewer characters than this.
const PART_BYTES_MIN: usize = 2;

/// The minimum length of a prefix of a word of a name: a single letter starts a word of nearly every other name.
const WORD_BYTES_MIN: usize = 2;

/// The maximum number of instruments that are checked one by one for a further word, instead of searching the whole
/// catalog again.
const ONE_BY_ONE_MAX: usize = 4096;

/// A part of the set of a stage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The instruments without an expiry.
    Undated,
    /// All instruments, or those that are left.
    Whole,
}

/// The results so far, stage by stage.
pub(super) struct Stages<'a> {
    catalogue: &'a Catalogue,
    index: &'a Index,
    passing: Cow<'a, Bits>,
    seen: Bits,
    found: Vec<(MatchKind, Sparse)>,
}

impl<'a> Stages<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, filters: &Filters) -> Self {
        let index = &catalogue.index;
        let passing = if *filters == Filters::default() {
            Cow::Borrowed(&index.listed)
        } else {
            Cow::Owned(index.passing(catalogue, filters))
        };
        Stages { catalogue, index, passing, seen: Bits::new(catalogue.len()), found: Vec::new() }
    }

    /// Runs the stages that the query reaches, and returns the terms to highlight.
    pub(super) fn run(&mut self, query: &Query) -> Terms {
        let whole = folded(query.text.trim());
        if whole.is_empty() {
            let all = self.passing.clone().into_owned();
            self.add(MatchKind::All, &all, Part::Whole);
            return Terms::default();
        }
        let words: Vec<String> = whole.split_whitespace().map(str::to_owned).collect();

        self.exact(&whole);
        let is_exact = !self.found.is_empty();
        self.beginning(&whole);
        if query.reach >= Reach::Part {
            self.parts(&whole, &words);
        }
        // If an exact match exists, no other text is meant.
        let near = if query.reach >= Reach::Near && !is_exact { self.near(&words) } else { Vec::new() };
        Terms { whole: vec![whole], words, near }
    }

    fn exact(&mut self, whole: &str) {
        let mut exact = self.empty();
        self.index.insert_symbol(self.catalogue, whole, &mut exact);
        if let Some(id) = self.catalogue.find(whole) {
            exact.insert(self.catalogue.target(id).as_u32());
        }
        if let Some(isin) = self.index.isins.find(whole) {
            self.index.isins.insert(isin, &mut exact);
        }
        self.add(MatchKind::Exact, &exact, Part::Whole);
    }

    fn beginning(&mut self, whole: &str) {
        let (mut prefix, mut word, mut underlying) = (self.empty(), self.empty(), self.empty());
        self.index.insert_prefix(self.catalogue, whole, &mut prefix);
        if whole.len() >= WORD_BYTES_MIN {
            self.index.names.insert_with_word(whole, &mut word);
        }
        if let Some(of) = self.index.underlyings.find(whole) {
            self.index.underlyings.insert(of, &mut underlying);
        }
        self.add(MatchKind::Prefix, &prefix, Part::Undated);
        self.add(MatchKind::Word, &word, Part::Undated);
        self.add(MatchKind::Underlying, &underlying, Part::Whole);
        self.add(MatchKind::Prefix, &prefix, Part::Whole);
        self.add(MatchKind::Word, &word, Part::Whole);
    }

    fn parts(&mut self, whole: &str, words: &[String]) {
        if whole.len() >= PART_BYTES_MIN {
            let mut part = self.empty();
            self.index.insert_containing(self.catalogue, whole, &mut part);
            self.add_split(MatchKind::Part, &part);
        }
        if words.len() > 1 {
            let all = self.with_all(words);
            self.add_split(MatchKind::Words, &all);
        }
    }

    /// Returns the instruments that contain every word. The longest word is searched for first, because it leaves the
    /// fewest to check.
    fn with_all(&self, words: &[String]) -> Bits {
        let mut longest_first: Vec<&String> = words.iter().collect();
        longest_first.sort_by_key(|word| std::cmp::Reverse(word.len()));
        longest_first.dedup();
        let mut all: Option<Bits> = None;
        for word in longest_first {
            match &mut all {
                Some(all) if all.count() <= ONE_BY_ONE_MAX => {
                    let mut kept = self.empty();
                    all.iter().filter(|id| self.has_part(*id, word)).for_each(|id| kept.insert(id));
                    *all = kept;
                }
                Some(all) => all.retain_in(&self.containing(word)),
                None => {
                    let mut first = self.containing(word);
                    first.retain_in(&self.passing);
                    all = Some(first);
                }
            }
        }
        all.unwrap_or_else(|| self.empty())
    }

    fn containing(&self, word: &str) -> Bits {
        let mut containing = self.empty();
        self.index.insert_containing(self.catalogue, word, &mut containing);
        containing
    }

    /// Whether the symbol, name or ISIN of an instrument contains the word. This is what [`Index::insert_containing`]
    /// finds, except for aliases.
    fn has_part(&self, id: u32, word: &str) -> bool {
        let instrument = self.catalogue.get(InstrumentId(id));
        let is_named = instrument.underlying() != Some(instrument.name());
        folded(instrument.symbol()).contains(word)
            || (is_named && folded(instrument.name()).contains(word))
            || instrument.isin().is_some_and(|isin| folded(isin).contains(word))
    }

    /// Adds the instruments that match with typing errors, one error before two, and returns the words that matched.
    fn near(&mut self, words: &[String]) -> Vec<String> {
        let mut terms = Vec::new();
        let sets = match words {
            [word] => self.near_one(word, &mut terms),
            _ => vec![self.near_all(words, &mut terms)],
        };
        for set in sets {
            self.add_split(MatchKind::Near, &set);
        }
        terms
    }

    fn near_one(&self, word: &str, terms: &mut Vec<String>) -> Vec<Bits> {
        let mistakes = mistakes_allowed(word.len());
        let mut sets = vec![self.empty(); mistakes];
        let mut add = |near: Vec<(&str, usize)>, insert: &dyn Fn(&str, &mut Bits)| {
            for (term, distance) in near {
                if let Some(set) = distance.checked_sub(1).and_then(|at| sets.get_mut(at)) {
                    insert(term, set);
                    terms.push(term.to_owned());
                }
            }
        };
        let index = self.index;
        add(index.symbol_words.near(word, mistakes), &|term, set| index.insert_symbol(self.catalogue, term, set));
        add(index.underlying_words.near(word, mistakes), &|term, set| {
            if let Some(of) = index.underlyings.find(term) {
                index.underlyings.insert(of, set);
            }
        });
        add(index.name_words.near(word, mistakes), &|term, set| index.names.insert_with_word(term, set));
        sets
    }

    /// Returns the instruments whose names contain each of several words, typing errors allowed.
    fn near_all(&self, words: &[String], terms: &mut Vec<String>) -> Bits {
        let mut all: Option<Bits> = None;
        for word in words {
            let mut of_word = self.empty();
            self.index.names.insert_with_word(word, &mut of_word);
            terms.push(word.clone());
            for (term, _) in self.index.name_words.near(word, mistakes_allowed(word.len())) {
                self.index.names.insert_with_word(term, &mut of_word);
                terms.push(term.to_owned());
            }
            match &mut all {
                Some(all) => all.retain_in(&of_word),
                None => all = Some(of_word),
            }
        }
        all.unwrap_or_else(|| self.empty())
    }

    fn empty(&self) -> Bits {
        Bits::new(self.catalogue.len())
    }

    fn add_split(&mut self, kind: MatchKind, set: &Bits) {
        self.add(kind, set, Part::Undated);
        self.add(kind, set, Part::Whole);
    }

    /// Adds the instruments that pass the filters and were not found before.
    fn add(&mut self, kind: MatchKind, set: &Bits, part: Part) {
        let without = (part == Part::Undated).then_some(&self.index.dated);
        let new = Sparse::new_in(set, &self.passing, without, &mut self.seen);
        if new.count() > 0 {
            self.found.push((kind, new));
        }
    }

    pub(super) fn total(&self) -> usize {
        self.found.iter().map(|(_, set)| set.count()).sum()
    }

    pub(super) fn by_kind(&self) -> Vec<(MatchKind, usize)> {
        let of_kind = |kind| self.found.iter().filter(move |(other, _)| *other == kind);
        let count = |kind: MatchKind| of_kind(kind).map(|(_, set)| set.count()).sum();
        MatchKind::ALL.iter().map(|kind| (*kind, count(*kind))).filter(|(_, count)| *count > 0).collect()
    }

    /// Returns the results from `offset` on, in the order of stages, then ranks.
    pub(super) fn page(&self, offset: usize, limit: usize, as_of: NaiveDate) -> Vec<Hit> {
        let ranks = self.index.ranks.on(as_of);
        let (mut passed, mut hits) = (offset, Vec::new());
        for (kind, set) in &self.found {
            if passed >= set.count() {
                passed -= set.count();
                continue;
            }
            let wanted = limit - hits.len();
            let first = ranks.first(set.words(), passed.saturating_add(wanted)).into_iter().skip(passed);
            hits.extend(first.map(|id| Hit { id: InstrumentId(id), kind: *kind }));
            passed = 0;
            if hits.len() == limit {
                break;
            }
        }
        hits
    }

    /// Returns all results, each with the way in which it matches.
    pub(super) fn hits(&self) -> impl Iterator<Item = Hit> {
        self.found.iter().flat_map(|(kind, set)| {
            let ids = set.words().flat_map(|(index, word)| numbers_of(index, word));
            ids.map(|id| Hit { id: InstrumentId(id), kind: *kind })
        })
    }
}
