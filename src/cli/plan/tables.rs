//! Prints a plan and the explanation of a decision as tables.

use registry_planning::allocation::{Allocation, SubscribedLeg};
use registry_planning::catalogue::Catalogue;
use registry_planning::plan::Plan;
use registry_planning::vocabulary::{counted, hex};

use crate::cli::output::{print_line, table};

/// The width of a utilization bar, in characters.
const BAR_WIDTH: usize = 20;

/// Prints a plan.
pub(super) fn print_plan(plan: &Plan, catalogue: &Catalogue) -> anyhow::Result<()> {
    print_instruments(plan, catalogue)?;
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
    for part in plan.allocation.iter().flat_map(|allocation| allocation_parts(allocation)) {
        print_line(&part)?;
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

/// Prints the kept instruments; at a broker with their modes and connections.
fn print_instruments(plan: &Plan, catalogue: &Catalogue) -> anyhow::Result<()> {
    let subscriptions = plan.metadata.broker_part.as_ref().and_then(|part| part.subscriptions.as_ref());
    let mut header = vec!["instrument", "type", "expiry", "lot", "name"];
    if subscriptions.is_some() {
        header.splice(4..4, ["mode", "connection"]);
    }
    let mut connections: Vec<Vec<String>> = vec![Vec::new(); plan.instruments.len()];
    for SubscribedLeg { instrument, connection, .. } in subscriptions.iter().flat_map(|of| &of.legs) {
        connections[*instrument as usize].push(connection.to_string());
    }
    let mut kept = table(&header);
    for (position, key) in plan.instruments.iter().enumerate() {
        let instrument = catalogue.find(key).map(|id| catalogue.get(id));
        let mut row = vec![
            key.to_owned(),
            instrument.map_or("unknown", |of| of.class().as_str()).to_owned(),
            instrument.and_then(|of| of.expiry()).map(|date| date.to_string()).unwrap_or_default(),
            instrument.map(|of| of.lot_size().to_string()).unwrap_or_default(),
        ];
        if let Some(subscriptions) = subscriptions {
            let mode = subscriptions.instruments.get(position).and_then(|of| of.mode);
            row.push(mode.map(|mode| mode.to_string()).unwrap_or_default());
            row.push(connections[position].join(", "));
        }
        row.push(instrument.map(|of| of.name().to_owned()).unwrap_or_default());
        kept.add_row(row);
    }
    print_line(&kept.to_string())
}

/// Returns the tables and lines about the allocation of a plan.
fn allocation_parts(allocation: &Allocation) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(connections) = &allocation.connections {
        let header = ["connection", "account", "endpoint", "instruments", "modes", "messages/s", "bytes/s"];
        let mut lines = table(&header);
        for of in connections {
            let modes: Vec<String> = of.modes.iter().map(|(mode, count)| format!("{mode} {count}")).collect();
            lines.add_row([
                of.connection.to_string(),
                of.account.clone(),
                of.endpoint.clone(),
                of.instruments.to_string(),
                modes.join(", "),
                of.messages_per_second.to_string(),
                of.bytes_per_second.to_string(),
            ]);
        }
        parts.push(lines.to_string());
    }
    let mut limits = table(&["limit", "scope", "used", "allowed", "utilization"]);
    for of in &allocation.limits {
        limits.add_row([
            of.limit.clone(),
            of.scope.clone(),
            of.used.to_string(),
            of.allowed.to_string(),
            bar(of.used, of.allowed),
        ]);
    }
    parts.push(limits.to_string());
    if !allocation.lowered.is_empty() {
        let mut lowered = table(&["lowered", "from", "to", "limit"]);
        for of in &allocation.lowered {
            lowered.add_row([of.instrument.clone(), of.from.to_string(), of.to.to_string(), of.limit.clone()]);
        }
        parts.push(lowered.to_string());
    }
    if !allocation.substituted.is_empty() {
        let mut substituted = table(&["substituted", "from", "to"]);
        for of in &allocation.substituted {
            substituted.add_row([of.instrument.clone(), of.from.to_string(), of.to.to_string()]);
        }
        parts.push(substituted.to_string());
    }
    parts.extend(allocation.needed.as_ref().map(|needed| format!("needed: {}", needed.text)));
    parts.extend(allocation.time_to_ready_ms.map(|ms| format!("time to ready: {ms} ms")));
    if !allocation.assumed.is_empty() {
        parts.push(format!("assumed figures: {}", allocation.assumed.join(", ")));
    }
    parts
}

/// Returns the used share as a bar and in percent. Both are rounded down: only a limit that is used up has a full bar.
fn bar(used: u32, allowed: u32) -> String {
    let share = |whole: u64| u64::from(used) * whole / u64::from(allowed.max(1));
    let filled = usize::try_from(share(BAR_WIDTH as u64)).map_or(BAR_WIDTH, |filled| filled.min(BAR_WIDTH));
    format!("{}{} {} %", "#".repeat(filled), ".".repeat(BAR_WIDTH - filled), share(100))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use registry_planning::Stamp;
    use registry_planning::basis::Basis;
    use registry_planning::broker::BrokerModels;
    use registry_planning::feed::StreamOptions;
    use registry_planning::instrument::Amount;
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

        let parts = allocation_parts(&allocation);

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
