//! Reads the limits of brokers from TOML.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use toml::{Table, Value};

use super::check;
use super::tree::{Branch, FigureReader, Node, describe_value, join, text};
use super::{
    Account, BrokerCapacity, CapacityFault, CapacityInput, ChangeMode, DEFAULT_ACCOUNT, Fee, Historical, Leg, Limits,
    ModeLimits, NAME_FORM, OnExcess, STANDARD, Scope, Sourced, Subscribe, Tier, is_name,
};
use crate::vocabulary::{Broker, Mode, Segment};

/// The highest count, and the longest time in milliseconds.
const FIGURE_MAX: u32 = 1_000_000;

/// The longest lifetime of a connection: a year.
const HOURS_MAX: u32 = 8760;

const TIERS_MAX: usize = 8;

/// A file that is merged over the built-in one.
#[derive(Clone, Copy)]
pub(super) struct Overrides<'a> {
    pub(super) text: &'a str,
    /// The last day on which the sources can have been checked; `None` if any day is possible.
    pub(super) seen_max: Option<NaiveDate>,
    /// The built-in limits. If a figure has a fault, the other fields are checked with the built-in one.
    pub(super) built_in: &'a BTreeMap<Broker, BrokerCapacity>,
}

/// Reads the limits of all brokers from a built-in file and one that is merged over it.
pub(super) fn brokers(
    built_in: &str,
    overrides: Option<Overrides<'_>>,
) -> Result<BTreeMap<Broker, BrokerCapacity>, Vec<CapacityFault>> {
    let mut reader = FigureReader::new(overrides.and_then(|overrides| overrides.seen_max));
    let mut tree = Branch::new(String::new(), parse_table(built_in)?, false);
    if let Some(Overrides { text, .. }) = overrides {
        tree.merge(Branch::new(String::new(), parse_table(text)?, true), &mut reader);
    }
    let mut tables = tree.take_table("brokers", &mut reader);
    reader.finish(&tree);
    let mut brokers = BTreeMap::new();
    for broker in Broker::ALL {
        let path = join("brokers", broker.as_str());
        if !tables.nodes.contains_key(broker.as_str()) {
            reader.fault(&path, "is required");
            continue;
        }
        let table = tables.take_table(broker.as_str(), &mut reader);
        let built_in = overrides.map(|overrides| &overrides.built_in[&broker]);
        if let Some(capacity) = broker_capacity(table, built_in, &mut reader) {
            brokers.insert(broker, capacity);
        }
    }
    for unknown in tables.nodes.keys() {
        reader.fault(&join("brokers", unknown), format!("unknown broker; expected one of {}", Broker::WORDS));
    }
    if reader.is_faultless() { Ok(brokers) } else { Err(reader.into_faults()) }
}

/// Reads the table of a broker, for tests.
#[cfg(test)]
pub(super) fn broker(mut table: Table) -> Result<BrokerCapacity, Vec<CapacityFault>> {
    let mut reader = FigureReader::default();
    table.entry("name").or_insert(Value::String("test".into()));
    let capacity = broker_capacity(Branch::new("broker".into(), table, false), None, &mut reader);
    capacity.filter(|_| reader.is_faultless()).ok_or_else(|| reader.into_faults())
}

fn parse_table(text: &str) -> Result<Table, Vec<CapacityFault>> {
    toml::from_str(text).map_err(|error| {
        let message = format!("failed to parse TOML: {error}").trim_end().to_owned();
        vec![CapacityFault { input: CapacityInput::Limits, path: String::new(), message }]
    })
}

