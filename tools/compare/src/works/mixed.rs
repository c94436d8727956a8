//! New plans, repeats and reads at a fixed rate (open loop).

use crate::field::Field;
use crate::loader::Load;
use crate::report::Step;
use crate::row::{Row, Target};
use crate::service::Service;
use crate::works::WARMUP_SECONDS;

pub(super) fn at_80_percent(field: &Field) -> anyhow::Result<Vec<Row>> {
    at(field, "mixed80", 0.8, Target::AtMost(1.0 / 3.0))
}

pub(super) fn at_20_percent(field: &Field) -> anyhow::Result<Vec<Row>> {
    at(field, "mixed20", 0.2, Target::AtMost(1.0))
}

/// Number of searches for the maximum rate, because a search can end too early by chance: it ends at the first step
/// without an increase.
const SEARCHES: usize = 2;

/// Minimum number of connections, because requests may have to wait for a connection if there are fewer.
const CONNECTIONS_MIN: u32 = 64;

/// Returns the baseline's maximum rate and its number of connections. Measures it only once.
fn most_of(field: &Field, naive: &Service) -> anyhow::Result<Step> {
    if let Some(most) = field.naive_most.get() {
        return Ok(most);
    }
    let mut most = Step { connections: 0, rate_per_second: 0.0 };
    for _ in 0..SEARCHES {
        let step = field.loader.saturate(&Load::of("mixed").seed(field.loader.seed()), naive)?.saturating;
        let Step { connections, rate_per_second } = step;
        field
            .say(&format!("mixed: maximum rate of the baseline {rate_per_second:.0}/s over {connections} connections"));
        if rate_per_second > most.rate_per_second {
            most = step;
        }
    }
    field.naive_most.set(Some(most));
    Ok(most)
}

/// Compares both sides at this part of the baseline's maximum rate.
fn at(field: &Field, work: &'static str, part: f64, target: Target) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry()?, field.naive()?);
    let most = most_of(field, &naive)?;
    let rate = part * most.rate_per_second;
    // Both sides get the number of connections at which the baseline reaches its maximum.
    let connections = most.connections.max(CONNECTIONS_MIN);
    field.say(&format!("{work}: {rate:.0}/s of {:.0}/s over {connections} connections", most.rate_per_second));
    let load = Load::of("mixed").connections(connections).rate(rate);
    let load = load.seconds(field.seconds).warmup_seconds(WARMUP_SECONDS);

    let ours = |seed| {
        let report = field.loader.run(load.clone().seed(seed), &registry)?;
        // Requests that were refused or not sent are not in the percentiles.
        report.complete()?;
        Ok(report.latency()?.p99_ms)
    };
    let other = |seed| {
        // Faults are accepted here, because a baseline that cannot keep up has lost in any case.
        let report = field.loader.run_past_faults(load.clone().seed(seed), &naive)?;
        if let Some(faults) = report.faults() {
            field.say(&format!("{work}: wrong responses of the baseline: {faults}"));
        }
        Ok(report.latency()?.p99_ms)
    };
    let pairs = field.alternate(work, "ms", ours, other)?;

    Ok(vec![Row::ratio(
        work,
        format!("p99 at {rate:.0}/s, {:.0} % of the baseline's maximum", part * 100.0),
        "ms",
        &pairs,
        target,
    )])
}
