//! The stream of the status. One task computes the document for all streams, and ends with the last of them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::build::Facts;
use crate::http::body::Fields;
use crate::http::context::AppState;
use crate::http::problem::Problem;
use crate::http::query::Parameters;

/// Maximum number of streams.
const STREAMS_MAX: usize = 16;
/// The interval between two events.
const TICK: Duration = Duration::from_secs(2);
/// Disables the buffer of a proxy.
const NO_BUFFER: HeaderName = HeaderName::from_static("x-accel-buffering");
const DRAINING: &[u8] = b"event: draining\ndata: {}\n\n";

/// The documents of one tick.
struct Tick {
    /// The number of ticks before it.
    number: u64,
    /// With all points of the history.
    full: Bytes,
    /// With the points since the last tick.
    update: Bytes,
}

/// The streams of the status, and the task that serves them.
pub(crate) struct StatusStreams {
    permits: Arc<Semaphore>,
    ticks: watch::Sender<Option<Arc<Tick>>>,
    is_draining: watch::Sender<bool>,
    /// Whether the task runs. Locked while the task decides to end, so that a new stream does not rely on it.
    is_ticking: Mutex<bool>,
}

impl Default for StatusStreams {
    fn default() -> Self {
        StatusStreams {
            permits: Arc::new(Semaphore::new(STREAMS_MAX)),
            ticks: watch::Sender::default(),
            is_draining: watch::Sender::default(),
            is_ticking: Mutex::default(),
        }
    }
}

impl StatusStreams {
    /// Ends all streams with the event `draining`.
    pub(crate) fn drain(&self) {
        self.is_draining.send_replace(true);
    }

    /// Ends the task if nobody listens.
    fn ends(&self) -> bool {
        let mut is_ticking = self.is_ticking.lock().unwrap_or_else(PoisonError::into_inner);
        *is_ticking = self.ticks.receiver_count() > 0;
        !*is_ticking
    }
}

/// Starts the task if it does not run, and returns a receiver of its ticks.
fn subscribe(state: &Arc<AppState>) -> watch::Receiver<Option<Arc<Tick>>> {
    let streams = &state.status_streams;
    let mut is_ticking = streams.is_ticking.lock().unwrap_or_else(PoisonError::into_inner);
    let ticks = streams.ticks.subscribe();
    if !*is_ticking {
        *is_ticking = true;
        // The last tick is old.
        streams.ticks.send_replace(None);
        tokio::spawn(tick(Arc::clone(state)));
    }
    ticks
}

async fn tick(state: Arc<AppState>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut number, mut seen) = (0, 0);
    loop {
        interval.tick().await;
        if state.status_streams.ends() {
            return;
        }
        let facts = Facts::gather(&state).await;
        let (full, taken) = facts.document(&state);
        let update = full.with_last_points(usize::try_from(taken - seen).unwrap_or(usize::MAX));
        let tick = Tick { number, full: event(&full), update: event(&update) };
        state.status_streams.ticks.send_replace(Some(Arc::new(tick)));
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

/// One stream.
struct Stream {
    ticks: watch::Receiver<Option<Arc<Tick>>>,
    is_draining: watch::Receiver<bool>,
    /// The number of the last tick that was sent.
    last: Option<u64>,
    has_ended: bool,
    _permit: OwnedSemaphorePermit,
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if self.has_ended {
            return None;
        }
        loop {
            let tick = self.ticks.borrow_and_update().clone();
            if let Some(tick) = tick.filter(|tick| self.last != Some(tick.number)) {
                // A slow reader has missed ticks, and with them points.
                let is_next = self.last.is_some_and(|last| last + 1 == tick.number);
                self.last = Some(tick.number);
                let event = if is_next { &tick.update } else { &tick.full };
                return Some((Ok(event.clone()), self));
            }
            tokio::select! {
                biased;
                drained = self.is_draining.wait_for(|is_draining| *is_draining) => {
                    drop(drained);
                    break;
                }
                changed = self.ticks.changed() => if changed.is_err() { break },
            }
        }
        self.has_ended = true;
        Some((Ok(Bytes::from_static(DRAINING)), self))
    }
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
    Fields::none().finish(Parameters::of(&uri).finish())?;
    let streams = &state.status_streams;
    let permit = Arc::clone(&streams.permits).try_acquire_owned().map_err(|_| {
        let detail = format!("{STREAMS_MAX} streams of the status are open; close one or retry later");
        Problem::unavailable("overloaded", detail, TICK)
    })?;
    let stream = Stream {
        ticks: subscribe(&state),
        is_draining: streams.is_draining.subscribe(),
        last: None,
        has_ended: false,
        _permit: permit,
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (NO_BUFFER, HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(unfold(stream, Stream::next))).into_response())
}
