//! Tests of the shutdown: requests in progress are answered, acknowledged plans are stored, and no step exceeds its
//! deadline.

use std::sync::Arc;

use registry_planning::request::{PlanRequest, Resolved};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{ACTORS, SECOND, crash, inspection};
use crate::planner::{PlanError, Planned};
use crate::runtime::mailbox::CallError;
use crate::system::{CLOSE_TIMEOUT_MIN, System};
use crate::testing::{FakeStore, ask, engine, engine_of, parts, request, run_ready_tasks, snapshot, soon, until};

type Asking = JoinHandle<Result<Planned, PlanError>>;

fn asks(system: &System, users: std::ops::Range<u32>) -> Vec<Asking> {
    users.map(|user| ask(system, &request(&user.to_string(), &["NSE:TCS"]), soon())).collect()
}

/// Starts a shutdown with a deadline of this number of seconds.
fn shutting_down(system: &Arc<System>, seconds: u32) -> JoinHandle<()> {
    let system = Arc::clone(system);
    tokio::spawn(async move { system.shutdown(Instant::now() + seconds * SECOND).await })
}

/// Returns the ids of all acknowledged plans.
async fn acknowledged(asks: Vec<Asking>) -> Vec<String> {
    let mut ids = Vec::new();
    for ask in asks {
        if let Ok(planned) = ask.await.unwrap() {
            ids.push(planned.cached.plan.plan_id.clone());
        }
    }
    ids
}

#[tokio::test(start_paused = true)]
async fn an_idle_engine_stops_at_once() {
    let store = FakeStore::new();
    let system = engine(&store).await;

    let started_at = Instant::now();
    system.shutdown(soon()).await;

    assert!(started_at.elapsed() < SECOND / 10);
    assert_eq!(store.calls().closes, 1);
    tokio::time::sleep(60 * SECOND).await;
    for name in ACTORS {
        assert!(inspection(&system, name).await.is_err(), "{name}");
    }
    assert!(ask(&system, &request("u", &["NSE:TCS"]), soon()).await.unwrap().is_err());
    system.shutdown(soon()).await;
}

#[tokio::test(start_paused = true)]
async fn an_engine_without_a_database_response_stops_at_once() {
    let store = FakeStore::new();
    store.go_down();
    let system = System::start(parts(&store)).await.unwrap();
    tokio::time::sleep(10 * SECOND).await;

    let started_at = Instant::now();
    system.shutdown(soon()).await;

    assert!(started_at.elapsed() < SECOND / 10);
}

#[tokio::test(start_paused = true)]
async fn requests_in_progress_are_answered_and_stored() {
    let store = FakeStore::new();
    let system = Arc::new(engine(&store).await);
    store.hold_inserts();
    let asks = asks(&system, 0..300);
    run_ready_tasks().await;

    let stopping = shutting_down(&system, 10);
    tokio::time::sleep(SECOND).await;
    let was_over_early = stopping.is_finished();
    store.release_all_inserts();
    stopping.await.unwrap();

    let mut acknowledged = acknowledged(asks).await;
    acknowledged.sort_unstable();
    assert!(!was_over_early);
    assert_eq!(acknowledged.len(), 300);
    assert_eq!(acknowledged, store.plan_ids());
}

