//! Maximum rates, each compared with those of another program or another request.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::field::Field;
use crate::loader::{self, Load};
use crate::row::{Row, Target};
use crate::service::Service;

/// Approximate length of the response to a plan request with a hundred instruments, in bytes.
const ANSWER_BYTES: u64 = 2_000;

/// A rate of uncached reads that the registry does not exceed: there are enough ids to read none twice in a round.
const COLD_READS_PER_SECOND_MAX: u64 = 8_000;
const FILLED_WITHIN_SECONDS: u64 = 120;
const PLANS: &str = "plans/s";
const RESPONSES: &str = "responses/s";

/// Compares the maximum rate of new durable plans.
pub(super) async fn create(field: &Field, work: &str, connections: u32) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry().await?, field.naive().await?);
    let load = Load::of("cold").with("connections", connections).measured(field.seconds);
    let pairs = field.rates(work, PLANS, [(&load, &registry), (&load, &naive)]).await?;
    // The plans of one round are read back; the work fails if an acknowledged plan is lost or different.
    field.loader.run(load.verified(), &registry).await?;
    let what = format!("new plans, {connections} connections");
    Ok(vec![Row::ratio(work, what, PLANS, &pairs, Target::AtLeast(5.0))])
}

/// Compares plans at a broker with the same plans without one. They have limits, connections and subscriptions in
/// addition.
pub(super) async fn create_at_broker(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let registry = field.registry().await?;
    let load = Load::of("cold").measured(field.seconds);
    let at_broker = load.clone().with("broker", "kite");
    let pairs = field.rates(work, PLANS, [(&at_broker, &registry), (&load, &registry)]).await?;
    field.loader.run(at_broker.verified(), &registry).await?;
    let what = "new plans at a broker, compared with plans without one";
    Ok(vec![Row::ratio(work, what, PLANS, &pairs, Target::AtLeast(0.7))])
}

/// Compares cached plans with an axum handler that returns a constant of the same length: byte-identical repeats with
/// one that reads a body, and reads by id with one that does not.
pub(super) async fn constant_answers(
    field: &Field,
    work: &str,
    scenario: &'static str,
    constant: &'static str,
) -> anyhow::Result<Vec<Row>> {
    let (registry, yardstick) = (field.registry().await?, field.yardstick().await?);
    let load = Load::of(scenario).measured(field.seconds);
    let bytes = field.loader.run(load.clone().measured(1), &registry).await?.answer_bytes_mean.round();
    let other = Load::of(constant).measured(field.seconds).with("answer-bytes", bytes);
    let pairs = field.rates(work, RESPONSES, [(&load, &registry), (&other, &yardstick)]).await?;
    let (what, least) = match constant {
        "echo" => ("same request, compared with an echo", 0.9),
        _ => ("cached plans, compared with a constant", 0.8),
    };
    Ok(vec![Row::ratio(work, format!("{what} of {bytes} B"), RESPONSES, &pairs, Target::AtLeast(least))])
}

/// Compares requests with the same instruments in another order with byte-identical repeats of the baseline.
pub(super) async fn reorder(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry().await?, field.naive().await?);
    let [load, other] = ["reorder", "warm"].map(|scenario| Load::of(scenario).measured(field.seconds));
    let pairs = field.rates(work, RESPONSES, [(&load, &registry), (&other, &naive)]).await?;
    let what = "other order, compared with a repeat";
    Ok(vec![Row::ratio(work, what, RESPONSES, &pairs, Target::AtLeast(1.2))])
}

/// Checks that the yardstick is not slower than the external one.
pub(super) async fn yardstick(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let Some(anchor) = field.anchor().await? else {
        let why = "requires --anchor to compare with";
        field.say(&format!("skipped: yardstick {why}"));
        return Ok(vec![Row::skipped(work, why)]);
    };
    let yardstick = field.yardstick().await?;
    let mut rows = Vec::new();
    let works =
        [("new plans", "cold"), ("repeats", "warm"), ("plans by id", "read"), ("hello", "hello"), ("echo", "echo")];
    for (what, scenario) in works {
        let load = Load::of(scenario).measured(field.seconds).with("answer-bytes", ANSWER_BYTES);
        let sides = [(&load, &*yardstick), (&load, &*anchor)];
        let pairs = field.rates(&format!("yardstick {what}"), RESPONSES, sides).await?;
        let what = format!("{what}, compared with the anchor");
        rows.push(Row::ratio(work, what, RESPONSES, &pairs, Target::AtLeast(0.95)));
    }
    Ok(rows)
}

/// Compares reads of plans that are only in the database.
pub(super) async fn cold_reads(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry().await?, field.naive().await?);
    let ours = filled(field, &registry, "registry").await?;
    let others = filled(field, &naive, "naive").await?;
    let rate = async |service: &Service, (ids, count): &(PathBuf, u64)| {
        let load = Load::of("read").with("seconds", field.seconds).with("ids", ids.display()).with("requests", count);
        anyhow::Ok(field.loader.run(load, service).await?.goodput_per_second)
    };
    let restarted = async |_| {
        registry.restart().await?;
        rate(&registry, &ours).await
    };
    let pairs = field.alternate(work, RESPONSES, restarted, async |_| rate(&naive, &others).await).await?;
    Ok(vec![Row::ratio(work, "uncached plans", RESPONSES, &pairs, Target::AtLeast(2.0))])
}

/// Creates plans to read, and returns the file of their ids and their number.
async fn filled(field: &Field, service: &Service, name: &str) -> anyhow::Result<(PathBuf, u64)> {
    let (ledger, ids) = (field.file(&format!("{name}.ledger")), field.file(&format!("{name}.ids")));
    let filled = fill(field, service, &ledger, COLD_READS_PER_SECOND_MAX * field.seconds).await;
    filled.with_context(|| format!("failed to create plans to read ({name})"))?;
    let count = loader::ids_of(&ledger, &ids)?;
    Ok((ids, count))
}

/// Creates about this number of plans, and writes their ids to the ledger.
pub(super) async fn fill(field: &Field, service: &Service, ledger: &Path, plans: u64) -> anyhow::Result<()> {
    field.say(&format!("creating {plans} plans"));
    let load = Load::of("cold").with("connections", 128).with("seconds", FILLED_WITHIN_SECONDS);
    field.loader.run(load.with("requests", plans).with("ledger", ledger.display()), service).await?;
    Ok(())
}
