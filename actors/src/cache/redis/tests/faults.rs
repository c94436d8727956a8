//! The cost of a killed, frozen or unreachable Redis for callers, with the actor and its breaker.

use std::sync::Arc;

use registry_planning::plan::Plan;
use tokio::time::Duration;

use super::{RedisCache, key, shared_plan};
use crate::cache::{CacheHandle, SharedCache, SharedCacheError};
use crate::testing::{parent, plan_of_user, soon, until, until_async};
use test_servers::RedisServer;

/// Far more than a call to an actor takes on a busy machine.
const MINUTE: Duration = Duration::from_secs(60);

/// Returns a cache that uses this server, after the first response.
async fn cache_over(server: &RedisServer) -> CacheHandle {
    let shared = RedisCache::new(&server.url()).unwrap();
    let cache = CacheHandle::new(Some(Arc::new(shared)));
    cache.spawn(1 << 20, parent().await).await.unwrap();
    until_async("there is a response", async || cache.inspect(MINUTE).await.unwrap().reached == Some(true)).await;
    cache
}

/// Waits until the breaker has this state.
async fn until_breaker_is(cache: &CacheHandle, state: &str) {
    until_async(state, async || cache.inspect(MINUTE).await.unwrap().breaker == Some(state)).await;
}

/// Puts a plan, and repeats that if the machine was too busy to meet the timeout.
async fn put(cache: &CacheHandle, plan: &Plan) {
    until_async("the plan is put", async || cache.share(plan, soon()).await.as_ref() == Some(&plan.plan_id)).await;
}

/// Waits until a lookup finds the plan.
async fn until_found(cache: &CacheHandle, plan: &Plan) {
    let found = async || cache.look_up_shared(plan.cache_key, soon()).await.as_ref() == Some(&plan.plan_id);
    until_async("the plan is found", found).await;
}

/// Looks up new keys, ten at a time, until the breaker is open. Each lookup ends without a plan.
async fn look_up_until_open(cache: &CacheHandle) {
    until_async("the breaker is open", async || {
        let asked: Vec<_> = (0..10)
            .map(|_| {
                let cache = cache.clone();
                tokio::spawn(async move { cache.look_up_shared(key(), soon()).await })
            })
            .collect();
        for asked in asked {
            assert_eq!(asked.await.unwrap(), None);
        }
        cache.inspect(MINUTE).await.unwrap().breaker == Some("open")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_is_avoided_until_it_thaws() {
    let Some(server) = RedisServer::start() else { return };
    let cache = cache_over(&server).await;
    let shared = plan_of_user("u");
    put(&cache, &shared).await;

    server.freeze();
    look_up_until_open(&cache).await;
    let refused = cache.share(&plan_of_user("v"), soon()).await;
    server.thaw();
    until_breaker_is(&cache, "closed").await;

    assert_eq!(refused, None);
    until_found(&cache, &shared).await;
    // The connection that did not respond was closed, not only forgotten.
    until("one connection is left", || server.connections_now() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_redis_is_used_again_without_traffic() {
    let Some(mut server) = RedisServer::start() else { return };
    let cache = cache_over(&server).await;

    server.kill();
    look_up_until_open(&cache).await;
    server.restart();
    until_breaker_is(&cache, "closed").await;

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
async fn a_missing_redis_is_unreachable() {
    let Some(mut server) = RedisServer::start() else { return };
    let cache = RedisCache::new(&server.url()).unwrap();
    server.kill();

    let answer = cache.ping().await;

    // Not by a timeout: the connection is refused.
    assert!(matches!(&answer, Err(SharedCacheError::Unreachable(why)) if why.contains("refused")), "{answer:?}");
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
