//! `operation` lists the operations; `operation NAME COUNT` runs one of them this number of times, with negligible
//! other work. `instructions.sh` counts the instructions of two such runs, whose difference is the cost of the
//! operation.

use std::env;
use std::io::{self, Write};

use anyhow::Context;
use registry_benches::CASES;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, count] = arguments.as_slice() else {
        let names: String = CASES.iter().flat_map(|case| [case.name, "\n"]).collect();
        return io::stdout().write_all(names.as_bytes()).context("failed to list the operations");
    };
    let count: u64 = count.parse().with_context(|| format!("expected a number of repetitions, got `{count}`"))?;
    let case = CASES
        .iter()
        .find(|case| case.name == name)
        .with_context(|| format!("unknown operation `{name}`; run without arguments to list all"))?;
    let mut operation = (case.make)().with_context(|| format!("failed to prepare `{name}`"))?;
    for _ in 0..count {
        operation();
    }
    Ok(())
}
