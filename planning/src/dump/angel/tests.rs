use serde_json::{Value, json};

use super::*;
use crate::dump::testing::{only, outcomes};

fn read_row(element: &Value) -> Result<Row, Reason> {
    let array = format!("[{element}]");
    only(|on_entry| read_rows(array.as_bytes(), on_entry))
}

fn option() -> Value {
    json!({
        "token": "71001", "symbol": "NIFTY02SEP3124350CE", "name": "NIFTY", "expiry": "02SEP2031",
        "strike": "2435000.000000", "lotsize": "65", "instrumenttype": "OPTIDX", "exch_seg": "NFO",
        "tick_size": "5.000000",
    })
}

fn equity() -> Value {
    json!({
        "token": "2885", "symbol": "RELIANCE-EQ", "name": "RELIANCE", "expiry": "", "strike": "-1.000000",
        "lotsize": "1", "instrumenttype": "", "exch_seg": "NSE", "tick_size": "10.000000",
    })
}

fn with(mut element: Value, fields: &[(&str, &str)]) -> Value {
    for (field, value) in fields {
        element[*field] = json!(value);
    }
    element
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

#[test]
fn the_cycle_of_an_option_is_undecided() {
    let mut entries = Vec::new();
    let array = format!("[{}]", option());
    read_rows(array.as_bytes(), &mut |_, entry| entries.push(entry)).unwrap();

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
        expiry: chrono::NaiveDate::from_ymd_opt(2031, 9, 2),
        strike: Some(amount("24350")),
        tick_size: amount("0.05"),
        lot_size: 65,
        token: "NFO|71001".into(),
    };
    assert_eq!(entries, [Entry::Undecided(expected)]);
}

#[test]
fn strikes_are_in_paise_or_ten_millionths_for_currencies() {
    for (exchange, kind, strike, tick_size, expected) in [
        ("NFO", "OPTSTK", "41250.000000", "5.000000", ("412.5", "0.05")),
        ("MCX", "OPTFUT", "16350000.000000", "50.000000", ("163500", "0.5")),
        ("CDS", "OPTCUR", "842500000.000000", "0.250000", ("84.25", "0.0025")),
    ] {
        let fields = [("exch_seg", exchange), ("instrumenttype", kind), ("strike", strike), ("tick_size", tick_size)];
        let row = read_row(&with(option(), &fields)).unwrap();
        assert_eq!(row.strike.unwrap(), amount(expected.0), "{exchange}");
        assert_eq!(row.tick_size, amount(expected.1), "{exchange}");
    }
}

#[test]
fn a_future_has_no_strike_and_is_monthly_for_a_commodity() {
    let fields = [
        ("exch_seg", "MCX"),
        ("instrumenttype", "FUTCOM"),
        ("name", "GOLDM"),
        ("symbol", "GOLDM03OCT31FUT"),
        ("expiry", "03OCT2031"),
        ("strike", "0"),
    ];
    let row = read_row(&with(option(), &fields)).unwrap();
    assert_eq!(row.symbol.as_str(), "GOLDM31OCTFUT");
    assert_eq!(row.class, InstrumentType::Future);
    assert_eq!(row.strike, None);
}

#[test]
fn the_series_of_a_security_is_read_from_its_symbol() {
    for (exchange, symbol, expected) in [
        ("NSE", "RELIANCE-EQ", ("RELIANCE", Some("EQ"), InstrumentType::Equity)),
        ("NSE", "BAJAJ-AUTO-EQ", ("BAJAJ-AUTO", Some("EQ"), InstrumentType::Equity)),
        ("NSE", "SMALLCO-SM", ("SMALLCO-SM", Some("SM"), InstrumentType::Equity)),
        ("NSE", "782GJ32-SG", ("782GJ32-SG", Some("SG"), InstrumentType::Debt)),
        ("BSE", "BAJAJ-AUTO", ("BAJAJ-AUTO", None, InstrumentType::Equity)),
        ("BSE", "182D140526", ("182D140526", None, InstrumentType::Debt)),
    ] {
        let row = read_row(&with(equity(), &[("exch_seg", exchange), ("symbol", symbol)])).unwrap();
        let (symbol, series, class) = expected;
        assert_eq!(row.symbol.as_str(), symbol);
        assert_eq!(row.series.as_deref(), series);
        assert_eq!(row.class, class);
        assert_eq!(row.isin, None);
        assert_eq!(row.tick_size, amount("0.1"));
    }
}

