//! The load of the lanes: calls that wait, calls in progress, and the oldest wait.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use registry_store::LoadSummary;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Duration, advance};

use super::{occupy, ready, save, started};
use crate::persistence::metrics::lane_loads;
use crate::persistence::{LaneLoad, Op, PersistenceError, PersistenceHandle};
use crate::testing::{FakeStore, plan_of_user, run_ready_tasks, soon};

const MILLISECOND: Duration = Duration::from_millis(1);

fn load(persistence: &PersistenceHandle, lane: &str) -> LaneLoad {
    persistence.lanes().into_iter().find(|load| load.lane == lane).expect("the lane exists")
}

fn saturated(persistence: &PersistenceHandle) -> Vec<&'static str> {
    persistence.lanes().into_iter().filter(LaneLoad::is_saturated).map(|load| load.lane).collect()
}

/// Starts lists that do not end before the store releases them.
async fn hanging_lists(
    persistence: &PersistenceHandle,
    store: &FakeStore,
    count: usize,
) -> Vec<JoinHandle<Result<Vec<LoadSummary>, PersistenceError>>> {
    store.hold_lists();
    let list = |_| {
        let persistence = persistence.clone();
        tokio::spawn(async move {
            persistence.run(Op::Versions, soon(), |store| async move { store.versions(None, 10).await }).await
        })
    };
    let lists = (0..count).map(list).collect();
    run_ready_tasks().await;
    lists
}

/// Starts a call that ends with the returned semaphore's permit.
fn blocked(
    persistence: &PersistenceHandle,
    op: Op,
    until: &Arc<Semaphore>,
) -> JoinHandle<Result<(), PersistenceError>> {
    let (persistence, until) = (persistence.clone(), Arc::clone(until));
    let wait = |_| async move {
        until.acquire_owned().await.expect("it is never closed").forget();
        Ok(())
    };
    tokio::spawn(async move { persistence.run(op, soon(), wait).await })
}

