//! What was counted and measured while the load ran.
//!
//! Each thread has a tally of its own, so that nothing is locked; they are added together at the end.

mod latency;
mod timeline;

use std::time::Duration;

use hdrhistogram::Histogram;

pub(crate) use self::latency::{Latency, percentiles};
use self::latency::{empty_histogram, record};
pub(crate) use self::timeline::Second;
use self::timeline::Timeline;
use crate::answer::Outcome;
use crate::fault::{Fault, Faults};
use crate::kind::Kind;

/// One request that was measured, and how it ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    /// What was asked for.
    pub(crate) kind: Kind,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Whether a complete answer came, whatever was in it.
    pub(crate) is_answered: bool,
    /// Bytes of the body.
    pub(crate) answer_bytes: usize,
    /// When it began, or should have, since measuring began.
    pub(crate) begun: Duration,
    /// When the answer was complete, since measuring began.
    pub(crate) ended: Duration,
}

/// Latencies by kind, outcomes, faults, and what each second saw.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Of 2xx without fault; `None` until there is one.
    latencies: [Option<Box<Histogram<u64>>>; Kind::ALL.len()],
    refusals: Option<Box<Histogram<u64>>>,
    outcomes: [u64; Outcome::ALL.len()],
    answered: u64,
    answer_bytes: u64,
    faults: Faults,
    timeline: Timeline,
    /// The last answer, since measuring began.
    last: Duration,
}

impl Tally {
    /// A tally of nothing.
    pub(crate) fn new() -> Self {
        Tally {
            latencies: [const { None }; Kind::ALL.len()],
            refusals: None,
            outcomes: [0; Outcome::ALL.len()],
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
        } else if outcome == Outcome::Refused {
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

    /// Requests that ended as `outcome`.
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Requests that ended, whatever the outcome.
    pub(crate) fn total(&self) -> u64 {
        self.outcomes.iter().sum()
    }

    /// Requests that a complete answer came to.
    pub(crate) fn answered(&self) -> u64 {
        self.answered
    }

    /// Requests answered with a 2xx without fault.
    pub(crate) fn good(&self) -> u64 {
        Outcome::ALL.into_iter().filter(|outcome| outcome.is_good()).map(|outcome| self.count(outcome)).sum()
    }

    /// Mean length of the bodies of those, in bytes.
    pub(crate) fn answer_bytes_mean(&self) -> f64 {
        self.answer_bytes as f64 / self.good().max(1) as f64
    }

    /// From the beginning of the measurement to the last answer.
    pub(crate) fn elapsed(&self) -> Duration {
        self.last
    }

    /// Everything that was wrong.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The latencies of good answers of one kind; `None` when there was none.
    pub(crate) fn latency(&self, kind: Kind) -> Option<Latency> {
        self.latencies[kind as usize].as_deref().map(Latency::of)
    }

    /// The latencies of refusals; `None` when there was none.
    pub(crate) fn refusals(&self) -> Option<Latency> {
        self.refusals.as_deref().map(Latency::of)
    }

    /// The latencies of good answers of all kinds.
    pub(crate) fn all_latencies(&self) -> Histogram<u64> {
        let mut all = *empty_histogram();
        for one in self.latencies.iter().flatten() {
            all.add(&**one).expect("both have the same range");
        }
        all
    }

    /// What each second of the measurement saw.
    pub(crate) fn timeline(&self) -> Vec<Second> {
        self.timeline.seconds()
    }
}

#[cfg(test)]
mod tests;
