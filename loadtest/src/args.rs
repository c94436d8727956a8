//! The command line, and the settings that follow from it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use clap::builder::RangedU64ValueParser;
use reqwest::header::HeaderValue;

use crate::target::{Target, TargetError};
use crate::workload::{Keys, KeysError, Workload};

/// Each connection is a socket and a task; more than this measures the operating system.
const CONNECTIONS_MAX: u64 = 1_024;
/// The ledger keeps about a hundred bytes for each plan, so this is about half a gigabyte.
const REQUESTS_MAX: u64 = 5_000_000;
/// One day.
const SECONDS_MAX: u64 = 86_400;
/// The largest number of instruments that the contract allows in a request.
const INSTRUMENTS_MAX: u64 = 5_000;
/// The longest time for which a single answer may be waited for.
const TIMEOUT_SECONDS_MAX: u64 = 120;

/// The variable that holds the key when no option does.
pub(crate) const KEY_VARIABLE: &str = "INTERNAL_API_KEY";

/// Puts load on an instrument registry and checks every answer.
///
/// Creates plans over a fixed number of connections, each sending its next request when the answer to the
/// last one is there. The run ends when the requests are used up or the time is, whichever comes first; at
/// the time bound no request is begun and those under way are still waited for.
///
/// Exit code: 0 when all was well, 1 when an answer was at fault or no plan was acknowledged, 2 when the run
/// could not be made.
#[derive(Debug, clap::Parser)]
#[command(name = "loadtest", version)]
pub(crate) struct Args {
    /// Where the registry listens.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8901")]
    url: String,

    /// Accept a URL that leads to another machine.
    #[arg(long)]
    allow_remote: bool,

    /// The API key; other users of this machine can see it, so prefer --key-file.
    #[arg(long, value_name = "KEY", conflicts_with = "key_file")]
    key: Option<Secret>,

    /// File that holds the API key. Without either option it is taken from `INTERNAL_API_KEY`.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Connections, each with one request under way.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = up_to(CONNECTIONS_MAX))]
    connections: u64,

    /// Requests to begin each second, whatever becomes of those before them; as fast as they are answered where absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,

    /// Requests to send at most.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = up_to(REQUESTS_MAX))]
    requests: u64,

    /// Seconds for which requests are begun at most; --verify may take as long again.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = up_to(SECONDS_MAX))]
    seconds: u64,

    /// Seconds to wait for one answer.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = up_to(TIMEOUT_SECONDS_MAX))]
    timeout_seconds: u64,

    /// Instruments in each request; at most as many as there are keys.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = up_to(INSTRUMENTS_MAX))]
    instruments: u64,

    /// File with the keys to draw from, one a line [default: about fifty large equities on NSE].
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Distinct users that the requests are spread over.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    users: u32,

    /// Share of requests that repeat an earlier one byte for byte, 0.0 to 1.0.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = parse_share)]
    repeat_share: f64,

    /// The sequence of requests follows from this number and the options above.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Read every acknowledged plan back at the end.
    #[arg(long)]
    verify: bool,

    /// Write the report as JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// A run that can be made.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Whom to load.
    pub(crate) target: Target,
    /// The API key, marked as sensitive.
    pub(crate) key: HeaderValue,
    /// Connections; at least one.
    pub(crate) connections: usize,
    /// What ends the run.
    pub(crate) bounds: Bounds,
    /// What to ask for.
    pub(crate) workload: Arc<Workload>,
    /// Whether acknowledged plans are read back.
    pub(crate) verify: bool,
    /// Whether the report is JSON.
    pub(crate) json: bool,
}

/// What ends a run, or a wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Requests that are sent at most.
    pub(crate) requests: u64,
    /// Requests that are begun each second; `None`: as fast as they are answered.
    pub(crate) rate: Option<u32>,
    /// Time in which requests are begun.
    pub(crate) time: Duration,
    /// Time that one answer may take.
    pub(crate) timeout: Duration,
}

