//! The report as a table.

use std::io::{self, Write};

use super::Report;
use crate::answer::RequestOutcome;
use crate::tally::Latency;
use crate::verify::Verification;

/// The headings of the figures of a latency.
pub(super) const HEADS: [&str; 7] = ["mean ms", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms"];

impl Report {
    /// Writes the table, with `passed` or `failed` in the last line.
    ///
    /// # Errors
    ///
    /// An error of `out`.
    pub(crate) fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.scenario, self.about)?;
        let load = match (self.mode, self.rate) {
            ("open", Some(rate)) => format!("open loop at {rate}/s"),
            ("open", None) => "open loop in phases".to_owned(),
            _ => "closed loop".to_owned(),
        };
        writeln!(out, "{} over {} connections, {load}, dialect {}", self.url, self.connections, self.dialect)?;
        writeln!(out)?;
        writeln!(
            out,
            "requests: {} in {:.3} s, {} answered, {:.1} responses/s, {:.1} successful/s, {:.0} bytes each",
            self.sent,
            self.seconds,
            self.answered,
            self.rate_per_second,
            self.goodput_per_second,
            self.answer_bytes_mean
        )?;
        if self.unsent > 0 {
            writeln!(out, "unsent: {} requests, because no connection was free in time", self.unsent)?;
        }
        writeln!(out, "plans: {} acknowledged, {} replanned", self.ledger.plans, self.ledger.replanned)?;
        writeln!(out)?;
        self.write_latencies(out)?;
        let outcomes: Vec<_> = RequestOutcome::ALL
            .map(|outcome| format!("{} {}", self.outcomes[outcome.as_str()], outcome.as_str()))
            .into();
        writeln!(out, "\n{}", outcomes.join(", "))?;
        if let Some(Verification { intact, lost, different, unread }) = self.verification {
            writeln!(out, "read back: {intact} intact, {lost} lost, {different} different, {unread} unread")?;
        }
        writeln!(out)?;
        self.write_faults(out)?;
        if self.outcomes.iter().all(|(name, &count)| matches!(*name, "refused" | "failed") || count == 0) {
            writeln!(out, "no successful responses")?;
        }
        writeln!(out, "{}", if self.passed { "passed" } else { "failed" })
    }

    fn write_latencies(&self, out: &mut impl Write) -> io::Result<()> {
        write!(out, "{:<10}{:>10}", "latency", "count")?;
        for head in HEADS {
            write!(out, "{head:>11}")?;
        }
        writeln!(out)?;
        for (name, kind) in &self.kinds {
            write_latency(out, name, &kind.latency)?;
        }
        if self.kinds.len() != 1 {
            write_latency(out, "all", &self.latency)?;
        }
        match &self.refused.latency {
            Some(latency) => write_latency(out, "refused", latency),
            None => Ok(()),
        }
    }

    fn write_faults(&self, out: &mut impl Write) -> io::Result<()> {
        if self.faults.is_empty() {
            return writeln!(out, "no faults");
        }
        let width = self.faults.iter().map(|fault| fault.kind.len()).max().unwrap_or(0).max("fault".len());
        writeln!(out, "{:<width$}{:>10}  first", "fault", "count")?;
        for fault in &self.faults {
            writeln!(out, "{:<width$}{:>10}  {}", fault.kind, fault.count, fault.first)?;
        }
        Ok(())
    }
}

fn write_latency(out: &mut impl Write, name: &str, latency: &Latency) -> io::Result<()> {
    write!(out, "{name:<10}{:>10}", latency.count)?;
    for value in figures(latency) {
        write!(out, "{value:>11.3}")?;
    }
    writeln!(out)
}

/// Returns the figures in the order of the headings.
pub(super) fn figures(latency: &Latency) -> [f64; 7] {
    let Latency { mean_ms, p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms, .. } = *latency;
    [mean_ms, p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms]
}
