//! A running service picks up files that a command ingests into its database.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::ingesting::{KITE_CASH, KITE_DERIVATIVES, KITE_HEADER, ingest, ingest_forced, write};
use crate::support::{Client, Process, SOON, body, eventually, texts, with};

/// Requests the plan until it is based on this version of the catalog.
async fn plan_from(client: &Client, version: &str, request: &Value) -> Value {
    eventually("the new catalogue is served", SOON, async || {
        let answer = client.plan("u", request).await;
        (answer["plan_data"]["metadata"]["catalogue"]["version"] == version).then_some(answer)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_serves_a_new_catalogue_within_seconds() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let request = with(body(&["NFO:NIFTY31AUGFUT", "NSE:TCS"]), "as_of", "2026-08-18");
    let demonstrated = service.client.plan("u", &request).await;
    assert_eq!(texts(&demonstrated["plan_data"]["instruments"]), ["NSE:TCS"]);
    let file = write(folder.path(), "kite_2026-08-17.csv", [KITE_HEADER, KITE_CASH, KITE_DERIVATIVES].concat());

    assert_eq!(ingest(&file, "kite", folder.path()).code, Some(0));
    let plan = plan_from(&service.client, "1", &request).await;

    assert_eq!(plan["status"], "created", "another catalogue, another plan");
    assert_eq!(plan["cache_hit"], false, "another catalogue, another plan");
    let data = &plan["plan_data"];
    assert_eq!(texts(&data["instruments"]), ["NFO:NIFTY31AUGFUT", "NSE:TCS"]);
    assert_eq!(data["metadata"]["warnings"], json!([]));
    let catalogue = &data["metadata"]["catalogue"];
    assert_eq!(catalogue["demonstration"], false);
    assert_eq!(catalogue["file_date"], "2026-08-17");
    let ready = service.client.get("/ready").await.json();
    assert_eq!(ready["degraded"], false);
    assert_eq!(ready["checks"]["catalogue"]["status"], "ok");
    assert_eq!(ready["checks"]["catalogue"]["detail"], "version 1, 5 instruments");
    let metric = async |rest: &str| service.client.metric(&format!("instrument_registry_{rest}")).await;
    assert_eq!(metric("broker_tokens_active{broker_id=\"kite\"}").await, Some(5.0));
    assert_eq!(metric("broker_tokens_active{broker_id=\"upstox\"}").await, Some(0.0));
    assert_eq!(metric("catalogue_instruments").await, Some(5.0));
    let early = service.client.plan("u", &with(request, "as_of", "2026-08-16")).await;
    let warning = early["plan_data"]["metadata"]["warnings"][0].as_str().unwrap();
    assert!(warning.contains("2026-08-16 is earlier than the catalog's file date 2026-08-17"), "{warning}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_instruments_become_inactive_and_plans_stale() {
    let folder = TempDir::new().unwrap();
    let first = write(folder.path(), "first.csv", [KITE_HEADER, KITE_CASH, KITE_DERIVATIVES].concat());
    assert_eq!(ingest(&first, "kite", folder.path()).code, Some(0));
    let service = Process::start(folder.path(), &[]).await;
    let request = |strictness: &str| {
        let request = with(body(&["NSE:TCS", "NFO:NIFTY31AUGFUT"]), "filtering_strictness", strictness);
        with(request, "as_of", "2031-08-01")
    };
    let before = service.client.plan("u", &request("strict")).await;
    let second = write(folder.path(), "second.csv", [KITE_HEADER, KITE_CASH].concat());

    assert_eq!(ingest_forced(&second, "kite", folder.path()).code, Some(0));
    let strict = plan_from(&service.client, "2", &request("strict")).await["plan_data"].clone();
    let moderate = service.client.plan("u", &request("moderate")).await["plan_data"].clone();
    let path = format!("plan/{}/describe", before["plan_id"].as_str().unwrap());
    let described = service.client.post_text(&path, "").await.json();

    assert_eq!(texts(&before["plan_data"]["instruments"]), ["NFO:NIFTY31AUGFUT", "NSE:TCS"]);
    assert_eq!(texts(&strict["instruments"]), ["NSE:TCS"]);
    assert_eq!(strict["rejected"][0]["instrument"], "NFO:NIFTY31AUGFUT");
    assert_eq!(strict["rejected"][0]["reason"], "inactive");
    assert_eq!(texts(&moderate["instruments"]), ["NFO:NIFTY31AUGFUT", "NSE:TCS"], "moderate keeps what is known");
    let kinds: Vec<&str> =
        described["recommendations"].as_array().unwrap().iter().map(|r| r["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"staleness"), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_service_plans_from_the_stored_catalogue() {
    let folder = TempDir::new().unwrap();
    let file = write(folder.path(), "kite_2026-08-17.csv", [KITE_HEADER, KITE_CASH].concat());
    assert_eq!(ingest(&file, "kite", folder.path()).code, Some(0));
    let mut hashes = Vec::new();

    for _ in 0..2 {
        let service = Process::start(folder.path(), &[]).await;
        let plan = service.client.plan("u", &with(body(&["NSE:TCS"]), "as_of", "2026-08-18")).await;
        let data = &plan["plan_data"];
        assert_eq!(data["metadata"]["catalogue"]["version"], "1");
        hashes.push((data["cache_key"].clone(), data["metadata"]["content_hash"].clone()));
    }

    assert_eq!(hashes[0], hashes[1], "restarts agree");
}
