//! A circuit breaker as a pure state machine: time is an argument, and an actor owns it.
//!
//! * *Closed*: calls pass. It opens after `consecutive_failures` failures in a row, or if of at least `minimum_calls`
//!   calls within `window` a share of `failure_ratio` or more failed. A slow call counts as a failure.
//! * A call is slow by the time in which this process was able to run, see [`CallTime`]. A timeout does not count if
//!   this process hardly ran during the call: the response may have been there.
//! * *Open*: calls are rejected, with the time to wait. The open time doubles with every opening in a row.
//! * *Half open*: the owner probes. Only a probe may pass, one at a time; never a caller's work.
//!
//! Every permit carries its generation, and an outcome of an older generation is ignored: a late outcome neither closes
//! an open breaker nor opens a closed one.

#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde::Serialize;
use tokio::time::{Duration, Instant};

/// The conditions under which a breaker opens, and the time that it stays open.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerSettings {
    /// Number of failures in a row that open it.
    pub consecutive_failures: u32,
    /// Share of failures within `window` that opens it, 0 to 1.
    pub failure_ratio: f64,
    /// Minimum number of calls within `window` for the ratio to count.
    pub minimum_calls: u32,
    /// The time for which a call counts in the ratio.
    pub window: Duration,
    /// Maximum [running time](CallTime::running) of a call that does not count as a failure.
    pub slow_call: Duration,
    /// The shortest timeout of a call. A failed call that took this long, while this process ran for less than half of
    /// it, does not count.
    pub shortest_timeout: Duration,
    /// Open time after the first opening.
    pub open_duration: Duration,
    /// Maximum open time, before jitter.
    pub open_duration_max: Duration,
    /// The time after which a probe is lost and another one may pass: longer than the probe itself can take, because
    /// the outcome of the earlier one is ignored then.
    pub probe_timeout: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        BreakerSettings {
            consecutive_failures: 5,
            failure_ratio: 0.5,
            minimum_calls: 20,
            window: Duration::from_secs(10),
            slow_call: Duration::from_secs(2),
            shortest_timeout: Duration::from_millis(500),
            open_duration: Duration::from_secs(1),
            open_duration_max: Duration::from_secs(10),
            probe_timeout: Duration::from_secs(1),
        }
    }
}

/// Number of ticks within the shortest timeout: enough to recognize half of it.
const TICKS: u32 = 10;

/// The state of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are rejected.
    Open,
    /// A probe is in progress; calls are rejected.
    HalfOpen,
}

impl BreakerState {
    /// Returns `closed`, `open` or `half_open`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the value of the metric: 0 closed, 1 open, 2 half open.
    pub const fn as_number(self) -> u8 {
        self as u8
    }
}

/// A state that an operator has forced. It ends with a reset, or with the actor that owns the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ForcedState {
    /// Calls are rejected, and nothing probes.
    Open,
    /// Calls pass, whatever their outcome.
    Closed,
}

impl ForcedState {
    /// Returns `open` or `closed`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The dependency responded as expected.
    Success,
    /// It did not respond, or responded with an error of its own.
    Failure,
    /// Does not show the state of the dependency: an error of the caller, or the caller stopped waiting.
    Ignored,
}

/// The duration of a call, as the task that waited for it measured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTime {
    /// The real time from the start to the end of the call.
    pub total: Duration,
    /// The part of it in which this process was able to run. In the rest, it could not have read the response.
    pub running: Duration,
}

/// The permit for one call. Its outcome must be [recorded](CircuitBreaker::record).
#[derive(Debug)]
#[must_use = "an outcome must be recorded for every permit"]
pub struct Permit {
    generation: u64,
    is_untimed: bool,
    /// `None` if the duration of the call is unknown.
    time: Option<CallTime>,
    /// Interval at which the task that waits for the call checks whether this process runs.
    tick: Duration,
}

impl Permit {
    /// Returns the permit for a call that takes long by nature: it never counts as slow.
    pub fn untimed(self) -> Self {
        Permit { is_untimed: true, ..self }
    }

    /// Returns the permit of a call that took this time.
    pub fn timed(self, time: CallTime) -> Self {
        Permit { time: Some(time), ..self }
    }

    pub(super) fn tick(&self) -> Duration {
        self.tick
    }

    #[cfg(test)]
    pub(super) fn time(&self) -> Option<CallTime> {
        self.time
    }
}

/// The breaker rejects the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPermitted {
    /// The time after which a retry is useful.
    pub retry_after: Duration,
}

/// A change of state, for the log and the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before the change.
    pub from: BreakerState,
    /// The state after the change.
    pub to: BreakerState,
}

