//! Callers that do not wait: they hang up early, or open a connection and send nothing.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use futures_util::stream::{self, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::caller::Content;
use crate::service::{KEY_HEADER, Service};

/// The time until a connection is open, which takes no time on an idle machine.
const OPENED_WITHIN: Duration = Duration::from_secs(60);

/// The time after which a caller hangs up even if the service has not read the body.
const SENT_WITHIN: Duration = Duration::from_secs(10);

/// The address and key of the service.
pub(super) struct Destination {
    address: SocketAddr,
    key: String,
}

/// A request whose caller hangs up.
pub(super) struct Abandoned<'a> {
    pub(super) path: String,
    pub(super) content: &'a Content,
    /// The part of the body that is sent, from 0 to 1.
    pub(super) part: f64,
    /// The time from the end of this part to the hang-up.
    pub(super) patience: Duration,
}

impl Destination {
    pub(super) fn of(service: &Service) -> anyhow::Result<Self> {
        let addresses = service.url()?.socket_addrs(|| None)?;
        let address = *addresses.first().context("the service has no address")?;
        Ok(Self { address, key: service.key.as_deref().context("the service has no API key")?.to_owned() })
    }

    async fn connect(&self) -> anyhow::Result<TcpStream> {
        let stream = timeout(OPENED_WITHIN, TcpStream::connect(self.address)).await;
        stream.context("timeout: no connection")?.context("no connection")
    }

    /// Sends a request and hangs up. Fails if its head was not sent: otherwise the service must count it.
    async fn hang_up(&self, request: Abandoned<'_>) -> anyhow::Result<()> {
        let Abandoned { path, content: Content { kind, body }, part, patience } = request;
        let mut stream = self.connect().await?;
        let (address, key, length) = (self.address, &self.key, body.len());
        let head = format!(
            "POST /{path} HTTP/1.1\r\nHost: {address}\r\n{KEY_HEADER}: {key}\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.context("failed to send the head")?;
        // At most the length.
        let sent = (length as f64 * part) as usize;
        // The service may close the connection first, or not read the body.
        let _ = timeout(SENT_WITHIN, stream.write_all(&body.as_bytes()[..sent])).await;
        sleep(patience).await;
        Ok(())
    }

    /// Hangs up on all requests, at most `parallel` at a time. Returns how many heads were sent.
    pub(super) async fn hang_up_all<'a>(
        &self,
        count: usize,
        parallel: usize,
        request: impl Fn(usize) -> Abandoned<'a>,
    ) -> u64 {
        let callers = (0..count).map(|number| self.hang_up(request(number)));
        let sent = stream::iter(callers).buffer_unordered(parallel);
        sent.fold(0, async |heads, sent| heads + u64::from(sent.is_ok())).await
    }

    /// Opens connections and leaves them idle. Every other one sends a request first and reads the response.
    pub(super) async fn open_idle(&self, count: usize) -> anyhow::Result<Vec<TcpStream>> {
        let mut connections = Vec::with_capacity(count);
        for number in 0..count {
            let mut stream = self.connect().await?;
            if number % 2 == 0 {
                stream.write_all(format!("GET /health HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).as_bytes()).await?;
                let mut start = [0; 12];
                let read = timeout(OPENED_WITHIN, stream.read_exact(&mut start)).await;
                read.context("timeout: no response of an idle connection")??;
                anyhow::ensure!(start == *b"HTTP/1.1 200", "unexpected response: {}", String::from_utf8_lossy(&start));
            }
            connections.push(stream);
        }
        Ok(connections)
    }
}
