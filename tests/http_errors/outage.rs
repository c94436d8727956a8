//! Requests while another process holds a lock on the database, as one that hangs during a write does.

use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::http_profiles::{PROFILES, profile};
use crate::support::{Answer, Process, SOON, body, eventually};

async fn lock(data_dir: &Path) -> SqliteConnection {
    let path = data_dir.join("instrument_registry.sqlite");
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.expect("the database is there");
    sqlx::query("begin exclusive").execute(&mut connection).await.expect("nobody else has locked it");
    connection
}

async fn unlock(connection: SqliteConnection) {
    connection.close().await.expect("it can be closed");
}

fn retry_after(answer: &Answer) -> u64 {
    answer.header("Retry-After").parse().expect("Retry-After is a number of seconds")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_not_stored_before_the_deadline_returns_504() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[("INSTRUMENT_REGISTRY_PLANNER_TIMEOUT", "1")]).await;
    let locked = lock(folder.path()).await;

    let asked_at = Instant::now();
    let answer = service.client.ask("u", &body(&["NSE:TCS"])).await;
    let took = asked_at.elapsed();
    unlock(locked).await;

    answer.problem(504, "deadline_exceeded");
    assert!(took >= Duration::from_secs(1), "{took:?}");
    eventually("plans are made again", SOON, async || {
        let answer = service.client.ask("u", &body(&["NSE:TCS"])).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_returns_503_and_stores_nothing() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let locked = lock(folder.path()).await;

    let answer = service.client.ask("u", &body(&["NSE:TCS"])).await;
    unlock(locked).await;

    answer.problem(503, "database_unavailable");
    assert!((1..=3).contains(&retry_after(&answer)), "{:?}", answer.headers);
    assert_eq!(service.client.read("plans").await["pagination"]["total"], 0);
    let failed = "instrument_registry_subscription_plans_created_total\
        {optimization_level=\"moderate\",filtering_strictness=\"moderate\",status=\"error\"}";
    assert_eq!(service.client.metric(failed).await, Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_opens_the_breaker_and_cached_plans_are_served() {
    let folder = TempDir::new().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    let made = client.plan("u", &body(&["NSE:TCS"])).await;
    let path = format!("plans/{}", made["plan_id"].as_str().unwrap());
    let locked = lock(folder.path()).await;

    // Enough concurrent writes fail to open the breaker. They use several lanes, because each lane has few permits.
    let writes = tokio::spawn({
        let client = client.clone();
        let write = move |number: usize| {
            let client = client.clone();
            async move {
                let user = format!("u{number}");
                match number % 4 {
                    0 => client.post(PROFILES, &profile(&user, "Opening", &["NSE:TCS"])).await,
                    1 => client.post_text("planner/cleanup", "").await,
                    2 => client.ask(&user, &body(&["NSE:TCS"])).await,
                    _ => {
                        let plan = client.request(Method::POST, &format!("plan?user_id={user}"));
                        Answer::to(plan.header("Idempotency-Key", "k").json(&body(&["NSE:TCS"]))).await
                    }
                }
            }
        };
        async move { join_all((0..24).map(write)).await }
    });
    let ready = eventually("the breaker opens", SOON, async || {
        let ready = client.get("/ready").await.json();
        (ready["checks"]["database"]["breaker"] == "open").then_some(ready)
    })
    .await;
    let state = client.metric("instrument_registry_breaker_state{dependency=\"database\"}").await;
    let refused = client.ask("u", &body(&["NSE:INFY"])).await;
    let (cached, read) = (client.plan("u", &body(&["NSE:TCS"])).await, client.read(&path).await);
    let health = client.get("/health").await.json();
    unlock(locked).await;

    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["degraded"], true);
    assert_eq!(ready["checks"]["database"]["status"], "unavailable");
    assert_eq!(ready["checks"]["actor_persistence"]["breaker"], "open");
    assert!(state.is_some_and(|state| state > 0.0), "{state:?}");
    refused.problem(503, "database_unavailable");
    assert!((1..=5).contains(&retry_after(&refused)), "{:?}", refused.headers);
    assert_eq!(cached["status"], "cached");
    assert_eq!(cached["plan_id"], made["plan_id"]);
    assert_eq!(read["plan"], made["plan_data"]);
    assert_eq!(health["status"], "healthy");

    let recovered = eventually("plans are made again", SOON, async || {
        Some(client.ask("u", &body(&["NSE:INFY"])).await).filter(|answer| answer.status == 200)
    })
    .await;
    assert_eq!(recovered.json()["status"], "created");
    let opened = "instrument_registry_breaker_transitions_total{dependency=\"database\",from=\"closed\",to=\"open\"}";
    assert!(client.metric(opened).await >= Some(1.0));
    eventually("the breaker is closed", SOON, async || {
        let database = client.get("/ready").await.json()["checks"]["database"].clone();
        (database["breaker"] == "closed" && database["status"] == "ok").then_some(())
    })
    .await;
    let log = service.log();
    for message in ["database unavailable: serving cached plans only", "database recovered"] {
        assert!(log.contains(message), "{log}");
    }
    for answer in writes.await.unwrap() {
        assert!([200, 503].contains(&answer.status), "{}", answer.text);
    }
}
