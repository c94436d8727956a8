//! Ingests of brokers' files over HTTP.

mod archives;
mod dates;
mod faults;
mod fetching;
mod gates;
mod queue;
mod replicas;
mod restart;
mod schedule;
mod successors;

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::Router;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, CATALOG_VERSIONS, Client, REGISTRY, SOON, Service, eventually, fields, texts};

/// Makes the gates accept a broker's first file if it has only a few rows.
pub(crate) const FEW: (&str, &str) = ("INSTRUMENT_REGISTRY_GATE_FIRST_ROWS_MIN", "1");
pub(crate) const FOLDER: &str = "INSTRUMENT_REGISTRY_INGEST_FOLDER";

/// Returns a file of Kite with shares of these symbols. The token of a share is 256 times its number.
fn kite(symbols: &[(&str, u32)]) -> String {
    let mut file = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                    instrument_type,segment,exchange\n"
        .to_owned();
    for (symbol, number) in symbols {
        writeln!(file, "{},{number},{symbol},{symbol} LIMITED,0,,0,0.05,1,EQ,NSE,NSE", number * 256)
            .expect("a text takes all");
    }
    file
}

/// Returns a file of Kite with this number of shares.
pub(crate) fn kite_of(count: u32) -> String {
    let symbols: Vec<String> = (1..=count).map(|number| format!("SHARE{number}")).collect();
    kite(&symbols.iter().map(String::as_str).zip(1..).collect::<Vec<_>>())
}

async fn upload(client: &Client, broker: &str, query: &str, file: impl Into<Vec<u8>>) -> Answer {
    let request = client.request(Method::POST, &format!("{REGISTRY}/brokers/{broker}/ingest?{query}"));
    Answer::to(request.header("Content-Type", "application/octet-stream").body(file.into())).await
}

pub(crate) async fn ask(client: &Client, broker: &str, body: &Value) -> Answer {
    client.post(&format!("{REGISTRY}/brokers/{broker}/ingest"), body).await
}

pub(crate) fn id(answer: &Answer) -> String {
    answer.json()["job_id"].as_str().expect("the value is an id").to_owned()
}

async fn job(client: &Client, job_id: &str) -> Value {
    client.get(&format!("{REGISTRY}/jobs/{job_id}")).await.json()
}

async fn cancel(client: &Client, job_id: &str) -> Value {
    Answer::to(client.request(Method::DELETE, &format!("{REGISTRY}/jobs/{job_id}"))).await.json()
}

/// Waits until the job has this status, and returns the job.
pub(crate) async fn until(client: &Client, job_id: &str, status: &str) -> Value {
    eventually(&format!("the job is {status}"), SOON, async || {
        let job = job(client, job_id).await;
        let is_final = ["completed", "failed", "cancelled"].iter().any(|end| job["status"] == *end);
        assert!(job["status"] == status || !is_final, "{job}");
        (job["status"] == status).then_some(job)
    })
    .await
}

/// Waits until the service serves this version of the catalog.
async fn until_served(client: &Client, version: i64) {
    eventually("the version is served", SOON, async || {
        let summary = client.get(&format!("{REGISTRY}/catalog/summary")).await.json();
        (summary["version"].as_str() == Some(&*version.to_string())).then_some(())
    })
    .await;
}

/// Asserts that the service serves the version of a job as soon as it reports the job as completed.
async fn assert_served(client: &Client, job: &Value) {
    let summary = client.get(&format!("{REGISTRY}/catalog/summary")).await.json();
    assert_eq!(summary["version"].as_str(), Some(&*job["version"].to_string()), "{job}");
}

async fn symbols(client: &Client, is_active: bool) -> Vec<String> {
    let listed = client.get(&format!("{REGISTRY}/instruments?is_active={is_active}&limit=1000")).await.json();
    let instruments = listed["instruments"].as_array().expect("the value is a list").clone();
    instruments.iter().map(|found| found["symbol"].as_str().expect("the value is a string").to_owned()).collect()
}

/// Starts a server of files, and returns its address.
pub(crate) async fn start_file_server(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Serves `/file.csv`, whose response never ends.
pub(crate) async fn serve_endless_file() -> SocketAddr {
    let handler = || async {
        let first = futures_util::stream::once(async { Ok::<_, std::io::Error>(kite_of(10).into_bytes()) });
        axum::body::Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()))
    };
    start_file_server(Router::new().route("/file.csv", axum::routing::get(handler))).await
}

