//! Fakes and small builders for tests: each mentions only what matters to a case.

mod log;
mod settings;
mod shared;

use std::sync::Arc;

use registry_planning::request::{PlanRequest, Resolved};
pub(crate) use registry_store::testing::{
    FakeStore, brokers, catalogue, equity, plan_for, plan_of_user, profile, request,
};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};

pub(crate) use self::log::CapturedLog;
pub(crate) use self::settings::FakeSettings;
pub(crate) use self::shared::FakeSharedCache;
use crate::persistence::StoreSlot;
use crate::planner::{PlanError, Planned};
pub(crate) use crate::runtime::testing::parent;
use crate::settings::{Settings, SettingsTable};
use crate::snapshot::Snapshot;
use crate::system::{System, SystemParts};

/// Waits until `condition` holds: ten seconds at most, which pass at once where the clock is paused.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("timeout while waiting until {what}");
}

/// Lets everything run that can run without time passing.
pub(crate) async fn settle() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

/// Far enough away for everything that a test does under a paused clock.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// That catalogue under the default settings.
pub(crate) fn snapshot() -> Arc<Snapshot> {
    snapshot_with(|_| {})
}

pub(crate) fn snapshot_with(change: impl FnOnce(&mut Settings)) -> Arc<Snapshot> {
    let mut settings = SettingsTable::default().settings().clone();
    change(&mut settings);
    Arc::new(Snapshot { settings, catalogue: catalogue(), brokers: brokers(), hash: [7; 32] })
}

/// An engine over fakes, without a shared cache, whose store has answered.
pub(crate) async fn engine(store: &Arc<FakeStore>) -> System {
    engine_of(parts(store)).await
}

/// A slot that holds the store.
pub(crate) fn slot(store: &Arc<FakeStore>) -> Arc<StoreSlot> {
    Arc::new(StoreSlot::filled(Arc::clone(store) as _))
}

pub(crate) fn parts(store: &Arc<FakeStore>) -> SystemParts {
    let mut parts = SystemParts::new(Arc::new(FakeSettings::default()), slot(store));
    parts.planners = 2;
    parts.has_demonstration = false;
    parts
}

/// Starts the engine and waits for its first snapshot.
pub(crate) async fn engine_of(parts: SystemParts) -> System {
    let system = System::start(parts).await.unwrap();
    until("the snapshot exists", || system.snapshot().is_some()).await;
    system
}

/// Asks the engine for a plan from a task of its own, against [`snapshot`].
pub(crate) fn ask(system: &System, request: &PlanRequest, deadline: Instant) -> JoinHandle<Result<Planned, PlanError>> {
    ask_with(system, request, &snapshot(), deadline)
}

pub(crate) fn ask_with(
    system: &System,
    request: &PlanRequest,
    snapshot: &Arc<Snapshot>,
    deadline: Instant,
) -> JoinHandle<Result<Planned, PlanError>> {
    let (planners, snapshot) = (system.planners.clone(), Arc::clone(snapshot));
    let resolved = Arc::new(Resolved::new(request, &snapshot.catalogue, &snapshot.hash));
    let request = Arc::new(request.clone());
    tokio::spawn(async move { planners.plan(request, resolved, snapshot, deadline).await })
}
