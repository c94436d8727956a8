//! Reads one whole file of a broker. Every row is kept under a unique key, skipped because the service does not carry
//! its instrument, collapsed as a duplicate, or rejected with a reason.

pub(crate) mod apart;
pub mod archive;
mod dates;
pub mod diff;
mod document;
pub mod gate;
pub mod selection;

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use chrono::Datelike;
use sha2::{Digest, Sha256};

use self::dates::SlashedDates;
pub use self::document::DocumentError;
use crate::dump::symbol::Expiries;
use crate::dump::{self, DumpError, Entry, Limits, OnProgress, Rejection, Row};
use crate::instrument::Amount;
use crate::vocabulary::{Broker, Exchange, InstrumentType};

/// The result of reading a file. Invariant: `rows.len()`, all of `rejected`, all of `skipped` and `duplicates` add up
/// to `rows_read`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileContent {
    /// The rows kept, sorted by exchange and symbol, keys unique.
    pub rows: Vec<Row>,
    /// The number of rows of the file, without the header.
    pub rows_read: u64,
    /// The number of rejected rows, by reason. A gate limits them.
    pub rejected: BTreeMap<&'static str, u64>,
    /// The number of rows of instruments that the service does not carry, by reason. They are not a fault of the file.
    pub skipped: BTreeMap<&'static str, u64>,
    /// The number of rows that are equal to an earlier row in every field. They are not a fault of the file either.
    pub duplicates: u64,
    /// Rejected rows in the order of the file: the first [`QUARANTINED_PER_REASON_MAX`] of each reason, so that a
    /// reason with thousands of rows does not hide the others.
    pub quarantine: Vec<QuarantinedRow>,
    /// The SHA-256 hash of the rows kept. Files with equal hashes have equal rows.
    pub content_hash: [u8; 32],
}

impl FileContent {
    /// Returns the number of rejected rows, for any reason.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Returns the number of skipped rows, for any reason.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().sum()
    }
}

/// The maximum number of rejected rows that are kept for each reason.
pub const QUARANTINED_PER_REASON_MAX: u64 = 100;

/// A rejected row, which is stored so that an operator can examine it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedRow {
    /// Line of a CSV, or position in a JSON file; both from 1.
    pub line: u64,
    /// The file in an archive that contains the row; `None` if there is only one file.
    pub member: Option<String>,
    /// The reason of the rejection, one of those in [`FileContent::rejected`].
    pub reason: &'static str,
    /// The row as in the file, at most [`dump::TEXT_CHARACTERS_MAX`] characters. If it was readable and rejected
    /// because of other rows: its key and token.
    pub text: String,
}

/// The file does not distinguish two different instruments.
const AMBIGUOUS: &str = "several rows have the same key, and nothing distinguishes them";

/// A row that was read and may be kept.
struct CandidateRow {
    line: u64,
    symbol: Symbol,
    row: Row,
}

/// The origin of the symbol of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    /// The file contains the symbol.
    Given,
    /// The symbol depends on all expiries of the file.
    Open,
    /// The series was added to the symbol, because other rows share the symbol.
    WithSeries,
}

impl CandidateRow {
    fn key(&self) -> (Exchange, &str) {
        (self.row.exchange, &self.row.symbol)
    }

    fn order(&self, other: &Self) -> Ordering {
        (self.key(), self.line).cmp(&(other.key(), other.line))
    }

