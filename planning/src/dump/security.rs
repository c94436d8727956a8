//! Determines the type of a cash security.

use super::{Row, field};
use crate::vocabulary::{Exchange, InstrumentType};

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
    let symbol = field::symbol(row.exchange, symbol)?;
    let series = Some(series).filter(|series| !series.is_empty()).map(str::to_owned);
    let (class, isin) = class_and_isin(isin);
    Some(Row { symbol, class, isin, series, ..row })
}

/// Returns the series that Kite and others append after a hyphen: `94SFL28-YL`. Names have hyphens too (`BAJAJ-AUTO`),
/// but a series always has two characters.
pub(super) fn series_of(symbol: &str) -> Option<&str> {
    let (_, series) = symbol.rsplit_once('-')?;
    let is_series = series.len() == 2 && series.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    is_series.then_some(series)
}

/// Returns the type of an NSE series; `None` is `EQ`.
///
/// Shares are in trade-for-trade (`BE`, `BZ`, `IT`), in lots of small companies (`SM`, `ST`, `SZ`), or in special
/// windows (`BL`, `IL`, `T0`); funds in `MF`, and trusts in `RR` and `IV`. The many others number the issues of debt,
/// or are rights, warrants and partly paid shares.
pub(super) fn class_of_series(series: Option<&str>) -> InstrumentType {
    match series {
        None | Some("EQ" | "BE" | "BZ" | "IT" | "SM" | "ST" | "SZ" | "BL" | "IL" | "T0") => InstrumentType::Equity,
        Some("MF" | "ME" | "RR" | "IV") => InstrumentType::Fund,
        Some(_) => InstrumentType::Debt,
    }
}

/// Returns the type if a file has neither ISIN nor type.
///
/// On NSE the series determines it. BSE's groups do not, and only the symbol distinguishes a bond from a share:
/// `75BOND31` and `182D140526` start and end with digits, `20MICRONS` and `BOSCH` do not.
pub(super) fn class_by_symbol(exchange: Exchange, symbol: &str, series: Option<&str>) -> InstrumentType {
    if exchange == Exchange::Nse {
        return class_of_series(series);
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
        for symbol in ["TCS", "BAJAJ-AUTO", "A-b1", "A-"] {
            assert_eq!(series_of(symbol), None, "{symbol}");
        }
    }

    #[test]
    fn without_isin_series_or_symbol_determine_the_type() {
        for (exchange, symbol, series, class) in [
            (Exchange::Nse, "TCS", Some("EQ"), InstrumentType::Equity),
            (Exchange::Nse, "782GJ32", Some("SG"), InstrumentType::Debt),
            (Exchange::Bse, "20MICRONS", None, InstrumentType::Equity),
            (Exchange::Bse, "182D140526", None, InstrumentType::Debt),
        ] {
            assert_eq!(class_by_symbol(exchange, symbol, series), class, "{symbol}");
        }
    }
}
