//! Detects a file that is older than the last accepted one, whether or not its date is known.
//!
//! A file lists contracts that have not expired, so it is at most as new as its earliest expiry. The contracts that
//! count have expired before the last accepted file and are not in it: they were removed between the two files. This
//! also holds for a broker whose files keep expired contracts for a while, because its last file has them too. A
//! contract whose expiry moved is not a new one, and a few bad rows are not enough.
//!
//! | broker | earliest expiry in files of a known date | source |
//! |---|---|---|
//! | Kite | the next day (file of 2026-08-17) | its file of the derivatives of NSE and BSE |
//! | Upstox | the same day (2024-09-05, 2025-06-12) | its CSV and its JSON of all segments |
//! | others | unknown: no file of theirs with contracts and a known date was available | |
//!
//! No broker is excepted, because the rule needs no assumption about the unknown ones.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::super::diff::{Change, ChangeKind, Diff};
use super::{FileContent, GateFault, LastFile};
use crate::dump::Row;
use crate::vocabulary::{Segment, counted};

pub(super) const GATE: &str = "stale";

/// The number of contracts that show the age of a file. The smallest series of options has over a hundred contracts;
/// single bad or moved rows are fewer.
const CONTRACTS_MIN: usize = 10;
/// The number of contracts that the message names.
const EXAMPLES: usize = 3;

/// Returns the fault of a file that is older than the last one.
pub(super) fn fault<R: Borrow<Row>>(
    last: &LastFile<R>,
    load: &FileContent,
    file_date: Option<NaiveDate>,
    diff: &Diff,
) -> Option<GateFault> {
    let bounds = Bounds::new(last, file_date);
    let contracts = load.rows.iter().filter(|row| row.expiry.is_some()).count();
    let expired = load.rows.iter().filter(|row| bounds.exclude(row)).collect::<Vec<_>>();
    if !is_enough(expired.len(), contracts) {
        return None;
    }
    let added = AddedInstruments::of(diff);
    let mut shown: Vec<&Row> = expired.into_iter().filter(|row| added.contains(row)).collect();
    if !is_enough(shown.len(), contracts) {
        return None;
    }
    shown.sort_by_key(|row| (row.expiry, row.exchange, &row.symbol));
    let mut counts: BTreeMap<Segment, usize> = BTreeMap::new();
    shown.iter().for_each(|row| *counts.entry(row.segment).or_default() += 1);
    let of_segment = |(segment, count): (&Segment, &usize)| {
        let bound = bounds.of(*segment).map(|date| date.to_string()).unwrap_or_default();
        format!("{} of {} before {bound}", counted(*count, "contract"), segment.as_str())
    };
    let example = |row: &&Row| {
        let expiry = row.expiry.map(|date| date.to_string()).unwrap_or_default();
        format!("{}:{} ({expiry})", row.exchange, row.symbol)
    };
    let found = counts.iter().map(of_segment).collect::<Vec<_>>().join(", ");
    let examples = shown.iter().take(EXAMPLES).map(example).collect::<Vec<_>>().join(", ");
    let detail = format!(
        "expected no contracts that expired before the last accepted file and are not in it, got {found}, for example \
         {examples}; the file is older than the last accepted one"
    );
    Some(GateFault { gate: GATE, detail })
}

/// Whether so many of the contracts of a file show its age: several, or most of a small file.
fn is_enough(count: usize, contracts: usize) -> bool {
    count >= CONTRACTS_MIN || count >= 2 && count * 2 >= contracts
}

/// The dates before which a contract must not have expired.
struct Bounds {
    /// The date of the last accepted file, if known.
    last: Option<NaiveDate>,
    /// The earliest expiry of the last file in each segment, which counts if its date is unknown.
    by_segment: BTreeMap<Segment, NaiveDate>,
    /// The date of the new file: a contract that expires later has not expired. Somebody has stated it, which permits
    /// an early series of a new product.
    file: Option<NaiveDate>,
}

