//! The store on a PostgreSQL server, version 14 or later, which any number of replicas may share.
//!
//! All tables are in the schema `instrument_registry`, which is the `search_path` of every session. If the schema
//! exists, a role needs only the rights to use it and to create in it. Creating the schema requires the right to create
//! in the database.
//!
//! Session settings are sent as startup options. A connection pooler must forward them and keep sessions separate. In
//! the transaction mode of `pgbouncer` they are lost; [`Store::prepare`] then fails, so that no other schema is filled.
//!
//! `sslmode` of the URL selects TLS. `prefer`, the default, and `require` verify no certificate. `verify-ca` and
//! `verify-full` trust the public root certificates that are compiled in, and those of `sslrootcert`.

mod calendar;
mod catalogue;
mod columns;
mod connections;
mod fault;
mod jobs;
mod keys;
mod lists;
mod plans;
mod profiles;
mod schema;
mod settings;
mod tls;

use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tracing::warn;

use self::connections::Connections;
pub(super) use self::connections::Limits;
use super::documents::WRITES_DOCUMENTS;
use super::error::StoreError;
use super::lanes::{Lane, Permits};
use super::report::DatabaseReport;
use super::store::{ConnectionCounts, DEPENDENCY, Store};
use super::tls::CaFile;

/// Two batches: the server writes one to disk while it processes the next.
const BATCHES: usize = 2;
/// Reads by id take well below a millisecond, so that a few serve thousands of callers a second. Upkeep has two
/// permits, so that retention, which takes one of them at most, delays no load of a file.
const PERMITS: Permits = Permits { point: 3, change: 2, keyed: 2, list: 2, upkeep: 2 };
/// Every call that the persistence actor starts finds a connection: batches, the calls of all lanes, and the breaker's
/// probe. A few replicas stay below a server's usual hundred.
pub(super) const CONNECTIONS_MAX: usize = BATCHES + PERMITS.sum() + 1;

pub(super) const LIMITS: Limits = Limits {
    // Connecting with a password takes seven round trips. A hanging server uses all of this time; a refused connection
    // fails at once.
    lease: Duration::from_secs(2),
    // A broken connection would have been noticed at such a recent use.
    fresh: Duration::from_secs(1),
    ping: Duration::from_millis(500),
    // A batch takes milliseconds. A longer wait for a lock or a disk should be reported.
    statement: Duration::from_secs(5),
    // Storing a catalog of 250,000 instruments takes a few seconds.
    bulk: Duration::from_secs(60),
};
/// Maximum idle time inside a transaction. An idle session holds its locks; its client hangs, or its host is gone.
const IDLE_IN_TRANSACTION_MAX: Duration = Duration::from_secs(10);

/// A store on a PostgreSQL server; see the [module](self).
pub struct PostgresStore {
    connections: Connections,
    /// The host and port.
    address: String,
    writes_documents: bool,
}

impl PostgresStore {
    /// Creates a store on the server of `url`: `postgres://user:password@host:port/database`. It does not connect
    /// before [`Store::prepare`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the URL is invalid.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        Self::with_ca(url, None)
    }

    /// Creates a store whose connections also trust the certificates of `ca`, unless the URL has an `sslrootcert`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the URL is invalid.
    pub fn with_ca(url: &str, ca: Option<&CaFile>) -> Result<Self, StoreError> {
        Self::with_limits_and_ca(url, LIMITS, ca)
    }

    #[cfg(test)]
    pub(super) fn with_limits(url: &str, limits: Limits) -> Result<Self, StoreError> {
        Self::with_limits_and_ca(url, limits, None)
    }

    fn with_limits_and_ca(url: &str, limits: Limits, ca: Option<&CaFile>) -> Result<Self, StoreError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(unparsable("expected a URL that starts with postgres:// or postgresql://"));
        }
        for parameter in unknown_parameters(url) {
            warn!(dependency = DEPENDENCY, parameter, "ignored unknown parameter of DATABASE_URL");
        }
        tls::check_mode(url).map_err(unparsable)?;
        // The message can contain a parameter, but never the password.
        let options: PgConnectOptions = url.parse().map_err(|fault| unparsable(innermost(fault)))?;
        let options = tls::secured(options, url, ca, &|name| std::env::var(name).ok()).map_err(unparsable)?;
        let address = format!("{}:{}", options.get_host(), options.get_port());
        let connections = Connections::new(with_session(options, limits), limits);
        Ok(PostgresStore { connections, address, writes_documents: WRITES_DOCUMENTS })
    }
}

impl PostgresStore {
    /// Reads the state of the database without migrating it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it does not respond.
    pub async fn examine(&self) -> Result<DatabaseReport, StoreError> {
        self.connections.read(|| schema::examine).await
    }
}

fn unparsable(why: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("failed to parse DATABASE_URL: {why}"))
}

