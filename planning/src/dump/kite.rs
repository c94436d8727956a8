//! Kite's file: a CSV whose symbols are those of keys.
//!
//! It has no ISINs, so the type of a cash security follows from the rest of its row: an ordinary share, unless it has
//! no name or its symbol ends in a series that is not one of shares.

use std::io::BufRead;

use super::field::{self, Reason};
use super::security::series_of;
use super::slashed::{self, Expiry};
use super::symbol::{self, Contract};
use super::table::{Column, Table, needed};
use super::units::Form;
use super::{DumpError, Entry, OnEntry, Row, index};
use crate::instrument::Amount;
use crate::series;
use crate::vocabulary::{Exchange, InstrumentType, Segment};

const EXPECTED: &str = "a CSV with the columns of Kite's instruments";

const COLUMNS: [Column; 10] = [
    needed("instrument_token"),
    needed("tradingsymbol"),
    needed("name"),
    needed("expiry"),
    needed("strike"),
    needed("tick_size"),
    needed("lot_size"),
    needed("instrument_type"),
    needed("segment"),
    needed("exchange"),
];

pub(super) fn read_rows(reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    Table::open(reader, EXPECTED)?.read(COLUMNS, on_entry, entry_of)
}

fn entry_of(fields: [&str; COLUMNS.len()]) -> Result<Entry, Reason> {
    let [token, symbol, name, expiry, strike, tick_size, lot_size, instrument_type, segment, exchange] = fields;
    // The feed identifies an instrument by four bytes.
    if !matches!(token.parse::<u32>(), Ok(1..)) {
        return Err("instrument_token is not a positive 32-bit integer");
    }
    let exchange = field::exchange(exchange, "exchange is unknown")?;
    let is_index = segment == "INDICES";
    if !is_index && segment.split('-').next() != Some(exchange.as_str()) {
        return Err("segment does not belong to the exchange");
    }

    let unpriced = Row {
        exchange,
        symbol: field::symbol(exchange, symbol)
            .ok_or("tradingsymbol is empty, too long or has unprintable characters")?,
        alias: None,
        name: name.to_owned(),
        segment: segment_of(exchange, is_index).ok_or("segment does not exist on the exchange")?,
        class: InstrumentType::Index,
        isin: None,
        series: None,
        underlying: None,
        expiry: None,
        strike: None,
        tick_size: Amount::ZERO,
        lot_size: 0,
        token: token.to_owned(),
    };
    if is_index {
        // A name may be in another case in another file; an unknown one stays as it is.
        let symbol = index::known_symbol(unpriced.segment, symbol).unwrap_or(symbol).to_owned();
        let alias = index::alias_of(unpriced.segment, &symbol);
        return Ok(Entry::Row(Row { alias, symbol, ..unpriced }));
    }

    let row = Row {
        tick_size: field::price(tick_size)
            .and_then(|step| Form::Kite.tick_size(unpriced.segment, step))
            .ok_or("tick_size is not a positive number")?,
        lot_size: field::lot_size(lot_size)
            .map(|figure| Form::Kite.lot_size(unpriced.segment, name, figure))
            .ok_or("lot_size is not a positive integer")?,
        ..unpriced
    };
    let strike = || field::price(strike).ok_or("strike is not a positive number");
    let contract = match instrument_type {
        "EQ" => return cash_row(row).map(Entry::Row),
        "FUT" => Contract::Future,
        "CE" => Contract::Call(strike()?),
        "PE" => Contract::Put(strike()?),
        _ => return Err("instrument_type is unknown"),
    };
    if matches!(exchange, Exchange::Nse | Exchange::Bse) {
        return Err("instrument_type is not traded on the exchange");
    }
    if name.is_empty() {
        return Err("name of the underlying is missing");
    }
    let row = Row { class: contract.class(), underlying: Some(name.to_owned()), strike: contract.strike(), ..row };
    let expiry = Expiry { column: "expiry", text: expiry, reason: "expiry is not a date", symbols: [symbol, ""] };
    slashed::entry(row, &expiry, |row, expiry| {
        let row = Row { expiry: Some(expiry), ..row };
        symbol::check_expiry(&row)?;
        Ok(Entry::Row(row))
    })
}

fn segment_of(exchange: Exchange, is_index: bool) -> Option<Segment> {
    match (exchange, is_index) {
        (Exchange::Nse, false) => Some(Segment::NseEquity),
        (Exchange::Bse, false) => Some(Segment::BseEquity),
        (Exchange::Nse, true) => Some(Segment::NseIndex),
        (Exchange::Bse, true) => Some(Segment::BseIndex),
        (Exchange::Mcx, true) => Some(Segment::McxIndex),
        (Exchange::Global, true) => Some(Segment::GlobalIndex),
        (Exchange::Nseix, _) => Some(Segment::NseInternational),
        (Exchange::Nfo, false) => Some(Segment::NseDerivative),
        (Exchange::Bfo, false) => Some(Segment::BseDerivative),
        (Exchange::Cds, false) => Some(Segment::NseCurrency),
        (Exchange::Bcd, false) => Some(Segment::BseCurrency),
        (Exchange::Nco, false) => Some(Segment::NseCommodity),
        (Exchange::Mcx, false) => Some(Segment::McxCommodity),
        (Exchange::Global, false) => None,
        (Exchange::Nfo | Exchange::Bfo | Exchange::Cds | Exchange::Bcd | Exchange::Nco, true) => None,
    }
}

