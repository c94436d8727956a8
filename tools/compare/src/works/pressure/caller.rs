//! Callers that wait for their responses.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use crate::service::Service;

/// The timeout of a response: the work asserts completion, not speed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// The time during which a request is repeated, and the pause after a timeout.
const REPEATED_FOR: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_secs(1);

/// The pause of a slow reader for each byte: it reads 4 MB per second.
const SLOW: Duration = Duration::from_nanos(250);

/// Sends requests with the key. It repeats a request that the service rejects with 503 and `Retry-After`, as the API
/// expects from its callers, and a read that the service ended with 504.
#[derive(Clone)]
pub(super) struct Caller {
    client: Client,
    root: Url,
    pause_per_byte: Duration,
    /// The number of requests that were repeated so far.
    pub(super) repeated: Rc<Cell<u64>>,
}

/// A response whose body was read completely.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    pub(super) next_cursor: Option<String>,
    /// The number of requests until the response.
    pub(super) requests: u64,
}

impl Answer {
    pub(super) fn parse<'a, T: Deserialize<'a>>(&'a self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.body).context("failed to parse the response")
    }
}

/// The body of a request, with its content type.
pub(super) struct RequestBody {
    pub(super) kind: &'static str,
    pub(super) body: String,
}

impl RequestBody {
    pub(super) fn json(value: &Value) -> Self {
        Self { kind: "application/json", body: value.to_string() }
    }
}

impl Caller {
    pub(super) fn new(service: &Service) -> anyhow::Result<Self> {
        let (client, root) = (service.new_client(ANSWER_TIMEOUT)?, service.url()?);
        Ok(Self { client, root, pause_per_byte: Duration::ZERO, repeated: Rc::default() })
    }

    /// Returns a caller that reads every response slowly.
    pub(super) fn slow(&self) -> Self {
        Self { pause_per_byte: SLOW, ..self.clone() }
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, content: &RequestBody) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, Some(content)).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        content: Option<&RequestBody>,
    ) -> anyhow::Result<Answer> {
        let mut body = Vec::new();
        let take = |bytes: &[u8]| {
            body.extend_from_slice(bytes);
            Ok(())
        };
        let answer = self.stream(method, path, content, take).await?;
        Ok(Answer { body, ..answer })
    }

    /// Sends a request, and hands each part of the body of the response to `take`. The response must have status 200
    /// and be complete.
    pub(super) async fn stream(
        &self,
        method: Method,
        path: &str,
        content: Option<&RequestBody>,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Answer> {
        let name = || format!("{method} {path}");
        let (url, since, mut requests) = (self.root.join(path)?, Instant::now(), 0);
        let mut response = loop {
            requests += 1;
            let mut request = self.client.request(method.clone(), url.clone());
            if let Some(RequestBody { kind, body }) = content {
                request = request.header(CONTENT_TYPE, *kind).body(body.clone());
            }
            let response = request.send().await.with_context(name)?;
            let pause = match response.status() {
                StatusCode::GATEWAY_TIMEOUT if content.is_none() => Some(PAUSE),
                StatusCode::SERVICE_UNAVAILABLE => header(&response, RETRY_AFTER.as_str())
                    .and_then(|seconds| seconds.parse().ok().map(Duration::from_secs)),
                _ => None,
            };
            let Some(pause) = pause.filter(|_| since.elapsed() < REPEATED_FOR) else { break response };
            self.repeated.set(self.repeated.get() + 1);
            tokio::time::sleep(pause).await;
        };
        let status = response.status();
        if status != StatusCode::OK {
            let start: String = response.text().await.unwrap_or_default().chars().take(300).collect();
            anyhow::bail!("{}: expected 200, got {status}: {start}", name());
        }
        let next_cursor = header(&response, "x-next-cursor");
        while let Some(bytes) = response.chunk().await.with_context(|| format!("{}: incomplete response", name()))? {
            take(&bytes)?;
            tokio::time::sleep(self.pause_per_byte.mul_f64(bytes.len() as f64)).await;
        }
        Ok(Answer { body: Vec::new(), next_cursor, requests })
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(ToOwned::to_owned)
}
