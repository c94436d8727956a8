//! Fingerprints of requests, and the entries of L1 that answer them.
//!
//! Every alias belongs to one entry. The entry lists it and removes it together with itself. Aliases are added and
//! removed under the lock of the entry, or after the last reference to the entry is gone, so that none is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use registry_planning::heap;
use registry_planning::vocabulary::CacheKey;

use super::Fingerprint;

/// Maximum number of aliases of one entry. Callers rarely spell a request in more ways. If a name changes with every
/// request, each request is a new spelling; the latest ones are kept, so that callers that repeat a request hit its
/// alias.
pub(super) const ALIASES_MAX: usize = 8;
/// Approximate size of one alias: its place in the map, which has on average a third of its places to spare, and in the
/// list of the entry, which has up to four times as many as it uses.
pub(super) const ALIAS_BYTES: usize = size_of::<(Fingerprint, Target)>() * 3 / 2 + size_of::<Fingerprint>() * 2;

#[derive(Default)]
pub(super) struct Aliases {
    targets: DashMap<Fingerprint, Target>,
    /// Invariant: the sum of [`ALIAS_BYTES`] for each alias and the size of the JSON of every entry.
    bytes: AtomicUsize,
}

/// The entry to which an alias leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) key: CacheKey,
    pub(super) generation: u64,
}

#[derive(Default)]
pub(super) struct OwnAliases {
    /// Oldest first.
    fingerprints: Vec<Fingerprint>,
    /// The JSON of the plan in responses, if it differs from the plan's own.
    pub(super) json: Option<Arc<str>>,
}

impl Aliases {
    pub(super) fn target(&self, fingerprint: Fingerprint) -> Option<Target> {
        self.targets.get(&fingerprint).map(|target| *target)
    }

    /// Adds an alias of an entry. If the entry has the maximum number, the oldest one is replaced. The JSON is stored
    /// once.
    pub(super) fn add(&self, fingerprint: Fingerprint, target: Target, json: Option<&Arc<str>>, own: &mut OwnAliases) {
        if own.json.is_none()
            && let Some(json) = json
        {
            self.bytes.fetch_add(heap::arc_text(json), Ordering::Relaxed);
            own.json = Some(Arc::clone(json));
        }
        if own.fingerprints.contains(&fingerprint) {
            return;
        }
        if own.fingerprints.len() == ALIASES_MAX {
            self.remove(own.fingerprints.remove(0), target.generation);
        }
        own.fingerprints.push(fingerprint);
        if self.targets.insert(fingerprint, target).is_none() {
            self.bytes.fetch_add(ALIAS_BYTES, Ordering::Relaxed);
        }
    }

    /// Removes all aliases of an entry of this generation, except those that a later entry has taken over.
    pub(super) fn forget(&self, own: &OwnAliases, generation: u64) {
        own.fingerprints.iter().for_each(|fingerprint| self.remove(*fingerprint, generation));
        if let Some(json) = &own.json {
            self.bytes.fetch_sub(heap::arc_text(json), Ordering::Relaxed);
        }
    }

    fn remove(&self, fingerprint: Fingerprint, generation: u64) {
        if self.targets.remove_if(&fingerprint, |_, target| target.generation == generation).is_some() {
            self.bytes.fetch_sub(ALIAS_BYTES, Ordering::Relaxed);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.targets.len()
    }
}
