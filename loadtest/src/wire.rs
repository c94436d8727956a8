//! HTTP/1.1 over one TCP connection, with minimal work between the load and the socket.
//!
//! A generator that is slower than the registry measures itself. Therefore a request is one write of bytes that are
//! already rendered, and a response is read into one buffer that is reused. That takes 8 µs of processor time for each
//! request and response of 6,000 bytes. The client of hyper takes 11 µs, more than the 10 µs of an axum handler that
//! returns a constant, with which cached plans are compared.

mod head;

use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use self::head::{Head, join_chunks};
use crate::fault::Fault;

/// Maximum size of a response: several times a plan of 5000 instruments. The response contains each instrument
/// twice, and with a reason.
pub(crate) const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The initial size of the buffer. Most responses fit; otherwise the buffer grows.
const BUFFER_BYTES: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// Seconds of `Retry-After`, if it is present and a number.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: &'a [u8],
}

/// A connection, which is opened when it is first needed and reopened after the registry has closed it.
///
/// Only one request is in flight at a time. Nothing is retried and no redirect is followed, so that each call is one
/// request to the checked addresses.
#[derive(Debug)]
pub(crate) struct Connection {
    addresses: Arc<[SocketAddr]>,
    timeout: Duration,
    /// Reset for each request, which costs less than a new timer.
    deadline: Pin<Box<Sleep>>,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Creates a connection without opening it. `timeout` applies to each request, including the opening.
    pub(crate) fn new(addresses: Arc<[SocketAddr]>, timeout: Duration) -> Self {
        let deadline = Box::pin(tokio::time::sleep(timeout));
        Self { addresses, timeout, deadline, stream: None, buffer: Vec::with_capacity(BUFFER_BYTES) }
    }

    /// Opens the connection unless it is open.
    pub(crate) async fn open(&mut self) -> Result<(), Fault> {
        match tokio::time::timeout(self.timeout, opened(&mut self.stream, &self.addresses)).await {
            Ok(outcome) => outcome.map(|_| ()),
            Err(_) => Err(timed_out(self.timeout)),
        }
    }

    /// Sends `request`, a whole head and body, and reads the response.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, Fault> {
        let Self { addresses, timeout, deadline, stream, buffer } = self;
        deadline.as_mut().reset((Instant::now() + *timeout).into());
        let outcome = tokio::select! {
            biased;
            outcome = converse(stream, addresses, buffer, request) => outcome,
            () = deadline.as_mut() => Err(timed_out(*timeout)),
        };
        if !outcome.as_ref().is_ok_and(|(head, _)| head.is_kept) {
            *stream = None;
        }
        let (Head { status, retry_after, .. }, body) = outcome?;
        Ok(Answer { status, retry_after, body: &buffer[body] })
    }
}

/// Returns the open connection. If the registry has closed it since the last response, as it may, opens a new one.
async fn opened<'a>(stream: &'a mut Option<TcpStream>, addresses: &[SocketAddr]) -> Result<&'a mut TcpStream, Fault> {
    if stream.as_ref().is_some_and(is_closed) {
        *stream = None;
    }
    let open = match stream.take() {
        Some(open) => open,
        None => {
            let open = TcpStream::connect(addresses).await.map_err(Fault::transport)?;
            open.set_nodelay(true).map_err(Fault::transport)?;
            open
        }
    };
    Ok(stream.insert(open))
}

/// Whether the connection cannot be used any more. No data may arrive between two requests, so every result except
/// `WouldBlock` means that.
fn is_closed(stream: &TcpStream) -> bool {
    !matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Sends a request, and returns the head of the response and the position of its body in the buffer.
async fn converse(
    stream: &mut Option<TcpStream>,
    addresses: &[SocketAddr],
    buffer: &mut Vec<u8>,
    request: &[u8],
) -> Result<(Head, Range<usize>), Fault> {
    let stream = opened(stream, addresses).await?;
    stream.write_all(request).await.map_err(Fault::transport)?;
    buffer.clear();
    let head = loop {
        more(stream, buffer).await?;
        if let Some(head) = Head::parse(buffer)? {
            break head;
        }
    };
    let start = head.bytes;
    let Some(length) = head.length else {
        let (mut end, mut next) = (start, start);
        while !join_chunks(buffer, &mut end, &mut next)? {
            more(stream, buffer).await?;
        }
        return Ok((head, start..end));
    };
    if length > ANSWER_BYTES_MAX {
        return Err(oversized());
    }
    let end = start + length;
    buffer.reserve(end.saturating_sub(buffer.len()));
    while buffer.len() < end {
        more(stream, buffer).await?;
    }
    if buffer.len() > end {
        return Err(Fault::transport("extra bytes after the end of the response"));
    }
    Ok((head, start..end))
}

/// Reads the available data, at least one byte.
async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), Fault> {
    if buffer.len() > ANSWER_BYTES_MAX + head::BYTES_MAX {
        return Err(oversized());
    }
    if buffer.len() == buffer.capacity() {
        buffer.reserve(buffer.capacity().max(BUFFER_BYTES));
    }
    if stream.read_buf(buffer).await.map_err(Fault::transport)? == 0 {
        let read = buffer.len();
        return Err(Fault::transport(format_args!("connection closed after {read} bytes of the response")));
    }
    Ok(())
}

fn oversized() -> Fault {
    Fault::new("oversized", format!("response too long: expected at most {ANSWER_BYTES_MAX} bytes"))
}

fn timed_out(timeout: Duration) -> Fault {
    Fault::new("timeout", format!("timeout: no complete response within {}s", timeout.as_secs_f64()))
}

#[cfg(test)]
mod tests;
