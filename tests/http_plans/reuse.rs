//! Conditions under which a cached plan is returned or a new one is created.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{SOON, Service, body, eventually, with};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_returns_the_cached_plan() {
    let service = Service::start().await;
    let request = body(&["NSE:TCS", "NSE:INFY"]);

    let (made, again) = (service.client.plan("u", &request).await, service.client.plan("u", &request).await);

    assert_eq!(made["status"], "created");
    assert_eq!(made["cache_hit"], false);
    assert_eq!(again["status"], "cached");
    assert_eq!(again["cache_hit"], true);
    assert_eq!(again["plan_id"], made["plan_id"]);
    assert_eq!(again["plan_data"], made["plan_data"]);
    assert_ne!(again["correlation_id"], made["correlation_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn order_and_duplicates_do_not_create_another_plan() {
    let service = Service::start().await;
    let made = service.client.plan("u", &body(&["NSE:TCS", "NSE:INFY", "BSE:ITC"])).await;

    for keys in [&["BSE:ITC", "NSE:INFY", "NSE:TCS"][..], &["NSE:INFY", "NSE:INFY", "NSE:TCS", "BSE:ITC", "NSE:TCS"]] {
        let again = service.client.plan("u", &body(keys)).await;

        assert_eq!(again["status"], "cached", "{keys:?}");
        assert_eq!(again["plan_id"], made["plan_id"], "{keys:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn order_matters_at_level_low_and_above_the_maximum() {
    let service = Service::start().await;
    let forwards = body(&["NSE:TCS", "NSE:INFY"]);
    let backwards = body(&["NSE:INFY", "NSE:TCS"]);

    for (option, value) in [("optimization_level", json!("low")), ("max_instruments", json!(1))] {
        let a = service.client.plan("u", &with(forwards.clone(), option, value.clone())).await;
        let b = service.client.plan("u", &with(backwards.clone(), option, value)).await;

        assert_eq!(a["status"], "created", "{option}");
        assert_eq!(b["status"], "created", "{option}");
        assert_ne!(a["plan_data"]["instruments"], b["plan_data"]["instruments"], "{option}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_plan_keeps_its_first_name_and_description() {
    let service = Service::start().await;
    let first = with(with(body(&["NSE:TCS"]), "plan_name", "first"), "description", "one");
    let second = with(with(body(&["NSE:TCS"]), "plan_name", "second"), "description", "two");

    let made = service.client.plan("u", &first).await;
    let again = service.client.plan("u", &second).await;

    assert_eq!(again["status"], "cached");
    assert_eq!(again["plan_id"], made["plan_id"]);
    assert_eq!(again["plan_data"]["plan_name"], "first");
    assert_eq!(again["plan_data"]["description"], "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_null_and_default_options_are_equivalent() {
    let service = Service::start().await;
    let made = service.client.plan("u", &body(&["NSE:TCS"])).await;
    let options = ["optimization_level", "filtering_strictness", "max_instruments", "as_of", "description"];
    let nulls = options.into_iter().fold(body(&["NSE:TCS"]), |body, option| with(body, option, Value::Null));
    let written = with(with(body(&["NSE:TCS"]), "optimization_level", "moderate"), "max_instruments", 1000);

    for request in [nulls, written] {
        assert_eq!(service.client.plan("u", &request).await["plan_id"], made["plan_id"], "{request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_subscription_types_do_not_share_plans() {
    let service = Service::start().await;
    let request = body(&["NSE:TCS"]);
    let answers = [
        service.client.plan("u", &request).await,
        service.client.plan("v", &request).await,
        service.client.plan("U", &request).await,
        service.client.plan("u", &with(request.clone(), "subscription_type", "historical")).await,
    ];

    let ids: BTreeSet<&str> = answers.iter().map(|answer| answer["plan_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 4);
    assert!(answers.iter().all(|answer| answer["status"] == "created"));
    assert_eq!(answers[1]["plan_data"]["user_id"], "v");
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_concurrent_requests_create_one_plan() {
    let service = Service::start().await;
    let request = body(&["NSE:TCS", "NSE:INFY", "NSE:ITC"]);

    let answers = join_all((0..50).map(|_| service.client.plan("crowd", &request))).await;

    let ids: BTreeSet<&str> = answers.iter().map(|answer| answer["plan_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer["status"] == "created").count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer["cache_hit"] == true).count(), 49);
    let stored = service.client.read("plans?user_id=crowd").await;
    assert_eq!(stored["pagination"]["total"], 1);
    assert_eq!(stored["plans"][0]["plan_id"].as_str(), ids.first().copied());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_plan_is_replaced_but_still_readable() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_PLAN_CACHE_TTL", "1")]).await;
    let request = body(&["NSE:TCS"]);
    let first = service.client.plan("u", &request).await;
    let path = |answer: &Value| format!("plans/{}", answer["plan_id"].as_str().unwrap());

    let second = eventually("a new plan is created", SOON, async || {
        Some(service.client.plan("u", &request).await).filter(|answer| answer["plan_id"] != first["plan_id"])
    })
    .await;

    assert_eq!(second["status"], "created");
    assert_eq!(second["cache_hit"], false);
    assert!(second["plan_data"]["created_at"].as_str() >= first["plan_data"]["expires_at"].as_str());
    assert_eq!(second["plan_data"]["cache_key"], first["plan_data"]["cache_key"]);
    assert_eq!(service.client.read(&path(&first)).await["plan"], first["plan_data"]);
    let described =
        service.client.post_text(&format!("plan/{}/describe", first["plan_id"].as_str().unwrap()), "").await;
    assert_eq!(described.json()["plan_id"], first["plan_id"]);
}
