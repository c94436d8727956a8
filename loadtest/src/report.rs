//! The report of a run: as JSON, and as a table.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::table;

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// The name of the built-in scenario, or the path of its file.
    pub scenario: String,
    /// The base URL of the registry, without a trailing slash.
    pub url: String,
    /// The format of the responses: `registry` or `yardstick`.
    pub dialect: String,
    /// `open` if requests have a rate or phases, `closed` if each response is followed by the next request.
    pub mode: String,
    /// The number of connections, each with one request in flight.
    pub connections: usize,
    /// The numbers of instruments of the plans, drawn with equal probability.
    pub sizes: Vec<usize>,
    /// The number of distinct users of the requests.
    pub users: u32,
    /// The seed of the sequence of requests.
    pub seed: u64,
    /// Requests per second of an open loop with a single rate.
    pub rate: Option<u64>,
    /// The distribution of the requests of an open loop over time: `constant` or `poisson`.
    pub arrivals: Option<String>,
    /// The time from the start of the measurement to the last response.
    pub seconds: f64,
    /// Finished requests with any outcome.
    pub sent: u64,
    /// Requests with a complete response.
    pub answered: u64,
    /// Requests that were not sent because no connection was free in time.
    pub unsent: u64,
    /// Responses without a fault per second, including rejections.
    pub rate_per_second: f64,
    /// Responses with status 2xx without a fault, per second.
    pub goodput_per_second: f64,
    /// The mean size of the bodies of these responses, in bytes.
    pub answer_bytes_mean: f64,
    /// The latency of these responses.
    pub latency: Latency,
    /// These responses by kind of request.
    pub kinds: BTreeMap<String, KindFigures>,
    /// The number of requests by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Responses with 503 and `Retry-After`.
    pub refused: KindFigures,
    /// Faults by kind; empty without faults.
    pub faults: Vec<FaultCount>,
    /// The plans that were acknowledged, including those that were created before the load.
    pub ledger: LedgerCounts,
    /// The result of reading the plans back. `None` if they were not read back.
    pub verification: Option<Verification>,
    /// The figures of each second of the measurement, in order.
    pub timeline: Vec<Second>,
    /// Whether there was no fault and at least one good response.
    pub passed: bool,
}

/// A latency distribution in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The number of responses.
    pub count: u64,
    /// The arithmetic mean.
    pub mean_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// The 90th percentile.
    pub p90_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The 99.9th percentile.
    pub p999_ms: f64,
    /// The maximum.
    pub max_ms: f64,
}

/// The responses of one kind of request, or the rejections.
#[derive(Debug, Serialize, Deserialize)]
pub struct KindFigures {
    /// The number of responses.
    pub count: u64,
    /// The latency of the responses. `None` without responses.
    pub latency: Option<Latency>,
}

/// The faults of a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultCount {
    /// The word for the kind, such as `timeout` or `lost`.
    pub kind: String,
    /// The number of faults of this kind.
    pub count: u64,
    /// The message of the first fault of this kind, as one line that is safe for a terminal.
    pub first: String,
}

/// Numbers of acknowledged plans.
#[derive(Debug, Serialize, Deserialize)]
pub struct LedgerCounts {
    /// The number of distinct plans.
    pub plans: usize,
    /// Plans for requests that already had another plan.
    pub replanned: u64,
}

/// Numbers of plans by the result of reading them back.
///
/// Invariant: the four figures sum to the plans in the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Plans that are as acknowledged.
    pub intact: u64,
    /// Plans that are unknown to the registry.
    pub lost: u64,
    /// Plans with another id, other instruments or other fields.
    pub different: u64,
    /// Plans that were not read, so that their state is unknown.
    pub unread: u64,
}

/// One second of the measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// The number of the second, from 0.
    pub second: usize,
    /// Requests that started or were due in this second.
    pub sent: u64,
    /// Responses that were complete in this second.
    pub answered: u64,
    /// Rejections among them.
    pub refused: u64,
    /// The median latency of the good responses of this second, in milliseconds. `None` without good responses.
    pub p50_ms: Option<f64>,
    /// The 99th percentile of the same latencies.
    pub p99_ms: Option<f64>,
}

