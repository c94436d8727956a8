//! Nuvama's file: one CSV whose last column is prose with commas.
//!
//! Strikes are in rupees. A number is followed by its segment, `102750_NFO`, and is the token without changes. The
//! trading symbol of a security is its ISIN, and the symbol name is its symbol; the symbol name of a contract is its
//! underlying. The file does not show which expiry is the monthly one.

use std::io::BufRead;

use super::derivative::{self, ContractTerms};
use super::field::{self, Reason, present};
use super::slashed::{self, Expiry};
use super::symbol::Contract;
use super::table::{Column, Table, needed, optional};
use super::units::Form;
use super::{DumpError, Entry, OnEntry, Row, index, security};
use crate::vocabulary::Segment;

const EXPECTED: &str = "a CSV with the columns of Nuvama's instruments";

const COLUMNS: [Column; 13] = [
    needed("exchangetoken"),
    needed("tradingsymbol"),
    needed("symbolname"),
    needed("expiry"),
    needed("strikeprice"),
    needed("ticksize"),
    needed("lotsize"),
    needed("optiontype"),
    needed("assettype"),
    needed("exchange"),
    optional("description"),
    optional("series"),
    optional("isin"),
];

pub(super) fn read_rows(reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    Table::open(reader, EXPECTED)?.with_prose("asmgsmmsg").read(COLUMNS, on_entry, entry_of)
}

