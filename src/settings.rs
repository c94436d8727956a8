//! The settings of the process from its environment. All are checked before anything is opened.

mod gates;
mod ingest;
mod limits;
mod logs;
mod tls;
mod traces;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use registry_actors::config::{EnvironmentSource, Secret, SecretKey, ServiceUrl};
use registry_actors::settings::Origin;
use registry_actors::tls::Tls;
use registry_planning::capacity::Capacity;
use registry_planning::ingest::gate::GateSettings;

use self::ingest::Ingest;
pub use self::limits::CapacitySource;
pub use self::logs::LogFormat;
pub use self::traces::{Sampler, TraceSettings};

/// The settings of the process from its environment.
#[derive(Clone)]
pub struct ProcessSettings {
    /// The address to listen on: `BIND_ADDRESS` and `PORT`.
    pub listen: SocketAddr,
    /// The address to listen on for probes and metrics: `BIND_ADDRESS` and `PROBE_PORT`.
    pub probe_listen: Option<SocketAddr>,
    /// `ENVIRONMENT`: the environment whose values the config service returns. It also appears in logs.
    pub environment: String,
    /// `DATA_DIR`: the folder for the embedded database, the key that the first start generates, and the last good
    /// settings.
    pub data_dir: PathBuf,
    /// `LOG_LEVEL`: a filter of `tracing`.
    pub log_level: String,
    /// `LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `INTERNAL_API_KEY`.
    pub api_key: Option<Secret>,
    /// `DATABASE_URL`.
    pub database_url: Option<Secret>,
    /// `REDIS_URL`.
    pub redis_url: Option<Secret>,
    /// The config service, if it is configured.
    pub config_service: Option<ConfigServiceSettings>,
    /// The export of traces, if a collector is configured.
    pub traces: Option<TraceSettings>,
    /// The trust in certificates of servers: that of the system, and `TLS_CA_FILE`.
    pub tls: Arc<Tls>,
    /// `INSTRUMENT_REGISTRY_DEMO_CATALOGUE`.
    pub has_demonstration: bool,
    /// `INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING`.
    pub is_legacy_encoding: bool,
    /// `INSTRUMENT_REGISTRY_SERVER_TIMING`.
    pub has_server_timing: bool,
    /// The gates that a broker's file must pass: `INSTRUMENT_REGISTRY_GATE_…`.
    pub gates: GateSettings,
    ingest: Ingest,
    /// The capacity of brokers: `INSTRUMENT_REGISTRY_BROKER_LIMITS` and `INSTRUMENT_REGISTRY_BROKER_ACCOUNTS`.
    pub capacity: Arc<Capacity>,
    pub(crate) capacity_source: CapacitySource,
    /// The settings of the planner.
    pub planner: EnvironmentSource,
}

/// The access to the config service.
#[derive(Clone, Debug)]
pub struct ConfigServiceSettings {
    /// `CONFIG_SERVICE_URL`.
    pub url: ServiceUrl,
    /// The key that is sent to it: `CONFIG_SERVICE_API_KEY`, or else `INTERNAL_API_KEY`.
    pub api_key: Secret,
}

/// The database that stores plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// SQLite under `DATA_DIR`, because neither a database nor a config service is configured.
    Embedded,
    /// The database with this URL.
    Url(Secret),
    /// The database whose URL the config service will provide. SQLite never replaces it.
    FromConfigService,
}

/// The origin of the API key that callers must send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiKeyOrigin {
    /// The environment contains this key.
    Environment(Secret),
    /// The config service will provide it.
    FromConfigService,
    /// The first start generates it and stores it in `DATA_DIR`.
    Made,
}

