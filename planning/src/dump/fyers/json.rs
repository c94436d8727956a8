//! The JSON form: an object with the instruments by their tickers.

use std::io::BufRead;

use serde::Deserialize;

use super::{EXPECTED, Fields, entry_of};
use crate::dump::field::{Reason, excerpt, present};
use crate::dump::json::{Elements, Outer, Recognition, Scalar, parse};
use crate::dump::{DumpError, Entry, OnEntry, hand_over};

/// Reads an object whose opening bracket has been read.
pub(super) fn read_after_bracket(reader: impl BufRead, on_entry: &mut OnEntry<'_>) -> Result<(), DumpError> {
    let mut elements = Elements::new(reader, Outer::Object, EXPECTED);
    let mut recognition = Recognition::by("fyToken");
    // The start of the file if no element is an instrument: the object of an error message.
    let mut start = None;
    while let Some((position, element)) = elements.next()? {
        let named = split(element).ok_or("the element is not a ticker with an instrument object");
        let entry = named.and_then(|(ticker, value)| {
            let instrument: Instrument<'_> = parse(value)?;
            recognition.count(&instrument.fy_token);
            row_of(ticker, &instrument)
        });
        start = start.or_else(|| entry.is_err().then(|| excerpt(&[b"{", element].concat())));
        hand_over(position, element, entry, on_entry);
    }
    match start {
        Some(found) if recognition.is_without_objects() => Err(DumpError::Form { expected: EXPECTED, found }),
        _ => recognition.check(EXPECTED),
    }
}

/// Splits an element into its name and the text after the colon.
fn split(element: &[u8]) -> Option<(&str, &[u8])> {
    let rest = element.strip_prefix(b"\"")?;
    let mut is_escaped = false;
    let end = rest.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    })?;
    let name = std::str::from_utf8(&rest[..end]).ok()?;
    Some((name, rest[end + 1..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start()))
}

/// The required fields, with values of any type.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Instrument<'a> {
    #[serde(borrow)]
    fy_token: Scalar<'a>,
    sym_ticker: Scalar<'a>,
    symbol_details: Scalar<'a>,
    sym_details: Scalar<'a>,
    exchange: Scalar<'a>,
    segment: Scalar<'a>,
    min_lot_size: Scalar<'a>,
    qty_multiplier: Scalar<'a>,
    tick_size: Scalar<'a>,
    isin: Scalar<'a>,
    expiry_date: Scalar<'a>,
    strike_price: Scalar<'a>,
    opt_type: Scalar<'a>,
    under_sym: Scalar<'a>,
    ex_sym_name: Scalar<'a>,
}

