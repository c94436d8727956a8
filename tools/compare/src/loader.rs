//! Runs the load generator.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use registry_loadtest::report::Report;

use crate::child::Child;
use crate::service::Service;

/// The timeout of the load generator. In addition to the measured seconds it creates plans to repeat, and reads plans
/// back.
const RUN_TIMEOUT: Duration = Duration::from_secs(900);

/// The exit code if the load generator found a fault, or if no plan was acknowledged. The report has the details.
const FAULTS: i32 = 1;

/// The number of connections of a closed loop: it keeps two processors busy with short queues.
pub(crate) const CONNECTIONS: u32 = 64;

/// The duration of the warm-up, because every process responds more slowly to its first requests.
const WARMUP_SECONDS: u64 = 1;

#[derive(Clone, Debug)]
pub(crate) struct Load {
    scenario: &'static str,
    /// The values of options; a later value replaces an earlier one. An empty value is a flag.
    options: BTreeMap<&'static str, String>,
}

impl Load {
    /// Creates a load from a scenario of the load generator, with the usual number of connections.
    pub(crate) fn of(scenario: &'static str) -> Self {
        // Only the duration limits most runs.
        let load = Self { scenario, options: BTreeMap::new() };
        load.with("connections", CONNECTIONS).with("requests", 10_000_000)
    }

    pub(crate) fn with(mut self, option: &'static str, value: impl Display) -> Self {
        self.options.insert(option, value.to_string());
        self
    }

    /// Sets the measured duration, after the usual warm-up.
    pub(crate) fn measured(self, seconds: u64) -> Self {
        self.with("warmup-seconds", WARMUP_SECONDS).with("seconds", seconds + WARMUP_SECONDS)
    }

    /// Sets the rate. Requests are sent at this rate, even if earlier ones have no response yet.
    pub(crate) fn rate(self, per_second: f64) -> Self {
        self.with("rate", per_second.round().max(1.0))
    }

    /// Reads every acknowledged plan back. A plan that is lost or different is a fault.
    pub(crate) fn verified(self) -> Self {
        self.with("verify", "")
    }

    fn arguments(&self) -> Vec<String> {
        let options = self.options.iter().flat_map(|(name, value)| [format!("--{name}"), value.clone()]);
        [self.scenario.to_owned()].into_iter().chain(options).filter(|argument| !argument.is_empty()).collect()
    }
}

/// A number of connections with its rate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Step {
    pub(crate) connections: u32,
    pub(crate) per_second: f64,
}

pub(crate) struct Loader {
    pub(crate) program: PathBuf,
    pub(crate) keys: PathBuf,
    /// The folder for the output, which no other program uses.
    pub(crate) folder: PathBuf,
    /// The next unused seed. Runs with different seeds have no request in common, so that none gets a cached plan of
    /// another.
    pub(crate) next_seed: Cell<u64>,
}

impl Loader {
    pub(crate) fn seed(&self) -> u64 {
        self.next_seed.replace(self.next_seed.get() + 1)
    }

    /// Sends a load and returns the report. Without a seed it gets an unused one. A wrong response is an error, because
    /// the speed of wrong responses is not compared.
    pub(crate) async fn run(&self, load: Load, service: &Service) -> anyhow::Result<Report> {
        let report = self.run_past_faults(load, service).await?;
        match report.faults_line() {
            None => Ok(report),
            Some(faults) => anyhow::bail!("wrong responses of the {:?}: {faults}", service.kind),
        }
    }

    /// Sends a load and returns the report, even if responses were wrong.
    pub(crate) async fn run_past_faults(&self, mut load: Load, service: &Service) -> anyhow::Result<Report> {
        load.options.entry("seed").or_insert_with(|| self.seed().to_string());
        let mut command = Command::new(&self.program);
        command.arg("run").args(load.arguments()).arg("--json");
        command.arg("--url").arg(service.url()?.as_str().trim_end_matches('/'));
        command.args(["--dialect", service.kind.dialect()]).arg("--keys").arg(&self.keys);
        // Not an argument, because every user of the machine can read arguments.
        command.env_remove("INTERNAL_API_KEY").envs(service.key.as_deref().map(|key| ("INTERNAL_API_KEY", key)));
        let mut child = Child::start(command, &self.folder)?;
        let status = child.wait(RUN_TIMEOUT).await?;
        let invocation = || format!("loadtest run {} ({status}): {}", load.arguments().join(" "), child.error_output());
        anyhow::ensure!(status.success() || status.code() == Some(FAULTS), "failed: {}", invocation());
        serde_json::from_str(&child.output()?).with_context(|| format!("no valid report: {}", invocation()))
    }
}

/// Writes the ids of a ledger, whose lines begin with them, to a file, and returns their number. The order is random:
/// otherwise, a side whose ids have the order of its rows would read adjacent rows.
pub(crate) fn ids_of(ledger: &Path, ids: &Path) -> anyhow::Result<u64> {
    let text = fs::read_to_string(ledger).with_context(|| format!("failed to read {}", ledger.display()))?;
    let mut found: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    fastrand::shuffle(&mut found);
    write_ids(&found, ids)
}

pub(crate) fn write_ids<T: AsRef<str>>(ids: &[T], file: &Path) -> anyhow::Result<u64> {
    let text: String = ids.iter().flat_map(|id| [id.as_ref(), "\n"]).collect();
    fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))?;
    Ok(ids.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_becomes_arguments_of_the_load_generator() {
        let load = Load::of("cold").with("connections", 32).with("seconds", 5).rate(99.6);

        let arguments = "cold --connections 32 --rate 100 --requests 10000000 --seconds 5";
        assert_eq!(load.arguments().join(" "), arguments);
        assert_eq!(load.clone().verified().arguments().join(" "), format!("{arguments} --verify"));
        let longer = load.measured(2).with("requests", 9).arguments().join(" ");
        assert_eq!(longer, "cold --connections 32 --rate 100 --requests 9 --seconds 3 --warmup-seconds 1");
    }

    #[test]
    fn ids_are_the_first_column_of_a_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, ids) = (folder.path().join("ledger"), folder.path().join("ids"));
        fs::write(&ledger, "plan_a 0123\n\nplan_b 4567\n").unwrap();

        assert_eq!(ids_of(&ledger, &ids).unwrap(), 2);
        let written = fs::read_to_string(&ids).unwrap();
        let mut written: Vec<&str> = written.lines().collect();
        written.sort_unstable();
        assert_eq!(written, ["plan_a", "plan_b"]);
    }
}
