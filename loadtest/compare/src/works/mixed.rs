//! New plans, repeats and reads at a rate that does not wait for answers.

use crate::field::Field;
use crate::loader::Load;
use crate::row::{Row, Target};
use crate::works::WARMUP_SECONDS;

pub(super) fn at_80_percent(field: &Field) -> anyhow::Result<Vec<Row>> {
    at(field, "mixed80", 0.8, Target::AtMost(1.0 / 3.0))
}

pub(super) fn at_20_percent(field: &Field) -> anyhow::Result<Vec<Row>> {
    at(field, "mixed20", 0.2, Target::AtMost(1.0))
}

/// At this part of what the other side can do at most.
fn at(field: &Field, work: &'static str, part: f64, target: Target) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry()?, field.naive()?);
    let most = field.loader.saturate(&Load::of("mixed").seed(field.loader.seed()), &naive)?.saturating;
    let rate = part * most.rate_per_second;
    field.say(&format!("{work}: {rate:.0}/s of {:.0}/s at {} connections", most.rate_per_second, most.connections));
    let load = Load::of("mixed").rate(rate).seconds(field.seconds).warmup_seconds(WARMUP_SECONDS);

    let ours = |seed| Ok(field.loader.run(load.clone().seed(seed), &registry)?.latency()?.p99_ms);
    let other = |seed| {
        // A side that can no longer keep up has lost without being measured to the end.
        let report = field.loader.run_past_faults(load.clone().seed(seed), &naive)?;
        if let Some(faults) = report.faults() {
            field.say(&format!("{work}: of the other's answers {faults}"));
        }
        Ok(report.latency()?.p99_ms)
    };
    let pairs = field.alternate(work, "ms", ours, other)?;

    Ok(vec![Row::ratio(work, format!("p99 at {rate:.0}/s, {:.0} % of its most", part * 100.0), "ms", &pairs, target)])
}