/// One thing that is wrong with the arguments.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// The registry cannot be loaded.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// There is no key.
    #[error("no API key: give --key-file or --key, or set {KEY_VARIABLE}")]
    KeyMissing,
    /// The key cannot stand in a header.
    #[error("{origin}: the API key is empty or holds characters that a header cannot carry")]
    KeyMalformed {
        /// Where the key came from.
        origin: String,
    },
    /// A file cannot be read.
    #[error("{option}: failed to read `{}`: {source}", .path.display())]
    Unreadable {
        /// The option that named it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The keys cannot be drawn from.
    #[error("--keys: `{}`: {source}", .path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeysError,
    },
    /// There are too few keys for the requests.
    #[error("--instruments: `{got}` exceeds the maximum of {max}, the number of keys in {list}")]
    TooManyInstruments {
        /// Instruments asked for.
        got: u64,
        /// Keys in the list.
        max: usize,
        /// Which list.
        list: String,
    },
}

/// Everything that is wrong with the arguments.
#[derive(Debug)]
pub(crate) struct Problems(Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Settings {
    /// Checks `args`, reads the files they name and resolves the host. `environment_key` is the value of
    /// [`KEY_VARIABLE`], used when no option gives a key.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub(crate) fn check(args: &Args, environment_key: Option<String>) -> Result<Self, Problems> {
        let target = Target::resolve(&args.url, args.allow_remote).map_err(Problem::from);
        let key = api_key(args, environment_key);
        let keys = keys(args.keys.as_deref(), args.instruments);
        let (target, key, keys) = match (target, key, keys) {
            (Ok(target), Ok(key), Ok(keys)) => (target, key, keys),
            (target, key, keys) => {
                let problems = [target.err(), key.err(), keys.err()];
                return Err(Problems(problems.into_iter().flatten().collect()));
            }
        };
        Ok(Self {
            target,
            key,
            connections: args.connections as usize,
            bounds: Bounds {
                requests: args.requests,
                rate: args.rate,
                time: Duration::from_secs(args.seconds),
                timeout: Duration::from_secs(args.timeout_seconds),
            },
            workload: Arc::new(Workload {
                keys,
                instruments: args.instruments as usize,
                users: args.users,
                repeat_share: args.repeat_share,
                seed: args.seed,
            }),
            verify: args.verify,
            json: args.json,
        })
    }
}

fn api_key(args: &Args, environment_key: Option<String>) -> Result<HeaderValue, Problem> {
    let (origin, text) = if let Some(Secret(key)) = &args.key {
        ("--key".to_owned(), key.clone())
    } else if let Some(path) = &args.key_file {
        (format!("--key-file: `{}`", path.display()), read("--key-file", path)?)
    } else if let Some(key) = environment_key {
        (KEY_VARIABLE.to_owned(), key)
    } else {
        return Err(Problem::KeyMissing);
    };
    let text = text.trim();
    match HeaderValue::from_str(text) {
        Ok(mut key) if !text.is_empty() => {
            key.set_sensitive(true);
            Ok(key)
        }
        _ => Err(Problem::KeyMalformed { origin }),
    }
}

fn keys(path: Option<&Path>, instruments: u64) -> Result<Keys, Problem> {
    let (keys, list) = match path {
        Some(path) => {
            let keys = Keys::parse(&read("--keys", path)?)
                .map_err(|source| Problem::Keys { path: path.to_owned(), source })?;
            (keys, format!("`{}`", path.display()))
        }
        None => (Keys::built_in(), "the built-in list; give a longer one with --keys".to_owned()),
    };
    if instruments > keys.len() as u64 {
        return Err(Problem::TooManyInstruments { got: instruments, max: keys.len(), list });
    }
    Ok(keys)
}

fn read(option: &'static str, path: &Path) -> Result<String, Problem> {
    fs::read_to_string(path).map_err(|source| Problem::Unreadable { option, path: path.to_owned(), source })
}

/// Takes whole numbers from 1 to `max`.
fn up_to(max: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=max)
}

fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("not a number from 0.0 to 1.0".to_owned()),
    }
}

