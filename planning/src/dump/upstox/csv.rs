//! The CSV form, the older one, with Kite's symbols.
//!
//! It has ISINs only within the key, a series only at the end of a symbol, and two quirks: a BSE currency option has the
//! type of a future, and an MCX option has `FUTCOM`.

use std::io::BufRead;

use super::{EXPECTED, Form, class_and_isin, exchange_of, index_row, is_index, split_key};
use crate::dump::field::{self, Reason};
use crate::dump::slashed::{self, Expiry};
use crate::dump::symbol::{self, Contract};
use crate::dump::table::{Column, Lines, Table, needed};
use crate::dump::{DumpError, Entry, OnEntry, Row, security};
use crate::vocabulary::{Exchange, InstrumentType, Segment};

const COLUMNS: [Column; 10] = [
    needed("instrument_key"),
    needed("tradingsymbol"),
    needed("name"),
    needed("expiry"),
    needed("strike"),
    needed("tick_size"),
    needed("lot_size"),
    needed("instrument_type"),
    needed("option_type"),
    needed("exchange"),
];

const BAD_SYMBOL: Reason = "tradingsymbol is empty, too long or has unprintable characters";

pub(super) fn read_rows<R: BufRead>(lines: Lines<R>, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    Table::of(lines, EXPECTED)?.read(COLUMNS, on_entry, entry_of)
}

fn entry_of(fields: [&str; COLUMNS.len()]) -> Result<Entry, Reason> {
    let [key, symbol, name, expiry, strike, tick_size, lot_size, instrument_type, option_type, segment] = fields;
    let (segment, id) = split_key(key, segment)?;
    if is_index(segment) != (instrument_type == "INDEX") {
        return Err("instrument_type does not match the segment");
    }
    if is_index(segment) {
        return index_row(segment, key, id, name, symbol).map(Entry::Row);
    }

    let tick_size = field::price(tick_size).and_then(|step| Form::UpstoxCsv.tick_size(segment, step));
    let exchange = exchange_of(segment);
    let row = Row {
        exchange,
        symbol: field::symbol(exchange, symbol).ok_or(BAD_SYMBOL)?,
        alias: None,
        name: name.to_owned(),
        segment,
        class: InstrumentType::Debt,
        isin: None,
        series: None,
        underlying: None,
        expiry: None,
        strike: None,
        tick_size: tick_size.ok_or("tick_size is not a positive number")?,
        lot_size: field::lot_size(lot_size).ok_or("lot_size is not a positive integer")?,
        token: key.to_owned(),
    };
    match segment {
        Segment::NseEquity | Segment::BseEquity => {
            let (class, isin) = class_and_isin(id);
            let of_symbol = || security::series_of(symbol).or_else(|| security::series_of_government(symbol, id));
            let series = if exchange == Exchange::Nse { of_symbol() } else { None };
            security::named(Row { class, isin, ..row }, symbol, series).map(Entry::Row).ok_or(BAD_SYMBOL)
        }
        _ => {
            let contract = contract_of(symbol, option_type, strike)?;
            let symbols = [symbol, ""];
            let expiry = Expiry { column: "expiry", text: expiry, reason: "expiry is not a date", symbols };
            slashed::entry(row, &expiry, |row, expiry| {
                let underlying = symbol::underlying_of(symbol, expiry, contract)
                    .ok_or("tradingsymbol does not end in the expiry and strike")?;
                let row = Row {
                    class: contract.class(),
                    lot_size: Form::UpstoxCsv.lot_size(segment, underlying, row.lot_size),
                    underlying: Some(underlying.to_owned()),
                    expiry: Some(expiry),
                    strike: contract.strike(),
                    ..row
                };
                symbol::check_expiry(&row)?;
                Ok(Entry::Row(row))
            })
        }
    }
}