#[tokio::test(start_paused = true)]
async fn lanes_show_permits_in_use_and_waiting_calls() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let lists = hanging_lists(&persistence, &store, 21).await;
    advance(Duration::from_millis(1500)).await;

    let list = load(&persistence, "list");
    assert_eq!(list.waiting, 19);
    assert_eq!(list.in_flight, 2);
    assert_eq!(list.permits, 2);
    assert_eq!(list.oldest_wait(), Duration::from_millis(1500));
    for other in ["batches", "point", "change", "keyed", "upkeep"] {
        assert_eq!(load(&persistence, other).waiting, 0, "{other}");
        assert_eq!(load(&persistence, other).oldest_wait(), Duration::ZERO, "{other}");
    }

    store.release_all_lists();
    for list in lists {
        list.await.unwrap().unwrap();
    }
    run_ready_tasks().await;
    let list = load(&persistence, "list");
    assert_eq!(list.waiting, 0);
    assert_eq!(list.in_flight, 0);
    assert_eq!(list.oldest_wait(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_lane_is_saturated_above_its_maximum_wait_only() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let lists = hanging_lists(&persistence, &store, 3).await;

    // A list may take 5 s, and the third one waits for one of two.
    advance(Duration::from_secs(6)).await;
    assert_eq!(saturated(&persistence), [""; 0]);
    advance(MILLISECOND).await;
    assert_eq!(saturated(&persistence), ["list"]);

    store.release_all_lists();
    for list in lists {
        list.await.unwrap().unwrap();
    }
    run_ready_tasks().await;
    assert_eq!(saturated(&persistence), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn long_calls_without_waiting_calls_do_not_saturate() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let _lists = hanging_lists(&persistence, &store, 2).await;

    advance(Duration::from_secs(20)).await;

    assert_eq!(load(&persistence, "list").in_flight, 2);
    assert_eq!(saturated(&persistence), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn plans_that_wait_for_a_batch_saturate() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let first = occupy(&persistence, &store).await;
    let second = save(&persistence, plan_of_user("second"));
    run_ready_tasks().await;

    let batches = load(&persistence, "batches");
    assert_eq!(batches.waiting, 1);
    assert_eq!(batches.in_flight, 1);
    assert_eq!(batches.permits, 1);
    advance(Duration::from_secs(2)).await;
    assert_eq!(saturated(&persistence), [""; 0]);
    advance(MILLISECOND).await;
    assert_eq!(saturated(&persistence), ["batches"]);

    store.release_all_inserts();
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(second.await.unwrap(), Ok(()));
    run_ready_tasks().await;
    assert_eq!(load(&persistence, "batches").waiting, 0);
    assert_eq!(saturated(&persistence), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn lookups_and_calls_wait_in_the_same_lane() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let until = Arc::new(Semaphore::new(0));
    let calls: Vec<_> = (0..4).map(|_| blocked(&persistence, Op::Job, &until)).collect();
    run_ready_tasks().await;
    let lookup = {
        let persistence = persistence.clone();
        tokio::spawn(async move { persistence.plan("plan_missing".into(), soon()).await })
    };
    run_ready_tasks().await;
    advance(Duration::from_secs(1)).await;
    let last = blocked(&persistence, Op::Job, &until);
    run_ready_tasks().await;

    let point = load(&persistence, "point");
    assert_eq!(point.in_flight, 4);
    assert_eq!(point.waiting, 2);
    assert_eq!(point.oldest_wait(), Duration::from_secs(1));
    advance(Duration::from_secs(1) + MILLISECOND).await;
    assert_eq!(saturated(&persistence), ["point"]);

    until.add_permits(5);
    for call in calls.into_iter().chain([last]) {
        call.await.unwrap().unwrap();
    }
    assert_eq!(lookup.await.unwrap(), Ok(None));
}

#[tokio::test(start_paused = true)]
async fn retention_behind_retention_does_not_saturate() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.hold_deletions();
    let deleting: Vec<_> = (0..2)
        .map(|_| {
            let persistence = persistence.clone();
            tokio::spawn(async move { persistence.delete_old_plans(7, soon()).await })
        })
        .collect();
    run_ready_tasks().await;

    assert_eq!(load(&persistence, "upkeep").waiting, 1);
    assert_eq!(load(&persistence, "upkeep").oldest_since, None);

    store.release_all_deletions();
    for deletion in deleting {
        assert_eq!(deletion.await.unwrap(), Ok(0));
    }
}

#[tokio::test(start_paused = true)]
async fn loads_that_wait_for_a_permit_saturate_upkeep() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let until = Arc::new(Semaphore::new(0));
    let _offers: Vec<_> = (0..3).map(|_| blocked(&persistence, Op::Offer, &until)).collect();
    run_ready_tasks().await;

    advance(Duration::from_secs(60)).await;
    assert_eq!(saturated(&persistence), [""; 0]);
    advance(MILLISECOND).await;
    assert_eq!(saturated(&persistence), ["upkeep"]);
}

#[tokio::test(start_paused = true)]
async fn lanes_have_no_permits_before_the_database_is_reached() {
    let store = FakeStore::new();
    store.hang_at_prepare();
    let persistence = started(&store).await;
    run_ready_tasks().await;

    assert!(persistence.lanes().into_iter().all(|load| load.permits == 0));
}

#[tokio::test(start_paused = true)]
async fn the_load_of_lanes_is_in_the_metrics() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let lists = hanging_lists(&persistence, &store, 5).await;
    advance(Duration::from_secs(3)).await;

    lane_loads(persistence.lanes());

    let rendered = recorder.handle().render();
    let has = |line: &str| rendered.lines().any(|given| given == format!("instrument_registry_database_lane_{line}"));
    assert!(has("waiting{lane=\"list\"} 3"), "{rendered}");
    assert!(has("in_flight{lane=\"list\"} 2"), "{rendered}");
    assert!(has("permits{lane=\"list\"} 2"), "{rendered}");
    assert!(has("oldest_wait_seconds{lane=\"list\"} 3"), "{rendered}");
    store.release_all_lists();
    for list in lists {
        list.await.unwrap().unwrap();
    }
    let rendered = recorder.handle().render();
    // Two started at once, and three after 3 s.
    assert!(rendered.contains("instrument_registry_database_lane_wait_seconds_count{lane=\"list\"} 5"), "{rendered}");
    assert!(rendered.contains("instrument_registry_database_lane_wait_seconds_sum{lane=\"list\"} 9"), "{rendered}");
}
