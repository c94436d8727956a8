//! A load generator for an instrument registry that checks every response.
//!
//! A module depends only on modules of its own line and of those below. The registry's crates are no dependencies,
//! because the load test checks the HTTP contract.
//!
//! * `prepare` creates the input of a run; `summary` describes its results; `verify` reads acknowledged plans back;
//! * `run` sends the load; `pacer` and `schedule` determine when;
//! * `workload` is the sequence of requests;
//! * `wire` implements HTTP; `site` writes requests; `answer` checks responses; `tally` and `ledger` record them;
//! * `settings`, `args`, `scenario` and `target` describe the load and its target; `fault` counts everything that went
//!   wrong; `keys`, `kind`, `plan_id` and `profile` are the parts of requests.

mod answer;
mod args;
mod fault;
mod keys;
mod kind;
mod ledger;
mod pacer;
mod plan_id;
mod prepare;
mod profile;
mod run;
mod scenario;
mod schedule;
mod settings;
mod site;
mod summary;
mod tally;
mod target;
mod verify;
mod wire;
mod workload;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

use crate::args::{Args, Command, Dialect, KEY_VARIABLE, RunArgs, VerifyArgs};
use crate::ledger::Ledger;
use crate::run::Stage;
use crate::settings::{Service, Settings};

/// Exit code: a response was wrong, or there was no successful response.
const FAILED: u8 = 1;
/// Exit code: the run could not start. clap uses the same code.
const NOT_RUN: u8 = 2;

/// The deadline for reading back the plans of a run, which can be 100,000.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(600);

/// The number of connections over which a ledger is read back.
const VERIFY_CONNECTIONS: usize = 64;

fn main() -> ExitCode {
    let key = std::env::var(KEY_VARIABLE).ok();
    let mut out = io::stdout().lock();
    let passed = execute(&Args::parse().command, key, &mut out);
    match passed.and_then(|passed| out.flush().context("failed to write the report").map(|()| passed)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => {
            // If standard error is closed, the error cannot be reported.
            let _ = writeln!(io::stderr().lock(), "{error:#}");
            ExitCode::from(NOT_RUN)
        }
    }
}

/// Executes a command and writes its report. Returns whether it passed.
fn execute(command: &Command, key: Option<String>, out: &mut impl Write) -> anyhow::Result<bool> {
    match command {
        Command::Run(args) => run(args, key, out),
        Command::Verify(args) => verify(args, key, out),
    }
}

/// Sends the load, reads the plans back if requested, and writes the reports.
fn run(args: &RunArgs, key: Option<String>, out: &mut impl Write) -> anyhow::Result<bool> {
    let settings = Settings::of_run(args, key)?;
    // A file that cannot be written is reported before the load, not after it.
    let ledger_file = args.ledger.as_deref().map(create).transpose()?;
    let histogram_file = args.histogram.as_deref().map(create).transpose()?;
    let (plan, made, mut ledger) = prepare::prepare(settings)?;
    let connections = plan.workload.scenario.connections;
    let mut load = run::run(&plan, Stage::Load, connections)?;
    load.tally.faults.merge(made.faults);
    ledger.merge(std::mem::take(&mut load.ledger)).iter().for_each(|fault| load.tally.faults.add(fault));
    let mut verification = None;
    if args.verify {
        let (found, faults) = verify::verify(&plan.service, connections, VERIFY_TIMEOUT, &ledger)?;
        load.tally.faults.merge(faults);
        verification = Some(found);
    }
    if let Some(mut file) = ledger_file {
        ledger.write(&mut file).context("failed to write the ledger")?;
    }
    if let Some(mut file) = histogram_file {
        summary::write_histogram(&load.tally.all_latencies(), &mut file).context("failed to write the histogram")?;
    }
    let report = summary::report(&plan, &mut load, &ledger, verification);
    let written = if args.json {
        serde_json::to_writer_pretty(&mut *out, &report).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        report.write_table(out)
    };
    written.context("failed to write the report")?;
    Ok(report.passed)
}

/// Reads the plans of a ledger back. Returns whether there are some and all are as acknowledged.
fn verify(args: &VerifyArgs, key: Option<String>, out: &mut impl Write) -> anyhow::Result<bool> {
    let service = Service::check(&args.target, key, args.target.dialect == Dialect::Registry)?;
    let name = args.ledger.display();
    let text = std::fs::read_to_string(&args.ledger).with_context(|| format!("--ledger: failed to read `{name}`"))?;
    let ledger = Ledger::read(&text).with_context(|| format!("--ledger: `{name}`"))?;
    let (found, faults) = verify::verify(&service, VERIFY_CONNECTIONS, VERIFY_TIMEOUT, &ledger)?;
    let faults = faults.list();
    let mut lines = faults.iter().map(|fault| writeln!(out, "{}: {}, first: {}", fault.kind, fault.count, fault.first));
    let written = lines.try_for_each(|line| line).and_then(|()| writeln!(out, "{found}"));
    written.context("failed to write the report")?;
    Ok(faults.is_empty() && ledger.len() > 0)
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("failed to write `{}`", path.display()))?;
    Ok(BufWriter::new(file))
}

#[cfg(test)]
mod tests;