/// Reads the type from the end of the symbol, because `option_type` is `FF` for more than futures.
fn contract_of(symbol: &str, option_type: &str, strike: &str) -> Result<Contract, Reason> {
    let strike = || field::price(strike).ok_or("strike is not a positive number");
    let (kind, contract) = if symbol.ends_with("FUT") {
        ("FF", Contract::Future)
    } else if symbol.ends_with("CE") {
        ("CE", Contract::Call(strike()?))
    } else if symbol.ends_with("PE") {
        ("PE", Contract::Put(strike()?))
    } else {
        return Err("tradingsymbol is not that of a future or an option");
    };
    match option_type {
        "CE" | "PE" | "FF" if option_type == kind || option_type == "FF" => Ok(contract),
        _ => Err("option_type contradicts tradingsymbol"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::testing::only;
    use crate::instrument::Amount;

    /// Reads one row, given without the columns that are not used.
    fn read_row(row: &str) -> Result<Row, Reason> {
        let file = format!(
            "instrument_key,tradingsymbol,name,expiry,strike,tick_size,lot_size,instrument_type,option_type,exchange\n{row}\n"
        );
        only(|on_entry| read_rows(Lines::new(file.as_bytes()), on_entry))
    }

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn an_option_is_read() {
        let row = read_row(
            r#""BSE_FO|77","SENSEX5024OCT26200CE","","2024-10-31","26200","0.05","25","OPTIDX","CE","BSE_FO""#,
        );

        let expected = Row {
            exchange: Exchange::Bfo,
            symbol: "SENSEX5024OCT26200CE".into(),
            alias: None,
            name: String::new(),
            segment: Segment::BseDerivative,
            class: InstrumentType::Call,
            isin: None,
            series: None,
            underlying: Some("SENSEX50".into()),
            expiry: chrono::NaiveDate::from_ymd_opt(2024, 10, 31),
            strike: Some(amount("26200")),
            tick_size: amount("0.05"),
            lot_size: 25,
            token: "BSE_FO|77".into(),
        };
        assert_eq!(row, Ok(expected));
    }

    #[test]
    fn the_isin_in_the_key_determines_the_type() {
        for (key, isin, class) in [
            ("NSE_EQ|INE002A01018", Some("INE002A01018"), InstrumentType::Equity),
            ("NSE_EQ|IN4520230272", Some("IN4520230272"), InstrumentType::Debt),
            ("NSE_EQ|INF204KB18G7", Some("INF204KB18G7"), InstrumentType::Fund),
            ("NSE_EQ|DUMMYSAN005", None, InstrumentType::Debt),
        ] {
            let row = read_row(&format!("{key},A,A LIMITED,,,0.01,1,EQUITY,,NSE_EQ")).unwrap();
            assert_eq!(row.isin.as_deref(), isin, "{key}");
            assert_eq!(row.class, class, "{key}");
            assert_eq!(row.tick_size, amount("0.01"));
            assert_eq!(row.token.as_str(), key);
        }
    }

    #[test]
    fn a_series_is_read_from_the_end_of_the_symbol() {
        for (segment, symbol, series) in [
            ("NSE_EQ", "TESTCO-SM", Some("SM")),
            ("NSE_EQ", "BAJAJ-AUTO", None),
            ("NSE_EQ", "TCS", None),
            ("BSE_EQ", "TESTCO-SM", None),
        ] {
            let row = read_row(&format!("{segment}|INE002A01018,{symbol},A,,,0.01,1,EQUITY,,{segment}")).unwrap();
            assert_eq!(row.symbol.as_str(), symbol);
            assert_eq!(row.series.as_deref(), series);
        }
    }

    #[test]
    fn the_isin_determines_the_series_of_a_government_security() {
        let row = read_row("NSE_EQ|IN1620220062,774HR35,SDL,,,0.01,100,EQUITY,,NSE_EQ").unwrap();
        assert_eq!(row.symbol.as_str(), "774HR35-SG");
        assert_eq!(row.series.as_deref(), Some("SG"));
        let row = read_row("BSE_EQ|IN1620220062,774HR35,SDL,,,0.01,100,EQUITY,,BSE_EQ").unwrap();
        assert_eq!(row.symbol.as_str(), "774HR35");
        assert_eq!(row.series.as_deref(), None);
    }

    #[test]
    fn the_symbol_of_an_index_is_its_name_in_capitals() {
        let row = read_row("NSE_INDEX|Nifty Bank,,Nifty Bank,,,,,INDEX,,NSE_INDEX").unwrap();
        assert_eq!(row.symbol.as_str(), "NIFTY BANK");
        assert_eq!(row.alias.as_deref(), Some("BANKNIFTY"));
        assert_eq!(row.class, InstrumentType::Index);
        assert_eq!(row.tick_size, Amount::ZERO);
        assert_eq!(row.lot_size, 0);

        let row = read_row("MCX_INDEX|MCXBULLDEX,,MCXBULLDEX,,,,,INDEX,,MCX_INDEX").unwrap();
        assert_eq!(row.exchange, Exchange::Mcx);
        assert_eq!(row.segment, Segment::McxIndex);
        assert_eq!(row.alias, None);
    }

    #[test]
    fn an_option_labeled_as_a_future_is_an_option() {
        let row = read_row("BCD_FO|5,726GS203324DEC103.75PE,,2024-12-26,103.75,0.25,1,FUTCUR,FF,BCD_FO").unwrap();
        assert_eq!(row.class, InstrumentType::Put);
        assert_eq!(row.underlying.as_deref(), Some("726GS2033"));
        assert_eq!(row.strike, Some(amount("103.75")));
        assert_eq!(row.tick_size, amount("0.0025"));

        let row = read_row("MCX_FO|5,SILVERM24NOV83250CE,SILVER,2024-11-20,83250,50.0,5,FUTCOM,CE,MCX_FO").unwrap();
        assert_eq!(row.class, InstrumentType::Call);
        assert_eq!(row.underlying.as_deref(), Some("SILVERM"));
        assert_eq!(row.tick_size, amount("0.5"));

        let row = read_row("NCD_FO|5,EURINR24N14FUT,,2024-11-14,0,0.25,1,FUTCUR,FF,NCD_FO").unwrap();
        assert_eq!(row.class, InstrumentType::Future);
        assert_eq!(row.strike, None);
        assert_eq!(row.tick_size, amount("0.0025"));
    }

    #[test]
    fn commodities_have_steps_in_paise_and_units_if_known() {
        for (row, tick_size, lot_size) in [
            ("NSE_COM|9001,SILVER27APR257500CE,SILVER,2027-04-29,257500.0,50.0,1,OPTFUT,CE,NSE_COM", "0.5", 0),
            ("MCX_FO|5,CRUDEOIL24SEPFUT,CRUDE OIL,2024-09-19,0,100.0,100,FUTCOM,FF,MCX_FO", "1", 100),
            ("MCX_FO|5,GOLD24OCTFUT,GOLD,2024-10-04,0,100.0,1,FUTCOM,FF,MCX_FO", "1", 0),
            ("NCD_FO|5,USDINR24SEPFUT,,2024-09-26,0,0.25,1,FUTCUR,FF,NCD_FO", "0.0025", 0),
        ] {
            let row = read_row(row).unwrap();
            assert_eq!(row.tick_size, amount(tick_size), "{}", row.symbol);
            assert_eq!(row.lot_size, lot_size, "{}", row.symbol);
        }
    }

    #[test]
    fn a_bad_field_rejects_the_row_with_its_reason() {
        for (row, reason) in [
            ("NSE_EQ|INE002A01018,A,A,,,0.05,1,EQUITY,,LSE_EQ", "segment is unknown"),
            ("BSE_EQ|INE002A01018,A,A,,,0.05,1,EQUITY,,NSE_EQ", "instrument_key does not match the segment"),
            ("NSE_EQ|,A,A,,,0.05,1,EQUITY,,NSE_EQ", "instrument_key does not match the segment"),
            (
                "NSE_EQ|INE002A01018,,A,,,0.05,1,EQUITY,,NSE_EQ",
                "tradingsymbol is empty, too long or has unprintable characters",
            ),
            ("NSE_EQ|INE002A01018,A,A,,,NaN,1,EQUITY,,NSE_EQ", "tick_size is not a positive number"),
            ("NSE_EQ|INE002A01018,A,A,,,0.05,,EQUITY,,NSE_EQ", "lot_size is not a positive integer"),
            ("NSE_INDEX|Nifty 50,A,A,,,0.05,1,EQUITY,,NSE_INDEX", "instrument_type does not match the segment"),
            ("NSE_EQ|INE002A01018,A,A,,,0.05,1,INDEX,,NSE_EQ", "instrument_type does not match the segment"),
            ("NSE_FO|5,A24SEPFUT,,,0,0.05,1,FUTSTK,FF,NSE_FO", "expiry is not a date"),
            (
                "NSE_FO|5,A24SEPFUT,,2024-10-31,0,0.05,1,FUTSTK,FF,NSE_FO",
                "the symbol names another expiry than the row",
            ),
            ("NSE_FO|5,A24SEP5CE,,2024-09-26,,0.05,1,OPTSTK,CE,NSE_FO", "strike is not a positive number"),
            ("NSE_FO|5,A24SEP5CE,,2024-09-26,5,0.05,1,OPTSTK,PE,NSE_FO", "option_type contradicts tradingsymbol"),
            ("NSE_FO|5,A24SEP5CE,,2024-09-26,5,0.05,1,OPTSTK,,NSE_FO", "option_type contradicts tradingsymbol"),
            (
                "NSE_FO|5,A24SEP,,2024-09-26,5,0.05,1,OPTSTK,CE,NSE_FO",
                "tradingsymbol is not that of a future or an option",
            ),
            (
                "NSE_FO|5,A24SEP6CE,,2024-09-26,5,0.05,1,OPTSTK,CE,NSE_FO",
                "tradingsymbol does not end in the expiry and strike",
            ),
        ] {
            assert_eq!(read_row(row), Err(reason), "{row}");
        }
    }
}
