//! The settings and the catalog that a request uses: it takes one snapshot and keeps it to its end.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use registry_planning::catalogue::Catalogue;
use sha2::{Digest, Sha256};

use crate::settings::{Settings, SettingsTable};

/// The settings and the catalog of one moment. Immutable.
#[derive(Debug)]
pub struct Snapshot {
    /// The settings.
    pub settings: Settings,
    /// The catalog.
    pub catalogue: Arc<Catalogue>,
    /// SHA-256 of the content of both: replicas and restarts agree on it.
    pub hash: [u8; 32],
}

/// The current snapshot. Readers never wait; the config and the catalogue actor each set their half.
#[derive(Debug, Default)]
pub struct SnapshotCell {
    halves: Mutex<Halves>,
    current: ArcSwapOption<Snapshot>,
}

#[derive(Debug, Default)]
struct Halves {
    /// The settings, and the time since which they are in effect.
    settings: Option<(SettingsTable, DateTime<Utc>)>,
    catalogue: Option<Arc<Catalogue>>,
}

impl SnapshotCell {
    /// Returns the current snapshot, or `None` until both halves have been set.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    pub(crate) fn set_settings(&self, table: SettingsTable, since: DateTime<Utc>) {
        self.set(|halves| halves.settings = Some((table, since)));
    }

    /// Replaces settings by equal ones with other origins or another notation. This creates no new snapshot.
    pub(crate) fn set_origins(&self, table: SettingsTable) {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((current, _)) = &mut halves.settings {
            *current = table;
        }
    }

    pub(crate) fn set_catalogue(&self, catalogue: Arc<Catalogue>) {
        self.set(|halves| halves.catalogue = Some(catalogue));
    }

    /// Returns the settings in effect and the time since which they are. They outlive the actor that set them.
    pub(crate) fn settings(&self) -> Option<(SettingsTable, DateTime<Utc>)> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner).settings.clone()
    }

    /// Whether a catalog was set, also by an earlier actor.
    pub(crate) fn has_catalogue(&self) -> bool {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner).catalogue.is_some()
    }

    fn set(&self, change: impl FnOnce(&mut Halves)) {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut halves);
        if let (Some((table, _)), Some(catalogue)) = (&halves.settings, &halves.catalogue) {
            let mut hasher = Sha256::new();
            hasher.update(table.content_hash());
            hasher.update(catalogue.content_hash());
            let snapshot = Snapshot {
                settings: table.settings().clone(),
                catalogue: Arc::clone(catalogue),
                hash: hasher.finalize().into(),
            };
            self.current.store(Some(Arc::new(snapshot)));
        }
    }
}
