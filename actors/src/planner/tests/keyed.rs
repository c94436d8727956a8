//! Requests with idempotency keys.

use std::sync::Arc;

use chrono::Utc;
use registry_planning::request::{PlanRequest, Resolved};
use registry_store::Store;
use registry_store::StoreError;
use registry_store::idempotency::{Claimed, KeyedRequest, PlanAnswerRecord, StoredAnswer};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::persistence::{Op, PersistenceError};
use crate::planner::{PlanClaim, PlanError, Planned};
use crate::system::System;
use crate::testing::{
    FakeSharedCache, FakeStore, ask, engine, engine_of, parts, request, run_ready_tasks, snapshot, soon,
};

const KEYS: [&str; 2] = ["NSE:TCS", "NSE:INFY"];

fn keyed(key: &str) -> Arc<KeyedRequest> {
    Arc::new(KeyedRequest { scope: "plan".to_owned(), key: key.to_owned(), digest: [1; 32], now: Utc::now() })
}

fn claim(key: &str) -> PlanClaim {
    PlanClaim { request: keyed(key), started_at: Instant::now() }
}

/// Requests a plan with a key in a separate task.
fn ask_keyed(system: &System, request: &PlanRequest, key: &str) -> JoinHandle<Result<Planned, PlanError>> {
    let (planners, snapshot, claim) = (system.planners.clone(), snapshot(), claim(key));
    let resolved = Arc::new(Resolved::new(request, snapshot.basis(), &snapshot.hash));
    let request = Arc::new(request.clone());
    tokio::spawn(async move { planners.plan_keyed(request, resolved, snapshot, Some(claim), soon()).await })
}

async fn stored(system: &System, key: &str) -> Option<StoredAnswer> {
    let keyed = keyed(key);
    let read =
        move |store: Arc<dyn Store>| async move { store.stored_answer(&keyed.scope, &keyed.key, keyed.now).await };
    system.persistence.run(Op::StoredAnswer, soon(), read).await.unwrap()
}

