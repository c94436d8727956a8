//! Requests with items and options of a broker.

use reqwest::Method;
use serde_json::{Value, json};

use crate::http_profiles::{PROFILES, create, id, profile};
use crate::support::{Answer, Process, Service, body, fields, texts, today, with};

fn items(items: Value) -> Value {
    with(json!({"plan_name": "Test Plan", "subscription_type": "live_feed"}), "items", items)
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_planned_like_instruments() {
    let service = Service::start().await;
    let client = &service.client;
    let request =
        with(items(json!([{"instrument": "NSE:TCS"}, {"instrument": "NSE:NOPE"}])), "optimization_level", "low");

    let plan = client.plan("u", &request).await;
    let repeat = client.plan("u", &request).await;

    assert_eq!(texts(&plan["plan_data"]["instruments"]), ["NSE:TCS"]);
    assert_eq!(plan["plan_data"]["rejected"][0]["reason"], "unknown");
    assert_eq!(repeat["status"], "cached");
    assert_eq!(repeat["plan_id"], plan["plan_id"]);
    let stored = client.read(&format!("plans/{}", plan["plan_id"].as_str().unwrap())).await;
    assert_eq!(stored["plan"], plan["plan_data"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_item_skips_instruments_of_other_items() {
    let service = Service::start().await;
    let selector = json!({"underlying": "TCS", "instrument_types": ["EQ"], "exchanges": ["NSE", "BSE"]});
    let request = with(
        items(json!([{"selector": selector}, {"instrument": "BSE:TCS"}, {"selector": {"underlying": "NOPE"}}])),
        "optimization_level",
        "low",
    );

    let plan = &service.client.plan("u", &request).await["plan_data"];

    assert_eq!(texts(&plan["instruments"]), ["NSE:TCS", "BSE:TCS"]);
    let warnings = texts(&plan["metadata"]["warnings"]);
    let of_selector = format!("items/2/selector matches no active, unexpired instrument on {}", today());
    assert_eq!(warnings[0], of_selector);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_items_and_options_is_reported_at_once() {
    let service = Service::start().await;
    let wrong = json!({
        "plan_name": "p", "subscription_type": "live_feed", "mode": "ltp", "min_mode": "quote", "broker": "kite",
        "tier": "gold", "accounts": ["desk"], "connections": 257, "placement": "even", "capacity": "remaining", "dry_run": "yes",
        "items": [
            {"instrument": "NSE:TCS", "priority": 1001}, {"instrument": "NSE:INFY", "mode": "all"},
            {"instrument": "NSE:ITC", "mode": "quote", "min_mode": "full"}, {"priority": 1}, "NSE:SBIN",
        ],
    });

    let faults = service.client.ask("u", &wrong).await.faults();

    let dry_run = "only a dry run can exceed the settings";
    let expected = [
        ("/accounts/0", &*format!("expected one of default, got `desk`; {dry_run}")),
        ("/capacity", "expected `whole`, got `remaining`"),
        ("/connections", "expected an integer from 1 to 256, got 257"),
        ("/dry_run", "expected a boolean, got a string"),
        ("/items/0/priority", "expected an integer from 0 to 1000, got 1001"),
        ("/items/1/mode", "expected one of ltp, greeks, quote, full, depth20, depth30, depth50, depth200, got `all`"),
        ("/items/2/min_mode", "expected a mode that `quote` includes (ltp, quote), got `full`"),
        ("/items/3", "expected exactly one of `instrument`, `selector`"),
        ("/items/4", "expected an object, got a string"),
        ("/min_mode", "expected a mode that `ltp` includes (ltp), got `quote`"),
        ("/placement", "expected one of balanced, together, spread, got `even`"),
        ("/tier", "expected one of standard, got `gold`"),
    ];
    let found: Vec<(&str, &str)> = faults.iter().map(|(pointer, detail)| (&**pointer, &**detail)).collect();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_a_broker_require_a_broker() {
    let service = Service::start().await;
    let request = json!({
        "plan_name": "p", "subscription_type": "live_feed", "min_mode": "ltp", "tier": "standard", "accounts": 1,
        "connections": 1, "items": [{"instrument": "NSE:TCS", "pinned": true, "min_mode": "ltp", "priority": 7}],
    });

    let faults = service.client.ask("u", &request).await.faults();

    let names = ["/accounts", "/connections", "/items/0/min_mode", "/items/0/pinned", "/min_mode", "/tier"];
    assert_eq!(faults.keys().collect::<Vec<_>>(), names);
    assert!(faults.values().all(|detail| detail == "requires `broker`"), "{faults:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_provides_its_instruments_in_one_way() {
    let service = Service::start().await;
    let all = json!({
        "plan_name": "p", "subscription_type": "live_feed", "instruments": ["NSE:TCS"],
        "items": [{"instrument": "NSE:TCS"}], "selectors": [{"underlying": "TCS"}],
    });

    let faults = service.client.ask("u", &all).await.faults();

    assert_eq!(faults["/items"], "cannot be combined with `instruments` or `selectors`; provide exactly one");
    assert_eq!(faults["/selectors"], "cannot be combined with `instruments`; provide exactly one");
    assert_eq!(faults.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn named_accounts_are_distinct_and_limited() {
    let service = Service::start().await;
    let many: Vec<String> = (0..17).map(|number| format!("desk_{number}")).collect();
    let faults = async |accounts: Value| {
        let request = with(with(body(&["NSE:TCS"]), "broker", "kite"), "accounts", accounts);
        service.client.ask("u", &with(request, "dry_run", true)).await.faults()
    };

    assert_eq!(faults(json!(many)).await["/accounts"], "expected 1 to 16 items, got 17");
    assert_eq!(faults(json!(["a", "b", "a"])).await["/accounts/2"], "duplicate of an earlier item: `a`");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_accounts_name_the_limit() {
    let service = Service::start().await;
    let at_kite = with(body(&["NSE:TCS"]), "broker", "kite");

    let faults = service.client.ask("u", &with(at_kite.clone(), "connections", 4)).await.faults();

    assert_eq!(faults["/connections"], "limit `connections`: 1 account allows at most 3, got 4");
    assert_eq!(service.client.plan("u", &with(at_kite, "connections", 3)).await["status"], "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_of_items_are_ignored_for_historical_data() {
    let service = Service::start().await;
    let request = with(items(json!([{"instrument": "NSE:TCS", "mode": "full"}])), "subscription_type", "historical");

    let plan = &service.client.plan("u", &request).await["plan_data"];

    let warnings = texts(&plan["metadata"]["warnings"]);
    assert_eq!(warnings[0], "historical data has no mode: the modes of items are ignored");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_items_fit_into_a_request() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "50000")]).await;
    let entry = |number: usize| json!({"instrument": format!("NSE:{number:x>90}"), "mode": "quote", "priority": number % 1000, "pinned": false});
    let many: Vec<Value> = (0..20_000).map(entry).collect();
    let request = with(items(many.into()), "filtering_strictness", "lenient");
    let bytes = request.to_string().len();

    let plan = service.client.plan("u", &request).await;

    assert!((2 << 20..4 << 20).contains(&bytes), "{bytes}");
    assert_eq!(plan["plan_data"]["validation_results"]["valid_instruments"], 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_must_have_items() {
    let service = Service::start().await;
    let padded = |request: &Value, length: usize| {
        let mut text = request.to_string();
        text.push_str(&" ".repeat(length - text.len()));
        text
    };
    let of_items = items(json!([{"instrument": "NSE:TCS"}]));
    let post = async |text: String| service.client.post_text("plan?user_id=u", text).await;

    assert_eq!(post(padded(&of_items, 4 << 20)).await.json()["status"], "created");
    let larger = post(padded(&of_items, (4 << 20) + 1)).await;
    assert_eq!(larger.problem(413, "body_too_large")["detail"], "request body exceeds 4194304 bytes");
    let without = post(padded(&body(&["NSE:TCS"]), (2 << 20) + 1)).await;
    assert_eq!(without.problem(413, "body_too_large")["detail"], "request body exceeds 2097152 bytes");
    post(padded(&of_items, 3 << 20).replacen('}', "]", 1)).await.problem(400, "invalid_json");
    let keyed = service.client.request(Method::POST, "plan?user_id=u").header("Idempotency-Key", "k");
    let keyed = keyed.header("Content-Type", "application/json").body(padded(&of_items, 4 << 20));
    assert_eq!(Answer::to(keyed).await.json()["status"], "cached");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_neither_stored_nor_cached() {
    let service = Service::start().await;
    let client = &service.client;
    let request = with(body(&["NSE:TCS", "NSE:NOPE"]), "dry_run", true);

    let first = client.plan("dry", &request).await;
    let second = client.plan("dry", &request).await;
    let stored = client.plan("dry", &with(request, "dry_run", false)).await;

    assert_eq!(first["status"], "dry_run");
    assert_eq!(first["cache_hit"], false);
    assert_eq!(second["status"], "dry_run");
    assert!(first.get("plan_id").is_none() && first["plan_data"].get("plan_id").is_none(), "{first}");
    assert_eq!(stored["status"], "created");
    let mut names = fields(&first["plan_data"]);
    names.push("plan_id");
    names.sort_unstable();
    assert_eq!(names, fields(&stored["plan_data"]));
    for name in ["instruments", "rejected", "cache_key"] {
        assert_eq!(first["plan_data"][name], stored["plan_data"][name], "{name}");
    }
    assert_eq!(client.read("plans?user_id=dry").await["pagination"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_dry_run_exceeds_the_accounts_of_the_settings() {
    let service = Service::start().await;
    let client = &service.client;
    let request = with(with(body(&["NSE:TCS"]), "broker", "upstox"), "tier", "plus");
    let request = with(with(request, "accounts", 2), "connections", 5);

    let refused = client.ask("u", &request).await.faults();
    let computed = client.plan("u", &with(request, "dry_run", true)).await;

    let dry_run = "only a dry run can exceed the settings";
    assert_eq!(refused["/accounts"], format!("expected an integer from 1 to 1, got 2; {dry_run}"));
    let of_tier = "expected at most `standard`, the tier of an account of the settings, got `plus`";
    assert_eq!(refused["/tier"], format!("{of_tier}; {dry_run}"));
    assert_eq!(computed["status"], "dry_run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_of_a_profile_uses_the_profile() {
    let service = Service::start().await;
    let client = &service.client;
    let made = create(client, &profile("desk", "Opening", &["NSE:TCS"])).await;

    let plan = client.plan("desk", &json!({"profile_id": id(&made), "dry_run": true})).await;

    assert_eq!(plan["status"], "dry_run");
    assert_eq!(plan["plan_data"]["plan_name"], "Opening");
    assert_eq!(client.read("plans?user_id=desk").await["pagination"]["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_holds_options_of_a_broker() {
    let service = Service::start().await;
    let client = &service.client;
    let preferences = json!({
        "broker": "upstox", "mode": "full", "min_mode": "ltp", "min_modes": {"NSE:TCS": "full"}, "pinned": ["NSE:TCS"],
        "tier": "standard", "accounts": 1, "connections": 1,
    });
    // The valid accounts and tiers depend on the broker, which a request may set.
    let of_no_broker = json!({"tier": "gold", "accounts": 2});
    let made = create(client, &with(profile("desk", "Opening", &["NSE:TCS"]), "preferences", preferences)).await;
    let other = create(client, &with(profile("desk", "Other", &["NSE:INFY"]), "preferences", of_no_broker)).await;
    let of_profile = json!({"profile_id": id(&made)});

    let plan = client.plan("desk", &of_profile).await;
    let replanned = client.post(&format!("{PROFILES}/{}/replan", id(&made)), &json!({})).await.json();
    let contradicting = client.ask("desk", &with(of_profile.clone(), "tier", "silver")).await.faults();
    let overridden = client.plan("desk", &with(with(of_profile, "mode", "ltp"), "broker", "kite")).await;
    let of_other = client.plan("desk", &json!({"profile_id": id(&other), "broker": "upstox"})).await;

    let dry_run = "only a dry run can exceed the settings";
    let accounts = format!("ignored preference `/accounts`: expected an integer from 1 to 1, got 2; {dry_run}");
    let ignored = [accounts.as_str(), "ignored preference `/tier`: expected one of standard, plus, got `gold`"];
    let warnings = texts(&of_other["plan_data"]["metadata"]["warnings"]);
    assert_eq!(warnings[..2], ignored);
    assert_eq!(replanned["status"], "cached");
    assert_eq!(replanned["plan_id"], plan["plan_id"]);
    assert_eq!(contradicting["/tier"], "expected one of standard, plus, got `silver`");
    let warnings = texts(&overridden["plan_data"]["metadata"]["warnings"]);
    let min_mode = "ignored preference `/min_modes/NSE:TCS`: expected a mode that `ltp` includes (ltp), got `full`";
    assert!(warnings.contains(&min_mode), "{warnings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_of_a_broker_are_ignored_without_one() {
    let service = Service::start().await;
    let client = &service.client;
    let draft = with(profile("desk", "Opening", &["NSE:TCS"]), "preferences", json!({"pinned": ["NSE:TCS"]}));
    let made = create(client, &draft).await;
    let of_profile = json!({"profile_id": id(&made)});

    let plan = client.plan("desk", &of_profile).await;
    let refused = client.ask("desk", &with(of_profile, "min_mode", "ltp")).await.faults();

    let warnings = texts(&plan["plan_data"]["metadata"]["warnings"]);
    assert_eq!(warnings[0], "ignored preference `/pinned`: requires `broker`");
    assert_eq!(refused["/min_mode"], "requires `broker`");
    assert_eq!(refused.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn min_mode_conflicts_with_a_mode_of_the_profile() {
    let service = Service::start().await;
    let client = &service.client;
    let preferences = json!({"broker": "kite", "mode": "full", "modes": {"NSE:TCS": "ltp"}});
    let made = create(client, &with(profile("desk", "Opening", &["NSE:TCS"]), "preferences", preferences)).await;

    let faults = client.ask("desk", &json!({"profile_id": id(&made), "min_mode": "quote"})).await.faults();

    let detail = "mode of `NSE:TCS` in the profile: expected a mode that includes `min_mode` (`quote`), got `ltp`";
    assert_eq!(faults.into_iter().collect::<Vec<_>>(), [("/min_mode".to_owned(), detail.to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn include_accepts_only_subscriptions() {
    let service = Service::start().await;
    let client = &service.client;
    let request = with(body(&["NSE:TCS"]), "broker", "kite");
    let plan = client.post("plan?user_id=u&include=subscriptions", &request).await.json();
    let repeat = client.post("plan?user_id=u&include=subscriptions", &request).await.json();
    let without = client.plan("u", &request).await;
    let path = format!("plans/{}", plan["plan_id"].as_str().unwrap());

    let read_with = client.read(&format!("{path}?include=subscriptions")).await;
    let read_without = client.read(&path).await;
    let computed = client.post("plan?user_id=u&include=subscriptions", &with(request, "dry_run", true)).await.json();
    let posted = client.post("plan?user_id=u&include=all", &body(&["NSE:TCS"])).await.faults();
    let read = client.get(&format!("{path}?include=all")).await.faults();

    for answer in [&plan, &repeat, &read_with, &computed] {
        assert_eq!(answer["subscriptions"][0]["instrument"], "NSE:TCS", "{answer}");
    }
    assert_eq!(repeat["plan_id"], plan["plan_id"]);
    assert_eq!(without["plan_id"], plan["plan_id"]);
    assert!(without.get("subscriptions").is_none() && read_without.get("subscriptions").is_none());
    for faults in [posted, read] {
        assert_eq!(faults["/query/include"], "expected `subscriptions`, got `all`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pins_beyond_the_capacity_are_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    // The metrics of a separate process include only this test.
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    let keys = ["NSE:TCS", "NSE:INFY", "NSE:ITC", "NSE:SBIN", "NSE:LT"];
    let pinned = |count: usize| {
        let item = |key: &&str| json!({"instrument": key, "mode": "depth200", "min_mode": "depth200", "pinned": true});
        with(items(keys[..count].iter().map(item).collect()), "broker", "dhan")
    };

    for _ in 0..2 {
        let problem = client.ask("u", &pinned(5)).await.problem(409, "pinned_over_capacity");
        let errors = problem["errors"].as_array().expect("the arithmetic");
        assert!(!errors.is_empty() && errors.iter().all(|error| error["pointer"] == "/items"), "{problem}");
    }
    let keyed = async |count: usize| {
        let request = client.request(Method::POST, "plan?user_id=u").header("Idempotency-Key", "pins");
        Answer::to(request.json(&pinned(count))).await
    };
    keyed(5).await.problem(409, "pinned_over_capacity");
    client.ask("u", &with(pinned(5), "dry_run", true)).await.problem(409, "pinned_over_capacity");

    // One of the five connections carries full packets with the prices, so only four pins fit.
    let made = keyed(4).await.json();
    assert_eq!(texts(&made["plan_data"]["instruments"]).len(), 4);
    assert_eq!(client.metric_sum("instrument_registry_subscription_plans_created_total").await, 1.0);
    assert_eq!(client.read("plans?user_id=u").await["pagination"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_items_get_the_higher_mode() {
    let service = Service::start().await;
    let list = json!([{"instrument": "NSE:TCS", "mode": "ltp"}, {"instrument": "NSE:TCS", "mode": "full"}]);
    let request = with(items(list), "broker", "kite");

    let plan = service.client.post("plan?user_id=u&include=subscriptions", &request).await.json();

    assert_eq!(plan["subscriptions"][0]["mode"], "full");
    let warnings = texts(&plan["plan_data"]["metadata"]["warnings"]);
    assert!(warnings.iter().any(|warning| warning.contains("NSE:TCS")), "{warnings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_higher_priority_are_kept_without_a_broker() {
    let service = Service::start().await;
    let list = json!([{"instrument": "NSE:TCS"}, {"instrument": "NSE:INFY", "priority": 5}, {"instrument": "NSE:ITC"}]);

    for level in ["low", "moderate", "aggressive"] {
        let request = with(with(items(list.clone()), "max_instruments", 1), "optimization_level", level);
        let plan = &service.client.plan("u", &request).await["plan_data"];

        assert_eq!(texts(&plan["instruments"]), ["NSE:INFY"], "{level}");
    }
}
