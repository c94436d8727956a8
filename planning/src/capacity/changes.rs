//! The differences between two versions of the capacity, for logs.

use serde_json::{Map, Value};

use super::{BrokerCapacity, Capacity};

impl Capacity {
    /// Lists the differences to another version, such as `brokers.kite.standard.connections: 3 -> 5`. A figure with the
    /// same value and another source counts, too.
    pub fn changes(&self, other: &Capacity) -> Vec<String> {
        let mut changes = Vec::new();
        for (broker, before) in &self.brokers {
            let after = other.of(*broker);
            if before != after {
                compare(&format!("brokers.{broker}"), &json(before), &json(after), &mut changes);
            }
        }
        changes
    }
}

/// Returns the tiers by name, the accounts and the name of a broker.
fn json(capacity: &BrokerCapacity) -> Value {
    let value = |thing| serde_json::to_value(thing).expect("figures serialize to JSON");
    let mut object: Map<String, Value> =
        capacity.tiers.iter().map(|tier| (tier.name.clone(), value(&tier.limits))).collect();
    let accounts = capacity.accounts.iter().map(|account| {
        let tier = &capacity.tiers[account.tier].name;
        format!("{}:{tier}", account.name)
    });
    object.insert("accounts".into(), accounts.collect());
    let order: Vec<&str> = capacity.tiers.iter().map(|tier| tier.name.as_str()).collect();
    object.insert("tier_order".into(), order.join(" < ").into());
    object.insert("default_tier".into(), capacity.tiers[capacity.default_tier].name.clone().into());
    object.insert("name".into(), capacity.name.clone().into());
    Value::Object(object)
}

fn compare(path: &str, before: &Value, after: &Value, changes: &mut Vec<String>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(before), Value::Object(after)) if !before.contains_key("value") => {
            let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let of = |object: &Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                compare(&format!("{path}.{name}"), &of(before), &of(after), changes);
            }
        }
        (before, after) => {
            let (before, after) = (shown(before), shown(after));
            changes.push(if before == after {
                format!("{path}: {before}, with another source")
            } else {
                format!("{path}: {before} -> {after}")
            });
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Object(object) => object.get("value").map_or_else(|| "a table".into(), shown),
        value => value.to_string(),
    }
}
