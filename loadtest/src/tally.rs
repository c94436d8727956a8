//! The counts and measurements of a load.
//!
//! Each thread has its own tally, so that no locks are needed. They are merged at the end.

mod latency;
mod timeline;

use std::time::Duration;

use hdrhistogram::Histogram;

pub(crate) use self::latency::{Latency, percentiles};
use self::latency::{empty_histogram, record};
pub(crate) use self::timeline::Second;
use self::timeline::Timeline;
use crate::answer::RequestOutcome;
use crate::fault::{Fault, Faults};
use crate::kind::Kind;

/// A measured request with its outcome.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    /// The kind of the request.
    pub(crate) kind: Kind,
    /// The outcome.
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
    /// Latencies of 2xx responses without a fault. `None` until the first one.
    latencies: [Option<Box<Histogram<u64>>>; Kind::ALL.len()],
    refusals: Option<Box<Histogram<u64>>>,
    outcomes: [u64; RequestOutcome::ALL.len()],
    answered: u64,
    answer_bytes: u64,
    faults: Faults,
    timeline: Timeline,
    /// The time of the last response since the start of the measurement.
    last: Duration,
}

impl Tally {
    /// Creates an empty tally.
    pub(crate) fn new() -> Self {
        Tally {
            latencies: [const { None }; Kind::ALL.len()],
            refusals: None,
            outcomes: [0; RequestOutcome::ALL.len()],
            answered: 0,
            answer_bytes: 0,
            faults: Faults::default(),
            timeline: Timeline::default(),
            last: Duration::ZERO,
        }
    }

    /// Counts a request.
    pub(crate) fn record(&mut self, measured: &Measurement) {
        let Measurement { kind, outcome, is_answered, answer_bytes, begun, ended } = *measured;
        let latency = ended.saturating_sub(begun);
        self.outcomes[outcome as usize] += 1;
        self.answered += u64::from(is_answered);
        self.last = self.last.max(ended);
        if outcome.is_good() {
            self.answer_bytes += answer_bytes as u64;
            record(self.latencies[kind as usize].get_or_insert_with(empty_histogram), latency);
        } else if outcome == RequestOutcome::Refused {
            record(self.refusals.get_or_insert_with(empty_histogram), latency);
        }
        self.timeline.record(begun, ended, is_answered, outcome, latency);
    }

    /// Counts a fault.
    pub(crate) fn fault(&mut self, fault: &Fault) {
        self.faults.add(fault);
    }

    /// Adds the faults of a later check.
    pub(crate) fn merge_faults(&mut self, faults: Faults) {
        self.faults.merge(faults);
    }

    /// Adds everything that `other` counted.
    pub(crate) fn merge(&mut self, other: Tally) {
        let add =
            |mine: &mut Option<Box<Histogram<u64>>>, theirs: Option<Box<Histogram<u64>>>| match (&mut *mine, theirs) {
                (Some(mine), Some(theirs)) => mine.add(*theirs).expect("both have the same range"),
                (None, theirs) => *mine = theirs,
                (Some(_), None) => {}
            };
        for (mine, theirs) in self.latencies.iter_mut().zip(other.latencies) {
            add(mine, theirs);
        }
        add(&mut self.refusals, other.refusals);
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine += theirs;
        }
        self.answered += other.answered;
        self.answer_bytes += other.answer_bytes;
        self.faults.merge(other.faults);
        self.timeline.merge(other.timeline);
        self.last = self.last.max(other.last);
    }

    /// Returns the number of requests with this outcome.
    pub(crate) fn count(&self, outcome: RequestOutcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Returns the number of finished requests with any outcome.
    pub(crate) fn total(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Returns the number of requests with a complete response.
    pub(crate) fn answered(&self) -> u64 {
        self.answered
    }

    /// Returns the number of 2xx responses without a fault.
    pub(crate) fn good(&self) -> u64 {
        RequestOutcome::ALL.into_iter().filter(|outcome| outcome.is_good()).map(|outcome| self.count(outcome)).sum()
    }

    /// Returns the mean size of their bodies, bytes.
    pub(crate) fn answer_bytes_mean(&self) -> f64 {
        self.answer_bytes as f64 / self.good().max(1) as f64
    }

    /// Returns the time from the start of the measurement to the last response.
    pub(crate) fn elapsed(&self) -> Duration {
        self.last
    }

    /// Returns all faults.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the latencies of good responses of one kind, or `None` without such responses.
    pub(crate) fn latency(&self, kind: Kind) -> Option<Latency> {
        self.latencies[kind as usize].as_deref().map(Latency::of)
    }

    /// Returns the latencies of rejections, or `None` without rejections.
    pub(crate) fn refusals(&self) -> Option<Latency> {
        self.refusals.as_deref().map(Latency::of)
    }

    /// Returns the latencies of good responses of all kinds.
    pub(crate) fn all_latencies(&self) -> Histogram<u64> {
        let mut all = *empty_histogram();
        for one in self.latencies.iter().flatten() {
            all.add(&**one).expect("both have the same range");
        }
        all
    }

    /// Returns the figures of each second of the measurement.
    pub(crate) fn timeline(&self) -> Vec<Second> {
        self.timeline.seconds()
    }
}

#[cfg(test)]
mod tests;
