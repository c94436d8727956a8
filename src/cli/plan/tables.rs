//! Prints a plan and the explanation of a decision as tables.

use registry_planning::allocation::{Allocation, SubscribedLeg};
use registry_planning::catalogue::Catalogue;
use registry_planning::explain::Explanation;
use registry_planning::plan::Plan;
use registry_planning::vocabulary::{counted, hex};

use crate::cli::{print_line, table};

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
    if let Some(allocation) = &plan.allocation {
        print_allocation(allocation)?;
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

fn print_allocation(allocation: &Allocation) -> anyhow::Result<()> {
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
        print_line(&lines.to_string())?;
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
    print_line(&limits.to_string())?;
    if !allocation.lowered.is_empty() {
        let mut lowered = table(&["lowered", "from", "to", "limit"]);
        for of in &allocation.lowered {
            lowered.add_row([of.instrument.clone(), of.from.to_string(), of.to.to_string(), of.limit.clone()]);
        }
        print_line(&lowered.to_string())?;
    }
    match &allocation.needed {
        Some(needed) => print_line(&format!("needed: {}", needed.text)),
        None => Ok(()),
    }
}

/// Returns the used share as a bar and in percent.
fn bar(used: u32, allowed: u32) -> String {
    let percent = u64::from(used) * 100 / u64::from(allowed.max(1));
    let filled = usize::try_from(percent).map_or(BAR_WIDTH, |percent| (percent * BAR_WIDTH).div_ceil(100));
    let filled = filled.min(BAR_WIDTH);
    format!("{}{} {percent} %", "#".repeat(filled), ".".repeat(BAR_WIDTH - filled))
}

/// Prints an explanation as one field per line.
pub(super) fn print_explanation(explanation: &Explanation) -> anyhow::Result<()> {
    let mut lines = table(&["field", "value"]);
    let mut add = |field: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.add_row([field.to_owned(), value]);
        }
    };
    add("instrument", Some(explanation.instrument.clone()));
    add("decision", Some(explanation.decision.to_string()));
    add("reason", explanation.reason.map(|reason| reason.to_string()));
    add("detail", Some(explanation.detail.clone()));
    let limit = explanation.limit.as_ref();
    add("limit", limit.map(|of| format!("{} of {}: {} of {} used", of.limit, of.scope, of.used, of.allowed)));
    add("source", limit.map(|of| of.source.clone()));
    let displaced = explanation.would_displace.as_ref().map(|of| match (of.mode, of.lowered_to) {
        (Some(mode), Some(lower)) => format!("{} from {mode} to {lower} (priority {})", of.instrument, of.priority),
        _ => format!("{} (priority {})", of.instrument, of.priority),
    });
    add("would displace", displaced);
    add("token", explanation.broker_token.clone());
    add("USD per day", explanation.cost_per_day.map(|cost| cost.to_string()));
    add("messages/s", explanation.messages_per_second.map(|rate| rate.to_string()));
    add("bytes/s", explanation.bytes_per_second.map(|rate| rate.to_string()));
    for other in &explanation.alternatives {
        let mode = other.mode.map(|mode| format!(" in {mode}")).unwrap_or_default();
        let broker = other.broker.map(|broker| format!(" at {broker}")).unwrap_or_default();
        add("alternative", Some(format!("{}{mode}{broker}", other.instrument)));
    }
    print_line(&lines.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_the_used_share() {
        assert_eq!(bar(0, 10), ".................... 0 %");
        assert_eq!(bar(1, 2), "##########.......... 50 %");
        assert_eq!(bar(2999, 3000), "#################### 99 %");
        assert_eq!(bar(3000, 3000), "#################### 100 %");
        assert_eq!(bar(5, 0), "#################### 500 %");
    }
}
