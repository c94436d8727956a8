//! Determines the key and the type of a cash security.

use std::borrow::Cow;

use super::{Row, field};
use crate::series::{self, ORDINARY};
use crate::vocabulary::{Exchange, InstrumentType};

/// Returns the symbol in the key of a security, by Kite's rule: on NSE the symbol if the series is `EQ` or not known,
/// otherwise the symbol, a hyphen and the series. A series that the symbol already ends in is not added again. On other
/// exchanges the symbol alone.
pub(crate) fn key_symbol<'a>(exchange: Exchange, symbol: &'a str, series: Option<&str>) -> Cow<'a, str> {
    let ends_in = |series: &str| symbol.strip_suffix(series).and_then(|rest| rest.strip_suffix('-'));
    match series.filter(|series| !series.is_empty()).unwrap_or(ORDINARY) {
        _ if exchange != Exchange::Nse => Cow::Borrowed(symbol),
        ORDINARY => Cow::Borrowed(ends_in(ORDINARY).filter(|rest| !rest.is_empty()).unwrap_or(symbol)),
        series if ends_in(series).is_some_and(|rest| !rest.is_empty()) => Cow::Borrowed(symbol),
        series => Cow::Owned(format!("{symbol}-{series}")),
    }
}

/// Returns the type and the ISIN of a security by the content of the ISIN column. Test securities have no ISIN and are
/// not shares.
pub(super) fn class_and_isin(isin: &str) -> (InstrumentType, Option<String>) {
    match field::isin(isin) {
        Some(isin) => (InstrumentType::of_isin(isin), Some(isin.to_owned())),
        None => (InstrumentType::Debt, None),
    }
}

/// Completes the row of a security from its symbol, series (empty if it has none) and ISIN. `None` if the symbol cannot
/// be part of a key.
pub(super) fn row(row: Row, symbol: &str, series: &str, isin: &str) -> Option<Row> {
    let (class, isin) = class_and_isin(isin);
    named(Row { class, isin, ..row }, symbol, present_series(row.exchange, class, series))
}

/// Sets the symbol and the series of a security. `None` if the symbol cannot be part of a key.
pub(super) fn named(row: Row, symbol: &str, series: Option<&str>) -> Option<Row> {
    if symbol.is_empty() {
        return None;
    }
    let symbol = field::symbol(row.exchange, &key_symbol(row.exchange, symbol, series))?;
    Some(Row { symbol, series: series.map(str::to_owned), ..row })
}

/// Returns the series in a column; `None` if the text is empty or a placeholder for a missing value. `NA` is both: on NSE
/// it is a series of bonds.
pub(super) fn present_series(exchange: Exchange, class: InstrumentType, series: &str) -> Option<&str> {
    let is_of_bonds = exchange == Exchange::Nse && class == InstrumentType::Debt && series == "NA";
    let series = if is_of_bonds { series } else { field::present(series) };
    Some(series).filter(|series| !series.is_empty())
}

/// Returns the series that Kite and others append after a hyphen: `94SFL28-YL`. Names have hyphens too (`BAJAJ-AUTO`),
/// but a series always has two characters. `RE` marks the rights to a share, which are traded in a series of shares.
pub(super) fn series_of(symbol: &str) -> Option<&str> {
    let (_, series) = symbol.rsplit_once('-')?;
    let is_series = series.len() == 2 && series.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (is_series && series != "RE").then_some(series)
}

/// Whether a company lists securities of an NSE series under the symbol of its share: partly paid shares (`E1`), preference
/// shares (`P1`), warrants (`W1`), and convertible (`D1`) and other (`X1`) securities. Bonds have symbols of their own.
pub(crate) fn shares_symbol_of_share(series: &str) -> bool {
    matches!(series.as_bytes(), [b'D' | b'E' | b'P' | b'W' | b'X', b'0'..=b'9'])
}

/// Returns the NSE series of a government security by its ISIN and, for gold bonds, its symbol; `None` for others. States
/// are `IN1` to `IN4`, the Union is `IN0`; `X`, `Y` or `Z` after the year is a treasury bill of 91, 182 or 364 days.
pub(super) fn series_of_government(symbol: &str, isin: &str) -> Option<&'static str> {
    let isin = isin.as_bytes();
    match (isin.get(..3)?, isin.get(8)?) {
        (b"IN1" | b"IN2" | b"IN3" | b"IN4", _) => Some("SG"),
        (b"IN0", b'X' | b'Y' | b'Z') => Some("TB"),
        (b"IN0", _) if symbol.starts_with("SGB") => Some("GB"),
        (b"IN0", _) => Some("GS"),
        _ => None,
    }
}

