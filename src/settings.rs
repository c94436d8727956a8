//! What the process is told by its environment, checked as a whole before anything is opened.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use registry_actors::config::{EnvironmentSource, Origin};

/// What the process is told by its environment.
#[derive(Clone)]
pub struct ProcessSettings {
    /// Where to listen: `BIND_ADDRESS` and `PORT`.
    pub listen: SocketAddr,
    /// `ENVIRONMENT`, for people and logs.
    pub environment: String,
    /// `DATA_DIR`: the embedded database and the key made on first start.
    pub data_dir: PathBuf,
    /// `LOG_LEVEL`, in the words of `tracing`'s filter.
    pub log_level: String,
    /// `INTERNAL_API_KEY`; `None` where it is to be made.
    pub api_key: Option<String>,
    /// `INSTRUMENT_REGISTRY_DEMO_CATALOGUE`.
    pub has_demonstration: bool,
    /// `INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING`.
    pub is_legacy_encoding: bool,
    /// The planner's settings.
    pub planner: EnvironmentSource,
}

impl std::fmt::Debug for ProcessSettings {
    /// Leaves out the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessSettings")
            .field("listen", &self.listen)
            .field("environment", &self.environment)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// Everything that is wrong with the environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsFaults(pub Vec<String>);

/// Most characters of an API key.
const API_KEY_CHARACTERS_MAX: usize = 512;

impl ProcessSettings {
    /// Reads and checks everything through `variable`.
    ///
    /// # Errors
    /// Every fault, each with its key, origin and what is allowed.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsFaults> {
        let mut reader = Reader { variable: &variable, faults: Vec::new() };
        for (key, what) in NOT_BUILT {
            reader.refuse(key, what);
        }
        let address =
            reader.parsed("BIND_ADDRESS", IpAddr::V4(Ipv4Addr::LOCALHOST), "an IPv4 or IPv6 address", |text| {
                text.parse().ok()
            });
        let port = reader.parsed("PORT", 8901, "0 to 65535", |text| text.parse().ok());
        let environment = reader.parsed("ENVIRONMENT", "prod".to_owned(), "1 to 64 visible characters", |text| {
            is_visible(text, 64).then(|| text.to_owned())
        });
        let data_dir = reader.parsed("DATA_DIR", PathBuf::from("./data"), "the path of a folder", |text| {
            (!text.is_empty()).then(|| PathBuf::from(text))
        });
        let log_level = reader.parsed(
            "LOG_LEVEL",
            "info".to_owned(),
            "error, warn, info, debug, trace, or a filter such as `info,registry_actors=debug`",
            |text| text.parse::<tracing_subscriber::filter::Targets>().ok().map(|_| text.to_owned()),
        );
        let api_key = reader.secret("INTERNAL_API_KEY");
        let has_demonstration =
            reader.parsed("INSTRUMENT_REGISTRY_DEMO_CATALOGUE", true, "true, false", |text| text.parse().ok());
        let is_legacy_encoding =
            reader.parsed("INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING", false, "true, false", |text| text.parse().ok());
        let mut faults = reader.faults;
        let planner = EnvironmentSource::read(&variable).map_err(|setting_faults| {
            faults.extend(setting_faults.iter().map(ToString::to_string));
        });
        match planner {
            Ok(planner) if faults.is_empty() => Ok(ProcessSettings {
                listen: SocketAddr::new(address, port),
                environment,
                data_dir,
                log_level,
                api_key,
                has_demonstration,
                is_legacy_encoding,
                planner,
            }),
            _ => Err(SettingsFaults(faults)),
        }
    }

    /// The embedded database's file.
    pub fn database_path(&self) -> PathBuf {
        self.data_dir.join("instrument_registry.sqlite")
    }
}

/// Variables of parts that this version does not have: set, they must stop it, or it would quietly serve something
/// else.
const NOT_BUILT: [(&str, &str); 3] = [
    ("DATABASE_URL", "this version stores plans in SQLite under DATA_DIR only; unset it"),
    ("REDIS_URL", "this version has no shared cache; unset it"),
    ("CONFIG_SERVICE_URL", "this version reads settings from the environment only; unset it"),
];

struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn refuse(&mut self, key: &str, what: &str) {
        if (self.variable)(key).is_some() {
            self.faults.push(format!("{key}: {what}"));
        }
    }

    fn parsed<T>(&mut self, key: &str, default: T, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(text) = (self.variable)(key) else { return default };
        parse(text.trim()).unwrap_or_else(|| {
            let origin = Origin::Environment.describe();
            self.faults.push(format!("{key}: `{text}` from {origin} is not allowed; allowed: {allowed}"));
            default
        })
    }

    /// Reads a secret; a fault never shows its value.
    fn secret(&mut self, key: &str) -> Option<String> {
        let text = (self.variable)(key)?;
        if !is_visible(&text, API_KEY_CHARACTERS_MAX) {
            self.faults.push(format!(
                "{key}: the value from the environment is not allowed; allowed: 1 to {API_KEY_CHARACTERS_MAX} visible \
                 ASCII characters"
            ));
        }
        Some(text)
    }
}

fn is_visible(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ProcessSettings, SettingsFaults> {
        ProcessSettings::read(|key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_gives_the_embedded_default() {
        let settings = read(&[]).unwrap();

        assert_eq!(settings.listen.to_string(), "127.0.0.1:8901");
        assert_eq!(settings.database_path(), PathBuf::from("./data/instrument_registry.sqlite"));
        assert!(settings.has_demonstration && !settings.is_legacy_encoding);
    }

    #[test]
    fn every_fault_is_reported_with_key_origin_and_range() {
        let faults = read(&[
            ("PORT", "70000"),
            ("LOG_LEVEL", "loud=very"),
            ("INSTRUMENT_REGISTRY_DEMO_CATALOGUE", "yes"),
            ("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "0"),
            ("DATABASE_URL", "postgres://localhost/x"),
        ])
        .unwrap_err()
        .0;

        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(faults.contains(&"PORT: `70000` from the environment is not allowed; allowed: 0 to 65535".to_owned()));
        assert!(faults[0].starts_with("DATABASE_URL"));
    }

    #[test]
    fn a_bad_key_is_refused_without_being_shown() {
        let faults = read(&[("INTERNAL_API_KEY", "se cret")]).unwrap_err();

        assert!(!faults.to_string().contains("se cret"));
        assert!(faults.to_string().contains("INTERNAL_API_KEY"));
        assert!(read(&[("INTERNAL_API_KEY", "")]).is_err());
    }
}
