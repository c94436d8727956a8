//! Maximum rate of new durable plans.

use crate::field::Field;
use crate::loader::Load;
use crate::row::{Row, Target};
use crate::works::WARMUP_SECONDS;

const TARGET: Target = Target::AtLeast(5.0);

pub(super) fn at_32(field: &Field) -> anyhow::Result<Vec<Row>> {
    at(field, "create32", 32)
}

pub(super) fn at_128(field: &Field) -> anyhow::Result<Vec<Row>> {
    at(field, "create128", 128)
}

fn at(field: &Field, work: &'static str, connections: u32) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry()?, field.naive()?);
    let load = Load::of("cold").connections(connections).seconds(field.seconds).warmup_seconds(WARMUP_SECONDS);

    let rate = |service, seed| Ok(field.loader.run(load.clone().seed(seed), service)?.goodput_per_second);
    let pairs = field.alternate(work, "plans/s", |seed| rate(&registry, seed), |seed| rate(&naive, seed))?;

    // The plans of one round are read back; the work fails if an acknowledged plan is lost or different.
    field.loader.run(load.verified().seed(field.loader.seed()), &registry)?;
    Ok(vec![Row::ratio(work, format!("new plans, {connections} connections"), "plans/s", &pairs, TARGET)])
}
