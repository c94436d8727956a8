//! Prints comparisons, schedules and explanations of stored plans as tables. The input is the JSON of the API.

use registry_planning::vocabulary::counted;
use serde_json::Value;

use crate::cli::output::{list, print_line, shown, table};

/// The number of instruments that a line names.
const NAMED_MAX: usize = 3;

/// Returns the actions of a difference, and its counts.
pub(super) fn diff_parts(answer: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    let stream = |of: &Value| match of {
        Value::Null => String::new(),
        of => format!("{} on {}", shown(&of["mode"]), shown(&of["connections"])),
    };
    let actions = list(&answer["actions"]);
    if !actions.is_empty() {
        let mut lines = table(&["action", "instrument", "token", "from", "to"]);
        for of in actions {
            let cells = [&of["action"], &of["instrument"], &of["broker_token"]].map(shown);
            lines.add_row(cells.into_iter().chain([stream(&of["from"]), stream(&of["to"])]));
        }
        parts.push(lines.to_string());
    }
    let count = |name: &str| answer["counts"][name].as_u64().unwrap_or(0);
    let counts = ["subscribe", "unsubscribe", "change_mode", "move"].map(|name| format!("{} {name}", count(name)));
    parts.push(format!("{}, {} unchanged", counts.join(", "), shown(&answer["unchanged"])));
    parts
}

/// Returns the messages of a schedule, and the time until the instruments are ready.
pub(super) fn schedule_parts(answer: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    let batches = list(&answer["batches"]);
    if !batches.is_empty() {
        let mut lines = table(&["at, ms", "connection", "action", "mode", "instruments", ""]);
        for of in batches {
            let instruments = list(&of["instruments"]);
            let mut named: Vec<String> = instruments.iter().take(NAMED_MAX).map(shown).collect();
            if instruments.len() > NAMED_MAX {
                named.push("…".to_owned());
            }
            let cells = [&of["at_ms"], &of["connection"], &of["action"], &of["mode"]].map(shown);
            lines.add_row(cells.into_iter().chain([instruments.len().to_string(), named.join(", ")]));
        }
        parts.push(lines.to_string());
    }
    for of in list(&answer["ready"]) {
        let pinned = if of["pinned"] == true { "pinned, " } else { "" };
        let instruments = counted(of["instruments"].as_u64().unwrap_or(0), "instrument");
        parts.push(format!(
            "{pinned}priority {}: {instruments} ready after {} ms",
            shown(&of["priority"]),
            shown(&of["time_to_ready_ms"])
        ));
    }
    let messages = counted(batches.len() as u64, "message");
    parts.push(format!("{messages}; time to ready: {} ms", shown(&answer["time_to_ready_ms"])));
    parts.extend(list(&answer["warnings"]).iter().map(|warning| format!("warning: {}", shown(warning))));
    parts
}

/// Prints an explanation as one field per line.
pub(in crate::cli) fn print_explanation(answer: &Value) -> anyhow::Result<()> {
    print_line(&explanation(answer))
}

pub(super) fn explanation(answer: &Value) -> String {
    let mut lines = table(&["field", "value"]);
    for (field, value) in explanation_rows(answer) {
        lines.add_row([field.to_owned(), value]);
    }
    lines.to_string()
}

