//! The rows of the report: figures of several rounds, checked against their targets.

use registry_loadtest::table as empty_table;
use serde::Serialize;

/// The median and the range of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Self { median, min, max })
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pairs {
    pub(crate) ours: Vec<f64>,
    pub(crate) other: Vec<f64>,
}

impl Pairs {
    /// Divides ours by the other's of the same round, because a slow round affects both sides.
    fn ratios(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.other).map(|(ours, other)| ours / other).collect()
    }
}

/// The condition that the median of the rounds must meet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// The value in every round.
    Exactly(f64),
}

impl Target {
    fn is_met(self, spread: Spread) -> bool {
        match self {
            Target::AtLeast(least) => spread.median >= least,
            Target::AtMost(most) => spread.median <= most,
            Target::Exactly(value) => spread.min == value && spread.max == value,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TargetResult {
    Met,
    Missed,
    /// Only for information.
    NoTarget,
    /// Not measured, because this machine does not meet the requirements.
    Skipped,
    /// Not measured, because of an error.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) what: String,
    /// The unit of `ours` and `other`.
    pub(crate) unit: &'static str,
    pub(crate) ours: Option<Spread>,
    pub(crate) other: Option<Spread>,
    pub(crate) ratio: Option<Spread>,
    /// The target of the ratio, or of `ours` if there is no ratio.
    pub(crate) target: Option<Target>,
    pub(crate) verdict: TargetResult,
    pub(crate) note: Option<String>,
}

impl Row {
    /// Creates a row for two sides, with a target for the median of their ratios.
    pub(crate) fn ratio(
        work: &str,
        what: impl Into<String>,
        unit: &'static str,
        pairs: &Pairs,
        target: impl Into<Option<Target>>,
    ) -> Self {
        let ratio = Spread::of(&pairs.ratios());
        let (ours, other) = (Spread::of(&pairs.ours), Spread::of(&pairs.other));
        Self { ours, other, ratio, ..Self::judged(work, what.into(), unit, ratio, target.into()) }
    }

    /// Creates a row for one side, with a target for its median.
    pub(crate) fn figure(
        work: &str,
        what: impl Into<String>,
        unit: &'static str,
        values: &[f64],
        target: impl Into<Option<Target>>,
    ) -> Self {
        let ours = Spread::of(values);
        Self { ours, ..Self::judged(work, what.into(), unit, ours, target.into()) }
    }

    pub(crate) fn skipped(work: &str, why: impl Into<String>) -> Self {
        Self::unmeasured(work, TargetResult::Skipped, why)
    }

    pub(crate) fn failed(work: &str, error: &anyhow::Error) -> Self {
        // Joins the lines, because the error output of a program has several.
        let note = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
        Self::unmeasured(work, TargetResult::Failed, note)
    }

    fn unmeasured(work: &str, verdict: TargetResult, why: impl Into<String>) -> Self {
        Self { verdict, ..Self::judged(work, String::new(), "", None, None).noted(why) }
    }

    pub(crate) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Checks the target. A missing value misses it.
    fn judged(work: &str, what: String, unit: &'static str, value: Option<Spread>, target: Option<Target>) -> Self {
        let verdict = match target {
            None => TargetResult::NoTarget,
            Some(target) if value.is_some_and(|value| target.is_met(value)) => TargetResult::Met,
            Some(_) => TargetResult::Missed,
        };
        let work = work.to_owned();
        Self { work, what, unit, ours: None, other: None, ratio: None, target, verdict, note: None }
    }

    fn cells(&self) -> [String; 8] {
        let with_unit = |spread: Spread| format!("{} {}", number(spread.median), self.unit).trim_end().to_owned();
        let range = |spread: Spread| format!("{} – {}", number(spread.min), number(spread.max));
        let target = |target| match target {
            Target::AtLeast(least) => format!("≥ {}", number(least)),
            Target::AtMost(most) => format!("≤ {}", number(most)),
            Target::Exactly(value) => format!("= {}", number(value)),
        };
        let verdict = match self.verdict {
            TargetResult::Met => "met",
            TargetResult::Missed => "MISSED",
            TargetResult::NoTarget => "",
            TargetResult::Skipped => "skipped",
            TargetResult::Failed => "FAILED",
        };
        [
            self.work.clone(),
            self.what.clone(),
            self.ours.map(with_unit).unwrap_or_default(),
            self.other.map(with_unit).unwrap_or_default(),
            self.ratio.map(|ratio| number(ratio.median)).unwrap_or_default(),
            self.ratio.or(self.ours).map(range).unwrap_or_default(),
            self.target.map(target).unwrap_or_default(),
            verdict.to_owned(),
        ]
    }
}

/// Formats the rows as columns with a heading, and their notes below.
pub(crate) fn table(rows: &[Row]) -> String {
    let heading = ["work", "measurement", "service", "baseline", "ratio", "min – max", "target", "result"];
    let mut table = empty_table(&heading, 2..6);
    table.add_rows(rows.iter().map(Row::cells));
    let notes = rows.iter().filter_map(|row| Some(format!("{} {}: {}\n", row.work, row.what, row.note.as_ref()?)));
    format!("{table}\n\n{}", notes.collect::<String>())
}

/// Formats a number with about three digits, because measurements are not more precise.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_median_and_range_for_any_order_of_values() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of(&[7.0]), Some(Spread { median: 7.0, min: 7.0, max: 7.0 }));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_compare_values_of_the_same_round() {
        let pairs = Pairs { ours: vec![10.0, 40.0], other: vec![5.0, 10.0] };

        assert_eq!(pairs.ratios(), [2.0, 4.0]);
    }

    #[test]
    fn the_median_ratio_must_meet_the_target() {
        let pairs = Pairs { ours: vec![60.0, 40.0, 55.0], other: vec![10.0, 10.0, 10.0] };

        let row = Row::ratio("create", "plans created", "plans/s", &pairs, Target::AtLeast(5.0));
        let stricter = Row::ratio("create", "plans created", "plans/s", &pairs, Target::AtLeast(5.6));

        assert_eq!(row.ratio, Some(Spread { median: 5.5, min: 4.0, max: 6.0 }));
        assert_eq!(row.verdict, TargetResult::Met);
        assert_eq!(stricter.verdict, TargetResult::Missed);
    }

    #[test]
    fn an_upper_limit_is_met_below_it() {
        let row = |values: &[f64]| Row::figure("box", "memory", "MB", values, Target::AtMost(192.0)).verdict;

        assert_eq!(row(&[191.0]), TargetResult::Met);
        assert_eq!(row(&[193.0]), TargetResult::Missed);
    }

    #[test]
    fn an_exact_target_must_be_met_in_every_round() {
        let row = |values: &[f64]| Row::figure("hot-key", "plans created", "", values, Target::Exactly(1.0)).verdict;

        assert_eq!(row(&[1.0, 1.0, 1.0]), TargetResult::Met);
        assert_eq!(row(&[1.0, 1.0, 2.0]), TargetResult::Missed);
    }

    #[test]
    fn a_missing_measurement_misses_its_target() {
        assert_eq!(Row::figure("a", "b", "", &[], Target::AtMost(1.0)).verdict, TargetResult::Missed);
        assert_eq!(Row::figure("a", "b", "", &[1.0], None).verdict, TargetResult::NoTarget);
    }

    #[test]
    fn the_table_has_a_line_for_each_row_and_notes_below() {
        let pairs = Pairs { ours: vec![9000.0, 9100.0], other: vec![1500.0, 1300.0] };
        let rows = [
            Row::ratio("create32", "plans created", "plans/s", &pairs, Target::AtLeast(5.0)),
            Row::figure("box", "peak memory", "MB", &[201.0], Target::AtMost(192.0)).noted("2,000 plans/s"),
            Row::skipped("million", "takes minutes"),
        ];

        let text = table(&rows);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();

        assert_eq!(lines[1].join(" "), "create32 plans created 9050 plans/s 1400 plans/s 6.50 6.00 – 7.00 ≥ 5.00 met");
        assert_eq!(lines[2].join(" "), "box peak memory 201 MB 201 – 201 ≤ 192 MISSED");
        assert_eq!(lines[3].join(" "), "million skipped");
        assert!(text.ends_with("\n\nbox peak memory: 2,000 plans/s\nmillion : takes minutes\n"), "{text}");
    }

    #[test]
    fn numbers_have_about_three_digits() {
        let numbers = [0.0, 0.01234, 0.951, 12.34, 123.4, 12345.6].map(number);

        assert_eq!(numbers, ["0", "0.0123", "0.95", "12.3", "123", "12346"]);
    }
}
