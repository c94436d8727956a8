//! The commands that change stored data, in the database or through a running service.

use serde_json::Value;
use tempfile::TempDir;

use super::ingesting::{FEW, KITE_CASH, KITE_HEADER, write};
use crate::support::{KEY, Process, fields, run};

fn json(output: &str) -> Value {
    serde_json::from_str(output).expect("the output is JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_ingested_by_a_service() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &FEW).await;
    let url = format!("http://{}", service.address);
    let good = write(folder.path(), "kite_2026-08-17.csv", [KITE_HEADER, KITE_CASH].concat());
    let bad = write(folder.path(), "bad.csv", "no header\n");
    let ingest = |path: &std::path::Path, more: &[&str]| {
        let path = path.to_str().unwrap();
        let arguments = [&["ingest", path, "--broker", "kite", "--server", &url], more].concat();
        run(&arguments, folder.path(), &[("INTERNAL_API_KEY", KEY)])
    };

    let accepted = ingest(&good, &["--json"]);
    let table = ingest(&good, &["--mode", "on_demand", "--segments", "NSE_EQ"]);
    let rejected = ingest(&bad, &[]);

    assert_eq!(accepted.code, Some(0));
    assert_eq!(accepted.stderr.as_str(), "");
    let job = json(&accepted.output);
    assert_eq!(job["status"], "completed");
    assert_eq!(job["version"], 1);
    assert_eq!(job["source"], "kite_2026-08-17.csv");
    assert_eq!(table.code, Some(0), "{table:?}");
    assert!(table.output.contains("completed"), "{}", table.output);
    assert_eq!(rejected.code, Some(1));
    assert!(rejected.stderr.contains("bad.csv: kite file not accepted: "), "{}", rejected.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_files_are_dismissed() {
    let folder = TempDir::new().unwrap();
    let bad = write(folder.path(), "bad.csv", "no header\n");
    let reject = |broker: &str| {
        let finished = run(&["ingest", bad.to_str().unwrap(), "--broker", broker], folder.path(), &[]);
        assert_eq!(finished.code, Some(1), "{finished:?}");
    };
    let dismiss = |broker: &str, more: &[&str]| {
        let arguments = [&["catalog", "dismiss", broker], more].concat();
        run(&arguments, folder.path(), &[("INTERNAL_API_KEY", KEY)])
    };
    reject("kite");
    reject("kite");
    reject("dhan");

    let local = dismiss("kite", &[]);
    let again = dismiss("kite", &["--json"]);
    let service = Process::start(folder.path(), &[]).await;
    let served = dismiss("dhan", &["--json", "--server", &format!("http://{}", service.address)]);
    let unknown = dismiss("nobody", &[]);

    assert_eq!(local.output, "2 rejections of kite dismissed\n");
    assert_eq!(json(&again.output)["dismissed"], 0);
    assert_eq!(json(&served.output)["dismissed"], 1);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("expected one of kite"), "{}", unknown.stderr);
}

#[test]
fn an_accepted_file_is_printed_as_json() {
    let folder = TempDir::new().unwrap();
    let file = write(folder.path(), "kite_2026-08-17.csv", [KITE_HEADER, KITE_CASH].concat());
    let ingest = |variables: &[(&str, &str)]| {
        run(&["ingest", file.to_str().unwrap(), "--broker", "kite", "--json"], folder.path(), variables)
    };

    let rejected = ingest(&[]);
    let accepted = ingest(&FEW);

    assert_eq!(rejected.code, Some(1));
    assert_eq!(rejected.output.as_str(), "");
    assert!(rejected.stderr.contains("kite file rejected; the catalog is unchanged"), "{}", rejected.stderr);
    assert_eq!(accepted.code, Some(0));
    assert_eq!(accepted.stderr.as_str(), "");
    let version = json(&accepted.output);
    assert_eq!(version["version"], 1);
    assert_eq!(version["file_date"], "2026-08-17");
    let expected = [
        "broker_id",
        "diff_counts",
        "duplicates",
        "file_date",
        "instruments",
        "overruled",
        "rejected",
        "rows_read",
        "skipped",
        "version",
        "warnings",
    ];
    assert_eq!(fields(&version), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_are_imported_and_exported_by_a_service() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let url = format!("http://{}", service.address);
    let file = write(folder.path(), "desk.csv", "NSE:TCS\nbad\nNSE:INFY\n");
    let import = |user: &str, more: &[&str]| {
        let arguments = ["profiles", "import", file.to_str().unwrap(), "--user", user, "--name", "Desk"];
        run(&[&arguments[..], more].concat(), folder.path(), &[("INTERNAL_API_KEY", KEY)])
    };
    let export = |more: &[&str]| {
        let arguments = [&["profiles", "export", "--user", "u"], more].concat();
        run(&arguments, folder.path(), &[("INTERNAL_API_KEY", KEY)])
    };

    let served = import("u", &["--json", "--server", &url]);
    let local = import("v", &["--json"]);
    let table = import("w", &["--server", &url]);
    let (exported, stored) = (export(&["--server", &url]), export(&[]));
    let csv = export(&["--server", &url, "--format", "csv"]);

    for finished in [&served, &local] {
        assert_eq!(finished.code, Some(0));
        assert_eq!(finished.stderr.as_str(), "");
        let answer = json(&finished.output);
        assert_eq!(answer["created"], 1);
        assert_eq!(answer["results"][0]["instrument_count"], 2);
        assert_eq!(answer["results"][0]["rejected_rows"][0]["instrument"], "bad");
    }
    assert_eq!(table.row("1").unwrap()[..3], ["1", "Desk", "2"]);
    assert!(table.stderr.starts_with("row 2: rejected `bad`: "), "{}", table.stderr);
    assert_eq!(json(&exported.output), json(&stored.output));
    assert_eq!(json(&exported.output)["profiles"][0]["profile_name"], "Desk");
    assert_eq!(csv.code, Some(2));
    assert_eq!(csv.output.as_str(), "");
}
