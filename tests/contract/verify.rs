//! The comparison of a plan with the catalog of a later day.

use super::*;

const AT_KITE: [&str; 11] = [
    "NSE:NIFTY 50",
    "NSE:ITC",
    "NSE:OLDCO",
    "NSE:OLDNAME",
    "NSE:MOVED",
    "NFO:M&M31SEPFUT",
    "NFO:ITC31SEPFUT",
    "NFO:SBIN31SEPFUT",
    "NFO:NIFTY3190224350CE",
    "MCX:GOLDM31SEPFUT",
    "NSE:NOPE",
];

/// A service with Kite's first file, and the paths of plans of that file.
struct ServiceWithPlans {
    service: Service,
    at_kite: String,
    without_broker: String,
    of_history: String,
}

async fn service_with_plans() -> ServiceWithPlans {
    let service = empty_service(&[]).await;
    load(&service.client, "kite", "2025-01-15", kite_before()).await;
    until_served(&service.client, "1").await;
    let path_of = async |request: Value| {
        let answer = post("plan?user_id=u", &request).send(&service.client).await.json();
        format!("plans/{}", text(&answer["plan_id"]))
    };
    let request = with(plan_request(&AT_KITE), "filtering_strictness", "lenient");
    let at_kite = path_of(with(request.clone(), "broker", "kite")).await;
    let without_broker = path_of(request).await;
    let of_history = with(plan_request(&["NSE:TCS"]), "broker", "kite");
    let of_history = path_of(with(of_history, "subscription_type", "historical")).await;
    ServiceWithPlans { service, at_kite, without_broker, of_history }
}

impl ServiceWithPlans {
    /// Ingests Kite's file of the next day.
    async fn load_next(&self) {
        load(&self.service.client, "kite", "2025-01-16", kite_after()).await;
        until_served(&self.service.client, "2").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_answers() {
    let fixture = service_with_plans().await;
    let recorder = Recorder::new(&fixture.service.client);
    let verification = |path: &str| get(format!("{path}/verify"));

    recorder.record("verify_same_catalog", verification(&fixture.at_kite)).await;
    fixture.load_next().await;
    recorder.record("verify_next_catalog", verification(&fixture.at_kite)).await;
    recorder.record("verify_without_broker", verification(&fixture.without_broker)).await;
    recorder.record("verify_history", verification(&fixture.of_history)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_faults() {
    let fixture = service_with_plans().await;
    let recorder = Recorder::new(&fixture.service.client);

    recorder.record("verify_unknown_plan", get(format!("plans/{}/verify", unknown_id("plan")))).await;
    recorder.record("verify_unknown_parameter", get(format!("{}/verify?x=1", fixture.at_kite))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_plan_compares_the_catalogs() {
    let fixture = service_with_plans().await;
    let client = &fixture.service.client;
    let fields_of = |answer: &Answer| {
        let catalogue = answer.json()["plan"]["metadata"]["catalogue"].clone();
        ["version", "planned", "current", "stale_instruments"].map(|name| catalogue[name].clone())
    };
    let before = get(&fixture.at_kite).send(client).await;
    assert_eq!(fields_of(&before), [json!("1"), Value::Null, Value::Null, Value::Null]);

    fixture.load_next().await;

    let after = get(&fixture.at_kite).send(client).await;
    let verification = client.read(&format!("{}/verify", fixture.at_kite)).await;
    let stale = &verification["stale_instruments"];
    assert_eq!(stale, &json!(7));
    assert_eq!(fields_of(&after), [json!("1"), json!("1"), json!("2"), stale.clone()]);
    let including = client.read(&format!("{}?include=subscriptions", fixture.at_kite)).await;
    assert_eq!(including["plan"], after.json()["plan"], "the other way to the same plan");
    let mut plan = after.json()["plan"].clone();
    for added in ["planned", "current", "stale_instruments"] {
        plan["metadata"]["catalogue"].as_object_mut().unwrap().remove(added);
    }
    assert_eq!(plan, before.json()["plan"], "nothing else differs");
    let without_broker = get(&fixture.without_broker).send(client).await;
    assert_eq!(fields_of(&without_broker), [json!("1"), Value::Null, Value::Null, Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_etag_of_a_plan_changes_with_the_comparison() {
    let fixture = service_with_plans().await;
    let client = &fixture.service.client;
    let read = async |tag: &str| get(&fixture.at_kite).with_header("if-none-match", tag).send(client).await;
    let tag = get(&fixture.at_kite).send(client).await.header("etag").to_owned();
    assert_eq!(read(&tag).await.status, 304);

    fixture.load_next().await;

    let after = read(&tag).await;
    assert_eq!(after.status, 200);
    assert_eq!(read(after.header("etag")).await.status, 304);
}
