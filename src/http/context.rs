//! The state that handlers share, and what a handler knows about its request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use metrics_exporter_prometheus::PrometheusHandle;
use registry_actors::ingest::IngestSettings;
use registry_actors::snapshot::Snapshot;
use registry_actors::system::System;
use registry_actors::trace::{self, RequestTrace, TraceContext};
use tokio::sync::Semaphore;
use tracing::{Level, Span, span};
use uuid::Uuid;

use super::fingerprint::FingerprintKey;
use super::idempotency::KeysInFlight;
use super::keys::ApiKeys;
use super::measures::Measures;
use super::problem::Problem;
use super::secret_faults::SecretFaults;
use super::stale_counts::StaleCounts;
use super::status_streams::StatusStreams;
use super::throttled_log::ThrottledLog;
use crate::limits::BrokerLimits;
use crate::status::RecentHistory;
use crate::telemetry::REQUEST_TARGET;

/// Maximum number of requests to the API in flight: twice the capacity of the planners, so that reads also get permits.
/// A request beyond it is rejected before its body is read.
pub(crate) const REQUESTS_MAX: usize = 4096;

pub(super) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static(trace::TRACEPARENT);
const TRACESTATE: HeaderName = HeaderName::from_static(trace::TRACESTATE);
const CORRELATION_CHARACTERS_MAX: usize = 128;
/// The code of the problem while settings or catalog are not loaded.
pub(super) const NOT_LOADED: &str = "not_ready";
/// Why requests cannot be handled yet.
pub(super) const STILL_LOADING: &str = "settings and catalog are still loading";

pub(crate) struct AppState {
    pub(crate) system: Arc<System>,
    pub(crate) limits: Arc<BrokerLimits>,
    pub(crate) api_keys: Arc<ApiKeys>,
    pub(crate) secret_faults: Arc<SecretFaults>,
    pub(crate) fingerprint_key: FingerprintKey,
    pub(crate) is_legacy_encoding: bool,
    pub(crate) has_server_timing: bool,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) measures: Measures,
    pub(crate) throttled_log: ThrottledLog,
    pub(crate) ingest: IngestSettings,
    pub(crate) is_draining: AtomicBool,
    pub(crate) permits: Semaphore,
    pub(crate) keys_in_flight: KeysInFlight,
    pub(crate) stale_counts: StaleCounts,
    pub(crate) recent: Arc<RecentHistory>,
    pub(crate) status_streams: StatusStreams,
}

impl AppState {
    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}

/// The correlation id, the arrival time and the trace of a request: one of its extensions.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    pub(crate) correlation_id: Arc<str>,
    pub(crate) arrived_at: Instant,
    pub(crate) trace: Arc<RequestTrace>,
    /// Whether the caller sent a trace, valid or not.
    pub(super) is_traced: bool,
    /// The name of the caller's key, which all clones share: one of them records a request whose caller hangs up.
    key: Arc<OnceLock<&'static str>>,
}

impl RequestContext {
    /// Returns the context of a request that arrives now.
    pub(super) fn begin(headers: &HeaderMap) -> Self {
        let arrived_at = Instant::now();
        let correlation_id = correlation_id(headers);
        let is_traced = headers.contains_key(TRACEPARENT);
        let context = if is_traced { trace_context(headers) } else { TraceContext::fresh() };
        let trace = RequestTrace::begin(context, arrived_at.into());
        RequestContext { correlation_id, arrived_at, trace, is_traced, key: Arc::default() }
    }

    /// Returns the span of the log lines of the request. At the level `warn` it is disabled, which saves its time.
    pub(super) fn span(&self, method: &'static str, endpoint: Option<&str>) -> Span {
        self.span_at(Level::INFO, method, endpoint)
    }

    /// Returns the span of the line of the request, which is enabled if the line is.
    pub(super) fn line_span(&self, method: &'static str, endpoint: Option<&str>) -> Span {
        self.span_at(Level::ERROR, method, endpoint)
    }