/// Returns the type if a file has neither ISIN nor type.
///
/// On NSE the series determines it. BSE's groups do not, and only the symbol distinguishes a bond from a share:
/// `75BOND31` and `182D140526` start and end with digits, `20MICRONS` and `BOSCH` do not.
pub(super) fn class_by_symbol(exchange: Exchange, symbol: &str, series: Option<&str>) -> InstrumentType {
    if exchange == Exchange::Nse {
        return series::class_of(series.unwrap_or(ORDINARY));
    }
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = symbol.as_bytes();
    if is_digit(bytes.first()) && is_digit(bytes.last()) { InstrumentType::Debt } else { InstrumentType::Equity }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_two_characters_after_the_last_hyphen() {
        assert_eq!(series_of("94SFL28-YL"), Some("YL"));
        assert_eq!(series_of("BAJAJ-AUTO-EQ"), Some("EQ"));
        assert_eq!(series_of("3IINFO-RE-BE"), Some("BE"));
        for symbol in ["TCS", "BAJAJ-AUTO", "A-b1", "A-", "MAHLIFE-RE"] {
            assert_eq!(series_of(symbol), None, "{symbol}");
        }
    }

    #[test]
    fn the_key_on_nse_contains_every_series_but_eq() {
        for (symbol, series, key) in [
            ("TCS", Some("EQ"), "TCS"),
            ("TCS", None, "TCS"),
            ("TCS", Some(""), "TCS"),
            ("SBIN-EQ", Some("EQ"), "SBIN"),
            ("TESTCO", Some("SM"), "TESTCO-SM"),
            ("MAXPOSURE-SM", Some("SM"), "MAXPOSURE-SM"),
            ("BAJAJ-AUTO", Some("BE"), "BAJAJ-AUTO-BE"),
            ("3IINFO-RE", Some("BE"), "3IINFO-RE-BE"),
            ("SM", Some("SM"), "SM-SM"),
        ] {
            assert_eq!(key_symbol(Exchange::Nse, symbol, series), key, "{symbol} {series:?}");
        }
        assert_eq!(key_symbol(Exchange::Bse, "SBIN", Some("A")), "SBIN");
    }

    #[test]
    fn the_isin_of_a_government_security_determines_its_series() {
        for (symbol, isin, series) in [
            ("774HR35", "IN1620220062", Some("SG")),
            ("774JK43", "IN4920230161", Some("SG")),
            ("182D190625", "IN002024Y365", Some("TB")),
            ("718GS2033", "IN0020230085", Some("GS")),
            ("SGBAUG28V", "IN0020200187", Some("GB")),
            ("JISLDVREQS", "IN9175A01010", None),
            ("774LIC28", "INE115A07QW5", None),
            ("A", "", None),
        ] {
            assert_eq!(series_of_government(symbol, isin), series, "{symbol}");
        }
    }

    #[test]
    fn na_is_a_series_of_bonds_and_otherwise_missing() {
        use InstrumentType::{Debt, Equity};
        for (exchange, class, text, series) in [
            (Exchange::Nse, Debt, "NA", Some("NA")),
            (Exchange::Nse, Equity, "NA", None),
            (Exchange::Bse, Debt, "NA", None),
            (Exchange::Nse, Debt, "nan", None),
            (Exchange::Nse, Debt, "", None),
            (Exchange::Bse, Equity, "A", Some("A")),
        ] {
            assert_eq!(present_series(exchange, class, text), series, "{exchange} {text}");
        }
    }

    #[test]
    fn without_isin_series_or_symbol_determine_the_type() {
        for (exchange, symbol, series, class) in [
            (Exchange::Nse, "TCS", Some("EQ"), InstrumentType::Equity),
            (Exchange::Nse, "782GJ32", Some("SG"), InstrumentType::Debt),
            (Exchange::Nse, "AIRTELPP", Some("E1"), InstrumentType::Equity),
            (Exchange::Nse, "CALSOFTPP", Some("X1"), InstrumentType::Equity),
            (Exchange::Nse, "EMBASSY", Some("RR"), InstrumentType::Fund),
            (Exchange::Nse, "INDIGRID", Some("IV"), InstrumentType::Fund),
            (Exchange::Nse, "ARSIFHRMD", Some("SF"), InstrumentType::Fund),
            (Exchange::Nse, "ELECTCAST", Some("W1"), InstrumentType::Debt),
            (Exchange::Bse, "20MICRONS", None, InstrumentType::Equity),
            (Exchange::Bse, "182D140526", None, InstrumentType::Debt),
        ] {
            assert_eq!(class_by_symbol(exchange, symbol, series), class, "{symbol}");
        }
    }
}
