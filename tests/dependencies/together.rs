//! PostgreSQL, Redis and the config service together, as in a deployment.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use test_servers::{PostgresServer, RedisServer, TestDatabase};
use tokio::time::sleep;

use super::*;
use crate::support::{Answer, StandinProcess, Traffic, body};

#[tokio::test(flavor = "multi_thread")]
async fn the_deployment_guides_request_works_as_written() {
    let (Some(database), Some(redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let secrets = [("DATABASE_URL", database.url()), ("REDIS_URL", redis.url())];
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let config = StandinProcess::start(&secrets).await;
    let (service, folder) = service(&[("CONFIG_SERVICE_URL", &config.url())]).await;
    let ready = until_check(&service.client, "redis", "ok").await;

    // Another process may listen on the port of the guide, so the service has another one.
    let path = "/api/v1/internal/instrument-registry/subscriptions/plan?user_id=test";
    let url = format!("http://{}{path}", service.address);
    let asked = json!({
        "plan_name": "Test Plan", "subscription_type": "live_feed", "instruments": ["NSE:RELIANCE", "NSE:TCS"]
    });
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let answer = Answer::to(http.post(url).header("X-Internal-API-Key", KEY).json(&asked)).await.json();

    assert_eq!(answer["status"], "created");
    assert_eq!(answer["plan_data"]["instruments"], json!(["NSE:RELIANCE", "NSE:TCS"]));
    assert_eq!(answer["plan_data"]["user_id"], "test");
    for dependency in ["config_service", "database", "redis"] {
        assert_eq!(ready["checks"][dependency]["status"], "ok", "{ready}");
        assert_eq!(ready["checks"][dependency]["breaker"], "closed", "{ready}");
    }
    let id = answer["plan_data"]["plan_id"].as_str().unwrap();
    let stored = format!("select count(*) from instrument_registry.subscription_plans where plan_id = '{id}'");
    assert_eq!(database.admin().await.number(&stored).await, 1);
    assert!(!folder.path().join("instrument_registry.sqlite").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_identical_requests_at_once_make_one_plan_and_one_row() {
    let (Some(database), Some(redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &redis.url())]).await;

    for round in 0..5 {
        let user = format!("round-{round}");
        let asked = body(&["NSE:TCS", "NSE:INFY"]);
        let answers = join_all((0..40).map(|_| service.client.plan(&user, &asked))).await;

        let created = answers.iter().filter(|answer| answer["status"] == "created").count();
        assert!(answers.iter().all(|answer| answer["plan_id"] == answers[0]["plan_id"]));
        assert_eq!(created, 1);
        let rows = format!("select count(*) from instrument_registry.subscription_plans where user_id = '{user}'");
        assert_eq!(database.admin().await.number(&rows).await, 1);
    }
}

/// Minimum duration of the run with outages. Zero by default: the run then continues as soon as each outage is
/// detected.
fn duration() -> Duration {
    let seconds = std::env::var("REGISTRY_TEST_OUTAGE_SECONDS").ok();
    Duration::from_secs(seconds.map_or(0, |seconds| seconds.parse().expect("it is a number of seconds")))
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_every_dependency_loses_no_acknowledged_plan() {
    let (Some(mut database), Some(mut redis)) = (PostgresServer::start(), RedisServer::start()) else { return };
    let secrets = [("DATABASE_URL", database.url()), ("REDIS_URL", redis.url())];
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let mut config = StandinProcess::start(&secrets).await;
    let (service, _folder) = service(&[("CONFIG_SERVICE_URL", &config.url())]).await;
    let (client, started_at) = (&service.client, Instant::now());
    until_check(client, "redis", "ok").await;
    let traffic = Traffic::start(client, 8, Duration::from_millis(40)).await;

    // Two rounds, in which each of three dependencies is down for one part and up for another: twelve parts.
    let half = duration() / 12;
    let until = async |dependency: &str, status: &str| {
        sleep(half).await;
        until_check(client, dependency, status).await;
        let answers = if (dependency, status) == ("database", "unavailable") { 503 } else { 200 };
        traffic.more(answers, 10).await;
    };
    for _ in 0..2 {
        redis.kill();
        until("redis", "unavailable").await;
        redis.restart();
        until("redis", "ok").await;
        config.kill();
        service.signal("HUP");
        until("config_service", "unavailable").await;
        config.restart().await;
        until("config_service", "ok").await;
        database.kill();
        until("database", "unavailable").await;
        database.restart();
        until("database", "ok").await;
    }
    traffic.more(200, 20).await;

    let answers = traffic.assert_nothing_lost(&database.url()).await;
    println!("{:?}: answers by status {answers:?}, nothing lost", started_at.elapsed());
    assert!(answers[&200] >= 100 && answers[&503] >= 20, "{answers:?}");
    for dependency in ["config_service", "database", "redis"] {
        let logged = logged_about(&service, dependency);
        assert!(count_logged(&service, dependency, UNAVAILABLE) >= 2, "{logged:#?}");
        assert!(count_logged(&service, dependency, RECOVERED) >= 2, "{logged:#?}");
    }
    let listed = Answer::to(client.request(Method::GET, "plans?limit=1")).await.json();
    assert!(listed["pagination"]["total"].as_u64().unwrap() > 0);
}
