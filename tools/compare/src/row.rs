//! A measurement in the report, checked against its target.

use serde::Serialize;

use crate::figures::{Pairs, Spread};

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

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) work: String,
    /// The measured quantity.
    pub(crate) what: String,
    /// The unit of `ours` and `other`.
    pub(crate) unit: &'static str,
    pub(crate) ours: Option<Spread>,
    pub(crate) other: Option<Spread>,
    /// Ours divided by the other's of the same round.
    pub(crate) ratio: Option<Spread>,
    /// The target of the ratio, or of `ours` if there is no ratio.
    pub(crate) target: Option<Target>,
    pub(crate) verdict: TargetResult,
    /// Additional text.
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
        Self {
            ours: Spread::of(&pairs.ours),
            other: Spread::of(&pairs.other),
            ratio,
            ..Self::judged(work, what.into(), unit, ratio, target.into())
        }
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
        Self {
            verdict: TargetResult::Skipped,
            note: Some(why.into()),
            ..Self::judged(work, String::new(), "", None, None)
        }
    }

    pub(crate) fn failed(work: &str, error: &anyhow::Error) -> Self {
        // Joins the lines, because the error output of a program has several.
        let note = Some(format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" "));
        Self { verdict: TargetResult::Failed, note, ..Self::judged(work, String::new(), "", None, None) }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ratio_must_meet_the_target() {
        let pairs = Pairs { ours: vec![60.0, 40.0, 55.0], other: vec![10.0, 10.0, 10.0] };

        let row = Row::ratio("create", "plans created", "plans/s", &pairs, Target::AtLeast(5.0));
        let stricter = Row::ratio("create", "plans created", "plans/s", &pairs, Target::AtLeast(5.6));

        assert_eq!(row.ratio, Some(Spread { median: 5.5, min: 4.0, max: 6.0 }));
        assert_eq!((row.verdict, stricter.verdict), (TargetResult::Met, TargetResult::Missed));
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
}
