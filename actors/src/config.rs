//! The sources of the settings of planner and profiles, and the actor that keeps the last good ones.
//!
//! The first layer that holds a key decides: the config service; its last good value, if it is unavailable; the
//! environment; the built-in defaults. The last good values are stored in the database and in a file, so that a start
//! without the config service uses them.

mod actor;
mod last_good;
mod layers;
mod memory;
pub(crate) mod metrics;
mod secrets;
mod service;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use registry_planning::vocabulary::hex;
use registry_store::Store;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use self::actor::{ConfigActor, ConfigMessage};
use self::last_good::LastGood;
use self::layers::Resolution;
use self::memory::Memory;
pub use self::memory::{Fallback, ServiceHealth, ServiceStatus};
pub use self::secrets::{Need, Secret, SecretKey, Secrets};
pub use self::service::{ConfigServiceSource, ServiceUrl};
pub use self::source::{Answers, EnvironmentSource, SettingsSource, SourceError};
use crate::persistence::PersistenceHandle;
use crate::runtime::breaker::ForcedState;
use crate::runtime::guard::ForcedChange;
use crate::runtime::mailbox::{CallError, Inspection, Mailbox};
use crate::runtime::{ActorCell, SpawnErr};
use crate::settings::{Origin, SettingFault, SettingsTable};
use crate::snapshot::SnapshotCell;

/// The settings in effect, as the config actor reports them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsReport {
    /// Every key with its value as in the source.
    pub values: BTreeMap<&'static str, String>,
    /// Every key with the origin of its value.
    pub origins: BTreeMap<&'static str, Origin>,
    /// The first twelve hexadecimal digits of the hash of the settings. Equal settings have equal versions.
    pub version: String,
    /// The time at which a value last changed.
    pub last_updated: DateTime<Utc>,
}

impl SettingsReport {
    fn of(table: &SettingsTable, last_updated: DateTime<Utc>) -> Self {
        SettingsReport {
            values: table.values().iter().map(|(key, (value, _))| (*key, value.clone())).collect(),
            origins: table.values().iter().map(|(key, (_, origin))| (*key, *origin)).collect(),
            version: version_of(table),
            last_updated,
        }
    }
}

fn version_of(table: &SettingsTable) -> String {
    hex(&table.version_hash()[..6])
}

/// Readers of the settings and the timer never wait for I/O, so this is enough.
const CAPACITY: usize = 64;

/// The handle of the config actor, with the secrets and the last good settings that outlive it.
#[derive(Clone)]
pub struct ConfigHandle {
    mailbox: Mailbox<ConfigMessage>,
    memory: Arc<Memory>,
}

impl ConfigHandle {
    /// Creates the handle for a source without a fallback: there are no settings until it responds.
    pub(crate) fn new() -> Self {
        ConfigHandle { mailbox: Mailbox::new("config", CAPACITY), memory: Arc::new(Memory::new(None)) }
    }

    /// Creates the handle for a config service that may be unavailable.
    pub(crate) fn with_fallback(fallback: Fallback, persistence: PersistenceHandle) -> Self {
        ConfigHandle { memory: Arc::new(Memory::new(Some((fallback, persistence)))), ..ConfigHandle::new() }
    }

    pub(crate) async fn spawn(
        &self,
        source: Arc<dyn SettingsSource>,
        refresh_every: Option<Duration>,
        snapshots: Arc<SnapshotCell>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        let actor = ConfigActor { source, refresh_every, snapshots, memory: Arc::clone(&self.memory) };
        self.mailbox.spawn(actor, supervisor).await
    }

    /// Returns the settings in effect, or `None` before the first ones were read.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn report(&self, deadline: Instant) -> Result<Option<SettingsReport>, CallError> {
        self.mailbox.call(deadline, |reply| ConfigMessage::Report { reply }).await
    }

    /// Starts a refresh and does not wait for it. While the config service is unavailable, the refresh starts once it
    /// has recovered.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn refresh(&self, correlation_id: Arc<str>) -> Result<(), CallError> {
        self.mailbox.tell(ConfigMessage::Refresh { correlation_id })
    }

    /// Refreshes the settings and returns the outcome, as the metric of refreshes names it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn refresh_now(&self, correlation_id: Arc<str>, deadline: Instant) -> Result<&'static str, CallError> {
        self.mailbox.call(deadline, |reply| ConfigMessage::RefreshNow { correlation_id, reply }).await
    }

    /// Forces a state of the circuit breaker, or returns to the automatic one. A restart of the actor does so too.
    pub(crate) async fn force_breaker(
        &self,
        forced: Option<ForcedState>,
        deadline: Instant,
    ) -> Result<ForcedChange, CallError> {
        self.mailbox.call_outside_bound(deadline, |reply| ConfigMessage::Force { forced, reply }).await
    }

    /// Returns a receiver of the secrets of the config service and of their changes.
    pub fn secrets(&self) -> watch::Receiver<Secrets> {
        self.memory.secrets.subscribe()
    }

    /// Returns the state of the config service, or `None` without one.
    pub fn service(&self) -> Option<ServiceStatus> {
        self.memory.fallback.as_ref().map(|_| self.memory.lock().status.clone())
    }

    /// Returns the time since the config service last responded for every key, or since the start if it never did.
    /// `None` without a config service.
    pub fn age(&self) -> Option<Duration> {
        self.memory.fallback.as_ref().map(|_| self.memory.age())
    }

    /// Returns the state of the actor, or an error after `timeout`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn inspect(&self, timeout: Duration) -> Result<Inspection, CallError> {
        self.mailbox.inspect(timeout).await
    }

    pub(crate) fn actor(&self) -> Option<ActorCell> {
        self.mailbox.actor()
    }

    #[cfg(any(test, feature = "fault-injection"))]
    pub(crate) fn crash(&self) -> Result<(), CallError> {
        self.mailbox.crash()
    }
}

/// The result of resolving all sources of settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The values that the engine would use, with their origins.
    pub table: SettingsTable,
    /// Values of the config service that are out of range.
    pub refused: Vec<SettingFault>,
}

/// Returns the settings that an engine would have if it started now and its source responded with `outcome`: for
/// commands, which do not run an engine. Last good values come from the file of `fallback` and from `store`.
pub async fn resolve_once(
    outcome: Result<&Answers, &SourceError>,
    fallback: &Fallback,
    store: Option<&dyn Store>,
) -> Resolved {
    let nothing = Answers::none("the config service is unavailable");
    let answers = outcome.unwrap_or(&nothing);
    let mut last_good = LastGood::read(&fallback.file).ok().flatten().unwrap_or_default();
    if let Some(store) = store
        && let Ok(found) = store.last_good().await
    {
        last_good.merge(found.into());
    }
    let Resolution { table, refused, .. } = layers::resolve(&fallback.table, &last_good, answers, Utc::now());
    Resolved { table, refused }
}
