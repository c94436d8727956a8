//! Groww's file: one CSV. The order of its columns changes.
//!
//! Strikes are in rupees. The file does not show which expiry is the monthly one. The feed identifies an instrument by
//! exchange, segment and number, and so does a token: `NSE|FNO|52175`.

use std::io::BufRead;

use super::derivative::{self, ContractTerms};
use super::field::{self, Reason, present};
use super::slashed::{self, Expiry};
use super::symbol::Contract;
use super::table::{Column, Table, needed, optional};
use super::units::Form;
use super::{DumpError, Entry, OnEntry, Row, index, security};
use crate::vocabulary::{Exchange, Segment};

const EXPECTED: &str = "a CSV with the columns of Groww's instruments";

const COLUMNS: [Column; 13] = [
    needed("exchange"),
    needed("exchange_token"),
    needed("trading_symbol"),
    needed("instrument_type"),
    needed("segment"),
    needed("underlying_symbol"),
    needed("lot_size"),
    needed("expiry_date"),
    needed("strike_price"),
    needed("tick_size"),
    optional("name"),
    optional("series"),
    optional("isin"),
];

pub(super) fn read_rows(reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    Table::open(reader, EXPECTED)?.read(COLUMNS, on_entry, entry_of)
}

fn entry_of(fields: [&str; COLUMNS.len()]) -> Result<Entry, Reason> {
    let [exchange, id, symbol, kind, segment, underlying, lot_size, expiry, strike, tick_size, name, series, isin] =
        fields;
    let unknown = "segment does not exist on the exchange";
    let known = segment_of(field::exchange(exchange, unknown)?, segment).ok_or(unknown)?;
    if present(id).is_empty() {
        return Err("exchange_token is missing");
    }
    let token = format!("{exchange}|{segment}|{id}");
    let is_cash = matches!(known, Segment::NseEquity | Segment::BseEquity);
    if matches!(kind, "IDX" | "INDEX") {
        let segment = index::segment_on(field::exchange_of(known)).filter(|_| is_cash);
        let segment = segment.ok_or("instrument_type does not match the segment")?;
        return index::row_by_names(segment, symbol, name, token).map(Entry::Row);
    }

    let row = Row {
        name: name.to_owned(),
        tick_size: field::price(tick_size)
            .and_then(|step| Form::Groww.tick_size(known, step))
            .ok_or("tick_size is not a positive number")?,
        lot_size: field::lot_size(lot_size).ok_or("lot_size is not a positive integer")?,
        ..Row::bare(known, token)
    };
    let strike = || field::price(strike).ok_or("strike_price is not a positive number");
    let contract = match (kind, is_cash) {
        ("EQ", true) => {
            let row = security::row(row, symbol, series, isin);
            return row.map(Entry::Row).ok_or("trading_symbol is empty, too long or has unprintable characters");
        }
        ("FUT", false) => Contract::Future,
        ("CE", false) => Contract::Call(strike()?),
        ("PE", false) => Contract::Put(strike()?),
        _ => return Err("instrument_type does not match the segment"),
    };
    let underlying = present(underlying);
    let row = Row { lot_size: Form::Groww.lot_size(known, underlying, row.lot_size), ..row };
    let reason = "expiry_date is not a date";
    let expiry = Expiry { column: "expiry_date", text: expiry, reason, symbols: [symbol, ""] };
    slashed::entry(row, &expiry, |row, expiry| {
        derivative::entry(row, &ContractTerms { underlying, expiry, contract, cycle: None })
    })
}

