//! What each second of a run saw.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::latency::{empty_histogram, milliseconds, record};
use crate::answer::Outcome;

/// One second of the measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Second {
    /// Its number, from 0.
    pub(crate) second: usize,
    /// Requests begun in it, or that should have been.
    pub(crate) sent: u64,
    /// Answers that were complete in it.
    pub(crate) answered: u64,
    /// Refusals among them.
    pub(crate) refused: u64,
    /// Half of its good answers were at most this late, in milliseconds; `None` without any.
    pub(crate) p50_ms: Option<f64>,
    /// 99 % of them were.
    pub(crate) p99_ms: Option<f64>,
}

/// Seconds while they are counted.
///
/// A histogram for each second would take 200 KB, so only the one of the current second is whole: what is over is kept as
/// the values that occurred.
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
    /// Latencies in microseconds and how often each occurred.
    latencies: Vec<(u64, u64)>,
}

impl Timeline {
    /// Counts a request. Times are since the beginning of the measurement.
    pub(super) fn record(
        &mut self,
        begun: Duration,
        ended: Duration,
        is_answered: bool,
        outcome: Outcome,
        latency: Duration,
    ) {
        let second = ended.as_secs() as usize;
        self.slot(begun.as_secs() as usize).sent += 1;
        let slot = self.slot(second);
        slot.answered += u64::from(is_answered);
        slot.refused += u64::from(outcome == Outcome::Refused);
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

    /// Every second, with those that saw nothing.
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

    /// Puts the values of the current second to its slot.
    fn close(&mut self) {
        if let Some((second, mut histogram)) = self.current.take() {
            let values = histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()));
            self.seconds[second].latencies.extend(values);
            histogram.reset();
            self.current = Some((second, histogram));
        }
    }
}
