//! The values of the metrics that the status shows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use super::buckets::Buckets;

/// A counter or gauge that has no label in the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tally {
    Shed,
    PlansCreated,
    CacheHits,
    CacheMisses,
    SharedHits,
    SharedMisses,
    SharedFailed,
    SharedSkipped,
}

impl Tally {
    pub(crate) const COUNT: usize = Tally::SharedSkipped as usize + 1;
}

/// A value that was set last.
#[derive(Debug, Default)]
pub(crate) struct Level(AtomicU64);

impl Level {
    pub(super) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    pub(super) fn change(&self, by: f64) {
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| Some((f64::from_bits(bits) + by).to_bits()));
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn get(&self) -> u64 {
        f64::from_bits(self.0.load(Ordering::Relaxed)).max(0.0) as u64
    }
}

/// The responses of one endpoint.
#[derive(Default)]
pub(crate) struct EndpointMeter {
    pub(crate) client_errors: AtomicU64,
    pub(crate) server_errors: AtomicU64,
    /// The durations of all responses in microseconds.
    pub(crate) durations: Buckets,
}

/// The messages of one actor.
#[derive(Default)]
pub(crate) struct ActorMeter {
    /// In microseconds.
    pub(crate) waits: Buckets,
    /// In microseconds.
    pub(crate) handling: Buckets,
    pub(crate) restarts: AtomicU64,
}

/// Meters by their label. There are few labels.
type ByLabel<K, V> = RwLock<BTreeMap<K, Arc<V>>>;

/// Returns the meter of a label.
pub(super) fn entry<K: Ord, V: Default>(meters: &ByLabel<K, V>, label: K) -> Arc<V> {
    if let Some(meter) = meters.read().unwrap_or_else(PoisonError::into_inner).get(&label) {
        return Arc::clone(meter);
    }
    Arc::clone(meters.write().unwrap_or_else(PoisonError::into_inner).entry(label).or_default())
}

/// Returns all meters with their labels.
pub(crate) fn entries<K: Clone, V>(meters: &ByLabel<K, V>) -> Vec<(K, Arc<V>)> {
    let meters = meters.read().unwrap_or_else(PoisonError::into_inner);
    meters.iter().map(|(label, meter)| (label.clone(), Arc::clone(meter))).collect()
}

/// See the [module](self). Labels have closed lists of values, so that their number is bounded.
#[derive(Default)]
pub(crate) struct Meters {
    tallies: [Arc<AtomicU64>; Tally::COUNT],
    /// By method and template.
    pub(crate) endpoints: ByLabel<(String, String), EndpointMeter>,
    pub(crate) actors: ByLabel<String, ActorMeter>,
    pub(crate) batch_rows: Arc<Buckets>,
    /// In microseconds.
    pub(crate) batch_durations: Arc<Buckets>,
    pub(crate) cache_entries: Arc<Level>,
    pub(crate) cache_bytes: Arc<Level>,
    pub(crate) connections_open: Arc<Level>,
    pub(crate) connections_max: Arc<Level>,
    pub(crate) plans_active: ByLabel<String, Level>,
    pub(crate) plans_by_broker: ByLabel<String, AtomicU64>,
    pub(crate) tokens_active: ByLabel<String, Level>,
}

impl Meters {
    /// Returns the meters of the process, which has one recorder of metrics.
    pub(crate) fn global() -> &'static Meters {
        static METERS: LazyLock<Meters> = LazyLock::new(Meters::default);
        &METERS
    }

    pub(super) fn tally(&self, tally: Tally) -> Arc<AtomicU64> {
        Arc::clone(&self.tallies[tally as usize])
    }

    /// Returns all tallies.
    pub(super) fn tallies(&self) -> [u64; Tally::COUNT] {
        std::array::from_fn(|index| self.tallies[index].load(Ordering::Relaxed))
    }
}
