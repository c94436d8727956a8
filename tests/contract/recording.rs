//! Records answers as snapshots, without values that differ from run to run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use insta::internals::Content;
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use super::masking::{Masks, abridged};
use crate::support::{Answer, Client};

/// The correlation id of every recorded request, so that answers show its places.
const CORRELATION_ID: &str = "contract";

/// Headers that every answer has. Only [`Recorder::record_with_every_header`] shows them.
const COMMON_HEADERS: [(&str, &str); 4] = [
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// Headers that differ from one answer to the next. [`Recorder::compare`] checks the correlation id.
const UNRECORDED_HEADERS: [&str; 5] =
    ["date", "content-length", "transfer-encoding", "x-correlation-id", "server-timing"];

/// Fields with durations, ages, or counts at the moment of the request.
const MEASURED: [&str; 11] = [
    "response_time_ms",
    "waiting",
    "in_flight",
    "oldest_wait_ms",
    "duration_ms",
    "optimization_time_ms",
    "search_time_us",
    "age_days",
    "days_left",
    "age_seconds",
    "last_updated_seconds_ago",
];

pub(super) const STATUS: &str = "/api/v1/internal/instrument-registry/status";
pub(super) const STREAM: &str = "/api/v1/internal/instrument-registry/status/stream";
/// The lists in the status that depend on other activity of the process.
const CHANGING: [&str; 4] = ["points", "endpoints", "jobs", "problems"];

/// Replaces the values in a document, and keeps its fields.
fn shape_of(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, field)| {
                let shape = if CHANGING.contains(&name.as_str()) { "[list]".into() } else { shape_of(field) };
                (name, shape)
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(list) => list.into_iter().take(1).map(shape_of).collect::<Vec<_>>().into(),
        _ => "[value]".into(),
    }
}

/// A request that can be sent several times.
#[derive(Clone)]
pub(super) struct Call {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
    has_key: bool,
}

fn call(method: Method, path: impl Into<String>) -> Call {
    Call { method, path: path.into(), headers: Vec::new(), body: None, has_key: true }
}

pub(super) fn get(path: impl Into<String>) -> Call {
    call(Method::GET, path)
}

pub(super) fn delete(path: impl Into<String>) -> Call {
    call(Method::DELETE, path)
}

pub(super) fn post_nothing(path: impl Into<String>) -> Call {
    call(Method::POST, path)
}

pub(super) fn post(path: impl Into<String>, body: &Value) -> Call {
    call(Method::POST, path).sending("application/json", body.to_string())
}

pub(super) fn put(path: impl Into<String>, body: &Value) -> Call {
    call(Method::PUT, path).sending("application/json", body.to_string())
}

impl Call {
    pub(super) fn with_method(self, method: Method) -> Self {
        Call { method, ..self }
    }

    pub(super) fn sending(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.with_header("content-type", content_type)
    }

    pub(super) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn without_key(self) -> Self {
        Call { has_key: false, ..self }
    }

    pub(super) async fn send(&self, client: &Client) -> Answer {
        let request = match self.has_key {
            true => client.request(self.method.clone(), &self.path),
            false => client.request_without_key(self.method.clone(), &self.path),
        };
        let mut request = request.header("X-Correlation-ID", CORRELATION_ID);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        Answer::to(match &self.body {
            Some(body) => request.body(body.clone()),
            None => request,
        })
        .await
    }
}

/// A request and its answer in the form of a snapshot.
#[derive(Serialize)]
struct Recording {
    request: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    request_headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    request_body: Value,
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
}

/// Records the answers of one service. At the end, a test fails with the names of all snapshots that differ.
pub(super) struct Recorder {
    client: Client,
    differing: RefCell<Vec<String>>,
}

impl Recorder {
    pub(super) fn new(client: &Client) -> Self {
        Recorder { client: client.clone(), differing: RefCell::default() }
    }

    /// Sends the request and compares the answer with the snapshot of this name.
    pub(super) async fn record(&self, name: &str, call: Call) -> Answer {
        let answer = call.send(&self.client).await;
        self.compare(name, &call, &answer);
        answer
    }

