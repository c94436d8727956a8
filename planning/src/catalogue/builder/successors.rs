//! Finds the instruments that others became.

use std::collections::{BTreeMap, HashMap};

use super::super::{Catalogue, InstrumentId, Record, StringId};
use crate::series::{comparable_name, of_shares};
use crate::vocabulary::{Exchange, Segment};

/// The maximum number of changes of one instrument that are followed.
const STEPS_MAX: usize = 16;

/// Returns each instrument that is not listed any more with the active one that it became, sorted. `pairs` are keys,
/// each with the next one: an instrument that changed several times is followed to its last key. A security without a
/// pair is identified by its ISIN, or as a share in another series.
pub(super) fn resolve(catalogue: &Catalogue, pairs: &[(String, String)]) -> Vec<(InstrumentId, InstrumentId)> {
    let stored = stored(catalogue, pairs);
    let identified = identified(catalogue);
    let step = |id: InstrumentId| stored.get(&id).or_else(|| identified.get(&id)).copied();
    let last_of = |id: InstrumentId| {
        let mut steps = std::iter::successors(step(id), |id| step(*id)).take(STEPS_MAX);
        steps.find(|id| catalogue.get(*id).is_active()).or_else(|| identified.get(&id).copied())
    };
    let mut gone: Vec<InstrumentId> = stored.keys().chain(identified.keys()).copied().collect();
    gone.sort_unstable();
    gone.dedup();
    gone.into_iter().filter_map(|old| Some((old, last_of(old)?))).collect()
}

/// Returns the pairs whose keys are both in the catalog.
fn stored(catalogue: &Catalogue, pairs: &[(String, String)]) -> BTreeMap<InstrumentId, InstrumentId> {
    let id_of = |key: &str| catalogue.find(key).map(|id| catalogue.target(id));
    let mut stored = BTreeMap::new();
    for (old, new) in pairs {
        let Some((old, new)) = id_of(old).zip(id_of(new)) else { continue };
        if !catalogue.get(old).is_active() && can_be_one(catalogue, old, new) {
            stored.entry(old).or_insert(new);
        }
    }
    stored
}

/// Whether nothing shows that two instruments are different ones. Two securities of a file without ISINs that have one
/// token are not one if another broker's file gives them different ISINs: the exchange may give a token to another
/// security. The ISIN of a share may change, but hardly on the day on which its symbol changes.
fn can_be_one(catalogue: &Catalogue, old: InstrumentId, new: InstrumentId) -> bool {
    let (old, new) = (catalogue.get(old), catalogue.get(new));
    let is_other_isin = old.isin().zip(new.isin()).is_some_and(|(old, new)| old != new);
    old.segment() == new.segment() && (!is_other_isin || old.listing().base() == new.listing().base())
}

/// Returns the active instruments that inactive securities became: by their ISINs, or, for shares, by base symbol and
/// name.
fn identified(catalogue: &Catalogue) -> BTreeMap<InstrumentId, InstrumentId> {
    let (active, gone): (Vec<InstrumentId>, Vec<InstrumentId>) =
        securities(catalogue).partition(|id| catalogue.get(*id).is_active());
    let of_isin = Owners::new(catalogue, &active, &gone);
    let found = gone.into_iter().filter_map(|id| {
        let successor = of_isin.successor(id).or_else(|| in_another_series(catalogue, id))?;
        Some((id, successor))
    });
    found.collect()
}

fn securities(catalogue: &Catalogue) -> impl Iterator<Item = InstrumentId> {
    let is_cash = |record: &Record| matches!(record.segment, Segment::NseEquity | Segment::BseEquity);
    let ids = (0..u32::try_from(catalogue.records.len()).unwrap_or(u32::MAX)).map(InstrumentId);
    ids.zip(&catalogue.records).filter(move |(_, record)| is_cash(record) && !record.is_alias).map(|(id, _)| id)
}

/// The active securities with the ISINs of inactive ones.
struct Owners<'a> {
    catalogue: &'a Catalogue,
    of_isin: HashMap<(Exchange, StringId), Vec<InstrumentId>>,
}

