//! Batches: rows that are written together, rows that are dropped, and the outcomes for callers.

use std::sync::Arc;

use registry_planning::keys::KeyList;
use registry_store::StoreError;
use tokio::time::{Duration, Instant};

use super::{in_a_second, occupy, ready, save, save_until};
use crate::persistence::batch::{BYTES_MAX, SECOND_BATCH_ROWS_MIN};
use crate::persistence::{CAPACITY, PersistenceError};
use crate::runtime::deadline::SharedDeadline;
use crate::runtime::mailbox::CallError;
use crate::testing::{CapturedLog, FakeStore, plan_of_user, run_ready_tasks, soon, until};

#[tokio::test(start_paused = true)]
async fn a_plan_is_acknowledged_only_after_it_is_stored() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let saving = occupy(&persistence, &store).await;

    run_ready_tasks().await;
    let was_finished_early = saving.is_finished();
    store.release_inserts(1);
    let outcome = saving.await.unwrap();

    assert!(!was_finished_early);
    assert_eq!(outcome, Ok(()));
    assert_eq!(store.plan_ids().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_next_batch_fills_while_one_is_written() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let mut saves = vec![occupy(&persistence, &store).await];

    saves.extend((0..20).map(|_| save(&persistence, plan_of_user("next"))));
    run_ready_tasks().await;
    let while_held = store.calls().batches;
    store.release_all_inserts();
    for saving in saves {
        assert_eq!(saving.await.unwrap(), Ok(()));
    }

    assert_eq!(while_held, [1]);
    assert_eq!(store.calls().batches, [1, 20]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_store_gets_a_plan_at_once() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;

    let started_at = Instant::now();
    save(&persistence, plan_of_user("u")).await.unwrap().unwrap();

    assert_eq!(started_at.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_store_limits_the_batches_in_flight() {
    let store = FakeStore::new();
    store.allow_batches_in_flight(2);
    let persistence = ready(&store).await;
    let mut saves = vec![occupy(&persistence, &store).await];

    for _ in 0..2 * SECOND_BATCH_ROWS_MIN {
        saves.push(save(&persistence, plan_of_user("next")));
        run_ready_tasks().await;
    }
    let while_held = store.calls();
    store.release_all_inserts();
    for saving in saves {
        assert_eq!(saving.await.unwrap(), Ok(()));
    }

    assert_eq!(while_held.batches, [1, SECOND_BATCH_ROWS_MIN]);
    assert_eq!(store.calls().in_flight_max, 2);
    assert_eq!(store.calls().batches, [1, SECOND_BATCH_ROWS_MIN, SECOND_BATCH_ROWS_MIN]);
}

#[tokio::test(start_paused = true)]
async fn a_small_batch_waits_for_the_current_one_and_grows() {
    let store = FakeStore::new();
    store.allow_batches_in_flight(2);
    let persistence = ready(&store).await;
    let mut saves = vec![occupy(&persistence, &store).await];

    saves.extend((1..SECOND_BATCH_ROWS_MIN).map(|_| save(&persistence, plan_of_user("next"))));
    run_ready_tasks().await;
    let while_held = store.calls();
    store.release_all_inserts();
    for saving in saves {
        assert_eq!(saving.await.unwrap(), Ok(()));
    }

    assert_eq!(while_held.batches, [1]);
    assert_eq!(store.calls().batches, [1, SECOND_BATCH_ROWS_MIN - 1]);
}

#[tokio::test(start_paused = true)]
async fn a_few_large_plans_start_a_second_batch() {
    let store = FakeStore::new();
    store.allow_batches_in_flight(2);
    let persistence = ready(&store).await;
    let mut large = plan_of_user("large");
    large.instruments = Arc::new((0..BYTES_MAX / 2 / 100).map(|n| format!("NSE:{n:0>96}")).collect());
    let mut saves = vec![occupy(&persistence, &store).await];

    saves.push(save(&persistence, large.clone()));
    run_ready_tasks().await;
    let while_one_waits = store.calls().batches;
    saves.push(save(&persistence, large));
    run_ready_tasks().await;
    let while_two_wait = store.calls().batches;
    store.release_all_inserts();
    for saving in saves {
        assert_eq!(saving.await.unwrap(), Ok(()));
    }

    assert_eq!(while_one_waits, vec![1]);
    assert_eq!(while_two_wait, vec![1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_256_rows_at_most() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let mut saves = vec![occupy(&persistence, &store).await];

    saves.extend((0..600).map(|_| save(&persistence, plan_of_user("next"))));
    run_ready_tasks().await;
    store.release_all_inserts();
    for saving in saves {
        assert_eq!(saving.await.unwrap(), Ok(()));
    }

    assert_eq!(store.calls().batches, [1, 256, 256, 88]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_several_holds_a_mebibyte_at_most() {
    let large: KeyList = (0..5_000).map(|n| format!("NSE:{n:0>96}")).collect();
    let mut plan_of_large = plan_of_user("large");
    plan_of_large.instruments = Arc::new(large);
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let mut saves = vec![occupy(&persistence, &store).await];

    saves.extend((0..4).map(|_| save(&persistence, plan_of_large.clone())));
    run_ready_tasks().await;
    store.release_all_inserts();
    for saving in saves {
        assert_eq!(saving.await.unwrap(), Ok(()));
    }

    assert_eq!(plan_of_large.instruments.text_bytes(), 500_000);
    assert_eq!(store.calls().batches, [1, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_batch_is_retried_row_by_row() {
    let store = FakeStore::new();
    store.refuse_plans_of("bad");
    let persistence = ready(&store).await;
    let first = occupy(&persistence, &store).await;

    let saves: Vec<_> = ["good", "bad", "good"].map(|user| save(&persistence, plan_of_user(user))).into();
    run_ready_tasks().await;
    store.release_all_inserts();
    let mut outcomes = Vec::new();
    for saving in saves {
        outcomes.push(saving.await.unwrap());
    }

    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(outcomes, [Ok(()), Err(PersistenceError::Refused("fault injected by a test".into())), Ok(())]);
    assert_eq!(store.calls().batches, [1, 3, 1, 1, 1]);
    assert_eq!(store.plan_ids().len(), 3);
}

/// Regression: after the database became unavailable, every row of a split batch was tried, each until its timeout.
#[tokio::test(start_paused = true)]
async fn a_row_by_row_retry_ends_at_an_outage() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let first = occupy(&persistence, &store).await;

    let saves: Vec<_> = (0..4).map(|_| save(&persistence, plan_of_user("next"))).collect();
    run_ready_tasks().await;
    store.answer_inserts([
        Ok(()),
        Err(StoreError::Data("a bad row".into())),
        Ok(()),
        Err(StoreError::UnknownOutcome("cut off".into())),
        Err(StoreError::UnknownOutcome("cut off again".into())),
    ]);
    store.release_all_inserts();
    let mut outcomes = vec![first.await.unwrap()];
    for saving in saves {
        outcomes.push(saving.await.unwrap());
    }

    let unavailable = Err(PersistenceError::Unavailable { retry_after: Duration::from_secs(1) });
    let unknown = Err(PersistenceError::UnknownOutcome);
    assert_eq!(outcomes, [Ok(()), Ok(()), unknown, unavailable.clone(), unavailable]);
    assert_eq!(store.calls().batches, [1, 4, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_returned_to_every_caller() {
    let store = FakeStore::new();
    let lost = [unknown("cut off"), unknown("cut off again")];

    let outcomes = outcomes_of_three(&store, lost).await;

    assert_eq!(outcomes, vec![Err(PersistenceError::UnknownOutcome); 3]);
    assert_eq!(store.calls().batches, [1, 3, 3]);
}

fn unknown(why: &str) -> Result<(), StoreError> {
    Err(StoreError::UnknownOutcome(why.into()))
}

/// Returns the outcomes for the callers of a batch of three if the store responds with this result.
async fn outcomes_of_three(
    store: &Arc<FakeStore>,
    answers: impl IntoIterator<Item = Result<(), StoreError>>,
) -> Vec<Result<(), PersistenceError>> {
    let persistence = ready(store).await;
    let first = occupy(&persistence, store).await;
    let saves: Vec<_> = (0..3).map(|_| save(&persistence, plan_of_user("next"))).collect();
    run_ready_tasks().await;
    store.answer_inserts(std::iter::once(Ok(())).chain(answers));
    store.release_all_inserts();
    assert_eq!(first.await.unwrap(), Ok(()));
    let mut outcomes = Vec::new();
    for saving in saves {
        outcomes.push(saving.await.unwrap());
    }
    outcomes
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_unknown_outcome_is_retried_once() {
    let (store, log) = (FakeStore::new(), CapturedLog::start());

    let outcomes = outcomes_of_three(&store, [unknown("cut off")]).await;

    assert_eq!(outcomes, vec![Ok(()); 3]);
    assert_eq!(store.calls().batches, [1, 3, 3]);
    assert_eq!(log.about("database"), ["database initialized", "batch outcome unknown; retrying"]);
    assert_eq!(store.plan_ids().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_finds_no_database_leaves_the_outcome_unknown() {
    for refusal in [StoreError::Unavailable("refused".into()), StoreError::Busy] {
        let store = FakeStore::new();

        let outcomes = outcomes_of_three(&store, [unknown("cut off"), Err(refusal)]).await;

        assert_eq!(outcomes, vec![Err(PersistenceError::UnknownOutcome); 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_retry_is_split() {
    let store = FakeStore::new();
    let refused = || Err(StoreError::Data("a bad row".into()));

    let outcomes = outcomes_of_three(&store, [unknown("cut off"), refused(), Ok(()), refused()]).await;

    assert_eq!(outcomes, [Ok(()), Err(PersistenceError::Refused("a bad row".into())), Ok(())]);
    assert_eq!(store.calls().batches, [1, 3, 3, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_not_retried_after_its_last_deadline() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    store.hold_inserts();
    let saving = save_until(&persistence, plan_of_user("late"), SharedDeadline::new(in_a_second()));
    until("the batch is under way", || store.calls().in_flight == 1).await;

    tokio::time::sleep(Duration::from_secs(1)).await;
    store.answer_inserts([unknown("cut off")]);
    store.release_all_inserts();

    assert_eq!(saving.await.unwrap(), Err(PersistenceError::UnknownOutcome));
    assert_eq!(store.calls().batches, [1]);
}

/// Regression: the caller of such a plan got an unknown outcome.
#[tokio::test(start_paused = true)]
async fn an_expired_plan_is_dropped_and_its_caller_gets_a_timeout() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let first = occupy(&persistence, &store).await;

    let late = save_until(&persistence, plan_of_user("late"), SharedDeadline::new(in_a_second()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    store.release_all_inserts();

    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(late.await.unwrap(), Err(CallError::DeadlineExceeded("persistence").into()));
    assert_eq!(store.calls().batches, [1]);
}

#[tokio::test(start_paused = true)]
async fn an_extended_deadline_of_a_waiting_plan_applies() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let first = occupy(&persistence, &store).await;

    let deadline = SharedDeadline::new(in_a_second());
    let late = save_until(&persistence, plan_of_user("late"), deadline.clone());
    run_ready_tasks().await;
    deadline.extend_to(soon());
    tokio::time::sleep(Duration::from_secs(2)).await;
    store.release_all_inserts();

    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(late.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_all_accepted_plans() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let mut saves = vec![occupy(&persistence, &store).await];
    saves.extend((0..300).map(|_| save(&persistence, plan_of_user("next"))));
    run_ready_tasks().await;

    let flushing = tokio::spawn({
        let persistence = persistence.clone();
        async move { persistence.flush(soon()).await }
    });
    for batch in 1..=2 {
        store.release_inserts(1);
        until("the next batch is under way", || store.insert_count() == batch + 1).await;
        run_ready_tasks().await;
        assert!(!flushing.is_finished());
    }
    store.release_inserts(1);

    assert_eq!(flushing.await.unwrap(), Ok(()));
    assert_eq!(store.plan_ids().len(), 301);
    assert_eq!(persistence.flush(soon()).await, Ok(()));
}

/// Regression: the flush itself needed a permit and was rejected, so a shutdown under full load wrote nothing more.
#[tokio::test(start_paused = true)]
async fn a_flush_needs_no_permit() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let mut saves = vec![occupy(&persistence, &store).await];
    let one = plan_of_user("next");
    saves.extend((1..CAPACITY).map(|_| save(&persistence, one.clone())));
    run_ready_tasks().await;
    let beyond = save(&persistence, one).await.unwrap();

    let flushing = tokio::spawn({
        let persistence = persistence.clone();
        async move { persistence.flush(soon()).await }
    });
    run_ready_tasks().await;
    store.release_all_inserts();

    assert_eq!(beyond, Err(CallError::Overloaded("persistence").into()));
    assert_eq!(flushing.await.unwrap(), Ok(()));
    for saving in saves {
        assert_eq!(saving.await.unwrap(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_ends_at_its_deadline() {
    let store = FakeStore::new();
    let persistence = ready(&store).await;
    let _held = occupy(&persistence, &store).await;

    assert_eq!(persistence.flush(in_a_second()).await, Err(CallError::DeadlineExceeded("persistence")));
}
