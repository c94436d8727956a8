mod group_commit;
mod keyed;
mod lanes;
mod load;
mod outage;
mod reading;
mod retention;

use std::sync::Arc;

use registry_planning::plan::Plan;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};

use registry_store::background::Priority;

use super::{Op, PersistenceError, PersistenceHandle};
use crate::runtime::deadline::SharedDeadline;
use crate::runtime::mailbox::Inspection;
use crate::snapshot::SnapshotCell;
use crate::testing::{FakeStore, brokers, parent, plan_of_user, slot, soon, until};

type Saving = JoinHandle<Result<(), PersistenceError>>;

/// Starts the actor with a store that is still being prepared.
async fn started(store: &Arc<FakeStore>) -> PersistenceHandle {
    let persistence = PersistenceHandle::new();
    persistence.spawn(slot(store), Arc::new(SnapshotCell::new(brokers())), parent().await).await.unwrap();
    persistence
}

/// Starts the actor with a prepared store.
async fn ready(store: &Arc<FakeStore>) -> PersistenceHandle {
    let persistence = started(store).await;
    for _ in 0..10_000 {
        if inspect(&persistence).await.reached == Some(true) {
            return persistence;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the store was never prepared");
}

async fn inspect(persistence: &PersistenceHandle) -> Inspection {
    persistence.inspect(Duration::from_secs(1)).await.unwrap()
}

async fn read_catalogue(persistence: &PersistenceHandle) -> Result<(), PersistenceError> {
    persistence
        .run(Op::Catalogue, soon(), |store| async move { store.catalogue(Priority::Normal).await.map(drop) })
        .await
}

fn save(persistence: &PersistenceHandle, plan: Plan) -> Saving {
    save_until(persistence, plan, SharedDeadline::new(soon()))
}

fn save_until(persistence: &PersistenceHandle, plan: Plan, deadline: SharedDeadline) -> Saving {
    let bytes = plan.instruments.text_bytes();
    let (tell, told) = oneshot::channel();
    persistence.save(Arc::new(plan), bytes, deadline, move |outcome| tell.send(outcome).expect("a caller waits"));
    tokio::spawn(async move { told.await.expect("the outcome is always sent") })
}

/// Saves one plan that waits in the store, so that later plans fill the next batch.
async fn occupy(persistence: &PersistenceHandle, store: &FakeStore) -> Saving {
    store.hold_inserts();
    let saving = save(persistence, plan_of_user("first"));
    until("a batch is under way", || store.calls().in_flight == 1).await;
    saving
}

fn unavailable(outcome: &Result<(), PersistenceError>) -> Option<Duration> {
    match outcome {
        Err(PersistenceError::Unavailable { retry_after }) => Some(*retry_after),
        _ => None,
    }
}

fn in_a_second() -> Instant {
    Instant::now() + Duration::from_secs(1)
}
