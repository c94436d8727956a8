//! Instruments whose keys another file changes.

use serde_json::{Value, json};

use super::{FEW, id, kite, until, until_served, upload};
use crate::http_profiles::{self, PROFILES, profile};
use crate::support::{CATALOG_VERSIONS, Client, Service, texts};

const OLD_KEYS: [&str; 2] = ["NSE:EXAMPLE-BE", "NSE:OLDNAME"];

/// Returns a file of Kite with a share whose series changes and a share whose symbol changes. Kite has no ISINs: only
/// the name identifies the first share, and only the token identifies the second one.
fn file(moved: (&str, u32), renamed: &str) -> String {
    let (symbol, number) = moved;
    let shares = [
        format!("{},{number},{symbol},EXAMPLE LIMITED,0,,0,0.05,1,EQ,NSE,NSE\n", number * 256 + 1),
        format!("5120001,20000,{renamed},{renamed} LIMITED,0,,0,0.05,1,EQ,NSE,NSE\n"),
    ];
    kite(&[]) + &shares.concat()
}

async fn service_with_both_files() -> Service {
    let service = Service::with(&[FEW]).await;
    let client = &service.client;
    for (version, file) in [(1, file(("EXAMPLE-BE", 10_000), "OLDNAME")), (2, file(("EXAMPLE", 10_009), "NEWNAME"))] {
        until(client, &id(&upload(client, "kite", "", file).await), "completed").await;
        until_served(client, version).await;
    }
    service
}

/// Returns the key, the reason, the detail and the suggestions of each entry.
fn entries(rejected: &Value) -> Vec<String> {
    let rejected = rejected.as_array().expect("the value is a list");
    let text = |entry: &Value, field: &str| entry[field].as_str().expect("the value is a string").to_owned();
    let shown = |entry: &Value| {
        let texts = texts(&entry["suggestions"]).join(" ");
        format!("{} {}: {} ({texts})", text(entry, "instrument"), text(entry, "reason"), text(entry, "detail"))
    };
    rejected.iter().map(shown).collect()
}

const EXPECTED: [&str; 2] = [
    "NSE:EXAMPLE-BE inactive: not listed in the broker's last accepted file; moved to series EQ: now `NSE:EXAMPLE` \
     (NSE:EXAMPLE)",
    "NSE:OLDNAME inactive: not listed in the broker's last accepted file; renamed to `NSE:NEWNAME` (NSE:NEWNAME)",
];

async fn changes(client: &Client) -> Value {
    let diff = client.read(&format!("{CATALOG_VERSIONS}/2/diff")).await;
    diff["changes"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_and_a_renamed_share_are_changes_not_removals() {
    let service = service_with_both_files().await;

    let change = |kind: &str, key: &str, before: &str, after: &str| json!({"kind": kind, "instrument_key": key, "before": before, "after": after});
    assert_eq!(
        changes(&service.client).await,
        json!([
            change("renamed", "NSE:NEWNAME", "NSE:OLDNAME", "NSE:NEWNAME"),
            change("token_changed", "NSE:EXAMPLE", "2560001", "2562305"),
            change("series_changed", "NSE:EXAMPLE", "BE", "EQ"),
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_and_profiles_suggest_the_successors_of_old_keys() {
    let service = service_with_both_files().await;
    let client = &service.client;
    let body = json!({
        "plan_name": "Old keys", "subscription_type": "live_feed", "instruments": OLD_KEYS,
        "filtering_strictness": "strict",
    });

    let plan = client.plan("desk", &body).await;
    let made = http_profiles::create(client, &profile("desk", "Old keys", &OLD_KEYS)).await;
    let attention = client.read(&format!("{PROFILES}/attention?user_id=desk")).await;

    assert_eq!(entries(&plan["plan_data"]["rejected"]), EXPECTED);
    assert_eq!(entries(&made["conflicts"][0]["conflict_data"]["instruments"]), EXPECTED);
    assert_eq!(entries(&attention["profiles"][0]["instruments"]), EXPECTED);
}
