//! Faults of JSON bodies.

use registry_planning::vocabulary::{Broker, Mode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::http_profiles::PROFILES;
use crate::support::{Answer, Service, body, with};

async fn post(service: &Service, body: &Value) -> Answer {
    service.client.ask("u", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_body_and_query_are_reported_at_once() {
    let service = Service::start().await;
    let wrong = json!({
        "plan_name": 5, "subscription_type": ["live_feed"], "instruments": "NSE:TCS", "description": {},
        "optimization_level": true, "filtering_strictness": 1.5, "max_instruments": "10", "as_of": 20_260_817,
        "broker": "kites", "item": [], "dry_runs": true, "mode": "depth",
    });

    let answer = service.client.post("plan?user=u", &wrong).await;

    let faults = answer.faults();
    let reported: Vec<(&str, &str)> =
        faults.iter().map(|(pointer, detail)| (pointer.as_str(), detail.as_str())).collect();
    assert_eq!(
        reported,
        [
            ("/as_of", "expected a date as YYYY-MM-DD, got 20260817"),
            ("/broker", &format!("expected one of {}, got `kites`", Broker::WORDS)),
            ("/description", "expected a string, got an object"),
            ("/dry_runs", "unknown field"),
            ("/filtering_strictness", "expected one of lenient, moderate, strict, got 1.5"),
            ("/instruments", "expected an array of strings, got a string"),
            ("/item", "unknown field"),
            ("/max_instruments", "expected an integer from 1 to 4294967295, got the string `10`"),
            ("/mode", &format!("expected one of {}, got `depth`", Mode::WORDS)),
            ("/optimization_level", "expected one of low, moderate, aggressive, got true"),
            ("/plan_name", "expected a string, got a number"),
            ("/query/user", "unknown parameter"),
            ("/query/user_id", "is required"),
            ("/subscription_type", "expected one of live_feed, historical, alerts, got an array"),
        ]
    );
    assert_eq!(answer.problem(422, "validation_failed")["detail"], "validation failed with 14 errors; see `errors`");
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_and_null_required_fields_are_reported() {
    let service = Service::start().await;
    let nulls = json!({"plan_name": null, "subscription_type": null, "instruments": null});

    for request in [json!({}), nulls] {
        let faults = post(&service, &request).await.faults();

        let required = ["/instruments", "/plan_name", "/subscription_type"];
        assert_eq!(faults.keys().collect::<Vec<_>>(), required);
        assert_eq!(faults["/instruments"], "expected exactly one of `instruments`, `items`, `profile_id`, `selectors`");
        assert!(faults.values().skip(1).all(|detail| detail == "is required"), "{faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_an_object_is_rejected() {
    let service = Service::start().await;

    for (request, kind) in [
        (json!(null), "null"),
        (json!([]), "an array"),
        (json!([{}]), "an array"),
        (json!("text"), "a string"),
        (json!(5), "a number"),
        (json!(true), "a boolean"),
    ] {
        let answer = post(&service, &request).await;

        let detail = format!("expected an object, got {kind}");
        let problem = answer.problem(422, "validation_failed");
        assert_eq!(problem["detail"], format!("request body: {detail}"));
        assert_eq!(answer.faults().into_iter().collect::<Vec<_>>(), [(String::new(), detail)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_fields_are_unknown() {
    let service = Service::start().await;

    for field in ["brokers", "lease_seconds", "user_id", "Plan_name"] {
        for value in [json!("x"), Value::Null] {
            let faults = post(&service, &with(body(&["NSE:TCS"]), field, value)).await.faults();

            assert_eq!(faults.into_iter().collect::<Vec<_>>(), [(format!("/{field}"), "unknown field".to_owned())]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pointers_are_escaped() {
    let service = Service::start().await;

    assert_eq!(post(&service, &with(body(&["NSE:TCS"]), "a/b~c", 1)).await.pointers(), ["/a~1b~0c"]);
    assert_eq!(post(&service, &with(body(&["NSE:TCS"]), "", 1)).await.pointers(), ["/"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicate_fields_are_rejected() {
    let service = Service::start().await;
    let whole = with(body(&["NSE:TCS"]), "as_of", "2026-08-17").to_string();

    for (field, value) in [
        ("plan_name", "\"other\""),
        ("instruments", "[\"NSE:INFY\"]"),
        ("subscription_type", "\"live_feed\""),
        ("as_of", "null"),
        // The same name with an escape sequence.
        ("plan\\u005fname", "\"other\""),
    ] {
        let twice = format!("{},\"{field}\":{value}}}", &whole[..whole.len() - 1]);
        let faults = service.client.post_text("plan?user_id=u", twice).await.faults();

        let pointer = format!("/{}", field.replace("\\u005f", "_"));
        assert_eq!(faults.into_iter().collect::<Vec<_>>(), [(pointer, "duplicate field".to_owned())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_keys_has_1_to_5000_items() {
    let service = Service::start().await;
    let many = vec!["NSE:TCS"; 5001];

    for (keys, detail) in [(&[][..], "expected 1 to 5000 items, got 0"), (&many, "expected 1 to 5000 items, got 5001")]
    {
        let faults = post(&service, &body(keys)).await.faults();

        assert_eq!(faults["/instruments"], detail);
        assert_eq!(faults.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_invalid_key_is_reported() {
    let service = Service::start().await;
    let long = "NSE:".to_owned() + &"A".repeat(97);
    let long_in_characters = "NSE:".to_owned() + &"ä".repeat(97);

    let faults = post(&service, &body(&["NSE:TCS", "", &long, "bad", &long_in_characters])).await.faults();

    let reported: Vec<(&str, &str)> =
        faults.iter().map(|(pointer, detail)| (pointer.as_str(), detail.as_str())).collect();
    assert_eq!(
        reported,
        [
            ("/instruments/1", "expected 1 to 100 characters, got 0"),
            ("/instruments/2", "expected 1 to 100 characters, got 101"),
            ("/instruments/4", "expected 1 to 100 characters, got 101"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_that_is_not_a_string_is_reported() {
    let service = Service::start().await;
    let items = json!([1, "NSE:TCS", null, {"key": "NSE:TCS"}, ["NSE:TCS"], false]);

    let answer = post(&service, &with(body(&[]), "instruments", items)).await;

    let pointers = [0, 2, 3, 4, 5].map(|at| format!("/instruments/{at}"));
    assert_eq!(answer.pointers(), pointers);
    assert_eq!(answer.faults()["/instruments/2"], "expected a string, got null");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_items_beyond_100_are_counted() {
    let service = Service::start().await;

    let answer = post(&service, &body(&vec![""; 5000])).await;

    let faults = answer.faults();
    assert_eq!(faults.len(), 101);
    assert_eq!(answer.problem(422, "validation_failed")["detail"], "validation failed with 5000 errors; see `errors`");
    assert_eq!(faults["/instruments"], "and 4900 more invalid items");
    assert!(faults.contains_key("/instruments/0") && faults.contains_key("/instruments/99"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_name_has_1_to_255_characters() {
    let service = Service::start().await;

    for (name, characters) in [(String::new(), 0), ("a".repeat(256), 256), ("行".repeat(256), 256)] {
        let faults = post(&service, &with(body(&["NSE:TCS"]), "plan_name", name)).await.faults();

        assert_eq!(faults["/plan_name"], format!("expected 1 to 255 characters, got {characters}"));
        assert_eq!(faults.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strings_must_be_unicode_without_nul() {
    let service = Service::start().await;

    for field in ["plan_name", "description"] {
        let zero = post(&service, &with(body(&["NSE:TCS"]), field, "a\0b")).await;
        let text = with(body(&["NSE:TCS"]), field, "half").to_string().replace("\"half\"", "\"\\ud800\"");
        let half = service.client.post_text("plan?user_id=u", text).await;

        assert_eq!(zero.pointers(), [format!("/{field}")]);
        assert_eq!(half.pointers(), [format!("/{field}")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn max_instruments_is_an_integer_from_1() {
    let service = Service::start().await;
    let template = with(body(&["NSE:TCS"]), "max_instruments", 987_654_321).to_string();

    let numbers = ["0", "-1", "1.5", "4294967296", "1e20", "123456789012345678901234567890"].map(|text| (text, text));
    for (value, got) in numbers.into_iter().chain([("true", "true"), ("\"5\"", "the string `5`"), ("[]", "an array")]) {
        let text = template.replace("987654321", value);
        let faults = service.client.post_text("plan?user_id=u", text).await.faults();

        assert_eq!(faults["/max_instruments"], format!("expected an integer from 1 to 4294967295, got {got}"));
        assert_eq!(faults.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn integers_may_be_written_as_floating_point() {
    let service = Service::start().await;
    let template = with(body(&["NSE:TCS"]), "max_instruments", 987_654_321).to_string();

    for (value, max) in [("7.0", 7), ("1e2", 100), ("2.50e1", 25)] {
        let answer = service.client.post_text("plan?user_id=u", template.replace("987654321", value)).await;

        assert_eq!(answer.json()["plan_data"]["metadata"]["max_instruments"], max, "{value}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn null_instruments_equal_absent_instruments() {
    let service = Service::start().await;
    let client = &service.client;
    let profile =
        json!({"user_id": "u", "profile_name": "p", "subscription_type": "live_feed", "instruments": ["NSE:TCS"]});
    let profile = client.post(PROFILES, &profile).await.json();
    let id = profile["profile_id"].as_str().expect("an id");

    let plan = client.post("plan?user_id=u", &json!({"profile_id": id, "instruments": null})).await;
    let change = json!({"profile_name": "q", "instruments": null});
    let changed = Answer::to(client.request(Method::PUT, &format!("{PROFILES}/{id}")).json(&change)).await;

    assert_eq!(plan.json()["plan_data"]["instruments"], json!(["NSE:TCS"]), "{}", plan.text);
    assert_eq!(changed.json()["profile"]["instruments"], json!(["NSE:TCS"]), "{}", changed.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_are_accepted_only_as_year_month_day() {
    let service = Service::start().await;
    let wrong = [
        "2026-02-30",
        "2026-2-3",
        "2026-13-01",
        "2026-00-10",
        "",
        "today",
        "17-08-2026",
        "2026/08/17",
        "20260817",
        "2026-08-17T00:00:00Z",
        " 2026-08-17",
        "2026-08-17 ",
        "2026- 8-17",
        "+2026-8-17",
        " 2026-8-17",
        "2026-8-017",
        "２026-08-1",
    ];

    for date in wrong.map(Value::from).into_iter().chain([json!(20_260_817), json!(["2026-08-17"]), json!(false)]) {
        let faults = post(&service, &with(body(&["NSE:TCS"]), "as_of", date.clone())).await.faults();

        let got = match &date {
            Value::String(text) if text.is_empty() => "an empty string".to_owned(),
            Value::String(text) => format!("`{text}`"),
            Value::Array(_) => "an array".to_owned(),
            other => other.to_string(),
        };
        assert_eq!(faults["/as_of"], format!("expected a date as YYYY-MM-DD, got {got}"));
        assert_eq!(faults.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_enum_values_are_rejected_with_the_allowed_ones() {
    let service = Service::start().await;

    for (field, allowed) in [
        ("subscription_type", "live_feed, historical, alerts"),
        ("optimization_level", "low, moderate, aggressive"),
        ("filtering_strictness", "lenient, moderate, strict"),
    ] {
        for (word, got) in [("", "an empty string"), ("LOW", "`LOW`"), ("none", "`none`"), (" low", "` low`")] {
            let faults = post(&service, &with(body(&["NSE:TCS"]), field, word)).await.faults();

            assert_eq!(faults[&format!("/{field}")], format!("expected one of {allowed}, got {got}"));
            assert_eq!(faults.len(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_invalid_values_are_truncated_in_errors() {
    let service = Service::start().await;

    let faults = post(&service, &with(body(&["NSE:TCS"]), "optimization_level", "ä".repeat(100_000))).await.faults();

    assert_eq!(
        faults["/optimization_level"],
        format!("expected one of low, moderate, aggressive, got `{}…`", "ä".repeat(40))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn describe_and_cleanup_validate_their_bodies() {
    let service = Service::start().await;
    let plan = service.client.plan("u", &body(&["NSE:TCS"])).await;
    let describe = format!("plan/{}/describe", plan["plan_id"].as_str().unwrap());

    for (path, request, pointers) in [
        (describe.as_str(), json!({"description_level": "brief"}), &["/description_level"][..]),
        (&describe, json!({"description_level": 3, "language": "en"}), &["/description_level", "/language"]),
        (&describe, json!([]), &[""]),
        ("planner/cleanup", json!({"retention_days": 1}), &["/retention_days"]),
        ("planner/cleanup", json!(null), &[""]),
    ] {
        assert_eq!(service.client.post(path, &request).await.pointers(), pointers, "{request}");
    }
}
