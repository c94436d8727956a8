//! Angel One's file: a JSON array of objects whose values are all strings.
//!
//! Strikes are in paise, except that the strike of a currency is multiplied by ten million. The file has neither ISINs
//! nor a field for the monthly expiry. A number is unique only within a segment, so a token contains both: `NFO|45678`.

use std::io::BufRead;

use serde::Deserialize;

use super::derivative::{self, ContractTerms};
use super::field::{self, Reason};
use super::json::{Elements, Outer, Recognition, Scalar, another_form, parse, skip_space};
use super::slashed::{self, Expiry};
use super::symbol::Contract;
use super::units::Form;
use super::{DumpError, Entry, OnEntry, Row, hand_over, index, security};
use crate::instrument::Amount;
use crate::vocabulary::{Exchange, InstrumentType, Segment};

const EXPECTED: &str = "a JSON array of Angel One's instruments";

/// The factor by which the strike of a currency is multiplied.
const CURRENCY_SCALE: i64 = 10_000_000;

pub(super) fn read_rows(mut reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    if skip_space(&mut reader)?.next != Some(b'[') {
        return Err(another_form(reader, EXPECTED));
    }
    reader.consume(1);
    let mut elements = Elements::new(reader, Outer::Array, EXPECTED);
    let mut recognition = Recognition::by("exch_seg");
    while let Some((position, element)) = elements.next()? {
        let entry = parse(element).and_then(|fields: Fields<'_>| {
            recognition.count(&fields.exch_seg);
            entry_of(&fields)
        });
        hand_over(position, element, entry, on_entry);
    }
    recognition.check(EXPECTED)
}

/// The required fields, with values of any type.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    token: Scalar<'a>,
    symbol: Scalar<'a>,
    name: Scalar<'a>,
    expiry: Scalar<'a>,
    strike: Scalar<'a>,
    lotsize: Scalar<'a>,
    instrumenttype: Scalar<'a>,
    exch_seg: Scalar<'a>,
    tick_size: Scalar<'a>,
}

fn entry_of(fields: &Fields<'_>) -> Result<Entry, Reason> {
    let exchange = field::exchange(fields.exch_seg.text(), "exch_seg is unknown")?;
    let (symbol, name, kind) = (fields.symbol.text(), fields.name.text(), fields.instrumenttype.text());
    let id = fields.token.id();
    if id.is_empty() {
        return Err("token is missing");
    }
    let token = format!("{exchange}|{id}");
    if kind == "AMXIDX" {
        let segment = index::segment_on(exchange).ok_or("instrumenttype is not traded on the exchange")?;
        return index::row_by_names(segment, name, symbol, token).map(Entry::Row);
    }

    let segment = field::segment_carried(exchange)?;
    let tick_size = fields.tick_size.positive().and_then(|step| Form::Angel.tick_size(segment, step));
    let lot_size = fields.lotsize.lot_size().map(|figure| Form::Angel.lot_size(segment, name, figure));
    let row = Row {
        name: name.to_owned(),
        tick_size: tick_size.ok_or("tick_size is not a positive number")?,
        lot_size: lot_size.ok_or("lotsize is not a positive integer")?,
        ..Row::bare(segment, token)
    };
    let contract = match (kind.get(..3), symbol.get(symbol.len().saturating_sub(2)..)) {
        (None, _) if matches!(exchange, Exchange::Nse | Exchange::Bse) => return cash_row(row, symbol),
        _ if kind == "COMDTY" => return commodity_row(row, symbol),
        (Some("FUT"), _) => Contract::Future,
        (Some("OPT"), Some("CE")) => Contract::Call(strike_of(fields, row.segment)?),
        (Some("OPT"), Some("PE")) => Contract::Put(strike_of(fields, row.segment)?),
        (Some("OPT"), _) => return Err("symbol of an option does not end in CE or PE"),
        _ => return Err("instrumenttype is unknown"),
    };
    let text = fields.expiry.text();
    let expiry = Expiry { column: "expiry", text, reason: "expiry is not a date", symbols: [symbol, ""] };
    slashed::entry(row, &expiry, |row, expiry| {
        derivative::entry(row, &ContractTerms { underlying: name, expiry, contract, cycle: None })
    })
}

fn strike_of(fields: &Fields<'_>, segment: Segment) -> Result<Amount, Reason> {
    let scale = match segment {
        Segment::NseCurrency | Segment::BseCurrency => CURRENCY_SCALE,
        _ => 100,
    };
    let strike = fields.strike.positive().and_then(|strike| field::divided(strike, scale));
    strike.ok_or("strike is not a positive number")
}

/// Reads a security. Its symbol on NSE ends in its series: `FACT-EQ`.
fn cash_row(row: Row, symbol: &str) -> Result<Entry, Reason> {
    let series = security::series_of(symbol).filter(|_| row.exchange == Exchange::Nse);
    let symbol = series.map_or(symbol, |series| &symbol[..symbol.len() - series.len() - 1]);
    let class = security::class_by_symbol(row.exchange, symbol, series);
    let row = security::named(Row { class, ..row }, symbol, series);
    row.map(Entry::Row).ok_or("symbol is empty, too long or has unprintable characters")
}

/// Reads a commodity itself, to which futures refer.
fn commodity_row(row: Row, symbol: &str) -> Result<Entry, Reason> {
    if !matches!(row.segment, Segment::McxCommodity | Segment::NseCommodity) {
        return Err("instrumenttype is not traded on the exchange");
    }
    let symbol =
        field::symbol(row.exchange, symbol).ok_or("symbol is empty, too long or has unprintable characters")?;
    Ok(Entry::Row(Row { symbol, class: InstrumentType::Commodity, ..row }))
}

#[cfg(test)]
mod tests;
