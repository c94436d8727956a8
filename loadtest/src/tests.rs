//! Whole runs against a small registry that fulfills the contract, and against some that violate it.

mod registry;

use std::io::Write;
use std::net::SocketAddr;

use clap::Parser;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use self::registry::{Behavior, KEY, Registry, STALL, plan_id};
use crate::args::Args;

/// Runs a command. Returns its standard output, and whether it passed.
async fn command(address: SocketAddr, arguments: &[&str]) -> anyhow::Result<(String, bool)> {
    let url = format!("http://{address}");
    let (fixed, key) = ([arguments, &["--url", &url]].concat(), Some(KEY.to_owned()));
    let command = Args::try_parse_from([&["loadtest"], &*fixed].concat()).expect("the arguments parse").command;
    // The load has its own threads; this one runs the registry.
    let ran = tokio::task::spawn_blocking(move || {
        let mut out = Vec::new();
        let passed = crate::execute(&command, key, &mut out);
        passed.map(|passed| (String::from_utf8(out).expect("reports are text"), passed))
    });
    ran.await.expect("the command does not panic")
}

/// Returns the JSON report of a run.
async fn run(address: SocketAddr, arguments: &[&str]) -> Value {
    let arguments = [&["run"], arguments, &["--threads", "2", "--json"]].concat();
    let (written, passed) = command(address, &arguments).await.expect("the run starts");
    let report: Value = serde_json::from_str(&written).expect("the report is JSON");
    assert_eq!(report["passed"], passed);
    report
}

/// Returns the report of 200 new and repeated requests whose plans are read back.
async fn load(address: SocketAddr, options: &[&str]) -> Value {
    let folder = TempDir::new().expect("a temporary folder");
    let scenario = folder.path().join("half.toml");
    let text = "name = \"half\"\nconnections = 4\nrequests = 200\n\
                sizes = [20]\n[mix]\nnew = 1\nrepeat = 1\n";
    std::fs::write(&scenario, text).expect("the file can be written");
    let scenario = scenario.to_str().expect("temporary paths are UTF-8");
    run(address, &[&[scenario, "--verify"], options].concat()).await
}

/// Returns the number of faults of one kind in a report.
fn faults(report: &Value, kind: &str) -> u64 {
    let faults = report["faults"].as_array().expect("a list");
    faults.iter().filter(|fault| fault["kind"] == kind).filter_map(|fault| fault["count"].as_u64()).sum()
}

#[tokio::test]
async fn a_registry_that_fulfills_the_contract_passes() {
    let (registry, address) = Registry::start(Behavior::Faithful).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["faults"], json!([]));
    assert_eq!(report["sent"], 200);
    let kept = registry.kept();
    assert_eq!(kept.requests, 200);
    assert_eq!(report["outcomes"]["created"], kept.bodies.len());
    assert_eq!(report["outcomes"]["cached"], report["kinds"]["repeat"]["count"]);
    assert_eq!(report["ledger"]["plans"], kept.stored.len());
    assert_eq!(report["ledger"]["replanned"], 0);
    let intact = json!({"intact": kept.stored.len(), "lost": 0, "different": 0, "unread": 0});
    assert_eq!(report["verification"], intact);
    assert!(report["kinds"]["new"]["latency"]["p99_ms"].is_f64());
    assert!(report["refused"]["latency"].is_null());
}

#[tokio::test]
async fn connections_are_kept_open() {
    let (registry, address) = Registry::start(Behavior::Faithful).await;

    load(address, &[]).await;

    // One to read the keys, four for the load, and four to read the plans back.
    assert_eq!(registry.kept().connections, 9);
}

#[tokio::test]
async fn a_registry_that_loses_a_plan_fails_the_verification() {
    let (_registry, address) = Registry::start(Behavior::LosesOne).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], false);
    assert_eq!(report["verification"]["lost"], 1);
    let expected = format!("plan `{}` was acknowledged and is lost", plan_id(3));
    assert_eq!(report["faults"], json!([{"kind": "lost", "count": 1, "first": expected}]));
}

#[tokio::test]
async fn a_registry_that_alters_a_plan_fails_the_verification() {
    let (_registry, address) = Registry::start(Behavior::AltersOne).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], false);
    assert_eq!(report["verification"]["different"], 1);
    assert_eq!(faults(&report, "different"), 1);
}

