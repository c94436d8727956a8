//! L1: one map by cache key, and the ids and fingerprints that lead to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::one::Ref;
use registry_planning::vocabulary::CacheKey;
use tokio::time::Instant;

use super::aliases::{Aliases, OwnAliases, Target};
use super::{CachedPlan, Fingerprint, Ready};

/// Size in bytes of the entries of one plan in the two maps and in the queue of the actor. On average, a third of the
/// capacity of a map and a quarter of the capacity of the queue are unused.
pub(super) const ENTRY_BYTES: usize = size_of::<(CacheKey, CacheEntry)>() * 3 / 2
    + size_of::<(String, (CacheKey, u64))>() * 3 / 2
    + size_of::<QueuedEntry>() * 4 / 3;

/// One plan in L1.
pub(super) struct CacheEntry {
    cached: Arc<CachedPlan>,
    pub(super) expires_at: Instant,
    /// Distinguishes this entry from an earlier one under the same key.
    pub(super) generation: u64,
    pub(super) bytes: usize,
    /// Set by readers and cleared by the eviction, which spares entries that were used since its last round.
    used: AtomicBool,
    aliases: OwnAliases,
}

#[derive(Default)]
pub(super) struct Local {
    entries: DashMap<CacheKey, CacheEntry>,
    /// The cache key of the plan with each id, and the generation of its entry.
    keys: DashMap<String, (CacheKey, u64)>,
    aliases: Aliases,
    generations: AtomicU64,
}

/// An entry as the queue of the actor stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueuedEntry {
    pub(super) key: CacheKey,
    pub(super) generation: u64,
    pub(super) bytes: usize,
    pub(super) expires_at: Instant,
}

impl Local {
    pub(super) fn get(&self, key: CacheKey, now: Instant) -> Option<Arc<CachedPlan>> {
        Some(Arc::clone(&self.unexpired(key, now)?.cached))
    }

    /// Returns the entry with this key if it has not expired, and marks it as used.
    fn unexpired(&self, key: CacheKey, now: Instant) -> Option<Ref<'_, CacheKey, CacheEntry>> {
        let entry = self.entries.get(&key).filter(|entry| entry.expires_at > now)?;
        entry.used.store(true, Ordering::Relaxed);
        Some(entry)
    }

    pub(super) fn by_id(&self, plan_id: &str, now: Instant) -> Option<Arc<CachedPlan>> {
        // The guard must be dropped before the other map is locked.
        let (key, _) = *self.keys.get(plan_id)?;
        self.get(key, now).filter(|cached| cached.plan.plan_id == plan_id)
    }

    pub(super) fn by_fingerprint(&self, fingerprint: Fingerprint, now: Instant) -> Option<Ready> {
        // As above, the guard must be dropped before the other map is locked.
        let target = self.aliases.target(fingerprint)?;
        let entry = self.unexpired(target.key, now)?;
        // An entry that has just replaced the entry of the alias may not have its JSON yet.
        (entry.generation == target.generation)
            .then(|| Ready { cached: Arc::clone(&entry.cached), json: entry.aliases.json.clone() })
    }

    /// Makes the fingerprint an alias of the entry that holds exactly this plan, if there is one.
    pub(super) fn alias(&self, fingerprint: Fingerprint, ready: &Ready) {
        let key = ready.cached.plan.cache_key;
        let Some(mut entry) = self.entries.get_mut(&key) else { return };
        if Arc::ptr_eq(&entry.cached, &ready.cached) {
            let target = Target { key, generation: entry.generation };
            self.aliases.add(fingerprint, target, ready.json.as_ref(), &mut entry.aliases);
        }
    }

    /// Returns the size of the aliases in bytes, in addition to the size of the entries themselves.
    pub(super) fn alias_bytes(&self) -> usize {
        self.aliases.bytes()
    }

    pub(super) fn insert(&self, cached: Arc<CachedPlan>, expires_at: Instant) -> (CacheKey, u64) {
        let key = cached.plan.cache_key;
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        let plan_id = cached.plan.plan_id.clone();
        let bytes = cached.bytes();
        let entry = CacheEntry {
            cached,
            expires_at,
            generation,
            bytes,
            used: AtomicBool::new(false),
            aliases: OwnAliases::default(),
        };
        // The id is updated under the lock of the entry, so that of two concurrent inserts of a plan the same one is
        // last in both maps.
        let slot = self.entries.entry(key);
        self.keys.insert(plan_id, (key, generation));
        match slot {
            dashmap::Entry::Occupied(mut slot) => self.forget_names(&slot.insert(entry)),
            dashmap::Entry::Vacant(slot) => drop(slot.insert(entry)),
        }
        (key, generation)
    }

    pub(super) fn queued(&self, key: CacheKey, generation: u64) -> Option<QueuedEntry> {
        let entry = self.entries.get(&key)?;
        (entry.generation == generation).then(|| entry.queued(key))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the generation of the next entry.
    pub(super) fn next_generation(&self) -> u64 {
        self.generations.load(Ordering::Relaxed)
    }

    /// Returns every entry in the order of insertion.
    pub(super) fn all(&self) -> Vec<QueuedEntry> {
        let mut all: Vec<QueuedEntry> = self.entries.iter().map(|entry| entry.queued(*entry.key())).collect();
        all.sort_unstable_by_key(|queued| queued.generation);
        all
    }

    #[cfg(test)]
    pub(super) fn id_count(&self) -> usize {
        self.keys.len()
    }

    #[cfg(test)]
    pub(super) fn alias_count(&self) -> usize {
        self.aliases.len()
    }

    /// Returns whether the entry was used since the last call, and clears the mark.
    pub(super) fn take_used(&self, queued: QueuedEntry) -> bool {
        let entry = self.entries.get(&queued.key);
        entry.is_some_and(|entry| entry.generation == queued.generation && entry.used.swap(false, Ordering::Relaxed))
    }

    /// Removes the entry, unless a later one has replaced it.
    pub(super) fn remove(&self, queued: QueuedEntry) -> bool {
        let removed = self.entries.remove_if(&queued.key, |_, entry| entry.generation == queued.generation);
        if let Some((_, entry)) = &removed {
            self.forget_names(entry);
        }
        removed.is_some()
    }

    /// Removes the id and the aliases of the entry, except those that belong to a later entry.
    fn forget_names(&self, entry: &CacheEntry) {
        self.aliases.forget(&entry.aliases, entry.generation);
        self.keys.remove_if(&entry.cached.plan.plan_id, |_, (_, generation)| *generation == entry.generation);
    }
}

impl CacheEntry {
    fn queued(&self, key: CacheKey) -> QueuedEntry {
        QueuedEntry { key, generation: self.generation, bytes: self.bytes, expires_at: self.expires_at }
    }
}
