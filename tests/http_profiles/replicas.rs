//! Profiles of two replicas on one PostgreSQL database.

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use test_servers::TestDatabase;
use tokio::task::JoinSet;

use super::{PROFILES, create, id, profile};
use crate::support::{Answer, Process};

const CALLERS: usize = 50;

/// Starts two processes with these settings on one database.
async fn replicas(database: &TestDatabase, more: &[(&str, &str)]) -> [(Process, TempDir); 2] {
    let url = database.url();
    let mut variables = vec![("DATABASE_URL", url.as_str())];
    variables.extend(more);
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder can be made"));
    let [first, second] = folders;
    let (one, two) = (Process::start(first.path(), &variables).await, Process::start(second.path(), &variables).await);
    [(one, first), (two, second)]
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_replicas_do_not_exceed_the_maximum_of_a_user() {
    let Some(database) = TestDatabase::new() else { return };
    for (strategy, made) in [("fail_on_conflict", Some(7)), ("latest_wins", None)] {
        let settings = [
            ("INSTRUMENT_REGISTRY_MAX_SUBSCRIPTIONS_PER_USER", "7"),
            ("INSTRUMENT_REGISTRY_PROFILE_VALIDATION_STRICT", "false"),
            ("INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY", strategy),
        ];
        let replicas = replicas(&database, &settings).await;
        let mut callers = JoinSet::new();
        for number in 0..CALLERS {
            let client = replicas[number % 2].0.client.clone();
            let key = format!("NSE:RACE{number}");
            let body = profile(&format!("racer-{strategy}"), &format!("P{number}"), &[&key]);
            callers.spawn(async move { client.post(PROFILES, &body).await.status });
        }
        let statuses = callers.join_all().await;

        let client = &replicas[0].0.client;
        let active = format!("{PROFILES}/users/racer-{strategy}/profiles?is_active=true");
        assert_eq!(client.read(&active).await["pagination"]["total"], 7, "{strategy}: {statuses:?}");
        let count = |status: u16| statuses.iter().filter(|other| **other == status).count();
        assert_eq!(count(200), made.unwrap_or(CALLERS), "{strategy}: {statuses:?}");
        assert_eq!(count(200) + count(409), CALLERS, "{strategy}: {statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_racing_edits_of_a_version_succeeds() {
    let Some(database) = TestDatabase::new() else { return };
    let replicas = replicas(&database, &[]).await;
    let made = create(&replicas[0].0.client, &profile("desk", "A", &["NSE:TCS"])).await;

    let mut editors = JoinSet::new();
    for number in 0..10 {
        let client = replicas[number % 2].0.client.clone();
        let path = format!("{PROFILES}/{}", id(&made));
        editors.spawn(async move {
            let request = client.request(Method::PUT, &path).header("If-Match", "\"1\"");
            Answer::to(request.json(&json!({"profile_name": format!("by {number}")}))).await.status
        });
    }
    let mut statuses = editors.join_all().await;
    statuses.sort_unstable();

    assert_eq!(statuses[0], 200);
    assert_eq!(&statuses[1..], &[412; 9][..]);
    let read = replicas[1].0.client.read(&format!("{PROFILES}/{}", id(&made))).await;
    assert_eq!(read["profile"]["version"], 2, "the other replica sees it");
}