    fn shares_key(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

/// Reads a file and disambiguates its rows. `on_progress` receives the number of rows read so far with each piece of
/// the file and when all rows are read, and can cancel the reading.
///
/// If a date can be read as day and month in either order, all dates of the file together determine the order. If the
/// file does not show which expiry of an underlying is the monthly one, all its expiries together determine it.
///
/// The keys of NSE contain the series. On BSE several securities may share one symbol (ordinary share, warrant,
/// debenture): the ordinary share keeps the symbol, and the others are keyed `SYMBOL-GROUP`. An index keeps its symbol,
/// and a security with that symbol is keyed `SYMBOL-EQ`. If nothing distinguishes two rows of one key, both are
/// rejected: serving the wrong instrument is worse than none.
///
/// # Errors
/// [`DumpError`] if the file as a whole is unreadable or larger than the limits, or if the reading was canceled.
pub fn read_file(
    broker: Broker,
    file: impl Read,
    limits: &Limits,
    on_progress: &mut OnProgress<'_>,
) -> Result<FileContent, DumpError> {
    let mut rows_read = 0;
    let mut omitted = OmittedRows::default();
    let mut candidates: Vec<CandidateRow> = Vec::new();
    let mut slashed = SlashedDates::default();
    let members = dump::read_entries(broker, file, limits, on_progress, &mut |line, entry| {
        rows_read += 1;
        match entry {
            Entry::Row(row) => candidates.push(CandidateRow { line, symbol: Symbol::Given, row }),
            Entry::Undecided(row) => candidates.push(CandidateRow { line, symbol: Symbol::Open, row }),
            Entry::Skipped(reason) => *omitted.skipped.entry(reason).or_default() += 1,
            Entry::Slashed(row) => slashed.add(line, row),
            Entry::Rejected(Rejection { reason, text }) => omitted.add(line, reason, || text),
        }
    })?;
    if on_progress(rows_read).is_break() {
        return Err(DumpError::Stopped);
    }
    slashed.decide(&members, &mut candidates, &mut omitted)?;
    decide_symbols(broker, &mut candidates);
    apart::keep_apart(&mut candidates);
    let rows = disambiguate(candidates, &mut omitted);
    let content_hash = hash_rows(&rows);
    let OmittedRows { rejected, skipped, duplicates, mut quarantine } = omitted;
    quarantine.sort_by_key(|row| row.line);
    for row in &mut quarantine {
        let (member, line) = members.place(row.line);
        (row.member, row.line) = (member.map(str::to_owned), line);
    }
    Ok(FileContent { rows, rows_read, rejected, skipped, duplicates, quarantine, content_hash })
}

#[derive(Default)]
struct OmittedRows {
    rejected: BTreeMap<&'static str, u64>,
    skipped: BTreeMap<&'static str, u64>,
    duplicates: u64,
    quarantine: Vec<QuarantinedRow>,
}

impl OmittedRows {
    fn add(&mut self, line: u64, reason: &'static str, text: impl FnOnce() -> String) {
        let count = self.rejected.entry(reason).or_default();
        *count += 1;
        if *count <= QUARANTINED_PER_REASON_MAX {
            self.quarantine.push(QuarantinedRow { line, member: None, reason, text: text() });
        }
    }

    fn add_row(&mut self, CandidateRow { line, row, .. }: &CandidateRow, reason: &'static str) {
        self.add(*line, reason, || format!("{}:{} {}", row.exchange, row.symbol, row.token));
    }
}

/// Writes the symbols of contracts that the file does not determine, and corrects those that contradict its expiries.
/// Kite's symbols are those of keys and stay.
fn decide_symbols(broker: Broker, candidates: &mut [CandidateRow]) {
    if broker == Broker::Kite && candidates.iter().all(|candidate| candidate.symbol != Symbol::Open) {
        return;
    }
    let mut expiries = Expiries::default();
    candidates.iter().for_each(|candidate| expiries.add(&candidate.row));
    for candidate in candidates {
        if candidate.symbol == Symbol::Open {
            candidate.row.symbol = expiries.symbol_of(&candidate.row);
            candidate.symbol = Symbol::Given;
        } else if broker != Broker::Kite
            && let Some(symbol) = expiries.correction_of(&candidate.row)
        {
            candidate.row.symbol = symbol;
        }
    }
}

/// The decision about a row that shares its key with others.
#[derive(Clone, Copy)]
enum RowDecision {
    Keep,
    AddSeries,
    Omit(&'static str),
    /// Omits the row as a duplicate.
    Collapse,
}

/// Disambiguates rows that share a key. Returns the rows that are kept, sorted, keys unique.
///
/// This takes no more time than sorting, however many rows share a key. The rows are not moved, because they are most
/// of the memory of a reading.
fn disambiguate(mut candidates: Vec<CandidateRow>, omitted: &mut OmittedRows) -> Vec<Row> {
    sort(&mut candidates);
    let decisions: Vec<RowDecision> =
        candidates.chunk_by(CandidateRow::shares_key).flat_map(decide_rows_of_key).collect();
    apply_decisions(&decisions, &mut candidates, omitted);
    if candidates.iter().any(|candidate| candidate.symbol == Symbol::WithSeries) {
        candidates.sort_unstable_by(CandidateRow::order);
        let decisions: Vec<RowDecision> =
            candidates.chunk_by(CandidateRow::shares_key).flat_map(decide_rows_with_series).collect();
        apply_decisions(&decisions, &mut candidates, omitted);
    }
    candidates.into_iter().map(|candidate| candidate.row).collect()
}

/// Sorts by exchange, symbol and line. It sorts in place, so that a whole file is never stored twice, and compares the
/// first bytes of the symbols, because rows are long and their symbols are elsewhere in memory.
fn sort(candidates: &mut [CandidateRow]) {
    let mut order: Vec<(Exchange, u128, usize)> = candidates
        .iter()
        .enumerate()
        .map(|(at, candidate)| (candidate.row.exchange, beginning_of(&candidate.row.symbol), at))
        .collect();
    order.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| candidates[a.2].order(&candidates[b.2])));
    // Each position gets its row by following the cycles of the permutation.
    for start in 0..order.len() {
        let mut at = start;
        loop {
            let from = std::mem::replace(&mut order[at].2, at);
            if from == start {
                break;
            }
            candidates.swap(at, from);
            at = from;
        }
    }
}

/// Returns the first bytes of a text as a number with the same order. Different texts can have equal numbers.
fn beginning_of(text: &str) -> u128 {
    let mut bytes = [0; 16];
    let length = text.len().min(16);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u128::from_be_bytes(bytes)
}

fn apply_decisions(decisions: &[RowDecision], candidates: &mut Vec<CandidateRow>, omitted: &mut OmittedRows) {
    let mut decisions = decisions.iter();
    candidates.retain_mut(|candidate| match decisions.next() {
        Some(RowDecision::Omit(reason)) => {
            omitted.add_row(candidate, reason);
            false
        }
        Some(RowDecision::Collapse) => {
            omitted.duplicates += 1;
            false
        }
        Some(RowDecision::AddSeries) => {
            let series = candidate.row.series.as_deref().unwrap_or_default();
            candidate.row.symbol = format!("{}-{series}", candidate.row.symbol);
            candidate.symbol = Symbol::WithSeries;
            true
        }
        Some(RowDecision::Keep) | None => true,
    });
}

/// Decides among the rows of one key, which are in the order of the file.
fn decide_rows_of_key(sharing: &[CandidateRow]) -> Vec<RowDecision> {
    if sharing.len() == 1 {
        return vec![RowDecision::Keep];
    }
    let mut seen = HashSet::with_capacity(sharing.len());
    let is_first: Vec<bool> = sharing.iter().map(|candidate| seen.insert(&candidate.row)).collect();
    let are_all_equal = seen.len() == 1;
    let is_share = |row: &Row| row.class == InstrumentType::Equity;
    let has_one_share = seen.into_iter().filter(|row| is_share(row)).count() == 1;
    let decision = |(candidate, is_first): (&CandidateRow, bool)| match candidate.row.series.as_deref() {
        _ if !is_first => RowDecision::Collapse,
        _ if are_all_equal || has_one_share && is_share(&candidate.row) => RowDecision::Keep,
        None | Some("") => RowDecision::Omit(AMBIGUOUS),
        // The series is already part of the key.
        _ if candidate.row.exchange == Exchange::Nse => RowDecision::Omit(AMBIGUOUS),
        Some(_) => RowDecision::AddSeries,
    };
    sharing.iter().zip(is_first).map(decision).collect()
}

/// Decides among the rows of one key after the series was added. A row that still shares its key is ambiguous: another
/// row has the same series, or the new symbol as its own.
fn decide_rows_with_series(sharing: &[CandidateRow]) -> Vec<RowDecision> {
    let decision = |candidate: &CandidateRow| match candidate.symbol {
        Symbol::WithSeries if sharing.len() > 1 => RowDecision::Omit(AMBIGUOUS),
        _ => RowDecision::Keep,
    };
    sharing.iter().map(decision).collect()
}

/// Hashes every field of every row in a fixed order, with the length before each text.
fn hash_rows(rows: &[Row]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut line = Vec::with_capacity(256);
    for row in rows {
        line.clear();
        write_fields(row, &mut line);
        hasher.update(&line);
    }
    hasher.finalize().into()
}

fn write_fields(row: &Row, line: &mut Vec<u8>) {
    // The pattern names every field, so that a new field cannot be forgotten here.
    let Row {
        exchange,
        symbol,
        alias,
        name,
        segment,
        class,
        isin,
        series,
        underlying,
        expiry,
        strike,
        tick_size,
        lot_size,
        token,
    } = row;
    line.extend([*exchange as u8, *segment as u8, *class as u8]);
    for text in [symbol, name, token] {
        line.extend((text.len() as u64).to_le_bytes());
        line.extend(text.as_bytes());
    }
    for text in [alias, isin, series, underlying] {
        line.push(u8::from(text.is_some()));
        let text = text.as_deref().unwrap_or_default();
        line.extend((text.len() as u64).to_le_bytes());
        line.extend(text.as_bytes());
    }
    line.push(u8::from(expiry.is_some()));
    line.extend(expiry.map_or(0, |date| date.num_days_from_ce()).to_le_bytes());
    line.push(u8::from(strike.is_some()));
    line.extend(strike.map_or(0, Amount::ten_thousandths).to_le_bytes());
    line.extend(tick_size.ten_thousandths().to_le_bytes());
    line.extend(lot_size.to_le_bytes());
}

#[cfg(test)]
mod tests;
