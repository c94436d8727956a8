//! Distributions of latencies.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Three significant digits keep the error of every percentile below 0.1 %.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Ten minutes in microseconds: more than any timeout. A longer latency is recorded as this.
const MICROS_MAX: u64 = 600_000_000;

/// The points of a plot of percentiles, as shares of slower responses: several in each tenth of the remaining ones.
const PLOTTED_TAILS: [f64; 17] =
    [1.0, 0.75, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001, 0.000_5, 0.000_1, 0.000_05, 0.000_01];

/// A latency distribution in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Latency {
    /// The number of responses.
    pub(crate) count: u64,
    /// The arithmetic mean.
    pub(crate) mean_ms: f64,
    /// The median.
    pub(crate) p50_ms: f64,
    /// The 90th percentile.
    pub(crate) p90_ms: f64,
    /// The 95th percentile.
    pub(crate) p95_ms: f64,
    /// The 99th percentile.
    pub(crate) p99_ms: f64,
    /// The 99.9th percentile.
    pub(crate) p999_ms: f64,
    /// The maximum.
    pub(crate) max_ms: f64,
}

impl Latency {
    /// Returns the distribution of `histogram`, whose values are in microseconds.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        Latency {
            count: histogram.len(),
            mean_ms: histogram.mean().round() / 1_000.0,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: milliseconds(histogram.max()),
        }
    }
}

/// Returns the points of a plot of percentiles: the share of slower responses, down to a single one, and their minimum
/// latency in milliseconds.
pub(crate) fn percentiles(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let least = 1.0 / histogram.len().max(1) as f64;
    let point = |tail: f64| (tail, milliseconds(histogram.value_at_quantile(1.0 - tail)));
    PLOTTED_TAILS.into_iter().filter(|&tail| tail >= least).map(point).collect()
}

/// Creates an empty histogram of microseconds.
pub(super) fn empty_histogram() -> Box<Histogram<u64>> {
    let empty = Histogram::new_with_bounds(1, MICROS_MAX, SIGNIFICANT_DIGITS);
    Box::new(empty.expect("the range spans more than a factor of two, and three digits are at most five"))
}

/// Records one latency.
pub(super) fn record(histogram: &mut Histogram<u64>, latency: Duration) {
    histogram.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
}

/// Converts microseconds to milliseconds.
pub(super) fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}
