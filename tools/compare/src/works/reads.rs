//! Reads of plans by id.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context;

use crate::field::Field;
use crate::loader::{self, Load};
use crate::row::{Row, Target};
use crate::service::Service;
use crate::works::{CONNECTIONS, WARMUP_SECONDS};

/// A rate of uncached reads that the registry does not exceed: there are enough ids to read none twice in a round.
const COLD_READS_PER_SECOND_MAX: u64 = 8_000;

const FILLED_WITHIN_SECONDS: u64 = 120;

/// Compares reads of cached plans with an axum handler that returns a constant of the same length.
pub(super) fn hot(field: &Field) -> anyhow::Result<Vec<Row>> {
    let (registry, yardstick) = (field.registry()?, field.yardstick()?);
    let load = |scenario: &str| {
        Load::of(scenario).connections(CONNECTIONS).seconds(field.seconds).warmup_seconds(WARMUP_SECONDS)
    };
    let first = field.loader.run(load("read").seconds(1).seed(field.loader.seed()), &registry)?;
    let bytes = first.answer_bytes_mean.context("no plan was read")?.round() as u64;

    let rate = |load: Load, service, seed| Ok(field.loader.run(load.seed(seed), service)?.goodput_per_second);
    let pairs = field.alternate(
        "get-hot",
        "responses/s",
        |seed| rate(load("read"), &registry, seed),
        |seed| rate(load("hello").answer_bytes(bytes), &yardstick, seed),
    )?;

    let what = format!("cached plans, compared with a constant of {bytes} B");
    Ok(vec![Row::ratio("get-hot", what, "responses/s", &pairs, Target::AtLeast(0.8))])
}

/// A file of ids, and their number.
struct Ids {
    file: PathBuf,
    count: u64,
}

/// Compares reads of plans that are only in the database.
pub(super) fn cold(field: &Field) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry()?, field.naive()?);
    let ours = filled(field, &registry, "registry")?;
    let others = filled(field, &naive, "naive")?;

    let rate = |service: &Service, ids: &Ids| {
        let load = Load::of("read").connections(CONNECTIONS).seconds(field.seconds).ids(&ids.file).requests(ids.count);
        Ok(field.loader.run(load, service)?.goodput_per_second)
    };
    let pairs = field.alternate(
        "get-cold",
        "responses/s",
        |_| {
            registry.restart()?;
            rate(&registry, &ours)
        },
        |_| rate(&naive, &others),
    )?;

    Ok(vec![Row::ratio("get-cold", "uncached plans", "responses/s", &pairs, Target::AtLeast(2.0))])
}

/// Creates plans to read, and returns their ids.
fn filled(field: &Field, service: &Rc<Service>, name: &str) -> anyhow::Result<Ids> {
    let (ledger, file) = (field.file(&format!("{name}.ledger")), field.file(&format!("{name}.ids")));
    let count = fill(field, service, &ledger, COLD_READS_PER_SECOND_MAX * field.seconds)
        .and_then(|()| loader::ids_of(&ledger, &file))
        .with_context(|| format!("failed to create plans to read ({name})"))?;
    Ok(Ids { file, count })
}

/// Creates about this number of plans, and writes their ids to the ledger.
pub(super) fn fill(field: &Field, service: &Service, ledger: &Path, plans: u64) -> anyhow::Result<()> {
    field.say(&format!("creating {plans} plans"));
    let load = Load::of("cold").connections(128).seconds(FILLED_WITHIN_SECONDS).requests(plans);
    field.loader.run(load.ledger(ledger).seed(field.loader.seed()), service)?;
    Ok(())
}
