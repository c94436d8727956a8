//! The domain of the instrument registry, and nothing else: no I/O, no async, no clock, no logging.
//!
//! [`create_plan`] turns a [`PlanRequest`] into a [`Plan`] against one immutable
//! [`Basis`]. Time and identity are arguments, so that the same input gives the same plan.

mod accounts;
mod allocate;
pub mod allocation;
pub mod basis;
pub mod broker;
pub mod calendar;
pub mod capacity;
pub mod catalogue;
pub mod demo;
pub mod dump;
pub mod explain;
pub mod feed;
mod filter;
pub mod fit;
pub mod heap;
pub mod help;
pub mod identity;
pub mod ingest;
pub mod instrument;
pub mod json;
pub mod keys;
pub mod merge;
mod optimise;
mod placement;
pub mod plan;
pub mod previous;
pub mod profile;
mod rejection;
pub mod request;
mod series;
pub mod source;
pub mod subscriptions;
#[cfg(test)]
mod testing;
pub mod transition;
pub mod verify;
pub mod vocabulary;
mod worth;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::allocate::{AllocationResult, allocate};
use crate::basis::Basis;
use crate::broker::{BrokerModels, Estimate, Loads, megabytes};
use crate::catalogue::{Catalogue, Instrument, InstrumentId};
use crate::feed::PlannedFeed;
use crate::filter::filter;
use crate::fit::{Fit, PinnedOverCapacity};
use crate::help::Became;
use crate::instrument::compare_keys;
use crate::keys::KeyList;
use crate::optimise::{KeySelection, optimise};
use crate::plan::{
    CatalogueReference, Metadata, OptimizationResult, PerformanceMetrics, Plan, PlanStatus, Reason, Rejection,
    ValidationResults,
};
use crate::request::{PlanRequest, Resolved, ResolvedItem};
use crate::vocabulary::{FilteringStrictness, InstrumentType, OptimizationLevel, counted, named, verb};

/// The id and the times of a plan, from the caller of [`create_plan`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The id of the plan: `plan_` followed by 32 hexadecimal digits.
    pub plan_id: String,
    /// The time at which the plan is created.
    pub created_at: DateTime<Utc>,
    /// The time from which the plan is not reused any more.
    pub expires_at: DateTime<Utc>,
}

/// Creates a plan: filters the resolved request, fits it under the maximum, and estimates its load.
///
/// `resolved` must be of the same request and catalog.
///
/// # Errors
/// [`PinnedOverCapacity`] if not all pinned instruments fit into the limits of the broker.
pub fn create_plan(
    request: &PlanRequest,
    resolved: &Resolved,
    basis: Basis<'_>,
    stamp: Stamp,
) -> Result<Plan, PinnedOverCapacity> {
    let catalogue = basis.catalogue;
    let filtered = filter(request, resolved, catalogue);
    let KeySelection { kept, rejected: not_chosen, fitted } = optimise(request, resolved, filtered.kept, basis)?;
    let mut rejected = filtered.rejected;
    rejected.extend(not_chosen);
    let rejected = in_order(rejected, resolved.is_order_free);
    let unknown = filtered.unknown.iter().map(|position| resolved.keys.key(*position as usize).to_owned());
    let unknown = (request.strictness() == FilteringStrictness::Lenient).then(|| unknown.collect());
    let at_broker = request.feed.broker.zip(fitted).map(|(broker, fitted)| {
        let allocated = allocate(request, resolved, &kept, &fitted, broker, basis);
        (fitted, allocated)
    });
    let decisions = Decisions { kept, rejected, unknown, at_broker };
    Ok(compose(request, resolved, basis, stamp, decisions))
}

struct Decisions {
    /// The keys that are kept, in the order of the plan.
    kept: Vec<ResolvedItem>,
    rejected: Vec<Rejection>,
    /// The kept keys that the catalog does not contain, if the strictness is `lenient`.
    unknown: Option<Vec<String>>,
    /// The modes and the allocation at the broker of the request.
    at_broker: Option<(Fit, AllocationResult)>,
}

/// Sorts by the caller's order, or by key if the plan must not depend on that order.
fn in_order(mut rejected: Vec<(u32, Rejection)>, is_order_free: bool) -> Vec<Rejection> {
    rejected.sort_unstable_by_key(|(position, _)| *position);
    if is_order_free {
        rejected.sort_by(|(_, a), (_, b)| compare_keys(&a.instrument, &b.instrument));
    }
    rejected.into_iter().map(|(_, rejection)| rejection).collect()
}

