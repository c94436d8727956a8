//! The baseline: a scan over all instruments, as a competent engineer writes it in an hour. Like the search, each
//! function returns the number of results, and collects the first 20 by key.

use registry_planning::catalogue::Catalogue;

/// The searched fields, in capital letters already.
pub(crate) struct Fields<'a> {
    pub(crate) symbol: &'a str,
    pub(crate) name: &'a str,
    folded_symbol: String,
    folded_name: String,
}

pub(crate) fn fields(catalogue: &Catalogue) -> Vec<Fields<'_>> {
    let fields = catalogue.instruments().map(|instrument| Fields {
        symbol: instrument.symbol(),
        name: instrument.name(),
        folded_symbol: instrument.symbol().to_ascii_uppercase(),
        folded_name: instrument.name().to_ascii_uppercase(),
    });
    fields.collect()
}

pub(crate) fn beginning(fields: &[Fields<'_>], text: &str) -> usize {
    let text = text.to_ascii_uppercase();
    first(fields, |field| field.folded_symbol.starts_with(&text))
}

pub(crate) fn containing(fields: &[Fields<'_>], text: &str) -> usize {
    let text = text.to_ascii_uppercase();
    first(fields, |field| field.folded_symbol.contains(&text) || field.folded_name.contains(&text))
}

pub(crate) fn near(fields: &[Fields<'_>], text: &str) -> usize {
    let text = text.to_ascii_uppercase();
    let is_near = |word: &str| word.len().abs_diff(text.len()) <= 2 && distance(word.as_bytes(), text.as_bytes()) <= 2;
    first(fields, |field| is_near(&field.folded_symbol) || field.folded_name.split_whitespace().any(is_near))
}

fn first(fields: &[Fields<'_>], matches: impl Fn(&Fields<'_>) -> bool) -> usize {
    let mut found: Vec<&str> = fields.iter().filter(|field| matches(field)).map(|field| field.symbol).collect();
    let total = found.len();
    found.truncate(20);
    total + usize::from(std::hint::black_box(found).is_empty())
}

/// Computes the Levenshtein distance with two rows at a time.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = (0..=b.len()).collect();
    let mut row = before.clone();
    for (i, x) in a.iter().enumerate() {
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            row[j + 1] = (before[j] + usize::from(x != y)).min(before[j + 1] + 1).min(row[j] + 1);
        }
        std::mem::swap(&mut before, &mut row);
    }
    before[b.len()]
}