fn segment_of(exchange: Exchange, segment: &str) -> Option<Segment> {
    match (exchange, segment) {
        (Exchange::Nse, "CASH") => Some(Segment::NseEquity),
        (Exchange::Bse, "CASH") => Some(Segment::BseEquity),
        (Exchange::Nse, "FNO") => Some(Segment::NseDerivative),
        (Exchange::Bse, "FNO") => Some(Segment::BseDerivative),
        (Exchange::Nse, "CURRENCY") => Some(Segment::NseCurrency),
        (Exchange::Bse, "CURRENCY") => Some(Segment::BseCurrency),
        (Exchange::Nse, "COMMODITY") => Some(Segment::NseCommodity),
        (Exchange::Mcx, "COMMODITY") => Some(Segment::McxCommodity),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::testing::{only, outcomes};
    use crate::instrument::Amount;
    use crate::vocabulary::InstrumentType;

    const HEADER: &str = "exchange,exchange_token,trading_symbol,groww_symbol,name,instrument_type,segment,series,isin,\
        underlying_symbol,underlying_exchange_token,expiry_date,strike_price,lot_size,tick_size";

    fn read_row(row: &str) -> Result<Row, Reason> {
        let file = format!("{HEADER}\n{row}\n");
        only(|on_entry| read_rows(file.as_bytes(), on_entry))
    }

    const OPTION: &str = "NSE,71001,NIFTY3190224350CE,NSE-NIFTY-02Sep31-24350-CE,NIFTY 02 Sep,CE,FNO,,,NIFTY,26000,2031-09-02,24350.0,65,0.05";
    const EQUITY: &str = "NSE,2885,RELIANCE,NSE-RELIANCE,Reliance Industries,EQ,CASH,EQ,INE002A01018,,,,,1,0.1";

    #[test]
    fn the_cycle_of_an_option_is_undecided() {
        let file = format!("{HEADER}\n{OPTION}\n");
        let mut entries = Vec::new();
        read_rows(file.as_bytes(), &mut |_, entry| entries.push(entry)).unwrap();

        let expected = Row {
            exchange: Exchange::Nfo,
            symbol: "NIFTY3190224350CE".into(),
            alias: None,
            name: "NIFTY 02 Sep".into(),
            segment: Segment::NseDerivative,
            class: InstrumentType::Call,
            isin: None,
            series: None,
            underlying: Some("NIFTY".into()),
            expiry: chrono::NaiveDate::from_ymd_opt(2031, 9, 2),
            strike: Amount::parse("24350"),
            tick_size: Amount::parse("0.05").unwrap(),
            lot_size: 65,
            token: "NSE|FNO|71001".into(),
        };
        assert_eq!(entries, [Entry::Undecided(expected)]);
    }

    #[test]
    fn columns_may_be_in_any_order() {
        let file = "lot_size\ttick_size\tinstrument_type\texpiry_date\tsegment\tunderlying_symbol\tstrike_price\t\
            trading_symbol\texchange_token\texchange\n\
            30\t1\tFUT\t2031-09-05\tCOMMODITY\tSILVERM\t\tSILVERM05SEP31FUT\t9\tMCX\n";
        let row = only(|on_entry| read_rows(file.as_bytes(), on_entry)).unwrap();
        assert_eq!(row.exchange, Exchange::Mcx);
        assert_eq!(row.symbol.as_str(), "SILVERM31SEPFUT");
        assert_eq!(row.lot_size, 30);
    }

    #[test]
    fn steps_of_commodities_are_in_paise() {
        let row = "MCX,571366,COPPER24AUG261375PE,MCX-COPPER-24Aug26-1375-PE,,PE,COMMODITY,,MCX_COPPER24AUG261375PE,\
            COPPER,,2026-08-24,1375,2500,1.0";
        let mcx = read_row(row).unwrap();
        assert_eq!(mcx.tick_size, Amount::parse("0.01").unwrap());
        assert_eq!(mcx.lot_size, 2500);
        assert_eq!(mcx.symbol.as_str(), "COPPER26AUG1375PE");
        assert_eq!(mcx.isin, None);
        let nse = read_row(&row.replace("MCX,571366", "NSE,121652")).unwrap();
        assert_eq!(nse.exchange, Exchange::Nco);
        assert_eq!(nse.tick_size, mcx.tick_size);
    }

    #[test]
    fn the_isin_determines_the_type_of_a_security() {
        let row = read_row(EQUITY).unwrap();
        assert_eq!(row.symbol.as_str(), "RELIANCE");
        assert_eq!(row.class, InstrumentType::Equity);
        assert_eq!(row.series.as_deref(), Some("EQ"));
        assert_eq!(row.isin.as_deref(), Some("INE002A01018"));
        assert_eq!(row.token.as_str(), "NSE|CASH|2885");
        assert_eq!(row.name, "Reliance Industries");
        let row = read_row(&EQUITY.replace("CASH,EQ,INE", "CASH,BE,INE")).unwrap();
        assert_eq!(row.symbol.as_str(), "RELIANCE-BE");
        assert_eq!(row.series.as_deref(), Some("BE"));
    }

    #[test]
    fn an_index_has_kites_symbol() {
        let row = read_row("NSE,NIFTY,NIFTY,NSE-NIFTY,NIFTY 50,IDX,CASH,,,,,,,,").unwrap();
        assert_eq!(row.symbol.as_str(), "NIFTY 50");
        assert_eq!(row.alias.as_deref(), Some("NIFTY"));
        assert_eq!(row.segment, Segment::NseIndex);
        assert_eq!(row.lot_size, 0);
        assert_eq!(read_row("BSE,1,SENSEX,BSE-SENSEX,BSE Sensex,IDX,CASH,,,,,,,,").unwrap().symbol, "SENSEX");
    }

    #[test]
    fn a_bad_field_rejects_the_row_with_its_reason() {
        for (row, reason) in [
            (EQUITY.replace("NSE,2885", "NYSE,2885"), "segment does not exist on the exchange"),
            (EQUITY.replace("CASH", "FNO"), "instrument_type does not match the segment"),
            (EQUITY.replace(",2885,", ",nan,"), "exchange_token is missing"),
            (EQUITY.replace(",RELIANCE,", ",,"), "trading_symbol is empty, too long or has unprintable characters"),
            (EQUITY.replace("0.1", "nan"), "tick_size is not a positive number"),
            (EQUITY.replace(",1,0.1", ",,0.1"), "lot_size is not a positive integer"),
            (OPTION.replace("CE,FNO", "IDX,FNO"), "instrument_type does not match the segment"),
            (OPTION.replace("CE,FNO", "CE,CASH"), "instrument_type does not match the segment"),
            (OPTION.replace("2031-09-02", ""), "expiry_date is not a date"),
            (OPTION.replace("24350.0", ""), "strike_price is not a positive number"),
            (OPTION.replace(",NIFTY,26000", ",nan,26000"), "name of the underlying is missing"),
            (
                OPTION.replace(",NIFTY,26000", ",N\u{7}Y,26000"),
                "name of the underlying is too long or has unprintable characters",
            ),
        ] {
            assert_eq!(read_row(&row), Err(reason), "{row}");
        }
    }

    #[test]
    fn a_file_in_another_form_is_rejected() {
        let kite =
            "instrument_token,exchange_token,tradingsymbol,name,expiry,strike,tick_size,lot_size,segment,exchange\n";
        for (file, found) in [
            ("", "nothing"),
            ("<!DOCTYPE html>\n<html></html>", "`<!DOCTYPE html>`"),
            (kite, "a header without the column `trading_symbol`"),
            ("exchange,trading_symbol\n", "a header without the column `exchange_token`"),
        ] {
            let error = outcomes(|on_entry| read_rows(file.as_bytes(), on_entry)).unwrap_err();
            assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
        }
    }
}
