//! The settings of the capacity of brokers: a file of limits, and the accounts.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use registry_planning::capacity::{Capacity, CapacityInput};
use registry_planning::plan::describe::trading_date;

use super::{ProcessSettings, Reader};

const LIMITS: &str = "INSTRUMENT_REGISTRY_BROKER_LIMITS";
const ACCOUNTS: &str = "INSTRUMENT_REGISTRY_BROKER_ACCOUNTS";

/// The maximum size of the file; the built-in one has 36 KB.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The sources of the capacity of brokers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapacitySource {
    file: Option<PathBuf>,
    accounts: Option<String>,
}

impl CapacitySource {
    /// Whether there is a file, which may change.
    pub(crate) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Reads the file, and merges it and the accounts over the built-in figures. A source cannot have been checked
    /// after today in Asia/Kolkata.
    ///
    /// # Errors
    /// Every fault, with its setting and the path of the field.
    pub(crate) fn load(&self) -> Result<Arc<Capacity>, Vec<String>> {
        let text = match self.file.as_deref().map(|path| (path, read_text(path))) {
            None => None,
            Some((_, Ok(text))) => Some(text),
            Some((path, Err(fault))) => {
                let mut faults = vec![format!("{LIMITS}: failed to read {}: {fault}", path.display())];
                faults.extend(self.merged(None).err().unwrap_or_default());
                return Err(faults);
            }
        };
        self.merged(text.as_deref())
    }

    fn merged(&self, text: Option<&str>) -> Result<Arc<Capacity>, Vec<String>> {
        let today = trading_date(Utc::now());
        Capacity::with_on(today, text, self.accounts.as_deref()).map_err(|faults| {
            let named = |fault: &registry_planning::capacity::CapacityFault| match fault.input {
                CapacityInput::Limits => format!("{LIMITS}: {fault}"),
                CapacityInput::Accounts => format!("{ACCOUNTS}: {fault}"),
            };
            faults.iter().map(named).collect()
        })
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("expected at most {FILE_BYTES_MAX} bytes, got more")));
    }
    Ok(text)
}

impl Reader<'_> {
    /// Reads the capacity of brokers; the built-in one if there is a fault.
    pub(super) fn capacity(&mut self) -> (CapacitySource, Arc<Capacity>) {
        let file = self.parsed(LIMITS, None, "the path of a TOML file", |text| {
            (!text.is_empty() && !text.contains(char::is_control)).then(|| Some(PathBuf::from(text)))
        });
        let source = CapacitySource { file, accounts: (self.variable)(ACCOUNTS) };
        let capacity = source.load().unwrap_or_else(|faults| {
            self.faults.extend(faults);
            Capacity::embedded()
        });
        (source, capacity)
    }
}

impl ProcessSettings {
    /// Returns the settings of the capacity with their values, for display.
    pub(crate) fn capacity_values(&self) -> [(&'static str, String); 2] {
        let CapacitySource { file, accounts } = &self.capacity_source;
        let unset = || "(not set)".to_owned();
        [
            (LIMITS, file.as_ref().map_or_else(unset, |file| file.display().to_string())),
            (ACCOUNTS, accounts.clone().unwrap_or_else(unset)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use registry_planning::vocabulary::Broker;
    use tempfile::TempDir;

    use super::*;
    use crate::settings::SettingsFaults;

    fn read_settings(pairs: &[(&str, &str)]) -> Result<ProcessSettings, SettingsFaults> {
        ProcessSettings::read(|key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned()))
    }

    fn file(text: &str) -> (TempDir, String) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("limits.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path.display().to_string())
    }

    #[test]
    fn the_built_in_capacity_is_the_default() {
        let settings = read_settings(&[]).unwrap();

        assert!(!settings.capacity.is_overridden());
        assert!(!settings.capacity_source.has_file());
        assert_eq!(settings.capacity_values().map(|(_, value)| value), ["(not set)", "(not set)"]);
    }

    #[test]
    fn a_file_and_accounts_override_the_capacity() {
        let (_folder, path) = file(
            "[brokers.kite.tiers.pro.connections]\nvalue = 9\nsource = \"observed: our account\"\nseen = \"2026-08-17\"\n",
        );
        let settings = read_settings(&[(LIMITS, &path), (ACCOUNTS, "kite=desk:pro")]).unwrap();

        let kite = settings.capacity.of(Broker::Kite);
        assert_eq!(kite.tiers[kite.accounts[0].tier].limits.connections.value, 9);
        assert!(settings.capacity_source.has_file());
        assert_eq!(settings.capacity_values().map(|(_, value)| value), [path, "kite=desk:pro".to_owned()]);
    }

    #[test]
    fn every_fault_of_the_capacity_is_reported() {
        let (folder, path) = file("[brokers.kite]\ncolor = 1\nlowering = []\n");
        let faults = |path: &str| read_settings(&[(LIMITS, path), (ACCOUNTS, "kite=a,a")]).unwrap_err().0;

        assert_eq!(
            faults(&path),
            [
                "INSTRUMENT_REGISTRY_BROKER_LIMITS: brokers.kite.color: unknown field",
                "INSTRUMENT_REGISTRY_BROKER_LIMITS: brokers.kite.lowering: expected at least one of the modes, got none",
                "INSTRUMENT_REGISTRY_BROKER_ACCOUNTS: kite=a: duplicate of an earlier account of this broker",
            ]
        );
        let (_folder, future) = file("[brokers.kite.connections]\nvalue = 3\nsource = \"x\"\nseen = \"9999-12-31\"\n");
        assert!(
            faults(&future)[0].contains("brokers.kite.connections.seen: expected today, "),
            "{:?}",
            faults(&future)
        );
        let missing = faults(&folder.path().join("missing").display().to_string());
        assert_eq!(missing.len(), 2);
        assert!(missing[0].contains("/missing: No such file"), "{missing:?}");
        let (_folder, long) = file(&"#".repeat((1 << 20) + 1));
        assert!(faults(&long)[0].ends_with("expected at most 1048576 bytes, got more"));
    }
}