/// Returns the cause inside nested errors of sqlx. Their own texts repeat the same beginning.
fn innermost(fault: sqlx::Error) -> String {
    match fault {
        sqlx::Error::Configuration(cause) => {
            cause.downcast().map_or_else(|cause| cause.to_string(), |cause: Box<sqlx::Error>| innermost(*cause))
        }
        other => other.to_string(),
    }
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

/// Returns the parameters of a URL that sqlx ignores: one may be a misspelled `password` or `sslmode`. Omits a name
/// that may be a part of a value.
fn unknown_parameters(url: &str) -> Vec<&str> {
    let (url, _fragment) = url.split_once('#').unwrap_or((url, ""));
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let names =
        parameters.map(|parameter| parameter.split_once('=').map_or((parameter, false), |(name, _)| (name, true)));
    names
        .filter(|(name, _)| !(PARAMETERS.contains(name) || name.starts_with("options[") && name.ends_with(']')))
        .map(|(name, has_value)| {
            // Without a value it may be the rest of a password that has an `&`.
            let is_name =
                has_value && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-[].".contains(&byte));
            if is_name { name } else { "(not shown)" }
        })
        .collect()
}

/// Adds the options of every session, which override the settings of the role and the URL.
fn with_session(options: PgConnectOptions, limits: Limits) -> PgConnectOptions {
    let milliseconds = |time: Duration| time.as_millis().to_string();
    let named = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("instrument-registry"),
    };
    // Metrics show the duration of calls; a log line with the statement of a whole batch would not be useful.
    named.disable_statement_logging().options([
        ("search_path", schema::NAME.to_owned()),
        // Notices such as `relation already exists` at every start are not useful.
        ("client_min_messages", "warning".to_owned()),
        // An acknowledged plan survives a crash of the server.
        ("synchronous_commit", "on".to_owned()),
        ("statement_timeout", milliseconds(limits.statement)),
        ("idle_in_transaction_session_timeout", milliseconds(IDLE_IN_TRANSACTION_MAX)),
    ])
}

#[async_trait]
impl Store for PostgresStore {
    fn backend(&self) -> &'static str {
        "postgres"
    }

    fn address(&self) -> Option<&str> {
        Some(&self.address)
    }

    fn batches_in_flight_max(&self) -> usize {
        BATCHES
    }

    fn permits(&self, lane: Lane) -> usize {
        PERMITS.of(lane)
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

/// Access for tests to the inside of the store.
#[cfg(test)]
impl PostgresStore {
    /// Writes plans as the next release does.
    pub(super) fn writing_documents(self) -> Self {
        PostgresStore { writes_documents: true, ..self }
    }

    /// Returns settings of the session of the next call.
    pub(super) async fn settings(&self, names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let query = sqlx::query_scalar(
            "select current_setting(name) from unnest($1) with ordinality as u (name, n) order by n",
        );
        let mut lease = self.connections.lease().await.unwrap();
        let settings = lease.attempt(async |connection| query.bind(names).fetch_all(connection).await).await;
        lease.release(settings).unwrap()
    }

    /// Leases a connection, which no call can use meanwhile.
    pub(super) async fn hold(&self) -> Result<connections::Lease<'_>, StoreError> {
        self.connections.lease().await
    }

    /// Opens a transaction with the `begin` of sqlx, which loses track of it if it is canceled.
    pub(super) async fn begin_and_release(&self) {
        use sqlx::Connection as _;
        let mut lease = self.connections.lease().await.unwrap();
        let begun = lease.attempt(async |connection| connection.begin().await?.rollback().await).await;
        lease.release(begun).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictory_tls_parameters_are_rejected() {
        let fault = |query: &str| {
            let made = PostgresStore::new(&format!("postgres://user:hunter5@host/db?{query}"));
            made.map(|_| ()).unwrap_err().to_string()
        };
        let missing = "failed to parse DATABASE_URL: sslrootcert: failed to read /missing/ca.pem: No such file";

        assert!(fault("sslmode=verify-full&sslrootcert=/missing/ca.pem").starts_with(missing));
        for query in ["sslcert=/a.pem&sslmode=require", "ssl-key=/a.pem&sslmode=verify-full"] {
            assert_eq!(
                fault(query),
                "failed to parse DATABASE_URL: `sslcert` and `sslkey` must be set together",
                "{query}"
            );
        }
        let Some(authority) = test_servers::Authority::new() else { return };
        let root_cert = format!("sslrootcert={}", authority.path().display());
        for mode in ["", "&sslmode=prefer", "&sslmode=disable", "&sslmode=allow"] {
            let fault = fault(&format!("{root_cert}{mode}"));
            let required = "`sslrootcert` requires `sslmode=verify-full`, `sslmode=verify-ca` or `sslmode=require`";
            assert!(fault.ends_with(required), "{fault}");
        }
        for mode in ["require", "verify-ca", "verify-full"] {
            let url = format!("postgres://user@host/db?{root_cert}&sslmode={mode}");
            assert_eq!(PostgresStore::new(&url).map(|_| ()), Ok(()), "{mode}");
        }
    }

    #[test]
    fn an_invalid_mode_is_rejected_with_the_allowed_ones() {
        let fault = |url: &str| PostgresStore::new(url).map(|_| ()).unwrap_err().to_string();

        for name in ["sslmode", "ssl-mode"] {
            assert_eq!(
                fault(&format!("postgres://user@host/db?{name}=verify_full")),
                format!(
                    "failed to parse DATABASE_URL: `{name}` must be one of disable, allow, prefer, require, verify-ca, \
                     verify-full, got `verify_full`"
                )
            );
            let url = format!("postgres://user@host/db?{name}=Require");
            assert_eq!(PostgresStore::new(&url).map(|_| ()), Ok(()), "{name}");
        }
        assert_eq!(
            fault("postgres://user@host/db?sslmode=require&port=x"),
            "failed to parse DATABASE_URL: invalid digit found in string"
        );
    }

    #[test]
    fn an_unknown_url_parameter_is_reported_without_value() {
        let of = |query: &str| unknown_parameters(&format!("postgres://user@host/db?{query}")).join(" ");

        assert_eq!(of("sslmode=disable&options[search_path]=x&application_name=a#b?c=d"), "");
        assert_eq!(of("sslmode=disable&pasword=hunter5&connect_timeout=5"), "pasword connect_timeout");
        assert_eq!(of("password=a&hunter5"), "(not shown)");
        assert_eq!(PostgresStore::new("postgres://user@host/db?pasword=hunter5").map(|_| ()), Ok(()));
    }
}
