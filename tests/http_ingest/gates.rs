//! The numbers, warnings and remedies in the answers about a file.

use serde_json::{Value, json};

use super::{FEW, FOLDER, ask, id, kite, kite_of, until, upload};
use crate::support::{CATALOG_VERSIONS, Client, Service, texts};

/// Returns rows of Kite with futures that expire on this day, one for each underlying `U000`, `U001` and so on.
fn kite_futures(count: u32, expiry: &str, tick_size: &str) -> String {
    let symbol = format!("{}{}FUT", &expiry[2..4], ["AUG", "SEP"][usize::from(&expiry[5..7] == "09")]);
    let row =
        |n: u32| format!("{0},{0},U{n:03}{symbol},U{n:03},0,{expiry},0,{tick_size},65,FUT,NFO-FUT,NFO\n", 70_000 + n);
    (0..count).map(row).collect()
}

const NUVAMA: &str =
    "exchangetoken,tradingsymbol,symbolname,expiry,strikeprice,ticksize,lotsize,optiontype,assettype,exchange\n";

/// Returns rows of Nuvama with the same futures.
fn nuvama_futures(count: u32, tick_size: &str) -> String {
    let row = |n: u32| format!("{n}_NFO,X,U{n:03},26/AUG/31,0,{tick_size},65,XX,FUTSTK,NFO\n");
    (0..count).map(row).collect()
}

async fn ingest(client: &Client, broker: &str, query: &str, file: String, status: &str) -> Value {
    until(client, &id(&upload(client, broker, query, file).await), status).await
}