fn entry_of(fields: [&str; COLUMNS.len()]) -> Result<Entry, Reason> {
    let [
        token,
        trading_symbol,
        symbol,
        expiry,
        strike,
        tick_size,
        lot_size,
        option_type,
        asset_type,
        exchange,
        name,
        series,
        isin,
    ] = fields;
    let exchange = field::exchange(&exchange.to_uppercase(), "exchange is unknown")?;
    let segment = field::segment_carried(exchange)?;
    if present(token).is_empty() {
        return Err("exchangetoken is missing");
    }
    let is_cash = matches!(segment, Segment::NseEquity | Segment::BseEquity);
    if is_cash && asset_type.eq_ignore_ascii_case("INDEX") {
        let segment = index::segment_on(exchange).ok_or("assettype does not match the exchange")?;
        return index::row_by_names(segment, symbol, name, token.to_owned()).map(Entry::Row);
    }

    let row = Row {
        name: name.to_owned(),
        tick_size: field::price(tick_size)
            .and_then(|step| Form::Nuvama.tick_size(segment, step))
            .ok_or("ticksize is not a positive number")?,
        lot_size: field::lot_size(lot_size).ok_or("lotsize is not a positive integer")?,
        ..Row::bare(segment, token.to_owned())
    };
    if is_cash {
        let isin = field::isin(isin).or_else(|| field::isin(trading_symbol)).unwrap_or_default();
        let row = security::row(row, symbol, series, isin);
        return row.map(Entry::Row).ok_or("symbolname is empty, too long or has unprintable characters");
    }
    let strike = || field::price(strike).ok_or("strikeprice is not a positive number");
    let contract = match present(option_type) {
        "CE" => Contract::Call(strike()?),
        "PE" => Contract::Put(strike()?),
        // An option without a type must not become a future.
        "" | "XX" | "FF" if asset_type.get(..3).is_some_and(|kind| kind.eq_ignore_ascii_case("FUT")) => {
            Contract::Future
        }
        _ => return Err("optiontype does not match the assettype"),
    };
    let underlying = present(symbol);
    let row = Row { lot_size: Form::Nuvama.lot_size(segment, underlying, row.lot_size), ..row };
    let symbols = [trading_symbol, name];
    let expiry = Expiry { column: "expiry", text: expiry, reason: "expiry is not a date", symbols };
    slashed::entry(row, &expiry, |row, expiry| {
        derivative::entry(row, &ContractTerms { underlying, expiry, contract, cycle: None })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::testing::{only, outcomes};
    use crate::instrument::Amount;
    use crate::vocabulary::{Exchange, InstrumentType};

    const HEADER: &str = "exchangetoken,tradingsymbol,symbolname,description,expiry,strikeprice,ticksize,lotsize,\
        optiontype,series,assettype,exchange,isin,qtyunits,prcunits,prcqtn,multiplier,asmgsmflag,asmgsmmsg";

    fn read_row(row: &str) -> Result<Row, Reason> {
        let file = format!("{HEADER}\n{row}\n");
        only(|on_entry| read_rows(file.as_bytes(), on_entry))
    }

    const OPTION: &str =
        "71001_NFO,NIFTY02SEP31C24350,NIFTY,NIFTY 02 SEP 31 CE,02/SEP/31,24350,0.05,65,CE,,OPTIDX,NFO,,1,1,1,1,N,";
    const EQUITY: &str = "2885_NSE,INE002A01018,RELIANCE,RELIANCE INDUSTRIES,,0,0.1,1,,EQ,EQUITY,NSE,,1,1,1,1,Y,\
        Under surveillance, stage 1, since Monday";

    #[test]
    fn the_cycle_of_an_option_is_undecided() {
        let file = format!("{HEADER}\n{OPTION}\n");
        let mut entries = Vec::new();
        read_rows(file.as_bytes(), &mut |_, entry| entries.push(entry)).unwrap();

        let expected = Row {
            exchange: Exchange::Nfo,
            symbol: "NIFTY3190224350CE".into(),
            alias: None,
            name: "NIFTY 02 SEP 31 CE".into(),
            segment: Segment::NseDerivative,
            class: InstrumentType::Call,
            isin: None,
            series: None,
            underlying: Some("NIFTY".into()),
            expiry: chrono::NaiveDate::from_ymd_opt(2031, 9, 2),
            strike: Amount::parse("24350"),
            tick_size: Amount::parse("0.05").unwrap(),
            lot_size: 65,
            token: "71001_NFO".into(),
        };
        assert_eq!(entries, [Entry::Undecided(expected)]);
    }

    #[test]
    fn the_trading_symbol_of_a_security_is_its_isin() {
        let row = read_row(EQUITY).unwrap();
        assert_eq!(row.exchange, Exchange::Nse);
        assert_eq!(row.symbol.as_str(), "RELIANCE");
        assert_eq!(row.class, InstrumentType::Equity);
        assert_eq!(row.isin.as_deref(), Some("INE002A01018"));
        assert_eq!(row.series.as_deref(), Some("EQ"));
        assert_eq!(row.token.as_str(), "2885_NSE");
        assert_eq!(row.name.as_str(), "RELIANCE INDUSTRIES");

        let row = read_row(&EQUITY.replace("INE002A01018", "RELIANCE-EQ").replace("NSE,,", "nse,INE002A01018,"));
        assert_eq!(row.unwrap().isin.as_deref(), Some("INE002A01018"));

        for symbol in ["MAXPOSURE", "MAXPOSURE-SM"] {
            let row = read_row(&EQUITY.replace("RELIANCE,", &format!("{symbol},")).replace(",EQ,", ",SM,")).unwrap();
            assert_eq!(row.symbol.as_str(), "MAXPOSURE-SM");
            assert_eq!(row.series.as_deref(), Some("SM"));
        }
    }

    #[test]
    fn futures_and_options_of_other_exchanges_are_read() {
        for (row, key) in [
            ("9_MCX,GOLDM,GOLDM,,03/Oct/31,0,1,10,XX,,FUTCOM,MCX,,,,,,,", "MCX:GOLDM31OCTFUT"),
            ("9_CDS,X,USDINR,,26/SEP/31,84.25,0.0025,1,PE,,OPTCUR,CDS,,,,,,,", "CDS:USDINR3192684.25PE"),
            ("9_BFO,X,SENSEX50,,25/SEP/31,0,0.05,75,,,FUTIDX,BFO,,,,,,,", "BFO:SENSEX5031925FUT"),
        ] {
            let row = read_row(row).unwrap();
            assert_eq!(format!("{}:{}", row.exchange, row.symbol), key);
        }
    }

    #[test]
    fn a_step_may_be_in_scientific_notation() {
        let row = read_row("9_CDS,X,JPYINR,,26/SEP/31,57.5,1.0E-4,1,PE,,OPTCUR,CDS,,,,,,,").unwrap();
        assert_eq!(row.tick_size, Amount::parse("0.0001").unwrap());
        assert_eq!(row.lot_size, 0);
    }

    #[test]
    fn an_index_has_kites_symbol() {
        let row = read_row("1_NSE,NIFTY,BANKNIFTY,Nifty Bank,,,,,,,INDEX,NSE,,,,,,,").unwrap();
        assert_eq!(row.symbol.as_str(), "NIFTY BANK");
        assert_eq!(row.alias.as_deref(), Some("BANKNIFTY"));
    }

    #[test]
    fn a_bad_field_rejects_the_row_with_its_reason() {
        for (row, reason) in [
            (OPTION.replace(",NFO,", ",NYSE,"), "exchange is unknown"),
            (OPTION.replace("71001_NFO", ""), "exchangetoken is missing"),
            (OPTION.replace("0.05", "0"), "ticksize is not a positive number"),
            (OPTION.replace(",65,", ",NaN,"), "lotsize is not a positive integer"),
            (OPTION.replace(",24350,", ",nan,"), "strikeprice is not a positive number"),
            (OPTION.replace("02/SEP/31", "31/SEP/31"), "expiry is not a date"),
            (OPTION.replace(",CE,,", ",,,"), "optiontype does not match the assettype"),
            (OPTION.replace(",NIFTY,", ",,"), "name of the underlying is missing"),
            (EQUITY.replace("RELIANCE,", ","), "symbolname is empty, too long or has unprintable characters"),
        ] {
            assert_eq!(read_row(&row), Err(reason), "{row}");
        }
    }

    #[test]
    fn a_row_of_another_exchange_is_skipped() {
        for exchange in ["NCDEX", "ncdex", "GLOBAL"] {
            let row = OPTION.replace(",NFO,", &format!(",{exchange},"));
            assert_eq!(read_row(&row), Err(field::NOT_CARRIED), "{exchange}");
        }
    }

    #[test]
    fn a_file_in_another_form_is_rejected() {
        for (file, found) in [
            ("", "nothing"),
            ("<!DOCTYPE html>\n<html></html>", "`<!DOCTYPE html>`"),
            ("exchangetoken,tradingsymbol\n", "a header without the column `symbolname`"),
            ("{\"status\": \"error\"}", "`{\"status\": \"error\"}`"),
        ] {
            let error = outcomes(|on_entry| read_rows(file.as_bytes(), on_entry)).unwrap_err();
            assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
        }
    }
}
