//! JSON of callers in which each number keeps its notation: `12345678901234567890123`, `1.0`, `1e400`, `-0`.
//!
//! `serde_json::Value` stores numbers in 64 bits and alters those that need more. Its feature `arbitrary_precision`
//! would change every number of the program.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::pointer_part;

/// The maximum nesting depth of objects and lists, which is that of `serde_json`.
const DEPTH_MAX: usize = 127;

/// Any JSON value, which keeps the digits of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number with the digits of the text.
    Number(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Document),
}

/// A JSON object. Its fields are sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document(BTreeMap<String, Json>);

/// The reason why a text is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFault {
    /// The JSON pointer of the fault, from the root of the document.
    pub pointer: String,
    /// The description of the fault, without its location.
    pub detail: String,
}

impl JsonFault {
    fn new(detail: impl Into<String>) -> Self {
        JsonFault { pointer: String::new(), detail: detail.into() }
    }

    fn within(mut self, part: &str) -> Self {
        self.pointer.insert_str(0, &format!("/{part}"));
        self
    }
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.detail),
            pointer => write!(f, "{pointer}: {}", self.detail),
        }
    }
}

impl Json {
    /// Converts a value that serializes to JSON.
    ///
    /// # Errors
    /// If it does not.
    pub fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(value)?)
    }

    /// Returns the value of a field; `None` if the value is not an object or has no such field.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(document) => document.get(name),
            _ => None,
        }
    }

    /// Sets the field of an object. Other values have no fields and do not change.
    pub fn set(&mut self, name: &str, value: Json) {
        if let Json::Object(document) = self {
            document.set(name, value);
        }
    }

    fn read(raw: &RawValue, depth: usize) -> Result<Self, JsonFault> {
        let text = raw.get();
        let unreadable = |fault: serde_json::Error| JsonFault::new(format!("invalid JSON: {fault}"));
        match text.as_bytes().first() {
            Some(b'{') => Document::read(text, depth).map(Json::Object),
            Some(b'[') => {
                deeper(depth)?;
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(unreadable)?;
                let read = |(at, item)| Json::read(item, depth + 1).map_err(|fault| fault.within(&format!("{at}")));
                items.into_iter().enumerate().map(read).collect::<Result<_, _>>().map(Json::List)
            }
            Some(b'"') => serde_json::from_str(text).map(Json::Text).map_err(unreadable),
            Some(b't') => Ok(Json::Bool(true)),
            Some(b'f') => Ok(Json::Bool(false)),
            Some(b'n') => Ok(Json::Null),
            _ => Ok(Json::Number(text.to_owned())),
        }
    }

    /// Returns the nearest value of `serde_json`: a number that does not fit into 64 bits becomes a string.
    fn value(&self) -> Value {
        match self {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(text) => text.parse().map_or_else(|_| Value::from(text.as_str()), Value::Number),
            Json::Text(text) => Value::from(text.as_str()),
            Json::List(items) => items.iter().map(Json::value).collect(),
            Json::Object(document) => Value::Object(document.values()),
        }
    }
}

fn deeper(depth: usize) -> Result<(), JsonFault> {
    if depth < DEPTH_MAX {
        return Ok(());
    }
    Err(JsonFault::new(format!("expected at most {DEPTH_MAX} levels of nested objects and arrays")))
}

impl Document {
    /// Parses an object.
    ///
    /// # Errors
    /// If the text is not an object, names a field twice or is nested too deeply.
    pub fn parse(text: &str) -> Result<Self, JsonFault> {
        Document::read(text, 0)
    }

    fn read(text: &str, depth: usize) -> Result<Self, JsonFault> {
        deeper(depth)?;
        let fields: Fields<'_> =
            serde_json::from_str(text).map_err(|fault| JsonFault::new(format!("invalid JSON: {fault}")))?;
        let mut document = Document::default();
        for (name, raw) in fields.0 {
            let value = Json::read(raw, depth + 1).map_err(|fault| fault.within(&pointer_part(&name)))?;
            if document.0.insert(name.clone().into_owned(), value).is_some() {
                return Err(JsonFault::new("duplicate field").within(&pointer_part(&name)));
            }
        }
        Ok(document)
    }

