//! Lanes: slow lists, retention and bulk work do not delay reads by id, heartbeats and new plans.

use std::sync::Arc;

use registry_store::{LoadSummary, StoreError};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{inspect, read_catalogue, ready, save};
use crate::persistence::{Op, PersistenceError, PersistenceHandle};
use crate::testing::{FakeStore, plan_of_user, run_ready_tasks, soon};

/// Number of lists that wait in the tests: as many as opened the breaker of a healthy database once.
const LISTS: usize = 21;

type Listing = JoinHandle<Result<Vec<LoadSummary>, PersistenceError>>;

fn list(persistence: &PersistenceHandle) -> Listing {
    let persistence = persistence.clone();
    tokio::spawn(async move {
        persistence.run(Op::Versions, soon(), |store| async move { store.versions(None, 10).await }).await
    })
}

/// Starts lists that do not end before the store releases them.
async fn hanging_lists(persistence: &PersistenceHandle, store: &Arc<FakeStore>) -> Vec<Listing> {
    store.hold_lists();
    let lists = (0..LISTS).map(|_| list(persistence)).collect();
    run_ready_tasks().await;
    assert_eq!(store.calls().lists, 2);
    lists
}

#[tokio::test(start_paused = true)]
async fn slow_lists_delay_no_reads_writes_or_heartbeats() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let stored = plan_of_user("u");
    store.put(stored.clone());
    let lists = hanging_lists(&persistence, &store).await;

    assert_eq!(persistence.plan(stored.plan_id.clone(), soon()).await, Ok(Some(stored)));
    assert_eq!(save(&persistence, plan_of_user("new")).await.unwrap(), Ok(()));
    assert_eq!(persistence.run(Op::Job, soon(), |store| async move { store.job("job_missing").await }).await, Ok(None));

    store.release_all_lists();
    for list in lists {
        assert_eq!(list.await.unwrap(), Ok(Vec::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn timeouts_of_lists_leave_the_breaker_closed() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.fail_lists((0..LISTS).map(|_| StoreError::Timeout("statement timeout".into())));

    for _ in 0..LISTS {
        assert_eq!(list(&persistence).await.unwrap(), Err(PersistenceError::Timeout));
    }

    assert_eq!(inspect(&persistence).await.breaker, Some("closed"));
    assert_eq!(list(&persistence).await.unwrap(), Ok(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn retention_leaves_a_permit_to_bulk_work() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.hold_deletions();
    let deleting: Vec<_> = (0..3)
        .map(|_| {
            let persistence = persistence.clone();
            tokio::spawn(async move { persistence.delete_old_plans(7, soon()).await })
        })
        .collect();
    run_ready_tasks().await;

    assert_eq!(store.calls().deletions, 1);
    assert_eq!(read_catalogue(&persistence).await, Ok(()));

    store.release_all_deletions();
    for deletion in deleting {
        assert_eq!(deletion.await.unwrap(), Ok(0));
    }
}

/// Regression: changes that waited for a lock used up the permits of reads by id and of heartbeats.
#[tokio::test(start_paused = true)]
async fn blocked_changes_of_profiles_delay_no_other_call() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let blocked = Arc::new(Semaphore::new(0));
    let changes: Vec<_> = (0..6)
        .map(|_| {
            let (persistence, blocked) = (persistence.clone(), Arc::clone(&blocked));
            let wait = |_| async move {
                blocked.acquire_owned().await.unwrap().forget();
                Ok(())
            };
            tokio::spawn(async move { persistence.run(Op::ChangeProfile, soon(), wait).await })
        })
        .collect();
    run_ready_tasks().await;

    assert_eq!(persistence.plan("plan_missing".into(), soon()).await, Ok(None));
    assert_eq!(save(&persistence, plan_of_user("new")).await.unwrap(), Ok(()));
    assert_eq!(persistence.run(Op::SaveJob, soon(), |_| async { Ok(()) }).await, Ok(()));
    assert_eq!(persistence.run(Op::CreateKeyedJob, soon(), |_| async { Ok(()) }).await, Ok(()));

    blocked.add_permits(6);
    for change in changes {
        assert_eq!(change.await.unwrap(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_without_a_caller_are_dropped() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let (blocked, data) = (Arc::new(Semaphore::new(0)), Arc::new(()));
    let change = || {
        let (persistence, blocked, data) = (persistence.clone(), Arc::clone(&blocked), Arc::clone(&data));
        let wait = move |_| async move {
            blocked.acquire_owned().await.unwrap().forget();
            drop(data);
            Ok(())
        };
        tokio::spawn(async move { persistence.run(Op::ChangeProfile, soon(), wait).await })
    };
    let gone: Vec<_> = (0..1000).map(|_| change()).collect();
    run_ready_tasks().await;
    assert_eq!(Arc::strong_count(&data), 1001);

    gone.iter().for_each(JoinHandle::abort);
    let waiting: Vec<_> = (0..64).map(|_| change()).collect();
    run_ready_tasks().await;

    // Those in progress, a remainder that awaits the next sweep, and those that wait.
    assert!(Arc::strong_count(&data) < 200, "{}", Arc::strong_count(&data));
    blocked.add_permits(1064);
    for change in waiting {
        assert_eq!(change.await.unwrap(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_are_rejected_when_the_breaker_opens() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let lists = hanging_lists(&persistence, &store).await;
    store.go_down();

    for _ in 0..5 {
        let failed =
            persistence.run(Op::RejectedFiles, soon(), |store| async move { store.rejected_files().await }).await;
        assert!(matches!(failed, Err(PersistenceError::Unavailable { .. })), "{failed:?}");
    }
    run_ready_tasks().await;

    let ended = lists.iter().filter(|list| list.is_finished()).count();
    assert_eq!(ended, LISTS - 2);
    store.release_all_lists();
    for list in lists {
        assert!(list.await.unwrap().is_err());
    }
}
