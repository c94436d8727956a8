use super::*;

fn breaker() -> (CircuitBreaker, Instant) {
    let t0 = Instant::now();
    (CircuitBreaker::new(BreakerSettings::default(), t0), t0)
}

fn call(breaker: &mut CircuitBreaker, outcome: CallOutcome, now: Instant) -> Option<Transition> {
    let permit = breaker.try_acquire(now).unwrap();
    breaker.record(permit, outcome, now, 0.0)
}

fn opened() -> (CircuitBreaker, Instant) {
    let (mut breaker, t0) = breaker();
    for _ in 0..5 {
        call(&mut breaker, CallOutcome::Failure, t0);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    (breaker, t0)
}

const SECOND: Duration = Duration::from_secs(1);

/// Returns the time of a call during which the process was never delayed.
const fn running(time: Duration) -> CallTime {
    CallTime { total: time, running: time }
}

/// Returns the time of a call during which the process was delayed for all but a millisecond.
const fn delayed(total: Duration) -> CallTime {
    CallTime { total, running: Duration::from_millis(1) }
}

#[test]
fn five_failures_in_a_row_open_it() {
    let (mut breaker, t0) = breaker();
    for _ in 0..4 {
        assert_eq!(call(&mut breaker, CallOutcome::Failure, t0), None);
    }

    let transition = call(&mut breaker, CallOutcome::Failure, t0);

    assert_eq!(transition, Some(Transition { from: BreakerState::Closed, to: BreakerState::Open }));
    assert_eq!(breaker.try_acquire(t0).unwrap_err().retry_after, SECOND);
}

#[test]
fn a_success_resets_the_count_in_a_row() {
    let (mut breaker, t0) = breaker();
    for _ in 0..4 {
        call(&mut breaker, CallOutcome::Failure, t0);
    }
    call(&mut breaker, CallOutcome::Success, t0);
    for _ in 0..4 {
        call(&mut breaker, CallOutcome::Failure, t0);
    }

    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn half_of_twenty_calls_within_the_window_open_it() {
    let (mut breaker, t0) = breaker();
    for n in 0..10 {
        call(&mut breaker, CallOutcome::Success, t0 + SECOND / 2 * n);
        call(&mut breaker, CallOutcome::Failure, t0 + SECOND / 2 * n);
    }

    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn calls_before_the_window_do_not_count() {
    let (mut breaker, t0) = breaker();
    for _ in 0..9 {
        call(&mut breaker, CallOutcome::Success, t0);
        call(&mut breaker, CallOutcome::Failure, t0);
    }
    for _ in 0..3 {
        call(&mut breaker, CallOutcome::Failure, t0 + SECOND * 11);
    }

    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_slow_success_is_a_failure() {
    let (mut breaker, t0) = breaker();
    for _ in 0..5 {
        let permit = breaker.try_acquire(t0).unwrap().timed(running(SECOND * 3));
        breaker.record(permit, CallOutcome::Success, t0 + SECOND * 3, 0.0);
    }

    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_call_of_untimed_duration_is_never_slow() {
    let (mut breaker, t0) = breaker();
    for _ in 0..5 {
        let permit = breaker.try_acquire(t0).unwrap().untimed().timed(running(SECOND * 3));
        breaker.record(permit, CallOutcome::Success, t0 + SECOND * 3, 0.0);
    }

    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_delay_of_the_process_makes_no_success_slow() {
    let (mut breaker, t0) = breaker();
    for _ in 0..100 {
        let permit = breaker.try_acquire(t0).unwrap().timed(delayed(SECOND * 3));
        breaker.record(permit, CallOutcome::Success, t0 + SECOND * 3, 0.0);
    }

    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_timeout_of_a_delayed_process_is_ignored() {
    let timeout = BreakerSettings::default().shortest_timeout;
    let state_after = |time: CallTime| {
        let (mut breaker, t0) = breaker();
        for _ in 0..5 {
            let permit = breaker.try_acquire(t0).unwrap().timed(time);
            breaker.record(permit, CallOutcome::Failure, t0, 0.0);
        }
        breaker.state()
    };

    assert_eq!(state_after(delayed(timeout)), BreakerState::Closed);
    // The process had time enough to see a response.
    assert_eq!(state_after(CallTime { total: timeout * 9, running: timeout / 2 }), BreakerState::Open);
    // Too early for a timeout: the connection was refused.
    assert_eq!(state_after(delayed(timeout - Duration::from_millis(1))), BreakerState::Open);
}

#[test]
fn a_failure_of_unknown_duration_counts() {
    let (mut breaker, t0) = breaker();
    for _ in 0..5 {
        call(&mut breaker, CallOutcome::Failure, t0 + SECOND * 9);
    }

    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_probe_of_a_delayed_process_is_repeated_without_backoff() {
    let (mut breaker, t0) = opened();
    let (probe, _) = breaker.try_probe(t0 + SECOND).unwrap();

    assert_eq!(breaker.record(probe.timed(delayed(SECOND)), CallOutcome::Failure, t0 + SECOND * 2, 0.0), None);

    assert_eq!(breaker.next_probe_at(), Some(t0 + SECOND * 2));
    let (probe, _) = breaker.try_probe(t0 + SECOND * 2).unwrap();
    breaker.record(probe.timed(delayed(SECOND)), CallOutcome::Success, t0 + SECOND * 3, 0.0);
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn ignored_outcomes_change_nothing() {
    let (mut breaker, t0) = breaker();
    for _ in 0..100 {
        assert_eq!(call(&mut breaker, CallOutcome::Ignored, t0), None);
    }

    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn one_probe_is_permitted_after_the_open_time() {
    let (mut breaker, t0) = opened();

    assert!(breaker.try_probe(t0 + SECOND / 2).is_none());
    let (_permit, transition) = breaker.try_probe(t0 + SECOND).unwrap();
    assert_eq!(transition.to, BreakerState::HalfOpen);
    assert!(breaker.try_probe(t0 + SECOND).is_none());
    assert!(breaker.try_acquire(t0 + SECOND).is_err());
}

#[test]
fn a_successful_probe_closes_it() {
    let (mut breaker, t0) = opened();
    let (permit, _) = breaker.try_probe(t0 + SECOND).unwrap();

    breaker.record(permit, CallOutcome::Success, t0 + SECOND, 0.0);

    assert_eq!(breaker.state(), BreakerState::Closed);
    assert!(breaker.try_acquire(t0 + SECOND).is_ok());
}

#[test]
fn failed_probes_double_the_open_time_up_to_ten_seconds() {
    let (mut breaker, mut now) = opened();
    let mut waits = Vec::new();
    for _ in 0..5 {
        now = breaker.next_probe_at().unwrap();
        let (permit, _) = breaker.try_probe(now).unwrap();
        breaker.record(permit, CallOutcome::Failure, now, 0.0);
        waits.push((breaker.next_probe_at().unwrap() - now).as_secs());
    }

    assert_eq!(waits, [2, 4, 8, 10, 10]);
    assert!(breaker.try_acquire(now).is_err());
}

#[test]
fn a_lost_probe_is_replaced() {
    let (mut breaker, t0) = opened();
    let (_lost, _) = breaker.try_probe(t0 + SECOND).unwrap();

    assert!(breaker.try_probe(t0 + SECOND * 2).is_some());
}

#[test]
fn a_late_outcome_of_an_older_generation_is_ignored() {
    let (mut breaker, t0) = breaker();
    let early = breaker.try_acquire(t0).unwrap();
    for _ in 0..5 {
        call(&mut breaker, CallOutcome::Failure, t0);
    }

    assert_eq!(breaker.record(early, CallOutcome::Success, t0, 0.0), None);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_late_outcome_does_not_change_a_newer_state() {
    let (mut breaker, t0) = breaker();
    let mut early: Vec<Permit> = (0..6).map(|_| breaker.try_acquire(t0).unwrap()).collect();
    for _ in 0..5 {
        call(&mut breaker, CallOutcome::Failure, t0);
    }

    let (probe, _) = breaker.try_probe(t0 + SECOND).unwrap();
    assert_eq!(breaker.record(early.pop().unwrap(), CallOutcome::Success, t0 + SECOND, 0.0), None);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.record(probe, CallOutcome::Success, t0 + SECOND, 0.0);
    for straggler in early {
        assert_eq!(breaker.record(straggler, CallOutcome::Failure, t0 + SECOND, 0.0), None);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn jitter_extends_the_open_time_by_at_most_a_fifth() {
    let (mut breaker, t0) = breaker();
    for _ in 0..5 {
        let permit = breaker.try_acquire(t0).unwrap();
        breaker.record(permit, CallOutcome::Failure, t0, 1.0);
    }

    assert_eq!(breaker.next_probe_at().unwrap() - t0, Duration::from_millis(1200));
}

#[test]
fn forced_open_it_rejects_calls_and_does_not_probe() {
    let (mut breaker, t0) = breaker();

    let transition = breaker.force(Some(ForcedState::Open), t0);

    assert_eq!(transition, Some(Transition { from: BreakerState::Closed, to: BreakerState::Open }));
    assert!(breaker.try_acquire(t0 + 100 * SECOND).is_err());
    assert!(breaker.try_probe(t0 + 100 * SECOND).is_none());
    assert_eq!(breaker.next_probe_at(), None);
    assert_eq!(breaker.report(t0 + SECOND).open_for, Some(SECOND));
}

#[test]
fn forced_closed_it_stays_closed_and_counts_failures() {
    let (mut breaker, t0) = opened();

    breaker.force(Some(ForcedState::Closed), t0);
    for _ in 0..50 {
        assert_eq!(call(&mut breaker, CallOutcome::Failure, t0), None);
    }

    assert_eq!(breaker.state(), BreakerState::Closed);
    assert_eq!(breaker.report(t0).failures, 50);
    assert_eq!(breaker.report(t0).forced, Some("closed"));
}

#[test]
fn a_reset_begins_closed_with_an_empty_window() {
    let (mut breaker, t0) = breaker();
    for _ in 0..4 {
        call(&mut breaker, CallOutcome::Failure, t0);
    }
    let late = breaker.try_acquire(t0).unwrap();

    breaker.force(Some(ForcedState::Open), t0);
    breaker.force(None, t0);
    breaker.record(late, CallOutcome::Failure, t0, 0.0);

    assert_eq!(breaker.state(), BreakerState::Closed);
    assert_eq!(breaker.report(t0).calls, 0);
    assert_eq!(breaker.report(t0).forced, None);
    assert_eq!(call(&mut breaker, CallOutcome::Failure, t0), None);
}

#[test]
fn slow_calls_are_counted_apart() {
    let (mut breaker, t0) = breaker();
    let permit = breaker.try_acquire(t0).unwrap().timed(running(3 * SECOND));
    breaker.record(permit, CallOutcome::Success, t0, 0.0);
    call(&mut breaker, CallOutcome::Failure, t0);

    let report = breaker.report(t0);

    assert_eq!(report.calls, 2);
    assert_eq!(report.failures, 2);
    assert_eq!(report.slow, 1);
    assert_eq!(breaker.report(t0 + 20 * SECOND).calls, 0);
}