fn row_of(ticker: &str, instrument: &Instrument<'_>) -> Result<Entry, Reason> {
    fn either<'a>(first: &'a str, second: &'a str) -> &'a str {
        if first.is_empty() { second } else { first }
    }
    entry_of(&Fields {
        ticker: either(instrument.sym_ticker.text(), ticker),
        exchange: &instrument.exchange.id(),
        segment: &instrument.segment.id(),
        name: either(instrument.sym_details.text(), instrument.symbol_details.text()),
        isin: instrument.isin.text(),
        underlying: either(present(instrument.under_sym.text()), instrument.ex_sym_name.text()),
        option_type: instrument.opt_type.text(),
        tick_size: instrument.tick_size.positive(),
        lot_size: instrument.min_lot_size.lot_size(),
        // All other instruments have the multiplier 1.
        multiplier: instrument.qty_multiplier.lot_size().filter(|multiplier| *multiplier > 1),
        strike: instrument.strike_price.positive(),
        expiry: instrument.expiry_date.date_of_seconds(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::dump::Row;
    use crate::dump::testing::{only, outcomes};
    use crate::instrument::Amount;
    use crate::vocabulary::Exchange;

    fn read_row(instrument: &Value) -> Result<Row, Reason> {
        let file = json!({ "NSE:USDINR3190584.25CE": instrument }).to_string();
        only(|on_entry| super::super::read_rows(file.as_bytes(), on_entry))
    }

    fn option() -> Value {
        json!({
            "fyToken": "1012310905900", "symTicker": "NSE:USDINR3190584.25CE", "symDetails": "USDINR 05 Sep 31 84.25 CE",
            "exchange": 10, "segment": 12, "minLotSize": 1, "qtyMultiplier": 1000.0, "tickSize": 0.0025, "isin": "",
            "expiryDate": "1946368800", "strikePrice": 84.25, "optType": "CE", "underSym": "USDINR",
        })
    }

    fn with(mut instrument: Value, field: &str, value: Value) -> Value {
        instrument[field] = value;
        instrument
    }

    #[test]
    fn an_option_is_read() {
        let row = read_row(&option()).unwrap();
        assert_eq!(row.exchange, Exchange::Cds);
        assert_eq!(row.symbol.as_str(), "USDINR3190584.25CE");
        assert_eq!(row.strike, Amount::parse("84.25"));
        assert_eq!(row.tick_size, Amount::parse("0.0025").unwrap());
        assert_eq!(row.token.as_str(), "NSE:USDINR3190584.25CE");
        assert_eq!(row.name.as_str(), "USDINR 05 Sep 31 84.25 CE");
        assert_eq!(row.expiry, chrono::NaiveDate::from_ymd_opt(2031, 9, 5));
    }

    #[test]
    fn the_multiplier_is_the_number_of_units_in_a_lot() {
        assert_eq!(read_row(&option()).unwrap().lot_size, 1000);
        let unknown = with(option(), "qtyMultiplier", json!(null));
        assert_eq!(read_row(&unknown).unwrap().lot_size, 0, "a lot of 1 is a number of lots");
        assert_eq!(read_row(&with(option(), "qtyMultiplier", json!(1.0))).unwrap().lot_size, 0);

        let future = json!({
            "fyToken": "1", "symTicker": "MCX:GOLDM31SEPFUT", "exchange": 11, "segment": 20, "minLotSize": 1,
            "qtyMultiplier": 10, "tickSize": 1.0, "expiryDate": 1_946_368_800, "optType": "XX", "underSym": "GOLDM",
        });
        let row = read_row(&future).unwrap();
        assert_eq!(row.lot_size, 10);
        assert_eq!(row.symbol.as_str(), "GOLDM31SEPFUT");
    }

    #[test]
    fn missing_fields_are_read_from_other_fields() {
        let mut bare = option();
        for field in ["symTicker", "symDetails", "underSym", "isin"] {
            bare.as_object_mut().unwrap().remove(field).unwrap();
        }
        let row = read_row(&with(bare, "exSymName", json!("USDINR"))).unwrap();
        assert_eq!(row.symbol.as_str(), "USDINR3190584.25CE");
        assert_eq!(row.token.as_str(), "NSE:USDINR3190584.25CE");
    }

    #[test]
    fn a_broken_element_rejects_no_other_element() {
        let good = option();
        let file = format!("{{\"a\":{good},\"b\":5,{good},\"c\\\"\":{{\"x\":NaN}},\"d\":{good}}}");
        let rows = outcomes(|on_entry| super::super::read_rows(file.as_bytes(), on_entry)).unwrap();

        assert!(rows[0].1.is_ok() && rows[4].1.is_ok());
        assert_eq!(rows[1], (2, Err("the element is not an object")));
        assert_eq!(rows[2], (3, Err("the element is not a ticker with an instrument object")));
        assert_eq!(rows[3], (4, Err("the element is not valid JSON")));
    }

    #[test]
    fn an_object_without_instruments_is_rejected() {
        for (file, found) in [
            ("{\"status\":\"error\"}", "`{\"status\":\"error\"`"),
            ("{\"a\":{\"b\":1}}", "1 JSON object without `fyToken`"),
            ("{\"a\":{}", "the end of the file in element 1"),
        ] {
            let error = outcomes(|on_entry| super::super::read_rows(file.as_bytes(), on_entry)).unwrap_err();
            assert_eq!(error.to_string(), format!("expected {EXPECTED}, got {found}"));
        }
    }
}
