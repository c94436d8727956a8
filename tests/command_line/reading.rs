//! The commands that read brokers, the catalog and plans return the same from the database and from a running service.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::ingesting::{KITE_CASH, KITE_DERIVATIVES, KITE_HEADER, ingest, ingest_forced, write};
use crate::support::{CommandResult, KEY, Process, SOON, eventually, fields, run};

/// Returns a folder with two accepted files of Kite, and a service that uses it.
async fn started_service() -> (TempDir, Process) {
    let folder = TempDir::new().expect("a folder can be created");
    let first = write(folder.path(), "kite_2026-08-14.csv", [KITE_HEADER, KITE_CASH].concat());
    let second = write(folder.path(), "kite_2026-08-17.csv", [KITE_HEADER, KITE_CASH, KITE_DERIVATIVES].concat());
    assert_eq!(ingest(&first, "kite", folder.path()).code, Some(0));
    assert_eq!(ingest_forced(&second, "kite", folder.path()).code, Some(0));
    let service = Process::start(folder.path(), &[]).await;
    let path = "/api/v1/internal/instrument-registry/catalog/summary";
    eventually("the catalog is served", SOON, async || {
        (service.client.get(path).await.json()["version"] == "2").then_some(())
    })
    .await;
    (folder, service)
}

fn succeed(finished: CommandResult) -> String {
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stderr.as_str(), "");
    finished.output
}

