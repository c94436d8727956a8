//! Prints a plan as tables. The input is the JSON of the API.

use std::collections::BTreeMap;

use registry_planning::vocabulary::{Mode, counted};
use serde_json::Value;

use crate::cli::output::{list, shown, table};

/// The width of a utilization bar, in characters.
const BAR_WIDTH: usize = 20;

/// A plan with what its tables show of its subscriptions and instruments.
pub(super) struct ShownPlan {
    pub(super) plan: Value,
    /// The subscriptions; null without a broker.
    pub(super) subscriptions: Value,
    /// The instruments by their keys, as far as the catalog has them.
    pub(super) instruments: BTreeMap<String, Value>,
}

pub(super) fn plan_parts(shown_plan: &ShownPlan) -> Vec<String> {
    let plan = &shown_plan.plan;
    let mut parts = vec![instruments(shown_plan)];
    let mut left_out = table(&["rejected", "reason", "detail", "suggestions"]);
    for of in list(&plan["rejected"]) {
        left_out.add_row(["instrument", "reason", "detail", "suggestions"].map(|name| shown(&of[name])));
    }
    if !left_out.is_empty() {
        parts.push(left_out.to_string());
    }
    if plan["allocation"].is_object() {
        parts.extend(allocation_parts(&plan["allocation"]));
    }
    let metadata = &plan["metadata"];
    parts.extend(list(&metadata["warnings"]).iter().map(|warning| format!("warning: {}", shown(warning))));
    let of = |name: &str| shown(&metadata[name]);
    let metrics = &plan["performance_metrics"];
    let (catalogue, hash) = (&metadata["catalogue"], shown(&metadata["catalogue"]["content_hash"]));
    parts.push(format!(
        "kept {} of {} for {}: {} USD per day, about {} ms to subscribe, {} bytes per second\n\
         catalog version {} ({}), optimization {}, strictness {}, maximum {}",
        shown(&metrics["instrument_count"]),
        counted(metadata["original_instrument_count"].as_u64().unwrap_or(0), "instrument"),
        of("as_of"),
        shown(&plan["estimated_cost"]),
        shown(&metrics["estimated_latency_ms"]),
        of("estimated_bandwidth_bytes_per_second"),
        shown(&catalogue["version"]),
        hash.get(..12).unwrap_or(&hash),
        shown(&plan["optimization_level"]),
        shown(&plan["filtering_strictness"]),
        counted(metadata["max_instruments"].as_u64().unwrap_or(0), "instrument"),
    ));
    parts
}

/// Returns the kept instruments; at a broker with their modes and connections.
fn instruments(shown_plan: &ShownPlan) -> String {
    let mut legs: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for of in list(&shown_plan.subscriptions) {
        let (modes, connections) = legs.entry(of["instrument"].as_str().unwrap_or_default()).or_default();
        let mode = shown(&of["mode"]);
        if !modes.contains(&mode) {
            modes.push(mode);
        }
        connections.push(shown(&of["connection"]));
    }
    let has_broker = shown_plan.subscriptions.is_array();
    let mut header = vec!["instrument", "type", "expiry", "lot", "name"];
    if has_broker {
        header.splice(4..4, ["mode", "connection"]);
    }
    let mut kept = table(&header);
    for key in list(&shown_plan.plan["instruments"]).iter().map(shown) {
        let (instrument, leg) = (shown_plan.instruments.get(&key), legs.get(key.as_str()));
        let of = |name: &str| instrument.map(|of| shown(&of[name])).unwrap_or_default();
        let kind = if instrument.is_some() { of("instrument_type") } else { "unknown".to_owned() };
        let mut row = vec![key, kind, of("expiry"), of("lot_size")];
        if has_broker {
            row.push(leg.map(|(modes, _)| modes.join(", ")).unwrap_or_default());
            row.push(leg.map(|(_, connections)| connections.join(", ")).unwrap_or_default());
        }
        row.push(of("name"));
        kept.add_row(row);
    }
    kept.to_string()
}

