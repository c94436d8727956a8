//! A broker's daily instrument file, read row by row.
//!
//! [`read_entries`] takes the bytes as they came, plain, gzipped or in a zip archive, and hands each row to the caller as soon as it
//! is read, so that memory is bounded by a row and not by the file. A row that cannot be read is passed on
//! as [`Entry::Rejected`] with its reason and its text; it never ends the ingest. A file that is larger than the
//! [`Limits`], or has another format, is rejected with an error that contains the expected and the actual format.

mod aliceblue;
mod angel;
mod archive;
pub(crate) mod date;
mod derivative;
mod dhan;
mod field;
mod fyers;
mod groww;
mod index;
mod json;
mod kite;
mod limits;
mod noren;
mod nuvama;
mod origin;
pub(crate) mod security;
mod shoonya;
mod slashed;
pub(crate) mod symbol;
mod table;
mod units;
mod upstox;
mod zip;

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use chrono::NaiveDate;
use flate2::bufread::MultiGzDecoder;

pub use self::archive::Members;
pub use self::limits::{Limits, OnProgress};
use self::limits::{Meter, Packing, too_large};
pub use self::slashed::{DateOrder, SlashedDate};
use crate::instrument::Amount;
use crate::series::Listing;
use crate::vocabulary::{Broker, Exchange, InstrumentType, Segment};

/// One instrument as a broker's file describes it, with normalized units: prices in rupees, expiry as the
/// calendar date in Asia/Kolkata.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The part of the key before the colon.
    pub exchange: Exchange,
    /// The part of the key after the colon, in Kite's grammar.
    pub symbol: String,
    /// Another symbol on the same exchange by which the instrument is known: `NIFTY` for `NIFTY 50`.
    pub alias: Option<String>,
    /// The name in words; empty if the file has none.
    pub name: String,
    /// The segment within which the token is unique.
    pub segment: Segment,
    /// The type: index, security, future, option, or commodity.
    pub class: InstrumentType,
    /// The ISIN of a cash security, if the file has it; `None` of other instruments.
    pub isin: Option<String>,
    /// The series of a cash security (`EQ`, `BE`, `N0`; the group on BSE), if the file shows it.
    pub series: Option<String>,
    /// The symbol of the underlying of a derivative; `None` of other instruments.
    pub underlying: Option<String>,
    /// The last trading date of a derivative; `None` of other instruments.
    pub expiry: Option<NaiveDate>,
    /// The strike of an option, in rupees; `None` of other instruments.
    pub strike: Option<Amount>,
    /// The smallest price step, in rupees; zero for an index.
    pub tick_size: Amount,
    /// The number of units in a lot; zero for an index, and if the file does not have it.
    pub lot_size: u32,
    /// The token of the instrument in the broker's feed.
    pub token: String,
}

impl Row {
    /// Returns the properties that determine the series.
    pub(crate) fn listing(&self) -> Listing<'_> {
        let (series, isin) = (self.series.as_deref(), self.isin.as_deref());
        Listing { segment: self.segment, symbol: &self.symbol, series, isin }
    }

    /// Returns a row with a segment and a token only.
    fn bare(segment: Segment, token: String) -> Self {
        Row {
            exchange: field::exchange_of(segment),
            symbol: String::new(),
            alias: None,
            name: String::new(),
            segment,
            class: InstrumentType::Debt,
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

    fn texts_bytes(&self) -> usize {
        let Row { symbol, alias, name, isin, series, underlying, token, .. } = self;
        let optional = [alias, isin, series, underlying].into_iter().flatten();
        [symbol, name, token].into_iter().chain(optional).map(String::len).sum()
    }
}

/// The result of reading one row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An instrument, complete and with normalized units.
    Row(Row),
    /// A contract whose row does not show whether its expiry is the monthly one. Its symbol is that of a weekly one;
    /// [`crate::ingest`] knows all expiries of the file and corrects it.
    Undecided(Row),
    /// A row of something that the service does not carry, with the reason. It is not a fault of the file.
    Skipped(&'static str),
    /// A contract whose expiry has two readings. [`crate::ingest`] decides by all rows of the file.
    Slashed(SlashedDate),
    /// A row that cannot be used, because a field is missing or invalid.
    Rejected(Rejection),
}

impl Entry {
    fn texts_bytes(&self) -> usize {
        match self {
            Entry::Row(row) | Entry::Undecided(row) => row.texts_bytes(),
            Entry::Slashed(date) => date.texts_bytes(),
            Entry::Skipped(_) | Entry::Rejected(_) => 0,
        }
    }
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Entry::Row(row)
    }
}

