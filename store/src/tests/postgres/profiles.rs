//! Changes of profiles by several replicas, by sessions that end in a transaction, and without the service.

use registry_planning::profile::Draft;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use test_servers::Proxy;

use super::cancellation::cancel_everywhere;
use super::{Arc, LIMITS, Store, StoreError, TestDatabase, assert_sound, prepared};
use crate::profiles::{CommandOutcome, ProfileFilter};
use crate::tests::contract::profiles::{
    FAIL, LATEST, active, audited, creation, done, draft, make, own, profile_id, rows,
};
use crate::{Position, ProfileStore, tests::contract};

/// Runs a statement in a session with the role of the stores.
async fn attempt_as_role(database: &TestDatabase, statement: &str) -> Result<u64, String> {
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    let done = connection.execute(AssertSqlSafe(statement.to_owned())).await;
    done.map(|done| done.rows_affected()).map_err(|e| e.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_together_do_not_exceed_the_maximum_of_a_user() {
    let Some(database) = TestDatabase::new() else { return };
    let stores: Vec<Arc<dyn Store>> = (0..2).map(|_| contract::Database::open(&database)).collect();
    for store in &stores {
        store.prepare().await.unwrap();
    }
    for (strategy, first, made) in [(FAIL, 1, 10), (LATEST, 101, 30)] {
        let user = strategy.as_str();

        let making: Vec<_> = (first..first + 30)
            .map(|number: u32| {
                let store = Arc::clone(&stores[number as usize % 2]);
                let creation = creation(number, user, &own(number), strategy, 10);
                tokio::spawn(async move { store.change_profile(&creation).await })
            })
            .collect();
        // Concurrent readers see at most ten too.
        let mut most = 0;
        while making.iter().any(|task| !task.is_finished()) {
            most = most.max(active(&*stores[0], user).await.len());
        }
        let mut count = 0;
        for creation in making {
            match creation.await.unwrap().unwrap() {
                CommandOutcome::Done(_) => count += 1,
                CommandOutcome::Refused(conflicts) => assert_eq!(conflicts.len(), 1),
                other => panic!("{other:?}"),
            }
        }

        assert_eq!(count, made, "{strategy}");
        assert!(most <= 10, "{strategy}: {most}");
        assert_eq!(active(&*stores[1], user).await.len(), 10, "{strategy}");
    }
}

#[tokio::test]
async fn a_change_waits_for_changes_of_its_user_only() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    locker
        .execute("begin; select pg_advisory_xact_lock(hashtextextended('subscription profiles of ' || 'u', 0))")
        .await;

    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.change_profile(&creation(1, "u", &own(1), FAIL, 10)).await }
    });
    admin.until_sessions(1, "query like '%pg_try_advisory_xact_lock%' and state = 'idle in transaction'").await;
    let other = store.change_profile(&creation(2, "v", &own(2), FAIL, 10)).await;
    let is_made = store.profile(&profile_id(1)).await.unwrap().is_some();
    locker.execute("rollback").await;

    done(other);
    assert!(!is_made);
    assert_eq!(done(waiting.await.unwrap()).profile.profile_id, profile_id(1));
}

#[tokio::test]
async fn a_change_that_cannot_get_its_lock_is_busy_not_failed() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let mut locker = database.admin().await;
    locker
        .execute("begin; select pg_advisory_xact_lock(hashtextextended('subscription profiles of ' || 'u', 0))")
        .await;

    let refused = store.change_profile(&creation(1, "u", &own(1), FAIL, 10)).await;
    locker.execute("rollback").await;

    assert_eq!(refused, Err(StoreError::Busy));
    assert_eq!(store.profile(&profile_id(1)).await, Ok(None));
    done(store.change_profile(&creation(1, "u", &own(1), FAIL, 10)).await);
}

#[tokio::test]
async fn an_audit_cutoff_less_than_a_day_ago_is_rejected() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    make(&store, 1, &own(1)).await;

    for cutoff in ["infinity", "now", "yesterday 23:59"] {
        let raise = format!(
            "insert into instrument_registry.audit_retention (cutoff) values (timestamptz '{cutoff}' + interval '1 day')"
        );
        let refused = database.admin().await.attempt(&raise).await;
        assert!(matches!(&refused, Err(why) if why.contains("for a day at least")), "{cutoff}: {refused:?}");
    }
    assert_eq!(audited(&store, 1).await.len(), 1);
}