/// The calls that ended in a tenth of the window.
#[derive(Clone, Copy, Debug)]
struct Slice {
    began: Instant,
    calls: u32,
    failures: u32,
    /// The failures that are successes which took too long.
    slow: u32,
}

/// The state of a breaker for operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BreakerReport {
    /// The state: `closed`, `open` or `half_open`.
    pub state: &'static str,
    /// The state that an operator has forced: `open` or `closed`.
    pub forced: Option<&'static str>,
    /// Number of calls within the window. 0 unless it is closed.
    pub calls: u32,
    /// Number of those that failed, slow ones included.
    pub failures: u32,
    /// Number of those that succeeded but took too long.
    pub slow: u32,
    /// The time since the first opening in a row; `None` while closed.
    pub open_for: Option<Duration>,
    /// The time until the next probe; `None` while closed.
    pub next_probe_in: Option<Duration>,
}

/// A circuit breaker, which an actor owns and asks for permits; see the [module](self).
#[derive(Debug)]
pub struct CircuitBreaker {
    settings: BreakerSettings,
    state: BreakerState,
    /// If set, it is the state.
    forced: Option<ForcedState>,
    generation: u64,
    failures_in_row: u32,
    /// Tenths of the window, oldest first.
    slices: VecDeque<Slice>,
    openings_in_row: u32,
    /// The time of the first of the openings in a row.
    opened_at: Instant,
    open_until: Instant,
    probe_deadline: Instant,
}

impl CircuitBreaker {
    /// Creates a closed breaker whose window begins at `now`.
    pub fn new(settings: BreakerSettings, now: Instant) -> Self {
        CircuitBreaker {
            settings,
            state: BreakerState::Closed,
            forced: None,
            generation: 0,
            failures_in_row: 0,
            slices: VecDeque::new(),
            openings_in_row: 0,
            opened_at: now,
            open_until: now,
            probe_deadline: now,
        }
    }

    /// Returns the state: the one that an operator has forced, or else the automatic one.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// Returns the state and the counts of the window, for operators.
    pub fn report(&self, now: Instant) -> BreakerReport {
        let is_current = |slice: &&Slice| now.saturating_duration_since(slice.began) < self.settings.window;
        let sum = |of: fn(&Slice) -> u32| self.slices.iter().filter(is_current).map(of).sum();
        let until_probe = self.next_probe_at().map(|at| at.saturating_duration_since(now));
        BreakerReport {
            state: self.state.as_str(),
            forced: self.forced.map(ForcedState::as_str),
            calls: sum(|slice| slice.calls),
            failures: sum(|slice| slice.failures),
            slow: sum(|slice| slice.slow),
            open_for: (self.state != BreakerState::Closed).then(|| now.saturating_duration_since(self.opened_at)),
            next_probe_in: until_probe,
        }
    }

    /// Requests a permit for one call.
    ///
    /// # Errors
    /// [`NotPermitted`] unless it is closed.
    pub fn try_acquire(&self, now: Instant) -> Result<Permit, NotPermitted> {
        self.check(now).map(|()| self.permit())
    }

    fn permit(&self) -> Permit {
        let tick = self.settings.shortest_timeout / TICKS;
        Permit { generation: self.generation, is_untimed: false, time: None, tick }
    }

    /// Checks whether a call would be permitted now.
    ///
    /// # Errors
    /// [`NotPermitted`] unless it is closed.
    pub fn check(&self, now: Instant) -> Result<(), NotPermitted> {
        match self.state {
            BreakerState::Closed => Ok(()),
            BreakerState::Open if self.forced.is_some() => {
                Err(NotPermitted { retry_after: self.settings.open_duration_max })
            }
            BreakerState::Open => Err(NotPermitted { retry_after: self.open_until.saturating_duration_since(now) }),
            // A probe usually ends long before its timeout.
            BreakerState::HalfOpen => Err(NotPermitted { retry_after: self.settings.open_duration }),
        }
    }

    /// Requests a permit for a probe, which is given after the open time, or if the last probe was lost.
    pub fn try_probe(&mut self, now: Instant) -> Option<(Permit, Transition)> {
        let is_due = match self.state {
            _ if self.forced.is_some() => false,
            BreakerState::Closed => false,
            BreakerState::Open => now >= self.open_until,
            BreakerState::HalfOpen => now >= self.probe_deadline,
        };
        if !is_due {
            return None;
        }
        let transition = self.change_to(BreakerState::HalfOpen);
        self.probe_deadline = now + self.settings.probe_timeout;
        Some((self.permit(), transition))
    }

