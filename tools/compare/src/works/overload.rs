//! Three times as many requests as half a processor can process.

use std::time::Instant;

use anyhow::Context;

use crate::cgroup::{Group, Share, USUAL_PERIOD_US};
use crate::field::{Field, Instance};
use crate::figures::{self, Spread};
use crate::loader::Load;
use crate::process::Sampler;
use crate::report::Report;
use crate::row::{Row, Target};
use crate::works::{CONNECTIONS, WARMUP_SECONDS};

/// Half a processor with the usual period of 100 ms: when the quota is used up, no request gets a response for the rest
/// of the period. A period of 10 ms is less efficient, and fewer plans are created.
const SHARE: Share = Share { processors: 0.5, period_us: USUAL_PERIOD_US, memory_mb: None };

/// Number of instruments of each plan, and the part of the peak that must remain under overload. A plan of the larger
/// size costs several times as much, and a refusal hardly more, so a larger part of the CPU time is left for plans.
const SIZES: [(u32, f64); 2] = [(100, 0.5), (1_000, 0.85)];

const OVERLOAD_SECONDS: u64 = 60;
const TIMES_THE_PEAK: f64 = 3.0;

/// Number of connections: far more than the service accepts requests at the same time. With fewer, the load generator
/// would wait, and nothing would be refused. The service holds the refusals of connections that return too early, so the
/// generator cannot send all requests at their times: a note has the number of those that were sent and those that were
/// not. Latencies are measured from the time at which a request is due, so they include the time in the generator.
const OVERLOAD_CONNECTIONS: u32 = 3_000;

/// Numbers of connections at which the peak is searched, because batches grow with the number of waiting requests.
const PEAK_CONNECTIONS: [u32; 4] = [64, 128, 256, 512];

/// Light load, as a part of the peak.
const LIGHT: f64 = 0.3;

/// Duration of the light load after the overload, in seconds.
const WATCHED_SECONDS: u64 = 15;

/// Maximum time until the p99 recovers, in seconds.
const RECOVERED_WITHIN_SECONDS: f64 = 10.0;

/// The p99 has recovered if it is at most this multiple of the p99 before the overload.
const AS_BEFORE: f64 = 2.0;

pub(super) fn shed(field: &Field) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (instruments, least) in SIZES {
        rows.extend(shed_plans_of(instruments, least, field)?);
    }
    Ok(rows)
}

fn shed_plans_of(instruments: u32, least: f64, field: &Field) -> anyhow::Result<Vec<Row>> {
    let group = match Group::make(SHARE) {
        Ok(group) => group,
        Err(error) => {
            field.say(&format!("skipped: overload requires root and control groups: {error:#}"));
            return Ok(vec![Row::skipped("overload", format!("requires root and control groups: {error:#}"))]);
        }
    };
    let registry = field.new_registry(Instance { purpose: "overload", group: Some(group), ..Instance::default() })?;
    let run = |load: Load| field.loader.run_past_faults(load.seed(field.loader.seed()), &registry);

    let cold = Load::of("cold").instruments(instruments);
    let closed = cold.clone().seconds(2 * field.seconds).warmup_seconds(2 * WARMUP_SECONDS);
    let mut peak: f64 = 0.0;
    for connections in PEAK_CONNECTIONS {
        let rate = run(closed.clone().connections(connections))?.goodput_per_second;
        field.say(&format!("overload: {rate:.0} plans/s of {instruments} instruments over {connections} connections"));
        peak = peak.max(rate);
    }
    let light = cold.clone().connections(CONNECTIONS).rate(LIGHT * peak);
    let before = run(light.clone().seconds(2 * field.seconds).warmup_seconds(WARMUP_SECONDS))?;
    let before_ms = typical_p99_ms(&before).context("no response under light load")?;
    field.say(&format!("overload: peak {peak:.0} plans/s, p99 under light load {before_ms:.1} ms"));

    let sampler = Sampler::start(registry.pid()?);
    let load = cold.connections(OVERLOAD_CONNECTIONS).rate(TIMES_THE_PEAK * peak).seconds(OVERLOAD_SECONDS);
    let begun = Instant::now();
    let overloaded = run(load)?;
    let memory_mb = sampler.stop()?;
    // The overload's last requests delay the end of the run. This delay counts as time before the recovery.
    let late_seconds = begun.elapsed().as_secs_f64() - OVERLOAD_SECONDS as f64;
    let after = run(light.seconds(WATCHED_SECONDS))?;

    let mut rows = rows(peak, least, before_ms, &overloaded, &memory_mb, &after, late_seconds.max(0.0));
    for row in &mut rows {
        row.what = format!("{instruments} instruments: {}", row.what);
    }
    Ok(rows)
}

