//! Fingerprints of requests, and the entries of L1 that answer them.
//!
//! Every alias belongs to one entry, which lists it and takes it along when it goes. It is made and unmade under the
//! entry's lock, or once nobody can reach the entry any more, so that none is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use registry_planning::vocabulary::CacheKey;

use super::Fingerprint;

/// Aliases of one entry. Its callers rarely spell a request in more ways, but a name that changes with every request is
/// another spelling each time: the latest stay, so that those who repeat themselves find theirs.
pub(super) const ALIASES_MAX: usize = 8;
/// About what one alias holds: 64 bytes in the map with its spare room, and 16 in the entry's list with its own.
pub(super) const ALIAS_BYTES: usize = 128;

/// All aliases of L1.
#[derive(Default)]
pub(super) struct Aliases {
    targets: DashMap<Fingerprint, Target>,
    /// Invariant: [`ALIAS_BYTES`] for each alias, and the length of every entry's JSON.
    bytes: AtomicUsize,
}

/// The entry to which an alias leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) key: CacheKey,
    pub(super) generation: u64,
}

/// What one entry has to do with aliases.
#[derive(Default)]
pub(super) struct OwnAliases {
    /// Oldest first.
    fingerprints: Vec<Fingerprint>,
    /// The plan's JSON as it is answered, where that is not the plan's own.
    pub(super) json: Option<Arc<str>>,
}

impl Aliases {
    pub(super) fn target(&self, fingerprint: Fingerprint) -> Option<Target> {
        self.targets.get(&fingerprint).map(|target| *target)
    }

    /// Makes an alias of an entry, in the place of its oldest one where it has enough. The JSON is kept once.
    pub(super) fn add(&self, fingerprint: Fingerprint, target: Target, json: Option<&Arc<str>>, own: &mut OwnAliases) {
        if own.json.is_none()
            && let Some(json) = json
        {
            self.bytes.fetch_add(json.len(), Ordering::Relaxed);
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

    /// Frees all that an entry of this generation had, unless a later entry has it now.
    pub(super) fn forget(&self, own: &OwnAliases, generation: u64) {
        own.fingerprints.iter().for_each(|fingerprint| self.remove(*fingerprint, generation));
        if let Some(json) = &own.json {
            self.bytes.fetch_sub(json.len(), Ordering::Relaxed);
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
