use std::future::pending;

use tokio::task::JoinHandle;
use tokio::time::advance;

use super::super::breaker::{BreakerSettings, CallOutcome, CircuitBreaker};
use super::*;
use crate::testing::run_ready_tasks;

const TICK: Duration = Duration::from_millis(5);
const LIMIT: Duration = Duration::from_millis(50);

fn breaker() -> CircuitBreaker {
    let settings = BreakerSettings { shortest_timeout: LIMIT, consecutive_failures: 1, ..BreakerSettings::default() };
    CircuitBreaker::new(settings, Instant::now())
}

/// Starts a call that takes this long, limited to [`LIMIT`], in a task of its own.
async fn start(breaker: &CircuitBreaker, takes: Duration) -> JoinHandle<(Permit, Option<()>)> {
    let permit = breaker.try_acquire(Instant::now()).unwrap();
    let started = tokio::spawn(timed_within(permit, LIMIT, sleep(takes)));
    run_ready_tasks().await;
    started
}

/// Lets the time pass while no task runs.
async fn stall(duration: Duration) {
    advance(duration).await;
    run_ready_tasks().await;
}

fn time(permit: &Permit) -> CallTime {
    permit.time().unwrap()
}

#[tokio::test(start_paused = true)]
async fn all_time_is_running_time_if_timers_are_on_time() {
    let breaker = breaker();
    let permit = breaker.try_acquire(Instant::now()).unwrap();

    let (permit, ()) = timed(permit, sleep(Duration::from_millis(1234))).await;

    assert_eq!(time(&permit).total, Duration::from_millis(1234));
    assert_eq!(time(&permit).running, Duration::from_millis(1234));
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_the_process_is_not_running_time() {
    let breaker = breaker();
    let call = start(&breaker, Duration::from_millis(3)).await;

    stall(Duration::from_millis(90)).await;
    let (permit, answer) = call.await.unwrap();

    assert_eq!(answer, Some(()));
    assert_eq!(time(&permit).total, Duration::from_millis(90));
    assert_eq!(time(&permit).running, TICK + TIMER_RESOLUTION);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_response_ends_at_its_limit() {
    let breaker = breaker();
    let permit = breaker.try_acquire(Instant::now()).unwrap();

    let (permit, answer) = timed_within(permit, LIMIT, pending::<()>()).await;

    assert_eq!(answer, None);
    assert_eq!(time(&permit), CallTime { total: LIMIT, running: LIMIT });
}

#[tokio::test(start_paused = true)]
async fn a_response_after_a_delay_is_read_after_the_limit() {
    let breaker = breaker();
    let call = start(&breaker, LIMIT + TICK).await;

    stall(LIMIT).await;
    let (_, answer) = call.await.unwrap();

    assert_eq!(answer, Some(()));
}

#[tokio::test(start_paused = true)]
async fn delays_extend_a_call_to_four_times_its_limit() {
    let breaker = breaker();
    let call = start(&breaker, Duration::from_secs(60)).await;

    let started_at = Instant::now();
    while !call.is_finished() {
        stall(LIMIT).await;
    }
    let (permit, answer) = call.await.unwrap();

    assert_eq!(answer, None);
    assert_eq!(started_at.elapsed(), 4 * LIMIT);
    assert_eq!(time(&permit).running, 4 * (TICK + TIMER_RESOLUTION));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_counts_only_if_the_process_ran() {
    let mut breaker = breaker();
    let call = start(&breaker, Duration::from_secs(60)).await;

    stall(4 * LIMIT).await;
    let (starved, answer) = call.await.unwrap();
    assert_eq!(answer, None);
    assert_eq!(breaker.record(starved, CallOutcome::Failure, Instant::now(), 0.0), None);
    let (waited, _) = start(&breaker, Duration::from_secs(60)).await.await.unwrap();

    assert!(breaker.record(waited, CallOutcome::Failure, Instant::now(), 0.0).is_some());
}