/// Text that is never shown.
#[derive(Clone)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Secret(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use clap::Parser;
    use tempfile::NamedTempFile;

    use super::*;

    fn parse(options: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(["loadtest"].iter().chain(options))
    }

    fn check(options: &[&str]) -> Result<Settings, Problems> {
        Settings::check(&parse(options).expect("the options parse"), Some("from-environment".into()))
    }

    fn file(content: &str) -> NamedTempFile {
        let mut file = NamedTempFile::new().expect("a temporary file");
        file.write_all(content.as_bytes()).expect("the file takes a few bytes");
        file
    }

    fn path(file: &NamedTempFile) -> &str {
        file.path().to_str().expect("temporary paths are UTF-8")
    }

    #[test]
    fn the_defaults_are_a_bounded_run_against_this_machine() {
        let settings = check(&[]).expect("the defaults are sound");

        assert_eq!(settings.target.base, "http://127.0.0.1:8901");
        assert_eq!(settings.connections, 32);
        assert_eq!(settings.bounds.requests, 10_000);
        assert_eq!(settings.bounds.time, Duration::from_secs(30));
        assert!(!settings.verify);
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        for options in [
            ["--connections", "0"],
            ["--connections", "1025"],
            ["--requests", "0"],
            ["--requests", "5000001"],
            ["--seconds", "0"],
            ["--seconds", "86401"],
            ["--timeout-seconds", "0"],
            ["--instruments", "0"],
            ["--instruments", "5001"],
            ["--users", "0"],
            ["--repeat-share", "1.1"],
            ["--repeat-share=-0.1", "--json"],
            ["--repeat-share", "NaN"],
        ] {
            let error = parse(&options).expect_err(options[0]);

            assert_eq!(error.kind(), clap::error::ErrorKind::ValueValidation, "{options:?}");
        }
    }

    #[test]
    fn both_ends_of_the_repeat_share_are_accepted() {
        for (text, share) in [("0", 0.0), ("1.0", 1.0)] {
            let settings = check(&["--repeat-share", text]).expect("a share");

            assert_eq!(settings.workload.repeat_share, share);
        }
    }

    #[test]
    fn more_instruments_than_keys_are_refused_with_both_numbers() {
        let keys = file("NSE:TCS\nNSE:INFY\n");

        let message = check(&["--instruments", "3", "--keys", path(&keys)]).expect_err("two keys").to_string();

        assert!(message.starts_with("--instruments: `3` exceeds the maximum of 2"), "{message}");
        assert!(message.contains(path(&keys)), "{message}");
        let message = check(&["--instruments", "100"]).expect_err("the built-in list is shorter").to_string();
        assert!(message.contains("the built-in list"), "{message}");
        assert!(check(&["--instruments", "2", "--keys", path(&keys)]).is_ok());
    }

    #[test]
    fn the_key_comes_from_the_option_before_the_file_before_the_environment() {
        let key_file = file("from-file\n");

        let key = |options: &[&str]| check(options).expect("there is a key").key;

        assert_eq!(key(&["--key", "from-option"]), "from-option");
        assert_eq!(key(&["--key-file", path(&key_file)]), "from-file");
        assert_eq!(key(&[]), "from-environment");
        assert!(parse(&["--key", "a", "--key-file", "b"]).is_err());
    }

    #[test]
    fn a_key_is_needed_and_must_fit_a_header() {
        let missing = Settings::check(&parse(&[]).expect("no options"), None).expect_err("no key");

        assert!(missing.to_string().contains(KEY_VARIABLE));
        for key in ["", " ", "a\nb"] {
            let message = check(&["--key", key]).expect_err("not a header").to_string();
            assert!(message.starts_with("--key: the API key is empty"), "{message}");
        }
    }

    #[test]
    fn the_key_is_never_shown() {
        let args = parse(&["--key", "hunter2"]).expect("a key");

        assert!(!format!("{args:?}").contains("hunter2"));
        assert!(!format!("{:?}", check(&["--key", "hunter2"])).contains("hunter2"));
        let message = check(&["--key", "hunter2\u{7f}"]).expect_err("not a header").to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let options = ["--url", "http://192.0.2.1", "--key-file", "/nowhere/key", "--keys", "/nowhere/keys"];

        let message = check(&options).expect_err("three problems").to_string();

        let starts: Vec<_> = message.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(starts, ["--url", "--key-file", "--keys"], "{message}");
    }

    #[test]
    fn an_unusable_list_of_keys_names_the_file() {
        let empty = file("\n");

        let message = check(&["--keys", path(&empty)]).expect_err("no keys").to_string();

        assert_eq!(message, format!("--keys: `{}`: the list holds no key", path(&empty)));
    }
}