    /// Like [`Self::record`], but the snapshot includes the headers that all answers have in common.
    pub(super) async fn record_with_every_header(&self, name: &str, call: Call) -> Answer {
        let answer = call.send(&self.client).await;
        let mut recording = Recording::of(&call, &answer);
        recording.headers.extend(COMMON_HEADERS.map(|(name, _)| (name.to_owned(), answer.header(name).to_owned())));
        let correlation_id = ("x-correlation-id".to_owned(), answer.header("x-correlation-id").to_owned());
        recording.headers.extend([correlation_id]);
        self.assert(name, &recording);
        answer
    }

    /// Compares an answer that the caller received by other means.
    pub(super) fn compare(&self, name: &str, call: &Call, answer: &Answer) {
        for (header, value) in COMMON_HEADERS {
            assert_eq!(answer.header(header), value, "{name}: {header}");
        }
        assert_eq!(answer.header("x-correlation-id"), CORRELATION_ID, "{name}");
        self.assert(name, &Recording::of(call, answer));
    }

    /// Sends the request without recording it.
    pub(super) async fn send(&self, call: Call) -> Answer {
        call.send(&self.client).await
    }

    fn assert(&self, name: &str, recording: &Recording) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        for field in MEASURED {
            // An unknown age stays visible.
            settings.add_dynamic_redaction(&format!(".body.**.{field}"), |value, _| match value {
                Content::None => Content::None,
                _ => "[measured]".into(),
            });
        }
        settings.add_dynamic_redaction(".body.**.detail", |value, _| match value.as_str() {
            Some(text) => without_age(text).into(),
            None => value,
        });
        settings.add_redaction(".headers[\"retry-after\"]", "[seconds]");
        let compared = catch_unwind(AssertUnwindSafe(|| {
            settings.bind(|| insta::assert_json_snapshot!(name, recording));
        }));
        if compared.is_err() {
            self.differing.borrow_mut().push(name.to_owned());
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let differing = self.differing.borrow();
        if !differing.is_empty() && !std::thread::panicking() {
            panic!("answers differ from their snapshots: {}", differing.join(", "));
        }
    }
}

impl Recording {
    fn of(call: &Call, answer: &Answer) -> Self {
        // The whole recording has one numbering, so that equal ids get equal numbers.
        let mut masks = Masks::default();
        let path = match call.path.strip_prefix('/') {
            Some(_) => call.path.clone(),
            None => format!("{}/{}", crate::support::BASE, call.path),
        };
        let request = masks.text(&format!("{} {path}", call.method));
        let headers = call.headers.iter().filter(|(_, value)| value != "application/json");
        let request_headers = headers.map(|(name, value)| ((*name).to_owned(), masks.text(value))).collect();
        let mut request_body = call.body.as_deref().map_or(Value::Null, |body| abridged(value_of(body)));
        masks.value(&mut request_body);
        let shown = |name: &str| {
            let is_common = COMMON_HEADERS.iter().any(|(common, _)| *common == name);
            !is_common && !UNRECORDED_HEADERS.contains(&name)
        };
        let headers = answer.headers.keys().map(reqwest::header::HeaderName::as_str).filter(|name| shown(name));
        let headers = headers.map(|name| (name.to_owned(), masks.header(name, answer.header(name)))).collect();
        let mut body = match call.path.as_str() {
            // Metrics change all the time, and another test has a snapshot of the OpenAPI document.
            "/metrics" | "/openapi.json" => Value::from("[document]"),
            STREAM => Value::from("[events]"),
            STATUS => shape_of(value_of(answer.text.as_bytes())),
            _ => value_of(answer.text.as_bytes()),
        };
        masks.value(&mut body);
        Recording { request, request_headers, request_body, status: answer.status, headers, body }
    }
}

/// Masks the number of days in a text about an age.
fn without_age(text: &str) -> String {
    match text.split_once(" days old") {
        Some((before, after)) => {
            let before = before.trim_end_matches(|c: char| c.is_ascii_digit());
            format!("{before}[measured] days old{after}")
        }
        None => text.to_owned(),
    }
}

/// Parses a body as JSON. Returns a string if it is not JSON, and null if it is empty.
fn value_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| match String::from_utf8_lossy(body) {
        text if text.is_empty() => Value::Null,
        text => text.into(),
    })
}