/// Reads the tiers of a broker. `built_in` are the figures that replace those with a fault in the checks of other
/// fields.
fn broker_capacity(
    mut table: Branch,
    built_in: Option<&BrokerCapacity>,
    reader: &mut FigureReader,
) -> Option<BrokerCapacity> {
    let name = reader.required_plain(&mut table, "name", text);
    let order_path = join(&table.path, "tier_order");
    let order = reader.plain(&mut table, "tier_order", tier_names).unwrap_or_default();
    let variants = table.take_table("tiers", reader);
    if variants.nodes.len() >= TIERS_MAX {
        let count = variants.nodes.len();
        reader.fault(&variants.path, format!("expected at most {} tiers, got {count}", TIERS_MAX - 1));
        return None;
    }
    let mut tiers = vec![(STANDARD.to_owned(), table.clone())];
    for (name, node) in variants.nodes {
        let path = join(&variants.path, &name);
        match node {
            Node::Leaf(leaf) => reader.no_table(&leaf),
            _ if !is_name(&name) => reader.fault(&path, format!("expected {NAME_FORM}")),
            _ if name == STANDARD => reader.fault(&path, "expected another name: the table of the broker is this tier"),
            Node::Table(own) => {
                let mut merged = table.clone();
                merged.merge(own, reader);
                tiers.push((name, merged));
            }
        }
    }
    for unknown in order.iter().filter(|name| !tiers.iter().any(|(tier, _)| tier == *name)) {
        reader.fault(&order_path, format!("unknown tier `{unknown}`"));
    }
    // Tiers that the order lacks follow: the standard one, then the others by name.
    tiers.sort_by_key(|(name, _)| {
        let position = order.iter().position(|ordered| ordered == name);
        (position.unwrap_or(usize::MAX), name != STANDARD)
    });
    let count = tiers.len();
    let of_tier = |name: &str| built_in.and_then(|broker| broker.tier(name).or_else(|| broker.tier(STANDARD)));
    let read = |(name, table): (String, Branch)| {
        let limits = limits(table, of_tier(&name).map(|tier| &tier.limits), reader)?;
        Some(Tier { name, limits })
    };
    let tiers: Vec<Tier> = tiers.into_iter().filter_map(read).collect();
    let default_tier = tiers.iter().position(|tier| tier.name == STANDARD)?;
    contradictions(&table.path, &tiers, default_tier, reader);
    if tiers.len() < count {
        return None;
    }
    let accounts = vec![Account { name: DEFAULT_ACCOUNT.into(), tier: default_tier }];
    Some(BrokerCapacity { name: name?, tiers, default_tier, accounts })
}

/// Reads the limits of a tier. A figure with a fault is that of `built_in`, so that the checks of the other fields find
/// all faults. `None` if a field that others refer to has a fault.
fn limits(mut table: Branch, built_in: Option<&Limits>, reader: &mut FigureReader) -> Option<Limits> {
    let table = &mut table;
    let connections = reader.required(table, "connections", count);
    let on_excess = reader.required(table, "on_excess", |value| word(value, OnExcess::parse, OnExcess::WORDS));
    let instruments_per_connection = reader.figure(table, "instruments_per_connection", count);
    let instruments_per_account = reader.figure(table, "instruments_per_account", count);
    let counts_duplicates = reader.required(table, "counts_duplicates", flag);
    let modes = modes(table.take_table("modes", reader), reader);
    let endpoints = endpoints(table.take_table("endpoints", reader), reader);
    let lowering = reader.required_plain(table, "lowering", mode_list);
    let subscribe = subscribe(table.take_table("subscribe", reader), reader);
    let change_mode = reader.required(table, "change_mode", |value| word(value, ChangeMode::parse, ChangeMode::WORDS));
    let lifetime_hours = reader.figure(table, "lifetime_hours", hours);
    let session_ends_at = reader.figure(table, "session_ends_at", time_of_day);
    let fee = fee(table, reader);
    let packet_bytes = packets(table.take_table("packet_bytes", reader), reader);
    let index_packet_bytes = packets(table.take_table("index_packet_bytes", reader), reader);
    let historical = historical(table.take_table("historical", reader), reader);
    reader.finish(table);
    Some(Limits {
        connections: connections.or_else(|| Some(built_in?.connections.clone()))?,
        on_excess: on_excess.or_else(|| Some(built_in?.on_excess.clone()))?,
        instruments_per_connection,
        instruments_per_account,
        counts_duplicates: counts_duplicates.or_else(|| Some(built_in?.counts_duplicates.clone()))?,
        modes: modes?,
        endpoints: endpoints?,
        lowering: lowering?,
        subscribe: subscribe.or_else(|| Some(built_in?.subscribe.clone()))?,
        change_mode: change_mode.or_else(|| Some(built_in?.change_mode.clone()))?,
        lifetime_hours,
        session_ends_at,
        fee,
        packet_bytes: packet_bytes?,
        index_packet_bytes: index_packet_bytes.unwrap_or_default(),
        historical: historical.or_else(|| Some(built_in?.historical.clone()))?,
    })
}

