//! Three times as many requests as half a processor can process.

use std::time::Instant;

use anyhow::Context;
use registry_loadtest::report::Report;

use crate::cgroup::{Share, USUAL_PERIOD_US};
use crate::field::{Field, Instance};
use crate::loader::Load;
use crate::process;
use crate::row::{Pairs, Row, Spread, Target};

/// Half a processor with the usual period of 100 ms: when the quota is used up, no request gets a response for the rest
/// of the period. A period of 10 ms is less efficient, and fewer plans are created.
const SHARE: Share = Share { processors: 0.5, period_us: USUAL_PERIOD_US, memory_mb: None };

/// Number of instruments of each plan, and the part of the peak that must remain under overload. A plan of the larger
/// size costs several times as much, and a refusal hardly more, so a larger part of the CPU time is left for plans.
const SIZES: [(u32, f64); 2] = [(100, 0.5), (1_000, 0.85)];
const OVERLOAD_SECONDS: u64 = 60;
const TIMES_THE_PEAK: f64 = 3.0;

/// Number of connections: far more than the service accepts requests at the same time. With fewer, the load generator
/// would wait, and nothing would be refused. The service holds the refusals of connections that return too early, so
/// the generator cannot send all requests at their times: a note has the number of those that were sent and those that
/// were not. Latencies are measured from the time at which a request is due, so they include the time in the generator.
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

pub(super) async fn shed(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (instruments, least) in SIZES {
        rows.extend(shed_plans_of(field, work, instruments, least).await?);
    }
    Ok(rows)
}

async fn shed_plans_of(field: &Field, work: &str, instruments: u32, least: f64) -> anyhow::Result<Vec<Row>> {
    let group = match field.group(work, SHARE) {
        Ok(group) => group,
        Err(skipped) => return Ok(skipped),
    };
    let instance = Instance { purpose: "overload", group: Some(group), ..Instance::default() };
    let registry = field.new_registry(instance).await?;
    let run = async |load: Load| field.loader.run_past_faults(load, &registry).await;

    let cold = Load::of("cold").with("instruments", instruments);
    let mut peak: f64 = 0.0;
    for connections in PEAK_CONNECTIONS {
        let load = cold.clone().measured(2 * field.seconds).with("connections", connections);
        let rate = run(load).await?.goodput_per_second;
        field.say(&format!("overload: {rate:.0} plans/s of {instruments} instruments over {connections} connections"));
        peak = peak.max(rate);
    }
    let light = cold.clone().rate(LIGHT * peak);
    let before = run(light.clone().measured(2 * field.seconds)).await?;
    let before_ms = typical_p99_ms(&before).context("no response under light load")?;
    field.say(&format!("overload: peak {peak:.0} plans/s, p99 under light load {before_ms:.1} ms"));

    let load = cold.with("connections", OVERLOAD_CONNECTIONS).rate(TIMES_THE_PEAK * peak);
    let begun = Instant::now();
    let overload = run(load.with("seconds", OVERLOAD_SECONDS));
    let (overloaded, memory_mb) = process::sampled(registry.pid()?, overload).await;
    let overloaded = overloaded?;
    // The overload's last requests delay the end of the run. This delay counts as time before the recovery.
    let late_seconds = (begun.elapsed().as_secs_f64() - OVERLOAD_SECONDS as f64).max(0.0);
    let after = run(light.with("seconds", WATCHED_SECONDS)).await?;
    let after_ms = p99s(&after);

    let what = |what: &str| format!("{instruments} instruments: {what}");
    let pair = Pairs { ours: vec![overloaded.goodput_per_second], other: vec![peak] };
    let goodput = what("plans at 3 × peak rate, compared with the peak");
    let (latency, refused) = (&overloaded.latency, &overloaded.refused);
    let note = format!(
        "plans p50 {:.1} ms, p99 {:.1} ms; {} refused of {}, {} not sent; {}",
        latency.p50_ms,
        latency.p99_ms,
        refused.count,
        overloaded.sent,
        overloaded.unsent,
        overloaded.faults_line().unwrap_or_else(|| "no faults".to_owned())
    );
    let refused_ms: Vec<f64> = refused.latency.iter().map(|latency| latency.p99_ms).collect();
    let faults: u64 = overloaded.faults.iter().map(|fault| fault.count).sum();
    let growth: Vec<f64> = growth(&memory_mb).into_iter().collect();
    let memory = Spread::of(&memory_mb).map_or(String::new(), |mb| format!("{:.0} to {:.0} MB", mb.min, mb.max));
    let recovered = settled_at(&after_ms, AS_BEFORE * before_ms).map(|seconds| seconds as f64 + late_seconds);
    let each: Vec<String> = after_ms.iter().map(|ms| format!("{ms:.0}")).collect();
    let recovery = format!("p99 under light load {before_ms:.1} ms; in each second afterwards: {}", each.join(", "));
    let recovered_within = Target::AtMost(RECOVERED_WITHIN_SECONDS);
    Ok(vec![
        Row::ratio(work, goodput, "plans/s", &pair, Target::AtLeast(least)).noted(note),
        Row::figure(work, what("p99 of refused requests"), "ms", &refused_ms, None),
        Row::figure(work, what("wrong responses"), "", &[faults as f64], Target::Exactly(0.0)),
        Row::figure(work, what("memory, last third / first third"), "", &growth, Target::AtMost(1.1)).noted(memory),
        Row::figure(work, what("time until p99 recovers"), "s", recovered.as_slice(), recovered_within).noted(recovery),
    ])
}

/// Returns the p99 of each second; it is infinite for a second without a response.
fn p99s(report: &Report) -> Vec<f64> {
    report.timeline.iter().map(|second| second.p99_ms.unwrap_or(f64::INFINITY)).collect()
}

/// Returns the median of the p99 of all seconds, with which the seconds after the overload are compared.
fn typical_p99_ms(report: &Report) -> Option<f64> {
    Spread::of(&p99s(report)).map(|spread| spread.median).filter(|p99| p99.is_finite())
}

/// Skips the first fifth, and divides the mean of the last third by the mean of the first third: 1 if values do not
/// grow. Returns `None` for fewer than ten values.
fn growth(values: &[f64]) -> Option<f64> {
    if values.len() < 10 {
        return None;
    }
    let warm = &values[values.len() / 5..];
    let third = warm.len() / 3;
    // Both have the same number of values.
    Some(warm[warm.len() - third..].iter().sum::<f64>() / warm[..third].iter().sum::<f64>())
}

/// Returns the first index from which on every value is at most `limit`, or `None` if the last value exceeds it.
fn settled_at(values: &[f64], limit: f64) -> Option<usize> {
    match values.iter().rposition(|value| *value > limit) {
        None => Some(0),
        Some(last_above) if last_above + 1 < values.len() => Some(last_above + 1),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_leaves_out_the_warm_up() {
        let mut values = vec![1.0; 2];
        values.extend(vec![100.0; 8]);
        let climbing: Vec<f64> = (1..=15).map(f64::from).collect();

        assert_eq!(growth(&values), Some(1.0));
        assert_eq!(growth(&climbing), Some(13.5 / 5.5));
        assert_eq!(growth(&[1.0; 9]), None);
    }

    #[test]
    fn settled_values_stay_below_the_limit() {
        assert_eq!(settled_at(&[9.0, 1.0, 9.0, 2.0, 1.0], 2.0), Some(3));
        assert_eq!(settled_at(&[1.0, 1.0], 2.0), Some(0));
        assert_eq!(settled_at(&[1.0, 9.0], 2.0), None);
        assert_eq!(settled_at(&[], 2.0), Some(0));
    }
}
