//! The whole engine: starts in order and stops along the flow of the data.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use registry_planning::broker::BrokerModels;
use registry_planning::capacity::Capacity;
use registry_store::DEPENDENCY;
use tokio::time::{Instant, timeout};
use tracing::{error, info, warn};

use crate::cache::{BYTE_BUDGET, CacheHandle, SharedCache};
use crate::catalogue::CatalogueHandle;
use crate::config::{ConfigHandle, Fallback, SettingsSource};
use crate::ingest::{IngestHandle, IngestSettings};
use crate::persistence::{self, PersistenceHandle, StoreSlot};
use crate::planner::PlannerPool;
use crate::runtime::breaker::ForcedState;
use crate::runtime::guard::ForcedChange;
use crate::runtime::mailbox::{CallError, Inspection};
use crate::runtime::supervisor::{ChildSpec, STOP_TIMEOUT, SupervisorHandle, stop};
use crate::snapshot::{Snapshot, SnapshotCell};

/// Minimum time for closing the database connections at a shutdown.
pub const CLOSE_TIMEOUT_MIN: Duration = STOP_TIMEOUT;

/// The parts from which the engine is built.
pub struct SystemParts {
    /// The source of the settings.
    pub settings: Arc<dyn SettingsSource>,
    /// The interval between refreshes of the settings; `None` if they cannot change.
    pub settings_refresh: Option<Duration>,
    /// The fallback of a config service; `None` for another source.
    pub settings_fallback: Option<Fallback>,
    /// The store of plans and of the catalog.
    pub store: Arc<StoreSlot>,
    /// The cache that replicas share, if there is one.
    pub shared_cache: Option<Arc<dyn SharedCache>>,
    /// The rules for brokers' files, and their sources.
    pub ingest: IngestSettings,
    /// The limits and feeds of brokers.
    pub brokers: Arc<BrokerModels>,
    /// Whether the demonstration catalog is served while the database has no load.
    pub has_demonstration: bool,
    /// Number of planners, 1 to [`crate::planner::PLANNERS_MAX`].
    pub planners: usize,
    /// Maximum size of L1 in bytes.
    pub cache_bytes: usize,
}

impl SystemParts {
    /// Creates parts with the default sizes.
    pub fn new(settings: Arc<dyn SettingsSource>, store: Arc<StoreSlot>) -> Self {
        SystemParts {
            settings,
            settings_refresh: None,
            settings_fallback: None,
            store,
            shared_cache: None,
            ingest: IngestSettings::default(),
            brokers: Arc::new(BrokerModels::embedded()),
            has_demonstration: true,
            planners: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            cache_bytes: BYTE_BUDGET,
        }
    }
}

/// The running engine. All handles survive restarts of their actors.
pub struct System {
    /// Refreshes and reports the settings.
    pub config: ConfigHandle,
    /// Serves the stored catalog, and reports loads and rejected files.
    pub catalogue: CatalogueHandle,
    /// Runs jobs that load brokers' files.
    pub ingest: IngestHandle,
    /// Holds plans in L1, and shares their ids through L2.
    pub cache: CacheHandle,
    /// Calls the database.
    pub persistence: PersistenceHandle,
    /// Create plans, or reuse them.
    pub planners: PlannerPool,
    snapshots: Arc<SnapshotCell>,
    store: Arc<StoreSlot>,
    supervisor: SupervisorHandle,
}

/// The state of one actor, and the time that it took to report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorReport {
    /// The name of the actor, as in the log and in metrics.
    pub name: &'static str,
    /// The time until it responded.
    pub response_time: Duration,
    /// The state, or the reason why the actor did not report it in time.
    pub inspection: Result<Inspection, CallError>,
}

/// The error of an engine that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("failed to start the engine: {0}")]
pub struct StartError(String);

