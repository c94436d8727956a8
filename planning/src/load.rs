//! One broker's whole file, settled: every row either kept under a key of its own or rejected with a reason.

pub mod archive;
pub mod diff;
mod document;
pub mod gate;

use std::collections::BTreeMap;
use std::io::Read;

use chrono::Datelike;
use sha2::{Digest, Sha256};

use self::archive::compare;
pub use self::document::DocumentError;
use crate::dump::symbol::Expiries;
use crate::dump::{self, Broker, DumpError, Entry, Rejection, Row};
use crate::instrument::{Amount, Class, Exchange};

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
pub fn read_file(broker: Broker, file: impl Read, on_progress: &mut dyn FnMut(u64)) -> Result<FileLoad, DumpError> {
    let mut rows_read = 0;
    let mut left_out = LeftOut::default();
    let mut read: Vec<Numbered> = Vec::new();
    let mut undecided = Vec::new();
    dump::read(broker, file, &mut |line, entry| {
        rows_read += 1;
        if rows_read % 1024 == 0 {
            on_progress(rows_read);
        }
        match entry {
            Entry::Row(row) => read.push((line, row)),
            Entry::Undecided(row) => undecided.push((line, row)),
            Entry::Rejected(Rejection { reason, text }) => left_out.add(line, reason, || text),
        }
    })?;
    on_progress(rows_read);
    decide(undecided, &mut read);

    sort_rows(&mut read);
    let rows = settle_all(read, &mut left_out);
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
fn decide(undecided: Vec<Numbered>, read: &mut Vec<Numbered>) {
    if undecided.is_empty() {
        return;
    }
    let mut expiries = Expiries::default();
    read.iter().chain(&undecided).for_each(|(_, row)| expiries.add(row));
    for (line, mut row) in undecided {
        row.symbol = expiries.symbol_of(&row);
        read.push((line, row));
    }
}

/// Sorts by exchange, symbol and line. In place, so that a whole file is never held twice; and by the beginnings of the
/// symbols, since rows are long and their symbols lie elsewhere.
fn sort_rows(rows: &mut [Numbered]) {
    let mut order: Vec<(Exchange, u128, usize)> =
        rows.iter().enumerate().map(|(at, (_, row))| (row.exchange, beginning_of(&row.symbol), at)).collect();
    order.sort_unstable_by(|a, b| {
        let in_full = || {
            let ((a_line, a), (b_line, b)) = (&rows[a.2], &rows[b.2]);
            a.symbol.cmp(&b.symbol).then(a_line.cmp(b_line))
        };
        (a.0, a.1).cmp(&(b.0, b.1)).then_with(in_full)
    });
    // Each place is filled from where its row lies, along the circles that this makes.
    for start in 0..order.len() {
        let mut at = start;
        loop {
            let from = std::mem::replace(&mut order[at].2, at);
            if from == start {
                break;
            }
            rows.swap(at, from);
            at = from;
        }
    }
}

/// The first bytes of a text as a number, which is greater where these are. Equal ones say nothing.
fn beginning_of(text: &str) -> u128 {
    let mut bytes = [0; 16];
    let length = text.len().min(16);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u128::from_be_bytes(bytes)
}

/// Decides among rows that share a key. The rows come sorted by key and line, and go sorted by key.
fn settle_all(read: Vec<Numbered>, left_out: &mut LeftOut) -> Vec<Row> {
    let mut shares_key = vec![false; read.len()];
    for (at, pair) in read.windows(2).enumerate() {
        if compare(&pair[0].1, &pair[1].1).is_eq() {
            shares_key[at..at + 2].fill(true);
        }
    }
    let mut contested: Vec<Numbered> = Vec::new();
    let uncontested = read.into_iter().zip(shares_key).filter_map(|(numbered, is_shared)| match is_shared {
        true => {
            contested.push(numbered);
            None
        }
        false => Some(numbered.1),
    });
    // Collects into the memory of the rows read.
    let mut rows: Vec<Row> = uncontested.collect();
    if contested.is_empty() {
        return rows;
    }
    let uncontested = rows.len();
    let mut rest = contested.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut sharing = vec![first];
        while let Some(next) = rest.next_if(|(_, next)| compare(next, &sharing[0].1).is_eq()) {
            sharing.push(next);
        }
        settle(sharing, &mut rows, uncontested, left_out);
    }
    rows.sort_by(compare);
    rows
}

/// Decides among rows that share a key, which come in the order of their lines. `rows` holds those kept already, the
/// `uncontested` first of them sorted.
fn settle(sharing: Vec<Numbered>, rows: &mut Vec<Row>, uncontested: usize, left_out: &mut LeftOut) {
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
    let is_kept = |row: &Row, rows: &[Row]| {
        let (sorted, settled) = rows.split_at(uncontested);
        sorted.binary_search_by(|other| compare(other, row)).is_ok()
            || settled.iter().any(|other| compare(other, row).is_eq())
    };
    for numbered in &renamed {
        let row = &numbered.1;
        let is_unique = renamed.iter().filter(|(_, other)| compare(other, row).is_eq()).count() == 1;
        if is_unique && !is_kept(row, rows) {
            rows.push(row.clone());
        } else {
            left_out.add_row(numbered, AMBIGUOUS);
        }
    }
}

/// Hashes every field of every row in a fixed order, each text with its length before it.
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
    // Every field is named, so that one that is added later cannot be forgotten here.
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
