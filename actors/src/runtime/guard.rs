//! The circuit breaker of a dependency, with its probe timer and its metrics.

use metrics::{counter, gauge};
use tokio::time::{Duration, Instant};
use tracing::debug;

use super::breaker::{
    BreakerReport, BreakerSettings, BreakerState, CallOutcome, CircuitBreaker, ForcedState, NotPermitted, Permit,
    Transition,
};
use super::mailbox::{Message, Myself};

/// A change that the recorded outcome of a call causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    /// The breaker opened.
    Lost,
    /// A probe closed the breaker.
    Recovered,
}

/// The states of a breaker before and after an operator forced one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedChange {
    /// The state before the change.
    pub before: BreakerReport,
    /// The state after the change.
    pub after: BreakerReport,
}

/// Owned by the actor that calls the dependency. If the breaker opens, the actor gets a message when a probe is due.
pub(crate) struct Guard<M> {
    /// The value of the label `dependency` of metrics.
    dependency: &'static str,
    breaker: CircuitBreaker,
    slow_call: Duration,
    /// Counts changes of the breaker. A probe timer of an earlier count is stale.
    generation: u64,
    me: Myself<M>,
    probe_due: fn(u64) -> M,
}

impl<M: Message> Guard<M> {
    /// `probe_due` creates the message for a probe that is due in a generation.
    pub(crate) fn new(
        dependency: &'static str,
        settings: BreakerSettings,
        me: Myself<M>,
        probe_due: fn(u64) -> M,
    ) -> Self {
        let slow_call = settings.slow_call;
        let breaker = CircuitBreaker::new(settings, Instant::now());
        let guard = Guard { dependency, breaker, slow_call, generation: 0, me, probe_due };
        guard.show_state();
        guard
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.breaker.state()
    }

    pub(crate) fn report(&self) -> BreakerReport {
        self.breaker.report(Instant::now())
    }

    pub(crate) fn check(&self) -> Result<(), NotPermitted> {
        self.breaker.check(Instant::now())
    }

    pub(crate) fn try_acquire(&self) -> Result<Permit, NotPermitted> {
        self.breaker.try_acquire(Instant::now())
    }

    /// Requests a permit for a probe that is due in `generation`.
    pub(crate) fn try_probe(&mut self, generation: u64) -> Option<Permit> {
        if generation != self.generation {
            return None;
        }
        let (permit, transition) = self.breaker.try_probe(Instant::now())?;
        self.changed(transition);
        Some(permit)
    }

    pub(crate) fn record(&mut self, permit: Permit, outcome: CallOutcome) -> Option<Availability> {
        let transition = self.breaker.record(permit, outcome, Instant::now(), fastrand::f64())?;
        self.changed(transition);
        match (transition.from, transition.to) {
            (BreakerState::Closed, _) => Some(Availability::Lost),
            (_, BreakerState::Closed) => Some(Availability::Recovered),
            _ => None,
        }
    }

    /// Forces a state of the breaker, or returns to the automatic one.
    pub(crate) fn force(&mut self, forced: Option<ForcedState>) -> ForcedChange {
        let before = self.report();
        if let Some(transition) = self.breaker.force(forced, Instant::now()) {
            self.changed(transition);
        }
        ForcedChange { before, after: self.report() }
    }

    /// Describes the fault of calls that succeed but take too long.
    pub(crate) fn slow_fault(&self) -> String {
        format!("timeout: calls take longer than {:?}", self.slow_call)
    }

    fn changed(&mut self, transition: Transition) {
        self.generation += 1;
        let (dependency, from, to) = (self.dependency, transition.from.as_str(), transition.to.as_str());
        counter!("instrument_registry_breaker_transitions_total", "dependency" => dependency, "from" => from, "to" => to)
            .increment(1);
        debug!(dependency, from, to, "circuit breaker state changed");
        self.show_state();
        if let Some(at) = self.breaker.next_probe_at() {
            self.me.tell_after(at - Instant::now(), (self.probe_due)(self.generation));
        }
    }

    fn show_state(&self) {
        let state = self.breaker.state().as_number();
        gauge!("instrument_registry_breaker_state", "dependency" => self.dependency).set(state);
    }
}
