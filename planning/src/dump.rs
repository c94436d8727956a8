//! A broker's daily instrument file, read row by row.
//!
//! [`read`] takes the bytes as they came, plain or gzipped, and hands each row to the caller as soon as it
//! is read, so that memory is bounded by a row and not by the file. A row that cannot be read is handed over
//! as [`Entry::Rejected`] with its reason and its text; it never ends the load.

mod angel;
mod date;
mod derivative;
mod dhan;
mod field;
mod fyers;
mod groww;
mod index;
mod json;
mod kite;
mod nuvama;
mod security;
pub(crate) mod symbol;
mod table;
mod upstox;

use std::io::{self, BufRead, BufReader, Read};

use chrono::NaiveDate;
use flate2::bufread::MultiGzDecoder;

use crate::instrument::{Amount, Class, Exchange, Segment};

/// A broker whose files can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Broker {
    /// Zerodha's Kite Connect: one CSV.
    Kite,
    /// Upstox: a JSON array, or the older CSV.
    Upstox,
    /// Dhan: the compact CSV or the detailed one.
    Dhan,
    /// Angel One: a JSON array.
    Angel,
    /// Fyers: for each segment a CSV without a header, or a JSON object.
    Fyers,
    /// Groww: one CSV.
    Groww,
    /// Nuvama: one CSV.
    Nuvama,
}

impl Broker {
    /// Every broker, in the order of its code.
    pub const ALL: [Broker; 7] =
        [Broker::Kite, Broker::Upstox, Broker::Dhan, Broker::Angel, Broker::Fyers, Broker::Groww, Broker::Nuvama];

    /// The `broker_id`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Broker::Kite => "kite",
            Broker::Upstox => "upstox",
            Broker::Dhan => "dhan",
            Broker::Angel => "angel",
            Broker::Fyers => "fyers",
            Broker::Groww => "groww",
            Broker::Nuvama => "nuvama",
        }
    }

    /// The broker of that id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|broker| broker.as_str() == id)
    }
}

/// One instrument as a broker's file describes it, with units normalised: prices in rupees, expiry as the
/// calendar date in Asia/Kolkata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The part of the key before the colon.
    pub exchange: Exchange,
    /// The part of the key after the colon, in Kite's grammar.
    pub symbol: String,
    /// Another symbol on the same exchange by which the instrument is known: `NIFTY` for `NIFTY 50`.
    pub alias: Option<String>,
    /// The name in words; may be empty.
    pub name: String,
    /// The segment that scopes the token.
    pub segment: Segment,
    /// The kind of instrument.
    pub class: Class,
    /// ISIN of a cash security.
    pub isin: Option<String>,
    /// Series of a cash security (`EQ`, `BE`, `N0`), where the file gives one.
    pub series: Option<String>,
    /// Symbol of what a derivative refers to.
    pub underlying: Option<String>,
    /// Last trading date of a derivative.
    pub expiry: Option<NaiveDate>,
    /// Strike of an option, rupees.
    pub strike: Option<Amount>,
    /// Smallest price step, rupees; zero for an index.
    pub tick_size: Amount,
    /// Units in a lot; zero for an index.
    pub lot_size: u32,
    /// What the broker's feed takes to name the instrument.
    pub token: String,
}

impl Row {
    /// A row of which nothing is known but its segment and token.
    fn bare(segment: Segment, token: String) -> Self {
        Row {
            exchange: field::exchange_of(segment),
            symbol: String::new(),
            alias: None,
            name: String::new(),
            segment,
            class: Class::Debt,
            isin: None,
            series: None,
            underlying: None,
            expiry: None,
            strike: None,
            tick_size: Amount::ZERO,
            lot_size: 0,
            token,
        }
    }
}

/// What a row of a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An instrument.
    Row(Row),
    /// A contract of which the row alone does not say whether its expiry is the monthly one. Its symbol is
    /// written as if it were not; [`crate::load`] knows all expiries of the file and settles it.
    Undecided(Row),
    /// Nothing that can be used.
    Rejected(Rejection),
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Entry::Row(row)
    }
}

/// Why a row could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// A short, countable reason: the field and what is wrong with it, never the value.
    pub reason: &'static str,
    /// The row as it stands in the file, at most [`TEXT_CHARACTERS_MAX`] characters of it.
    pub text: String,
}

/// How much of a rejected row is kept, in characters; rows of most files are shorter.
pub const TEXT_CHARACTERS_MAX: usize = 240;

/// Takes the rows of a file one by one, each with its line in a CSV (the first is line 1) or its position in a
/// JSON file (from 1).
pub type OnEntry<'a> = dyn FnMut(u64, Entry) + 'a;

/// SHIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub bytes_max: u64,
    /// Rows.
    pub rows_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes_max: 256 << 20, rows_max: 500_000 }
    }
}

/// Why a whole file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The bytes could not be read or unpacked.
    #[error("failed to read the file")]
    Io(#[from] io::Error),
    /// Stopped.
    #[error("the reading was stopped")]
    Stopped,
    /// The file is not of the expected form.
    #[error("expected {expected}, found {found}")]
    Form {
        /// What a file of this broker looks like.
        expected: &'static str,
        /// What stands there instead.
        found: String,
    },
}

/// Reads a whole file, handing over each row, good or rejected, in the order of the file.
///
/// # Errors
/// [`DumpError`] where the file as a whole is unreadable; rows handed over before that must be dropped.
pub fn read(broker: Broker, file: impl Read, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        let unpacked = BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(reader));
        return read_plain(broker, unpacked, on_entry);
    }
    read_plain(broker, reader, on_entry)
}

fn read_plain(broker: Broker, mut reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    match broker {
        Broker::Kite => kite::read(reader, on_entry),
        Broker::Upstox => upstox::read(reader, on_entry),
        Broker::Dhan => dhan::read(reader, on_entry),
        Broker::Angel => angel::read(reader, on_entry),
        Broker::Fyers => fyers::read(reader, on_entry),
        Broker::Groww => groww::read(reader, on_entry),
        Broker::Nuvama => nuvama::read(reader, on_entry),
    }
}

/// Hands over what became of the row that stands in the file as `raw`.
fn hand_over(line: u64, raw: &[u8], row: Result<impl Into<Entry>, field::Reason>, on_entry: &mut OnEntry<'_>) {
    let entry = match row {
        Ok(row) => row.into(),
        Err(reason) => Entry::Rejected(Rejection { reason, text: field::start_of(raw, TEXT_CHARACTERS_MAX) }),
    };
    on_entry(line, entry);
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
