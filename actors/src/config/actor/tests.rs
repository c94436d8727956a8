//! Tests of the actor with a fake config service, a database in memory and a file. Paused clock.

mod outage;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::runtime::ActorCell;
use async_trait::async_trait;
use tempfile::TempDir;
use tokio::time::{Duration, Instant};

use crate::config::{
    Answers, ConfigHandle, EnvironmentSource, Fallback, Secret, SecretKey, Secrets, ServiceHealth, SettingsReport,
    SettingsSource, SourceError,
};
use crate::persistence::PersistenceHandle;
use crate::settings::{Origin, SETTINGS};
use crate::snapshot::{Snapshot, SnapshotCell};
use crate::testing::{CapturedLog, FakeStore, brokers, catalogue, parent, run_ready_tasks, slot, soon, until};

const SECOND: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(30);
const TTL: &str = "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL";
const TIMEOUT: &str = "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT";

/// A fake config service.
#[derive(Default)]
struct FakeService {
    state: Mutex<ServiceState>,
}

#[derive(Default)]
struct ServiceState {
    values: BTreeMap<&'static str, String>,
    unanswered: BTreeSet<&'static str>,
    required: BTreeSet<SecretKey>,
    secrets: Secrets,
    fault: Option<SourceError>,
    is_healthy: bool,
    takes: Duration,
    /// The time of each fetch, and its correlation id.
    fetches: Vec<(Instant, String)>,
    probes: Vec<Instant>,
}

impl FakeService {
    fn state(&self) -> MutexGuard<'_, ServiceState> {
        self.state.lock().unwrap()
    }

    fn set(&self, key: &'static str, value: &str) {
        self.state().values.insert(key, value.to_owned());
    }

    /// Makes the service return neither values nor health from now on.
    fn go_down(&self) {
        let mut state = self.state();
        state.fault = Some(SourceError::Unavailable("fault injected by a test".to_owned()));
        state.is_healthy = false;
    }

    fn come_up(&self) {
        let mut state = self.state();
        state.fault = None;
        state.is_healthy = true;
    }

    fn fetch_count(&self) -> usize {
        self.state().fetches.len()
    }
}

#[async_trait]
impl SettingsSource for FakeService {
    async fn fetch(&self, correlation_id: &str) -> Result<Answers, SourceError> {
        let takes = {
            let mut state = self.state();
            state.fetches.push((Instant::now(), correlation_id.to_owned()));
            state.takes
        };
        tokio::time::sleep(takes).await;
        let state = self.state();
        if let Some(fault) = &state.fault {
            return Err(fault.clone());
        }
        let answered = state.values.iter().filter(|(key, _)| !state.unanswered.contains(*key));
        let values = answered.map(|(key, value)| (*key, (value.clone(), Origin::ConfigService))).collect();
        let unanswered = state.unanswered.iter().map(|key| (*key, "fault injected by a test".to_owned())).collect();
        Ok(Answers { values, secrets: state.secrets.clone(), unanswered })
    }

    async fn probe(&self, _: &str) -> Result<(), SourceError> {
        let mut state = self.state();
        state.probes.push(Instant::now());
        if state.is_healthy { Ok(()) } else { Err(SourceError::Unavailable("fault injected by a test".to_owned())) }
    }

    fn required_secrets(&self) -> BTreeSet<SecretKey> {
        self.state().required.clone()
    }
}

/// One process. `folder` and `store` outlive a restart.
struct Process {
    config: ConfigHandle,
    snapshots: Arc<SnapshotCell>,
    parent: ActorCell,
    service: Arc<FakeService>,
    store: Arc<FakeStore>,
    folder: Arc<TempDir>,
}

impl Process {
    /// Starts a process with a service that responds, an empty environment and no data of an earlier process.
    async fn started() -> Self {
        let process = Process::new(&[]).await;
        process.spawn().await;
        until("the settings are loaded", || process.snapshots.current().is_some()).await;
        process
    }

    async fn new(environment: &[(&str, &str)]) -> Self {
        let service = Arc::new(FakeService::default());
        service.come_up();
        Process::over(environment, service, FakeStore::new(), Arc::new(tempfile::tempdir().unwrap())).await
    }

