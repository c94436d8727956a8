//! Searches the rate that does not increase with more connections.

use std::io::{self, Write};

use serde::Serialize;

use crate::ledger::Ledger;
use crate::prepare::prepare;
use crate::progress::Progress;
use crate::report::Report;
use crate::run::{Stage, run};
use crate::scenario::CONNECTIONS_MAX;
use crate::settings::Settings;

/// The minimum growth over the best rate so far, below which a step counts as flat.
const GROWTH: f64 = 1.05;

/// The number of consecutive flat steps that ends the search. A single one may have been slowed by other load of the
/// machine.
const FLAT_STEPS_MAX: u32 = 2;

/// The results of the steps.
#[derive(Debug, Serialize)]
pub(crate) struct Saturation {
    scenario: String,
    steps: Vec<Step>,
    saturating: Saturating,
    /// The reports of the steps with a fault.
    #[serde(skip)]
    failed: Vec<Report>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Step {
    connections: usize,
    rate_per_second: f64,
    p99_ms: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Saturating {
    connections: usize,
    rate_per_second: f64,
}

/// Doubles the connections, starting with one, until the rate grows by less than 5 % twice in a row, or a step has a
/// fault.
///
/// # Errors
///
/// If a step cannot start.
pub(crate) fn saturate(settings: Settings, progress: Progress) -> anyhow::Result<Saturation> {
    let (plan, _, mut ledger) = prepare(settings, progress)?;
    let mut saturation = Saturation {
        scenario: plan.settings.name.clone(),
        steps: Vec::new(),
        saturating: Saturating { connections: 1, rate_per_second: 0.0 },
        failed: Vec::new(),
    };
    let (mut connections, mut first_index, mut flat_steps) = (1, 0, 0);
    while connections <= CONNECTIONS_MAX as usize && flat_steps < FLAT_STEPS_MAX && saturation.failed.is_empty() {
        let mut load = run(&plan, Stage::Load, connections, first_index, progress)?;
        first_index = load.next_index;
        let mut step_ledger = Ledger::default();
        std::mem::swap(&mut load.ledger, &mut step_ledger);
        for fault in ledger.merge(step_ledger) {
            load.tally.fault(&fault);
        }
        let report = Report::new(&plan.settings, &load, &ledger, None);
        // Excludes rejections, which are cheap and grow with the connections.
        let rate_per_second = report.goodput_per_second();
        saturation.steps.push(Step { connections, rate_per_second, p99_ms: report.p99_ms() });
        let before = saturation.saturating.rate_per_second;
        if rate_per_second > before {
            saturation.saturating = Saturating { connections, rate_per_second };
        }
        if !report.passed() {
            saturation.failed.push(report);
        }
        flat_steps = if rate_per_second < before * GROWTH { flat_steps + 1 } else { 0 };
        connections *= 2;
    }
    Ok(saturation)
}

impl Saturation {
    /// Whether no step had a fault.
    pub(crate) fn passed(&self) -> bool {
        self.failed.is_empty()
    }

    /// Writes one JSON object and a line break.
    ///
    /// # Errors
    ///
    /// An error of `out`.
    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Writes a line for each step, the saturating rate, and the report of a step with a fault.
    ///
    /// # Errors
    ///
    /// An error of `out`.
    pub(crate) fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{:>11}{:>14}{:>11}", "connections", "responses/s", "p99 ms")?;
        for Step { connections, rate_per_second, p99_ms } in &self.steps {
            writeln!(out, "{connections:>11}{rate_per_second:>14.1}{p99_ms:>11.3}")?;
        }
        let Saturating { connections, rate_per_second } = self.saturating;
        writeln!(out, "{} saturates at {rate_per_second:.1}/s over {connections} connections", self.scenario)?;
        self.failed.iter().try_for_each(|report| {
            writeln!(out)?;
            report.write_table(out)
        })
    }
}
