//! Merges the files of several brokers into one registry.
//!
//! Rows with the same key are one instrument; all readers write keys in one grammar. One row of each instrument is the base:
//! that of the newest file, and of files of the same date that of the first broker in [`Broker::ALL`]. Fields that are empty
//! in the base are filled from the others in the same order. If they contradict each other, the base wins, and the
//! contradiction is kept.
//!
//! Rows that are no longer in their broker's file are ignored if another broker's file still has the key: data that a new
//! file lacks is not served from an old one.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::catalogue::{Builder, Catalogue, Contradiction, Field, Provenance, Source};
use crate::dump::Row;
use crate::ingest::DocumentError;
use crate::ingest::archive::{ArchivedRow, ArchivedRows};
use crate::instrument::Amount;
use crate::vocabulary::{Broker, Exchange, InstrumentType, Segment};

/// The rows of one broker. There is at most one part for each broker.
pub struct Part<'a> {
    /// The broker.
    pub broker: Broker,
    /// Trading date of its last file, if known.
    pub file_date: Option<NaiveDate>,
    /// The time at which that file was accepted, if known.
    pub loaded_at: Option<DateTime<Utc>>,
    /// Its rows.
    pub rows: ArchivedRows<'a>,
}

/// An instrument that one or several brokers list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The merged row. The token is that of the base.
    pub row: Row,
    /// Whether the last file of any broker contains it.
    pub is_active: bool,
    /// The symbol that an inactive instrument has now on its exchange, if a broker's files show it.
    pub successor: Option<String>,
    /// The broker of the row, except for the fields in `filled`.
    pub base: Broker,
    /// The fields that were filled from another broker.
    pub filled: Vec<(Field, Broker)>,
    /// The fields on which brokers contradict each other, with all values; the base first.
    pub contradictions: Vec<(Field, Vec<(Broker, String)>)>,
    /// The tokens of the brokers whose last files have it, each within its segment.
    pub tokens: Vec<(Broker, Segment, String)>,
}

/// Traverses the rows of several brokers in the order of keys, so that memory is bounded by one row of each.
pub struct Merge<'a> {
    /// The parts, in descending precedence.
    parts: Vec<MergedPart<'a>>,
}

/// More rows than any registry has: memory for more is allocated only when the rows arrive.
const COUNT_EXPECTED_MAX: usize = 1 << 20;

struct MergedPart<'a> {
    broker: Broker,
    /// The next row.
    next: Option<ArchivedRow>,
    rows: ArchivedRows<'a>,
}

impl MergedPart<'_> {
    fn key(&self) -> Option<(Exchange, &str)> {
        self.next.as_ref().map(|next| (next.row.exchange, next.row.symbol.as_str()))
    }
}

impl<'a> Merge<'a> {
    /// Sorts the brokers by precedence.
    ///
    /// # Errors
    /// [`DocumentError`] of the first part whose first row cannot be read.
    pub fn new(mut parts: Vec<Part<'a>>) -> Result<Self, DocumentError> {
        parts.sort_by_key(|part| (Reverse(part.file_date), part.broker));
        let merged =
            |Part { broker, mut rows, .. }: Part<'a>| Ok(MergedPart { broker, next: rows.next().transpose()?, rows });
        Ok(Merge { parts: parts.into_iter().map(merged).collect::<Result<_, _>>()? })
    }

    /// Returns the number of rows that the longest part announces, within bounds.
    fn longest(&self) -> usize {
        let announced = |part: &MergedPart<'_>| part.rows.size_hint().1.unwrap_or(0).saturating_add(1);
        self.parts.iter().map(announced).max().unwrap_or(0).min(COUNT_EXPECTED_MAX)
    }

    /// Takes the rows of the next key, in descending precedence.
    fn take(&mut self) -> Result<Vec<(Broker, ArchivedRow)>, DocumentError> {
        let mut is_next = [false; Broker::ALL.len()];
        let mut first: Option<(Exchange, &str)> = None;
        for (at, part) in self.parts.iter().enumerate() {
            let Some(key) = part.key() else { continue };
            match first.map_or(Ordering::Less, |first| key.cmp(&first)) {
                Ordering::Less => {
                    is_next = [false; Broker::ALL.len()];
                    is_next[at] = true;
                    first = Some(key);
                }
                Ordering::Equal => is_next[at] = true,
                Ordering::Greater => {}
            }
        }
        let mut taken = Vec::with_capacity(self.parts.len());
        for part in self.parts.iter_mut().zip(is_next).filter_map(|(part, is_next)| is_next.then_some(part)) {
            let following = part.rows.next().transpose()?;
            taken.extend(std::mem::replace(&mut part.next, following).map(|row| (part.broker, row)));
        }
        Ok(taken)
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Merged, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take().map(merged).transpose()
    }
}

