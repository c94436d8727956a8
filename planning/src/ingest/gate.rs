//! Decides whether the new file of a broker may replace its last accepted one.
//!
//! A broken file may have only valid rows: a segment is missing for a day, half of the file is cut off, or every lot
//! size changed. Such a file is rejected with the figure and the limit, and the last accepted one stays.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::FileLoad;
use super::diff::{ChangeKind, Diff, diff};
use crate::dump::Row;
use crate::vocabulary::counted;

/// The conditions that a file must meet. Shares are in hundredths of a percent of the number in their description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// The minimum number of rows in the first file of a broker.
    pub first_rows_min: u64,
    /// The maximum decrease of the number of rows since the last file, as a share of the rows of the last file.
    pub rows_fewer_max: Share,
    /// The maximum increase of the number of rows, as a share of the same.
    pub rows_more_max: Share,
    /// The maximum number of rejected rows, as a share of the rows read.
    pub rejected_max: Share,
    /// The maximum number of instruments whose lot size changes, as a share of the instruments in both files.
    pub lots_changed_max: Share,
    /// The maximum number of instruments whose expiry moves, as a share of the same.
    pub expiries_moved_max: Share,
}

impl Default for GateSettings {
    /// Exchanges revise the lot sizes of many contracts at a time (53 of those that two files five months apart
    /// shared), but never those of a fifth of all instruments between two days.
    fn default() -> Self {
        GateSettings {
            first_rows_min: 1000,
            rows_fewer_max: Share::percent(30),
            rows_more_max: Share::percent(50),
            rejected_max: Share::percent(1),
            lots_changed_max: Share::percent(20),
            expiries_moved_max: Share::percent(20),
        }
    }
}

/// A share in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// Returns a share of whole percent.
    pub const fn percent(percent: u32) -> Self {
        Share(percent * 100)
    }

    /// Parses percent with at most two decimals, 0 to 1000.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 4 || decimals.len() > 2 || !is_number(whole) || !is_number(decimals) {
            return None;
        }
        let hundredths = format!("{whole}{decimals:0<2}").parse().ok()?;
        (hundredths <= 100_000).then_some(Share(hundredths))
    }

    /// Returns `part` divided by `whole`, rounded up, so that rounding never hides an excess. The share of 0 in 0 is 0.
    fn of(part: u64, whole: u64) -> Self {
        let share = (part * 10_000).div_ceil(whole.max(1));
        Share(u32::try_from(share).unwrap_or(u32::MAX))
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        match hundredths {
            0 => write!(f, "{whole} %"),
            _ if hundredths % 10 == 0 => write!(f, "{whole}.{} %", hundredths / 10),
            _ => write!(f, "{whole}.{hundredths:02} %"),
        }
    }
}

/// The names of all gates. `readable` is applied by the reader of the file: the file has the format of the broker and
/// at least one row to keep.
pub const NAMES: [&str; 9] =
    ["readable", "first_rows", "segments", "rows", "rejected", "lots", "expiries", "file_date", FUTURE_DATE];

const FUTURE_DATE: &str = "future_date";

/// The last accepted file of a broker. Its rows may be owned or borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastLoad<R> {
    /// Its rows, keys unique.
    pub rows: Vec<R>,
    /// Its trading date, if known.
    pub file_date: Option<NaiveDate>,
}

/// A gate that a file did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateFault {
    /// The gate's name, one of [`NAMES`].
    pub gate: &'static str,
    /// The actual figure and the limit.
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

/// The result of the gates for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateResult {
    /// The gates that it did not pass. If the list is empty, the file may replace the last one.
    pub faults: Vec<GateFault>,
    /// The difference from the last file; in the first file of a broker, everything is new.
    pub diff: Diff,
}

/// Compares a file with the last accepted one of the broker.
pub fn judge<R: Borrow<Row>>(
    settings: &GateSettings,
    last: Option<&LastLoad<R>>,
    load: &FileLoad,
    file_date: Option<NaiveDate>,
) -> GateResult {
    let mut gates = Gates { faults: Vec::new() };
    let difference = match last {
        None => {
            gates.first_rows(settings, load);
            diff::<Row>(&[], &load.rows)
        }
        Some(last) => {
            let difference = diff(&last.rows, &load.rows);
            gates.segments(last, load);
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
            gates.file_date(last, file_date);
            difference
        }
    };
    GateResult { faults: gates.faults, diff: difference }
}

