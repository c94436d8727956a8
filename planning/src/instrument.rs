//! The grammar of instrument keys, and amounts of money.
//!
//! Input is parsed once at the boundary; after that, its meaning is in its type.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The maximum length of an instrument key in a request, in characters.
pub const KEY_CHARACTERS_MAX: usize = 100;

/// Splits a well-formed key into exchange and symbol.
///
/// Well-formed is syntax only: `[A-Z0-9]+`, a colon, then at least one printable character. Case is kept
/// and nothing is trimmed; the catalog decides whether exchange and symbol exist.
///
/// # Errors
/// [`MalformedKey`] with the part that is malformed.
pub fn split_key(key: &str) -> Result<(&str, &str), MalformedKey> {
    let Some((exchange, symbol)) = key.split_once(':') else {
        return Err(MalformedKey::NoColon);
    };
    if exchange.is_empty() || !exchange.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        return Err(MalformedKey::Exchange);
    }
    check_symbol(exchange, symbol)?;
    Ok((exchange, symbol))
}

/// Checks whether a symbol can be part of a key with the exchange.
///
/// # Errors
/// [`MalformedKey`] with the reason.
pub(crate) fn check_symbol(exchange: &str, symbol: &str) -> Result<(), MalformedKey> {
    if symbol.is_empty() {
        return Err(MalformedKey::NoSymbol);
    }
    // Beyond ASCII only letters and digits: characters that change direction or have no width would hide the real key.
    let is_printable = |c: char| matches!(c, ' '..='~') || c.is_alphanumeric();
    if symbol.bytes().any(|b| !(0x20..0x7f).contains(&b)) && !symbol.chars().all(is_printable) {
        return Err(MalformedKey::Unprintable);
    }
    let symbol_max = KEY_CHARACTERS_MAX.saturating_sub(exchange.len() + 1);
    if symbol.len() > symbol_max && symbol.chars().count() > symbol_max {
        return Err(MalformedKey::TooLong);
    }
    Ok(())
}

/// Compares two keys by exchange, then symbol, byte by byte.
pub fn compare_keys(a: &str, b: &str) -> std::cmp::Ordering {
    let parts = |key: &'_ str| key.find(':').unwrap_or(0);
    let (a_exchange, a_symbol) = a.split_at(parts(a));
    let (b_exchange, b_symbol) = b.split_at(parts(b));
    (a_exchange, a_symbol).cmp(&(b_exchange, b_symbol))
}

/// The reason why a key is not well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKey {
    /// The key has no colon between exchange and symbol.
    #[error("missing colon; expected `EXCHANGE:SYMBOL`")]
    NoColon,
    /// The part before the colon contains characters other than capital letters and digits.
    #[error("the exchange before the colon must be capital letters and digits")]
    Exchange,
    /// The symbol after the colon is empty.
    #[error("missing symbol after the colon")]
    NoSymbol,
    /// The symbol contains a character that is neither printable ASCII nor a letter or digit.
    #[error("the symbol contains an unprintable character")]
    Unprintable,
    /// The key has more than [`KEY_CHARACTERS_MAX`] characters.
    #[error("the key is longer than 100 characters")]
    TooLong,
}

/// An amount of money or a price in whole ten-thousandths of its unit.
///
/// Serializes as a JSON number. The conversion to and from binary floating point happens only at that
/// border and is exact for every amount below 10^11: such a number has at most 15 significant digits, which
/// a double carries unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// The amount 0. As a tick size, it means that no file has the tick size.
    pub const ZERO: Amount = Amount(0);

    /// Returns the amount of `value` ten-thousandths: 10,000 of them are one unit.
    pub const fn from_ten_thousandths(value: i64) -> Self {
        Amount(value)
    }

    /// Returns the exact amount as a number of ten-thousandths.
    pub const fn ten_thousandths(self) -> i64 {
        self.0
    }

    /// Multiplies the amount; the result saturates at the largest amount.
    pub fn times(self, times: u64) -> Self {
        Amount(self.0.saturating_mul(i64::try_from(times).unwrap_or(i64::MAX)))
    }

    /// Parses a decimal number with at most four significant decimals; further decimals must be zeros.
    /// `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && decimals.is_empty() {
            return None;
        }
        let (decimals, beyond) = decimals.split_at_checked(4).unwrap_or((decimals, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(decimals) || !beyond.bytes().all(|b| b == b'0') {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut fraction = 0;
        for position in 0..4 {
            fraction = fraction * 10 + decimals.as_bytes().get(position).map_or(0, |digit| i64::from(digit - b'0'));
        }
        let value = whole.checked_mul(10_000)?.checked_add(fraction)?;
        Some(Amount(if negative { -value } else { value }))
    }
}

const DIGITS: &[u8; 10] = b"0123456789";

impl fmt::Display for Amount {
    /// Writes the number without needless zeros: `97.5`, `24000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A sign, a point and the digits of the largest amount.
        const CHARACTERS_MAX: usize = 21;
        let (mut rest, mut decimals) = (self.0.unsigned_abs(), 4);
        while decimals > 0 && rest.is_multiple_of(10) {
            rest /= 10;
            decimals -= 1;
        }
        // Files have hundreds of thousands of amounts, so the digits are written without the machinery for formats,
        // from the last one to the first.
        let mut text = [0; CHARACTERS_MAX];
        let mut start = CHARACTERS_MAX;
        let mut put = |character: u8| {
            start -= 1;
            text[start] = character;
        };
        let mut count = 0;
        while count <= decimals || rest > 0 {
            if count == decimals && decimals > 0 {
                put(b'.');
            }
            put(DIGITS[(rest % 10) as usize]);
            rest /= 10;
            count += 1;
        }
        if self.0 < 0 {
            put(b'-');
        }
        f.write_str(std::str::from_utf8(&text[start..]).expect("the characters are ASCII"))
    }
}