/// A row of a file that could not be read as an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// A short, countable reason: the field and its fault, never the value.
    pub reason: &'static str,
    /// The row as in the file, at most [`TEXT_CHARACTERS_MAX`] characters of it.
    pub text: String,
}

/// The number of characters of a rejected row that are kept; rows of most files are shorter.
pub const TEXT_CHARACTERS_MAX: usize = 240;

/// Receives the rows of a file one by one, each with its line in a CSV (the first is line 1) or its position in a JSON
/// file (from 1).
pub type OnEntry<'a> = dyn FnMut(u64, Entry) + 'a;

/// The reason why a whole file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The bytes could not be read.
    #[error("failed to read the file")]
    Io(#[from] io::Error),
    /// The file does not have the form of the broker's files.
    #[error("expected {expected}, got {found}")]
    Form {
        /// The form of the broker's files, as words for the message.
        expected: &'static str,
        /// The actual form, as words for the message.
        found: String,
    },
    /// The file, packed or unpacked, has more bytes than [`Limits`] allow.
    #[error("{}", too_large(*.bytes_max, *.packed_bytes))]
    TooLarge {
        /// The maximum number of bytes.
        bytes_max: u64,
        /// The number of bytes of the file that had been read when its unpacked content exceeded the limit; `None` if
        /// the file itself exceeded it.
        packed_bytes: Option<u64>,
    },
    /// The file has more rows than [`Limits`] allow.
    #[error("expected at most {rows_max} rows, got more")]
    TooManyRows {
        /// The maximum number of rows.
        rows_max: u64,
    },
    /// No row determines the order of day and month in the dates of a column.
    #[error(
        "expected dates whose order of day and month one row determines, got only dates such as `{example}` in the \
         column `{column}`"
    )]
    AmbiguousDates {
        /// The name of the column with the dates.
        column: &'static str,
        /// The first of the dates, as in the file.
        example: String,
    },
    /// The observer of the progress canceled reading.
    #[error("reading was canceled")]
    Stopped,
}

/// Reads a whole file and passes on each entry, row or rejection, in the order of the file. Returns the members of an
/// archive: the positions of the entries of each member follow those of the previous one.
///
/// `on_progress` is called before each piece of the file, packed or not, so that a reading also ends soon if its rows
/// are few and far between.
///
/// # Errors
/// [`DumpError`] if the file as a whole is unreadable; entries that were passed on before must be dropped.
pub fn read_entries(
    broker: Broker,
    file: impl Read,
    limits: &Limits,
    on_progress: &mut OnProgress<'_>,
    on_entry: &mut OnEntry<'_>,
) -> Result<Members, DumpError> {
    let mut on_progress = |rows| on_progress(rows);
    let meter = Meter::new(*limits, &mut on_progress);
    let read = read_metered(broker, file, &meter, &mut |line, entry| {
        if meter.may_take_row() {
            on_entry(line, entry);
        }
    });
    // A reader may reach the end of the file before it detects the fault.
    meter.take_fault().map_or(read, Err)
}

