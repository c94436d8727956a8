//! Tests against a real Redis: the server of `REGISTRY_TEST_REDIS_URL`, or a private one if a test freezes or kills it.

mod faults;

use std::time::Duration;

use redis::{AsyncCommands, Client};
use registry_planning::vocabulary::CacheKey;
use test_servers::RedisServer;
use uuid::Uuid;

use super::{PREFIX, RedisCache, name};
use crate::cache::{SharedCache, SharedPlan};
use crate::testing::until_async;

/// The server of `REGISTRY_TEST_REDIS_URL`, or a private server that ends with this value.
struct Redis {
    url: String,
    _server: Option<RedisServer>,
}

impl Redis {
    fn find() -> Option<Self> {
        if let Ok(url) = std::env::var("REGISTRY_TEST_REDIS_URL") {
            return Some(Redis { url, _server: None });
        }
        let server = RedisServer::start()?;
        Some(Redis { url: server.url(), _server: Some(server) })
    }

    fn cache(&self) -> RedisCache {
        RedisCache::new(&self.url).unwrap()
    }

    /// Opens a connection for the test itself.
    async fn client(&self) -> redis::aio::MultiplexedConnection {
        Client::open(self.url.as_str()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }
}

/// Returns a key that no other test uses.
fn key() -> CacheKey {
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    let mut key = [0; 32];
    key[..16].copy_from_slice(one.as_bytes());
    key[16..].copy_from_slice(two.as_bytes());
    CacheKey(key)
}

/// The time to live of plans that do not expire during a test.
const TTL_MS: i64 = 600_000;

fn shared_plan(key: CacheKey) -> SharedPlan {
    SharedPlan {
        key,
        plan_id: format!("plan_{}", Uuid::now_v7().simple()),
        ttl: Duration::from_millis(TTL_MS.unsigned_abs()),
    }
}

#[tokio::test]
async fn ids_are_found_in_the_order_of_the_keys_until_they_expire() {
    let Some(redis) = Redis::find() else { return };
    let cache = redis.cache();
    let (one, two, missing) = (shared_plan(key()), shared_plan(key()), key());
    let short = SharedPlan { ttl: Duration::from_millis(1), ..shared_plan(key()) };

    let put = cache.put_many(&[one.clone(), short.clone(), two.clone()]).await.unwrap();
    let mut client = redis.client().await;
    let left: i64 = client.pttl(name(one.key)).await.unwrap();
    until_async("the short one expires", async || !client.exists::<_, bool>(name(short.key)).await.unwrap()).await;
    let found = cache.get_many(&[two.key, missing, one.key, short.key]).await.unwrap();

    assert_eq!(put, [one.plan_id.clone(), short.plan_id, two.plan_id.clone()]);
    assert!((1..=TTL_MS).contains(&left), "{left}");
    assert_eq!(found, [Some(two.plan_id), None, Some(one.plan_id), None]);
}

#[tokio::test]
async fn the_first_of_two_replicas_decides_and_its_ttl_stays() {
    let Some(redis) = Redis::find() else { return };
    let (here, there) = (redis.cache(), redis.cache());
    let first = shared_plan(key());
    let second = SharedPlan { ttl: Duration::from_secs(2000), ..shared_plan(first.key) };

    here.put_many(std::slice::from_ref(&first)).await.unwrap();
    let answer = there.put_many(std::slice::from_ref(&second)).await.unwrap();
    let left: i64 = redis.client().await.pttl(name(first.key)).await.unwrap();

    assert_eq!(answer, std::slice::from_ref(&first.plan_id));
    assert_eq!(there.get_many(&[first.key]).await.unwrap(), [Some(first.plan_id)]);
    assert!(left <= TTL_MS, "{left}");
}

#[tokio::test]
async fn concurrent_replicas_get_the_same_plan() {
    let Some(redis) = Redis::find() else { return };
    let keys: Vec<CacheKey> = (0..50).map(|_| key()).collect();
    let replicas = (0..4).map(|_| {
        let (cache, plans) = (redis.cache(), keys.iter().map(|key| shared_plan(*key)).collect::<Vec<_>>());
        tokio::spawn(async move { (cache.put_many(&plans).await.unwrap(), plans) })
    });

    let mut answers = Vec::new();
    for replica in replicas.collect::<Vec<_>>() {
        answers.push(replica.await.unwrap());
    }

    assert!(answers.iter().all(|(answer, _)| *answer == answers[0].0));
    for (position, winner) in answers[0].0.iter().enumerate() {
        assert_eq!(answers.iter().filter(|(_, plans)| plans[position].plan_id == *winner).count(), 1);
    }
}

#[tokio::test]
async fn garbage_is_a_miss_and_the_next_plan_replaces_it() {
    let Some(redis) = Redis::find() else { return };
    let (cache, mut client) = (redis.cache(), redis.client().await);
    let plans: Vec<SharedPlan> = (0..7).map(|_| shared_plan(key())).collect();
    let names: Vec<String> = plans.iter().map(|plan| name(plan.key)).collect();
    let () = client.set(&names[0], "").await.unwrap();
    let () = client.set(&names[1], b"\xff\xfe\x00").await.unwrap();
    let () = client.set(&names[2], "plan_' or 1=1").await.unwrap();
    let () = client.set(&names[3], plans[3].plan_id.to_uppercase()).await.unwrap();
    let () = client.lpush(&names[4], &plans[4].plan_id).await.unwrap();
    let () = client.hset(&names[5], "plan", &plans[5].plan_id).await.unwrap();
    let () = client.set(&names[6], "x".repeat(1 << 20)).await.unwrap();
    let keys: Vec<CacheKey> = plans.iter().map(|plan| plan.key).collect();

    let found = cache.get_many(&keys).await.unwrap();
    let put = cache.put_many(&plans).await.unwrap();
    let found_then = cache.get_many(&keys).await.unwrap();
    let left: i64 = client.pttl(&names[4]).await.unwrap();

    assert_eq!(found, vec![None; 7]);
    assert_eq!(put, plans.iter().map(|plan| plan.plan_id.clone()).collect::<Vec<_>>());
    assert_eq!(found_then.into_iter().flatten().collect::<Vec<_>>(), put);
    assert!((1..=TTL_MS).contains(&left), "{left}");
}

#[tokio::test]
async fn entries_of_another_format_version_are_not_read() {
    let Some(redis) = Redis::find() else { return };
    let (cache, mut client) = (redis.cache(), redis.client().await);
    let (plan, here) = (shared_plan(key()), shared_plan(key()));
    let other = PREFIX.replace(":1:", ":2:");
    assert_eq!(PREFIX, "instrument_registry:plan:1:");

    let () = client.set_ex(format!("{other}{}", plan.key), &plan.plan_id, 20).await.unwrap();
    let found = cache.get_many(&[plan.key]).await.unwrap();
    cache.put_many(std::slice::from_ref(&here)).await.unwrap();
    let stored: String = client.get(format!("instrument_registry:plan:1:{}", here.key)).await.unwrap();

    assert_eq!(found, [None]);
    assert_eq!(stored, here.plan_id);
}

#[tokio::test]
async fn heartbeats_and_other_calls_share_one_connection() {
    let Some(server) = RedisServer::start() else { return };
    let cache = RedisCache::new(&server.url()).unwrap();
    let keys = [key()];

    let (ping, found) = tokio::join!(cache.ping(), cache.get_many(&keys));
    assert_eq!(ping, Ok(()));
    assert_eq!(found, Ok(vec![None]));
    cache.ping().await.unwrap();

    assert_eq!(server.connections_made(), 1);
}

#[test]
fn an_invalid_url_is_rejected_without_showing_its_password() {
    for (url, why) in [
        ("", "expected a URL such as redis://host:port/database"),
        ("http://u:hunter2@host", "expected a URL such as redis://host:port/database"),
        ("redis://:hunt#er2@host", "expected a URL such as redis://host:port/database"),
        ("redis://:hunter2@host:port", "expected a URL such as redis://host:port/database"),
        ("rediss://:hunter2@host#insecure", "expected a URL without fragment: certificates are always verified"),
        ("redis://:hunter2@host/first", "invalid database number"),
        ("redis://:hunter2@0.0.0.0", "cannot connect to a wildcard address (0.0.0.0 or ::)"),
        ("redis://:x@host?protocol=hunter2", "invalid protocol version"),
        ("redis://:hunter2%ff@host", "password is not valid utf-8 string"),
    ] {
        assert_eq!(RedisCache::new(url).err().map(|fault| fault.to_string()).as_deref(), Some(why), "{url}");
    }
    for url in [
        "redis://host",
        "redis://u:p@host:6380/3",
        "valkey://[::1]:6379",
        "unix:///run/redis.sock",
        "rediss://host",
        "valkeys://u:p@host:6380",
    ] {
        assert!(RedisCache::new(url).is_ok(), "{url}");
    }
}
