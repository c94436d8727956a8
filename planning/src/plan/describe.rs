//! Describes a plan: what is in it, what it costs, how it performs, what threatens it.
//!
//! Everything is computed from the plan, the current catalogue and the date; no constant stands in for a figure.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde::Serialize;

use super::{Plan, Reason};
use crate::broker::Model;
use crate::catalogue::{Catalogue, InstrumentId, hex};
use crate::instrument::Amount;
use crate::request::words;

words! {
    /// How much a description says.
    DescriptionLevel {
        /// Counts and cost.
        Basic = "basic",
        /// Adds shares, efficiency, monthly and per-exchange cost.
        Detailed = "detailed",
        /// Adds scalability and every risk in words.
        Comprehensive = "comprehensive",
    }
}

words! {
    /// How grave or urgent something is.
    Grade {
        /// Nothing to do.
        Low = "low",
        /// Worth a look.
        Medium = "medium",
        /// Act.
        High = "high",
    }
}

/// What is in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstrumentAnalysis {
    /// Instruments in the plan.
    pub total_instruments: u64,
    /// Instruments by exchange.
    pub exchanges: BTreeMap<String, u64>,
    /// Instruments by type; `UNKNOWN` for those that the catalogue lacks.
    pub instrument_types: BTreeMap<String, u64>,
    /// Exchanges and their instruments, most first. From `detailed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_exchanges: Option<Vec<(String, u64)>>,
    /// Chance that two instruments drawn at random are of different exchanges (Gini–Simpson), 0 to 1. From
    /// `detailed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>))]
    pub diversity_score: Option<Amount>,
    /// Kept keys as a share of those asked for, repeats included, 0 to 1. From `detailed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>))]
    pub optimization_efficiency: Option<Amount>,
}

/// What the plan costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CostBreakdown {
    /// Price of all instruments for a trading day.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub base_cost: Amount,
    /// Always `USD`.
    pub currency: String,
    /// Price of one instrument for a trading day.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub cost_per_instrument: Amount,
    /// Price of a month of trading days. From `detailed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>))]
    pub monthly_estimate: Option<Amount>,
    /// Price by exchange; sums to `base_cost`. From `detailed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, f64>>))]
    pub exchange_costs: Option<BTreeMap<String, Amount>>,
}

/// How the plan fits its broker, or the reference broker where it asks for none or the figures of its own are not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScalabilityAssessment {
    /// Instruments as a share of `recommended_max`.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub current_load: Amount,
    /// The plan's maximum or that broker's capacity, whichever is less.
    pub recommended_max: u64,
    /// `A` to half the load, `B` to three quarters, `C` to nine tenths, `D` to all, `E` beyond.
    pub performance_grade: String,
}

/// How the plan performs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PerformanceAnalysis {
    /// Estimated time until the last instrument is asked for, milliseconds.
    pub estimated_latency_ms: u64,
    /// Estimated memory of a consumer, megabytes.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub memory_usage_mb: Amount,
    /// Estimated bytes a second of the feed.
    pub estimated_bandwidth_bytes_per_second: u64,
    /// How much room there is. Only `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scalability_assessment: Option<ScalabilityAssessment>,
}

/// Something that the caller could do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recommendation {
    /// `validation`, `capacity`, `deduplication`, `cost`, `expiry` or `staleness`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How urgent it is.
    pub priority: Grade,
    /// What was found.
    pub message: String,
    /// What to do.
    pub suggested_action: String,
}

/// One risk in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DetailedRisk {
    /// Which risk.
    pub risk: String,
    /// How grave.
    pub level: Grade,
    /// Why.
    pub detail: String,
}

/// What threatens the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RiskAnalysis {
    /// That it speaks of contracts as they were.
    pub data_staleness_risk: Grade,
    /// That it comes near what a broker carries.
    pub performance_risk: Grade,
    /// That it comes near its own maximum price.
    pub cost_risk: Grade,
    /// Each with its reason. Only `comprehensive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detailed_risks: Option<Vec<DetailedRisk>>,
}

/// A plan described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Description {
    /// The plan.
    pub plan_id: String,
    /// How much is said.
    pub description_level: DescriptionLevel,
    /// What is in it.
    pub instrument_analysis: InstrumentAnalysis,
    /// What it costs.
    pub cost_breakdown: CostBreakdown,
    /// How it performs.
    pub performance_analysis: PerformanceAnalysis,
    /// What could be done, most urgent first.
    pub recommendations: Vec<Recommendation>,
    /// What threatens it.
    pub risk_analysis: RiskAnalysis,
}