impl<'a> Owners<'a> {
    fn new(catalogue: &'a Catalogue, active: &[InstrumentId], gone: &[InstrumentId]) -> Self {
        let isin = |id: InstrumentId| {
            let record = &catalogue.records[id.index()];
            (record.isin != StringId::default()).then_some((record.exchange, record.isin))
        };
        let mut of_isin: HashMap<_, Vec<InstrumentId>> =
            gone.iter().filter_map(|id| Some((isin(*id)?, Vec::new()))).collect();
        for id in active {
            if let Some(owners) = isin(*id).and_then(|isin| of_isin.get_mut(&isin)) {
                owners.push(*id);
            }
        }
        Owners { catalogue, of_isin }
    }

    /// Returns the active security with the ISIN of an inactive one. On NSE, a share and the windows for its blocks
    /// have one ISIN, so the series must be the same, or both of shares.
    fn successor(&self, id: InstrumentId) -> Option<InstrumentId> {
        let record = &self.catalogue.records[id.index()];
        let owners = self.of_isin.get(&(record.exchange, record.isin))?;
        let old = self.catalogue.get(id).listing();
        let is_one = |owner: &&InstrumentId| {
            let new = self.catalogue.get(**owner).listing();
            new.segment != Segment::NseEquity
                || old.known_series() == new.known_series()
                || (old.is_share() && new.is_share())
        };
        owners.iter().find(is_one).copied()
    }
}

