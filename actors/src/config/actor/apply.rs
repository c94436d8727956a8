//! Applies the answers of the source: publishes the settings, logs changes, and stores last good values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use metrics::{counter, gauge};
use registry_store::Store;
use tokio::time::{Duration, Instant};
use tracing::{debug, error, info, warn};

use super::{ConfigActor, ConfigMessage, State};
use crate::config::last_good::LastGood;
use crate::config::layers::{Resolution, resolve};
use crate::config::memory::ServiceHealth;
use crate::config::secrets::{Secret, SecretKey, Secrets};
use crate::config::service::DEPENDENCY;
use crate::config::source::{Answers, SourceError};
use crate::config::version_of;
use crate::persistence::{Op, PersistenceError};
use crate::settings::{Origin, SettingsTable};

/// Delay before last good settings are read from the database again after a failure: the start waits for them.
const LAST_GOOD_RETRY: Duration = Duration::from_millis(100);
/// Delay before last good settings are stored in the database again after a failure.
const SAVE_RETRY: Duration = Duration::from_secs(1);
/// Timeout of reading or storing last good settings in the database.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

impl ConfigActor {
    /// Puts the answers of the source into effect.
    pub(super) fn apply(&self, answers: Answers, state: &mut State) {
        if answers.unanswered.is_empty() {
            self.memory.lock().status.answered_at = Some(Instant::now());
        }
        let unanswered = answers.unanswered.iter().map(|(key, why)| format!("{key}: {why}"));
        let is_unusable = |key: &SecretKey, secret: &Secret| !self.source.is_usable(*key, secret);
        let unusable =
            answers.secrets.iter().filter(|(key, secret)| secret.as_ref().is_some_and(|s| is_unusable(key, s)));
        let unusable = unusable.map(|(key, _)| format!("{}: {}", key.name(), key.rejected()));
        let faults: Vec<String> = unanswered.chain(unusable).collect();
        self.set_health(&match faults.is_empty() {
            true => ServiceHealth::Answering,
            false => ServiceHealth::AnsweringInPart(faults.join("; ")),
        });
        self.update_secrets(&answers.secrets);
        state.is_store_read &= !answers.unanswered.is_empty();
        state.latest = Some((answers, Utc::now()));
        self.resolve_settings(state);
        self.save(state);
    }

    /// Continues without the source.
    pub(super) fn continue_with_last_good(&self, fault: &SourceError, state: &mut State) {
        self.set_health(&match fault {
            SourceError::Unavailable(_) => ServiceHealth::Failing(fault.to_string()),
            SourceError::Unauthorized(_) => ServiceHealth::Rejecting(fault.to_string()),
        });
        if self.memory.fallback.is_some() {
            state.latest = Some((Answers::none("the config service is unavailable"), Utc::now()));
            self.resolve_settings(state);
        }
    }

    /// Logs once when the source becomes unavailable, and once when it has recovered.
    fn set_health(&self, health: &ServiceHealth) {
        use ServiceHealth::{Answering, AnsweringInPart, Failing, Rejecting};

        let has_settings = self.snapshots.settings().is_some() || self.memory.lock().last_good.is_some();
        let before = std::mem::replace(&mut self.memory.lock().status.health, health.clone());
        match (&before, health) {
            (Failing(before), Failing(why)) if before != why => {
                debug!(dependency = DEPENDENCY, why, "config service still unavailable");
            }
            (AnsweringInPart(_), AnsweringInPart(_)) | (Failing(_), Failing(_)) | (Rejecting(_), Rejecting(_)) => {}
            (_, Failing(why)) if has_settings => {
                warn!(dependency = DEPENDENCY, why, "config service unavailable: keeping the last good settings");
            }
            (_, Failing(why)) => warn!(dependency = DEPENDENCY, why, "config service unavailable: no settings yet"),
            (_, Rejecting(why)) if has_settings => {
                warn!(
                    dependency = DEPENDENCY,
                    why, "config service rejected the API key: keeping the current settings"
                );
            }
            (_, Rejecting(why)) => {
                warn!(dependency = DEPENDENCY, why, "config service rejected the API key: no settings yet");
            }
            (_, AnsweringInPart(why)) => {
                warn!(dependency = DEPENDENCY, why, "settings refresh partly failed: keeping the last good values");
            }
            (Failing(_) | Rejecting(_) | AnsweringInPart(_), Answering) => {
                info!(dependency = DEPENDENCY, "config service recovered: all settings refreshed");
            }
            _ => {}
        }
    }