/// The trading date in Asia/Kolkata, which has had no daylight saving since 1945.
pub fn trading_date(now: DateTime<Utc>) -> NaiveDate {
    let kolkata = FixedOffset::east_opt(5 * 3600 + 1800).expect("five and a half hours are an offset");
    now.with_timezone(&kolkata).date_naive()
}

/// Contracts that end within this many days deserve a word.
const EXPIRY_NOTICE_DAYS: i64 = 3;

/// Describes `plan` as it looks on the trading date `today` against the catalogue of now.
pub fn describe(plan: &Plan, catalogue: &Catalogue, level: DescriptionLevel, today: NaiveDate) -> Description {
    let facts = Facts::gather(plan, catalogue, today);
    let is_detailed = level >= DescriptionLevel::Detailed;
    let is_comprehensive = level == DescriptionLevel::Comprehensive;
    let staleness = facts.staleness(plan, catalogue, today);
    let performance = facts.performance();
    let cost = facts.cost(plan);
    let detailed_risks = is_comprehensive.then(|| {
        let named = |risk: &str, (level, detail): &(Grade, String)| DetailedRisk {
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
            scalability_assessment: is_comprehensive.then(|| facts.scalability()),
        },
        recommendations: facts.recommendations(plan, catalogue, today),
        risk_analysis: RiskAnalysis {
            data_staleness_risk: staleness.0,
            performance_risk: performance.0,
            cost_risk: cost.0,
            detailed_risks,
        },
    }
}

/// What describing needs to know of a plan, counted once.
struct Facts {
    total: u64,
    exchanges: BTreeMap<String, u64>,
    types: BTreeMap<String, u64>,
    expired: u64,
    ending_soon: u64,
    /// Slots taken by a second listing or name of an instrument that is in the plan already.
    redundant: u64,
    recommended_max: u64,
}

impl Facts {
    fn gather(plan: &Plan, catalogue: &Catalogue, today: NaiveDate) -> Self {
        let broker = plan.metadata.feed.as_ref().and_then(|feed| feed.broker);
        let capacity = Model::built_in().limits(broker).capacity();
        let mut facts = Facts {
            total: plan.instruments.len() as u64,
            exchanges: BTreeMap::new(),
            types: BTreeMap::new(),
            expired: 0,
            ending_soon: 0,
            redundant: 0,
            recommended_max: u64::from(plan.metadata.max_instruments.min(capacity)),
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
                facts.expired += 1;
            } else if instrument.expiry().is_some_and(|expiry| (expiry - today).num_days() <= EXPIRY_NOTICE_DAYS) {
                facts.ending_soon += 1;
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
        let month = u64::from(Model::built_in().trading_days_per_month());
        let by_exchange = || self.exchanges.iter().map(|(name, count)| (name.clone(), price.times(*count))).collect();
        CostBreakdown {
            base_cost: plan.estimated_cost,
            currency: "USD".to_owned(),
            cost_per_instrument: price,
            monthly_estimate: is_detailed.then(|| plan.estimated_cost.times(month)),
            exchange_costs: is_detailed.then(by_exchange),
        }
    }

    fn load(&self) -> Amount {
        ratio(self.total, self.recommended_max)
    }

    fn scalability(&self) -> ScalabilityAssessment {
        let bounds = [(5_000, "A"), (7_500, "B"), (9_000, "C"), (10_000, "D")];
        let load = self.load().ten_thousandths();
        let grade = bounds.iter().find(|(bound, _)| load <= *bound).map_or("E", |(_, grade)| grade);
        ScalabilityAssessment {
            current_load: self.load(),
            recommended_max: self.recommended_max,
            performance_grade: grade.to_owned(),
        }
    }

    fn performance(&self) -> (Grade, String) {
        let detail = format!("{} of {} instruments that are recommended at most", self.total, self.recommended_max);
        (by_share(self.load()), detail)
    }

    fn cost(&self, plan: &Plan) -> (Grade, String) {
        let ceiling = plan.metadata.cost_per_instrument.times(u64::from(plan.metadata.max_instruments));
        let share =
            match (u64::try_from(plan.estimated_cost.ten_thousandths()), u64::try_from(ceiling.ten_thousandths())) {
                (Ok(cost), Ok(ceiling)) => ratio(cost, ceiling),
                _ => Amount::ZERO,
            };
        (by_share(share), format!("{} of {ceiling} USD a day that the plan's maximum would cost", plan.estimated_cost))
    }

    fn staleness(&self, plan: &Plan, catalogue: &Catalogue, today: NaiveDate) -> (Grade, String) {
        if self.expired > 0 {
            return (Grade::High, format!("{} contracts of the plan have expired", self.expired));
        }
        let made_from = &plan.metadata.catalogue;
        if made_from.demonstration {
            return (Grade::High, "the plan was made from the demonstration catalogue".to_owned());
        }
        let Some(file_date) = made_from.file_date else {
            return (Grade::Medium, "the date of the catalogue's file is not known".to_owned());
        };
        let age = (today - file_date).num_days();
        // A file is new every trading day; over a week-end and a holiday it may be four days old.
        match age {
            5.. => (Grade::High, format!("the catalogue's file is {age} days old")),
            2.. => (Grade::Medium, format!("the catalogue's file is {age} days old")),
            _ if is_superseded(plan, catalogue) => (Grade::Medium, "the catalogue has changed since".to_owned()),
            _ => (Grade::Low, format!("made from the current catalogue of {file_date}")),
        }
    }

    fn recommendations(&self, plan: &Plan, catalogue: &Catalogue, today: NaiveDate) -> Vec<Recommendation> {
        let asked = plan.metadata.original_instrument_count;
        let count = |reasons: &[Reason]| plan.rejected.iter().filter(|r| reasons.contains(&r.reason)).count() as u64;
        let mut list = Vec::new();
        let mut add = |kind: &str, priority: Grade, message: String, action: &str| {
            list.push(Recommendation { kind: kind.to_owned(), priority, message, suggested_action: action.to_owned() });
        };
        let invalid = count(&[Reason::Malformed, Reason::Unknown, Reason::Inactive, Reason::Expired]);
        if invalid > 0 {
            let priority = if invalid * 10 > asked { Grade::High } else { Grade::Medium };
            let message = format!("{invalid} of {asked} keys could not be used");
            add("validation", priority, message, "correct them: `rejected` gives the reason and the nearest keys");
        }
        let not_listed = count(&[Reason::NotAtBroker]);
        if let Some(broker) = plan.metadata.feed.as_ref().and_then(|feed| feed.broker)
            && not_listed > 0
        {
            let message = format!("{not_listed} instruments are not in the last file of {}", broker.as_str());
            add("broker", Grade::Medium, message, "ask another broker for them, or take in a newer file");
        }
        let over_limit = count(&[Reason::OverLimit]);
        if over_limit > 0 {
            let message = format!(
                "{over_limit} instruments found no slot under the maximum of {}",
                plan.metadata.max_instruments
            );
            add("capacity", Grade::High, message, "raise the maximum, or split the request over several plans");
        }
        if self.expired > 0 {
            let message = format!("{} contracts had expired by {today}", self.expired);
            add("expiry", Grade::High, message, "plan again without them, or with the next expiry");
        }
        if self.ending_soon > 0 {
            let message = format!("{} contracts expire within {EXPIRY_NOTICE_DAYS} days", self.ending_soon);
            add("expiry", Grade::Medium, message, "prepare a plan with the next expiry");
        }
        if is_superseded(plan, catalogue) {
            let message = "the catalogue has changed since the plan was made".to_owned();
            add("staleness", Grade::Medium, message, "send the request again");
        }
        if self.redundant > 0 {
            let saved = plan.metadata.cost_per_instrument.times(self.redundant);
            let message = format!("{} slots hold another listing or name of an instrument in the plan", self.redundant);
            let action = format!("use optimization_level `aggressive` and save {saved} USD a day");
            add("cost", Grade::Medium, message, &action);
        }
        let repeats = count(&[Reason::Duplicate]);
        if repeats > 0 {
            let message = format!("{repeats} keys of the request were repeats");
            add("deduplication", Grade::Low, message, "send each key once");
        }
        list.sort_by_key(|recommendation| std::cmp::Reverse(recommendation.priority));
        list
    }
}

fn is_superseded(plan: &Plan, catalogue: &Catalogue) -> bool {
    plan.metadata.catalogue.content_hash != hex(catalogue.content_hash())
}

/// Below half is low, below nine tenths medium, above it high.
fn by_share(share: Amount) -> Grade {
    match share.ten_thousandths() {
        share if share < 5_000 => Grade::Low,
        share if share < 9_000 => Grade::Medium,
        _ => Grade::High,
    }
}

/// `part` of `whole`, cut after four decimals; 0 where there is no whole.
fn ratio(part: u64, whole: u64) -> Amount {
    if whole == 0 {
        return Amount::ZERO;
    }
    let scaled = u128::from(part) * 10_000 / u128::from(whole);
    Amount::from_ten_thousandths(i64::try_from(scaled).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
