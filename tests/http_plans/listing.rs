//! Lists of plans, by page and by cursor.

use serde_json::{Value, json};

use crate::support::{Client, Service, body, fields, with};

/// Creates this number of plans for a user (at most 31), and returns their ids, newest first.
async fn make(client: &Client, user_id: &str, subscription_type: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for day in 1..=count {
        let request = with(body(&["NSE:TCS", "NSE:NOPE"]), "subscription_type", subscription_type);
        let plan = client.plan(user_id, &with(request, "as_of", format!("2030-01-{day:02}"))).await;
        assert_eq!(plan["status"], "created");
        ids.insert(0, plan["plan_id"].as_str().expect("an id is a text").to_owned());
    }
    ids
}

fn ids(page: &Value) -> Vec<&str> {
    let plans = page["plans"].as_array().expect("plans is a list");
    plans.iter().map(|plan| plan["plan_id"].as_str().expect("an id is a text")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_exactly_the_documented_fields() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &body(&["NSE:TCS"])).await;

    let page = service.client.read("plans").await;

    assert_eq!(fields(&page), ["correlation_id", "filters_applied", "pagination", "plans", "response_time_ms"]);
    assert_eq!(page["pagination"], json!({"total": 1, "limit": 50, "offset": 0, "has_next": false}));
    assert_eq!(page["filters_applied"], json!({}));
    let data = &plan["plan_data"];
    assert_eq!(
        page["plans"],
        json!([{
            "plan_id": data["plan_id"], "user_id": "u", "plan_name": "Test Plan", "subscription_type": "live_feed",
            "status": "optimized", "estimated_cost": 0.05, "created_at": data["created_at"],
            "expires_at": data["expires_at"],
        }])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_plans_is_an_empty_page() {
    let service = Service::start().await;

    let page = service.client.read("plans?user_id=nobody&offset=7").await;

    assert_eq!(page["plans"], json!([]));
    assert_eq!(page["pagination"], json!({"total": 0, "limit": 50, "offset": 7, "has_next": false}));
    assert!(page.get("next_cursor").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_select_plans_and_are_returned() {
    let service = Service::start().await;
    let feeds = make(&service.client, "u", "live_feed", 2).await;
    let alerts = make(&service.client, "u", "alerts", 1).await;
    make(&service.client, "v", "alerts", 1).await;

    let of_user = service.client.read("plans?user_id=u").await;
    let of_type = service.client.read("plans?user_id=u&subscription_type=alerts&status=optimized").await;
    let drafts = service.client.read("plans?status=draft").await;
    let all = service.client.read("plans").await;

    assert_eq!(ids(&of_user), [&alerts[..], &feeds[..]].concat(), "newest first");
    assert_eq!(of_user["filters_applied"], json!({"user_id": "u"}));
    assert_eq!(ids(&of_type), alerts);
    assert_eq!(
        of_type["filters_applied"],
        json!({"user_id": "u", "subscription_type": "alerts", "status": "optimized"})
    );
    assert_eq!(drafts["pagination"]["total"], 0);
    assert_eq!(drafts["filters_applied"], json!({"status": "draft"}));
    assert_eq!(all["pagination"]["total"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_by_offset_are_contiguous() {
    let service = Service::start().await;
    let made = make(&service.client, "u", "live_feed", 5).await;

    for (offset, expected, has_next) in
        [(0, &made[..2], true), (2, &made[2..4], true), (3, &made[3..], false), (5, &[], false)]
    {
        let page = service.client.read(&format!("plans?user_id=u&limit=2&offset={offset}")).await;

        assert_eq!(ids(&page), expected, "offset {offset}");
        assert_eq!(page["pagination"], json!({"total": 5, "limit": 2, "offset": offset, "has_next": has_next}));
        assert_eq!(page.get("next_cursor").is_some(), has_next, "offset {offset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_visits_every_plan_once_while_plans_are_added() {
    let service = Service::start().await;
    let made = make(&service.client, "u", "live_feed", 7).await;

    let mut walked: Vec<String> = Vec::new();
    let mut path = "plans?user_id=u&limit=3".to_owned();
    loop {
        let page = service.client.read(&path).await;
        walked.extend(ids(&page).into_iter().map(str::to_owned));
        assert_eq!(page["pagination"]["has_next"], page.get("next_cursor").is_some());
        let Some(cursor) = page.get("next_cursor") else { break };
        path = format!("plans?user_id=u&limit=3&cursor={}", cursor.as_str().unwrap());
        let newer = with(body(&["NSE:INFY"]), "as_of", format!("2031-01-{:02}", walked.len()));
        assert_eq!(service.client.plan("u", &newer).await["status"], "created");
    }

    assert_eq!(walked, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_limit_is_200() {
    let service = Service::start().await;
    service.client.plan("u", &body(&["NSE:TCS"])).await;

    for limit in [1, 200] {
        let page = service.client.read(&format!("plans?limit={limit}")).await;

        assert_eq!(page["pagination"]["limit"], json!(limit));
        assert_eq!(page["pagination"]["total"], 1);
    }
}
