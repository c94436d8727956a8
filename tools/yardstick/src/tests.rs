//! Tests of the responses, against a real database.

use std::env;
use std::io::{self, Write};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::plans::Plans;
use crate::routes;
use crate::store::Store;

/// Prevents two tests from creating the schema at the same time, which fails.
static OPENING: Mutex<()> = Mutex::const_new(());

/// Starts the program and returns its URL. Without a database it prints that the test is skipped and returns `None`, or
/// fails if `REGISTRY_TEST_STRICT` is set.
async fn served() -> Option<String> {
    let Ok(database) = env::var("REGISTRY_TEST_DATABASE_URL") else {
        assert!(env::var_os("REGISTRY_TEST_STRICT").is_none(), "REGISTRY_TEST_DATABASE_URL is not set");
        writeln!(io::stderr(), "skipped: REGISTRY_TEST_DATABASE_URL is not set").unwrap();
        return None;
    };
    let opening = OPENING.lock().await;
    let store = Store::open(&database).await.unwrap();
    drop(opening);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes(Plans::new(store))).await });
    Some(url)
}

async fn create(url: &str, user: &str, instruments: &[&str]) -> String {
    let body = json!({"plan_name": "a", "subscription_type": "live_feed", "instruments": instruments});
    let request = reqwest::Client::new()
        .post(format!("{url}/api/v1/internal/instrument-registry/subscriptions/plan?user_id={user}"))
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

#[tokio::test]
async fn a_plan_is_stored_and_reused_for_any_order_of_instruments() {
    let Some(url) = served().await else { return };
    let user = format!("user-{}", uuid::Uuid::now_v7().simple());

    let first = create(&url, &user, &["NSE:STOCK7", "NSE:NONE", "NSE:STOCK100000", "NSE:STOCK7"]).await;
    let again = create(&url, &user, &["NSE:NONE", "NSE:STOCK7", "NSE:STOCK7", "NSE:STOCK100000"]).await;
    let other = create(&url, &user, &["NSE:STOCK7"]).await;

    assert_eq!(again, first);
    assert_ne!(other, first);
    let plan: Value = serde_json::from_str(&first).unwrap();
    let plan_id = plan["plan_id"].as_str().unwrap();
    assert_eq!(plan["instruments"], json!(["NSE:STOCK100000", "NSE:STOCK7"]));
    assert_eq!(plan["removed"], 2);
    assert_eq!(plan["cache_hit"], false);
    let path = format!("{url}/api/v1/internal/instrument-registry/subscriptions/plans/{plan_id}");
    let stored: Value = reqwest::get(path).await.unwrap().json().await.unwrap();
    assert_eq!(
        stored["plan"],
        json!({"plan_id": plan_id, "user_id": user, "plan_name": "a", "subscription_type": "live_feed",
               "instruments": plan["instruments"], "status": "optimized"})
    );
}

#[tokio::test]
async fn raw_responses_have_the_requested_length() {
    let Some(url) = served().await else { return };

    let hello = reqwest::get(format!("{url}/hello?n=6000")).await.unwrap().bytes().await.unwrap();
    let echo = reqwest::Client::new().post(format!("{url}/echo?n=5")).body("anything").send().await.unwrap();

    assert_eq!(hello.len(), 6000);
    assert_eq!(echo.bytes().await.unwrap().len(), 5);
}
