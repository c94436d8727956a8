//! Upstox's file: a JSON array, or the CSV that preceded it.
//!
//! In both an `instrument_key` is the segment, a bar, and the ISIN of a security, the number of a contract or
//! the name of an index; the feed takes it as it stands.

mod csv;
mod elements;
mod json;
mod scalar;

use std::io::BufRead;

use super::field::{self, Reason};
use super::symbol;
use super::{DumpError, RejectedRow, Row};
use crate::instrument::{Amount, Class, Exchange, Segment};

const EXPECTED: &str = "a JSON array or a CSV of Upstox's instruments";

pub(super) fn read(
    mut reader: impl BufRead,
    on_row: &mut dyn FnMut(Result<Row, RejectedRow>),
) -> Result<(), DumpError> {
    if skip_space(&mut reader)? == Some(b'[') {
        reader.consume(1);
        return json::read_after_bracket(reader, on_row);
    }
    csv::read(reader, on_row)
}

/// Skips white space and says what byte follows, `None` at the end of the file.
fn skip_space(reader: &mut impl BufRead) -> Result<Option<u8>, DumpError> {
    loop {
        let available = reader.fill_buf()?;
        let space = available.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let next = available.get(space).copied();
        let is_end = available.is_empty();
        reader.consume(space);
        if next.is_some() || is_end {
            return Ok(next);
        }
    }
}

/// The segment, and what follows it in the key.
fn split_key<'a>(key: &'a str, segment: &str) -> Result<(Segment, &'a str), Reason> {
    let known = Segment::parse(segment).ok_or("segment is unknown")?;
    match key.split_once('|') {
        Some((prefix, id)) if prefix == segment && !id.is_empty() => Ok((known, id)),
        _ => Err("instrument_key is not of the segment"),
    }
}

fn is_index(segment: Segment) -> bool {
    matches!(segment, Segment::NseIndex | Segment::BseIndex | Segment::McxIndex | Segment::GlobalIndex)
}

fn exchange_of(segment: Segment) -> Exchange {
    match segment {
        Segment::NseEquity | Segment::NseIndex => Exchange::Nse,
        Segment::BseEquity | Segment::BseIndex => Exchange::Bse,
        Segment::McxCommodity | Segment::McxIndex => Exchange::Mcx,
        Segment::GlobalIndex => Exchange::Global,
        Segment::NseDerivative => Exchange::Nfo,
        Segment::BseDerivative => Exchange::Bfo,
        Segment::NseCurrency => Exchange::Cds,
        Segment::BseCurrency => Exchange::Bcd,
        Segment::NseCommodity => Exchange::Nco,
        Segment::NseInternational => Exchange::Nseix,
    }
}

/// The row of an index, whose symbol is the name in its key, in capitals. Its alias is the trading symbol
/// where the file has another one, or else the customary one.
fn index_row(segment: Segment, key: &str, index: &str, name: &str, trading_symbol: &str) -> Result<Row, Reason> {
    let exchange = exchange_of(segment);
    let symbol = field::symbol(exchange, &index.to_uppercase()).ok_or("name of the index cannot stand in a key")?;
    let customary = || symbol::alias_of_index(&symbol).filter(|_| segment == Segment::NseIndex).map(str::to_owned);
    let alias = field::symbol(exchange, trading_symbol).filter(|alias| *alias != symbol).or_else(customary);
    Ok(Row {
        exchange,
        symbol,
        alias,
        name: name.to_owned(),
        segment,
        class: Class::Index,
        isin: None,
        series: None,
        underlying: None,
        expiry: None,
        strike: None,
        tick_size: Amount::ZERO,
        lot_size: 0,
        token: key.to_owned(),
    })
}

/// The class and ISIN of a security. Test securities have no ISIN, and are no share.
fn class_and_isin(isin: &str) -> (Class, Option<String>) {
    match field::isin(isin) {
        Some(isin) => (Class::of_isin(isin), Some(isin.to_owned())),
        None => (Class::Debt, None),
    }
}

/// A hundredth of the amount: paise in rupees. `None` where it has more than four decimals.
fn hundredth(amount: Amount) -> Option<Amount> {
    let value = amount.ten_thousandths();
    (value % 100 == 0).then(|| Amount::from_ten_thousandths(value / 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(file: &str) -> String {
        read(file.as_bytes(), &mut |_| panic!("there is no row")).unwrap_err().to_string()
    }

    #[test]
    fn the_first_byte_tells_the_form() {
        read(" \r\n[ ]\n".as_bytes(), &mut |_| panic!("there is no row")).unwrap();

        let csv = "\ninstrument_key,tradingsymbol,name,expiry,strike,tick_size,lot_size,instrument_type,option_type,\
            exchange\nNSE_INDEX|Nifty 50,,Nifty 50,,,,,INDEX,,NSE_INDEX\n";
        let mut rows = Vec::new();
        read(csv.as_bytes(), &mut |row| rows.push(row.unwrap())).unwrap();
        assert_eq!(rows[0].symbol, "NIFTY 50");
    }

    #[test]
    fn a_file_of_another_form_is_refused() {
        let expected = "expected a JSON array or a CSV of Upstox's instruments, found";
        assert_eq!(error_of(" \n"), format!("{expected} nothing"));
        assert_eq!(error_of("<html>"), format!("{expected} `<html>`"));
        assert_eq!(error_of("{\"status\":\"error\"}"), format!("{expected} `{{\"status\":\"error\"}}`"));
        assert_eq!(
            error_of("instrument_key,name\n"),
            format!("{expected} a header without the column `tradingsymbol`")
        );
    }
}
