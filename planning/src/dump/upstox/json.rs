//! The JSON form: an array with an object for each instrument.
//!
//! Its symbols of contracts are descriptions for readers, so Kite's symbols are created from the other fields. Strikes
//! are in rupees, and an expiry is the last second of its day in Asia/Kolkata.

use std::io::BufRead;

use serde::Deserialize;

use super::{EXPECTED, Form, class_and_isin, exchange_of, index_row, is_index, split_key};
use crate::dump::field::{self, Reason};
use crate::dump::json::{Elements, Outer, Recognition, Scalar, parse};
use crate::dump::symbol::{self, Contract, Cycle};
use crate::dump::{DumpError, OnEntry, Row, hand_over, security};
use crate::vocabulary::{InstrumentType, Segment};

const BAD_SYMBOL: Reason = "trading_symbol is empty, too long or has unprintable characters";

/// Reads an array whose opening bracket has been read.
pub(super) fn read_after_bracket(reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    let mut elements = Elements::new(reader, Outer::Array, EXPECTED);
    let mut recognition = Recognition::by("instrument_key");
    while let Some((position, element)) = elements.next()? {
        let row = parse(element).and_then(|fields: Fields<'_>| {
            recognition.count(&fields.instrument_key);
            row_of(&fields)
        });
        hand_over(position, element, row, on_entry);
    }
    recognition.check(EXPECTED)
}

fn row_of(fields: &Fields<'_>) -> Result<Row, Reason> {
    let key = fields.instrument_key.text();
    let (segment, id) = split_key(key, fields.segment.text())?;
    let name = fields.name.text();
    let kind = fields.instrument_type.text();
    let trading_symbol = fields.trading_symbol.text();
    let exchange = exchange_of(segment);
    if is_index(segment) != (kind == "INDEX") {
        return Err("instrument_type does not match the segment");
    }
    if is_index(segment) {
        return index_row(segment, key, id, name, trading_symbol);
    }

    let of_symbol = |symbol: &str| field::symbol(exchange, symbol).ok_or(BAD_SYMBOL);
    let tick_size = fields.tick_size.positive().and_then(|step| Form::UpstoxJson.tick_size(segment, step));
    let row = Row {
        exchange,
        symbol: String::new(),
        alias: None,
        name: name.to_owned(),
        segment,
        class: InstrumentType::Commodity,
        isin: None,
        series: None,
        underlying: None,
        expiry: None,
        strike: None,
        tick_size: tick_size.ok_or("tick_size is not a positive number")?,
        lot_size: fields.lot_size.lot_size().ok_or("lot_size is not a positive integer")?,
        token: key.to_owned(),
    };

    let strike = || fields.strike_price.positive().ok_or("strike_price is not a positive number");
    let contract = match (segment, kind) {
        (Segment::NseEquity | Segment::BseEquity, "") => return Err("instrument_type is missing"),
        (Segment::NseEquity | Segment::BseEquity, series) => {
            let (class, isin) = class_and_isin(fields.isin.text());
            return security::named(Row { class, isin, ..row }, trading_symbol, Some(series)).ok_or(BAD_SYMBOL);
        }
        (Segment::NseCommodity | Segment::McxCommodity, "COM") => {
            let lot_size = fields.units(segment, trading_symbol, row.lot_size);
            return Ok(Row { symbol: of_symbol(trading_symbol)?, lot_size, ..row });
        }
        (_, "FUT") => Contract::Future,
        (_, "CE") => Contract::Call(strike()?),
        (_, "PE") => Contract::Put(strike()?),
        _ => return Err("instrument_type does not match the segment"),
    };
    let underlying = [&fields.asset_symbol, &fields.underlying_symbol, &fields.name];
    let underlying = underlying.into_iter().map(Scalar::text).find(|text| !text.is_empty());
    let underlying = underlying.ok_or("asset_symbol is missing")?;
    let expiry = fields.expiry.date_of_milliseconds().ok_or("expiry is not a Unix time in milliseconds")?;
    let symbol = symbol::of_derivative(underlying, expiry, fields.cycle()?, contract);
    Ok(Row {
        symbol: field::symbol(exchange, &symbol).ok_or("asset_symbol is too long or has unprintable characters")?,
        class: contract.class(),
        lot_size: fields.units(segment, underlying, row.lot_size),
        underlying: Some(underlying.to_owned()),
        expiry: Some(expiry),
        strike: contract.strike(),
        ..row
    })
}

/// The required fields, with values of any type.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    segment: Scalar<'a>,
    instrument_key: Scalar<'a>,
    instrument_type: Scalar<'a>,
    trading_symbol: Scalar<'a>,
    name: Scalar<'a>,
    isin: Scalar<'a>,
    asset_symbol: Scalar<'a>,
    underlying_symbol: Scalar<'a>,
    weekly: Scalar<'a>,
    expiry: Scalar<'a>,
    strike_price: Scalar<'a>,
    tick_size: Scalar<'a>,
    lot_size: Scalar<'a>,
    qty_multiplier: Scalar<'a>,
}

