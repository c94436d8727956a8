//! Creates the parts of the engine from the environment, and later applies the secrets of the config service.
//!
//! | `DATABASE_URL` | `CONFIG_SERVICE_URL` | plans are stored |
//! |---|---|---|
//! | – | – | in SQLite under `DATA_DIR` (embedded) |
//! | set | either | there |
//! | – | set | in the database of the config service; until it is known, the engine waits, and never uses SQLite |
//!
//! Secrets come from the environment, or else from the config service. The config service is asked only for secrets
//! that the environment lacks, and for the API key, which is accepted in addition to the environment's. The API key and
//! Redis follow the config service; a running process does not switch to another database.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use registry_actors::cache::redis::RedisCache;
use registry_actors::cache::{DeferredCache, SharedCache};
use registry_actors::config::{
    ConfigServiceSource, Fallback, Need, Resolved, Secret, SecretKey, Secrets, SettingsSource, SourceError,
    resolve_once,
};
use registry_actors::persistence::StoreSlot;
use registry_actors::settings::SettingsTable;
use registry_actors::system::SystemParts;
use registry_actors::tls::Tls;
use registry_planning::broker::BrokerModels;
use registry_store::Store;
use registry_store::postgres::PostgresStore;
use registry_store::sqlite::SqliteStore;
use tokio::sync::watch;
use tracing::{error, info};
use uuid::Uuid;

use crate::http::{ApiKeys, SecretFaults};
use crate::settings::{
    ConfigServiceSettings, Database, ProcessSettings, SettingsFaults, is_api_key, is_database_url, is_redis_url,
};

/// The reason why a new database is rejected.
const IN_USE: &str = "the service is connected to a different database; restart it to use the new one";
/// The beginning of a fault of a database's URL, which is shown only without the name of the secret.
const UNPARSABLE: &str = "failed to parse DATABASE_URL: ";
/// The interval between two refreshes of all settings from the config service.
const REFRESH_EVERY: Duration = Duration::from_secs(30);

/// The functions that open URLs, with the root certificates that are trusted. They do not connect.
#[derive(Clone, Copy)]
pub struct Openers {
    /// Opens a `DATABASE_URL`.
    pub store: fn(&str, &Tls) -> anyhow::Result<Arc<dyn Store>>,
    /// Opens a `REDIS_URL`.
    pub shared_cache: fn(&str, &Tls) -> anyhow::Result<Arc<dyn SharedCache>>,
}

impl Default for Openers {
    fn default() -> Self {
        Openers { store: open_store, shared_cache: open_shared_cache }
    }
}

fn open_store(url: &str, tls: &Tls) -> anyhow::Result<Arc<dyn Store>> {
    Ok(Arc::new(PostgresStore::with_ca(url, tls.ca())?))
}

fn open_shared_cache(url: &str, tls: &Tls) -> anyhow::Result<Arc<dyn SharedCache>> {
    Ok(Arc::new(RedisCache::with_tls(url, tls)?))
}

/// The parts of the engine, and the receiver of later secrets.
pub(crate) struct Boot {
    pub(crate) parts: SystemParts,
    pub(crate) late: Option<LateSecrets>,
}

/// Creates the parts of the engine without connecting to anything.
///
/// # Errors
/// [`SettingsFaults`] with every URL that cannot be opened.
pub(crate) fn prepare(settings: &ProcessSettings, keys: &Arc<ApiKeys>, openers: Openers) -> anyhow::Result<Boot> {
    let mut faults = Vec::new();
    let (keys, tls) = (Arc::clone(keys), Arc::clone(&settings.tls));
    let mut late =
        LateSecrets { store: None, cache: None, keys, openers, tls, faults: Arc::default(), seen: BTreeMap::new() };
    let store = match settings.database() {
        Database::Embedded => Arc::new(StoreSlot::filled(Arc::new(SqliteStore::new(&settings.database_path())))),
        Database::Url(url) => {
            let opened = (openers.store)(url.expose(), &settings.tls);
            let opened = opened.map_err(|fault| faults.push(url_fault(SecretKey::DatabaseUrl, &fault)));
            Arc::new(opened.map_or_else(|()| StoreSlot::default(), StoreSlot::filled))
        }
        Database::FromConfigService => Arc::clone(late.store.insert(Arc::default())),
    };
    let shared_cache: Option<Arc<dyn SharedCache>> = match (&settings.redis_url, &settings.config_service) {
        (Some(url), _) => {
            let opened = (openers.shared_cache)(url.expose(), &settings.tls);
            opened.map_err(|fault| faults.push(url_fault(SecretKey::RedisUrl, &fault))).ok()
        }
        (None, Some(_)) => Some(Arc::clone(late.cache.insert(Arc::default())) as _),
        (None, None) => None,
    };
    if !faults.is_empty() {
        return Err(SettingsFaults(faults).into());
    }

    let mut parts = match &settings.config_service {
        Some(service) => {
            let source = config_service(service, settings)?;
            let mut parts = SystemParts::new(Arc::new(source), store);
            parts.settings_refresh = Some(REFRESH_EVERY);
            parts.settings_fallback = Some(fallback(settings));
            parts
        }
        None => SystemParts::new(Arc::new(settings.planner.clone()), store),
    };
    parts.shared_cache = shared_cache;
    parts.has_demonstration = settings.has_demonstration;
    parts.ingest = settings.ingest();
    parts.brokers = Arc::new(BrokerModels::embedded().with_capacity(Arc::clone(&settings.capacity)));
    Ok(Boot { parts, late: settings.config_service.is_some().then_some(late) })
}