#[tokio::test(start_paused = true)]
async fn work_beyond_the_deadline_is_not_acknowledged() {
    let store = FakeStore::new();
    let system = Arc::new(engine(&store).await);
    store.hold_inserts();
    let asks = asks(&system, 0..600);
    run_ready_tasks().await;
    store.release_inserts(2);
    until("the third batch is under way", || store.insert_count() == 3).await;

    let started_at = Instant::now();
    shutting_down(&system, 2).await.unwrap();
    let took = started_at.elapsed();
    let acknowledged = acknowledged(asks).await;

    assert!(took >= 2 * SECOND && took <= 4 * SECOND, "{took:?}");
    assert_eq!(acknowledged.len(), store.calls().batches[..2].iter().sum::<usize>());
    assert!(acknowledged.iter().all(|id| store.plan_ids().contains(id)));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_delays_at_most_until_the_deadline() {
    let store = FakeStore::new();
    let system = Arc::new(engine(&store).await);
    store.hold_inserts();
    store.hang_at_close();
    let asks = asks(&system, 0..10);
    run_ready_tasks().await;

    let started_at = Instant::now();
    shutting_down(&system, 2).await.unwrap();

    let took = started_at.elapsed();
    assert!(took >= 2 * SECOND && took <= 2 * SECOND + CLOSE_TIMEOUT_MIN + SECOND / 10, "{took:?}");
    assert!(acknowledged(asks).await.is_empty());
}

/// Regression: the drain call needed a permit and was rejected, so all requests in progress stayed without an answer.
#[tokio::test(start_paused = true)]
async fn planners_at_capacity_are_drained() {
    let store = FakeStore::new();
    let system = Arc::new(engine(&store).await);
    store.hold_inserts();
    let asks = asks(&system, 0..3000);
    run_ready_tasks().await;

    let stopping = shutting_down(&system, 10);
    run_ready_tasks().await;
    store.release_all_inserts();
    stopping.await.unwrap();

    let acknowledged = acknowledged(asks).await;
    // The capacity of two planners. Other requests were rejected at once.
    assert_eq!(acknowledged.len(), 2048);
    assert_eq!(store.plan_ids().len(), 2048);
}

/// Regression: a planner that had ended stopped the draining of the planners after it.
#[tokio::test(start_paused = true)]
async fn a_missing_planner_does_not_stop_the_draining() {
    let store = FakeStore::new();
    let system = Arc::new(engine_of(parts(&store)).await);
    for _ in 0..5 {
        crash(&system, "planner_0").await;
    }
    assert!(system.crash("planner_0"));
    assert_eq!(timeout(SECOND, system.escalated()).await, Ok("planner_0"));
    store.hold_inserts();
    let asking = ask(&system, &request_for_planner(1), soon());
    until("a batch is under way", || store.calls().in_flight == 1).await;

    let stopping = shutting_down(&system, 10);
    run_ready_tasks().await;
    store.release_all_inserts();
    stopping.await.unwrap();

    assert_eq!(acknowledged(vec![asking]).await, store.plan_ids());
}

#[tokio::test(start_paused = true)]
async fn plans_of_a_crashed_planner_are_written_before_the_close() {
    let store = FakeStore::new();
    let system = Arc::new(engine(&store).await);
    store.hold_inserts();
    let asking = ask(&system, &request_for_planner(0), soon());
    until("a batch is under way", || store.calls().in_flight == 1).await;
    crash(&system, "planner_0").await;
    asking.abort();

    let stopping = shutting_down(&system, 10);
    tokio::time::sleep(SECOND).await;
    let closes_early = store.calls().closes;
    store.release_all_inserts();
    stopping.await.unwrap();

    assert_eq!(closes_early, 0);
    assert_eq!(store.calls().closes, 1);
    assert_eq!(store.plan_ids().len(), 1);
}

/// Returns a request for the planner with this number, of two planners.
fn request_for_planner(number: u8) -> PlanRequest {
    let takes = |request: &PlanRequest| {
        let snapshot = snapshot();
        Resolved::new(request, snapshot.basis(), &snapshot.hash).cache_key().0[0] % 2 == number
    };
    (0..).map(|user| request(&user.to_string(), &["NSE:TCS"])).find(takes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_ends_during_shutdown_is_not_restarted() {
    let store = FakeStore::new();
    let system = Arc::new(engine(&store).await);
    store.hold_inserts();
    let _asks = asks(&system, 0..1);
    until("a batch is under way", || store.calls().in_flight == 1).await;

    // The second restart of config is due a little after the shutdown has started.
    crash(&system, "config").await;
    assert!(system.crash("config"));
    run_ready_tasks().await;
    let stopping = shutting_down(&system, 2);
    run_ready_tasks().await;
    assert!(system.crash("cache"));
    tokio::time::sleep(SECOND).await;
    let while_stopping = [inspection(&system, "config").await, inspection(&system, "cache").await];
    stopping.await.unwrap();

    assert_eq!(while_stopping, [Err(CallError::Gone("config")), Err(CallError::Gone("cache"))]);
}
