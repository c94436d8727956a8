//! Keeps the last good settings, asks the source anew on a timer, and publishes what changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use metrics::counter;
use registry_planning::catalogue::hex;
use tokio::time::Duration;
use tracing::{error, info, warn};

use super::SettingsReport;
use super::settings::{Origin, SETTINGS, SettingsTable};
use super::source::{SettingsSource, SourceError};
use crate::mailbox::{Behaviour, Inspection, Message, Myself, Reply};
use crate::snapshot::SnapshotCell;

/// How soon a source that failed before it ever answered is asked again.
const FIRST_FETCH_RETRY: Duration = Duration::from_secs(1);

pub(crate) enum ConfigMessage {
    Report { reply: Reply<Option<SettingsReport>> },
    Refresh,
    Fetched { outcome: Result<BTreeMap<&'static str, (String, Origin)>, SourceError> },
}

impl Message for ConfigMessage {
    fn kind(&self) -> &'static str {
        match self {
            ConfigMessage::Report { .. } => "report",
            ConfigMessage::Refresh => "refresh",
            ConfigMessage::Fetched { .. } => "fetched",
        }
    }
}

pub(crate) struct ConfigActor {
    pub(crate) source: Arc<dyn SettingsSource>,
    /// `None` where the source cannot change.
    pub(crate) refresh_every: Option<Duration>,
    pub(crate) snapshots: Arc<SnapshotCell>,
}

pub(crate) struct State {
    me: Myself<ConfigMessage>,
    current: Option<(SettingsTable, DateTime<Utc>)>,
    is_failing: bool,
}

impl Behaviour for ConfigActor {
    type Message = ConfigMessage;
    type State = State;

    fn start(&self, me: Myself<ConfigMessage>) -> State {
        me.tell(ConfigMessage::Refresh);
        // An actor that was restarted goes on from the last good settings.
        State { me, current: self.snapshots.settings(), is_failing: false }
    }

    fn handle(&self, message: ConfigMessage, state: &mut State) {
        match message {
            ConfigMessage::Report { reply } => reply.send(state.report()),
            ConfigMessage::Refresh => self.fetch(state),
            ConfigMessage::Fetched { outcome: Ok(values) } => self.adopt(&values, state),
            ConfigMessage::Fetched { outcome: Err(fault) } => self.keep(&fault, state),
        }
    }

    fn inspect(&self, state: &State) -> Inspection {
        Inspection { reached: Some(state.current.is_some()), ..Inspection::default() }
    }
}

impl ConfigActor {
    fn fetch(&self, state: &mut State) {
        let source = Arc::clone(&self.source);
        state.me.run(async move { ConfigMessage::Fetched { outcome: source.fetch().await } });
    }

    fn adopt(&self, values: &BTreeMap<&'static str, (String, Origin)>, state: &mut State) {
        if std::mem::take(&mut state.is_failing) {
            info!("the settings source answers again");
        }
        let mut table = state.current.as_ref().map_or_else(SettingsTable::default, |(table, _)| table.clone());
        for key in SETTINGS {
            let Some((value, origin)) = values.get(key.name) else { continue };
            if let Err(fault) = table.set(key, value, *origin) {
                counter!("instrument_registry_settings_refused_total").increment(1);
                error!(setting = key.name, %fault, "a setting is out of range, the last good value stays");
            }
        }
        let has_changed = state.current.as_ref().is_none_or(|(current, _)| *current != table);
        if has_changed {
            let version = version_of(&table);
            info!(settings.version = %version, "settings are in force");
            let now = Utc::now();
            self.snapshots.set_settings(table.clone(), now);
            state.current = Some((table, now));
        }
        if let Some(interval) = self.refresh_every {
            state.me.tell_after(interval.mul_f64(0.9 + fastrand::f64() * 0.2), ConfigMessage::Refresh);
        }
    }

    fn keep(&self, fault: &SourceError, state: &mut State) {
        if !std::mem::replace(&mut state.is_failing, true) {
            warn!(%fault, "settings cannot be refreshed, the last good ones stay");
        }
        let delay = match (self.refresh_every, &state.current) {
            (Some(interval), Some(_)) => interval,
            _ => FIRST_FETCH_RETRY,
        };
        state.me.tell_after(delay.mul_f64(0.9 + fastrand::f64() * 0.2), ConfigMessage::Refresh);
    }
}

impl State {
    fn report(&self) -> Option<SettingsReport> {
        let (table, last_updated) = self.current.as_ref()?;
        Some(SettingsReport {
            values: table.values().iter().map(|(key, (value, _))| (*key, value.clone())).collect(),
            origins: table.values().iter().map(|(key, (_, origin))| (*key, *origin)).collect(),
            version: version_of(table),
            last_updated: *last_updated,
        })
    }
}

fn version_of(table: &SettingsTable) -> String {
    hex(&table.content_hash()[..6])
}
