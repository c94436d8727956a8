//! Bodies of requests that are answered before they have arrived.
//!
//! If a connection is closed with unread bytes, it is reset, and a caller that still sends may lose the response.
//! Therefore the rest of a body that nobody reads is read and discarded after the response.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use futures_util::future::poll_fn;
use http_body::{Frame, SizeHint};
use tokio::runtime::Handle;

/// Maximum number of bytes that are discarded.
const BYTES_MAX: usize = 64 << 20;
const TIMEOUT: Duration = Duration::from_secs(30);

/// A body whose rest is read when it is dropped.
pub(super) struct DrainedBody<B: HttpBody<Data = Bytes> + Send + Unpin + 'static> {
    /// `None` after its end.
    body: Option<B>,
}

impl<B: HttpBody<Data = Bytes> + Send + Unpin + 'static> DrainedBody<B> {
    pub(super) fn new(body: B) -> Self {
        DrainedBody { body: (!body.is_end_stream()).then_some(body) }
    }
}

impl<B: HttpBody<Data = Bytes> + Send + Unpin + 'static> HttpBody for DrainedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: HttpBody<Data = Bytes> + Send + Unpin + 'static> Drop for DrainedBody<B> {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(tokio::time::timeout(TIMEOUT, drain(body)));
        }
    }
}

async fn drain(mut body: impl HttpBody<Data = Bytes> + Unpin) {
    let mut length = 0;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        length += frame.data_ref().map_or(0, Bytes::len);
        if length > BYTES_MAX {
            return;
        }
    }
}
