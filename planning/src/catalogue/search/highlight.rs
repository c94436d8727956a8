//! Finds the parts of an instrument that matched a query.

use super::texts::folded;
use crate::catalogue::Instrument;
use crate::vocabulary::words;

words! {
    /// A searched field.
    Field {
        /// The part of the key after the colon.
        Symbol = "symbol",
        /// The name.
        Name = "name",
        /// The ISIN.
        Isin = "isin",
        /// The underlying of a contract.
        Underlying = "underlying_symbol",
    }
}

/// A part of a field that a term of the query matched. Positions are counted in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Highlight {
    /// The field that contains the part.
    pub field: Field,
    /// The position of its first character, counted from 0.
    pub start: usize,
    /// The position after its last character.
    pub end: usize,
}

/// Marks the terms, which are in capital letters, in every field: the first word that starts with the term; if no word
/// does, its first occurrence. The marks of one field do not overlap and are in ascending order.
pub(super) fn highlights(instrument: &Instrument<'_>, terms: &[String]) -> Vec<Highlight> {
    let fields = [
        (Field::Symbol, Some(instrument.symbol())),
        (Field::Name, Some(instrument.name())),
        (Field::Isin, instrument.isin()),
        (Field::Underlying, instrument.underlying()),
    ];
    let mut marked = Vec::new();
    for (field, text) in fields {
        let text = folded(text.unwrap_or_default());
        let mut ranges: Vec<(usize, usize)> =
            terms.iter().filter_map(|term| position(&text, term).map(|start| (start, start + term.len()))).collect();
        ranges.sort_unstable();
        let mut end_before = 0;
        for (start, end) in ranges {
            let start = start.max(end_before);
            if start < end {
                let characters = |bytes: usize| text[..bytes].chars().count();
                marked.push(Highlight { field, start: characters(start), end: characters(end) });
                end_before = end;
            }
        }
    }
    marked
}

fn position(text: &str, term: &str) -> Option<usize> {
    let begins_word = |at: &usize| *at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
    let mut places = text.match_indices(term).map(|(at, _)| at);
    let first = places.next()?;
    if begins_word(&first) {
        return Some(first);
    }
    Some(places.find(begins_word).unwrap_or(first))
}
