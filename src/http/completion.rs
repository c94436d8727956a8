//! The end of a request: its metrics, its line in the log, and its span.
//!
//! Each request has one line. It is an `info` line, or a `warn` line with the cause if the status is 5xx. Lines that
//! would take time from requests are `debug` lines: those of probes, and those beyond a number per second.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use registry_actors::trace::{AttributeValue, SpanDescription, SpanKind};
use tracing::{Level, Span, enabled, event};

use super::context::{AppState, RequestContext};
use super::measures::hung_up;
use super::problem::Problem;
use crate::telemetry::REQUEST_TARGET;

/// Maximum number of `info` lines of responses per second. A line takes a few microseconds of a request that may take
/// ten.
const LINES_PER_SECOND: u32 = 1000;

/// Endpoints that monitoring calls all the time. Changes of their responses have lines of their own.
const PROBES: [&str; 3] = ["/health", "/ready", "/metrics"];

/// A request that has its response, or whose caller has closed the connection.
pub(super) struct Completion<'a> {
    pub(super) method: &'static str,
    /// The template of the route, never the path, because a label has a closed list of values.
    pub(super) endpoint: Option<&'a str>,
    pub(super) status: StatusCode,
    pub(super) took: Duration,
    /// The length of the body if it is known before it is sent.
    pub(super) bytes: Option<u64>,
    pub(super) problem: Option<&'a Problem>,
}

/// The level of the line of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogLine {
    /// `info`, or `warn` if the status is 5xx. `untold` is the number of earlier requests without such a line.
    Logged { untold: Option<u64> },
    /// `debug`.
    Unlogged,
}

impl Completion<'_> {
    /// Records the request in the metrics and its trace. Returns the line to write within the span of the request.
    pub(super) fn record(&self, state: &AppState, context: &RequestContext) -> LogLine {
        state.measures.record(self.method, self.endpoint.unwrap_or("unmatched"), self.status, self.took);
        // A probe has a span only if its caller has one.
        if !self.is_probe() || context.trace.context().parent_id().is_some() {
            context.trace.end(|| self.describe(context));
        }
        self.line(state, Instant::now())
    }

    fn is_probe(&self) -> bool {
        self.endpoint.is_some_and(|endpoint| PROBES.contains(&endpoint))
    }

    /// Describes the span of the request, with the names of the semantic conventions of OpenTelemetry. The path is left
    /// out, because it may contain the name of a user.
    fn describe(&self, context: &RequestContext) -> SpanDescription {
        let has_failed = self.status.is_server_error();
        let method = if self.method == "_OTHER" { "HTTP" } else { self.method };
        let mut attributes = vec![
            ("http.request.method", self.method.into()),
            ("http.response.status_code", AttributeValue::Integer(self.status.as_u16().into())),
            ("url.scheme", "http".into()),
            ("instrument_registry.correlation_id", (&*context.correlation_id).into()),
        ];
        attributes.extend(self.endpoint.map(|endpoint| ("http.route", endpoint.into())));
        let bytes = self.bytes.and_then(|bytes| i64::try_from(bytes).ok());
        attributes.extend(bytes.map(|bytes| ("http.response.body.size", AttributeValue::Integer(bytes))));
        if has_failed {
            let error = self.problem.map_or(self.status.as_str(), |problem| problem.code);
            attributes.push(("error.type", error.into()));
        }
        let name = self.endpoint.map_or_else(|| method.to_owned(), |endpoint| format!("{method} {endpoint}"));
        SpanDescription { name, kind: SpanKind::Server, attributes, has_failed }
    }

    fn line(&self, state: &AppState, now: Instant) -> LogLine {
        let throttled = |kind, lines_max| match state.throttled_log.note_up_to(kind, lines_max, now) {
            Some(untold) => LogLine::Logged { untold: Some(untold) },
            None => LogLine::Unlogged,
        };
        if self.status == hung_up() {
            return throttled("hung_up", 1);
        }
        match self.problem {
            _ if self.is_probe() => LogLine::Unlogged,
            Some(problem) if self.status == StatusCode::SERVICE_UNAVAILABLE => throttled(problem.code, 1),
            _ if self.status.is_server_error() => LogLine::Logged { untold: None },
            _ if !enabled!(target: REQUEST_TARGET, Level::INFO) => LogLine::Unlogged,
            _ => match throttled("completed", LINES_PER_SECOND) {
                LogLine::Logged { untold } => LogLine::Logged { untold: untold.filter(|untold| *untold > 0) },
                LogLine::Unlogged => LogLine::Unlogged,
            },
        }
    }

    /// Writes the line within the span of the request. A filter may allow the line and disable the span that is
    /// entered, because they have different targets. The line then has a span of its own.
    pub(super) fn log(&self, context: &RequestContext, line: LogLine) {
        let status = self.status.as_u16();
        let duration_ms = (self.took.as_secs_f64() * 1e6).round() / 1e3;
        let (bytes, key) = (self.bytes, context.key());
        let code = self.problem.map(|problem| problem.code);
        // The details of other problems contain parts of the request.
        let is_failure = self.status.is_server_error();
        let detail = self.problem.filter(|_| is_failure).map(|problem| &*problem.detail);
        let (is_logged, untold) = match line {
            LogLine::Logged { untold } => (true, untold),
            LogLine::Unlogged => (false, None),
        };
        macro_rules! log {
            ($level:ident, $message:literal) => {
                if enabled!(target: REQUEST_TARGET, Level::$level) {
                    self.within_span(context, || {
                        event!(
                            target: REQUEST_TARGET,
                            Level::$level,
                            status,
                            duration_ms,
                            bytes,
                            key,
                            code,
                            detail,
                            untold,
                            $message
                        );
                    });
                }
            };
        }
        match (is_logged, self.status == hung_up()) {
            (true, true) => log!(INFO, "connection closed before the response"),
            (false, true) => log!(DEBUG, "connection closed before the response"),
            (true, false) if is_failure => log!(WARN, "request failed"),
            (false, false) if is_failure => log!(DEBUG, "request failed"),
            (true, false) => log!(INFO, "request completed"),
            (false, false) => log!(DEBUG, "request completed"),
        }
    }

    fn within_span(&self, context: &RequestContext, write: impl FnOnce()) {
        if Span::current().is_disabled() {
            context.line_span(self.method, self.endpoint).in_scope(write);
        } else {
            write();
        }
    }
}
