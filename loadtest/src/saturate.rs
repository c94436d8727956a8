//! Searches the rate that does not increase with more connections.

use registry_loadtest::report::{Saturation, Step};

use crate::prepare::prepare;
use crate::run::{Stage, run};
use crate::scenario::CONNECTIONS_MAX;
use crate::settings::Settings;
use crate::summary::report;

/// The minimum growth over the best rate so far, below which a step counts as flat.
const GROWTH: f64 = 1.05;

/// The number of consecutive flat steps that ends the search. A single one may have been slowed by other load of the
/// machine.
const FLAT_STEPS_MAX: u32 = 2;

/// Doubles the connections, starting with one, until the rate grows by less than 5 % twice in a row, or a step has a
/// fault.
pub(crate) fn saturate(settings: Settings) -> anyhow::Result<Saturation> {
    let (plan, _, mut ledger) = prepare(settings)?;
    let saturating = Step { connections: 1, rate_per_second: 0.0, p99_ms: 0.0 };
    let scenario = plan.settings.scenario.name.clone();
    let mut saturation = Saturation { scenario, steps: Vec::new(), saturating, failed: Vec::new() };
    let (mut connections, mut first_index, mut flat_steps) = (1, 0, 0);
    while connections <= CONNECTIONS_MAX && flat_steps < FLAT_STEPS_MAX && saturation.failed.is_empty() {
        let mut load = run(&plan, Stage::Load, connections, first_index)?;
        first_index = load.next_index;
        ledger.merge(std::mem::take(&mut load.ledger)).iter().for_each(|fault| load.tally.faults.add(fault));
        let report = report(&plan.settings, &mut load, &ledger, None);
        // Excludes rejections, which are cheap and grow with the connections.
        let rate_per_second = report.goodput_per_second;
        let step = Step { connections, rate_per_second, p99_ms: report.latency.p99_ms };
        saturation.steps.push(step);
        let before = saturation.saturating.rate_per_second;
        if rate_per_second > before {
            saturation.saturating = step;
        }
        if !report.passed {
            saturation.failed.push(report);
        }
        flat_steps = if rate_per_second < before * GROWTH { flat_steps + 1 } else { 0 };
        connections *= 2;
    }
    Ok(saturation)
}
