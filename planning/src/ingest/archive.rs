//! The archive of the files of a broker: one compact document for each accepted load.
//!
//! When the service starts, it reads the last documents of the brokers, which takes a fraction of the time that the
//! rows of a table take.
//!
//! Rows in `postcard` under `zstd` (level 9) take 84 to 100 % of the size, half of the time to write and 87 % of the time
//! to read 250,000 instruments. They would add a C library, 12 MB to the peak of a load, and about 90 lines, because the
//! reader of the stored versions must stay. `postcard` under gzip is 3 to 8 % larger.

mod following;

use std::borrow::Cow;
use std::cmp::Ordering;

use chrono::NaiveDate;

pub use self::following::{Kept, MergedArchive, StoredInstruments};
use super::document::{self, DocumentError, Fields, Form, Rows, optional, read_optional};
use crate::dump::{Row, date};
use crate::instrument::Amount;
use crate::vocabulary::{Exchange, InstrumentType, Segment};

/// An instrument from the files of its broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedRow {
    /// The row in the last file that contained it.
    pub row: Row,
    /// Whether that file is the last one of the broker.
    pub is_active: bool,
    /// The symbol that the instrument got on its exchange when it left the file under this one, if that is known.
    pub successor: Option<String>,
}

impl ArchivedRow {
    /// Returns a row that has no other symbol.
    pub fn new(row: Row, is_active: bool) -> Self {
        ArchivedRow { row, is_active, successor: None }
    }
}

/// The rows of an archive or a state, sorted by exchange and symbol, keys unique.
pub type ArchivedRows<'a> = Box<dyn Iterator<Item = Result<ArchivedRow, DocumentError>> + Send + 'a>;

/// All instruments that the accepted files of a broker ever contained.
///
/// Invariant: sorted by exchange and symbol, keys unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerState {
    rows: Vec<ArchivedRow>,
}

impl BrokerState {
    /// Creates the state from rows in any order. Of several rows with the same key, the first one counts.
    pub fn new(mut rows: Vec<ArchivedRow>) -> Self {
        rows.sort_by(|a, b| compare(&a.row, &b.row));
        rows.dedup_by(|later, first| compare(&later.row, &first.row).is_eq());
        BrokerState { rows }
    }

    /// Returns its rows, by exchange and symbol.
    pub fn rows(&self) -> &[ArchivedRow] {
        &self.rows
    }

    /// Returns its rows as owned values.
    pub fn into_rows(self) -> Vec<ArchivedRow> {
        self.rows
    }

    /// Writes the state as a document.
    pub fn write(&self) -> Vec<u8> {
        document::write(&FORM, self.rows.iter().map(fields_of_archived))
    }

    /// Reads a whole document.
    ///
    /// # Errors
    /// [`DocumentError`] if [`Self::write`] did not write the document.
    pub fn read(bytes: &[u8]) -> Result<Self, DocumentError> {
        let archive = Archive::new(bytes)?;
        Ok(BrokerState { rows: archive.collect::<Result<_, _>>()? })
    }
}

/// Compares by exchange, then symbol.
pub(crate) fn compare(a: &Row, b: &Row) -> Ordering {
    (a.exchange, a.symbol.as_str()).cmp(&(b.exchange, b.symbol.as_str()))
}

const COLUMNS: usize = 16;

const FORM: Form<COLUMNS> = Form {
    kind: "archive",
    version: 2,
    columns: [
        "is_active",
        "exchange",
        "symbol",
        "alias",
        "name",
        "segment",
        "instrument_type",
        "isin",
        "series",
        "underlying_symbol",
        "expiry",
        "strike",
        "tick_size",
        "lot_size",
        "broker_token",
        "successor",
    ],
    // Version 1 had no successors.
    earlier: &[(1, COLUMNS - 1)],
};

fn fields_of_archived(archived: &ArchivedRow) -> [Cow<'_, str>; COLUMNS] {
    fields_of(&archived.row, archived.is_active, archived.successor.as_deref())
}

