//! Runs a query through the stages of a search.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::bits::{Bits, Sparse, numbers_of};
use super::texts::folded;
use super::typo::mistakes_allowed;
use super::{Catalogue, Filters, Hit, Index, InstrumentId, MatchKind, MatchedTerms, Query, Reach, forms};
use crate::vocabulary::InstrumentType;

/// Nearly every text contains a part with fewer characters than this.
const PART_BYTES_MIN: usize = 2;

/// The minimum length of a prefix of a word of a name: a single letter starts a word of nearly every other name.
const WORD_BYTES_MIN: usize = 2;

/// The maximum number of instruments that are checked one by one for a further word, instead of searching the whole
/// catalog again.
const ONE_BY_ONE_MAX: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum StagePart {
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

/// The instruments that a whole text means, as opposed to those whose symbol or name contains it.
#[derive(Default)]
struct TextMeaning {
    ids: Vec<u32>,
    /// The underlyings whose contracts are meant, too.
    underlyings: Vec<usize>,
    /// The spelling that was found, if it differs from the text.
    terms: Vec<String>,
}

impl TextMeaning {
    fn is_some(&self) -> bool {
        !self.ids.is_empty() || !self.underlyings.is_empty()
    }
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
    pub(super) fn run(&mut self, query: &Query) -> MatchedTerms {
        let text = query.text.trim();
        let whole = folded(&forms::decoded(text).unwrap_or_else(|| text.to_owned()));
        if whole.is_empty() {
            let all = self.passing.clone().into_owned();
            self.add(MatchKind::All, &all, StagePart::Whole);
            return MatchedTerms::default();
        }
        let words: Vec<String> = whole.split_whitespace().map(str::to_owned).collect();

        let meaning = self.meaning(text, &whole);
        self.meant(&meaning, query.as_of);
        let is_exact = !self.found.is_empty();
        self.beginning(&whole, &meaning.underlyings);
        if query.reach >= Reach::Part {
            self.parts(&whole, &words);
        }
        // If an exact match exists, other spellings are not tried.
        let near = if query.reach >= Reach::Near && !is_exact { self.near(&words) } else { Vec::new() };
        let mut terms = meaning.terms;
        terms.push(whole);
        MatchedTerms { whole: terms, words, near }
    }

    /// Returns the meaning of the whole text: a symbol, an underlying, a key or an ISIN, or else one of them in another
    /// spelling or the number or token of an instrument.
    fn meaning(&self, text: &str, whole: &str) -> TextMeaning {
        let plain = self.meaning_of(whole);
        if plain.is_some() {
            return plain;
        }
        let spelled = forms::spellings(whole).into_iter().map(|spelling| {
            let meaning = self.meaning_of(&spelling);
            TextMeaning { terms: vec![spelling], ..meaning }
        });
        let named = || {
            let ids = self.catalogue.named(whole).or_else(|| self.catalogue.named(text));
            let ids = ids.map(|(_, ids)| ids).unwrap_or_default();
            TextMeaning { ids: ids.into_iter().map(InstrumentId::as_u32).collect(), ..TextMeaning::default() }
        };
        spelled.into_iter().find(TextMeaning::is_some).unwrap_or_else(named)
    }

    fn meaning_of(&self, text: &str) -> TextMeaning {
        let (catalogue, index) = (self.catalogue, self.index);
        let mut ids = index.with_symbol(catalogue, text);
        ids.extend(catalogue.find(text).map(|id| catalogue.target(id).as_u32()));
        if let Some(isin) = index.isins.find(text) {
            ids.extend(index.isins.runs(isin).iter().cloned().flatten());
        }
        let mut underlyings: Vec<usize> = index.underlyings.find(text).into_iter().collect();
        if underlyings.is_empty() {
            underlyings.extend(ids.iter().flat_map(|id| self.aliases_with_contracts(InstrumentId(*id))));
        }
        let mut successors = Vec::new();
        for id in ids.iter().map(|id| catalogue.get(InstrumentId(*id))).filter(|instrument| !instrument.is_active()) {
            if let Some(successor) = catalogue.successor(id.id()) {
                let successor = catalogue.get(successor);
                underlyings.extend(index.underlyings.find(&folded(successor.symbol())));
                successors.push(successor.id().as_u32());
            }
        }
        ids.append(&mut successors);
        TextMeaning { ids, underlyings, terms: Vec::new() }
    }

    /// Returns the other names of an index by which contracts refer to it.
    fn aliases_with_contracts(&self, id: InstrumentId) -> impl Iterator<Item = usize> {
        let record = &self.catalogue.records[id.index()];
        let has_aliases = record.class == InstrumentType::Index && (record.has_futures || record.has_options);
        let aliases = if has_aliases { self.index.aliases.as_slice() } else { &[] };
        let of_index = aliases.iter().filter(move |alias| self.catalogue.target(**alias) == id);
        of_index.filter_map(|alias| self.index.underlyings.find(&folded(self.catalogue.get(*alias).symbol())))
    }

    /// Adds the instruments that are meant: active ones, then the futures and the options around the middle of the
    /// chains of underlyings, then those that are not listed any more.
    fn meant(&mut self, meaning: &TextMeaning, as_of: NaiveDate) {
        let index = self.index;
        let (active, inactive): (Vec<u32>, Vec<u32>) =
            meaning.ids.iter().partition(|id| self.catalogue.records[**id as usize].is_active);
        self.add_all(MatchKind::Exact, active);
        let underlyings = || meaning.underlyings.iter().copied();
        let futures = underlyings().flat_map(|of| index.chains.futures(self.catalogue, of, as_of));
        self.add_all(MatchKind::Underlying, futures.collect());
        let options = underlyings().flat_map(|of| index.chains.around_middle(&index.ranks, of, as_of));
        self.add_all(MatchKind::Underlying, options.collect());
        self.add_all(MatchKind::Exact, inactive);
    }

    fn beginning(&mut self, whole: &str, underlyings: &[usize]) {
        let mut prefix = self.empty();
        self.index.insert_prefix(self.catalogue, whole, &mut prefix);
        self.add(MatchKind::Prefix, &prefix, StagePart::Undated);
        let word = (whole.len() >= WORD_BYTES_MIN).then(|| {
            let mut word = self.empty();
            self.index.names.insert_with_word(whole, &mut word);
            word
        });
        if let Some(word) = &word {
            self.add(MatchKind::Word, word, StagePart::Undated);
        }
        if !underlyings.is_empty() {
            let mut contracts = self.empty();
            underlyings.iter().for_each(|of| self.index.underlyings.insert(*of, &mut contracts));
            self.add(MatchKind::Underlying, &contracts, StagePart::Whole);
        }
        self.add(MatchKind::Prefix, &prefix, StagePart::Whole);
        if let Some(word) = &word {
            self.add(MatchKind::Word, word, StagePart::Whole);
        }
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

    /// Whether the symbol, name or ISIN of an instrument contains the word. [`Index::insert_containing`] finds the same
    /// instruments, and aliases.
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
        self.add(kind, set, StagePart::Undated);
        self.add(kind, set, StagePart::Whole);
    }

    /// Adds the instruments of a short list that pass the filters and were not found before.
    fn add_all(&mut self, kind: MatchKind, mut ids: Vec<u32>) {
        ids.sort_unstable();
        let new = Sparse::of_sorted(&ids, &self.passing, &mut self.seen);
        if new.count() > 0 {
            self.found.push((kind, new));
        }
    }

    /// Adds the instruments that pass the filters and were not found before.
    fn add(&mut self, kind: MatchKind, set: &Bits, part: StagePart) {
        let without = (part == StagePart::Undated).then_some(&self.index.dated);
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