impl Report {
    /// Returns the latency of good responses.
    ///
    /// # Errors
    ///
    /// There was no good response.
    pub fn latency(&self) -> anyhow::Result<&Latency> {
        anyhow::ensure!(self.latency.count > 0, "no response to any of {} requests", self.sent);
        Ok(&self.latency)
    }

    /// Checks that the percentiles cover at least 99.9 % of the requests.
    ///
    /// # Errors
    ///
    /// More requests were refused or not sent.
    pub fn complete(&self) -> anyhow::Result<()> {
        let (sent, unsent, refused) = (self.sent, self.unsent, self.refused.count);
        anyhow::ensure!(
            (refused + unsent) * 1000 <= sent,
            "expected at most 0.1 % of {sent} requests to be refused or unsent, got {refused} refused and {unsent} unsent"
        );
        Ok(())
    }

    /// Returns every kind of fault with its count and its first occurrence, or `None` without faults.
    #[must_use]
    pub fn faults_line(&self) -> Option<String> {
        let one = |fault: &FaultCount| format!("{} × {} (first: {:?})", fault.count, fault.kind, fault.first);
        (!self.faults.is_empty()).then(|| self.faults.iter().map(one).collect::<Vec<_>>().join(", "))
    }

    /// Writes the table, with `passed` or `failed` in the last line.
    ///
    /// # Errors
    ///
    /// An error of `out`.
    pub fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        let Report { scenario, url, connections, dialect, mode, sent, seconds, answered, .. } = self;
        let rate = self.rate.map(|rate| format!(" at {rate}/s")).unwrap_or_default();
        writeln!(out, "{scenario}: {url} over {connections} connections, {mode} loop{rate}, dialect {dialect}\n")?;
        let (all, good, bytes) = (self.rate_per_second, self.goodput_per_second, self.answer_bytes_mean);
        writeln!(out, "requests: {sent} in {seconds:.3} s, {answered} answered, {} unsent", self.unsent)?;
        writeln!(out, "responses: {all:.1}/s, {good:.1} successful/s, {bytes:.0} bytes each")?;
        writeln!(out, "plans: {} acknowledged, {} replanned", self.ledger.plans, self.ledger.replanned)?;
        let outcomes: Vec<_> = self.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(out, "outcomes: {}", outcomes.join(", "))?;
        if let Some(found) = self.verification {
            writeln!(out, "{found}")?;
        }
        let mut latencies =
            table(&["latency", "count", "mean ms", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms"], 1..9);
        for (name, latency) in self.latencies() {
            let Latency { count, mean_ms, p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms } = *latency;
            let figures = [mean_ms, p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms].map(|ms| format!("{ms:.3}"));
            latencies.add_row([vec![name.to_owned(), count.to_string()], figures.to_vec()].concat());
        }
        writeln!(out, "\n{latencies}\n")?;
        if self.faults.is_empty() {
            writeln!(out, "no faults")?;
        } else {
            let mut faults = table(&["fault", "count", "first"], 1..2);
            for FaultCount { kind, count, first } in &self.faults {
                faults.add_row([kind, &count.to_string(), first]);
            }
            writeln!(out, "{faults}")?;
        }
        if self.latency.count == 0 {
            writeln!(out, "no successful responses")?;
        }
        writeln!(out, "{}", if self.passed { "passed" } else { "failed" })
    }

    fn latencies(&self) -> impl Iterator<Item = (&str, &Latency)> {
        let kinds = self.kinds.iter().filter_map(|(name, kind)| Some((name.as_str(), kind.latency.as_ref()?)));
        let all = (self.kinds.len() != 1).then_some(("all", &self.latency));
        kinds.chain(all).chain(self.refused.latency.as_ref().map(|latency| ("refused", latency)))
    }
}

impl std::fmt::Display for Verification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Verification { intact, lost, different, unread } = self;
        write!(f, "read back: {intact} intact, {lost} lost, {different} different, {unread} unread")
    }
}
