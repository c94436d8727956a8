//! Outages of the database, at the start and later.

use std::sync::Arc;
use std::time::Duration;

use registry_planning::profile::Profile;
use registry_store::StoreError;
use tokio::time::Instant;

use super::{Saving, in_a_second, inspect, occupy, ready, save, started, unavailable};
use crate::persistence::{PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::CallError;
use crate::testing::{CapturedLog, FakeStore, plan_of_user, profile, run_ready_tasks, soon, until};

const SECOND: Duration = Duration::from_secs(1);

async fn breaker(persistence: &PersistenceHandle) -> &'static str {
    inspect(persistence).await.breaker.unwrap()
}

/// Makes five plans fail, one after the other.
async fn opened(store: &Arc<FakeStore>) -> PersistenceHandle {
    let persistence = ready(store).await;
    store.go_down();
    for _ in 0..5 {
        assert_eq!(breaker(&persistence).await, "closed");
        let outcome = save(&persistence, plan_of_user("u")).await.unwrap();
        assert_eq!(unavailable(&outcome), Some(SECOND));
    }
    run_ready_tasks().await;
    assert_eq!(breaker(&persistence).await, "open");
    persistence
}

async fn until_breaker_is(persistence: &PersistenceHandle, state: &str) {
    for _ in 0..10_000 {
        if breaker(persistence).await == state {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the breaker was never {state}");
}

#[tokio::test(start_paused = true)]
async fn calls_fail_until_the_store_is_prepared() {
    let (store, log) = (FakeStore::new(), CapturedLog::start());
    store.go_down();
    let persistence = started(&store).await;
    run_ready_tasks().await;

    let saved = save(&persistence, plan_of_user("u")).await.unwrap();
    let read = persistence.plan("plan_1".into(), soon()).await;
    let is_reached_early = inspect(&persistence).await.reached;
    tokio::time::sleep(SECOND * 2).await;
    let prepares = store.calls().prepares;
    store.come_up();
    tokio::time::sleep(SECOND * 5).await;

    assert_eq!(unavailable(&saved), Some(Duration::from_millis(500)));
    assert_eq!(read, Err(PersistenceError::Unavailable { retry_after: Duration::from_millis(500) }));
    assert_eq!(is_reached_early, Some(false));
    // At 0, 250, 750 and 1750 ms.
    assert_eq!(prepares, 4);
    assert_eq!(log.about("database"), ["failed to initialize database; retrying", "database initialized"]);
    assert_eq!(store.insert_count() + store.calls().reads, 0);
    assert_eq!(inspect(&persistence).await.reached, Some(true));
    assert_eq!(save(&persistence, plan_of_user("u")).await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn five_failures_open_the_breaker_and_calls_are_rejected() {
    let store = FakeStore::new();
    let persistence = opened(&store).await;
    let before = store.calls();

    let saved = save(&persistence, plan_of_user("u")).await.unwrap();
    let read = persistence.plan("plan_1".into(), soon()).await;

    let retry_after = unavailable(&saved).unwrap();
    assert!(retry_after >= SECOND && retry_after <= SECOND * 6 / 5, "{retry_after:?}");
    assert_eq!(read, Err(PersistenceError::Unavailable { retry_after }));
    assert_eq!(store.calls(), before);
}

#[tokio::test(start_paused = true)]
async fn a_successful_probe_closes_the_breaker() {
    let (store, log) = (FakeStore::new(), CapturedLog::start());
    let persistence = opened(&store).await;
    store.come_up();

    let opened_at = Instant::now();
    until_breaker_is(&persistence, "closed").await;

    let took = opened_at.elapsed();
    assert!(took >= SECOND && took < SECOND * 5 / 4, "{took:?}");
    assert_eq!(store.calls().pings, 1);
    assert_eq!(
        log.about("database"),
        ["database initialized", "database unavailable: serving cached plans only", "database recovered"]
    );
    assert_eq!(save(&persistence, plan_of_user("u")).await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_failed_probe_doubles_the_open_time() {
    let store = FakeStore::new();
    let persistence = opened(&store).await;

    until("the first probe", || store.calls().pings == 1).await;
    let first_at = Instant::now();
    until("the second probe", || store.calls().pings == 2).await;

    let took = first_at.elapsed();
    assert!(took >= SECOND * 2 && took < SECOND * 5 / 2, "{took:?}");
    assert_eq!(breaker(&persistence).await, "open");
    assert_eq!(store.insert_count(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_is_followed_by_another() {
    let store = FakeStore::new();
    let persistence = opened(&store).await;
    store.come_up();
    store.hang_at_ping(true);

    until("the first probe", || store.calls().pings == 1).await;
    assert_eq!(breaker(&persistence).await, "half_open");
    assert_eq!(unavailable(&save(&persistence, plan_of_user("u")).await.unwrap()), Some(SECOND));
    store.hang_at_ping(false);

    until_breaker_is(&persistence, "closed").await;
    assert_eq!(store.calls().pings, 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_without_a_response_is_a_failed_probe() {
    let store = FakeStore::new();
    let persistence = opened(&store).await;
    store.hang_at_ping(true);
    until("the first probe", || store.calls().pings == 1).await;

    tokio::time::sleep(SECOND * 11 / 10).await;

    assert_eq!(breaker(&persistence).await, "open");
    assert_eq!(store.calls().pings, 1);
}

#[tokio::test(start_paused = true)]
async fn a_recovered_database_is_used_within_5_s() {
    for hangs in [false, true] {
        let store = FakeStore::new();
        let persistence = opened(&store).await;
        store.hang_at_ping(hangs);
        // The pause between probes has its maximum.
        tokio::time::sleep(SECOND * 30).await;
        let pings = store.calls().pings;
        until("another probe fails", || store.calls().pings > pings).await;

        store.hang_at_ping(false);
        store.come_up();
        tokio::time::sleep(SECOND * 5).await;

        assert_eq!(breaker(&persistence).await, "closed", "hangs: {hangs}");
        assert_eq!(save(&persistence, plan_of_user("u")).await.unwrap(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_are_rejected_when_the_breaker_opens() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.answer_inserts((0..5).map(|_| Err(StoreError::Unavailable("fault injected by a test".into()))));
    for _ in 0..4 {
        save(&persistence, plan_of_user("u")).await.unwrap().unwrap_err();
    }
    let fifth = occupy(&persistence, &store).await;
    let waiting: Vec<Saving> = (0..300).map(|_| save(&persistence, plan_of_user("u"))).collect();
    run_ready_tasks().await;

    store.release_all_inserts();

    assert!(unavailable(&fifth.await.unwrap()).is_some());
    for saving in waiting {
        assert!(unavailable(&saving.await.unwrap()).is_some_and(|retry_after| retry_after >= SECOND));
    }
    assert_eq!(store.insert_count(), 5);
    // A flush has nothing left to wait for.
    assert_eq!(persistence.flush(soon()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_rejects_calls_during_a_batch() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let held = occupy(&persistence, &store).await;
    store.go_down();
    for _ in 0..5 {
        persistence.plan("plan_1".into(), soon()).await.unwrap_err();
    }
    run_ready_tasks().await;

    let saved = save(&persistence, plan_of_user("u")).await.unwrap();
    store.come_up();
    store.release_all_inserts();

    assert!(unavailable(&saved).is_some_and(|retry_after| retry_after >= SECOND));
    // Calls in progress may still succeed; their success does not close the breaker.
    assert_eq!(held.await.unwrap(), Ok(()));
    run_ready_tasks().await;
    assert_eq!(breaker(&persistence).await, "open");
}

#[tokio::test(start_paused = true)]
async fn reads_and_unknown_outcomes_count_as_failures_too() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    // Two batches, each with its retry.
    store.answer_inserts((0..4).map(|_| Err(StoreError::UnknownOutcome("cut off".into()))));
    for _ in 0..2 {
        assert_eq!(save(&persistence, plan_of_user("u")).await.unwrap(), Err(PersistenceError::UnknownOutcome));
    }
    store.go_down();
    for _ in 0..3 {
        persistence.plan("plan_1".into(), soon()).await.unwrap_err();
    }
    run_ready_tasks().await;

    assert_eq!(breaker(&persistence).await, "open");
}

#[tokio::test(start_paused = true)]
async fn rejected_data_does_not_open_the_breaker() {
    let store = FakeStore::new();
    store.refuse_plans_of("bad");
    let persistence = ready(&store).await;

    for _ in 0..50 {
        let outcome = save(&persistence, plan_of_user("bad")).await.unwrap();
        assert_eq!(outcome, Err(PersistenceError::Refused("fault injected by a test".into())));
    }
    run_ready_tasks().await;

    assert_eq!(breaker(&persistence).await, "closed");
}

const PROFILE: &str = "profile_1";

#[tokio::test(start_paused = true)]
async fn a_profile_is_served_as_last_known_during_an_outage() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.put_profile(profile(PROFILE));
    let before = persistence.profile_or_last_known(PROFILE.into(), soon()).await.unwrap().unwrap();
    store.put_profile(Profile { version: 2, ..profile(PROFILE) });
    let edited = persistence.profile_or_last_known(PROFILE.into(), soon()).await.unwrap().unwrap();
    store.go_down();

    let known = persistence.profile_or_last_known(PROFILE.into(), soon()).await.unwrap().unwrap();
    let unknown = persistence.profile_or_last_known("profile_2".into(), soon()).await;
    store.come_up();
    let after = persistence.profile_or_last_known(PROFILE.into(), soon()).await.unwrap().unwrap();

    assert!(before.is_current);
    // While the database responds, changes by other replicas are visible at once.
    assert_eq!(edited.profile.version, 2);
    assert!(!known.is_current);
    assert_eq!(known.profile.version, 2);
    assert_eq!(unknown, Err(PersistenceError::Unavailable { retry_after: SECOND }));
    assert!(after.is_current);
}

#[tokio::test(start_paused = true)]
async fn a_known_profile_does_not_wait_for_a_database_that_hangs() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.put_profile(profile(PROFILE));
    persistence.profile(PROFILE.into(), soon()).await.unwrap();
    store.hold_reads();

    let asked_at = Instant::now();
    let known = persistence.profile_or_last_known(PROFILE.into(), soon()).await.unwrap().unwrap();
    let took = asked_at.elapsed();
    let unknown = persistence.profile_or_last_known("profile_2".into(), in_a_second()).await;
    let late = persistence.profile_or_last_known(PROFILE.into(), Instant::now() + SECOND / 2).await;

    assert!(!known.is_current);
    assert_eq!(took, SECOND);
    assert_eq!(unknown, Err(CallError::DeadlineExceeded("persistence").into()));
    assert_eq!(late, Err(CallError::DeadlineExceeded("persistence").into()));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_profile_is_not_served_during_an_outage() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.put_profile(profile(PROFILE));
    persistence.profile(PROFILE.into(), soon()).await.unwrap();
    store.drop_profile(PROFILE);
    let gone = persistence.profile_or_last_known(PROFILE.into(), soon()).await;
    store.go_down();

    let during_outage = persistence.profile_or_last_known(PROFILE.into(), soon()).await;

    assert_eq!(gone, Ok(None));
    assert_eq!(during_outage, Err(PersistenceError::Unavailable { retry_after: SECOND }));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_preparing_is_retried() {
    let store = FakeStore::new();
    store.panic_at("prepare");

    let persistence = ready(&store).await;

    assert_eq!(store.calls().prepares, 2);
    assert_eq!(save(&persistence, plan_of_user("u")).await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_probe_is_a_failed_probe() {
    let store = FakeStore::new();
    let persistence = opened(&store).await;
    store.panic_at("ping");
    store.come_up();

    until_breaker_is(&persistence, "closed").await;

    assert_eq!(store.calls().pings, 2);
    assert_eq!(save(&persistence, plan_of_user("u")).await.unwrap(), Ok(()));
}