fn compose(request: &PlanRequest, resolved: &Resolved, basis: Basis<'_>, stamp: Stamp, decisions: Decisions) -> Plan {
    let Decisions { kept, rejected, unknown: unknown_instruments, at_broker } = decisions;
    let kept = kept.as_slice();
    let Basis { catalogue, brokers } = basis;
    let options = &request.options;
    let level = options.optimization_level;
    let mut instruments = KeyList::with_capacity(kept.len(), resolved.keys.text_bytes());
    for item in kept {
        instruments.push(resolved.keys.key(item.position as usize));
    }
    let survey = Survey::of(request, resolved, kept, basis);
    let instruments = Arc::new(instruments);
    let (fitted, allocated) = at_broker.unzip();
    let estimate = match &allocated {
        Some(allocated) => Estimate {
            latency_ms: allocated.ready_ms,
            memory_bytes: allocated.memory_bytes,
            bandwidth_bytes_per_second: allocated.bytes_per_second,
        },
        None => brokers.estimate(request.subscription_type, None, &survey.loads),
    };
    let mut warnings = warnings(request, resolved, kept, &survey, basis);
    let part = allocated.map(|AllocationResult { mut part, warnings: of_broker, .. }| {
        warnings.extend(of_broker);
        let is_permutation = rejected.is_empty() && resolved.is_order_free;
        part.request.share_keys(&instruments, is_permutation);
        Arc::new(part)
    });
    let count = |reasons: &[Reason]| rejected.iter().filter(|r| reasons.contains(&r.reason)).count() as u64;
    let removed_count = rejected.len() as u64;
    let invalid = [
        Reason::Malformed,
        Reason::Unknown,
        Reason::Inactive,
        Reason::Expired,
        Reason::NotAtBroker,
        Reason::NotAllowed,
    ];
    let (strategy, impact) = strategy_of(level);

    let mut plan = Plan {
        plan_id: stamp.plan_id,
        user_id: request.user_id.clone(),
        plan_name: request.plan_name.clone(),
        description: request
            .description
            .clone()
            .unwrap_or_else(|| format!("Optimized plan for {}", request.subscription_type)),
        subscription_type: request.subscription_type,
        optimization_level: level,
        filtering_strictness: request.strictness(),
        status: PlanStatus::Optimized,
        estimated_cost: options.cost_per_instrument.times(kept.len() as u64),
        performance_metrics: PerformanceMetrics {
            instrument_count: kept.len() as u64,
            optimization_level: level,
            filtering_strictness: request.strictness(),
            removed_instruments: removed_count,
            estimated_latency_ms: estimate.latency_ms,
            memory_usage_mb: megabytes(estimate.memory_bytes),
        },
        validation_results: ValidationResults {
            valid_instruments: kept.len() as u64,
            invalid_instruments: count(&invalid),
            optimization_applied: strategy.to_owned(),
            within_limits: count(&[Reason::OverLimit, Reason::OverCapacity]) == 0,
            unknown_instruments,
        },
        cache_key: resolved.cache_key(),
        created_at: stamp.created_at,
        expires_at: stamp.expires_at,
        metadata: Metadata {
            original_instrument_count: resolved.keys.len() as u64,
            optimization_result: OptimizationResult {
                optimized_instruments: Arc::clone(&instruments),
                removed_count,
                deduplication_count: count(&[Reason::Duplicate, Reason::Alias]),
                optimization_strategy: strategy.to_owned(),
                performance_impact: impact.to_owned(),
                exchange_distribution: (level == OptimizationLevel::Aggressive).then(|| by_exchange(&instruments)),
                optimization_time_ms: None,
            },
            catalogue: CatalogueReference::of(catalogue),
            as_of: options.as_of,
            max_instruments: options.max_instruments,
            cost_per_instrument: options.cost_per_instrument,
            estimated_bandwidth_bytes_per_second: estimate.bandwidth_bytes_per_second,
            content_hash: String::new(),
            warnings,
            profile: request.source.profile().map(|profile| profile.reference.clone()),
            feed: planned_feed(request, resolved, kept, fitted.as_ref(), brokers),
            broker_part: part.clone(),
        },
        instruments,
        rejected,
        allocation: part.map(|part| Arc::clone(&part.allocation)),
    };
    plan.metadata.content_hash = plan.content_digest();
    plan
}