    fn span_at(&self, level: Level, method: &'static str, endpoint: Option<&str>) -> Span {
        let (ids, correlation_id) = (self.trace.context(), &self.correlation_id);
        let (trace_id, span_id, parent_id) = (ids.trace_id(), ids.span_id(), ids.parent_id());
        macro_rules! request_span {
            ($target:expr, $level:ident) => {
                span!(
                    target: $target,
                    Level::$level,
                    "request",
                    %correlation_id,
                    trace_id,
                    span_id,
                    parent_id,
                    method,
                    path = endpoint
                )
            };
        }
        if level == Level::ERROR { request_span!(REQUEST_TARGET, ERROR) } else { request_span!(module_path!(), INFO) }
    }

    /// Records the name of the caller's key after it was checked.
    pub(super) fn set_key(&self, name: &'static str) {
        // The router checks the key of a request again that the fast path does not handle.
        let _ = self.key.set(name);
    }

    /// Returns the name of the caller's key. `None` without a valid key.
    pub(super) fn key(&self) -> Option<&'static str> {
        self.key.get().copied()
    }

    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.arrived_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Returns the name of the key of a request for the audit log: `environment`, `config_service`, or `none`.
pub(super) fn key_name(parts: &Parts) -> &'static str {
    parts.extensions.get::<RequestContext>().and_then(RequestContext::key).unwrap_or("none")
}

fn trace_context(headers: &HeaderMap) -> TraceContext {
    let values = |name| headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    TraceContext::of(values(TRACEPARENT), values(TRACESTATE))
}

/// The path of the request, if the router gets another one: one of the extensions of the request.
#[derive(Clone, Debug)]
pub(super) struct RequestedPath(pub(super) Arc<str>);

/// One of the extensions of a request to the probe port, which has no API: there, the paths of the API are unknown to
/// callers with and without a key.
#[derive(Clone, Debug)]
pub(super) struct OnProbePort;

/// Returns the caller's id if logs and headers can contain it, otherwise a new one.
fn correlation_id(headers: &HeaderMap) -> Arc<str> {
    let given = headers.get(CORRELATION_ID).map(HeaderValue::as_bytes);
    let is_safe =
        |id: &&[u8]| (1..=CORRELATION_CHARACTERS_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic);
    let given = given.filter(is_safe).and_then(|id| std::str::from_utf8(id).ok());
    given.map_or_else(fresh_correlation_id, Into::into)
}

fn fresh_correlation_id() -> Arc<str> {
    let mut buffer = Uuid::encode_buffer();
    let text: &str = Uuid::now_v7().hyphenated().encode_lower(&mut buffer);
    text.into()
}

/// Returns the current settings and catalog. A request takes them once.
///
/// # Errors
/// 503 until both are loaded. [`name_cause`](super::health::name_cause) replaces the detail if the database is the
/// cause.
pub(super) fn snapshot(state: &AppState) -> Result<Arc<Snapshot>, Problem> {
    state.system.snapshot().ok_or_else(|| {
        Problem::unavailable(NOT_LOADED, format!("{STILL_LOADING}; retry later"), Duration::from_secs(1))
    })
}

pub(super) fn deadline(context: &RequestContext, snapshot: &Snapshot) -> Instant {
    context.arrived_at + snapshot.settings.planner_timeout
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: Option<&[u8]>) -> Arc<str> {
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(CORRELATION_ID, HeaderValue::from_bytes(given).unwrap());
        }
        correlation_id(&headers)
    }

    #[test]
    fn an_unsafe_correlation_id_is_replaced() {
        assert_eq!(&*id_for(Some(b"order-7/\"x\"")), "order-7/\"x\"");
        assert_eq!(&*id_for(Some(&[b'a'; 128])), "a".repeat(128));
        for unsafe_id in [&b""[..], b"two words", b"tab\tbed", &[b'a'; 129], "naïve".as_bytes()] {
            assert_eq!(Uuid::parse_str(&id_for(Some(unsafe_id))).unwrap().get_version_num(), 7);
        }
        assert_eq!(Uuid::parse_str(&id_for(None)).unwrap().get_version_num(), 7);
    }
}
