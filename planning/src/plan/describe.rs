//! Describes a plan: its instruments, costs, performance and risks.
//!
//! Everything is computed from the plan, the current catalog, the broker models and the date; no figure is a constant.

mod at_broker;
mod recommend;
mod risk;
#[cfg(feature = "openapi")]
mod schema;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;

use self::at_broker::carried_max;
pub use self::at_broker::{BrokerAnalysis, ExpiryShare, LimitUtilization, ModeCost, UnderlyingShare};
use self::recommend::recommendations;
use self::risk::{by_share, cost_risk, ratio};
use super::Plan;
use crate::basis::Basis;
use crate::broker::BrokerModels;
use crate::catalogue::{Catalogue, InstrumentId};
use crate::ingest::gate::credible_date;
use crate::instrument::Amount;
use crate::vocabulary::{Broker, counted, hex, verb, words};

words! {
    /// The level of detail of a description.
    DescriptionLevel {
        /// Counts and costs.
        Basic = "basic",
        /// Adds shares, efficiency, and costs per month and exchange.
        Detailed = "detailed",
        /// Adds scalability and a description of every risk.
        Comprehensive = "comprehensive",
    }
}

words! {
    /// The priority of a recommendation.
    Grade {
        /// No action is required.
        Low = "low",
        /// A check is recommended.
        Medium = "medium",
        /// Action is required.
        High = "high",
    }
}

words! {
    /// The level of a risk.
    RiskLevel {
        /// Below half of the limit.
        Low = "low",
        /// From half of the limit.
        Medium = "medium",
        /// From nine tenths of the limit.
        High = "high",
        /// The limit is not known.
        Unknown = "unknown",
    }
}

/// The analysis of the instruments of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstrumentAnalysis {
    /// The number of instruments in the plan.
    pub total_instruments: u64,
    /// The number of instruments by exchange.
    pub exchanges: BTreeMap<String, u64>,
    /// The number of instruments by type. `UNKNOWN` counts instruments that the catalog does not contain.
    pub instrument_types: BTreeMap<String, u64>,
    /// The exchanges with their number of instruments, largest first. Included in `detailed` and `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::pairs))]
    pub top_exchanges: Option<Vec<(String, u64)>>,
    /// The probability that two random instruments have different exchanges (Gini–Simpson index), 0 to 1. Included in
    /// `detailed` and `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, nullable = false))]
    pub diversity_score: Option<Amount>,
    /// The share of the requested keys that were kept, 0 to 1. Duplicates count. Included in `detailed` and `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, nullable = false))]
    pub optimization_efficiency: Option<Amount>,
}

/// The costs of a plan, in USD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CostBreakdown {
    /// The price of all instruments for a trading day.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub base_cost: Amount,
    /// Always `USD`.
    pub currency: String,
    /// The price of one instrument for a trading day.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub cost_per_instrument: Amount,
    /// The price of all instruments for a month of trading days. Included in `detailed` and `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, nullable = false))]
    pub monthly_estimate: Option<Amount>,
    /// The price by exchange. The sum is `base_cost`. Included in `detailed` and `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, f64>>, nullable = false))]
    pub exchange_costs: Option<BTreeMap<String, Amount>>,
}

/// The load of a plan compared with the capacity of its broker. The reference broker is used if the plan has no broker or if
/// the figures of its broker are not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScalabilityAssessment {
    /// The load. For streams: the number of instruments divided by `recommended_max`. For historical data: the time that the
    /// requests take at the rate limit of the broker, divided by the window within which they must be complete.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub current_load: Amount,
    /// The maximum number of instruments. For streams: on all connections of an account. For historical data: at the rate
    /// limit of the broker within the window.
    pub recommended_max: u64,
    /// The grade of `current_load`: `A` up to 0.5, `B` up to 0.75, `C` up to 0.9, `D` up to 1, `E` above 1.
    pub performance_grade: String,
}

/// The performance of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PerformanceAnalysis {
    /// The estimated time until the last instrument is requested, in milliseconds.
    pub estimated_latency_ms: u64,
    /// The estimated memory usage of a consumer, in megabytes.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub memory_usage_mb: Amount,
    /// The estimated bandwidth of the feed, in bytes per second.
    pub estimated_bandwidth_bytes_per_second: u64,
    /// The load compared with the capacity of the broker. Included in `comprehensive` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub scalability_assessment: Option<ScalabilityAssessment>,
}

