//! Fakes and small builders for tests: each mentions only what matters to a case.

mod log;
mod settings;
mod shared;
mod store;

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use registry_planning::Stamp;
use registry_planning::catalogue::Catalogue;
use registry_planning::dump::Row;
use registry_planning::feed::Feed;
use registry_planning::instrument::{Amount, Class, Exchange, Segment};
use registry_planning::plan::Plan;
use registry_planning::profile::{Draft, Profile, Rules};
use registry_planning::request::{
    FilteringStrictness, OptimizationLevel, Options, PlanRequest, Resolved, SubscriptionType,
};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

pub(crate) use self::log::CapturedLog;
pub(crate) use self::settings::FakeSettings;
pub(crate) use self::shared::FakeSharedCache;
pub(crate) use self::store::FakeStore;
use crate::config::{Settings, SettingsTable};
use crate::planner::{PlanError, Planned};
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

struct Parent;

impl Actor for Parent {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// A supervisor that does nothing when a child ends.
pub(crate) async fn parent() -> ActorCell {
    Actor::spawn(None, Parent, ()).await.unwrap().0.get_cell()
}

pub(crate) fn equity(exchange: &str, symbol: &str, isin: &str) -> Row {
    let exchange = Exchange::parse(exchange).unwrap();
    Row {
        exchange,
        symbol: symbol.into(),
        alias: None,
        name: symbol.into(),
        segment: if exchange == Exchange::Nse { Segment::NseEquity } else { Segment::BseEquity },
        class: Class::Equity,
        isin: Some(isin.into()),
        series: Some("EQ".into()),
        underlying: None,
        expiry: None,
        strike: None,
        tick_size: Amount::from_ten_thousandths(500),
        lot_size: 1,
        token: format!("{exchange}-{symbol}"),
    }
}

/// The demonstration catalogue of a Tuesday.
pub(crate) fn catalogue() -> Arc<Catalogue> {
    static CATALOGUE: LazyLock<Arc<Catalogue>> =
        LazyLock::new(|| Arc::new(registry_planning::demo::catalogue("2026-11-24".parse().unwrap())));
    Arc::clone(&CATALOGUE)
}

/// That catalogue under the default settings.
pub(crate) fn snapshot() -> Arc<Snapshot> {
    snapshot_with(|_| {})
}

pub(crate) fn snapshot_with(change: impl FnOnce(&mut Settings)) -> Arc<Snapshot> {
    let mut settings = SettingsTable::default().settings().clone();
    change(&mut settings);
    Arc::new(Snapshot { settings, catalogue: catalogue(), hash: [7; 32] })
}

pub(crate) fn request(user_id: &str, keys: &[&str]) -> PlanRequest {
    PlanRequest {
        user_id: user_id.into(),
        plan_name: format!("plan of {user_id}"),
        description: None,
        subscription_type: SubscriptionType::LiveFeed,
        instruments: keys.iter().collect(),
        options: Options {
            optimization_level: OptimizationLevel::Moderate,
            filtering_strictness: FilteringStrictness::Moderate,
            max_instruments: 1000,
            cost_per_instrument: Amount::from_ten_thousandths(500),
            as_of: "2026-11-24".parse().unwrap(),
        },
        feed: Feed::default(),
        warnings: Vec::new(),
        profile: None,
    }
}

/// An active profile of `u` with one instrument, in its first version.
pub(crate) fn profile(profile_id: &str) -> Profile {
    let now = Utc::now();
    Profile {
        profile_id: profile_id.to_owned(),
        user_id: "u".into(),
        draft: Draft {
            profile_name: "profile".into(),
            subscription_type: SubscriptionType::LiveFeed,
            instruments: ["NSE:TCS"].iter().collect(),
            preferences: registry_planning::json::Document::default(),
            validation_rules: Rules::default(),
            max_instruments: None,
            expires_at: None,
        },
        is_active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// A plan made now for that user.
pub(crate) fn plan(user_id: &str) -> Plan {
    let id = format!("plan_{}", Uuid::now_v7().simple());
    plan_for(&request(user_id, &["NSE:TCS", "NSE:INFY"]), id, Utc::now())
}

/// The plan for a request, made at a given time and good for five minutes.
pub(crate) fn plan_for(request: &PlanRequest, plan_id: String, created_at: DateTime<Utc>) -> Plan {
    let created_at = created_at.trunc_subsecs(3);
    let stamp = Stamp { plan_id, created_at, expires_at: created_at + TimeDelta::seconds(300) };
    let resolved = Resolved::new(request, &catalogue(), &[7; 32]);
    registry_planning::plan(request, &resolved, &catalogue(), stamp)
}

/// An engine over fakes, without a shared cache, whose store has answered.
pub(crate) async fn engine(store: &Arc<FakeStore>) -> System {
    engine_of(parts(store)).await
}

pub(crate) fn parts(store: &Arc<FakeStore>) -> SystemParts {
    let mut parts = SystemParts::new(Arc::new(FakeSettings::default()), Arc::clone(store) as _);
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
