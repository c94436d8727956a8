//! Decides whether the new file of a broker may replace its last accepted one.
//!
//! A broken file may have only valid rows: a segment is missing for a day, half of the file is cut off, or every lot
//! size changed. Such a file is rejected with the figure and the limit, and the last accepted one stays.

mod settings;
mod stale;
mod units;

use std::borrow::Borrow;
use std::collections::BTreeMap;

use chrono::NaiveDate;

pub use self::settings::{GateSettings, Share};
pub use self::units::{Units, units_may_differ};
use super::FileContent;
use super::diff::{ChangeKind, Diff, diff};
use crate::dump::Row;
use crate::vocabulary::{Segment, counted};

/// The names of all gates. `readable` is applied by the reader of the file: the file has the format of the broker and
/// at least one row to keep.
pub const NAMES: [&str; 11] = [
    "readable",
    "first_rows",
    SEGMENTS,
    "rows",
    "rejected",
    "lots",
    "expiries",
    units::GATE,
    stale::GATE,
    "file_date",
    FUTURE_DATE,
];

const SEGMENTS: &str = "segments";
const FUTURE_DATE: &str = "future_date";

/// The number of rows of the last file from which a missing segment rejects a file. Brokers omit a segment of a few
/// indices on some days; the smallest segment of contracts has thousands of rows.
const SEGMENT_ROWS_MIN: usize = 100;

/// The last accepted file of a broker. Its rows may be owned or borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFile<R> {
    /// The rows of the file. Their keys are unique.
    pub rows: Vec<R>,
    /// The trading date of the file; `None` if it is unknown.
    pub file_date: Option<NaiveDate>,
}

/// A gate that rejected a file or warns about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateFault {
    /// The name of the gate, one of [`NAMES`].
    pub gate: &'static str,
    /// The description of the fault, with the actual figure and the limit.
    pub detail: String,
}

impl GateFault {
    /// Whether an operator can force the acceptance of the file.
    pub fn can_be_overruled(&self) -> bool {
        !["readable", FUTURE_DATE].contains(&self.gate)
    }
}

impl std::fmt::Display for GateFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.gate, self.detail)
    }
}

/// The result of all gates for one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateResult {
    /// The gates that rejected the file. If the list is empty, the file may replace the last one.
    pub faults: Vec<GateFault>,
    /// Unusual properties of the file that do not reject it, as the gates describe them.
    pub warnings: Vec<GateFault>,
    /// The segments of the file if it lacks others of the last one and seems to be complete in its own: it probably has
    /// one exchange, or a few segments, only. Empty otherwise.
    pub part: Vec<Segment>,
    /// The difference from the last file; in the first file of a broker, everything is new.
    pub diff: Diff,
}

/// Compares a file with the last accepted one of the broker. A first file is measured by the gates that need no other.
pub fn judge<R: Borrow<Row>>(
    settings: &GateSettings,
    last: Option<&LastFile<R>>,
    load: &FileContent,
    file_date: Option<NaiveDate>,
) -> GateResult {
    let mut gates = Gates::default();
    let difference = match last {
        None => {
            gates.first_rows(settings, load);
            gates.rejected(settings, load);
            diff::<Row>(&[], &load.rows)
        }
        Some(last) => {
            let difference = diff(&last.rows, &load.rows);
            gates.segments(settings, last, load);
            gates.rows(settings, last.rows.len() as u64, load.rows.len() as u64, "");
            gates.rejected(settings, load);
            gates.changed(
                "lots",
                "a different lot size",
                ChangeKind::LotChanged,
                settings.lots_changed_max,
                &difference,
            );
            let expiries = settings.expiries_moved_max;
            gates.changed("expiries", "a different expiry", ChangeKind::ExpiryMoved, expiries, &difference);
            gates.faults.extend(stale::fault(last, load, file_date, &difference));
            gates.file_date(last, file_date);
            difference
        }
    };
    let Gates { faults, warnings, part } = gates;
    GateResult { faults, warnings, part, diff: difference }
}

/// Checks a file that is complete for a part of the instruments of a broker. `before` is the number of instruments of
/// the part in the last load, `after` in the file. A new part may have any number.
pub fn judge_part(settings: &GateSettings, before: usize, after: usize) -> Vec<GateFault> {
    let mut gates = Gates::default();
    if before > 0 {
        gates.rows(settings, before as u64, after as u64, " of the selected part");
    }
    gates.faults
}

/// Returns the latest date that a file may have: tomorrow, because a file of the next day may be published in the
/// evening.
fn latest_date(today: NaiveDate) -> NaiveDate {
    today.succ_opt().unwrap_or(today)
}

/// Returns the date of a file unless it is later than tomorrow, which no file can be: as the last file of the broker it
/// would reject every later one, and it would precede the files of all other brokers.
pub fn credible_date(file_date: Option<NaiveDate>, today: NaiveDate) -> Option<NaiveDate> {
    file_date.filter(|date| *date <= latest_date(today))
}

