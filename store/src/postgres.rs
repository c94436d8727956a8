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

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use registry_planning::dump::Broker;
use registry_planning::load::diff::ChangeKind;
use registry_planning::plan::Plan;
use registry_planning::profile::Profile;
use registry_planning::request::SubscriptionType;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use self::connections::Connections;
pub(super) use self::connections::Limits;
use super::error::StoreError;
use super::idempotency::{Claimed, KeyClaim, KeyedPlan, StoredAnswer};
use super::jobs::{Created, Job};
use super::loads::{LastAccepted, LoadDiff, LoadRecord, LoadSummary, Refusal, RefusalRecord, StoredCatalogue};
use super::paging::Page;
use super::paging::Position;
use super::plans::{PlanFilter, PlanPage};
use super::profiles::{
    AuditEntry, Change, Changed, Conflict, ConflictFilter, ProfileFilter, ProfileStats, ProfileVersion,
};
use super::settings::LastGoodSettings;
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

    async fn last_good(&self) -> Result<LastGoodSettings, StoreError> {
        settings::read(&self.connections).await
    }

    async fn save_last_good(&self, said: &LastGoodSettings) -> Result<(), StoreError> {
        settings::save(&self.connections, said).await
    }

    async fn insert_plans(&self, plans: &[Arc<Plan>]) -> Result<(), StoreError> {
        plans::insert(&self.connections, plans).await
    }

    async fn insert_keyed_plans(&self, rows: &[KeyedPlan]) -> Result<Vec<Claimed>, StoreError> {
        keys::insert_plans(&self.connections, rows).await
    }

    async fn stored_answer(
        &self,
        scope: &str,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        keys::read(&self.connections, scope, key, now).await
    }

    async fn delete_expired_keys(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        keys::delete_expired(&self.connections, now, limit).await
    }

    async fn plans_by_id(&self, ids: &[String]) -> Result<Vec<Plan>, StoreError> {
        plans::read(&self.connections, ids).await
    }

    async fn plans(&self, filter: &PlanFilter, position: &Position, limit: u32) -> Result<PlanPage, StoreError> {
        plans::list(&self.connections, filter, position, limit).await
    }

    async fn delete_plans_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        plans::delete_before(&self.connections, cutoff, limit).await
    }

    async fn count_unexpired(&self, now: DateTime<Utc>) -> Result<BTreeMap<SubscriptionType, u64>, StoreError> {
        plans::count_unexpired(&self.connections, now).await
    }

    async fn catalogue_version(&self) -> Result<Option<i64>, StoreError> {
        catalogue::version(&self.connections).await
    }

    async fn catalogue(&self) -> Result<Option<StoredCatalogue>, StoreError> {
        catalogue::read(&self.connections).await
    }

    async fn last_load(&self, broker: Broker) -> Result<Option<LastAccepted>, StoreError> {
        catalogue::last(&self.connections, broker).await
    }

    async fn accept_load(&self, record: &LoadRecord) -> Result<i64, StoreError> {
        catalogue::accept(&self.connections, record).await
    }

    async fn refuse_load(&self, record: &RefusalRecord) -> Result<(), StoreError> {
        catalogue::refuse(&self.connections, record).await
    }

    async fn refusals(&self) -> Result<Vec<Refusal>, StoreError> {
        catalogue::refusals(&self.connections).await
    }

    async fn versions(&self, before: Option<i64>, limit: u32) -> Result<Vec<LoadSummary>, StoreError> {
        catalogue::versions(&self.connections, before, limit).await
    }

    async fn diff(&self, version: i64, kind: Option<ChangeKind>, limit: u32) -> Result<Option<LoadDiff>, StoreError> {
        catalogue::diff(&self.connections, version, kind, limit).await
    }

    async fn create_job(&self, job: &Job) -> Result<Created, StoreError> {
        jobs::create(&self.connections, job).await
    }

    async fn create_keyed_job(&self, job: &Job, claim: &KeyClaim) -> Result<Created, StoreError> {
        jobs::create_keyed(&self.connections, job, claim).await
    }

    async fn save_job(&self, job: &Job) -> Result<bool, StoreError> {
        jobs::save(&self.connections, job).await
    }

    async fn job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        jobs::read(&self.connections, job_id).await
    }

    async fn cancel_job(&self, job_id: &str) -> Result<Option<Job>, StoreError> {
        jobs::cancel(&self.connections, job_id).await
    }

    async fn fail_silent_jobs(&self, silent: Duration) -> Result<Vec<Job>, StoreError> {
        jobs::fail_silent(&self.connections, silent).await
    }

    async fn change_profile(&self, change: &Change) -> Result<Changed, StoreError> {
        profiles::change(&self.connections, change).await
    }

    async fn profile(&self, profile_id: &str) -> Result<Option<Profile>, StoreError> {
        profiles::read(&self.connections, profile_id).await
    }

    async fn profiles(
        &self,
        filter: &ProfileFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Profile>, StoreError> {
        profiles::profiles(&self.connections, filter, position, limit).await
    }

    async fn profile_versions(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<ProfileVersion>, StoreError> {
        profiles::versions(&self.connections, profile_id, position, limit).await
    }

    async fn audit_entries(
        &self,
        profile_id: &str,
        position: &Position,
        limit: u32,
    ) -> Result<Page<AuditEntry>, StoreError> {
        profiles::audit_entries(&self.connections, profile_id, position, limit).await
    }

    async fn conflicts(
        &self,
        filter: &ConflictFilter,
        position: &Position,
        limit: u32,
    ) -> Result<Page<Conflict>, StoreError> {
        profiles::conflicts(&self.connections, filter, position, limit).await
    }

    async fn profile_stats(&self, now: DateTime<Utc>) -> Result<ProfileStats, StoreError> {
        profiles::stats(&self.connections, now).await
    }

    async fn expired_profiles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, StoreError> {
        profiles::expired(&self.connections, now, limit).await
    }

    async fn delete_audit_before(&self, cutoff: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        profiles::delete_audit_before(&self.connections, cutoff, limit).await
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
