//! The settings that the config service last gave and that were in range, for when it cannot be asked.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::settings::SETTINGS;
use crate::persistence::LastGoodChange;

/// Last good values by key. Settings only, never secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastGood(BTreeMap<&'static str, String>);

impl LastGood {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub(super) fn set(&mut self, key: &'static str, value: &str) {
        self.0.insert(key, value.to_owned());
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// What a store must do to hold the same.
    pub(super) fn to_change(&self) -> LastGoodChange {
        SETTINGS.iter().map(|key| (key.name, self.0.get(key.name).cloned())).collect()
    }

    /// Reads the file at `path`; `None` where there is none.
    ///
    /// # Errors
    /// Where the file cannot be read, or holds something else.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let values: BTreeMap<String, String> = serde_json::from_slice(&bytes)?;
        Ok(Some(values.into()))
    }

    /// Replaces the file at `path` in one step: a reader, or a start after a power cut, finds the old or the new one.
    ///
    /// # Errors
    /// Where the folder cannot be written to. What was there stays.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Of this process alone: two that share a folder must not write into one file.
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

impl From<BTreeMap<String, String>> for LastGood {
    /// Keys that this release does not know are left out.
    fn from(mut values: BTreeMap<String, String>) -> Self {
        LastGood(SETTINGS.iter().filter_map(|key| Some((key.name, values.remove(key.name)?))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: &str = "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL";

    fn last_good(value: &str) -> LastGood {
        BTreeMap::from([(TTL.to_owned(), value.to_owned())]).into()
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is_left_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/settings.json");

        assert_eq!(LastGood::read(&path).unwrap(), None);
        last_good("60").write(&path).unwrap();
        last_good("61").write(&path).unwrap();

        assert_eq!(LastGood::read(&path).unwrap(), Some(last_good("61")));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        // A folder in its place: renaming a file over it fails, also for root, whom no permission stops.
        let path = folder.path().join("settings.json");
        fs::create_dir_all(path.join("in the way")).unwrap();

        assert!(last_good("60").write(&path).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_holds_something_else_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        for text in ["", "[]", "{\"KEY\": 1}", "\u{0}"] {
            fs::write(&path, text).unwrap();
            assert!(LastGood::read(&path).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_of_another_release_are_left_out_and_every_key_of_ours_is_in_the_change() {
        let stored =
            BTreeMap::from([("OF_ANOTHER_RELEASE".to_owned(), "1".to_owned()), (TTL.to_owned(), "60".to_owned())]);

        let change = LastGood::from(stored).to_change();

        assert_eq!(change.len(), SETTINGS.len());
        assert_eq!(change[TTL], Some("60".to_owned()));
        assert_eq!(change.values().flatten().count(), 1);
    }
}
