mod keyed;
mod replicas;

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use registry_planning::request::{PlanRequest, Resolved};
use registry_planning::vocabulary::OptimizationLevel;
use registry_store::StoreError;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};

use super::{CAPACITY, KEYS_PER_PERMIT, PlanError, Planned};
use crate::persistence::PersistenceError;
use crate::runtime::mailbox::CallError;
use crate::system::{System, SystemParts};
use crate::testing::{
    FakeSettings, FakeSharedCache, FakeStore, ask, ask_with, engine, engine_of, parts, plan_for, request,
    run_ready_tasks, snapshot, snapshot_with, soon, until,
};

const SECOND: Duration = Duration::from_secs(1);
const KEYS: [&str; 2] = ["NSE:TCS", "NSE:INFY"];

async fn planned(system: &System, request: &PlanRequest) -> Planned {
    ask(system, request, soon()).await.unwrap().unwrap()
}

fn plan_id(planned: &Planned) -> &str {
    &planned.cached.plan.plan_id
}

async fn all(asks: Vec<JoinHandle<Result<Planned, PlanError>>>) -> Vec<Result<Planned, PlanError>> {
    let mut answers = Vec::new();
    for ask in asks {
        answers.push(ask.await.unwrap());
    }
    answers
}

/// Occupies the store with the plan of another request, so that the next one waits for it.
async fn occupied(store: &FakeStore, system: &System) -> JoinHandle<Result<Planned, PlanError>> {
    store.hold_inserts();
    let asking = ask(system, &request(&format!("another {}", store.insert_count()), &KEYS), soon());
    until("a batch is under way", || store.calls().in_flight == 1).await;
    asking
}

