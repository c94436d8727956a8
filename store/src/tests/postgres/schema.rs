//! The schema and its migrations.

use registry_planning::plan::PlanStatus;
use registry_planning::vocabulary::SubscriptionType;
use sqlx::Postgres;

use super::{Arc, LIMITS, PostgresStore, Store, StoreError, TestDatabase, assert_sound, contract, prepared};
use crate::sql::plans::plans;
use crate::testing::plan_of_user;
use crate::{PlanFilter, PlanStore, Position};

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
            "calendar_loads",
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
        assert_eq!(store.insert_plans(&[Arc::new(plan_of_user("u"))]).await, Ok(()));
    }
    let repeated = "select count(*) - count(distinct version) from instrument_registry._sqlx_migrations";
    assert_eq!(database.admin().await.number(repeated).await, 0);
}

#[tokio::test]
async fn preparing_again_changes_nothing() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let plan = plan_of_user("u");
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

/// An index that is built concurrently stays, invalid, if its migration is interrupted.
#[tokio::test]
async fn an_incomplete_index_is_built_again() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    let mut admin = database.admin().await;
    let index = "'instrument_registry.subscription_plans_by_type'::regclass";
    admin.execute(&format!("update pg_index set indisvalid = false where indexrelid = {index}")).await;
    admin.execute("delete from instrument_registry._sqlx_migrations where version = 9").await;

    assert_eq!(store.prepare().await, Ok(()));

    let valid = format!("select count(*) from pg_index where indexrelid = {index} and indisvalid");
    assert_eq!(admin.number(&valid).await, 1);
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

/// Covers the statements of the lists as they are sent, with a value that few of many plans have.
#[tokio::test]
async fn lists_of_plans_use_indexes() {
    let Some(database) = TestDatabase::new() else { return };
    let store = prepared(&database.url(), LIMITS).await;
    super::insert(&store, &plan_of_user("u")).await.unwrap();
    let mut admin = database.admin().await;
    admin.execute("set search_path = instrument_registry").await;
    let many = "
        insert into subscription_plans
        select (jsonb_populate_record(plan, jsonb_build_object('plan_id', 'plan_' || lpad(n::text, 32, '0')) ||
            case
                when n % 300 = 0
                then '{\"user_id\": \"few\", \"profile_id\": \"few\", \"subscription_type\": \"alerts\", \"status\": \"draft\"}'
                else '{}'
            end::jsonb)).*
        from subscription_plans as plan, generate_series(1, 3000) as n";
    admin.execute(many).await;
    admin.execute("analyze subscription_plans").await;
    let all = PlanFilter::default();
    let few = || Some("few".to_owned());

    for (filter, index) in [
        (all.clone(), "subscription_plans_pkey"),
        (PlanFilter { user_id: few(), ..all.clone() }, "subscription_plans_by_user"),
        (PlanFilter { subscription_type: Some(SubscriptionType::Alerts), ..all.clone() }, "subscription_plans_by_type"),
        (PlanFilter { status: Some(PlanStatus::Draft), ..all.clone() }, "subscription_plans_by_rare_status"),
        (PlanFilter { profile_id: few(), ..all.clone() }, "subscription_plans_by_profile"),
    ] {
        let list = plans::<Postgres>(&filter).rows::<Postgres>(&Position::Offset(0), 10).into_string();
        let (list, _) = list.split_once(" limit ").unwrap();
        let explain = format!("explain {} limit 11", list.replace("$1", "'few'"));
        let steps = admin.texts(&explain).await.join("\n");

        let scan = format!(" using {index} ");
        assert!(steps.contains(&scan), "{filter:?}: {steps}");
    }
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