/// Describes the fault of a URL with the name of its variable.
fn url_fault(key: SecretKey, fault: &anyhow::Error) -> String {
    let fault = format!("{fault:#}");
    let why = fault.strip_prefix(UNPARSABLE).unwrap_or(&fault);
    format!("{}: {why}", key.name())
}

fn config_service(service: &ConfigServiceSettings, settings: &ProcessSettings) -> anyhow::Result<ConfigServiceSource> {
    let mut wanted = BTreeMap::new();
    if settings.database_url.is_none() {
        wanted.insert(SecretKey::DatabaseUrl, Need::Required);
    }
    if settings.redis_url.is_none() {
        wanted.insert(SecretKey::RedisUrl, Need::Optional);
    }
    let key_need = if settings.api_key.is_some() { Need::Optional } else { Need::Required };
    wanted.insert(SecretKey::InternalApiKey, key_need);
    let ConfigServiceSettings { url, api_key } = service;
    ConfigServiceSource::new(url.clone(), &settings.environment, api_key, wanted, is_allowed, &settings.tls)
        .context("failed to create a client of the config service")
}

fn fallback(settings: &ProcessSettings) -> Fallback {
    Fallback { table: settings.planner.table(), file: settings.last_good_path() }
}

/// Applies the secrets of the config service.
pub(crate) struct LateSecrets {
    store: Option<Arc<StoreSlot>>,
    cache: Option<Arc<DeferredCache>>,
    keys: Arc<ApiKeys>,
    openers: Openers,
    tls: Arc<Tls>,
    faults: Arc<SecretFaults>,
    /// The secrets that were handled, so that each value is applied, or its fault logged, once.
    seen: BTreeMap<SecretKey, Secret>,
}

impl LateSecrets {
    /// Returns the secrets that cannot be used.
    pub(crate) fn faults(&self) -> Arc<SecretFaults> {
        Arc::clone(&self.faults)
    }

    /// Applies the current secrets and every later change, until the sender is dropped.
    pub(crate) async fn follow(mut self, mut secrets: watch::Receiver<Secrets>) {
        loop {
            let known = secrets.borrow_and_update().clone();
            for (key, secret) in known {
                if let Some(secret) = secret.filter(|secret| self.seen.get(&key) != Some(secret)) {
                    self.take(key, &secret);
                    self.seen.insert(key, secret);
                }
            }
            if secrets.changed().await.is_err() {
                return;
            }
        }
    }

    fn take(&self, key: SecretKey, secret: &Secret) {
        let taken = match key {
            SecretKey::DatabaseUrl => self.take_database(secret),
            SecretKey::RedisUrl => self.take_redis(secret),
            SecretKey::InternalApiKey => self.take_api_key(secret),
        };
        let fault = taken.err().map(|fault| format!("{fault:#}"));
        let why = fault.as_deref().map(|fault| fault.strip_prefix(UNPARSABLE).unwrap_or(fault).to_owned());
        self.faults.set(key, why);
        match fault {
            None => info!(secret = key.name(), "secret received from the config service"),
            Some(fault) => {
                error!(secret = key.name(), fault, "failed to apply a secret from the config service");
            }
        }
    }

    fn take_database(&self, url: &Secret) -> anyhow::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        check(SecretKey::DatabaseUrl, url)?;
        if !store.set((self.openers.store)(url.expose(), &self.tls)?) {
            bail!(IN_USE);
        }
        Ok(())
    }

    fn take_redis(&self, url: &Secret) -> anyhow::Result<()> {
        let Some(cache) = &self.cache else { return Ok(()) };
        check(SecretKey::RedisUrl, url)?;
        cache.set((self.openers.shared_cache)(url.expose(), &self.tls)?);
        Ok(())
    }

    fn take_api_key(&self, key: &Secret) -> anyhow::Result<()> {
        check(SecretKey::InternalApiKey, key)?;
        self.keys.replace(key.expose(), Instant::now());
        Ok(())
    }
}

/// Checks a secret of the config service by the same rules as one of the environment. The error does not show it
/// either.
fn check(key: SecretKey, secret: &Secret) -> anyhow::Result<()> {
    if is_allowed(key, secret) { Ok(()) } else { bail!(key.rejected()) }
}