/// Runs a command against the service and against the database, and returns the JSON if both are equal.
fn read_both(arguments: &[&str], folder: &Path, service: &Process) -> Value {
    let url = format!("http://{}", service.address);
    let read = |more: &[&str]| -> Value {
        let arguments = [arguments, &["--json"], more].concat();
        serde_json::from_str(&succeed(run(&arguments, folder, &[("INTERNAL_API_KEY", KEY)]))).expect("the text is JSON")
    };
    let (local, mut served) = (read(&[]), read(&["--server", &url]));
    let fields = served.as_object_mut().expect("the answer is an object");
    assert!(fields.remove("correlation_id").is_some() && fields.remove("response_time_ms").is_some());
    let without_time = |mut answer: Value| {
        if answer["search_metadata"].is_object() {
            answer["search_metadata"]["search_time_us"] = Value::Null;
        }
        answer
    };
    assert_eq!(without_time(local.clone()), without_time(served), "{arguments:?}");
    local
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_and_limits_are_equal_offline_and_served() {
    let (folder, service) = started_service().await;

    let brokers = read_both(&["brokers"], folder.path(), &service);
    let limits = read_both(&["brokers", "kite"], folder.path(), &service);
    let table = run(&["brokers"], folder.path(), &[]);
    let limits_table = run(&["brokers", "kite", "--tier", "standard"], folder.path(), &[]);
    let unknown = run(&["brokers", "kite", "--tier", "gold"], folder.path(), &[]);

    assert_eq!(fields(&brokers), ["brokers", "count"]);
    assert_eq!(table.row("kite").unwrap(), ["kite", "yes", "yes", "2026-08-17", "5"]);
    assert_eq!(limits["limits"]["connections"]["value"], 3);
    assert_eq!(limits_table.row("connections").unwrap()[1], "3");
    assert!(limits_table.output.contains("tier standard of standard"), "{}", limits_table.output);
    assert_eq!(unknown.code, Some(1));
    assert_eq!(unknown.output.as_str(), "");
    assert!(unknown.stderr.contains("/query/tier: expected one of standard"), "{}", unknown.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_equal_offline_and_served() {
    let (folder, service) = started_service().await;

    let summary = read_both(&["catalog"], folder.path(), &service);
    let versions = read_both(&["catalog", "versions", "--limit", "1"], folder.path(), &service);
    let diff = read_both(&["catalog", "diff", "2", "--kind", "added"], folder.path(), &service);
    let tables = [&["catalog"][..], &["catalog", "versions"], &["catalog", "diff", "2"]]
        .map(|command| run(command, folder.path(), &[]));
    let unknown = run(&["catalog", "diff", "9"], folder.path(), &[]);
    let check = run(&["catalog", "check", "--server", "http://127.0.0.1:1"], folder.path(), &[]);

    assert_eq!(summary, read_both(&["catalog", "summary"], folder.path(), &service));
    assert_eq!(summary["version"], "2");
    assert_eq!(versions["versions"][0]["version"], 2);
    assert_eq!(versions["next_before"], 2);
    assert_eq!(fields(&diff), ["broker_id", "changes", "diff_counts", "has_more", "version"]);
    assert_eq!(diff["changes"][0]["kind"], "added");
    assert!(tables[0].output.starts_with("catalog version 2: 5 instruments, 5 active; stale data of 2026-08-17, "));
    assert_eq!(tables[1].row("2").unwrap()[..3], ["2", "kite", "2026-08-17"]);
    assert!(tables[2].output.ends_with("version 2 of kite: 2 added\n"), "{}", tables[2].output);
    assert_eq!(unknown.code, Some(1));
    assert_eq!(unknown.stderr.as_str(), "error: unknown catalog version\n");
    assert_eq!(check.code, Some(2));
    assert_eq!(check.output.as_str(), "");
    assert!(check.stderr.contains("cannot be combined with --server"), "{}", check.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_equal_offline_and_served() {
    let (folder, service) = started_service().await;
    let url = format!("http://{}", service.address);
    let filters = ["search", "reliance", "--exchange", "NSE,BSE", "--type", "EQ", "--active", "true", "--exact"];

    let found = read_both(&filters, folder.path(), &service);
    let all = read_both(&["search", "--page-size", "2", "--sort-by", "symbol"], folder.path(), &service);
    let table = run(&filters, folder.path(), &[]);
    let nothing = run(&["search", "zzzzzz", "--exact"], folder.path(), &[]);
    let wrong = |more: &[&str]| {
        run(&[&["search", "--type", "SHARE"], more].concat(), folder.path(), &[("INTERNAL_API_KEY", KEY)])
    };

    assert_eq!(found["instruments"][0]["instrument_key"], "NSE:RELIANCE");
    assert_eq!(all["pagination"]["total_count"], 5);
    assert_eq!(table.row("NSE:RELIANCE").unwrap()[..2], ["NSE:RELIANCE", "EQ"]);
    assert!(table.output.ends_with("page 1 of 1: 1 of 1 instruments\n"), "{}", table.output);
    assert_eq!(nothing.output, "page 1 of 0: 0 of 0 instruments\n");
    for finished in [wrong(&[]), wrong(&["--server", &url])] {
        assert_eq!(finished.code, Some(1));
        assert_eq!(finished.output.as_str(), "");
        assert!(finished.stderr.contains("/filters/instrument_types/0: expected one of"), "{finished:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_equal_offline_and_served() {
    let (folder, service) = started_service().await;
    let url = format!("http://{}", service.address);
    let lines = write(folder.path(), "keys", "{\"instrument\": \"NSE:TCS\", \"mode\": \"quote\", \"pinned\": true}\n");
    let plan = |more: &[&str]| {
        let arguments = ["plan", "NSE:RELIANCE", "BAD", "--from", lines.to_str().unwrap(), "--broker", "kite"];
        let arguments =
            [&arguments[..], &["--mode", "full", "--as-of", "2026-08-18", "--accounts", "1"], more].concat();
        run(&arguments, folder.path(), &[("INTERNAL_API_KEY", KEY)])
    };
    let json = |more: &[&str]| -> Value { serde_json::from_str(&succeed(plan(more))).expect("the text is JSON") };

    let (local, served) = (json(&["--json"]), json(&["--json", "--server", &url]));
    let (local_table, served_table) = (succeed(plan(&[])), succeed(plan(&["--server", &url])));
    let (local_list, served_list) = (json(&["--format", "json"]), json(&["--format", "json", "--server", &url]));

    assert_eq!(local["cache_key"], served["cache_key"]);
    assert_eq!(local["metadata"]["content_hash"], served["metadata"]["content_hash"]);
    assert_eq!(served["plan_id"], Value::Null, "the plan is not stored");
    assert_eq!(local_table, served_table);
    assert_eq!(local_list, served_list);
    assert_eq!(service.client.read("plans").await["pagination"]["total"], 0);
    for option in [["--explain", "NSE:TCS"], ["--format", "kite"]] {
        let finished = plan(&[&option[..], &["--server", &url]].concat());
        assert_eq!(finished.code, Some(2));
        assert_eq!(finished.output.as_str(), "");
        assert!(finished.stderr.contains("cannot be combined with a server"), "{}", finished.stderr);
    }
}
