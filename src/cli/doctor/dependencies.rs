//! The checks of the config service, the database and Redis, of TLS, and of the clock.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use registry_actors::cache::SharedCache;
use registry_actors::cache::redis::{RedisCache, RedisReport};
use registry_actors::config::{Secret, SecretKey, SourceError};
use registry_store::postgres::PostgresStore;
use registry_store::sqlite::SqliteStore;
use registry_store::{DatabaseReport, Store};
use reqwest::Url;

use super::machine::{ownership_remedy, unreachable_remedy};
use super::{Check, Deadline, Finding};
use crate::boot::{self, FetchResult, Openers};
use crate::cli::remote::{client, probe};
use crate::cli::status::duration;
use crate::settings::{Database, ProcessSettings};

/// The skew of a clock from which leases, ages and expiries are wrong, in milliseconds.
const SKEW_MAX_MS: i64 = 2_000;
/// The memory policy with which a full Redis evicts what has an expiry, as all cached plans have.
const EVICTING: &str = "allkeys-lru";

/// The time of another clock, and the interval of the local clock in which it was read.
pub(super) struct OtherTime {
    name: &'static str,
    before: DateTime<Utc>,
    other: DateTime<Utc>,
    after: DateTime<Utc>,
    precision: TimeDelta,
}

impl OtherTime {
    /// Returns the least skew that explains the other time, in milliseconds.
    fn skew_ms(&self) -> i64 {
        let ahead = self.other - self.after;
        let behind = self.before - self.other - self.precision;
        ahead.max(behind).max(TimeDelta::zero()).num_milliseconds()
    }
}

/// The settings and the answers of the config service, from which the URLs of the other dependencies come.
pub(super) struct Dependencies<'a> {
    settings: &'a ProcessSettings,
    answers: Option<FetchResult>,
    deadline: Deadline,
    pub(super) service: Check,
}

pub(super) struct CheckedDatabase {
    pub(super) check: Check,
    pub(super) time: Option<OtherTime>,
}

impl<'a> Dependencies<'a> {
    /// Asks the config service once.
    pub(super) async fn resolve(settings: &'a ProcessSettings, deadline: Deadline) -> Self {
        let mut answers = None;
        let service = deadline.check("config_service", async {
            let started_at = Instant::now();
            let fetched = deadline.response(boot::fetch_once(settings)).await;
            match fetched.unwrap_or_else(|why| Ok(Some(Err(SourceError::Unavailable(why))))) {
                Ok(fetched) => answers = fetched,
                Err(fault) => return Finding::failed(format!("{fault:#}"), "Correct CONFIG_SERVICE_URL."),
            }
            config_service(answers.as_ref(), settings, started_at)
        });
        let service = service.await;
        Dependencies { settings, answers, deadline, service }
    }

    pub(super) async fn configuration(&self) -> Finding {
        let mut faults = boot::unusable(self.settings, self.answers.as_ref(), Openers::default());
        let resolved = boot::effective(self.settings, self.answers.as_ref(), None).await;
        faults.extend(resolved.refused.iter().map(ToString::to_string));
        match faults.as_slice() {
            [] => Finding::ok("all settings are valid"),
            faults => {
                let remedy = "Correct the named settings; `instrument-registry check-config` lists all of them.";
                Finding::failed(faults.join("; "), remedy)
            }
        }
    }

    /// Checks the database, and returns the store if its schema is current.
    pub(super) async fn database(&self) -> (CheckedDatabase, Option<Arc<dyn Store>>) {
        let (mut time, mut store) = (None, None);
        let work = async {
            let before = Utc::now();
            let started_at = Instant::now();
            let (report, opened) = match self.examined().await {
                Ok(examined) => examined,
                Err(finding) => return finding,
            };
            if opened.backend() != "sqlite" {
                let precision = TimeDelta::zero();
                time =
                    Some(OtherTime { name: "the database", before, other: report.now, after: Utc::now(), precision });
            }
            let finding = schema(&report, started_at.elapsed().as_millis());
            // Reading opens the connections; `prepare` would take the lock of migrations.
            if report.pending == 0 {
                store = Some(opened);
            }
            finding
        };
        let check = Box::pin(self.deadline.check("database", work)).await;
        (CheckedDatabase { check, time }, store)
    }

