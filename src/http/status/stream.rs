//! The stream of the status. One task computes the document for all streams, and ends with the last of them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde::Serialize;

use super::build::StatusFacts;
use crate::http::context::AppState;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::status_streams::{STREAMS_MAX, StatusStreams, Stream, Tick};

/// The interval between two events.
const TICK: Duration = Duration::from_secs(2);
/// Disables the buffer of a proxy.
const NO_BUFFER: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Without it, no later stream would get an event after a panic of the task.
struct PanicGuard<'a>(&'a StatusStreams);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail();
        }
    }
}

async fn tick(state: Arc<AppState>) {
    let _guard = PanicGuard(&state.status_streams);
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut number, mut seen) = (0, 0);
    loop {
        interval.tick().await;
        if state.status_streams.ends() {
            return;
        }
        let facts = StatusFacts::gather(&state).await;
        let (full, taken) = facts.document(&state);
        let update = full.with_last_points(usize::try_from(taken - seen).unwrap_or(usize::MAX));
        let tick = Tick { number, full: event(&full), update: event(&update) };
        state.status_streams.send(tick);
        (number, seen) = (number + 1, taken);
    }
}

fn event(document: &impl Serialize) -> Bytes {
    let mut event = b"event: status\ndata: ".to_vec();
    if serde_json::to_writer(&mut event, document).is_err() {
        return Bytes::new();
    }
    event.extend_from_slice(b"\n\n");
    event.into()
}

/// Returns the stream of the status.
#[utoipa::path(
    get, path = "/api/v1/internal/instrument-registry/status/stream", tag = "operations",
    operation_id = "stream_status",
    summary = "Stream the status",
    description = "Returns server-sent events. Every 2 seconds the event `status` has the document of `get_status`; after \
        the first one, its history has only the new points. The event `draining` is the last one, before the process ends. \
        At most 16 streams are open at a time.",
    responses(
        (status = 200, description = "The events.", body = String, content_type = "text/event-stream"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn stream(State(state): State<Arc<AppState>>, uri: Uri) -> Result<Response, Problem> {
    Parameters::of(&uri).check()?;
    let (stream, must_start) = state.status_streams.open().ok_or_else(|| {
        let detail = format!("{STREAMS_MAX} streams of the status are open; close one or retry later");
        Problem::unavailable("overloaded", detail, TICK)
    })?;
    if must_start {
        tokio::spawn(tick(Arc::clone(&state)));
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (NO_BUFFER, HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(unfold(stream, Stream::next))).into_response())
}