#[tokio::test]
async fn a_cache_that_forgets_is_counted_without_a_fault() {
    let (_registry, address) = Registry::start(Behavior::Forgetful).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["outcomes"]["created"], 200);
    assert_ne!(report["ledger"]["replanned"], 0);
}

#[tokio::test]
async fn rejections_are_measured_separately_without_a_fault() {
    let (_registry, address) = Registry::start(Behavior::Overloaded).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["outcomes"]["refused"], 100);
}

#[tokio::test]
async fn a_registry_that_rejects_everything_does_not_pass() {
    let (_registry, address) = Registry::start(Behavior::Closed).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], false);
    assert_eq!(report["outcomes"]["refused"], 200);
    assert_eq!(report["faults"], json!([]));
}

#[tokio::test]
async fn a_rejected_read_is_retried() {
    let (_registry, address) = Registry::start(Behavior::BusyReader).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["verification"]["intact"], report["ledger"]["plans"]);
}

#[tokio::test]
async fn an_unrequested_instrument_fails_the_run() {
    let (_registry, address) = Registry::start(Behavior::Generous).await;

    let report = load(address, &[]).await;

    assert_eq!(report["passed"], false);
    assert_eq!(faults(&report, "foreign_instrument"), 200);
    assert_eq!(report["verification"]["lost"], 0, "acknowledged plans are read back in any case");
}

#[tokio::test]
async fn a_wrong_key_fails_the_run() {
    let (_registry, address) = Registry::start(Behavior::Faithful).await;

    let mut key = tempfile::NamedTempFile::new().expect("a temporary file");
    writeln!(key, "another").expect("the file can be written");
    let report = load(address, &["--key-file", key.path().to_str().expect("temporary paths are UTF-8")]).await;

    let first = "status `401` with code `unauthorized`";
    assert_eq!(report["faults"], json!([{"kind": "status_401", "count": 200, "first": first}]));
}

#[tokio::test]
async fn a_run_without_responses_ends_at_its_time_limit() {
    let (_registry, address) = Registry::start(Behavior::Silent).await;

    let report = load(address, &["--seconds", "1", "--timeout-seconds", "1"]).await;

    assert_eq!(report["sent"], faults(&report, "timeout"));
    assert!(report["seconds"].as_f64().is_some_and(|seconds| seconds < 120.0), "{report:#}");
}

#[tokio::test]
async fn a_closed_port_ends_the_run_before_its_start() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    drop(listener);

    let error = command(address, &["run", "cold"]).await.expect_err("nobody listens");

    let message = format!("{error:#}");
    assert!(message.contains(&address.to_string()) && message.contains("refused"), "{message}");
    let error = command(address, &["run", "hello", "--connections", "9"]).await.expect_err("nobody listens");
    assert!(format!("{error:#}").contains("failed to open"), "{error:#}");
}