/// Completes a row of type `EQ`, which Kite uses for every security and for commodities themselves.
fn cash_row(row: Row) -> Result<Row, Reason> {
    let (class, series) = match row.exchange {
        Exchange::Nse => {
            let series = series_of(&row.symbol).unwrap_or(series::ORDINARY);
            let class = if row.name.is_empty() { InstrumentType::Debt } else { series::class_of(series) };
            (class, Some(series.to_owned()))
        }
        Exchange::Bse if row.name.is_empty() => (InstrumentType::Debt, None),
        Exchange::Bse => (InstrumentType::Equity, None),
        Exchange::Mcx | Exchange::Nco => (InstrumentType::Commodity, None),
        _ => return Err("instrument_type is not traded on the exchange"),
    };
    Ok(Row { class, series, ..row })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::testing::only;
    use crate::dump::{Entry, Rejection};

    const HEADER: &str = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,\
        lot_size,instrument_type,segment,exchange";

    fn read_row(row: &str) -> Result<Row, Reason> {
        let file = format!("{HEADER}\n{row}");
        only(|on_entry| read_rows(file.as_bytes(), on_entry))
    }

    #[test]
    fn an_option_is_read() {
        let row = read_row("16777474,65537,NIFTY2681824350CE,\"NIFTY\",0.0,2026-08-18,24350.0,0.05,65,CE,NFO-OPT,NFO");

        let expected = Row {
            exchange: Exchange::Nfo,
            symbol: "NIFTY2681824350CE".into(),
            alias: None,
            name: "NIFTY".into(),
            segment: Segment::NseDerivative,
            class: InstrumentType::Call,
            isin: None,
            series: None,
            underlying: Some("NIFTY".into()),
            expiry: chrono::NaiveDate::from_ymd_opt(2026, 8, 18),
            strike: Amount::parse("24350"),
            tick_size: Amount::parse("0.05").unwrap(),
            lot_size: 65,
            token: "16777474".into(),
        };
        assert_eq!(row, Ok(expected));
    }

    #[test]
    fn a_future_has_no_strike() {
        let row = read_row("1,1,GOLDM26SEPFUT,GOLDM,0,2026-09-04,0,1,10,FUT,MCX-FUT,MCX").unwrap();
        assert_eq!(row.class, InstrumentType::Future);
        assert_eq!(row.segment, Segment::McxCommodity);
        assert_eq!(row.strike, None);
        assert_eq!(row.underlying.as_deref(), Some("GOLDM"));
    }

    #[test]
    fn an_index_has_neither_tick_nor_lot() {
        let row = read_row("9,1,NIFTY 50,NIFTY 50,0,,0,0.05,1,EQ,INDICES,NSE").unwrap();
        assert_eq!(row.class, InstrumentType::Index);
        assert_eq!(row.segment, Segment::NseIndex);
        assert_eq!(row.alias.as_deref(), Some("NIFTY"));
        assert_eq!(row.tick_size, Amount::ZERO);
        assert_eq!(row.lot_size, 0);

        let row = read_row("9,1,SENSEX,SENSEX,0,,0,0,0,EQ,INDICES,BSE").unwrap();
        assert_eq!(row.class, InstrumentType::Index);
        assert_eq!(row.segment, Segment::BseIndex);
        assert_eq!(row.alias, None);

        for symbol in ["Nifty500 LowVol50", "NIFTY500 LOWVOL50"] {
            let row = read_row(&format!("9,1,{symbol},X,0,,0,0,0,EQ,INDICES,NSE")).unwrap();
            assert_eq!(row.symbol.as_str(), "Nifty500 LowVol50");
            assert_eq!(row.alias.as_deref(), Some("NIFTY500 LOWVOL50"));
        }
        let row = read_row("9,1,Nifty New,X,0,,0,0,0,EQ,INDICES,NSE").unwrap();
        assert_eq!(row.symbol.as_str(), "Nifty New");
        assert_eq!(row.alias.as_deref(), Some("NIFTY NEW"));
    }

    #[test]
    fn the_series_determines_the_type_of_a_security() {
        for (symbol, name, exchange, class, series) in [
            ("RELIANCE", "RELIANCE INDUSTRIES", "NSE", InstrumentType::Equity, Some("EQ")),
            ("BAJAJ-AUTO", "BAJAJ AUTO", "NSE", InstrumentType::Equity, Some("EQ")),
            ("SMALLCO-BE", "SMALL COMPANY", "NSE", InstrumentType::Equity, Some("BE")),
            ("TRUST-IV", "INFRASTRUCTURE TRUST", "NSE", InstrumentType::Fund, Some("IV")),
            ("EMBASSY-RR", "EMBASSY OFFICE PARKS REIT", "NSE", InstrumentType::Fund, Some("RR")),
            ("AIRTELPP-E1", "BHARTI AIRTEL RE.1.25 PPD", "NSE", InstrumentType::Equity, Some("E1")),
            ("76BOND31-N0", "", "NSE", InstrumentType::Debt, Some("N0")),
            ("GOLDBOND-GB", "GOLD BOND", "NSE", InstrumentType::Debt, Some("GB")),
            ("RELIANCE", "RELIANCE INDUSTRIES", "BSE", InstrumentType::Equity, None),
            ("75BOND31", "", "BSE", InstrumentType::Debt, None),
            ("GOLD", "GOLD", "NCO", InstrumentType::Commodity, None),
        ] {
            let row = read_row(&format!("1,1,{symbol},{name},0,,0,0.05,1,EQ,{exchange},{exchange}")).unwrap();
            assert_eq!(row.class, class, "{symbol}");
            assert_eq!(row.series.as_deref(), series, "{symbol}");
        }
    }

    #[test]
    fn a_bad_field_rejects_the_row_with_its_reason() {
        for (row, reason) in [
            (",1,A,A,0,,0,0.05,1,EQ,NSE,NSE", "instrument_token is not a positive 32-bit integer"),
            ("NaN,1,A,A,0,,0,0.05,1,EQ,NSE,NSE", "instrument_token is not a positive 32-bit integer"),
            ("0,1,A,A,0,,0,0.05,1,EQ,NSE,NSE", "instrument_token is not a positive 32-bit integer"),
            ("1,1,,A,0,,0,0.05,1,EQ,NSE,NSE", "tradingsymbol is empty, too long or has unprintable characters"),
            ("1,1,A,A,0,,0,0.05,1,EQ,NSE,NYSE", "exchange is unknown"),
            ("1,1,A,A,0,,0,0.05,1,EQ,BSE,NSE", "segment does not belong to the exchange"),
            ("1,1,A,A,0,,0,0.05,1,EQ,,NSE", "segment does not belong to the exchange"),
            ("1,1,A,A,0,,0,0,0,EQ,INDICES,NFO", "segment does not exist on the exchange"),
            ("1,1,A,A,0,,0,,1,EQ,NSE,NSE", "tick_size is not a positive number"),
            ("1,1,A,A,0,,0,0.05,0.5,EQ,NSE,NSE", "lot_size is not a positive integer"),
            ("1,1,A,A,0,,0,0.05,1,XX,NSE,NSE", "instrument_type is unknown"),
            ("1,1,A,A,0,,0,0.05,1,EQ,NFO-FUT,NFO", "instrument_type is not traded on the exchange"),
            ("1,1,A,A,0,2026-08-18,0,0.05,1,FUT,NSE,NSE", "instrument_type is not traded on the exchange"),
            ("1,1,A,A,0,,0,0.05,1,FUT,NFO-FUT,NFO", "expiry is not a date"),
            ("1,1,A,A,0,2026-02-30,0,0.05,1,FUT,NFO-FUT,NFO", "expiry is not a date"),
            ("1,1,A,A,0,2026-08-18,nan,0.05,1,CE,NFO-OPT,NFO", "strike is not a positive number"),
            ("1,1,A,,0,2026-08-18,5,0.05,1,PE,NFO-OPT,NFO", "name of the underlying is missing"),
            (
                "1,1,NIFTY26SEPFUT,NIFTY,0,2026-08-25,0,0.05,1,FUT,NFO-FUT,NFO",
                "the symbol names another expiry than the row",
            ),
        ] {
            assert_eq!(read_row(row), Err(reason), "{row}");
        }
    }

    #[test]
    fn a_rejected_row_has_its_line_and_text() {
        let file = format!("{HEADER}\n1,1,A,A,0,,0,0.05,1,EQ,NSE,NSE\n1,\"1\"\r\n");
        let mut entries = Vec::new();
        read_rows(file.as_bytes(), &mut |line, entry| entries.push((line, entry))).unwrap();

        assert!(matches!(entries[0], (2, Entry::Row(_))));
        let reason = "the row does not have as many fields as the header";
        assert_eq!(entries[1], (3, Entry::Rejected(Rejection { reason, text: "1,\"1\"".into() })));
    }

    #[test]
    fn a_file_in_another_form_is_rejected() {
        for (file, found) in [
            ("", "nothing"),
            ("<!DOCTYPE html>\n<html></html>", "`<!DOCTYPE html>`"),
            ("{\"status\": \"error\"}", "`{\"status\": \"error\"}`"),
            ("instrument_token,tradingsymbol,name\n1,A,A", "a header without the column `expiry`"),
        ] {
            let error = read_rows(file.as_bytes(), &mut |_, _| panic!("there is no row")).unwrap_err();
            assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
        }
    }
}