fn fields_of<'a>(row: &'a Row, is_active: bool, successor: Option<&'a str>) -> [Cow<'a, str>; COLUMNS] {
    [
        Cow::Borrowed(if is_active { "1" } else { "0" }),
        Cow::Borrowed(row.exchange.as_str()),
        Cow::Borrowed(&row.symbol),
        optional(row.alias.as_deref()),
        Cow::Borrowed(&row.name),
        Cow::Borrowed(row.segment.as_str()),
        Cow::Borrowed(row.class.as_str()),
        optional(row.isin.as_deref()),
        optional(row.series.as_deref()),
        optional(row.underlying.as_deref()),
        row.expiry.map_or(Cow::Borrowed(""), |date| date.to_string().into()),
        row.strike.map_or(Cow::Borrowed(""), |strike| strike.ten_thousandths().to_string().into()),
        row.tick_size.ten_thousandths().to_string().into(),
        row.lot_size.to_string().into(),
        Cow::Borrowed(&row.token),
        optional(successor),
    ]
}

fn row_of(fields: &Fields<'_, COLUMNS>) -> Result<ArchivedRow, DocumentError> {
    let text = |column| fields.text(column).to_owned();
    let optional_text = |column| read_optional(fields.text(column));
    let amount = |text: &str| text.parse().ok().map(Amount::from_ten_thousandths);
    let is_active = fields.parsed(0, |text| ["0", "1"].iter().position(|digit| *digit == text))? == 1;
    let row = Row {
        exchange: fields.parsed(1, Exchange::parse)?,
        symbol: text(2),
        alias: optional_text(3),
        name: text(4),
        segment: fields.parsed(5, Segment::parse)?,
        class: fields.parsed(6, InstrumentType::parse)?,
        isin: optional_text(7),
        series: optional_text(8),
        underlying: optional_text(9),
        expiry: fields.parsed(10, |text| unless_empty(text, parse_date))?,
        strike: fields.parsed(11, |text| unless_empty(text, amount))?,
        tick_size: fields.parsed(12, amount)?,
        lot_size: fields.parsed(13, |text| text.parse().ok())?,
        token: text(14),
    };
    Ok(ArchivedRow { row, is_active, successor: optional_text(15) })
}

/// Parses a text that may be empty: `Some(None)` for an empty text, `None` if the text cannot be parsed.
#[allow(clippy::option_option)]
fn unless_empty<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { parse(text).map(Some) }
}

/// Parses a date of any year.
fn parse_date(text: &str) -> Option<NaiveDate> {
    date::iso(text).or_else(|| text.parse().ok())
}

/// Whether earlier versions have lots of different meanings in a segment: numbers of lots from some brokers, units from
/// others. They are unknown until the next file, which otherwise would seem to change all of them.
fn has_doubtful_lots(segment: Segment) -> bool {
    use Segment::{BseCurrency, McxCommodity, NseCommodity, NseCurrency};
    matches!(segment, NseCurrency | BseCurrency | NseCommodity | McxCommodity)
}

/// Reads a document row by row, so that memory is bounded by a row. Stops at the first error.
#[derive(Debug)]
pub struct Archive<'a> {
    rows: Option<Rows<'a, COLUMNS>>,
    last: Option<(Exchange, String)>,
}

impl<'a> Archive<'a> {
    /// Reads the title of a document.
    ///
    /// # Errors
    /// [`DocumentError`] if it is not an archive, or has another version.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DocumentError> {
        Ok(Archive { rows: Some(Rows::new(&FORM, bytes)?), last: None })
    }

    fn is_current_version(&self) -> bool {
        self.rows.as_ref().is_some_and(|rows| !rows.is_earlier_version())
    }

    fn read(&mut self) -> Result<Option<ArchivedRow>, DocumentError> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        let is_earlier_version = rows.is_earlier_version();
        let Some(fields) = rows.next()? else { return Ok(None) };
        let mut archived = row_of(&fields)?;
        if is_earlier_version && has_doubtful_lots(archived.row.segment) {
            archived.row.lot_size = 0;
        }
        let (exchange, symbol) = (archived.row.exchange, archived.row.symbol.as_str());
        match &mut self.last {
            Some((last_exchange, last_symbol)) => {
                if (exchange, symbol) <= (*last_exchange, last_symbol.as_str()) {
                    return Err(DocumentError::Order { kind: FORM.kind, row: fields.row });
                }
                *last_exchange = exchange;
                last_symbol.clear();
                last_symbol.push_str(symbol);
            }
            none => *none = Some((exchange, symbol.to_owned())),
        }
        Ok(Some(archived))
    }
}

