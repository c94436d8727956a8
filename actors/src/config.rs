//! The planner's settings: what they are, where they come from, and the actor that keeps the last good ones.

mod actor;
mod settings;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ractor::{ActorCell, SpawnErr};
use tokio::time::{Duration, Instant};

use self::actor::{ConfigActor, ConfigMessage};
pub use self::settings::{Origin, SETTINGS, SettingFault, SettingKey, Settings, SettingsTable};
pub use self::source::{EnvironmentSource, SettingsSource, SourceError};
use crate::mailbox::{CallError, Inspection, Mailbox};
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

/// Twelve readers of the settings and the timer never wait on I/O; this is ample.
const CAPACITY: usize = 64;

/// The handle of the config actor.
#[derive(Clone)]
pub struct ConfigHandle {
    mailbox: Mailbox<ConfigMessage>,
}

impl ConfigHandle {
    pub(crate) fn new() -> Self {
        ConfigHandle { mailbox: Mailbox::new("config", CAPACITY) }
    }

    pub(crate) async fn spawn(
        &self,
        source: Arc<dyn SettingsSource>,
        refresh_every: Option<Duration>,
        snapshots: Arc<SnapshotCell>,
        supervisor: ActorCell,
    ) -> Result<ActorCell, SpawnErr> {
        self.mailbox.spawn(ConfigActor { source, refresh_every, snapshots }, supervisor).await
    }

    /// The settings in force; `None` before the first were read.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn report(&self, deadline: Instant) -> Result<Option<SettingsReport>, CallError> {
        self.mailbox.call(deadline, |reply| ConfigMessage::Report { reply }).await
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
