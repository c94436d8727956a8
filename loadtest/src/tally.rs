//! The counts and measurements of a load.
//!
//! Each thread has its own tally, so that no locks are needed. They are merged at the end.

use std::time::Duration;

use hdrhistogram::Histogram;
use registry_loadtest::report::{Latency, Second};
use strum::{EnumCount, VariantArray};

use crate::answer::RequestOutcome;
use crate::fault::Faults;
use crate::kind::RequestKind;

/// Three significant digits keep the error of every percentile below 0.1 %.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Ten minutes in microseconds: more than any timeout. A longer latency is recorded as this.
const MICROS_MAX: u64 = 600_000_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    pub(crate) kind: RequestKind,
    pub(crate) outcome: RequestOutcome,
    /// Whether a complete response arrived, valid or not.
    pub(crate) is_answered: bool,
    /// The size of the body, bytes.
    pub(crate) answer_bytes: usize,
    /// The time at which the request started or was due, since the start of the measurement.
    pub(crate) begun: Duration,
    /// The time at which the response was complete, since the start of the measurement.
    pub(crate) ended: Duration,
}

/// Latencies by kind, outcomes, faults, and the figures of each second.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Latencies of 2xx responses without a fault, in microseconds.
    latencies: Vec<Histogram<u64>>,
    refusals: Histogram<u64>,
    outcomes: [u64; RequestOutcome::COUNT],
    pub(crate) answered: u64,
    answer_bytes: u64,
    pub(crate) faults: Faults,
    seconds: Vec<Slot>,
    /// The time of the last response since the start of the measurement.
    pub(crate) elapsed: Duration,
}

/// The counts of a second.
#[derive(Clone, Debug, Default)]
struct Slot {
    sent: u64,
    answered: u64,
    refused: u64,
    /// The latencies of good responses in microseconds. A run has at most 20 million.
    micros: Vec<u32>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Tally {
            latencies: vec![empty_histogram(); RequestKind::COUNT],
            refusals: empty_histogram(),
            outcomes: [0; RequestOutcome::COUNT],
            answered: 0,
            answer_bytes: 0,
            faults: Faults::default(),
            seconds: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    pub(crate) fn record(&mut self, measured: &Measurement) {
        let Measurement { kind, outcome, is_answered, answer_bytes, begun, ended } = *measured;
        let micros = u64::try_from(ended.saturating_sub(begun).as_micros()).unwrap_or(u64::MAX).min(MICROS_MAX);
        self.outcomes[outcome as usize] += 1;
        self.answered += u64::from(is_answered);
        self.elapsed = self.elapsed.max(ended);
        self.slot(begun).sent += 1;
        let slot = self.slot(ended);
        slot.answered += u64::from(is_answered);
        if outcome.is_good() {
            slot.micros.push(micros as u32);
            self.answer_bytes += answer_bytes as u64;
            self.latencies[kind as usize] += micros;
        } else if outcome == RequestOutcome::Refused {
            slot.refused += 1;
            self.refusals += micros;
        }
    }

    pub(crate) fn merge(&mut self, other: Tally) {
        for (mine, theirs) in self.latencies.iter_mut().zip(&other.latencies) {
            *mine += theirs;
        }
        self.refusals += &other.refusals;
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine += theirs;
        }
        self.answered += other.answered;
        self.answer_bytes += other.answer_bytes;
        self.faults.merge(other.faults);
        self.elapsed = self.elapsed.max(other.elapsed);
        for (second, theirs) in other.seconds.into_iter().enumerate() {
            let mine = self.slot(Duration::from_secs(second as u64));
            mine.sent += theirs.sent;
            mine.answered += theirs.answered;
            mine.refused += theirs.refused;
            mine.micros.extend(theirs.micros);
        }
    }

    pub(crate) fn count(&self, outcome: RequestOutcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Returns the number of finished requests with any outcome.
    pub(crate) fn total(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Returns the number of 2xx responses without a fault.
    pub(crate) fn good(&self) -> u64 {
        RequestOutcome::VARIANTS.iter().filter(|outcome| outcome.is_good()).map(|&outcome| self.count(outcome)).sum()
    }

    pub(crate) fn answer_bytes_mean(&self) -> f64 {
        self.answer_bytes as f64 / self.good().max(1) as f64
    }

    /// Returns the latencies of good responses of one kind, or `None` without such responses.
    pub(crate) fn latency(&self, kind: RequestKind) -> Option<Latency> {
        Some(latency_of(&self.latencies[kind as usize])).filter(|latency| latency.count > 0)
    }

    /// Returns the latencies of rejections, or `None` without rejections.
    pub(crate) fn refusals(&self) -> Option<Latency> {
        Some(latency_of(&self.refusals)).filter(|latency| latency.count > 0)
    }

    /// Returns the latencies of good responses of all kinds.
    pub(crate) fn all_latencies(&self) -> Histogram<u64> {
        let mut all = empty_histogram();
        for one in &self.latencies {
            all += one;
        }
        all
    }

    /// Returns the figures of each second of the measurement, including those without requests.
    pub(crate) fn timeline(&mut self) -> Vec<Second> {
        let seconds = self.seconds.iter_mut().enumerate().map(|(second, slot)| {
            slot.micros.sort_unstable();
            let Slot { sent, answered, refused, ref micros } = *slot;
            // The smallest value that is at least as large as this part of all.
            let place = |part: f64| ((micros.len() as f64 * part).ceil() as usize).saturating_sub(1);
            let at = |part| micros.get(place(part)).map(|&micros| f64::from(micros) / 1_000.0);
            Second { second, sent, answered, refused, p50_ms: at(0.5), p99_ms: at(0.99) }
        });
        seconds.collect()
    }

    fn slot(&mut self, moment: Duration) -> &mut Slot {
        let second = moment.as_secs() as usize;
        if self.seconds.len() <= second {
            self.seconds.resize_with(second + 1, Slot::default);
        }
        &mut self.seconds[second]
    }
}

/// Returns the distribution of a histogram of microseconds.
pub(crate) fn latency_of(histogram: &Histogram<u64>) -> Latency {
    let milliseconds = |micros: u64| micros as f64 / 1_000.0;
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

/// Creates an empty histogram of microseconds. It grows with the largest latency, so an unused one is small.
fn empty_histogram() -> Histogram<u64> {
    let mut empty = Histogram::new(SIGNIFICANT_DIGITS).expect("three digits are at most five");
    empty.auto(true);
    empty
}

#[cfg(test)]
mod tests;
