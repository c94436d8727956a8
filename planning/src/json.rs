//! Writes JSON objects field by field, if a part of them is JSON already, and names in JSON pointers.

mod exact;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

pub use self::exact::{Document, Json, JsonFault};

/// Returns a name as a part of a JSON pointer (RFC 6901).
pub fn pointer_part(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Writes one JSON object field by field, without a value tree.
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object at the end of `out`. [`Self::end`] must end it.
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        ObjectWriter { out, is_empty: true }
    }

    /// Writes a field. Its name must need no escape.
    ///
    /// # Panics
    /// If the value does not serialize to JSON, such as a map whose keys are not strings.
    pub fn field(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        serde_json::to_writer(&mut *self.out, value).expect("values of this service serialize to JSON");
    }

    /// Writes a field whose value is valid JSON already.
    pub fn raw(&mut self, name: &'static str, json: &[u8]) {
        self.name(name);
        self.out.extend_from_slice(json);
    }

    /// Begins an object as the value of a field. It must be ended before the next field.
    pub fn object(&mut self, name: &'static str) -> ObjectWriter<'_> {
        self.name(name);
        ObjectWriter::begin(self.out)
    }

    /// Writes the closing brace.
    pub fn end(self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

/// Returns a whole number that is not negative. JSON has one kind of number: `9.0` is the same number as `9`, and
/// callers whose numbers are all floating-point send it.
pub fn whole_number(value: &Value) -> Option<u64> {
    /// The limit up to which every whole number is exact in floating point.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let is_exact = |number: &f64| number.fract() == 0.0 && (0.0..=EXACT_MAX).contains(number);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It is whole and within the limits.
    value.as_u64().or_else(|| value.as_f64().filter(is_exact).map(|number| number as u64))
}

/// The maximum number of characters of a value that an error contains.
pub const SHOWN_CHARACTERS_MAX: usize = 80;

/// Returns the first characters of a value for an error, with an ellipsis if it has more.
pub fn shortened(text: &str, characters_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Returns the error for a value that is not a string of the expected form.
pub(crate) fn mismatch(value: &Value, expected: &str) -> String {
    let start = |text: &str| shortened(text, SHOWN_CHARACTERS_MAX).into_owned();
    match value {
        Value::String(text) if text.is_empty() => format!("expected {expected}, got an empty string"),
        Value::String(text) => format!("expected {expected}, got the string `{}`", start(text)),
        Value::Array(_) | Value::Object(_) => format!("expected {expected}, got `{}`", start(&value.to_string())),
        _ => format!("expected {expected}, got {value}"),
    }
}

/// Returns the error for a value that is not one of the expected words.
pub(crate) fn word_mismatch(value: &Value, expected: &str) -> String {
    match value.as_str().filter(|word| !word.is_empty()) {
        Some(word) => format!("expected {expected}, got `{}`", shortened(word, SHOWN_CHARACTERS_MAX)),
        None => mismatch(value, expected),
    }
}

/// Returns the type of a JSON value.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_written_as_a_parser_reads_it() {
        let mut out = b"before".to_vec();
        let mut object = ObjectWriter::begin(&mut out);
        object.field("text", "a\"b");
        object.raw("raw", b"[1,2]");
        object.object("empty").end();
        let mut inner = object.object("inner");
        inner.field("number", &7);
        inner.field("none", &None::<u8>);
        inner.end();
        object.end();

        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, r#"before{"text":"a\"b","raw":[1,2],"empty":{},"inner":{"number":7,"none":null}}"#);
    }

    #[test]
    fn a_shortened_value_ends_with_an_ellipsis() {
        let long = Value::String("é".repeat(81));

        assert_eq!(mismatch(&long, "x"), format!("expected x, got the string `{}…`", "é".repeat(80)));
        assert_eq!(word_mismatch(&long, "x"), format!("expected x, got `{}…`", "é".repeat(80)));
        assert_eq!(word_mismatch(&Value::String("é".repeat(80)), "x"), format!("expected x, got `{}`", "é".repeat(80)));
    }

    #[test]
    fn whole_number_may_have_a_fraction_of_zero() {
        assert_eq!(whole_number(&serde_json::json!(9)), Some(9));
        assert_eq!(whole_number(&serde_json::json!(9.0)), Some(9));
        assert_eq!(whole_number(&serde_json::json!(u64::MAX)), Some(u64::MAX));
        for other in [serde_json::json!(9.5), serde_json::json!(-1), serde_json::json!(1e300), serde_json::json!("9")] {
            assert_eq!(whole_number(&other), None, "{other}");
        }
    }
}
