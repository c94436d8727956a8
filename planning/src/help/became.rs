//! Describes the successor of an instrument that is not listed any more.

use std::fmt;

use chrono::NaiveDate;

use crate::catalogue::{Catalogue, Instrument, InstrumentId};

/// An instrument that is not listed any more, and the one that it became.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Became<'a> {
    old: Instrument<'a>,
    new: Instrument<'a>,
}

impl<'a> Became<'a> {
    /// Returns the successor of an instrument; `None` if it is not known, or has expired by `as_of`.
    pub(crate) fn of(catalogue: &'a Catalogue, id: InstrumentId, as_of: NaiveDate) -> Option<Self> {
        let old = catalogue.get(catalogue.target(id));
        let new = catalogue.get(catalogue.successor(id)?);
        (!new.is_expired_on(as_of)).then_some(Became { old, new })
    }

    /// Returns the key that the instrument has now.
    pub(crate) fn key(&self) -> &'a str {
        self.new.key()
    }
}

impl fmt::Display for Became<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key();
        let (old, new) = (self.old.listing(), self.new.listing());
        match (new.known_series(), self.new.expiry()) {
            (Some(series), _) if old.differs_by_series(new) => write!(f, "moved to series {series}: now `{key}`"),
            (_, Some(expiry)) if self.old.expiry() != Some(expiry) => {
                write!(f, "expiry moved to {expiry}: now `{key}`")
            }
            _ => write!(f, "renamed to `{key}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::dump::Row;
    use crate::testing::{equity, future};

    /// Returns the successor of the first row on a date.
    fn became(old: Row, new: Row, as_of: &str) -> Option<String> {
        let key = |row: &Row| format!("{}:{}", row.exchange, row.symbol);
        let (old_key, new_key) = (key(&old), key(&new));
        let mut builder = Builder::new();
        builder.add(old, false);
        builder.add(new, true);
        builder.add_successor(old_key.clone(), new_key);
        let catalogue = builder.build("1".into(), vec![]);
        let id = catalogue.find(&old_key).unwrap();
        Became::of(&catalogue, id, as_of.parse().unwrap()).map(|became| became.to_string())
    }

    fn share(symbol: &str, series: Option<&str>) -> Row {
        Row { isin: None, series: series.map(str::to_owned), ..equity("NSE", symbol, "") }
    }

    #[test]
    fn a_changed_series_is_named() {
        let today = "2026-08-17";

        assert_eq!(
            became(share("EXAMPLE-BE", Some("BE")), share("EXAMPLE", None), today).as_deref(),
            Some("moved to series EQ: now `NSE:EXAMPLE`")
        );
        assert_eq!(
            became(share("EXAMPLE-SM", Some("SM")), share("EXAMPLE-ST", Some("ST")), today).as_deref(),
            Some("moved to series ST: now `NSE:EXAMPLE-ST`")
        );
    }

    #[test]
    fn a_changed_symbol_is_a_rename() {
        let renamed = became(share("OLDNAME", None), share("NEWNAME-BE", Some("BE")), "2026-08-17");

        assert_eq!(renamed.as_deref(), Some("renamed to `NSE:NEWNAME-BE`"));
    }

    #[test]
    fn a_moved_expiry_is_named_until_the_contract_expires() {
        let (old, new) =
            (future("NIFTY", "NIFTY26820FUT", "2026-08-20"), future("NIFTY", "NIFTY26818FUT", "2026-08-18"));

        assert_eq!(
            became(old.clone(), new.clone(), "2026-08-18").as_deref(),
            Some("expiry moved to 2026-08-18: now `NFO:NIFTY26818FUT`")
        );
        assert_eq!(became(old, new, "2026-08-19"), None);
    }
}
