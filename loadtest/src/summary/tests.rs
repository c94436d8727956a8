use clap::Parser;

use super::*;
use crate::args::{Args, Command};
use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::settings::Settings;
use crate::tally::{Measurement, Tally};

/// Returns the report of a run of two seconds.
fn sample() -> Report {
    let args = Args::try_parse_from(["loadtest", "run", "mixed"]).expect("the options are parsed");
    let Command::Run(args) = args.command else { panic!("`run` is another command") };
    let Settings { service, workload, ids } = Settings::of_run(&args, Some("k".into())).expect("the options are valid");
    let (pool, echoes, acknowledged) = (Vec::new(), Vec::new(), Vec::new());
    let plan = Plan { service, ids, workload, limit: 1_000, is_repeated: true, pool, echoes, acknowledged };
    let mut tally = Tally::new();
    for ms in 1..=1_000 {
        let (begun, ended) = (std::time::Duration::from_millis(ms), std::time::Duration::from_millis(2 * ms));
        let outcome = if ms % 10 == 0 { RequestOutcome::Refused } else { RequestOutcome::Created };
        tally.record(&Measurement {
            kind: RequestKind::New,
            outcome,
            is_answered: true,
            answer_bytes: 10,
            begun,
            ended,
        });
    }
    tally.faults.add(&Fault::transport("reset"));
    let mut load = Load { tally, ledger: Ledger::default(), unsent: 3 };
    report(&plan, &mut load, &Ledger::default(), Some(Verification { intact: 7, ..Verification::default() }))
}

#[test]
fn the_json_has_the_documented_fields() {
    insta::assert_json_snapshot!("report", sample());
}