/// Returns the fields of an explanation with their values. Fields that do not apply are absent.
fn explanation_rows(answer: &Value) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let mut add = |field, value: String| {
        if !value.is_empty() {
            rows.push((field, value));
        }
    };
    add("instrument", shown(&answer["instrument"]));
    add("decision", shown(&answer["decision"]));
    add("reason", shown(&answer["reason"]));
    add("detail", shown(&answer["detail"]));
    add("represented by", shown(&answer["represented_by"]));
    add("repeats", if answer["repeats"] == 0 { String::new() } else { shown(&answer["repeats"]) });
    add("priority", shown(&answer["priority"]));
    add("pinned", shown(&answer["pinned"]));
    if let Value::Object(of) = &answer["mode"] {
        let of = |name: &str| of.get(name).map(shown).unwrap_or_default();
        let planned = if of("planned").is_empty() { "none".to_owned() } else { of("planned") };
        let substitute =
            if of("substitute").is_empty() { String::new() } else { format!(", substituted by {}", of("substitute")) };
        add("mode", format!("{planned} (requested {}{substitute})", of("requested")));
    }
    if let Value::Object(_) = &answer["limit"] {
        let [limit, scope, used, allowed, source] =
            ["limit", "scope", "used", "allowed", "source"].map(|name| shown(&answer["limit"][name]));
        add("limit", format!("{limit} of {scope}: {used} of {allowed} used"));
        add("source", source);
    }
    if let Value::Object(_) = &answer["would_displace"] {
        let [instrument, mode, lowered_to, priority] =
            ["instrument", "mode", "lowered_to", "priority"].map(|name| shown(&answer["would_displace"][name]));
        let lowered = if mode.is_empty() || lowered_to.is_empty() {
            String::new()
        } else {
            format!(" from {mode} to {lowered_to}")
        };
        add("would displace", format!("{instrument}{lowered} (priority {priority})"));
    }
    for of in list(&answer["connections"]) {
        let [connection, account, endpoint, mode] =
            ["connection", "account", "endpoint", "mode"].map(|name| shown(&of[name]));
        add("connection", format!("{connection} of {account} at {endpoint}, {mode}"));
    }
    add("token", shown(&answer["broker_token"]));
    add("USD per day", shown(&answer["cost_per_day"]));
    add("messages/s", shown(&answer["messages_per_second"]));
    add("bytes/s", shown(&answer["bytes_per_second"]));
    for of in list(&answer["alternatives"]) {
        let [instrument, mode, broker, detail] =
            ["instrument", "mode", "broker", "detail"].map(|name| shown(&of[name]));
        let mode = if mode.is_empty() { mode } else { format!(" in {mode}") };
        let broker = if broker.is_empty() { broker } else { format!(" at {broker}") };
        add("alternative", format!("{instrument}{mode}{broker}: {detail}"));
    }
    rows
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_has_a_line_per_action() {
        let answer = json!({
            "actions": [{
                "action": "move", "instrument": "NSE:TCS", "broker_token": "2953217", "connection": 2,
                "from": {"mode": "full", "connections": [1]}, "to": {"mode": "full", "connections": [2]},
            }],
            "counts": {"subscribe": 0, "unsubscribe": 0, "change_mode": 0, "move": 1},
            "unchanged": 5,
        });

        let parts = diff_parts(&answer);

        assert!(parts[0].contains("full on 1") && parts[0].contains("full on 2"), "{}", parts[0]);
        assert_eq!(parts[1], "0 subscribe, 0 unsubscribe, 0 change_mode, 1 move, 5 unchanged");
        assert_eq!(diff_parts(&json!({"counts": {}, "unchanged": 0})).len(), 1);
    }

    #[test]
    fn a_schedule_has_a_line_per_message() {
        let answer = json!({
            "batches": [{"at_ms": 100, "connection": 1, "action": "subscribe", "mode": "full",
                "instruments": ["NSE:A", "NSE:B", "NSE:C", "NSE:D"], "tokens": ["1", "2", "3", "4"]}],
            "ready": [{"pinned": true, "priority": 0, "instruments": 4, "time_to_ready_ms": 102}],
            "time_to_ready_ms": 102, "warnings": ["the plan is old"],
        });

        let parts = schedule_parts(&answer);

        assert!(parts[0].contains("NSE:A, NSE:B, NSE:C, …"), "{}", parts[0]);
        assert_eq!(
            parts[1..],
            [
                "pinned, priority 0: 4 instruments ready after 102 ms",
                "1 message; time to ready: 102 ms",
                "warning: the plan is old",
            ]
        );
    }

    #[test]
    fn an_explanation_has_the_fields_that_apply() {
        let answer = json!({
            "instrument": "NSE:TCS", "decision": "kept", "detail": "kept", "repeats": 0, "priority": 0, "pinned": false,
            "mode": {"requested": "quote", "substitute": "full", "planned": "full"},
            "connections": [{"connection": 1, "account": "default", "endpoint": "market", "mode": "full"}],
            "would_displace": {"instrument": "NSE:INFY", "priority": 2, "mode": "full", "lowered_to": "ltp"},
            "alternatives": [{"instrument": "NSE:SBIN", "broker": "dhan", "detail": "listed there"}],
        });

        let rows = explanation_rows(&answer);

        let value = |field| rows.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str());
        assert_eq!(value("decision"), Some("kept"));
        assert_eq!(value("mode"), Some("full (requested quote, substituted by full)"));
        assert_eq!(value("connection"), Some("1 of default at market, full"));
        assert_eq!(value("priority"), Some("0"));
        assert_eq!(value("pinned"), Some("no"));
        assert_eq!(value("repeats"), None);
        assert_eq!(value("would displace"), Some("NSE:INFY from full to ltp (priority 2)"));
        assert_eq!(value("alternative"), Some("NSE:SBIN at dhan: listed there"));
        let left_out = json!({"mode": {"requested": "full"}});
        assert_eq!(explanation_rows(&left_out), [("mode", "none (requested full)".to_owned())]);
    }
}