/// A recommendation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recommendation {
    /// The type: `validation`, `broker`, `capacity`, `mode`, `deduplication`, `cost`, `expiry` or `staleness`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The priority of the recommendation.
    pub priority: Grade,
    /// The finding.
    pub message: String,
    /// The suggested action.
    pub suggested_action: String,
    /// The first ten instruments of the finding. Absent if the plan names no broker or the finding is not about instruments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub instruments: Vec<String>,
}

/// The description of a risk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DetailedRisk {
    /// The name of the risk.
    pub risk: String,
    /// The level of the risk.
    pub level: RiskLevel,
    /// The reason for the level.
    pub detail: String,
}

/// The risks of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RiskAnalysis {
    /// The risk that contracts of the plan have changed since it was created.
    pub data_staleness_risk: RiskLevel,
    /// The risk that the plan comes close to the capacity of the broker or, for historical data, to the end of its window.
    pub performance_risk: RiskLevel,
    /// The risk that the plan comes close to the daily budget of a user. `unknown` if no budget is configured.
    pub cost_risk: RiskLevel,
    /// Every risk with its reason. Included in `comprehensive` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub detailed_risks: Option<Vec<DetailedRisk>>,
}

/// The description of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Description {
    /// The id of the plan.
    #[cfg_attr(feature = "openapi", schema(pattern = "^plan_[0-9a-f]{32}$"))]
    pub plan_id: String,
    /// The level of detail.
    pub description_level: DescriptionLevel,
    /// The analysis of the instruments.
    pub instrument_analysis: InstrumentAnalysis,
    /// The costs.
    pub cost_breakdown: CostBreakdown,
    /// The performance.
    pub performance_analysis: PerformanceAnalysis,
    /// The allocation at the broker. Absent if the plan names no broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub broker_analysis: Option<BrokerAnalysis>,
    /// The recommendations, most urgent first.
    pub recommendations: Vec<Recommendation>,
    /// The risks.
    pub risk_analysis: RiskAnalysis,
}

/// Asia/Kolkata, which has had no daylight saving since 1945.
const KOLKATA: FixedOffset = FixedOffset::east_opt(5 * 3600 + 1800).expect("+05:30 is a valid offset");

/// Returns the trading date of a time: its date in Asia/Kolkata.
pub fn trading_date(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&KOLKATA).date_naive()
}

/// Returns the first moment after a trading date: midnight in Asia/Kolkata.
pub fn end_of_trading_date(date: NaiveDate) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN).and_utc();
    midnight + TimeDelta::days(1) - TimeDelta::seconds(KOLKATA.local_minus_utc().into())
}

/// Contracts that expire within this many days result in a recommendation.
const EXPIRY_NOTICE_DAYS: i64 = 3;

/// The current state of the service, with which a description compares a plan.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The current catalog and broker models.
    pub basis: Basis<'a>,
    /// The current trading date.
    pub today: NaiveDate,
    /// The daily budget of one user for plans, in USD; `None` if none is configured.
    pub daily_budget: Option<Amount>,
}

/// Describes a plan in the present state: its counts, its costs, and, by level, its risks and recommendations.
pub fn describe(plan: &Plan, level: DescriptionLevel, present: Present<'_>) -> Description {
    let Present { basis, today, daily_budget } = present;
    let catalogue = basis.catalogue;
    let facts = Facts::gather(plan, basis, today);
    let is_detailed = level >= DescriptionLevel::Detailed;
    let is_comprehensive = level == DescriptionLevel::Comprehensive;
    let staleness = facts.staleness(plan, catalogue, today);
    let performance = facts.performance(plan);
    let cost = cost_risk(plan, daily_budget);
    let detailed_risks = is_comprehensive.then(|| {
        let named = |risk: &str, (level, detail): &(RiskLevel, String)| DetailedRisk {
            risk: risk.to_owned(),
            level: *level,
            detail: detail.clone(),
        };
        vec![named("data_staleness", &staleness), named("performance", &performance), named("cost", &cost)]
    });
    Description {
        plan_id: plan.plan_id.clone(),
        description_level: level,
        instrument_analysis: facts.instruments(plan, is_detailed),
        cost_breakdown: facts.costs(plan, is_detailed),
        performance_analysis: PerformanceAnalysis {
            estimated_latency_ms: plan.performance_metrics.estimated_latency_ms,
            memory_usage_mb: plan.performance_metrics.memory_usage_mb,
            estimated_bandwidth_bytes_per_second: plan.metadata.estimated_bandwidth_bytes_per_second,
            scalability_assessment: is_comprehensive.then(|| facts.scalability(plan)),
        },
        broker_analysis: BrokerAnalysis::of(plan, basis, today, is_detailed),
        recommendations: recommendations(&facts, plan, catalogue, today),
        risk_analysis: RiskAnalysis {
            data_staleness_risk: staleness.0,
            performance_risk: performance.0,
            cost_risk: cost.0,
            detailed_risks,
        },
    }
}