    /// Passes secrets on to their receivers. A known secret stays if the source no longer has it: without a key or a
    /// database nothing could be served, and a deletion by mistake must not stop every service of the platform.
    fn update_secrets(&self, secrets: &Secrets) {
        self.memory.secrets.send_if_modified(|known| {
            let mut has_changed = false;
            for (key, answer) in secrets {
                let before = known.get(key);
                if before == Some(answer) || answer.is_none() && before.is_some() {
                    continue;
                }
                known.insert(*key, answer.clone());
                has_changed = true;
            }
            has_changed
        });
    }

    /// Whether a required secret is unknown.
    pub(super) fn is_secret_missing(&self) -> bool {
        let known = self.memory.secrets.borrow();
        let is_known =
            |key: &SecretKey| matches!(known.get(key), Some(Some(secret)) if self.source.is_usable(*key, secret));
        self.source.required_secrets().iter().any(|key| !is_known(key))
    }

    /// Resolves the settings from the latest answers and the known last good values. Those of the file apply at once,
    /// so that a start does not need the database, which may have later values that another replica stored.
    fn resolve_settings(&self, state: &mut State) {
        let Some((answers, answered_at)) = &state.latest else { return };
        let base = self.memory.fallback.as_ref().map_or_else(SettingsTable::default, |(below, _)| below.table.clone());
        let known = self.memory.lock().last_good.clone();
        let resolution = resolve(&base, &known.clone().unwrap_or_default(), answers, *answered_at);
        let must_read = resolution.needs_last_good && !state.is_store_read;
        if !(must_read && known.is_none()) {
            raise_alarms(&resolution, answers, &mut state.refused);
            if known.as_ref() != Some(&resolution.last_good) {
                state.is_file_stale = true;
                state.is_store_stale = true;
            }
            let refused = resolution.refused.iter().map(|fault| fault.key).collect();
            {
                let mut memory = self.memory.lock();
                memory.last_good = Some(resolution.last_good);
                memory.status.refused = refused;
            }
            self.publish(resolution.table);
        }
        if must_read && self.memory.fallback.is_some() && !std::mem::replace(&mut state.is_seeking_last_good, true) {
            self.read_store(state);
        }
    }

    fn publish(&self, table: SettingsTable) {
        for origin in Origin::ALL {
            let count = table.values().values().filter(|(_, value_origin)| value_origin == origin).count();
            #[allow(clippy::cast_precision_loss)]
            gauge!("instrument_registry_settings_origins", "origin" => origin.as_str()).set(count as f64);
        }
        match self.snapshots.settings() {
            Some((current, _)) if current.settings() == table.settings() => self.snapshots.set_origins(table),
            _ => {
                info!(settings.version = %version_of(&table), "settings applied");
                self.snapshots.set_settings(table, Utc::now());
            }
        }
    }

    /// Reads the file of last good settings. The first refresh follows.
    pub(super) fn read_file(&self, state: &State) {
        let Some((fallback, _)) = &self.memory.fallback else { return };
        let file = fallback.file.clone();
        state.me.run(async move {
            let read = tokio::task::spawn_blocking(move || LastGood::read(&file)).await;
            let last_good = read.map_err(std::io::Error::other).and_then(|read| read).unwrap_or_else(|fault| {
                warn!(%fault, "failed to read the file of last good settings");
                None
            });
            ConfigMessage::LastGoodRead { last_good }
        });
    }

    /// Reads last good settings from the database, and retries until it responds.
    pub(super) fn read_store(&self, state: &State) {
        let Some((_, persistence)) = &self.memory.fallback else { return };
        let persistence = persistence.clone();
        state.me.run(async move {
            let deadline = Instant::now() + STORE_TIMEOUT;
            let read = persistence.run(Op::LastGood, deadline, |store| async move { store.last_good().await });
            ConfigMessage::LastGoodFound { outcome: read.await.map(LastGood::from) }
        });
    }