#[test]
fn an_index_has_kites_symbol() {
    let index = with(
        equity(),
        &[("instrumenttype", "AMXIDX"), ("symbol", "Nifty 50"), ("name", "NIFTY"), ("token", "99926000")],
    );
    let row = read_row(&index).unwrap();
    assert_eq!(row.symbol.as_str(), "NIFTY 50");
    assert_eq!(row.alias.as_deref(), Some("NIFTY"));
    assert_eq!(row.token.as_str(), "NSE|99926000");
    assert_eq!(row.lot_size, 0);
    assert_eq!(row.segment, Segment::NseIndex);
}

#[test]
fn a_commodity_is_not_a_contract() {
    let fields = [("exch_seg", "MCX"), ("instrumenttype", "COMDTY"), ("symbol", "GOLD")];
    let row = read_row(&with(equity(), &fields)).unwrap();
    assert_eq!(row.symbol.as_str(), "GOLD");
    assert_eq!(row.class, InstrumentType::Commodity);
    assert_eq!(row.exchange, Exchange::Mcx);
}

#[test]
fn a_bad_field_rejects_the_row_with_its_reason() {
    for (element, reason) in [
        (json!([]), "the element is not an object"),
        (with(equity(), &[("exch_seg", "NYSE")]), "exch_seg is unknown"),
        (with(equity(), &[("token", " ")]), "token is missing"),
        (with(equity(), &[("symbol", "-EQ")]), "symbol is empty, too long or has unprintable characters"),
        (with(equity(), &[("tick_size", "NaN")]), "tick_size is not a positive number"),
        (with(equity(), &[("lotsize", "")]), "lotsize is not a positive integer"),
        (with(equity(), &[("instrumenttype", "UNDCUR")]), "instrumenttype is unknown"),
        (with(equity(), &[("instrumenttype", "COMDTY")]), "instrumenttype is not traded on the exchange"),
        (
            with(equity(), &[("exch_seg", "CDS"), ("instrumenttype", "AMXIDX")]),
            "instrumenttype is not traded on the exchange",
        ),
        (with(option(), &[("exch_seg", "NSE")]), "contracts are not traded in the segment"),
        (with(option(), &[("instrumenttype", "")]), "instrumenttype is unknown"),
        (with(option(), &[("symbol", "NIFTY₹")]), "symbol of an option does not end in CE or PE"),
        (with(option(), &[("strike", "-1.000000")]), "strike is not a positive number"),
        (with(option(), &[("expiry", "2SEP2031")]), "expiry is not a date"),
        (with(option(), &[("name", "")]), "name of the underlying is missing"),
    ] {
        assert_eq!(read_row(&element), Err(reason), "{element}");
    }
}

#[test]
fn numbers_may_be_numbers_or_strings() {
    let mut element = option();
    element["token"] = json!(71001);
    element["lotsize"] = json!(65);
    element["strike"] = json!(2_435_000.0);
    assert_eq!(read_row(&element), read_row(&option()));
}

#[test]
fn a_file_in_another_form_is_rejected() {
    for (file, found) in [
        ("", "nothing"),
        ("  \n<!DOCTYPE html>\n<html>", "`<!DOCTYPE html>`"),
        ("{\"status\": false}", "`{\"status\": false}`"),
        ("token,symbol\n1,A", "`token,symbol`"),
        ("[{\"instrument_key\":\"NSE_EQ|1\"}]", "1 JSON object without `exch_seg`"),
        ("[{\"exch_seg\":\"NSE\"", "the end of the file in element 1"),
    ] {
        let error = outcomes(|on_entry| read_rows(file.as_bytes(), on_entry)).unwrap_err();
        assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
    }
}
