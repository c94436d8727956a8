//! Outages of the config service.

use std::time::Duration;

use test_servers::TestDatabase;

use super::calls::make_plans;
use super::*;
use crate::support::{StandinProcess, Traffic, body};

const TTL: &str = "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL";

/// Returns the current time to live of cached plans in seconds, and the origin of the value.
async fn ttl(client: &Client) -> (String, String) {
    let config = client.read("planner/config").await;
    let text = |part: &str| config[part][TTL].as_str().expect("the value is a string").to_owned();
    (text("configuration"), text("sources"))
}

fn from(origin: &str) -> (String, String) {
    ("77".to_owned(), origin.to_owned())
}

async fn until_ttl(client: &Client, expected: (String, String)) {
    eventually("the setting is in force", SOON, async || (ttl(client).await == expected).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn last_good_settings_survive_a_kill_and_a_restart() {
    let Some(database) = TestDatabase::new() else { return };
    let mut config = StandinProcess::start(&[(TTL, "77")]).await;
    let (url, config_url) = (database.url(), config.url());
    let variables = [("DATABASE_URL", url.as_str()), ("CONFIG_SERVICE_URL", &config_url)];
    let (service, folder) = service(&variables).await;
    let client = &service.client;
    until_ttl(client, from("config_service")).await;
    let kept = format!("select count(*) from instrument_registry.settings_last_good where setting_key = '{TTL}'");
    let mut admin = database.admin().await;
    eventually("the database has the last good setting", SOON, async || (admin.number(&kept).await == 1).then_some(()))
        .await;
    let traffic = Traffic::start(client, 8, Duration::from_millis(5)).await;
    traffic.more(200, 50).await;

    config.kill();
    service.signal("HUP");
    let degraded = until_check(client, "config_service", "unavailable").await;
    until_ttl(client, from("last_good")).await;
    let first = client.plan("u", &body(&["NSE:TCS"])).await;
    make_plans(client, "while-down").await;
    let answers = traffic.assert_nothing_lost(&database.url()).await;
    let outages = count_logged(&service, "config_service", UNAVAILABLE);
    let age = client.metric("instrument_registry_settings_age_seconds").await.unwrap();
    drop(service);
    // The restarted service has another data folder, so the last good settings come from the database.
    let (service, _other) = super::service(&variables).await;
    let restarted = ttl(&service.client).await;
    let second = service.client.plan("u", &body(&["NSE:TCS"])).await;
    config.restart().await;
    until_check(&service.client, "config_service", "ok").await;
    until_ttl(&service.client, from("config_service")).await;

    assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "nobody noticed");
    assert_eq!(degraded["status"], "ready");
    assert_eq!(degraded["degraded"], true);
    assert!(age > 0.0);
    assert_eq!(restarted, from("last_good"));
    // The same settings and the same catalog result in the same snapshot.
    assert_eq!(first["plan_data"]["cache_key"], second["plan_data"]["cache_key"]);
    assert_eq!(outages, 1);
    assert_outage_logged(&service, "config_service");
    drop(folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_do_not_wait_for_a_frozen_config_service() {
    let Some(database) = TestDatabase::new() else { return };
    let config = StandinProcess::start(&[(TTL, "77")]).await;
    let variables = [("DATABASE_URL", database.url()), ("CONFIG_SERVICE_URL", config.url())];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let (service, _folder) = service(&variables).await;
    let client = &service.client;
    until_ttl(client, from("config_service")).await;
    let traffic = Traffic::start(client, 8, Duration::from_millis(5)).await;

    config.freeze();
    service.signal("HUP");
    // A frozen config service does not respond: a plan that waited for it would not be created.
    make_plans(client, "while-frozen").await;
    let ready = until_check(client, "config_service", "unavailable").await;
    until_ttl(client, from("last_good")).await;
    make_plans(client, "while-out").await;
    config.thaw();
    until_check(client, "config_service", "ok").await;
    until_ttl(client, from("config_service")).await;

    let answers = traffic.assert_nothing_lost(&database.url()).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "nobody noticed");
    let why = "failed to read settings: config service timeout";
    assert_eq!(ready["checks"]["config_service"]["detail"], why);
    assert_timeout_logged(&service, "config_service");
    let timed_out = "instrument_registry_dependency_request_duration_seconds_count\
                     {dependency=\"config_service\",operation=\"value\",outcome=\"timed_out\"}";
    assert!(client.metric(timed_out).await.unwrap() >= 1.0);
}
