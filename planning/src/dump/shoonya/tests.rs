use super::*;
use crate::dump::testing::{only, outcomes};
use crate::instrument::Amount;
use crate::vocabulary::{Exchange, InstrumentType};

const CASH: &str = "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,";
const CONTRACTS: &str =
    "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,";
const CURRENCIES: &str = "Exchange,Token,LotSize,Precision,Multiplier,Symbol,TradingSymbol,Expiry,Instrument,\
    OptionType,StrikePrice,TickSize,";
const COMMODITIES: &str =
    "Exchange,Token,LotSize,GNGD,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,";

fn read_row(header: &str, row: &str) -> Result<Row, Reason> {
    let file = format!("{header}\n{row}\n");
    only(|on_entry| read_rows(file.as_bytes(), on_entry))
}

const OPTION: &str = "NFO,71001,65,NIFTY,NIFTY02SEP31C24350,02-SEP-2031,OPTIDX,CE,24350,0.05,";
const EQUITY: &str = "NSE,2885,1,RELIANCE,RELIANCE-EQ,EQ,0.10,";

#[test]
fn the_cycle_of_an_option_is_undecided() {
    let file = format!("{CONTRACTS}\n{OPTION}\n");
    let mut entries = Vec::new();
    read_rows(file.as_bytes(), &mut |_, entry| entries.push(entry)).unwrap();

    let expected = Row {
        exchange: Exchange::Nfo,
        symbol: "NIFTY3190224350CE".into(),
        alias: None,
        name: String::new(),
        segment: Segment::NseDerivative,
        class: InstrumentType::Call,
        isin: None,
        series: None,
        underlying: Some("NIFTY".into()),
        expiry: chrono::NaiveDate::from_ymd_opt(2031, 9, 2),
        strike: Amount::parse("24350"),
        tick_size: Amount::parse("0.05").unwrap(),
        lot_size: 65,
        token: "NFO|71001".into(),
    };
    assert_eq!(entries, [Entry::Undecided(expected)]);
}

#[test]
fn the_instrument_of_a_security_is_its_series_or_group() {
    for (row, key, series, class) in [
        ("NSE,8124,1,AJANTPHARM,AJANTPHARM-EQ,EQ,0.05,", "NSE:AJANTPHARM", "EQ", InstrumentType::Equity),
        ("NSE,5435,1,AKSHAR,AKSHAR-BE,BE,0.01,", "NSE:AKSHAR-BE", "BE", InstrumentType::Equity),
        ("NSE,7,1,BAJAJ-AUTO,BAJAJ-AUTO-EQ,EQ,0.05,", "NSE:BAJAJ-AUTO", "EQ", InstrumentType::Equity),
        ("NSE,8,1,782GJ32,782GJ32-SG,SG,0.01,", "NSE:782GJ32-SG", "SG", InstrumentType::Debt),
        ("BSE,975310,1,840DIT26,840DIT26,F,0.01,", "BSE:840DIT26", "F", InstrumentType::Debt),
        ("BSE,500325,1,RELIANCE,RELIANCE,A,0.05,", "BSE:RELIANCE", "A", InstrumentType::Equity),
        ("BSE,590103,1,GOLDBEES,GOLDBEES,E,0.01,", "BSE:GOLDBEES", "E", InstrumentType::Fund),
    ] {
        let row = read_row(CASH, row).unwrap();
        assert_eq!(format!("{}:{}", row.exchange, row.symbol), key);
        assert_eq!(row.series.as_deref(), Some(series), "{key}");
        assert_eq!(row.class, class, "{key}");
        assert_eq!(row.lot_size, 1, "{key}");
    }
}

#[test]
fn an_index_has_kites_symbol_and_the_token_of_the_feed() {
    let row = read_row(CASH, "NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,").unwrap();

    assert_eq!(row.symbol, "NIFTY 50");
    assert_eq!(row.alias.as_deref(), Some("NIFTY"));
    assert_eq!(row.name, "Nifty 50");
    assert_eq!(row.token, "NSE|26000");
    assert_eq!(row.segment, Segment::NseIndex);
}

