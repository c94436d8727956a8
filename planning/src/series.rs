//! The series of securities on NSE, and the base symbol that a share keeps in every series.

use crate::vocabulary::Segment;

/// The series in which NSE trades shares: normal, trade-for-trade, and those of small companies. A share is in one of
/// them at a time and moves between them. All other series number issues of debt, or hold what exists in addition to
/// the share: rights, warrants, partly paid shares, and windows for blocks.
pub(crate) const OF_SHARES: [&str; 7] = ["EQ", "BE", "BZ", "IT", "SM", "ST", "SZ"];

/// The series of the securities whose symbols have no suffix.
const PLAIN: &str = "EQ";

/// The properties of a security that determine its series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing<'a> {
    /// Its segment.
    pub(crate) segment: Segment,
    /// The part of its key after the colon.
    pub(crate) symbol: &'a str,
    /// The series in the broker's file.
    pub(crate) series: Option<&'a str>,
    /// The ISIN in the broker's file.
    pub(crate) isin: Option<&'a str>,
}

impl<'a> Listing<'a> {
    /// Returns the series, if known. A file with neither ISINs nor a column of series writes the series into the symbol,
    /// except `EQ`.
    pub(crate) fn known_series(self) -> Option<&'a str> {
        let is_plain = self.segment == Segment::NseEquity && self.isin.is_none();
        self.series.or(is_plain.then_some(PLAIN))
    }

    /// Returns the symbol without the series.
    pub(crate) fn base(self) -> &'a str {
        let stem = |series| self.symbol.strip_suffix(series)?.strip_suffix('-');
        self.known_series().and_then(stem).filter(|stem| !stem.is_empty()).unwrap_or(self.symbol)
    }

    /// Whether it is traded in a series of shares.
    pub(crate) fn is_share(self) -> bool {
        self.segment == Segment::NseEquity && self.known_series().is_some_and(|series| OF_SHARES.contains(&series))
    }

    /// Whether the symbol is what the base symbol and the series give: `EXAMPLE` in `EQ`, `EXAMPLE-BE` in `BE`.
    fn is_written_by_rule(self) -> bool {
        let has_suffix = self.base().len() < self.symbol.len();
        self.known_series().is_some_and(|series| has_suffix != (series == PLAIN))
    }

    /// Whether `other` is the same security of NSE in another series, and nothing but the series makes their symbols
    /// differ.
    pub(crate) fn differs_by_series(self, other: Listing<'_>) -> bool {
        self.segment == Segment::NseEquity
            && other.segment == self.segment
            && self.base() == other.base()
            && self.known_series() != other.known_series()
            && self.is_written_by_rule()
            && other.is_written_by_rule()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing<'a>(symbol: &'a str, series: Option<&'a str>) -> Listing<'a> {
        Listing { segment: Segment::NseEquity, symbol, series, isin: None }
    }

    #[test]
    fn a_symbol_without_series_and_isin_is_of_eq() {
        assert_eq!(listing("TCS", None).known_series(), Some("EQ"));
        assert_eq!(Listing { isin: Some("INE467B01029"), ..listing("TCS", None) }.known_series(), None);
        assert_eq!(Listing { segment: Segment::BseEquity, ..listing("TCS", None) }.known_series(), None);
    }

    #[test]
    fn the_base_symbol_lacks_the_series() {
        for (symbol, series, base) in [
            ("EXAMPLE-BE", Some("BE"), "EXAMPLE"),
            ("BAJAJ-AUTO", None, "BAJAJ-AUTO"),
            ("BAJAJ-AUTO-BE", Some("BE"), "BAJAJ-AUTO"),
            ("EXAMPLE", Some("SM"), "EXAMPLE"),
            ("EXAMPLEBE", Some("BE"), "EXAMPLEBE"),
            ("-BE", Some("BE"), "-BE"),
        ] {
            assert_eq!(listing(symbol, series).base(), base, "{symbol}");
        }
    }

    #[test]
    fn only_shares_are_in_a_series_of_shares() {
        assert!(listing("EXAMPLE", None).is_share());
        for series in ["BE", "BZ", "SM", "ST"] {
            assert!(listing("EXAMPLE", Some(series)).is_share(), "{series}");
        }
        for series in ["N0", "E1", "BL", "T0", "IV"] {
            assert!(!listing("EXAMPLE", Some(series)).is_share(), "{series}");
        }
    }

    #[test]
    fn symbols_of_one_base_differ_by_series() {
        let plain = listing("EXAMPLE", None);

        assert!(listing("EXAMPLE-BE", Some("BE")).differs_by_series(plain));
        assert!(listing("EXAMPLE-SM", Some("SM")).differs_by_series(listing("EXAMPLE-ST", Some("ST"))));
        assert!(!listing("OTHER-BE", Some("BE")).differs_by_series(plain));
        assert!(!listing("EXAMPLE", Some("EQ")).differs_by_series(plain));
        assert!(!listing("EXAMPLE", Some("SM")).differs_by_series(plain), "the key would not show the series");
    }
}
