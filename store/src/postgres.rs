//! The store on a PostgreSQL server, 14 or later, shared by any number of replicas.
//!
//! Everything lives in the schema `instrument_registry`, which is the `search_path` of every session. A role that may
//! use that schema and create in it, and nothing else in the database, runs all of it once the schema is there; making
//! the schema takes the right to create in the database.
//!
//! Session settings travel as start-up options. A pooler in between must pass them on and keep sessions apart: in
//! `pgbouncer`'s transaction mode they are lost, and [`Store::prepare`] says so rather than fill another schema.
//!
//! Without the feature `tls` of this crate a connection is plain: `sslmode=require` is refused, and `prefer`, the
//! default, comes to `disable`.

mod catalogue;
mod columns;
mod connections;
mod fault;
mod jobs;
mod keys;
mod plans;
mod profiles;
mod schema;
mod settings;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use self::connections::Connections;
pub(super) use self::connections::Limits;
use super::error::StoreError;
use super::store::{ConnectionCounts, Store};

/// Two batches: the server writes one to disk while it works at the next.
const BATCHES: usize = 2;
/// Reads take well below a millisecond, so that a few serve thousands of callers a second.
const JOBS: usize = 7;
/// Everything that the engine may have under way finds a connection: batches, jobs and the breaker's probe. A few replicas
/// stay below a server's usual hundred.
const CONNECTIONS_MAX: usize = BATCHES + JOBS + 1;

pub(super) const LIMITS: Limits = Limits {
    // Connecting with a password takes seven round trips on a slow line. A server that has hung takes all of this; a port
    // that is refused takes none of it.
    lease: Duration::from_secs(2),
    // What was used so lately would have been found dead.
    fresh: Duration::from_secs(1),
    ping: Duration::from_millis(500),
    // A batch takes milliseconds. Whatever waits longer for a lock or a disk is better told of.
    statement: Duration::from_secs(5),
    // A catalogue of 250,000 instruments takes a few seconds to store.
    bulk: Duration::from_secs(60),
};
/// A session that stays silent inside a transaction holds its locks: its client has hung or its host is gone.
const SILENT_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// See the [module](self).
pub struct PostgresStore {
    connections: Connections,
}

impl PostgresStore {
    /// A store on the server that `url` names: `postgres://user:password@host:port/database`. Nothing is connected
    /// before [`Store::prepare`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the URL cannot be read.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        Self::with_limits(url, LIMITS)
    }

    pub(super) fn with_limits(url: &str, limits: Limits) -> Result<Self, StoreError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(unparsable("expected a URL that starts with postgres:// or postgresql://"));
        }
        check_parameters(url)?;
        // The reason quotes a parameter at most, never the password.
        let options: PgConnectOptions = url.parse().map_err(unparsable)?;
        Ok(PostgresStore { connections: Connections::new(with_session(options, limits), limits) })
    }
}

fn unparsable(why: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("failed to parse DATABASE_URL: {why}"))
}

/// The parameters of a URL that sqlx reads. It ignores others, and logs them with their values.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Rejects parameters that sqlx does not read: one may be a misspelled `password` or `sslmode`. The error never shows a value.
fn check_parameters(url: &str) -> Result<(), StoreError> {
    let (url, _fragment) = url.split_once('#').unwrap_or((url, ""));
    let query = url.split_once('?').map_or("", |(_, query)| query);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, has_value) = parameter.split_once('=').map_or((parameter, false), |(name, _)| (name, true));
        let is_known = PARAMETERS.contains(&name) || (name.starts_with("options[") && name.ends_with(']'));
        if is_known {
            continue;
        }
        // Without a value it may be the rest of a password that has an `&`.
        let is_name = has_value && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-[].".contains(&byte));
        let shown = if is_name { format!("`{name}`") } else { "(name not shown)".to_owned() };
        return Err(unparsable(format_args!("unknown parameter {shown}")));
    }
    Ok(())
}

/// What every session has, whatever the role's or the URL's own settings.
fn with_session(options: PgConnectOptions, limits: Limits) -> PgConnectOptions {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    let named = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("instrument-registry"),
    };
    // How long calls take is in the metrics; a log line with a whole batch's statement in it helps nobody.
    named.disable_statement_logging().options([
        ("search_path", schema::NAME.to_owned()),
        // Notices such as `relation already exists` at every start help nobody.
        ("client_min_messages", "warning".to_owned()),
        // An acknowledged plan survives the server's crash.
        ("synchronous_commit", "on".to_owned()),
        ("statement_timeout", milliseconds(limits.statement)),
        ("idle_in_transaction_session_timeout", milliseconds(SILENT_IN_TRANSACTION)),
    ])
}

#[async_trait]
impl Store for PostgresStore {
    fn backend(&self) -> &'static str {
        "postgres"
    }

    fn batches_in_flight_max(&self) -> usize {
        BATCHES
    }

    fn jobs_in_flight_max(&self) -> usize {
        JOBS
    }

    fn connections(&self) -> ConnectionCounts {
        self.connections.count()
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        schema::prepare(&self.connections).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let ping = || async |connection: &mut PgConnection| sqlx::query("select 1").execute(connection).await;
        self.connections.read(ping).await?;
        Ok(())
    }

    async fn close(&self) {
        self.connections.close().await;
    }
}

/// What tests look at and disturb from within.
#[cfg(test)]
impl PostgresStore {
    /// What the session of the next call says of its settings.
    pub(super) async fn settings(&self, names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let query = sqlx::query_scalar(
            "select current_setting(name) from unnest($1) with ordinality as u (name, n) order by n",
        );
        let mut lease = self.connections.lease().await.unwrap();
        let settings = lease.attempt(async |connection| query.bind(names).fetch_all(connection).await).await;
        lease.release(settings).unwrap()
    }

    /// A connection that no call can have meanwhile.
    pub(super) async fn hold(&self) -> Result<connections::Lease<'_>, StoreError> {
        self.connections.lease().await
    }

    /// A transaction by sqlx's own `begin`, which loses count of it when it is cancelled.
    pub(super) async fn begin_and_release(&self) {
        use sqlx::Connection as _;
        let mut lease = self.connections.lease().await.unwrap();
        let begun = lease.attempt(async |connection| connection.begin().await?.rollback().await).await;
        lease.release(begun).unwrap();
    }
}
