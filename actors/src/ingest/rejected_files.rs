//! Copies of rejected files for inspection, in `DATA_DIR/refused`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use registry_planning::vocabulary::Broker;

/// Maximum number of copies. The oldest is deleted when a new one is saved.
const COPIES_MAX: usize = 10;
/// Maximum size of a copy in bytes. Every valid file fits; of a file that is far too long the start is enough.
const COPY_BYTES_MAX: u64 = 64 << 20;
/// Maximum number of characters of the original name in the name of a copy.
const NAME_CHARACTERS_MAX: usize = 100;

/// Saves a copy of a rejected file. Returns a message with its path, or with the reason why it was not saved. `folder`
/// need not be writable.
pub fn save_copy(file: impl Read, name: &str, broker: Broker, at: DateTime<Utc>, folder: &Path) -> String {
    match copy(file, name, broker, at, folder) {
        Ok(kept) => format!("a copy is kept for inspection: {}", kept.display()),
        Err(fault) => format!("failed to keep a copy for inspection in {}: {fault}", folder.display()),
    }
}

fn copy(file: impl Read, name: &str, broker: Broker, at: DateTime<Utc>, folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    // The name comes from the caller.
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = name.chars().take(NAME_CHARACTERS_MAX).map(|c| if is_allowed(c) { c } else { '_' }).collect();
    // Names sort by time.
    let kept = folder.join(format!("{}_{}_{name}", at.format("%Y%m%dT%H%M%S%.3fZ"), broker.as_str()));
    io::copy(&mut file.take(COPY_BYTES_MAX), &mut File::create(&kept)?)?;
    drop_oldest(folder)?;
    Ok(kept)
}

fn drop_oldest(folder: &Path) -> io::Result<()> {
    let mut kept: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| is_copy(&name.to_string_lossy())))
        .collect();
    kept.sort_unstable();
    kept.iter().take(kept.len().saturating_sub(COPIES_MAX)).try_for_each(|old| match fs::remove_file(old) {
        // Another process deletes old copies too.
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    })
}

/// Whether the name of a file is that of a copy. Other files are not deleted.
fn is_copy(name: &str) -> bool {
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
    fn the_last_ten_copies_are_kept_and_other_files_ignored() {
        let data_dir = TempDir::new().unwrap();
        let folder = data_dir.path().join("refused");
        let start: DateTime<Utc> = "2026-11-24T03:45:00Z".parse().unwrap();
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("notes.txt"), "of a person").unwrap();

        for number in 0..12 {
            let text = number.to_string();
            let said =
                save_copy(text.as_bytes(), "kite.csv", Broker::Kite, start + TimeDelta::seconds(number), &folder);
            assert!(said.starts_with("a copy is kept for inspection: "), "{said}");
        }

        let kept = |second: u32| folder.join(format!("20261124T0345{second:02}.000Z_kite_kite.csv"));
        assert!(!kept(1).exists());
        let contents: Vec<_> = (2..12).map(|second| fs::read_to_string(kept(second)).unwrap()).collect();
        assert_eq!(contents, (2..12).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(folder.join("notes.txt").exists());
    }

    #[test]
    fn a_copy_stays_in_the_folder() {
        let folder = TempDir::new().unwrap();

        let said = save_copy(&b"x"[..], "../../a b\n.csv", Broker::Kite, Utc::now(), folder.path());

        assert!(said.ends_with("_kite_.._.._a_b_.csv"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_reported() {
        let file = tempfile::NamedTempFile::new().unwrap();

        let said = save_copy(&b"x"[..], "kite.csv", Broker::Kite, Utc::now(), &file.path().join("refused"));

        assert!(said.starts_with("failed to keep a copy for inspection in "), "{said}");
    }
}
