//! Merges the files of several brokers into one registry.
//!
//! Rows with the same key are one instrument; all readers write keys in one grammar. One row of each instrument is the
//! base: that of the newest file, and of files of the same date that of the first broker in [`Broker::WITH_FILES`].
//! Fields that are empty in the base are filled from the others in the same order. If they contradict each other, the
//! base wins, and the contradiction is kept.
//!
//! Rows that are no longer in their broker's file are ignored if another broker's file still has the key: data that a
//! new file lacks is not served from an old one.
//!
//! The key of an archive is not always the key of the instrument ([`moved`]). Instruments that brokers list under
//! different keys, because a symbol changed between the dates of their files, are joined when the catalog is built.

mod fields;
mod moved;

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use self::fields::{contradictions, fill};
use self::moved::MovedRows;
use crate::catalogue::{Builder, Catalogue, Contradiction, Field, Provenance, Source};
use crate::dump::Row;
use crate::ingest::DocumentError;
use crate::ingest::archive::{ArchivedRow, ArchivedRows};
use crate::vocabulary::{Broker, Exchange, Segment};

/// The archived rows of one broker. A merge has at most one part for each broker.
pub struct Part<'a> {
    /// The broker of the rows.
    pub broker: Broker,
    /// The trading date of the broker's last file; `None` if it is unknown.
    pub file_date: Option<NaiveDate>,
    /// The time at which that file was accepted; `None` if it is unknown.
    pub loaded_at: Option<DateTime<Utc>>,
    /// The rows of the archive, in the order of keys.
    pub rows: ArchivedRows<'a>,
}

/// An instrument with the data of all brokers that list it.
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
    /// The fields that the base lacks, each with the broker that fills it.
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
    /// `None` if all rows keep the keys of their archives.
    moved: Option<MovedRows>,
}

/// A row with the precedence of its broker: the lowest rank is the base.
struct RankedRow {
    rank: usize,
    broker: Broker,
    archived: ArchivedRow,
}

/// More rows than any registry has: memory for more is allocated only when the rows arrive.
const COUNT_EXPECTED_MAX: usize = 1 << 20;

struct MergedPart<'a> {
    broker: Broker,
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
        Ok(Merge { parts: parts.into_iter().map(merged).collect::<Result<_, _>>()?, moved: None })
    }

    /// Returns the number of rows that the longest part announces, within bounds.
    fn longest(&self) -> usize {
        let announced = |part: &MergedPart<'_>| part.rows.size_hint().1.unwrap_or(0).saturating_add(1);
        self.parts.iter().map(announced).max().unwrap_or(0).min(COUNT_EXPECTED_MAX)
    }

    /// Returns the brokers, in descending precedence.
    fn precedence(&self) -> Vec<Broker> {
        self.parts.iter().map(|part| part.broker).collect()
    }

    /// Puts rows under the keys of their instruments, if those are not the keys of the archives. Instruments whose key
    /// is found out too late come after all others.
    fn with_moved_keys(self) -> Self {
        Merge { moved: Some(MovedRows::default()), ..self }
    }

    /// Takes the rows of the next instrument, in descending precedence; no rows at the end.
    fn take(&mut self) -> Result<Vec<RankedRow>, DocumentError> {
        loop {
            let mut rows = self.take_key()?;
            let Some(moved) = &mut self.moved else { return Ok(rows) };
            if rows.is_empty() {
                return Ok(moved.take_late().unwrap_or_default());
            }
            moved.move_away(&mut rows);
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
    }

    /// Takes the rows of the next key, in descending precedence; no rows at the end.
    fn take_key(&mut self) -> Result<Vec<RankedRow>, DocumentError> {
        let mut is_next = [false; Broker::WITH_FILES.len()];
        let mut first: Option<(Exchange, &str)> = None;
        for (at, part) in self.parts.iter().enumerate() {
            let Some(key) = part.key() else { continue };
            match first.map_or(Ordering::Less, |first| key.cmp(&first)) {
                Ordering::Less => {
                    is_next = [false; Broker::WITH_FILES.len()];
                    is_next[at] = true;
                    first = Some(key);
                }
                Ordering::Equal => is_next[at] = true,
                Ordering::Greater => {}
            }
        }
        let order = match (first, self.moved.as_ref().and_then(MovedRows::next_key)) {
            (_, None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(first), Some(moved)) => first.cmp(&moved),
        };
        let mut taken = Vec::with_capacity(self.parts.len());
        if order.is_le() {
            for (rank, part) in self.parts.iter_mut().enumerate().filter(|(rank, _)| is_next[*rank]) {
                let following = part.rows.next().transpose()?;
                let broker = part.broker;
                let row = std::mem::replace(&mut part.next, following);
                taken.extend(row.map(|archived| RankedRow { rank, broker, archived }));
            }
        }
        if order.is_ge()
            && let Some(moved) = &mut self.moved
        {
            moved.take_into(&mut taken);
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
fn merged(mut rows: Vec<RankedRow>) -> Option<Merged> {
    let is_active = rows.iter().any(|row| row.archived.is_active);
    rows.retain(|row| row.archived.is_active == is_active);
    let successor = rows.iter().filter(|_| !is_active).find_map(|row| row.archived.successor.clone());
    let mut rows = rows.into_iter();
    let RankedRow { broker: base, archived: ArchivedRow { mut row, .. }, .. } = rows.next()?;
    let others = rows.as_slice();
    let contradictions = contradictions(base, &row, others);
    let mut filled = Vec::new();
    for RankedRow { broker, archived: ArchivedRow { row: other, .. }, .. } in others {
        fill(&mut row, other, |field| filled.push((field, *broker)));
    }
    let mut tokens = Vec::new();
    if is_active {
        tokens.reserve_exact(1 + others.len());
        tokens.push((base, row.segment, row.token.clone()));
        tokens.extend(
            rows.map(|RankedRow { broker, archived: ArchivedRow { row, .. }, .. }| (broker, row.segment, row.token)),
        );
    }
    Some(Merged { row, is_active, successor, base, filled, contradictions, tokens })
}

/// Builds the catalog of all parts.
///
/// # Errors
/// [`DocumentError`] of the first part that cannot be read.
pub fn catalogue(parts: Vec<Part<'_>>, version: String) -> Result<Catalogue, DocumentError> {
    let source =
        |part: &Part<'_>| Source { broker: Some(part.broker), file_date: part.file_date, loaded_at: part.loaded_at };
    let mut sources: Vec<_> = parts.iter().map(source).collect();
    sources.sort_by_key(|source| source.broker.map(Broker::as_str));
    let loaded_at: BTreeMap<Broker, DateTime<Utc>> =
        parts.iter().filter_map(|part| Some((part.broker, part.loaded_at?))).collect();
    let merge = Merge::new(parts)?.with_moved_keys();
    let precedence = merge.precedence();
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
    Ok(builder.build_merged(version, sources, provenance, &precedence))
}

#[cfg(test)]
mod tests;
