//! State that outlives a restart of the config actor, in addition to the settings in effect. The actor writes it, its
//! handle reads it.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::last_good::LastGood;
use super::secrets::Secrets;
use crate::persistence::PersistenceHandle;
use crate::settings::SettingsTable;

/// The fallback for a config service that may be unavailable.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// The environment over the defaults.
    pub table: SettingsTable,
    /// The file for last good settings, in addition to the database. It need not be writable.
    pub file: PathBuf,
}

/// The result of the last refresh from the config service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceHealth {
    /// The service has not been called yet.
    NotAsked,
    /// The service responded for every key.
    Answering,
    /// Some keys have no response or an unusable one: the keys and reasons.
    AnsweringInPart(String),
    /// The service is unavailable: the reason.
    Failing(String),
    /// The service rejects our API key: the reason.
    Rejecting(String),
}

/// The state of the config service, as the engine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceStatus {
    /// The health at the last refresh.
    pub health: ServiceHealth,
    /// The time of the last response for every key. `None` before the first one.
    pub answered_at: Option<Instant>,
    /// The keys whose value is out of range.
    pub refused: Vec<&'static str>,
}

/// See the [module](self).
pub(crate) struct Memory {
    /// The fallback and the database, if the source is a config service.
    pub(super) fallback: Option<(Fallback, PersistenceHandle)>,
    pub(super) secrets: watch::Sender<Secrets>,
    started_at: Instant,
    state: Mutex<MemoryState>,
}

pub(super) struct MemoryState {
    /// `None` until the file or the database was read.
    pub(super) last_good: Option<LastGood>,
    pub(super) status: ServiceStatus,
}

impl Memory {
    pub(super) fn new(fallback: Option<(Fallback, PersistenceHandle)>) -> Self {
        // Without a fallback there is nothing to read first.
        let last_good = fallback.is_none().then(LastGood::default);
        let status = ServiceStatus { health: ServiceHealth::NotAsked, answered_at: None, refused: Vec::new() };
        let state = Mutex::new(MemoryState { last_good, status });
        Memory { fallback, secrets: watch::Sender::default(), started_at: Instant::now(), state }
    }

    /// Returns the time since the last response for every key, or since the start before the first one.
    pub(super) fn age(&self) -> Duration {
        self.lock().status.answered_at.unwrap_or(self.started_at).elapsed()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, MemoryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
