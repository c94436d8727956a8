//! A limit of open connections: a connection beyond it is closed at once.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Accepts connections while permits are free.
#[derive(Clone)]
pub(crate) struct BoundedAcceptor {
    permits: Arc<Semaphore>,
}

impl BoundedAcceptor {
    pub(crate) fn new(connections_max: usize) -> Self {
        BoundedAcceptor { permits: Arc::new(Semaphore::new(connections_max)) }
    }
}

impl<I, S> Accept<I, S> for BoundedAcceptor {
    type Stream = Bounded<I>;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Bounded<I>, S)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        std::future::ready(match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => Ok((Bounded { stream, _permit: permit }, service)),
            Err(_) => {
                counter!(crate::metrics::CONNECTIONS_REFUSED).increment(1);
                Err(io::Error::new(io::ErrorKind::ConnectionRefused, "too many open connections"))
            }
        })
    }
}

/// A connection that releases its permit when it ends.
pub(crate) struct Bounded<I> {
    stream: I,
    _permit: OwnedSemaphorePermit,
}

impl<I: AsyncRead + Unpin> AsyncRead for Bounded<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Bounded<I> {
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
    use super::*;

    #[test]
    fn a_closed_connection_releases_its_permit() {
        let acceptor = BoundedAcceptor::new(1);
        let accept = || Accept::<_, _>::accept(&acceptor, tokio::io::empty(), ()).into_inner();

        let first = accept();
        let second = accept();
        assert!(first.is_ok());
        assert!(second.is_err());
        drop(first);
        assert!(accept().is_ok());
    }
}