/// Reports the contradictions of the default tier, and those that other tiers add.
fn contradictions(path: &str, tiers: &[Tier], default_tier: usize, reader: &mut FigureReader) {
    let of_standard = check::contradictions(&tiers[default_tier].limits);
    for Tier { name, limits } in tiers.iter().filter(|tier| tier.name != STANDARD) {
        for (field, message) in check::contradictions(limits).difference(&of_standard) {
            reader.fault(&format!("{path}.tiers.{name}.{field}"), message);
        }
        for field in check::different_legs(limits, &tiers[default_tier].limits) {
            reader.fault(&format!("{path}.tiers.{name}.{field}"), "expected the value of the other tiers");
        }
    }
    of_standard.iter().for_each(|(field, message)| reader.fault(&join(path, field), message));
}

/// Reads the modes; `None` if one of them has a fault, because other fields refer to them.
fn modes(table: Branch, reader: &mut FigureReader) -> Option<BTreeMap<Mode, ModeLimits>> {
    if table.nodes.is_empty() {
        reader.fault(&table.path, "expected at least one mode");
        return None;
    }
    let mut modes = BTreeMap::new();
    let mut is_complete = true;
    for (name, node) in table.nodes {
        let limits = match (Mode::parse(&name), node) {
            (None, node) => {
                reader.fault(node.path(), format!("unknown mode; expected one of {}", Mode::WORDS));
                None
            }
            (Some(_), Node::Leaf(leaf)) => {
                reader.no_table(&leaf);
                None
            }
            (Some(mode), Node::Table(table)) => mode_limits(table, reader).map(|limits| (mode, limits)),
        };
        is_complete &= limits.is_some();
        modes.extend(limits);
    }
    is_complete.then_some(modes)
}

fn mode_limits(mut table: Branch, reader: &mut FigureReader) -> Option<ModeLimits> {
    let legs = reader.required_plain(&mut table, "legs", legs);
    let limits = ModeLimits {
        legs: Vec::new(),
        alone: reader.figure(&mut table, "alone", count),
        mixed: reader.figure(&mut table, "mixed", count),
        scope: reader
            .plain(&mut table, "scope", |value| word(value, Scope::parse, Scope::WORDS))
            .unwrap_or(Scope::Account),
        segments: reader.figure(&mut table, "segments", segments),
    };
    reader.finish(&table);
    Some(ModeLimits { legs: legs?, ..limits })
}

fn endpoints(table: Branch, reader: &mut FigureReader) -> Option<BTreeMap<String, Sourced<u32>>> {
    let mut endpoints = BTreeMap::new();
    let mut is_complete = true;
    for (name, node) in table.nodes {
        let figure = match node {
            node if !is_name(&name) => {
                reader.fault(node.path(), format!("expected {NAME_FORM}"));
                None
            }
            Node::Leaf(leaf) => {
                reader.no_table(&leaf);
                None
            }
            Node::Table(mut table) => {
                let figure = reader.required(&mut table, "instruments_per_connection", count);
                reader.finish(&table);
                figure
            }
        };
        is_complete &= figure.is_some();
        endpoints.extend(figure.map(|figure| (name, figure)));
    }
    is_complete.then_some(endpoints)
}

fn subscribe(mut table: Branch, reader: &mut FigureReader) -> Option<Subscribe> {
    let instruments_per_message = reader.required(&mut table, "instruments_per_message", count);
    let pause_ms = reader.required(&mut table, "pause_ms", count_or_zero);
    let messages_per_second = reader.figure(&mut table, "messages_per_second", count);
    let quiet_ms = reader.figure(&mut table, "quiet_ms", count_or_zero);
    reader.finish(&table);
    Some(Subscribe {
        instruments_per_message: instruments_per_message?,
        pause_ms: pause_ms?,
        messages_per_second,
        quiet_ms,
    })
}

fn historical(mut table: Branch, reader: &mut FigureReader) -> Option<Historical> {
    let requests_per_second = reader.required(&mut table, "requests_per_second", count);
    let days_per_request = reader.required(&mut table, "days_per_request", count);
    reader.finish(&table);
    Some(Historical { requests_per_second: requests_per_second?, days_per_request: days_per_request? })
}

