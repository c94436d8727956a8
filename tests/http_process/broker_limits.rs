//! The limits of brokers: served with their sources, overridden by a file, reloaded at SIGHUP.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, Process, REGISTRY, SOON, Service, eventually};

const LIMITS: &str = "INSTRUMENT_REGISTRY_BROKER_LIMITS";
const ACCOUNTS: &str = "INSTRUMENT_REGISTRY_BROKER_ACCOUNTS";

async fn limits(client: &Client, path: &str) -> Value {
    client.get(&format!("{REGISTRY}/brokers/{path}")).await.json()
}

/// Returns the number of connections of an account, and whether it is overridden.
async fn connections(client: &Client) -> (Value, Value) {
    let figure = limits(client, "kite/limits").await["limits"]["connections"].clone();
    (figure["value"].clone(), figure["overridden"].clone())
}

async fn check(client: &Client) -> Value {
    client.get("/ready").await.json()["checks"]["broker_limits"].clone()
}

fn write(path: &Path, connections: i64) {
    let text = format!(
        "[brokers.kite.connections]\nvalue = {connections}\nsource = \"observed: our account\"\nseen = \"2026-08-17\"\n"
    );
    std::fs::write(path, text).expect("the file can be written");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_have_sources_tiers_and_accounts() {
    let service = Service::with(&[(ACCOUNTS, "upstox=main:plus,second")]).await;

    let standard = limits(&service.client, "upstox/limits").await;
    let plus = limits(&service.client, "upstox/limits?tier=plus").await;

    assert_eq!(standard["tier"], "standard");
    assert_eq!(standard["tiers"], json!(["standard", "plus"]));
    assert_eq!(standard["accounts"], json!([{"name": "main", "tier": "plus"}, {"name": "second", "tier": "standard"}]));
    let connections = &standard["limits"]["connections"];
    assert_eq!(connections["value"], 1);
    assert_eq!(connections["overridden"], false);
    assert_eq!(connections["others"][0]["value"], 2);
    assert!(connections["because"].is_string(), "{connections}");
    assert_eq!(plus["limits"]["connections"]["value"], 5);
    assert_eq!(plus["limits"]["modes"]["depth30"]["alone"]["value"], 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_brokers_support_plans_but_no_files() {
    let service = Service::start().await;

    let brokers = service.client.get(&format!("{REGISTRY}/brokers")).await.json();
    let ingest = service.client.post_text(&format!("{REGISTRY}/brokers/kotak/ingest"), "{}").await;

    assert_eq!(brokers["count"], 12);
    let without_files: Vec<&Value> = brokers["brokers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|broker| broker["supports"] == json!({"files": false, "plans": true}))
        .map(|broker| &broker["broker_id"])
        .collect();
    assert_eq!(without_files, ["kotak", "fivepaisa", "breeze"]);
    let detail = ingest.problem(404, "not_found")["detail"].clone();
    assert!(detail.as_str().unwrap().starts_with("no file of kotak is read; expected one of kite, "), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads_limits_and_keeps_the_last_good_ones() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("limits.toml");
    write(&path, 4);
    let data_dir = folder.path().join("data");
    let process = Process::start(&data_dir, &[(LIMITS, path.to_str().unwrap())]).await;
    let client = &process.client;
    assert_eq!(connections(client).await, (json!(4), json!(true)));
    assert_eq!(check(client).await, json!({"status": "ok"}));

    write(&path, 5);
    process.signal("HUP");
    eventually("the new limit is served", SOON, async || {
        (connections(client).await == (json!(5), json!(true))).then_some(())
    })
    .await;
    let log = process.log();
    assert!(log.contains("brokers.kite.standard.connections: 4 -> 5"), "{log}");

    std::fs::write(&path, "[brokers.kite]\ncolor = 1\n[brokers.zerodha]\n").unwrap();
    process.signal("HUP");
    let degraded = eventually("the file is rejected", SOON, async || {
        let check = check(client).await;
        (check["status"] == "degraded").then_some(check)
    })
    .await;
    assert!(
        degraded["detail"].as_str().unwrap().starts_with("last good version in effect: the file has 2 faults"),
        "{degraded}"
    );
    assert_eq!(connections(client).await, (json!(5), json!(true)));
    assert_eq!(client.metric("instrument_registry_broker_limits_faults").await, Some(2.0));
    let log = process.log();
    let line = log.lines().find(|line| line.contains("invalid broker limits")).unwrap();
    assert!(line.contains("brokers.kite.color: unknown field"), "{line}");
    assert!(line.contains("brokers.zerodha: unknown broker"), "{line}");

    write(&path, 5);
    process.signal("HUP");
    eventually("the file is in effect", SOON, async || (check(client).await == json!({"status": "ok"})).then_some(()))
        .await;
    let reloads = |outcome: &str| format!("instrument_registry_broker_limits_reloads_total{{outcome=\"{outcome}\"}}");
    for outcome in ["ok", "failed", "unchanged"] {
        assert_eq!(client.metric(&reloads(outcome)).await, Some(1.0), "{outcome}");
    }
}