/// The numbers that the parts of a description share.
struct Facts<'a> {
    total: u64,
    exchanges: BTreeMap<String, u64>,
    types: BTreeMap<String, u64>,
    expired: Vec<&'a str>,
    ending_soon: Vec<&'a str>,
    /// The number of slots with a second listing or name of an instrument that is in the plan already.
    redundant: u64,
    recommended_max: u64,
    brokers: &'a BrokerModels,
}

impl<'a> Facts<'a> {
    fn gather(plan: &'a Plan, basis: Basis<'a>, today: NaiveDate) -> Self {
        let Basis { catalogue, brokers } = basis;
        let mut facts = Facts {
            total: plan.instruments.len() as u64,
            exchanges: BTreeMap::new(),
            types: BTreeMap::new(),
            expired: Vec::new(),
            ending_soon: Vec::new(),
            redundant: 0,
            recommended_max: recommended_max(plan, brokers),
            brokers,
        };
        let mut groups: HashMap<InstrumentId, u64> = HashMap::new();
        for key in plan.instruments.iter() {
            let exchange = key.split_once(':').map_or("", |(exchange, _)| exchange);
            *facts.exchanges.entry(exchange.to_owned()).or_default() += 1;
            let Some(instrument) = catalogue.find(key).map(|id| catalogue.get(id)) else {
                *facts.types.entry("UNKNOWN".to_owned()).or_default() += 1;
                continue;
            };
            *facts.types.entry(instrument.class().as_str().to_owned()).or_default() += 1;
            *groups.entry(catalogue.get(instrument.group()).group()).or_default() += 1;
            if instrument.is_expired_on(today) {
                facts.expired.push(key);
            } else if instrument.expiry().is_some_and(|expiry| (expiry - today).num_days() <= EXPIRY_NOTICE_DAYS) {
                facts.ending_soon.push(key);
            }
        }
        facts.redundant = groups.values().map(|count| count - 1).sum();
        facts
    }

    fn instruments(&self, plan: &Plan, is_detailed: bool) -> InstrumentAnalysis {
        let squares: u64 = self.exchanges.values().map(|count| count * count).sum();
        let diversity =
            Amount::from_ten_thousandths(10_000 - ratio(squares, self.total * self.total).ten_thousandths());
        let mut top: Vec<(String, u64)> = self.exchanges.iter().map(|(name, count)| (name.clone(), *count)).collect();
        top.sort_by(|(a_name, a), (b_name, b)| b.cmp(a).then_with(|| a_name.cmp(b_name)));
        InstrumentAnalysis {
            total_instruments: self.total,
            exchanges: self.exchanges.clone(),
            instrument_types: self.types.clone(),
            top_exchanges: is_detailed.then_some(top),
            diversity_score: is_detailed.then_some(if self.total == 0 { Amount::ZERO } else { diversity }),
            optimization_efficiency: is_detailed.then(|| ratio(self.total, plan.metadata.original_instrument_count)),
        }
    }

    fn costs(&self, plan: &Plan, is_detailed: bool) -> CostBreakdown {
        let price = plan.metadata.cost_per_instrument;
        let month = u64::from(self.brokers.trading_days_per_month());
        let by_exchange = || self.exchanges.iter().map(|(name, count)| (name.clone(), price.times(*count))).collect();
        CostBreakdown {
            base_cost: plan.estimated_cost,
            currency: "USD".to_owned(),
            cost_per_instrument: price,
            monthly_estimate: is_detailed.then(|| plan.estimated_cost.times(month)),
            exchange_costs: is_detailed.then(by_exchange),
        }
    }

    /// Returns the share of the capacity of the broker that the plan uses: of its instruments for streams, of its time
    /// for historical data.
    fn load(&self, plan: &Plan) -> Amount {
        match self.time_of_history(plan) {
            Some(time_ms) => ratio(time_ms, self.brokers.history_window_ms()),
            None => ratio(self.total, self.recommended_max),
        }
    }