impl Iterator for Archive<'_> {
    type Item = Result<ArchivedRow, DocumentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read().transpose();
        if !matches!(read, Some(Ok(_))) {
            self.rows = None;
        }
        read
    }

    /// The upper bound is the number of rows in the title.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rows.as_ref().map_or(0, Rows::left);
        (0, usize::try_from(left).ok())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{equity, future, index};

    fn archived(row: Row, is_active: bool) -> ArchivedRow {
        ArchivedRow::new(row, is_active)
    }

    fn state() -> BrokerState {
        BrokerState::new(vec![
            archived(equity("NSE", "TCS", "INE467B01029"), true),
            archived(future("NIFTY", "NIFTY26AUGFUT", "2026-08-25"), false),
            archived(index("NSE", "NIFTY 50", Some("NIFTY")), true),
        ])
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> String {
        std::io::read_to_string(flate2::read::GzDecoder::new(bytes)).unwrap()
    }

    fn fault(bytes: &[u8]) -> String {
        BrokerState::read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_document_is_text_with_a_title_and_columns() {
        let text = unpacked(&BrokerState::new(state().into_rows().split_off(2)).write());

        assert_eq!(
            text,
            "instrument-registry,archive,2,1\n\
             is_active,exchange,symbol,alias,name,segment,instrument_type,isin,series,underlying_symbol,expiry,strike,\
             tick_size,lot_size,broker_token,successor\n\
             1,NSE,TCS,,TCS,NSE_EQ,EQ,INE467B01029,EQ,,,,500,1,,\n"
        );
    }

    #[test]
    fn lots_of_currencies_in_an_earlier_version_are_unknown() {
        let earlier = "instrument-registry,archive,1,2\n\
            is_active,exchange,symbol,alias,name,segment,instrument_type,isin,series,underlying_symbol,expiry,strike,\
            tick_size,lot_size,broker_token\n\
            1,CDS,USDINR26AUGFUT,,USDINR,NCD_FO,FUT,,,USDINR,2026-08-27,,25,1,7\n\
            1,NFO,NIFTY26AUGFUT,,NIFTY,NSE_FO,FUT,,,NIFTY,2026-08-25,,1000,65,8\n";
        let lots = |text: &str| -> Vec<u32> {
            BrokerState::read(&packed(text)).unwrap().rows().iter().map(|archived| archived.row.lot_size).collect()
        };

        assert_eq!(lots(earlier), [0, 65]);
        let now = earlier.replace("archive,1,", "archive,2,").replace("broker_token\n", "broker_token,successor\n");
        assert_eq!(lots(&now.replace(",7\n", ",7,\n").replace(",8\n", ",8,\n")), [1, 65]);
    }

    #[test]
    fn an_archive_without_successors_is_read() {
        let earlier = "instrument-registry,archive,1,2\n\
            is_active,exchange,symbol,alias,name,segment,instrument_type,isin,series,underlying_symbol,expiry,strike,\
            tick_size,lot_size,broker_token\n\
            1,NSE,NIFTY 50,NIFTY,NIFTY 50,NSE_INDEX,INDEX,,,,,,500,1,7\n\
            0,NSE,TCS,,TCS,NSE_EQ,EQ,INE467B01029,EQ,,,,500,1,8\n";
        let with_token = |row: Row, token: &str| Row { token: token.into(), ..row };

        let read = BrokerState::read(&packed(earlier)).unwrap();

        let expected = [
            archived(with_token(index("NSE", "NIFTY 50", Some("NIFTY")), "7"), true),
            archived(with_token(equity("NSE", "TCS", "INE467B01029"), "8"), false),
        ];
        assert_eq!(read.rows(), expected);
        assert_eq!(
            fault(&packed(&earlier.replace(",1,8\n", ",1,8,TCSL\n"))),
            "row 2 of the archive: invalid value in column `broker_token`"
        );
    }

    #[test]
    fn other_documents_are_rejected_with_the_reason() {
        let good = state().write();
        let text = unpacked(&good);

        assert!(fault(b"").starts_with("failed to decompress or parse the archive"), "{}", fault(b""));
        assert!(fault(b"<html>").starts_with("failed to decompress or parse the archive"), "{}", fault(b"<html>"));
        for cut in [good.len() / 2, good.len() - 1] {
            assert!(
                fault(&good[..cut]).starts_with("failed to decompress or parse the archive"),
                "{}",
                fault(&good[..cut])
            );
        }
        let expected = "expected the title `instrument-registry,archive,2` and the columns of that version, got";
        for (other, found) in [
            (text.replace("archive,2,", "archive,3,"), "`instrument-registry,archive,3,3`"),
            (text.replace("archive,2,", "archive,02,"), "`instrument-registry,archive,02,3`"),
            (text.replace("archive,2,", "diff,2,"), "`instrument-registry,diff,2,3`"),
            (text.replace("2,3\n", "2,many\n"), "`instrument-registry,archive,2,many`"),
            (text.replace("archive,2,", "archive,1,"), "`is_active,"),
            ("tradingsymbol,name\n".to_owned(), "`tradingsymbol,name`"),
            (text.replace("lot_size", "lots"), "`is_active,"),
            (String::new(), "``"),
        ] {
            let message = fault(&packed(&other));
            assert!(message.starts_with(&format!("{expected} {found}").replace("``", "`")), "{message}");
        }
        for (other, message) in [
            (text.replace("2,3\n", "2,4\n"), "expected 4 rows in the archive (the number in its title), got 3"),
            (text.replace("2026-08-25", "2026-02-30"), "row 1 of the archive: invalid value in column `expiry`"),
            (text.replace("NSE_EQ", "MOON"), "row 3 of the archive: invalid value in column `segment`"),
            (text.replace("NSE,TCS", "BSE,TCS"), "row 3 of the archive is not in key order"),
            (text.replace("TCS,,TCS", "TCS,TCS"), "row 3 of the archive: invalid value in column `successor`"),
        ] {
            assert_eq!(fault(&packed(&other)), message);
        }
    }

    #[test]
    fn dates_of_every_year_are_read() {
        let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day);
        for date in [date(2028, 2, 29), date(1999, 12, 31), date(0, 1, 1), date(-44, 3, 15), date(12_026, 10, 9)] {
            assert_eq!(parse_date(&date.unwrap().to_string()), date);
        }
        for text in ["2026-02-29", "2026-1O-01", "12026-13-01", "x"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    fn any_row() -> impl Strategy<Value = ArchivedRow> {
        let text = || prop_oneof!["[A-Z]{1,5}", ".{0,8}", Just("\\".to_owned()), Just("a\r\n\"b\",".to_owned())];
        let day = (0..40_000_i64).prop_map(|day| NaiveDate::default() + chrono::TimeDelta::days(day));
        let amount = || any::<i64>().prop_map(Amount::from_ten_thousandths);
        let optional = || proptest::option::of(text());
        let words = (
            proptest::sample::select(&Exchange::ALL[..]),
            proptest::sample::select(&Segment::ALL[..]),
            proptest::sample::select(&InstrumentType::ALL[..]),
        );
        let texts = (text(), optional(), text(), optional(), optional(), optional(), text());
        let terms = (proptest::option::of(day), proptest::option::of(amount()), amount(), any::<u32>());
        let successor = optional();
        (words, texts, terms, any::<bool>(), successor).prop_map(|(words, texts, terms, is_active, successor)| {
            let (exchange, segment, class) = words;
            let (symbol, alias, name, isin, series, underlying, token) = texts;
            let (expiry, strike, tick_size, lot_size) = terms;
            let row = Row {
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
            };
            ArchivedRow { row, is_active, successor }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn an_archive_survives_writing_and_reading(rows in proptest::collection::vec(any_row(), 0..20)) {
            let state = BrokerState::new(rows);
            let document = state.write();

            prop_assert_eq!(&document, &state.write());
            prop_assert_eq!(BrokerState::read(&document).unwrap(), state);
        }

        #[test]
        fn random_bytes_are_never_an_archive(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(BrokerState::read(&noise).is_err());
        }
    }
}
