//! Rejected ingest requests and their faults.

use reqwest::Method;
use serde_json::json;

use super::{FEW, FOLDER, ask, kite_of, upload};
use crate::support::{Answer, REGISTRY, Service};

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_an_ingest_request_are_reported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file.csv"), kite_of(1)).unwrap();
    let path = folder.path().display().to_string();
    let service = Service::with(&[(FOLDER, &path)]).await;
    let client = &service.client;

    let body = json!({
        "broker_id": "dhan", "mode": "all", "filters": {"segments": ["NSE_EQ", "NYSE"], "colour": 1}, "priority": 11,
        "source": "../file.csv", "unknown": true,
    });
    let answer = client.post(&format!("{REGISTRY}/brokers/kite/ingest?file_date=today&force=maybe&x=1"), &body).await;
    let faults = answer.faults();

    assert_eq!(
        faults.keys().collect::<Vec<_>>(),
        [
            "/broker_id",
            "/filters/colour",
            "/filters/segments/1",
            "/mode",
            "/priority",
            "/query/file_date",
            "/query/force",
            "/query/x",
            "/source",
            "/unknown"
        ]
    );
    assert_eq!(faults["/broker_id"], "expected `kite` (the broker in the path), got `dhan`");
    assert_eq!(faults["/mode"], "expected one of full_catalog, incremental, on_demand, got `all`");
    assert_eq!(faults["/priority"], "expected an integer from 1 to 10 or one of low, normal, high, got 11");
    assert!(faults["/source"].starts_with("must be a path inside the folder"), "{faults:?}");

    let needed = ask(client, "kite", &json!({"mode": "on_demand", "source": "file.csv"})).await.faults();
    assert_eq!(
        needed["/mode"],
        "`on_demand` requires a filter: at least one of `exchanges`, `segments`, `instrument_types`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_limited_to_the_folder_and_the_origins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let listed = Service::with(&[(FOLDER, &path), ("INSTRUMENT_REGISTRY_INGEST_ORIGINS", "http://127.0.0.1:1")]).await;
    let none = Service::with(&[]).await;

    for (service, source, said) in [
        (&listed, json!("/etc/passwd"), "must be a path inside the folder"),
        (&listed, json!("nowhere.csv"), "file not found in the folder INSTRUMENT_REGISTRY_INGEST_FOLDER"),
        (
            &listed,
            json!("http://127.0.0.1:2/x"),
            "origin http://127.0.0.1:2 is not in INSTRUMENT_REGISTRY_INGEST_ORIGINS",
        ),
        (&listed, json!("file:///etc/passwd"), "must be a URL http(s)://HOST"),
        (&listed, json!("http://user:fake@127.0.0.1:1/x"), "must be a URL http(s)://HOST"),
        (&listed, json!(""), "expected 1 to 2000 characters, got 0"),
        (&listed, json!("a\u{0}.csv"), "must not contain the character U+0000"),
        (&listed, json!("a\u{1}.csv"), "must not contain control characters"),
        (&listed, json!("http://127.0.0.1:1/a\tb"), "must not contain control characters"),
        (&listed, json!(7), "expected a string, got a number"),
        (&none, json!("file.csv"), "a file requires INSTRUMENT_REGISTRY_INGEST_FOLDER, which is not set"),
        (&none, json!(null), "is required, because INSTRUMENT_REGISTRY_INGEST_SOURCE_KITE is not set"),
    ] {
        let faults = ask(&service.client, "kite", &json!({"source": source})).await.faults();
        assert_eq!(faults.keys().collect::<Vec<_>>(), ["/source"], "{source}");
        assert!(faults["/source"].starts_with(said), "{source}: {faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_oversized_and_mistyped_uploads_are_rejected() {
    let service = Service::with(&[FEW, ("INSTRUMENT_REGISTRY_INGEST_BYTES_MAX", "1048576")]).await;
    let client = &service.client;
    let path = format!("{REGISTRY}/brokers/kite/ingest");

    let too_long = upload(client, "kite", "", vec![b'x'; (1 << 20) + 1]).await.problem(413, "body_too_large");
    assert_eq!(too_long["detail"], "the file exceeds 1048576 bytes");
    upload(client, "kite", "", "").await.problem(400, "empty_body");
    upload(client, "robinhood", "", "x").await.problem(404, "not_found");
    let text = client.request(Method::POST, &path).header("Content-Type", "text/csv").body("x");
    let text = Answer::to(text).await.problem(415, "unsupported_media_type");
    assert_eq!(
        text["detail"],
        "`Content-Type` of the request body must be application/json or application/octet-stream"
    );
    client.post_text(&path, "{").await.problem(400, "invalid_json");
    let without_key = client.request_without_key(Method::POST, &path).body("x");
    Answer::to(without_key).await.problem(401, "unauthorized");

    let query = "file_name=&mode=some&priority=0&segments=NSE_EQ,X&exchanges=&instrument_types=EQ&file_date=2026-13-01";
    let faults = upload(client, "kite", query, "x").await.faults();
    let pointers = ["exchanges", "file_date", "file_name", "mode", "priority", "segments"];
    assert_eq!(faults.into_keys().collect::<Vec<_>>(), pointers.map(|name| format!("/query/{name}")));
    for (sent, character) in [("%00", '\0'), ("%01", '\u{1}'), ("%0A", '\n'), ("%7F", '\u{7f}'), ("%C2%85", '\u{85}')] {
        let faults = upload(client, "kite", &format!("file_name=a{sent}.csv"), "x").await.faults();
        let expected = format!("expected 1 to 255 characters other than control characters, got `a{character}.csv`");
        assert_eq!(faults["/query/file_name"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_malformed_job_ids_are_not_found() {
    let service = Service::start().await;

    for job_id in
        ["job_0", "nothing", "job_01a20e8b11c7730189ff3ebdb90bf947", "%00", "job_01A20E8B11C7730189FF3EBDB90BF947"]
    {
        for method in [Method::GET, Method::DELETE] {
            let request = service.client.request(method, &format!("{REGISTRY}/jobs/{job_id}"));
            let problem = Answer::to(request).await.problem(404, "not_found");
            let detail = match job_id {
                "job_01a20e8b11c7730189ff3ebdb90bf947" => "unknown job id; only the last 200 jobs of a broker are kept",
                _ => "unknown job id; expected `job_` followed by 32 lowercase hexadecimal digits",
            };
            assert_eq!(problem["detail"], detail, "{job_id}");
        }
    }
    service.client.get(&format!("{REGISTRY}/jobs/job_0?x=1")).await.faults();
}
