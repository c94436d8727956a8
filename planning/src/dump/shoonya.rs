//! The files of Shoonya and the other Noren brokers (Flattrade, Zebu): for each exchange a CSV `NFO_symbols.txt`, whose
//! columns differ, usually in a zip archive.
//!
//! Prices are in rupees. The files have neither ISINs nor names, and do not show which expiry is the monthly one. A lot
//! of currencies counts lots, and one of commodities is a weight that may differ from the unit of the price; the columns
//! `Multiplier` and `GNGD` contain the units for which a price is quoted in one of them. A number is unique only within an
//! exchange, so a token contains both, as in the feed: `NFO|45678`.

use std::io::BufRead;

use super::derivative::{self, ContractTerms};
use super::field::{self, Reason, present};
use super::noren::{UNDERLYING, security_row, underlying_and_cycle};
use super::slashed::{self, Expiry};
use super::symbol::Contract;
use super::table::{Column, Table, needed, optional};
use super::units::Form;
use super::{DumpError, Entry, OnEntry, Row, index};
use crate::vocabulary::Segment;

const EXPECTED: &str = "a CSV with the columns of Shoonya's instruments";

/// The columns that only files of contracts have.
const TERMS: [&str; 3] = ["Expiry", "OptionType", "StrikePrice"];

const COLUMNS: usize = 12;

pub(super) fn read_rows(reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    let table = Table::open(reader, EXPECTED)?;
    let of_terms = if TERMS.iter().any(|name| table.has(name)) { needed } else { optional };
    let [expiry, option_type, strike] = TERMS.map(of_terms);
    let columns: [Column; COLUMNS] = [
        needed("Exchange"),
        needed("Token"),
        needed("LotSize"),
        needed("Symbol"),
        needed("TradingSymbol"),
        needed("Instrument"),
        needed("TickSize"),
        expiry,
        option_type,
        strike,
        optional("Multiplier"),
        optional("GNGD"),
    ];
    table.read(columns, on_entry, entry_of)
}

fn entry_of(fields: [&str; COLUMNS]) -> Result<Entry, Reason> {
    let [
        exchange,
        token,
        lot_size,
        symbol,
        trading_symbol,
        instrument,
        tick_size,
        expiry,
        option_type,
        strike,
        multiplier,
        gngd,
    ] = fields;
    let exchange = field::exchange(&exchange.to_uppercase(), "Exchange is unknown")?;
    let segment = field::segment_carried(exchange)?;
    if present(token).is_empty() {
        return Err("Token is missing");
    }
    if instrument.starts_with("UND") {
        return Err(UNDERLYING);
    }
    let token = format!("{exchange}|{token}");
    if instrument == "INDEX" {
        let segment = index::segment_on(exchange).ok_or("Instrument is not traded on the exchange")?;
        let row = index::row_by_names(segment, symbol, "", token)?;
        return Ok(Entry::Row(Row { name: symbol.to_owned(), ..row }));
    }

    let units = match segment {
        Segment::NseCurrency | Segment::BseCurrency => multiplier,
        Segment::NseCommodity | Segment::McxCommodity => gngd,
        _ => "",
    };
    let tick_size = field::price(tick_size).and_then(|step| Form::Noren.tick_size(segment, step));
    let lot_size = field::lot_size(lot_size).ok_or("LotSize is not a positive integer")?;
    let row = Row {
        tick_size: tick_size.ok_or("TickSize is not a positive number")?,
        lot_size: Form::Noren.lot_size_by_column(segment, lot_size, units),
        ..Row::bare(segment, token)
    };
    if matches!(segment, Segment::NseEquity | Segment::BseEquity) {
        let row = security_row(row, symbol, instrument);
        return row.map(Entry::Row).ok_or("Symbol is empty, too long or has unprintable characters");
    }
    let strike = || field::price(strike).ok_or("StrikePrice is not a positive number");
    let contract = match option_type {
        "CE" => Contract::Call(strike()?),
        "PE" => Contract::Put(strike()?),
        // An option without a type must not become a future.
        "XX" | "" if instrument.starts_with("FUT") => Contract::Future,
        _ => return Err("OptionType does not match the Instrument"),
    };
    let reason = "Expiry is not a date";
    let expiry = Expiry { column: "Expiry", text: expiry, reason, symbols: [trading_symbol, ""] };
    slashed::entry(row, &expiry, |row, expiry| {
        let (underlying, cycle) = underlying_and_cycle(segment, present(symbol), trading_symbol, expiry, contract);
        derivative::entry(row, &ContractTerms { underlying, expiry, contract, cycle })
    })
}

#[cfg(test)]
mod tests;
