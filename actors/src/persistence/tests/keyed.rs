//! Writes of answers with idempotency keys.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use metrics_exporter_prometheus::PrometheusBuilder;
use registry_store::KeyStore;
use registry_store::idempotency::{Claimed, KeyClaim, KeyedRequest, PlanAnswerRecord};
use tokio::task::JoinHandle;

use super::{in_a_second, ready, save};
use crate::persistence::{PersistenceError, PersistenceHandle};
use crate::runtime::mailbox::CallError;
use crate::settings::SettingsTable;
use crate::snapshot::SnapshotCell;
use crate::testing::{FakeStore, brokers, parent, plan_of_user, run_ready_tasks, slot, soon, until};

fn claim(key: &str, now: DateTime<Utc>) -> KeyClaim {
    let request = KeyedRequest { scope: "plan/u".to_owned(), key: key.to_owned(), digest: [1; 32], now };
    let record = PlanAnswerRecord { plan_id: "plan_1".to_owned(), is_reused: true, duration_ms: 0 };
    record.claim(&Arc::new(request)).unwrap()
}

/// Stores an answer in a separate task.
fn store_answer(persistence: &PersistenceHandle, key: &str) -> JoinHandle<Result<Claimed, PersistenceError>> {
    let (persistence, claim) = (persistence.clone(), claim(key, Utc::now()));
    tokio::spawn(async move { persistence.store_answer(claim, soon()).await })
}

#[tokio::test(start_paused = true)]
async fn waiting_answers_are_written_together() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.hold_inserts();

    let keeping: Vec<_> = (0..300).map(|number| store_answer(&persistence, &format!("k{number}"))).collect();
    run_ready_tasks().await;
    store.release_all_inserts();
    for keeping in keeping {
        assert_eq!(keeping.await.unwrap(), Ok(Claimed::Stored));
    }

    // Two are in flight at once. 256 of the others fit into one batch.
    assert_eq!(store.keyed_writes(), [1, 1, 256, 42]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_answers_is_in_the_metrics() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let persistence = ready(&FakeStore::new()).await;

    store_answer(&persistence, "k").await.unwrap().unwrap();

    let metrics = recorder.handle().render();
    let has = |line: &str| metrics.lines().any(|given| given == line);
    assert!(has("instrument_registry_persistence_batches_total{outcome=\"written\"} 1"), "{metrics}");
    assert!(has("instrument_registry_persistence_batch_rows_count 1"), "{metrics}");
    assert!(has("instrument_registry_persistence_batch_duration_seconds_count 1"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_rejects_answers_and_ends_the_flush() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.hold_inserts();
    let keeping: Vec<_> = (0..10).map(|number| store_answer(&persistence, &format!("k{number}"))).collect();
    run_ready_tasks().await;
    store.go_down();
    for _ in 0..5 {
        persistence.plan("plan_1".into(), soon()).await.unwrap_err();
    }

    let (flushed, ()) = tokio::join!(persistence.flush(soon()), async {
        run_ready_tasks().await;
        store.release_all_inserts();
    });

    assert_eq!(flushed, Ok(()));
    for keeping in keeping {
        assert!(matches!(keeping.await.unwrap(), Err(PersistenceError::Unavailable { .. })));
    }
    // The eight waiting answers were not tried.
    assert_eq!(store.keyed_writes(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn delayed_answers_do_not_delay_other_plans() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.hold_inserts();
    let keeping: Vec<_> = (0..10).map(|number| store_answer(&persistence, &format!("k{number}"))).collect();
    run_ready_tasks().await;

    let saving = save(&persistence, plan_of_user("u"));
    until("the plan's batch has reached the store", || store.calls().in_flight == 1).await;

    assert_eq!(store.keyed_writes(), [1, 1]);
    store.release_all_inserts();
    assert_eq!(saving.await.unwrap(), Ok(()));
    for keeping in keeping {
        assert_eq!(keeping.await.unwrap(), Ok(Claimed::Stored));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_answers() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.hold_inserts();
    let keeping: Vec<_> = (0..10).map(|number| store_answer(&persistence, &format!("k{number}"))).collect();
    run_ready_tasks().await;

    let held = persistence.flush(in_a_second()).await;
    store.release_all_inserts();
    let flushed = persistence.flush(soon()).await;

    assert_eq!(held, Err(CallError::DeadlineExceeded("persistence")));
    assert_eq!(flushed, Ok(()));
    assert!(keeping.iter().all(JoinHandle::is_finished));
}

#[tokio::test(start_paused = true)]
async fn an_answer_past_its_deadline_is_not_written() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.hold_inserts();
    let keeping = [store_answer(&persistence, "k"), store_answer(&persistence, "l")];
    run_ready_tasks().await;

    let late = persistence.store_answer(claim("m", Utc::now()), in_a_second()).await;
    store.release_all_inserts();
    for keeping in keeping {
        keeping.await.unwrap().unwrap();
    }
    persistence.flush(soon()).await.unwrap();

    assert_eq!(late, Err(CallError::DeadlineExceeded("persistence").into()));
    assert_eq!(store.keyed_writes(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn expired_keys_are_deleted_every_hour() {
    let store = FakeStore::new();
    let (persistence, snapshots) = (PersistenceHandle::new(), Arc::new(SnapshotCell::new(brokers())));
    snapshots.set_settings(SettingsTable::default(), Utc::now());
    persistence.spawn(slot(&store), snapshots, parent().await).await.unwrap();
    run_ready_tasks().await;
    let long_ago = Utc::now() - TimeDelta::days(2);
    for number in 0..2500 {
        persistence.store_answer(claim(&format!("k{number}"), long_ago), soon()).await.unwrap();
    }
    persistence.store_answer(claim("live", Utc::now()), soon()).await.unwrap();

    tokio::time::sleep(Duration::from_secs(3660)).await;

    let kept = |key: &'static str, now| {
        let store = Arc::clone(&store);
        async move { store.stored_answer("plan/u", key, now).await.unwrap() }
    };
    assert_eq!(kept("k0", long_ago).await, None);
    assert_eq!(kept("k2499", long_ago).await, None);
    assert!(kept("live", Utc::now()).await.is_some());
}
