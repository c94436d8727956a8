//! HTTP/1.1 to the registry, over connections that are kept open.

use std::error::Error;
use std::time::Duration;

use anyhow::Context;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, redirect, retry};

use crate::args::Settings;
use crate::fault::Fault;
use crate::ledger::PlanId;

const BASE: &str = "/api/v1/internal/instrument-registry";
const KEY_HEADER: &str = "X-Internal-API-Key";

/// A plan of 5000 instruments, all of them twice in the answer and with a reason each, fits several times.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A refused loopback port answers at once; what takes longer than this will not come.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Seconds of `Retry-After`, where it is given and a number.
    pub(crate) retry_after: Option<u64>,
    /// The whole body.
    pub(crate) body: Vec<u8>,
}

/// One connection, opened when it is first needed and again when the registry closes it.
///
/// Only one request is under way at a time. Nothing is retried and no redirect is followed, so that each
/// call is one request to the address that was checked.
#[derive(Debug)]
pub(crate) struct Connection {
    http: reqwest::Client,
    base: String,
    timeout: Duration,
}

impl Connection {
    /// Prepares a connection without opening it.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be built.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(KEY_HEADER, settings.key.clone());
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .resolve_to_addrs(&settings.target.host, &settings.target.addresses)
            .pool_max_idle_per_host(1)
            .connect_timeout(CONNECT_TIMEOUT.min(settings.bounds.timeout))
            .build()
            .context("build an HTTP client")?;
        Ok(Self { http, base: format!("{}{BASE}", settings.target.base), timeout: settings.bounds.timeout })
    }

    /// Asks for a plan. `user_id` must not need escaping in a query.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when no complete answer came; any status is an answer.
    pub(crate) async fn create_plan(&mut self, user_id: &str, body: Vec<u8>) -> Result<Answer, Fault> {
        let request = self
            .http
            .post(format!("{}/subscriptions/plan?user_id={user_id}", self.base))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        self.send(request).await
    }

    /// Reads a plan back.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when no complete answer came; any status is an answer.
    pub(crate) async fn read_plan(&mut self, plan_id: PlanId) -> Result<Answer, Fault> {
        let request = self.http.get(format!("{}/subscriptions/plans/{plan_id}", self.base));
        self.send(request).await
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Answer, Fault> {
        match tokio::time::timeout(self.timeout, receive(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::Timeout(self.timeout)),
        }
    }
}

async fn receive(request: RequestBuilder) -> Result<Answer, Fault> {
    let mut response = request.send().await.map_err(transport)?;
    let status = response.status().as_u16();
    let retry_after =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Fault::Oversized { max: ANSWER_BYTES_MAX });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, retry_after, body })
}

/// The fault with the whole chain of causes: the outermost says only that sending failed.
fn transport(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    Fault::Transport(text)
}