    /// Reads the state of the database without changing it.
    async fn examined(&self) -> Result<(DatabaseReport, Arc<dyn Store>), Finding> {
        let unreachable = |fault: &dyn std::fmt::Display| {
            let remedy = "Check that the server of DATABASE_URL runs and accepts this user: \
                          `psql \"$DATABASE_URL\" -c 'select 1'`";
            Finding::failed(fault.to_string(), remedy)
        };
        let of_url = async |url: &Secret| {
            let store = PostgresStore::with_ca(url.expose(), self.settings.tls.ca());
            let store = store.map_err(|fault| unreachable(&fault))?;
            let report = self.deadline.response(store.examine()).await;
            let report = report.map_err(|why| unreachable(&why))?.map_err(|fault| unreachable(&fault))?;
            Ok((report, Arc::new(store) as Arc<dyn Store>))
        };
        match self.settings.database() {
            Database::Embedded => embedded(&self.settings.database_path()).await,
            Database::Url(url) => of_url(&url).await,
            Database::FromConfigService => match boot::database_url_in(self.answers.as_ref()) {
                Ok(url) => of_url(&url).await,
                Err(fault) => {
                    let remedy = "Set DATABASE_URL in the environment or in the config service.";
                    Err(Finding::failed(format!("{fault:#}"), remedy))
                }
            },
        }
    }

    /// The URL of Redis, of the environment or of the config service.
    fn redis_url(&self) -> Option<Secret> {
        let answered = match &self.answers {
            Some(Ok(answers)) => answers.secrets.get(&SecretKey::RedisUrl).cloned().flatten(),
            _ => None,
        };
        self.settings.redis_url.clone().or(answered)
    }

    pub(super) async fn redis(&self) -> Finding {
        let Some(url) = self.redis_url() else { return Finding::skipped("not configured: no shared cache") };
        let remedy =
            "Check that the server of REDIS_URL runs and accepts this user: `redis-cli -u \"$REDIS_URL\" ping`";
        let cache = match RedisCache::with_tls(url.expose(), &self.settings.tls) {
            Ok(cache) => cache,
            Err(fault) => return Finding::failed(format!("REDIS_URL: {fault}"), remedy),
        };
        // The first call opens the connection.
        if let Err(fault) = cache.ping().await {
            return Finding::failed(fault.to_string(), remedy);
        }
        let started_at = Instant::now();
        if let Err(fault) = cache.ping().await {
            return Finding::failed(fault.to_string(), remedy);
        }
        let latency = started_at.elapsed();
        redis_finding(cache.examine().await.ok(), &format!("PING {:.1} ms", latency.as_secs_f64() * 1e3))
    }

    /// Names the connections that use TLS.
    pub(super) fn tls(&self) -> Finding {
        let mut parts = Vec::new();
        if let Some(service) = &self.settings.config_service {
            let has_tls = service.url.to_string().starts_with("https://");
            parts.push(format!("config service: {}", if has_tls { "verified" } else { "none" }));
        }
        let url = match self.settings.database() {
            Database::Embedded => None,
            Database::Url(url) => Some(url),
            Database::FromConfigService => boot::database_url_in(self.answers.as_ref()).ok(),
        };
        parts.extend(
            url.and_then(|url| url.expose().parse().ok()).map(|url| format!("database: {}", database_tls(&url))),
        );
        parts.extend(self.redis_url().map(|url| {
            let has_tls = url.expose().starts_with("rediss://") || url.expose().starts_with("valkeys://");
            format!("redis: {}", if has_tls { "verified" } else { "none" })
        }));
        if parts.is_empty() {
            return Finding::skipped("no dependency over the network");
        }
        if let Some(ca) = self.settings.tls.ca() {
            parts.push(format!("further root certificates: {}", ca.path().display()));
        }
        Finding::ok(parts.join("; "))
    }

