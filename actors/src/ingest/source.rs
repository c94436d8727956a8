//! The sources of brokers' files.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use reqwest::Url;
use rustix::fs::OFlags;

use super::spool::Spool;

/// The source of a broker's file.
#[derive(Debug)]
pub enum Source {
    /// A caller uploaded the file.
    Upload {
        /// The name of the file, or an empty string. It is shown to people and may contain the date.
        name: String,
        /// The bytes of the file.
        spool: Spool,
    },
    /// A file that callers may name, or that the operator configured.
    File {
        /// The path, from which the file is opened later if `opened` is `None`.
        path: PathBuf,
        /// The open file, if it was opened when its path was checked: by the time it is read, the path may lead to
        /// another file.
        opened: Option<File>,
    },
    /// A URL, from which the job fetches the file.
    Url(Url),
}

impl Source {
    /// Returns the text that jobs and logs show: the path, the URL without its query, or the name of the upload.
    pub fn describe(&self) -> String {
        match self {
            Source::Upload { name, .. } if name.is_empty() => "upload".to_owned(),
            Source::Upload { name, .. } => name.clone(),
            Source::File { path, .. } => path.display().to_string(),
            Source::Url(url) => shown(url),
        }
    }

    /// Returns the name of the file, which may contain its date.
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

/// Returns a URL without its query, which may contain a token.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// The scheme, host and port of a URL from which files may be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The allowed form, for messages.
    pub const ALLOWED: &'static str = "https://HOST[:PORT] or http://HOST[:PORT], comma-separated";

    /// Parses an origin. Returns `None` for other text, and for a URL with more than scheme, host and port.
    pub fn parse(text: &str) -> Option<Self> {
        let url = fetchable(text)?;
        (url.path() == "/" && url.query().is_none()).then(|| Origin::of(&url))
    }

    /// Returns the origin of a URL.
    pub fn of(url: &Url) -> Self {
        Origin(url.origin().ascii_serialization())
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Parses a URL that can be fetched. Rejects a user and a password, which would appear in logs.
pub fn fetchable(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_allowed = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    is_allowed.then_some(url)
}

/// Whether a text is a URL and not a path.
pub fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// Opens the file below `folder` that `path` names, relative to the folder or absolute.
///
/// # Errors
/// The reason, in words that reveal nothing about files outside the folder.
pub fn open_below(folder: &Path, path: &Path) -> Result<(PathBuf, File), String> {
    const OUTSIDE: &str = "must be a path inside the folder INSTRUMENT_REGISTRY_INGEST_FOLDER";
    let root = folder
        .canonicalize()
        .map_err(|e| format!("failed to open the folder INSTRUMENT_REGISTRY_INGEST_FOLDER: {e}"))?;
    let below = path.strip_prefix(folder).or_else(|_| path.strip_prefix(&root)).unwrap_or(path);
    // Checked before any access, so that the response reveals nothing about files outside the folder.
    if below.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(OUTSIDE.to_owned());
    }
    let missing = || "file not found in the folder INSTRUMENT_REGISTRY_INGEST_FOLDER".to_owned();
    let found = root.join(below).canonicalize().map_err(|_| missing())?;
    if !found.starts_with(&root) {
        return Err(OUTSIDE.to_owned());
    }
    let file = open(&found).map_err(|_| missing())?;
    // The opened file may differ from the one that was checked.
    match std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
        Ok(opened) if !opened.starts_with(&root) => Err(OUTSIDE.to_owned()),
        _ => Ok((found, file)),
    }
}

/// Opens a regular file. Reading a pipe or a device, and opening a pipe, could block forever.
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
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("dumps");
        std::fs::create_dir_all(folder.join("kite")).unwrap();
        std::fs::write(folder.join("kite/today.csv"), "").unwrap();
        std::fs::write(outer.path().join("secret"), "").unwrap();
        symlink(outer.path().join("secret"), folder.join("link")).unwrap();
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
        assert!(open_below(&outer.path().join("none"), Path::new("x")).is_err());
        // No process writes to the pipe: opening it as a file would block forever.
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
