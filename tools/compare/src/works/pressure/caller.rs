//! Callers that wait for their responses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use crate::network::KEY_HEADER;
use crate::service::Service;

/// The timeout of a response: the work asserts completion, not speed.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);

/// The time during which a request is repeated, and the pause after a timeout.
const REPEATED_FOR: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_secs(1);

/// The pause of a slow reader for each 64 KiB: it reads 4 MB per second.
const PAUSE_FOR_BYTES: (Duration, usize) = (Duration::from_millis(16), 64 << 10);

/// Sends requests with the key. It repeats a request that the service rejects with 503 and `Retry-After`, as the API
/// expects from its callers, and a read that the service ended with 504.
#[derive(Clone)]
pub(super) struct Caller {
    client: Client,
    root: Url,
    key: String,
    is_slow: bool,
    repeated: Arc<AtomicU64>,
}

/// A response whose body was read completely.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    /// The header `X-Next-Cursor`.
    pub(super) next_cursor: Option<String>,
    /// The number of requests until the response.
    pub(super) requests: u64,
}

/// The body of a request, with its content type.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) kind: &'static str,
    pub(super) body: Arc<Vec<u8>>,
}

impl Content {
    pub(super) fn new(kind: &'static str, text: String) -> Self {
        Self { kind, body: Arc::new(text.into_bytes()) }
    }

    pub(super) fn json(value: &Value) -> Self {
        Self::new("application/json", value.to_string())
    }
}

impl Caller {
    pub(super) fn new(service: &Service) -> anyhow::Result<Self> {
        let client = Client::builder().tls_certs_only([]).no_proxy().timeout(ANSWER_WITHIN).build()?;
        let key = service.key().context("the service has no API key")?.to_owned();
        Ok(Self { client, root: service.url()?, key, is_slow: false, repeated: Arc::default() })
    }

    /// Returns a caller that reads every response slowly.
    pub(super) fn slow(&self) -> Self {
        Self { is_slow: true, ..self.clone() }
    }

    /// Returns a caller that opens a connection for each request.
    pub(super) fn without_connections(&self) -> anyhow::Result<Self> {
        let client =
            Client::builder().tls_certs_only([]).no_proxy().timeout(ANSWER_WITHIN).pool_max_idle_per_host(0).build()?;
        Ok(Self { client, ..self.clone() })
    }

    /// Returns how many requests were repeated so far.
    pub(super) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// The response is not 200, or is not complete.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        let mut body = Vec::new();
        let answer = self
            .stream(path, |bytes| {
                body.extend_from_slice(bytes);
                Ok(())
            })
            .await?;
        Ok(Answer { body, ..answer })
    }

    /// Reads a resource, and hands each part of the body to `take`.
    ///
    /// # Errors
    /// The response is not 200, or is not complete, or `take` fails.
    pub(super) async fn stream(
        &self,
        path: &str,
        take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Answer> {
        let url = self.root.join(path)?;
        self.send(|| self.client.get(url.clone()), true, take).await.with_context(|| format!("GET {path}"))
    }

    /// Sends a body and returns the response.
    ///
    /// # Errors
    /// The response is not 200, or is not complete.
    pub(super) async fn post(&self, path: &str, content: &Content) -> anyhow::Result<Answer> {
        self.send_content(path, content, |url| self.client.post(url)).await
    }

    /// Changes a resource.
    ///
    /// # Errors
    /// The response is not 200, or is not complete.
    pub(super) async fn put(&self, path: &str, content: &Content) -> anyhow::Result<Answer> {
        self.send_content(path, content, |url| self.client.put(url)).await
    }

    async fn send_content(
        &self,
        path: &str,
        content: &Content,
        request: impl Fn(Url) -> RequestBuilder,
    ) -> anyhow::Result<Answer> {
        let url = self.root.join(path)?;
        let request = || request(url.clone()).header("Content-Type", content.kind).body(content.body.to_vec());
        let mut body = Vec::new();
        let take = |bytes: &[u8]| {
            body.extend_from_slice(bytes);
            Ok(())
        };
        let answer = self.send(request, false, take).await.with_context(|| format!("send to {path}"))?;
        Ok(Answer { body, ..answer })
    }

    async fn send(
        &self,
        request: impl Fn() -> RequestBuilder,
        is_read: bool,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Answer> {
        let (since, mut requests) = (Instant::now(), 0);
        let mut response = loop {
            requests += 1;
            let response = request().header(KEY_HEADER, &self.key).send().await?;
            let is_timeout = is_read && response.status() == StatusCode::GATEWAY_TIMEOUT;
            let pause = if is_timeout { Some(PAUSE) } else { retry_after(&response) };
            let Some(pause) = pause.filter(|_| since.elapsed() < REPEATED_FOR) else { break response };
            self.repeated.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(pause).await;
        };
        if response.status() != StatusCode::OK {
            let status = response.status();
            let text = response.text().await.unwrap_or_default();
            let start: String = text.chars().take(300).collect();
            anyhow::bail!("expected 200, got {status}: {start}");
        }
        let next_cursor = response.headers().get("x-next-cursor").and_then(|value| value.to_str().ok());
        let next_cursor = next_cursor.map(ToOwned::to_owned);
        while let Some(bytes) = response.chunk().await.context("incomplete response")? {
            take(&bytes)?;
            if self.is_slow {
                let (pause, of_bytes) = PAUSE_FOR_BYTES;
                tokio::time::sleep(pause.mul_f64(bytes.len() as f64 / of_bytes as f64)).await;
            }
        }
        Ok(Answer { body: Vec::new(), next_cursor, requests })
    }
}

/// Returns the pause that a rejection requests.
fn retry_after(response: &Response) -> Option<Duration> {
    if response.status() != StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
