//! The secrets of the config service that cannot be used, for the checks of their dependencies in `/ready`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use registry_actors::config::SecretKey;

/// The fault of each secret whose last value was rejected. No fault shows the value.
#[derive(Default)]
pub(crate) struct SecretFaults(Mutex<BTreeMap<SecretKey, String>>);

impl SecretFaults {
    /// Sets the fault of a secret, or removes it if the secret was applied.
    pub(crate) fn set(&self, key: SecretKey, fault: Option<String>) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) => faults.insert(key, fault),
            None => faults.remove(&key),
        };
    }

    /// Returns the fault with the name of the secret and its origin.
    pub(super) fn describe(&self, key: SecretKey) -> Option<String> {
        let faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.get(&key).map(|fault| format!("{} of the config service: {fault}", key.name()))
    }
}
