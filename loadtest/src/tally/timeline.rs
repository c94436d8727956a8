//! The figures of each second of a run.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::latency::{empty_histogram, milliseconds, record};
use crate::answer::RequestOutcome;

/// One second of the measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Second {
    /// Its number, from 0.
    pub(crate) second: usize,
    /// Requests that started or were due in it.
    pub(crate) sent: u64,
    /// Responses that were complete in it.
    pub(crate) answered: u64,
    /// Rejections among them.
    pub(crate) refused: u64,
    /// The median latency of its good responses, in milliseconds. `None` without any.
    pub(crate) p50_ms: Option<f64>,
    /// Their 99th percentile.
    pub(crate) p99_ms: Option<f64>,
}

/// Collects the figures of each second.
///
/// A histogram for each second would take 200 KB. Therefore only the current second has a complete one, and earlier
/// seconds are stored as the values that occurred.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    seconds: Vec<Slot>,
    current: Option<(usize, Box<Histogram<u64>>)>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    sent: u64,
    answered: u64,
    refused: u64,
    /// Latencies in microseconds with their numbers of occurrences.
    latencies: Vec<(u64, u64)>,
}

impl Timeline {
    /// Counts a request. Times are relative to the start of the measurement.
    pub(super) fn record(
        &mut self,
        begun: Duration,
        ended: Duration,
        is_answered: bool,
        outcome: RequestOutcome,
        latency: Duration,
    ) {
        let second = ended.as_secs() as usize;
        self.slot(begun.as_secs() as usize).sent += 1;
        let slot = self.slot(second);
        slot.answered += u64::from(is_answered);
        slot.refused += u64::from(outcome == RequestOutcome::Refused);
        if !outcome.is_good() {
            return;
        }
        match &mut self.current {
            Some((current, histogram)) if *current == second => record(histogram, latency),
            _ => {
                self.close();
                let mut histogram = self.current.take().map_or_else(empty_histogram, |(_, histogram)| histogram);
                histogram.reset();
                record(&mut histogram, latency);
                self.current = Some((second, histogram));
            }
        }
    }

    /// Adds what `other` counted.
    pub(super) fn merge(&mut self, mut other: Timeline) {
        other.close();
        for (second, theirs) in other.seconds.into_iter().enumerate() {
            let mine = self.slot(second);
            mine.sent += theirs.sent;
            mine.answered += theirs.answered;
            mine.refused += theirs.refused;
            mine.latencies.extend(theirs.latencies);
        }
    }

    /// Returns every second, including those without requests.
    pub(super) fn seconds(&self) -> Vec<Second> {
        let mut whole = self.clone();
        whole.close();
        let mut histogram = empty_histogram();
        let seconds = whole.seconds.iter().enumerate().map(|(second, slot)| {
            histogram.reset();
            for &(value, count) in &slot.latencies {
                histogram.saturating_record_n(value, count);
            }
            let at = |quantile| (!histogram.is_empty()).then(|| milliseconds(histogram.value_at_quantile(quantile)));
            let Slot { sent, answered, refused, .. } = *slot;
            Second { second, sent, answered, refused, p50_ms: at(0.5), p99_ms: at(0.99) }
        });
        seconds.collect()
    }

    fn slot(&mut self, second: usize) -> &mut Slot {
        if self.seconds.len() <= second {
            self.seconds.resize_with(second + 1, Slot::default);
        }
        &mut self.seconds[second]
    }

    /// Stores the values of the current second.
    fn close(&mut self) {
        if let Some((second, mut histogram)) = self.current.take() {
            let values = histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()));
            self.seconds[second].latencies.extend(values);
            histogram.reset();
            self.current = Some((second, histogram));
        }
    }
}
