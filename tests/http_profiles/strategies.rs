//! Conflicts, and how each strategy resolves them.

use serde_json::{Value, json};

use super::{PROFILES, create, id, post, profile, put};
use crate::support::{Service, texts, with};

const STRATEGY: &str = "INSTRUMENT_REGISTRY_CONFLICT_RESOLUTION_STRATEGY";
const MAXIMUM: &str = "INSTRUMENT_REGISTRY_MAX_SUBSCRIPTIONS_PER_USER";

async fn is_active(service: &Service, id: &str) -> bool {
    let read = service.client.read(&format!("{PROFILES}/{id}")).await;
    read["profile"]["is_active"].as_bool().expect("it is true or false")
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_wins_deactivates_duplicates_and_the_oldest() {
    let service = Service::with(&[(MAXIMUM, "2")]).await;
    let client = &service.client;
    let oldest = create(client, &profile("desk", "A", &["NSE:TCS"])).await;
    let overlapping = create(client, &profile("desk", "B", &["NSE:INFY", "NSE:SBIN"])).await;

    let third = create(client, &profile("desk", "C", &["NSE:INFY", "NSE:ITC"])).await;
    let fourth = create(client, &profile("desk", "D", &["NSE:RELIANCE"])).await;
    let same = create(client, &profile("desk", "E", &["NSE:RELIANCE"])).await;

    assert_eq!(third["deactivated_profiles"], json!([id(&overlapping)]), "overlapping profiles before the oldest one");
    assert_eq!(fourth["deactivated_profiles"], json!([id(&oldest)]));
    assert_eq!(same["deactivated_profiles"], json!([id(&fourth)]));
    assert_eq!(same["conflicts"][0]["conflict_type"], "duplicate_subscription");
    assert_eq!(third["conflicts_resolved"], 1);
    assert_eq!(third["conflicts"][0]["status"], "resolved");
    let mut active = Vec::new();
    for profile in [&oldest, &overlapping, &third, &fourth, &same] {
        active.push(is_active(&service, id(profile)).await);
    }
    assert_eq!(active, [false, false, true, false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_wins_stores_but_never_plans_invalid_instruments() {
    let service = Service::start().await;
    let client = &service.client;

    let made = create(client, &profile("desk", "A", &["NSE:TCS", "NSE:RELIANCEE"])).await;
    let plan = client.plan("desk", &json!({"profile_id": id(&made)})).await;
    let lenient = client.plan("desk", &json!({"profile_id": id(&made), "filtering_strictness": "lenient"})).await;

    let conflict = &made["conflicts"][0];
    assert_eq!(conflict["conflict_type"], "invalid_instrument");
    assert_eq!(conflict["conflict_data"]["count"], 1);
    let help = &conflict["conflict_data"]["instruments"][0];
    assert_eq!(help["suggestions"][0], "NSE:RELIANCE", "{help}");
    assert_eq!(made["profile"]["instrument_count"], 2);
    for plan in [plan, lenient] {
        assert_eq!(texts(&plan["plan_data"]["instruments"]), ["NSE:TCS"], "whatever strictness is asked for");
        assert_eq!(plan["plan_data"]["rejected"][0]["reason"], "unknown");
    }
    let log = client.read(&format!("{PROFILES}/{}/audit", id(&made))).await;
    let settled = &log["entries"][0];
    assert_eq!(settled["action"], "resolve_conflict");
    assert_eq!(settled["new_data"]["conflict_id"], conflict["conflict_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_validation_excludes_inactive_instruments() {
    let service = Service::start().await;
    let client = &service.client;
    // The second file does not contain the instrument of the first one.
    for symbol in ["TCS", "INFY"] {
        let row = format!("1,1,{symbol},{symbol},0,,0,0.05,1,EQ,NSE,NSE\n");
        let header = "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,\
                      instrument_type,segment,exchange\n";
        let path = "/api/v1/internal/instrument-registry/brokers/kite/ingest?force=true";
        let request = client.request(reqwest::Method::POST, path).header("Content-Type", "application/octet-stream");
        let job = crate::support::Answer::to(request.body(format!("{header}{row}"))).await.json();
        let job = format!("/api/v1/internal/instrument-registry/jobs/{}", job["job_id"].as_str().expect("an id"));
        crate::support::eventually("the file is loaded", crate::support::SOON, async || {
            (client.read(&job).await["status"] == "completed").then_some(())
        })
        .await;
    }
    // The service serves a file shortly after it accepted it.
    crate::support::eventually("the second file is served", crate::support::SOON, async || {
        let summary = client.read("/api/v1/internal/instrument-registry/catalog/summary").await;
        (summary["inactive_instruments"] == 1).then_some(())
    })
    .await;

    let made = create(client, &profile("desk", "A", &["NSE:TCS", "NSE:INFY"])).await;
    let plan = client.plan("desk", &json!({"profile_id": id(&made), "filtering_strictness": "moderate"})).await;

    assert_eq!(made["conflicts"][0]["conflict_data"]["instruments"][0]["reason"], "inactive");
    assert_eq!(texts(&plan["plan_data"]["instruments"]), ["NSE:INFY"]);
    assert_eq!(plan["plan_data"]["rejected"][0]["reason"], "inactive");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_maximum_does_not_deactivate_on_edits() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let first = crate::support::Process::start(folder.path(), &[(STRATEGY, "fail_on_conflict")]).await;
    let one = create(&first.client, &profile("desk", "A", &["NSE:TCS"])).await;
    create(&first.client, &profile("desk", "B", &["NSE:INFY"])).await;
    drop(first);

    let lower = [(STRATEGY, "latest_wins"), (MAXIMUM, "1")];
    let second = crate::support::Process::start(folder.path(), &lower).await;
    let edited = put(&second.client, id(&one), &json!({"profile_name": "AA"})).await.json();

    assert_eq!(edited["deactivated_profiles"], json!([]));
    let active = second.client.read(&format!("{PROFILES}/users/desk/profiles?is_active=true")).await;
    assert_eq!(active["pagination"]["total"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_validates_instruments_of_the_merged_profile() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let loose = [(STRATEGY, "merge"), ("INSTRUMENT_REGISTRY_PROFILE_VALIDATION_STRICT", "false")];
    let first = crate::support::Process::start(folder.path(), &loose).await;
    create(&first.client, &profile("desk", "A", &["NSE:TCS", "NSE:ITC", "NSE:INFY", "NSE:SBIN", "NSE:NOPE"])).await;
    drop(first);

    let second = crate::support::Process::start(folder.path(), &[(STRATEGY, "merge")]).await;
    let united = create(&second.client, &profile("desk", "B", &["NSE:TCS", "NSE:ITC", "NSE:INFY", "NSE:SBIN"])).await;

    assert_eq!(united["profile"]["instrument_count"], 4);
    let kinds: Vec<_> =
        united["conflicts"].as_array().expect("a list").iter().map(|one| &one["conflict_type"]).collect();
    assert_eq!(kinds, ["duplicate_subscription", "invalid_instrument"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_removes_invalid_instruments_and_unites_overlaps() {
    let service = Service::with(&[(STRATEGY, "merge"), (MAXIMUM, "1")]).await;
    let client = &service.client;
    let first = create(client, &profile("desk", "A", &["NSE:TCS", "NSE:INFY"])).await;

    let united = create(client, &profile("desk", "B", &["NSE:INFY", "NSE:ITC", "NSE:NOPE"])).await;
    let refused = client.post(PROFILES, &profile("desk", "C", &["NSE:SBIN"])).await;

    let read = client.read(&format!("{PROFILES}/{}", id(&united))).await;
    assert_eq!(texts(&read["profile"]["instruments"]), ["NSE:INFY", "NSE:ITC", "NSE:TCS"]);
    assert_eq!(united["deactivated_profiles"], json!([id(&first)]));
    let problem = refused.problem_with_conflicts(409, "limit_exceeded");
    assert_eq!(problem["conflicts"][0]["status"], "failed");
    assert_eq!(problem["errors"][0]["pointer"], "/user_id");
    assert!(is_active(&service, id(&united)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_on_conflict_records_conflicts_for_manual_resolution() {
    let service = Service::with(&[(STRATEGY, "fail_on_conflict"), (MAXIMUM, "1")]).await;
    let client = &service.client;
    create(client, &profile("desk", "A", &["NSE:TCS"])).await;

    let refused = client.post(PROFILES, &profile("desk", "B", &["NSE:TCS", "NSE:NOPE"])).await;

    let problem = refused.problem_with_conflicts(409, "profile_conflict");
    let kinds = |list: &Value| -> Vec<String> {
        let mut kinds: Vec<String> = list
            .as_array()
            .expect("a list")
            .iter()
            .map(|conflict| conflict["conflict_type"].as_str().expect("a word").to_owned())
            .collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds(&problem["conflicts"]), ["invalid_instrument", "limit_exceeded"]);
    let list = format!("{PROFILES}/conflicts/users/desk");
    let pending = client.read(&format!("{list}?status=pending")).await;
    assert_eq!(kinds(&pending["conflicts"]).len(), 2);
    assert_eq!(pending["pagination"]["total"], 2);
    let profiles = client.read(&format!("{PROFILES}/users/desk/profiles")).await;
    assert_eq!(profiles["pagination"]["total"], 1);

    let limit = client.read(&format!("{list}?conflict_type=limit_exceeded")).await;
    let conflict_id = limit["conflicts"][0]["conflict_id"].as_str().expect("an id").to_owned();
    let path = format!("{PROFILES}/conflicts/{conflict_id}/resolve");
    let settled = client.post(&path, &json!({"note": "told the desk"})).await.json();
    assert_eq!(settled["conflict"]["status"], "resolved");
    assert_eq!(settled["conflict"]["resolution_strategy"], "manual");
    assert_eq!(settled["conflict"]["resolution_data"]["note"], "told the desk");
    client.post(&path, &json!({})).await.problem(409, "conflict_not_pending");
    assert_eq!(client.read(&format!("{list}?status=pending")).await["pagination"]["total"], 1);
    let unknown = format!("conflicts/conflict_{}/resolve", "0".repeat(32));
    post(client, &unknown).await.problem(404, "not_found");
    // The profile does not exist, but its audit log contains the resolution of the conflict.
    let profile_id = settled["conflict"]["profile_id"].as_str().expect("an id");
    let log = client.read(&format!("{PROFILES}/{profile_id}/audit")).await;
    assert_eq!(log["entries"][0]["action"], "resolve_conflict");
    assert_eq!(log["pagination"]["total"], 1);
    assert_eq!(log["entries"][0]["actor"]["user_id"], "desk");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_strategy_rejects_too_many_instruments() {
    for strategy in ["latest_wins", "merge", "fail_on_conflict"] {
        let service = Service::with(&[(STRATEGY, strategy)]).await;
        let client = &service.client;
        let summary = client.read("/api/v1/internal/instrument-registry/instruments?exchange=NSE&limit=51").await;
        let keys: Vec<&str> = summary["instruments"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|instrument| instrument["instrument_key"].as_str().expect("a key"))
            .collect();
        assert_eq!(keys.len(), 51);

        let of_type = client.post(PROFILES, &profile("desk", "A", &keys)).await;
        let own = client.post(PROFILES, &with(profile("desk", "B", &keys[..3]), "max_instruments", 2)).await;

        let problem = of_type.problem_with_conflicts(409, "limit_exceeded");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("at most 50 instruments") && detail.contains("got 51")),
            "{problem}"
        );
        own.problem_with_conflicts(409, "limit_exceeded");
        create(client, &with(profile("desk", "C", &keys), "subscription_type", "alerts")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_rules_of_the_profile_apply_without_strict_validation() {
    let service = Service::with(&[("INSTRUMENT_REGISTRY_PROFILE_VALIDATION_STRICT", "false")]).await;
    let client = &service.client;
    let rules = json!({"allowed_exchanges": ["NSE"], "allowed_types": ["EQ"]});

    let plain = create(client, &profile("desk", "A", &["NSE:TCS", "NSE:NOPE"])).await;
    let ruled = with(profile("desk", "B", &["NSE:INFY", "BSE:INFY", "NSE:NIFTY 50"]), "validation_rules", rules);
    let ruled = create(client, &ruled).await;
    let plan = client.plan("desk", &json!({"profile_id": id(&ruled)})).await;

    assert_eq!(plain["conflicts_resolved"], 0);
    assert_eq!(ruled["conflicts"][0]["conflict_data"]["count"], 2);
    assert_eq!(texts(&plan["plan_data"]["instruments"]), ["NSE:INFY"]);
    let reasons: Vec<_> =
        plan["plan_data"]["rejected"].as_array().expect("a list").iter().map(|r| &r["reason"]).collect();
    assert_eq!(reasons, ["not_allowed", "not_allowed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_and_activations_detect_conflicts() {
    let service = Service::with(&[(STRATEGY, "fail_on_conflict"), (MAXIMUM, "2")]).await;
    let client = &service.client;
    let first = create(client, &profile("desk", "A", &["NSE:TCS"])).await;
    let second = create(client, &profile("desk", "B", &["NSE:INFY"])).await;

    let clash = put(client, id(&second), &json!({"instruments": ["NSE:TCS"]})).await;
    clash.problem_with_conflicts(409, "duplicate_subscription");
    super::delete(client, id(&first)).await.json();
    put(client, id(&second), &json!({"instruments": ["NSE:TCS"]})).await.json();
    let back = post(client, &format!("{}/activate", id(&first))).await;

    back.problem_with_conflicts(409, "duplicate_subscription");
    assert!(!is_active(&service, id(&first)).await);
    let read = client.read(&format!("{PROFILES}/{}", id(&second))).await;
    assert_eq!(read["profile"]["version"], 2);
    assert_eq!(read["profile"]["instruments"], json!(["NSE:TCS"]));
}
