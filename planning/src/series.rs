//! The series of securities on NSE, and the base symbol that a share keeps in every series.

use crate::vocabulary::{InstrumentType, Segment};

/// The series of the securities whose symbols have no suffix.
pub(crate) const ORDINARY: &str = "EQ";

/// The kind of securities that a series of NSE contains.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SeriesKind {
    /// Shares: normal, trade-for-trade, and those of small companies. A share is in one of these series at a time and
    /// moves between them.
    Share,
    /// Funds and trusts.
    Fund,
    /// A special window for the same shares: blocks, and settlement on the same day.
    Window,
    /// Partly paid shares, which exist in addition to the share.
    PartlyPaid,
}

/// The series of shares and funds, the most likely meaning of a symbol without a series first. All other series number
/// the issues of debt, or are rights and warrants.
///
/// `BE`, `BZ` and `IT` are trade-for-trade, `SM`, `ST` and `SZ` small companies, `RR` real estate and `IV`
/// infrastructure trusts, `X1` is trade-for-trade for `E1`.
const SERIES: [(&str, SeriesKind); 17] = [
    (ORDINARY, SeriesKind::Share),
    ("BE", SeriesKind::Share),
    ("BZ", SeriesKind::Share),
    ("SM", SeriesKind::Share),
    ("ST", SeriesKind::Share),
    ("SZ", SeriesKind::Share),
    ("IT", SeriesKind::Share),
    ("RR", SeriesKind::Fund),
    ("IV", SeriesKind::Fund),
    ("MF", SeriesKind::Fund),
    ("ME", SeriesKind::Fund),
    ("SF", SeriesKind::Fund),
    ("BL", SeriesKind::Window),
    ("IL", SeriesKind::Window),
    ("T0", SeriesKind::Window),
    ("E1", SeriesKind::PartlyPaid),
    ("X1", SeriesKind::PartlyPaid),
];

fn content_of(series: &str) -> Option<SeriesKind> {
    SERIES.iter().find(|(known, _)| *known == series).map(|(_, content)| *content)
}

/// Returns the series of shares.
pub(crate) fn of_shares() -> impl Iterator<Item = &'static str> {
    SERIES.iter().filter(|(_, content)| *content == SeriesKind::Share).map(|(series, _)| *series)
}

/// Returns the type of a series.
pub(crate) fn class_of(series: &str) -> InstrumentType {
    match content_of(series) {
        Some(SeriesKind::Share | SeriesKind::Window | SeriesKind::PartlyPaid) => InstrumentType::Equity,
        Some(SeriesKind::Fund) => InstrumentType::Fund,
        None => InstrumentType::Debt,
    }
}

/// Returns the rank of a series among those that a symbol without a series can mean; the lowest is the most likely.
/// `None` for the series of bonds, rights, warrants and partly paid shares.
pub(crate) fn rank_of(series: &str) -> Option<usize> {
    let rank = SERIES.iter().position(|(known, _)| *known == series)?;
    (SERIES[rank].1 != SeriesKind::PartlyPaid).then_some(rank)
}

/// Returns the letters and digits of a name in capitals, without the legal form at its end: brokers write `LTD` and
/// `Limited`.
pub(crate) fn comparable_name(name: &str) -> String {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect();
    let without = ["LIMITED", "LTD"].iter().find_map(|form| letters.strip_suffix(form).map(str::to_owned));
    without.unwrap_or(letters)
}

/// The properties of a security that determine its series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing<'a> {
    pub(crate) segment: Segment,
    /// The part of its key after the colon.
    pub(crate) symbol: &'a str,
    /// The series in the broker's file.
    pub(crate) series: Option<&'a str>,
    /// The ISIN in the broker's file.
    pub(crate) isin: Option<&'a str>,
}

impl<'a> Listing<'a> {
    /// Returns the series, if known. A file with neither ISINs nor a column of series writes the series into the
    /// symbol, except `EQ`.
    pub(crate) fn known_series(self) -> Option<&'a str> {
        let is_plain = self.segment == Segment::NseEquity && self.isin.is_none();
        self.series.or(is_plain.then_some(ORDINARY))
    }

    /// Returns the series if it distinguishes the security from others with the same ISIN; otherwise an empty text. The
    /// groups of BSE do not, and a share moves between the series of shares.
    pub(crate) fn distinguishing_series(self) -> &'a str {
        let series = self.series.filter(|_| self.segment == Segment::NseEquity);
        series.filter(|series| content_of(series) != Some(SeriesKind::Share)).unwrap_or_default()
    }

    /// Returns the symbol without the series.
    pub(crate) fn base(self) -> &'a str {
        let stem = |series| self.symbol.strip_suffix(series)?.strip_suffix('-');
        self.known_series().and_then(stem).filter(|stem| !stem.is_empty()).unwrap_or(self.symbol)
    }

    /// Whether the instrument is traded in a series of shares.
    pub(crate) fn is_share(self) -> bool {
        self.segment == Segment::NseEquity
            && self.known_series().is_some_and(|series| content_of(series) == Some(SeriesKind::Share))
    }

    /// Whether the symbol consists of the base symbol and the series: `EXAMPLE` in `EQ`, `EXAMPLE-BE` in `BE`.
    fn is_written_by_rule(self) -> bool {
        let has_suffix = self.base().len() < self.symbol.len();
        self.known_series().is_some_and(|series| has_suffix != (series == ORDINARY))
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
    fn a_series_determines_type_and_rank() {
        for (series, class, has_rank) in [
            ("EQ", InstrumentType::Equity, true),
            ("T0", InstrumentType::Equity, true),
            ("E1", InstrumentType::Equity, false),
            ("RR", InstrumentType::Fund, true),
            ("SF", InstrumentType::Fund, true),
            ("N0", InstrumentType::Debt, false),
            ("W1", InstrumentType::Debt, false),
        ] {
            assert_eq!(class_of(series), class, "{series}");
            assert_eq!(rank_of(series).is_some(), has_rank, "{series}");
        }
        assert!(rank_of("BE") < rank_of("SM"));
    }

    #[test]
    fn names_are_compared_without_their_legal_form() {
        for name in ["EXAMPLE LIMITED", "Example Ltd.", "EXAMPLE"] {
            assert_eq!(comparable_name(name), "EXAMPLE", "{name}");
        }
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
