//! The subscriptions of a plan at a broker.

use serde_json::Value;

use super::*;

/// Returns a request for a plan at Dhan. The demonstration catalog has no tokens of Dhan.
fn at_dhan(keys: &[&str]) -> Value {
    with(body(keys), "broker", "dhan")
}

fn texts<'a>(entries: &'a Value, field: &str) -> Vec<&'a str> {
    let entries = entries.as_array().expect("the response has a list");
    entries.iter().map(|entry| entry[field].as_str().expect("the field is a string")).collect()
}

/// The list of all contracts of the demonstration catalog is larger than one portion of a response.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_list_of_subscriptions_is_complete() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "5000")]).await;
    let request = json!({
        "plan_name": "All contracts", "subscription_type": "live_feed", "broker": "dhan",
        "selectors": [{"exchanges": ["NFO"]}, {"exchanges": ["BFO"]}],
    });
    let plan = service.client.plan("u", &request).await;
    let path = format!("plans/{}/subscriptions", plan["plan_id"].as_str().unwrap());

    let answer = service.client.get(&path).await;

    assert_eq!(answer.header("Content-Length"), "", "sent in portions");
    let list = answer.json();
    let mut sent = texts(&list["subscriptions"], "instrument");
    sent.sort_unstable();
    let instruments = plan["plan_data"]["instruments"].as_array().unwrap();
    let mut expected: Vec<&str> = instruments.iter().map(|key| key.as_str().unwrap()).collect();
    expected.sort_unstable();
    assert!(expected.len() > 3000, "{}", expected.len());
    assert_eq!(sent, expected);
    assert!(list["subscriptions"].as_array().unwrap().iter().all(|entry| entry["broker_token"].is_null()));
    assert_eq!(fields(&list), ["broker", "correlation_id", "format", "response_time_ms", "subscriptions"]);
}

/// The response is too large to be serialized on the threads that serve requests.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_plan_includes_its_subscriptions() {
    for is_legacy in ["false", "true"] {
        let settings = [
            ("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "5000"),
            ("INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING", is_legacy),
        ];
        let service = Service::with(&settings).await;
        let request = json!({
            "plan_name": "All contracts", "subscription_type": "live_feed", "broker": "dhan",
            "selectors": [{"exchanges": ["NFO"]}, {"exchanges": ["BFO"]}],
        });
        let including = "plan?user_id=u&include=subscriptions";

        let computed = service.client.post(including, &with(request.clone(), "dry_run", true)).await.json();
        let created = service.client.post(including, &request).await.json();
        let repeated = service.client.post(including, &request).await.json();

        let path = format!("plans/{}", created["plan_id"].as_str().unwrap());
        let read = service.client.read(&format!("{path}?include=subscriptions")).await;
        let list = service.client.read(&format!("{path}/subscriptions")).await["subscriptions"].clone();
        let instruments = read["plan"]["instruments"].clone();
        assert!(instruments.as_array().unwrap().len() > 3000);
        for answer in [&computed, &created, &repeated, &read] {
            assert_eq!(answer["subscriptions"], list);
        }
        for answer in [&computed, &created, &repeated] {
            let of_plan = &answer["plan_data"]["instruments"];
            let decoded = of_plan.as_str().map(|text| serde_json::from_str(text).unwrap());
            assert_eq!(of_plan.is_string(), is_legacy == "true");
            assert_eq!(decoded.unwrap_or_else(|| of_plan.clone()), instruments);
        }
        let described = service.client.post(&format!("plan/{}/describe", &path["plans/".len()..]), &json!({})).await;
        let count = instruments.as_array().unwrap().len();
        assert_eq!(described.json()["instrument_analysis"]["total_instruments"], count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_its_own_subscriptions() {
    let service = Service::start().await;
    let request = with(at_dhan(&["NSE:TCS", "NSE:INFY", "NSE:ITC"]), "connections", 2);
    let plan = service.client.plan("u", &request).await;
    let path = format!("plans/{}/subscriptions", plan["plan_id"].as_str().unwrap());

    let all = service.client.read(&path).await["subscriptions"].clone();
    let first = service.client.read(&format!("{path}?connection=1")).await["subscriptions"].clone();
    let second = service.client.read(&format!("{path}?connection=2&format=json")).await["subscriptions"].clone();

    assert_eq!(all.as_array().unwrap().len(), 3);
    let together: Vec<&Value> = first.as_array().unwrap().iter().chain(second.as_array().unwrap()).collect();
    assert_eq!(all.as_array().unwrap().iter().collect::<Vec<_>>(), together);
    assert!(first.as_array().unwrap().iter().all(|entry| entry["connection"] == 1), "{first}");
    assert!(second.as_array().unwrap().iter().all(|entry| entry["connection"] == 2), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_include_their_subscriptions_on_request() {
    let service = Service::start().await;
    let request = at_dhan(&["NSE:TCS", "NSE:INFY"]);

    let created = service.client.post("plan?user_id=u&include=subscriptions", &request).await.json();
    let repeated = service.client.post("plan?user_id=u&include=subscriptions", &request).await.json();
    let plain = service.client.plan("u", &request).await;

    let path = format!("plans/{}", created["plan_id"].as_str().unwrap());
    let list = service.client.read(&format!("{path}/subscriptions")).await["subscriptions"].clone();
    let read = service.client.read(&format!("{path}?include=subscriptions")).await;
    assert_eq!(created["subscriptions"], list);
    assert_eq!(repeated["subscriptions"], list);
    assert_eq!(read["subscriptions"], list);
    assert_eq!(repeated["status"], "cached");
    assert_eq!(plain["plan_data"], created["plan_data"]);
    assert!(plain.get("subscriptions").is_none());
    assert!(service.client.read(&path).await.get("subscriptions").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_that_do_not_exist_cannot_be_included() {
    let service = Service::start().await;
    let client = &service.client;
    let without_broker = body(&["NSE:TCS"]);
    let historical = with(at_dhan(&["NSE:TCS"]), "subscription_type", "historical");
    for (request, code) in [(without_broker, "plan_without_broker"), (historical, "plan_without_subscriptions")] {
        let including = "plan?user_id=u&include=subscriptions";
        let keyed = client.request(Method::POST, including).header("Idempotency-Key", "k").json(&request);

        client.post(including, &request).await.problem(409, code);
        client.post(including, &with(request.clone(), "dry_run", true)).await.problem(409, code);
        Answer::to(keyed).await.problem(409, code);
        assert_eq!(client.read("plans?user_id=u").await["pagination"]["total"], 0, "no plan was created");

        let plan = client.plan("other", &request).await;
        let path = format!("plans/{}", plan["plan_id"].as_str().unwrap());
        client.get(&format!("{path}?include=subscriptions")).await.problem(409, code);
        client.get(&format!("{path}/subscriptions")).await.problem(409, code);
    }
}
