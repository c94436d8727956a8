//! Compares the instrument registry with a yardstick, and checks the results against targets.
//!
//! Both run on the same machine, in turns, in several rounds. Other load of the machine affects both, and the report
//! contains the median of the ratios of all rounds. The comparison uses no code of the services: it starts them as
//! programs and sends requests with a load generator.
//!
//! * `works` holds the measurements, and `field` their environment;
//! * `service` and `loader` run the programs; `exposition` and `process` read their figures;
//! * `database`, `catalogue` and `cgroup` create the resources; `child` ensures that no program is left;
//! * `row` holds the results.

mod args;
mod catalogue;
mod cgroup;
mod child;
mod database;
mod exposition;
mod field;
mod loader;
mod process;
mod row;
mod service;
mod works;

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use clap::Parser;
use futures_util::future::select_all;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Args;
use crate::field::Field;
use crate::row::{Row, TargetResult};

/// The exit code if a target was missed or a measurement failed.
const MISSED: u8 = 1;
/// The exit code if nothing could be measured, or after a signal. It is the one that clap uses for wrong arguments.
const NOT_RUN: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(MISSED),
        Err(error) => {
            // A closed standard error is not a failure.
            let _ = writeln!(io::stderr().lock(), "{error:#}");
            ExitCode::from(NOT_RUN)
        }
    }
}

#[derive(Serialize)]
struct JsonReport<'a> {
    rounds: u64,
    seconds: u64,
    processors: usize,
    /// Whether the service shared its plans with replicas through Redis, which the baseline never does.
    redis: bool,
    rows: &'a [Row],
}

/// Runs the selected works and prints the report. Returns whether all targets were met.
async fn run(args: &Args) -> anyhow::Result<bool> {
    let field = Field::new(args)?;
    let redis = args.redis_url.is_some();
    field.say(if redis {
        "shared cache: Redis for the service, none for the baseline"
    } else {
        "shared cache: none on either side"
    });
    // After a signal, the measurement is dropped, and its programs are killed.
    let measured = tokio::select! {
        rows = Box::pin(works::measure(&args.only, &field)) => Ok(rows),
        listened = interrupted() => Err(listened.err().unwrap_or_else(|| anyhow::anyhow!("interrupted"))),
    };
    field.end().await;
    let rows = measured?;
    if let Some(path) = &args.json {
        let processors = thread::available_parallelism().map_or(0, usize::from);
        let report = JsonReport { rounds: args.rounds, seconds: args.seconds, processors, redis, rows: &rows };
        let file = File::create(path).with_context(|| format!("failed to create {}", path.display()))?;
        serde_json::to_writer_pretty(file, &report).with_context(|| format!("failed to write {}", path.display()))?;
    }
    io::stdout().lock().write_all(row::table(&rows).as_bytes()).context("failed to write the report")?;
    Ok(!rows.iter().any(|row| matches!(row.verdict, TargetResult::Missed | TargetResult::Failed)))
}

/// Waits for SIGINT, SIGTERM or SIGHUP.
async fn interrupted() -> anyhow::Result<()> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let signals = kinds.map(|kind| signal(kind).context("failed to listen for signals"));
    let mut signals = signals.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
    Ok(())
}