fn read_metered(
    broker: Broker,
    file: impl Read,
    meter: &Meter<'_>,
    on_entry: &mut OnEntry<'_>,
) -> Result<Members, DumpError> {
    let mut file = BufReader::with_capacity(PIECE_BYTES, meter.file(file));
    let start = start_of(&mut file)?;
    if zip::is_zip(&start) {
        return archive::read_members(broker, start.chain(file), meter, on_entry);
    }
    if !is_gzip(&start) {
        return read_unpacked(broker, &start, file, on_entry).map(|()| Members::default());
    }
    let unpacked = meter.unpacked(Packing::Gzip, MultiGzDecoder::new(start.chain(file)));
    let mut unpacked = BufReader::with_capacity(PIECE_BYTES, unpacked);
    let read = start_of(&mut unpacked).and_then(|start| read_unpacked(broker, &start, unpacked, on_entry));
    read.map(|()| Members::default()).map_err(|error| match error {
        DumpError::Io(error) if !meter.has_source_failed() => {
            let is_cut = error.kind() == ErrorKind::UnexpectedEof;
            let found = if is_cut { "a truncated file" } else { "a damaged file" };
            DumpError::Form { expected: "a complete gzip file", found: found.to_owned() }
        }
        error => error,
    })
}

fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}

/// The number of bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Reads the start of a file from the reader.
fn start_of(reader: &mut impl Read) -> Result<Vec<u8>, DumpError> {
    let mut start = Vec::new();
    reader.take(origin::START_BYTES_MAX).read_to_end(&mut start)?;
    Ok(start)
}

/// Whether a file, packed or not, contains JSON: its rows are then elements, not lines.
pub fn is_json(mut file: impl Read) -> bool {
    let Ok(mut start) = start_of(&mut file) else { return false };
    if zip::is_zip(&start) {
        start = archive::start_of_data(BufReader::new(start.as_slice().chain(file))).unwrap_or_default();
    } else if is_gzip(&start) {
        let packed = BufReader::new(start.as_slice().chain(file));
        start = start_of(&mut MultiGzDecoder::new(packed)).unwrap_or_default();
    }
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    start.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| b"[{".contains(byte))
}

/// Reads a file whose start has already been read.
fn read_unpacked(
    broker: Broker,
    start: &[u8],
    rest: impl BufRead,
    on_entry: &mut OnEntry<'_>,
) -> Result<(), DumpError> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    read_plain(broker, start.chain(rest), on_entry).map_err(|error| match error {
        DumpError::Form { expected, found } => {
            DumpError::Form { expected, found: origin::of(start, broker).unwrap_or(found) }
        }
        error => error,
    })
}

fn read_plain(broker: Broker, reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    match broker {
        Broker::Kite => kite::read_rows(reader, on_entry),
        Broker::Upstox => upstox::read_rows(reader, on_entry),
        Broker::Dhan => dhan::read_rows(reader, on_entry),
        Broker::Angel => angel::read_rows(reader, on_entry),
        Broker::Fyers => fyers::read_rows(reader, on_entry),
        Broker::Groww => groww::read_rows(reader, on_entry),
        Broker::Nuvama => nuvama::read_rows(reader, on_entry),
        Broker::Shoonya => shoonya::read_rows(reader, on_entry),
        Broker::AliceBlue => aliceblue::read_rows(reader, on_entry),
        Broker::Kotak | Broker::FivePaisa | Broker::Breeze => Err(DumpError::Form {
            expected: "a file of a broker whose files are supported",
            found: format!("one of {broker}"),
        }),
    }
}

/// The maximum size of all texts of a row in bytes; those of real rows have about 200. With this limit, the maximum
/// number of rows takes 330 MB in the worst case.
const TEXTS_BYTES_MAX: usize = 320;

/// Passes on the result of reading the row `raw`.
fn hand_over(line: u64, raw: &[u8], row: Result<impl Into<Entry>, field::Reason>, on_entry: &mut OnEntry<'_>) {
    let entry = match row.map(Into::into) {
        Ok(entry) if entry.texts_bytes() > TEXTS_BYTES_MAX => Err("the text fields of the row are too long"),
        entry => entry,
    };
    let left_out = |reason| match reason {
        field::NOT_CARRIED | noren::UNDERLYING => Entry::Skipped(reason),
        _ => Entry::Rejected(Rejection { reason, text: field::start_of(raw, TEXT_CHARACTERS_MAX) }),
    };
    on_entry(line, entry.unwrap_or_else(left_out));
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
