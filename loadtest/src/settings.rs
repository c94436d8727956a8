//! The settings of a run, from the command line and the scenario.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::args::{Dialect, KEY_VARIABLE, Overrides, RunArgs, SaturateArgs, Secret, TargetArgs, VerifyArgs};
use crate::keys::{Keys, KeysError};
use crate::kind::Kind;
use crate::kind::Mix;
use crate::plan_id::PlanId;
use crate::scenario::{Arrivals, Phase, Scenario, ScenarioError};
use crate::target::{Target, TargetError};

/// Default maximum duration of a step of a saturation: long enough to measure a rate.
const STEP_SECONDS: u64 = 5;

/// The target of the load, and how to send requests to it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// The address.
    pub(crate) target: Target,
    /// The API key as a header value; empty if none is needed.
    pub(crate) key: Key,
    /// The format of responses.
    pub(crate) dialect: Dialect,
    /// The timeout of a response.
    pub(crate) timeout: Duration,
    /// The number of sending threads, at least one.
    pub(crate) threads: usize,
}

/// The API key. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The settings of a run, whose keys may still have to be loaded.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The target.
    pub(crate) service: Service,
    /// The name of the scenario.
    pub(crate) name: String,
    /// The purpose of the scenario.
    pub(crate) about: String,
    /// The number of connections, at least one.
    pub(crate) connections: usize,
    /// Maximum number of requests.
    pub(crate) requests: u64,
    /// The time during which requests start.
    pub(crate) time: Duration,
    /// The time at the start that is not measured.
    pub(crate) warmup: Duration,
    /// The times at which requests start.
    pub(crate) pace: Pace,
    /// The possible numbers of instruments of a plan; not empty.
    pub(crate) sizes: Vec<usize>,
    /// The number of distinct users, at least one.
    pub(crate) users: u32,
    /// The broker of the plans.
    pub(crate) broker: Option<String>,
    /// The seed of the sequence of requests.
    pub(crate) seed: u64,
    /// The weights of the kinds.
    pub(crate) mix: Mix,
    /// The size of responses to requests of the raw endpoints, bytes.
    pub(crate) answer_bytes: usize,
    /// The number of distinct requests to repeat if the mix has no new ones.
    pub(crate) pool: u64,
    /// The keys for plans. `None`: those of the served catalog.
    pub(crate) keys: Option<Keys>,
    /// The plans to read. Empty: acknowledged plans.
    pub(crate) ids: Vec<PlanId>,
    /// Whether to read acknowledged plans back.
    pub(crate) verify: bool,
}

/// The times at which requests start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Each request starts when the previous response has arrived.
    Closed,
    /// Requests start on schedule, independently of earlier ones.
    Open {
        /// The consecutive rates and their durations.
        phases: Vec<Phase>,
        /// The distribution of the requests in time.
        arrivals: Arrivals,
    },
    /// All connections send the same request at the same moment, and again after all responses have arrived.
    Together,
}

