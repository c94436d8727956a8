//! Files that a gate rejects, so that the last one stays in effect, and the reports of a running service about them.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::ingesting::{FEW, KITE_CASH, KITE_DERIVATIVES, KITE_HEADER, ingest, ingest_forced, write};
use super::run_plan_json;
use crate::support::{CATALOG_VERSIONS, Process, SOON, eventually, run};

/// Writes a file of Kite with this date and the header, and returns its path.
fn kite(folder: &TempDir, date: &str, rows: &[&str]) -> std::path::PathBuf {
    write(folder.path(), &format!("kite_{date}.csv"), [&[KITE_HEADER], rows].concat().concat())
}

fn refused_files(folder: &TempDir) -> Vec<String> {
    let files = std::fs::read_dir(folder.path().join("refused")).expect("refused files are kept");
    let mut names: Vec<_> = files.flatten().map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_first_file_needs_a_thousand_rows() {
    let folder = TempDir::new().unwrap();
    let file = kite(&folder, "2026-08-17", &[KITE_CASH]);

    let refused = run(&["ingest", &file.display().to_string(), "--broker", "kite"], folder.path(), &[]);
    let forced = run(&["ingest", &file.display().to_string(), "--broker", "kite", "--force"], folder.path(), &[]);

    assert_eq!(refused.code, Some(1));
    let lines: Vec<&str> = refused.stderr.lines().collect();
    assert_eq!(lines[0], format!("error: {}: kite file rejected; the catalog is unchanged", file.display()));
    assert_eq!(lines[1], "  first_rows: expected at least 1000 kept rows in a broker's first file, got 3");
    assert!(lines[2].starts_with("a copy is kept for inspection: "), "{lines:?}");
    assert_eq!(lines[3..], ["to accept the file anyway, run the command again with --force"]);
    assert_eq!(refused.row("added").unwrap(), ["added", "3"]);
    assert_eq!(forced.code, Some(0));
    assert_eq!(forced.stderr.as_str(), "");
    assert!(
        forced.output.contains("\noverruled by --force: first_rows: expected at least 1000 kept rows"),
        "{}",
        forced.output
    );
    assert!(forced.output.ends_with("catalog version 1: 3 instruments from the kite file of 2026-08-17\n"));
}

#[test]
fn every_failed_gate_is_reported_and_the_last_file_is_kept() {
    let folder = TempDir::new().unwrap();
    let first = kite(&folder, "2026-08-18", &[KITE_CASH, KITE_DERIVATIVES]);
    assert_eq!(ingest(&first, "kite", folder.path()).code, Some(0));
    let broken = kite(&folder, "2026-08-17", &[KITE_CASH, "1,1,APPLE,APPLE,0,,0,0.05,1,EQ,NYSE,NYSE\n"]);

    let refused = ingest(&broken, "kite", folder.path());
    let planned = run_plan_json(&folder, &["--strictness", "strict", "--as-of", "2026-08-18", "NFO:NIFTY31AUGFUT"]);

    assert_eq!(refused.code, Some(1));
    for message in [
        "  rows: expected at most 30 % fewer rows than the 5 of the last accepted file, got 3 (40 % fewer)",
        "  rejected: expected at most 1 % rejected rows, got 25 % (1 of 4)",
        "  file_date: expected a file date of 2026-08-18 (that of the last accepted file) or later, got 2026-08-17",
        "the file seems to contain only a part of the broker's instruments: run the command again with --segments NSE_EQ,NSE_INDEX or --mode incremental",
        "only if the file is complete, run the command again with --force; this deactivates the 2 instruments that it does not contain",
    ] {
        assert!(refused.stderr.lines().any(|line| line == message), "{message}: {}", refused.stderr);
    }
    let warning =
        "warning: segments: missing: NSE_FO (2 rows in the last accepted file); their instruments become inactive\n";
    assert!(refused.output.contains(warning), "{}", refused.output);
    assert_eq!(refused.row("removed").unwrap(), ["removed", "2"]);
    assert!(refused.row("changes that the file would make").is_some(), "{}", refused.output);
    let left_out = "first example, line 5: exchange is unknown: `1,1,APPLE,APPLE,0,,0,0.05,1,EQ,NYSE,NYSE`\n";
    assert!(refused.output.contains(left_out), "{}", refused.output);
    assert_eq!(planned["instruments"], json!(["NFO:NIFTY31AUGFUT"]));
    assert_eq!(planned["metadata"]["catalogue"]["version"], "1");
    let kept = refused_files(&folder);
    assert!(kept.len() == 1 && kept[0].ends_with("_kite_kite_2026-08-17.csv"), "{kept:?}");
}

#[test]
fn gates_are_configured_by_the_environment() {
    let folder = TempDir::new().unwrap();
    let first = kite(&folder, "2026-08-17", &[KITE_CASH]);
    assert_eq!(ingest(&first, "kite", folder.path()).code, Some(0));
    let second = kite(&folder, "2026-08-18", &[KITE_CASH, KITE_DERIVATIVES]);
    let arguments = ["ingest", &second.display().to_string(), "--broker", "kite"];

    let refused = run(&arguments, folder.path(), &FEW);
    let accepted = run(&arguments, folder.path(), &[("INSTRUMENT_REGISTRY_GATE_ROWS_MORE_MAX_PERCENT", "66.67")]);

    // A segment that is new to the broker does not count as growth of the others.
    let other = TempDir::new().unwrap();
    assert_eq!(ingest(&first, "kite", other.path()).code, Some(0));
    let part = run(&[&arguments[..], &["--segments", "NSE_FO"]].concat(), other.path(), &FEW);
    assert_eq!(part.code, Some(0), "{}", part.stderr);
    let message = "  rows: expected at most 50 % more rows than the 3 of the last accepted file, got 5 (66.67 % more)";
    assert!(refused.stderr.lines().any(|line| line == message), "{}", refused.stderr);
    assert_eq!(accepted.code, Some(0));
    assert_eq!(accepted.row("added").unwrap()[1], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_is_degraded_until_the_next_accepted_file() {
    let folder = TempDir::new().unwrap();
    let first = kite(&folder, "2026-08-17", &[KITE_CASH, KITE_DERIVATIVES]);
    assert_eq!(ingest(&first, "kite", folder.path()).code, Some(0));
    let service = Process::start(folder.path(), &[]).await;
    let check = async || service.client.get("/ready").await.json()["checks"]["catalogue"].clone();
    let until = async |status: &str| -> Value {
        eventually("the catalogue's check changes", SOON, async || {
            Some(check().await).filter(|check| check["status"] == *status)
        })
        .await
    };
    let before = check().await;
    let html = write(folder.path(), "kite_2026-08-18.csv", "<!DOCTYPE html>\n<html>maintenance</html>");

    assert_eq!(ingest(&html, "kite", folder.path()).code, Some(1));
    let unreadable = until("degraded").await;
    let cut = kite(&folder, "2026-08-19", &[KITE_CASH]);
    assert_eq!(ingest(&cut, "kite", folder.path()).code, Some(1));
    let cut_off = eventually("the later rejection is reported", SOON, async || {
        Some(check().await["detail"].as_str()?.to_owned())
            .filter(|detail| detail.contains("rows: expected at most 30 % fewer rows"))
    })
    .await;
    let metric = async |gate: &str| {
        let name = "instrument_registry_catalogue_refusals_total";
        service.client.metric(&format!("{name}{{broker_id=\"kite\",gate=\"{gate}\"}}")).await
    };
    let counted = (metric("readable").await, metric("rows").await, metric("lots").await);
    assert_eq!(ingest_forced(&cut, "kite", folder.path()).code, Some(0));
    // The rejections can end in the check shortly before the service has read the accepted file.
    let after = eventually("the accepted load is served", SOON, async || {
        Some(check().await).filter(|check| check["detail"] == "version 2, 5 instruments")
    })
    .await;

    assert_eq!(before["status"], "ok");
    assert_eq!(before["detail"], "version 1, 5 instruments");
    let detail = unreadable["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("version 1, 5 instruments; file `kite_2026-08-18.csv` of kite rejected at "),
        "{detail}"
    );
    assert!(
        detail
            .contains("readable: expected a CSV with the columns of Kite's instruments, got an HTML page: `<!DOCTYPE"),
        "{detail}"
    );
    assert!(cut_off.contains("of the last accepted file, got 3 (40 % fewer)"), "{cut_off}");
    assert_eq!(counted, (Some(1.0), Some(1.0), Some(0.0)));
    assert_eq!(after["status"], "ok");
    assert!(service.log().contains("file rejected: catalog unchanged"), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_their_changes_are_served() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let get = async |query: &str| service.client.get(&format!("{CATALOG_VERSIONS}{query}")).await;
    let none = get("").await.json();
    let moved = KITE_DERIVATIVES.replace(",65,", ",75,");
    for (date, rows) in [("2026-08-17", KITE_DERIVATIVES), ("2026-08-18", &moved)] {
        assert_eq!(ingest_forced(&kite(&folder, date, &[KITE_CASH, rows]), "kite", folder.path()).code, Some(0));
    }

    let listed = get("").await.json();
    let paged = get("?limit=1").await.json();
    let next = get("?limit=1&before=2").await.json();
    let diff = get("/2/diff").await.json();
    let first = get("/1/diff?kind=added&limit=2").await.json();
    let other = get("/2/diff?kind=added").await.json();

    assert_eq!(none["versions"], json!([]));
    let version = &listed["versions"][0];
    assert_eq!(version["version"], 2);
    assert_eq!(version["broker_id"], "kite");
    assert_eq!(version["source"], "kite_2026-08-18.csv");
    assert_eq!(version["instruments"], 5);
    assert_eq!(version["file_date"], "2026-08-18");
    assert_eq!(version["diff_counts"], json!({"lot_changed": 2}));
    assert_eq!(version["overruled"][0]["gate"], "lots");
    assert_eq!(version["content_hash"].as_str().unwrap().len(), 64);
    assert_eq!(listed["versions"][1]["diff_counts"], json!({"added": 5}));
    assert!(listed["next_before"].is_null() && listed["correlation_id"].is_string());
    assert_eq!(paged["versions"][0]["version"], 2);
    assert_eq!(paged["next_before"], 2);
    assert_eq!(next["versions"][0]["version"], 1);
    assert_eq!(next["next_before"], Value::Null);
    let changed = |key: &str| json!({"kind": "lot_changed", "instrument_key": key, "before": "65", "after": "75"});
    assert_eq!(diff["changes"], json!([changed("NFO:NIFTY31AUG24350CE"), changed("NFO:NIFTY31AUGFUT")]));
    assert_eq!(diff["version"], 2);
    assert_eq!(diff["has_more"], false);
    assert_eq!(first["changes"].as_array().unwrap().len(), 2);
    assert_eq!(first["has_more"], true);
    assert_eq!(other["changes"], json!([]));
    assert_eq!(other["diff_counts"], json!({"lot_changed": 2}));
    for unknown in ["/3/diff", "/x/diff", "/-1/diff", "/99999999999999999999/diff"] {
        get(unknown).await.problem(404, "not_found");
    }
    for wrong in ["?limit=0", "?limit=201", "?before=x", "?kind=added", "/2/diff?kind=gone", "/2/diff?limit=5001"] {
        get(wrong).await.problem(422, "validation_failed");
    }
}