fn rows(
    peak: f64,
    least: f64,
    before_ms: f64,
    overloaded: &Report,
    memory_mb: &[f64],
    after: &Report,
    late_seconds: f64,
) -> Vec<Row> {
    let refused_ms: Vec<f64> =
        overloaded.refused.iter().filter_map(|refused| Some(refused.latency.as_ref()?.p99_ms)).collect();
    let refusals = overloaded.refused.as_ref().map_or(0, |refused| refused.count);
    let recovered: Vec<f64> = figures::settled_at(&p99s(after), AS_BEFORE * before_ms)
        .map(|seconds| seconds as f64 + late_seconds)
        .into_iter()
        .collect();
    let growth: Vec<f64> = figures::growth(memory_mb).into_iter().collect();
    let pair = crate::figures::Pairs { ours: vec![overloaded.goodput_per_second], other: vec![peak] };
    let goodput = Row::ratio(
        "overload",
        "plans at 3 × peak rate, compared with the peak",
        "plans/s",
        &pair,
        Target::AtLeast(least),
    );
    let answered = overloaded.latency.as_ref().map(|latency| [latency.p50_ms, latency.p99_ms]);
    let told = answered.map_or(String::new(), |[p50, p99]| format!("plans p50 {p50:.1} ms, p99 {p99:.1} ms; "));
    let faults = overloaded.faults().unwrap_or_else(|| "no faults".to_owned());
    let faults_count: u64 = overloaded.faults.iter().map(|fault| fault.count).sum();
    vec![
        goodput.noted(format!(
            "{told}{refusals} refused of {}, {} not sent; {faults}",
            overloaded.sent, overloaded.unsent
        )),
        Row::figure("overload", "p99 of refused requests", "ms", &refused_ms, None),
        Row::figure("overload", "wrong responses", "", &[faults_count as f64], Target::Exactly(0.0)),
        Row::figure("overload", "memory, last third / first third", "", &growth, Target::AtMost(1.1))
            .noted(Spread::of(memory_mb).map_or(String::new(), |mb| format!("{:.0} to {:.0} MB", mb.min, mb.max))),
        Row::figure("overload", "time until p99 recovers", "s", &recovered, Target::AtMost(RECOVERED_WITHIN_SECONDS))
            .noted(format!(
                "p99 under light load {before_ms:.1} ms; in each second afterwards: {}",
                told_ms(&p99s(after))
            )),
    ]
}

/// Returns the values as text.
fn told_ms(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.0}")).collect::<Vec<_>>().join(", ")
}

/// Returns the p99 of each second; it is infinite for a second without a response.
fn p99s(report: &Report) -> Vec<f64> {
    report.timeline.iter().map(|second| second.p99_ms.unwrap_or(f64::INFINITY)).collect()
}

/// Returns the median of the p99 of all seconds, with which the seconds after the overload are compared.
fn typical_p99_ms(report: &Report) -> Option<f64> {
    Spread::of(&p99s(report)).map(|spread| spread.median).filter(|p99| p99.is_finite())
}