/// A fault of the arguments.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// The registry must not or cannot be loaded.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The scenario is invalid.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The key is missing.
    #[error("API key is required: use --key-file or --key, or set {KEY_VARIABLE}")]
    KeyMissing,
    /// The key is not a valid header value.
    #[error("{origin}: API key is empty or contains characters that are not allowed in a header")]
    KeyMalformed {
        /// The origin of the key.
        origin: String,
    },
    /// A file cannot be read.
    #[error("{option}: failed to read `{}`: {source}", .path.display())]
    Unreadable {
        /// The option with the path.
        option: &'static str,
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The list of keys is invalid.
    #[error("--keys: `{}`: {source}", .path.display())]
    Keys {
        /// The path.
        path: PathBuf,
        /// The cause.
        source: KeysError,
    },
    /// The list has fewer keys than a request needs.
    #[error("sizes: expected at most {max}, got {got}; the limit is the number of keys in {list}")]
    TooFewKeys {
        /// The number of requested instruments.
        got: usize,
        /// The number of keys in the list.
        max: usize,
        /// The name of the list.
        list: String,
    },
    /// The list of ids is invalid.
    #[error("--ids: `{}`: {reason}", .path.display())]
    Ids {
        /// The path.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
}

/// Every fault of the arguments.
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
    /// Returns the settings of `loadtest run`. `environment_key` is the value of [`KEY_VARIABLE`], which applies if no
    /// option provides a key.
    ///
    /// # Errors
    ///
    /// All problems at once.
    pub(crate) fn of_run(args: &RunArgs, environment_key: Option<String>) -> Result<Self, Problems> {
        let scenario = Scenario::load(&args.overrides.scenario).map(|mut scenario| {
            if let Some(rate) = args.rate {
                scenario.rate = Some(rate);
                scenario.phases.clear();
            }
            scenario.arrivals = args.arrivals.unwrap_or(scenario.arrivals);
            scenario
        });
        let settings = Self::check(&args.target, &args.overrides, scenario, environment_key)?;
        Ok(Self { verify: args.verify, ..settings })
    }

    /// Returns the settings of one step of `loadtest saturate`. The number of connections is set later.
    ///
    /// # Errors
    ///
    /// All problems at once.
    pub(crate) fn of_saturation(args: &SaturateArgs, environment_key: Option<String>) -> Result<Self, Problems> {
        let scenario = Scenario::load(&args.overrides.scenario).map(|mut scenario| {
            scenario.rate = None;
            scenario.phases.clear();
            scenario.warmup_seconds = 0;
            scenario.seconds = scenario.seconds.min(STEP_SECONDS);
            scenario
        });
        Self::check(&args.target, &args.overrides, scenario, environment_key)
    }

    fn check(
        target: &TargetArgs,
        overrides: &Overrides,
        scenario: Result<Scenario, ScenarioError>,
        environment_key: Option<String>,
    ) -> Result<Self, Problems> {
        let scenario = scenario.and_then(|scenario| {
            let scenario = replaced(scenario, overrides);
            scenario.check(&overrides.scenario).map(|()| scenario)
        });
        let needs_key = scenario.as_ref().is_ok_and(|scenario| needs_key(&scenario.mix(), target.dialect));
        let service = Service::check(target, environment_key, needs_key);
        let keys = overrides.keys.as_deref().map(keys_of).transpose();
        let keys = keys.and_then(|keys| match (&keys, &scenario, &overrides.keys) {
            (Some(list), Ok(scenario), Some(path)) => {
                enough(list, &sizes(scenario), &format!("`{}`", path.display())).map(|()| keys)
            }
            _ => Ok(keys),
        });
        let ids = overrides.ids.as_deref().map_or(Ok(Vec::new()), ids_of);
        let (service, scenario, keys, ids) = match (service, scenario, keys, ids) {
            (Ok(service), Ok(scenario), Ok(keys), Ok(ids)) => (service, scenario, keys, ids),
            (service, scenario, keys, ids) => {
                let mut problems = service.err().map_or_else(Vec::new, |Problems(problems)| problems);
                problems.extend(scenario.err().map(Problem::from));
                problems.extend([keys.err(), ids.err()].into_iter().flatten());
                return Err(Problems(problems));
            }
        };
        let mix = match target.dialect {
            Dialect::Registry => scenario.mix(),
            Dialect::Yardstick => scenario.mix().for_the_yardstick(),
        };
        Ok(Self {
            service,
            connections: scenario.connections as usize,
            requests: scenario.requests,
            time: Duration::from_secs(scenario.seconds),
            warmup: Duration::from_secs(scenario.warmup_seconds),
            pace: pace(&scenario),
            sizes: sizes(&scenario),
            users: u32::try_from(scenario.plans.users).unwrap_or(u32::MAX),
            broker: overrides.broker.clone(),
            seed: overrides.seed,
            mix,
            answer_bytes: scenario.raw.answer_bytes as usize,
            pool: scenario.raw.pool,
            name: scenario.name,
            about: scenario.about,
            keys,
            ids,
            verify: false,
        })
    }

    /// Returns the requests per second if there is a single rate, for the report.
    pub(crate) fn rate(&self) -> Option<u64> {
        match &self.pace {
            Pace::Open { phases, .. } if phases.len() == 1 => Some(phases[0].rate),
            _ => None,
        }
    }
}

