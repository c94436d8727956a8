//! Small builders for tests: each takes only the values that matter to a case.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};

use crate::Stamp;
use crate::basis::Basis;
use crate::broker::BrokerModels;
use crate::catalogue::{self, Builder, Catalogue};
use crate::dump::Row;
use crate::feed::StreamOptions;
use crate::instrument::Amount;
use crate::keys::KeyList;
use crate::profile::Rules;
use crate::request::{Options, PlanRequest};
use crate::source::{ProfileSource, Source};
use crate::vocabulary::{
    Exchange, FilteringStrictness, InstrumentType, OptimizationLevel, ProfileReference, Segment, SubscriptionType,
};

pub(crate) fn equity(exchange: &str, symbol: &str, isin: &str) -> Row {
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
        token: String::new(),
    }
}

pub(crate) fn index(exchange: &str, symbol: &str, alias: Option<&str>) -> Row {
    let mut row = equity(exchange, symbol, "");
    row.segment = Segment::NseIndex;
    row.class = InstrumentType::Index;
    row.isin = None;
    row.series = None;
    row.alias = alias.map(Into::into);
    row
}

pub(crate) fn future(underlying: &str, symbol: &str, expiry: &str) -> Row {
    let mut row = equity("NSE", symbol, "");
    row.exchange = Exchange::Nfo;
    row.segment = Segment::NseDerivative;
    row.class = InstrumentType::Future;
    row.isin = None;
    row.series = None;
    row.underlying = Some(underlying.into());
    row.expiry = Some(expiry.parse().unwrap());
    row
}

/// The demonstration catalog of a Tuesday.
pub(crate) fn demo_catalogue() -> Catalogue {
    let mut builder = Builder::new();
    for row in crate::demo::rows("2026-11-24".parse().unwrap()) {
        builder.add(row, true);
    }
    builder.build("demo".into(), vec![catalogue::Source { broker: None, file_date: None }])
}

pub(crate) fn brokers() -> &'static BrokerModels {
    static EMBEDDED: LazyLock<BrokerModels> = LazyLock::new(BrokerModels::embedded);
    &EMBEDDED
}

pub(crate) fn basis(catalogue: &Catalogue) -> Basis<'_> {
    Basis { catalogue, brokers: brokers() }
}

pub(crate) fn request(keys: &[&str]) -> PlanRequest {
    PlanRequest {
        user_id: "u".into(),
        plan_name: "Test Plan".into(),
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

/// Returns the same request, for a plan of a profile with its keys.
pub(crate) fn of_profile(request: PlanRequest, profile_id: &str, version: u32, rules: Rules) -> PlanRequest {
    let reference = ProfileReference { profile_id: profile_id.into(), version };
    let keys = Arc::clone(keys_of(&request));
    let profile = ProfileSource { reference, keys, selectors: Vec::new(), rules, is_strict: false };
    PlanRequest { source: Source::Profile(Box::new(profile)), ..request }
}

/// Returns the keys of a request.
pub(crate) fn keys_of(request: &PlanRequest) -> &Arc<KeyList> {
    match &request.source {
        Source::Keys(keys) => keys,
        Source::Profile(profile) => &profile.keys,
        Source::Selectors(_) | Source::Items(_) => panic!("the request names no keys"),
    }
}

pub(crate) fn stamp() -> Stamp {
    let created_at: DateTime<Utc> = "2026-11-24T03:45:00Z".parse().unwrap();
    Stamp {
        plan_id: format!("plan_{}", "0".repeat(32)),
        created_at,
        expires_at: created_at + chrono::Duration::seconds(300),
    }
}
