use chrono::NaiveDate;

use super::*;
use crate::dump::testing::{only, outcomes};
use crate::instrument::Amount;
use crate::vocabulary::InstrumentType;

const CONTRACTS: &str = "Exch,Exchange Segment,Symbol,Token,Instrument Type,Option Type,Strike Price,Instrument Name,\
    Formatted Ins Name,Trading Symbol,Expiry Date,Lot Size,Tick Size";
const OTHER_ORDER: &str = "Exch,Exchange Segment,Symbol,Token,Instrument Type,Instrument Name,Formatted Ins Name,\
    Trading Symbol,Option Type,Strike Price,Expiry Date,Lot Size,Tick Size,freeze_qty,Board Lot Qty,pdc,id";
const CASH: &str = "Exch,Exchange Segment,Group Name,Symbol,Token,Instrument Type,Instrument Name,Formatted Ins Name,\
    Trading Symbol,Lot Size,Tick Size";

fn read_row(header: &str, row: &str) -> Result<Row, Reason> {
    let file = format!("{header}\n{row}\n");
    only(|on_entry| read_rows(file.as_bytes(), on_entry))
}

const OPTION: &str = "NFO,nse_fo,NIFTY,71001,OPTIDX,CE,24350,NIFTY,NIFTY 02 SEP 24350 CE,NIFTY02SEP31C24350,\
    2031-09-02,65,0.05";
const EQUITY: &str = "NSE,nse_cm,EQ,RELIANCE,2885,,RELIANCE INDUSTRIES,RELIANCE-EQ,RELIANCE-EQ,1,0.1";

#[test]
fn the_cycle_of_an_option_is_undecided() {
    let file = format!("{CONTRACTS}\n{OPTION}\n");
    let mut entries = Vec::new();
    read_rows(file.as_bytes(), &mut |_, entry| entries.push(entry)).unwrap();

    let expected = Row {
        exchange: Exchange::Nfo,
        symbol: "NIFTY3190224350CE".into(),
        alias: None,
        name: "NIFTY".into(),
        segment: Segment::NseDerivative,
        class: InstrumentType::Call,
        isin: None,
        series: None,
        underlying: Some("NIFTY".into()),
        expiry: NaiveDate::from_ymd_opt(2031, 9, 2),
        strike: Amount::parse("24350"),
        tick_size: Amount::parse("0.05").unwrap(),
        lot_size: 65,
        token: "NFO|71001".into(),
    };
    assert_eq!(entries, [Entry::Undecided(expected)]);
}

#[test]
fn the_trading_symbol_of_a_security_ends_in_its_series() {
    for (row, key, series, class) in [
        (EQUITY, "NSE:RELIANCE", Some("EQ"), InstrumentType::Equity),
        (
            "NSE,nse_cm,,AKSHAR,5435,,AKSHAR LTD,AKSHAR-BE,AKSHAR-BE,1,0.01",
            "NSE:AKSHAR-BE",
            Some("BE"),
            InstrumentType::Equity,
        ),
        ("NSE,nse_cm,SG,782GJ32,8,,GUJ,782GJ32,782GJ32,1,0.01", "NSE:782GJ32-SG", Some("SG"), InstrumentType::Debt),
        (
            "NSE,nse_cm,,BAJAJ-AUTO,7,,BAJAJ,BAJAJ-AUTO,BAJAJ-AUTO,1,0.05",
            "NSE:BAJAJ-AUTO",
            None,
            InstrumentType::Equity,
        ),
        ("BSE,bse_cm,F,840DIT26,975310,,DIT,840DIT26,840DIT26,1,0.01", "BSE:840DIT26", Some("F"), InstrumentType::Debt),
        (
            "BSE,bse_cm,A,RELIANCE,500325,,RELIANCE,RELIANCE,RELIANCE-A,1,0.05",
            "BSE:RELIANCE",
            Some("A"),
            InstrumentType::Equity,
        ),
    ] {
        let row = read_row(CASH, row).unwrap();
        assert_eq!(format!("{}:{}", row.exchange, row.symbol), key);
        assert_eq!(row.series.as_deref(), series, "{key}");
        assert_eq!(row.class, class, "{key}");
    }
}

#[test]
fn contracts_are_read_in_any_order_of_columns() {
    for (header, row, key) in [
        (
            CONTRACTS,
            "NFO,nse_fo,NIFTY,35000,FUTIDX,XX,-1,NIFTY,NIFTY SEP FUT,NIFTY26SEP24F,2024-09-26,25,0.05",
            "NFO:NIFTY24926FUT",
        ),
        (
            CONTRACTS,
            "BFO,bse_fo,SENSEX,8,IO,PE,91000,SENSEX,SENSEX 25 SEP,SENSEX31SEP91000PE,25-09-2031,20,0.05",
            "BFO:SENSEX31SEP91000PE",
        ),
        (
            CONTRACTS,
            "BFO,bse_fo,BKXFUT,8,IF,,,BANKEX,BANKEX SEP,BANKEX31SEPFUT,25-09-2031,30,0.05",
            "BFO:BANKEX31SEPFUT",
        ),
        (
            CONTRACTS,
            "BFO,bse_fo,TCS,8,SO,CE,4000,TCS,TCS 25 SEP,TCS25SEP31C4000,02-09-2031,175,0.05",
            "BFO:TCS319024000CE",
        ),
        (CONTRACTS, "BFO,bse_fo,TCS,8,SF,,,TCS,TCS SEP,TCS 31 SEP,02-09-2031,175,0.05", "BFO:TCS31902FUT"),
        (
            OTHER_ORDER,
            "MCX,mcx_fo,SILVER,9,FUTCOM,SILVER,SILVER DEC,SILVER05DEC31F,XX,,2031-12-05,1,1,600,30,,1",
            "MCX:SILVER31DECFUT",
        ),
        (
            OTHER_ORDER,
            "CDS,cde_fo,USDINR,9,OPTCUR,USDINR,USDINR,USDINR26SEP31C84.25,CE,84.25,2031-09-26,1,0.0025,,1000,,1",
            "CDS:USDINR3192684.25CE",
        ),
    ] {
        let row = read_row(header, row).unwrap();
        assert_eq!(format!("{}:{}", row.exchange, row.symbol), key);
    }
}

