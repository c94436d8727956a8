//! A load generator for an instrument registry that checks every response.
//!
//! A module depends only on modules of its own line and of those below. The registry's crates are no dependencies, because
//! the load test checks the HTTP contract.
//!
//! * `saturate` increases the number of connections step by step; `prepare` creates the input of a run; `report` describes
//!   a run; `verify` reads acknowledged plans back;
//! * `run` sends the load; `pacer` and `schedule` determine when;
//! * `prepared` is the input of a run; `workload` is the sequence of requests;
//! * `wire` implements HTTP; `site` writes requests; `answer` checks responses; `tally` and `ledger` record them;
//! * `settings`, `args`, `scenario` and `target` describe the load and its target; `fault` lists everything that can go
//!   wrong; `keys`, `kind`, `plan_id` and `profile` are the parts of requests.

mod answer;
mod args;
#[cfg(test)]
mod end_to_end;
mod fault;
mod keys;
mod kind;
mod ledger;
mod pacer;
mod plan_id;
mod prepare;
mod prepared;
mod profile;
mod progress;
mod report;
mod run;
mod saturate;
mod scenario;
mod schedule;
mod settings;
mod site;
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

use anyhow::{Context, anyhow};
use clap::Parser;

use crate::args::{Args, Command, KEY_VARIABLE, RunArgs, SaturateArgs, VerifyArgs};
use crate::ledger::Ledger;
use crate::progress::Progress;
use crate::report::Report;
use crate::run::Stage;
use crate::scenario::Scenario;
use crate::settings::{Service, Settings};

/// Exit code: a response was wrong, or there was no successful response.
const FAILED: u8 = 1;
/// Exit code: the run could not start. clap uses the same code.
const NOT_RUN: u8 = 2;

fn main() -> ExitCode {
    let key = std::env::var(KEY_VARIABLE).ok();
    let progress = Progress::on_terminal();
    let mut out = io::stdout().lock();
    let passed = match Args::parse().command {
        Command::Run(args) => start(&args, key, progress, &mut out),
        Command::Saturate(args) => saturate(&args, key, progress, &mut out),
        Command::Verify(args) => verify(&args, key, progress, &mut out),
        Command::Scenarios => list_scenarios(&mut out),
    };
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

/// Performs the run that `args` describes and writes its reports. Returns whether it passed.
fn start(args: &RunArgs, key: Option<String>, progress: Progress, out: &mut impl Write) -> anyhow::Result<bool> {
    let settings = Settings::of_run(args, key)?;
    // A file that cannot be written is reported before the load, not after it.
    let ledger_file = args.ledger.as_deref().map(create).transpose()?;
    let html_file = args.html.as_deref().map(create).transpose()?;
    let (report, ledger) = execute(settings, progress)?;
    if let Some(mut file) = ledger_file {
        ledger.write(&mut file).context("failed to write the ledger")?;
    }
    if let Some(mut file) = html_file {
        report.write_html(&mut file).context("failed to write the HTML page")?;
    }
    let written = if args.overrides.json { report.write_json(out) } else { report.write_table(out) };
    written.context("failed to write the report")?;
    Ok(report.passed())
}

/// Sends the load, reads the plans back if requested, and creates the report.
fn execute(settings: Settings, progress: Progress) -> anyhow::Result<(Report, Ledger)> {
    let (plan, made, mut ledger) = prepare::prepare(settings, progress)?;
    let settings = &plan.settings;
    let mut load = run::run(&plan, Stage::Load, settings.connections, 0, progress)?;
    load.tally.merge_faults(made.faults().clone());
    for fault in ledger.merge(std::mem::take(&mut load.ledger)) {
        load.tally.fault(&fault);
    }
    let mut verification = None;
    if settings.verify {
        let (found, faults) =
            verify::verify(&settings.service, settings.connections, VERIFY_WITHIN, &ledger, progress)?;
        load.tally.merge_faults(faults);
        verification = Some(found);
    }
    let report = Report::new(settings, &load, &ledger, verification);
    Ok((report, ledger))
}

/// The deadline for reading back the plans of a run, which can be 100,000.
const VERIFY_WITHIN: Duration = Duration::from_secs(600);

/// Searches the saturating rate. Returns whether no step had a fault.
fn saturate(
    args: &SaturateArgs,
    key: Option<String>,
    progress: Progress,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    let saturation = saturate::saturate(Settings::of_saturation(args, key)?, progress)?;
    let written = if args.overrides.json { saturation.write_json(out) } else { saturation.write_table(out) };
    written.context("failed to write the report")?;
    Ok(saturation.passed())
}

/// Reads the plans of a ledger back. Returns whether there are some and all are as acknowledged.
fn verify(args: &VerifyArgs, key: Option<String>, progress: Progress, out: &mut impl Write) -> anyhow::Result<bool> {
    let service = Service::of_verification(args, key)?;
    let name = args.ledger.display();
    let text = std::fs::read_to_string(&args.ledger).with_context(|| format!("--ledger: failed to read `{name}`"))?;
    let ledger = Ledger::read(&text).map_err(|reason| anyhow!("--ledger: `{name}`: {reason}"))?;
    let time = Duration::from_secs(args.seconds);
    let (found, faults) = verify::verify(&service, args.connections as usize, time, &ledger, progress)?;
    let passed = faults.is_empty() && ledger.len() > 0;
    let written = if args.json {
        serde_json::to_writer_pretty(&mut *out, &found).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        faults
            .iter()
            .try_for_each(|(kind, fault)| writeln!(out, "{kind}: {}, first: {}", fault.count, fault.first))
            .and_then(|()| {
                let verify::Verification { intact, lost, different, unread } = found;
                writeln!(out, "read back: {intact} intact, {lost} lost, {different} different, {unread} unread")
            })
    };
    written.context("failed to write the report")?;
    Ok(passed)
}

/// Lists the built-in scenarios.
fn list_scenarios(out: &mut impl Write) -> anyhow::Result<bool> {
    for scenario in Scenario::built_in() {
        writeln!(out, "{:<10}{}", scenario.name, scenario.about).context("failed to write the list of scenarios")?;
    }
    Ok(true)
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("failed to write `{}`", path.display()))?;
    Ok(BufWriter::new(file))
}
