//! A fake store and small builders for tests: each mentions only what matters to a case.
#![allow(clippy::unwrap_used)]

mod fake;
#[cfg(target_os = "linux")]
pub mod scheduling;

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use registry_planning::Stamp;
use registry_planning::catalogue::Catalogue;
use registry_planning::demo;
use registry_planning::dump::Row;
use registry_planning::feed::StreamOptions;
use registry_planning::instrument::Amount;
use registry_planning::plan::Plan;
use registry_planning::profile::{Draft, Profile, Rules};
use registry_planning::request::{Options, PlanRequest, Resolved};
use registry_planning::vocabulary::{
    Exchange, FilteringStrictness, InstrumentType, OptimizationLevel, Segment, SubscriptionType,
};
use uuid::Uuid;

pub use self::fake::{Calls, FakeStore};
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;

/// Returns the row of a share.
pub fn equity(exchange: &str, symbol: &str, isin: &str) -> Row {
    let exchange = Exchange::parse(exchange).unwrap();
    Row {
        exchange,
        symbol: symbol.into(),
        alias: None,
        name: symbol.into(),
        segment: if exchange == Exchange::Nse { Segment::NseEquity } else { Segment::BseEquity },
        class: InstrumentType::Equity,
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

/// Returns the demonstration catalog of a Tuesday.
pub fn catalogue() -> Arc<Catalogue> {
    static CATALOGUE: LazyLock<Arc<Catalogue>> =
        LazyLock::new(|| Arc::new(demo::catalogue("2026-11-24".parse().unwrap())));
    Arc::clone(&CATALOGUE)
}

/// Returns the broker models that the service contains.
pub fn brokers() -> Arc<BrokerModels> {
    static BROKERS: LazyLock<Arc<BrokerModels>> = LazyLock::new(|| Arc::new(BrokerModels::embedded()));
    Arc::clone(&BROKERS)
}

/// Returns a request for these instruments with default options.
pub fn request(user_id: &str, keys: &[&str]) -> PlanRequest {
    PlanRequest {
        user_id: user_id.into(),
        plan_name: format!("plan of {user_id}"),
        description: None,
        subscription_type: SubscriptionType::LiveFeed,
        source: keys.iter().collect(),
        options: Options {
            optimization_level: OptimizationLevel::Moderate,
            filtering_strictness: FilteringStrictness::Moderate,
            max_instruments: 1000,
            cost_per_instrument: Amount::from_ten_thousandths(500),
            as_of: "2026-11-24".parse().unwrap(),
        },
        feed: StreamOptions::default(),
        warnings: Vec::new(),
    }
}

/// Returns the first version of an active profile of `u` with one instrument.
pub fn profile(profile_id: &str) -> Profile {
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

/// Returns a plan of that user that is created now.
pub fn plan_of_user(user_id: &str) -> Plan {
    let id = format!("plan_{}", Uuid::now_v7().simple());
    plan_for(&request(user_id, &["NSE:TCS", "NSE:INFY"]), id, Utc::now())
}

/// Returns the plan for a request, created at a given time and valid for five minutes.
pub fn plan_for(request: &PlanRequest, plan_id: String, created_at: DateTime<Utc>) -> Plan {
    let created_at = created_at.trunc_subsecs(3);
    let stamp = Stamp { plan_id, created_at, expires_at: created_at + TimeDelta::seconds(300) };
    let (catalogue, brokers) = (catalogue(), brokers());
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    let resolved = Resolved::new(request, basis, &[7; 32]);
    registry_planning::create_plan(request, &resolved, basis, stamp).unwrap()
}
