//! Dhan's file: the compact CSV or the detailed one. They differ in the names of their columns, and only the detailed
//! one has ISINs and the names of underlyings.
//!
//! In both, strikes are in rupees. A number is unique only within a segment of the feed (NSE's
//! commodities share theirs with NSE's derivatives), so a token contains both: `NSE_FNO|52175`.

mod compact;
mod detailed;

use std::io::BufRead;

use super::derivative::{self, ContractTerms};
use super::field::{self, Reason, present};
use super::slashed::{self, Expiry};
use super::symbol::{Contract, Cycle};
use super::table::Table;
use super::units::Form;
use super::{DumpError, Entry, OnEntry, Row, index, security};
use crate::vocabulary::{Exchange, InstrumentType, Segment};

const EXPECTED: &str = "a CSV with the columns of Dhan's compact or detailed instruments";

pub(super) fn read_rows(reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    let table = Table::open(reader, EXPECTED)?;
    if table.has(compact::ID) { compact::read_rows(table, on_entry) } else { detailed::read_rows(table, on_entry) }
}

/// The fields of an instrument that both forms have, as in the file.
struct Fields<'a> {
    exchange: &'a str,
    segment: &'a str,
    id: &'a str,
    instrument: &'a str,
    /// The short name of a security or an index.
    symbol: &'a str,
    name: &'a str,
    isin: &'a str,
    /// The exchange's type of the security: `ES`, `ETF`, `InvITU`, `DBT`.
    kind: &'a str,
    series: &'a str,
    lot_size: &'a str,
    expiry: &'a str,
    expiry_column: &'static str,
    strike: &'a str,
    option_type: &'a str,
    tick_size: &'a str,
    expiry_flag: &'a str,
}

/// Creates the row; `underlying_of` finds the name of the underlying of a contract.
fn entry_of<'a>(
    fields: &Fields<'a>,
    underlying_of: impl Fn(chrono::NaiveDate, Contract) -> Option<&'a str>,
) -> Result<Entry, Reason> {
    let exchange = field::exchange(fields.exchange, "exchange is unknown")?;
    let segment = segment_of(exchange, fields.segment).ok_or("segment does not exist on the exchange")?;
    if !matches!(fields.id.parse::<u32>(), Ok(1..)) {
        return Err("security id is not a positive 32-bit integer");
    }
    let token = format!("{}|{}", feed_segment(segment), fields.id);
    let is_index = fields.segment == "I";
    if is_index != (fields.instrument == "INDEX") {
        return Err("instrument does not match the segment");
    }
    if is_index {
        return index::row_by_names(segment, fields.symbol, fields.name, token).map(Entry::Row);
    }

    let row = Row {
        name: fields.name.to_owned(),
        tick_size: field::price(fields.tick_size)
            .and_then(|step| Form::Dhan.tick_size(segment, step))
            .ok_or("tick size is not a positive number")?,
        lot_size: field::lot_size(fields.lot_size).ok_or("lot size is not a positive integer")?,
        ..Row::bare(segment, token)
    };
    if fields.segment == "E" {
        return security_row(row, fields).map(Entry::Row);
    }
    let strike = || field::price(fields.strike).ok_or("strike is not a positive number");
    let contract = match (fields.instrument.get(..3), fields.option_type) {
        (Some("FUT"), _) => Contract::Future,
        (Some("OPT"), "CE") => Contract::Call(strike()?),
        (Some("OPT"), "PE") => Contract::Put(strike()?),
        (Some("OPT"), _) => return Err("option type is neither CE nor PE"),
        _ => return Err("instrument does not match the segment"),
    };
    let cycle = match fields.expiry_flag {
        "W" => Some(Cycle::Weekly),
        "M" => Some(Cycle::Monthly),
        _ => None,
    };
    let expiry = Expiry {
        column: fields.expiry_column,
        text: fields.expiry,
        reason: "expiry is not a date",
        symbols: [fields.symbol, fields.name],
    };
    slashed::entry(row, &expiry, |row, expiry| {
        let underlying = underlying_of(expiry, contract).ok_or("the row does not name the underlying")?;
        let row = Row { lot_size: Form::Dhan.lot_size(segment, underlying, row.lot_size), ..row };
        derivative::entry(row, &ContractTerms { underlying, expiry, contract, cycle })
    })
}

fn security_row(row: Row, fields: &Fields<'_>) -> Result<Row, Reason> {
    if fields.instrument != "EQUITY" {
        return Err("instrument does not match the segment");
    }
    let kind = present(fields.kind);
    // `NA` is a missing series in a row without a type, and otherwise a series of bonds.
    let presumed = if kind.is_empty() { InstrumentType::Equity } else { InstrumentType::Debt };
    let named_series = security::present_series(row.exchange, presumed, fields.series);
    let (by_isin, isin) = security::class_and_isin(fields.isin);
    let class = match kind {
        _ if isin.is_some() => by_isin,
        "ES" => InstrumentType::Equity,
        "ETF" | "MF" | "REIT" | "InvITU" => InstrumentType::Fund,
        "" | "Other" => security::class_by_symbol(row.exchange, fields.symbol, named_series),
        _ => InstrumentType::Debt,
    };
    let series = security::present_series(row.exchange, class, fields.series);
    security::named(Row { class, isin, ..row }, fields.symbol, series)
        .ok_or("symbol is empty, too long or has unprintable characters")
}

fn segment_of(exchange: Exchange, segment: &str) -> Option<Segment> {
    match (exchange, segment) {
        (exchange, "I") => index::segment_on(exchange),
        (Exchange::Nse, "E") => Some(Segment::NseEquity),
        (Exchange::Bse, "E") => Some(Segment::BseEquity),
        (Exchange::Nse, "D") => Some(Segment::NseDerivative),
        (Exchange::Bse, "D") => Some(Segment::BseDerivative),
        (Exchange::Nse, "C") => Some(Segment::NseCurrency),
        (Exchange::Bse, "C") => Some(Segment::BseCurrency),
        (Exchange::Nse, "M") => Some(Segment::NseCommodity),
        (Exchange::Mcx, "M") => Some(Segment::McxCommodity),
        _ => None,
    }
}

/// Returns the name of the segment in the feed.
fn feed_segment(segment: Segment) -> &'static str {
    match segment {
        Segment::NseEquity => "NSE_EQ",
        Segment::BseEquity => "BSE_EQ",
        Segment::NseDerivative => "NSE_FNO",
        Segment::BseDerivative => "BSE_FNO",
        Segment::NseCurrency => "NSE_CURRENCY",
        Segment::BseCurrency => "BSE_CURRENCY",
        Segment::McxCommodity => "MCX_COMM",
        Segment::NseCommodity => "NSE_COMM",
        _ => "IDX_I",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_another_form_is_rejected() {
        for (file, found) in [
            ("", "nothing"),
            ("<!DOCTYPE html>\n<html></html>", "`<!DOCTYPE html>`"),
            ("instrument_token,tradingsymbol\n1,A", "`instrument_token,tradingsymbol`"),
            ("EXCH_ID,SEGMENT\nNSE,E", "a header without the column `SECURITY_ID`"),
            ("SEM_SMST_SECURITY_ID\n1", "a header without the column `SEM_EXM_EXCH_ID`"),
        ] {
            let error = read_rows(file.as_bytes(), &mut |_, _| panic!("there is no row")).unwrap_err();
            assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
        }
    }
}
