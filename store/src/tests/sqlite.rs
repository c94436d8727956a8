//! The contract on SQLite, and tests of faults that only SQLite can have.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use registry_planning::dump::Row;
use registry_planning::plan::PlanStatus;
use registry_planning::vocabulary::{Broker, SubscriptionType};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor};
use tempfile::TempDir;

use super::contract::catalogue::{compared_load, offer_of};
use super::contract::profiles::{audited, make, own};
use super::contract::{Database, contract, prepared, t0};
use crate::background::Priority;
use crate::sql::plans::plans;
use crate::sqlite::SqliteStore;
use crate::testing::{equity, plan_of_user};
use crate::{PlanFilter, Position, Store, StoreError};

/// The statement of the release before plans could be documents.
const READ_OF_PREVIOUS_RELEASE: &str = "select plan_id, user_id, plan_name, description, subscription_type, status, \
    optimization_level, filtering_strictness, instruments, estimated_cost, performance_metrics, validation_results, \
    rejected, metadata, cache_key, created_at, expires_at \
    from subscription_plans where plan_id in (select value from json_each(?))";

struct DatabaseFile {
    folder: TempDir,
}

impl DatabaseFile {
    fn new() -> Self {
        DatabaseFile { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("folder made by the store/registry.db")
    }

    /// Opens a separate connection, like another process.
    async fn connect(&self) -> SqliteConnection {
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(self.path())).await.unwrap()
    }
}

#[tokio::test]
async fn examining_creates_and_migrates_nothing() {
    let file = DatabaseFile::new();
    let missing = SqliteStore::examine(&file.path()).await;
    assert!(matches!(missing, Err(StoreError::Unavailable(_))), "{missing:?}");
    std::fs::create_dir_all(file.path().parent().unwrap()).unwrap();
    std::fs::write(file.path(), "").unwrap();

    let empty = SqliteStore::examine(&file.path()).await.unwrap();
    assert_eq!(empty.pending, empty.migrations);
    assert_eq!(std::fs::metadata(file.path()).unwrap().len(), 0);

    let store = SqliteStore::new(&file.path());
    store.prepare().await.unwrap();
    let current = SqliteStore::examine(&file.path()).await.unwrap();
    assert_eq!(current.pending, 0);
    assert!(current.server.starts_with("SQLite 3."), "{}", current.server);

    let later = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
                 values (99999999999999, 'of a later release', true, x'00', 0)";
    file.connect().await.execute(later).await.unwrap();
    assert_eq!(SqliteStore::examine(&file.path()).await.unwrap().unknown, 1);
    store.close().await;
}

#[async_trait]
impl Database for DatabaseFile {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::with_busy_timeout(&self.path(), Duration::from_millis(500)))
    }

    fn open_writing_documents(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::new(&self.path()).writing_documents())
    }

    fn read_of_previous_release(&self, plan_id: &str) -> String {
        READ_OF_PREVIOUS_RELEASE.replace('?', &format!("'[\"{plan_id}\"]'"))
    }

    async fn refuse_bad(&self) {
        let trigger = "create trigger refuse_bad before insert on subscription_plans when new.user_id = 'bad' \
                       begin select raise(abort, 'fault injected by a test'); end";
        self.connect().await.execute(trigger).await.unwrap();
        let trigger = "create trigger refuse_bad_token before insert on broker_tokens when new.symbol = 'BAD' \
                       begin select raise(abort, 'fault injected by a test'); end";
        self.connect().await.execute(trigger).await.unwrap();
    }

    async fn forget_archives(&self) {
        self.connect().await.execute("update catalogue_loads set archive = null").await.unwrap();
    }

    async fn archives(&self) -> i64 {
        let count = sqlx::query_scalar("select count(archive) from catalogue_loads");
        count.fetch_one(&mut self.connect().await).await.unwrap()
    }

    async fn updated(&self, table: &str) -> Vec<String> {
        let t0 = t0().timestamp_millis();
        let rows = format!(
            "select exchange || ':' || symbol || ' ' || ((last_updated - {t0}) / 1000) from {table} order by 1 limit 100"
        );
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(rows));
        rows.fetch_all(&mut self.connect().await).await.unwrap()
    }

    async fn texts(&self, query: &str) -> Vec<String> {
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()));
        query.fetch_all(&mut self.connect().await).await.unwrap()
    }

    async fn attempt(&self, statement: &str) -> Result<u64, String> {
        let done = self.connect().await.execute(sqlx::AssertSqlSafe(statement.to_owned())).await;
        done.map(|done| done.rows_affected()).map_err(|e| e.to_string())
    }
}

fn file() -> Option<DatabaseFile> {
    Some(DatabaseFile::new())
}

contract!(file);

