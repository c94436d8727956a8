//! Files with a date in the future, from every source of the date.

use chrono::{Days, NaiveDate};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::{FEW, FOLDER, ask, id, kite, until, until_served, upload};
use crate::support::{CATALOG_VERSIONS, Client, REGISTRY, Service, run, texts, today};

/// Returns the date this number of days after today.
fn in_days(days: u64) -> NaiveDate {
    today().checked_add_days(Days::new(days)).expect("there is such a day")
}

fn file() -> String {
    kite(&[("ONE", 1), ("TWO", 2)])
}

async fn freshness(client: &Client) -> Value {
    client.read(&format!("{REGISTRY}/catalog/summary")).await["data_freshness"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_tomorrow_is_accepted_and_current() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;

    let query = format!("file_date={}", in_days(1));
    until(client, &id(&upload(client, "kite", &query, file()).await), "completed").await;
    until_served(client, 1).await;

    let freshness = freshness(client).await;
    assert_eq!(freshness["status"], "current");
    assert_eq!(freshness["age_days"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_date_is_rejected_from_every_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let service = Service::with(&[FEW, (FOLDER, &path)]).await;
    let client = &service.client;
    let name = format!("kite_{}.csv", in_days(2));
    std::fs::write(folder.path().join(&name), file()).unwrap();
    let detail = |date: &str| {
        format!(
            "future_date: expected a file date no later than {} (tomorrow in Asia/Kolkata), got {date}; `force` does \
             not overrule this",
            in_days(1)
        )
    };

    let next = in_days(2).to_string();
    for (query, date) in [
        (format!("file_date={next}"), next.as_str()),
        (format!("file_name={name}"), next.as_str()),
        (format!("file_date={next}&force=true"), next.as_str()),
        ("file_date=9999-12-31&force=true&mode=incremental".to_owned(), "9999-12-31"),
    ] {
        let failed = until(client, &id(&upload(client, "kite", &query, file()).await), "failed").await;
        assert_eq!(texts(&failed["errors"])[0], detail(date), "{query}");
        assert_eq!(failed["version"], Value::Null, "{query}");
    }
    let named = until(client, &id(&ask(client, "kite", &json!({"source": name})).await), "failed").await;
    assert_eq!(texts(&named["errors"])[0], detail(&next));
    let request = client.request(Method::POST, &format!("{REGISTRY}/brokers/kite/ingest?file_date={next}"));
    let asked = crate::support::Answer::to(request.json(&json!({"source": name}))).await;
    assert_eq!(texts(&until(client, &id(&asked), "failed").await["errors"])[0], detail(&next));
    assert_eq!(client.read(CATALOG_VERSIONS).await["versions"], json!([]));
    until(client, &id(&upload(client, "kite", "", file()).await), "completed").await;
}

#[test]
fn the_command_offers_no_force_for_a_future_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kite.csv");
    std::fs::write(&path, file()).unwrap();
    let path = path.display().to_string();
    let arguments = ["ingest", &path, "--broker", "kite", "--file-date", "9999-12-31", "--force"];

    let refused = run(&arguments, folder.path(), &[FEW]);

    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("  future_date: expected a file date no later than "), "{}", refused.stderr);
    assert!(!refused.stderr.contains("run the command again with --force"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_future_date_does_not_block_later_files() {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    until(client, &id(&upload(client, "kite", "file_date=2026-11-20", file()).await), "completed").await;
    // An earlier release stored such dates.
    let options = SqliteConnectOptions::new().filename(service.database());
    let mut behind = options.connect().await.expect("the database is there");
    let changed = sqlx::query("update catalogue_loads set file_date = '9999-12-31'").execute(&mut behind).await;
    assert_eq!(changed.expect("the row can be changed").rows_affected(), 1);
    behind.close().await.expect("it can be closed");

    // A file of another broker makes the service read the catalog again.
    let dhan = "EXCH_ID,SEGMENT,SECURITY_ID,ISIN,INSTRUMENT,UNDERLYING_SECURITY_ID,UNDERLYING_SYMBOL,SYMBOL_NAME,\
                DISPLAY_NAME,INSTRUMENT_TYPE,SERIES,LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,EXPIRY_FLAG,\
                BRACKET_FLAG,\nNSE,E,1,INE002A01018,EQUITY,,ONE,ONE LIMITED,One,ES,EQ,1.0,,,,10.0000,NA,N,\n";
    until(client, &id(&upload(client, "dhan", "file_date=2026-11-19", dhan).await), "completed").await;
    until_served(client, 2).await;
    assert_eq!(freshness(client).await["newest_file_date"], "2026-11-19");
    until(client, &id(&upload(client, "kite", "file_date=2026-11-20", file()).await), "completed").await;
    until_served(client, 3).await;
    assert_eq!(freshness(client).await["newest_file_date"], "2026-11-20");
}