/// Returns the stream of a plan, with the modes that its instruments have in the plan.
fn planned_feed(
    request: &PlanRequest,
    resolved: &Resolved,
    kept: &[ResolvedItem],
    fitted: Option<&Fit>,
    brokers: &BrokerModels,
) -> Option<PlannedFeed> {
    // Without options and limits all instruments have the mode of the request.
    let items: &[ResolvedItem] = if fitted.is_some() || !resolved.options.is_empty() { kept } else { &[] };
    let own_mode = |item: &ResolvedItem| {
        let mode = match fitted {
            Some(fitted) => fitted.mode(*item),
            None => resolved.options_of(item.position).mode,
        };
        Some((resolved.keys.key(item.position as usize), mode?))
    };
    request.feed.planned(request.subscription_type, items.iter().filter_map(own_mode), brokers)
}

fn strategy_of(level: OptimizationLevel) -> (&'static str, &'static str) {
    match level {
        OptimizationLevel::Low => ("simple_truncation", "minimal"),
        OptimizationLevel::Moderate => ("dedup_and_sort", "moderate"),
        OptimizationLevel::Aggressive => ("advanced_exchange_prioritization", "significant"),
    }
}

/// The kept instruments, counted in one pass.
struct Survey {
    /// The number of instruments by type and mode.
    loads: Loads,
    /// Whether one of them is an alias, inactive or expired.
    has_exceptions: bool,
}

impl Survey {
    fn of(request: &PlanRequest, resolved: &Resolved, kept: &[ResolvedItem], basis: Basis<'_>) -> Survey {
        let Basis { catalogue, brokers } = basis;
        let (mut known, mut unknown) = ([0; InstrumentType::ALL.len()], 0);
        let mut loads = Loads::new();
        let mut has_exceptions = false;
        let mode = request.feed.mode_of_others(request.subscription_type, brokers);
        let as_of = request.options.as_of;
        for item in kept {
            let class = item.id.map(|id| {
                let instrument = catalogue.get(id);
                has_exceptions |= instrument.is_alias() | !instrument.is_active() | instrument.is_expired_on(as_of);
                instrument.class()
            });
            if let Some(own) = resolved.options_of(item.position).mode {
                // Historical data has no mode, whatever is requested.
                *loads.entry((class, mode.map(|_| own))).or_default() += 1;
                continue;
            }
            match class {
                Some(class) => known[class as usize] += 1,
                None => unknown += 1,
            }
        }
        let counts = InstrumentType::ALL.into_iter().map(Some).zip(known).chain([(None, unknown)]);
        for (class, count) in counts.filter(|(_, count)| *count > 0) {
            *loads.entry((class, mode)).or_default() += count;
        }
        Survey { loads, has_exceptions }
    }
}

fn by_exchange(instruments: &KeyList) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (exchange, _) in instruments.iter().filter_map(|key| key.split_once(':')) {
        *counts.entry(exchange).or_default() += 1;
    }
    counts.into_iter().map(|(exchange, count)| (exchange.to_owned(), count)).collect()
}

fn warnings(
    request: &PlanRequest,
    resolved: &Resolved,
    kept: &[ResolvedItem],
    survey: &Survey,
    basis: Basis<'_>,
) -> Vec<String> {
    let catalogue = basis.catalogue;
    let mut warnings = resolved.warnings.clone();
    if !request.feed.is_empty() {
        let unlisted: Vec<String> = request.feed.broker.map_or(Vec::new(), |broker| {
            let is_listed = |item: &ResolvedItem| item.id.is_some_and(|id| catalogue.is_listed_by(broker, id));
            let key = |item: &ResolvedItem| format!("`{}`", resolved.keys.key(item.position as usize));
            kept.iter().filter(|item| !is_listed(item)).map(key).collect()
        });
        warnings.append(&mut request.feed.warnings(request.subscription_type, basis, &unlisted));
    }
    if survey.has_exceptions {
        warnings.extend(dead_instruments(request, resolved, kept, catalogue));
        warnings.extend(one_under_several_names(resolved, kept, catalogue));
        warnings.extend(resolved_keys(resolved, kept, catalogue));
    }
    let as_of = request.options.as_of;
    if let Some(file_date) = catalogue.file_date().filter(|file_date| as_of < *file_date) {
        warnings.push(format!(
            "as_of {as_of} is earlier than the catalog's file date {file_date}: the file does not contain contracts that expired before that date"
        ));
    }
    if catalogue.is_demonstration() {
        warnings.push(
            "planned from the demonstration catalog: its derivatives are generated; ingest a broker's file to get real ones"
                .to_owned(),
        );
    }
    warnings
}

