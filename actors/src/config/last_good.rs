//! The last settings of the config service that were in range, for outages of the service.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use registry_store::{LastGoodSetting, LastGoodSettings, merge_last_good};

use crate::settings::SETTINGS;

/// Interval at which the time of an unchanged value is renewed. The latest value of all replicas wins, so a value that was
/// confirmed recently must not lose to an older one. A write every few minutes costs little.
const CONFIRM_EVERY: TimeDelta = TimeDelta::minutes(5);

/// The last answer for each key of this release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastGood(LastGoodSettings);

impl LastGood {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.value.as_deref()
    }

    /// Records an answer of the service and its time; `None`: the key has no value.
    pub(super) fn record(&mut self, key: &'static str, value: Option<&str>, said_at: DateTime<Utc>) {
        // Rounded to the precision of the databases, so that a value that is read back has the same time.
        let mut said_at = said_at.trunc_subsecs(3);
        if let Some(before) = self.0.get(key) {
            if before.value.as_deref() == value && said_at - before.said_at < CONFIRM_EVERY {
                return;
            }
            // The new answer is later than all known ones, whatever the clocks of the replicas.
            said_at = said_at.max(before.said_at + TimeDelta::milliseconds(1));
        }
        self.0.insert(key.to_owned(), LastGoodSetting { value: value.map(str::to_owned), said_at });
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Keeps the later answer for each key.
    pub(super) fn merge(&mut self, other: LastGood) {
        merge_last_good(&mut self.0, other.0);
    }

    /// Returns the settings as they are stored.
    pub(super) fn settings(&self) -> &LastGoodSettings {
        &self.0
    }

    /// Reads the file at `path`. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be read, or its content is invalid.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let settings: LastGoodSettings = serde_json::from_slice(&bytes)?;
        Ok(Some(settings.into()))
    }

    /// Replaces the file at `path` in one step: a reader, also after a power failure, finds the old or the new one.
    ///
    /// # Errors
    /// If the folder cannot be written to. The old file stays.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // The name contains the process id: two processes that share a folder must not write to one file.
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(&serde_json::to_vec_pretty(&self.0)?)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

impl From<LastGoodSettings> for LastGood {
    /// Ignores keys that this release does not know.
    fn from(mut settings: LastGoodSettings) -> Self {
        settings.retain(|key, _| SETTINGS.iter().any(|known| known.name == key));
        LastGood(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: &str = "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL";
    const TIMEOUT: &str = "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn last_good(value: &str) -> LastGood {
        let mut last_good = LastGood::default();
        last_good.record(TTL, Some(value), at(0));
        last_good
    }

    #[test]
    fn the_later_value_of_each_key_wins() {
        let (mut here, mut there) = (last_good("60"), LastGood::default());
        here.record(TIMEOUT, Some("10"), at(5));
        there.record(TTL, None, at(1));
        there.record(TIMEOUT, Some("20"), at(4));

        let mut other_way = there.clone();
        other_way.merge(here.clone());
        here.merge(there);

        assert_eq!(here.get(TTL), None);
        assert_eq!(here.get(TIMEOUT), Some("10"));
        assert_eq!(here, other_way);
    }

    #[test]
    fn unchanged_values_are_confirmed_every_five_minutes() {
        let mut last_good = last_good("60");
        let time = |last_good: &LastGood| last_good.settings()[TTL].said_at;

        last_good.record(TTL, Some("60"), at(299));
        let unchanged = time(&last_good);
        last_good.record(TTL, Some("60"), at(300));
        let confirmed = time(&last_good);
        last_good.record(TTL, Some("61"), at(301));
        let changed = time(&last_good);
        // The clock was set back.
        last_good.record(TTL, Some("62"), at(0));

        assert_eq!(unchanged, at(0));
        assert_eq!(confirmed, at(300));
        assert_eq!(changed, at(301));
        assert_eq!(last_good.get(TTL), Some("62"));
        assert_eq!(time(&last_good), at(301) + TimeDelta::milliseconds(1));
    }

    #[test]
    fn a_written_file_is_read_and_is_alone_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/settings.json");

        assert_eq!(LastGood::read(&path).unwrap(), None);
        last_good("60").write(&path).unwrap();
        last_good("61").write(&path).unwrap();

        assert_eq!(LastGood::read(&path).unwrap(), Some(last_good("61")));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        // Renaming a file over a folder fails even for root, who ignores permissions.
        let path = folder.path().join("settings.json");
        fs::create_dir_all(path.join("in the way")).unwrap();

        assert!(last_good("60").write(&path).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_with_other_content_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        for text in ["", "[]", "{\"KEY\": 1}", "{\"KEY\": \"60\"}", "\u{0}"] {
            fs::write(&path, text).unwrap();
            assert!(LastGood::read(&path).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_of_another_release_are_ignored() {
        let mut stored = last_good("60").settings().clone();
        stored.insert("OF_ANOTHER_RELEASE".to_owned(), LastGoodSetting { value: Some("1".to_owned()), said_at: at(0) });

        assert_eq!(LastGood::from(stored), last_good("60"));
    }
}
