//! The baseline: planning as a competent engineer writes it in an afternoon.
//!
//! It has a hash set of known keys, a hash set of keys seen, a sort, and the cache key as SHA-256 over the sorted keys.

use std::collections::HashSet;

use registry_planning::catalogue::Catalogue;
use sha2::{Digest, Sha256};

pub(crate) struct Straightforward {
    known: HashSet<String>,
}

pub(crate) struct Plan {
    #[allow(dead_code, reason = "only the time of computing it matters")]
    pub(crate) cache_key: String,
    pub(crate) kept: Vec<String>,
    pub(crate) removed: usize,
}

impl Straightforward {
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        Straightforward { known: catalogue.instruments().map(|instrument| instrument.key().to_owned()).collect() }
    }

    pub(crate) fn plan(&self, user_id: &str, instruments: &[String], instruments_max: u32) -> Plan {
        let mut sorted: Vec<&String> = instruments.iter().collect();
        sorted.sort();
        let mut hasher = Sha256::new();
        hasher.update(user_id);
        for key in sorted {
            hasher.update(key);
            hasher.update([0]);
        }
        let cache_key = format!("{:x}", hasher.finalize());

        let mut seen = HashSet::new();
        let mut kept = Vec::new();
        for key in instruments {
            if self.known.contains(key) && seen.insert(key.clone()) {
                kept.push(key.clone());
            }
        }
        kept.sort();
        kept.truncate(instruments_max as usize);
        Plan { cache_key, removed: instruments.len() - kept.len(), kept }
    }
}
