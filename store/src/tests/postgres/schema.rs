//! The schema and its migrations.

use super::{Arc, LIMITS, PostgresStore, Store, StoreError, TestDatabase, assert_sound, contract, prepared};
use crate::PlanStore;
use crate::testing::plan;

#[tokio::test]
async fn all_objects_are_in_the_schema() {
    let Some(database) = TestDatabase::new() else { return };
    prepared(&database.url(), LIMITS).await;

    let mut admin = database.admin().await;
    let tables = "select relname::text from pg_class \
                  where relnamespace = 'instrument_registry'::regnamespace and relkind = 'r' order by 1";
    let elsewhere = "
        select relname::text from pg_class c join pg_namespace n on n.oid = relnamespace
        where nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'instrument_registry')
        union all
        select proname::text from pg_proc join pg_namespace n on n.oid = pronamespace
        where nspname not in ('pg_catalog', 'information_schema', 'instrument_registry')";
    let functions = "select proname::text from pg_proc where pronamespace = 'instrument_registry'::regnamespace";
    assert_eq!(
        admin.texts(tables).await,
        [
            "_sqlx_migrations",
            "audit_retention",
            "broker_tokens",
            "catalogue_loads",
            "catalogue_refusals",
            "idempotency_keys",
            "ingestion_jobs",
            "instruments",
            "profile_versions",
            "settings_last_good",
            "subscription_audit_log",
            "subscription_conflicts",
            "subscription_plans",
            "subscription_profiles"
        ]
    );
    assert_eq!(admin.texts(functions).await, ["refuse_change_of_audit_log", "refuse_late_cutoff"]);
    assert_eq!(admin.texts(elsewhere).await, [""; 0]);
}

#[tokio::test]
async fn replicas_may_prepare_an_empty_database_at_the_same_time() {
    let Some(database) = TestDatabase::new() else { return };
    let stores: Vec<Arc<dyn Store>> = (0..4).map(|_| contract::Database::open(&database)).collect();

    let preparing: Vec<_> = stores
        .iter()
        .map(|store| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.prepare().await })
        })
        .collect();
    for prepared in preparing {
        assert_eq!(prepared.await.unwrap(), Ok(()));
    }

    for store in stores {
        assert_eq!(store.insert_plans(&[Arc::new(plan("u"))]).await, Ok(()));
    }
    let repeated = "select count(*) - count(distinct version) from instrument_registry._sqlx_migrations";
    assert_eq!(database.admin().await.number(repeated).await, 0);
}

#[tokio::test]
async fn preparing_again_changes_nothing() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let plan = plan("u");
    super::insert(&store, &plan).await.unwrap();

    store.prepare().await.unwrap();

    assert_eq!(store.plan(&plan.plan_id).await, Ok(Some(plan)));
}

#[tokio::test]
async fn a_migration_of_a_newer_release_is_ignored() {
    let Some(database) = TestDatabase::new() else { return };
    prepared(&database.url(), LIMITS).await.close().await;
    let newer = "insert into instrument_registry._sqlx_migrations \
                 values (9999, 'of a newer release', now(), true, 'x', 0)";
    database.admin().await.execute(newer).await;

    let store = prepared(&database.url(), LIMITS).await;

    assert_sound(&store, &database).await;
}

#[tokio::test]
async fn a_changed_migration_fails_and_leaves_no_lock() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let change = |checksum: &str| {
        format!("update instrument_registry._sqlx_migrations set checksum = {checksum} where version = 1")
    };
    let mut admin = database.admin().await;
    let checksum = admin
        .texts("select encode(checksum, 'hex') from instrument_registry._sqlx_migrations where version = 1")
        .await
        .remove(0);

    admin.execute(&change("'x'")).await;
    let refused = store.prepare().await;
    admin.execute(&change(&format!("decode('{checksum}', 'hex')"))).await;

    assert!(
        matches!(&refused, Err(StoreError::Unavailable(why)) if why.starts_with("failed to migrate the database: ")),
        "{refused:?}"
    );
    assert_eq!(store.prepare().await, Ok(()));
}

#[tokio::test]
async fn a_role_that_may_not_create_the_schema_gets_an_error() {
    let Some(database) = TestDatabase::restricted() else { return };
    database.admin().await.execute("drop schema instrument_registry").await;
    let store = PostgresStore::new(&database.url()).unwrap();

    let refused = store.prepare().await;

    assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("permission denied")), "{refused:?}");
}

#[tokio::test]
async fn session_settings_override_those_of_the_role_and_the_url() {
    let Some(database) = TestDatabase::restricted() else { return };
    let mut admin = database.admin().await;
    let role = format!("{}_role", database.name());
    for setting in ["search_path = public", "synchronous_commit = off", "statement_timeout = 0"] {
        admin.execute(&format!("alter role {role} set {setting}")).await;
    }
    let url = format!("{}&options=-c%20statement_timeout%3D1", database.url());

    let store = prepared(&url, LIMITS).await;

    assert_sound(&store, &database).await;
    assert_eq!(
        store.settings(&["search_path", "synchronous_commit", "statement_timeout"]).await,
        ["instrument_registry", "on", "5s"]
    );
}

#[test]
fn an_invalid_url_is_rejected_without_its_password() {
    for url in [
        "",
        "mysql://user:secret@host/db",
        "postgres://user:secret@host:port/db",
        "postgres://user:secret@host/db?sslmode=what",
        "postgres://user:%ff-secret@host/db",
    ] {
        let refused = PostgresStore::new(url).map(|_| ());

        assert!(
            matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("URL") && !why.contains("secret")),
            "{url}: {refused:?}"
        );
    }
}