/// Checks the date of a file alone. `today` is the trading date on which it is loaded.
pub fn judge_date(file_date: Option<NaiveDate>, today: NaiveDate) -> Option<GateFault> {
    let latest = latest_date(today);
    file_date.filter(|date| *date > latest).map(|date| GateFault {
        gate: FUTURE_DATE,
        detail: format!(
            "expected a file date no later than {latest} (tomorrow in Asia/Kolkata), got {date}; `force` does not \
             overrule this"
        ),
    })
}

#[derive(Default)]
struct Gates {
    faults: Vec<GateFault>,
    warnings: Vec<GateFault>,
    part: Vec<Segment>,
}

impl Gates {
    fn refuse(&mut self, gate: &'static str, detail: String) {
        self.faults.push(GateFault { gate, detail });
    }

    fn first_rows(&mut self, settings: &GateSettings, load: &FileContent) {
        let (kept, min) = (load.rows.len() as u64, settings.first_rows_min);
        if kept < min {
            self.refuse(
                "first_rows",
                format!("expected at least {min} kept rows in a broker's first file, got {kept}"),
            );
        }
    }

    fn segments<R: Borrow<Row>>(&mut self, settings: &GateSettings, last: &LastFile<R>, load: &FileContent) {
        let before = rows_by_segment(last.rows.iter().map(Borrow::borrow));
        let after = rows_by_segment(&load.rows);
        let missing = before.iter().filter(|(segment, _)| !after.contains_key(segment));
        let (large, small): (Vec<_>, Vec<_>) = missing.partition(|(_, count)| **count >= SEGMENT_ROWS_MIN);
        let list = |missing: &[(&Segment, &usize)]| {
            let of = |(segment, count): &(&Segment, &usize)| {
                format!("{} ({} in the last accepted file)", segment.as_str(), counted(**count, "row"))
            };
            missing.iter().map(of).collect::<Vec<_>>().join(", ")
        };
        if !large.is_empty() {
            let missing = list(&large);
            let must = format!(
                "a file must contain every segment with at least {SEGMENT_ROWS_MIN} rows in the last accepted file"
            );
            self.refuse(SEGMENTS, format!("missing: {missing}; {must}"));
        }
        if !small.is_empty() {
            let detail = format!("missing: {}; their instruments become inactive", list(&small));
            self.warnings.push(GateFault { gate: SEGMENTS, detail });
        }
        let is_complete = |(segment, count): (&Segment, &usize)| {
            let before = before.get(segment).copied().unwrap_or_default();
            Share::of(before.saturating_sub(*count) as u64, before as u64) <= settings.rows_fewer_max
        };
        if large.len() + small.len() > 0 && after.iter().all(is_complete) {
            self.part = after.into_keys().collect();
        }
    }

    fn rows(&mut self, settings: &GateSettings, before: u64, after: u64, of: &str) {
        let fewer = Share::of(before.saturating_sub(after), before);
        let more = Share::of(after.saturating_sub(before), before);
        if fewer > settings.rows_fewer_max {
            let max = settings.rows_fewer_max;
            let expected = format!("expected at most {max} fewer rows{of} than the {before} of the last accepted file");
            self.refuse("rows", format!("{expected}, got {after} ({fewer} fewer)"));
        }
        if more > settings.rows_more_max {
            let max = settings.rows_more_max;
            let expected = format!("expected at most {max} more rows{of} than the {before} of the last accepted file");
            self.refuse("rows", format!("{expected}, got {after} ({more} more)"));
        }
    }

    fn rejected(&mut self, settings: &GateSettings, load: &FileContent) {
        // Rows that are not a fault of the file must not hide those that are.
        let read = load.rows_read.saturating_sub(load.skipped_total() + load.duplicates);
        let rejected = load.rejected_total();
        let share = Share::of(rejected, read);
        if share > settings.rejected_max {
            let max = settings.rejected_max;
            self.refuse(
                "rejected",
                format!("expected at most {max} rejected rows, got {share} ({rejected} of {read})"),
            );
        }
    }

    fn changed(&mut self, gate: &'static str, what: &str, kind: ChangeKind, max: Share, diff: &Diff) {
        let (changed, all) = (diff.count(kind), diff.in_both);
        let share = Share::of(changed as u64, all as u64);
        if share > max {
            let allowed = format!("at most {max} of the instruments in both files may have {what}");
            self.refuse(gate, format!("{allowed}, got {share} ({changed} of {all})"));
        }
    }

    /// A file without a known date passes.
    fn file_date<R>(&mut self, last: &LastFile<R>, file_date: Option<NaiveDate>) {
        if let Some((before, after)) = last.file_date.zip(file_date).filter(|(before, after)| after < before) {
            self.refuse(
                "file_date",
                format!("expected a file date of {before} (that of the last accepted file) or later, got {after}"),
            );
        }
    }
}

fn rows_by_segment<'a>(rows: impl IntoIterator<Item = &'a Row>) -> BTreeMap<Segment, usize> {
    let mut counts = BTreeMap::new();
    rows.into_iter().for_each(|row| *counts.entry(row.segment).or_default() += 1);
    counts
}

#[cfg(test)]
mod tests;
