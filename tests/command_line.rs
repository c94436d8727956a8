//! The commands of the binary, run as in a shell: arguments, exit codes, output and errors.

mod brokers;
mod changing;
mod checking;
mod configuration;
mod doctor;
mod following;
mod gates;
mod ingesting;
mod operators;
mod reading;
mod standin;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{CommandResult, Process, run, texts};

/// Runs `plan --json`, which must succeed, and returns the plan.
fn run_plan_json(folder: &TempDir, arguments: &[&str]) -> Value {
    let finished = run(&[&["plan", "--json"], arguments].concat(), folder.path(), &[]);
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    serde_json::from_str(&finished.output).expect("the plan is JSON")
}

#[test]
fn plan_prints_kept_and_rejected_instruments() {
    let folder = TempDir::new().unwrap();

    let finished = run(&["plan", "NSE:TCS", "nse:tcs", "NSE:NIFTY 50", "NSE:SENSEX"], folder.path(), &[]);

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    assert_eq!(finished.row("NSE:TCS").unwrap(), ["NSE:TCS", "EQ", "1", "Tata Consultancy Services"]);
    assert_eq!(finished.row("NSE:NIFTY 50").unwrap(), ["NSE:NIFTY 50", "INDEX", "0", "Nifty 50"]);
    let malformed = "the exchange before the colon must be capital letters and digits";
    assert_eq!(finished.row("nse:tcs").unwrap(), ["nse:tcs", "malformed", malformed, "NSE:TCS"]);
    assert_eq!(finished.row("NSE:SENSEX").unwrap()[1], "unknown");
    assert!(finished.output.contains("kept 2 of 4 instruments for "), "{}", finished.output);
    assert!(finished.output.contains("0.1 USD per day"), "{}", finished.output);
    assert!(finished.output.contains("warning: planned from the demonstration catalog"), "{}", finished.output);
}

#[test]
fn plan_prints_json_that_follows_the_options() {
    let folder = TempDir::new().unwrap();
    let options = ["--as-of", "2030-01-02", "--strictness", "lenient", "--optimization", "low"];

    let plan = run_plan_json(&folder, &[&options[..], &["NSE:TCS", "XX:NEW", "BSE:TCS", "NSE:TCS"]].concat());

    assert_eq!(texts(&plan["instruments"]), ["NSE:TCS", "XX:NEW", "BSE:TCS"]);
    assert_eq!(plan["optimization_level"], "low");
    assert_eq!(plan["filtering_strictness"], "lenient");
    assert_eq!(plan["metadata"]["as_of"], "2030-01-02");
    assert_eq!(plan["rejected"][0]["reason"], "duplicate");
    assert_eq!(plan["estimated_cost"], json!(0.15));
}

#[test]
fn plan_takes_its_defaults_from_the_environment() {
    let folder = TempDir::new().unwrap();
    let variables = [
        ("INSTRUMENT_REGISTRY_PLANNER_OPTIMIZATION_LEVEL", "aggressive"),
        ("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "1"),
    ];

    let finished = run(&["plan", "--json", "BSE:TCS", "NSE:TCS", "NSE:NIFTY 50"], folder.path(), &variables);

    let plan: Value = serde_json::from_str(&finished.output).unwrap();
    assert_eq!(texts(&plan["instruments"]), ["NSE:NIFTY 50"]);
    assert_eq!(plan["optimization_level"], "aggressive");
    assert_eq!(plan["metadata"]["max_instruments"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_stores_nothing() {
    let folder = TempDir::new().unwrap();
    run_plan_json(&folder, &["NSE:TCS"]);

    let service = Process::start(folder.path(), &[]).await;

    assert_eq!(service.client.read("plans").await["pagination"]["total"], 0);
}

#[test]
fn key_order_does_not_change_the_content_of_a_plan() {
    let folder = TempDir::new().unwrap();
    let (a, b) = (run_plan_json(&folder, &["NSE:TCS", "NSE:INFY"]), run_plan_json(&folder, &["NSE:INFY", "NSE:TCS"]));

    assert_ne!(a["plan_id"], b["plan_id"]);
    assert_eq!(a["metadata"]["content_hash"], b["metadata"]["content_hash"]);
    assert_eq!(a["cache_key"], b["cache_key"]);
}

#[test]
fn usage_errors_exit_with_2_and_name_the_valid_values() {
    let folder = TempDir::new().unwrap();

    for (arguments, message) in [
        (&["fly"][..], "unrecognized subcommand 'fly'"),
        (&["plan"], "<KEY>"),
        (&["plan", "NSE:TCS", "--strictness", "harsh"], "expected one of lenient, moderate, strict"),
        (&["plan", "NSE:TCS", "--optimization", "best"], "expected one of low, moderate, aggressive"),
        (&["plan", "NSE:TCS", "--as-of", "2026-02-30"], "--as-of"),
        (&["plan", "NSE:TCS", "--colour", "red"], "unexpected argument '--colour'"),
        (&["plan", "NSE:TCS", "--mode", "depth"], "expected one of ltp, greeks, quote, full, depth20"),
        (&["ingest", "file.csv"], "--broker"),
        (
            &["ingest", "file.csv", "--broker", "zerodha"],
            "expected one of kite, upstox, dhan, angel, fyers, groww, nuvama, shoonya, aliceblue",
        ),
        (&["ingest", "file.csv", "--broker", "kotak"], "expected one of kite, upstox, dhan"),
        (&["serve", "now"], "unexpected argument 'now'"),
    ] {
        let finished = run(arguments, folder.path(), &[]);

        assert_eq!(finished.code, Some(2), "{arguments:?}");
        assert_eq!(finished.output.as_str(), "", "{arguments:?}");
        assert!(finished.stderr.contains(message), "{arguments:?}: {}", finished.stderr);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn plan_rejects_more_keys_than_a_request_may_have() {
    let folder = TempDir::new().unwrap();

    let finished = run(&[&["plan"][..], &vec!["NSE:TCS"; 5001]].concat(), folder.path(), &[]);

    assert_eq!(finished.code, Some(1));
    assert_eq!(finished.stderr, "error: expected 1 to 5000 keys, got 5001; use `--from` for more\n");
}

#[test]
fn help_names_every_command() {
    let folder = TempDir::new().unwrap();

    let CommandResult { code, output, .. } = run(&["--help"], folder.path(), &[]);

    assert_eq!(code, Some(0));
    for command in ["serve", "plan", "ingest", "catalog", "migrate", "check-config"] {
        assert!(output.lines().any(|line| line.trim_start().starts_with(command)), "{command}: {output}");
    }
    assert_eq!(
        run(&["--version"], folder.path(), &[]).output,
        concat!("instrument-registry ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