#[tokio::test(start_paused = true)]
async fn identical_concurrent_requests_create_one_plan() {
    let store = FakeStore::new();
    let system = engine(&store).await;

    let answers = all((0..100).map(|_| ask(&system, &request("u", &KEYS), soon())).collect()).await;

    let plans: Vec<Planned> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(store.calls().batches, [1]);
    assert!(plans.iter().all(|planned| store.plan_ids() == [plan_id(planned)]));
    assert_eq!(plans.iter().filter(|planned| !planned.is_reused).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_answered_from_the_cache() {
    let store = FakeStore::new();
    let system = engine(&store).await;

    let first = planned(&system, &request("u", &KEYS)).await;
    let again = planned(&system, &request("u", &["NSE:INFY", "NSE:TCS", "NSE:TCS"])).await;

    assert!(!first.is_reused);
    assert!(again.is_reused);
    assert!(Arc::ptr_eq(&first.cached, &again.cached));
    assert_eq!(store.insert_count(), 1);
    assert_eq!(store.calls().reads, 0);
    assert!(Arc::ptr_eq(&system.cache.by_id(plan_id(&first)).unwrap(), &first.cached));
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_not_cached_before_it_is_stored() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    store.hold_inserts();

    let asking = ask(&system, &request("u", &KEYS), soon());
    until("a batch is under way", || store.calls().in_flight == 1).await;
    let key = Resolved::new(&request("u", &KEYS), snapshot().basis(), &snapshot().hash).cache_key();
    let before = system.cache.get(key).is_some();
    store.release_all_inserts();
    asking.await.unwrap().unwrap();

    assert!(!before);
    assert!(system.cache.get(key).is_some());
}

#[tokio::test(start_paused = true)]
async fn different_requests_are_not_joined() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let occupied = occupied(&store, &system).await;
    let mut other_snapshot = snapshot();
    Arc::get_mut(&mut other_snapshot).unwrap().hash = [8; 32];

    let mut asks = vec![
        ask(&system, &request("u", &KEYS), soon()),
        ask(&system, &request("v", &KEYS), soon()),
        ask(&system, &request("u", &KEYS[..1]), soon()),
        ask_with(&system, &request("u", &KEYS), &other_snapshot, soon()),
    ];
    run_ready_tasks().await;
    store.release_all_inserts();
    asks.push(occupied);
    let answers = all(asks).await;

    assert!(answers.iter().all(|answer| !answer.as_ref().unwrap().is_reused));
    assert_eq!(store.plan_ids().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_fails_all_callers_and_the_next_one_retries() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    store.hold_inserts();
    // The batch and its retry.
    store.answer_inserts((0..2).map(|_| Err(StoreError::UnknownOutcome("cut off".into()))));

    let asks = (0..10).map(|_| ask(&system, &request("u", &KEYS), soon())).collect();
    run_ready_tasks().await;
    store.release_all_inserts();
    let answers = all(asks).await;
    let next = planned(&system, &request("u", &KEYS)).await;

    for answer in answers {
        assert_eq!(answer.unwrap_err(), PlanError::NotStored(PersistenceError::UnknownOutcome));
    }
    assert!(!next.is_reused);
    assert_eq!(store.calls().batches, [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn cached_plans_are_served_while_the_store_is_down() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let first = planned(&system, &request("u", &KEYS)).await;
    store.go_down();

    let repeat = planned(&system, &request("u", &KEYS)).await;
    let other = ask(&system, &request("v", &KEYS), soon()).await.unwrap();

    assert_eq!(plan_id(&repeat), plan_id(&first));
    assert!(repeat.is_reused);
    assert_eq!(other.unwrap_err(), PlanError::NotStored(PersistenceError::Unavailable { retry_after: SECOND }));
}

#[tokio::test(start_paused = true)]
async fn a_disconnected_first_caller_fails_no_other() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let occupied = occupied(&store, &system).await;

    let leader = ask(&system, &request("u", &KEYS), soon());
    run_ready_tasks().await;
    let joined = ask(&system, &request("u", &KEYS), soon());
    run_ready_tasks().await;
    leader.abort();
    run_ready_tasks().await;
    store.release_all_inserts();

    occupied.await.unwrap().unwrap();
    let joined = joined.await.unwrap().unwrap();
    assert!(store.plan_ids().contains(&joined.cached.plan.plan_id));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_waiting_caller_is_not_planned() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let (request, snapshot) = (Arc::new(request("u", &KEYS)), snapshot());
    let resolved = Arc::new(Resolved::new(&request, snapshot.basis(), &snapshot.hash));

    tokio::select! {
        biased;
        _ = system.planners.plan(request, resolved, snapshot, soon()) => panic!("the plan is not available at once"),
        () = std::future::ready(()) => {}
    }
    run_ready_tasks().await;

    assert_eq!(store.insert_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_late_joiner_is_served_after_the_first_callers_deadline() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let occupied = occupied(&store, &system).await;

    let leader = ask(&system, &request("u", &KEYS), Instant::now() + SECOND);
    run_ready_tasks().await;
    let joined = ask(&system, &request("u", &KEYS), Instant::now() + 10 * SECOND);
    tokio::time::sleep(2 * SECOND).await;
    let leader = leader.await.unwrap();
    store.release_all_inserts();

    occupied.await.unwrap().unwrap();
    assert!(matches!(leader, Err(PlanError::Call(CallError::DeadlineExceeded(_)))), "{leader:?}");
    assert!(store.plan_ids().contains(&joined.await.unwrap().unwrap().cached.plan.plan_id));
}

#[tokio::test(start_paused = true)]
async fn a_late_joiner_waits_no_longer_than_its_own_deadline() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let _occupied = occupied(&store, &system).await;

    let _leader = ask(&system, &request("u", &KEYS), soon());
    run_ready_tasks().await;
    let started_at = Instant::now();
    let joined = ask(&system, &request("u", &KEYS), started_at + SECOND).await.unwrap();

    assert!(matches!(joined, Err(PlanError::Call(CallError::DeadlineExceeded(_)))), "{joined:?}");
    assert_eq!(started_at.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_a_waiting_caller_is_not_written() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let occupied = occupied(&store, &system).await;

    let given_up = ask(&system, &request("u", &KEYS), Instant::now() + SECOND).await.unwrap();
    store.release_all_inserts();
    occupied.await.unwrap().unwrap();
    run_ready_tasks().await;
    let next = planned(&system, &request("u", &KEYS)).await;

    assert!(given_up.is_err());
    assert!(!next.is_reused);
    assert_eq!(store.calls().batches, [1, 1]);
}

/// Regression: the request got the error that the planner is gone, and was sent again a tenth of a second later.
#[tokio::test(start_paused = true)]
async fn an_expired_request_gets_a_timeout_at_once() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let (request, snapshot) = (Arc::new(request("u", &KEYS)), snapshot());
    let resolved = Arc::new(Resolved::new(&request, snapshot.basis(), &snapshot.hash));

    // The planner sees the message at the deadline. The timer of the caller has a resolution of a millisecond, so it
    // fires later.
    let started_at = Instant::now();
    let deadline = started_at + Duration::from_micros(500);
    let planning = system.planners.plan(request, resolved, snapshot, deadline);
    tokio::pin!(planning);
    tokio::select! {
        biased;
        _ = &mut planning => panic!("the plan is not available at once"),
        () = std::future::ready(()) => {}
    }
    tokio::time::advance(Duration::from_micros(500)).await;
    let answer = planning.await;

    assert!(matches!(answer, Err(PlanError::Call(CallError::DeadlineExceeded(_)))), "{answer:?}");
    assert!(started_at.elapsed() < SECOND / 50, "{:?}", started_at.elapsed());
    assert_eq!(store.insert_count(), 0);
}

/// Regression: a caller that joined just after the plan had been dropped for its deadline got an error about the
/// deadline of another caller.
#[tokio::test(start_paused = true)]
async fn a_caller_that_joins_as_a_plan_expires_is_served() {
    let store = FakeStore::new();
    let system = engine(&store).await;

    // One of these steps is between the drop and its message.
    for steps in 0..40 {
        let occupied = occupied(&store, &system).await;
        let request = request(&format!("user {steps}"), &KEYS);
        let leader = ask(&system, &request, Instant::now() + SECOND);
        tokio::time::sleep(SECOND).await;
        store.release_all_inserts();
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        let joined = ask(&system, &request, soon()).await.unwrap();

        assert!(joined.is_ok(), "{steps}: {joined:?}");
        assert!(leader.await.unwrap().is_err());
        occupied.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_planner_at_capacity_rejects_at_once() {
    let store = FakeStore::new();
    let mut parts = parts(&store);
    parts.planners = 1;
    let system = engine_of(parts).await;
    store.hold_inserts();
    let asks: Vec<_> = (0..CAPACITY).map(|_| ask(&system, &request("u", &KEYS), soon())).collect();
    run_ready_tasks().await;

    let beyond = ask(&system, &request("u", &KEYS), soon()).await.unwrap();
    store.release_all_inserts();

    assert_eq!(beyond.unwrap_err(), PlanError::Call(CallError::Overloaded("planner_0")));
    assert!(all(asks).await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_large_request_takes_the_capacity_of_several() {
    let store = FakeStore::new();
    let mut parts = parts(&store);
    parts.planners = 1;
    let system = engine_of(parts).await;
    store.hold_inserts();
    let keys: Vec<String> = (0..4 * KEYS_PER_PERMIT).map(|number| format!("NSE:K{number}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let asks: Vec<_> = (0..CAPACITY / 4).map(|_| ask(&system, &request("u", &keys), soon())).collect();
    run_ready_tasks().await;

    let has_capacity = system.planners.has_capacity();
    let beyond = ask(&system, &request("u", &KEYS), soon()).await.unwrap();
    store.release_all_inserts();

    assert!(!has_capacity);
    assert_eq!(beyond.unwrap_err(), PlanError::Call(CallError::Overloaded("planner_0")));
    assert!(all(asks).await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn an_expired_plan_is_created_again() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let snapshot = snapshot_with(|settings| settings.plan_cache_ttl = 60 * SECOND);
    let request = request("u", &KEYS);

    let first = ask_with(&system, &request, &snapshot, soon()).await.unwrap().unwrap();
    tokio::time::sleep(58 * SECOND).await;
    let within = ask_with(&system, &request, &snapshot, soon()).await.unwrap().unwrap();
    tokio::time::sleep(3 * SECOND).await;
    let after = ask_with(&system, &request, &snapshot, soon()).await.unwrap().unwrap();

    assert_eq!(plan_id(&within), plan_id(&first));
    assert!(within.is_reused);
    assert_ne!(plan_id(&after), plan_id(&first));
    assert!(!after.is_reused);
}

#[tokio::test(start_paused = true)]
async fn only_an_aggressive_plan_contains_its_duration() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let mut aggressive = request("u", &KEYS);
    aggressive.options.optimization_level = OptimizationLevel::Aggressive;

    let time = |planned: Planned| planned.cached.plan.metadata.optimization_result.optimization_time_ms;

    assert!(time(planned(&system, &aggressive).await).is_some_and(|time| time.ten_thousandths() > 0));
    assert_eq!(time(planned(&system, &request("u", &KEYS)).await), None);
}

async fn replica(store: &Arc<FakeStore>, shared: &Arc<FakeSharedCache>) -> System {
    let mut parts = parts(store);
    parts.shared_cache = Some(Arc::clone(shared) as _);
    engine_of(parts).await
}

#[tokio::test(start_paused = true)]
async fn a_replica_reuses_the_plan_of_another() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let (here, there) = (replica(&store, &shared).await, replica(&store, &shared).await);

    let made = planned(&here, &request("u", &KEYS)).await;
    let key = made.cached.plan.cache_key;
    until("the plan is shared", || shared.id(key).is_some()).await;
    let reused = planned(&there, &request("u", &KEYS)).await;
    let again = planned(&there, &request("u", &KEYS)).await;

    assert_eq!(shared.id(key).as_deref(), Some(plan_id(&made)));
    assert_eq!(reused.cached.plan, made.cached.plan);
    assert!(!made.is_reused);
    assert!(reused.is_reused);
    assert!(again.is_reused);
    // The repeat came from the cache of the replica itself.
    assert_eq!(store.insert_count(), 1);
    assert_eq!(store.calls().reads, 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_or_wrong_id_in_the_shared_cache_is_a_miss() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let system = replica(&store, &shared).await;
    let other = planned(&system, &request("other", &KEYS)).await;
    let key = |request: &PlanRequest| Resolved::new(request, snapshot().basis(), &snapshot().hash).cache_key();
    let expired = plan_for(&request("expired", &KEYS), "plan_expired".into(), Utc::now() - TimeDelta::seconds(301));
    store.put(expired);

    for (user, id) in [
        ("missing", "plan_missing"),
        ("garbage", "\u{0}' or 1=1"),
        ("empty", ""),
        ("astray", plan_id(&other)),
        ("expired", "plan_expired"),
    ] {
        let request = request(user, &KEYS);
        shared.set(key(&request), id);

        let made = planned(&system, &request).await;

        assert!(!made.is_reused, "{user}");
        assert_ne!(plan_id(&made), id, "{user}");
        assert_eq!(made.cached.plan.user_id, user);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shared_cache_that_fails_is_a_miss() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let system = replica(&store, &shared).await;
    shared.fail();

    let made = planned(&system, &request("u", &KEYS)).await;
    let again = planned(&system, &request("u", &KEYS)).await;

    assert!(!made.is_reused);
    assert!(again.is_reused);
    assert_eq!(store.insert_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn identical_requests_join_during_a_shared_lookup() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let system = replica(&store, &shared).await;

    let answers = all((0..50).map(|_| ask(&system, &request("u", &KEYS), soon())).collect()).await;

    assert_eq!(answers.iter().filter(|answer| !answer.as_ref().unwrap().is_reused).count(), 1);
    assert_eq!(store.calls().batches, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_shared_cache_that_hangs_does_not_fail_a_late_joiner() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let system = replica(&store, &shared).await;
    shared.hang();

    // Less than the budget of the shared cache.
    let leader = ask(&system, &request("u", &KEYS), Instant::now() + SECOND / 50);
    run_ready_tasks().await;
    let joined = ask(&system, &request("u", &KEYS), Instant::now() + 10 * SECOND);

    assert!(leader.await.unwrap().is_err());
    assert_eq!(joined.await.unwrap().unwrap().cached.plan.user_id, "u");
}

#[tokio::test(start_paused = true)]
async fn only_settings_that_may_change_a_plan_empty_the_cache() {
    for (setting, value, is_reused) in [
        ("PLANNER_TIMEOUT", "31", true),
        ("PLAN_RETENTION_DAYS", "31", true),
        ("SUBSCRIPTION_TIMEOUT", "31", true),
        ("MAX_INSTRUMENTS_PER_PLAN", "999", false),
        ("OPTIMIZATION_LEVEL", "low", false),
        ("COST_PER_INSTRUMENT", "0.06", false),
        ("PLAN_CACHE_TTL", "301", false),
    ] {
        let (store, source) = (FakeStore::new(), Arc::<FakeSettings>::default());
        let system = engine_of(SystemParts { settings: Arc::clone(&source) as _, ..parts(&store) }).await;
        let before = system.snapshot().unwrap();
        ask_with(&system, &request("u", &KEYS), &before, soon()).await.unwrap().unwrap();

        source.set(setting, value);
        system.config.refresh("of-a-test".into()).unwrap();
        until("the setting applies", || system.snapshot().unwrap().settings != before.settings).await;
        let after = system.snapshot().unwrap();
        let repeat = ask_with(&system, &request("u", &KEYS), &after, soon()).await.unwrap().unwrap();

        assert_eq!(repeat.is_reused, is_reused, "{setting}");
    }
}
