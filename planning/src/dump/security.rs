//! What kind of security a cash row is.

use super::{Row, field};
use crate::vocabulary::{Exchange, InstrumentType};

/// The class and ISIN of a security by what stands in the column of the ISIN. Test securities have none, and
/// are no share.
pub(super) fn class_and_isin(isin: &str) -> (InstrumentType, Option<String>) {
    match field::isin(isin) {
        Some(isin) => (InstrumentType::of_isin(isin), Some(isin.to_owned())),
        None => (InstrumentType::Debt, None),
    }
}

/// Completes the row of a security by its symbol, series (empty where it has none) and ISIN. `None` where no
/// key can be made of the symbol.
pub(super) fn row(row: Row, symbol: &str, series: &str, isin: &str) -> Option<Row> {
    let symbol = field::symbol(row.exchange, symbol)?;
    let series = Some(series).filter(|series| !series.is_empty()).map(str::to_owned);
    let (class, isin) = class_and_isin(isin);
    Some(Row { symbol, class, isin, series, ..row })
}

/// The series that Kite and others write after a hyphen: `94SFL28-YL`. Names have hyphens too (`BAJAJ-AUTO`),
/// but a series is always two characters.
pub(super) fn series_of(symbol: &str) -> Option<&str> {
    let (_, series) = symbol.rsplit_once('-')?;
    let is_series = series.len() == 2 && series.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    is_series.then_some(series)
}

/// The class of an NSE series, `None` being `EQ`.
///
/// Shares are in trade-for-trade (`BE`, `BZ`, `IT`), in lots of small companies (`SM`, `ST`, `SZ`), or in
/// special windows (`BL`, `IL`, `T0`); funds in `MF`, and trusts in `RR` and `IV`. The many others number
/// the issues of debt, or are rights, warrants and partly paid shares.
pub(super) fn class_of_series(series: Option<&str>) -> InstrumentType {
    match series {
        None | Some("EQ" | "BE" | "BZ" | "IT" | "SM" | "ST" | "SZ" | "BL" | "IL" | "T0") => InstrumentType::Equity,
        Some("MF" | "ME" | "RR" | "IV") => InstrumentType::Fund,
        Some(_) => InstrumentType::Debt,
    }
}

/// The class where a file has neither ISIN nor type.
///
/// On NSE the series tells it. BSE's groups do not, and a bond is told from a share by its symbol alone: of
/// `75BOND31` and `182D140526` both ends are digits, of `20MICRONS` or `BOSCH` they are not.
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
    fn without_isin_the_series_or_the_symbol_tells_the_class() {
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
