//! Creates the row of an index with Kite's name for it.

mod names;

use super::field::{self, Reason};
use super::{Row, symbol};
use crate::vocabulary::{Exchange, InstrumentType, Segment};

/// Creates the row of an index with that name. The symbol of an NSE index is Kite's name for it, if there is one; other
/// names are written in capital letters. The alias is the one in the file, or else the usual one.
pub(super) fn row(segment: Segment, index: &str, alias: &str, name: &str, token: String) -> Result<Row, Reason> {
    let exchange = field::exchange_of(segment);
    let symbol = symbol_of(segment, index);
    let symbol =
        field::symbol(exchange, &symbol).ok_or("name of the index is empty, too long or has unprintable characters")?;
    let alias = field::symbol(exchange, &alias.to_uppercase()).filter(|alias| *alias != symbol);
    let alias = alias.or_else(|| alias_of(segment, &symbol));
    Ok(Row { symbol, alias, name: name.to_owned(), class: InstrumentType::Index, ..Row::bare(segment, token) })
}

/// Returns the symbol of an index by any of its names.
fn symbol_of(segment: Segment, index: &str) -> String {
    known_symbol(segment, index).map_or_else(|| index.to_uppercase(), str::to_owned)
}

/// Returns the symbol of an index that is known by that name.
pub(super) fn known_symbol(segment: Segment, index: &str) -> Option<&'static str> {
    names::kites_name(index).filter(|_| segment == Segment::NseIndex)
}

/// Returns the usual alias of an index: the name by which derivatives refer to it, or its symbol in capital letters.
pub(super) fn alias_of(segment: Segment, symbol: &str) -> Option<String> {
    let of_derivatives = symbol::alias_of_index(symbol).filter(|_| segment == Segment::NseIndex).map(str::to_owned);
    of_derivatives.or_else(|| Some(symbol.to_uppercase()).filter(|capitals| capitals != symbol))
}

/// Creates the row of an index for which a broker has a short name of its own (`BANKNIFTY`) and a longer one (`Nifty
/// Bank`); either may be missing. The symbols of BSE's and MCX's indices are their short names, and so is that of an
/// unknown NSE index, unless the longer name is the same with spaces.
pub(super) fn row_by_names(segment: Segment, short: &str, long: &str, token: String) -> Result<Row, Reason> {
    let given = if short.is_empty() { long } else { short };
    if segment != Segment::NseIndex {
        return row(segment, given, "", long, token);
    }
    let known = names::kites_name(short).or_else(|| names::kites_name(long));
    let spaced = if names::dense(long) == names::dense(short) && long.contains(' ') { long } else { given };
    row(segment, known.unwrap_or(spaced), "", long, token)
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
            ("NIFTYEV", "", "NIFTY EV", None),
            ("NIFTYMIDLIQ15", "", "NIFTY MID LIQ 15", None),
            ("NIFTY MID LIQ 15", "Nifty Midcap Liquid 15", "NIFTY MID LIQ 15", None),
            ("NIFTY500LOWVOL50", "", "Nifty500 LowVol50", Some("NIFTY500 LOWVOL50")),
            ("BHARATBOND-APR30", "", "BHARATBOND-APR30", None),
            ("NIFTYNEW", "Nifty New", "NIFTY NEW", None),
            ("NIFTY NEW", "Nifty Quite New", "NIFTY NEW", None),
            ("NIFTYNEW", "", "NIFTYNEW", None),
        ] {
            let row = row_by_names(Segment::NseIndex, short, long, "1".into()).unwrap();
            assert_eq!(row.symbol.as_str(), symbol, "{short}, {long}");
            assert_eq!(row.alias.as_deref(), alias, "{short}, {long}");
        }
        let row = row_by_names(Segment::BseIndex, "SENSEX", "S&P BSE Sensex", "1".into()).unwrap();
        assert_eq!(row.symbol.as_str(), "SENSEX");
        assert_eq!(row.alias, None);
        assert!(row_by_names(Segment::NseIndex, "", "", "1".into()).is_err());
    }
}