    pub(super) async fn service_date(&self) -> Option<OtherTime> {
        let service = self.settings.config_service.as_ref()?;
        let url: Url = format!("{}/health", service.url).parse().ok()?;
        let client = client(&url, self.settings, self.deadline.0).ok()?;
        let before = Utc::now();
        let other = probe(&client, url).await.ok()?.date?;
        // A date of HTTP has no fraction.
        let precision = TimeDelta::seconds(1);
        Some(OtherTime { name: "the config service", before, other, after: Utc::now(), precision })
    }
}

fn config_service(answers: Option<&FetchResult>, settings: &ProcessSettings, started_at: Instant) -> Finding {
    let modified = std::fs::metadata(settings.last_good_path()).and_then(|file| file.modified()).ok();
    let age = modified.and_then(|at| at.elapsed().ok()).map(|age| duration(age.as_secs()));
    let last_good = match age {
        Some(age) => format!("the last good settings are of {age} ago"),
        None => "there are no last good settings".to_owned(),
    };
    match answers {
        None => Finding::skipped("not configured: the environment has all settings"),
        Some(Err(SourceError::Unauthorized(why))) => Finding::failed(
            format!("{why}; {last_good}"),
            "Set CONFIG_SERVICE_API_KEY to a key that the config service accepts.",
        ),
        Some(Err(SourceError::Unavailable(why))) => {
            let remedy = "Check that the service of CONFIG_SERVICE_URL runs: `curl -i \"$CONFIG_SERVICE_URL/health\"`";
            Finding::failed(format!("{why}; {last_good}"), remedy)
        }
        Some(Ok(answers)) if answers.unanswered.is_empty() => {
            let milliseconds = started_at.elapsed().as_millis();
            Finding::ok(format!("key accepted, {} settings in {milliseconds} ms", answers.values.len()))
        }
        Some(Ok(answers)) => {
            let missing = answers.unanswered.iter().map(|(key, why)| format!("{key}: {why}"));
            Finding::warning(missing.collect::<Vec<_>>().join("; "), "Check the log of the config service.")
        }
    }
}

async fn embedded(path: &Path) -> Result<(DatabaseReport, Arc<dyn Store>), Finding> {
    if let Some(finding) = without_file(path, path.try_exists()) {
        return Err(finding);
    }
    let report = SqliteStore::examine(path).await.map_err(|fault| {
        let fault = fault.to_string();
        Finding::failed(format!("{}: {fault}", path.display()), sqlite_remedy(path, sqlite_code(&fault)))
    })?;
    Ok((report, Arc::new(SqliteStore::new(path))))
}

/// Returns the finding for a file that does not exist or cannot be reached.
fn without_file(path: &Path, exists: io::Result<bool>) -> Option<Finding> {
    let shown = path.display();
    match exists {
        Ok(true) => None,
        Ok(false) => Some(Finding::skipped(format!("{shown} does not exist; the first start creates it"))),
        Err(fault) if fault.kind() == io::ErrorKind::PermissionDenied => {
            Some(Finding::failed(format!("{shown} is not accessible: {fault}"), unreachable_remedy(path)))
        }
        Err(fault) => Some(Finding::failed(format!("{shown}: {fault}"), "Set DATA_DIR to a folder.")),
    }
}

/// Returns the primary result code of SQLite that the message of a fault has.
fn sqlite_code(fault: &str) -> Option<i32> {
    let (_, rest) = fault.split_once("(code: ")?;
    let (code, _) = rest.split_once(')')?;
    code.parse().ok().map(|code: i32| code & 0xff)
}

