//! `plan`: creates plans offline, from the stored catalog.

use std::sync::Arc;

use anyhow::bail;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use registry_actors::snapshot::Snapshot;
use registry_planning::Stamp;
use registry_planning::broker::BrokerModels;
use registry_planning::catalogue::Catalogue;
use registry_planning::feed::StreamOptions;
use registry_planning::plan::Plan;
use registry_planning::plan::describe::trading_date;
use registry_planning::request::{Options, PlanRequest, Resolved};
use registry_planning::vocabulary::{SubscriptionType, counted, hex};
use uuid::Uuid;

use super::{PlanArguments, catalogue, print_line, resolve, table};
use crate::boot::Resources;
use crate::settings::ProcessSettings;

/// Maximum number of keys in a request, as over HTTP.
const KEYS_MAX: usize = 5000;

pub(super) async fn run(arguments: PlanArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    if arguments.keys.len() > KEYS_MAX {
        bail!("expected 1 to {KEYS_MAX} keys, got {}", arguments.keys.len());
    }
    let Resources { store, settings: planner, .. } = resolve(settings).await?;
    let now = Utc::now();
    let catalogue = Arc::new(catalogue(&*store, settings, now).await?);
    let brokers = BrokerModels::embedded().with_capacity(Arc::clone(&settings.capacity));
    let snapshot = Snapshot::new(&planner, catalogue, Arc::new(brokers));
    store.close().await;

    let plan = create_plan(&arguments, &snapshot, now)?;
    if arguments.json {
        return print_line(&serde_json::to_string_pretty(&plan)?);
    }
    print(&plan, &snapshot.catalogue)
}

fn create_plan(arguments: &PlanArguments, snapshot: &Snapshot, now: DateTime<Utc>) -> anyhow::Result<Plan> {
    let defaults = &snapshot.settings;
    let request = PlanRequest {
        user_id: "command-line".to_owned(),
        plan_name: "command line".to_owned(),
        description: None,
        subscription_type: SubscriptionType::LiveFeed,
        source: arguments.keys.iter().collect(),
        options: Options {
            optimization_level: arguments.optimization.unwrap_or(defaults.optimization_level),
            filtering_strictness: arguments.strictness.unwrap_or(defaults.filtering_strictness),
            max_instruments: defaults.max_instruments_per_plan,
            cost_per_instrument: defaults.cost_per_instrument,
            as_of: arguments.as_of.unwrap_or_else(|| trading_date(now)),
        },
        feed: StreamOptions { broker: arguments.broker, mode: arguments.mode, ..StreamOptions::default() },
        warnings: Vec::new(),
    };
    let resolved = Resolved::new(&request, snapshot.basis(), &snapshot.hash);
    let created_at = now.trunc_subsecs(3);
    let ttl = TimeDelta::from_std(defaults.plan_cache_ttl).unwrap_or(TimeDelta::MAX);
    let plan_id = format!("plan_{}", Uuid::now_v7().simple());
    let stamp = Stamp { plan_id, created_at, expires_at: created_at + ttl };
    Ok(registry_planning::create_plan(&request, &resolved, snapshot.basis(), stamp)?)
}

fn print(plan: &Plan, catalogue: &Catalogue) -> anyhow::Result<()> {
    let mut kept = table(&["instrument", "type", "expiry", "lot", "name"]);
    for key in plan.instruments.iter() {
        let row = match catalogue.find(key).map(|id| catalogue.get(id)) {
            Some(instrument) => [
                key.to_owned(),
                instrument.class().as_str().to_owned(),
                instrument.expiry().map(|date| date.to_string()).unwrap_or_default(),
                instrument.lot_size().to_string(),
                instrument.name().to_owned(),
            ],
            None => [key.to_owned(), "unknown".to_owned(), String::new(), String::new(), String::new()],
        };
        kept.add_row(row);
    }
    print_line(&kept.to_string())?;
    if !plan.rejected.is_empty() {
        let mut left_out = table(&["rejected", "reason", "detail", "suggestions"]);
        for rejection in &plan.rejected {
            left_out.add_row([
                rejection.instrument.clone(),
                rejection.reason.to_string(),
                rejection.detail.clone(),
                rejection.suggestions.join(", "),
            ]);
        }
        print_line(&left_out.to_string())?;
    }
    for warning in &plan.metadata.warnings {
        print_line(&format!("warning: {warning}"))?;
    }
    let metrics = &plan.performance_metrics;
    print_line(&format!(
        "kept {} of {} for {}: {} USD per day, about {} ms to subscribe, {} bytes per second\n\
         catalog version {} ({}), optimization {}, strictness {}, maximum {}",
        metrics.instrument_count,
        counted(plan.metadata.original_instrument_count, "instrument"),
        plan.metadata.as_of,
        plan.estimated_cost,
        metrics.estimated_latency_ms,
        plan.metadata.estimated_bandwidth_bytes_per_second,
        catalogue.version(),
        &hex(catalogue.content_hash())[..12],
        plan.optimization_level,
        plan.filtering_strictness,
        counted(plan.metadata.max_instruments, "instrument"),
    ))
}
