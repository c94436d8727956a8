//! New plans, repeats and reads at a rate that does not wait for answers.

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

/// How often the most is looked for: a search ends at the first step that brings no more, which chance may be, too.
const SEARCHES: usize = 2;

/// The least connections that the load comes over: with fewer, it may be these that are waited for.
const CONNECTIONS_MIN: u32 = 64;

/// What the other side can do at most, in answers a second, and over how many connections; looked for once.
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

/// At this part of what the other side can do at most.
fn at(field: &Field, work: &'static str, part: f64, target: Target) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry()?, field.naive()?);
    let most = most_of(field, &naive)?;
    let rate = part * most.rate_per_second;
    // Over those with which it does most, and both sides over as many.
    let connections = most.connections.max(CONNECTIONS_MIN);
    field.say(&format!("{work}: {rate:.0}/s of {:.0}/s over {connections} connections", most.rate_per_second));
    let load = Load::of("mixed").connections(connections).rate(rate);
    let load = load.seconds(field.seconds).warmup_seconds(WARMUP_SECONDS);

    let ours = |seed| {
        let report = field.loader.run(load.clone().seed(seed), &registry)?;
        // What was refused or never sent is in no percentile.
        report.complete()?;
        Ok(report.latency()?.p99_ms)
    };
    let other = |seed| {
        // A side that can no longer keep up has lost without being measured to the end.
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
