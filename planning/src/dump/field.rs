//! Checks of single fields, the same for every broker.

use crate::instrument::{Amount, check_symbol};
use crate::vocabulary::{Exchange, Segment};

/// The reason why a row is rejected.
pub(super) type Reason = &'static str;

/// The reason why a row is skipped: it belongs to an exchange whose instruments the service does not carry. Readers return
/// it like the reason of a rejection, and the row counts as skipped.
pub(super) const NOT_CARRIED: Reason = "the exchange is not carried";

/// The names in brokers' files of exchanges that the service does not carry: NCDEX (in the files of Angel One, Nuvama and
/// Alice Blue; `NCX` at Noren brokers), the Metropolitan Stock Exchange (formerly MCX-SX) and ICEX. Any other unknown name
/// is a fault of the row.
const OTHER_EXCHANGES: [&str; 7] = ["NCDEX", "NCX", "MSEI", "MCX-SX", "MCXSX", "MCXSXFO", "ICEX"];

/// Parses the exchange of a row. The reason is [`NOT_CARRIED`] for an exchange that the service does not carry, and
/// `unknown` for any other text.
pub(super) fn exchange(text: &str, unknown: Reason) -> Result<Exchange, Reason> {
    Exchange::parse(text).ok_or_else(|| {
        let is_other = OTHER_EXCHANGES.iter().any(|other| text.eq_ignore_ascii_case(other));
        if is_other { NOT_CARRIED } else { unknown }
    })
}

/// Returns the segment of the instruments of an exchange, except its indices, in the file of a broker with one segment
/// for each exchange. Such a file has no form for the instruments of the other exchanges.
pub(super) fn segment_carried(exchange: Exchange) -> Result<Segment, Reason> {
    segment_of(exchange).ok_or(NOT_CARRIED)
}

/// Returns the symbol as a text of its own; `None` if it cannot be part of a key.
pub(super) fn symbol(exchange: Exchange, symbol: &str) -> Option<String> {
    check_symbol(exchange.as_str(), symbol).is_ok().then(|| symbol.to_owned())
}

/// Parses a price, strike or price step: a number above zero, also in scientific notation (`1.0E-4`).
pub(super) fn price(text: &str) -> Option<Amount> {
    Amount::parse(text).or_else(|| scientific(text)).filter(|amount| *amount > Amount::ZERO)
}

/// Parses a number with an exponent, by moving its decimal point.
fn scientific(text: &str) -> Option<Amount> {
    /// More than the digits of any amount.
    const EXPONENT_MAX: i32 = 18;
    let (number, exponent) = text.split_once(['e', 'E'])?;
    let exponent: i32 = exponent.parse().ok().filter(|exponent| (-EXPONENT_MAX..=EXPONENT_MAX).contains(exponent))?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{decimals}");
    // Other characters could not be split at any byte.
    if whole.is_empty() || digits.len() > 18 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let moved = match usize::try_from(point) {
        Ok(point) if point >= digits.len() => digits.clone() + &zeros(i32::try_from(point - digits.len()).ok()?),
        Ok(point) => format!("{}.{}", &digits[..point], &digits[point..]),
        Err(_) => format!("0.{}{digits}", zeros(-point)),
    };
    Amount::parse(&moved)
}

/// Divides the amount. `None` if the quotient has more than four decimals.
pub(super) fn divided(amount: Amount, divisor: i64) -> Option<Amount> {
    let value = amount.ten_thousandths();
    (value % divisor == 0).then(|| Amount::from_ten_thousandths(value / divisor))
}

/// Parses the number of units in a lot: a whole number above zero, which some files write as `65.0`.
pub(super) fn lot_size(text: &str) -> Option<u32> {
    let whole = match text.split_once('.') {
        Some((whole, decimals)) if decimals.bytes().all(|b| b == b'0') => whole,
        _ => text,
    };
    whole.parse().ok().filter(|lot_size| *lot_size > 0)
}

/// Returns the text, or an empty text if it is a placeholder for a missing value.
pub(super) fn present(text: &str) -> &str {
    let is_missing = ["NA", "NAN", "NONE", "NULL", "-"].iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_missing { "" } else { text }
}

/// Returns the ISIN if the text has the form of one: two letters, nine letters or digits and a check digit (ISO 6166).
/// The check digit is not verified.
pub(super) fn isin(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_isin = bytes.len() == 12
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..11].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && bytes[11].is_ascii_digit();
    is_isin.then_some(text)
}

/// Returns the exchange in the keys of the instruments of a segment.
pub(super) fn exchange_of(segment: Segment) -> Exchange {
    match segment {
        Segment::NseEquity | Segment::NseIndex => Exchange::Nse,
        Segment::BseEquity | Segment::BseIndex => Exchange::Bse,
        Segment::McxCommodity | Segment::McxIndex => Exchange::Mcx,
        Segment::GlobalIndex => Exchange::Global,
        Segment::NseDerivative => Exchange::Nfo,
        Segment::BseDerivative => Exchange::Bfo,
        Segment::NseCurrency => Exchange::Cds,
        Segment::BseCurrency => Exchange::Bcd,
        Segment::NseCommodity => Exchange::Nco,
        Segment::NseInternational => Exchange::Nseix,
    }
}

