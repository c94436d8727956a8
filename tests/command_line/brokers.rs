//! The command `plan` with a broker: connections, options, formats and explanations.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{CommandResult, run, texts};

/// Limits of Kite that three instruments reach.
const LIMITS: &str = r#"
[brokers.kite]
connections = { value = 2, source = "test", seen = "2026-11-24" }
instruments_per_connection = { value = 2, source = "test", seen = "2026-11-24" }
[brokers.kite.modes.full]
alone = { value = 1, source = "test", seen = "2026-11-24" }
mixed = { value = 1, source = "test", seen = "2026-11-24" }
"#;

const KEYS: [&str; 5] = ["NSE:TCS", "NSE:INFY", "NSE:RELIANCE", "NSE:SBIN", "NSE:ITC"];

/// Runs `plan` at Kite with `LIMITS`.
fn run_plan(folder: &TempDir, arguments: &[&str]) -> CommandResult {
    let limits = folder.path().join("limits.toml");
    fs::write(&limits, LIMITS).expect("the folder of the test is writable");
    let variables = [("INSTRUMENT_REGISTRY_BROKER_LIMITS", limits.to_str().expect("the path is UTF-8"))];
    run(&[&["plan", "--broker", "kite"], arguments].concat(), folder.path(), &variables)
}

fn json_of(finished: &CommandResult) -> Value {
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    serde_json::from_str(&finished.output).expect("the output is JSON")
}

#[test]
fn tables_show_connections_and_the_use_of_limits() {
    let folder = TempDir::new().unwrap();

    let finished = run_plan(&folder, &[&KEYS[..], &["--mode", "full", "--optimization", "low"]].concat());

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    assert_eq!(finished.row("1").unwrap(), ["1", "default", "market", "2", "quote 1, full 1", "3", "412"]);
    assert_eq!(finished.row("instruments_per_connection").unwrap()[1..4], ["connection 1", "2", "2"]);
    assert!(finished.output.contains("#################### 100 %"), "{}", finished.output);
    let tcs = finished.row("NSE:TCS").unwrap();
    assert_eq!(tcs, ["NSE:TCS", "EQ", "1", "full", "1", "Tata Consultancy Services"]);
    assert!(finished.output.contains("modes.full.alone"), "{}", finished.output);
    assert!(finished.output.contains("needed: 1 more connection admits 1 more instrument"), "{}", finished.output);
}

#[test]
fn options_of_a_broker_reach_the_plan() {
    let folder = TempDir::new().unwrap();
    let options =
        ["--json", "--accounts", "desk_a,desk_b", "--connections", "3", "--min-mode", "ltp", "--placement", "spread"];

    let plan = json_of(&run_plan(&folder, &[&KEYS[..], &options].concat()));

    assert_eq!(plan["allocation"]["accounts"], json!(["desk_a", "desk_b"]));
    assert_eq!(plan["allocation"]["connections"].as_array().unwrap().len(), 3);
    assert_eq!(texts(&plan["instruments"]).len(), 5);
}

#[test]
fn a_file_holds_keys_and_their_options() {
    let folder = TempDir::new().unwrap();
    let lines = "# positions\nNSE:TCS\nNSE:INFY\nNSE:SBIN\nNSE:ITC\n\
                 {\"instrument\": \"NSE:RELIANCE\", \"mode\": \"full\", \"pinned\": true}\n";
    let file = folder.path().join("keys");
    fs::write(&file, lines).unwrap();

    let plan = json_of(&run_plan(&folder, &["--json", "--from", file.to_str().unwrap()]));

    assert!(texts(&plan["instruments"]).contains(&"NSE:RELIANCE"));
    assert_eq!(plan["metadata"]["feed"]["modes"], json!({"NSE:RELIANCE": "full"}));
    assert_eq!(plan["rejected"][0]["reason"], "over_capacity");
}

#[test]
fn a_file_may_hold_more_keys_than_the_arguments() {
    let folder = TempDir::new().unwrap();
    let keys: String = (0..6000).map(|number| format!("NSE:SHARE{number}\n")).collect();
    let file = folder.path().join("keys");
    fs::write(&file, keys).unwrap();

    let plan = json_of(&run_plan(&folder, &["--json", "--strictness", "moderate", "--from", file.to_str().unwrap()]));

    assert_eq!(plan["metadata"]["original_instrument_count"], 6000);
}

