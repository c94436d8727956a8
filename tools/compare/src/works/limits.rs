//! A small container: three quarters of a processor and 384 MB.

use crate::cgroup::{Group, Share, USUAL_PERIOD_US};
use crate::field::{Field, Instance};
use crate::loader::Load;
use crate::process::{self, Sampler};
use crate::row::{Row, Target};
use crate::works::{CONNECTIONS, WARMUP_SECONDS};

const SHARE: Share = Share { processors: 0.75, period_us: USUAL_PERIOD_US, memory_mb: Some(384) };

const MEMORY_MB_MAX: Target = Target::AtMost(192.0);

/// The duration in multiples of a round's, because memory grows slowly.
const LONGER: u64 = 6;

pub(super) fn small_box(field: &Field) -> anyhow::Result<Vec<Row>> {
    let group = match Group::make(SHARE) {
        Ok(group) => group,
        Err(error) => {
            field.say(&format!("skipped: box requires root and control groups: {error:#}"));
            return Ok(vec![Row::skipped("box", format!("requires root and control groups: {error:#}"))]);
        }
    };
    let registry = field.new_registry(Instance { purpose: "box", group: Some(group), ..Instance::default() })?;
    let pid = registry.pid()?;
    let idle_mb = process::resident_mb(pid)?;

    let sampler = Sampler::start(pid);
    let load =
        Load::of("mixed").connections(CONNECTIONS).seconds(LONGER * field.seconds).warmup_seconds(WARMUP_SECONDS);
    let closed = field.loader.run(load.clone().seed(field.loader.seed()), &registry)?;
    let half = closed.goodput_per_second / 2.0;
    let open = field.loader.run(load.rate(half).seed(field.loader.seed()), &registry)?;
    let samples = sampler.stop()?;
    let most_mb = samples.iter().copied().fold(process::resident_mb_max(pid)?, f64::max);

    let latency = open.latency()?;
    Ok(vec![
        Row::figure("box", "peak memory", "MB", &[most_mb], MEMORY_MB_MAX).noted(format!("{idle_mb:.0} MB when idle")),
        Row::figure("box", "mixed load, closed loop", "responses/s", &[closed.goodput_per_second], None),
        Row::figure("box", "p99 at half of that rate", "ms", &[latency.p99_ms], None)
            .noted(format!("p50 {:.2} ms", latency.p50_ms)),
    ])
}
