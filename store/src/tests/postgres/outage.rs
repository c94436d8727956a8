//! A server that ends sessions, hangs, refuses connections and recovers.

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::future::BoxFuture;
use registry_planning::vocabulary::Broker;
use test_servers::Proxy;
use tokio::net::TcpListener;

use super::values::load;
use super::{
    Arc, CONNECTIONS_MAX, LIMITS, Limits, PostgresStore, Store, StoreError, TestDatabase, assert_sound, insert,
    prepared,
};
use crate::background::Priority;
use crate::jobs::Job;
use crate::profiles::{ConflictFilter, ProfileFilter};
use crate::testing::plan_of_user;
use crate::tests::contract::jobs::queued;
use crate::tests::contract::profiles::{FAIL, creation, own, rows};
use crate::{CatalogueStore, JobStore, LastGoodSettings, PlanFilter, PlanStore, Position};

/// Short enough for a test, long enough for a busy machine. Idle connections are always pinged.
const SHORT: Limits = Limits {
    lease: Duration::from_secs(1),
    fresh: Duration::ZERO,
    ping: Duration::from_millis(300),
    statement: Duration::from_millis(300),
    bulk: Duration::from_millis(300),
};

/// Locks the table of plans, so that writers wait.
const LOCK: &str = "begin; lock table instrument_registry.subscription_plans in exclusive mode";

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

/// Whether the reason is that nobody listens, and not that nobody responded in time.
fn is_refused<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(why)) if why.contains("refused"))
}

fn is_unknown<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::UnknownOutcome(_)))
}

/// Returns whether another session sees a plan.
async fn is_stored(database: &TestDatabase, plan_id: &str) -> bool {
    let count = format!("select count(*) from instrument_registry.subscription_plans where plan_id = '{plan_id}'");
    database.admin().await.number(&count).await == 1
}

/// A method and its call, which starts when it is awaited.
type MethodCall<'a> = (&'static str, BoxFuture<'a, Result<(), StoreError>>);

fn call<'a, T>(method: &'static str, work: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> MethodCall<'a> {
    (method, Box::pin(async move { work.await.map(drop) }))
}

/// Returns every method that only reads.
fn readings(store: &dyn Store) -> Vec<MethodCall<'_>> {
    const START: &Position = &Position::Offset(0);
    static KEYS: LazyLock<[String; 1]> = LazyLock::new(|| ["1".to_owned()]);
    let keys: &[String] = &*KEYS;
    vec![
        call("ping", store.ping()),
        call("plan", store.plan("plan_")),
        call("plans", async move { store.plans(&PlanFilter::default(), START, 10).await }),
        call("count_unexpired", store.count_unexpired(chrono::Utc::now())),
        call("catalogue_version", store.catalogue_version()),
        call("catalogue", store.catalogue(Priority::Normal)),
        call("last_load", store.last_load(Broker::Kite)),
        call("rejected_files", store.rejected_files()),
        call("versions", store.versions(None, 10)),
        call("diff", store.diff(1, None, 10)),
        call("last_good", store.last_good()),
        call("job", store.job("job_")),
        call("profile", store.profile("profile_")),
        call("profiles", async move { store.profiles(&ProfileFilter::default(), START, 10).await }),
        call("whole_profiles", async move { store.whole_profiles(&ProfileFilter::default(), START, rows(10)).await }),
        call("whole_profiles_of", async move { store.whole_profiles_of(&ProfileFilter::default(), keys).await }),
        call("profile_versions", store.profile_versions("profile_", START, rows(10))),
        call("profile_versions_of", store.profile_versions_of("profile_", keys)),
        call("audit_entries", store.audit_entries("profile_", START, rows(10))),
        call("audit_entries_of", store.audit_entries_of("profile_", keys)),
        call("conflicts", async move { store.conflicts(&ConflictFilter::default(), START, rows(10)).await }),
        call("conflicts_of", async move { store.conflicts_of(&ConflictFilter::default(), keys).await }),
        call("profile_stats", store.profile_stats(chrono::Utc::now())),
        call("expired_profiles", store.expired_profiles(chrono::Utc::now(), 10)),
    ]
}

