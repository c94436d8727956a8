//! Rejections of plan requests while no planner has capacity.
//!
//! Under overload most requests are rejected, and the time for them is taken from the plans. Therefore:
//!
//! * The decision is made before the body is stored or parsed. The body is only hashed, chunk by chunk, because a
//!   repeat is recognized by its bytes, and repeats are served under overload too.
//! * The response is copied from prepared headers and bytes, which come from the ordinary problem document. There is no
//!   span unless a line is logged.
//! * The first rejection of a connection is immediate. If the connection sends another request that must be rejected
//!   before the `Retry-After` of the last rejection has passed, the next one is held until then. hyper reads no further
//!   request of the connection meanwhile, so callers with a pool of connections are slowed down. Nothing that can be
//!   served is held, and neither is a caller that obeys `Retry-After`. The connection stays open, because a new
//!   connection costs more than a rejection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use metrics::{Counter, counter};
use registry_actors::cache::Fingerprint;
use registry_actors::trace::Stage;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};
use tracing::{Level, enabled};

use super::body::BODY_TIMEOUT;
use super::completion::{Completion, LogLine};
use super::context::{AppState, RequestContext};
use super::endpoints::PLAN_ENDPOINT;
use super::fingerprint::FingerprintHasher;
use super::middleware;
use super::problem::{Problem, RETRY_AFTER_MIN, retry_after_seconds};
use crate::metrics::REQUESTS_SHED;
use crate::telemetry::REQUEST_TARGET;

/// Returns the maximum number of held rejections: three quarters of the connections, so that a quarter is left for
/// requests that can be served. A held connection is busy, so it is not evicted. Rejections beyond the maximum are
/// immediate.
const fn held_max(connections_max: usize) -> usize {
    connections_max / 4 * 3
}

/// See the [module](self).
pub(crate) struct Shedding {
    problem: Problem,
    headers: HeaderMap,
    /// The document up to the correlation id.
    before_id: Vec<u8>,
    /// The document between the correlation id and the response time.
    after_id: Vec<u8>,
    holds: Holds,
    shed: Counter,
}

impl Shedding {
    /// `connections_max` is the number of connections that the descriptors suffice for. Must be called after the
    /// recorder of metrics is installed.
    pub(super) fn new(connections_max: usize) -> Self {
        let problem = Problem::overloaded();
        let (_, path) = PLAN_ENDPOINT;
        let (headers, document) = middleware::rejection(&problem, path);
        let (before_id, after_id) = split(&document);
        Shedding {
            problem,
            headers,
            before_id: before_id.to_vec(),
            after_id: after_id.to_vec(),
            holds: Holds::new(held_max(connections_max)),
            shed: counter!(REQUESTS_SHED),
        }
    }

    /// Rejects a plan request. Holds the rejection if the connection returns too early.
    pub(super) async fn reject(&self, state: &AppState, context: &RequestContext, held: &HeldUntil) -> Response {
        self.shed.increment(1);
        let hold = self.holds.begin(held, Instant::now()).filter(|_| !state.is_draining());
        if let Some((until, _permit)) = hold {
            let held_at = Instant::now();
            tokio::time::sleep_until(until).await;
            context.trace.record(Stage::Queue, held_at, Instant::now());
        }
        let retry_after = retry_after_seconds(RETRY_AFTER_MIN);
        self.holds.note(held, Instant::now(), Duration::from_secs(retry_after));
        let took = context.arrived_at.elapsed();
        let response = self.response(context, retry_after, state.has_server_timing.then_some(took));
        self.record(state, context, took, response.body().size_hint().exact());
        response
    }

    fn record(&self, state: &AppState, context: &RequestContext, took: Duration, bytes: Option<u64>) {
        let (method, endpoint) = PLAN_ENDPOINT;
        let (status, problem) = (self.problem.status, Some(&self.problem));
        let completion = Completion { method, endpoint: Some(endpoint), status, took, bytes, problem };
        let line = completion.record(state, context);
        if line != LogLine::Unlogged || enabled!(target: REQUEST_TARGET, Level::DEBUG) {
            context.span(method, Some(endpoint)).in_scope(|| completion.log(context, line));
        }
    }

    /// `timed` is the time to add as `Server-Timing`.
    fn response(&self, context: &RequestContext, retry_after: u64, timed: Option<Duration>) -> Response {
        let id = &*context.correlation_id;
        let mut document = Vec::with_capacity(self.before_id.len() + id.len() + self.after_id.len() + 32);
        document.extend_from_slice(&self.before_id);
        // Writing text to memory cannot fail.
        let _ = serde_json::to_writer(&mut document, id);
        document.extend_from_slice(&self.after_id);
        let _ = serde_json::to_writer(&mut document, &context.elapsed_ms());
        document.push(b'}');
        let mut response = Response::new(Body::from(document));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let mut headers = self.headers.clone();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        middleware::add_request_headers(&mut headers, context, timed);
        *response.headers_mut() = headers;
        response
    }
}