/// Merges the rows of one key; `None` without rows.
fn merged(mut rows: Vec<(Broker, ArchivedRow)>) -> Option<Merged> {
    let is_active = rows.iter().any(|(_, row)| row.is_active);
    rows.retain(|(_, row)| row.is_active == is_active);
    let mut tokens = Vec::new();
    if is_active {
        tokens
            .extend(rows.iter().map(|(broker, archived)| (*broker, archived.row.segment, archived.row.token.clone())));
    }
    let successor = rows.iter().filter(|_| !is_active).find_map(|(_, archived)| archived.successor.clone());
    let mut rows = rows.into_iter().map(|(broker, archived)| (broker, archived.row));
    let (base, mut row) = rows.next()?;
    let others: Vec<(Broker, Row)> = rows.collect();
    let contradictions = contradictions(base, &row, &others);
    let mut filled = Vec::new();
    for (broker, other) in &others {
        fill(&mut row, other, |field| filled.push((field, *broker)));
    }
    Some(Merged { row, is_active, successor, base, filled, contradictions, tokens })
}

/// Fills the empty fields of `row` with those of `other`.
fn fill(row: &mut Row, other: &Row, mut filled: impl FnMut(Field)) {
    if row.name.is_empty() && !other.name.is_empty() {
        row.name.clone_from(&other.name);
        filled(Field::Name);
    }
    for (field, own, others) in [
        (Field::Alias, &mut row.alias, &other.alias),
        (Field::Isin, &mut row.isin, &other.isin),
        (Field::Series, &mut row.series, &other.series),
        (Field::Underlying, &mut row.underlying, &other.underlying),
    ] {
        if own.is_none() && others.is_some() {
            own.clone_from(others);
            filled(field);
        }
    }
    // An index has neither.
    if row.class != InstrumentType::Index {
        if row.lot_size == 0 && other.lot_size != 0 {
            row.lot_size = other.lot_size;
            filled(Field::LotSize);
        }
        if row.tick_size == Amount::ZERO && other.tick_size != Amount::ZERO {
            row.tick_size = other.tick_size;
            filled(Field::TickSize);
        }
    }
}

/// A function for each field on which brokers must agree; it returns the value for contradictions.
type Shown = fn(&Row) -> Option<String>;
const MUST_AGREE: [(Field, Shown); 5] = [
    (Field::Isin, |row| row.isin.clone()),
    (Field::Expiry, |row| row.expiry.map(|date| date.to_string())),
    (Field::Strike, |row| row.strike.map(|strike| strike.to_string())),
    (Field::LotSize, |row| (row.lot_size != 0).then(|| row.lot_size.to_string())),
    (Field::TickSize, |row| (row.tick_size != Amount::ZERO).then(|| row.tick_size.to_string())),
];

fn contradictions(base: Broker, row: &Row, others: &[(Broker, Row)]) -> Vec<(Field, Vec<(Broker, String)>)> {
    let agrees = |other: &Row| {
        row.isin == other.isin
            && row.expiry == other.expiry
            && row.strike == other.strike
            && row.lot_size == other.lot_size
            && row.tick_size == other.tick_size
    };
    // In most cases they agree, and values need not be formatted to be compared.
    if others.iter().all(|(_, other)| agrees(other)) {
        return Vec::new();
    }
    let said_of = |(field, shown): (Field, Shown)| {
        let all = std::iter::once((base, row)).chain(others.iter().map(|(broker, other)| (*broker, other)));
        let values: Vec<_> = all.filter_map(|(broker, row)| Some((broker, shown(row)?))).collect();
        values.iter().any(|(_, value)| *value != values[0].1).then_some((field, values))
    };
    MUST_AGREE.into_iter().filter_map(said_of).collect()
}

/// Builds the catalog of all parts.
///
/// # Errors
/// [`DocumentError`] of the first part that cannot be read.
pub fn catalogue(parts: Vec<Part<'_>>, version: String) -> Result<Catalogue, DocumentError> {
    let source = |part: &Part<'_>| Source { broker: Some(part.broker), file_date: part.file_date };
    let mut sources: Vec<_> = parts.iter().map(source).collect();
    sources.sort_by_key(|source| source.broker.map(Broker::as_str));
    let loaded_at: BTreeMap<Broker, DateTime<Utc>> =
        parts.iter().filter_map(|part| Some((part.broker, part.loaded_at?))).collect();
    let merge = Merge::new(parts)?;
    let mut builder = Builder::with_capacity(merge.longest());
    let mut provenance = Provenance::default();
    for merged in merge {
        let Merged { row, is_active, successor, base, filled, contradictions, tokens } = merged?;
        provenance.add(base, filled);
        for (field, values) in contradictions {
            let key = format!("{}:{}", row.exchange, row.symbol);
            provenance.contradictions.push(Contradiction { key, field, values });
        }
        if let Some(successor) = successor {
            let key = |symbol: &str| format!("{}:{symbol}", row.exchange);
            builder.add_successor(key(&row.symbol), key(&successor));
        }
        // The time at which a removed row was last in a file is not known.
        let last_updated = loaded_at.get(&base).copied().filter(|_| is_active);
        builder.add_in_order(
            row,
            is_active,
            last_updated,
            tokens.into_iter().map(|(broker, _, token)| (broker, token)),
        );
    }
    Ok(builder.build(version, sources).with_provenance(provenance))
}

#[cfg(test)]
mod tests;
