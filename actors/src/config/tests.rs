use std::sync::Arc;

use crate::runtime::ActorCell;
use tokio::time::{Duration, Instant};

use super::{ConfigHandle, SettingsReport};
use crate::settings::Origin;
use crate::snapshot::{Snapshot, SnapshotCell};
use crate::testing::{FakeSettings, brokers, catalogue, parent, run_ready_tasks, soon, until};

const SECOND: Duration = Duration::from_secs(1);
const TIMEOUT: &str = "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT";

/// A config actor with its source and the receiver of its snapshots.
struct Config {
    handle: ConfigHandle,
    source: Arc<FakeSettings>,
    snapshots: Arc<SnapshotCell>,
    parent: ActorCell,
}

impl Config {
    /// Starts the actor with a planner timeout of 10 s and a refresh about every 5 s.
    async fn started() -> Self {
        let config = Config::not_started().await;
        config.source.set("PLANNER_TIMEOUT", "10");
        config.spawn(Some(5 * SECOND)).await;
        run_ready_tasks().await;
        config
    }

    async fn not_started() -> Self {
        let snapshots = Arc::new(SnapshotCell::new(brokers()));
        snapshots.set_catalogue(catalogue());
        Config { handle: ConfigHandle::new(), source: Arc::default(), snapshots, parent: parent().await }
    }

    async fn spawn(&self, every: Option<Duration>) {
        let (source, snapshots) = (Arc::clone(&self.source), Arc::clone(&self.snapshots));
        self.handle.spawn(source, every, snapshots, self.parent.clone()).await.unwrap();
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.current().unwrap()
    }

    fn timeout(&self) -> u64 {
        self.snapshot().settings.planner_timeout.as_secs()
    }

    async fn report(&self) -> Option<SettingsReport> {
        self.handle.report(soon()).await.unwrap()
    }

    /// Waits until the source was asked again and the response was handled.
    async fn refreshed(&self) {
        let before = self.source.fetches();
        until("the source is asked again", || self.source.fetches() > before).await;
        run_ready_tasks().await;
    }
}

#[tokio::test(start_paused = true)]
async fn values_of_the_source_apply_and_the_rest_are_defaults() {
    let config = Config::started().await;

    let report = config.report().await.unwrap();

    assert_eq!(config.timeout(), 10);
    assert_eq!(config.snapshot().settings.max_instruments_per_plan, 1000);
    assert_eq!(report.values[TIMEOUT], "10");
    assert_eq!(report.origins[TIMEOUT], Origin::ConfigService);
    assert_eq!(report.origins["INSTRUMENT_REGISTRY_PLAN_CACHE_TTL"], Origin::Default);
    assert_eq!(report.version.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_hash_follows_the_values() {
    let config = Config::started().await;
    let (first, version) = (config.snapshot(), config.report().await.unwrap().version);

    config.source.set("MAX_INSTRUMENTS_PER_PLAN", "7");
    config.refreshed().await;
    let (second, second_version) = (config.snapshot(), config.report().await.unwrap().version);
    config.source.set("MAX_INSTRUMENTS_PER_PLAN", "1000");
    config.refreshed().await;

    assert_eq!(second.settings.max_instruments_per_plan, 7);
    assert_ne!(second.hash, first.hash);
    assert_ne!(second_version, version);
    assert_eq!(config.snapshot().hash, first.hash);
    // A holder of the first snapshot still has it.
    assert_eq!(first.settings.max_instruments_per_plan, 1000);
}

#[tokio::test(start_paused = true)]
async fn equal_values_publish_nothing() {
    let config = Config::started().await;
    let (first, updated) = (config.snapshot(), config.report().await.unwrap().last_updated);

    config.refreshed().await;

    assert!(Arc::ptr_eq(&config.snapshot(), &first));
    assert_eq!(config.report().await.unwrap().last_updated, updated);
}

#[tokio::test(start_paused = true)]
async fn a_value_out_of_range_keeps_the_last_good_one() {
    let config = Config::started().await;

    config.source.set("PLANNER_TIMEOUT", "301");
    config.source.set("MAX_INSTRUMENTS_PER_PLAN", "7");
    config.refreshed().await;

    assert_eq!(config.timeout(), 10);
    assert_eq!(config.snapshot().settings.max_instruments_per_plan, 7);
    assert_eq!(config.report().await.unwrap().values[TIMEOUT], "10");
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_keeps_the_last_good_settings_and_is_retried() {
    let config = Config::started().await;
    let first = config.snapshot();
    config.source.fail(true);
    config.source.set("PLANNER_TIMEOUT", "12");

    config.refreshed().await;
    config.refreshed().await;
    let while_failing = config.snapshot();
    config.source.fail(false);
    config.refreshed().await;

    assert!(Arc::ptr_eq(&while_failing, &first));
    assert_eq!(config.timeout(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_fetch_is_retried_every_second() {
    let config = Config::not_started().await;
    config.source.fail(true);
    config.spawn(None).await;

    tokio::time::sleep(5 * SECOND).await;
    let fetches = config.source.fetches();
    let (snapshot, report) = (config.snapshots.current(), config.report().await);
    let reached = config.handle.inspect(SECOND).await.unwrap().reached;
    config.source.fail(false);
    until("the settings are loaded", || config.snapshots.current().is_some()).await;

    assert!((4..=6).contains(&fetches), "{fetches}");
    assert!(snapshot.is_none() && report.is_none());
    assert_eq!(reached, Some(false));
    assert_eq!(config.handle.inspect(SECOND).await.unwrap().reached, Some(true));
}

#[tokio::test(start_paused = true)]
async fn a_constant_source_is_fetched_once() {
    let config = Config::not_started().await;
    config.spawn(None).await;

    tokio::time::sleep(3600 * SECOND).await;

    assert_eq!(config.source.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn refreshes_follow_the_configured_interval() {
    let config = Config::started().await;

    let started_at = Instant::now();
    for _ in 0..10 {
        config.refreshed().await;
    }

    let took = started_at.elapsed();
    assert!(took >= 44 * SECOND && took <= 56 * SECOND, "{took:?}");
}

/// Regression: the successor started with the defaults, so a value out of range fell back to them.
#[tokio::test(start_paused = true)]
async fn the_last_good_settings_outlive_the_actor() {
    let config = Config::started().await;
    let before = config.report().await.unwrap();
    config.handle.crash().unwrap();
    until("the actor has stopped", || config.handle.crash().is_err()).await;
    config.source.set("PLANNER_TIMEOUT", "0");

    config.source.fail(true);
    config.spawn(Some(5 * SECOND)).await;
    run_ready_tasks().await;
    let while_failing = config.report().await;
    config.source.fail(false);
    config.refreshed().await;

    assert_eq!(while_failing, Some(before));
    assert_eq!(config.timeout(), 10);
}
