//! L1: one map by cache key, and the ids and fingerprints that lead to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::one::Ref;
use registry_planning::vocabulary::CacheKey;
use tokio::time::Instant;

use super::aliases::{Aliases, OwnAliases, Target};
use super::{CachedPlan, Fingerprint, Ready};

/// One plan in L1.
pub(super) struct Entry {
    cached: Arc<CachedPlan>,
    pub(super) expires_at: Instant,
    /// Distinguishes this entry from an earlier one under the same key.
    pub(super) generation: u64,
    pub(super) bytes: usize,
    /// Set by readers, cleared by the eviction, which spares what was used since it last came by.
    used: AtomicBool,
    aliases: OwnAliases,
}

#[derive(Default)]
pub(super) struct Local {
    entries: DashMap<CacheKey, Entry>,
    /// The key under which the plan of an id stands, and the entry's generation.
    keys: DashMap<String, (CacheKey, u64)>,
    aliases: Aliases,
    generations: AtomicU64,
}

/// An entry as the actor's queue remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    pub(super) key: CacheKey,
    pub(super) generation: u64,
    pub(super) bytes: usize,
    pub(super) expires_at: Instant,
}

impl Local {
    pub(super) fn get(&self, key: CacheKey, now: Instant) -> Option<Arc<CachedPlan>> {
        Some(Arc::clone(&self.unexpired(key, now)?.cached))
    }

    /// The entry under that key, which has been used by that.
    fn unexpired(&self, key: CacheKey, now: Instant) -> Option<Ref<'_, CacheKey, Entry>> {
        let entry = self.entries.get(&key).filter(|entry| entry.expires_at > now)?;
        entry.used.store(true, Ordering::Relaxed);
        Some(entry)
    }

    pub(super) fn by_id(&self, plan_id: &str, now: Instant) -> Option<Arc<CachedPlan>> {
        // The guard must be gone before the other map is locked.
        let (key, _) = *self.keys.get(plan_id)?;
        self.get(key, now).filter(|cached| cached.plan.plan_id == plan_id)
    }

    pub(super) fn by_fingerprint(&self, fingerprint: Fingerprint, now: Instant) -> Option<Ready> {
        // As above, the one guard must be gone before the other map is locked.
        let target = self.aliases.target(fingerprint)?;
        let entry = self.unexpired(target.key, now)?;
        // An entry that has just taken the place of the alias's own may not have its JSON yet.
        (entry.generation == target.generation)
            .then(|| Ready { cached: Arc::clone(&entry.cached), json: entry.aliases.json.clone() })
    }

    /// Has the fingerprint lead to the entry that holds this very plan, if there is one.
    pub(super) fn alias(&self, fingerprint: Fingerprint, ready: &Ready) {
        let key = ready.cached.plan.cache_key;
        let Some(mut entry) = self.entries.get_mut(&key) else { return };
        if Arc::ptr_eq(&entry.cached, &ready.cached) {
            let target = Target { key, generation: entry.generation };
            self.aliases.add(fingerprint, target, ready.json.as_ref(), &mut entry.aliases);
        }
    }

    /// Bytes that aliases hold, beside those of the entries themselves.
    pub(super) fn alias_bytes(&self) -> usize {
        self.aliases.bytes()
    }

    pub(super) fn insert(&self, cached: Arc<CachedPlan>, expires_at: Instant) -> (CacheKey, u64) {
        let key = cached.plan.cache_key;
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        let plan_id = cached.plan.plan_id.clone();
        let bytes = cached.bytes();
        let entry = Entry {
            cached,
            expires_at,
            generation,
            bytes,
            used: AtomicBool::new(false),
            aliases: OwnAliases::default(),
        };
        // The id changes under the entry's lock, so that of two that put in one plan the same is last in both maps.
        let slot = self.entries.entry(key);
        self.keys.insert(plan_id, (key, generation));
        match slot {
            dashmap::Entry::Occupied(mut slot) => self.forget_names(&slot.insert(entry)),
            dashmap::Entry::Vacant(slot) => drop(slot.insert(entry)),
        }
        (key, generation)
    }

    pub(super) fn queued(&self, key: CacheKey, generation: u64) -> Option<Queued> {
        let entry = self.entries.get(&key)?;
        (entry.generation == generation).then(|| entry.queued(key))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The generation of the next entry.
    pub(super) fn next_generation(&self) -> u64 {
        self.generations.load(Ordering::Relaxed)
    }

    /// Every entry, in the order in which they came.
    pub(super) fn all(&self) -> Vec<Queued> {
        let mut all: Vec<Queued> = self.entries.iter().map(|entry| entry.queued(*entry.key())).collect();
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

    /// Whether the entry was read since this was last asked.
    pub(super) fn take_used(&self, queued: Queued) -> bool {
        let entry = self.entries.get(&queued.key);
        entry.is_some_and(|entry| entry.generation == queued.generation && entry.used.swap(false, Ordering::Relaxed))
    }

    /// Removes the entry, unless another has taken its place.
    pub(super) fn remove(&self, queued: Queued) -> bool {
        let removed = self.entries.remove_if(&queued.key, |_, entry| entry.generation == queued.generation);
        if let Some((_, entry)) = &removed {
            self.forget_names(entry);
        }
        removed.is_some()
    }

    /// Forgets the entry's id and aliases, unless a later entry has the same.
    fn forget_names(&self, entry: &Entry) {
        self.aliases.forget(&entry.aliases, entry.generation);
        self.keys.remove_if(&entry.cached.plan.plan_id, |_, (_, generation)| *generation == entry.generation);
    }
}

impl Entry {
    fn queued(&self, key: CacheKey) -> Queued {
        Queued { key, generation: self.generation, bytes: self.bytes, expires_at: self.expires_at }
    }
}
