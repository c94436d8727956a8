//! A fake L2.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use registry_planning::vocabulary::CacheKey;
use tokio::sync::Semaphore;

use crate::cache::{SharedCache, SharedCacheError, SharedPlan};

/// More calls than any test makes.
const UNLIMITED: usize = 1 << 20;

pub(crate) struct FakeSharedCache {
    state: Mutex<State>,
    /// Every lookup and put consumes one permit.
    permits: Semaphore,
}

#[derive(Default)]
struct State {
    ids: HashMap<CacheKey, String>,
    fault: Option<SharedCacheError>,
    hangs: bool,
    delay: Duration,
    panics: bool,
    calls: SharedCalls,
}

/// The calls that the fake received: the number of keys of each call, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SharedCalls {
    pub(crate) look_ups: Vec<usize>,
    pub(crate) puts: Vec<usize>,
    pub(crate) pings: usize,
}

impl Default for FakeSharedCache {
    fn default() -> Self {
        FakeSharedCache { state: Mutex::default(), permits: Semaphore::new(UNLIMITED) }
    }
}

impl FakeSharedCache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn set(&self, key: CacheKey, plan_id: &str) {
        self.state().ids.insert(key, plan_id.to_owned());
    }

    pub(crate) fn id(&self, key: CacheKey) -> Option<String> {
        self.state().ids.get(&key).cloned()
    }

    pub(crate) fn calls(&self) -> SharedCalls {
        self.state().calls.clone()
    }

    /// Makes every call hang from now on.
    pub(crate) fn hang(&self) {
        self.state().hangs = true;
    }

    /// Makes every call fail from now on.
    pub(crate) fn fail(&self) {
        self.fail_with(SharedCacheError::Unreachable("fault injected by a test".to_owned()));
    }

    pub(crate) fn fail_with(&self, fault: SharedCacheError) {
        self.state().fault = Some(fault);
    }

    pub(crate) fn come_up(&self) {
        let mut state = self.state();
        (state.hangs, state.fault) = (false, None);
    }

    /// Delays every response by this time from now on.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.state().delay = delay;
    }

    pub(crate) fn panic_once(&self) {
        self.state().panics = true;
    }

    /// Makes lookups and puts wait from now on.
    pub(crate) fn hold(&self) {
        self.permits.forget_permits(UNLIMITED);
    }

    /// Lets this number of lookups and puts through.
    pub(crate) fn release(&self, count: usize) {
        self.permits.add_permits(count);
    }

    async fn answer(&self) -> Result<MutexGuard<'_, State>, SharedCacheError> {
        if self.state().hangs {
            std::future::pending::<()>().await;
        }
        let delay = self.state().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let mut state = self.state();
        if std::mem::take(&mut state.panics) {
            drop(state);
            panic!("panic injected by a test");
        }
        match &state.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(state),
        }
    }
}

#[async_trait]
impl SharedCache for FakeSharedCache {
    async fn get_many(&self, keys: &[CacheKey]) -> Result<Vec<Option<String>>, SharedCacheError> {
        self.state().calls.look_ups.push(keys.len());
        self.permits.acquire().await.unwrap().forget();
        let state = self.answer().await?;
        Ok(keys.iter().map(|key| state.ids.get(key).cloned()).collect())
    }

    async fn put_many(&self, plans: &[SharedPlan]) -> Result<Vec<String>, SharedCacheError> {
        self.state().calls.puts.push(plans.len());
        self.permits.acquire().await.unwrap().forget();
        let mut state = self.answer().await?;
        let put = |plan: &SharedPlan| state.ids.entry(plan.key).or_insert_with(|| plan.plan_id.clone()).clone();
        Ok(plans.iter().map(put).collect())
    }

    async fn ping(&self) -> Result<(), SharedCacheError> {
        self.state().calls.pings += 1;
        self.answer().await.map(drop)
    }
}
