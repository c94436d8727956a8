//! Replaces values that differ from run to run: ids, times, addresses, and hashes of these.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::support::today;

/// Maximum number of characters of a string, and of entries of a list, that a snapshot shows of a request.
const CHARACTERS_MAX: usize = 200;
const ENTRIES_MAX: usize = 12;

/// The ids of one recording, numbered in the order in which they appear.
#[derive(Default)]
pub(super) struct Masks {
    ids: HashMap<String, usize>,
}

impl Masks {
    /// Masks all strings in a value, and removes fields that depend on the machine.
    pub(super) fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(list) => list.iter_mut().for_each(|entry| self.value(entry)),
            Value::Object(fields) => {
                mask_hashes(fields);
                mask_counts(fields);
                // The number of planners depends on the number of processors.
                fields.retain(|name, _| !name.starts_with("planner_") || name == "planner_0");
                // The date on which a limit was checked does not depend on the day of the test.
                fields.iter_mut().filter(|(name, _)| *name != "seen").for_each(|(_, field)| self.value(field));
                // Keys can be ids.
                let keys: Vec<String> = fields.keys().filter(|key| self.text(key) != **key).cloned().collect();
                for key in keys {
                    let moved = fields.remove(&key).unwrap_or_default();
                    fields.insert(self.text(&key), moved);
                }
            }
            _ => {}
        }
    }

    /// Masks the value of a header. The entity tag of a plan is a hash of masked values.
    pub(super) fn header(&mut self, name: &str, value: &str) -> String {
        match name {
            "etag" if value.starts_with("W/") => "W/\"[hash]\"".to_owned(),
            _ => self.text(value),
        }
    }

    pub(super) fn text(&mut self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let is_inside = masked.ends_with(|last: char| last.is_ascii_alphanumeric()) || masked.ends_with("seen ");
            let (length, replacement) = match is_inside {
                true => (0, String::new()),
                false => self.masked(rest),
            };
            if length > 0 {
                masked += &replacement;
                rest = &rest[length..];
            } else {
                masked.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        masked
    }

    /// Returns how many bytes at the beginning of the text to replace (0 for none), and the replacement.
    fn masked(&mut self, text: &str) -> (usize, String) {
        let hex = text.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
        if hex == 32 {
            return (32, format!("[id {}]", self.number(&text[..32])));
        }
        if let Some(uuid) = text.get(..36).filter(|text| uuid::Uuid::try_parse(text).is_ok()) {
            return (36, format!("[uuid {}]", self.number(uuid)));
        }
        if text.get(..24).is_some_and(is_recent) {
            return (24, "[time]".to_owned());
        }
        if let Some(rest) = text.strip_prefix("127.0.0.1:") {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            return ("127.0.0.1:".len() + digits, "127.0.0.1:[port]".to_owned());
        }
        if let Some(length) = today_in(text) {
            return (length, "[today]".to_owned());
        }
        if let Some(rest) = text.strip_prefix(DEMONSTRATION) {
            // The contracts of the demonstration catalog change each day.
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            return (DEMONSTRATION.len() + digits, format!("{DEMONSTRATION}[count]"));
        }
        let folder = std::env::temp_dir().display().to_string();
        if text.starts_with(&folder) {
            let length = text.find(['`', '"', ' ']).unwrap_or(text.len());
            return (length, "[file]".to_owned());
        }
        (0, String::new())
    }

    fn number(&mut self, id: &str) -> usize {
        let next = self.ids.len() + 1;
        *self.ids.entry(id.to_owned()).or_insert(next)
    }
}

/// The text of `/ready` before the number of instruments.
const DEMONSTRATION: &str = "demonstration catalog, ";

/// Maximum distance from now of a time that the test did not choose. The audit log is kept for a year.
const RECENT: TimeDelta = TimeDelta::days(400);

/// Returns whether the text is a time that depends on when the test runs.
fn is_recent(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok_and(|time| (time.to_utc() - Utc::now()).abs() < RECENT)
}

/// Returns the length of today's date if the text begins with it. A test may run over midnight, so the days before and
/// after count too.
fn today_in(text: &str) -> Option<usize> {
    let today = today();
    let days = [today.pred_opt(), Some(today), today.succ_opt()].into_iter().flatten();
    days.map(|day| day.to_string()).find(|day| text.starts_with(day.as_str())).map(|day| day.len())
}

/// Masks the counts in a summary of the demonstration catalog, whose contracts change each day.
fn mask_counts(summary: &mut Map<String, Value>) {
    let status = summary.get("data_freshness").map(|freshness| &freshness["status"]);
    if status.is_some_and(|status| status == "demonstration") {
        for name in ["active_instruments", "total_instruments", "exchanges", "instrument_types"] {
            summary.insert(name.to_owned(), "[counts]".into());
        }
    }
}

/// Masks the hashes of a plan that was created for today or from a profile, because they depend on the day or on an id.
/// The hashes of other plans are the same on every day and machine.
fn mask_hashes(plan: &mut Map<String, Value>) {
    let Some(metadata) = plan.get("metadata") else { return };
    let is_fixed = metadata["as_of"].as_str().is_some_and(|as_of| today_in(as_of).is_none());
    if is_fixed && metadata.get("profile").is_none() {
        return;
    }
    let hide = |hash: Option<&mut Value>| {
        if let Some(hash) = hash {
            *hash = "[hash]".into();
        }
    };
    hide(plan.get_mut("cache_key"));
    hide(plan.get_mut("metadata").and_then(|metadata| metadata.get_mut("content_hash")));
}

/// Truncates long strings and lists in a value.
pub(super) fn abridged(value: Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > CHARACTERS_MAX => {
            let shown: String = text.chars().take(40).collect();
            format!("{shown}… ({} characters)", text.chars().count()).into()
        }
        Value::Array(list) if list.len() > ENTRIES_MAX => {
            let more = format!("… ({} entries)", list.len());
            list.into_iter().take(3).map(abridged).chain([more.into()]).collect()
        }
        Value::Array(list) => list.into_iter().map(abridged).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, abridged(field))).collect(),
        other => other,
    }
}