impl std::fmt::Debug for ProcessSettings {
    /// Omits the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessSettings")
            .field("listen", &self.listen)
            .field("environment", &self.environment)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// Every fault of the environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsFaults(pub Vec<String>);

const API_KEY_CHARACTERS_MAX: usize = 512;
const URL_CHARACTERS_MAX: usize = 4096;

impl ProcessSettings {
    /// Reads and checks all settings through `variable`.
    ///
    /// # Errors
    /// Every fault, each with its key, origin and the allowed values.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsFaults> {
        let mut reader = Reader { variable: &variable, faults: Vec::new() };
        let address =
            reader.parsed("BIND_ADDRESS", IpAddr::V4(Ipv4Addr::LOCALHOST), "an IPv4 or IPv6 address", |text| {
                text.parse().ok()
            });
        let port = reader.parsed("PORT", 8901, "an integer from 0 to 65535", |text| text.parse().ok());
        let probe_port = reader.probe_port(port);
        let environment = reader.parsed("ENVIRONMENT", "prod".to_owned(), "1 to 64 visible ASCII characters", |text| {
            is_visible(text, 64).then(|| text.to_owned())
        });
        let data_dir = reader.parsed("DATA_DIR", PathBuf::from("./data"), "a folder path", |text| {
            (!text.is_empty()).then(|| PathBuf::from(text))
        });
        let log_level = reader.parsed(
            "LOG_LEVEL",
            "info".to_owned(),
            "error, warn, info, debug, trace, or a filter such as `info,registry_actors=debug`",
            |text| text.parse::<tracing_subscriber::filter::Targets>().ok().map(|_| text.to_owned()),
        );
        let log_format = reader.parsed("LOG_FORMAT", LogFormat::Auto, "auto, json or text", LogFormat::parse);
        let api_key = reader.secret("INTERNAL_API_KEY", API_KEY_ALLOWED, is_api_key);
        let database_url = reader.secret("DATABASE_URL", DATABASE_URL_ALLOWED, is_database_url);
        let redis_url = reader.secret("REDIS_URL", REDIS_URL_ALLOWED, is_redis_url);
        let config_service = reader.config_service(api_key.as_ref());
        let tls = reader.tls();
        let traces = reader.traces();
        let has_demonstration =
            reader.parsed("INSTRUMENT_REGISTRY_DEMO_CATALOGUE", true, "true or false", |text| text.parse().ok());
        let is_legacy_encoding =
            reader.parsed("INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING", false, "true or false", |text| text.parse().ok());
        let has_server_timing =
            reader.parsed("INSTRUMENT_REGISTRY_SERVER_TIMING", true, "true or false", |text| text.parse().ok());
        let gates = reader.gates();
        let ingest = reader.ingest();
        let (capacity_source, capacity) = reader.capacity();
        let mut faults = reader.faults;
        let planner = EnvironmentSource::read(&variable).map_err(|setting_faults| {
            faults.extend(setting_faults.iter().map(ToString::to_string));
        });
        match planner {
            Ok(planner) if faults.is_empty() => Ok(ProcessSettings {
                listen: SocketAddr::new(address, port),
                probe_listen: probe_port.map(|port| SocketAddr::new(address, port)),
                environment,
                data_dir,
                log_level,
                log_format,
                api_key,
                database_url,
                redis_url,
                config_service,
                traces,
                tls,
                has_demonstration,
                is_legacy_encoding,
                has_server_timing,
                gates,
                ingest,
                capacity,
                capacity_source,
                planner,
            }),
            _ => Err(SettingsFaults(faults)),
        }
    }

    /// Returns the path of the embedded database.
    pub fn database_path(&self) -> PathBuf {
        self.data_dir.join("instrument_registry.sqlite")
    }

    /// Returns the path of the last good settings, which are stored in the database too.
    pub fn last_good_path(&self) -> PathBuf {
        self.data_dir.join("settings_last_good.json")
    }

    /// Returns the folder for copies of refused files.
    pub fn refused_path(&self) -> PathBuf {
        self.data_dir.join("refused")
    }