#[tokio::test]
async fn a_session_closed_before_commit_undoes_a_change() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    // The audit log entry is written after the profile.
    locker.execute("begin; lock table instrument_registry.subscription_audit_log in exclusive mode").await;

    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.change_profile(&creation(1, "u", &own(1), FAIL, 10)).await }
    });
    admin.until_blocked().await;
    admin.terminate("wait_event_type = 'Lock'").await;
    let outcome = writing.await.unwrap();
    locker.execute("rollback").await;

    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!(store.profile(&profile_id(1)).await, Ok(None));
    assert_sound(&store, &database).await;
}

/// A deferred trigger delays the commit.
#[tokio::test]
async fn a_session_closed_at_commit_makes_a_change_unknown() {
    let Some(database) = TestDatabase::new() else { return };
    let store = Arc::new(prepared(&database.url(), LIMITS).await);
    let (mut admin, mut locker) = (database.admin().await, database.admin().await);
    for statement in [
        "create function instrument_registry.wait() returns trigger language plpgsql as \
         'begin perform pg_advisory_xact_lock(7); return null; end'",
        "create constraint trigger wait after insert on instrument_registry.subscription_profiles \
         deferrable initially deferred for each row execute function instrument_registry.wait()",
    ] {
        admin.execute(statement).await;
    }
    locker.execute("begin; select pg_advisory_xact_lock(7)").await;

    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.change_profile(&creation(1, "u", &own(1), FAIL, 10)).await }
    });
    admin.until_blocked().await;
    admin.terminate("wait_event_type = 'Lock' and query = 'commit'").await;
    let outcome = writing.await.unwrap();
    locker.execute("rollback").await;

    assert!(matches!(outcome, Err(StoreError::UnknownOutcome(_))), "{outcome:?}");
    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_canceled_change_is_atomic_and_loses_no_later_write() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let store = prepared(&database.url_at(&proxy.address()), LIMITS).await;
    let number = std::cell::Cell::new(0);

    cancel_everywhere(&database, &store, || {
        number.set(number.get() + 1);
        let (store, creation) = (&store, creation(number.get(), "u", &own(number.get()), FAIL, 1000));
        async move { store.change_profile(&creation).await }
    })
    .await;

    let made = active(&store, "u").await;
    assert!(made.contains(&number.get()), "{made:?}");
    for number in 1..=number.get() {
        let (entries, versions) = (audited(&store, number).await.len(), versions(&store, number).await);
        let expected = usize::from(made.contains(&number));
        assert_eq!(entries, expected, "{number} of {made:?}");
        assert_eq!(versions, expected, "{number} of {made:?}");
    }
}

async fn versions(store: &dyn Store, number: u32) -> usize {
    store.profile_versions(&profile_id(number), &Position::Offset(0), rows(10)).await.unwrap().rows.len()
}

#[tokio::test]
async fn a_text_that_cannot_be_stored_is_rejected_without_traces() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;

    for draft in [Draft { profile_name: "a\0b".into(), ..own(1) }, draft(&["NSE:A\0"])] {
        let refused = store.change_profile(&creation(1, "u", &draft, LATEST, 10)).await;
        assert!(matches!(refused, Err(StoreError::Data(_))), "{refused:?}");
    }

    let all = store.profiles(&ProfileFilter::default(), &Position::Offset(0), 10).await.unwrap();
    assert_eq!(all.items, []);
    assert_sound(&store, &database).await;
}

/// The role owns the tables, so it has the same rights as the service.
#[tokio::test]
async fn a_role_with_the_schema_only_cannot_change_the_audit_log() {
    let Some(database) = TestDatabase::restricted() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    make(&store, 1, &own(1)).await;

    for statement in [
        "update instrument_registry.subscription_audit_log set user_id = 'somebody else'",
        "delete from instrument_registry.subscription_audit_log",
        "truncate instrument_registry.subscription_audit_log",
        "truncate instrument_registry.subscription_audit_log restart identity cascade",
    ] {
        let refused = attempt_as_role(&database, statement).await;
        assert!(matches!(&refused, Err(why) if why.contains("the audit log")), "{statement}: {refused:?}");
    }
    assert_eq!(audited(&store, 1).await.len(), 1);
    assert_eq!(store.delete_audit_before(contract::t0() + chrono::TimeDelta::days(1), 10).await, Ok(1));
}

#[tokio::test]
async fn no_session_can_replace_the_cutoff_of_the_audit_log() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    make(&store, 1, &own(1)).await;

    let tables = "create temporary table audit_retention (cutoff timestamptz); \
                  insert into audit_retention values ('infinity'); \
                  set search_path = pg_temp, instrument_registry; \
                  delete from subscription_audit_log";
    let refused = database.admin().await.attempt(tables).await;

    assert!(matches!(&refused, Err(why) if why.contains("until its retention is over")), "{refused:?}");
    assert_eq!(audited(&store, 1).await.len(), 1);
}
