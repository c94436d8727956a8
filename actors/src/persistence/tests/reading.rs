//! Reads: the number in flight, and the effect of their duration on the breaker.

use std::time::Duration;

use registry_planning::plan::Plan;
use registry_store::{Lane, Store};
use tokio::task::JoinHandle;

use super::{inspect, read_catalogue, ready};
use crate::persistence::lookups::{PLANS_MAX, READS_IN_FLIGHT_MAX};
use crate::persistence::{PersistenceError, PersistenceHandle};
use crate::testing::{FakeStore, plan_of_user, run_ready_tasks, soon};

type Reading = JoinHandle<Result<Option<Plan>, PersistenceError>>;

fn read_plan(persistence: &PersistenceHandle, plan_id: &str) -> Reading {
    let (persistence, plan_id) = (persistence.clone(), plan_id.to_owned());
    tokio::spawn(async move { persistence.plan(plan_id, soon()).await })
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_read_and_a_missing_one_is_none() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let stored = plan_of_user("u");
    store.put(stored.clone());

    assert_eq!(persistence.plan(stored.plan_id.clone(), soon()).await, Ok(Some(stored)));
    assert_eq!(persistence.plan("plan_missing".into(), soon()).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn waiting_reads_are_combined() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let stored = plan_of_user("u");
    store.put(stored.clone());
    store.hold_reads();

    let mut reads: Vec<Reading> = (0..READS_IN_FLIGHT_MAX).map(|_| read_plan(&persistence, "plan_1")).collect();
    run_ready_tasks().await;
    reads.extend((0..PLANS_MAX).map(|_| read_plan(&persistence, &stored.plan_id)));
    reads.push(read_plan(&persistence, "plan_2"));
    run_ready_tasks().await;
    let while_held = store.calls().reads;
    store.release_all_reads();
    let mut found = Vec::new();
    for read in reads {
        found.push(read.await.unwrap().unwrap());
    }

    assert_eq!(while_held, READS_IN_FLIGHT_MAX);
    assert_eq!(store.calls().reads, READS_IN_FLIGHT_MAX + 2);
    let (others, same) = (found.iter().filter(|plan| plan.is_none()).count(), vec![Some(stored); PLANS_MAX]);
    assert_eq!(others, 3);
    assert_eq!(found[READS_IN_FLIGHT_MAX..READS_IN_FLIGHT_MAX + PLANS_MAX], same[..]);
}

#[tokio::test(start_paused = true)]
async fn a_lane_starts_no_more_calls_than_it_has_permits() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let permits = store.permits(Lane::Upkeep);
    store.hold_reads();

    let calls: Vec<_> = (0..20)
        .map(|_| {
            let persistence = persistence.clone();
            tokio::spawn(async move { read_catalogue(&persistence).await })
        })
        .collect();
    run_ready_tasks().await;
    let while_held = store.calls().reads;
    store.release_all_reads();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(()));
    }

    assert_eq!(while_held, permits);
    assert_eq!(store.calls().reads, 20);
}

#[tokio::test(start_paused = true)]
async fn a_read_without_a_waiting_caller_is_not_sent() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.hold_reads();
    let reads: Vec<Reading> = (0..READS_IN_FLIGHT_MAX).map(|_| read_plan(&persistence, "plan_1")).collect();
    run_ready_tasks().await;

    let gone = read_plan(&persistence, "plan_gone");
    run_ready_tasks().await;
    gone.abort();
    run_ready_tasks().await;
    store.release_all_reads();
    for read in reads {
        assert_eq!(read.await.unwrap(), Ok(None));
    }
    run_ready_tasks().await;

    assert_eq!(store.calls().reads, READS_IN_FLIGHT_MAX);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_plan_does_not_affect_others() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let stored = plan_of_user("u");
    store.put(stored.clone());
    store.hold_reads();
    let first: Vec<Reading> = (0..READS_IN_FLIGHT_MAX).map(|_| read_plan(&persistence, "plan_1")).collect();
    run_ready_tasks().await;

    let (broken, sound) = (read_plan(&persistence, "plan_broken"), read_plan(&persistence, &stored.plan_id));
    run_ready_tasks().await;
    store.break_plan("plan_broken");
    store.release_all_reads();
    for read in first {
        assert_eq!(read.await.unwrap(), Ok(None));
    }

    assert!(matches!(broken.await.unwrap(), Err(PersistenceError::Refused(_))));
    assert_eq!(sound.await.unwrap(), Ok(Some(stored)));
    assert_eq!(inspect(&persistence).await.breaker, Some("closed"));
}

#[tokio::test(start_paused = true)]
async fn only_slow_reads_of_plans_open_the_breaker() {
    let slow = async |what: &'static str| {
        let store = FakeStore::new();
        let persistence = ready(&store).await;
        for _ in 0..5 {
            store.hold_reads();
            let reading = tokio::spawn({
                let persistence = persistence.clone();
                async move {
                    match what {
                        "plan" => persistence.plan("plan_1".into(), soon()).await.map(drop),
                        _ => read_catalogue(&persistence).await,
                    }
                }
            });
            tokio::time::sleep(Duration::from_secs(3)).await;
            store.release_all_reads();
            assert_eq!(reading.await.unwrap(), Ok(()));
            run_ready_tasks().await;
        }
        inspect(&persistence).await.breaker
    };

    assert_eq!(slow("plan").await, Some("open"));
    assert_eq!(slow("catalogue").await, Some("closed"));
}

/// Regression: the time in which this process waited for a processor counted as time of the database.
#[tokio::test(start_paused = true)]
async fn a_delayed_process_leaves_the_breaker_closed() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    for _ in 0..5 {
        store.hold_reads();
        let reading = read_plan(&persistence, "plan_1");
        run_ready_tasks().await;
        // The response arrives at once and is read three seconds later.
        store.release_all_reads();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(reading.await.unwrap(), Ok(None));
        run_ready_tasks().await;
    }

    assert_eq!(inspect(&persistence).await.breaker, Some("closed"));
}