impl System {
    /// Starts every actor; an actor that others call starts before them. Returns before the database has responded and
    /// the catalog is loaded: [`System::snapshot`] exists after that.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(parts: SystemParts) -> Result<Self, StartError> {
        let snapshots = Arc::new(SnapshotCell::new(parts.brokers));
        let persistence = PersistenceHandle::new();
        let config = match parts.settings_fallback {
            Some(fallback) => ConfigHandle::with_fallback(fallback, persistence.clone()),
            None => ConfigHandle::new(),
        };
        let catalogue = CatalogueHandle::new(persistence.clone());
        let ingest = IngestHandle::new(persistence.clone(), catalogue.clone());
        let cache = CacheHandle::new(parts.shared_cache);
        let planners = PlannerPool::new(parts.planners);
        register_metrics();

        let mut children = vec![
            ChildSpec::new("persistence", {
                let (persistence, store) = (persistence.clone(), Arc::clone(&parts.store));
                let snapshots = Arc::clone(&snapshots);
                move |supervisor| {
                    let (persistence, store) = (persistence.clone(), Arc::clone(&store));
                    let snapshots = Arc::clone(&snapshots);
                    async move { persistence.spawn(store, snapshots, supervisor).await }
                }
            }),
            ChildSpec::new("config", {
                let (config, snapshots) = (config.clone(), Arc::clone(&snapshots));
                let (source, every) = (Arc::clone(&parts.settings), parts.settings_refresh);
                move |supervisor| {
                    let (config, source, snapshots) = (config.clone(), Arc::clone(&source), Arc::clone(&snapshots));
                    async move { config.spawn(source, every, snapshots, supervisor).await }
                }
            }),
            ChildSpec::new("catalogue", {
                let (catalogue, snapshots) = (catalogue.clone(), Arc::clone(&snapshots));
                let has_demonstration = parts.has_demonstration;
                move |supervisor| {
                    let (catalogue, snapshots) = (catalogue.clone(), Arc::clone(&snapshots));
                    async move { catalogue.spawn(has_demonstration, snapshots, supervisor).await }
                }
            }),
            ChildSpec::new("ingest", {
                let (ingest, settings) = (ingest.clone(), Arc::new(parts.ingest));
                move |supervisor| {
                    let (ingest, settings) = (ingest.clone(), Arc::clone(&settings));
                    async move { ingest.spawn(settings, supervisor).await }
                }
            }),
            ChildSpec::new("cache", {
                let (cache, bytes) = (cache.clone(), parts.cache_bytes);
                move |supervisor| {
                    let cache = cache.clone();
                    async move { cache.spawn(bytes, supervisor).await }
                }
            }),
        ];
        for (index, name) in planners.names().iter().enumerate() {
            let (planners, cache, persistence) = (planners.clone(), cache.clone(), persistence.clone());
            children.push(ChildSpec::new(name, move |supervisor| {
                let (planners, cache, persistence) = (planners.clone(), cache.clone(), persistence.clone());
                async move { planners.spawn(index, cache, persistence, supervisor).await }
            }));
        }

