//! What is done with the answers: put in force, told, remembered.

use std::collections::BTreeMap;

use chrono::Utc;
use metrics::{counter, gauge};
use tokio::time::{Duration, Instant};
use tracing::{debug, error, info, warn};

use super::{ConfigActor, ConfigMessage, State};
use crate::config::last_good::LastGood;
use crate::config::layers::{Resolution, resolve};
use crate::config::memory::ServiceHealth;
use crate::config::secrets::Secrets;
use crate::config::settings::{Origin, SettingsTable};
use crate::config::source::{Answers, SourceError};
use crate::config::version_of;
use crate::persistence::PersistenceError;

/// How soon a database that could not be asked for last good settings is asked again: the start waits for it.
const LAST_GOOD_RETRY: Duration = Duration::from_millis(100);
/// How soon a database that could not take last good settings is given them again.
const SAVE_RETRY: Duration = Duration::from_secs(1);
/// How long one such call may take.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

impl ConfigActor {
    /// Puts what the source said in force.
    pub(super) fn adopt(&self, answers: Answers, state: &mut State) {
        if answers.unanswered.is_empty() {
            self.set_health(&ServiceHealth::Answering);
            self.memory.lock().status.answered_at = Some(Instant::now());
        } else {
            let faults: Vec<_> = answers.unanswered.iter().map(|(key, why)| format!("{key}: {why}")).collect();
            self.set_health(&ServiceHealth::AnsweringInPart(faults.join("; ")));
        }
        self.learn(&answers.secrets);
        self.put_in_force(answers, state);
        self.save(state);
    }

    /// Goes on without the source.
    pub(super) fn keep(&self, fault: &SourceError, state: &mut State) {
        self.set_health(&ServiceHealth::Failing(fault.to_string()));
        if self.memory.fallback.is_some() {
            self.put_in_force(Answers::none("the config service cannot be asked"), state);
        }
    }

    /// Tells once when the source goes, and once when it is back.
    fn set_health(&self, health: &ServiceHealth) {
        use ServiceHealth::{Answering, AnsweringInPart, Failing};

        let before = std::mem::replace(&mut self.memory.lock().status.health, health.clone());
        match (&before, health) {
            (Failing(before), Failing(why)) if before != why => debug!(why, "settings still cannot be refreshed"),
            (AnsweringInPart(_), AnsweringInPart(_)) | (Failing(_), Failing(_)) => {}
            (_, Failing(why)) => warn!(why, "settings cannot be refreshed, the last good ones stay"),
            (_, AnsweringInPart(why)) => warn!(why, "some settings cannot be refreshed, their last good values stay"),
            (Failing(_) | AnsweringInPart(_), Answering) => info!("the settings source answers again"),
            _ => {}
        }
    }

