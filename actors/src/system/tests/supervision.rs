//! Tests of actors that crash, and of the callers that waited for them.

use std::sync::Arc;

use tokio::time::timeout;

use super::{ACTORS, SECOND, crash, inspection, until_back};
use crate::persistence::PersistenceError;
use crate::planner::{PanicAt, PlanError};
use crate::runtime::mailbox::CallError;
use crate::settings::SettingsTable;
use crate::system::{System, SystemParts};
use crate::testing::{FakeSettings, FakeStore, ask, engine, engine_of, parts, request, run_ready_tasks, soon, until};

const KEYS: [&str; 2] = ["NSE:TCS", "NSE:INFY"];

#[tokio::test(start_paused = true)]
async fn every_crashed_actor_restarts_and_the_next_request_works() {
    let store = FakeStore::new();
    let system = engine(&store).await;

    for name in ACTORS {
        crash(&system, name).await;

        for user in ["a", "b", "c", "d"] {
            let request = request(&format!("{user} after {name}"), &KEYS);
            let planned = ask(&system, &request, soon()).await.unwrap().unwrap();
            assert!(store.plan_ids().contains(&planned.cached.plan.plan_id), "{name}");
        }
    }
    let reports = system.inspect(SECOND).await;

    let mut names: Vec<&str> = reports.iter().map(|report| report.name).collect();
    names.sort_unstable();
    let mut expected = ACTORS;
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert!(reports.iter().all(|report| report.inspection.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_actor_cannot_be_crashed() {
    let system = engine(&FakeStore::new()).await;

    assert!(!system.crash("planner_2"));
    assert!(!system.crash("supervisor"));
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_crashed_planner_are_sent_again_and_answered() {
    let store = FakeStore::new();
    store.allow_batches_in_flight(2);
    let system = engine(&store).await;
    store.hold_inserts();
    let asks: Vec<_> = (0..20).map(|_| ask(&system, &request("u", &KEYS), soon())).collect();
    until("a batch is under way", || store.calls().in_flight == 1).await;

    assert!(system.crash("planner_0") && system.crash("planner_1"));
    tokio::time::sleep(SECOND).await;
    store.release_all_inserts();
    let mut plans = Vec::new();
    for ask in asks {
        plans.push(ask.await.unwrap().unwrap());
    }

    let ids = store.plan_ids();
    // The plan that the crashed planner had sent to the store, and the plan that was returned.
    assert_eq!(ids.len(), 2);
    assert!(plans.iter().all(|planned| ids[1] == planned.cached.plan.plan_id));
    assert_eq!(plans.iter().filter(|planned| !planned.is_reused).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_of_persistence_loses_only_waiting_plans() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    store.hold_inserts();
    let under_way = ask(&system, &request("under way", &KEYS), soon());
    until("a batch is under way", || store.calls().in_flight == 1).await;
    let waiting = ask(&system, &request("waiting", &KEYS), soon());
    run_ready_tasks().await;

    assert!(system.crash("persistence"));
    let waiting = waiting.await.unwrap();
    store.release_all_inserts();
    let under_way = under_way.await.unwrap().unwrap();
    until_back(&system, "persistence").await;

    assert_eq!(store.plan_ids(), [under_way.cached.plan.plan_id.as_str()]);
    assert_eq!(waiting.unwrap_err(), PlanError::NotStored(PersistenceError::UnknownOutcome));
    assert!(ask(&system, &request("waiting", &KEYS), soon()).await.unwrap().is_ok());
}

/// Regression: the batch never reported its end, so the store counted as busy forever.
#[tokio::test(start_paused = true)]
async fn a_panic_in_the_store_fails_the_row_and_no_actor() {
    let store = FakeStore::new();
    let system = engine(&store).await;
    let persistence = system.persistence.actor().unwrap().get_id();

    // More often than the restart limit of the actor.
    for _ in 0..10 {
        store.panic_at_next_insert();
        let failed = ask(&system, &request("u", &KEYS), soon()).await.unwrap().unwrap_err();
        assert!(matches!(failed, PlanError::NotStored(PersistenceError::Refused(_))), "{failed}");
    }
    let next = ask(&system, &request("u", &KEYS), soon()).await.unwrap();

    assert!(!next.unwrap().is_reused);
    assert_eq!(store.plan_ids().len(), 1);
    assert_eq!(system.persistence.actor().unwrap().get_id(), persistence);
}

/// Sends a request that panics at `at` five times, then requests other plans. Returns the errors and the number of
/// planners that were restarted.
async fn five_panics(at: PanicAt) -> (Vec<PlanError>, usize) {
    let system = engine(&FakeStore::new()).await;
    let before = planner_ids(&system);
    system.planners.panic_at_requests_of("bad", at);

    let mut errors = Vec::new();
    for _ in 0..5 {
        errors.push(ask(&system, &request("bad", &KEYS), soon()).await.unwrap().unwrap_err());
    }
    for user in ["a", "b", "c", "d"] {
        assert!(ask(&system, &request(user, &KEYS), soon()).await.unwrap().is_ok(), "{user}");
    }
    let restarted = planner_ids(&system).iter().filter(|id| !before.contains(id)).count();
    (errors, restarted)
}

fn planner_ids(system: &System) -> Vec<impl PartialEq + use<>> {
    system.planners.actors().iter().map(|planner| planner.get_id()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_planning_panics_ends_no_planner() {
    let (errors, restarted) = five_panics(PanicAt::Planning).await;

    assert_eq!(errors, vec![PlanError::Panicked; 5]);
    assert_eq!(restarted, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_crashes_a_planner_is_not_sent_to_another() {
    let (errors, restarted) = five_panics(PanicAt::Handling).await;

    assert_eq!(errors, vec![PlanError::Panicked; 5]);
    assert_eq!(restarted, 1);
}

#[tokio::test(start_paused = true)]
async fn all_callers_of_a_request_that_panics_get_an_error() {
    for at in [PanicAt::Planning, PanicAt::Handling] {
        let system = engine(&FakeStore::new()).await;
        system.planners.panic_at_requests_of("bad", at);

        let asks: Vec<_> = (0..10).map(|_| ask(&system, &request("bad", &KEYS), soon())).collect();

        for ask in asks {
            assert_eq!(ask.await.unwrap().unwrap_err(), PlanError::Panicked, "{at:?}");
        }
    }
}

/// Regression: the fetch never reported its end, so the settings were not fetched again.
#[tokio::test(start_paused = true)]
async fn a_source_of_settings_that_panics_is_retried() {
    let (store, source) = (FakeStore::new(), Arc::<FakeSettings>::default());
    let system = engine_of(SystemParts {
        settings: Arc::clone(&source) as _,
        settings_refresh: Some(5 * SECOND),
        ..parts(&store)
    })
    .await;
    source.panic_once();
    source.set("PLANNER_TIMEOUT", "17");

    tokio::time::sleep(11 * SECOND).await;

    assert_eq!(system.snapshot().unwrap().settings.planner_timeout, 17 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn settings_outlive_a_crash_of_config_and_are_refreshed() {
    let (store, source) = (FakeStore::new(), Arc::<FakeSettings>::default());
    let system = engine_of(SystemParts {
        settings: Arc::clone(&source) as _,
        settings_refresh: Some(5 * SECOND),
        ..parts(&store)
    })
    .await;

    crash(&system, "config").await;
    let after_crash = system.snapshot().unwrap();
    source.set("PLANNER_TIMEOUT", "17");
    tokio::time::sleep(6 * SECOND).await;

    assert_eq!(after_crash.settings, *SettingsTable::default().settings());
    assert_eq!(system.snapshot().unwrap().settings.planner_timeout, 17 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_actor_beyond_its_restart_limit_escalates() {
    let system = engine(&FakeStore::new()).await;

    for _ in 0..5 {
        crash(&system, "cache").await;
    }
    let within_budget = timeout(SECOND, system.escalated()).await.ok();
    assert!(system.crash("cache"));
    let beyond = timeout(SECOND, system.escalated()).await.ok();

    assert_eq!(within_budget, None);
    assert_eq!(beyond, Some("cache"));
    // Later waiters get the escalation too. The other actors keep running, and the crashed one is not restarted.
    assert_eq!(system.escalated().await, "cache");
    assert_eq!(inspection(&system, "cache").await, Err(CallError::Gone("cache")));
    assert!(ask(&system, &request("u", &KEYS), soon()).await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn rare_crashes_of_different_actors_do_not_escalate() {
    let system = engine(&FakeStore::new()).await;

    for _ in 0..4 {
        for name in ACTORS {
            crash(&system, name).await;
        }
    }
    tokio::time::sleep(30 * SECOND).await;
    for _ in 0..12 {
        crash(&system, "cache").await;
        tokio::time::sleep(11 * SECOND).await;
    }

    assert_eq!(timeout(SECOND, system.escalated()).await.ok(), None);
}