/// Names the kept instruments that will send no data. Only `strict` leaves them out.
fn dead_instruments(
    request: &PlanRequest,
    resolved: &Resolved,
    kept: &[ResolvedItem],
    catalogue: &Catalogue,
) -> impl Iterator<Item = String> {
    let (as_of, strictness) = (request.options.as_of, request.strictness());
    let (mut inactive, mut expired) = (Vec::new(), Vec::new());
    for item in kept {
        let Some(instrument) = item.id.map(|id| catalogue.get(id)) else { continue };
        let key = || format!("`{}`", resolved.keys.key(item.position as usize));
        if !instrument.is_active() {
            let now = Became::of(catalogue, instrument.id(), as_of).map(|became| format!(" (now `{}`)", became.key()));
            inactive.push(key() + now.as_deref().unwrap_or_default());
        } else if instrument.is_expired_on(as_of) {
            expired.push(key());
        }
    }
    let is = verb(inactive.len(), "is", "are");
    let conditions = [(inactive, format!("that {is} inactive")), (expired, format!("that had expired by {as_of}"))];
    conditions.into_iter().filter(|(keys, _)| !keys.is_empty()).map(move |(keys, condition)| {
        let count = counted(keys.len(), "instrument");
        format!("kept {count} {condition}, because filtering_strictness is `{strictness}`: {}", named(keys.iter()))
    })
}

/// Names the kept keys that are not those of their instruments: symbols without a series, and keys that were replaced.
/// The usual name of an index needs no explanation.
fn resolved_keys(resolved: &Resolved, kept: &[ResolvedItem], catalogue: &Catalogue) -> impl Iterator<Item = String> {
    let (mut without_series, mut replaced) = (Vec::new(), Vec::new());
    for item in kept {
        let Some(alias) = item.id.map(|id| catalogue.get(id)).filter(Instrument::is_alias) else { continue };
        let target = catalogue.get(catalogue.target(alias.id()));
        if target.class() == InstrumentType::Index {
            continue;
        }
        let series = target.symbol().strip_prefix(alias.symbol()).and_then(|rest| rest.strip_prefix('-'));
        let keys = if series.is_some_and(|series| target.series() == Some(series)) {
            &mut without_series
        } else {
            &mut replaced
        };
        keys.push(format!("`{}` to `{}`", resolved.keys.key(item.position as usize), target.key()));
    }
    let named = |keys: Vec<String>, noun: &str, rest: &str| {
        (!keys.is_empty()).then(|| format!("resolved {}{rest}: {}", counted(keys.len(), noun), named(keys.iter())))
    };
    let without_series = named(without_series, "key", " without an EQ line to another series");
    let replaced = named(replaced, "other key", " of an instrument");
    without_series.into_iter().chain(replaced)
}

/// Names the kept instruments that are in the plan under several names. It happens only without a broker: at a broker
/// all names have one token, so that one of them is kept.
fn one_under_several_names(resolved: &Resolved, kept: &[ResolvedItem], catalogue: &Catalogue) -> Option<String> {
    let mut names: BTreeMap<InstrumentId, Vec<&str>> = BTreeMap::new();
    for item in kept {
        let Some(id) = item.id else { continue };
        names.entry(catalogue.target(id)).or_default().push(resolved.keys.key(item.position as usize));
    }
    let several: Vec<String> = names
        .into_values()
        .filter(|names| names.len() > 1)
        .map(|names| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" = "))
        .collect();
    (!several.is_empty()).then(|| {
        format!(
            "{} under several names, each name with its own slot and price: {}; set `broker` or use optimization_level \
             `aggressive` to keep one name per instrument",
            counted(several.len(), "instrument"),
            named(several.iter())
        )
    })
}

#[cfg(test)]
mod tests;