impl Bounds {
    fn new<R: Borrow<Row>>(last: &LastFile<R>, file: Option<NaiveDate>) -> Self {
        let by_segment = if last.file_date.is_some() { BTreeMap::new() } else { earliest(&last.rows) };
        Bounds { last: last.file_date, by_segment, file }
    }

    fn of(&self, segment: Segment) -> Option<NaiveDate> {
        let last = self.last.or_else(|| self.by_segment.get(&segment).copied())?;
        Some(self.file.map_or(last, |file| file.min(last)))
    }

    fn exclude(&self, row: &Row) -> bool {
        row.expiry.zip(self.of(row.segment)).is_some_and(|(expiry, bound)| expiry < bound)
    }
}

/// Returns the earliest expiry of each segment that is not one of a few contracts only, as of a bad row.
fn earliest<R: Borrow<Row>>(rows: &[R]) -> BTreeMap<Segment, NaiveDate> {
    let mut expiries: BTreeMap<Segment, BTreeMap<NaiveDate, usize>> = BTreeMap::new();
    for row in rows.iter().map(Borrow::borrow) {
        if let Some(expiry) = row.expiry {
            *expiries.entry(row.segment).or_default().entry(expiry).or_default() += 1;
        }
    }
    let first = |counts: BTreeMap<NaiveDate, usize>| {
        let needed = counts.values().sum::<usize>().div_ceil(2).min(CONTRACTS_MIN);
        let mut passed = 0;
        counts.into_iter().find_map(|(expiry, count)| {
            passed += count;
            (passed >= needed).then_some(expiry)
        })
    };
    expiries.into_iter().filter_map(|(segment, counts)| Some((segment, first(counts)?))).collect()
}

/// The instruments without a counterpart in the last file, by key.
struct AddedInstruments<'a>(&'a [Change]);

impl<'a> AddedInstruments<'a> {
    fn of(Diff { changes, .. }: &'a Diff) -> Self {
        // The changes are sorted by kind, then key.
        let start = changes.partition_point(|change| change.kind < ChangeKind::Added);
        let end = changes.partition_point(|change| change.kind <= ChangeKind::Added);
        AddedInstruments(&changes[start..end])
    }