#[test]
fn subscriptions_are_printed_in_the_requested_format() {
    let folder = TempDir::new().unwrap();

    let list = json_of(&run_plan(&folder, &["--format", "json", "NSE:TCS", "NSE:INFY"]));

    assert_eq!(list["broker"], "kite");
    let instruments: Vec<&Value> =
        list["subscriptions"].as_array().unwrap().iter().map(|of| &of["instrument"]).collect();
    assert_eq!(instruments, ["NSE:INFY", "NSE:TCS"]);
    assert_eq!(list["subscriptions"][0]["connection"], 1);
    let without_tokens = run_plan(&folder, &["--format", "kite", "NSE:TCS"]);
    assert_eq!(without_tokens.code, Some(1));
    assert!(without_tokens.stderr.contains("no file of kite lists an instrument"), "{}", without_tokens.stderr);
    let other = run_plan(&folder, &["--format", "dhan", "NSE:TCS"]);
    assert_eq!(other.stderr, "error: expected `json` or the broker of the plan, `kite`, got `dhan`\n");
}

#[test]
fn an_ingested_file_gives_the_arguments_of_the_sdk() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("kite.csv");
    let columns = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                   instrument_type,segment,exchange\n";
    let rows = "408065,1594,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE\n2953217,11536,TCS,TCS,0,,0,0.05,1,EQ,NSE,NSE\n";
    fs::write(&file, format!("{columns}{rows}")).unwrap();
    let ingest = ["ingest", file.to_str().unwrap(), "--broker", "kite", "--file-date", "2026-08-17", "--force"];
    assert_eq!(run(&ingest, folder.path(), &[]).code, Some(0));

    let sdk = json_of(&run_plan(&folder, &["--format", "kite", "--mode", "full", "NSE:TCS", "NSE:INFY"]));

    let messages = &sdk["connections"][0]["messages"];
    assert_eq!(messages[0]["subscribe"].as_array().unwrap().len(), 2);
    assert_eq!(messages[0]["modes"], json!({"full": [2_953_217]}));
    assert_eq!(sdk["without_token"], json!([]));
}

#[test]
fn a_decision_is_explained() {
    let folder = TempDir::new().unwrap();
    let arguments = |more: &[&'static str]| [&KEYS[..], &["--optimization", "low"], more].concat();

    let table = run_plan(&folder, &arguments(&["--explain", "NSE:ITC"]));
    let explanation = json_of(&run_plan(&folder, &arguments(&["--explain", "NSE:ITC", "--json"])));

    assert_eq!(table.row("reason").unwrap(), ["reason", "over_capacity"]);
    assert_eq!(table.row("would displace").unwrap(), ["would displace", "NSE:SBIN (priority 0)"]);
    assert_eq!(explanation["limit"]["limit"], "connections");
    assert_eq!(explanation["would_displace"]["instrument"], "NSE:SBIN");
    let absent = run_plan(&folder, &["NSE:TCS", "--explain", "NSE:NOPE"]);
    assert_eq!(absent.stderr, "error: `NSE:NOPE` is not among the keys of the plan\n");
}

#[test]
fn faults_of_broker_options_are_reported_together() {
    let folder = TempDir::new().unwrap();

    let faults = run_plan(&folder, &["NSE:TCS", "--mode", "quote", "--min-mode", "full", "--tier", "gold"]);

    assert_eq!(faults.code, Some(1));
    assert!(faults.stderr.contains("--min-mode: expected a mode that `quote` includes"), "{}", faults.stderr);
    assert!(faults.stderr.contains("--tier: "), "{}", faults.stderr);
    let without_broker = run(&["plan", "NSE:TCS", "--tier", "plus"], folder.path(), &[]);
    assert_eq!(without_broker.code, Some(2));
    assert!(without_broker.stderr.contains("--broker"), "{}", without_broker.stderr);
}
