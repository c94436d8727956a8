//! New plans, repeats and reads at a fixed rate (open loop).

use crate::field::Field;
use crate::loader::{CONNECTIONS, Load, Step};
use crate::row::{Row, Target};
use crate::service::Service;

/// Number of searches for the maximum rate, because a search can end too early by chance.
const SEARCHES: usize = 2;

/// The minimum growth over the best rate so far, below which a step of a search is flat.
const GROWTH: f64 = 1.05;

/// The number of consecutive flat steps that ends a search. A single one may have been slowed by other load of the
/// machine.
const FLAT_STEPS_MAX: u32 = 2;

/// The maximum of the load generator.
const CONNECTIONS_MAX: u32 = 4_096;

/// The maximum duration of a step in seconds: long enough to measure a rate.
const STEP_SECONDS: u64 = 5;

/// Doubles the connections, starting with one, until the rate grows by less than 5 % twice in a row. Returns the step
/// with the highest rate.
async fn saturate(rate: impl AsyncFn(u32) -> anyhow::Result<f64>) -> anyhow::Result<Step> {
    let (mut best, mut connections, mut flat_steps) = (Step::default(), 1, 0);
    while connections <= CONNECTIONS_MAX && flat_steps < FLAT_STEPS_MAX {
        let per_second = rate(connections).await?;
        flat_steps = if per_second < best.per_second * GROWTH { flat_steps + 1 } else { 0 };
        if per_second > best.per_second {
            best = Step { connections, per_second };
        }
        connections *= 2;
    }
    Ok(best)
}

/// Returns the baseline's maximum rate and its number of connections. Measures it only once.
async fn most_of(field: &Field, naive: &Service) -> anyhow::Result<Step> {
    if let Some(most) = field.naive_most.get() {
        return Ok(most);
    }
    let rate = async |connections| {
        let load = Load::of("mixed").with("connections", connections).with("seconds", STEP_SECONDS);
        // Rejections are not counted, because they are cheap and grow with the connections.
        anyhow::Ok(field.loader.run_past_faults(load, naive).await?.goodput_per_second)
    };
    let mut most = Step::default();
    for _ in 0..SEARCHES {
        let step = saturate(rate).await?;
        let Step { connections, per_second } = step;
        field.say(&format!("mixed: maximum rate of the baseline {per_second:.0}/s over {connections} connections"));
        if per_second > most.per_second {
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
    let rate = part * most.per_second;
    // Both sides get the number of connections at which the baseline reaches its maximum. With fewer than usual,
    // requests may have to wait for a connection.
    let connections = most.connections.max(CONNECTIONS);
    field.say(&format!("{work}: {rate:.0}/s of {:.0}/s over {connections} connections", most.per_second));
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn a_search_ends_after_two_flat_steps_with_the_best() {
        let (rates, measured) = ([10.0, 20.0, 20.5, 30.0, 29.0, 31.0, 90.0], RefCell::new(Vec::new()));
        let rate = async |connections: u32| {
            measured.borrow_mut().push(connections);
            Ok(rates[connections.ilog2() as usize])
        };

        let best = saturate(rate).await.unwrap();

        assert_eq!(best, Step { connections: 32, per_second: 31.0 });
        assert_eq!(*measured.borrow(), [1, 2, 4, 8, 16, 32]);
    }
}