    /// Returns the time that the requests of a plan for historical data take at the rate limit of the broker, in
    /// milliseconds; `None` for streams.
    fn time_of_history(&self, plan: &Plan) -> Option<u64> {
        let is_stream = self.brokers.usual_mode(plan.subscription_type).is_some();
        (!is_stream).then_some(plan.performance_metrics.estimated_latency_ms)
    }

    fn scalability(&self, plan: &Plan) -> ScalabilityAssessment {
        let bounds = [(5_000, "A"), (7_500, "B"), (9_000, "C"), (10_000, "D")];
        let current_load = self.load(plan);
        let load = current_load.ten_thousandths();
        let grade = bounds.iter().find(|(bound, _)| load <= *bound).map_or("E", |(_, grade)| grade);
        ScalabilityAssessment {
            current_load,
            recommended_max: self.recommended_max,
            performance_grade: grade.to_owned(),
        }
    }

    fn performance(&self, plan: &Plan) -> (RiskLevel, String) {
        let brokers = self.brokers;
        let part = plan.metadata.broker_part.as_deref();
        if let Some(broker) = broker_of(plan)
            && part.is_none()
            && !brokers.has_figures_of(broker)
        {
            return (RiskLevel::Unknown, format!("the capacity of {} is unknown", broker.as_str()));
        }
        let limits = brokers.limits(broker_of(plan));
        let name = part.map_or(&limits.name, |part| &brokers.capacity().of(part.allocation.broker).name);
        let detail = match self.time_of_history(plan) {
            Some(time_ms) => {
                let pace = part.and_then(|part| part.allocation.requests_per_second);
                let window_ms = brokers.history_window_ms();
                let pace = pace.unwrap_or(limits.historical_requests_per_second.value);
                format!(
                    "loading the history takes {time_ms} ms of the {window_ms} ms window, at {pace} requests per second \
                     ({name})"
                )
            }
            None => {
                let accounts = match part.map_or(1, |part| part.allocation.accounts.len()) {
                    1 => "one account".to_owned(),
                    several => format!("{several} accounts"),
                };
                let (total, max) = (self.total, self.recommended_max);
                format!("{total} of the {max} instruments that {name} can stream to {accounts}")
            }
        };
        (by_share(self.load(plan)), detail)
    }

    fn staleness(&self, plan: &Plan, catalogue: &Catalogue, today: NaiveDate) -> (RiskLevel, String) {
        let expired = self.expired.len();
        if expired > 0 {
            let (contracts, have) = (counted(expired, "contract"), verb(expired, "has", "have"));
            return (RiskLevel::High, format!("{contracts} of the plan {have} expired"));
        }
        let made_from = &plan.metadata.catalogue;
        if made_from.demonstration {
            return (RiskLevel::High, "the plan was created from the demonstration catalog".to_owned());
        }
        let Some(file_date) = credible_date(made_from.file_date, today) else {
            return (RiskLevel::Medium, "the file date of the catalog is unknown".to_owned());
        };
        let age = (today - file_date).num_days();
        // A new file exists on every trading day; after a weekend and a holiday it may be four days old.
        match age {
            5.. => (RiskLevel::High, format!("the catalog's file is {age} days old")),
            2.. => (RiskLevel::Medium, format!("the catalog's file is {age} days old")),
            _ if is_superseded(plan, catalogue) => {
                (RiskLevel::Medium, "the catalog has changed since the plan was created".to_owned())
            }
            _ => (RiskLevel::Low, format!("created from the current catalog of {file_date}")),
        }
    }
}

/// Returns the number of instruments that the accounts of a plan carry; without a broker, one account of the reference
/// broker.
fn recommended_max(plan: &Plan, brokers: &BrokerModels) -> u64 {
    let estimated = || brokers.instruments_max(plan.subscription_type, broker_of(plan));
    let Some(part) = plan.metadata.broker_part.as_deref() else { return estimated() };
    match part.allocation.requests_per_second {
        Some(pace) => brokers.requests_within_window(pace),
        None => carried_max(part, brokers).unwrap_or_else(estimated),
    }
}

fn is_superseded(plan: &Plan, catalogue: &Catalogue) -> bool {
    plan.metadata.catalogue.content_hash != hex(catalogue.content_hash())
}

fn broker_of(plan: &Plan) -> Option<Broker> {
    plan.metadata.feed.as_ref().and_then(|feed| feed.broker)
}

#[cfg(test)]
mod tests;
