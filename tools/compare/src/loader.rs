//! Drives the load generator.

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

/// Beyond its bound in seconds a run makes a pool, reads back and reports; a search for the most has many runs.
const RUN_WITHIN: Duration = Duration::from_secs(900);

/// It found a fault, or nothing was acknowledged; its report says which.
const FAULTS: i32 = 1;

/// The most that a run sends where the time alone shall bound it.
const REQUESTS_UNBOUNDED: u64 = 10_000_000;

/// What is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    scenario: String,
    seconds: Option<u64>,
    warmup_seconds: u64,
    is_verified: bool,
    /// Given later, an option takes the place of the same one given before.
    options: BTreeMap<&'static str, String>,
}

impl Load {
    /// A scenario of the load generator's.
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

    /// How long it is measured.
    pub(crate) fn seconds(self, seconds: u64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    /// How long it runs before it is measured.
    pub(crate) fn warmup_seconds(self, seconds: u64) -> Self {
        Self { warmup_seconds: seconds, ..self }
    }

    pub(crate) fn requests(self, requests: u64) -> Self {
        self.with("--requests", requests)
    }

    /// So many a second, whatever becomes of those before.
    pub(crate) fn rate(self, per_second: f64) -> Self {
        self.with("--rate", per_second.round().max(1.0))
    }

    /// Of each plan.
    pub(crate) fn instruments(self, instruments: u32) -> Self {
        self.with("--instruments", instruments)
    }

    pub(crate) fn answer_bytes(self, bytes: u64) -> Self {
        self.with("--answer-bytes", bytes)
    }

    /// Two runs of one seed send the same.
    pub(crate) fn seed(self, seed: u64) -> Self {
        self.with("--seed", seed)
    }

    /// The ids to read, one a line.
    pub(crate) fn ids(self, file: &Path) -> Self {
        self.with("--ids", file.display())
    }

    /// Where acknowledged plans are written down.
    pub(crate) fn ledger(self, file: &Path) -> Self {
        self.with("--ledger", file.display())
    }

    /// Every acknowledged plan is read back; one that is lost or different is a fault.
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
            // The load generator's time has the warm-up in it.
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
    /// The keys that requests ask for.
    pub(crate) keys: PathBuf,
    /// Its own.
    pub(crate) folder: PathBuf,
    pub(crate) interruption: Interruption,
    /// Runs of different seeds have no request in common, so that none finds a plan of another.
    pub(crate) next_seed: Cell<u64>,
}

impl Loader {
    /// A seed that no run has had.
    pub(crate) fn seed(&self) -> u64 {
        self.next_seed.replace(self.next_seed.get() + 1)
    }

    /// Sends a load and reports.
    ///
    /// # Errors
    /// Also when one answer was at fault: what answers wrongly is not compared.
    pub(crate) fn run(&self, load: Load, service: &Service) -> anyhow::Result<Report> {
        let report = self.run_past_faults(load, service)?;
        match report.faults() {
            None => Ok(report),
            Some(faults) => anyhow::bail!("wrong responses of the {:?}: {faults}", service.kind()),
        }
    }

    /// The same, whatever the answers were.
    pub(crate) fn run_past_faults(&self, load: Load, service: &Service) -> anyhow::Result<Report> {
        let is_bounded = load.options.contains_key("--requests");
        let load = if is_bounded { load } else { load.requests(REQUESTS_UNBOUNDED) };
        self.execute("run", &load, service)
    }

    /// Finds the rate that more connections do not raise.
    pub(crate) fn saturate(&self, load: &Load, service: &Service) -> anyhow::Result<Saturation> {
        self.execute("saturate", load, service)
    }

    fn execute<T: DeserializeOwned>(&self, verb: &str, load: &Load, service: &Service) -> anyhow::Result<T> {
        let mut command = Command::new(&self.program);
        command.arg(verb).args(load.arguments()).arg("--json");
        command.arg("--url").arg(service.url()?.as_str().trim_end_matches('/'));
        command.args(["--dialect", service.kind().dialect()]).arg("--keys").arg(&self.keys);
        // Not as an argument, which everybody on the machine could read.
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

/// Writes the ids of a ledger, whose lines begin with them, into a file of ids, and says how many there are. In no order:
/// a side whose ids are in the order of its rows would else read neighbours together.
pub(crate) fn ids_of(ledger: &Path, ids: &Path) -> anyhow::Result<u64> {
    let text = fs::read_to_string(ledger).with_context(|| format!("failed to read {}", ledger.display()))?;
    let mut found: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    fastrand::shuffle(&mut found);
    write_ids(&found, ids)
}

/// Writes a file of ids, and says how many there are.
pub(crate) fn write_ids<T: AsRef<str>>(ids: &[T], file: &Path) -> anyhow::Result<u64> {
    let text: String = ids.iter().flat_map(|id| [id.as_ref(), "\n"]).collect();
    fs::write(file, text).with_context(|| format!("failed to write {}", file.display()))?;
    Ok(ids.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_what_the_load_generator_is_told() {
        let load = Load::of("cold").connections(32).seconds(5).rate(99.6).seed(7);

        assert_eq!(load.arguments().join(" "), "cold --connections 32 --rate 100 --seed 7 --seconds 5");
        assert!(load.clone().verified().arguments().join(" ").ends_with("--seconds 5 --verify"));
        let longer = load.warmup_seconds(2).seconds(1).seed(8).arguments().join(" ");
        assert_eq!(longer, "cold --connections 32 --rate 100 --seed 8 --seconds 3 --warmup-seconds 2");
    }

    #[test]
    fn the_ids_of_a_ledger_are_its_first_column() {
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
