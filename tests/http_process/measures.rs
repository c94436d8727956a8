//! The metrics. Each test starts its own process, because a process has one recorder.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::http_profiles::{PROFILES, id, profile, put};
use crate::support::{Answer, BASE, CATALOG_VERSIONS, Process, REGISTRY, SOON, body, eventually, with};

/// Returns name, labels and value of every line that is not a comment.
pub(crate) fn series(text: &str) -> Vec<(&str, &str, f64)> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a line ends in its value");
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            (name, labels.trim_end_matches('}'), value.parse().expect("a value is a number"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_starts_at_0() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;

    let text = service.client.get("/metrics").await.text;

    let series = series(&text);
    let count = |name: &str| series.iter().filter(|(other, ..)| *other == name).count();
    let name = |rest: &str| format!("instrument_registry_{rest}");
    for (metric, labels) in [
        ("http_requests_total", 63 * 4),
        ("http_request_duration_seconds_count", 2),
        ("subscription_plans_created_total", 18),
        ("plans_created_by_broker_total", 13),
        ("subscription_plan_descriptions_generated_total", 6),
        ("subscription_plan_cache_operations_total", 7),
        ("subscription_plan_optimization_duration_seconds_count", 3),
        ("subscription_plans_active", 3),
        ("broker_tokens_active", 9),
        ("catalogue_refusals_total", 9 * 12),
        ("lookups_total", 18),
        ("ingestion_jobs_total", 9 * 3 * 3),
        ("cache_operations_total", 10),
        ("profile_changes_total", 7 * 6),
        ("subscription_plan_conflicts_total", 3 * 4),
        ("dependency_request_failures_total", 3 * 3),
    ] {
        assert_eq!(count(&name(metric)), labels, "{metric}");
        let values = series.iter().filter(|(other, ..)| *other == name(metric)).map(|(.., value)| *value);
        assert_eq!(values.sum::<f64>(), 0.0, "{metric}");
        let described = name(metric.trim_end_matches("_count"));
        assert!(text.contains(&format!("# HELP {described} ")), "{metric}");
    }
    for depth in ["actor_mailbox_depth", "actor_restarts_total", "actor_mailbox_overloaded_total"] {
        assert!(count(&name(depth)) >= 5, "{depth}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    let request = with(body(&["NSE:TCS"]), "optimization_level", "aggressive");
    let plan = client.plan("counted", &request).await;
    client.plan("counted", &request).await;
    let describe = format!("plan/{}/describe", plan["plan_id"].as_str().unwrap());
    client.post(&describe, &json!({"description_level": "basic"})).await.json();
    client.post("plan/plan_0/describe", &json!({"description_level": "basic"})).await.problem(404, "not_found");

    let metric = async |rest: &str| client.metric(&format!("instrument_registry_{rest}")).await.unwrap();

    let created =
        "subscription_plans_created_total{optimization_level=\"aggressive\",filtering_strictness=\"moderate\"";
    assert_eq!(metric(&format!("{created},status=\"success\"}}")).await, 1.0);
    assert_eq!(metric(&format!("{created},status=\"error\"}}")).await, 0.0);
    let cache = "subscription_plan_cache_operations_total";
    assert_eq!(metric(&format!("{cache}{{operation=\"get\",status=\"hit\"}}")).await, 1.0);
    assert_eq!(metric(&format!("{cache}{{operation=\"get\",status=\"miss\"}}")).await, 1.0);
    assert_eq!(metric(&format!("{cache}{{operation=\"set\",status=\"success\"}}")).await, 1.0);
    let descriptions = "subscription_plan_descriptions_generated_total{description_level=\"basic\"";
    assert_eq!(metric(&format!("{descriptions},status=\"success\"}}")).await, 1.0);
    assert_eq!(metric(&format!("{descriptions},status=\"error\"}}")).await, 1.0);
    let optimization = "subscription_plan_optimization_duration_seconds_count{optimization_level=\"aggressive\"}";
    assert_eq!(metric(optimization).await, 1.0);
    let plans = format!("{{method=\"POST\",endpoint=\"{BASE}/plan\"");
    assert_eq!(metric(&format!("http_requests_total{plans},status=\"200\"}}")).await, 2.0);
    assert_eq!(metric(&format!("http_request_duration_seconds_count{plans}}}")).await, 2.0);
    for (actor, message) in [("persistence", "save"), ("cache", "inserted")] {
        let labels = format!("{{actor=\"{actor}\",message=\"{message}\"}}");
        assert_eq!(metric(&format!("actor_mailbox_wait_seconds_count{labels}")).await, 1.0, "{actor}");
        assert_eq!(metric(&format!("actor_mailbox_depth{{actor=\"{actor}\"}}")).await, 0.0, "{actor}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_have_known_values_and_contain_no_ids() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    let plan = client.plan("somebody", &body(&["NSE:TCS"])).await;
    let id = plan["plan_id"].as_str().unwrap();
    client.read(&format!("plans/{id}")).await;
    client.post_text(&format!("plan/{id}/describe"), "").await.json();
    for path in ["/nothing/at-all", "plans/plan_made_up", "plans?user_id=somebody", "/api/v1/somebody"] {
        client.get(path).await;
    }
    for path in ["instruments/NSE:TCS", "instruments/sought", "brokers/sought/tokens/NSE:TCS"] {
        client.get(&format!("{REGISTRY}/{path}")).await;
    }
    Answer::to(client.request(Method::from_bytes(b"BREW").unwrap(), "plans")).await.problem(405, "method_not_allowed");

    let text = client.get("/metrics").await.text;

    for part in ["somebody", id, &id[5..], "made_up", "at-all", "BREW", "NSE:", "limit=", "sought"] {
        assert!(!text.contains(part), "{part}");
    }
    let mut endpoints = BTreeSet::new();
    for (_, labels, _) in series(&text) {
        if let Some((_, rest)) = labels.split_once("endpoint=\"") {
            endpoints.insert(rest.split('"').next().unwrap().to_owned());
        }
    }
    let expected = [
        "/".to_owned(),
        "/dashboard".to_owned(),
        "/dashboard/{file}".to_owned(),
        "/docs".to_owned(),
        "/docs/".to_owned(),
        "/docs/errors".to_owned(),
        "/docs/errors/".to_owned(),
        "/docs/{file}".to_owned(),
        "/health".to_owned(),
        "/metrics".to_owned(),
        "/openapi.json".to_owned(),
        "/ready".to_owned(),
        "unmatched".to_owned(),
        format!("{BASE}/plan"),
        format!("{BASE}/plan/{{plan_id}}/describe"),
        format!("{BASE}/planner/cleanup"),
        format!("{BASE}/planner/config"),
        format!("{BASE}/plans"),
        format!("{BASE}/plans/{{plan_id}}"),
        format!("{BASE}/plans/{{plan_id}}/diff"),
        format!("{BASE}/plans/{{plan_id}}/explain"),
        format!("{BASE}/plans/{{plan_id}}/schedule"),
        format!("{BASE}/plans/{{plan_id}}/rebalance"),
        format!("{BASE}/plans/{{plan_id}}/subscriptions"),
        format!("{BASE}/plans/{{plan_id}}/verify"),
        CATALOG_VERSIONS.to_owned(),
        format!("{CATALOG_VERSIONS}/{{version}}/diff"),
        format!("{REGISTRY}/calendar"),
        format!("{REGISTRY}/brokers"),
        format!("{REGISTRY}/brokers/{{broker_id}}/tokens/{{instrument_key}}"),
        format!("{REGISTRY}/brokers/{{broker_id}}/limits"),
        format!("{REGISTRY}/brokers/{{broker_id}}/ingest"),
        format!("{REGISTRY}/brokers/{{broker_id}}/rejections"),
        format!("{REGISTRY}/jobs/{{job_id}}"),
        format!("{REGISTRY}/calendar"),
        format!("{REGISTRY}/catalog/summary"),
        format!("{REGISTRY}/instruments"),
        format!("{REGISTRY}/instruments/resolve"),
        format!("{REGISTRY}/instruments/{{instrument_key}}"),
        format!("{REGISTRY}/instruments:batchResolve"),
        format!("{REGISTRY}/search"),
        format!("{REGISTRY}/admin/breakers/{{dependency}}"),
        format!("{REGISTRY}/admin/log-level"),
        format!("{REGISTRY}/admin/settings/refresh"),
        format!("{REGISTRY}/status"),
        format!("{REGISTRY}/status/stream"),
        PROFILES.to_owned(),
        format!("{PROFILES}/admin/cleanup-audit-logs"),
        format!("{PROFILES}/admin/stats"),
        format!("{PROFILES}/attention"),
        format!("{PROFILES}/conflicts/users/{{user_id}}"),
        format!("{PROFILES}/conflicts/{{conflict_id}}/resolve"),
        format!("{PROFILES}/users/{{user_id}}/export"),
        format!("{PROFILES}/users/{{user_id}}/import"),
        format!("{PROFILES}/users/{{user_id}}/profiles"),
        format!("{PROFILES}/{{profile_id}}"),
        format!("{PROFILES}/{{profile_id}}/activate"),
        format!("{PROFILES}/{{profile_id}}/audit"),
        format!("{PROFILES}/{{profile_id}}/plans"),
        format!("{PROFILES}/{{profile_id}}/replan"),
        format!("{PROFILES}/{{profile_id}}/versions"),
        format!("{PROFILES}/{{profile_id}}/versions/{{version}}/restore"),
    ];
    assert_eq!(endpoints, BTreeSet::from(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn unexpired_plans_are_counted_by_type_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Process::start(folder.path(), &[]).await;
    for (user_id, kind) in [("a", "alerts"), ("b", "alerts"), ("a", "historical")] {
        service.client.plan(user_id, &with(body(&["NSE:TCS"]), "subscription_type", kind)).await;
    }
    service.terminate();
    assert!(service.end(SOON).await.success());

    let service = Process::start(folder.path(), &[]).await;

    let active = async |kind: &str| {
        let series = format!("instrument_registry_subscription_plans_active{{subscription_type=\"{kind}\"}}");
        service.client.metric(&series).await
    };
    eventually("plans are counted", SOON, async || (active("alerts").await == Some(2.0)).then_some(())).await;
    assert_eq!(active("historical").await, Some(1.0));
    assert_eq!(active("live_feed").await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_changes_and_conflicts_are_counted_by_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let service = Process::start(folder.path(), &[]).await;
    let client = &service.client;
    let first = client.post(PROFILES, &profile("counted", "first", &["NSE:TCS"])).await.json();
    client.post(PROFILES, &profile("counted", "second", &["NSE:TCS"])).await.json();
    // The second profile deactivated the first one.
    put(client, id(&first), &json!({"profile_name": "x"})).await.problem(409, "profile_inactive");
    let nobody = format!("profile_{}", "0".repeat(32));
    put(client, &nobody, &json!({"profile_name": "x"})).await.problem(404, "not_found");
    let too_many = with(profile("counted", "third", &["NSE:TCS", "NSE:INFY"]), "max_instruments", 1);
    assert_eq!(client.post(PROFILES, &too_many).await.status, 409);

    let text = client.get("/metrics").await.text;

    let counted = |name: &str| -> BTreeSet<(String, u64)> {
        let name = format!("instrument_registry_{name}");
        let of_name = series(&text).into_iter().filter(|(other, _, value)| *other == name && *value > 0.0);
        of_name.map(|(_, labels, value)| (labels.replace('"', ""), value as u64)).collect()
    };
    let expected =
        |labels: &[(&str, u64)]| labels.iter().map(|(labels, count)| ((*labels).to_owned(), *count)).collect();
    assert_eq!(
        counted("profile_changes_total"),
        expected(&[
            ("action=create,status=done", 2),
            ("action=create,status=refused", 1),
            ("action=update,status=not_allowed", 1),
            ("action=update,status=not_found", 1),
        ])
    );
    assert_eq!(
        counted("subscription_plan_conflicts_total"),
        expected(&[
            ("conflict_type=duplicate_subscription,resolution=latest_wins", 1),
            ("conflict_type=limit_exceeded,resolution=latest_wins", 1),
        ])
    );
}
