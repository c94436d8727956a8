//! Describes the allocation of a plan at its broker: the use of its limits, its rates, its concentration, and when
//! its contracts expire.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use super::risk::ratio;
use crate::accounts::accounts_of;
use crate::allocation::{Allocation, BrokerPart};
use crate::basis::Basis;
use crate::broker::BrokerModels;
use crate::fit;
use crate::instrument::Amount;
use crate::plan::Plan;
use crate::vocabulary::{Broker, Mode};

const UNDERLYINGS_MAX: usize = 20;

/// The allocation of a plan at its broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BrokerAnalysis {
    /// The broker.
    pub broker: Broker,
    /// The tier of the accounts.
    pub tier: String,
    /// The limits that apply to the plan, the most used first.
    pub limits: Vec<LimitUtilization>,
    /// The expected number of messages in a second on all connections.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub messages_per_second: Amount,
    /// The expected bandwidth of all connections, in bytes per second.
    pub bytes_per_second: u64,
    /// The estimated time until the last instrument is subscribed or requested, in milliseconds.
    pub time_to_ready_ms: u64,
    /// The underlyings with their number of instruments, largest first; at most 20. An instrument that is no contract counts as
    /// its own underlying. Included in `detailed` and `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub underlyings: Option<Vec<UnderlyingShare>>,
    /// The expiries of the contracts of the plan, the nearest first. Included in `detailed` and `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub expiries: Option<Vec<ExpiryShare>>,
    /// The price by exchange and mode. Included in `detailed` and `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub costs: Option<Vec<ModeCost>>,
}

/// The use of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitUtilization {
    /// The name of the limit.
    pub limit: String,
    /// The thing that it applies to: `plan`, `account …` or `connection …`.
    pub scope: String,
    /// The number that the plan uses.
    pub used: u32,
    /// The number that the limit allows.
    pub allowed: u32,
    /// The used share, 0 to 1.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub utilization: Amount,
}

/// The instruments of one underlying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnderlyingShare {
    /// The underlying.
    pub underlying: String,
    /// The number of its instruments.
    pub instruments: u64,
    /// Their share of the plan, 0 to 1.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub share: Amount,
}

/// The contracts that expire on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExpiryShare {
    /// The last trading date.
    pub expiry: NaiveDate,
    /// The number of days until then; negative if it has passed.
    pub days_left: i64,
    /// The number of contracts.
    pub instruments: u64,
    /// Their share of the plan, 0 to 1.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub share: Amount,
    /// The number of their underlyings.
    pub underlyings: u64,
}

/// The price of the instruments of one exchange in one mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModeCost {
    /// The exchange.
    pub exchange: String,
    /// The mode. Absent if the instruments have no subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub mode: Option<Mode>,
    /// The number of instruments.
    pub instruments: u64,
    /// The price of the instruments for a trading day, in USD.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub cost: Amount,
}

impl BrokerAnalysis {
    /// Returns the analysis of a plan; `None` if it names no broker.
    pub(super) fn of(plan: &Plan, basis: Basis<'_>, today: NaiveDate, is_detailed: bool) -> Option<Self> {
        let part = plan.metadata.broker_part.as_deref()?;
        let allocation = &*part.allocation;
        let connections = allocation.connections.iter().flatten();
        let messages = connections.clone().map(|of| of.messages_per_second.ten_thousandths()).sum();
        Some(BrokerAnalysis {
            broker: allocation.broker,
            tier: allocation.tier.clone(),
            limits: utilization(allocation),
            messages_per_second: Amount::from_ten_thousandths(messages),
            bytes_per_second: connections.map(|of| of.bytes_per_second).sum(),
            time_to_ready_ms: plan.performance_metrics.estimated_latency_ms,
            underlyings: is_detailed.then(|| underlyings(plan, basis)),
            expiries: is_detailed.then(|| expiries(plan, basis, today)),
            costs: is_detailed.then(|| costs(plan, part)),
        })
    }
}

