//! Compares the breaker with a model that has only the properties on which callers may rely.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// Advances the time by this number of milliseconds.
    Wait(u64),
    /// A caller requests a permit.
    Acquire,
    /// The owner requests a probe.
    Probe,
    /// The caller of one of the unreturned permits, including those of probes, reports an outcome.
    Record { which: usize, outcome: CallOutcome, jitter: f64 },
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        6 => Just(CallOutcome::Failure),
        3 => Just(CallOutcome::Success),
        1 => Just(CallOutcome::Ignored),
    ];
    let wait = prop_oneof![0u64..50, 500u64..1500, 1500u64..15_000];
    prop_oneof![
        2 => wait.prop_map(Step::Wait),
        4 => Just(Step::Acquire),
        2 => Just(Step::Probe),
        4 => (any::<usize>(), outcome, 0.0..1.0).prop_map(|(which, outcome, jitter)| Step::Record { which, outcome, jitter }),
    ]
}

/// The state as callers see it.
#[derive(Default)]
struct Model {
    /// If it is open: the time from which a probe may pass.
    closed_to_probes_until: Option<Instant>,
    /// The time at which the current probe was permitted.
    probing_since: Option<Instant>,
    openings_in_row: u32,
}

impl Model {
    fn follow(&mut self, transition: Transition, now: Instant, settings: &BreakerSettings) {
        match transition.to {
            BreakerState::Open => {
                let doubled = settings.open_duration * 2u32.saturating_pow(self.openings_in_row);
                self.closed_to_probes_until = Some(now + doubled.min(settings.open_duration_max));
                self.openings_in_row += 1;
                self.probing_since = None;
            }
            BreakerState::HalfOpen => self.probing_since = Some(now),
            BreakerState::Closed => *self = Model::default(),
        }
    }
}

proptest! {
    #[test]
    fn an_open_breaker_permits_one_probe_after_its_open_time(
        steps in prop::collection::vec(step(), 1..300)
    ) {
        let settings = BreakerSettings::default();
        let mut now = Instant::now();
        let mut breaker = CircuitBreaker::new(settings.clone(), now);
        let mut model = Model::default();
        // Unreturned permits, each with the number of state changes before it was given.
        let mut out: Vec<(Permit, u32)> = Vec::new();
        let mut changes = 0;

        for step in steps {
            match step {
                Step::Wait(millis) => now += Duration::from_millis(millis),
                Step::Acquire => match breaker.try_acquire(now) {
                    Ok(permit) => {
                        prop_assert_eq!(breaker.state(), BreakerState::Closed);
                        prop_assert_eq!(model.closed_to_probes_until, None);
                        out.push((permit, changes));
                    }
                    Err(refusal) => {
                        prop_assert!(model.closed_to_probes_until.is_some());
                        prop_assert!(refusal.retry_after <= settings.open_duration_max * 6 / 5);
                    }
                },
                Step::Probe => {
                    let due_at = breaker.next_probe_at();
                    if let Some((permit, transition)) = breaker.try_probe(now) {
                        prop_assert!(due_at.is_some_and(|due_at| due_at <= now));
                        prop_assert!(model.closed_to_probes_until.is_some_and(|until| now >= until));
                        // Another probe may pass only after the last one has expired.
                        prop_assert!(model.probing_since.is_none_or(|since| now >= since + settings.probe_timeout));
                        model.follow(transition, now, &settings);
                        changes += 1;
                        out.push((permit, changes));
                    } else {
                        prop_assert!(due_at.is_none_or(|due_at| due_at > now));
                    }
                }
                Step::Record { which, outcome, jitter } if !out.is_empty() => {
                    let (permit, given_at) = out.swap_remove(which % out.len());
                    let before = breaker.state();
                    if let Some(transition) = breaker.record(permit, outcome, now, jitter) {
                        prop_assert_eq!(given_at, changes, "a stale permit changed the state");
                        prop_assert_eq!(transition.from, before);
                        prop_assert_ne!(before, BreakerState::Open);
                        model.follow(transition, now, &settings);
                        changes += 1;
                    } else {
                        prop_assert_eq!(breaker.state(), before);
                    }
                }
                Step::Record { .. } => {}
            }
            prop_assert_eq!(breaker.state() == BreakerState::Closed, model.closed_to_probes_until.is_none());
            prop_assert_eq!(breaker.state() == BreakerState::HalfOpen, model.probing_since.is_some());
        }
    }

    #[test]
    fn a_successful_probe_closes_it_from_every_state(
        steps in prop::collection::vec(step(), 1..100)
    ) {
        let mut now = Instant::now();
        let mut breaker = CircuitBreaker::new(BreakerSettings::default(), now);
        let mut out: Vec<Permit> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(millis) => now += Duration::from_millis(millis),
                Step::Acquire => out.extend(breaker.try_acquire(now)),
                Step::Probe => out.extend(breaker.try_probe(now).map(|(permit, _)| permit)),
                Step::Record { outcome, jitter, .. } => {
                    if let Some(permit) = out.pop() {
                        breaker.record(permit, outcome, now, jitter);
                    }
                }
            }
        }

        if let Some(at) = breaker.next_probe_at() {
            now = now.max(at);
            let (permit, _) = breaker.try_probe(now).unwrap();
            breaker.record(permit, CallOutcome::Success, now, 0.0);
        }

        prop_assert_eq!(breaker.state(), BreakerState::Closed);
        prop_assert!(breaker.try_acquire(now).is_ok());
    }
}
