//! New plans, repeats and reads at a fixed rate (open loop).

use registry_loadtest::report::Step;

use crate::field::Field;
use crate::loader::{CONNECTIONS, Load};
use crate::row::{Row, Target};
use crate::service::Service;

/// Number of searches for the maximum rate, because a search can end too early by chance: it ends at the first step
/// without an increase.
const SEARCHES: usize = 2;

/// Returns the baseline's maximum rate and its number of connections. Measures it only once.
async fn most_of(field: &Field, naive: &Service) -> anyhow::Result<Step> {
    if let Some(most) = field.naive_most.get() {
        return Ok(most);
    }
    let mut most = Step { connections: 0, rate_per_second: 0.0, p99_ms: 0.0 };
    for _ in 0..SEARCHES {
        let step = field.loader.saturate(Load::of("mixed"), naive).await?.saturating;
        let Step { connections, rate_per_second: rate, .. } = step;
        field.say(&format!("mixed: maximum rate of the baseline {rate:.0}/s over {connections} connections"));
        if rate > most.rate_per_second {
            most = step;
        }
    }
    field.naive_most.set(Some(most));
    Ok(most)
}

/// Compares both sides at this part of the baseline's maximum rate.
pub(super) async fn at(field: &Field, work: &str, part: f64, most_ratio: f64) -> anyhow::Result<Vec<Row>> {
    let (registry, naive) = (field.registry().await?, field.naive().await?);
    let most = most_of(field, &naive).await?;
    let rate = part * most.rate_per_second;
    // Both sides get the number of connections at which the baseline reaches its maximum. With fewer than usual, requests
    // may have to wait for a connection.
    let connections = most.connections.max(CONNECTIONS as usize);
    field.say(&format!("{work}: {rate:.0}/s of {:.0}/s over {connections} connections", most.rate_per_second));
    let load = Load::of("mixed").with("connections", connections).rate(rate).measured(field.seconds);

    let ours = async |seed| {
        let report = field.loader.run(load.clone().with("seed", seed), &registry).await?;
        // Requests that were refused or not sent are not in the percentiles.
        report.complete()?;
        anyhow::Ok(report.latency()?.p99_ms)
    };
    let other = async |seed| {
        // Faults are accepted here, because a baseline that cannot keep up has lost in any case.
        let report = field.loader.run_past_faults(load.clone().with("seed", seed), &naive).await?;
        if let Some(faults) = report.faults_line() {
            field.say(&format!("{work}: wrong responses of the baseline: {faults}"));
        }
        anyhow::Ok(report.latency()?.p99_ms)
    };
    let pairs = field.alternate(work, "ms", ours, other).await?;

    let what = format!("p99 at {rate:.0}/s, {:.0} % of the baseline's maximum", part * 100.0);
    Ok(vec![Row::ratio(work, what, "ms", &pairs, Target::AtMost(most_ratio))])
}
