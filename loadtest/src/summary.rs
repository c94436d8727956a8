//! Summarizes a load as a report.

use std::io::{self, Write};

use hdrhistogram::Histogram;
use registry_loadtest::report::{KindFigures, LedgerCounts, Report, Verification};
use strum::VariantArray;

use crate::answer::RequestOutcome;
use crate::kind::RequestKind;
use crate::ledger::Ledger;
use crate::run::{Load, Plan};
use crate::tally::latency_of;

/// Creates the report of `load`. Its tally includes the faults of the verification, and `ledger` includes the plans
/// that were created before the load.
pub(crate) fn report(plan: &Plan, load: &mut Load, ledger: &Ledger, verification: Option<Verification>) -> Report {
    let timeline = load.tally.timeline();
    let Load { tally, unsent, .. } = load;
    let scenario = &plan.workload.scenario;
    let seconds = tally.elapsed.as_secs_f64();
    let per_second = |count: u64| round(if seconds > 0.0 { count as f64 / seconds } else { 0.0 });
    let is_open = !scenario.phases.is_empty();
    let kind = |&kind: &RequestKind| {
        let latency = tally.latency(kind)?;
        Some((<&str>::from(kind).to_owned(), KindFigures { count: latency.count, latency: Some(latency) }))
    };
    let outcome = |&outcome: &RequestOutcome| (<&str>::from(outcome).to_owned(), tally.count(outcome));
    let faults = tally.faults.list();
    Report {
        scenario: scenario.name.clone(),
        url: plan.service.target.base.clone(),
        dialect: <&str>::from(plan.service.dialect).to_owned(),
        mode: if is_open { "open" } else { "closed" }.to_owned(),
        connections: scenario.connections,
        sizes: scenario.sizes.clone(),
        users: scenario.users,
        seed: plan.workload.seed,
        rate: scenario.rate,
        arrivals: is_open.then(|| <&str>::from(scenario.arrivals).to_owned()),
        seconds: round(seconds),
        sent: tally.total(),
        answered: tally.answered,
        unsent: *unsent,
        rate_per_second: per_second(tally.good() + tally.count(RequestOutcome::Refused)),
        goodput_per_second: per_second(tally.good()),
        answer_bytes_mean: round(tally.answer_bytes_mean()),
        latency: latency_of(&tally.all_latencies()),
        kinds: RequestKind::VARIANTS.iter().filter_map(kind).collect(),
        outcomes: RequestOutcome::VARIANTS.iter().map(outcome).collect(),
        refused: KindFigures { count: tally.count(RequestOutcome::Refused), latency: tally.refusals() },
        // A run in which every request was rejected is not passed.
        passed: faults.is_empty() && tally.good() > 0,
        faults,
        ledger: LedgerCounts { plans: ledger.len(), replanned: ledger.replanned() },
        verification,
        timeline,
    }
}

/// Writes the percentiles of a histogram of microseconds, in milliseconds and in the text format of `HdrHistogram`.
pub(crate) fn write_histogram(histogram: &Histogram<u64>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let mut count = 0;
    for step in histogram.iter_quantiles(5) {
        count += step.count_since_last_iteration();
        let value = step.value_iterated_to() as f64 / 1_000.0;
        let (part, left) = (step.quantile_iterated_to(), 1.0 / (1.0 - step.quantile_iterated_to()));
        writeln!(out, "{value:>12.3} {part:>14.12} {count:>10} {left:>14.2}")?;
    }
    writeln!(out, "#[Mean = {:.3}, StdDeviation = {:.3}]", histogram.mean() / 1e3, histogram.stdev() / 1e3)?;
    writeln!(out, "#[Max = {:.3}, Total count = {}]", histogram.max() as f64 / 1e3, histogram.len())?;
    out.flush()
}

/// Rounds to three decimals, the precision of the measurements.
fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests;