fn allocation_parts(allocation: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    if allocation["connections"].is_array() {
        let header = ["connection", "account", "endpoint", "instruments", "modes", "messages/s", "bytes/s"];
        let mut lines = table(&header);
        for of in list(&allocation["connections"]) {
            let mut modes: Vec<_> = of["modes"].as_object().into_iter().flatten().collect();
            modes.sort_by_key(|(mode, _)| Mode::parse(mode));
            let modes: Vec<String> = modes.into_iter().map(|(mode, count)| format!("{mode} {count}")).collect();
            let [connection, account, endpoint, instruments, messages, bytes] =
                ["connection", "account", "endpoint", "instruments", "messages_per_second", "bytes_per_second"]
                    .map(|name| shown(&of[name]));
            lines.add_row([connection, account, endpoint, instruments, modes.join(", "), messages, bytes]);
        }
        parts.push(lines.to_string());
    }
    let mut limits = table(&["limit", "scope", "used", "allowed", "utilization"]);
    for of in list(&allocation["limits"]) {
        let [used, allowed] = ["used", "allowed"].map(|name| of[name].as_u64().unwrap_or(0));
        let cells = [shown(&of["limit"]), shown(&of["scope"]), used.to_string(), allowed.to_string()];
        limits.add_row(cells.into_iter().chain([bar(used, allowed)]));
    }
    parts.push(limits.to_string());
    for (heading, fields) in
        [("lowered", &["instrument", "from", "to", "limit"][..]), ("substituted", &["instrument", "from", "to"])]
    {
        let mut header = fields.to_vec();
        header[0] = heading;
        let mut lines = table(&header);
        for of in list(&allocation[heading]) {
            lines.add_row(fields.iter().map(|name| shown(&of[*name])));
        }
        if !lines.is_empty() {
            parts.push(lines.to_string());
        }
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    parts.extend(text(&allocation["needed"]["text"]).map(|needed| format!("needed: {needed}")));
    parts.extend(allocation["time_to_ready_ms"].as_u64().map(|ms| format!("time to ready: {ms} ms")));
    if !list(&allocation["assumed"]).is_empty() {
        parts.push(format!("assumed figures: {}", shown(&allocation["assumed"])));
    }
    parts
}

/// Returns the used share as a bar and in percent. Both are rounded down: only a limit that is used up has a full bar.
fn bar(used: u64, allowed: u64) -> String {
    let share = |whole: u64| used.saturating_mul(whole) / allowed.max(1);
    let filled = usize::try_from(share(BAR_WIDTH as u64)).map_or(BAR_WIDTH, |filled| filled.min(BAR_WIDTH));
    format!("{}{} {} %", "#".repeat(filled), ".".repeat(BAR_WIDTH - filled), share(100))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use registry_planning::Stamp;
    use registry_planning::basis::Basis;
    use registry_planning::broker::BrokerModels;
    use registry_planning::catalogue::Catalogue;
    use registry_planning::feed::StreamOptions;
    use registry_planning::instrument::Amount;
    use registry_planning::plan::Plan;
    use registry_planning::request::{Options, PlanRequest, Resolved};
    use registry_planning::vocabulary::{Broker, FilteringStrictness, Mode, OptimizationLevel, SubscriptionType};

    use super::*;

    #[test]
    fn a_bar_shows_the_used_share() {
        assert_eq!(bar(0, 10), ".................... 0 %");
        assert_eq!(bar(1, 3000), ".................... 0 %");
        assert_eq!(bar(1, 2), "##########.......... 50 %");
        assert_eq!(bar(2999, 3000), "###################. 99 %");
        assert_eq!(bar(3000, 3000), "#################### 100 %");
        assert_eq!(bar(5, 0), "#################### 500 %");
    }

    /// Returns a plan of the demonstration catalog at Upstox, which has no mode `quote`.
    fn plan_at_upstox(catalogue: &Catalogue, brokers: &BrokerModels) -> Plan {
        let as_of = NaiveDate::from_ymd_opt(2026, 8, 17).unwrap();
        let request = PlanRequest {
            user_id: "u".to_owned(),
            plan_name: "p".to_owned(),
            description: None,
            subscription_type: SubscriptionType::LiveFeed,
            source: ["NSE:TCS", "NSE:INFY"].iter().collect(),
            options: Options {
                optimization_level: OptimizationLevel::Low,
                filtering_strictness: FilteringStrictness::Lenient,
                max_instruments: 10,
                cost_per_instrument: Amount::from_ten_thousandths(500),
                as_of,
            },
            feed: StreamOptions { broker: Some(Broker::Upstox), mode: Some(Mode::Quote), ..StreamOptions::default() },
            warnings: Vec::new(),
        };
        let basis = Basis { catalogue, brokers };
        let resolved = Resolved::new(&request, basis, &[0; 32]);
        let created_at = as_of.and_time(chrono::NaiveTime::MIN).and_utc();
        let stamp = Stamp { plan_id: format!("plan_{}", "0".repeat(32)), created_at, expires_at: created_at };
        registry_planning::create_plan(&request, &resolved, basis, stamp).unwrap()
    }

    #[test]
    fn the_allocation_has_substitutions_and_assumptions() {
        let (catalogue, brokers) = (demo(), BrokerModels::embedded());
        let allocation = plan_at_upstox(&catalogue, &brokers).allocation.unwrap();

        let parts = allocation_parts(&serde_json::to_value(&allocation).unwrap());

        let has = |words: &[&str]| parts.iter().any(|part| words.iter().all(|word| part.contains(word)));
        assert!(has(&["substituted", "NSE:TCS", "NSE:INFY", "quote", "full"]), "{parts:#?}");
        let ready = allocation.time_to_ready_ms.unwrap();
        assert!(has(&[&format!("time to ready: {ready} ms")]), "{parts:#?}");
        assert!(!allocation.assumed.is_empty());
        assert_eq!(parts.last().unwrap(), &format!("assumed figures: {}", allocation.assumed.join(", ")));
    }

    fn demo() -> Catalogue {
        registry_planning::demo::catalogue(NaiveDate::from_ymd_opt(2026, 8, 17).unwrap())
    }
}