fn utilization(allocation: &Allocation) -> Vec<LimitUtilization> {
    let of = |of: &crate::allocation::UsedLimit| LimitUtilization {
        limit: of.limit.clone(),
        scope: of.scope.clone(),
        used: of.used,
        allowed: of.allowed,
        utilization: ratio(u64::from(of.used), u64::from(of.allowed)),
    };
    let mut limits: Vec<LimitUtilization> = allocation.limits.iter().map(of).collect();
    limits.sort_by_key(|limit| Reverse(limit.utilization));
    limits
}

fn underlyings(plan: &Plan, basis: Basis<'_>) -> Vec<UnderlyingShare> {
    let Basis { catalogue, .. } = basis;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for key in plan.instruments.iter() {
        let instrument = catalogue.find(key).map(|id| catalogue.get(catalogue.target(id)));
        let own = || key.split_once(':').map_or(key, |(_, symbol)| symbol);
        let underlying = instrument.map_or_else(own, |of| of.underlying().unwrap_or_else(|| of.symbol()));
        *counts.entry(underlying).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts.truncate(UNDERLYINGS_MAX);
    let total = plan.instruments.len() as u64;
    let share = |(underlying, count): (&str, u64)| UnderlyingShare {
        underlying: underlying.to_owned(),
        instruments: count,
        share: ratio(count, total),
    };
    counts.into_iter().map(share).collect()
}

fn expiries(plan: &Plan, basis: Basis<'_>, today: NaiveDate) -> Vec<ExpiryShare> {
    let Basis { catalogue, .. } = basis;
    let mut of_days: BTreeMap<NaiveDate, (u64, BTreeSet<&str>)> = BTreeMap::new();
    for id in plan.instruments.iter().filter_map(|key| catalogue.find(key)) {
        let instrument = catalogue.get(catalogue.target(id));
        let Some(expiry) = instrument.expiry() else { continue };
        let (count, underlyings) = of_days.entry(expiry).or_default();
        *count += 1;
        underlyings.extend(instrument.underlying());
    }
    let total = plan.instruments.len() as u64;
    let share = |(expiry, (count, underlyings)): (NaiveDate, (u64, BTreeSet<&str>))| ExpiryShare {
        expiry,
        days_left: (expiry - today).num_days(),
        instruments: count,
        share: ratio(count, total),
        underlyings: underlyings.len() as u64,
    };
    of_days.into_iter().map(share).collect()
}

fn costs(plan: &Plan, part: &BrokerPart) -> Vec<ModeCost> {
    let mode = |position: usize| part.subscriptions.as_ref()?.instruments.get(position)?.mode;
    let mut counts: BTreeMap<(&str, Option<Mode>), u64> = BTreeMap::new();
    for (position, key) in plan.instruments.iter().enumerate() {
        let exchange = key.split_once(':').map_or("", |(exchange, _)| exchange);
        *counts.entry((exchange, mode(position))).or_default() += 1;
    }
    let cost = |((exchange, mode), count): ((&str, Option<Mode>), u64)| ModeCost {
        exchange: exchange.to_owned(),
        mode,
        instruments: count,
        cost: plan.metadata.cost_per_instrument.times(count),
    };
    counts.into_iter().map(cost).collect()
}

/// Returns the number of instruments that the accounts of a plan carry in its modes. `None` if no limit of theirs is
/// known.
pub(super) fn carried_max(part: &BrokerPart, brokers: &BrokerModels) -> Option<u64> {
    let subscriptions = part.subscriptions.as_ref()?;
    let modes: BTreeSet<Mode> = subscriptions.instruments.iter().filter_map(|of| of.mode).collect();
    if modes.is_empty() {
        return None;
    }
    let accounts = accounts_of(&part.request.request().feed, part.allocation.broker, brokers);
    fit::carried_max(&accounts, modes.into_iter().collect()).map(u64::from)
}
