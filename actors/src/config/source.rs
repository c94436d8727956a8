//! Where settings come from.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::settings::{Origin, SETTINGS, SettingFault, SettingsTable};

/// A source could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read settings: {0}")]
pub struct SourceError(pub String);

/// A place that holds settings.
#[async_trait]
pub trait SettingsSource: Send + Sync + 'static {
    /// The raw value of every key that the place holds, with its origin.
    ///
    /// # Errors
    /// [`SourceError`] where the place cannot be asked; nothing is known then.
    async fn fetch(&self) -> Result<BTreeMap<&'static str, (String, Origin)>, SourceError>;
}

/// The process's environment, read once: it does not change while the process runs.
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

    /// The settings as a table.
    pub fn table(&self) -> SettingsTable {
        let mut table = SettingsTable::default();
        for key in SETTINGS {
            let (value, origin) = &self.values[key.name];
            table.set(key, value, *origin).expect("values were checked when they were read");
        }
        table
    }
}

#[async_trait]
impl SettingsSource for EnvironmentSource {
    async fn fetch(&self) -> Result<BTreeMap<&'static str, (String, Origin)>, SourceError> {
        Ok(self.values.clone())
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