/// Returns the remedy for a failure with this result code.
fn sqlite_remedy(path: &Path, code: Option<i32>) -> String {
    let shown = path.display();
    match code {
        // SQLITE_BUSY, SQLITE_LOCKED.
        Some(5 | 6) => format!("Find the process that holds the lock, or wait until it ends: `fuser {shown}`"),
        // SQLITE_PERM, SQLITE_READONLY, SQLITE_CANTOPEN.
        Some(3 | 8 | 14) => ownership_remedy(path.parent().unwrap_or(path)),
        // SQLITE_CORRUPT, SQLITE_NOTADB.
        Some(11 | 26) => "Restore the file from a backup, or set DATA_DIR to another folder.".to_owned(),
        _ => format!("Check the disk, and the file: `sqlite3 {shown} 'pragma integrity_check'`"),
    }
}

fn schema(report: &DatabaseReport, milliseconds: u128) -> Finding {
    let DatabaseReport { server, migrations, pending, unknown, now: _ } = report;
    let detail = format!("{server}, responded in {milliseconds} ms");
    match (*pending, *unknown) {
        (0, 0) => Finding::ok(format!("{detail}, schema current ({migrations} migrations)")),
        (0, unknown) => Finding::warning(
            format!("{detail}, schema of a later release ({unknown} unknown migrations)"),
            "Run the release that has migrated the database.",
        ),
        (pending, _) => Finding::warning(
            format!("{detail}, {pending} of {migrations} migrations are not applied"),
            "instrument-registry migrate",
        ),
    }
}

fn redis_finding(report: Option<RedisReport>, latency: &str) -> Finding {
    let Some(RedisReport { version, memory_max, memory_policy }) = report else {
        return Finding::ok(format!("{latency}, memory policy not readable"));
    };
    let detail = format!("Redis {}, {latency}", version.unwrap_or_default());
    match (memory_max, memory_policy.as_deref()) {
        (Some(0), Some(policy)) => Finding::ok(format!("{detail}, memory not limited ({policy})")),
        (_, Some("noeviction")) => Finding::warning(
            format!("{detail}, policy noeviction: a full server rejects new plans"),
            format!("redis-cli -u \"$REDIS_URL\" config set maxmemory-policy {EVICTING}"),
        ),
        (_, Some(policy)) => Finding::ok(format!("{detail}, policy {policy}")),
        (_, None) => Finding::ok(detail),
    }
}

fn database_tls(url: &Url) -> &'static str {
    let mode = url.query_pairs().find(|(name, _)| matches!(&**name, "sslmode" | "ssl-mode"));
    match mode.map(|(_, mode)| mode.to_lowercase()).as_deref() {
        Some("verify-full") => "verified",
        Some("verify-ca") => "verified, without the name of the host",
        Some("require") => "encrypted, not verified",
        Some("disable") => "none",
        _ => "encrypted if the server offers it, not verified",
    }
}

pub(super) fn clock(database: Option<OtherTime>, service: Option<OtherTime>) -> Finding {
    let compared: Vec<Finding> = [database, service].into_iter().flatten().map(|time| of_clock(&time)).collect();
    if compared.is_empty() { Finding::skipped("no other clock to compare with") } else { Finding::joined(&compared) }
}

pub(super) fn of_clock(time: &OtherTime) -> Finding {
    let skew = time.skew_ms();
    if skew <= SKEW_MAX_MS {
        return Finding::ok(format!("agrees with {}", time.name));
    }
    #[allow(clippy::cast_precision_loss)]
    let seconds = skew as f64 / 1e3;
    Finding::warning(
        format!("differs by {seconds:.1} s from {}", time.name),
        "Synchronize both clocks: `timedatectl set-ntp true`",
    )
}

