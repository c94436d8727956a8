//! What outlives a restart of the config actor beside the settings in force: the actor writes it, its handle reads it.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::last_good::LastGood;
use super::secrets::Secrets;
use crate::persistence::PersistenceHandle;
use crate::settings::SettingsTable;

/// What stands behind a config service that may be away.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// The environment over the defaults.
    pub table: SettingsTable,
    /// Where last good settings are kept beside the database. It need not be writable.
    pub file: PathBuf,
}

/// How the config service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceHealth {
    /// It has not been asked yet.
    NotAsked,
    /// It answered for every key.
    Answering,
    /// It answered for some keys only, or with what cannot be used: which, and why.
    AnsweringInPart(String),
    /// It cannot be asked: why.
    Failing(String),
    /// It rejects our API key: why.
    Rejecting(String),
}

/// What the engine knows of the config service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceStatus {
    /// How it was when it was last asked.
    pub health: ServiceHealth,
    /// When it last answered for every key. `None` before it did.
    pub answered_at: Option<Instant>,
    /// Keys whose value is out of range.
    pub refused: Vec<&'static str>,
}

/// See the [module](self).
pub(crate) struct Memory {
    /// There where the source is a config service, with the way to the database.
    pub(super) fallback: Option<(Fallback, PersistenceHandle)>,
    pub(super) secrets: watch::Sender<Secrets>,
    started_at: Instant,
    remembered: Mutex<Remembered>,
}

pub(super) struct Remembered {
    /// `None` until file or database were read.
    pub(super) last_good: Option<LastGood>,
    pub(super) status: ServiceStatus,
}

impl Memory {
    pub(super) fn new(fallback: Option<(Fallback, PersistenceHandle)>) -> Self {
        // Without a place to keep it there is nothing to be read first.
        let last_good = fallback.is_none().then(LastGood::default);
        let status = ServiceStatus { health: ServiceHealth::NotAsked, answered_at: None, refused: Vec::new() };
        let remembered = Mutex::new(Remembered { last_good, status });
        Memory { fallback, secrets: watch::Sender::default(), started_at: Instant::now(), remembered }
    }

    /// How long ago the config service last answered for every key; since the start where it never did.
    pub(super) fn age(&self) -> Duration {
        self.lock().status.answered_at.unwrap_or(self.started_at).elapsed()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
