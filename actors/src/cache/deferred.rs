//! An L2 that may become available later, because the config service holds its URL.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use registry_planning::vocabulary::CacheKey;

use super::{SharedCache, SharedCacheError, SharedPlan};

/// Forwards every call to the cache of the last [`set`](DeferredCache::set). Before that, or if no cache is ever set,
/// it behaves like an absent cache: every lookup is a miss, and every plan is the first of its key.
///
/// [`set`](DeferredCache::set) may replace the cache at any time. Plans that only the previous cache held are created
/// again.
#[derive(Default)]
pub struct DeferredCache {
    cache: Mutex<Option<Arc<dyn SharedCache>>>,
}

impl DeferredCache {
    /// Creates a cache that is not available yet.
    pub fn new() -> Self {
        DeferredCache::default()
    }

    /// Sets the cache to which later calls are forwarded.
    pub fn set(&self, cache: Arc<dyn SharedCache>) {
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = Some(cache);
    }

    fn get(&self) -> Option<Arc<dyn SharedCache>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl SharedCache for DeferredCache {
    async fn get_many(&self, keys: &[CacheKey]) -> Result<Vec<Option<String>>, SharedCacheError> {
        match self.get() {
            Some(cache) => cache.get_many(keys).await,
            None => Ok(vec![None; keys.len()]),
        }
    }

    async fn put_many(&self, plans: &[SharedPlan]) -> Result<Vec<String>, SharedCacheError> {
        match self.get() {
            Some(cache) => cache.put_many(plans).await,
            None => Ok(plans.iter().map(|plan| plan.plan_id.clone()).collect()),
        }
    }

    fn address(&self) -> Option<String> {
        self.get()?.address()
    }

    fn is_configured(&self) -> bool {
        self.get().is_some()
    }

    async fn ping(&self) -> Result<(), SharedCacheError> {
        match self.get() {
            Some(cache) => cache.ping().await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::CacheHandle;
    use crate::testing::{FakeSharedCache, parent};

    const SECOND: Duration = Duration::from_secs(1);

    fn shared_plan(plan_id: &str) -> SharedPlan {
        SharedPlan { key: CacheKey([1; 32]), plan_id: plan_id.to_owned(), ttl: SECOND }
    }

    #[tokio::test]
    async fn without_a_cache_lookups_miss_and_every_plan_is_the_first() {
        let deferred = DeferredCache::new();

        assert!(!deferred.is_configured());
        assert_eq!(deferred.put_many(&[shared_plan("plan_1")]).await, Ok(vec!["plan_1".to_owned()]));
        assert_eq!(deferred.get_many(&[CacheKey([1; 32])]).await, Ok(vec![None]));
    }

    #[tokio::test]
    async fn the_last_cache_that_was_set_gets_all_calls() {
        let (deferred, cache) = (DeferredCache::new(), Arc::new(FakeSharedCache::default()));

        deferred.set(Arc::clone(&cache) as _);
        deferred.put_many(&[shared_plan("plan_1")]).await.unwrap();
        let second = deferred.put_many(&[shared_plan("plan_2")]).await.unwrap();
        let found = deferred.get_many(&[CacheKey([1; 32])]).await;
        deferred.set(Arc::new(FakeSharedCache::default()));
        let elsewhere = deferred.get_many(&[CacheKey([1; 32])]).await;

        assert!(deferred.is_configured());
        assert_eq!(second, ["plan_1"]);
        assert_eq!(found, Ok(vec![Some("plan_1".to_owned())]));
        assert_eq!(elsewhere, Ok(vec![None]));
    }

    #[tokio::test(start_paused = true)]
    async fn the_engine_does_not_call_a_missing_cache() {
        let (deferred, fake) = (Arc::new(DeferredCache::new()), Arc::new(FakeSharedCache::default()));
        let cache = CacheHandle::new(Some(Arc::clone(&deferred) as _));
        cache.spawn(1 << 20, parent().await).await.unwrap();

        tokio::time::sleep(10 * SECOND).await;
        let before = (cache.has_shared(), cache.inspect(SECOND).await.unwrap().reached);
        deferred.set(Arc::clone(&fake) as _);
        tokio::time::sleep(2 * SECOND).await;
        let after = (cache.has_shared(), cache.inspect(SECOND).await.unwrap().reached);

        assert_eq!(before, (false, Some(false)));
        assert_eq!(after, (true, Some(true)));
        assert!(fake.calls().pings >= 1);
    }
}
