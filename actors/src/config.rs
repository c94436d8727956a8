//! The settings of planner and profiles: what they are, where they come from, and the actor that keeps the last good ones.
//!
//! Layers, the first that holds a key decides: the config service; what it last gave, where it cannot be asked; the
//! environment; the built-in defaults. The last good values stand in the database and in a file, so that a start without
//! the config service needs no guess.

mod actor;
mod last_good;
mod layers;
mod memory;
mod secrets;
mod service;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::runtime::{ActorCell, SpawnErr};
use chrono::{DateTime, Utc};
use registry_planning::catalogue::hex;
use registry_store::Store;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use self::actor::{ConfigActor, ConfigMessage};
use self::last_good::LastGood;
use self::layers::Resolution;
use self::memory::Memory;
pub use self::memory::{Fallback, ServiceHealth, ServiceStatus};
pub use self::secrets::{Need, Secret, SecretKey, Secrets};
pub use self::service::{ConfigServiceSource, ConfigServiceUrl};
pub(crate) use self::service::{DEPENDENCY, OPERATIONS, OUTCOMES};
pub use self::source::{Answers, EnvironmentSource, SettingsSource, SourceError};
use crate::persistence::PersistenceHandle;
use crate::runtime::mailbox::{CallError, Inspection, Mailbox};
use crate::settings::{Origin, SettingFault, SettingsTable};
use crate::snapshot::SnapshotCell;

/// What the config actor says of the settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsReport {
    /// Every key and its value as the source holds it.
    pub values: BTreeMap<&'static str, String>,
    /// Every key and where its value comes from.
    pub origins: BTreeMap<&'static str, Origin>,
    /// The first twelve hexadecimal digits of the settings' hash: equal settings have equal versions.
    pub version: String,
    /// When a value last changed.
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

/// Twelve readers of the settings and the timer never wait on I/O; this is ample.
const CAPACITY: usize = 64;

/// The handle of the config actor.
#[derive(Clone)]
pub struct ConfigHandle {
    mailbox: Mailbox<ConfigMessage>,
    memory: Arc<Memory>,
}

impl ConfigHandle {
    /// For a source that nothing stands behind: until it answers there are no settings.
    pub(crate) fn new() -> Self {
        ConfigHandle { mailbox: Mailbox::new("config", CAPACITY), memory: Arc::new(Memory::new(None)) }
    }

    /// For a config service that may be away.
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

    /// The settings in force; `None` before the first were read.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn report(&self, deadline: Instant) -> Result<Option<SettingsReport>, CallError> {
        self.mailbox.call(deadline, |reply| ConfigMessage::Report { reply }).await
    }

    /// Has the source asked anew, and does not wait for it. While the config service is out, it is asked once it is
    /// back.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn refresh(&self, correlation_id: Arc<str>) -> Result<(), CallError> {
        self.mailbox.tell(ConfigMessage::Refresh { correlation_id })
    }

    /// What the config service says of the secrets, now and from now on.
    pub fn secrets(&self) -> watch::Receiver<Secrets> {
        self.memory.secrets.subscribe()
    }

    /// How the config service is; `None` where there is none.
    pub fn service(&self) -> Option<ServiceStatus> {
        self.memory.fallback.as_ref().map(|_| self.memory.lock().status.clone())
    }

    /// How long ago the config service last answered for every key, since the start where it never did; `None` where
    /// there is none.
    pub fn age(&self) -> Option<Duration> {
        self.memory.fallback.as_ref().map(|_| self.memory.age())
    }

    /// How the actor is.
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

/// What the settings come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The values in force.
    pub table: SettingsTable,
    /// Values of the config service that are out of range.
    pub refused: Vec<SettingFault>,
}

/// The settings that an engine started now would have, where its source said this: for commands, which run no engine.
/// Last good values come from the fallback's file and from `store`.
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