#[test]
fn contracts_of_every_exchange_have_kites_symbol() {
    for (header, row, key) in [
        (CONTRACTS, "NFO,37,75,NIFTY,NIFTY28OCT31F,28-OCT-2031,FUTIDX,XX,-0.01,0.05,", "NFO:NIFTY31O28FUT"),
        (
            CONTRACTS,
            "NFO,9,900,ZYDUSLIFE,ZYDUSLIFE30DEC25P1480,30-DEC-2025,OPTSTK,PE,1480,0.05,",
            "NFO:ZYDUSLIFE25D301480PE",
        ),
        (CONTRACTS, "BFO,8,20,BSXOPT,SENSEX31SEP91000PE,25-SEP-2031,OPTIDX,PE,91000,0.05,", "BFO:SENSEX31SEP91000PE"),
        (
            CURRENCIES,
            "CDS,11747,1,4,1000,JPYINR,JPYINR27DEC24C57.5,27-DEC-2024,OPTCUR,CE,57.5,0.0025",
            "CDS:JPYINR24D2757.5CE",
        ),
        (
            COMMODITIES,
            "MCX,439359,5,1000.0,ZINC,ZINC19DEC24P240,19-DEC-2024,OPTFUT,PE,240.0,0.01",
            "MCX:ZINC24DEC240PE",
        ),
    ] {
        let row = read_row(header, row).unwrap();
        assert_eq!(format!("{}:{}", row.exchange, row.symbol), key);
    }
}

#[test]
fn a_lot_is_the_number_of_units_for_which_prices_are_quoted() {
    let currency = "CDS,11747,1,4,1000,USDINR,USDINR26SEP31C84.25,26-SEP-2031,OPTCUR,CE,84.25,0.0025,";
    let metal = "MCX,439359,5,1000.0,ZINC,ZINC19DEC31F,19-DEC-2031,FUTCOM,XX,0,0.05,";
    let gold = "MCX,9,100,0.1,GOLDM,GOLDM05SEP31F,05-SEP-2031,FUTCOM,XX,0,1,";
    for (header, row, lot_size) in [
        (CONTRACTS, OPTION, 65),
        (CURRENCIES, currency, 1000),
        (COMMODITIES, metal, 5000),
        (COMMODITIES, gold, 10),
        // Without the column of the units, the lot may have any meaning.
        (CONTRACTS, "MCX,9,5,ZINC,ZINC19DEC31F,19-DEC-2031,FUTCOM,XX,0,0.05,", 0),
        (CONTRACTS, "CDS,9,1,USDINR,USDINR26SEP31F,26-SEP-2031,FUTCUR,XX,0,0.0025,", 0),
    ] {
        assert_eq!(read_row(header, row).unwrap().lot_size, lot_size, "{row}");
    }
}

#[test]
fn a_bad_field_rejects_the_row_with_its_reason() {
    for (header, row, reason) in [
        (CONTRACTS, OPTION.replace("NFO,", "NYSE,"), "Exchange is unknown"),
        (CONTRACTS, OPTION.replace("71001", ""), "Token is missing"),
        (CONTRACTS, OPTION.replace("0.05", "0"), "TickSize is not a positive number"),
        (CONTRACTS, OPTION.replace(",65,", ",NaN,"), "LotSize is not a positive integer"),
        (CONTRACTS, OPTION.replace(",24350,", ",-0.01,"), "StrikePrice is not a positive number"),
        (CONTRACTS, OPTION.replace("02-SEP-2031", "31-SEP-2031"), "Expiry is not a date"),
        (CONTRACTS, OPTION.replace(",CE,", ",XX,"), "OptionType does not match the Instrument"),
        (CONTRACTS, OPTION.replace(",NIFTY,", ",,"), "name of the underlying is missing"),
        (CASH, EQUITY.replace(",RELIANCE,", ",,"), "Symbol is empty, too long or has unprintable characters"),
        (CURRENCIES, "CDS,1,1,4,1000,USDINR,USDINR,,UNDCUR,,,0.0025".to_owned(), UNDERLYING),
    ] {
        assert_eq!(read_row(header, &row), Err(reason), "{row}");
    }
}

#[test]
fn a_file_in_another_form_is_rejected() {
    for (file, found) in [
        ("", "nothing"),
        ("<!DOCTYPE html>\n<html></html>", "`<!DOCTYPE html>`"),
        ("Exchange,Token\n", "a header without the column `LotSize`"),
        (&CONTRACTS.replace("OptionType", "Type"), "a header without the column `OptionType`"),
    ] {
        let error = outcomes(|on_entry| read_rows(file.as_bytes(), on_entry)).unwrap_err();
        assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
    }
}
