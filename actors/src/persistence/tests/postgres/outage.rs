//! A server that ends sessions, hangs, refuses and comes back.

use std::time::Duration;

use registry_planning::dump::Broker;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::values::load;
use super::{Arc, LIMITS, Limits, PostgresStore, Store, StoreError, TestDatabase, assert_sound, insert, prepared};
use crate::persistence::profiles::{ConflictFilter, ProfileFilter};
use crate::persistence::tests::contract::profiles::{FAIL, creation, own};
use crate::persistence::{PlanFilter, Position};
use crate::testing::plan;
use test_servers::Proxy;

/// Short enough for a test to wait for, long enough for a busy machine. Rested connections are always asked.
const SHORT: Limits = Limits {
    lease: Duration::from_secs(1),
    fresh: Duration::ZERO,
    ping: Duration::from_millis(300),
    statement: Duration::from_millis(300),
    bulk: Duration::from_millis(300),
};

/// The plans, locked so that whoever writes waits.
const LOCK: &str = "begin; lock table instrument_registry.subscription_plans in exclusive mode";

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

fn is_unknown<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::UnknownOutcome(_)))
}

/// Whether a plan is stored, as another session sees it.
async fn is_stored(database: &TestDatabase, plan_id: &str) -> bool {
    let count = format!("select count(*) from instrument_registry.subscription_plans where plan_id = '{plan_id}'");
    database.admin().await.number(&count).await == 1
}

/// What every method that only reads says.
async fn readings(store: &dyn Store) -> Vec<(&'static str, Result<(), StoreError>)> {
    vec![
        ("ping", store.ping().await),
        ("plan", store.plan("plan_").await.map(drop)),
        ("plans", store.plans(&PlanFilter::default(), &Position::Offset(0), 10).await.map(drop)),
        ("count_unexpired", store.count_unexpired(chrono::Utc::now()).await.map(drop)),
        ("catalogue_version", store.catalogue_version().await.map(drop)),
        ("catalogue", store.catalogue().await.map(drop)),
        ("last_load", store.last_load(Broker::Kite).await.map(drop)),
        ("refusals", store.refusals().await.map(drop)),
        ("versions", store.versions(None, 10).await.map(drop)),
        ("diff", store.diff(1, None, 10).await.map(drop)),
        ("profile", store.profile("profile_").await.map(drop)),
        ("profiles", store.profiles(&ProfileFilter::default(), &Position::Offset(0), 10).await.map(drop)),
        ("profile_versions", store.profile_versions("profile_", &Position::Offset(0), 10).await.map(drop)),
        ("audit_entries", store.audit_entries("profile_", &Position::Offset(0), 10).await.map(drop)),
        ("conflicts", store.conflicts(&ConflictFilter::default(), &Position::Offset(0), 10).await.map(drop)),
        ("profile_stats", store.profile_stats(chrono::Utc::now()).await.map(drop)),
        ("expired_profiles", store.expired_profiles(chrono::Utc::now(), 10).await.map(drop)),
    ]
}

/// What every method that writes says.
async fn writings(store: &dyn Store) -> Vec<(&'static str, Result<(), StoreError>)> {
    vec![
        ("insert_plans", store.insert_plans(&[Arc::new(plan("u"))]).await),
        ("delete_plans_before", store.delete_plans_before(chrono::Utc::now(), 10).await.map(drop)),
        ("accept_load", store.accept_load(&load(vec![])).await.map(drop)),
        ("change_profile", store.change_profile(&creation(1, "u", &own(1), FAIL, 10)).await.map(drop)),
        ("delete_audit_before", store.delete_audit_before(chrono::Utc::now(), 10).await.map(drop)),
    ]
}

/// It takes less than a millisecond; 250 is what the breaker counts on.
#[tokio::test]
async fn a_refused_port_is_told_at_once() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let store = PostgresStore::new(&format!("postgres://nobody@127.0.0.1:{port}/nothing")).unwrap();

    let started_at = Instant::now();
    let prepared = store.prepare().await;
    let (readings, writings) = (readings(&store).await, writings(&store).await);
    let took = started_at.elapsed();

    assert!(is_unavailable(&prepared), "{prepared:?}");
    for (method, result) in readings.into_iter().chain(writings) {
        assert!(is_unavailable(&result), "{method}: {result:?}");
    }
    assert!(took < Duration::from_millis(250), "{took:?}");
}