impl Serialize for Amount {
    #[allow(clippy::cast_precision_loss)]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 10_000.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    #[allow(clippy::cast_possible_truncation)]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Ok(Amount((number * 10_000.0).round() as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_contain_spaces_ampersands_and_hyphens() {
        assert_eq!(split_key("NSE:NIFTY 50"), Ok(("NSE", "NIFTY 50")));
        assert_eq!(split_key("NSE:M&M"), Ok(("NSE", "M&M")));
        assert_eq!(split_key("NSE:BAJAJ-AUTO"), Ok(("NSE", "BAJAJ-AUTO")));
    }

    #[test]
    fn the_fault_of_a_malformed_key_is_reported() {
        assert_eq!(split_key("RELIANCE"), Err(MalformedKey::NoColon));
        assert_eq!(split_key(":RELIANCE"), Err(MalformedKey::Exchange));
        assert_eq!(split_key("nse:RELIANCE"), Err(MalformedKey::Exchange));
        assert_eq!(split_key("NSE :RELIANCE"), Err(MalformedKey::Exchange));
        assert_eq!(split_key("NSE:"), Err(MalformedKey::NoSymbol));
        for unprintable in ["\u{7}", "\u{200b}", "\u{202e}", "\u{a0}", "\u{feff}", "\u{2028}"] {
            assert_eq!(split_key(&format!("NSE:A{unprintable}B")), Err(MalformedKey::Unprintable));
        }
        assert_eq!(split_key("NSE:ÄÖ"), Ok(("NSE", "ÄÖ")));
        assert!(split_key(&format!("NSE:{}", "Ä".repeat(96))).is_ok());
        assert_eq!(split_key(&format!("NSE:{}", "A".repeat(97))), Err(MalformedKey::TooLong));
    }

    #[test]
    fn keys_sort_by_exchange_then_symbol() {
        let mut keys = vec!["A1:B", "A:Z", "NSE:TCS", "BSE:TCS", "NSE:ACC"];
        keys.sort_by(|a, b| compare_keys(a, b));
        assert_eq!(keys, ["A:Z", "A1:B", "BSE:TCS", "NSE:ACC", "NSE:TCS"]);
    }

    #[test]
    fn amounts_are_parsed_and_formatted_exactly() {
        for (text, value, shown) in [
            ("0.05", 500, "0.05"),
            ("97.50", 975_000, "97.5"),
            ("24000.0", 240_000_000, "24000"),
            ("-1.000000", -10_000, "-1"),
            (".25", 2_500, "0.25"),
            ("0.0025", 25, "0.0025"),
        ] {
            let amount = Amount::parse(text).unwrap();
            assert_eq!(amount.ten_thousandths(), value);
            assert_eq!(amount.to_string(), shown);
        }
        for (value, shown) in [
            (0, "0"),
            (-5, "-0.0005"),
            (1_000_500, "100.05"),
            (i64::MAX, "922337203685477.5807"),
            (i64::MIN, "-922337203685477.5808"),
        ] {
            assert_eq!(Amount::from_ten_thousandths(value).to_string(), shown);
        }
        for text in ["", ".", "1,5", "0.00005", "nan", "1e3", "--1", "+1"] {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_amount_survives_json() {
        for value in [0, 1, 1000, 500, 123_456_789_012, -25] {
            let amount = Amount::from_ten_thousandths(value);
            let json = serde_json::to_string(&amount).unwrap();
            assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount, "{json}");
        }
        assert_eq!(serde_json::to_string(&Amount::from_ten_thousandths(1000)).unwrap(), "0.1");
    }
}
