//! Pages whose documents exceed one portion of a response, or the maximum size of a page that a cursor selects.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{PROFILES, create, id, profile, put};
use crate::support::{Answer, Client, Service, with};

/// Maximum size of the documents on a page that a cursor selects.
const PAGE_BYTES: usize = 4 << 20;
/// Size of the preferences of a profile, near their maximum.
const NOTE_BYTES: usize = 60_000;

fn note(number: usize) -> Value {
    json!({ "note": format!("{number:0>NOTE_BYTES$}") })
}

struct ListPage {
    items: Vec<Value>,
    next_cursor: Option<String>,
    has_next: bool,
    bytes: usize,
    is_streamed: bool,
}

async fn page(client: &Client, path: &str, list: &str) -> ListPage {
    let answer = client.get(path).await;
    let json = answer.json();
    ListPage {
        items: json[list].as_array().expect("a list").clone(),
        next_cursor: json["next_cursor"].as_str().map(str::to_owned),
        has_next: json["pagination"]["has_next"] == true,
        bytes: answer.text.len(),
        is_streamed: answer.headers.get("Content-Length").is_none(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_pages_are_whole_by_offset_and_short_by_cursor() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &with(profile("desk", "A", &["NSE:TCS"]), "preferences", note(0))).await;
    let changes = PAGE_BYTES / NOTE_BYTES + 10;
    for number in 1..=changes {
        put(client, id(&made), &json!({ "preferences": note(number) })).await.json();
    }

    for (path, list, number) in [("audit", "entries", "audit_id"), ("versions", "versions", "version")] {
        let path = format!("{PROFILES}/{}/{path}", id(&made));
        let all = page(client, &format!("{path}?limit=200"), list).await;
        let skipped = page(client, &format!("{path}?limit=200&offset=1"), list).await;
        let first = page(client, &format!("{path}?limit=1"), list).await;
        let mut walked = first.items.clone();
        let mut cursor = first.next_cursor.clone();
        let mut page_count = 0;
        while let Some(after) = cursor {
            let next = page(client, &format!("{path}?limit=200&cursor={after}"), list).await;
            assert!(next.bytes < PAGE_BYTES + 100_000, "{path}: {}", next.bytes);
            assert_eq!(next.has_next, next.next_cursor.is_some(), "{path}");
            walked.extend(next.items);
            cursor = next.next_cursor;
            page_count += 1;
        }

        assert_eq!(all.items.len(), changes + 1, "{path}");
        assert!(all.is_streamed && !all.has_next && all.next_cursor.is_none(), "{path}");
        assert!(!first.is_streamed && first.has_next, "{path}");
        assert_eq!(skipped.items, all.items[1..], "{path}");
        assert!(walked == all.items, "{path}: {} of {} rows", walked.len(), all.items.len());
        assert!(page_count > 1, "{path}");
        let numbers: BTreeSet<i64> = walked.iter().filter_map(|item| item[number].as_i64()).collect();
        assert_eq!(numbers.len(), changes + 1, "{path}");
    }
    let newest = page(client, &format!("{PROFILES}/{}/audit?limit=1", id(&made)), "entries").await;
    assert_eq!(newest.items[0]["new_data"]["preferences"], note(changes));
    assert_eq!(newest.items[0]["old_data"]["preferences"], note(changes - 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_export_is_streamed() {
    let service = Service::start().await;
    let client = &service.client;
    let count = PAGE_BYTES / NOTE_BYTES + 10;
    for number in 0..=count {
        // Each one deactivates the previous one, which has the same instruments.
        let name = format!("Profile {number}");
        create(client, &with(profile("desk", &name, &["NSE:TCS", "NSE:ITC"]), "preferences", note(number))).await;
    }
    let export = format!("{PROFILES}/users/desk/export?is_active=false");

    let whole = page(client, &export, "profiles").await;
    let csv = client.get(&format!("{export}&format=csv")).await;
    let listed = page(client, &format!("{PROFILES}/users/desk/profiles?is_active=false&limit=1000"), "profiles").await;
    let after = listed.items[0]["profile_id"].as_str().expect("an id");
    let mut cursor = Some(format!("after-{after}"));
    let mut walked = Vec::new();
    let mut page_sizes = Vec::new();
    while let Some(after) = cursor {
        let next = page(client, &format!("{export}&cursor={after}"), "profiles").await;
        page_sizes.push(next.bytes);
        walked.extend(next.items);
        cursor = next.next_cursor;
    }

    let numbers = (0..count).rev();
    let expected: Vec<Value> = numbers.clone().map(|number| json!(format!("Profile {number}"))).collect();
    let names: Vec<Value> = whole.items.iter().map(|profile| profile["profile_name"].clone()).collect();
    assert_eq!(names, expected);
    assert!(whole.items.iter().zip(numbers.clone()).all(|(profile, number)| profile["preferences"] == note(number)));
    assert!(whole.is_streamed && whole.next_cursor.is_none());
    assert!(walked == whole.items[1..], "{} of {} profiles", walked.len(), whole.items.len() - 1);
    assert!(page_sizes.len() > 1 && page_sizes.iter().all(|bytes| *bytes < PAGE_BYTES + 100_000), "{page_sizes:?}");
    assert_eq!(csv.header("Content-Type"), "text/csv; charset=utf-8");
    assert!(csv.headers.get("X-Next-Cursor").is_none());
    let rows: Vec<&str> = csv.text.lines().map(|line| line.split_once(',').expect("several columns").1).collect();
    let expected = numbers
        .flat_map(|number| ["NSE:TCS", "NSE:ITC"].map(|key| format!("\"Profile {number}\",\"live_feed\",\"{key}\"")));
    assert_eq!(rows[1..], expected.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn attention_finds_each_large_profile_once() {
    let service = Service::start().await;
    let client = &service.client;
    // The profiles fill several portions, each with profiles that need no attention.
    for number in 0..24 {
        let key = if number % 2 == 0 { "NSE:NOPE" } else { "NSE:TCS" };
        let body = profile(&format!("desk{number}"), &format!("Profile {number}"), &[key]);
        create(client, &with(body, "preferences", note(number))).await;
    }
    let path = format!("{PROFILES}/attention?limit=5");

    let mut names = Vec::new();
    let mut looked_at = 0;
    let mut cursor = Some(String::new());
    while let Some(after) = cursor {
        let answer = client.read(&format!("{path}{after}")).await;
        looked_at += answer["looked_at"].as_u64().expect("a number");
        names.extend(answer["profiles"].as_array().expect("a list").iter().map(|found| found["profile_name"].clone()));
        cursor = answer["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
    }

    let expected: Vec<Value> =
        (0..24).rev().step_by(2).map(|number| json!(format!("Profile {}", number - 1))).collect();
    assert_eq!(names, expected);
    assert_eq!(looked_at, 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_releases_the_memory_of_the_response() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &with(profile("desk", "A", &["NSE:TCS"]), "preferences", note(0))).await;
    for number in 1..=20 {
        put(client, id(&made), &json!({ "preferences": note(number) })).await.json();
    }
    let path = format!("{PROFILES}/{}/audit?limit=200", id(&made));

    // The memory for documents has fewer portions than there are responses here.
    for _ in 0..40 {
        let answer = client.request(Method::GET, &path).send().await.expect("a response");
        assert_eq!(answer.status(), 200);
        drop(answer);
    }

    let answer = Answer::to(client.request(Method::GET, &path)).await;
    assert_eq!(answer.json()["entries"].as_array().map(Vec::len), Some(21));
}