    async fn over(
        environment: &[(&str, &str)],
        service: Arc<FakeService>,
        store: Arc<FakeStore>,
        folder: Arc<TempDir>,
    ) -> Self {
        let parent = parent().await;
        let persistence = PersistenceHandle::new();
        let snapshots = Arc::new(SnapshotCell::new(brokers()));
        snapshots.set_catalogue(catalogue());
        persistence.spawn(slot(&store), Arc::clone(&snapshots), parent.clone()).await.unwrap();
        let variable =
            |key: &str| environment.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
        let table = EnvironmentSource::read(variable).unwrap().table();
        let fallback = Fallback { table, file: file_in(&folder) };
        let config = ConfigHandle::with_fallback(fallback, persistence);
        Process { config, snapshots, parent, service, store, folder }
    }

    /// Starts the successor of this process with another environment.
    async fn restarted(self, environment: &[(&str, &str)]) -> Self {
        let next = Process::over(environment, self.service, self.store, self.folder).await;
        next.spawn().await;
        next
    }

    async fn spawn(&self) {
        let (service, snapshots) = (Arc::clone(&self.service), Arc::clone(&self.snapshots));
        self.config.spawn(service, Some(EVERY), snapshots, self.parent.clone()).await.unwrap();
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.current().unwrap()
    }

    async fn report(&self) -> SettingsReport {
        self.config.report(soon()).await.unwrap().unwrap()
    }

    /// Returns the cache's time to live in effect without a message to the actor.
    fn ttl(&self) -> String {
        let settings = self.snapshots.settings();
        settings.map(|(table, _)| table.values()[TTL].0.clone()).unwrap_or_default()
    }

    /// Returns the value of a key in effect and its origin.
    async fn value(&self, key: &str) -> (String, Origin) {
        let report = self.report().await;
        (report.values[key].clone(), report.origins[key])
    }

    /// Requests a refresh, and waits until the response was handled.
    async fn refresh(&self) {
        let before = self.service.fetch_count();
        self.config.refresh("of-a-test".into()).unwrap();
        until("the service is asked", || self.service.fetch_count() > before).await;
        run_ready_tasks().await;
    }

    async fn breaker(&self) -> &'static str {
        self.config.inspect(SECOND).await.unwrap().breaker.unwrap()
    }

    fn health(&self) -> ServiceHealth {
        self.config.service().unwrap().health
    }

    fn file(&self) -> PathBuf {
        file_in(&self.folder)
    }
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("settings_last_good.json")
}

fn owned(value: &str, origin: Origin) -> (String, Origin) {
    (value.to_owned(), origin)
}

#[tokio::test(start_paused = true)]
async fn a_value_of_the_service_wins_over_the_environment() {
    let process = Process::new(&[(TTL, "61"), (TIMEOUT, "62")]).await;
    process.service.set(TTL, "60");
    process.spawn().await;
    until("the settings are loaded", || process.snapshots.current().is_some()).await;

    assert_eq!(process.value(TTL).await, owned("60", Origin::ConfigService));
    assert_eq!(process.value(TIMEOUT).await, owned("62", Origin::Environment));
    assert_eq!(process.health(), ServiceHealth::Answering);
    assert_eq!(process.breaker().await, "closed");
}

#[tokio::test(start_paused = true)]
async fn a_key_deleted_in_the_service_loses_its_last_good_value() {
    let process = Process::started().await;
    process.service.set(TTL, "60");
    process.refresh().await;
    until("it is in the database", || process.store.stored_settings().contains_key(TTL)).await;

    process.service.state().values.clear();
    process.refresh().await;
    let after = process.value(TTL).await;
    until("it is gone from the database", || process.store.stored_settings().is_empty()).await;
    let in_file = || -> serde_json::Value { serde_json::from_slice(&std::fs::read(process.file()).unwrap()).unwrap() };
    until("it is gone from the file", || in_file()[TTL]["value"].is_null()).await;

    assert_eq!(after, owned("300", Origin::Default));
}

