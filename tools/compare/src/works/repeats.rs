//! Repeated requests.

use anyhow::Context;

use crate::field::Field;
use crate::loader::Load;
use crate::row::{Row, Target};
use crate::works::{CONNECTIONS, WARMUP_SECONDS};

fn load(field: &Field, scenario: &str) -> Load {
    Load::of(scenario).connections(CONNECTIONS).seconds(field.seconds).warmup_seconds(WARMUP_SECONDS)
}

/// Compares byte-identical repeats with an axum handler that reads a body and returns a constant of the same lengths.
pub(super) fn byte_for_byte(field: &Field) -> anyhow::Result<Vec<Row>> {
    let (registry, yardstick) = (field.registry()?, field.yardstick()?);
    let first = field.loader.run(load(field, "warm").seconds(1).seed(field.loader.seed()), &registry)?;
    let bytes = first.answer_bytes_mean.context("no response to a repeated request")?.round() as u64;

    let rate = |load: Load, service, seed| Ok(field.loader.run(load.seed(seed), service)?.goodput_per_second);
    let pairs = field.alternate(
        "repeat",
        "responses/s",
        |seed| rate(load(field, "warm"), &registry, seed),
        |seed| rate(load(field, "echo").answer_bytes(bytes), &yardstick, seed),
    )?;

    let what = format!("same request, compared with an echo of {bytes} B");
    Ok(vec![Row::ratio("repeat", what, "responses/s", &pairs, Target::AtLeast(0.9))])
}

/// Compares requests with the same instruments in another order with byte-identical repeats of the baseline.
pub(super) fn in_another_order(field: &Field) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry()?, field.naive()?);

    let rate = |scenario: &str, service, seed| {
        Ok(field.loader.run(load(field, scenario).seed(seed), service)?.goodput_per_second)
    };
    let pairs = field.alternate(
        "reorder",
        "responses/s",
        |seed| rate("reorder", &registry, seed),
        |seed| rate("warm", &naive, seed),
    )?;

    Ok(vec![Row::ratio("reorder", "other order, compared with a repeat", "responses/s", &pairs, Target::AtLeast(1.2))])
}
