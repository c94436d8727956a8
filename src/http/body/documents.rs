//! Fields that hold lines of text, times, whole JSON documents, or lists of objects.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, Utc};
use registry_planning::json::{Document, JsonFault};
use serde::de::Deserializer;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{FieldVisitor, Fields, kind_of, shown};
use crate::http::problem::Fault;

/// The maximum year: RFC 3339 writes years with four digits.
const YEAR_MAX: i32 = 9999;

impl<'a> Fields<'a> {
    /// Whether the field is present and null. Must be called before the field is taken.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.entries.iter().any(|(other, value)| other == name && value.get() == "null")
    }

    /// Takes a field that may be null. A null field counts as absent, like every optional field, and not as unknown.
    pub(crate) fn forget_null<T>(&mut self, name: &str) -> Option<T> {
        self.entries.retain(|(other, value)| other != name || value.get() != "null");
        None
    }

    /// Whether there are no fields, apart from those that were taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes an optional string of `min` to `max` characters without control characters.
    pub(crate) fn optional_line(&mut self, name: &str, min: usize, max: usize) -> Option<String> {
        let text = self.optional_text(name, min, max)?;
        if text.contains(char::is_control) {
            self.fault(name, "must not contain control characters".to_owned());
            return None;
        }
        Some(text)
    }

    /// Takes an optional time after `now`. Fractions of a millisecond are dropped.
    pub(crate) fn optional_future_time(&mut self, name: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let value = self.take(name)?;
        let text = serde_json::from_str::<Cow<'_, str>>(value.get()).ok();
        let Some(time) = text.as_deref().and_then(|text| DateTime::parse_from_rfc3339(text).ok()) else {
            let got = shown(value);
            self.fault(name, format!("expected a time as RFC 3339, such as `2026-12-31T10:00:00Z`, got {got}"));
            return None;
        };
        // Converted through milliseconds, so that a leap second becomes the following second.
        let time = DateTime::from_timestamp_millis(time.timestamp_millis()).filter(|time| time.year() <= YEAR_MAX);
        let Some(time) = time else {
            self.fault(name, format!("expected a year of at most {YEAR_MAX}, got {}", shown(value)));
            return None;
        };
        if time <= now {
            self.fault(name, format!("must be in the future, got `{}`", time.to_rfc3339()));
            return None;
        }
        Some(time)
    }

    /// Takes an optional object of any content, at most `bytes_max` long as sent. Its numbers keep their spelling.
    pub(crate) fn optional_document(&mut self, name: &str, bytes_max: usize) -> Option<Document> {
        let value = self.take(name)?;
        if value.get().len() > bytes_max {
            self.fault(name, format!("expected at most {bytes_max} bytes, got {}", value.get().len()));
            return None;
        }
        if !value.get().starts_with('{') {
            self.fault(name, format!("expected an object, got {}", kind_of(value)));
            return None;
        }
        let document = Document::parse(value.get());
        let fault = |JsonFault { pointer, detail }| self.fault_at(&format!("/{name}{pointer}"), detail);
        document.map_err(fault).ok()
    }

    pub(crate) fn optional_value(&mut self, name: &str) -> Option<Value> {
        let value = self.take(name)?;
        let read = serde_json::from_str(value.get());
        read.map_err(|fault| self.fault(name, format!("invalid JSON: {fault}"))).ok()
    }

    /// Adds a fault inside the field. `pointer` is a JSON pointer that starts with the field.
    pub(crate) fn fault_at(&mut self, pointer: &str, detail: String) {
        self.faults.push(Fault { pointer: format!("{}{pointer}", self.prefix), detail });
    }

    /// Returns the text of the field, if it is a string, without taking the field.
    pub(crate) fn peek_text(&self, name: &str) -> Option<String> {
        let (_, value) = self.entries.iter().find(|(other, _)| other == name)?;
        serde_json::from_str(value.get()).ok()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        !self.is_missing(name)
    }

    /// Takes a required list of `min` to `max` objects. The pointers of the faults of each object start at the object
    /// itself.
    pub(crate) fn objects(&mut self, name: &str, min: usize, max: usize) -> Option<Vec<Result<Fields<'a>, String>>> {
        self.require(name);
        let value = self.take(name)?;
        let Ok(items) = serde_json::from_str::<Vec<&'a RawValue>>(value.get()) else {
            self.fault(name, format!("expected an array of objects, got {}", kind_of(value)));
            return None;
        };
        if !(min..=max).contains(&items.len()) {
            self.fault(name, format!("expected {min} to {max} items, got {}", items.len()));
            return None;
        }
        let fields = |item: &'a RawValue| {
            let entries = serde_json::Deserializer::from_str(item.get()).deserialize_map(FieldVisitor);
            let entries = entries.map_err(|_| format!("expected an object, got {}", kind_of(item)))?;
            Ok(Fields { entries, ..Fields::none() })
        };
        Some(items.into_iter().map(fields).collect())
    }
}
