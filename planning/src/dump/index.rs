//! Creates the row of an index with Kite's name for it.

use super::field::{self, Reason};
use super::{Row, symbol};
use crate::vocabulary::{Exchange, InstrumentType, Segment};

/// NSE indices that brokers write without the spaces of their symbols, or with other spaces.
const NSE_INDICES: [&str; 35] = [
    "INDIA VIX",
    "NIFTY 50",
    "NIFTY 100",
    "NIFTY 200",
    "NIFTY 500",
    "NIFTY AUTO",
    "NIFTY BANK",
    "NIFTY COMMODITIES",
    "NIFTY CONSR DURBL",
    "NIFTY CONSUMPTION",
    "NIFTY CPSE",
    "NIFTY ENERGY",
    "NIFTY FIN SERVICE",
    "NIFTY FMCG",
    "NIFTY HEALTHCARE",
    "NIFTY INFRA",
    "NIFTY IT",
    "NIFTY MEDIA",
    "NIFTY METAL",
    "NIFTY MID SELECT",
    "NIFTY MIDCAP 50",
    "NIFTY MIDCAP 100",
    "NIFTY MIDCAP 150",
    "NIFTY MNC",
    "NIFTY NEXT 50",
    "NIFTY OIL AND GAS",
    "NIFTY PHARMA",
    "NIFTY PSE",
    "NIFTY PSU BANK",
    "NIFTY PVT BANK",
    "NIFTY REALTY",
    "NIFTY SERV SECTOR",
    "NIFTY SMLCAP 50",
    "NIFTY SMLCAP 100",
    "NIFTY SMLCAP 250",
];

/// Creates the row of an index with that symbol. Its alias is the one in the file, or else the usual one.
pub(super) fn row(segment: Segment, symbol: &str, alias: &str, name: &str, token: String) -> Result<Row, Reason> {
    let exchange = field::exchange_of(segment);
    let symbol =
        field::symbol(exchange, symbol).ok_or("name of the index is empty, too long or has unprintable characters")?;
    let customary = || symbol::alias_of_index(&symbol).filter(|_| segment == Segment::NseIndex).map(str::to_owned);
    let alias = field::symbol(exchange, alias).filter(|alias| *alias != symbol).or_else(customary);
    Ok(Row { symbol, alias, name: name.to_owned(), class: InstrumentType::Index, ..Row::bare(segment, token) })
}

/// Creates the row of an index for which a broker has a short name of its own (`BANKNIFTY`) and a longer one (`Nifty
/// Bank`); either may be missing. The symbols of BSE's and MCX's indices are their short names.
pub(super) fn row_by_names(segment: Segment, short: &str, long: &str, token: String) -> Result<Row, Reason> {
    let (upper_short, upper_long) = (short.to_uppercase(), long.to_uppercase());
    let given = if upper_short.is_empty() { &upper_long } else { &upper_short };
    if segment != Segment::NseIndex {
        return row(segment, given, "", long, token);
    }
    let known = known_as(&upper_short).or_else(|| known_as(&upper_long));
    let fallback = if upper_long.is_empty() { given } else { &upper_long };
    row(segment, known.unwrap_or(fallback), "", long, token)
}

/// Returns the symbol of an NSE index by its usual alias, or by its name with or without spaces.
fn known_as(name: &str) -> Option<&'static str> {
    let dense = |text: &str| text.replace(' ', "");
    let wanted = dense(name);
    let is_it = |index: &&str| symbol::alias_of_index(index) == Some(&wanted) || dense(index) == wanted;
    NSE_INDICES.into_iter().find(is_it)
}

/// Returns the segment of the indices of an exchange.
pub(super) fn segment_on(exchange: Exchange) -> Option<Segment> {
    match exchange {
        Exchange::Nse => Some(Segment::NseIndex),
        Exchange::Bse => Some(Segment::BseIndex),
        Exchange::Mcx => Some(Segment::McxIndex),
        Exchange::Global => Some(Segment::GlobalIndex),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_kites_symbol_for_every_broker_name() {
        for (short, long, symbol, alias) in [
            ("NIFTY", "Nifty 50", "NIFTY 50", Some("NIFTY")),
            ("NIFTY50", "", "NIFTY 50", Some("NIFTY")),
            ("BANKNIFTY", "Bank Nifty", "NIFTY BANK", Some("BANKNIFTY")),
            ("NIFTYBANK", "", "NIFTY BANK", Some("BANKNIFTY")),
            ("FINNIFTY", "Fin Nifty", "NIFTY FIN SERVICE", Some("FINNIFTY")),
            ("INDIAVIX", "", "INDIA VIX", None),
            ("", "Nifty IT", "NIFTY IT", None),
            ("NIFTYEV", "Nifty EV", "NIFTY EV", None),
            ("NIFTYEV", "", "NIFTYEV", None),
        ] {
            let row = row_by_names(Segment::NseIndex, short, long, "1".into()).unwrap();
            assert_eq!((row.symbol.as_str(), row.alias.as_deref()), (symbol, alias), "{short}, {long}");
        }
        let row = row_by_names(Segment::BseIndex, "SENSEX", "S&P BSE Sensex", "1".into()).unwrap();
        assert_eq!((row.symbol.as_str(), row.alias), ("SENSEX", None));
        assert!(row_by_names(Segment::NseIndex, "", "", "1".into()).is_err());
    }
}
