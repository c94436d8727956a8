//! Small builders for tests: each takes only the values that matter to a case.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use toml::{Table, Value};

use crate::Stamp;
use crate::basis::Basis;
use crate::broker::BrokerModels;
use crate::capacity::{self, Limits, MARKET};
use crate::catalogue::{self, Builder, Catalogue};
use crate::dump::Row;
use crate::feed::StreamOptions;
use crate::instrument::Amount;
use crate::keys::KeyList;
use crate::profile::Rules;
use crate::request::{Options, PlanRequest};
use crate::source::{ProfileSource, Source};
use crate::vocabulary::{
    Exchange, FilteringStrictness, InstrumentType, Mode, OptimizationLevel, ProfileReference, Segment, SubscriptionType,
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
    builder.build("demo".into(), vec![catalogue::Source { broker: None, file_date: None, loaded_at: None }])
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

/// Returns limits from a short form of `brokers.toml`: a figure is its value alone, a mode without legs has one at the
/// market endpoint, a leg is `"endpoint"` with the mode itself or `"endpoint mode"`, and an endpoint is its limit.
/// Absent fields have the values of one connection without limits.
///
/// # Panics
/// If the limits have a fault.
pub(crate) fn limits(text: &str) -> Limits {
    let mut table: Table = toml::from_str(text).unwrap();
    let defaults = "connections = 1\non_excess = \"refuse\"\ncounts_duplicates = true\nchange_mode = \"message\"";
    for (name, value) in toml::from_str::<Table>(defaults).unwrap() {
        table.entry(name).or_insert(value);
    }
    sub_table(&mut table, "modes");
    if table["modes"].as_table().unwrap().is_empty() {
        for mode in [Mode::Ltp, Mode::Quote, Mode::Full] {
            sub_table(sub_table(&mut table, "modes"), mode.as_str());
        }
    }
    let mut leg_modes = BTreeSet::new();
    let mut of_market = Vec::new();
    for (name, mode) in sub_table(&mut table, "modes").iter_mut() {
        let mode = mode.as_table_mut().unwrap();
        let listed = mode.remove("legs").unwrap_or_else(|| Value::Array(vec![MARKET.into()]));
        let legs: Vec<(String, String)> = listed.as_array().unwrap().iter().map(|leg| short_leg(leg, name)).collect();
        if legs.iter().all(|(endpoint, _)| endpoint == MARKET) && name != "greeks" {
            of_market.push(Mode::parse(name).unwrap());
        }
        leg_modes.extend(legs.iter().map(|(_, mode)| mode.clone()));
        let full = |(endpoint, mode): (String, String)| {
            Value::Table(Table::from_iter([("endpoint".to_owned(), endpoint.into()), ("mode".to_owned(), mode.into())]))
        };
        mode.insert("legs".into(), Value::Array(legs.into_iter().map(full).collect()));
        figures(mode, &["alone", "mixed", "segments"]);
        if let Some(mixed) = mode.get_mut("mixed").and_then(Value::as_table_mut) {
            mixed.insert("because".to_owned(), "it may be above `alone`".into());
        }
    }
    of_market.sort_unstable();
    let lowering = of_market.iter().rev().map(|mode| mode.as_str().into()).collect();
    table.entry("lowering").or_insert(Value::Array(lowering));
    for (_, limit) in sub_table(&mut table, "endpoints").iter_mut() {
        *limit = Value::Table(Table::from_iter([("instruments_per_connection".to_owned(), figure(limit.clone()))]));
    }
    for (section, defaults) in [
        ("subscribe", &[("instruments_per_message", 100), ("pause_ms", 0)][..]),
        ("historical", &[("requests_per_second", 1), ("days_per_request", 60)]),
    ] {
        let section = sub_table(&mut table, section);
        for (name, value) in defaults {
            section.entry(*name).or_insert(Value::Integer(*value));
        }
        section.iter_mut().for_each(|(_, value)| *value = figure(value.clone()));
    }
    let packets = sub_table(&mut table, "packet_bytes");
    for mode in leg_modes {
        packets.entry(mode).or_insert(Value::Integer(100));
    }
    packets.iter_mut().for_each(|(_, value)| *value = figure(value.clone()));
    sub_table(&mut table, "index_packet_bytes").iter_mut().for_each(|(_, value)| *value = figure(value.clone()));
    figures(
        &mut table,
        &[
            "connections",
            "on_excess",
            "instruments_per_connection",
            "instruments_per_account",
            "counts_duplicates",
            "change_mode",
            "lifetime_hours",
            "session_ends_at",
        ],
    );
    capacity::standard_limits(table)
}

fn sub_table<'a>(table: &'a mut Table, name: &str) -> &'a mut Table {
    table.entry(name).or_insert_with(|| Value::Table(Table::new())).as_table_mut().unwrap()
}

fn short_leg(leg: &Value, mode: &str) -> (String, String) {
    let leg = leg.as_str().unwrap();
    let (endpoint, mode) = leg.split_once(' ').unwrap_or((leg, mode));
    (endpoint.to_owned(), mode.to_owned())
}

/// Adds a source to the values of some fields.
fn figures(table: &mut Table, names: &[&str]) {
    for name in names {
        if let Some(value) = table.get_mut(*name) {
            *value = figure(value.clone());
        }
    }
}

fn figure(value: Value) -> Value {
    let source = [("source".to_owned(), "test".into()), ("seen".to_owned(), "2026-11-24".into())];
    Value::Table(Table::from_iter([("value".to_owned(), value), source[0].clone(), source[1].clone()]))
}
