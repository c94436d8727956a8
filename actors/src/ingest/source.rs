//! Where a broker's file may come from.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use reqwest::Url;
use rustix::fs::OFlags;

use super::spool::Spool;

/// Where a broker's file comes from.
#[derive(Debug)]
pub enum Source {
    /// A caller sent it, perhaps with a name.
    Upload {
        /// The file's name, for people, and for the date in it.
        name: String,
        /// The file.
        spool: Spool,
    },
    /// A file that may be read.
    File {
        /// Where it is.
        path: PathBuf,
        /// The file itself, where it was opened when it was found to be one that may be read: what stands at its path may be
        /// another one by the time it is read.
        opened: Option<File>,
    },
    /// What stands at a URL.
    Url(Url),
}

impl Source {
    /// What people are shown.
    pub fn describe(&self) -> String {
        match self {
            Source::Upload { name, .. } if name.is_empty() => "upload".to_owned(),
            Source::Upload { name, .. } => name.clone(),
            Source::File { path, .. } => path.display().to_string(),
            Source::Url(url) => shown(url),
        }
    }

    /// The name of the file, in which its date may stand.
    pub fn file_name(&self) -> String {
        match self {
            Source::Upload { name, .. } => name.clone(),
            Source::File { path, .. } => {
                path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            }
            Source::Url(url) => url.path().rsplit('/').next().unwrap_or_default().to_owned(),
        }
    }
}

/// A URL without its query, in which a token may stand.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// Scheme, host and port of which files may be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// What is allowed, in words.
    pub const ALLOWED: &'static str = "https://HOST[:PORT] or http://HOST[:PORT], comma-separated";

    /// Reads one; `None` where it is none, or has more than scheme, host and port.
    pub fn parse(text: &str) -> Option<Self> {
        let url = fetchable(text)?;
        (url.path() == "/" && url.query().is_none()).then(|| Origin::of(&url))
    }

    /// The origin of a URL.
    pub fn of(url: &Url) -> Self {
        Origin(url.origin().ascii_serialization())
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A URL that can be fetched, without user and password, which would end up in logs.
pub fn fetchable(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_allowed = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    is_allowed.then_some(url)
}

/// Whether a text is meant as a URL, and not as a file's path.
pub fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// Opens the file that `path` names below `folder`, from there or from the root.
///
/// # Errors
/// Why there is none, in words that tell nothing of what is elsewhere.
pub fn open_below(folder: &Path, path: &Path) -> Result<(PathBuf, File), String> {
    const OUTSIDE: &str = "must be a path inside the folder INSTRUMENT_REGISTRY_INGEST_FOLDER";
    let root = folder
        .canonicalize()
        .map_err(|e| format!("failed to open the folder INSTRUMENT_REGISTRY_INGEST_FOLDER: {e}"))?;
    let below = path.strip_prefix(folder).or_else(|_| path.strip_prefix(&root)).unwrap_or(path);
    // Before anything is looked at: what is elsewhere is nobody's business.
    if below.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(OUTSIDE.to_owned());
    }
    let missing = || "file not found in the folder INSTRUMENT_REGISTRY_INGEST_FOLDER".to_owned();
    let found = root.join(below).canonicalize().map_err(|_| missing())?;
    if !found.starts_with(&root) {
        return Err(OUTSIDE.to_owned());
    }
    let file = open(&found).map_err(|_| missing())?;
    // What was opened may be another file than what was looked at.
    match std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
        Ok(opened) if !opened.starts_with(&root) => Err(OUTSIDE.to_owned()),
        _ => Ok((found, file)),
    }
}

/// Opens a file that must not be a pipe or a device, at which a reader would wait for ever; so would opening a pipe.
pub(super) fn open(path: &Path) -> std::io::Result<File> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_below_the_folder_are_found_and_no_others() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("dumps");
        std::fs::create_dir_all(folder.join("kite")).unwrap();
        std::fs::write(folder.join("kite/today.csv"), "").unwrap();
        std::fs::write(place.path().join("secret"), "").unwrap();
        symlink(place.path().join("secret"), folder.join("link")).unwrap();
        symlink(folder.join("kite/today.csv"), folder.join("latest")).unwrap();
        let found = |path: &str| open_below(&folder, Path::new(path)).map(|(path, _)| path);

        let file = folder.join("kite/today.csv").canonicalize().unwrap();
        for path in ["kite/today.csv", "./kite/today.csv", "latest", folder.join("kite/today.csv").to_str().unwrap()] {
            assert_eq!(found(path), Ok(file.clone()), "{path}");
        }
        for path in ["../secret", "kite/../../secret", "/etc/passwd", "link", "/nowhere", "../nowhere"] {
            assert!(found(path).unwrap_err().starts_with("must be a path inside the folder"), "{path}");
        }
        for path in ["nowhere", "kite", "", "link/x"] {
            assert!(found(path).unwrap_err().starts_with("file not found in the folder"), "{path}: {:?}", found(path));
        }
        assert!(open_below(&place.path().join("none"), Path::new("x")).is_err());
        // Nobody writes to it: opening it as a file would wait for ever.
        let made = std::process::Command::new("mkfifo").arg(folder.join("pipe")).status();
        assert!(made.is_ok_and(|made| made.success()));
        assert!(found("pipe").unwrap_err().starts_with("file not found in the folder"));
        assert!(open(&folder.join("pipe")).unwrap_err().to_string().contains("not a regular file"));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port_alone() {
        let url = |text: &str| Url::parse(text).unwrap();
        let origin = Origin::parse("https://api.kite.trade").unwrap();

        assert_eq!(origin, Origin::of(&url("https://api.kite.trade:443/instruments?x=1")));
        assert_ne!(origin, Origin::of(&url("http://api.kite.trade/instruments")));
        assert_ne!(origin, Origin::of(&url("https://api.kite.trade.example/instruments")));
        assert_ne!(origin, Origin::of(&url("https://api.kite.trade:8443/")));
        for text in ["ftp://x", "https://user:password@x", "https://x/path", "https://x?q", "x", "file:///etc", ""] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_query_is_not_shown() {
        let source = Source::Url(fetchable("https://fake.example/a/nse_2026-11-24.csv.gz?token=fake").unwrap());

        assert_eq!(source.describe(), "https://fake.example/a/nse_2026-11-24.csv.gz");
        assert_eq!(source.file_name(), "nse_2026-11-24.csv.gz");
    }
}
