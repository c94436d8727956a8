//! Sources of settings.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::secrets::{Secret, SecretKey, Secrets};
use crate::settings::{Origin, SETTINGS, SettingFault, SettingsTable};

/// A source is unavailable: no key is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It does not respond, or not with usable data.
    #[error("failed to read settings: {0}")]
    Unavailable(String),
    /// It rejects the API key. A retry soon does not help.
    #[error("failed to read settings: {0}")]
    Unauthorized(String),
}

/// The answers of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The raw value of every setting in the source, with its origin.
    pub values: BTreeMap<&'static str, (String, Origin)>,
    /// The answer for each requested secret.
    pub secrets: Secrets,
    /// The keys without an answer, and the reasons. A key that is in none of the three maps does not exist in the
    /// source.
    pub unanswered: BTreeMap<&'static str, String>,
}

impl Answers {
    /// Returns answers without any setting, for one reason.
    pub(crate) fn none(why: &str) -> Self {
        let unanswered = SETTINGS.iter().map(|key| (key.name, why.to_owned())).collect();
        Answers { unanswered, ..Answers::default() }
    }
}

impl From<BTreeMap<&'static str, (String, Origin)>> for Answers {
    fn from(values: BTreeMap<&'static str, (String, Origin)>) -> Self {
        Answers { values, ..Answers::default() }
    }
}

/// A source of settings: the config service, the environment, or a fake in tests.
#[async_trait]
pub trait SettingsSource: Send + Sync + 'static {
    /// Fetches every key. The correlation id is passed on.
    ///
    /// # Errors
    /// [`SourceError`] if the source is unavailable.
    async fn fetch(&self, correlation_id: &str) -> Result<Answers, SourceError>;

    /// Checks whether the source responds. A source that cannot become unavailable always does.
    ///
    /// # Errors
    /// [`SourceError`] if it does not.
    async fn probe(&self, _correlation_id: &str) -> Result<(), SourceError> {
        Ok(())
    }

    /// Whether a secret has the allowed form. Others are not used.
    fn is_usable(&self, _key: SecretKey, _secret: &Secret) -> bool {
        true
    }

    /// Returns the secrets of the source without which nothing can be served.
    fn required_secrets(&self) -> BTreeSet<SecretKey> {
        BTreeSet::new()
    }
}

/// The environment of the process, read once: it does not change while the process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentSource {
    values: BTreeMap<&'static str, (String, Origin)>,
}

impl EnvironmentSource {
    /// Reads every setting through `variable` and checks it.
    ///
    /// # Errors
    /// Every fault, not only the first.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<SettingFault>> {
        let mut table = SettingsTable::default();
        let mut faults = Vec::new();
        for key in SETTINGS {
            if let Some(value) = variable(key.name)
                && let Err(fault) = table.set(key, &value, Origin::Environment)
            {
                faults.push(fault);
            }
        }
        if faults.is_empty() { Ok(EnvironmentSource { values: table.values().clone() }) } else { Err(faults) }
    }

    /// Returns the value of every setting: that of the environment, or the default.
    pub fn table(&self) -> SettingsTable {
        let mut table = SettingsTable::default();
        for key in SETTINGS {
            let (value, origin) = &self.values[key.name];
            table.set(key, value, *origin).expect("values are validated when they are read");
        }
        table
    }
}

#[async_trait]
impl SettingsSource for EnvironmentSource {
    async fn fetch(&self, _: &str) -> Result<Answers, SourceError> {
        Ok(self.values.clone().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        let faults = EnvironmentSource::read(|key| match key {
            "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT" => Some("0".into()),
            "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL" => Some("never".into()),
            _ => None,
        })
        .unwrap_err();

        let keys: Vec<_> = faults.iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL"]);
    }

    #[test]
    fn the_environment_wins_over_the_defaults() {
        let source = EnvironmentSource::read(|key| {
            (key == "INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN").then(|| "7".to_owned())
        })
        .unwrap();

        let table = source.table();
        assert_eq!(table.settings().max_instruments_per_plan, 7);
        assert_eq!(table.values()["INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN"].1, Origin::Environment);
        assert_eq!(table.values()["INSTRUMENT_REGISTRY_PLANNER_TIMEOUT"].1, Origin::Default);
    }
}