/// Returns the active share of NSE with the base symbol and the name of an inactive one, if there is exactly one.
fn in_another_series(catalogue: &Catalogue, id: InstrumentId) -> Option<InstrumentId> {
    let old = catalogue.get(id);
    let listing = old.listing();
    let name = comparable_name(old.name());
    if !listing.is_share() || name.is_empty() {
        return None;
    }
    let plain = format!("{}:{}", old.exchange(), listing.base());
    let is_successor = |id: &InstrumentId| {
        let new = catalogue.get(*id);
        new.is_active()
            && !new.is_alias()
            && new.listing().is_share()
            && new.listing().base() == listing.base()
            && comparable_name(new.name()) == name
    };
    let keys = of_shares().map(|series| format!("{plain}-{series}")).chain([plain.clone()]);
    let mut found = keys.filter_map(|key| catalogue.find(&key)).filter(is_successor);
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Builder;
    use crate::dump::Row;
    use crate::testing::{equity, index};

    fn successor_of(key: &str, pairs: &[(&str, &str)]) -> Option<String> {
        let mut builder = Builder::new();
        for (symbol, is_active) in [("A", false), ("B", false), ("C", true), ("D", false)] {
            builder.add(Row { isin: None, ..equity("NSE", symbol, "") }, is_active);
        }
        for (old, new) in pairs {
            builder.add_successor(format!("NSE:{old}"), format!("NSE:{new}"));
        }
        named(&builder.build("1".into(), vec![]), &format!("NSE:{key}"))
    }

    /// Returns the successor of the first row among all rows.
    fn successor_among(rows: &[(Row, bool)], pairs: &[(&str, &str)]) -> Option<String> {
        let mut builder = Builder::new();
        for (row, is_active) in rows {
            builder.add(row.clone(), *is_active);
        }
        for (old, new) in pairs {
            builder.add_successor((*old).to_owned(), (*new).to_owned());
        }
        let first = &rows[0].0;
        named(&builder.build("1".into(), vec![]), &format!("{}:{}", first.exchange, first.symbol))
    }

    fn named(catalogue: &Catalogue, key: &str) -> Option<String> {
        let successor = catalogue.successor(catalogue.find(key).unwrap())?;
        Some(catalogue.key(successor).to_owned())
    }

    fn share(symbol: &str, series: &str, name: &str) -> Row {
        Row { isin: None, series: Some(series.into()), name: name.into(), ..equity("NSE", symbol, "") }
    }

    #[test]
    fn an_instrument_is_followed_to_its_last_key() {
        let pairs = [("A", "B"), ("B", "C"), ("C", "D")];

        assert_eq!(successor_of("A", &pairs).as_deref(), Some("NSE:C"));
        assert_eq!(successor_of("B", &pairs).as_deref(), Some("NSE:C"));
    }

    #[test]
    fn only_an_active_instrument_succeeds_another_one() {
        assert_eq!(successor_of("C", &[("C", "A")]), None);
        assert_eq!(successor_of("A", &[("A", "D")]), None);
        assert_eq!(successor_of("A", &[("A", "NONE")]), None);
        assert_eq!(successor_of("A", &[("A", "B"), ("B", "A")]), None);
    }

    #[test]
    fn a_share_in_another_series_is_a_successor() {
        let gone = (share("EXAMPLE-BE", "BE", "EXAMPLE LIMITED"), false);
        // Kite writes no series for `EQ`.
        let plain = Row { series: None, ..share("EXAMPLE", "EQ", "EXAMPLE LIMITED") };
        let in_lots = share("EXAMPLE-SM", "SM", "EXAMPLE LIMITED");

        let successor = |others: &[(Row, bool)]| successor_among(&[std::slice::from_ref(&gone), others].concat(), &[]);

        assert_eq!(successor(&[(plain.clone(), true)]).as_deref(), Some("NSE:EXAMPLE"));
        assert_eq!(successor(&[(in_lots.clone(), true)]).as_deref(), Some("NSE:EXAMPLE-SM"));
        assert_eq!(successor(&[(plain.clone(), false)]), None);
        assert_eq!(successor(&[(plain.clone(), true), (in_lots, true)]), None, "two shares");
        assert_eq!(successor(&[(Row { name: "ANOTHER LIMITED".into(), ..plain }, true)]), None);
    }

    #[test]
    fn an_issue_of_debt_is_not_a_successor() {
        for (gone, active) in [("N0", "N1"), ("N0", "BE"), ("BE", "E1"), ("BL", "EQ")] {
            let row = |series: &str| share(&format!("EXAMPLE-{series}"), series, "EXAMPLE LIMITED");

            assert_eq!(successor_among(&[(row(gone), false), (row(active), true)], &[]), None, "{gone} {active}");
        }
    }

    #[test]
    fn a_stored_key_is_followed_into_another_series() {
        let rows = [
            (share("OLDNAME", "EQ", "SAME COMPANY"), false),
            (share("NEWNAME", "EQ", "SAME COMPANY"), false),
            (share("NEWNAME-BE", "BE", "SAME COMPANY"), true),
        ];

        let successor = successor_among(&rows, &[("NSE:OLDNAME", "NSE:NEWNAME")]);

        assert_eq!(successor.as_deref(), Some("NSE:NEWNAME-BE"));
    }

    #[test]
    fn the_isin_identifies_a_successor_on_the_exchange() {
        let isin = "INE000C01017";
        let old = (equity("NSE", "OLDNAME", isin), false);
        let new = equity("NSE", "NEWNAME", isin);
        let block = Row { series: Some("BL".into()), ..equity("NSE", "NEWNAME-BL", isin) };

        let both = [old.clone(), (block.clone(), true), (new, true)];
        assert_eq!(successor_among(&both, &[]).as_deref(), Some("NSE:NEWNAME"));
        assert_eq!(successor_among(&[old.clone(), (block, true)], &[]), None);
        assert_eq!(successor_among(&[old, (equity("BSE", "NEWNAME", isin), true)], &[]), None);
    }

    #[test]
    fn a_key_of_another_instrument_is_not_followed() {
        let old = (equity("NSE", "OLD", "INE000A01011"), false);
        let pair = [("NSE:OLD", "NSE:NEW")];
        let successor = |row: Row| successor_among(&[old.clone(), (row, true)], &pair);

        assert_eq!(successor(equity("NSE", "NEW", "INE000B01019")), None, "another ISIN");
        assert_eq!(successor(index("NSE", "NEW", None)), None, "an index");
        let without_isin = Row { isin: None, ..equity("NSE", "NEW", "") };
        assert_eq!(successor(without_isin).as_deref(), Some("NSE:NEW"));
    }
}