const JOB: [&str; 20] = [
    "broker_id",
    "correlation_id",
    "created_at",
    "duplicate_rows",
    "errors",
    "finished_at",
    "job_id",
    "mode",
    "new_instruments",
    "priority",
    "processed_instruments",
    "progress",
    "rejected_rows",
    "response_time_ms",
    "skipped_rows",
    "source",
    "started_at",
    "status",
    "updated_instruments",
    "warnings",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_file_becomes_the_catalog() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    let series =
        "instrument_registry_ingestion_jobs_total{broker_id=\"kite\",mode=\"full_catalog\",status=\"completed\"}";
    let before = client.metric(series).await.expect("it is there from the start");

    let taken = upload(client, "kite", "file_name=kite_2026-11-20.csv", kite(&[("ONE", 1), ("TWO", 2)])).await.json();
    let job_id = taken["job_id"].as_str().expect("the value is an id");
    let done = until(client, job_id, "completed").await;
    until_served(client, 1).await;

    assert_eq!(
        fields(&taken),
        ["broker_id", "correlation_id", "job_id", "mode", "response_time_ms", "status", "tracking_url"]
    );
    assert_eq!(taken["status"], "queued");
    assert_eq!(client.get(taken["tracking_url"].as_str().expect("it is a path")).await.json()["job_id"], job_id);
    let mut expected = JOB.to_vec();
    expected.push("version");
    expected.sort_unstable();
    assert_eq!(fields(&done), expected);
    for (field, value) in [
        ("broker_id", json!("kite")),
        ("mode", json!("full_catalog")),
        ("priority", json!(5)),
        ("source", json!("kite_2026-11-20.csv")),
        ("progress", json!(100)),
        ("processed_instruments", json!(2)),
        ("new_instruments", json!(2)),
        ("updated_instruments", json!(0)),
        ("errors", json!([])),
        ("version", json!(1)),
    ] {
        assert_eq!(done[field], value, "{field}");
    }
    assert_eq!(symbols(client, true).await, ["ONE", "TWO"]);
    let versions = client.get(CATALOG_VERSIONS).await.json();
    assert_eq!(versions["versions"][0]["source"], "kite_2026-11-20.csv");
    assert_eq!(versions["versions"][0]["file_date"], "2026-11-20");
    assert!(client.metric(series).await.expect("it is there") > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_and_filters_limit_the_changed_instruments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let loose = [
        FEW,
        (FOLDER, &*path),
        ("INSTRUMENT_REGISTRY_GATE_ROWS_FEWER_MAX_PERCENT", "100"),
        ("INSTRUMENT_REGISTRY_GATE_ROWS_MORE_MAX_PERCENT", "1000"),
    ];
    let service = Service::with(&loose).await;
    let client = &service.client;
    let files = [
        ("first.csv", kite(&[("ONE", 1), ("TWO", 2)])),
        ("second.csv", kite(&[("TWO", 22), ("THREE", 3)])),
        ("third.csv", kite(&[("FOUR", 4)])),
    ];
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let load = async |body: Value| {
        let done = until(client, &id(&ask(client, "kite", &body).await), "completed").await;
        assert_served(client, &done).await;
        done
    };

    load(json!({"broker_id": "kite", "mode": "full_catalog", "source": "first.csv"})).await;
    let added = load(json!({"mode": "incremental", "source": "second.csv", "priority": "high"})).await;
    assert_eq!(symbols(client, true).await, ["ONE", "THREE", "TWO"]);
    assert_eq!(added["new_instruments"], 1);
    assert_eq!(added["updated_instruments"], 1);
    assert_eq!(added["mode"], "incremental");
    assert_eq!(added["priority"], 10);

    // If the filter selects only derivatives and the file has none, the job fails and changes nothing.
    let filters = json!({"segments": ["NSE_FO"], "exchanges": [], "instrument_types": null});
    let body = json!({"mode": "on_demand", "source": "third.csv", "filters": filters});
    let nothing = client.post(&format!("{REGISTRY}/brokers/kite/ingest?force=true"), &body).await;
    let nothing = until(client, &id(&nothing), "failed").await;
    assert_eq!(texts(&nothing["errors"])[0], "readable: no rows match the selected filters (1 row read)");
    assert_eq!(symbols(client, true).await, ["ONE", "THREE", "TWO"]);

    let filters = json!({"exchanges": ["NSE"], "instrument_types": ["EQ"]});
    load(json!({"mode": "on_demand", "source": "third.csv", "filters": filters})).await;
    assert_eq!(symbols(client, true).await, ["FOUR"]);
    assert_eq!(symbols(client, false).await, ["ONE", "THREE", "TWO"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_count_only_the_rows_of_the_selected_part() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    let whole = format!(
        "{}16777474,65537,NIFTY31AUGFUT,NIFTY,0,2031-08-26,0,0.05,65,FUT,NFO-FUT,NFO\n\
                         16777475,65538,NIFTY31SEPFUT,NIFTY,0,2031-09-30,0,0.05,65,FUT,NFO-FUT,NFO\n",
        kite_of(100)
    );
    until(client, &id(&upload(client, "kite", "", whole.clone()).await), "completed").await;
    let shrunk =
        whole.lines().filter(|line| !line.contains("SEPFUT")).fold(String::new(), |all, line| all + line + "\n");

    let query = "mode=on_demand&segments=NSE_FO";
    let refused = until(client, &id(&upload(client, "kite", query, shrunk).await), "failed").await;
    let loaded = until(client, &id(&upload(client, "kite", query, whole).await), "completed").await;

    let why = "rows: expected at most 30 % fewer rows of the selected part than the 2 of the last accepted file, got 1 (50 % fewer)";
    assert_eq!(texts(&refused["errors"])[0], why);
    assert_eq!(loaded["new_instruments"], 0);
    assert_eq!(loaded["updated_instruments"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_file_reports_the_reason_and_its_kept_copy() {
    let service = Service::with(&[]).await;
    let client = &service.client;

    let few = until(client, &id(&upload(client, "kite", "", kite_of(10)).await), "failed").await;
    let html = upload(client, "upstox", "file_name=today.json", "<!DOCTYPE html><html><body>Sorry</body></html>").await;
    let html = until(client, &id(&html), "failed").await;

    assert_eq!(
        texts(&few["errors"])[0],
        "first_rows: expected at least 1000 kept rows in a broker's first file, got 10"
    );
    assert!(texts(&few["errors"])[1].starts_with("a copy is kept for inspection: "), "{few}");
    assert_eq!(few["processed_instruments"], 10);
    assert_eq!(few["version"], json!(null));
    assert!(texts(&html["errors"])[0].starts_with("readable: expected "), "{html}");
    let kept = texts(&html["errors"])[1].strip_prefix("a copy is kept for inspection: ").expect("it is kept");
    assert!(std::fs::read_to_string(kept).unwrap().contains("Sorry"));
    let ready = eventually("the rejection is reported", SOON, async || {
        let ready = client.get("/ready").await.json();
        let detail = ready["checks"]["catalogue"]["detail"].as_str().expect("the value is a string");
        (detail.contains("first_rows") && detail.contains("readable")).then_some(ready)
    })
    .await;
    assert_eq!(ready["degraded"], true);

    // An operator can force the file. Then it no longer counts as rejected.
    let forced = upload(client, "kite", "force=true", kite_of(10)).await;
    let forced = until(client, &id(&forced), "completed").await;
    assert_eq!(forced["new_instruments"], 10);
    let versions = client.get(CATALOG_VERSIONS).await.json();
    assert_eq!(versions["versions"][0]["overruled"][0]["gate"], "first_rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_of_a_job_have_the_correlation_id_of_its_request() {
    let folder = tempfile::tempdir().unwrap();
    let service = crate::support::Process::start(folder.path(), &[FEW]).await;
    let request = service.client.request(Method::POST, &format!("{REGISTRY}/brokers/kite/ingest"));
    let request = request.header("Content-Type", "application/octet-stream").header("X-Correlation-ID", "whose-job-7");

    let taken = Answer::to(request.body(kite_of(3))).await;
    until(&service.client, &id(&taken), "completed").await;

    let log = eventually("the end is logged", SOON, async || {
        let log = service.log();
        log.contains("job completed").then_some(log)
    })
    .await;
    for message in ["job started", "file accepted", "job completed"] {
        let line = log.lines().find(|line| line.contains(message)).expect("it is logged");
        assert!(line.contains("whose-job-7"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_changes_atomically_during_an_ingest() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_GATE_ROWS_MORE_MAX_PERCENT", "1000")]).await;
    let client = &service.client;
    let first = upload(client, "kite", "", kite_of(2000)).await;
    until(client, &id(&first), "completed").await;
    until_served(client, 1).await;

    // The second file renames every share: each token gets another symbol.
    let renamed: Vec<String> = (1..=2000).map(|number| format!("OTHER{number}")).collect();
    let renamed: Vec<(&str, u32)> = renamed.iter().map(String::as_str).zip(1..).collect();
    let second = id(&upload(client, "kite", "", kite(&renamed)).await);
    let keys: Vec<String> = (1..=2000).flat_map(|n| [format!("NSE:SHARE{n}"), format!("NSE:OTHER{n}")]).collect();
    let mut seen = std::collections::BTreeSet::new();
    eventually("the new catalogue is served", SOON, async || {
        let body = json!({"instruments": keys});
        let resolved = client.post(&format!("{REGISTRY}/instruments:batchResolve"), &body).await.json();
        let results = resolved["results"].as_array().expect("the value is a list");
        let active = |prefix: &str| {
            results
                .iter()
                .filter(|result| result["instrument"]["is_active"] == true)
                .filter(|result| {
                    result["instrument"]["symbol"].as_str().is_some_and(|symbol| symbol.starts_with(prefix))
                })
                .count()
        };
        let counts = (active("SHARE"), active("OTHER"));
        assert!([(2000, 0), (0, 2000)].contains(&counts), "{counts:?}");
        seen.insert(counts);
        (counts == (0, 2000)).then_some(())
    })
    .await;

    assert_eq!(until(client, &second, "completed").await["new_instruments"], 0);
    assert!(!seen.is_empty());
}