impl Service {
    /// Checks the target and its key.
    ///
    /// # Errors
    ///
    /// All problems at once.
    pub(crate) fn check(args: &TargetArgs, environment_key: Option<String>, needs_key: bool) -> Result<Self, Problems> {
        let target = Target::resolve(&args.url, args.allow_remote).map_err(Problem::from);
        let key = match api_key(args, environment_key) {
            Err(Problem::KeyMissing) if !needs_key => Ok(Key(String::new())),
            key => key,
        };
        let (target, key) = match (target, key) {
            (Ok(target), Ok(key)) => (target, key),
            (target, key) => return Err(Problems([target.err(), key.err()].into_iter().flatten().collect())),
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            target,
            key,
            dialect: args.dialect,
            timeout: Duration::from_secs(args.timeout_seconds),
            threads: args.threads.map_or(processors, |threads| threads as usize),
        })
    }

    /// Returns the target of `loadtest verify`.
    ///
    /// # Errors
    ///
    /// All problems at once.
    pub(crate) fn of_verification(args: &VerifyArgs, environment_key: Option<String>) -> Result<Self, Problems> {
        Self::check(&args.target, environment_key, args.target.dialect == Dialect::Registry)
    }
}

/// Checks that no size exceeds the number of keys of `list`.
///
/// # Errors
///
/// [`Problem::TooFewKeys`].
pub(crate) fn enough(keys: &Keys, sizes: &[usize], list: &str) -> Result<(), Problem> {
    let got = sizes.iter().copied().max().unwrap_or_default();
    if got > keys.len() {
        return Err(Problem::TooFewKeys { got, max: keys.len(), list: list.to_owned() });
    }
    Ok(())
}

fn replaced(mut scenario: Scenario, overrides: &Overrides) -> Scenario {
    let set = |field: &mut u64, option: Option<u64>| *field = option.unwrap_or(*field);
    set(&mut scenario.connections, overrides.connections);
    set(&mut scenario.seconds, overrides.seconds);
    set(&mut scenario.requests, overrides.requests);
    set(&mut scenario.warmup_seconds, overrides.warmup_seconds);
    set(&mut scenario.plans.users, overrides.users);
    set(&mut scenario.raw.answer_bytes, overrides.answer_bytes);
    set(&mut scenario.raw.pool, overrides.pool);
    if let Some(sizes) = overrides.instruments.map(|size| vec![size]).or_else(|| overrides.sizes.clone()) {
        scenario.plans.sizes = sizes;
    }
    scenario
}

fn sizes(scenario: &Scenario) -> Vec<usize> {
    scenario.plans.sizes.iter().map(|&size| size as usize).collect()
}

fn pace(scenario: &Scenario) -> Pace {
    let arrivals = scenario.arrivals;
    match scenario.rate {
        _ if scenario.together => Pace::Together,
        Some(rate) => Pace::Open { phases: vec![Phase { seconds: scenario.seconds, rate }], arrivals },
        None if scenario.phases.is_empty() => Pace::Closed,
        None => Pace::Open { phases: scenario.phases.clone(), arrivals },
    }
}

/// Whether the requests need a key. The raw endpoints and the yardstick need none.
fn needs_key(mix: &Mix, dialect: Dialect) -> bool {
    let raw = mix.weights()[Kind::Hello as usize] + mix.weights()[Kind::Echo as usize];
    dialect == Dialect::Registry && raw < mix.total()
}

fn api_key(args: &TargetArgs, environment_key: Option<String>) -> Result<Key, Problem> {
    let (origin, text) = if let Some(Secret(key)) = &args.key {
        ("--key".to_owned(), key.clone())
    } else if let Some(path) = &args.key_file {
        (format!("--key-file: `{}`", path.display()), read_file("--key-file", path)?)
    } else if let Some(key) = environment_key {
        (KEY_VARIABLE.to_owned(), key)
    } else {
        return Err(Problem::KeyMissing);
    };
    let text = text.trim();
    let fits = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
    if text.is_empty() || !fits {
        return Err(Problem::KeyMalformed { origin });
    }
    Ok(Key(text.to_owned()))
}

fn keys_of(path: &Path) -> Result<Keys, Problem> {
    Keys::parse(&read_file("--keys", path)?).map_err(|source| Problem::Keys { path: path.to_owned(), source })
}

fn ids_of(path: &Path) -> Result<Vec<PlanId>, Problem> {
    let problem = |reason: String| Problem::Ids { path: path.to_owned(), reason };
    let text = read_file("--ids", path)?;
    let mut ids = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let id = PlanId::parse(line.trim());
        ids.push(id.ok_or_else(|| problem(format!("line {}: expected a plan id", index + 1)))?);
    }
    if ids.is_empty() { Err(problem("the file contains no plan ids".to_owned())) } else { Ok(ids) }
}

fn read_file(option: &'static str, path: &Path) -> Result<String, Problem> {
    fs::read_to_string(path).map_err(|source| Problem::Unreadable { option, path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
