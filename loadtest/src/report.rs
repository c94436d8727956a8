//! The report: a table for people, JSON for scripts, and a page to look at.

mod escaped;
mod html;
mod plot;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::answer::Outcome;
use crate::fault::Faults;
use crate::kind::Kind;
use crate::ledger::Ledger;
use crate::run::Load;
use crate::scenario::Arrivals;
use crate::settings::{Pace, Settings};
use crate::tally::{Latency, Second, percentiles};
use crate::verify::Verification;

/// Everything that a run showed.
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
    /// Measured time, to the last answer.
    seconds: f64,
    sent: u64,
    answered: u64,
    /// Requests that should have begun within the time and found no free connection.
    unsent: u64,
    /// Answers without fault, refusals included.
    rate_per_second: f64,
    /// 2xx without fault.
    goodput_per_second: f64,
    answer_bytes_mean: f64,
    latency: Latency,
    kinds: BTreeMap<&'static str, KindReport>,
    outcomes: BTreeMap<&'static str, u64>,
    refused: Refused,
    faults: Vec<FaultReport>,
    ledger: LedgerReport,
    /// `null` unless plans were read back.
    verification: Option<Verification>,
    timeline: Vec<Second>,
    /// Shares of answers that are later, and how late they are in milliseconds.
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
    /// Draws up the report on `load`, whose tally holds the faults of the verification too. `ledger` holds the plans made
    /// before the load as well.
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
            rate_per_second: per_second(tally.good() + tally.count(Outcome::Refused)),
            goodput_per_second: per_second(tally.good()),
            answer_bytes_mean: round(tally.answer_bytes_mean()),
            latency: Latency::of(&all),
            kinds: Kind::ALL.into_iter().filter_map(kind).collect(),
            outcomes: Outcome::ALL.into_iter().map(|outcome| (outcome.as_str(), tally.count(outcome))).collect(),
            refused: Refused { count: tally.count(Outcome::Refused), latency: tally.refusals() },
            faults: faults.iter().map(fault).collect(),
            ledger: LedgerReport { plans: ledger.len(), replanned: ledger.replanned() },
            verification,
            timeline: tally.timeline(),
            percentiles: percentiles(&all),
            // A registry that refuses everything has shown nothing.
            passed: faults.is_empty() && tally.good() > 0,
        }
    }

    /// True when there was no fault and at least one good answer.
    pub(crate) fn passed(&self) -> bool {
        self.passed
    }

    /// Answers of 2xx without fault in each second.
    pub(crate) fn goodput_per_second(&self) -> f64 {
        self.goodput_per_second
    }

    /// How late 99 % of the good answers were at most, in milliseconds.
    pub(crate) fn p99_ms(&self) -> f64 {
        self.latency.p99_ms
    }

    /// Writes one JSON object and a line break.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}

/// Three decimals are what the figures are good for.
fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests;
