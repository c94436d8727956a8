//! Callers that do not wait: they hang up early, or open a connection and send nothing.

use std::time::Duration;

use anyhow::Context;
use futures_util::stream::{self, StreamExt};
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::caller::RequestBody;
use crate::service::{KEY_HEADER, Service};

/// The time until a connection is open, which takes no time on an idle machine.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// The time after which a caller hangs up even if the service has not read the body.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct AbandonedRequest<'a> {
    pub(super) path: String,
    pub(super) content: &'a RequestBody,
    /// The part of the body that is sent, from 0 to 1.
    pub(super) part: f64,
    /// The time from the end of this part to the hang-up.
    pub(super) patience: Duration,
}

/// Hangs up on all requests, at most `parallel` at a time. Returns how many heads were sent, which the service must
/// count.
pub(super) async fn hang_up_all<'a>(
    service: &Service,
    count: usize,
    parallel: usize,
    request: impl Fn(usize) -> AbandonedRequest<'a>,
) -> u64 {
    let callers = (0..count).map(|number| hang_up(service, request(number)));
    let sent = stream::iter(callers).buffer_unordered(parallel);
    sent.fold(0, async |heads, sent| heads + u64::from(sent.is_ok())).await
}

async fn hang_up(service: &Service, request: AbandonedRequest<'_>) -> anyhow::Result<()> {
    let AbandonedRequest { path, content: RequestBody { kind, body }, part, patience } = request;
    let (length, key) = (body.len(), service.key.as_deref().unwrap_or_default());
    let mut stream = connect(&service.url()?).await?;
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: localhost\r\n{KEY_HEADER}: {key}\r\nContent-Type: {kind}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.context("failed to send the head")?;
    let sent = (length as f64 * part) as usize;
    // The service may close the connection first, or not read the body.
    let _ = timeout(SEND_TIMEOUT, stream.write_all(&body.as_bytes()[..sent])).await;
    sleep(patience).await;
    Ok(())
}

/// Opens connections and leaves them idle. Every other one sends a request first and reads the response.
pub(super) async fn open_idle(service: &Service, count: usize) -> anyhow::Result<Vec<TcpStream>> {
    let (url, mut connections) = (service.url()?, Vec::with_capacity(count));
    for number in 0..count {
        let mut stream = connect(&url).await?;
        if number % 2 == 0 {
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
            let mut start = [0; 12];
            let read = timeout(OPEN_TIMEOUT, stream.read_exact(&mut start)).await;
            read.context("timeout: no response of an idle connection")??;
            anyhow::ensure!(start == *b"HTTP/1.1 200", "unexpected response: {}", String::from_utf8_lossy(&start));
        }
        connections.push(stream);
    }
    Ok(connections)
}

async fn connect(url: &Url) -> anyhow::Result<TcpStream> {
    let addresses = url.socket_addrs(|| None)?;
    let stream = timeout(OPEN_TIMEOUT, TcpStream::connect(&*addresses)).await;
    stream.context("timeout: no connection")?.context("no connection")
}