#[tokio::test]
async fn keys_come_from_the_catalogue_and_too_few_are_an_error() {
    let (registry, address) = Registry::start(Behavior::Faithful).await;

    let report = run(address, &["cold", "--instruments", "1001", "--requests", "3"]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    let bodies = registry.kept().bodies.clone();
    assert!(bodies.iter().all(|(_, body)| (0..1_001).all(|number| body.contains(&format!("\"NSE:KEY{number}\"")))));
    let error = command(address, &["run", "cold", "--sizes", "10,1002"]).await.expect_err("a key too few");
    assert!(error.to_string().starts_with("sizes: expected at most 1001, got 1002"), "{error:#}");
}

#[tokio::test]
async fn a_pool_is_created_then_repeated_read_and_reordered() {
    for (scenario, kind, outcome) in
        [("warm", "repeat", "cached"), ("reorder", "reorder", "created"), ("read", "read", "other")]
    {
        let (registry, address) = Registry::start(Behavior::Faithful).await;

        let report = run(address, &[scenario, "--pool", "10", "--requests", "100", "--connections", "4"]).await;

        assert_eq!(report["passed"], true, "{report:#}");
        assert_eq!(report["sent"], 100);
        assert_eq!(report["kinds"][kind]["count"], 100);
        // This small registry identifies a request by its bytes, so another order is another plan.
        assert_eq!(report["outcomes"][outcome], 100, "{report:#}");
        if scenario != "reorder" {
            assert_eq!(registry.kept().stored.len(), 10);
        }
    }
}

#[tokio::test]
async fn given_plans_are_read_in_order_and_none_is_created() {
    let (registry, address) = Registry::start(Behavior::Faithful).await;
    load(address, &[]).await;
    let requests = registry.kept().requests;
    let stored = registry.kept().stored.len();
    let mut ids = tempfile::NamedTempFile::new().expect("a temporary file");
    let missing = stored + 1;
    writeln!(ids, "{}\n{}\n{}", plan_id(1), plan_id(missing), plan_id(2)).expect("the file can be written");
    let path = ids.path().to_str().expect("temporary paths are UTF-8");

    let report = run(address, &["read", "--ids", path, "--requests", "30"]).await;

    assert_eq!(report["outcomes"]["other"], 20, "{report:#}");
    let first = format!("plan `{}` was acknowledged and is lost", plan_id(missing));
    assert_eq!(report["faults"], json!([{"kind": "lost", "count": 10, "first": first}]));
    assert_eq!(registry.kept().requests, requests, "no plan was requested");
}

#[tokio::test]
async fn every_kind_of_the_mix_is_requested() {
    let (_registry, address) = Registry::start(Behavior::Faithful).await;

    let report = run(address, &["mixed", "--requests", "500", "--instruments", "5", "--verify"]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    for kind in ["new", "repeat", "read", "describe", "list"] {
        assert!(report["kinds"][kind]["count"].as_u64().is_some_and(|count| count > 0), "{kind}: {report:#}");
    }
}

#[tokio::test]
async fn a_changed_repeat_fails_the_run() {
    let (_registry, address) = Registry::start(Behavior::Alters).await;

    let report = run(address, &["warm", "--pool", "3", "--requests", "100", "--connections", "4"]).await;

    // Each thread detects that its first repeat of a plan differs from the response that created the pool.
    assert_eq!(report["passed"], false);
    assert!(faults(&report, "changed") >= 3, "{report:#}");
    let report = load(address, &["--seed", "5"]).await;
    assert!(faults(&report, "changed") > 0, "{report:#}");
}

#[tokio::test]
async fn a_wrong_count_fails_the_run() {
    let (_registry, address) = Registry::start(Behavior::Miscounts).await;

    let report = load(address, &[]).await;

    assert_eq!(faults(&report, "count_mismatch"), 200, "{report:#}");
}

#[tokio::test]
async fn concurrent_callers_must_get_one_plan() {
    let options = ["hot-key", "--connections", "20", "--requests", "60", "--instruments", "5"];
    let (registry, address) = Registry::start(Behavior::Faithful).await;

    let report = run(address, &options).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["sent"].as_u64(), Some(60), "three rounds of one plan each");
    assert_eq!(registry.kept().stored.len(), 3, "three rounds of one plan each");
    let (_registry, address) = Registry::start(Behavior::Divided).await;
    let report = run(address, &options).await;
    assert_eq!(report["passed"], false);
    assert_eq!(faults(&report, "several_plans"), 57, "{report:#}");
}

#[tokio::test]
async fn an_open_loop_measures_from_the_due_time() {
    let (_registry, address) = Registry::start(Behavior::Stalls).await;

    // There is one connection: requests that are due during the second request wait too.
    let options = ["cold", "--instruments", "5", "--rate", "100", "--arrivals", "constant", "--connections", "1"];
    let report = run(address, &[&options[..], &["--requests", "60"]].concat()).await;

    assert_eq!(report["mode"].as_str(), Some("open"));
    assert_eq!(report["sent"].as_u64(), Some(60));
    let stall_ms = STALL.as_secs_f64() * 1_000.0;
    let latency = |name: &str| report["latency"][name].as_f64().expect("a figure");
    assert!(latency("max_ms") >= stall_ms, "{report:#}");
    // Thirty of the sixty requests were due during the stall, and waited for half of it on average.
    assert!(latency("mean_ms") >= stall_ms / 8.0, "{report:#}");
    assert!(latency("p90_ms") >= stall_ms / 2.0, "{report:#}");
}

#[tokio::test]
async fn due_requests_are_sent_late_up_to_a_limit() {
    let (_registry, address) = Registry::start(Behavior::Slow).await;
    let at_rate = async |rate| {
        let options = ["cold", "--instruments", "5", "--arrivals", "constant", "--connections", "1", "--seconds", "1"];
        run(address, &[&options[..], &["--rate", rate]].concat()).await
    };

    // Of one and a half seconds' work in one second, the last third is sent late, unless a busy machine needs more than
    // the two more seconds that are allowed; of nine seconds' work, as much as they allow.
    let (some, too_many) = (at_rate("50").await, at_rate("300").await);

    assert!(some["sent"].as_u64().is_some_and(|sent| sent > 34), "one second has 34 times 30 ms: {some:#}");
    assert!(some["latency"]["max_ms"].as_f64().is_some_and(|max_ms| max_ms >= 500.0), "{some:#}");
    let sent_and_unsent = ["sent", "unsent"].map(|name| too_many[name].as_u64().expect("a count"));
    assert_eq!(sent_and_unsent.iter().sum::<u64>(), 300);
    assert!(sent_and_unsent[1] >= 199, "three seconds have a hundred times 30 ms: {too_many:#}");
}

#[tokio::test]
async fn verifying_a_ledger_finds_lost_and_changed_plans() {
    let folder = TempDir::new().expect("a temporary folder");
    let ledger = folder.path().join("ledger").to_str().expect("temporary paths are UTF-8").to_owned();
    let (registry, address) = Registry::start(Behavior::Faithful).await;
    load(address, &["--ledger", &ledger]).await;
    let plans = registry.kept().stored.len();

    let (written, passed) = command(address, &["verify", "--ledger", &ledger]).await.expect("it is read");

    assert_eq!(written, format!("read back: {plans} intact, 0 lost, 0 different, 0 unread\n"));
    assert!(passed);
    registry.kept().stored.remove(&plan_id(1));
    registry.kept().stored.get_mut(&plan_id(2)).expect("it is there")["instruments"] = json!([]);
    let (written, passed) = command(address, &["verify", "--ledger", &ledger]).await.expect("it is read");
    let found = format!("read back: {} intact, 1 lost, 1 different, 0 unread\n", plans - 2);
    assert!(written.ends_with(&found), "{written}");
    assert!(!passed);
    std::fs::write(&ledger, "plan_1 2\n").expect("the file can be written");
    let error = command(address, &["verify", "--ledger", &ledger]).await.expect_err("no ledger of ours");
    assert!(format!("{error:#}").contains("line 1: expected a plan id, a digest"), "{error:#}");
}

#[tokio::test]
async fn a_raw_endpoint_needs_no_key_and_its_length_is_checked() {
    let (_registry, address) = Registry::start(Behavior::Faithful).await;

    let report = run(address, &["hello", "--requests", "100", "--answer-bytes", "6000"]).await;

    assert_eq!(report["passed"], true, "{report:#}");
    assert_eq!(report["answer_bytes_mean"], 6_000.0);
    assert_eq!(report["outcomes"]["other"], 100);
}

#[tokio::test]
async fn a_missing_capability_fails_the_run() {
    let (_registry, address) = Registry::start(Behavior::Faithful).await;
    for scenario in ["profiles", "search"] {
        let report = run(address, &[scenario, "--requests", "10"]).await;

        assert_eq!(report["passed"], false);
        assert_eq!(faults(&report, "status_404"), 10, "{report:#}");
    }
}

#[tokio::test]
async fn a_warm_up_is_not_measured() {
    let (registry, address) = Registry::start(Behavior::Faithful).await;
    let options = ["cold", "--rate", "50", "--seconds", "2", "--warmup-seconds", "1", "--instruments", "5"];

    let report = run(address, &options).await;

    let (sent, received) = (report["sent"].as_u64().expect("a number"), registry.kept().requests);
    assert!(sent > 0 && sent < received, "{sent} of {received}");
}

#[tokio::test]
async fn the_table_and_the_histogram_contain_the_result() {
    let folder = TempDir::new().expect("a temporary folder");
    let histogram = folder.path().join("latency.hgrm").to_str().expect("temporary paths are UTF-8").to_owned();
    let (_registry, address) = Registry::start(Behavior::Generous).await;

    let (table, passed) =
        command(address, &["run", "mixed", "--instruments", "5", "--requests", "50"]).await.expect("it runs");
    assert!(!passed && table.lines().last() == Some("failed"), "{table}");
    assert!(table.contains("foreign_instrument"), "{table}");

    let (_registry, address) = Registry::start(Behavior::Faithful).await;
    let options = ["run", "cold", "--instruments", "5", "--requests", "50", "--histogram", &histogram];
    let (table, passed) = command(address, &options).await.expect("it runs");

    assert!(passed && table.lines().last() == Some("passed"), "{table}");
    let histogram = std::fs::read_to_string(&histogram).expect("the histogram is written");
    assert!(histogram.contains("Total count = 50]"), "{histogram}");
}