#[tokio::test]
async fn a_locked_file_is_readable_but_unavailable_for_writes() {
    let file = DatabaseFile::new();
    let store = prepared(&file).await;
    let (first, second) = (Arc::new(plan_of_user("u")), Arc::new(plan_of_user("u")));
    store.insert_plans(&[Arc::clone(&first)]).await.unwrap();
    let mut other = file.connect().await;
    other.execute("begin exclusive").await.unwrap();

    let refused = store.insert_plans(&[Arc::clone(&second)]).await;
    let read = store.plan(&first.plan_id).await;
    other.execute("rollback").await.unwrap();
    let accepted = store.insert_plans(&[Arc::clone(&second)]).await;

    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(read, Ok(Some((*first).clone())));
    assert_eq!(accepted, Ok(()));
    assert_eq!(store.plan(&second.plan_id).await, Ok(Some((*second).clone())));
}

#[tokio::test]
async fn a_locked_new_file_is_prepared_after_it_is_unlocked() {
    let file = DatabaseFile::new();
    std::fs::create_dir_all(file.path().parent().unwrap()).unwrap();
    std::fs::write(file.path(), "").unwrap();
    let mut other = file.connect().await;
    other.execute("begin exclusive").await.unwrap();
    let store = file.open();

    let refused = store.prepare().await;
    other.execute("rollback").await.unwrap();

    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(store.prepare().await, Ok(()));
    assert_eq!(store.insert_plans(&[Arc::new(plan_of_user("u"))]).await, Ok(()));
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_unavailable() {
    let file = DatabaseFile::new();
    std::fs::create_dir_all(file.path().parent().unwrap()).unwrap();
    std::fs::write(file.path(), "this is a text and no database, ".repeat(100)).unwrap();

    let prepared = file.open().prepare().await;

    assert!(matches!(prepared, Err(StoreError::Unavailable(_))), "{prepared:?}");
    let text = prepared.unwrap_err().to_string();
    assert!(text.starts_with(&format!("failed to open {} (DATA_DIR): ", file.path().display())), "{text}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_created_is_unavailable() {
    let file = DatabaseFile::new();
    std::fs::write(file.path().parent().unwrap(), "a file where the folder should be").unwrap();

    let prepared = file.open().prepare().await;

    assert!(matches!(prepared, Err(StoreError::Unavailable(_))), "{prepared:?}");
}

#[tokio::test]
async fn an_invalid_row_is_an_error_with_the_name_of_its_column() {
    let file = DatabaseFile::new();
    let store = prepared(&file).await;
    let mut other = file.connect().await;

    for (column, value) in [
        ("document", "{}"),
        ("metadata", "{}"),
        ("rejected", "["),
        ("cache_key", "xyz"),
        ("optimization_level", "extreme"),
    ] {
        let plan = plan_of_user("u");
        store.insert_plans(&[Arc::new(plan.clone())]).await.unwrap();
        let update = format!("update subscription_plans set {column} = '{value}' where plan_id = '{}'", plan.plan_id);
        other.execute(sqlx::AssertSqlSafe(update)).await.unwrap();

        let read = store.plan(&plan.plan_id).await;

        assert!(matches!(&read, Err(StoreError::Data(why)) if why.contains(column)), "{column}: {read:?}");
    }
}

#[tokio::test]
async fn preparing_again_changes_nothing() {
    let file = DatabaseFile::new();
    let store = prepared(&file).await;
    let plan = plan_of_user("u");
    store.insert_plans(&[Arc::new(plan.clone())]).await.unwrap();

    store.prepare().await.unwrap();

    assert_eq!(store.plan(&plan.plan_id).await, Ok(Some(plan)));
}

#[tokio::test]
async fn a_migration_of_a_newer_release_is_ignored() {
    let file = DatabaseFile::new();
    let store = prepared(&file).await;
    file.attempt("insert into _sqlx_migrations values (9999, 'of a newer release', 0, true, x'00', 0)").await.unwrap();

    assert_eq!(store.prepare().await, Ok(()));
}

/// Each load merges with the loads at its start, so the second one has to merge again.
#[tokio::test]
async fn concurrent_files_of_two_brokers_are_merged() {
    let file = DatabaseFile::new();
    let (first, second) = (prepared(&file).await, prepared(&file).await);
    let share = equity("NSE", "TCS", "INE467B01029");
    let bare = Row { name: String::new(), isin: None, ..share.clone() };
    let kite = compared_load(&*first, offer_of(Broker::Kite, vec![bare])).await;
    let upstox = compared_load(&*second, offer_of(Broker::Upstox, vec![share])).await;

    let accepted = tokio::join!(first.accept_load(&kite), second.accept_load(&upstox));

    let archived = first.catalogue(Priority::Normal).await.unwrap().unwrap();
    file.forget_archives().await;
    let from_tables = first.catalogue(Priority::Normal).await.unwrap().unwrap();
    assert_eq!(archived.version, accepted.0.unwrap().max(accepted.1.unwrap()));
    assert_eq!(archived.catalogue.token_counts(), [(Broker::Kite, 1), (Broker::Upstox, 1)].into());
    let share = from_tables.catalogue.get(from_tables.catalogue.find("NSE:TCS").unwrap());
    assert_eq!(share.isin(), Some("INE467B01029"));
    assert_eq!(share.name(), "TCS");
}

/// The statement deletes the conflicting row without firing a delete trigger.
#[tokio::test]
async fn replacing_an_audit_log_entry_is_rejected() {
    let file = DatabaseFile::new();
    let store = prepared(&file).await;
    make(&*store, 1, &own(1)).await;

    let replaced =
        file.attempt("insert or replace into subscription_audit_log select * from subscription_audit_log").await;

    assert!(matches!(&replaced, Err(why) if why.contains("append-only")), "{replaced:?}");
    assert_eq!(audited(&*store, 1).await.len(), 1);
}

/// Covers the lists with their filters, and the periodic queries.
#[tokio::test]
async fn queries_of_profiles_use_indexes() {
    let file = DatabaseFile::new();
    prepared(&file).await;
    let mut connection = file.connect().await;

    for (statement, index) in [
        ("subscription_profiles where user_id = ? and profile_id < ? order by profile_id desc", "by_user"),
        ("subscription_profiles where user_id = ? and is_active = 1 and profile_id <> ?", "active_by_user"),
        ("subscription_profiles where subscription_type = ? order by profile_id desc", "by_type"),
        ("subscription_profiles where is_active = 1 order by profile_id desc", "active"),
        ("subscription_profiles where is_active = 0 order by profile_id desc", "inactive"),
        (
            "subscription_profiles where is_active = 1 and expires_at is not null and expires_at <= ? order by expires_at",
            "by_expiry",
        ),
        ("subscription_conflicts where user_id = ? order by conflict_id desc", "by_user"),
        ("subscription_conflicts where user_id = ? and status = 'pending' order by conflict_id desc", "pending"),
        (
            "subscription_conflicts where user_id = ? and status = 'failed' and status <> 'pending' \
             order by conflict_id desc",
            "ended",
        ),
        ("subscription_conflicts where user_id = ? and conflict_type = ? order by conflict_id desc", "by_type"),
        ("subscription_audit_log where profile_id = ? and audit_id < ? order by audit_id desc", "by_profile"),
        ("subscription_audit_log where created_at < ? order by created_at", "by_time"),
    ] {
        let table = statement.split(' ').next().unwrap();
        let explain = sqlx::AssertSqlSafe(format!("explain query plan select * from {statement} limit 10"));
        let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();

        let [(.., step)] = &steps[..] else { panic!("{statement}: {steps:?}") };
        let (_, used) = step.split_once(" USING INDEX ").unwrap_or_else(|| panic!("{statement}: {step}"));
        assert_eq!(used.split(' ').next(), Some(&*format!("{table}_{index}")), "{statement}");
    }
}

/// Covers the statements of the lists as they are sent.
#[tokio::test]
async fn lists_of_plans_use_indexes() {
    let file = DatabaseFile::new();
    prepared(&file).await;
    let mut connection = file.connect().await;
    let all = PlanFilter::default();

    for (filter, index) in [
        (all.clone(), "sqlite_autoindex_subscription_plans_1"),
        (PlanFilter { user_id: Some("u".into()), ..all.clone() }, "subscription_plans_by_user"),
        (
            PlanFilter { user_id: Some("u".into()), subscription_type: Some(SubscriptionType::Alerts), ..all.clone() },
            "subscription_plans_by_user",
        ),
        (PlanFilter { subscription_type: Some(SubscriptionType::Alerts), ..all.clone() }, "subscription_plans_by_type"),
        (PlanFilter { status: Some(PlanStatus::Draft), ..all.clone() }, "subscription_plans_by_rare_status"),
        (PlanFilter { profile_id: Some("p".into()), ..all.clone() }, "subscription_plans_by_profile"),
    ] {
        let list = plans::<Sqlite>(&filter).rows::<Sqlite>(&Position::Offset(0), 10);
        let explain = sqlx::AssertSqlSafe(format!("explain query plan {}", list.into_string()));
        let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();

        let [(.., step)] = &steps[..] else { panic!("{filter:?}: {steps:?}") };
        let (_, used) = step.split_once(" USING INDEX ").unwrap_or_else(|| panic!("{filter:?}: {step}"));
        assert_eq!(used.split(' ').next(), Some(index), "{filter:?}");
    }
}
