//! What is told of a measurement, held against its target.

use serde::Serialize;

use crate::figures::{Pairs, Spread};

/// What a figure must be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// In every round.
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
pub(crate) enum Verdict {
    Met,
    Missed,
    /// Told for its own sake.
    NoTarget,
    /// It was not measured, and could not be here.
    Skipped,
    /// It was not measured because something went wrong.
    Failed,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) work: String,
    /// What the figures are of.
    pub(crate) what: String,
    /// Of ours and the other's.
    pub(crate) unit: &'static str,
    pub(crate) ours: Option<Spread>,
    pub(crate) other: Option<Spread>,
    /// Ours by the other's, in the same round.
    pub(crate) ratio: Option<Spread>,
    /// Of the ratio where there is one, else of ours.
    pub(crate) target: Option<Target>,
    pub(crate) verdict: Verdict,
    /// What else there is to say.
    pub(crate) note: Option<String>,
}

impl Row {
    /// Two sides, and what the median of their ratios must be.
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

    /// One side alone, and what its median must be.
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
        Self { verdict: Verdict::Skipped, note: Some(why.into()), ..Self::judged(work, String::new(), "", None, None) }
    }

    pub(crate) fn failed(work: &str, error: &anyhow::Error) -> Self {
        // On one line: what a program complains about has several.
        let note = Some(format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" "));
        Self { verdict: Verdict::Failed, note, ..Self::judged(work, String::new(), "", None, None) }
    }

    pub(crate) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Without a value nothing is met.
    fn judged(work: &str, what: String, unit: &'static str, value: Option<Spread>, target: Option<Target>) -> Self {
        let verdict = match target {
            None => Verdict::NoTarget,
            Some(target) if value.is_some_and(|value| target.is_met(value)) => Verdict::Met,
            Some(_) => Verdict::Missed,
        };
        let work = work.to_owned();
        Self { work, what, unit, ours: None, other: None, ratio: None, target, verdict, note: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_judged_by_the_median_of_its_rounds() {
        let pairs = Pairs { ours: vec![60.0, 40.0, 55.0], other: vec![10.0, 10.0, 10.0] };

        let row = Row::ratio("create", "plans created", "plans/s", &pairs, Target::AtLeast(5.0));
        let stricter = Row::ratio("create", "plans created", "plans/s", &pairs, Target::AtLeast(5.6));

        assert_eq!(row.ratio, Some(Spread { median: 5.5, min: 4.0, max: 6.0 }));
        assert_eq!((row.verdict, stricter.verdict), (Verdict::Met, Verdict::Missed));
    }

    #[test]
    fn a_limit_from_above_is_met_below_it() {
        let row = |values: &[f64]| Row::figure("box", "memory", "MB", values, Target::AtMost(192.0)).verdict;

        assert_eq!(row(&[191.0]), Verdict::Met);
        assert_eq!(row(&[193.0]), Verdict::Missed);
    }

    #[test]
    fn what_must_be_exact_must_be_so_in_every_round() {
        let row = |values: &[f64]| Row::figure("hot-key", "plans created", "", values, Target::Exactly(1.0)).verdict;

        assert_eq!(row(&[1.0, 1.0, 1.0]), Verdict::Met);
        assert_eq!(row(&[1.0, 1.0, 2.0]), Verdict::Missed);
    }

    #[test]
    fn nothing_measured_is_nothing_met() {
        assert_eq!(Row::figure("a", "b", "", &[], Target::AtMost(1.0)).verdict, Verdict::Missed);
        assert_eq!(Row::figure("a", "b", "", &[1.0], None).verdict, Verdict::NoTarget);
    }
}
