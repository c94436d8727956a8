//! The numbers of stale instruments of plans, so that a plan that is read often is compared with a catalog once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;

/// Maximum number of plans. If there are more, all are compared again.
const PLANS_MAX: usize = 4096;

/// The basis of a comparison: the hash of the content of the catalog, and the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ComparedWith {
    pub(super) content_hash: [u8; 32],
    pub(super) today: NaiveDate,
}

/// The numbers of stale instruments by plan, compared with the last catalog.
#[derive(Default)]
pub(crate) struct StaleCounts(Mutex<CountsOfCatalog>);

#[derive(Default)]
struct CountsOfCatalog {
    with: Option<ComparedWith>,
    by_plan: HashMap<String, u64>,
}

impl StaleCounts {
    /// Returns the number of stale instruments of a plan, if it was compared with this catalog on this day.
    pub(super) fn get(&self, with: ComparedWith, plan_id: &str) -> Option<u64> {
        let counted = self.counted();
        if counted.with == Some(with) { counted.by_plan.get(plan_id).copied() } else { None }
    }

    pub(super) fn put(&self, with: ComparedWith, plan_id: &str, stale: u64) {
        let mut counted = self.counted();
        if counted.with != Some(with) || counted.by_plan.len() >= PLANS_MAX {
            *counted = CountsOfCatalog { with: Some(with), by_plan: HashMap::new() };
        }
        counted.by_plan.insert(plan_id.to_owned(), stale);
    }

    fn counted(&self) -> MutexGuard<'_, CountsOfCatalog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(content: u8, today: &str) -> ComparedWith {
        ComparedWith { content_hash: [content; 32], today: today.parse().unwrap() }
    }

    #[test]
    fn a_count_applies_to_one_catalog_and_day() {
        let counts = StaleCounts::default();
        let monday = with(1, "2026-11-23");
        counts.put(monday, "a", 3);
        counts.put(monday, "b", 0);

        assert_eq!(counts.get(monday, "a"), Some(3));
        assert_eq!(counts.get(monday, "b"), Some(0));
        for other in [with(2, "2026-11-23"), with(1, "2026-11-24")] {
            assert_eq!(counts.get(other, "a"), None);
        }
        counts.put(with(2, "2026-11-23"), "a", 4);
        assert_eq!(counts.get(monday, "a"), None);
        assert_eq!(counts.get(with(2, "2026-11-23"), "b"), None);
    }

    #[test]
    fn the_number_of_plans_is_bounded() {
        let counts = StaleCounts::default();
        let monday = with(1, "2026-11-23");
        for plan in 0..=PLANS_MAX {
            counts.put(monday, &plan.to_string(), 1);
        }

        assert_eq!(counts.get(monday, "0"), None);
        assert_eq!(counts.get(monday, &PLANS_MAX.to_string()), Some(1));
    }
}
