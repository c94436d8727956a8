//! The operations on a request of a hundred instruments.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use registry_actors::cache::CachedPlan;
use registry_planning::catalogue::{Builder, Catalogue};
use registry_planning::demo;
use registry_planning::feed::StreamOptions;
use registry_planning::instrument::Amount;
use registry_planning::plan::Plan;
use registry_planning::request::{Options, PlanRequest, Resolved};
use registry_planning::vocabulary::{FilteringStrictness, OptimizationLevel, SubscriptionType};
use registry_planning::{Stamp, create_plan};
use registry_store::sqlite::SqliteStore;
use registry_store::{PlanStore, Store};
use tokio::runtime;

use crate::{Operation, keys};
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;

/// The number of plans that a busy service stores in one batch.
const BATCH: usize = 64;

const SNAPSHOT_HASH: [u8; 32] = [7; 32];

fn today() -> anyhow::Result<NaiveDate> {
    NaiveDate::from_ymd_opt(2026, 8, 17).context("it is a date")
}

fn catalogue() -> anyhow::Result<Catalogue> {
    let mut builder = Builder::new();
    for row in demo::rows(today()?) {
        builder.add(row, true);
    }
    Ok(builder.build("bench".to_owned(), vec![]))
}

fn request(catalogue: &Catalogue) -> anyhow::Result<PlanRequest> {
    let all: Vec<String> = catalogue.instruments().map(|instrument| instrument.key().to_owned()).collect();
    Ok(PlanRequest {
        user_id: "user-4711".to_owned(),
        plan_name: "Bench".to_owned(),
        description: None,
        subscription_type: SubscriptionType::LiveFeed,
        source: keys(&all).iter().collect(),
        options: Options {
            optimization_level: OptimizationLevel::Moderate,
            filtering_strictness: FilteringStrictness::Moderate,
            max_instruments: 1000,
            cost_per_instrument: Amount::from_ten_thousandths(500),
            as_of: today()?,
        },
        feed: StreamOptions::default(),
        warnings: Vec::new(),
    })
}

fn stamp(plan_id: String) -> Stamp {
    let created_at = DateTime::UNIX_EPOCH;
    Stamp { plan_id, created_at, expires_at: created_at + TimeDelta::seconds(300) }
}

fn planned() -> anyhow::Result<Plan> {
    let catalogue = catalogue()?;
    let request = request(&catalogue)?;
    let brokers = BrokerModels::embedded();
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    let resolved = Resolved::new(&request, basis, &SNAPSHOT_HASH);
    Ok(create_plan(&request, &resolved, basis, stamp(format!("plan_{:032x}", 1)))?)
}

/// Resolves the keys, sorts them, and computes the cache key.
pub(crate) fn resolve() -> anyhow::Result<Operation> {
    let catalogue = catalogue()?;
    let request = request(&catalogue)?;
    let brokers = BrokerModels::embedded();
    Ok(Box::new(move || {
        let basis = Basis { catalogue: &catalogue, brokers: &brokers };
        drop(black_box(Resolved::new(black_box(&request), basis, &SNAPSHOT_HASH)));
    }))
}

/// Creates a plan from a resolved request.
pub(crate) fn plan_creation() -> anyhow::Result<Operation> {
    let catalogue = catalogue()?;
    let request = request(&catalogue)?;
    let brokers = BrokerModels::embedded();
    let resolved = Resolved::new(&request, Basis { catalogue: &catalogue, brokers: &brokers }, &SNAPSHOT_HASH);
    let stamp = stamp(format!("plan_{:032x}", 1));
    Ok(Box::new(move || {
        let basis = Basis { catalogue: &catalogue, brokers: &brokers };
        drop(black_box(create_plan(black_box(&request), &resolved, basis, stamp.clone())).expect("nothing is pinned"));
    }))
}

/// Renders a plan for a response.
pub(crate) fn render() -> anyhow::Result<Operation> {
    let plan = Arc::new(planned()?);
    Ok(Box::new(move || drop(black_box(CachedPlan::new(Arc::clone(black_box(&plan)))))))
}

/// Stores a batch of new plans in SQLite: rendering their documents, the statement, and the work of the database.
pub(crate) fn store() -> anyhow::Result<Operation> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    let store = {
        let _inside = runtime.enter();
        SqliteStore::new(&folder.path().join("plans.sqlite"))
    };
    runtime.block_on(store.prepare()).context("make the database")?;
    let plan = Plan { created_at: Utc::now(), ..planned()? };
    let mut number: u128 = 0;
    Ok(Box::new(move || {
        // Keeps the folder as long as the operation.
        let _in = &folder;
        let batch: Vec<Arc<Plan>> = (0..BATCH)
            .map(|_| {
                number += 1;
                Arc::new(Plan { plan_id: format!("plan_{number:032x}"), ..plan.clone() })
            })
            .collect();
        runtime.block_on(store.insert_plans(&batch)).expect("the database takes plans");
    }))
}