#[tokio::test(start_paused = true)]
async fn a_key_without_response_keeps_its_last_good_value() {
    let process = Process::started().await;
    process.service.set(TTL, "60");
    process.service.set(TIMEOUT, "10");
    process.refresh().await;

    process.service.state().unanswered.insert(TTL);
    process.service.set(TTL, "61");
    process.service.set(TIMEOUT, "11");
    process.refresh().await;

    assert_eq!(process.value(TTL).await, owned("60", Origin::LastGood));
    assert_eq!(process.value(TIMEOUT).await, owned("11", Origin::ConfigService));
    assert_eq!(process.health(), ServiceHealth::AnsweringInPart(format!("{TTL}: fault injected by a test")));
    assert_eq!(process.breaker().await, "closed");
}

#[tokio::test(start_paused = true)]
async fn a_value_out_of_range_keeps_the_last_good_one() {
    let process = Process::started().await;
    process.service.set(TTL, "60");
    process.refresh().await;

    process.service.set(TTL, "0");
    process.refresh().await;
    let while_refused = process.value(TTL).await;
    process.service.set(TTL, "61");
    process.refresh().await;

    assert_eq!(while_refused, owned("60", Origin::LastGood));
    assert_eq!(process.value(TTL).await, owned("61", Origin::ConfigService));
}

#[tokio::test(start_paused = true)]
async fn fetches_come_about_every_30_s_with_a_new_id_each() {
    let process = Process::started().await;

    tokio::time::sleep(5 * EVERY).await;

    let fetches = process.service.state().fetches.clone();
    let pauses: Vec<Duration> = fetches.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!((4..=5).contains(&pauses.len()), "{pauses:?}");
    assert!(pauses.iter().all(|pause| (27..=33).contains(&pause.as_secs())), "{pauses:?}");
    let ids: BTreeSet<_> =
        fetches.iter().map(|(_, id)| uuid::Uuid::parse_str(id).unwrap().as_bytes().to_vec()).collect();
    assert_eq!(ids.len(), fetches.len());
}

#[tokio::test(start_paused = true)]
async fn a_refresh_requested_during_a_fetch_follows_it() {
    let process = Process::started().await;
    process.service.state().takes = SECOND;
    let before = process.service.fetch_count();

    process.config.refresh("first".into()).unwrap();
    run_ready_tasks().await;
    process.config.refresh("second".into()).unwrap();
    process.config.refresh("third".into()).unwrap();
    tokio::time::sleep(5 * SECOND).await;

    let ids: Vec<String> = process.service.state().fetches[before..].iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(ids, ["first", "third"]);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_published_and_a_removed_one_stays() {
    let process = Process::started().await;
    let mut secrets = process.config.secrets();
    let key = |value: &str| Some(Secret::new(value));

    process.service.state().secrets =
        Secrets::from([(SecretKey::InternalApiKey, key("one")), (SecretKey::RedisUrl, None)]);
    process.refresh().await;
    let first = secrets.borrow_and_update().clone();
    process.service.state().secrets.insert(SecretKey::InternalApiKey, key("two"));
    process.refresh().await;
    let second = secrets.borrow_and_update().clone();
    process.service.state().secrets.insert(SecretKey::InternalApiKey, None);
    process.refresh().await;

    assert_eq!(first[&SecretKey::InternalApiKey], key("one"));
    assert_eq!(first[&SecretKey::RedisUrl], None);
    assert_eq!(second[&SecretKey::InternalApiKey], key("two"));
    assert!(!secrets.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_missing_required_secret_is_retried_every_two_seconds() {
    let process = Process::new(&[]).await;
    process.service.state().required = BTreeSet::from([SecretKey::DatabaseUrl]);
    process.spawn().await;

    tokio::time::sleep(20 * SECOND).await;
    let while_missing = process.service.fetch_count();
    process.service.state().secrets.insert(SecretKey::DatabaseUrl, Some(Secret::new("postgres://fake")));
    tokio::time::sleep(3 * SECOND).await;
    let at_first = process.service.fetch_count();
    tokio::time::sleep(20 * SECOND).await;

    assert!((9..=12).contains(&while_missing), "{while_missing}");
    assert_eq!(process.service.fetch_count(), at_first);
}

#[test]
fn every_setting_has_a_unique_name() {
    let names: BTreeSet<_> = SETTINGS.iter().map(|key| key.name).collect();

    assert_eq!(names.len(), SETTINGS.len());
}
