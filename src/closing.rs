//! Delivers the end of a connection one poll later.
//!
//! A busy service often reads a request and the end of its connection together. hyper would drop the request before any
//! code of the service has seen it, so that callers who hang up would be in no metric and no log. With the end one poll
//! later, hyper calls the service first, and drops the future of the response after that.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection whose end is delivered one poll later.
pub(crate) struct LateEnd<I> {
    stream: I,
    has_ended: bool,
}

impl<I> LateEnd<I> {
    pub(crate) const fn new(stream: I) -> Self {
        LateEnd { stream, has_ended: false }
    }

    pub(crate) const fn get_ref(&self) -> &I {
        &self.stream
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for LateEnd<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        let is_end = result.is_err() || (buffer.filled().len() == length && buffer.remaining() > 0);
        if is_end && !self.has_ended {
            // After an error, the next read returns the end.
            self.has_ended = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(result)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for LateEnd<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn the_end_is_delivered_after_one_pending_poll() {
        let mut stream = LateEnd::new(&b"ab"[..]);
        let mut bytes = [0; 8];
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut poll = |stream: &mut LateEnd<&[u8]>| {
            let mut buffer = ReadBuf::new(&mut bytes);
            Pin::new(stream).poll_read(&mut context, &mut buffer).map(|result| {
                result.unwrap();
                buffer.filled().len()
            })
        };

        assert_eq!(poll(&mut stream), Poll::Ready(2));
        assert_eq!(poll(&mut stream), Poll::Pending);
        assert_eq!(poll(&mut stream), Poll::Ready(0));
    }

    #[tokio::test]
    async fn the_waiting_task_is_woken_for_the_end() {
        let mut stream = LateEnd::new(&b"ab"[..]);
        let mut text = String::new();

        stream.read_to_string(&mut text).await.unwrap();

        assert_eq!(text, "ab");
    }
}