    /// Returns the value of a field; `None` if the object has no such field.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// Sets the value of a field, and replaces the value that it had.
    pub fn set(&mut self, name: &str, value: Json) {
        self.0.insert(name.to_owned(), value);
    }

    /// Returns a field that is an object, and makes it one if it is absent or null.
    pub fn object_mut(&mut self, name: &str) -> Option<&mut Document> {
        let field = self.0.entry(name.to_owned()).or_insert(Json::Null);
        if *field == Json::Null {
            *field = Json::Object(Document::default());
        }
        match field {
            Json::Object(document) => Some(document),
            _ => None,
        }
    }

    /// Returns the fields for code that reads words and small numbers: a number that does not fit into 64 bits becomes
    /// a string.
    pub fn values(&self) -> Map<String, Value> {
        self.0.iter().map(|(name, field)| (name.clone(), field.value())).collect()
    }
}

/// The fields in the order of the text, repeats included.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(flag),
            Value::Number(number) => Json::Number(number.to_string()),
            Value::String(text) => Json::Text(text),
            Value::Array(items) => Json::List(items.into_iter().map(Json::from).collect()),
            Value::Object(fields) => Json::Object(fields.into()),
        }
    }
}

impl From<Map<String, Value>> for Document {
    fn from(fields: Map<String, Value>) -> Self {
        Document(fields.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(flag) => serializer.serialize_bool(*flag),
            Json::Number(text) => {
                serde_json::from_str::<&RawValue>(text).map_err(S::Error::custom)?.serialize(serializer)
            }
            Json::Text(text) => serializer.serialize_str(text),
            Json::List(items) => serializer.collect_seq(items),
            Json::Object(document) => document.serialize(serializer),
        }
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Json::read(&raw, 0).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Document::parse(raw.get()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NUMBERS: &str = "[0,-0,-0.0,1.0,0.10,1e400,-1E+400,1e-400,12345678901234567890123,0.1234567890123456789]";

    #[test]
    fn numbers_are_kept_as_written() {
        let text = format!("{{\"a\":{{\"b\":[{NUMBERS},{{\"c\":1.50}}]}},\"d\":1.0}}");

        let document = Document::parse(&text).unwrap();

        assert_eq!(serde_json::to_string(&document).unwrap(), text);
        let read: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(read, Json::Object(document));
        assert_eq!(serde_json::to_string(&Json::of(&read).unwrap()).unwrap(), text);
    }

    #[test]
    fn whitespace_is_dropped_and_fields_are_sorted() {
        let document = Document::parse(" {\"b\" : [ 1.0 , null ] , \"a\\u0062\":\"\\u0000\"\n} ".trim()).unwrap();

        assert_eq!(serde_json::to_string(&document).unwrap(), r#"{"ab":"\u0000","b":[1.0,null]}"#);
    }

    #[test]
    fn a_repeated_name_is_a_fault_at_any_depth() {
        let fault = |text| Document::parse(text).unwrap_err().to_string();

        assert_eq!(fault(r#"{"a":1,"a":1}"#), "/a: duplicate field");
        assert_eq!(fault(r#"{"a/b":[0,{"c":1,"\u0063":2}]}"#), "/a~1b/1/c: duplicate field");
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));

        assert!(Document::parse(&nested(DEPTH_MAX)).is_ok());
        let fault = Document::parse(&nested(DEPTH_MAX + 1)).unwrap_err();
        assert_eq!(fault.detail, "expected at most 127 levels of nested objects and arrays");
        assert!(Document::parse(&nested(30_000)).is_err());
    }

    #[test]
    fn a_lone_surrogate_is_a_fault() {
        assert!(Document::parse(r#"{"a":"\ud800"}"#).unwrap_err().detail.starts_with("invalid JSON: "));
    }

    #[test]
    fn values_equal_those_of_serde_json_if_it_has_them() {
        let document = Document::parse(r#"{"a":[1,-1,1.5,true,null,"x",{"b":2}],"c":1e400}"#).unwrap();

        let expected = json!({"a": [1, -1, 1.5, true, null, "x", {"b": 2}], "c": "1e400"});
        assert_eq!(Value::Object(document.values()), expected);
        let plain = json!({"a": [1, -1, 1.5, true, null, "x", {"b": 2}]});
        assert_eq!(serde_json::to_value(Json::from(plain.clone())).unwrap(), plain);
    }
}
