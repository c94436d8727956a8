//! Checks of single fields, the same for every broker.

use chrono::{Datelike, NaiveDate};

use crate::instrument::{Amount, Exchange, split_key};

/// Why a row is rejected.
pub(super) type Reason = &'static str;

/// The symbol as an own text, where a key can be made of it.
pub(super) fn symbol(exchange: Exchange, symbol: &str) -> Option<String> {
    split_key(&format!("{exchange}:{symbol}")).is_ok().then(|| symbol.to_owned())
}

/// A price, strike or price step: a number above zero.
pub(super) fn price(text: &str) -> Option<Amount> {
    Amount::parse(text).filter(|amount| *amount > Amount::ZERO)
}

/// Units in a lot: a whole number above zero.
pub(super) fn lot_size(text: &str) -> Option<u32> {
    text.parse().ok().filter(|lot_size| *lot_size > 0)
}

/// A calendar date written `2026-08-25`.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    text.parse().ok().filter(is_plausible)
}

/// Whether a contract can expire then: symbols carry two digits of the year.
pub(super) fn is_plausible(expiry: &NaiveDate) -> bool {
    (2000..2100).contains(&expiry.year())
}

/// The ISIN, where the text has the form of one: ISO 6166 takes two letters, nine letters or digits and a
/// check digit. The check digit is not verified.
pub(super) fn isin(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_isin = bytes.len() == 12
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..11].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && bytes[11].is_ascii_digit();
    is_isin.then_some(text)
}

/// The start of a text for a message: in backticks, on one line, at most 60 characters.
pub(super) fn excerpt(start: &[u8]) -> String {
    const CHARACTERS_MAX: usize = 60;
    // A character is at most four bytes; the rest of the start cannot matter.
    let start = String::from_utf8_lossy(&start[..start.len().min(8 * CHARACTERS_MAX)]);
    let words: Vec<&str> =
        start.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(CHARACTERS_MAX) {
        _ if line.is_empty() => "nothing".to_owned(),
        Some((end, _)) => format!("`{}…`", &line[..end]),
        None => format!("`{line}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_above_zero_are_prices() {
        assert_eq!(price("0.05"), Amount::parse("0.05"));
        for text in ["", "0.0", "-1", "nan", "NaN", "inf", "1e3", "5,0"] {
            assert_eq!(price(text), None, "{text}");
        }
    }

    #[test]
    fn only_whole_numbers_above_zero_are_lot_sizes() {
        assert_eq!(lot_size("65"), Some(65));
        for text in ["", "0", "-1", "65.5", "4294967296", "nan"] {
            assert_eq!(lot_size(text), None, "{text}");
        }
    }

    #[test]
    fn only_real_dates_are_dates() {
        assert_eq!(date("2028-02-29"), NaiveDate::from_ymd_opt(2028, 2, 29));
        for text in ["", "2026-02-29", "29-02-2028", "2026-13-01", "0026-08-25", "0"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_form_of_an_isin_is_an_isin() {
        assert_eq!(isin("INE002A01018"), Some("INE002A01018"));
        for text in ["", "DUMMYSAN021", "ine002a01018", "INE002A0101", "INE002A0101X", "1NE002A01018", "INE002A0101८"]
        {
            assert_eq!(isin(text), None, "{text}");
        }
    }

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        assert_eq!(excerpt(b"  <!DOCTYPE html>\r\n<html>"), "`<!DOCTYPE html> <html>`");
        assert_eq!(excerpt("₹".repeat(1000).as_bytes()), format!("`{}…`", "₹".repeat(60)));
        assert_eq!(excerpt(b"\n "), "nothing");
    }
}