    fn contains(&self, row: &Row) -> bool {
        let key = format!("{}:{}", row.exchange, row.symbol);
        self.0.binary_search_by(|change| change.key.as_str().cmp(&key)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::diff::diff;
    use crate::testing::future;

    /// Returns `count` contracts of one expiry, whose underlyings are numbered from `first`.
    fn series(first: usize, count: usize, expiry: &str) -> Vec<Row> {
        let contract = |n: usize| Row {
            token: format!("{expiry}|{n}"),
            ..future(&format!("U{n:04}"), &format!("U{n:04}{}FUT", expiry.replace('-', "")), expiry)
        };
        (first..first + count).map(contract).collect()
    }

    fn day(text: &str) -> Option<NaiveDate> {
        Some(text.parse().unwrap())
    }

    fn judged(
        (last, last_date): (Vec<Row>, Option<NaiveDate>),
        (file, file_date): (Vec<Row>, Option<NaiveDate>),
    ) -> Option<String> {
        let difference = diff(&last, &file);
        let load = FileContent { rows: file, ..FileContent::default() };
        let last = LastFile { rows: last, file_date: last_date };
        fault(&last, &load, file_date, &difference).map(|fault| fault.to_string())
    }

    fn both(early: Vec<Row>, late: Vec<Row>) -> Vec<Row> {
        [early, late].concat()
    }

    #[test]
    fn an_older_file_without_dates_is_stale() {
        let newer = series(0, 1000, "2026-12-29");
        let older = series(0, 1000, "2026-09-29");

        assert_eq!(
            judged((newer.clone(), None), (older.clone(), None)).as_deref(),
            Some(
                "stale: expected no contracts that expired before the last accepted file and are not in it, got 1000 \
                 contracts of NSE_FO before 2026-12-29, for example NFO:U000020260929FUT (2026-09-29), \
                 NFO:U000120260929FUT (2026-09-29), NFO:U000220260929FUT (2026-09-29); the file is older than the last \
                 accepted one"
            )
        );
        assert_eq!(judged((older, None), (newer, None)), None);
    }

    #[test]
    fn the_date_of_the_last_file_is_the_bound() {
        let file = both(series(0, 20, "2026-08-25"), series(0, 900, "2026-09-29"));
        let last = series(0, 900, "2026-09-29");

        for file_date in [None, day("2026-08-24"), day("2026-08-31")] {
            let fault = judged((last.clone(), day("2026-08-26")), (file.clone(), file_date));
            let bound = file_date.unwrap_or(day("2026-08-26").unwrap()).min(day("2026-08-26").unwrap());
            let is_stale = bound > day("2026-08-25").unwrap();
            assert_eq!(fault.is_some(), is_stale, "{file_date:?}: {fault:?}");
        }
        assert_eq!(judged((last, day("2026-08-25")), (file, None)), None);
    }

    #[test]
    fn the_same_and_the_next_file_are_not_stale() {
        let today = both(series(0, 200, "2026-08-25"), series(0, 900, "2026-09-29"));
        let tomorrow = both(series(0, 900, "2026-09-29"), series(0, 300, "2026-10-27"));

        for date in [None, day("2026-08-25"), day("2026-08-29")] {
            assert_eq!(judged((today.clone(), date), (today.clone(), date)), None, "{date:?}");
            assert_eq!(judged((today.clone(), date), (tomorrow.clone(), None)), None, "{date:?}");
        }
    }

    #[test]
    fn a_moved_expiry_does_not_make_a_file_stale() {
        let moved = |expiry: &str| -> Vec<Row> {
            let rename = |row: Row| Row { token: row.token.replace(expiry, "same"), ..row };
            series(0, 200, expiry).into_iter().map(rename).collect()
        };

        assert_eq!(judged((moved("2026-08-27"), None), (moved("2026-08-26"), None)), None);
    }

    #[test]
    fn a_few_bad_rows_do_not_make_a_file_stale() {
        let good = series(0, 900, "2026-09-29");
        let with = |count| both(series(0, count, "2020-01-30"), good.clone());

        for date in [None, day("2026-08-25")] {
            assert_eq!(judged((good.clone(), date), (with(9), None)), None);
            assert!(judged((good.clone(), date), (with(10), None)).is_some());
            // The bad rows have no effect in the last file either.
            assert_eq!(judged((with(9), date), (good.clone(), None)), None);
            assert!(judged((with(9), date), (series(0, 900, "2026-07-28"), None)).is_some());
        }
    }

    #[test]
    fn expired_contracts_that_a_broker_keeps_are_not_evidence() {
        let kept = series(0, 500, "2026-07-28");
        let last = both(kept.clone(), series(0, 900, "2026-08-25"));
        let file = both(kept, series(0, 900, "2026-08-25"));

        assert_eq!(judged((last, day("2026-08-20")), (file, day("2026-08-21"))), None);
    }

    #[test]
    fn a_stated_date_permits_an_earlier_series() {
        let last = series(0, 900, "2026-09-29");
        let file = both(series(0, 100, "2026-09-01"), last.clone());

        assert!(judged((last.clone(), None), (file.clone(), None)).is_some());
        assert_eq!(judged((last, None), (file, day("2026-08-28"))), None);
    }

    #[test]
    fn most_contracts_of_a_small_file_are_enough() {
        let last = series(0, 4, "2026-09-29");

        assert!(judged((last.clone(), None), (series(0, 4, "2026-08-25"), None)).is_some());
        assert_eq!(judged((last.clone(), None), (series(0, 1, "2026-08-25"), None)), None);
        assert_eq!(judged((last, None), (Vec::new(), None)), None);
    }
}
