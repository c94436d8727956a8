//! Finds the instruments that others became.

use super::super::{Catalogue, InstrumentId};

/// The maximum number of changes of one instrument that are followed.
const STEPS_MAX: usize = 16;

/// Returns each instrument that is not listed any more with the active one that it became, sorted. `pairs` are keys, each
/// with the next one: an instrument that changed several times is followed to its last key.
pub(super) fn resolve(catalogue: &Catalogue, pairs: &[(String, String)]) -> Vec<(InstrumentId, InstrumentId)> {
    let id_of = |key: &str| catalogue.find(key).map(|id| catalogue.target(id));
    let mut next: Vec<(InstrumentId, InstrumentId)> = pairs
        .iter()
        .filter_map(|(old, new)| Some((id_of(old)?, id_of(new)?)))
        .filter(|(old, _)| !catalogue.get(*old).is_active())
        .collect();
    next.sort_unstable();
    next.dedup_by_key(|(old, _)| *old);
    let follow = |id: InstrumentId| {
        let found = next.binary_search_by_key(&id, |(old, _)| *old).ok()?;
        Some(next[found].1)
    };
    let last_of = |id: InstrumentId| {
        let steps = std::iter::successors(follow(id), |id| follow(*id)).take(STEPS_MAX);
        steps.into_iter().find(|id| catalogue.get(*id).is_active())
    };
    next.iter().filter_map(|(old, _)| Some((*old, last_of(*old)?))).collect()
}

#[cfg(test)]
mod tests {
    use crate::catalogue::Builder;
    use crate::testing::equity;

    fn successor_of(key: &str, pairs: &[(&str, &str)]) -> Option<String> {
        let mut builder = Builder::new();
        for (symbol, is_active) in [("A", false), ("B", false), ("C", true), ("D", false)] {
            builder.add(equity("NSE", symbol, ""), is_active);
        }
        for (old, new) in pairs {
            builder.add_successor(format!("NSE:{old}"), format!("NSE:{new}"));
        }
        let catalogue = builder.build("1".into(), vec![]);
        let successor = catalogue.successor(catalogue.find(&format!("NSE:{key}")).unwrap())?;
        Some(catalogue.key(successor).to_owned())
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
}