#[test]
fn a_lot_is_multiplied_by_the_quantity_of_a_board_lot() {
    let silver = "MCX,mcx_fo,SILVER,9,FUTCOM,SILVER,SILVER DEC,SILVER05DEC31F,XX,,2031-12-05,1,1,600,30,,1";
    let without = "MCX,mcx_fo,SILVER,9,FUTCOM,XX,-1,SILVER,SILVER DEC,SILVER05DEC31F,2031-12-05,1,1";
    let nifty = "NFO,nse_fo,NIFTY,9,FUTIDX,NIFTY,NIFTY DEC,NIFTY30DEC31F,XX,,2031-12-30,65,0.05,1800,1,,1";

    assert_eq!(read_row(OTHER_ORDER, silver).unwrap().lot_size, 30);
    assert_eq!(read_row(OTHER_ORDER, nifty).unwrap().lot_size, 65);
    assert_eq!(read_row(CONTRACTS, OPTION).unwrap().lot_size, 65);
    assert_eq!(read_row(CONTRACTS, without).unwrap().lot_size, 0, "the lot may have any meaning");
}

#[test]
fn the_position_of_the_year_determines_the_order_of_a_date() {
    let expiry_of = |text| read_row(CONTRACTS, &OPTION.replace("2031-09-02", text)).map(|row| row.expiry);
    for (text, day) in [("2031-12-02", 2), ("02-12-2031", 2), ("30-12-2031", 30), ("02-DEC-2031", 2)] {
        assert_eq!(expiry_of(text), Ok(NaiveDate::from_ymd_opt(2031, 12, day)), "{text}");
    }
    for text in ["", "02-12-31", "12-30-2031", "2031", "1-2-3-2031"] {
        assert_eq!(expiry_of(text), Err("Expiry Date is not a date"), "{text}");
    }
}

#[test]
fn indices_have_a_file_of_their_own() {
    let row = read_row("exch,symbol,token", "NSE,NIFTY BANK,26009").unwrap();
    assert_eq!(row.symbol, "NIFTY BANK");
    assert_eq!(row.alias.as_deref(), Some("BANKNIFTY"));
    assert_eq!(row.token, "NSE|26009");
    assert_eq!(row.class, InstrumentType::Index);

    let row = read_row("exch,symbol,token", "BSE,SENSEX,1").unwrap();
    assert_eq!(row.segment, Segment::BseIndex);
    assert_eq!(read_row("exch,symbol,token", "NFO,NIFTY,1"), Err("Exch has no indices"));

    let row = read_row(OTHER_ORDER, "MCX,mcx_idx,MCXBULLDEX,5,,,,MCXBULLDEX,,,,,,,,,").unwrap();
    assert_eq!(row.segment, Segment::McxIndex);
}

#[test]
fn a_bad_field_rejects_the_row_with_its_reason() {
    for (header, row, reason) in [
        (CONTRACTS, OPTION.replace("NFO,", "NYSE,"), "Exch is unknown"),
        (CONTRACTS, OPTION.replace("71001", ""), "Token is missing"),
        (CONTRACTS, OPTION.replace("0.05", "0"), "Tick Size is not a positive number"),
        (CONTRACTS, OPTION.replace(",65,", ",NaN,"), "Lot Size is not a positive integer"),
        (CONTRACTS, OPTION.replace(",24350,", ",-1,"), "Strike Price is not a positive number"),
        (CONTRACTS, OPTION.replace("2031-09-02", "31-09-2031"), "Expiry Date is not a date"),
        (CONTRACTS, OPTION.replace(",CE,", ",XX,"), "Option Type does not match the Instrument Type"),
        (CONTRACTS, OPTION.replace(",OPTIDX,", ",FUTIDX,"), "Option Type does not match the Instrument Type"),
        (CONTRACTS, OPTION.replace(",NIFTY,71001", ",,71001"), "name of the underlying is missing"),
        (CASH, EQUITY.replace(",RELIANCE,", ",,"), "Symbol is empty, too long or has unprintable characters"),
        (CONTRACTS, OPTION.replace("OPTIDX,CE", "UNDCUR,"), UNDERLYING),
    ] {
        assert_eq!(read_row(header, &row), Err(reason), "{row}");
    }
}

#[test]
fn a_file_in_another_form_is_rejected() {
    for (file, found) in [
        ("", "nothing"),
        ("<!DOCTYPE html>\n<html></html>", "`<!DOCTYPE html>`"),
        ("Exch,Symbol\n", "a header without the column `Token`"),
        (&CONTRACTS.replace("Strike Price", "Strike"), "a header without the column `Strike Price`"),
    ] {
        let error = outcomes(|on_entry| read_rows(file.as_bytes(), on_entry)).unwrap_err();
        assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
    }
}
