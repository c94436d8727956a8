//! The settings that follow from the command line and the scenario.

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

/// The longest step of a saturation unless the command line says otherwise: a rate shows itself in that time.
const STEP_SECONDS: u64 = 5;

/// Whom to load, and how to speak to it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Where it is.
    pub(crate) target: Target,
    /// The API key, fit for a header; empty where none is needed.
    pub(crate) key: Key,
    /// What answers look like.
    pub(crate) dialect: Dialect,
    /// Time that one answer may take.
    pub(crate) timeout: Duration,
    /// Threads that send; at least one.
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

/// A run that can be made, once its keys are there.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Whom to load.
    pub(crate) service: Service,
    /// What the scenario is called.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) about: String,
    /// Connections; at least one.
    pub(crate) connections: usize,
    /// Requests that are sent at most.
    pub(crate) requests: u64,
    /// Time in which requests are begun.
    pub(crate) time: Duration,
    /// Time at the beginning that is not measured.
    pub(crate) warmup: Duration,
    /// When requests are begun.
    pub(crate) pace: Pace,
    /// Instruments of a plan; never empty.
    pub(crate) sizes: Vec<usize>,
    /// Distinct users; at least one.
    pub(crate) users: u32,
    /// What the sequence of requests follows from.
    pub(crate) seed: u64,
    /// Weights of the kinds.
    pub(crate) mix: Mix,
    /// Bytes that the raw ends are asked for.
    pub(crate) answer_bytes: usize,
    /// Distinct requests that are repeated where the mix has nothing new.
    pub(crate) pool: u64,
    /// What to draw from; `None`: from the served catalogue.
    pub(crate) keys: Option<Keys>,
    /// Plans to read; empty: acknowledged ones.
    pub(crate) ids: Vec<PlanId>,
    /// Whether acknowledged plans are read back.
    pub(crate) verify: bool,
}

/// When requests are begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As fast as they are answered.
    Closed,
    /// Whatever becomes of those before them.
    Open {
        /// The rates and how long each of them lasts.
        phases: Vec<Phase>,
        /// How they are spread.
        arrivals: Arrivals,
    },
    /// All connections at one moment with the same request, and again when all have their answer.
    Together,
}

/// One thing that is wrong with the arguments.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// The registry cannot be loaded.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// There is no key.
    #[error("API key is required: use --key-file or --key, or set {KEY_VARIABLE}")]
    KeyMissing,
    /// The key cannot stand in a header.
    #[error("{origin}: API key is empty or contains characters that are not allowed in a header")]
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
    #[error("sizes: expected at most {max}, got {got}; the limit is the number of keys in {list}")]
    TooFewKeys {
        /// Instruments asked for.
        got: usize,
        /// Keys in the list.
        max: usize,
        /// Which list.
        list: String,
    },
    /// The ids cannot be read.
    #[error("--ids: `{}`: {reason}", .path.display())]
    Ids {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
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
    /// The settings of `loadtest run`. `environment_key` is the value of [`KEY_VARIABLE`], used when no option gives a
    /// key.
    ///
    /// # Errors
    ///
    /// Every problem at once.
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

    /// The settings of one step of `loadtest saturate`, whose connections are still to be set.
    ///
    /// # Errors
    ///
    /// Every problem at once.
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

    /// The requests that each second begins where there is one rate, for the report.
    pub(crate) fn rate(&self) -> Option<u64> {
        match &self.pace {
            Pace::Open { phases, .. } if phases.len() == 1 => Some(phases[0].rate),
            _ => None,
        }
    }
}

impl Service {
    /// Checks whom to load and with which key.
    ///
    /// # Errors
    ///
    /// Every problem at once.
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

    /// The service of `loadtest verify`.
    ///
    /// # Errors
    ///
    /// Every problem at once.
    pub(crate) fn of_verification(args: &VerifyArgs, environment_key: Option<String>) -> Result<Self, Problems> {
        Self::check(&args.target, environment_key, args.target.dialect == Dialect::Registry)
    }
}

/// Fails when a size exceeds the keys of `list`.
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

/// The raw ends and the yardstick are open to everyone.
fn needs_key(mix: &Mix, dialect: Dialect) -> bool {
    let raw = mix.weights()[Kind::Hello as usize] + mix.weights()[Kind::Echo as usize];
    dialect == Dialect::Registry && raw < mix.total()
}

fn api_key(args: &TargetArgs, environment_key: Option<String>) -> Result<Key, Problem> {
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
    let fits = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
    if text.is_empty() || !fits {
        return Err(Problem::KeyMalformed { origin });
    }
    Ok(Key(text.to_owned()))
}

fn keys_of(path: &Path) -> Result<Keys, Problem> {
    Keys::parse(&read("--keys", path)?).map_err(|source| Problem::Keys { path: path.to_owned(), source })
}

fn ids_of(path: &Path) -> Result<Vec<PlanId>, Problem> {
    let problem = |reason: String| Problem::Ids { path: path.to_owned(), reason };
    let text = read("--ids", path)?;
    let mut ids = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let id = PlanId::parse(line.trim());
        ids.push(id.ok_or_else(|| problem(format!("line {}: expected a plan id", index + 1)))?);
    }
    if ids.is_empty() { Err(problem("the file contains no plan ids".to_owned())) } else { Ok(ids) }
}

fn read(option: &'static str, path: &Path) -> Result<String, Problem> {
    fs::read_to_string(path).map_err(|source| Problem::Unreadable { option, path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
