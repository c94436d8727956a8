//! Outages of Redis, and plans that replicas share through it.

use std::time::Duration;

use test_servers::{Proxy, RedisServer, TestDatabase};

use super::calls::{assert_plans_without_redis, make_plans};
use super::*;
use crate::support::{Traffic, body};

/// Waits until the breaker of Redis is open, and returns the body of `/ready`.
async fn until_breaker_is_open(client: &Client) -> Value {
    let ready = until_check(client, "redis", "unavailable").await;
    eventually("the breaker is open", SOON, async || (breaker(client, "redis").await > 0.0).then_some(())).await;
    ready
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_redis_fails_no_request() {
    let (Some(database), Some(mut redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &redis.url())]).await;
    let client = &service.client;
    until_check(client, "redis", "ok").await;
    let traffic = Traffic::start(client, 8, Duration::from_millis(5)).await;
    traffic.more(200, 100).await;
    make_plans(client, "before").await;

    redis.kill();
    let degraded = until_breaker_is_open(client).await;
    assert_plans_without_redis(client, "while-down").await;
    let cached = client.plan("before-0-0", &body(&["NSE:TCS"])).await;
    redis.restart();
    until_check(client, "redis", "ok").await;
    traffic.more(200, 100).await;

    let answers = traffic.assert_nothing_lost(&database.url()).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "nobody noticed");
    assert_eq!(degraded["status"], "ready");
    assert_eq!(degraded["degraded"], true);
    assert_eq!(cached["status"], "cached");
    assert_outage_logged(&service, "redis");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_do_not_wait_for_a_frozen_redis() {
    let (Some(database), Some(redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &redis.url())]).await;
    let client = &service.client;
    until_check(client, "redis", "ok").await;
    let traffic = Traffic::start(client, 8, Duration::from_millis(5)).await;

    redis.freeze();
    make_plans(client, "freezing").await;
    until_breaker_is_open(client).await;
    assert_plans_without_redis(client, "while-frozen").await;
    redis.thaw();
    until_check(client, "redis", "ok").await;
    traffic.more(200, 100).await;

    let answers = traffic.assert_nothing_lost(&database.url()).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "nobody noticed");
    assert_timeout_logged(&service, "redis");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_or_disconnected_redis_fails_no_request() {
    let (Some(database), Some(redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let proxy = Proxy::to(redis.address()).await;
    let url = format!("redis://{}", proxy.address());
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &url)]).await;
    let client = &service.client;
    until_check(client, "redis", "ok").await;
    let traffic = Traffic::start(client, 8, Duration::from_millis(5)).await;

    for _ in 0..5 {
        proxy.cut();
        traffic.more(200, 20).await;
    }
    proxy.delay(Duration::from_millis(300));
    until_breaker_is_open(client).await;
    assert_plans_without_redis(client, "while-slow").await;
    proxy.refuse().await;
    assert_plans_without_redis(client, "while-refused").await;
    proxy.delay(Duration::ZERO);
    proxy.accept_again().await;
    until_check(client, "redis", "ok").await;
    traffic.more(200, 20).await;

    let answers = traffic.assert_nothing_lost(&database.url()).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "nobody noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_absent_at_startup_is_used_after_it_starts() {
    let (Some(database), Some(mut redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    redis.kill();
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &redis.url())]).await;

    let without = service.client.plan("u", &body(&["NSE:TCS"])).await;
    let (status, before) = ready(&service.client).await;
    redis.restart();
    until_check(&service.client, "redis", "ok").await;

    assert_eq!(without["status"], "created");
    assert_eq!(status, 200);
    assert_eq!(before["degraded"], true);
    assert_ne!(before["checks"]["redis"]["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_one_replica_is_cached_for_another() {
    let (Some(database), Some(redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let variables = [("DATABASE_URL", database.url()), ("REDIS_URL", redis.url())];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let ((here, _one), (there, _two)) = (service(&variables).await, service(&variables).await);
    until_check(&here.client, "redis", "ok").await;
    until_check(&there.client, "redis", "ok").await;

    let made = here.client.plan("u", &body(&["NSE:TCS"])).await;
    let found = eventually("the other replica returns the plan", SOON, async || {
        // The first replica answers before the plan is in Redis, so the first attempts can be too early.
        let plan = there.client.plan("u", &body(&["NSE:TCS"])).await;
        (plan["plan_id"] == made["plan_id"]).then_some(plan)
    })
    .await;

    assert_eq!(made["status"], "created");
    assert_eq!(found["status"], "cached");
    assert_eq!(found["plan_data"], made["plan_data"]);
}
