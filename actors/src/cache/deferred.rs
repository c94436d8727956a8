//! An L2 that may still come: its URL is held by the config service.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use registry_planning::request::CacheKey;

use super::{SharedCache, SharedCacheError};

/// Hands everything on to the cache it is [given](DeferredCache::set). Before that, and where none ever comes, every
/// look-up is a miss and no fault.
#[derive(Default)]
pub struct DeferredCache {
    cache: OnceLock<Arc<dyn SharedCache>>,
}

impl DeferredCache {
    /// A cache that is not there yet.
    pub fn new() -> Self {
        DeferredCache::default()
    }

    /// Gives the cache. `false` where there was one already, which stays.
    pub fn set(&self, cache: Arc<dyn SharedCache>) -> bool {
        self.cache.set(cache).is_ok()
    }

    /// Whether the cache is there.
    pub fn is_set(&self) -> bool {
        self.cache.get().is_some()
    }
}

#[async_trait]
impl SharedCache for DeferredCache {
    async fn get(&self, key: CacheKey) -> Result<Option<String>, SharedCacheError> {
        match self.cache.get() {
            Some(cache) => cache.get(key).await,
            None => Ok(None),
        }
    }

    async fn put(&self, key: CacheKey, plan_id: &str, ttl: Duration) -> Result<(), SharedCacheError> {
        match self.cache.get() {
            Some(cache) => cache.put(key, plan_id, ttl).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeSharedCache, plan};

    #[tokio::test]
    async fn before_there_is_one_every_look_up_is_a_miss_and_then_it_is_asked() {
        let (deferred, cache) = (DeferredCache::new(), Arc::new(FakeSharedCache::default()));
        let plan = plan("anyone");

        deferred.put(plan.cache_key, &plan.plan_id, Duration::from_secs(1)).await.unwrap();
        let before = deferred.get(plan.cache_key).await.unwrap();
        let is_first = deferred.set(Arc::clone(&cache) as _);
        deferred.put(plan.cache_key, &plan.plan_id, Duration::from_secs(1)).await.unwrap();

        assert_eq!(before, None);
        assert!(is_first && deferred.is_set() && !deferred.set(cache));
        assert_eq!(deferred.get(plan.cache_key).await.unwrap(), Some(plan.plan_id));
    }
}