/// Returns the segment of the instruments of an exchange, except its indices.
pub(super) fn segment_of(exchange: Exchange) -> Option<Segment> {
    match exchange {
        Exchange::Nse => Some(Segment::NseEquity),
        Exchange::Bse => Some(Segment::BseEquity),
        Exchange::Nfo => Some(Segment::NseDerivative),
        Exchange::Bfo => Some(Segment::BseDerivative),
        Exchange::Cds => Some(Segment::NseCurrency),
        Exchange::Bcd => Some(Segment::BseCurrency),
        Exchange::Mcx => Some(Segment::McxCommodity),
        Exchange::Nco => Some(Segment::NseCommodity),
        Exchange::Global | Exchange::Nseix => None,
    }
}

/// Returns the first characters of a text with any content.
pub(super) fn start_of(text: &[u8], characters_max: usize) -> String {
    // A character has at most four bytes; the rest does not matter.
    let start = String::from_utf8_lossy(&text[..text.len().min(4 * characters_max)]);
    match start.char_indices().nth(characters_max) {
        Some((end, _)) => start[..end].to_owned(),
        None => start.into_owned(),
    }
}

/// Whether a character controls a terminal, or changes how the characters around it are displayed.
fn is_unseen(character: char) -> bool {
    let is_mark =
        matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    character.is_control() || is_mark
}

/// Returns the start of a text for a message: in backticks, on one line, at most 60 characters.
pub(super) fn excerpt(start: &[u8]) -> String {
    const CHARACTERS_MAX: usize = 60;
    // White space is dropped before the characters are counted, so twice as many are needed.
    let start = start_of(start, 2 * CHARACTERS_MAX);
    let words: Vec<&str> = start.split(|c: char| c.is_whitespace() || is_unseen(c)).filter(|w| !w.is_empty()).collect();
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
        for text in ["", "0.0", "-1", "nan", "NaN", "inf", "5,0"] {
            assert_eq!(price(text), None, "{text}");
        }
    }

    #[test]
    fn other_exchanges_differ_from_unknown_texts() {
        assert_eq!(exchange("NFO", "unknown"), Ok(Exchange::Nfo));
        for text in ["NCDEX", "ncdex", "NCX", "MCX-SX", "ICEX"] {
            assert_eq!(exchange(text, "unknown"), Err(NOT_CARRIED), "{text}");
        }
        for text in ["", "NYSE", "NFO2", "NCDEX2", "NSE,BSE"] {
            assert_eq!(exchange(text, "unknown"), Err("unknown"), "{text}");
        }
        assert_eq!(segment_carried(Exchange::Mcx), Ok(Segment::McxCommodity));
        assert_eq!(segment_carried(Exchange::Nseix), Err(NOT_CARRIED));
    }

    #[test]
    fn a_price_may_be_in_scientific_notation() {
        for (text, value) in [
            ("1.0E-4", "0.0001"),
            ("2.5e-3", "0.0025"),
            ("1E3", "1000"),
            ("1.25E+1", "12.5"),
            ("1.0E7", "10000000"),
            ("12.5E0", "12.5"),
        ] {
            assert_eq!(price(text), Amount::parse(value), "{text}");
            assert!(price(text).is_some(), "{text}");
        }
        for text in [
            "1.0E-5",
            "E-4",
            "1.0E",
            "1E99999999999",
            "1E-99",
            "-1E3",
            "1E3.5",
            "1.0.0E1",
            "0E1",
            "1e18",
            "₹E1",
            "₹E-1",
            "é1E-2",
        ] {
            assert_eq!(price(text), None, "{text}");
        }
    }

    #[test]
    fn only_whole_numbers_above_zero_are_lot_sizes() {
        assert_eq!(lot_size("65"), Some(65));
        assert_eq!(lot_size("65.0"), Some(65));
        assert_eq!(lot_size("1."), Some(1));
        for text in ["", "0", "0.0", "-1", "65.5", "4294967296", "nan", ".0"] {
            assert_eq!(lot_size(text), None, "{text}");
        }
    }

    #[test]
    fn placeholders_for_missing_values_are_ignored() {
        for text in ["", "NA", "nan", "NaN", "None", "null", "-"] {
            assert_eq!(present(text), "", "{text}");
        }
        assert_eq!(present("NALCO"), "NALCO");
    }

    #[test]
    fn only_texts_in_the_form_of_an_isin_are_isins() {
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
        assert_eq!(excerpt("\u{1b}[2J\u{202e}gpj\u{0}".as_bytes()), "`[2J gpj`");
    }

    #[test]
    fn the_start_of_a_text_is_limited_in_characters() {
        assert_eq!(start_of("₹₹₹".as_bytes(), 2), "₹₹");
        assert_eq!(start_of(b"a\xffb", 9), "a\u{fffd}b");
    }
}