impl OtherTime {
    pub(super) fn of_service(before: DateTime<Utc>, other: DateTime<Utc>) -> Self {
        OtherTime { name: "the service", before, other, after: Utc::now(), precision: TimeDelta::seconds(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_within_the_call_interval_is_ignored() {
        let at = |ms: i64| DateTime::from_timestamp_millis(1_800_000_000_000 + ms).unwrap();
        let skew = |other: i64, precision: i64| {
            let precision = TimeDelta::milliseconds(precision);
            OtherTime { name: "x", before: at(0), other: at(other), after: at(500), precision }.skew_ms()
        };

        assert_eq!([skew(200, 0), skew(-300, 0), skew(4_500, 0)], [0, 300, 4_000]);
        assert_eq!([skew(-900, 1_000), skew(-4_000, 1_000)], [0, 3_000]);
    }

    #[test]
    fn a_full_redis_must_evict() {
        let report = |max: u64, policy: &str| RedisReport {
            version: Some("7.0.1".to_owned()),
            memory_max: Some(max),
            memory_policy: Some(policy.to_owned()),
        };
        let found = |max, policy| redis_finding(Some(report(max, policy)), "PING 0.1 ms");

        assert_eq!(found(0, "noeviction"), Finding::ok("Redis 7.0.1, PING 0.1 ms, memory not limited (noeviction)"));
        let remedy = found(1 << 20, "noeviction").remedy;
        assert_eq!(remedy.as_deref(), Some("redis-cli -u \"$REDIS_URL\" config set maxmemory-policy allkeys-lru"));
        assert_eq!(found(1 << 20, "volatile-ttl"), Finding::ok("Redis 7.0.1, PING 0.1 ms, policy volatile-ttl"));
    }

    #[test]
    fn only_a_damaged_file_is_to_be_restored() {
        let path = Path::new("/data/x.sqlite");
        let remedy = |fault: &str| sqlite_remedy(path, sqlite_code(fault));
        let of_code = |code: i32| remedy(&format!("error returned from database: (code: {code}) text"));

        for code in [5, 6, 261, 517] {
            assert!(of_code(code).contains("`fuser /data/x.sqlite`"), "{code}");
        }
        for code in [8, 14, 1032] {
            assert!(of_code(code).contains("chown -R"), "{code}");
            assert!(of_code(code).contains(" /data"), "{code}");
        }
        for code in [11, 26, 267] {
            assert!(of_code(code).starts_with("Restore the file from a backup"), "{code}");
        }
        assert!(of_code(10).contains("integrity_check"));
        assert!(remedy("connection closed").contains("integrity_check"));
    }

    #[test]
    fn a_file_that_cannot_be_reached_may_exist() {
        let path = Path::new("/data/x.sqlite");
        let found = |kind: io::ErrorKind| without_file(path, Err(kind.into())).unwrap();

        let denied = found(io::ErrorKind::PermissionDenied);
        assert_eq!(
            denied,
            Finding::failed("/data/x.sqlite is not accessible: permission denied", unreachable_remedy(path))
        );
        assert_eq!(found(io::ErrorKind::NotADirectory).remedy.as_deref(), Some("Set DATA_DIR to a folder."));
        let missing = without_file(path, Ok(false)).unwrap();
        assert_eq!(missing, Finding::skipped("/data/x.sqlite does not exist; the first start creates it"));
        assert_eq!(without_file(path, Ok(true)), None);
    }

    #[test]
    fn the_schema_of_another_release_is_a_warning() {
        let found = |pending, unknown| {
            let server = "SQLite 3".to_owned();
            schema(&DatabaseReport { server, migrations: 9, pending, unknown, now: Utc::now() }, 1)
        };

        assert_eq!(found(0, 0), Finding::ok("SQLite 3, responded in 1 ms, schema current (9 migrations)"));
        assert_eq!(found(2, 0).remedy.as_deref(), Some("instrument-registry migrate"));
        assert!(found(0, 1).detail.ends_with("schema of a later release (1 unknown migrations)"));
    }
}
