//! What an instrument is: its key, its exchange and segment, its class, and amounts of money.
//!
//! Everything here is parsed once at the border and carries its meaning in its type afterwards.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest instrument key that a request may name, in characters.
pub const KEY_CHARACTERS_MAX: usize = 100;

/// The part of an instrument key before the colon.
///
/// Names follow Kite's dump, whose grammar the platform's keys use. The variants stand in alphabetical
/// order, so that comparing exchanges compares their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exchange {
    /// BSE currency derivatives.
    Bcd,
    /// BSE equity derivatives.
    Bfo,
    /// BSE cash and indices.
    Bse,
    /// NSE currency derivatives.
    Cds,
    /// Global indices.
    Global,
    /// MCX commodities.
    Mcx,
    /// NSE commodities.
    Nco,
    /// NSE equity derivatives.
    Nfo,
    /// NSE cash and indices.
    Nse,
    /// NSE International Exchange, GIFT City.
    Nseix,
}

impl Exchange {
    /// Every exchange, in alphabetical order.
    pub const ALL: [Exchange; 10] = [
        Exchange::Bcd,
        Exchange::Bfo,
        Exchange::Bse,
        Exchange::Cds,
        Exchange::Global,
        Exchange::Mcx,
        Exchange::Nco,
        Exchange::Nfo,
        Exchange::Nse,
        Exchange::Nseix,
    ];

    /// The name as it stands in a key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Exchange::Bcd => "BCD",
            Exchange::Bfo => "BFO",
            Exchange::Bse => "BSE",
            Exchange::Cds => "CDS",
            Exchange::Global => "GLOBAL",
            Exchange::Mcx => "MCX",
            Exchange::Nco => "NCO",
            Exchange::Nfo => "NFO",
            Exchange::Nse => "NSE",
            Exchange::Nseix => "NSEIX",
        }
    }

    /// The exchange of that name, `None` where it is not one we know.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|exchange| exchange.as_str() == name)
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A market segment. Broker tokens are unique only within one: NSE cash, NSE derivatives and NSE
/// commodities share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Segment {
    /// NSE cash.
    NseEquity,
    /// BSE cash.
    BseEquity,
    /// NSE indices.
    NseIndex,
    /// BSE indices.
    BseIndex,
    /// MCX indices.
    McxIndex,
    /// Global indices.
    GlobalIndex,
    /// NSE equity derivatives.
    NseDerivative,
    /// BSE equity derivatives.
    BseDerivative,
    /// NSE currency derivatives.
    NseCurrency,
    /// BSE currency derivatives.
    BseCurrency,
    /// NSE commodities.
    NseCommodity,
    /// MCX commodities.
    McxCommodity,
    /// NSE International Exchange.
    NseInternational,
}

impl Segment {
    /// Every segment, in the order of its code.
    pub const ALL: [Segment; 13] = [
        Segment::NseEquity,
        Segment::BseEquity,
        Segment::NseIndex,
        Segment::BseIndex,
        Segment::McxIndex,
        Segment::GlobalIndex,
        Segment::NseDerivative,
        Segment::BseDerivative,
        Segment::NseCurrency,
        Segment::BseCurrency,
        Segment::NseCommodity,
        Segment::McxCommodity,
        Segment::NseInternational,
    ];

    /// The name under which the segment is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Segment::NseEquity => "NSE_EQ",
            Segment::BseEquity => "BSE_EQ",
            Segment::NseIndex => "NSE_INDEX",
            Segment::BseIndex => "BSE_INDEX",
            Segment::McxIndex => "MCX_INDEX",
            Segment::GlobalIndex => "GLOBAL_INDEX",
            Segment::NseDerivative => "NSE_FO",
            Segment::BseDerivative => "BSE_FO",
            Segment::NseCurrency => "NCD_FO",
            Segment::BseCurrency => "BCD_FO",
            Segment::NseCommodity => "NSE_COM",
            Segment::McxCommodity => "MCX_FO",
            Segment::NseInternational => "NSEIX",
        }
    }

    /// The segment of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|segment| segment.as_str() == name)
    }
}

/// Serialises as its word.
macro_rules! as_word {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                $name::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("unknown word `{word}`")))
            }
        }
    };
}
as_word!(Exchange);
as_word!(Class);

