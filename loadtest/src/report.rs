//! The report: a table, JSON for scripts, and an HTML page.

mod escaped;
mod html;
mod plot;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::answer::RequestOutcome;
use crate::fault::Faults;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::run::Load;
use crate::scenario::Arrivals;
use crate::settings::{Pace, Settings};
use crate::tally::{Latency, Second, percentiles};
use crate::verify::Verification;

/// The results of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    scenario: String,
    #[serde(skip)]
    about: String,
    url: String,
    dialect: &'static str,
    mode: &'static str,
    connections: usize,
    sizes: Vec<usize>,
    users: u32,
    seed: u64,
    rate: Option<u64>,
    arrivals: Option<Arrivals>,
    /// The measured time up to the last response.
    seconds: f64,
    sent: u64,
    answered: u64,
    /// Requests that were not sent because no connection was free in time.
    unsent: u64,
    /// Responses without a fault, including rejections.
    rate_per_second: f64,
    /// Responses with status 2xx without a fault.
    goodput_per_second: f64,
    answer_bytes_mean: f64,
    latency: Latency,
    kinds: BTreeMap<&'static str, KindReport>,
    outcomes: BTreeMap<&'static str, u64>,
    refused: Refused,
    faults: Vec<FaultReport>,
    ledger: LedgerReport,
    /// `null` if no plans were read back.
    verification: Option<Verification>,
    timeline: Vec<Second>,
    /// Shares of slower responses, and their latency in milliseconds.
    #[serde(skip)]
    percentiles: Vec<(f64, f64)>,
    passed: bool,
}

#[derive(Debug, Serialize)]
struct KindReport {
    count: u64,
    latency: Latency,
}

#[derive(Debug, Serialize)]
struct Refused {
    count: u64,
    latency: Option<Latency>,
}

#[derive(Debug, Serialize)]
struct FaultReport {
    kind: String,
    count: u64,
    first: String,
}

#[derive(Debug, Serialize)]
struct LedgerReport {
    plans: usize,
    replanned: u64,
}

impl Report {
    /// Creates the report of `load`. Its tally includes the faults of the verification, and `ledger` includes the plans that
    /// were created before the load.
    pub(crate) fn new(settings: &Settings, load: &Load, ledger: &Ledger, verification: Option<Verification>) -> Self {
        let Load { tally, unsent, .. } = load;
        let seconds = tally.elapsed().as_secs_f64();
        let per_second = |count: u64| round(if seconds > 0.0 { count as f64 / seconds } else { 0.0 });
        let kind = |kind: Kind| {
            tally.latency(kind).map(|latency| (kind.as_str(), KindReport { count: latency.count, latency }))
        };
        let all = tally.all_latencies();
        let faults: &Faults = tally.faults();
        let fault = |(kind, fault): (&str, &crate::fault::FaultCount)| FaultReport {
            kind: kind.to_owned(),
            count: fault.count,
            first: fault.first.clone(),
        };
        Report {
            scenario: settings.name.clone(),
            about: settings.about.clone(),
            url: settings.service.target.base.clone(),
            dialect: settings.service.dialect.as_str(),
            mode: if matches!(settings.pace, Pace::Open { .. }) { "open" } else { "closed" },
            connections: settings.connections,
            sizes: settings.sizes.clone(),
            users: settings.users,
            seed: settings.seed,
            rate: settings.rate(),
            arrivals: match &settings.pace {
                Pace::Open { arrivals, .. } => Some(*arrivals),
                Pace::Closed | Pace::Together => None,
            },
            seconds: round(seconds),
            sent: tally.total(),
            answered: tally.answered(),
            unsent: *unsent,
            rate_per_second: per_second(tally.good() + tally.count(RequestOutcome::Refused)),
            goodput_per_second: per_second(tally.good()),
            answer_bytes_mean: round(tally.answer_bytes_mean()),
            latency: Latency::of(&all),
            kinds: Kind::ALL.into_iter().filter_map(kind).collect(),
            outcomes: RequestOutcome::ALL.into_iter().map(|outcome| (outcome.as_str(), tally.count(outcome))).collect(),
            refused: Refused { count: tally.count(RequestOutcome::Refused), latency: tally.refusals() },
            faults: faults.iter().map(fault).collect(),
            ledger: LedgerReport { plans: ledger.len(), replanned: ledger.replanned() },
            verification,
            timeline: tally.timeline(),
            percentiles: percentiles(&all),
            // A run in which every request was rejected is not passed.
            passed: faults.is_empty() && tally.good() > 0,
        }
    }

    /// Whether there was no fault and at least one good response.
    pub(crate) fn passed(&self) -> bool {
        self.passed
    }

    /// Returns the rate of responses with status 2xx without a fault.
    pub(crate) fn goodput_per_second(&self) -> f64 {
        self.goodput_per_second
    }

    /// Returns the 99th percentile of the latency of good responses, in milliseconds.
    pub(crate) fn p99_ms(&self) -> f64 {
        self.latency.p99_ms
    }

    /// Writes one JSON object and a line break.
    ///
    /// # Errors
    ///
    /// An error of `out`.
    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}

/// Rounds to three decimals, the precision of the measurements.
fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests;
