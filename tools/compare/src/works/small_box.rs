//! A small container: three quarters of a processor and 384 MB.

use crate::cgroup::{Share, USUAL_PERIOD_US};
use crate::field::{Field, Instance};
use crate::loader::Load;
use crate::process;
use crate::row::{Row, Target};

const SHARE: Share = Share { processors: 0.75, period_us: USUAL_PERIOD_US, memory_mb: Some(384) };
const MEMORY_MB_MAX: Target = Target::AtMost(192.0);

/// The duration in multiples of a round's, because memory grows slowly.
const LONGER: u64 = 6;

pub(super) async fn limits(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let group = match field.group(work, SHARE) {
        Ok(group) => group,
        Err(skipped) => return Ok(skipped),
    };
    let instance = Instance { purpose: "box", group: Some(group), ..Instance::default() };
    let registry = field.new_registry(instance).await?;
    let pid = registry.pid()?;
    let idle_mb = process::resident_mb(pid)?;

    let loads = async {
        let load = Load::of("mixed").measured(LONGER * field.seconds);
        let closed = field.loader.run(load.clone(), &registry).await?;
        let half = closed.goodput_per_second / 2.0;
        anyhow::Ok((closed, field.loader.run(load.rate(half), &registry).await?))
    };
    let (reports, samples) = process::sampled(pid, loads).await;
    let (closed, open) = reports?;
    let most_mb = samples.iter().copied().fold(process::resident_mb_max(pid)?, f64::max);

    let latency = open.latency()?;
    Ok(vec![
        Row::figure(work, "peak memory", "MB", &[most_mb], MEMORY_MB_MAX).noted(format!("{idle_mb:.0} MB when idle")),
        Row::figure(work, "mixed load, closed loop", "responses/s", &[closed.goodput_per_second], None),
        Row::figure(work, "p99 at half of that rate", "ms", &[latency.p99_ms], None)
            .noted(format!("p50 {:.2} ms", latency.p50_ms)),
    ])
}