    pub(super) fn last_good_found(&self, outcome: Result<LastGood, PersistenceError>, state: &mut State) {
        let found = match outcome {
            Ok(found) => found,
            Err(PersistenceError::Refused(why)) => {
                warn!(why, "failed to read last good settings from the database; ignoring them");
                LastGood::default()
            }
            Err(fault) => {
                debug!(%fault, "failed to read last good settings from the database; retrying");
                state.me.tell_after(LAST_GOOD_RETRY, ConfigMessage::LastGoodDue);
                return;
            }
        };
        state.is_seeking_last_good = false;
        state.is_store_read = true;
        self.memory.lock().last_good.get_or_insert_default().merge(found);
        self.resolve_settings(state);
        self.save(state);
    }

    /// Stores last good settings in the file and the database unless they are stored already.
    pub(super) fn save(&self, state: &mut State) {
        let (Some((fallback, persistence)), Some(last_good)) =
            (&self.memory.fallback, self.memory.lock().last_good.clone())
        else {
            return;
        };
        if state.is_saving || !(state.is_file_stale || state.is_store_stale) {
            return;
        }
        state.is_saving = true;
        let file = std::mem::take(&mut state.is_file_stale).then(|| fallback.file.clone());
        state.is_store_stale = false;
        let persistence = persistence.clone();
        state.me.run(async move {
            let file = match file {
                Some(file) => Some(write_file(last_good.clone(), file).await),
                None => None,
            };
            let deadline = Instant::now() + STORE_TIMEOUT;
            let save = |store: Arc<dyn Store>| async move { store.save_last_good(last_good.settings()).await };
            ConfigMessage::Saved { file, outcome: persistence.run(Op::SaveLastGood, deadline, save).await }
        });
    }

    pub(super) fn saved(
        &self,
        file: Option<Result<(), String>>,
        outcome: &Result<(), PersistenceError>,
        state: &mut State,
    ) {
        state.is_saving = false;
        if let Some(written) = file {
            // The write is retried with the next answers. Until then the file is older than the database.
            state.is_file_stale |= written.is_err();
            let was_failing = std::mem::replace(&mut state.is_file_failing, written.is_err());
            if let (Err(fault), false) = (written, was_failing) {
                // Not an error, because the database has the settings too.
                info!(fault, "failed to store last good settings in DATA_DIR: storing them in the database only");
            }
        }
        match outcome {
            Ok(()) if state.is_store_stale => self.save(state),
            Ok(()) => {}
            Err(fault) => {
                debug!(%fault, "failed to store last good settings in the database; retrying");
                state.is_store_stale = true;
                state.me.tell_after(SAVE_RETRY, ConfigMessage::SaveDue);
            }
        }
    }
}

async fn write_file(last_good: LastGood, file: PathBuf) -> Result<(), String> {
    let shown = file.display().to_string();
    let written = tokio::task::spawn_blocking(move || last_good.write(&file)).await;
    written
        .map_err(std::io::Error::other)
        .and_then(|written| written)
        .map_err(|fault| format!("failed to write {shown}: {fault}"))
}

/// Logs every value out of range once, and again if it changes.
fn raise_alarms(resolution: &Resolution, answers: &Answers, logged: &mut BTreeMap<&'static str, String>) {
    logged.retain(|key, _| {
        let is_refused = resolution.refused.iter().any(|fault| fault.key == *key);
        // Without an answer of the source, the value has not changed.
        let stays = is_refused || answers.unanswered.contains_key(key);
        if !stays {
            info!(setting = key, "setting recovered: in range");
        }
        stays
    });
    for fault in &resolution.refused {
        if logged.get(fault.key) != Some(&fault.value) {
            counter!("instrument_registry_settings_refused_total").increment(1);
            let (value, origin) = &resolution.table.values()[fault.key];
            let origin = origin.describe();
            error!(setting = fault.key, %fault, in_force = value, from = origin, "rejected setting: out of range");
            logged.insert(fault.key, fault.value.clone());
        }
    }
    #[allow(clippy::cast_precision_loss)]
    gauge!("instrument_registry_settings_refused_keys").set(logged.len() as f64);
}