/// Returns every method that writes and may be retried, completely or until its transaction is open.
fn idempotent_writings<'a>(store: &'a dyn Store, job: &'a Job) -> Vec<MethodCall<'a>> {
    vec![
        call("delete_plans_before", store.delete_plans_before(chrono::Utc::now(), 10)),
        call("accept_load", async move { store.accept_load(&load(vec![])).await }),
        call("change_profile", async move { store.change_profile(&creation(1, "u", &own(1), FAIL, 10)).await }),
        call("delete_audit_before", store.delete_audit_before(chrono::Utc::now() - chrono::TimeDelta::days(30), 10)),
        call("save_last_good", async move { store.save_last_good(&LastGoodSettings::new()).await }),
        call("create_job", store.create_job(job)),
        call("save_job", store.save_job(job)),
        call("cancel_job", store.cancel_job(&job.job_id)),
        call("fail_stale_jobs", store.fail_stale_jobs(Duration::from_secs(3600))),
    ]
}

/// A refusal takes less than a millisecond, because no call waits for a timeout.
#[tokio::test]
async fn a_refused_connection_is_reported_without_a_timeout() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let store = PostgresStore::new(&format!("postgres://nobody@127.0.0.1:{port}/nothing")).unwrap();

    let prepared = store.prepare().await;
    let job = queued("job_1");
    let insert = call("insert_plans", async { insert(&store, &plan_of_user("u")).await });
    for (method, call) in readings(&store).into_iter().chain(idempotent_writings(&store, &job)).chain([insert]) {
        let result = call.await;
        assert!(is_refused(&result), "{method}: {result:?}");
    }

    assert!(is_refused(&prepared), "{prepared:?}");
}

#[tokio::test]
async fn a_session_closed_during_a_write_makes_it_unknown() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    let cut_off = plan_of_user("cut off");
    insert(&*store, &plan_of_user("first")).await.unwrap();
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
async fn a_session_closed_before_commit_undoes_a_load() {
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

/// A load of another replica may take longer than the timeout of a statement.
#[tokio::test]
async fn a_load_waits_for_the_previous_one() {
    let Some(database) = TestDatabase::new() else { return };
    let limits = Limits { statement: Duration::from_secs(2), ..LIMITS };
    let store = Arc::new(prepared(&database.url(), limits).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    locker.execute("begin; lock table instrument_registry.catalogue_loads in exclusive mode").await;

    let loading: Vec<_> = (0..3)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.accept_load(&load(vec![])).await })
        })
        .collect();
    admin.until_sessions(3, "wait_event_type = 'Lock' and clock_timestamp() - query_start > interval '2100 ms'").await;
    let meanwhile = store.catalogue_version().await;
    locker.execute("rollback").await;
    let mut outcomes = Vec::new();
    for load in loading {
        outcomes.push(load.await.unwrap());
    }

    // All were checked as the broker's first load: the others notice that they are not.
    let accepted: Vec<i64> = outcomes.iter().filter_map(|outcome| outcome.clone().ok()).collect();
    let overtaken = outcomes.iter().filter(|outcome| **outcome == Err(StoreError::Overtaken)).count();
    assert_eq!(meanwhile, Ok(None));
    assert_eq!(accepted.len(), 1);
    assert_eq!(overtaken, 2);
    assert_eq!(store.catalogue_version().await, Ok(Some(accepted[0])));
}

/// Idle connections are never pinged.
const TRUSTING: Limits = Limits { fresh: Duration::from_secs(3600), ..LIMITS };

/// Leaves a store with only idle connections, which the server has closed.
async fn rest_on_dead_connections(store: &PostgresStore, database: &TestDatabase) {
    let leases = tokio::join!(store.hold(), store.hold(), store.hold());
    for lease in [leases.0, leases.1, leases.2] {
        lease.unwrap().release(Ok(())).unwrap();
    }
    let mut admin = database.admin().await;
    admin.terminate("true").await;
    admin.until_sessions(0, "true").await;
}

/// The first attempt fails with an unknown outcome; the writer of a batch retries it.
#[tokio::test]
async fn no_older_connection_is_used_after_a_loss() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), TRUSTING).await;
    rest_on_dead_connections(&store, &database).await;
    let plan = plan_of_user("u");

    let lost = insert(&store, &plan).await;
    let retried = insert(&store, &plan).await;

    assert!(is_unknown(&lost), "{lost:?}");
    assert_eq!(retried, Ok(()));
    assert!(is_stored(&database, &plan.plan_id).await);
}