fn record(answer: &StoredAnswer) -> PlanAnswerRecord {
    serde_json::from_str(&answer.answer).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_stored_with_the_answer_to_its_request() {
    let store = FakeStore::new();
    let system = engine(&store).await;

    let planned = ask_keyed(&system, &request("u", &KEYS), "k").await.unwrap().unwrap();

    let kept = record(&stored(&system, "k").await.unwrap());
    assert_eq!(store.keyed_writes(), [1]);
    assert_eq!(store.insert_count(), 0);
    assert_eq!(kept.plan_id, planned.cached.plan.plan_id);
    assert!(!kept.is_reused && !planned.is_reused);
    assert_eq!(planned.record, Some(kept));
}

#[tokio::test(start_paused = true)]
async fn requests_with_keys_are_written_together() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    store.hold_inserts();

    let asks: Vec<_> =
        (0..20).map(|n| ask_keyed(&system, &request(&format!("u{n}"), &KEYS), &format!("k{n}"))).collect();
    run_ready_tasks().await;
    store.release_all_inserts();
    for ask in asks {
        ask.await.unwrap().unwrap();
    }

    let writes = store.keyed_writes();
    assert_eq!(writes.iter().sum::<usize>(), 20);
    assert_eq!(writes.len(), 3, "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn identical_requests_with_different_keys_create_one_plan() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    store.hold_inserts();
    let first = ask_keyed(&system, &request("u", &KEYS), "k");
    run_ready_tasks().await;
    let second = ask_keyed(&system, &request("u", &KEYS), "l");
    let third = ask(&system, &request("u", &KEYS), soon());
    run_ready_tasks().await;
    store.release_all_inserts();

    let first = first.await.unwrap().unwrap();
    let second = second.await.unwrap().unwrap();
    let third = third.await.unwrap().unwrap();

    assert!(Arc::ptr_eq(&first.cached, &second.cached) && Arc::ptr_eq(&first.cached, &third.cached));
    assert!(!first.is_reused && second.is_reused && third.is_reused);
    // The answer of a caller that joined is stored after its plan is known.
    assert!(first.record.is_some() && second.record.is_none());
    assert_eq!(store.plan_ids().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_taken_key_creates_no_plan() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let first = ask_keyed(&system, &request("u", &KEYS), "k").await.unwrap().unwrap();

    let second = ask_keyed(&system, &request("v", &KEYS), "k").await.unwrap().unwrap_err();

    let PlanError::Answered(answer) = second else { panic!("{second:?}") };
    assert_eq!(record(&answer).plan_id, first.cached.plan.plan_id);
    assert_eq!(store.plan_ids(), [first.cached.plan.plan_id.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_joined_a_taken_key_gets_a_plan() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    ask_keyed(&system, &request("u", &KEYS), "k").await.unwrap().unwrap();
    store.hold_inserts();
    let taken = ask_keyed(&system, &request("v", &KEYS), "k");
    run_ready_tasks().await;
    let joined = ask(&system, &request("v", &KEYS), soon());
    run_ready_tasks().await;
    store.release_all_inserts();

    let taken = taken.await.unwrap().unwrap_err();
    let joined = joined.await.unwrap().unwrap();

    assert!(matches!(taken, PlanError::Answered(_)), "{taken:?}");
    assert!(!joined.is_reused);
    assert!(store.plan_ids().contains(&joined.cached.plan.plan_id));
    assert_eq!(store.plan_ids().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_that_was_stored_is_found_by_key() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    // The first attempt and its retry.
    store.lose_answers(2);

    let lost = ask_keyed(&system, &request("u", &KEYS), "k").await.unwrap().unwrap_err();
    let kept = record(&stored(&system, "k").await.unwrap());
    let again = ask_keyed(&system, &request("u", &KEYS), "k").await.unwrap().unwrap_err();

    assert_eq!(lost, PlanError::NotStored(PersistenceError::UnknownOutcome));
    assert_eq!(store.plan_ids(), [kept.plan_id.as_str()]);
    let PlanError::Answered(answer) = again else { panic!("{again:?}") };
    assert_eq!(record(&answer), kept);
}

#[tokio::test(start_paused = true)]
async fn a_retry_finds_what_the_first_attempt_stored() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    store.lose_answers(1);

    let planned = ask_keyed(&system, &request("u", &KEYS), "k").await.unwrap().unwrap();

    assert!(!planned.is_reused);
    assert_eq!(store.plan_ids(), [planned.cached.plan.plan_id.as_str()]);
    assert_eq!(store.keyed_writes(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_that_stored_nothing_frees_the_key() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let unknown = || Err(StoreError::UnknownOutcome("cut off".into()));
    store.answer_inserts([unknown(), unknown()]);

    let lost = ask_keyed(&system, &request("u", &KEYS), "k").await.unwrap().unwrap_err();
    let again = ask_keyed(&system, &request("u", &KEYS), "k").await.unwrap().unwrap();

    assert_eq!(lost, PlanError::NotStored(PersistenceError::UnknownOutcome));
    assert_eq!(store.plan_ids(), [again.cached.plan.plan_id.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_plan_fails_no_other_request_with_a_key() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    store.refuse_plans_of("bad");
    store.hold_inserts();
    let asks: Vec<_> =
        ["x", "y", "bad", "good"].map(|user| ask_keyed(&system, &request(user, &KEYS), user)).into_iter().collect();
    run_ready_tasks().await;
    store.release_all_inserts();

    let mut answers = Vec::new();
    for ask in asks {
        answers.push(ask.await.unwrap());
    }

    let refused = PlanError::NotStored(PersistenceError::Refused("fault injected by a test".to_owned()));
    assert_eq!(answers[2].as_ref().err(), Some(&refused));
    assert!(answers[0].is_ok() && answers[1].is_ok() && answers[3].is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_claimant_keeps_its_plan_when_another_replica_was_first() {
    let (store, shared) = (FakeStore::new(), Arc::<FakeSharedCache>::default());
    let replica = async || {
        let mut parts = parts(&store);
        parts.shared_cache = Some(Arc::clone(&shared) as _);
        engine_of(parts).await
    };
    let (here, there) = (replica().await, replica().await);
    store.hold_inserts();
    let winner = ask(&here, &request("u", &KEYS), soon());
    run_ready_tasks().await;
    let claimant = ask_keyed(&there, &request("u", &KEYS), "k");
    run_ready_tasks().await;
    let joined = ask(&there, &request("u", &KEYS), soon());
    run_ready_tasks().await;
    store.release_all_inserts();

    let winner = winner.await.unwrap().unwrap().cached.plan.plan_id.clone();
    let claimant = claimant.await.unwrap().unwrap();
    let joined = joined.await.unwrap().unwrap();

    let kept = record(&stored(&there, "k").await.unwrap());
    assert_ne!(claimant.cached.plan.plan_id, winner);
    assert_eq!(kept.plan_id, claimant.cached.plan.plan_id);
    assert_eq!(joined.cached.plan.plan_id, winner);
}

#[tokio::test(start_paused = true)]
async fn an_answer_needs_an_available_database() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let plan_id = ask(&system, &request("u", &KEYS), soon()).await.unwrap().unwrap().cached.plan.plan_id.clone();
    let claim_of = |key: &str| claim(key).record(&plan_id, true).claim(&keyed(key)).unwrap();

    assert_eq!(system.persistence.store_answer(claim_of("k"), soon()).await, Ok(Claimed::Stored));
    store.go_down();
    let refused = system.persistence.store_answer(claim_of("l"), soon()).await;

    assert!(matches!(refused, Err(PersistenceError::Unavailable { .. })), "{refused:?}");
}