    /// Passes secrets on to who waits for them. One that was known and is held no longer stays: without a key or a
    /// database nobody could be served, and deleting one by mistake must not stop every service of the platform.
    fn learn(&self, secrets: &Secrets) {
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

    /// Whether something is unknown without which nothing can be served.
    pub(super) fn is_secret_missing(&self) -> bool {
        let known = self.memory.secrets.borrow();
        self.source.required_secrets().iter().any(|key| !matches!(known.get(key), Some(Some(_))))
    }

    fn put_in_force(&self, answers: Answers, state: &mut State) {
        let base = self.memory.fallback.as_ref().map_or_else(SettingsTable::default, |(below, _)| below.table.clone());
        let known = self.memory.lock().last_good.clone();
        let resolution = resolve(&base, &known.clone().unwrap_or_default(), &answers);
        if known.is_none() && resolution.needs_last_good {
            state.pending = Some(answers);
            if !std::mem::replace(&mut state.is_seeking_last_good, true) {
                self.ask_store(state);
            }
            return;
        }
        state.pending = None;
        raise_alarms(&resolution, &answers, &mut state.refused);
        if known.as_ref() != Some(&resolution.last_good) {
            state.is_file_stale = true;
            state.is_store_stale = true;
        }
        self.memory.lock().last_good = Some(resolution.last_good);
        self.publish(resolution.table);
    }

    fn publish(&self, table: SettingsTable) {
        for origin in Origin::ALL {
            let count = table.values().values().filter(|(_, of)| of == origin).count();
            #[allow(clippy::cast_precision_loss)]
            gauge!("instrument_registry_settings_origins", "origin" => origin.as_str()).set(count as f64);
        }
        match self.snapshots.settings() {
            Some((current, _)) if current.settings() == table.settings() => self.snapshots.set_origins(table),
            _ => {
                info!(settings.version = %version_of(&table), "settings are in force");
                self.snapshots.set_settings(table, Utc::now());
            }
        }
    }

    /// Reads the file of last good settings, and then asks the source.
    pub(super) fn read_file(&self, state: &State) {
        let Some((fallback, _)) = &self.memory.fallback else { return };
        let file = fallback.file.clone();
        state.me.run(async move {
            let read = tokio::task::spawn_blocking(move || LastGood::read(&file)).await;
            let last_good = read.map_err(std::io::Error::other).and_then(|read| read).unwrap_or_else(|fault| {
                warn!(%fault, "the file of last good settings cannot be read");
                None
            });
            ConfigMessage::LastGoodRead { last_good }
        });
    }

    /// Asks the database for last good settings, until it answers.
    pub(super) fn ask_store(&self, state: &State) {
        let Some((_, persistence)) = &self.memory.fallback else { return };
        let persistence = persistence.clone();
        state.me.run(async move {
            let outcome = persistence.last_good(Instant::now() + STORE_TIMEOUT).await.map(LastGood::from);
            ConfigMessage::LastGoodFound { outcome }
        });
    }

    pub(super) fn last_good_found(&self, outcome: Result<LastGood, PersistenceError>, state: &mut State) {
        if state.pending.is_none() {
            // The source answered meanwhile, and what it says counts.
            state.is_seeking_last_good = false;
            return;
        }
        let last_good = match outcome {
            Ok(last_good) => last_good,
            Err(PersistenceError::Refused(why)) => {
                warn!(why, "the database's last good settings cannot be used");
                LastGood::default()
            }
            Err(fault) => {
                debug!(%fault, "the database cannot be asked for last good settings");
                state.me.tell_after(LAST_GOOD_RETRY, ConfigMessage::LastGoodDue);
                return;
            }
        };
        state.is_seeking_last_good = false;
        self.memory.lock().last_good = Some(last_good);
        if let Some(answers) = state.pending.take() {
            self.put_in_force(answers, state);
        }
    }

    /// Keeps last good settings in the file and the database, where they are not there yet.
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
            let change = last_good.to_change();
            if let Some(file) = file {
                write_file(last_good, file).await;
            }
            let outcome = persistence.save_last_good(change, Instant::now() + STORE_TIMEOUT).await;
            ConfigMessage::Saved { outcome }
        });
    }

    pub(super) fn saved(&self, outcome: &Result<(), PersistenceError>, state: &mut State) {
        state.is_saving = false;
        match outcome {
            Ok(()) => self.save(state),
            Err(fault) => {
                debug!(%fault, "last good settings are not in the database yet");
                state.is_store_stale = true;
                state.me.tell_after(SAVE_RETRY, ConfigMessage::SaveDue);
            }
        }
    }
}

/// A folder that cannot be written to is no fault: the database has them too.
async fn write_file(last_good: LastGood, file: std::path::PathBuf) {
    let shown = file.display().to_string();
    let written = tokio::task::spawn_blocking(move || last_good.write(&file)).await;
    if let Err(fault) = written.map_err(std::io::Error::other).and_then(|written| written) {
        debug!(%fault, file = shown, "last good settings are not kept in DATA_DIR");
    }
}

/// Tells of every value out of range once, and again when it is another one.
fn raise_alarms(resolution: &Resolution, answers: &Answers, told: &mut BTreeMap<&'static str, String>) {
    told.retain(|key, _| {
        let is_refused = resolution.refused.iter().any(|fault| fault.key == *key);
        // Where the source did not answer, nothing shows that the value is another one.
        let stays = is_refused || answers.unanswered.contains_key(key);
        if !stays {
            info!(setting = key, "a setting is in range again");
        }
        stays
    });
    for fault in &resolution.refused {
        if told.get(fault.key) != Some(&fault.value) {
            counter!("instrument_registry_settings_refused_total").increment(1);
            error!(setting = fault.key, %fault, "a setting is out of range, the last good value stays");
            told.insert(fault.key, fault.value.clone());
        }
    }
    #[allow(clippy::cast_precision_loss)]
    gauge!("instrument_registry_settings_refused_keys").set(told.len() as f64);
}
