//! The report: a table for people, JSON for scripts.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::answer::Outcome;
use crate::args::Settings;
use crate::fault::Faults;
use crate::run::Load;
use crate::tally::Latency;
use crate::verify::Verification;

/// Everything that a run showed.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    url: String,
    connections: usize,
    instruments: usize,
    users: u32,
    repeat_share: f64,
    seed: u64,
    requests: u64,
    /// Whether time ran out before all requests were sent.
    stopped_by_time: bool,
    elapsed_seconds: f64,
    requests_per_second: f64,
    plans_per_second: f64,
    outcomes: BTreeMap<&'static str, OutcomeReport>,
    repeats: u64,
    replanned: u64,
    plans_acknowledged: usize,
    /// Absent unless plans were read back.
    verification: Option<Verification>,
    faults: Faults,
    passed: bool,
}

#[derive(Debug, Serialize)]
struct OutcomeReport {
    count: u64,
    latency: Option<Latency>,
}

impl Report {
    /// Draws up the report on `load`, whose tally holds the faults of the verification too.
    pub(crate) fn new(settings: &Settings, load: &Load, verification: Option<Verification>) -> Self {
        let Load { tally, ledger, elapsed } = load;
        let seconds = elapsed.as_secs_f64();
        let per_second = |count: u64| round(if seconds > 0.0 { count as f64 / seconds } else { 0.0 });
        let outcome = |outcome: Outcome| {
            (outcome.as_str(), OutcomeReport { count: tally.count(outcome), latency: tally.latency(outcome) })
        };
        Report {
            url: settings.target.base.clone(),
            connections: settings.connections,
            instruments: settings.workload.instruments,
            users: settings.workload.users,
            repeat_share: settings.workload.repeat_share,
            seed: settings.workload.seed,
            requests: tally.total(),
            stopped_by_time: tally.total() < settings.bounds.requests,
            elapsed_seconds: round(seconds),
            requests_per_second: per_second(tally.total()),
            plans_per_second: per_second(tally.plans()),
            outcomes: Outcome::ALL.into_iter().map(outcome).collect(),
            repeats: tally.repeats(),
            replanned: ledger.replanned(),
            plans_acknowledged: ledger.len(),
            verification,
            faults: tally.faults().clone(),
            // A registry that refuses everything has shown nothing.
            passed: tally.faults().is_empty() && tally.plans() > 0,
        }
    }

    /// True when there was no fault and at least one plan.
    pub(crate) fn passed(&self) -> bool {
        self.passed
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

    /// Writes aligned tables.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub(crate) fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        let Report { url, connections, instruments, users, repeat_share, seed, .. } = self;
        writeln!(out, "{url}: {connections} connections, {instruments} instruments, {users} users, seed {seed}")?;
        let end = if self.stopped_by_time { "time ran out" } else { "all sent" };
        writeln!(
            out,
            "{} requests in {:.3} s ({end}): {:.1}/s",
            self.requests, self.elapsed_seconds, self.requests_per_second
        )?;
        writeln!(
            out,
            "{} plans acknowledged, {:.1} answers with a plan/s",
            self.plans_acknowledged, self.plans_per_second
        )?;
        writeln!(out, "{} repeats (share {repeat_share} asked for), {} planned again", self.repeats, self.replanned)?;
        writeln!(out)?;
        self.write_latencies(out)?;
        if let Some(Verification { intact, lost, different, unread }) = self.verification {
            writeln!(out)?;
            writeln!(out, "read back: {intact} intact, {lost} lost, {different} different, {unread} unread")?;
        }
        writeln!(out)?;
        self.write_faults(out)?;
        if self.plans_acknowledged == 0 {
            writeln!(out, "no plan was acknowledged")?;
        }
        writeln!(out, "{}", if self.passed { "passed" } else { "failed" })
    }

    fn write_latencies(&self, out: &mut impl Write) -> io::Result<()> {
        let heads = ["mean ms", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms"];
        write!(out, "{:<8}{:>10}{:>9}", "outcome", "count", "share")?;
        for head in heads {
            write!(out, "{head:>11}")?;
        }
        writeln!(out)?;
        for name in Outcome::ALL.map(Outcome::as_str) {
            let OutcomeReport { count, latency } = &self.outcomes[name];
            let share = *count as f64 / self.requests.max(1) as f64 * 100.0;
            write!(out, "{name:<8}{count:>10}{share:>7.1} %")?;
            match latency {
                Some(Latency { mean_ms, p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms }) => {
                    for value in [mean_ms, p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms] {
                        write!(out, "{value:>11.3}")?;
                    }
                }
                None => (0..heads.len()).try_for_each(|_| write!(out, "{:>11}", "–"))?,
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn write_faults(&self, out: &mut impl Write) -> io::Result<()> {
        if self.faults.is_empty() {
            return writeln!(out, "no faults");
        }
        let width = self.faults.iter().map(|(kind, _)| kind.len()).max().unwrap_or(0).max("fault".len());
        writeln!(out, "{:<width$}{:>10}  first", "fault", "count")?;
        for (kind, fault) in self.faults.iter() {
            writeln!(out, "{kind:<width$}{:>10}  {}", fault.count, fault.first)?;
        }
        Ok(())
    }
}

/// Three decimals are what the figures are good for.
fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
