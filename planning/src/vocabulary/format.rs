//! Formats numbers, times and hashes.

use std::fmt::Display;

use chrono::{DateTime, SecondsFormat, Utc};

/// Formats a time as RFC 3339 in UTC with milliseconds.
pub fn format_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Returns the lowercase hexadecimal digits of a hash.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    String::from_utf8(text).expect("digits are UTF-8")
}

/// Returns a number and a noun in the singular or plural.
pub fn counted<N: Display + Copy + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Returns the form of a verb after a number of things.
pub(crate) fn verb<N: Copy + PartialEq + From<u8>>(
    count: N,
    singular: &'static str,
    plural: &'static str,
) -> &'static str {
    if count == N::from(1) { singular } else { plural }
}

/// The maximum number of keys that a message lists; it counts the others.
const NAMED_MAX: usize = 10;

/// Lists the first keys, and counts the others.
pub(crate) fn named<T: AsRef<str>>(keys: impl ExactSizeIterator<Item = T>) -> String {
    let others = keys.len().saturating_sub(NAMED_MAX);
    let mut text = String::new();
    for key in keys.take(NAMED_MAX) {
        let separator = if text.is_empty() { "" } else { ", " };
        text.push_str(separator);
        text.push_str(key.as_ref());
    }
    if others > 0 {
        text.push_str(&format!(" and {others} more"));
    }
    text
}
