//! One broker's whole file, settled: every row either kept under a key of its own or rejected with a reason.

pub mod archive;
pub mod diff;
mod document;
pub mod gate;
pub mod selection;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use sha2::{Digest, Sha256};

pub use self::document::DocumentError;
use crate::dump::symbol::Expiries;
use crate::dump::{self, Broker, DumpError, Entry, Rejection, Row};
use crate::instrument::{Class, Exchange};

/// What was read of a file. Invariant: `rows.len()` plus all of `rejected` is `rows_read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLoad {
    /// The rows kept, sorted by exchange and symbol, keys unique.
    pub rows: Vec<Row>,
    /// How many rows the file has, the header not counted.
    pub rows_read: u64,
    /// How many rows were left out, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Rows that were left out, in the order of the file: of each reason the first
    /// [`QUARANTINED_PER_REASON_MAX`], so that one that strikes thousands hides no other.
    pub quarantine: Vec<QuarantinedRow>,
    /// SHA-256 of the rows kept.
    pub content_hash: [u8; 32],
}

impl FileLoad {
    /// How many rows were left out, whatever the reason.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// How many of the rows left out for one reason are kept as they were.
pub const QUARANTINED_PER_REASON_MAX: u64 = 100;

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedRow {
    /// Line of a CSV, or position in a JSON file; both from 1.
    pub line: u64,
    /// Why it was left out: one of the reasons in [`FileLoad::rejected`].
    pub reason: &'static str,
    /// The row as it stands in the file, at most [`dump::TEXT_CHARACTERS_MAX`] characters. Of one that could be
    /// read and was left out because of others, its key and token.
    pub text: String,
}

/// Two different instruments cannot be told apart by what the file says of them.
const AMBIGUOUS: &str = "several rows share one key and nothing tells them apart";
/// The same instrument twice.
const REPEATED: &str = "the row repeats an earlier one";

/// A row that was read, with its line.
type Numbered = (u64, Row);

/// Reads and settles a file. `on_progress` is told the number of rows read so far, now and then.
///
/// Where the file does not say which expiry of an underlying is the monthly one, all its expiries together do.
///
/// Several securities may share one cash symbol (ordinary share, warrant, debenture). The ordinary share
/// keeps the symbol; the others are keyed `SYMBOL-SERIES`, as Kite writes them. Where neither share nor series
/// tells two rows of one key apart, none of them is kept: serving the wrong instrument is worse than none.
///
/// # Errors
/// [`DumpError`] where the file as a whole is unreadable.
pub fn read_file(
    broker: Broker,
    file: impl Read,
    _: &dump::Limits,
    on_progress: &mut dyn FnMut(u64) -> std::ops::ControlFlow<()>,
) -> Result<FileLoad, DumpError> {
    let mut stopped = false;
    let mut rows_read = 0;
    let mut left_out = LeftOut::default();
    let mut by_key: HashMap<(Exchange, String), Vec<Numbered>> = HashMap::new();
    let mut undecided = Vec::new();
    dump::read(broker, file, &mut |line, entry| {
        rows_read += 1;
        if rows_read % 1024 == 0 {
            stopped |= on_progress(rows_read).is_break();
        }
        match entry {
            Entry::Row(row) => by_key.entry((row.exchange, row.symbol.clone())).or_default().push((line, row)),
            Entry::Undecided(row) => undecided.push((line, row)),
            Entry::Rejected(Rejection { reason, text }) => left_out.add(line, reason, || text),
        }
    })?;
    if stopped || on_progress(rows_read).is_break() {
        return Err(DumpError::Stopped);
    }
    decide(undecided, &mut by_key);

    let mut rows = Vec::with_capacity(by_key.len());
    let mut contested = Vec::new();
    for sharing in by_key.into_values() {
        match sharing.len() {
            1 => rows.extend(sharing.into_iter().map(|(_, row)| row)),
            _ => contested.push(sharing),
        }
    }
    rows.sort_by(|a, b| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
    contested.sort_by(|a, b| (a[0].1.exchange, &a[0].1.symbol).cmp(&(b[0].1.exchange, &b[0].1.symbol)));
    for sharing in contested {
        settle(sharing, &mut rows, &mut left_out);
    }
    rows.sort_by(|a, b| (a.exchange, &a.symbol).cmp(&(b.exchange, &b.symbol)));
    let content_hash = hash_rows(&rows);
    let LeftOut { rejected, mut quarantine } = left_out;
    quarantine.sort_by_key(|row| row.line);
    Ok(FileLoad { rows, rows_read, rejected, quarantine, content_hash })
}

/// The rows that are not kept.
#[derive(Default)]
struct LeftOut {
    rejected: BTreeMap<&'static str, u64>,
    quarantine: Vec<QuarantinedRow>,
}

impl LeftOut {
    fn add(&mut self, line: u64, reason: &'static str, text: impl FnOnce() -> String) {
        let count = self.rejected.entry(reason).or_default();
        *count += 1;
        if *count <= QUARANTINED_PER_REASON_MAX {
            self.quarantine.push(QuarantinedRow { line, reason, text: text() });
        }
    }

    fn add_row(&mut self, (line, row): &Numbered, reason: &'static str) {
        self.add(*line, reason, || format!("{}:{} {}", row.exchange, row.symbol, row.token));
    }
}

/// Writes the symbols of contracts that the file left open, and puts them to the others.
fn decide(undecided: Vec<Numbered>, by_key: &mut HashMap<(Exchange, String), Vec<Numbered>>) {
    if undecided.is_empty() {
        return;
    }
    let mut expiries = Expiries::default();
    by_key.values().flatten().chain(&undecided).for_each(|(_, row)| expiries.add(row));
    for (line, mut row) in undecided {
        row.symbol = expiries.symbol_of(&row);
        by_key.entry((row.exchange, row.symbol.clone())).or_default().push((line, row));
    }
}

/// Decides among rows that share a key. `rows` holds those kept already, the uncontested ones sorted in front.
fn settle(mut sharing: Vec<Numbered>, rows: &mut Vec<Row>, left_out: &mut LeftOut) {
    sharing.sort_by_key(|(line, _)| *line);
    let mut distinct: Vec<Numbered> = Vec::with_capacity(sharing.len());
    for numbered in sharing {
        if distinct.iter().any(|(_, other)| *other == numbered.1) {
            left_out.add_row(&numbered, REPEATED);
        } else {
            distinct.push(numbered);
        }
    }
    if distinct.len() == 1 {
        rows.extend(distinct.into_iter().map(|(_, row)| row));
        return;
    }

    let is_share = |row: &Row| row.class == Class::Equity;
    let share_is_clear = distinct.iter().filter(|(_, row)| is_share(row)).count() == 1;
    let mut renamed: Vec<Numbered> = Vec::with_capacity(distinct.len());
    for (line, mut row) in distinct {
        if share_is_clear && is_share(&row) {
            rows.push(row);
            continue;
        }
        match row.series.as_deref().filter(|series| !series.is_empty()) {
            Some(series) => {
                row.symbol = format!("{}-{series}", row.symbol);
                renamed.push((line, row));
            }
            None => left_out.add_row(&(line, row), AMBIGUOUS),
        }
    }
    // A series that several of them have, or a symbol that another row has as its own, still tells nothing apart.
    let same_key = |a: &Row, b: &Row| a.exchange == b.exchange && a.symbol == b.symbol;
    for numbered in &renamed {
        let row = &numbered.1;
        let is_unique = renamed.iter().filter(|(_, other)| same_key(row, other)).count() == 1;
        if is_unique && !rows.iter().any(|other| same_key(row, other)) {
            rows.push(row.clone());
        } else {
            left_out.add_row(numbered, AMBIGUOUS);
        }
    }
}

fn hash_rows(rows: &[Row]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for row in rows {
        // The debug form names every field, so that a field added later changes the hash by itself.
        let line = format!("{row:?}");
        hasher.update((line.len() as u64).to_le_bytes());
        hasher.update(line);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;
