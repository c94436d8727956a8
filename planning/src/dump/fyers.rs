//! Fyers's files: for each segment a CSV without a header, or a JSON object with the ticker of each instrument as its
//! name.
//!
//! A ticker is the token of the feed. The ticker of a contract is Kite's key on another exchange: `NSE:NIFTY26SEPFUT`.
//! An expiry is in seconds since 1970. The CSVs of several segments may be concatenated and
//! read as one file.

mod csv;
mod json;

pub(super) use self::csv::is_csv;

use std::io::BufRead;

use chrono::NaiveDate;

use super::derivative::{self, ContractTerms};
use super::field::{self, Reason};
use super::json::{AfterSpace, skip_space};
use super::symbol::{Contract, Cycle, of_derivative};
use super::table::Lines;
use super::units::Form;
use super::{DumpError, Entry, OnEntry, Row, index, security};
use crate::instrument::Amount;
use crate::vocabulary::Segment;

const EXPECTED: &str = "a CSV without a header or a JSON object of Fyers's instruments";

pub(super) fn read_rows(mut reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    let AfterSpace { next, lines } = skip_space(&mut reader)?;
    if next == Some(b'{') {
        reader.consume(1);
        return json::read_after_bracket(reader, on_entry);
    }
    csv::read_rows(Lines::after(lines, reader), on_entry)
}

/// The fields of an instrument that both forms have.
struct Fields<'a> {
    ticker: &'a str,
    /// The number of the exchange: 10 for NSE, 11 for MCX, 12 for BSE.
    exchange: &'a str,
    /// The number of the segment: 10 for cash, 11 for derivatives, 12 for currencies, 20 for commodities.
    segment: &'a str,
    name: &'a str,
    isin: &'a str,
    underlying: &'a str,
    /// `CE`, `PE`, or `XX` for all other instruments.
    option_type: &'a str,
    tick_size: Option<Amount>,
    lot_size: Option<u32>,
    /// The number of units in a lot of a currency or commodity, if the form has it.
    multiplier: Option<u32>,
    strike: Option<Amount>,
    expiry: Option<NaiveDate>,
}

fn entry_of(fields: &Fields<'_>) -> Result<Entry, Reason> {
    let (exchange, symbol) = fields.ticker.split_once(':').ok_or("ticker has no exchange")?;
    let segment = segment_of(fields.exchange, fields.segment).ok_or("segment does not exist on the exchange")?;
    if exchange_named(fields.exchange) != Some(exchange) {
        return Err("ticker does not match the exchange");
    }
    let token = fields.ticker.to_owned();
    if let Some(index) = symbol.strip_suffix("-INDEX") {
        let segment = index::segment_on(field::exchange_of(segment)).ok_or("the segment has no indices")?;
        let long = Some(fields.name).filter(|name| !name.ends_with("-INDEX")).unwrap_or_default();
        return index::row_by_names(segment, index, long, token).map(Entry::Row);
    }

    let row = Row {
        name: fields.name.to_owned(),
        tick_size: fields
            .tick_size
            .and_then(|step| Form::Fyers.tick_size(segment, step))
            .ok_or("tick size is not a positive number")?,
        lot_size: fields.lot_size.ok_or("lot size is not a positive integer")?,
        ..Row::bare(segment, token)
    };
    if matches!(segment, Segment::NseEquity | Segment::BseEquity) {
        return security_row(row, symbol, fields.isin).map(Entry::Row);
    }
    let strike = || fields.strike.ok_or("strike is not a positive number");
    let contract = match fields.option_type {
        "CE" => Contract::Call(strike()?),
        "PE" => Contract::Put(strike()?),
        // An option without a type, because its row is cut off, must not become a future.
        "XX" | "" if symbol.ends_with("FUT") => Contract::Future,
        _ => return Err("option type is unknown"),
    };
    let expiry = fields.expiry.ok_or("expiry is not a Unix time in seconds")?;
    let underlying = fields.underlying;
    let is_written = |cycle: &Cycle| of_derivative(underlying, expiry, *cycle, contract) == symbol;
    let cycle = [Cycle::Monthly, Cycle::Weekly].into_iter().find(is_written);
    let lot_size = Form::Fyers.lot_size_by_multiplier(segment, underlying, row.lot_size, fields.multiplier);
    derivative::entry(Row { lot_size, ..row }, &ContractTerms { underlying, expiry, contract, cycle })
}

/// Completes the row of a security. Its ticker ends in its series on NSE and in its group on BSE: `NSE:SBIN-EQ`,
/// `BSE:SBIN-A`.
fn security_row(row: Row, symbol: &str, isin: &str) -> Result<Row, Reason> {
    let is_series = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let (symbol, series) = symbol.rsplit_once('-').filter(|(_, series)| is_series(series)).unwrap_or((symbol, ""));
    security::row(row, symbol, series, isin).ok_or("ticker is empty, too long or has unprintable characters")
}

fn segment_of(exchange: &str, segment: &str) -> Option<Segment> {
    match (exchange, segment) {
        ("10", "10") => Some(Segment::NseEquity),
        ("12", "10") => Some(Segment::BseEquity),
        ("10", "11") => Some(Segment::NseDerivative),
        ("12", "11") => Some(Segment::BseDerivative),
        ("10", "12") => Some(Segment::NseCurrency),
        ("12", "12") => Some(Segment::BseCurrency),
        ("10", "20") => Some(Segment::NseCommodity),
        ("11", "20") => Some(Segment::McxCommodity),
        _ => None,
    }
}

fn exchange_named(number: &str) -> Option<&'static str> {
    match number {
        "10" => Some("NSE"),
        "11" => Some("MCX"),
        "12" => Some("BSE"),
        _ => None,
    }
}