/// Checks a file that is complete for a part of the instruments of a broker. `before` is the number of instruments of
/// the part in the last load, `after` in the file. A new part may have any number.
pub fn judge_part(settings: &GateSettings, before: usize, after: usize) -> Vec<GateFault> {
    let mut gates = Gates { faults: Vec::new() };
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

struct Gates {
    faults: Vec<GateFault>,
}

impl Gates {
    fn refuse(&mut self, gate: &'static str, detail: String) {
        self.faults.push(GateFault { gate, detail });
    }

    fn first_rows(&mut self, settings: &GateSettings, load: &FileLoad) {
        let (kept, min) = (load.rows.len() as u64, settings.first_rows_min);
        if kept < min {
            self.refuse(
                "first_rows",
                format!("expected at least {min} kept rows in a broker's first file, got {kept}"),
            );
        }
    }

    fn segments<R: Borrow<Row>>(&mut self, last: &LastLoad<R>, load: &FileLoad) {
        let mut before: BTreeMap<_, usize> = BTreeMap::new();
        last.rows.iter().for_each(|row| *before.entry(row.borrow().segment).or_default() += 1);
        let after: BTreeSet<_> = load.rows.iter().map(|row| row.segment).collect();
        let missing: Vec<_> = before
            .iter()
            .filter(|(segment, _)| !after.contains(segment))
            .map(|(segment, count)| {
                format!("{} ({} in the last accepted file)", segment.as_str(), counted(*count, "row"))
            })
            .collect();
        if !missing.is_empty() {
            self.refuse(
                "segments",
                format!("missing: {}; a file must contain every segment of the last accepted file", missing.join(", ")),
            );
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

    fn rejected(&mut self, settings: &GateSettings, load: &FileLoad) {
        let (rejected, read) = (load.rejected_total(), load.rows_read);
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
    fn file_date<R>(&mut self, last: &LastLoad<R>, file_date: Option<NaiveDate>) {
        if let Some((before, after)) = last.file_date.zip(file_date).filter(|(before, after)| after < before) {
            self.refuse(
                "file_date",
                format!("expected a file date of {before} (that of the last accepted file) or later, got {after}"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{equity, future};

    fn rows(count: usize) -> Vec<Row> {
        (0..count).map(|n| equity("NSE", &format!("S{n:04}"), &format!("INE{n:09}"))).collect()
    }

    fn load(rows: Vec<Row>) -> FileLoad {
        FileLoad {
            rows_read: rows.len() as u64,
            rows,
            rejected: BTreeMap::new(),
            quarantine: vec![],
            content_hash: [0; 32],
        }
    }

    fn last(rows: Vec<Row>) -> LastLoad<Row> {
        LastLoad { rows, file_date: None }
    }

    /// Returns the gates that reject the file with the built-in settings.
    fn faults(before: Option<Vec<Row>>, after: &FileLoad) -> Vec<String> {
        let before = before.map(last);
        let result = judge(&GateSettings::default(), before.as_ref(), after, None);
        result.faults.iter().map(ToString::to_string).collect()
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn a_first_file_needs_only_a_minimum_of_rows() {
        let mut poor = load(rows(1000));
        poor.rows_read += 1000;
        poor.rejected.insert("a reason", 1000);

        assert_eq!(faults(None, &poor), NONE);
        assert_eq!(
            faults(None, &load(rows(999))),
            ["first_rows: expected at least 1000 kept rows in a broker's first file, got 999"]
        );
    }

    #[test]
    fn the_number_of_rows_may_change_within_limits() {
        assert_eq!(faults(Some(rows(1000)), &load(rows(700))), NONE);
        assert_eq!(
            faults(Some(rows(1000)), &load(rows(699))),
            ["rows: expected at most 30 % fewer rows than the 1000 of the last accepted file, got 699 (30.1 % fewer)"]
        );
        assert_eq!(faults(Some(rows(1000)), &load(rows(1500))), NONE);
        assert_eq!(
            faults(Some(rows(1000)), &load(rows(1501))),
            ["rows: expected at most 50 % more rows than the 1000 of the last accepted file, got 1501 (50.1 % more)"]
        );
    }

    #[test]
    fn every_segment_of_the_last_file_is_required() {
        let mut before = rows(1000);
        before.push(future("NIFTY", "NIFTY26AUGFUT", "2026-08-25"));

        let said = faults(Some(before.clone()), &load(rows(1000)));

        assert_eq!(faults(Some(rows(1000)), &load(before)), NONE);
        assert_eq!(said.len(), 1);
        assert!(
            said[0].starts_with("segments: missing: ") && said[0].contains("(1 row in the last accepted file)"),
            "{said:?}"
        );
    }

    #[test]
    fn one_row_in_a_hundred_may_be_rejected() {
        let with = |rejected: u64| {
            let mut load = load(rows(1000));
            load.rows_read = 1000 + rejected;
            load.rejected.insert("a reason", rejected);
            load
        };

        assert_eq!(faults(Some(rows(1000)), &with(10)), NONE);
        assert_eq!(
            faults(Some(rows(1000)), &with(11)),
            ["rejected: expected at most 1 % rejected rows, got 1.09 % (11 of 1011)"]
        );
    }

    #[test]
    fn mass_changes_of_lots_and_expiries_are_rejected() {
        let contracts = |expiry: &str, lot_size: u32| -> Vec<Row> {
            let contract = |n: i64| Row {
                strike: Some(crate::instrument::Amount::from_ten_thousandths(n * 10_000)),
                class: crate::vocabulary::InstrumentType::Call,
                lot_size,
                ..future("NIFTY", &format!("NIFTY26AUG{n}CE"), expiry)
            };
            (0..1000).map(contract).collect()
        };
        let before = contracts("2026-08-27", 75);
        let some = |changed: &[Row], count: usize| [&changed[..count], &before[count..]].concat();
        let (lots, days) = (contracts("2026-08-27", 65), contracts("2026-08-25", 75));

        assert_eq!(faults(Some(before.clone()), &load(some(&lots, 200))), NONE);
        assert_eq!(
            faults(Some(before.clone()), &load(some(&lots, 201))),
            [
                "lots: at most 20 % of the instruments in both files may have a different lot size, got 20.1 % (201 of 1000)"
            ]
        );
        assert_eq!(faults(Some(before.clone()), &load(some(&days, 200))), NONE);
        assert_eq!(
            faults(Some(before.clone()), &load(days)),
            [
                "expiries: at most 20 % of the instruments in both files may have a different expiry, got 100 % (1000 of 1000)"
            ]
        );
    }

    #[test]
    fn reused_tokens_are_not_a_mass_change() {
        let contracts = |month: &str, expiry: &str, lot_size: u32| -> Vec<Row> {
            let contract = |n: i64| Row {
                token: format!("{n}"),
                lot_size,
                ..future(&format!("U{n}"), &format!("U{n}26{month}FUT"), expiry)
            };
            (0..1000).map(contract).collect()
        };

        let result = judge(
            &GateSettings::default(),
            Some(&last(contracts("JUL", "2026-07-28", 10))),
            &load(contracts("AUG", "2026-08-25", 20)),
            None,
        );

        assert_eq!(result.faults, []);
        assert_eq!(result.diff.count(ChangeKind::TokenReused), 1000);
    }

    #[test]
    fn a_file_older_than_the_last_one_is_rejected() {
        let day = |text: &str| Some(text.parse().unwrap());
        let judged = |before, after| {
            let last = LastLoad { rows: rows(1000), file_date: before };
            judge(&GateSettings::default(), Some(&last), &load(rows(1000)), after).faults
        };

        assert_eq!(
            judged(day("2026-08-17"), day("2026-08-14")),
            [GateFault {
                gate: "file_date",
                detail: "expected a file date of 2026-08-17 (that of the last accepted file) or later, got 2026-08-14"
                    .to_owned()
            }]
        );
        for (before, after) in
            [(day("2026-08-17"), day("2026-08-17")), (None, day("2026-08-14")), (day("2026-08-17"), None)]
        {
            assert_eq!(judged(before, after), []);
        }
    }

    #[test]
    fn a_file_may_be_dated_tomorrow_and_not_later() {
        let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
        let today = day("2026-11-30");

        for date in [None, Some(day("0001-01-01")), Some(today), Some(day("2026-12-01"))] {
            assert_eq!(judge_date(date, today), None);
            assert_eq!(credible_date(date, today), date);
        }
        for date in ["2026-12-02", "9999-12-31"] {
            let fault = judge_date(Some(day(date)), today).unwrap();
            assert_eq!(fault.gate, "future_date");
            assert!(!fault.can_be_overruled());
            let detail = format!(
                "expected a file date no later than 2026-12-01 (tomorrow in Asia/Kolkata), got {date}; `force` does \
                 not overrule this"
            );
            assert_eq!(fault.detail, detail);
            assert_eq!(credible_date(Some(day(date)), today), None);
        }
    }

    #[test]
    fn every_failed_gate_is_reported() {
        let mut broken = load(vec![future("NIFTY", "NIFTY26AUGFUT", "2026-08-25")]);
        broken.rows_read = 10;
        broken.rejected.insert("a reason", 9);

        let gates: Vec<_> = judge(&GateSettings::default(), Some(&last(rows(1000))), &broken, None)
            .faults
            .into_iter()
            .map(|fault| fault.gate)
            .collect();

        assert_eq!(gates, ["segments", "rows", "rejected"]);
        assert!(gates.iter().all(|gate| NAMES.contains(gate)));
    }

    #[test]
    fn shares_are_parsed_as_percent_with_two_decimals() {
        assert_eq!(Share::parse("30"), Some(Share::percent(30)));
        assert_eq!(Share::parse("0.5").unwrap().to_string(), "0.5 %");
        assert_eq!(Share::parse("1000.00"), Some(Share::percent(1000)));
        for text in ["", ".5", "-1", "+1", "1.234", "1000.01", "a", "1e3"] {
            assert_eq!(Share::parse(text), None, "{text}");
        }
    }
}
