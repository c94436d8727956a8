//! Parses JSON bodies field by field, so that all faults are reported at once. A strict decoder stops at the first one.
//!
//! Neither `deserr` 0.6 nor `jsonschema` 0.61 can replace these readers: both work on a `serde_json::Value`, which has
//! only the last of duplicate fields and rejects `1e400`, and take twice as long for 1,000 keys. `deserr` needs a type
//! for each form of field; `jsonschema` adds 28 crates and reports all faults of an optional object as one.
//! `make api-test` finds contradictions between the readers and the OpenAPI document.

mod budget;
mod documents;
mod lists;
mod parsed;
mod shown;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, OriginalUri, Request};
use axum::http::{HeaderMap, header};
use chrono::NaiveDate;
use futures_util::StreamExt;
use registry_planning::instrument::KEY_CHARACTERS_MAX;
use registry_planning::json::{pointer_part, whole_number};
use registry_planning::keys::KeyList;
use registry_planning::vocabulary::{Word, counted};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use self::budget::{Budget, Share};
use self::shown::{kind_of, not_a_text, shown, shown_for_number};
use super::problem::{Fault, Problem, REQUEST_BODY_IS};

pub(super) use self::budget::{IMPORTS, PLANS};
pub(crate) use self::lists::NumberOrTexts;
pub(super) use self::shown::quoted;

pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const BODY_BYTES_MAX: usize = 2 << 20;
/// Maximum size of the body of a request for a plan, bytes. Beyond [`BODY_BYTES_MAX`] it must have items.
pub(super) const PLAN_BODY_BYTES_MAX: usize = 4 << 20;
/// Maximum number of faults of a field that are listed. The others are only counted.
const FAULTS_PER_FIELD_MAX: usize = 100;
/// Maximum number of unknown fields of an object that are listed. A body can have hundreds of thousands.
const UNKNOWN_FIELDS_MAX: usize = 1000;

/// A whole body that should be JSON. A copy shares its bytes.
#[derive(Clone)]
pub(crate) struct JsonBody {
    bytes: Bytes,
    /// The share of the bytes in a budget. `None` for a body that needs none.
    _share: Option<Arc<Share>>,
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        // A nested router has removed a part of the path.
        let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |OriginalUri(uri)| uri);
        let budget = Budget::of_path(uri.path());
        let body = JsonBody::read_within(budget, request.into_body()).await?;
        // An empty body needs no content type. The handler decides whether it can be empty.
        if !is_json && !body.is_empty() {
            return Err(Problem::not_json());
        }
        Ok(body)
    }
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Reads the whole body of at most `bytes_max` bytes, whose length may be announced.
///
/// # Errors
/// 400 if it is incomplete, 408 after the timeout, 413 if it is too large.
async fn read_body(body: Body, announced: Option<usize>, bytes_max: usize) -> Result<Bytes, Problem> {
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(Problem::too_large(bytes_max));
    }
    let mut chunks = body.into_data_stream();
    let read = async {
        // Most bodies arrive in one piece, which is not copied.
        let mut first = Bytes::new();
        let mut whole = Vec::new();
        let mut length = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|fault| {
                tracing::debug!(%fault, "failed to read request body");
                Problem::unreadable_body(&fault)
            })?;
            length += chunk.len();
            if length > bytes_max {
                return Err(Problem::too_large(bytes_max));
            }
            if length == chunk.len() {
                first = chunk;
            } else {
                if whole.is_empty() {
                    whole.reserve_exact(announced.unwrap_or_default());
                    whole.extend_from_slice(&first);
                }
                whole.extend_from_slice(&chunk);
            }
        }
        Ok(if whole.is_empty() { first } else { whole.into() })
    };
    match tokio::time::timeout(BODY_TIMEOUT, read).await {
        Ok(result) => result,
        Err(_) => Err(Problem::body_timeout(BODY_TIMEOUT)),
    }
}

impl JsonBody {
    /// Returns the JSON body with these bytes, which are not those of a request.
    pub(crate) fn of(bytes: Bytes) -> Self {
        JsonBody { bytes, _share: None }
    }

    /// Reads the whole body of a request, with a share of the budget.
    ///
    /// # Errors
    /// 400 if it is incomplete, 408 after the timeout, 413 if it is too large, 503 if there is no memory for it.
    pub(super) async fn read_within(budget: &'static Budget, body: Body) -> Result<Self, Problem> {
        let announced = body.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let mut share = budget.share(announced).await?;
        let bytes = read_body(body, announced, budget.body_bytes_max()).await?;
        share.shrink(bytes.len());
        Ok(JsonBody { bytes, _share: share.is_taken().then(|| Arc::new(share)) })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Parses the body as [`Self::fields`] does. An empty body has no fields.
    pub(crate) fn optional_fields(&self) -> Result<Fields<'_>, Problem> {
        if self.is_empty() { Ok(Fields::none()) } else { self.fields() }
    }

