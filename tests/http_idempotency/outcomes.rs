//! Retries of requests whose outcome is unknown to the caller.

use test_servers::{Admin, PostgresServer, Proxy};

use super::*;
use crate::http_ingest::{FEW, kite_of, until};
use crate::support::{SOON, eventually};

/// Selects the sessions whose commit waits for the lock of [`hold_commits`], but not a session that repeats a request:
/// that one waits for the end of the transaction with the same key, and has not reached its commit.
const COMMITS: &str = "wait_event_type = 'Lock' and wait_event = 'advisory'";

/// Makes every commit of a key wait for an advisory lock, and returns the session that holds the lock.
async fn hold_commits(database: &TestDatabase) -> Admin {
    let mut admin = database.admin().await;
    admin.execute("select pg_advisory_lock(42)").await;
    admin
        .execute(
            "create function public.wait_for_test() returns trigger language plpgsql as \
             'begin perform pg_advisory_xact_lock(42); return null; end'",
        )
        .await;
    admin
        .execute(
            "create constraint trigger wait_for_test after insert on instrument_registry.idempotency_keys \
             deferrable initially deferred for each row execute function public.wait_for_test()",
        )
        .await;
    admin
}

/// Requests for a plan and a profile, both with the key `k`, and the number of attempts of the service to store each.
fn requests(client: &Client) -> [(RequestBuilder, i64); 2] {
    [
        (keyed(client, PLAN, "k", &body(&["NSE:TCS"])), 2),
        (keyed(client, PROFILES, "k", &profile("u", "Opening", &["NSE:TCS"])), 1),
    ]
}

fn upload(client: &Client) -> RequestBuilder {
    let upload = client.request(Method::POST, &format!("{REGISTRY}/brokers/kite/ingest"));
    let upload = upload.header("Content-Type", "application/octet-stream").header("Idempotency-Key", "k");
    upload.body(kite_of(1))
}

/// Sends a request until the service has replaced the connections that were cut, and returns the answer.
async fn answer_once_connected(request: &RequestBuilder) -> Answer {
    eventually("the database is used again", SOON, async || {
        let answer = Answer::to(request.try_clone().expect("its body is in memory")).await;
        (answer.status != 503).then_some(answer)
    })
    .await
}

const KEYS: &str = "select count(*) from instrument_registry.idempotency_keys";

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_a_lost_commit_gets_the_stored_answer() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let service = Service::with(&[FEW, ("DATABASE_URL", &database.url_at(&proxy.address()))]).await;
    let mut admin = hold_commits(&database).await;

    for (number, (request, attempts)) in (1..).zip(requests(&service.client)) {
        let retry = request.try_clone().expect("its body is in memory");
        let lost = tokio::spawn(Answer::to(request));
        for attempt in 1..=attempts {
            // The session of an earlier attempt still waits for its commit.
            admin.until_sessions(attempt, "wait_event_type = 'Lock'").await;
            proxy.cut();
        }
        let lost = lost.await.expect("the task does not panic");
        admin.execute("select pg_advisory_unlock(42)").await;
        eventually("the server has committed", SOON, async || (admin.number(KEYS).await == number).then_some(())).await;
        admin.execute("select pg_advisory_lock(42)").await;
        let found = answer_once_connected(&retry).await;

        lost.problem(504, "unknown_outcome");
        assert!(is_replay(&found), "{found:?}");
        assert_eq!(found.status, 200);
    }
    for table in ["subscription_plans", "subscription_profiles"] {
        assert_eq!(admin.number(&format!("select count(*) from instrument_registry.{table}")).await, 1, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_a_failed_commit_does_the_work() {
    let Some(database) = TestDatabase::new() else { return };
    let service = Service::with(&[FEW, ("DATABASE_URL", &database.url())]).await;
    let mut admin = hold_commits(&database).await;

    for (request, attempts) in requests(&service.client) {
        let retry = request.try_clone().expect("its body is in memory");
        let lost = tokio::spawn(Answer::to(request));
        for _ in 0..attempts {
            admin.until_sessions(1, COMMITS).await;
            assert_eq!(admin.terminate(COMMITS).await, 1);
        }
        let lost = lost.await.expect("the task does not panic");
        admin.execute("select pg_advisory_unlock(42)").await;
        let made = answer_once_connected(&retry).await;
        admin.execute("select pg_advisory_lock(42)").await;

        lost.problem(504, "unknown_outcome");
        assert!(!is_replay(&made), "{made:?}");
        assert_eq!(made.status, 200);
    }
    for table in ["subscription_plans", "subscription_profiles"] {
        assert_eq!(admin.number(&format!("select count(*) from instrument_registry.{table}")).await, 1, "{table}");
    }
    assert_eq!(admin.number(KEYS).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_whose_commit_was_lost_is_returned() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let service = Service::with(&[FEW, ("DATABASE_URL", &database.url_at(&proxy.address()))]).await;
    let mut admin = hold_commits(&database).await;
    let [(request, _), _] = requests(&service.client);
    let repeat = request.try_clone().expect("its body is in memory");

    let waiting = tokio::spawn(Answer::to(request));
    admin.until_blocked().await;
    proxy.cut();
    // The second attempt of the service waits for the first one, which holds the key.
    admin.until_sessions(2, "wait_event_type = 'Lock'").await;
    admin.execute("select pg_advisory_unlock(42)").await;
    let made = waiting.await.expect("the task does not panic");
    let again = answer_once_connected(&repeat).await;

    assert_eq!(made.json()["status"], "created");
    assert_replay(&made, &again);
    assert_eq!(admin.number("select count(*) from instrument_registry.subscription_plans").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_commit_was_lost_is_run() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::to(database.address()).await;
    let service = Service::with(&[FEW, ("DATABASE_URL", &database.url_at(&proxy.address()))]).await;
    let mut admin = hold_commits(&database).await;

    let taking = tokio::spawn(Answer::to(upload(&service.client)));
    admin.until_blocked().await;
    proxy.cut();
    // The service reads the outcome, and waits for the commit that is still held.
    admin.until_sessions(2, "wait_event_type = 'Lock'").await;
    admin.execute("select pg_advisory_unlock(42)").await;
    let taken = taking.await.expect("the task does not panic");
    let again = answer_once_connected(&upload(&service.client)).await;

    assert_replay(&taken, &again);
    let job_id = taken.json()["job_id"].as_str().expect("the value is an id").to_owned();
    until(&service.client, &job_id, "completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_gets_no_cached_plan_without_the_database() {
    let Some(mut database) = PostgresServer::start() else { return };
    let service = Service::with(&[("DATABASE_URL", &database.url())]).await;
    let client = &service.client;
    let request = body(&["NSE:TCS"]);
    client.ask("u", &request).await.json();

    database.kill();
    let with_key = post(client, PLAN, "k", &request).await;
    let without_key = client.ask("u", &request).await;

    with_key.problem(503, "database_unavailable");
    assert_eq!(without_key.json()["status"], "cached");
}
