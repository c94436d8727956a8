//! Measures the instrument registry beside a yardstick, and holds what comes of it against targets.
//!
//! Both run on this machine, in turns and in rounds: what slows the machine down slows both, and what is told is the median
//! of the rounds' ratios. Nothing of the services' own code is used: they are programs that are started, and a load
//! generator drives them.
//!
//! * `works` are what is measured; `field` is what they have at their disposal;
//! * `service` and `loader` are the programs that take part, `report`, `exposition` and `process` what they tell;
//! * `database`, `catalogue` and `cgroup` are what is made for them, and `child`, `network` and `interruption` see to it
//!   that nothing of it stays;
//! * `figures`, `row` and `table` are what is made of the results.

mod args;
mod catalogue;
mod cgroup;
mod child;
mod database;
mod exposition;
mod field;
mod figures;
mod interruption;
mod loader;
mod network;
mod process;
mod report;
mod row;
mod service;
mod table;
mod works;

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use clap::Parser;
use serde::Serialize;

use crate::args::Args;
use crate::field::Field;
use crate::interruption::Interruption;
use crate::row::{Row, Verdict};

/// A target was missed, or a measurement failed.
const MISSED: u8 = 1;
/// Nothing could be measured, or a signal ended it; clap ends with the same code.
const NOT_RUN: u8 = 2;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(MISSED),
        Err(error) => {
            // Without standard error there is nobody left to tell.
            let _ = writeln!(io::stderr().lock(), "{error:#}");
            ExitCode::from(NOT_RUN)
        }
    }
}

/// The report as JSON.
#[derive(Serialize)]
struct Told<'a> {
    rounds: u64,
    seconds: u64,
    processors: usize,
    /// Whether the service shared its plans with replicas through Redis, which the other side never does.
    redis: bool,
    rows: &'a [Row],
}

/// Measures what is asked for and tells it; true when no target was missed.
fn run(args: &Args) -> anyhow::Result<bool> {
    let works = works::named(&args.only)?;
    let field = Field::new(args, Interruption::listen()?)?;
    let redis = args.redis_url.is_some();
    field.say(if redis {
        "shared cache: Redis for the service, none for the baseline"
    } else {
        "shared cache: none on either side"
    });
    let rows = works::measure(&works, &field)?;
    if let Some(path) = &args.json {
        let processors = thread::available_parallelism().map_or(0, usize::from);
        let told = Told { rounds: args.rounds, seconds: args.seconds, processors, redis, rows: &rows };
        let file = File::create(path).with_context(|| format!("failed to create {}", path.display()))?;
        serde_json::to_writer_pretty(file, &told).with_context(|| format!("failed to write {}", path.display()))?;
    }
    io::stdout().lock().write_all(table::table(&rows).as_bytes()).context("failed to write the report")?;
    Ok(!rows.iter().any(|row| matches!(row.verdict, Verdict::Missed | Verdict::Failed)))
}