/// What kind of thing an instrument is, in descending worth to a subscriber: an index moves everything
/// that refers to it, an option is one strike of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// An index.
    Index,
    /// An ordinary share.
    Equity,
    /// A future.
    Future,
    /// A call option.
    Call,
    /// A put option.
    Put,
    /// A fund unit: exchange-traded fund, investment trust, mutual fund.
    Fund,
    /// A physical commodity that derivatives refer to.
    Commodity,
    /// A bond, bill, debenture, warrant or any other security.
    Debt,
}

impl Class {
    /// Every class, most worth first.
    pub const ALL: [Class; 8] = [
        Class::Index,
        Class::Equity,
        Class::Future,
        Class::Call,
        Class::Put,
        Class::Fund,
        Class::Commodity,
        Class::Debt,
    ];

    /// The name as `instrument_type` shows it: Kite's words where Kite has one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Index => "INDEX",
            Class::Equity => "EQ",
            Class::Future => "FUT",
            Class::Call => "CE",
            Class::Put => "PE",
            Class::Fund => "FUND",
            Class::Commodity => "COM",
            Class::Debt => "DEBT",
        }
    }

    /// The class of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }

    /// Rank among candidates, 0 is worth most. Calls and puts rank alike.
    pub const fn worth_rank(self) -> u8 {
        match self {
            Class::Index => 0,
            Class::Equity => 1,
            Class::Future => 2,
            Class::Call | Class::Put => 3,
            Class::Fund => 4,
            Class::Commodity => 5,
            Class::Debt => 6,
        }
    }

    /// The class of a cash security by its ISIN.
    ///
    /// Indian ISINs (ISO 6166, numbered by NSDL) begin `INE` for companies, `INF` for funds and `IN0`–`IN9`
    /// for governments; for companies, characters 8 and 9 are the security type, `01` an ordinary share,
    /// `23` and `25` units of an investment trust.
    pub fn of_isin(isin: &str) -> Self {
        match (isin.get(..3), isin.get(7..9)) {
            (Some("INF"), _) | (Some("INE"), Some("23" | "25")) => Class::Fund,
            (Some("INE"), Some("01")) => Class::Equity,
            _ => Class::Debt,
        }
    }
}

/// Splits a well-formed key into exchange and symbol.
///
/// Well-formed is syntax only: `[A-Z0-9]+`, a colon, then at least one printable character. Case is kept
/// and nothing is trimmed; whether exchange or symbol exist is for the catalogue to say.
///
/// # Errors
/// [`MalformedKey`] says which part is wrong.
pub fn split_key(key: &str) -> Result<(&str, &str), MalformedKey> {
    let Some((exchange, symbol)) = key.split_once(':') else {
        return Err(MalformedKey::NoColon);
    };
    if exchange.is_empty() || !exchange.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        return Err(MalformedKey::Exchange);
    }
    if symbol.is_empty() {
        return Err(MalformedKey::NoSymbol);
    }
    // Beyond ASCII only letters and digits: marks that change direction or take no room hide what a key says.
    let is_printable = |c: char| matches!(c, ' '..='~') || c.is_alphanumeric();
    if symbol.bytes().any(|b| !(0x20..0x7f).contains(&b)) && !symbol.chars().all(is_printable) {
        return Err(MalformedKey::Unprintable);
    }
    if key.len() > KEY_CHARACTERS_MAX && key.chars().count() > KEY_CHARACTERS_MAX {
        return Err(MalformedKey::TooLong);
    }
    Ok((exchange, symbol))
}

/// Compares two keys by exchange, then symbol, byte by byte.
pub fn compare_keys(a: &str, b: &str) -> std::cmp::Ordering {
    let parts = |key: &'_ str| key.find(':').unwrap_or(0);
    let (a_exchange, a_symbol) = a.split_at(parts(a));
    let (b_exchange, b_symbol) = b.split_at(parts(b));
    (a_exchange, a_symbol).cmp(&(b_exchange, b_symbol))
}