    /// Returns the time at which the owner should probe; `None` while closed.
    pub fn next_probe_at(&self) -> Option<Instant> {
        match self.state {
            _ if self.forced.is_some() => None,
            BreakerState::Closed => None,
            BreakerState::Open => Some(self.open_until),
            BreakerState::HalfOpen => Some(self.probe_deadline),
        }
    }

    /// Records the outcome of a call. `jitter`, 0 to 1, extends the open time by up to a fifth, so that replicas do not
    /// probe at the same time. A probe whose outcome is ignored is followed by another one after `probe_timeout`.
    #[allow(clippy::needless_pass_by_value)] // A permit has one outcome.
    pub fn record(&mut self, permit: Permit, outcome: CallOutcome, now: Instant, jitter: f64) -> Option<Transition> {
        if permit.generation != self.generation {
            return None;
        }
        let is_failure = match self.assess(&permit, outcome) {
            CallOutcome::Success => false,
            CallOutcome::Failure => true,
            CallOutcome::Ignored => return None,
        };
        match (self.state, is_failure) {
            (BreakerState::HalfOpen, false) => {
                self.openings_in_row = 0;
                self.failures_in_row = 0;
                self.slices.clear();
                Some(self.change_to(BreakerState::Closed))
            }
            (BreakerState::HalfOpen, true) => Some(self.open(now, jitter)),
            (BreakerState::Closed, _) => {
                self.count(is_failure, outcome == CallOutcome::Success && is_failure, now);
                (self.forced.is_none() && self.is_tripped()).then(|| self.open(now, jitter))
            }
            (BreakerState::Open, _) => None,
        }
    }

    /// Returns the outcome in consideration of the time that the call took.
    fn assess(&self, permit: &Permit, outcome: CallOutcome) -> CallOutcome {
        let Some(time) = permit.time else { return outcome };
        let timeout = self.settings.shortest_timeout;
        match outcome {
            CallOutcome::Success if !permit.is_untimed && time.running > self.settings.slow_call => {
                CallOutcome::Failure
            }
            CallOutcome::Failure if time.total >= timeout && time.running < timeout / 2 => CallOutcome::Ignored,
            outcome => outcome,
        }
    }

    fn count(&mut self, is_failure: bool, is_slow: bool, now: Instant) {
        self.failures_in_row = if is_failure { self.failures_in_row + 1 } else { 0 };
        let (window, tenth) = (self.settings.window, self.settings.window / 10);
        while self.slices.front().is_some_and(|slice| now.saturating_duration_since(slice.began) >= window) {
            self.slices.pop_front();
        }
        let (failures, slow) = (u32::from(is_failure), u32::from(is_slow));
        match self.slices.back_mut() {
            Some(slice) if now.saturating_duration_since(slice.began) < tenth => {
                slice.calls += 1;
                slice.failures += failures;
                slice.slow += slow;
            }
            _ => self.slices.push_back(Slice { began: now, calls: 1, failures, slow }),
        }
    }

    fn is_tripped(&self) -> bool {
        if self.failures_in_row >= self.settings.consecutive_failures {
            return true;
        }
        let calls: u32 = self.slices.iter().map(|slice| slice.calls).sum();
        let failures: u32 = self.slices.iter().map(|slice| slice.failures).sum();
        calls >= self.settings.minimum_calls && f64::from(failures) >= self.settings.failure_ratio * f64::from(calls)
    }

    fn open(&mut self, now: Instant, jitter: f64) -> Transition {
        let doubled = self.settings.open_duration * 2u32.saturating_pow(self.openings_in_row.min(16));
        let duration = doubled.min(self.settings.open_duration_max).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 5.0);
        if self.openings_in_row == 0 {
            self.opened_at = now;
        }
        self.openings_in_row += 1;
        self.open_until = now + duration;
        self.failures_in_row = 0;
        self.slices.clear();
        self.change_to(BreakerState::Open)
    }

    /// Forces a state, or returns to the automatic one, which begins closed and with an empty window. Outcomes of calls
    /// in progress are ignored.
    pub fn force(&mut self, forced: Option<ForcedState>, now: Instant) -> Option<Transition> {
        self.forced = forced;
        self.failures_in_row = 0;
        self.openings_in_row = 0;
        self.slices.clear();
        let to = match forced {
            Some(ForcedState::Open) => BreakerState::Open,
            Some(ForcedState::Closed) | None => BreakerState::Closed,
        };
        if to == BreakerState::Open && self.state == BreakerState::Closed {
            self.opened_at = now;
        }
        Some(self.change_to(to)).filter(|transition| transition.from != transition.to)
    }

    fn change_to(&mut self, to: BreakerState) -> Transition {
        let from = self.state;
        self.state = to;
        self.generation += 1;
        Transition { from, to }
    }
}
