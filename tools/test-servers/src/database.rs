//! Databases on the PostgreSQL server that `REGISTRY_TEST_DATABASE_URL` names, one for each test. Its role must be a
//! superuser; the server must listen on TCP.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::missing;

/// A database of a test's own, dropped with it.
pub struct TestDatabase {
    server: Url,
    name: String,
    /// Who the stores are, where it is not the superuser.
    role: Option<String>,
}

/// The parts of `postgres://user@host/path?query`; every one may be exchanged.
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
    /// An empty database. `None`, and a line on standard error, where no server is named.
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

    /// A database whose stores may use the schema, which is there already, and nothing else.
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

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For stores.
    pub fn url(&self) -> String {
        self.url_at(&self.server.host)
    }

    /// For stores that go by another address, as of a proxy.
    pub fn url_at(&self, address: &str) -> String {
        let user = self.role.as_ref().map_or(self.server.user.clone(), |role| format!("{role}:test"));
        Url { user, host: address.to_owned(), database: self.name.clone(), ..self.server.clone() }.text()
    }

    /// The server's address.
    pub fn address(&self) -> String {
        let host = &self.server.host;
        if host.contains(':') { host.clone() } else { format!("{host}:5432") }
    }

    fn admin_url(&self) -> String {
        Url { database: self.name.clone(), ..self.server.clone() }.text()
    }

    /// The superuser's own session, as of another process.
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

/// A session with which a test looks at a database behind the store's back, and disturbs it.
pub struct Admin(PgConnection);

impl Admin {
    /// Runs a statement.
    pub async fn execute(&mut self, sql: &str) {
        self.0.execute(AssertSqlSafe(sql.to_owned())).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    /// How many rows a statement changes, or why the server refuses it.
    ///
    /// # Errors
    /// The server's reason.
    pub async fn attempt(&mut self, sql: &str) -> Result<u64, String> {
        let done = self.0.execute(AssertSqlSafe(sql.to_owned())).await;
        done.map(|done| done.rows_affected()).map_err(|e| e.to_string())
    }

    /// The first column of every row, as text.
    pub async fn texts(&mut self, sql: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.0).await.unwrap()
    }

    /// The first column of the first row.
    pub async fn number(&mut self, sql: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.0).await.unwrap()
    }

    /// Waits until so many sessions of stores fulfil a condition on `pg_stat_activity`.
    pub async fn until_sessions(&mut self, count: i64, condition: &str) {
        let sql = format!("{SESSIONS} and ({condition})");
        for _ in 0..5000 {
            if self.number(&format!("select count(*) {sql}")).await == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let sessions = self.texts(&format!("select concat_ws(' ', pid, state, wait_event, query) {SESSIONS}")).await;
        panic!("timeout: expected {count} sessions with {condition}, got {sessions:#?}");
    }

    /// Waits until a store's session waits for a lock.
    pub async fn until_blocked(&mut self) {
        self.until_sessions(1, "wait_event_type = 'Lock'").await;
    }

    /// Ends the sessions of stores that fulfil a condition, and says how many.
    pub async fn terminate(&mut self, condition: &str) -> i64 {
        self.number(&format!("select count(pg_terminate_backend(pid)) {SESSIONS} and ({condition})")).await
    }
}

const SESSIONS: &str =
    "from pg_stat_activity where datname = current_database() and application_name = 'instrument-registry'";

/// Runs statements in a thread of its own and waits for it, since neither a test's first line nor a drop can be async.
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
