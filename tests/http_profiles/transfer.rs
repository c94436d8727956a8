//! Import and export of profiles, over HTTP and on the command line.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PROFILES, create, profile};
use crate::support::{Answer, Client, Process, Service, run, texts, with};

async fn import(client: &Client, query: &str, kind: &str, content: &str) -> Answer {
    let request = client.request(Method::POST, &format!("{PROFILES}/users/desk/import{query}"));
    Answer::to(request.header("Content-Type", kind).body(content.to_owned())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_have_only_a_key_per_line() {
    let service = Service::start().await;
    let client = &service.client;

    let answer = import(client, "?profile_name=Mine&subscription_type=alerts", "text/csv", "NSE:TCS\nNSE:INFY\nTCS\n")
        .await
        .json();

    let result = &answer["results"][0];
    assert_eq!(answer["created"], 1);
    assert_eq!(answer["failed"], 0);
    assert_eq!(result["instrument_count"], 2);
    assert_eq!(result["rejected_rows"][0]["row"], 3);
    assert_eq!(result["rejected_rows"][0]["instrument"], "TCS");
    let read = client.read(&format!("{PROFILES}/{}", result["profile_id"].as_str().expect("an id"))).await;
    assert_eq!(read["profile"]["profile_name"], "Mine");
    assert_eq!(read["profile"]["subscription_type"], "alerts");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_can_be_imported_with_a_result_per_profile() {
    let service = Service::start().await;
    let client = &service.client;
    let rules = json!({"require_active": true});
    let whole = with(profile("desk", "Whole", &["NSE:TCS", "NSE:ITC"]), "validation_rules", rules);
    create(client, &with(whole, "preferences", json!({"colour": "red"}))).await;
    create(client, &profile("desk", "Two, three", &["NSE:INFY"])).await;

    let file = client.read(&format!("{PROFILES}/users/desk/export")).await;
    let csv = client.get(&format!("{PROFILES}/users/desk/export?format=csv")).await;
    let mut profiles = file["profiles"].as_array().expect("a list").clone();
    profiles.push(json!({"profile_name": "Bad", "subscription_type": "x", "instruments": []}));
    profiles.push(json!(7));
    let again = json!({"profiles": profiles}).to_string();
    let request = client.request(Method::POST, &format!("{PROFILES}/users/other/import"));
    let answer = Answer::to(request.header("Content-Type", "application/json").body(again)).await.json();

    let rows: Vec<&str> = csv.text.lines().map(|line| line.split_once(',').expect("several columns").1).collect();
    assert_eq!(
        rows,
        [
            "\"profile_name\",\"subscription_type\",\"instrument\"",
            "\"Two, three\",\"live_feed\",\"NSE:INFY\"",
            "\"Whole\",\"live_feed\",\"NSE:TCS\"",
            "\"Whole\",\"live_feed\",\"NSE:ITC\"",
        ]
    );
    assert_eq!(answer["created"], 2);
    assert_eq!(answer["failed"], 2);
    let status: Vec<_> =
        answer["results"].as_array().expect("a list").iter().map(|one| (&one["row"], &one["status"])).collect();
    let (created, failed) = (json!("created"), json!("failed"));
    assert_eq!(status, [(&json!(1), &created), (&json!(2), &created), (&json!(3), &failed), (&json!(4), &failed)]);
    let pointers: Vec<_> =
        answer["results"][2]["errors"].as_array().expect("a list").iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(pointers, ["/subscription_type", "/instruments"]);
    let there = client.read(&format!("{PROFILES}/users/other/export")).await;
    let named = |file: &Value, name: &str| -> Value {
        let profiles = file["profiles"].as_array().expect("a list");
        profiles.iter().find(|profile| profile["profile_name"] == name).expect("it is there").clone()
    };
    for name in ["Whole", "Two, three"] {
        assert_eq!(named(&there, name), named(&file, name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_reports_profiles_that_it_deactivated() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_MAX_SUBSCRIPTIONS_PER_USER", "2")]).await;
    let client = &service.client;
    let before = create(client, &profile("desk", "Before", &["NSE:SBIN"])).await;

    let file = "profile_name,instrument\nA,NSE:TCS\nB,NSE:INFY\nC,NSE:ITC\n";
    let answer = import(client, "", "text/csv", file).await.json();

    assert_eq!(answer["created"], 2);
    assert_eq!(answer["deactivated"], 1);
    assert_eq!(answer["failed"], 0);
    let status: Vec<_> = answer["results"].as_array().expect("a list").iter().map(|one| &one["status"]).collect();
    assert_eq!(status, ["deactivated", "created", "created"]);
    assert_eq!(answer["results"][1]["deactivated_profiles"], json!([super::id(&before)]));
    assert_eq!(answer["results"][2]["deactivated_profiles"], json!([answer["results"][0]["profile_id"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_file_creates_nothing() {
    let service = Service::start().await;
    let client = &service.client;

    import(client, "", "application/xml", "x").await.problem(415, "unsupported_media_type");
    import(client, "", "application/json", "{").await.problem(400, "invalid_json");
    assert_eq!(import(client, "", "application/json", "{\"profiles\": []}").await.pointers(), ["/profiles"]);
    assert_eq!(
        import(client, "?profile_name=x", "application/json", "{\"profiles\": []}").await.pointers(),
        ["/query/profile_name"]
    );
    assert_eq!(import(client, "", "text/csv", "instrument,price\n").await.pointers(), [""]);
    assert_eq!(import(client, "", "text/csv", "").await.pointers(), [""]);
    assert_eq!(client.read(&format!("{PROFILES}/admin/stats")).await["stats"]["total_profiles"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_imports_and_exports_profiles() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let list = folder.path().join("list.csv");
    std::fs::write(&list, "instrument,profile_name\nNSE:TCS,A\nNSE:INFY,B\nnothing,B\nNSE:NOPE,A\n")
        .expect("it can be written");
    let list = list.display().to_string();

    let taken = run(&["profiles", "import", &list, "--user", "desk"], folder.path(), &[]);
    let given = run(&["profiles", "export", "--user", "desk"], folder.path(), &[]);
    let refused = run(&["profiles", "import", &list, "--user", "a b"], folder.path(), &[]);

    assert!(taken.code == Some(0) && taken.output.contains("profile_"), "{taken:?}");
    assert!(taken.stderr.contains("row 4") && taken.stderr.contains("`nothing`"), "{taken:?}");
    let file: Value = serde_json::from_str(&given.output).expect("the text is JSON");
    let names: Vec<_> =
        file["profiles"].as_array().expect("a list").iter().map(|profile| &profile["profile_name"]).collect();
    assert_eq!(names, ["B", "A"]);
    assert_eq!(texts(&file["profiles"][1]["instruments"]), ["NSE:TCS", "NSE:NOPE"], "kept as sent");
    assert!(refused.code != Some(0));
    // The service serves the imported profiles.
    let process = Process::start(folder.path(), &[]).await;
    assert_eq!(process.client.read(&format!("{PROFILES}/admin/stats")).await["stats"]["total_profiles"], 2);
}
