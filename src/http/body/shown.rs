//! Renders values of a caller for errors.

use std::borrow::Cow;

use serde_json::value::RawValue;

pub(super) fn not_a_text(value: &RawValue) -> String {
    match value.get().as_bytes().first() {
        Some(b'"') => "must be valid Unicode".to_owned(),
        _ => format!("expected a string, got {}", kind_of(value)),
    }
}

/// Returns the kind of a JSON value in words.
pub(super) fn kind_of(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Renders a value for an error: a string in backticks, an object or array as its kind, every other value unchanged.
pub(super) fn shown(value: &RawValue) -> String {
    match value.get().as_bytes().first() {
        Some(b'{' | b'[') => kind_of(value).to_owned(),
        Some(b'"') => match serde_json::from_str::<String>(value.get()) {
            Ok(text) => quoted(&shortened(&text)),
            Err(_) => "a string that is not valid Unicode".to_owned(),
        },
        _ => shortened(value.get()).into_owned(),
    }
}

/// Renders a value for an error that expects a number. A string of digits must not look like a number.
pub(super) fn shown_for_number(value: &RawValue) -> String {
    let shown = shown(value);
    if shown.starts_with('`') { format!("the string {shown}") } else { shown }
}

pub(in crate::http) fn quoted(text: &str) -> String {
    if text.is_empty() { "an empty string".to_owned() } else { format!("`{text}`") }
}

/// Returns the first characters of a caller's text for an error.
fn shortened(text: &str) -> Cow<'_, str> {
    registry_planning::json::shortened(text, 40)
}