fn fee(table: &mut Branch, reader: &mut FigureReader) -> Option<Fee> {
    let node = table.nodes.remove("fee")?;
    let path = node.path().to_owned();
    let Node::Leaf(leaf) = node else {
        reader.fault(&join(&path, "value"), "is required");
        return None;
    };
    let (amount, mut rest) = reader.sourced(leaf, count_or_zero)?;
    let currency = match rest.remove("currency") {
        Some(value) => reader.parsed(&join(&path, "currency"), &value, currency),
        None => {
            reader.fault(&join(&path, "currency"), "is required");
            None
        }
    };
    rest.keys().for_each(|field| reader.fault(&join(&path, field), "unknown field"));
    Some(Fee { amount: amount?, currency: currency? })
}

/// Reads the sizes of packets; `None` if one of them has a fault, because the modes refer to them.
fn packets(mut table: Branch, reader: &mut FigureReader) -> Option<BTreeMap<Mode, Sourced<u32>>> {
    let names: Vec<_> = table.nodes.iter().map(|(name, node)| (name.clone(), node.path().to_owned())).collect();
    let mut packets = BTreeMap::new();
    let mut is_complete = true;
    for (name, path) in names {
        let figure = match Mode::parse(&name) {
            Some(mode) => reader.figure(&mut table, &name, count).map(|figure| (mode, figure)),
            None => {
                reader.fault(&path, format!("unknown mode; expected one of {}", Mode::WORDS));
                None
            }
        };
        is_complete &= figure.is_some();
        packets.extend(figure);
    }
    is_complete.then_some(packets)
}

fn integer(value: &Value, min: u32, max: u32) -> Result<u32, String> {
    let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
    number
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("expected an integer from {min} to {max}, got {}", describe_value(value)))
}

fn count(value: &Value) -> Result<u32, String> {
    integer(value, 1, FIGURE_MAX)
}

fn count_or_zero(value: &Value) -> Result<u32, String> {
    integer(value, 0, FIGURE_MAX)
}

fn hours(value: &Value) -> Result<u32, String> {
    integer(value, 1, HOURS_MAX)
}

fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("expected true or false, got {}", describe_value(value)))
}

fn word<T>(value: &Value, parse: impl Fn(&str) -> Option<T>, words: &str) -> Result<T, String> {
    value.as_str().and_then(parse).ok_or_else(|| format!("expected one of {words}, got {}", describe_value(value)))
}

fn list<T>(value: &Value, of: &str, parse: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    match value.as_array() {
        Some(list) if !list.is_empty() => list.iter().map(parse).collect(),
        Some(_) => Err(format!("expected at least one of the {of}, got none")),
        None => Err(format!("expected a list of {of}, got {}", describe_value(value))),
    }
}

fn mode_list(value: &Value) -> Result<Vec<Mode>, String> {
    list(value, "modes", |value| word(value, Mode::parse, Mode::WORDS))
}

fn segments(value: &Value) -> Result<Vec<Segment>, String> {
    list(value, "segments", |value| word(value, Segment::parse, Segment::WORDS))
}

fn tier_names(value: &Value) -> Result<Vec<String>, String> {
    list(value, "tiers", text)
}

fn legs(value: &Value) -> Result<Vec<Leg>, String> {
    list(value, "legs", |value| {
        let form = || format!("expected legs as {{ endpoint, mode }}, got {}", describe_value(value));
        let table = value.as_table().filter(|table| table.len() == 2).ok_or_else(form)?;
        let endpoint = table.get("endpoint").ok_or_else(form).and_then(text)?;
        let mode = table.get("mode").ok_or_else(form)?;
        Ok(Leg { endpoint, mode: word(mode, Mode::parse, Mode::WORDS)? })
    })
}

fn currency(value: &Value) -> Result<String, String> {
    let is_code = |text: &&str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let code = value.as_str().filter(is_code).map(str::to_owned);
    code.ok_or_else(|| format!("expected a currency by its ISO 4217 code, got {}", describe_value(value)))
}

fn time_of_day(value: &Value) -> Result<String, String> {
    let is_time = |text: &&str| text.len() == 5 && chrono::NaiveTime::parse_from_str(text, "%H:%M").is_ok();
    let time = value.as_str().filter(is_time).map(str::to_owned);
    time.ok_or_else(|| format!("expected a time as HH:MM, got {}", describe_value(value)))
}
