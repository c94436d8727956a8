//! The settings of a run, from the command line and the scenario.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::args::{Dialect, KEY_VARIABLE, RunArgs, TargetArgs};
use crate::keys::Keys;
use crate::kind::RequestKind;
use crate::plan_id::PlanId;
use crate::scenario::{Phase, Scenario};
use crate::site::Site;
use crate::target::Target;
use crate::workload::Workload;

/// The target of the load, and how to send requests to it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) target: Target,
    pub(crate) site: Site,
    pub(crate) dialect: Dialect,
    pub(crate) timeout: Duration,
    /// The number of sending threads, at least one.
    pub(crate) threads: usize,
}

/// The settings of a run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) service: Service,
    /// The load, without keys if those of the served catalog are to be loaded. A single rate is a phase, so that an
    /// open loop has phases.
    pub(crate) workload: Workload,
    /// The plans to read. Empty: acknowledged plans.
    pub(crate) ids: Vec<PlanId>,
}

impl Settings {
    /// Returns the settings of `loadtest run`. `environment_key` is the value of [`KEY_VARIABLE`], which applies if no
    /// option provides a key.
    pub(crate) fn of_run(args: &RunArgs, environment_key: Option<String>) -> anyhow::Result<Self> {
        let mut scenario = Scenario::load(&args.scenario)?;
        scenario.replace(args);
        scenario.check().with_context(|| format!("scenario `{}`", args.scenario))?;
        if let Some(rate) = scenario.rate {
            scenario.phases = vec![Phase { seconds: scenario.seconds, rate }];
        }
        if args.target.dialect == Dialect::Yardstick {
            scenario.mix.adapt_to_the_yardstick();
        }
        // The raw endpoints need no key.
        let needs_key = scenario.mix.has_others_than(&[RequestKind::Hello, RequestKind::Echo]);
        let service = Service::check(&args.target, environment_key, needs_key)?;
        let mut keys = Keys::default();
        if let Some(path) = &args.keys {
            let name = format!("`{}`", path.display());
            keys = Keys::parse(&read_file("--keys", path)?).with_context(|| format!("--keys: {name}"))?;
            enough(&keys, &scenario.sizes, &name)?;
        }
        let ids = args.ids.as_deref().map_or(Ok(Vec::new()), ids_of)?;
        let workload = Workload { keys, scenario, broker: args.broker.clone(), seed: args.seed };
        Ok(Self { service, workload, ids })
    }
}

impl Service {
    /// Checks the target and its key. The yardstick needs none.
    pub(crate) fn check(args: &TargetArgs, environment_key: Option<String>, needs_key: bool) -> anyhow::Result<Self> {
        let target = Target::resolve(&args.url, args.allow_remote)?;
        let key = match &args.key_file {
            Some(path) => Some((format!("--key-file: `{}`", path.display()), read_file("--key-file", path)?)),
            None => environment_key.map(|key| (KEY_VARIABLE.to_owned(), key)),
        };
        let key = match key {
            Some((origin, text)) => {
                let text = text.trim();
                let fits = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
                let is_valid = fits && !text.is_empty();
                ensure!(is_valid, "{origin}: API key is empty or contains characters that are not allowed in a header");
                text.to_owned()
            }
            None if needs_key && args.dialect == Dialect::Registry => {
                anyhow::bail!("API key is required: use --key-file, or set {KEY_VARIABLE}")
            }
            None => String::new(),
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            site: Site::new(&target, &key),
            target,
            dialect: args.dialect,
            timeout: Duration::from_secs(args.timeout_seconds),
            threads: args.threads.map_or(processors, usize::from),
        })
    }
}

/// Checks that no size exceeds the number of keys of `list`.
pub(crate) fn enough(keys: &Keys, sizes: &[usize], list: &str) -> anyhow::Result<()> {
    let (got, max) = (sizes.iter().copied().max().unwrap_or_default(), keys.len());
    ensure!(got <= max, "sizes: expected at most {max}, got {got}; the limit is the number of keys in {list}");
    Ok(())
}

fn ids_of(path: &Path) -> anyhow::Result<Vec<PlanId>> {
    let text = read_file("--ids", path)?;
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let ids = lines.map(|(index, line)| {
        PlanId::parse(line)
            .with_context(|| format!("--ids: `{}`: line {}: expected a plan id", path.display(), index + 1))
    });
    let ids: Vec<_> = ids.collect::<anyhow::Result<_>>()?;
    ensure!(!ids.is_empty(), "--ids: `{}`: the file contains no plan ids", path.display());
    Ok(ids)
}

fn read_file(option: &str, path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("{option}: failed to read `{}`", path.display()))
}

#[cfg(test)]
mod tests;
