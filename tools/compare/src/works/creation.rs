//! Maximum rate of new durable plans.

use crate::field::Field;
use crate::loader::Load;
use crate::row::{Row, Target};
use crate::works::{CONNECTIONS, WARMUP_SECONDS};

/// Plans at a broker have limits, connections and subscriptions in addition.
const BROKER_TARGET: Target = Target::AtLeast(0.7);

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

/// Compares plans at a broker with the same plans without one.
pub(super) fn at_a_broker(field: &Field) -> anyhow::Result<Vec<Row>> {
    const WORK: &str = "create-broker";
    let registry = field.registry()?;
    let load = Load::of("cold").connections(CONNECTIONS).seconds(field.seconds).warmup_seconds(WARMUP_SECONDS);

    let rate = |load: &Load, seed| Ok(field.loader.run(load.clone().seed(seed), &registry)?.goodput_per_second);
    let at_broker = load.clone().broker("kite");
    let pairs = field.alternate(WORK, "plans/s", |seed| rate(&at_broker, seed), |seed| rate(&load, seed))?;

    field.loader.run(at_broker.verified().seed(field.loader.seed()), &registry)?;
    let what = "new plans at a broker, compared with plans without one";
    Ok(vec![Row::ratio(WORK, what, "plans/s", &pairs, BROKER_TARGET)])
}
