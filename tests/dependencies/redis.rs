//! Redis.

use std::time::Duration;

use test_servers::{Proxy, RedisServer, TestDatabase};

use super::latency::Latency;
use super::*;
use crate::support::{Traffic, body};

/// What a look-up in Redis may cost at most: the budget of the cache actor's own deadlines. Only the first few pay it.
const BUDGET: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_mid_traffic_it_costs_nobody_anything_and_is_used_again_once_it_is_back() {
    let (Some(database), Some(mut redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &redis.url())]).await;
    let client = &service.client;
    until_check(client, "redis", "ok").await;
    let traffic = Traffic::start(client, 8, Duration::from_millis(5));
    traffic.more(200, 100).await;
    let before = Latency::of_new_plans(client, "before").await;

    redis.kill();
    let degraded = until_check(client, "redis", "unavailable").await;
    let is_open = breaker(client, "redis").await;
    let while_down = Latency::of_new_plans(client, "while-down").await;
    let cached = client.plan("before-0-0", &body(&["NSE:TCS"])).await;
    redis.restart();
    until_check(client, "redis", "ok").await;
    traffic.more(200, 100).await;
    let after = Latency::of_new_plans(client, "after").await;

    let answers = traffic.assert_nothing_lost(&database.url()).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "nobody noticed");
    assert_eq!((&degraded["status"], &degraded["degraded"]), (&"ready".into(), &true.into()));
    assert!(is_open > 0.0);
    while_down.assert_costs_at_most(Duration::ZERO, &[&before, &after]);
    assert_eq!(cached["status"], "cached");
    assert_one_outage_logged(&service, "redis");
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_in_mid_traffic_it_costs_its_budget_and_no_more() {
    let (Some(database), Some(redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &redis.url())]).await;
    let client = &service.client;
    until_check(client, "redis", "ok").await;
    let traffic = Traffic::start(client, 8, Duration::from_millis(5));
    let before = Latency::of_new_plans(client, "before").await;

    redis.freeze();
    let while_frozen = Latency::of_new_plans(client, "while-frozen").await;
    until_check(client, "redis", "unavailable").await;
    redis.thaw();
    until_check(client, "redis", "ok").await;
    traffic.more(200, 100).await;
    let after = Latency::of_new_plans(client, "after").await;

    let answers = traffic.assert_nothing_lost(&database.url()).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "nobody noticed");
    while_frozen.assert_costs_at_most(BUDGET, &[&before, &after]);
    assert_timeout_logged(&service, "redis");
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_slow_and_refused_it_costs_nobody_anything() {
    let (Some(database), Some(redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let proxy = Proxy::to(redis.address()).await;
    let url = format!("redis://{}", proxy.address());
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &url)]).await;
    let client = &service.client;
    until_check(client, "redis", "ok").await;
    let traffic = Traffic::start(client, 8, Duration::from_millis(5));
    let before = Latency::of_new_plans(client, "before").await;

    for _ in 0..5 {
        proxy.cut();
        traffic.more(200, 20).await;
    }
    proxy.delay(Duration::from_millis(300));
    until_check(client, "redis", "unavailable").await;
    let while_slow = Latency::of_new_plans(client, "while-slow").await;
    proxy.refuse().await;
    let while_refused = Latency::of_new_plans(client, "while-refused").await;
    proxy.delay(Duration::ZERO);
    proxy.accept_again().await;
    until_check(client, "redis", "ok").await;
    let after = Latency::of_new_plans(client, "after").await;

    let answers = traffic.assert_nothing_lost(&database.url()).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&200], "nobody noticed");
    while_slow.assert_costs_at_most(Duration::ZERO, &[&before, &after]);
    while_refused.assert_costs_at_most(Duration::ZERO, &[&before, &after]);
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_at_the_start_it_is_used_once_it_is_there() {
    let (Some(database), Some(mut redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    redis.kill();
    let (service, _folder) = service(&[("DATABASE_URL", &database.url()), ("REDIS_URL", &redis.url())]).await;

    let without = service.client.plan("u", &body(&["NSE:TCS"])).await;
    let (status, before) = ready(&service.client).await;
    redis.restart();
    until_check(&service.client, "redis", "ok").await;

    assert_eq!(without["status"], "created");
    assert_eq!((status, &before["degraded"]), (200, &true.into()));
    assert_ne!(before["checks"]["redis"]["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_made_another_finds() {
    let (Some(database), Some(redis)) = (TestDatabase::new(), RedisServer::start()) else { return };
    let variables = [("DATABASE_URL", database.url()), ("REDIS_URL", redis.url())];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let ((here, _one), (there, _two)) = (service(&variables).await, service(&variables).await);
    until_check(&here.client, "redis", "ok").await;
    until_check(&there.client, "redis", "ok").await;

    let made = here.client.plan("u", &body(&["NSE:TCS"])).await;
    let found = eventually("the other replica finds it", SOON, async || {
        // Sharing is not waited for by who made it, so that the first attempts may come too early.
        let plan = there.client.plan("u", &body(&["NSE:TCS"])).await;
        (plan["plan_id"] == made["plan_id"]).then_some(plan)
    })
    .await;

    assert_eq!((&made["status"], &found["status"]), (&"created".into(), &"cached".into()));
    assert_eq!(found["plan_data"], made["plan_data"]);
}
