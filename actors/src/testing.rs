//! Fakes and small builders for tests. Each takes only the arguments that matter for a test.

mod allocated;
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

pub(crate) use self::allocated::growth_of;
pub(crate) use self::log::CapturedLog;
pub(crate) use self::settings::FakeSettings;
pub(crate) use self::shared::FakeSharedCache;
use crate::persistence::StoreSlot;
use crate::planner::{PlanError, Planned};
pub(crate) use crate::runtime::testing::parent;
use crate::settings::{Settings, SettingsTable};
use crate::snapshot::Snapshot;
use crate::system::{System, SystemParts};

/// Maximum time for something that happens soon. It matters only if a test fails, so that it fits a busy machine. It
/// passes at once if the clock is paused.
const SOON: Duration = Duration::from_secs(120);

/// Waits until `condition` is true. Panics if that takes too long.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    until_async(what, async || condition()).await;
}

/// Waits as [`until`] does, for a condition that calls an actor or a server.
pub(crate) async fn until_async(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started_at = Instant::now();
    while !condition().await {
        assert!(started_at.elapsed() < SOON, "timeout while waiting until {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Runs every task that can run without the clock advancing.
pub(crate) async fn run_ready_tasks() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

/// Returns a deadline far enough in the future for everything that a test does with a paused clock.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// Returns a snapshot of this catalogue with the default settings.
pub(crate) fn snapshot() -> Arc<Snapshot> {
    snapshot_with(|_| {})
}

pub(crate) fn snapshot_with(change: impl FnOnce(&mut Settings)) -> Arc<Snapshot> {
    let mut settings = SettingsTable::default().settings().clone();
    change(&mut settings);
    Arc::new(Snapshot {
        settings,
        catalogue: catalogue(),
        brokers: brokers(),
        calendar_load: None,
        hash: [7; 32],
        request_hash: [7; 32],
    })
}

/// Starts an engine over fakes, without a shared cache, and waits for the first response of the store.
pub(crate) async fn engine(store: &Arc<FakeStore>) -> System {
    engine_of(parts(store)).await
}

/// Returns a slot that holds the store.
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

/// Requests a plan from the engine in a separate task, against [`snapshot`].
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
    let resolved = Arc::new(Resolved::new(request, snapshot.basis(), &snapshot.hash));
    let request = Arc::new(request.clone());
    tokio::spawn(async move { planners.plan(request, resolved, snapshot, deadline).await })
}