    /// Parses the body as an object.
    ///
    /// # Errors
    /// 400 if it is not valid UTF-8 or JSON, 422 if it is not an object.
    pub(crate) fn fields(&self) -> Result<Fields<'_>, Problem> {
        let text = std::str::from_utf8(&self.bytes).map_err(|fault| {
            let detail = format!("{REQUEST_BODY_IS}not valid UTF-8 at byte {}", fault.valid_up_to());
            Problem::bad_request("invalid_utf8", detail)
        })?;
        let syntax = |fault: serde_json::Error| {
            Problem::bad_request("invalid_json", format!("{REQUEST_BODY_IS}not valid JSON: {fault}"))
        };
        if !text.trim_start_matches([' ', '\n', '\r', '\t']).starts_with('{') {
            let value = serde_json::from_str::<&RawValue>(text).map_err(syntax)?;
            let detail = format!("expected an object, got {}", kind_of(value));
            let fault = Fault { pointer: String::new(), detail };
            return Err(Problem::invalid(vec![fault]));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let entries = json.deserialize_map(FieldVisitor).map_err(syntax)?;
        json.end().map_err(syntax)?;
        Ok(Fields { entries, ..Fields::none() })
    }
}

type FieldEntry<'a> = (Cow<'a, str>, &'a RawValue);

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Vec<FieldEntry<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            entries.push((name, map.next_value()?));
        }
        Ok(entries)
    }
}

/// The fields of a body, and the faults found so far. Each field is taken once. Fields that remain at the end are
/// unknown.
pub(crate) struct Fields<'a> {
    entries: Vec<FieldEntry<'a>>,
    faults: Vec<Fault>,
    /// The number of faults without an entry in `faults`: a note counts them.
    more_faults: usize,
    /// JSON pointer to the object; empty for the body itself.
    prefix: String,
}

impl<'a> Fields<'a> {
    pub(crate) fn none() -> Self {
        Fields { entries: Vec::new(), faults: Vec::new(), more_faults: 0, prefix: String::new() }
    }

    /// Ends the parsing.
    ///
    /// # Errors
    /// 422 with every fault, including unknown fields and `others`.
    pub(crate) fn finish(mut self, others: Vec<Fault>) -> Result<(), Problem> {
        self.report_unknown_fields();
        let mut faults = others;
        faults.append(&mut self.faults);
        if faults.is_empty() { Ok(()) } else { Err(Problem::invalid_and_more(faults, self.more_faults)) }
    }

    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn report_unknown_fields(&mut self) {
        let unknown = std::mem::take(&mut self.entries);
        for (name, _) in unknown.iter().take(UNKNOWN_FIELDS_MAX) {
            self.fault(name, "unknown field".to_owned());
        }
        if unknown.len() > UNKNOWN_FIELDS_MAX {
            let beyond = unknown.len() - UNKNOWN_FIELDS_MAX;
            self.fault_of_all(&format!("and {}", counted(beyond, "more unknown field")));
            // The note itself counts as one fault.
            self.more_faults += beyond - 1;
        }
    }

    pub(crate) fn fault_of_all(&mut self, detail: &str) {
        self.faults.push(Fault { pointer: self.prefix.clone(), detail: detail.to_owned() });
    }

    pub(crate) fn fault(&mut self, name: &str, detail: String) {
        let pointer = format!("{}/{}", self.prefix, pointer_part(name));
        self.faults.push(Fault { pointer, detail });
    }

