//! An L2 under the test's hand.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use registry_planning::request::CacheKey;

use crate::cache::{SharedCache, SharedCacheError};

#[derive(Default)]
pub(crate) struct FakeSharedCache {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ids: HashMap<CacheKey, String>,
    fails: bool,
    hangs: bool,
}

impl FakeSharedCache {
    pub(crate) fn set(&self, key: CacheKey, plan_id: &str) {
        self.state.lock().unwrap().ids.insert(key, plan_id.to_owned());
    }

    pub(crate) fn id(&self, key: CacheKey) -> Option<String> {
        self.state.lock().unwrap().ids.get(&key).cloned()
    }

    /// From now on nothing is answered.
    pub(crate) fn hang(&self) {
        self.state.lock().unwrap().hangs = true;
    }

    pub(crate) fn fail(&self) {
        self.state.lock().unwrap().fails = true;
    }
}

#[async_trait]
impl SharedCache for FakeSharedCache {
    async fn get(&self, key: CacheKey) -> Result<Option<String>, SharedCacheError> {
        if self.state.lock().unwrap().hangs {
            std::future::pending::<()>().await;
        }
        let state = self.state.lock().unwrap();
        if state.fails { Err(SharedCacheError("a test said so".to_owned())) } else { Ok(state.ids.get(&key).cloned()) }
    }

    async fn put(&self, key: CacheKey, plan_id: &str, _: Duration) -> Result<(), SharedCacheError> {
        let mut state = self.state.lock().unwrap();
        if state.fails {
            return Err(SharedCacheError("a test said so".to_owned()));
        }
        state.ids.insert(key, plan_id.to_owned());
        Ok(())
    }
}
