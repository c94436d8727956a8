//! A collector of traces in this process, which receives spans by OTLP over HTTP.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use registry_planning::vocabulary::hex;
use tokio::net::TcpListener;

use super::{SOON, eventually};

#[derive(Clone, Debug)]
pub(crate) struct ReceivedSpan {
    pub(crate) name: String,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) parent_id: String,
    /// The number of the kind in the protocol: 1 for internal, 2 for a server, 3 for a client.
    pub(crate) kind: i32,
    /// The start, like the end in nanoseconds since 1970.
    pub(crate) started_at: u64,
    pub(crate) ended_at: u64,
    pub(crate) has_failed: bool,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The attributes of the process, which are the same for all its spans.
    pub(crate) resource: BTreeMap<String, String>,
}

pub(crate) struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<ReceivedTraces>>,
}

#[derive(Default)]
struct ReceivedTraces {
    spans: Vec<ReceivedSpan>,
    /// The header `Authorization` of the last request; `None` if it had none.
    authorization: Option<String>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("the value is an address")).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("the port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let received: Arc<Mutex<ReceivedTraces>> = Arc::default();
        let of_handler = Arc::clone(&received);
        let receive = async move |headers: HeaderMap, body: Bytes| {
            let request = ExportTraceServiceRequest::decode(body).expect("it is a request of the protocol");
            let mut received = of_handler.lock().expect("nobody panics while holding it");
            received.spans.extend(spans_of(request));
            let authorization = headers.get("Authorization").and_then(|value| value.to_str().ok());
            received.authorization = authorization.map(str::to_owned);
        };
        let router = Router::new().route("/v1/traces", post(receive));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Collector { address, received }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn spans(&self) -> Vec<ReceivedSpan> {
        self.received.lock().expect("nobody panics while holding it").spans.clone()
    }

    pub(crate) fn authorization(&self) -> Option<String> {
        self.received.lock().expect("nobody panics while holding it").authorization.clone()
    }

    /// Waits for a span with this name that fulfills the condition, and returns the first one received.
    pub(crate) async fn span(&self, name: &str, is_it: impl Fn(&ReceivedSpan) -> bool) -> ReceivedSpan {
        eventually(name, SOON, async || self.spans().into_iter().find(|span| span.name == name && is_it(span))).await
    }

    /// Returns the spans received so far whose parent is this one, in the order of their ends.
    pub(crate) fn children(&self, parent: &ReceivedSpan) -> Vec<ReceivedSpan> {
        let mut children: Vec<ReceivedSpan> =
            self.spans().into_iter().filter(|span| span.parent_id == parent.span_id).collect();
        children.sort_by_key(|span| span.ended_at);
        children
    }
}

fn spans_of(request: ExportTraceServiceRequest) -> Vec<ReceivedSpan> {
    let mut found = Vec::new();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.map(|Resource { attributes, .. }| texts(attributes)).unwrap_or_default();
        for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
            found.push(received(span, &resource));
        }
    }
    found
}

fn received(span: Span, resource: &BTreeMap<String, String>) -> ReceivedSpan {
    ReceivedSpan {
        name: span.name,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_id: hex(&span.parent_span_id),
        kind: span.kind,
        started_at: span.start_time_unix_nano,
        ended_at: span.end_time_unix_nano,
        has_failed: span.status.is_some_and(|status| status.code == 2),
        attributes: texts(span.attributes),
        resource: resource.clone(),
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("neither a text nor an integer: {other:?}"),
    };
    attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}