impl Fields<'_> {
    fn units(&self, segment: Segment, commodity: &str, figure: u32) -> u32 {
        Form::UpstoxJson.lot_size_by_multiplier(segment, commodity, figure, self.qty_multiplier.lot_size())
    }

    /// Contracts on commodities have no field for the cycle, and none of them is weekly.
    fn cycle(&self) -> Result<Cycle, Reason> {
        match self.weekly {
            Scalar::Flag(true) => Ok(Cycle::Weekly),
            Scalar::Flag(false) | Scalar::Missing => Ok(Cycle::Monthly),
            _ => Err("weekly is neither true nor false"),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use serde_json::{Value, json};

    use super::*;
    use crate::dump::testing::{only, outcomes};
    use crate::instrument::Amount;
    use crate::vocabulary::Exchange;

    fn read_row(element: &Value) -> Result<Row, Reason> {
        let array = format!("[{element}]");
        only(|on_entry| read_after_bracket(&array.as_bytes()[1..], on_entry))
    }

    fn option() -> Value {
        json!({
            "weekly": true, "segment": "NSE_FO", "name": "NIFTY", "exchange": "NSE", "expiry": 1_750_357_799_000_u64,
            "instrument_type": "CE", "asset_symbol": "NIFTY", "underlying_symbol": "NIFTY",
            "instrument_key": "NSE_FO|77", "lot_size": 75, "exchange_token": "77", "tick_size": 5.0,
            "trading_symbol": "NIFTY 23550 CE 19 JUN 25", "strike_price": 23550.0,
        })
    }

    fn equity() -> Value {
        json!({
            "segment": "NSE_EQ", "name": "RELIANCE INDUSTRIES LTD ", "exchange": "NSE", "isin": "INE002A01018",
            "instrument_type": "EQ", "instrument_key": "NSE_EQ|INE002A01018", "lot_size": 1, "tick_size": 10.0,
            "trading_symbol": "RELIANCE", "exchange_token": "2885",
        })
    }

    fn with(mut element: Value, field: &str, value: Value) -> Value {
        element[field] = value;
        element
    }

    fn without(mut element: Value, field: &str) -> Value {
        element.as_object_mut().unwrap().remove(field).unwrap();
        element
    }

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[test]
    fn an_option_gets_kites_symbol() {
        let expected = Row {
            exchange: Exchange::Nfo,
            symbol: "NIFTY2561923550CE".into(),
            alias: None,
            name: "NIFTY".into(),
            segment: Segment::NseDerivative,
            class: InstrumentType::Call,
            isin: None,
            series: None,
            underlying: Some("NIFTY".into()),
            expiry: NaiveDate::from_ymd_opt(2025, 6, 19),
            strike: Some(amount("23550")),
            tick_size: amount("0.05"),
            lot_size: 75,
            token: "NSE_FO|77".into(),
        };
        assert_eq!(read_row(&option()), Ok(expected));

        let monthly = with(option(), "weekly", json!(false));
        assert_eq!(read_row(&monthly).unwrap().symbol, "NIFTY25JUN23550CE");
        assert_eq!(read_row(&without(option(), "weekly")).unwrap().symbol, "NIFTY25JUN23550CE");
    }

    #[test]
    fn a_future_has_no_strike() {
        let future = with(with(option(), "instrument_type", json!("FUT")), "strike_price", json!(0.0));
        let row = read_row(&with(future, "weekly", json!(false))).unwrap();
        assert_eq!(row.symbol.as_str(), "NIFTY25JUNFUT");
        assert_eq!(row.class, InstrumentType::Future);
        assert_eq!(row.strike, None);
    }

    #[test]
    fn a_security_keeps_its_symbol_series_and_isin() {
        let row = read_row(&equity()).unwrap();
        assert_eq!(row.exchange, Exchange::Nse);
        assert_eq!(row.symbol.as_str(), "RELIANCE");
        assert_eq!(row.class, InstrumentType::Equity);
        assert_eq!(row.isin.as_deref(), Some("INE002A01018"));
        assert_eq!(row.series.as_deref(), Some("EQ"));
        assert_eq!(row.name.as_str(), "RELIANCE INDUSTRIES LTD");
        assert_eq!(row.tick_size, amount("0.1"));

        let test = with(equity(), "isin", json!("DUMMYSAN005"));
        let row = read_row(&test).unwrap();
        assert_eq!(row.class, InstrumentType::Debt);
        assert_eq!(row.isin, None);
    }

    #[test]
    fn the_symbol_of_an_index_is_the_name_in_its_key() {
        let index = json!({
            "segment": "NSE_INDEX", "name": "Nifty Bank", "instrument_type": "INDEX",
            "instrument_key": "NSE_INDEX|Nifty Bank", "trading_symbol": "BANKNIFTY",
        });
        let row = read_row(&index).unwrap();
        assert_eq!(row.symbol.as_str(), "NIFTY BANK");
        assert_eq!(row.alias.as_deref(), Some("BANKNIFTY"));
        assert_eq!(row.token.as_str(), "NSE_INDEX|Nifty Bank");
        assert_eq!(row.lot_size, 0);

        let index = with(index, "trading_symbol", json!("NIFTY BANK"));
        assert_eq!(read_row(&index).unwrap().alias.as_deref(), Some("BANKNIFTY"));
    }

    #[test]
    fn a_commodity_is_not_a_contract() {
        let commodity = json!({
            "segment": "NSE_COM", "name": "GOLDM", "instrument_type": "COM", "instrument_key": "NSE_COM|2",
            "trading_symbol": "GOLDM", "tick_size": 100.0, "lot_size": 1, "strike_price": 0.0,
        });
        let row = read_row(&commodity).unwrap();
        assert_eq!(row.exchange, Exchange::Nco);
        assert_eq!(row.class, InstrumentType::Commodity);
        assert_eq!(row.tick_size, amount("1"));
    }

    #[test]
    fn the_multiplier_is_the_number_of_units_in_a_lot() {
        for (segment, asset, lot_size, multiplier, units) in [
            ("NCD_FO", "USDINR", 1, 1000.0, 1000),
            ("NSE_COM", "ZINC", 1, 5000.0, 5000),
            ("MCX_FO", "GOLD", 1, 100.0, 100),
            ("MCX_FO", "CRUDEOIL", 100, 100.0, 100),
        ] {
            let contract = with(with(option(), "segment", json!(segment)), "asset_symbol", json!(asset));
            let contract = with(contract, "instrument_key", json!(format!("{segment}|77")));
            let contract = with(with(contract, "lot_size", json!(lot_size)), "qty_multiplier", json!(multiplier));
            assert_eq!(read_row(&contract).unwrap().lot_size, units, "{segment} {asset}");
        }
    }

    #[test]
    fn numbers_may_be_strings() {
        let element = with(with(option(), "tick_size", json!(" 0.25 ")), "lot_size", json!("75"));
        let element = with(with(element, "strike_price", json!("84.875")), "expiry", json!("1750357799000"));
        let row = read_row(&element).unwrap();
        assert_eq!(row.tick_size, amount("0.0025"));
        assert_eq!(row.lot_size, 75);
        assert_eq!(row.strike, Some(amount("84.875")));
    }

    #[test]
    fn a_bad_field_rejects_the_row_with_its_reason() {
        for (element, reason) in [
            (json!(5), "the element is not an object"),
            (json!(["NSE_EQ"]), "the element is not an object"),
            (without(equity(), "segment"), "segment is unknown"),
            (with(equity(), "segment", json!(["NSE_EQ"])), "segment is unknown"),
            (
                with(equity(), "instrument_key", json!("BSE_EQ|INE002A01018")),
                "instrument_key does not match the segment",
            ),
            (with(equity(), "instrument_type", json!(" ")), "instrument_type is missing"),
            (
                with(equity(), "trading_symbol", json!(null)),
                "trading_symbol is empty, too long or has unprintable characters",
            ),
            (
                with(equity(), "trading_symbol", json!("A\u{7}")),
                "trading_symbol is empty, too long or has unprintable characters",
            ),
            (with(equity(), "tick_size", json!("NaN")), "tick_size is not a positive number"),
            (with(equity(), "tick_size", json!(0.001)), "tick_size is not a positive number"),
            (with(equity(), "tick_size", json!(true)), "tick_size is not a positive number"),
            (with(equity(), "lot_size", json!(-1)), "lot_size is not a positive integer"),
            (with(equity(), "lot_size", json!(0.5)), "lot_size is not a positive integer"),
            (with(equity(), "lot_size", json!({"units": 1})), "lot_size is not a positive integer"),
            (with(option(), "strike_price", json!(0.0)), "strike_price is not a positive number"),
            (with(option(), "strike_price", json!(1e300)), "strike_price is not a positive number"),
            (with(option(), "expiry", json!(1_750_357_799_u64)), "expiry is not a Unix time in milliseconds"),
            (with(option(), "expiry", json!(1e300)), "expiry is not a Unix time in milliseconds"),
            (without(option(), "expiry"), "expiry is not a Unix time in milliseconds"),
            (with(option(), "weekly", json!("yes")), "weekly is neither true nor false"),
            (with(option(), "instrument_type", json!("EQ")), "instrument_type does not match the segment"),
        ] {
            assert_eq!(read_row(&element), Err(reason), "{element}");
        }
    }

    #[test]
    fn a_broken_element_rejects_no_other_element() {
        let good = equity();
        let array = format!("[{good},{{\"tick_size\":NaN}},{{\"name\":\"a\",\"name\":\"b\"}},{good}]");
        let rows = outcomes(|on_entry| read_after_bracket(&array.as_bytes()[1..], on_entry)).unwrap();

        assert!(rows[0].1.is_ok() && rows[3].1.is_ok());
        for (row, position) in [(&rows[1], 2), (&rows[2], 3)] {
            assert_eq!(row, &(position, Err("the element is not valid JSON")));
        }
    }

    #[test]
    fn an_array_of_other_objects_is_rejected() {
        let error = read_after_bracket("{\"a\":1},{\"b\":2},3]".as_bytes(), &mut |_, _| {}).unwrap_err();
        let found = "2 JSON objects without `instrument_key`";
        assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
    }
}