/// Splits a document without correlation id and response time at their places.
fn split(document: &[u8]) -> (&[u8], &[u8]) {
    const ID: &[u8] = br#""correlation_id":"#;
    const TIME: &[u8] = br#""response_time_ms":"#;
    let end_of = |part: &[u8]| {
        let at = document.windows(part.len()).position(|bytes| bytes == part);
        at.map_or(document.len(), |at| at + part.len())
    };
    let (id, time) = (end_of(ID), end_of(TIME));
    // The empty id is a pair of quotes.
    (&document[..id], &document[(id + 2).min(time)..time])
}

/// Returns the fingerprint of a request whose body is read, but not stored.
///
/// # Errors
/// 400 if the body is incomplete, 408 after the timeout.
pub(super) async fn fingerprint(mut hasher: FingerprintHasher, body: Body) -> Result<Fingerprint, Problem> {
    let mut chunks = body.into_data_stream();
    let read = async {
        while let Some(chunk) = chunks.next().await {
            hasher.write(&chunk.map_err(|fault| Problem::unreadable_body(&fault))?);
        }
        Ok(hasher.finish())
    };
    timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|_| Err(Problem::body_timeout(BODY_TIMEOUT)))
}

/// The time of a connection before which its rejections are held.
#[derive(Debug, Default)]
pub(crate) struct HeldUntil(AtomicU64);

/// Holds rejections of connections that return too early.
struct Holds {
    /// The moment to which the times of connections are relative, in milliseconds.
    epoch: Instant,
    permits: Semaphore,
}

impl Holds {
    fn new(held_max: usize) -> Self {
        Holds { epoch: Instant::now(), permits: Semaphore::new(held_max) }
    }

    /// Returns the moment until which a rejection of the connection is held, and the permit for it. `None` if it is not
    /// held.
    fn begin(&self, held: &HeldUntil, now: Instant) -> Option<(Instant, SemaphorePermit<'_>)> {
        let until = self.epoch + Duration::from_millis(held.0.load(Ordering::Relaxed));
        if until <= now {
            return None;
        }
        self.permits.try_acquire().ok().map(|permit| (until, permit))
    }

    /// Records that the connection gets a rejection now, with this `Retry-After`.
    fn note(&self, held: &HeldUntil, now: Instant, retry_after: Duration) {
        let until = now.saturating_duration_since(self.epoch) + retry_after;
        held.0.store(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = RETRY_AFTER_MIN;

    /// Returns the time for which a rejection at `now` is held, and records that the connection gets it then.
    fn held(holds: &Holds, connection: &HeldUntil, now: Instant) -> Duration {
        let until = holds.begin(connection, now).map_or(now, |(until, _permit)| until);
        holds.note(connection, until, SECOND);
        until - now
    }

    #[test]
    fn only_a_connection_that_returns_too_early_is_held() {
        let (holds, connection, other) = (Holds::new(1), HeldUntil::default(), HeldUntil::default());
        let start = holds.epoch;

        assert_eq!(held(&holds, &connection, start), Duration::ZERO, "the first rejection");
        assert_eq!(held(&holds, &other, start + SECOND / 4), Duration::ZERO, "another connection");
        assert_eq!(held(&holds, &connection, start + SECOND / 4), SECOND * 3 / 4, "too early");
        assert_eq!(held(&holds, &connection, start + SECOND), SECOND, "at once");
        assert_eq!(held(&holds, &connection, start + SECOND * 3), Duration::ZERO, "in time");
    }

    #[test]
    fn a_rejection_is_held_for_the_whole_retry_after() {
        let (holds, connection) = (Holds::new(1), HeldUntil::default());
        holds.note(&connection, holds.epoch, 3 * SECOND);

        assert_eq!(held(&holds, &connection, holds.epoch + SECOND), 2 * SECOND);
    }

    #[test]
    fn rejections_beyond_the_maximum_are_not_held() {
        let (holds, connection, other) = (Holds::new(1), HeldUntil::default(), HeldUntil::default());
        holds.note(&connection, holds.epoch, SECOND);
        holds.note(&other, holds.epoch, SECOND);

        let first = holds.begin(&connection, holds.epoch);

        assert!(first.is_some());
        assert!(holds.begin(&other, holds.epoch).is_none());
        drop(first);
        assert!(holds.begin(&other, holds.epoch).is_some());
    }

    #[test]
    fn three_quarters_of_the_connections_can_be_held() {
        for connections_max in [64, 850, 4096] {
            let shedding = Shedding::new(connections_max);
            let connections: Vec<_> = (0..connections_max).map(|_| HeldUntil::default()).collect();
            let begin = |connection| {
                shedding.holds.note(connection, shedding.holds.epoch, SECOND);
                shedding.holds.begin(connection, shedding.holds.epoch)
            };

            let held: Vec<_> = connections.iter().map(begin).collect();

            assert_eq!(held.iter().flatten().count(), connections_max / 4 * 3);
        }
    }

    #[test]
    fn a_document_is_split_at_the_id_and_the_time() {
        let document = br#"{"code":"a","correlation_id":"","response_time_ms":0}"#;

        let (before_id, after_id) = split(document);

        assert_eq!(before_id, br#"{"code":"a","correlation_id":"#);
        assert_eq!(after_id, br#","response_time_ms":"#);
    }
}