/// Why a key is not well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKey {
    /// There is no colon.
    #[error("missing colon; expected `EXCHANGE:SYMBOL`")]
    NoColon,
    /// The part before the colon has other characters than capital letters and digits.
    #[error("the exchange before the colon must be capital letters and digits")]
    Exchange,
    /// Nothing follows the colon.
    #[error("missing symbol after the colon")]
    NoSymbol,
    /// The symbol has a character that is neither printable ASCII nor a letter or digit.
    #[error("the symbol contains an unprintable character")]
    Unprintable,
    /// The key is longer than [`KEY_CHARACTERS_MAX`].
    #[error("the key is longer than 100 characters")]
    TooLong,
}

/// An amount of money or a price in whole ten-thousandths of its unit.
///
/// Serialises as a JSON number. The conversion to and from binary floating point happens only at that
/// border and is exact for every amount below 10^11: such a number has at most 15 significant digits, which
/// a double carries unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// An amount of that many ten-thousandths.
    pub const fn from_ten_thousandths(value: i64) -> Self {
        Amount(value)
    }

    /// The amount in ten-thousandths.
    pub const fn ten_thousandths(self) -> i64 {
        self.0
    }

    /// This amount `times` over, held at the largest amount there is.
    pub fn times(self, times: u64) -> Self {
        Amount(self.0.saturating_mul(i64::try_from(times).unwrap_or(i64::MAX)))
    }

    /// Reads a decimal number with at most four significant decimals; further decimals must be zeros.
    /// `None` where the text is anything else.
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

impl fmt::Display for Amount {
    /// Writes the number without needless zeros: `97.5`, `24000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        let (whole, fraction) = (value / 10_000, value % 10_000);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{fraction:04}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
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
    fn a_key_may_hold_spaces_ampersands_and_hyphens() {
        assert_eq!(split_key("NSE:NIFTY 50"), Ok(("NSE", "NIFTY 50")));
        assert_eq!(split_key("NSE:M&M"), Ok(("NSE", "M&M")));
        assert_eq!(split_key("NSE:BAJAJ-AUTO"), Ok(("NSE", "BAJAJ-AUTO")));
    }

    #[test]
    fn a_malformed_key_says_what_is_wrong() {
        assert_eq!(split_key("RELIANCE"), Err(MalformedKey::NoColon));
        assert_eq!(split_key(":RELIANCE"), Err(MalformedKey::Exchange));
        assert_eq!(split_key("nse:RELIANCE"), Err(MalformedKey::Exchange));
        assert_eq!(split_key("NSE :RELIANCE"), Err(MalformedKey::Exchange));
        assert_eq!(split_key("NSE:"), Err(MalformedKey::NoSymbol));
        for unprintable in ["\u{7}", "\u{200b}", "\u{202e}", "\u{a0}", "\u{feff}", "\u{2028}"] {
            assert_eq!(split_key(&format!("NSE:A{unprintable}B")), Err(MalformedKey::Unprintable));
        }
        assert_eq!(split_key("NSE:ÄÖ"), Ok(("NSE", "ÄÖ")));
        assert_eq!(split_key(&format!("NSE:{}", "A".repeat(97))), Err(MalformedKey::TooLong));
    }

    #[test]
    fn keys_sort_by_exchange_then_symbol() {
        let mut keys = vec!["A1:B", "A:Z", "NSE:TCS", "BSE:TCS", "NSE:ACC"];
        keys.sort_by(|a, b| compare_keys(a, b));
        assert_eq!(keys, ["A:Z", "A1:B", "BSE:TCS", "NSE:ACC", "NSE:TCS"]);
    }

    #[test]
    fn exchanges_stand_in_the_order_of_their_names() {
        assert!(Exchange::ALL.is_sorted());
        assert!(Exchange::ALL.is_sorted_by_key(|exchange| exchange.as_str()));
    }

    #[test]
    fn an_amount_reads_and_writes_decimals_exactly() {
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

    #[test]
    fn an_isin_tells_the_class() {
        assert_eq!(Class::of_isin("INE002A01018"), Class::Equity);
        assert_eq!(Class::of_isin("INF204KB14I2"), Class::Fund);
        assert_eq!(Class::of_isin("INE0L6807146"), Class::Debt);
        assert_eq!(Class::of_isin("IN0020220151"), Class::Debt);
        assert_eq!(Class::of_isin(""), Class::Debt);
    }
}
