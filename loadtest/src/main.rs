//! Load for an instrument registry, with every answer checked.
//!
//! Dependencies point down this list, and the registry's own crates are not among them: what is checked is the
//! HTTP contract.
//!
//! * `run` sends the load, `verify` reads back what was acknowledged, `report` says what came of it;
//! * `client` speaks HTTP, `answer` checks what it brings, `tally` and `ledger` remember it;
//! * `workload` is what is asked for, `args` and `target` are what may be asked of whom, `fault` is all that
//!   can go wrong.

mod answer;
mod args;
mod client;
#[cfg(test)]
mod end_to_end;
mod fault;
mod ledger;
mod progress;
mod report;
mod run;
mod tally;
mod target;
mod verify;
mod workload;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;

use crate::args::{Args, KEY_VARIABLE, Settings};
use crate::progress::Progress;
use crate::report::Report;

/// An answer was at fault, or none held a plan.
const FAILED: u8 = 1;
/// The run could not be made; clap ends with the same code.
const NOT_RUN: u8 = 2;

fn main() -> ExitCode {
    match start(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => {
            // Without standard error there is nobody left to tell.
            let _ = writeln!(io::stderr().lock(), "{error:#}");
            ExitCode::from(NOT_RUN)
        }
    }
}

/// Makes the run that `args` describe and writes its report; true when it passed.
fn start(args: &Args) -> anyhow::Result<bool> {
    let settings = Arc::new(Settings::check(args, std::env::var(KEY_VARIABLE).ok())?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let report = runtime.block_on(execute(&settings, Progress::on_terminal()))?;
    let mut out = io::stdout().lock();
    let written = if settings.json { report.write_json(&mut out) } else { report.write_table(&mut out) };
    written.and_then(|()| out.flush()).context("write the report")?;
    Ok(report.passed())
}

/// Sends the load, reads it back if asked to, and draws up the report.
async fn execute(settings: &Arc<Settings>, progress: Progress) -> anyhow::Result<Report> {
    let mut load = run::run(settings, progress).await?;
    let mut verification = None;
    if settings.verify {
        let (found, faults) = verify::verify(settings, &load.ledger, progress).await?;
        load.tally.merge_faults(faults);
        verification = Some(found);
    }
    Ok(Report::new(settings, &load, verification))
}