    /// Returns the settings of the gates with their values, for messages.
    pub fn gate_values(&self) -> [(&'static str, String); 6] {
        gates::values(&self.gates)
    }

    /// Returns the database that stores plans.
    pub fn database(&self) -> Database {
        match (&self.database_url, &self.config_service) {
            (Some(url), _) => Database::Url(url.clone()),
            (None, Some(_)) => Database::FromConfigService,
            (None, None) => Database::Embedded,
        }
    }

    /// Returns the origin of the key that callers must send. The key of the config service is accepted in addition to
    /// the environment's.
    pub fn api_key_origin(&self) -> ApiKeyOrigin {
        match (&self.api_key, &self.config_service) {
            (Some(key), _) => ApiKeyOrigin::Environment(key.clone()),
            (None, Some(_)) => ApiKeyOrigin::FromConfigService,
            (None, None) => ApiKeyOrigin::Made,
        }
    }
}

const API_KEY_ALLOWED: &str = SecretKey::InternalApiKey.allowed();
const DATABASE_URL_ALLOWED: &str = SecretKey::DatabaseUrl.allowed();
const REDIS_URL_ALLOWED: &str = SecretKey::RedisUrl.allowed();

/// Whether callers can send the text as a header.
pub(crate) fn is_api_key(text: &str) -> bool {
    is_visible(text, API_KEY_CHARACTERS_MAX)
}

pub(crate) fn is_database_url(text: &str) -> bool {
    is_url_of(text, &["postgres://", "postgresql://"])
}

pub(crate) fn is_redis_url(text: &str) -> bool {
    is_url_of(text, &["redis://", "rediss://", "valkey://", "valkeys://"])
}

fn is_url_of(text: &str, schemes: &[&str]) -> bool {
    is_visible(text, URL_CHARACTERS_MAX)
        && schemes.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn fault(&mut self, key: &str, what: &str) {
        self.faults.push(format!("{key}: {what}"));
    }

    fn parsed<T>(&mut self, key: &str, default: T, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(text) = (self.variable)(key) else { return default };
        parse(text.trim()).unwrap_or_else(|| {
            let origin = Origin::Environment.describe();
            let got = if text.is_empty() { "an empty string".to_owned() } else { format!("`{text}`") };
            self.faults.push(format!("{key}: expected {allowed}, got {got} from {origin}"));
            default
        })
    }

    fn probe_port(&mut self, port: u16) -> Option<u16> {
        let allowed = "an integer from 0 to 65535";
        let probe_port = self.parsed("PROBE_PORT", None, allowed, |text| text.parse().ok().map(Some));
        // 0 selects a free port.
        if port != 0 && probe_port == Some(port) {
            self.fault("PROBE_PORT", &format!("expected a port other than PORT, got `{port}` for both"));
        }
        probe_port
    }

    /// Reads a URL. A fault never shows the value, because it may contain a password by mistake.
    fn parsed_url<T>(&mut self, key: &str, default: T, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(text) = (self.variable)(key) else { return default };
        parse(text.trim()).unwrap_or_else(|| {
            self.hidden_fault(key, allowed, &text);
            default
        })
    }

    /// Reads a secret. A fault never shows its value.
    fn secret(&mut self, key: &str, allowed: &str, is_allowed: fn(&str) -> bool) -> Option<Secret> {
        let text = (self.variable)(key)?;
        if !is_allowed(&text) {
            self.hidden_fault(key, allowed, &text);
        }
        Some(Secret::new(&text))
    }

    fn hidden_fault(&mut self, key: &str, allowed: &str, text: &str) {
        let (got, hidden) = if text.is_empty() { ("an empty string", "") } else { ("another value", " (not shown)") };
        self.faults.push(format!("{key}: expected {allowed}, got {got} from the environment{hidden}"));
    }

    /// Reads the access to the config service. Its URL is not shown either, because it may contain a password by
    /// mistake.
    fn config_service(&mut self, api_key: Option<&Secret>) -> Option<ConfigServiceSettings> {
        let own_key = self.secret("CONFIG_SERVICE_API_KEY", API_KEY_ALLOWED, is_api_key);
        let is_allowed = |text: &str| ServiceUrl::parse(text).is_some();
        let Some(url) = self.secret("CONFIG_SERVICE_URL", ServiceUrl::ALLOWED, is_allowed) else {
            if own_key.is_some() {
                self.fault(
                    "CONFIG_SERVICE_API_KEY",
                    "requires CONFIG_SERVICE_URL; set that variable or unset this one",
                );
            }
            return None;
        };
        let Some(api_key) = own_key.as_ref().or(api_key) else {
            self.fault(
                "INTERNAL_API_KEY",
                "is required if CONFIG_SERVICE_URL is set, because calls to the config service are authenticated with \
                 it; if the config service provides INTERNAL_API_KEY, set CONFIG_SERVICE_API_KEY instead",
            );
            return None;
        };
        let url = ServiceUrl::parse(url.expose())?;
        Some(ConfigServiceSettings { url, api_key: api_key.clone() })
    }
}

fn is_visible(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_settings(pairs: &[(&str, &str)]) -> Result<ProcessSettings, SettingsFaults> {
        ProcessSettings::read(|key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn an_empty_environment_selects_the_embedded_database() {
        let settings = read_settings(&[]).unwrap();

        assert_eq!(settings.listen.to_string(), "127.0.0.1:8901");
        assert_eq!(settings.database_path(), PathBuf::from("./data/instrument_registry.sqlite"));
        assert!(settings.has_demonstration && !settings.is_legacy_encoding);
    }

    #[test]
    fn every_fault_is_reported_with_key_origin_and_range() {
        let faults = read_settings(&[
            ("PORT", "70000"),
            ("LOG_LEVEL", "loud=very"),
            ("INSTRUMENT_REGISTRY_DEMO_CATALOGUE", "yes"),
            ("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "0"),
            ("DATABASE_URL", "mysql://localhost/x"),
        ])
        .unwrap_err()
        .0;

        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(
            faults.contains(&"PORT: expected an integer from 0 to 65535, got `70000` from the environment".to_owned())
        );
        let database = "DATABASE_URL: expected a URL that starts with postgres:// or postgresql://, got another value from the \
             environment (not shown)";
        assert!(faults.contains(&database.to_owned()));
    }

    #[test]
    fn the_probe_port_differs_from_the_port() {
        let read = |port, probe_port| read_settings(&[("PORT", port), ("PROBE_PORT", probe_port)]);
        let fault = |port, probe_port| read(port, probe_port).unwrap_err().to_string();

        assert_eq!(read_settings(&[]).unwrap().probe_listen, None);
        assert_eq!(read("8901", "8902").unwrap().probe_listen, Some("127.0.0.1:8902".parse().unwrap()));
        assert_eq!(read("0", "0").unwrap().probe_listen, Some("127.0.0.1:0".parse().unwrap()));
        assert_eq!(fault("8902", "8902"), "PROBE_PORT: expected a port other than PORT, got `8902` for both");
        assert_eq!(
            fault("8901", "http"),
            "PROBE_PORT: expected an integer from 0 to 65535, got `http` from the environment"
        );
    }

    #[test]
    fn an_invalid_key_is_rejected_without_showing_it() {
        let faults = read_settings(&[("INTERNAL_API_KEY", "se cret")]).unwrap_err();

        assert!(!faults.to_string().contains("se cret"));
        assert!(faults.to_string().contains("INTERNAL_API_KEY"));
        assert_eq!(
            read_settings(&[("INTERNAL_API_KEY", "")]).unwrap_err().to_string(),
            "INTERNAL_API_KEY: expected 1 to 512 visible ASCII characters, got an empty string from the environment"
        );
        assert_eq!(
            read_settings(&[("PORT", "")]).unwrap_err().to_string(),
            "PORT: expected an integer from 0 to 65535, got an empty string from the environment"
        );
    }

    const KEY: (&str, &str) = ("INTERNAL_API_KEY", "fake-key");
    const DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://fake/x");
    const SERVICE: (&str, &str) = ("CONFIG_SERVICE_URL", "http://fake:8100");
    const OWN_KEY: (&str, &str) = ("CONFIG_SERVICE_API_KEY", "fake-own-key");

    #[test]
    fn the_environment_selects_the_database() {
        let database = |pairs: &[_]| read_settings(pairs).unwrap().database();
        let url = || Database::Url(Secret::new("postgres://fake/x"));

        assert_eq!(database(&[]), Database::Embedded);
        assert_eq!(database(&[KEY]), Database::Embedded);
        assert_eq!(database(&[DATABASE]), url());
        assert_eq!(database(&[KEY, DATABASE]), url());
        assert_eq!(database(&[KEY, DATABASE, SERVICE]), url());
        assert_eq!(database(&[KEY, SERVICE]), Database::FromConfigService);
    }

    #[test]
    fn the_environment_selects_the_origin_of_the_key() {
        let origin = |pairs: &[_]| read_settings(pairs).unwrap().api_key_origin();
        let environment = || ApiKeyOrigin::Environment(Secret::new("fake-key"));

        assert_eq!(origin(&[]), ApiKeyOrigin::Made);
        assert_eq!(origin(&[DATABASE]), ApiKeyOrigin::Made);
        assert_eq!(origin(&[KEY]), environment());
        assert_eq!(origin(&[KEY, OWN_KEY, SERVICE]), environment());
        assert_eq!(origin(&[OWN_KEY, SERVICE]), ApiKeyOrigin::FromConfigService);
    }

    #[test]
    fn the_config_service_gets_its_own_key_if_it_is_set() {
        let shown = |pairs: &[_]| read_settings(pairs).unwrap().config_service.unwrap().api_key;

        assert_eq!(shown(&[KEY, SERVICE]), Secret::new("fake-key"));
        assert_eq!(shown(&[KEY, OWN_KEY, SERVICE]), Secret::new("fake-own-key"));
    }

    #[test]
    fn contradictory_settings_are_rejected() {
        let fault = |pairs: &[_]| read_settings(pairs).unwrap_err().to_string();

        assert!(fault(&[SERVICE]).starts_with("INTERNAL_API_KEY: is required if CONFIG_SERVICE_URL is set"));
        assert!(fault(&[OWN_KEY]).starts_with("CONFIG_SERVICE_API_KEY: requires CONFIG_SERVICE_URL"));
    }

    #[test]
    fn an_invalid_url_is_rejected_without_showing_it() {
        let urls = [
            ("DATABASE_URL", "sqlite://fake-secret"),
            ("DATABASE_URL", ""),
            ("DATABASE_URL", "postgres://"),
            ("REDIS_URL", "http://fake-secret"),
            ("CONFIG_SERVICE_URL", "http://user:fake-secret@host"),
            ("CONFIG_SERVICE_URL", "https://user:fake-secret@host"),
            ("CONFIG_SERVICE_URL", "ftp://fake-secret"),
        ];
        for url in urls {
            let faults = read_settings(&[KEY, url]).unwrap_err();

            assert_eq!(faults.0.len(), 1, "{faults}");
            assert!(faults.0[0].starts_with(url.0) && !faults.0[0].contains("fake-secret"), "{faults}");
        }
    }

    #[test]
    fn no_secret_is_in_the_debug_form() {
        let settings = read_settings(&[KEY, DATABASE, SERVICE, OWN_KEY, ("REDIS_URL", "redis://fake")]).unwrap();

        let shown = format!("{settings:?} {:?} {:?}", settings.config_service, settings.database());
        for secret in ["fake-key", "fake-own-key", "postgres://fake", "redis://fake"] {
            assert!(!shown.contains(secret), "{secret}");
        }
    }
}
