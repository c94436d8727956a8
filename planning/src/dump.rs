//! A broker's daily instrument file, read row by row.
//!
//! [`read`] takes the bytes as they came, plain or gzipped, and hands each row to the caller as soon as it
//! is read, so that memory is bounded by a row and not by the file. A row that cannot be read is handed over
//! as a [`RejectedRow`] with its line and reason; it never ends the load.

mod field;
mod kite;
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
}

impl Broker {
    /// Every broker, in the order of its code.
    pub const ALL: [Broker; 2] = [Broker::Kite, Broker::Upstox];

    /// The `broker_id`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Broker::Kite => "kite",
            Broker::Upstox => "upstox",
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

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Line of a CSV (the header is line 1), or position in a JSON array (from 1).
    pub line: u64,
    /// A short, countable reason: the field and what is wrong with it, never the value.
    pub reason: &'static str,
}

/// Why a whole file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The bytes could not be read or unpacked.
    #[error("failed to read the file")]
    Io(#[from] io::Error),
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
pub fn read(
    broker: Broker,
    file: impl Read,
    on_row: &mut dyn FnMut(Result<Row, RejectedRow>),
) -> Result<(), DumpError> {
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        let unpacked = BufReader::with_capacity(64 * 1024, MultiGzDecoder::new(reader));
        return read_plain(broker, unpacked, on_row);
    }
    read_plain(broker, reader, on_row)
}

fn read_plain(
    broker: Broker,
    mut reader: impl BufRead,
    on_row: &mut dyn FnMut(Result<Row, RejectedRow>),
) -> Result<(), DumpError> {
    if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    match broker {
        Broker::Kite => kite::read(reader, on_row),
        Broker::Upstox => upstox::read(reader, on_row),
    }
}
