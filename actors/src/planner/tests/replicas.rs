//! Replicas with one database and one shared cache that plan the same key.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};

use crate::cache::SHARED_BUDGET;
use crate::planner::{PlanError, Planned};
use crate::system::System;
use crate::testing::{FakeSharedCache, FakeStore, ask, engine_of, parts, request, run_ready_tasks, soon, until};

const KEYS: [&str; 2] = ["NSE:TCS", "NSE:INFY"];

async fn replica(store: &Arc<FakeStore>, shared: &Arc<FakeSharedCache>) -> System {
    let mut parts = parts(store);
    parts.shared_cache = Some(Arc::clone(shared) as _);
    engine_of(parts).await
}

fn plan_for(system: &System, user: &str) -> JoinHandle<Result<Planned, PlanError>> {
    ask(system, &request(user, &KEYS), soon())
}

async fn planned(asked: JoinHandle<Result<Planned, PlanError>>) -> Planned {
    asked.await.unwrap().unwrap()
}

fn id(planned: &Planned) -> &str {
    &planned.cached.plan.plan_id
}

/// Lets two replicas miss the key in L2, and then store a plan each. Returns their responses and engines.
async fn race(store: &Arc<FakeStore>, shared: &Arc<FakeSharedCache>) -> (Planned, Planned, System, System) {
    let (here, there) = (replica(store, shared).await, replica(store, shared).await);
    store.hold_inserts();
    let first = plan_for(&here, "u");
    run_ready_tasks().await;
    let second = plan_for(&there, "u");
    run_ready_tasks().await;
    store.release_all_inserts();
    (planned(first).await, planned(second).await, here, there)
}

#[tokio::test(start_paused = true)]
async fn concurrent_replicas_return_the_same_plan() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());

    let (first, second, here, there) = race(&store, &shared).await;
    let again = [planned(plan_for(&here, "u")).await, planned(plan_for(&there, "u")).await];

    assert_eq!(id(&first), id(&second));
    assert_eq!([first.is_reused, second.is_reused], [false, true]);
    assert!(again.iter().all(|planned| planned.is_reused && id(planned) == id(&first)));
    assert_eq!(shared.id(first.cached.plan.cache_key).as_deref(), Some(id(&first)));
    // The row of the slower replica stays until its retention is over.
    assert_eq!(store.plan_ids().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_replica_returns_its_own_plan_if_the_first_is_unreadable() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let system = replica(&store, &shared).await;
    store.hold_inserts();
    let asked = plan_for(&system, "u");
    run_ready_tasks().await;

    let key = crate::testing::plan_of_user("u").cache_key;
    shared.set(key, "plan_of_a_replica_with_another_database");
    store.release_all_inserts();
    let own = planned(asked).await;

    assert!(!own.is_reused);
    assert_eq!(store.plan_ids(), [id(&own)]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_does_not_wait_long_for_a_lost_database() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let (here, there) = (replica(&store, &shared).await, replica(&store, &shared).await);
    store.hold_inserts();
    let first = plan_for(&here, "u");
    let second = plan_for(&there, "u");
    run_ready_tasks().await;
    store.release_inserts(2);
    shared.hold();
    run_ready_tasks().await;
    store.go_down();
    let asked_at = Instant::now();
    shared.release(2);

    let (first, second) = (planned(first).await, planned(second).await);

    assert_ne!(id(&first), id(&second));
    assert!(asked_at.elapsed() <= SHARED_BUDGET);
}

#[tokio::test(start_paused = true)]
async fn a_shared_cache_that_hangs_costs_a_request_its_budget_once() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let system = Arc::new(replica(&store, &shared).await);
    shared.hang();

    // Some requests arrive while others already wait for the cache, for a lookup or a put.
    let asked: Vec<_> = (0..20)
        .map(|user| {
            let system = Arc::clone(&system);
            tokio::spawn(async move {
                tokio::time::sleep(user * SHARED_BUDGET / 9).await;
                let asked_at = Instant::now();
                planned(plan_for(&system, &user.to_string())).await;
                asked_at.elapsed()
            })
        })
        .collect();
    let mut took = Vec::new();
    for asked in asked {
        took.push(asked.await.unwrap());
    }

    assert!(took.iter().all(|took| *took <= SHARED_BUDGET), "{took:?}");
    assert_eq!(took.iter().max(), Some(&SHARED_BUDGET));
    // The breaker is open by then, so no request waits.
    assert_eq!(took[15..], [Duration::ZERO; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_shared_cache_that_hangs_at_the_put_costs_no_more() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let system = replica(&store, &shared).await;
    store.hold_inserts();
    let asked = plan_for(&system, "u");
    run_ready_tasks().await;

    shared.hang();
    let stored_at = Instant::now();
    store.release_all_inserts();
    let own = planned(asked).await;

    assert!(!own.is_reused);
    assert!(stored_at.elapsed() <= SHARED_BUDGET, "{:?}", stored_at.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_shared_cache_that_panics_is_called_again() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let system = replica(&store, &shared).await;
    shared.panic_once();

    let meanwhile = planned(plan_for(&system, "u")).await;
    until("the cache actor's successor has reached it", || shared.calls().pings > 1).await;
    let next = planned(plan_for(&system, "v")).await;

    assert!(!meanwhile.is_reused && !next.is_reused);
    assert_eq!(shared.id(next.cached.plan.cache_key).as_deref(), Some(id(&next)));
}
