//! Upstox's file: a JSON array, or the CSV that preceded it.
//!
//! In both, an `instrument_key` is the segment, a bar, and the ISIN of a security, the number of a contract or the name
//! of an index; it is the token of the feed without changes.

mod csv;
mod json;

use std::io::BufRead;

use super::field::{Reason, exchange_of};
use super::index;
use super::json::{AfterSpace, skip_space};
use super::security::class_and_isin;
use super::table::Lines;
use super::units::Form;
use super::{DumpError, OnEntry, Row};
use crate::vocabulary::Segment;

const EXPECTED: &str = "a JSON array or a CSV of Upstox's instruments";

pub(super) fn read_rows(mut reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    let AfterSpace { next, lines } = skip_space(&mut reader)?;
    if next == Some(b'[') {
        reader.consume(1);
        return json::read_after_bracket(reader, on_entry);
    }
    csv::read_rows(Lines::after(lines, reader), on_entry)
}

/// Returns the segment and the part of the key that follows it.
fn split_key<'a>(key: &'a str, segment: &str) -> Result<(Segment, &'a str), Reason> {
    let known = Segment::parse(segment).ok_or("segment is unknown")?;
    match key.split_once('|') {
        Some((prefix, id)) if prefix == segment && !id.is_empty() => Ok((known, id)),
        _ => Err("instrument_key does not match the segment"),
    }
}

fn is_index(segment: Segment) -> bool {
    matches!(segment, Segment::NseIndex | Segment::BseIndex | Segment::McxIndex | Segment::GlobalIndex)
}

/// Creates the row of an index. The name in its key determines its symbol.
fn index_row(segment: Segment, key: &str, index: &str, name: &str, trading_symbol: &str) -> Result<Row, Reason> {
    index::row(segment, index, trading_symbol, name, key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::testing::outcomes;

    fn error_of(file: &str) -> String {
        read_rows(file.as_bytes(), &mut |_, _| panic!("there is no row")).unwrap_err().to_string()
    }

    #[test]
    fn the_first_byte_determines_the_form() {
        read_rows(" \r\n[ ]\n".as_bytes(), &mut |_, _| panic!("there is no row")).unwrap();

        let csv = "\ninstrument_key,tradingsymbol,name,expiry,strike,tick_size,lot_size,instrument_type,option_type,\
            exchange\nNSE_INDEX|Nifty 50,,Nifty 50,,,,,INDEX,,NSE_INDEX\n";
        let rows = outcomes(|on_entry| read_rows(csv.as_bytes(), on_entry)).unwrap();
        assert_eq!(rows[0].0, 3);
        assert_eq!(rows[0].1.as_ref().unwrap().symbol.as_str(), "NIFTY 50");
    }

    #[test]
    fn a_file_in_another_form_is_rejected() {
        let expected = "expected a JSON array or a CSV of Upstox's instruments, got";
        assert_eq!(error_of(" \n"), format!("{expected} nothing"));
        assert_eq!(error_of("<html>"), format!("{expected} `<html>`"));
        assert_eq!(error_of("{\"status\":\"error\"}"), format!("{expected} `{{\"status\":\"error\"}}`"));
        assert_eq!(
            error_of("instrument_key,name\n"),
            format!("{expected} a header without the column `tradingsymbol`")
        );
    }
}