#[tokio::test]
async fn a_session_that_is_ended_in_mid_write_leaves_the_outcome_open_and_the_store_sound() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    let cut_off = plan("cut off");
    insert(&*store, &plan("first")).await.unwrap();
    locker.execute(LOCK).await;

    let writing = tokio::spawn({
        let (store, plan) = (Arc::clone(&store), cut_off.clone());
        async move { insert(&*store, &plan).await }
    });
    admin.until_blocked().await;
    let ended = admin.terminate("wait_event_type = 'Lock'").await;
    let outcome = writing.await.unwrap();
    locker.execute("rollback").await;

    assert_eq!(ended, 1);
    assert!(is_unknown(&outcome), "{outcome:?}");
    assert!(!is_stored(&database, &cut_off.plan_id).await);
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_load_whose_session_is_ended_before_its_commit_is_known_to_be_undone() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    locker.execute("begin; lock table instrument_registry.instruments in exclusive mode").await;

    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.accept_load(&load(registry_planning::demo::rows("2026-11-24".parse().unwrap()))).await }
    });
    admin.until_blocked().await;
    admin.terminate("wait_event_type = 'Lock'").await;
    let outcome = writing.await.unwrap();
    locker.execute("rollback").await;

    assert!(is_unavailable(&outcome), "{outcome:?}");
    assert_eq!(admin.number("select count(*) from instrument_registry.broker_tokens").await, 0);
    assert_eq!(store.catalogue_version().await, Ok(None));
    assert_sound(&store, &database).await;
}

/// Another replica's load may take longer than a statement may.
#[tokio::test]
async fn a_load_waits_for_the_one_before_it() {
    let Some(database) = TestDatabase::new() else { return };
    let limits = Limits { statement: Duration::from_millis(200), ..LIMITS };
    let store = Arc::new(prepared(&database.url(), limits).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    locker.execute("begin; lock table instrument_registry.catalogue_loads in exclusive mode").await;

    let loading: Vec<_> = (0..3)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.accept_load(&load(vec![])).await })
        })
        .collect();
    admin.until_sessions(3, "wait_event_type = 'Lock' and clock_timestamp() - query_start > interval '400 ms'").await;
    let meanwhile = store.catalogue_version().await;
    locker.execute("rollback").await;
    let mut outcomes = Vec::new();
    for load in loading {
        outcomes.push(load.await.unwrap());
    }

    // All were judged as the broker's first one: the others see that they are not.
    let accepted: Vec<i64> = outcomes.iter().filter_map(|outcome| outcome.clone().ok()).collect();
    let overtaken = outcomes.iter().filter(|outcome| **outcome == Err(StoreError::Overtaken)).count();
    assert_eq!((meanwhile, accepted.len(), overtaken), (Ok(None), 1, 2));
    assert_eq!(store.catalogue_version().await, Ok(Some(accepted[0])));
}

#[tokio::test]
async fn a_session_that_is_ended_in_mid_read_makes_the_read_unavailable() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    locker.execute("begin; lock table instrument_registry.subscription_plans in access exclusive mode").await;

    let reading = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.plan("plan_").await }
    });
    admin.until_blocked().await;
    admin.terminate("wait_event_type = 'Lock'").await;
    let outcome = reading.await.unwrap();
    locker.execute("rollback").await;

    assert!(is_unavailable(&outcome), "{outcome:?}");
    assert_sound(&store, &database).await;
}

