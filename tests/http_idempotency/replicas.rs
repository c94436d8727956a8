//! Idempotency keys of two replicas on one PostgreSQL database.

use super::*;

async fn replicas(database: &TestDatabase) -> [Service; 2] {
    let url = database.url();
    let variables = [("DATABASE_URL", url.as_str())];
    let (here, there) = tokio::join!(Service::with(&variables), Service::with(&variables));
    [here, there]
}

/// Sends two requests so that both wait in the database at the same time, and returns their answers.
async fn race(database: &TestDatabase, requests: [RequestBuilder; 2]) -> [Answer; 2] {
    let mut admin = database.admin().await;
    admin.execute("begin").await;
    admin.execute("lock table instrument_registry.idempotency_keys in exclusive mode").await;
    let [one, other] = requests.map(|request| tokio::spawn(Answer::to(request)));
    admin.until_sessions(2, "wait_event_type = 'Lock'").await;
    admin.execute("rollback").await;
    [one.await.expect("the task does not panic"), other.await.expect("the task does not panic")]
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_replicas_create_one_plan() {
    let Some(database) = TestDatabase::new() else { return };
    let replicas = replicas(&database).await;
    let request = body(&["NSE:TCS"]);

    let requests = replicas.each_ref().map(|replica| keyed(&replica.client, PLAN, "k", &request));
    let mut answers = race(&database, requests).await;
    answers.sort_by_key(is_replay);
    let later = post(&replicas[0].client, PLAN, "k", &request).await;

    assert_replay(&answers[0], &answers[1]);
    assert_replay(&answers[0], &later);
    let plans = "select count(*) from instrument_registry.subscription_plans";
    assert_eq!(database.admin().await.number(plans).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_replicas_create_one_profile() {
    let Some(database) = TestDatabase::new() else { return };
    let replicas = replicas(&database).await;
    let request = profile("desk", "Opening", &["NSE:TCS"]);

    let requests = replicas.each_ref().map(|replica| keyed(&replica.client, PROFILES, "k", &request));
    let mut answers = race(&database, requests).await;
    answers.sort_by_key(is_replay);

    assert_replay(&answers[0], &answers[1]);
    let versions = "select count(*) from instrument_registry.profile_versions";
    assert_eq!(database.admin().await.number(versions).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_different_racing_requests_is_rejected() {
    let Some(database) = TestDatabase::new() else { return };
    let [here, there] = replicas(&database).await;

    let requests =
        [keyed(&here.client, PLAN, "k", &body(&["NSE:TCS"])), keyed(&there.client, PLAN, "k", &body(&["NSE:INFY"]))];
    let mut answers = race(&database, requests).await;
    answers.sort_by_key(|answer| answer.status);

    assert_eq!(answers[0].json()["status"], "created");
    answers[1].problem(422, "idempotency_key_reused");
    let plans = "select count(*) from instrument_registry.subscription_plans";
    assert_eq!(database.admin().await.number(plans).await, 1);
}
