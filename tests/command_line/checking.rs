//! The command `catalog check`, which finds contradictions between the files of several brokers.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::ingesting::{KITE_HEADER, ingest, write};
use crate::support::{CommandResult, run};

const DAY: &str = "2026-08-17";

fn check(folder: &Path, arguments: &[&str]) -> CommandResult {
    run(&[&["catalog", "check"], arguments].concat(), folder, &[])
}

fn ingest_kite(folder: &Path, date: &str, rows: &str) {
    let file = write(folder, &format!("kite_{date}.csv"), [KITE_HEADER, rows].concat());
    let finished = ingest(&file, "kite", folder);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

/// Ingests a file of Upstox with shares, each given by symbol, series, ISIN and tick size in paise.
fn ingest_upstox(folder: &Path, date: &str, shares: &[(&str, &str, &str, f64)]) {
    let row = |(symbol, series, isin, tick): &(&str, &str, &str, f64)| {
        json!({"segment": "NSE_EQ", "name": symbol, "exchange": "NSE", "isin": isin, "instrument_type": series,
            "instrument_key": format!("NSE_EQ|{isin}"), "lot_size": 1, "tick_size": tick, "trading_symbol": symbol,
            "exchange_token": "1594"})
    };
    let rows: Vec<Value> = shares.iter().map(row).collect();
    let file = write(folder, &format!("upstox_{date}.json"), json!(rows).to_string());
    let finished = ingest(&file, "upstox", folder);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

const TCS: &str = "2953217,11536,TCS,TATA CONSULTANCY SERV,0,,0,0.05,1,EQ,NSE,NSE\n";
const ACME_BE: &str = "2953473,11537,ACME-BE,ACME LIMITED,0,,0,0.05,1,EQ,NSE,NSE\n";

#[test]
fn files_that_fit_together_have_no_finding() {
    let folder = TempDir::new().unwrap();
    ingest_kite(folder.path(), DAY, TCS);
    ingest_upstox(folder.path(), DAY, &[("TCS", "EQ", "INE467B01029", 5.0)]);

    let finished = check(folder.path(), &[]);

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    assert_eq!(finished.row("kite").unwrap(), ["kite", DAY]);
    for finding in [
        "doubled",
        "series_differs_by_date",
        "symbol_differs_by_date",
        "doubled_indices",
        "single_indices",
        "contradictions",
        "suspicious_units",
    ] {
        assert_eq!(finished.row(finding).unwrap(), [finding, "0"]);
    }
}

#[test]
fn a_security_with_two_keys_on_one_date_fails_the_check() {
    let folder = TempDir::new().unwrap();
    ingest_kite(folder.path(), DAY, &[TCS, ACME_BE].concat());
    ingest_upstox(folder.path(), DAY, &[("TCS", "EQ", "INE467B01029", 5.0), ("ACME", "EQ", "INE000A01010", 5.0)]);

    let finished = check(folder.path(), &[]);

    assert_eq!(finished.code, Some(1));
    let stderr = "error: the files do not fit together: 1 instrument with two keys, 0 suspicious units\n";
    assert_eq!(finished.stderr, stderr);
    assert_eq!(finished.row("doubled").unwrap(), ["doubled", "1"]);
    assert_eq!(finished.row("NSE:ACME").unwrap(), ["NSE:ACME", "upstox", "NSE:ACME-BE", "kite", "symbol"]);
}

#[test]
fn a_move_to_another_series_between_two_dates_passes_the_check() {
    let folder = TempDir::new().unwrap();
    ingest_kite(folder.path(), DAY, &[TCS, ACME_BE].concat());
    ingest_upstox(folder.path(), "2026-06-17", &[("ACME", "EQ", "INE000A01010", 5.0)]);

    let finished = check(folder.path(), &[]);

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    assert_eq!(finished.row("doubled").unwrap(), ["doubled", "0"]);
    assert_eq!(finished.row("series_differs_by_date").unwrap(), ["series_differs_by_date", "1"]);
}

#[test]
fn findings_are_printed_as_json_with_a_number_of_examples() {
    let folder = TempDir::new().unwrap();
    let infy = "408065,1594,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE\n";
    ingest_kite(folder.path(), DAY, &[TCS, infy].concat());
    ingest_upstox(
        folder.path(),
        "2026-06-17",
        &[("TCS", "EQ", "INE467B01029", 10.0), ("INFY", "EQ", "INE009A01021", 1.0)],
    );

    let finished = check(folder.path(), &["--json", "--examples", "1"]);

    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    let report: Value = serde_json::from_str(&finished.output).unwrap();
    assert_eq!(report["version"], "2");
    assert_eq!(report["files"][1], json!({"broker_id": "upstox", "file_date": "2026-06-17"}));
    assert_eq!(report["doubled"], json!({"count": 0, "examples": []}));
    assert_eq!(
        report["contradictions"],
        json!({"count": 2, "groups": [{
            "field": "tick_size", "used_broker_id": "kite", "other_broker_id": "upstox", "count": 2,
            "examples": [{"instrument_key": "NSE:INFY", "used": "0.05", "other": "0.01"}]
        }]})
    );
}

#[test]
fn a_catalog_without_a_file_cannot_be_checked() {
    let folder = TempDir::new().unwrap();

    let finished = check(folder.path(), &[]);

    assert_eq!(finished.code, Some(1));
    assert_eq!(finished.output.as_str(), "");
    assert_eq!(finished.stderr, "error: no file of a broker was accepted yet; run `ingest` first\n");
}