#[tokio::test]
async fn dead_connections_do_not_delay_other_calls() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), TRUSTING).await;
    let job = queued("job_1");

    for (method, call) in readings(&store).into_iter().chain(idempotent_writings(&store, &job)) {
        rest_on_dead_connections(&store, &database).await;
        assert_eq!(call.await, Ok(()), "{method}");
    }
    let kept = store.job(&job.job_id).await;
    assert!(kept.is_ok_and(|kept| kept.is_some()), "the job was created");
}

#[tokio::test]
async fn a_read_whose_session_is_closed_is_retried() {
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
    admin.until_blocked().await;
    locker.execute("rollback").await;

    assert_eq!(reading.await.unwrap(), Ok(None));
}

#[tokio::test]
async fn a_cleanup_whose_session_is_closed_is_retried() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    insert(&*store, &plan_of_user("old")).await.unwrap();
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    locker.execute(LOCK).await;

    let deleting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.delete_plans_before(chrono::Utc::now() + chrono::TimeDelta::days(1), 10).await }
    });
    admin.until_blocked().await;
    admin.terminate("wait_event_type = 'Lock'").await;
    admin.until_blocked().await;
    locker.execute("rollback").await;

    assert_eq!(deleting.await.unwrap(), Ok(1));
}

#[tokio::test]
async fn a_session_closed_in_two_reads_is_unavailable() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    locker.execute("begin; lock table instrument_registry.subscription_plans in access exclusive mode").await;

    let reading = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.plan("plan_").await }
    });
    for _attempt in 0..2 {
        admin.until_blocked().await;
        admin.terminate("wait_event_type = 'Lock'").await;
    }
    let outcome = reading.await.unwrap();
    locker.execute("rollback").await;

    assert!(is_unavailable(&outcome), "{outcome:?}");
    assert_sound(&store, &database).await;
}

/// A restart of the server closes the sessions like this.
#[tokio::test]
async fn closed_idle_sessions_are_replaced_without_an_error() {
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
async fn a_statement_timeout_of_the_server_undoes_the_statement() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), SHORT).await;
    let mut locker = database.admin().await;
    let late = plan_of_user("late");
    locker.execute(LOCK).await;

    let outcome = insert(&store, &late).await;
    locker.execute("rollback").await;

    assert!(is_unavailable(&outcome), "{outcome:?}");
    assert!(!is_stored(&database, &late.plan_id).await);
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_write_to_a_hanging_server_times_out_as_unknown() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let limits = Limits { fresh: LIMITS.fresh, ..SHORT };
    let store = prepared(&database.url_at(&proxy.address()), limits).await;
    let held = plan_of_user("held");

    // On an open connection the statement may arrive later. Without a connection it was never sent.
    store.ping().await.unwrap();
    proxy.freeze();
    let sent = insert(&store, &held).await;
    let unsent = insert(&store, &plan_of_user("unsent")).await;
    proxy.thaw();

    assert!(is_unknown(&sent), "{sent:?}");
    assert!(is_unavailable(&unsent), "{unsent:?}");
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

/// Dead idle connections cost one ping in total, not one each.
#[tokio::test]
async fn hanging_idle_connections_are_all_discarded_at_once() {
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
async fn a_connection_that_breaks_during_a_write_is_unknown() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = Arc::new(prepared(&database.url_at(&proxy.address()), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    let survivor = plan_of_user("survivor");
    // The server has prepared the statement, so only its execution waits for the lock.
    insert(&*store, &plan_of_user("first")).await.unwrap();
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
    // The server completed it: the outcome is unknown, not a failure.
    assert!(is_stored(&database, &survivor.plan_id).await);
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_read_only_server_is_unavailable_for_writes_meanwhile() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let mut admin = database.admin().await;
    let switch = |on: &str| format!("alter database {} set default_transaction_read_only = {on}", database.name());

    admin.execute(&switch("on")).await;
    let refused = insert(&store, &plan_of_user("u")).await;
    admin.execute(&switch("off")).await;

    assert!(is_unavailable(&refused), "{refused:?}");
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn callers_without_a_connection_wait_for_a_limited_time() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), Limits { lease: Duration::from_secs(1), ..LIMITS }).await;
    let mut leases = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        leases.push(store.hold().await.unwrap());
    }

    let beyond = store.ping().await;
    drop(leases);

    assert!(is_unavailable(&beyond), "{beyond:?}");
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn closing_waits_for_calls_and_rejects_later_ones() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    let last = plan_of_user("last");
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