fn is_allowed(key: SecretKey, secret: &Secret) -> bool {
    let is_allowed = match key {
        SecretKey::DatabaseUrl => is_database_url,
        SecretKey::RedisUrl => is_redis_url,
        SecretKey::InternalApiKey => is_api_key,
    };
    is_allowed(secret.expose())
}

pub(crate) struct Resources {
    /// The store. Its schema is up to date.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) database: String,
    /// The settings that a service would have if it started now.
    pub(crate) settings: SettingsTable,
}

/// Resolves database and settings as `serve` does. A command does not wait for an unavailable config service.
///
/// # Errors
/// If no database is configured, or it does not respond.
pub(crate) async fn resolve(settings: &ProcessSettings, openers: Openers) -> anyhow::Result<Resources> {
    let answers = fetch_once(settings).await?;
    let (store, database): (Arc<dyn Store>, String) = match settings.database() {
        Database::Embedded => {
            let path = settings.database_path();
            let store: Arc<dyn Store> = Arc::new(SqliteStore::new(&path));
            // The error contains the path.
            store.prepare().await?;
            (store, path.display().to_string())
        }
        Database::Url(url) => opened(&url, openers, &settings.tls).await?,
        Database::FromConfigService => opened(&database_url_in(answers.as_ref())?, openers, &settings.tls).await?,
    };
    let settings = effective(settings, answers.as_ref(), Some(&*store)).await.table;
    Ok(Resources { store, database, settings })
}

async fn opened(url: &Secret, openers: Openers, tls: &Tls) -> anyhow::Result<(Arc<dyn Store>, String)> {
    let store = (openers.store)(url.expose(), tls)
        .map_err(|fault| SettingsFaults(vec![url_fault(SecretKey::DatabaseUrl, &fault)]))?;
    let database = format!("the {} database of DATABASE_URL", store.backend());
    store.prepare().await.with_context(|| format!("failed to open {database}"))?;
    Ok((store, database))
}

pub(crate) type FetchResult = Result<registry_actors::config::Answers, SourceError>;

/// Returns the URL of the database that the config service has returned.
///
/// # Errors
/// If it has returned none, or one that is not allowed.
pub(crate) fn database_url_in(answers: Option<&FetchResult>) -> anyhow::Result<Secret> {
    match answers {
        Some(Ok(answers)) => {
            let url = answers.secrets.get(&SecretKey::DatabaseUrl).cloned().flatten();
            let why = answers.unanswered.get(SecretKey::DatabaseUrl.name());
            let url = url.ok_or_else(|| match why {
                Some(why) => anyhow!("DATABASE_URL is not set in the environment, and not received: {why}"),
                None => anyhow!("DATABASE_URL is set neither in the environment nor in the config service"),
            })?;
            check(SecretKey::DatabaseUrl, &url).context("DATABASE_URL")?;
            Ok(url)
        }
        Some(Err(fault)) => bail!("DATABASE_URL is not set in the environment, and not received: {fault}"),
        None => bail!("DATABASE_URL is not set"),
    }
}

/// Returns the faults of the URLs and keys that a service would use if it started now. It does not connect, and shows
/// no value.
pub(crate) fn unusable(settings: &ProcessSettings, answers: Option<&FetchResult>, openers: Openers) -> Vec<String> {
    let held = |key| match answers {
        Some(Ok(answers)) => answers.secrets.get(&key).cloned().flatten(),
        _ => None,
    };
    let mut faults = Vec::new();
    for key in SecretKey::ALL {
        if held(*key).is_some_and(|secret| !is_allowed(*key, &secret)) {
            faults.push(format!("{}: {}", key.name(), key.rejected()));
        }
    }
    let mut open = |key: SecretKey, given: &Option<Secret>, open: &dyn Fn(&str) -> anyhow::Result<()>| {
        let url = given.clone().or_else(|| held(key)).filter(|url| is_allowed(key, url));
        if let Some(Err(fault)) = url.map(|url| open(url.expose())) {
            faults.push(url_fault(key, &fault));
        }
    };
    let tls = &settings.tls;
    open(SecretKey::DatabaseUrl, &settings.database_url, &|url| (openers.store)(url, tls).map(drop));
    open(SecretKey::RedisUrl, &settings.redis_url, &|url| (openers.shared_cache)(url, tls).map(drop));
    faults
}

/// Fetches the settings and secrets from the config service once, if it is configured.
pub(crate) async fn fetch_once(settings: &ProcessSettings) -> anyhow::Result<Option<FetchResult>> {
    let Some(service) = &settings.config_service else { return Ok(None) };
    let source = config_service(service, settings)?;
    Ok(Some(source.fetch(&Uuid::now_v7().to_string()).await))
}

/// Returns the settings that a service would have if it started now.
pub(crate) async fn effective(
    settings: &ProcessSettings,
    answers: Option<&FetchResult>,
    store: Option<&dyn Store>,
) -> Resolved {
    match answers {
        Some(answers) => resolve_once(answers.as_ref(), &fallback(settings), store).await,
        None => Resolved { table: settings.planner.table(), refused: Vec::new() },
    }
}
