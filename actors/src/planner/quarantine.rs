//! Cache keys whose request stopped a planner. They are not sent to another one: a request that panics once usually
//! panics again, and a few planners that stop in succession stop the process.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::counter;
use registry_planning::vocabulary::CacheKey;
use tokio::time::Instant;
use tracing::error;

use super::metrics::{PLANNER_PANICS, QUARANTINE_REFUSALS};

/// The time for which a key is rejected.
pub(super) const HELD_FOR: Duration = Duration::from_secs(600);
/// Maximum number of keys. Beyond it the oldest is evicted.
pub(super) const KEYS_MAX: usize = 1024;

/// The quarantined keys of all planners. It outlives them.
#[derive(Default)]
pub(super) struct Quarantine {
    keys: Mutex<HashMap<CacheKey, Instant>>,
    /// Whether there was ever a key, so that the usual request takes no lock.
    is_used: AtomicBool,
}

impl Quarantine {
    /// Whether requests for this key are rejected. Counts each rejection.
    pub(super) fn refuses(&self, key: CacheKey) -> bool {
        let is_held = self.is_used.load(Ordering::Acquire)
            && self.keys().get(&key).is_some_and(|since| since.elapsed() < HELD_FOR);
        if is_held {
            counter!(QUARANTINE_REFUSALS).increment(1);
        }
        is_held
    }

    fn insert(&self, key: CacheKey) {
        {
            let mut keys = self.keys();
            keys.retain(|_, since| since.elapsed() < HELD_FOR);
            if keys.len() >= KEYS_MAX
                && let Some(oldest) = keys.iter().min_by_key(|(_, since)| **since).map(|(key, _)| *key)
            {
                keys.remove(&oldest);
            }
            keys.insert(key, Instant::now());
        }
        self.is_used.store(true, Ordering::Release);
        counter!(PLANNER_PANICS, "outcome" => "quarantined").increment(1);
        error!(cache_key = %key, held_for_seconds = HELD_FOR.as_secs(), "planner panicked: cache key quarantined");
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<CacheKey, Instant>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Guards work for a key: a panic while the guard exists puts the key into quarantine.
pub(super) struct PanicWatch<Q: Deref<Target = Quarantine>> {
    quarantine: Q,
    key: CacheKey,
}

impl<Q: Deref<Target = Quarantine>> PanicWatch<Q> {
    pub(super) fn new(quarantine: Q, key: CacheKey) -> Self {
        PanicWatch { quarantine, key }
    }
}

impl<Q: Deref<Target = Quarantine>> Drop for PanicWatch<Q> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.quarantine.insert(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> CacheKey {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        CacheKey(bytes)
    }

    fn panic_over(quarantine: &Quarantine, key: CacheKey) {
        let watched = crate::runtime::panics::contain(|| {
            let _watch = PanicWatch::new(quarantine, key);
            panic!("of a test");
        });
        assert!(watched.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_quarantined_for_ten_minutes_after_a_panic() {
        let quarantine = Quarantine::default();
        drop(PanicWatch::new(&quarantine, key(1)));
        panic_over(&quarantine, key(2));

        assert!(!quarantine.refuses(key(1)));
        assert!(quarantine.refuses(key(2)));
        tokio::time::advance(HELD_FOR).await;
        assert!(!quarantine.refuses(key(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_key_is_evicted_beyond_the_maximum() {
        let quarantine = Quarantine::default();
        for number in 0..=KEYS_MAX {
            quarantine.insert(key(number));
            tokio::time::advance(Duration::from_millis(1)).await;
        }

        assert!(!quarantine.refuses(key(0)));
        assert!((1..=KEYS_MAX).all(|number| quarantine.refuses(key(number))));
        assert_eq!(quarantine.keys().len(), KEYS_MAX);
    }
}