        let supervisor = SupervisorHandle::start(children).await.map_err(|e| StartError(e.to_string()))?;
        let store = parts.store;
        Ok(System { config, catalogue, ingest, cache, persistence, planners, snapshots, store, supervisor })
    }

    /// Returns the broker models in effect, also before there is a snapshot.
    pub fn brokers(&self) -> Arc<BrokerModels> {
        self.snapshots.brokers()
    }

    /// Replaces the capacity of all brokers: a request that arrives later is planned with it.
    pub fn set_capacity(&self, capacity: Arc<Capacity>) {
        self.snapshots.set_capacity(capacity);
    }

    /// Returns the current snapshot; `None` until there are settings and a catalog.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshots.current()
    }

    /// Returns the name of the store behind [`System::persistence`].
    pub fn backend(&self) -> &'static str {
        self.store.backend()
    }

    /// Updates the metrics that have to be polled: the connections to the database, and the load of its lanes.
    pub fn measure(&self) {
        persistence::metrics::lane_loads(self.persistence.lanes());
        persistence::metrics::database_connections(self.store.connections());
    }

    /// Forces a state of the circuit breaker of a dependency, or returns to the automatic one. Returns `None` if no
    /// configured dependency has this name.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn force_breaker(
        &self,
        dependency: &str,
        forced: Option<ForcedState>,
        deadline: Instant,
    ) -> Result<Option<ForcedChange>, CallError> {
        match dependency {
            "database" => self.persistence.force_breaker(forced, deadline).await.map(Some),
            "redis" => self.cache.force_breaker(forced, deadline).await,
            "config_service" if self.config.service().is_some() => {
                self.config.force_breaker(forced, deadline).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Waits until an actor ended more often than its budget allows, and returns its name.
    pub async fn escalated(&self) -> &'static str {
        self.supervisor.escalated().await
    }

    /// Returns the state of every actor; asks all of them at the same time.
    pub async fn inspect(&self, timeout: Duration) -> Vec<ActorReport> {
        async fn timed<F>(name: &'static str, inspection: F) -> ActorReport
        where
            F: Future<Output = Result<Inspection, CallError>>,
        {
            let started_at = Instant::now();
            let inspection = inspection.await;
            ActorReport { name, response_time: started_at.elapsed(), inspection }
        }
        let (config, catalogue, ingest, cache, persistence, planners) = tokio::join!(
            timed("config", self.config.inspect(timeout)),
            timed("catalogue", self.catalogue.inspect(timeout)),
            timed("ingest", self.ingest.inspect(timeout)),
            timed("cache", self.cache.inspect(timeout)),
            timed("persistence", self.persistence.inspect(timeout)),
            self.planners.inspect(timeout),
        );
        let mut reports = vec![config, catalogue, ingest, cache, persistence];
        reports.extend(planners.into_iter().map(|(name, response_time, inspection)| ActorReport {
            name,
            response_time,
            inspection,
        }));
        reports
    }

    /// Stops along the flow of the data: ingestion jobs first; then planners, once they have answered; then
    /// persistence, once it has written; then the rest. Acknowledged work is never lost, whatever the deadline; work
    /// that the deadline cuts off was not acknowledged. It closes the database connections before the
    /// deadline, or within [`CLOSE_TIMEOUT_MIN`] if that is later.
    pub async fn shutdown(&self, deadline: Instant) {
        self.supervisor.begin_shutdown().await;
        self.ingest.stop_jobs(deadline.min(Instant::now() + STOP_TIMEOUT)).await;
        if let Err(fault) = self.planners.drain(deadline).await {
            warn!(%fault, "shutdown deadline exceeded: planners still have work in progress");
        }
        for planner in self.planners.actors() {
            stop(planner).await;
        }
        if let Err(fault) = self.persistence.flush(deadline).await {
            error!(%fault, "shutdown deadline exceeded: persistence still has work in progress");
        }
        let others = [
            self.persistence.actor(),
            self.ingest.actor(),
            self.catalogue.actor(),
            self.cache.actor(),
            self.config.actor(),
        ];
        for actor in others.into_iter().flatten() {
            stop(actor).await;
        }
        self.supervisor.stop().await;
        if timeout(deadline.saturating_duration_since(Instant::now()).max(CLOSE_TIMEOUT_MIN), self.store.close())
            .await
            .is_err()
        {
            warn!(dependency = DEPENDENCY, "timeout while closing the database connections");
        }
        info!("engine shut down");
    }

    /// Makes an actor panic, for tests of supervision. Returns `false` if no actor has that name.
    #[cfg(any(test, feature = "fault-injection"))]
    pub fn crash(&self, name: &str) -> bool {
        let planner = self.planners.names().iter().position(|planner| *planner == name);
        match (name, planner) {
            ("config", _) => self.config.crash().is_ok(),
            ("catalogue", _) => self.catalogue.crash().is_ok(),
            ("ingest", _) => self.ingest.crash().is_ok(),
            ("cache", _) => self.cache.crash().is_ok(),
            ("persistence", _) => self.persistence.crash().is_ok(),
            (_, Some(index)) => self.planners.crash(index).is_ok(),
            _ => false,
        }
    }
}

/// Describes the metrics of every component, so that each is exported from the start.
fn register_metrics() {
    crate::metrics::register();
    crate::runtime::metrics::register();
    crate::config::metrics::register();
    persistence::metrics::register();
    crate::catalogue::metrics::register();
    crate::ingest::metrics::register();
    crate::cache::metrics::register();
    crate::planner::metrics::register();
}