async fn newest(client: &Client) -> Value {
    client.read(&format!("{CATALOG_VERSIONS}?limit=1")).await["versions"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_and_duplicate_rows_are_counted() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    let futures = nuvama_futures(200, "0.05");
    let first = futures.lines().next().unwrap();
    let file = format!("{NUVAMA}{futures}{first}\n{first}\n1_NCDEX,X,GUAR,20/AUG/31,0,1,5,XX,FUTCOM,NCDEX\nbroken\n");

    let job = ingest(client, "nuvama", "", file.clone(), "completed").await;
    let again = ingest(client, "nuvama", "", file, "completed").await;

    assert_eq!(job["processed_instruments"], 204);
    assert_eq!(job["new_instruments"], 200);
    assert_eq!(job["rejected_rows"], 1);
    assert_eq!(job["skipped_rows"], 1);
    assert_eq!(job["duplicate_rows"], 2);
    assert_eq!(job["errors"], json!([]));
    assert_eq!(job["warnings"], json!([]));
    assert_eq!(again["duplicate_rows"], 2);
    let version = newest(client).await;
    assert_eq!(version["rows_read"], 204);
    assert_eq!(version["instruments"], 200);
    assert_eq!(version["rejected"], json!({"the row does not have as many fields as the header": 1}));
    assert_eq!(version["skipped"], json!({"the exchange is not carried": 1}));
    assert_eq!(version["duplicates"], 2);
    assert_eq!(version["warnings"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_small_segment_is_a_warning() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    let shares = kite_of(500);
    let index = "265,1,SENSEX,SENSEX,0,,0,0,0,EQ,INDICES,BSE\n";
    ingest(client, "kite", "", format!("{shares}{index}"), "completed").await;

    let job = ingest(client, "kite", "", shares, "completed").await;

    let detail = "missing: BSE_INDEX (1 row in the last accepted file); their instruments become inactive";
    assert_eq!(texts(&job["warnings"]), [format!("segments: {detail}")]);
    assert_eq!(newest(client).await["warnings"], json!([{"gate": "segments", "detail": detail}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_one_exchange_gets_the_remedy() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    let shares = kite_of(100);
    let all = format!("{shares}{}", kite_futures(300, "2031-08-26", "0.05"));
    ingest(client, "kite", "", all, "completed").await;

    let job = ingest(client, "kite", "", shares.clone(), "failed").await;
    let errors = texts(&job["errors"]);

    assert!(errors[0].starts_with("segments: missing: NSE_FO (300 rows in the last accepted file)"), "{errors:?}");
    assert!(errors[1].starts_with("rows: expected at most 30 % fewer rows"), "{errors:?}");
    assert_eq!(
        errors[2],
        "the file seems to contain only a part of the broker's instruments: repeat the upload with the query parameter \
         `segments=NSE_EQ` or `mode=incremental`; `force` deactivates the 300 instruments that it does not contain"
    );
    // With both remedies, the gates accept the file and the other instruments stay active.
    for query in ["segments=NSE_EQ", "mode=incremental"] {
        ingest(client, "kite", query, shares.clone(), "completed").await;
        assert_eq!(newest(client).await["instruments"], 400, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_file_of_two_segments_gets_a_remedy_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::with(&[FEW, (FOLDER, folder.path().to_str().unwrap())]).await;
    let client = &service.client;
    let part = format!("{}265,1,SENSEX,SENSEX,0,,0,0,0,EQ,INDICES,BSE\n", kite_of(100));
    std::fs::write(folder.path().join("part.csv"), &part).unwrap();
    let all = format!("{part}{}", kite_futures(300, "2031-08-26", "0.05"));
    ingest(client, "kite", "", all, "completed").await;

    let source = json!({"source": "part.csv"});
    let failed = until(client, &id(&ask(client, "kite", &source).await), "failed").await;

    let remedy = "repeat the request with `\"filters\": {\"segments\": [\"NSE_EQ\", \"BSE_INDEX\"]}` or \
                  `\"mode\": \"incremental\"`; `force` deactivates the 300 instruments";
    let errors = texts(&failed["errors"]);
    assert!(errors[2].contains(remedy), "{errors:?}");
    let filters = json!({"source": "part.csv", "filters": {"segments": ["NSE_EQ", "BSE_INDEX"]}});
    until(client, &id(&ask(client, "kite", &filters).await), "completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_file_without_a_date_is_rejected() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    let file = |expiry: &str| format!("{}{}", kite(&[("ONE", 1)]), kite_futures(100, expiry, "0.05"));
    let loose = "mode=full_catalog";
    ingest(client, "kite", loose, file("2031-08-26"), "completed").await;
    ingest(client, "kite", loose, file("2031-09-30"), "completed").await;

    let job = ingest(client, "kite", loose, file("2031-08-26"), "failed").await;

    let errors = texts(&job["errors"]);
    assert!(
        errors[0].starts_with(
            "stale: expected no contracts that expired before the last accepted file and are not in it, got 100"
        ),
        "{errors:?}"
    );
    assert!(errors[0].contains("NFO:U00031AUGFUT (2031-08-26)"), "{errors:?}");
    ingest(client, "kite", loose, file("2031-09-30"), "completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_another_unit_is_rejected() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    let right = format!("{}{}", kite(&[("ONE", 1)]), kite_futures(150, "2031-08-26", "0.05"));
    ingest(client, "kite", "", right, "completed").await;

    let wrong = format!("{NUVAMA}{}", nuvama_futures(150, "5"));
    let job = ingest(client, "nuvama", "", wrong.clone(), "failed").await;
    let forced = ingest(client, "nuvama", "force=true", wrong.clone(), "completed").await;
    let next = ingest(client, "nuvama", "", wrong, "completed").await;

    assert_eq!(
        texts(&job["errors"])[0],
        "units: expected the tick sizes of NSE_FO in the last accepted file of kite, got at least 10 times more or less for 150 \
         of 150 shared contracts, for example NFO:U00031AUGFUT: expected 0.05, got 5; one of the two files has another unit"
    );
    assert_eq!(forced["version"], 2);
    assert_eq!(next["version"], 3);
    // The gates still accept a file with the right unit.
    let right = format!("{}{}", kite(&[("ONE", 1)]), kite_futures(150, "2031-08-26", "0.05"));
    ingest(client, "kite", "", right, "completed").await;
}
