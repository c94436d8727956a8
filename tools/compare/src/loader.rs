//! Runs the load generator.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde::de::DeserializeOwned;

use crate::interruption::Interruption;
use crate::report::{Report, Saturation};
use crate::service::Service;

/// The timeout of the load generator. In addition to the measured seconds it creates plans to repeat, and reads plans
/// back; the search for the maximum rate consists of many runs.
const RUN_WITHIN: Duration = Duration::from_secs(900);

/// The exit code if the load generator found a fault, or if no plan was acknowledged. The report has the details.
const FAULTS: i32 = 1;

/// Maximum number of requests of a run that only its duration limits.
const REQUESTS_UNBOUNDED: u64 = 10_000_000;

/// The options of a run.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    scenario: String,
    seconds: Option<u64>,
    warmup_seconds: u64,
    is_verified: bool,
    /// The values of options; a later value replaces an earlier one.
    options: BTreeMap<&'static str, String>,
}

impl Load {
    /// Creates a load from a scenario of the load generator.
    pub(crate) fn of(scenario: &str) -> Self {
        Self {
            scenario: scenario.to_owned(),
            seconds: None,
            warmup_seconds: 0,
            is_verified: false,
            options: BTreeMap::new(),
        }
    }

    pub(crate) fn connections(self, connections: u32) -> Self {
        self.with("--connections", connections)
    }

    /// Sets the measured duration.
    pub(crate) fn seconds(self, seconds: u64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// Sets the duration of the warm-up, which is not measured.
    pub(crate) fn warmup_seconds(self, seconds: u64) -> Self {
        Self { warmup_seconds: seconds, ..self }
    }

    pub(crate) fn requests(self, requests: u64) -> Self {
        self.with("--requests", requests)
    }

    /// Sets the rate. Requests are sent at this rate, even if earlier ones have no response yet.
    pub(crate) fn rate(self, per_second: f64) -> Self {
        self.with("--rate", per_second.round().max(1.0))
    }

    /// Sets the number of instruments of each plan.
    pub(crate) fn instruments(self, instruments: u32) -> Self {
        self.with("--instruments", instruments)
    }

    /// Sets the broker of the plans.
    pub(crate) fn broker(self, broker: &str) -> Self {
        self.with("--broker", broker)
    }

    pub(crate) fn answer_bytes(self, bytes: u64) -> Self {
        self.with("--answer-bytes", bytes)
    }

    /// Sets the seed. Two runs with the same seed send the same requests.
    pub(crate) fn seed(self, seed: u64) -> Self {
        self.with("--seed", seed)
    }

    /// Sets the file with the ids to read, one per line.
    pub(crate) fn ids(self, file: &Path) -> Self {
        self.with("--ids", file.display())
    }

    /// Sets the file to which acknowledged plans are written.
    pub(crate) fn ledger(self, file: &Path) -> Self {
        self.with("--ledger", file.display())
    }

    /// Reads every acknowledged plan back. A plan that is lost or different is a fault.
    pub(crate) fn verified(self) -> Self {
        Self { is_verified: true, ..self }
    }

    fn with(mut self, option: &'static str, value: impl Display) -> Self {
        self.options.insert(option, value.to_string());
        self
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![self.scenario.clone()];
        let mut give = |option: &str, value: &str| arguments.extend([option.to_owned(), value.to_owned()]);
        for (option, value) in &self.options {
            give(option, value);
        }
        if let Some(seconds) = self.seconds {
            // The load generator's duration includes the warm-up.
            give("--seconds", &(seconds + self.warmup_seconds).to_string());
        }
        if self.warmup_seconds > 0 {
            give("--warmup-seconds", &self.warmup_seconds.to_string());
        }
        if self.is_verified {
            arguments.push("--verify".to_owned());
        }
        arguments
    }
}

pub(crate) struct Loader {
    pub(crate) program: PathBuf,
    /// The file with the keys of the requested instruments.
    pub(crate) keys: PathBuf,
    /// The folder for the output, which no other program uses.
    pub(crate) folder: PathBuf,
    pub(crate) interruption: Interruption,
    /// The next unused seed. Runs with different seeds have no request in common, so that none gets a cached plan of
    /// another.
    pub(crate) next_seed: Cell<u64>,
}

impl Loader {
    /// Returns an unused seed.
    pub(crate) fn seed(&self) -> u64 {
        self.next_seed.replace(self.next_seed.get() + 1)
    }

    /// Sends a load and returns the report.
    ///
    /// # Errors
    /// The load generator failed, or a response was wrong: the speed of wrong responses is not compared.
    pub(crate) fn run(&self, load: Load, service: &Service) -> anyhow::Result<Report> {
        let report = self.run_past_faults(load, service)?;
        match report.faults() {
            None => Ok(report),
            Some(faults) => anyhow::bail!("wrong responses of the {:?}: {faults}", service.kind()),
        }
    }

    /// Sends a load and returns the report, even if responses were wrong.
    pub(crate) fn run_past_faults(&self, load: Load, service: &Service) -> anyhow::Result<Report> {
        let is_bounded = load.options.contains_key("--requests");
        let load = if is_bounded { load } else { load.requests(REQUESTS_UNBOUNDED) };
        self.execute("run", &load, service)
    }

    /// Finds the rate that does not increase with more connections.
    pub(crate) fn saturate(&self, load: &Load, service: &Service) -> anyhow::Result<Saturation> {
        self.execute("saturate", load, service)
    }

    fn execute<T: DeserializeOwned>(&self, verb: &str, load: &Load, service: &Service) -> anyhow::Result<T> {
        let mut command = Command::new(&self.program);
        command.arg(verb).args(load.arguments()).arg("--json");
        command.arg("--url").arg(service.url()?.as_str().trim_end_matches('/'));
        command.args(["--dialect", service.kind().dialect()]).arg("--keys").arg(&self.keys);
        // Not an argument, because every user of the machine can read arguments.
        command.env_remove("INTERNAL_API_KEY").envs(service.key().map(|key| ("INTERNAL_API_KEY", key)));
        let mut child = crate::child::Child::start(command, &self.folder, &self.interruption)?;
        let status = child.wait(RUN_WITHIN)?;
        self.interruption.check()?;
        let output = child.output()?;
        if !status.success() && status.code() != Some(FAULTS) {
            anyhow::bail!("loadtest {verb} {} failed ({status}): {}", load.arguments().join(" "), child.complaint());
        }
        serde_json::from_str(&output).with_context(|| {
            let complaint = child.complaint();
            format!("loadtest {verb} {} wrote no valid report ({status}): {complaint}", load.arguments().join(" "))
        })
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

/// Writes a file of ids, and returns their number.
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
        let load = Load::of("cold").connections(32).seconds(5).rate(99.6).seed(7);

        assert_eq!(load.arguments().join(" "), "cold --connections 32 --rate 100 --seed 7 --seconds 5");
        assert!(load.clone().verified().arguments().join(" ").ends_with("--seconds 5 --verify"));
        let longer = load.warmup_seconds(2).seconds(1).seed(8).arguments().join(" ");
        assert_eq!(longer, "cold --connections 32 --rate 100 --seed 8 --seconds 3 --warmup-seconds 2");
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