/// As after a restart of the server.
#[tokio::test]
async fn sessions_that_ended_while_they_rested_are_replaced_without_a_failure() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), SHORT).await;
    let leases = tokio::join!(store.hold(), store.hold(), store.hold());
    drop(leases.0.unwrap().release(Ok(())));
    drop(leases.1.unwrap().release(Ok(())));
    drop(leases.2.unwrap().release(Ok(())));
    let mut admin = database.admin().await;

    let ended = admin.terminate("true").await;
    admin.until_sessions(0, "true").await;

    assert_eq!(ended, 3);
    assert_sound(&store, &database).await;
    admin.until_sessions(1, "true").await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_undone_by_the_server_which_says_so() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), SHORT).await;
    let mut locker = database.admin().await;
    let late = plan("late");
    locker.execute(LOCK).await;

    let outcome = insert(&store, &late).await;
    locker.execute("rollback").await;

    assert!(is_unavailable(&outcome), "{outcome:?}");
    assert!(!is_stored(&database, &late.plan_id).await);
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_only_so_long_and_what_was_sent_stays_open() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let limits = Limits { fresh: LIMITS.fresh, ..SHORT };
    let store = prepared(&database.url_at(&proxy.address()), limits).await;
    let held = plan("held");

    // Connected already: what is sent may arrive later. Not connected: it was never sent.
    store.ping().await.unwrap();
    proxy.freeze();
    let started_at = Instant::now();
    let sent = insert(&store, &held).await;
    let unsent = insert(&store, &plan("unsent")).await;
    let took = started_at.elapsed();
    proxy.thaw();

    assert!(is_unknown(&sent), "{sent:?}");
    assert!(is_unavailable(&unsent), "{unsent:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_server_that_hangs_makes_reads_unavailable() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let limits = Limits { fresh: LIMITS.fresh, ..SHORT };
    let store = prepared(&database.url_at(&proxy.address()), limits).await;

    store.ping().await.unwrap();
    proxy.freeze();
    let read = store.plan("plan_").await;
    proxy.thaw();

    assert!(is_unavailable(&read), "{read:?}");
    assert_sound(&store, &database).await;
}

/// Rested connections that have died silently cost one ping together, not one each.
#[tokio::test]
async fn rested_connections_that_hang_are_all_given_up_at_once() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), SHORT).await;
    let leases = tokio::join!(store.hold(), store.hold(), store.hold());
    drop(leases.0.unwrap().release(Ok(())));
    drop(leases.1.unwrap().release(Ok(())));
    drop(leases.2.unwrap().release(Ok(())));

    proxy.freeze();
    let refused = store.ping().await;
    proxy.thaw();
    let mut admin = database.admin().await;

    assert!(is_unavailable(&refused), "{refused:?}");
    admin.until_sessions(0, "true").await;
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_write_leaves_the_outcome_open() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = Arc::new(prepared(&database.url_at(&proxy.address()), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    let survivor = plan("survivor");
    // The server knows the statement by now: what it waits for the lock with is the whole of it.
    insert(&*store, &plan("first")).await.unwrap();
    locker.execute(LOCK).await;

    let writing = tokio::spawn({
        let (store, plan) = (Arc::clone(&store), survivor.clone());
        async move { insert(&*store, &plan).await }
    });
    admin.until_blocked().await;
    proxy.cut();
    let outcome = writing.await.unwrap();
    locker.execute("commit").await;
    admin.until_sessions(0, "state = 'active'").await;

    assert!(is_unknown(&outcome), "{outcome:?}");
    // The server went on with it: this is why the outcome is unknown and not a failure.
    assert!(is_stored(&database, &survivor.plan_id).await);
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_server_that_only_reads_is_unavailable_for_writes_until_it_writes_again() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let mut admin = database.admin().await;
    let switch = |on: &str| format!("alter database {} set default_transaction_read_only = {on}", database.name());

    admin.execute(&switch("on")).await;
    let refused = insert(&store, &plan("u")).await;
    admin.execute(&switch("off")).await;

    assert!(is_unavailable(&refused), "{refused:?}");
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn callers_beyond_the_last_connection_wait_only_so_long() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), Limits { lease: Duration::from_millis(300), ..LIMITS }).await;
    let mut leases = Vec::new();
    for _ in 0..10 {
        leases.push(store.hold().await.unwrap());
    }

    let beyond = store.ping().await;
    drop(leases);

    assert!(is_unavailable(&beyond), "{beyond:?}");
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn closing_waits_for_what_is_under_way_and_refuses_what_comes_after() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    let last = plan("last");
    locker.execute(LOCK).await;

    let writing = tokio::spawn({
        let (store, plan) = (Arc::clone(&store), last.clone());
        async move { insert(&*store, &plan).await }
    });
    admin.until_blocked().await;
    let closing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.close().await }
    });
    tokio::task::yield_now().await;
    locker.execute("rollback").await;
    closing.await.unwrap();

    assert_eq!(writing.await.unwrap(), Ok(()));
    assert!(is_stored(&database, &last.plan_id).await);
    let refused = store.ping().await;
    assert!(is_unavailable(&refused), "{refused:?}");
    admin.until_sessions(0, "true").await;
}
