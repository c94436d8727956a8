//! The open streams of the status, and the events that they share.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub(super) const STREAMS_MAX: usize = 16;
const DRAINING: &[u8] = b"event: draining\ndata: {}\n\n";

/// The documents of one tick.
pub(super) struct Tick {
    /// The number of earlier ticks.
    pub(super) number: u64,
    /// The document with all points of the history.
    pub(super) full: Bytes,
    /// The document with the points since the last tick.
    pub(super) update: Bytes,
}

/// The streams of the status, and the task that serves them.
pub(crate) struct StatusStreams {
    permits: Arc<Semaphore>,
    ticks: watch::Sender<Option<Arc<Tick>>>,
    is_draining: watch::Sender<bool>,
    /// Whether the task runs. The task holds the lock while it decides to end, so that a new stream does not rely on
    /// it.
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
    pub(super) fn ends(&self) -> bool {
        let mut is_ticking = self.is_ticking.lock().unwrap_or_else(PoisonError::into_inner);
        *is_ticking = self.ticks.receiver_count() > 0;
        !*is_ticking
    }

    /// Lets the next stream start a new task, because this one has panicked.
    pub(super) fn fail(&self) {
        *self.is_ticking.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    pub(super) fn send(&self, tick: Tick) {
        self.ticks.send_replace(Some(Arc::new(tick)));
    }

    /// Opens a stream, and returns whether the caller must start the task. `None` if too many streams are open.
    pub(super) fn open(&self) -> Option<(Stream, bool)> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let mut is_ticking = self.is_ticking.lock().unwrap_or_else(PoisonError::into_inner);
        let must_start = !std::mem::replace(&mut *is_ticking, true);
        if must_start {
            // The last tick is old.
            self.ticks.send_replace(None);
        }
        let stream = Stream {
            ticks: self.ticks.subscribe(),
            is_draining: self.is_draining.subscribe(),
            last: None,
            has_ended: false,
            _permit: permit,
        };
        Some((stream, must_start))
    }
}

pub(super) struct Stream {
    ticks: watch::Receiver<Option<Arc<Tick>>>,
    is_draining: watch::Receiver<bool>,
    /// The number of the last tick that was sent.
    last: Option<u64>,
    has_ended: bool,
    _permit: OwnedSemaphorePermit,
}

impl Stream {
    /// Returns the next event, and the rest of the stream.
    pub(super) async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
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
