//! Alice Blue's files: for each exchange a CSV whose columns differ between exchanges and dates, and one of all indices
//! with three columns.
//!
//! Prices are in rupees. The files do not contain ISINs, and do not show which expiry is the monthly one. A lot of
//! currencies and commodities counts lots; their units are in the column `Board Lot Qty`, which not every file has. The
//! feed names an instrument by exchange and number: `NFO|35000`.

use std::borrow::Cow;
use std::io::BufRead;

use super::derivative::{self, ContractTerms};
use super::field::{self, Reason, present};
use super::noren::{UNDERLYING, security_row, underlying_and_cycle};
use super::slashed::{self, Expiry};
use super::symbol::Contract;
use super::table::{Column, Table, needed, optional};
use super::units::Form;
use super::{DumpError, Entry, OnEntry, Row, index};
use crate::vocabulary::{Exchange, Segment};

const EXPECTED: &str = "a CSV with the columns of Alice Blue's instruments";

/// The columns that only files of options have.
const OF_OPTIONS: [&str; 2] = ["Option Type", "Strike Price"];

/// The columns that every file has except that of the indices.
const OF_ALL: [&str; 4] = ["Instrument Type", "Trading Symbol", "Lot Size", "Tick Size"];

const COLUMNS: usize = 14;

pub(super) fn read_rows(reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    let table = Table::open(reader, EXPECTED)?;
    if ["Exch", "Symbol", "Token"].iter().all(|name| table.has(name)) && !OF_ALL.iter().any(|name| table.has(name)) {
        let columns = [needed("Exch"), needed("Symbol"), needed("Token")];
        return table.read(columns, on_entry, |[exchange, symbol, token]| {
            index_row(exchange_of(exchange)?, symbol, &token_of(exchange, token)?)
        });
    }
    let of_terms = if OF_OPTIONS.iter().any(|name| table.has(name)) { needed } else { optional };
    let [instrument, trading_symbol, lot_size, tick_size] = OF_ALL.map(needed);
    let [option_type, strike] = OF_OPTIONS.map(of_terms);
    let columns: [Column; COLUMNS] = [
        needed("Exch"),
        needed("Symbol"),
        needed("Token"),
        instrument,
        trading_symbol,
        lot_size,
        tick_size,
        of_terms("Expiry Date"),
        option_type,
        strike,
        optional("Exchange Segment"),
        optional("Group Name"),
        optional("Instrument Name"),
        optional("Board Lot Qty"),
    ];
    table.read(columns, on_entry, entry_of)
}

fn entry_of(fields: [&str; COLUMNS]) -> Result<Entry, Reason> {
    let [
        exchange,
        symbol,
        token,
        instrument,
        trading_symbol,
        lot_size,
        tick_size,
        expiry,
        option_type,
        strike,
        exchange_segment,
        group,
        name,
        board_lot,
    ] = fields;
    let token = token_of(exchange, token)?;
    let exchange = exchange_of(exchange)?;
    if instrument == "INDEX" || exchange_segment.ends_with("_idx") {
        return index_row(exchange, symbol, &token);
    }
    if instrument.starts_with("UND") {
        return Err(UNDERLYING);
    }

    let segment = field::segment_carried(exchange)?;
    let tick_size = field::price(tick_size).and_then(|step| Form::AliceBlue.tick_size(segment, step));
    let lot_size = field::lot_size(lot_size).ok_or("Lot Size is not a positive integer")?;
    let row = Row {
        name: present(name).to_owned(),
        tick_size: tick_size.ok_or("Tick Size is not a positive number")?,
        lot_size: Form::AliceBlue.lot_size_by_column(segment, lot_size, board_lot),
        ..Row::bare(segment, token)
    };
    if matches!(segment, Segment::NseEquity | Segment::BseEquity) {
        let row = security_row(row, symbol, series_of(exchange, symbol, trading_symbol, group));
        return row.map(Entry::Row).ok_or("Symbol is empty, too long or has unprintable characters");
    }
    let contract = contract_of(instrument, option_type, strike)?;
    let expiry = year_first(expiry);
    let reason = "Expiry Date is not a date";
    let expiry = Expiry { column: "Expiry Date", text: &expiry, reason, symbols: [trading_symbol, ""] };
    slashed::entry(row, &expiry, |row, expiry| {
        let (underlying, cycle) = underlying_and_cycle(segment, present(symbol), trading_symbol, expiry, contract);
        derivative::entry(row, &ContractTerms { underlying, expiry, contract, cycle })
    })
}

fn exchange_of(text: &str) -> Result<Exchange, Reason> {
    field::exchange(&text.to_uppercase(), "Exch is unknown")
}

fn token_of(exchange: &str, token: &str) -> Result<String, Reason> {
    match present(token) {
        "" => Err("Token is missing"),
        token => Ok(format!("{}|{token}", exchange.to_uppercase())),
    }
}

fn index_row(exchange: Exchange, symbol: &str, token: &str) -> Result<Entry, Reason> {
    let segment = index::segment_on(exchange).ok_or("Exch has no indices")?;
    let row = index::row_by_names(segment, symbol, "", token.to_owned())?;
    Ok(Entry::Row(Row { name: symbol.to_owned(), ..row }))
}

/// Returns the series of a security on NSE, which follows the symbol in the trading symbol, or its group.
fn series_of<'a>(exchange: Exchange, symbol: &str, trading_symbol: &'a str, group: &'a str) -> &'a str {
    let after_symbol = trading_symbol.strip_prefix(symbol).and_then(|rest| rest.strip_prefix('-'));
    let series = after_symbol.filter(|series| exchange == Exchange::Nse && !series.is_empty());
    series.unwrap_or_else(|| present(group))
}

/// Returns the contract by its type: `OPTIDX` on most exchanges; on BSE, `SO`, `SF`, `IO` and `IF` for options and futures
/// on shares and indices.
fn contract_of(instrument: &str, option_type: &str, strike: &str) -> Result<Contract, Reason> {
    let is_option = instrument.starts_with("OPT") || matches!(instrument, "SO" | "IO");
    let is_future = instrument.starts_with("FUT") || matches!(instrument, "SF" | "IF");
    let strike = || field::price(strike).ok_or("Strike Price is not a positive number");
    match present(option_type) {
        "CE" if is_option => Ok(Contract::Call(strike()?)),
        "PE" if is_option => Ok(Contract::Put(strike()?)),
        "XX" | "FF" | "" if is_future => Ok(Contract::Future),
        _ => Err("Option Type does not match the Instrument Type"),
    }
}

/// Writes the year first in an expiry such as `26-09-2024`, which other files write as `2024-09-26`. The position of the
/// year determines the order.
fn year_first(expiry: &str) -> Cow<'_, str> {
    let parts: Vec<&str> = expiry.split(' ').next().unwrap_or_default().split('-').collect();
    match parts[..] {
        [day, month, year] if year.len() == 4 && month.bytes().all(|b| b.is_ascii_digit()) => {
            Cow::Owned(format!("{year}-{month}-{day}"))
        }
        _ => Cow::Borrowed(expiry),
    }
}

#[cfg(test)]
mod tests;
