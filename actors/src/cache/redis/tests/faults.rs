//! The cost of a killed, frozen or unreachable Redis for callers, with the actor and its breaker.

use std::sync::Arc;

use registry_planning::plan::Plan;
use tokio::time::{Duration, Instant};

use super::{RedisCache, key, shared_plan};
use crate::cache::{CacheHandle, SHARED_BUDGET, SharedCache, SharedCacheError};
use crate::testing::{parent, plan_of_user, soon, until};
use test_servers::RedisServer;

const SECOND: Duration = Duration::from_secs(1);
/// The time that a busy machine may add to a measurement. Without our own limits, calls would take seconds.
const SLACK: Duration = Duration::from_millis(200);

/// Returns a cache that uses this server, after the first response.
async fn cache_over(server: &RedisServer) -> CacheHandle {
    let shared = RedisCache::new(&server.url()).unwrap();
    let cache = CacheHandle::new(Some(Arc::new(shared)));
    cache.spawn(1 << 20, parent().await).await.unwrap();
    while cache.inspect(SECOND).await.unwrap().reached != Some(true) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    cache
}

async fn breaker(cache: &CacheHandle) -> &'static str {
    cache.inspect(SECOND).await.unwrap().breaker.unwrap()
}

/// Waits until the breaker has this state, and returns the elapsed time.
async fn until_breaker_is(cache: &CacheHandle, state: &str, limit: Duration) -> Duration {
    let started_at = Instant::now();
    while breaker(cache).await != state {
        assert!(started_at.elapsed() < limit, "the breaker is not {state} after {limit:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    started_at.elapsed()
}

/// Puts a plan, and repeats that if the machine was too busy to meet the timeout.
async fn put(cache: &CacheHandle, plan: &Plan) {
    let started_at = Instant::now();
    while cache.share(plan, soon()).await.as_ref() != Some(&plan.plan_id) {
        assert!(started_at.elapsed() < 13 * SECOND, "the plan could not be put");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a lookup finds the plan.
async fn until_found(cache: &CacheHandle, plan: &Plan) {
    let started_at = Instant::now();
    while cache.look_up_shared(plan.cache_key, soon()).await.as_ref() != Some(&plan.plan_id) {
        assert!(started_at.elapsed() < 13 * SECOND, "the plan is not found");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Looks up new keys, ten at a time, until `end`, and returns the duration of each lookup.
async fn look_up_until(cache: &CacheHandle, end: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let asked: Vec<_> = (0..10)
            .map(|_| {
                let cache = cache.clone();
                tokio::spawn(async move {
                    let asked_at = Instant::now();
                    assert_eq!(cache.look_up_shared(key(), soon()).await, None);
                    asked_at.elapsed()
                })
            })
            .collect();
        for asked in asked {
            times.push(asked.await.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    times
}

fn report(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{what}: {} look-ups, median {:?}, p99 {:?}, longest {:?}", times.len(), at(0.5), at(0.99), at(1.0));
    at(1.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_costs_a_lookup_its_budget_until_it_thaws() {
    let Some(server) = RedisServer::start() else { return };
    let cache = cache_over(&server).await;
    let shared = plan_of_user("u");
    put(&cache, &shared).await;

    let usual = report("usual", look_up_until(&cache, Instant::now() + SECOND / 2).await);
    server.freeze();
    let frozen = report("frozen", look_up_until(&cache, Instant::now() + 2 * SECOND).await);
    let put_at = Instant::now();
    let refused = cache.share(&plan_of_user("v"), soon()).await;
    let refused_after = put_at.elapsed();
    server.thaw();
    let recovered = until_breaker_is(&cache, "closed", 13 * SECOND).await;
    println!("recovered {recovered:?} after the thaw");

    assert!(usual < SHARED_BUDGET + SLACK, "{usual:?}");
    assert!(frozen < SHARED_BUDGET + SLACK, "{frozen:?}");
    assert_eq!(refused, None);
    assert!(refused_after < SLACK, "{refused_after:?}");
    // About two seconds, or four if a probe fails on a busy machine.
    assert!(recovered < 8 * SECOND, "{recovered:?}");
    until_found(&cache, &shared).await;
    // The connection that did not respond was closed, not only forgotten.
    until("one connection is left", || server.connections_now() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_redis_is_cheap_and_its_successor_needs_no_traffic() {
    let Some(mut server) = RedisServer::start() else { return };
    let cache = cache_over(&server).await;

    server.kill();
    let killed = report("killed", look_up_until(&cache, Instant::now() + SECOND / 4).await);
    let state = breaker(&cache).await;
    server.restart();
    let recovered = until_breaker_is(&cache, "closed", 13 * SECOND).await;
    println!("recovered {recovered:?} after the restart");

    assert!(killed < SHARED_BUDGET + SLACK, "{killed:?}");
    assert_eq!(state, "open");
    // A second and its jitter, and two more if a probe fails on a busy machine.
    assert!(recovered < 4 * SECOND, "{recovered:?}");
    let shared = plan_of_user("u");
    put(&cache, &shared).await;
    until_found(&cache, &shared).await;
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_fails_no_call() {
    let Some(mut server) = RedisServer::start() else { return };
    let cache = RedisCache::new(&server.url()).unwrap();
    let shared = shared_plan(key());

    cache.ping().await.unwrap();
    server.close_connections();
    cache.put_many(std::slice::from_ref(&shared)).await.unwrap();
    server.close_connections();
    let found = cache.get_many(&[shared.key]).await;
    server.kill();
    server.restart();
    let found_then = cache.get_many(&[shared.key]).await;

    assert_eq!(found, Ok(vec![Some(shared.plan_id)]));
    assert_eq!(found_then, Ok(vec![None]));
}

#[tokio::test]
async fn an_abandoned_call_discards_its_connection() {
    let Some(server) = RedisServer::start() else { return };
    let cache = RedisCache::new(&server.url()).unwrap();
    cache.ping().await.unwrap();

    server.freeze();
    let given_up = tokio::time::timeout(Duration::from_millis(20), cache.get_many(&[key()])).await;
    server.thaw();
    cache.ping().await.unwrap();

    assert!(given_up.is_err());
    assert_eq!(server.connections_made(), 2);
    until("the first is closed", || server.connections_now() == 1).await;
}

#[tokio::test]
async fn a_missing_redis_is_unreachable_at_once() {
    let Some(mut server) = RedisServer::start() else { return };
    let cache = RedisCache::new(&server.url()).unwrap();
    server.kill();

    let asked_at = Instant::now();
    let answer = cache.ping().await;

    assert!(matches!(answer, Err(SharedCacheError::Unreachable(_))), "{answer:?}");
    assert!(asked_at.elapsed() < SLACK, "{:?}", asked_at.elapsed());
}

#[tokio::test]
async fn a_full_redis_rejects_plans_and_still_finds_them() {
    let Some(server) = RedisServer::start() else { return };
    let cache = RedisCache::new(&server.url()).unwrap();
    let (early, late) = (shared_plan(key()), shared_plan(key()));
    cache.put_many(std::slice::from_ref(&early)).await.unwrap();

    server.fill();
    let refused = cache.put_many(&[late]).await;

    assert!(matches!(&refused, Err(SharedCacheError::Refused(why)) if why.contains("OOM")), "{refused:?}");
    assert_eq!(cache.get_many(&[early.key]).await, Ok(vec![Some(early.plan_id)]));
    assert_eq!(server.connections_made(), 1);
}

#[tokio::test]
async fn a_rejected_password_is_not_in_the_error() {
    let Some(server) = RedisServer::start() else { return };
    let url = |password: &str| server.url().replace("redis://", &format!("redis://{password}"));
    server.require_password("hunter2");

    let with = RedisCache::new(&url(":hunter2@")).unwrap().ping().await;
    let without = RedisCache::new(&url("")).unwrap().ping().await;
    let wrong = RedisCache::new(&url(":hunter3@")).unwrap().ping().await;

    assert_eq!(with, Ok(()));
    assert!(matches!(&without, Err(SharedCacheError::Refused(why)) if why.contains("NOAUTH")), "{without:?}");
    assert!(matches!(&wrong, Err(SharedCacheError::Unreachable(why)) if !why.contains("hunter")), "{wrong:?}");
}