    /// Takes a field out. Returns `None` if it is absent or null. A duplicate field is a fault.
    fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let mut taken = self.entries.extract_if(.., |(other, _)| other == name);
        let first = taken.next();
        let is_repeated = taken.next().is_some();
        drop(taken);
        if is_repeated {
            self.entries.retain(|(other, _)| other != name);
            self.fault(name, "duplicate field".to_owned());
            return None;
        }
        first.map(|(_, value)| value).filter(|value| value.get() != "null")
    }

    fn is_missing(&self, name: &str) -> bool {
        !self.entries.iter().any(|(other, value)| other == name && value.get() != "null")
    }

    pub(crate) fn require(&mut self, name: &str) {
        if self.is_missing(name) {
            self.fault(name, "is required".to_owned());
        }
    }

    /// Takes a required string of `min` to `max` characters.
    pub(crate) fn text(&mut self, name: &str, min: usize, max: usize) -> Option<String> {
        self.require(name);
        self.optional_text(name, min, max)
    }

    pub(crate) fn optional_text(&mut self, name: &str, min: usize, max: usize) -> Option<String> {
        let value = self.take(name)?;
        let Ok(text) = serde_json::from_str::<String>(value.get()) else {
            self.fault(name, not_a_text(value));
            return None;
        };
        let characters = text.chars().count();
        if !(min..=max).contains(&characters) {
            self.fault(name, format!("expected {min} to {max} characters, got {characters}"));
            return None;
        }
        if text.contains('\0') {
            self.fault(name, "must not contain the character U+0000".to_owned());
            return None;
        }
        Some(text)
    }

    /// Takes a required word of a closed list.
    pub(crate) fn word<T: Word>(&mut self, name: &str) -> Option<T> {
        self.require(name);
        self.optional_word(name)
    }

    pub(crate) fn optional_word<T: Word>(&mut self, name: &str) -> Option<T> {
        self.optional_parsed(name, T::parse, |got| format!("expected one of {}, got {got}", T::WORDS))
    }

    /// Takes an optional string of the form that `expected` describes.
    pub(crate) fn optional_form<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Option<T> {
        self.optional_parsed(name, parse, |got| format!("expected {expected}, got {got}"))
    }

    fn optional_parsed<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        detail: impl FnOnce(String) -> String,
    ) -> Option<T> {
        let value = self.take(name)?;
        let parsed = serde_json::from_str::<String>(value.get()).ok().as_deref().and_then(parse);
        if parsed.is_none() {
            self.fault(name, detail(shown(value)));
        }
        parsed
    }

    /// Takes an optional integer from `min` to `max`.
    pub(crate) fn optional_integer(&mut self, name: &str, min: u32, max: u32) -> Option<u32> {
        let value = self.take(name)?;
        let number =
            whole(value).and_then(|number| u32::try_from(number).ok()).filter(|number| (min..=max).contains(number));
        if number.is_none() {
            self.fault(name, format!("expected an integer from {min} to {max}, got {}", shown_for_number(value)));
        }
        number
    }

    pub(crate) fn optional_date(&mut self, name: &str) -> Option<NaiveDate> {
        let value = self.take(name)?;
        let date = serde_json::from_str::<String>(value.get()).ok().and_then(|text| parse_date(&text));
        if date.is_none() {
            self.fault(name, format!("expected a date as YYYY-MM-DD, got {}", shown(value)));
        }
        date
    }

    /// Takes a required list of `min` to `max` instrument keys.
    pub(crate) fn keys(&mut self, name: &str, min: usize, max: usize) -> Option<KeyList> {
        self.require(name);
        let value = self.take(name)?;
        let plain = KeyList::from_plain_json(value.get());
        let Some(keys) = plain.or_else(|| serde_json::from_str(value.get()).ok()) else {
            self.report_invalid_items(name, value);
            return None;
        };
        if !(min..=max).contains(&keys.len()) {
            self.fault(name, format!("expected {min} to {max} items, got {}", keys.len()));
            return None;
        }
        let mut bad = ItemFaults::default();
        for (at, key) in keys.iter().enumerate() {
            bad.add_if(at, length_fault(key));
        }
        let is_good = bad.total == 0;
        self.item_faults(name, bad);
        is_good.then_some(keys)
    }

    /// Adds the faults of a value that is not a list of strings.
    fn report_invalid_items(&mut self, name: &str, value: &RawValue) {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            self.fault(name, format!("expected an array of strings, got {}", kind_of(value)));
            return;
        };
        let fault_of = |item: &&RawValue| match serde_json::from_str::<String>(item.get()) {
            Ok(key) => length_fault(&key),
            Err(_) => Some(not_a_text(item)),
        };
        let mut bad = ItemFaults::default();
        for (at, item) in items.iter().enumerate() {
            bad.add_if(at, fault_of(item));
        }
        self.item_faults(name, bad);
    }

    fn item_faults(&mut self, name: &str, ItemFaults { listed, total }: ItemFaults) {
        for (at, detail) in listed {
            self.faults.push(Fault { pointer: format!("{}/{name}/{at}", self.prefix), detail });
        }
        if total > FAULTS_PER_FIELD_MAX {
            let beyond = total - FAULTS_PER_FIELD_MAX;
            self.fault(name, format!("and {}", counted(beyond, "more invalid item")));
            // The note itself counts as one fault.
            self.more_faults += beyond - 1;
        }
    }
}

/// The faults of the items of a list. Only the first ones are kept: a list can have a million items.
#[derive(Default)]
struct ItemFaults {
    listed: Vec<(usize, String)>,
    total: usize,
}

impl ItemFaults {
    fn add_if(&mut self, at: usize, fault: Option<String>) {
        let Some(detail) = fault else { return };
        self.total += 1;
        if self.listed.len() < FAULTS_PER_FIELD_MAX {
            self.listed.push((at, detail));
        }
    }
}

/// Parses a date in the form `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    // The parser also accepts a sign, a space or a single digit.
    let is_written_out = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_written_out.then(|| text.parse().ok()).flatten()
}

fn length_fault(key: &str) -> Option<String> {
    // Most keys are short enough in bytes, so their characters are not counted.
    if (1..=KEY_CHARACTERS_MAX).contains(&key.len()) {
        return None;
    }
    let characters = key.chars().count();
    let is_allowed = (1..=KEY_CHARACTERS_MAX).contains(&characters);
    (!is_allowed).then(|| format!("expected 1 to {KEY_CHARACTERS_MAX} characters, got {characters}"))
}

fn whole(value: &RawValue) -> Option<u64> {
    // Only numbers are parsed, because the tree of a list needs several times its size in memory.
    let is_number = value.get().starts_with(|first: char| first.is_ascii_digit() || first == '-');
    is_number.then(|| serde_json::from_str(value.get()).ok()).flatten().and_then(|value| whole_number(&value))
}
