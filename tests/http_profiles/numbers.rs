//! Numbers in preferences are returned as they were sent.

use reqwest::Method;
use serde_json::json;
use test_servers::TestDatabase;

use super::{PROFILES, post, profile, put};
use crate::support::{Answer, Service};

/// Numbers that need more than 64 bits, or that a serializer would write in another way.
const NUMBERS: &str = r#""numbers":[0,-0,-0.0,1.0,0.10,1e400,-1E+5,12345678901234567890123,{"of":[9007199254740993]}]"#;
const MERGE: (&str, &str) = ("INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY", "merge");

/// Returns the body of a request that creates a profile with the numbers in its preferences.
fn body(user: &str, instruments: &[&str]) -> String {
    let text = profile(user, "Numbers", instruments).to_string();
    format!("{},\"preferences\":{{{NUMBERS},\"modes\":{{\"NSE:TCS\":\"full\"}}}}}}", &text[..text.len() - 1])
}

/// Returns the id of the first profile in an answer. It searches the text, because some numbers do not fit into 64
/// bits.
fn id_in(answer: &Answer) -> String {
    let (_, rest) = answer.text.split_once("\"profile_id\":\"").expect("it has an id");
    rest.split_once('"').expect("the id ends").0.to_owned()
}

/// Returns how often the answer contains the numbers.
fn count(answer: &Answer) -> usize {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text.matches(NUMBERS).count()
}

async fn check(service: &Service) {
    let client = &service.client;
    let made = client.post_text(PROFILES, body("desk", &["NSE:TCS", "NSE:INFY"])).await;
    let made_id = id_in(&made);
    let path = format!("{PROFILES}/{made_id}");

    assert_eq!(count(&made), 1);
    assert_eq!(count(&client.get(&path).await), 1);
    assert_eq!(count(&put(client, &made_id, &json!({"profile_name": "Renamed"})).await), 1);
    assert_eq!(count(&put(client, &made_id, &json!({"preferences": {}})).await), 0);
    assert_eq!(count(&post(client, &format!("{made_id}/versions/1/restore")).await), 1);
    let changed = client.request(Method::PUT, &path).header("Content-Type", "application/json");
    assert_eq!(count(&Answer::to(changed.body(format!("{{\"preferences\":{{{NUMBERS}}}}}"))).await), 1);
    assert_eq!(count(&client.get(&format!("{path}/versions")).await), 4);
    // All five entries have new data, and all but the first have old data. The change that removed the numbers is the
    // new data of one entry and the old data of the next one.
    assert_eq!(count(&client.get(&format!("{path}/audit")).await), 7);
    assert_eq!(post(client, &format!("{made_id}/replan")).await.json()["status"], "created");

    let exported = client.get(&format!("{PROFILES}/users/desk/export")).await;
    assert_eq!(count(&exported), 1);
    let imported = client.post_text(&format!("{PROFILES}/users/other/import"), body_of_import(&exported)).await;
    assert_eq!(imported.json()["created"], 1);
    assert_eq!(count(&client.get(&format!("{PROFILES}/users/other/export")).await), 1);

    // The strategy merges the existing profile into the new one.
    let united = client.post_text(PROFILES, body("desk", &["NSE:INFY", "NSE:TCS"])).await;
    assert!(united.text.contains(&format!("\"deactivated_profiles\":[\"{made_id}\"]")), "{}", united.text);
    assert_eq!(count(&united), 1);
}

/// Converts an export to the body of an import.
fn body_of_import(exported: &Answer) -> String {
    let end = exported.text.find(",\"correlation_id\"").expect("it has an id");
    format!("{}}}", &exported.text[..end])
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_keep_numbers_exactly_in_sqlite() {
    check(&Service::with(&[MERGE]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_keep_numbers_exactly_in_postgresql() {
    let Some(database) = TestDatabase::new() else { return };
    check(&Service::with(&[MERGE, ("DATABASE_URL", &database.url())]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_names_in_preferences_are_rejected() {
    let service = Service::start().await;
    let text = profile("desk", "A", &["NSE:TCS"]).to_string();
    let twice = format!("{},\"preferences\":{{\"a\":[{{\"b\":1,\"b\":2}}]}}}}", &text[..text.len() - 1]);

    let faults = service.client.post_text(PROFILES, twice).await.faults();

    assert_eq!(faults["/preferences/a/0/b"], "duplicate field");
    assert_eq!(faults.len(), 1);
}
