//! What was counted and measured while the load ran.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::answer::Outcome;
use crate::fault::{Fault, Faults};

/// Three significant digits keep every percentile within 0.1 % of the truth.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Ten minutes, beyond any answer that is waited for; a longer latency would be recorded as this.
const LATENCY_MICROS_MAX: u64 = 600_000_000;

/// Latencies by outcome, faults by kind, and repeats.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    latencies: [Histogram<u64>; Outcome::ALL.len()],
    faults: Faults,
    repeats: u64,
}

/// A latency distribution in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Latency {
    /// Arithmetic mean.
    pub(crate) mean_ms: f64,
    /// Half of the answers were at most this late.
    pub(crate) p50_ms: f64,
    /// 90 % were.
    pub(crate) p90_ms: f64,
    /// 95 % were.
    pub(crate) p95_ms: f64,
    /// 99 % were.
    pub(crate) p99_ms: f64,
    /// 99.9 % were.
    pub(crate) p999_ms: f64,
    /// All were.
    pub(crate) max_ms: f64,
}

impl Tally {
    /// A tally of nothing.
    pub(crate) fn new() -> Self {
        let empty = Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, SIGNIFICANT_DIGITS)
            .expect("the range spans more than a factor of two, and three digits are at most five");
        Tally { latencies: [(); Outcome::ALL.len()].map(|()| empty.clone()), faults: Faults::default(), repeats: 0 }
    }

    /// Counts a request that ended after `latency`.
    pub(crate) fn record(&mut self, outcome: Outcome, latency: Duration, is_repeat: bool) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latencies[outcome as usize].saturating_record(micros);
        self.repeats += u64::from(is_repeat);
    }

    /// Counts a fault.
    pub(crate) fn fault(&mut self, fault: &Fault) {
        self.faults.add(fault);
    }

    /// Adds the faults of a later check.
    pub(crate) fn merge_faults(&mut self, faults: Faults) {
        self.faults.merge(faults);
    }

    /// Requests that ended as `outcome`.
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.latencies[outcome as usize].len()
    }

    /// Requests that ended, whatever the outcome.
    pub(crate) fn total(&self) -> u64 {
        self.latencies.iter().map(Histogram::len).sum()
    }

    /// Requests answered with a plan.
    pub(crate) fn plans(&self) -> u64 {
        self.count(Outcome::Created) + self.count(Outcome::Cached)
    }

    /// Requests that repeated an earlier one.
    pub(crate) fn repeats(&self) -> u64 {
        self.repeats
    }

    /// Everything that was wrong.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The latencies of `outcome`; `None` when no request ended so.
    pub(crate) fn latency(&self, outcome: Outcome) -> Option<Latency> {
        let histogram = &self.latencies[outcome as usize];
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        (!histogram.is_empty()).then(|| Latency {
            mean_ms: histogram.mean().round() / 1_000.0,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: milliseconds(histogram.max()),
        })
    }
}

fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: f64, expected: f64) {
        assert!((got - expected).abs() <= expected * 0.001, "{got} is not within 0.1 % of {expected}");
    }

    #[test]
    fn percentiles_are_the_values_that_so_many_requests_did_not_exceed() {
        let mut tally = Tally::new();
        for ms in 1..=1_000 {
            tally.record(Outcome::Created, Duration::from_millis(ms), false);
        }

        let latency = tally.latency(Outcome::Created).expect("a thousand requests");

        assert_close(latency.mean_ms, 500.5);
        assert_close(latency.p50_ms, 500.0);
        assert_close(latency.p90_ms, 900.0);
        assert_close(latency.p95_ms, 950.0);
        assert_close(latency.p99_ms, 990.0);
        assert_close(latency.p999_ms, 999.0);
        assert_close(latency.max_ms, 1_000.0);
    }

    #[test]
    fn outcomes_are_measured_apart() {
        let mut tally = Tally::new();

        tally.record(Outcome::Created, Duration::from_millis(40), false);
        tally.record(Outcome::Cached, Duration::from_micros(250), true);
        tally.record(Outcome::Refused, Duration::from_micros(90), false);

        assert_close(tally.latency(Outcome::Created).expect("one").max_ms, 40.0);
        assert_close(tally.latency(Outcome::Cached).expect("one").p50_ms, 0.25);
        assert_eq!(tally.latency(Outcome::Failed), None);
        assert_eq!((tally.total(), tally.plans(), tally.repeats()), (3, 2, 1));
    }

    #[test]
    fn extremes_are_recorded_and_not_lost() {
        let mut tally = Tally::new();

        tally.record(Outcome::Failed, Duration::ZERO, false);
        tally.record(Outcome::Failed, Duration::from_secs(240), false);

        assert_eq!(tally.count(Outcome::Failed), 2);
        assert_close(tally.latency(Outcome::Failed).expect("two").max_ms, 240_000.0);
    }
}
