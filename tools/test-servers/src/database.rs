//! Databases on the PostgreSQL server of `REGISTRY_TEST_DATABASE_URL`, one per test. The URL's role must be a
//! superuser, and the server must listen on TCP.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{SOON, missing};

/// A database of one test, which is dropped at its end.
pub struct TestDatabase {
    server: Url,
    name: String,
    /// The role of the stores, if it is not the superuser.
    role: Option<String>,
}

/// The parts of `postgres://user@host/path?query`.
#[derive(Clone)]
struct Url {
    user: String,
    host: String,
    database: String,
    query: String,
}

impl Url {
    fn parse(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, "postgres"));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("postgres", authority));
        let text = str::to_owned;
        Some(Url { user: text(user), host: text(host), database: text(database), query: text(query) })
    }

    fn text(&self) -> String {
        format!("postgres://{}@{}/{}?{}", self.user, self.host, self.database, self.query)
    }
}

impl TestDatabase {
    /// Creates an empty database. Without a server it prints a line to standard error and returns `None`.
    pub fn new() -> Option<Self> {
        let Ok(url) = std::env::var("REGISTRY_TEST_DATABASE_URL") else {
            missing("REGISTRY_TEST_DATABASE_URL is not set; the PostgreSQL test did not run");
            return None;
        };
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("registry_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let server = Url::parse(&url).expect("REGISTRY_TEST_DATABASE_URL is a URL");
        let sql = format!("create database {name}");
        apart(&server.text(), &[sql]);
        Some(TestDatabase { server, name, role: None })
    }

    /// Creates a database with the schema, and a role for the stores that can use only this schema.
    pub fn restricted() -> Option<Self> {
        let mut database = Self::new()?;
        let (name, role) = (database.name.clone(), format!("{}_role", database.name));
        let grants = [
            format!("create role {role} login password 'test'"),
            format!("revoke all on database {name} from public"),
            format!("grant connect on database {name} to {role}"),
            "revoke all on schema public from public".to_owned(),
            "create schema instrument_registry".to_owned(),
            format!("grant usage, create on schema instrument_registry to {role}"),
        ];
        apart(&database.admin_url(), &grants);
        database.role = Some(role);
        Some(database)
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL for stores.
    pub fn url(&self) -> String {
        self.url_at(&self.server.host)
    }

    /// The URL for stores that connect to another address, such as a proxy's.
    pub fn url_at(&self, address: &str) -> String {
        let user = self.role.as_ref().map_or(self.server.user.clone(), |role| format!("{role}:test"));
        Url { user, host: address.to_owned(), database: self.name.clone(), ..self.server.clone() }.text()
    }

    /// The server's host and port.
    pub fn address(&self) -> String {
        let host = &self.server.host;
        if host.contains(':') { host.clone() } else { format!("{host}:5432") }
    }

    fn admin_url(&self) -> String {
        Url { database: self.name.clone(), ..self.server.clone() }.text()
    }

    /// Opens a session of the superuser.
    pub async fn admin(&self) -> Admin {
        Admin(PgConnection::connect(&self.admin_url()).await.unwrap())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let mut sql = vec![format!("drop database {} with (force)", self.name)];
        sql.extend(self.role.as_ref().map(|role| format!("drop role {role}")));
        apart(&self.server.text(), &sql);
    }
}

/// A session with which a test inspects and disturbs a database independently of the store.
pub struct Admin(PgConnection);

impl Admin {
    /// Runs a statement.
    pub async fn execute(&mut self, sql: &str) {
        self.0.execute(AssertSqlSafe(sql.to_owned())).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    /// Runs a statement and returns the number of rows that it changed.
    ///
    /// # Errors
    /// The message of the server.
    pub async fn attempt(&mut self, sql: &str) -> Result<u64, String> {
        let done = self.0.execute(AssertSqlSafe(sql.to_owned())).await;
        done.map(|done| done.rows_affected()).map_err(|e| e.to_string())
    }

    /// Returns the first column of every row, as text.
    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.0).await.unwrap()
    }

    /// Returns the first column of the first row.
    pub async fn number(&mut self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.0).await.unwrap()
    }

    /// Waits until this number of sessions of stores meets a condition on `pg_stat_activity`.
    pub async fn until_sessions(&mut self, count: i64, condition: &str) {
        let sql = format!("{SESSIONS} and ({condition})");
        let started_at = Instant::now();
        while started_at.elapsed() < SOON {
            if self.number(&format!("select count(*) {sql}")).await == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let sessions = self.texts(&format!("select concat_ws(' ', pid, state, wait_event, query) {SESSIONS}")).await;
        panic!("timeout: expected {count} sessions with {condition}, got {sessions:#?}");
    }

    /// Waits until one session of a store waits for a lock.
    pub async fn until_blocked(&mut self) {
        self.until_sessions(1, "wait_event_type = 'Lock'").await;
    }

    /// Terminates the sessions of stores that meet a condition, waits for their end, and returns their number. Until
    /// its end, a session may still meet the condition.
    pub async fn terminate(&mut self, condition: &str) -> i64 {
        let terminated = format!("count(*) filter (where pg_terminate_backend(pid, {}))", SOON.as_millis());
        self.number(&format!("select {terminated} {SESSIONS} and ({condition})")).await
    }
}

const SESSIONS: &str =
    "from pg_stat_activity where datname = current_database() and application_name = 'instrument-registry'";

/// Runs statements in another thread and waits for it, because constructors and `drop` cannot be async.
fn apart(url: &str, statements: &[String]) {
    let run = async {
        let mut connection = PgConnection::connect(url).await.unwrap_or_else(|e| panic!("{e}"));
        for sql in statements {
            connection.execute(AssertSqlSafe(sql.clone())).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        }
        let _ = connection.close().await;
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::scope(|scope| scope.spawn(|| runtime().block_on(run)).join().unwrap());
}
