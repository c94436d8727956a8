//! Files that were refused, kept for inspection in `DATA_DIR/refused`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use registry_planning::dump::Broker;

use crate::settings::ProcessSettings;

/// Files that are kept; an older one makes room for a newer one.
const KEPT_MAX: usize = 10;

/// Copies a refused file, and says where to, or why not. Nothing depends on it: `DATA_DIR` need not be writable.
pub(crate) fn keep(path: &Path, broker: Broker, at: DateTime<Utc>, settings: &ProcessSettings) -> String {
    let folder = settings.refused_path();
    match copy(path, &folder, broker, at) {
        Ok(kept) => format!("it is kept for inspection as {}", kept.display()),
        Err(fault) => format!("it is not kept for inspection in {}: {fault}", folder.display()),
    }
}

fn copy(path: &Path, folder: &Path, broker: Broker, at: DateTime<Utc>) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Names sort by time.
    let kept = folder.join(format!("{}_{}_{name}", at.format("%Y%m%dT%H%M%S%.3fZ"), broker.as_str()));
    fs::copy(path, &kept)?;
    drop_oldest(folder)?;
    Ok(kept)
}

fn drop_oldest(folder: &Path) -> io::Result<()> {
    let mut kept: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| is_ours(&name.to_string_lossy())))
        .collect();
    kept.sort_unstable();
    kept.iter().take(kept.len().saturating_sub(KEPT_MAX)).try_for_each(fs::remove_file)
}

/// Whether a file is one of those kept here, by its name: nobody else's is deleted.
fn is_ours(name: &str) -> bool {
    let Some((time, rest)) = name.split_once('_') else { return false };
    let is_time = time.len() == 20 && time.ends_with('Z') && time.as_bytes()[8] == b'T';
    is_time && rest.split_once('_').is_some_and(|(broker, _)| Broker::parse(broker).is_some())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_last_ten_files_are_kept_and_others_left_alone() {
        let data_dir = TempDir::new().unwrap();
        let settings =
            ProcessSettings::read(|key| (key == "DATA_DIR").then(|| data_dir.path().to_str().unwrap().to_owned()));
        let settings = settings.unwrap();
        let file = data_dir.path().join("kite.csv");
        let start: DateTime<Utc> = "2026-11-24T03:45:00Z".parse().unwrap();
        fs::create_dir(settings.refused_path()).unwrap();
        fs::write(settings.refused_path().join("notes.txt"), "of a person").unwrap();

        for number in 0..12 {
            fs::write(&file, number.to_string()).unwrap();
            let said = keep(&file, Broker::Kite, start + TimeDelta::seconds(number), &settings);
            assert!(said.starts_with("it is kept for inspection as "), "{said}");
        }

        let kept = |second: u32| settings.refused_path().join(format!("20261124T0345{second:02}.000Z_kite_kite.csv"));
        assert!(!kept(1).exists());
        let contents: Vec<_> = (2..12).map(|second| fs::read_to_string(kept(second)).unwrap()).collect();
        assert_eq!(contents, (2..12).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(settings.refused_path().join("notes.txt").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("kite.csv");
        fs::write(&file, "").unwrap();
        let settings = ProcessSettings::read(|key| (key == "DATA_DIR").then(|| file.to_str().unwrap().to_owned()));

        let said = keep(&file, Broker::Kite, Utc::now(), &settings.unwrap());

        assert!(said.starts_with("it is not kept for inspection in "), "{said}");
    }
}
