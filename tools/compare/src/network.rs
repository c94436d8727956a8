//! Blocking network calls.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::{Client, Url};
use tokio::runtime::{self, Runtime};

use crate::interruption::Interruption;

const LOOK_EVERY: Duration = Duration::from_millis(100);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The header with the registry's API key.
pub(crate) const KEY_HEADER: &str = "X-Internal-API-Key";

#[derive(Clone)]
pub(crate) struct Network {
    runtime: Rc<Runtime>,
    client: Client,
    pub(crate) interruption: Interruption,
}

impl Network {
    pub(crate) fn new(interruption: Interruption) -> anyhow::Result<Self> {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().context("failed to start the runtime")?;
        let client = Client::builder()
            .tls_certs_only([])
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .build()
            .context("failed to create an HTTP client")?;
        Ok(Self { runtime: Rc::new(runtime), client, interruption })
    }

    /// Runs a future to its end.
    ///
    /// # Errors
    /// The future fails, or a signal arrives.
    pub(crate) fn wait<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
    where
        anyhow::Error: From<E>,
    {
        self.runtime.block_on(async {
            tokio::pin!(work);
            loop {
                match tokio::time::timeout(LOOK_EVERY, &mut work).await {
                    Ok(done) => return Ok(done?),
                    Err(_) => self.interruption.check()?,
                }
            }
        })
    }

    /// Runs a future to its end, within the timeout of a request, even after a signal.
    pub(crate) fn regardless<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
    where
        anyhow::Error: From<E>,
    {
        self.runtime.block_on(async { Ok(tokio::time::timeout(ANSWER_WITHIN, work).await??) })
    }

    /// Returns the body of a 2xx response.
    pub(crate) fn get(&self, url: &Url, key: Option<&str>) -> anyhow::Result<String> {
        let mut request = self.client.get(url.clone());
        if let Some(key) = key {
            request = request.header(KEY_HEADER, key);
        }
        let answer = async { request.send().await?.error_for_status()?.text().await };
        self.wait(answer).with_context(|| format!("failed to get {url}"))
    }

    /// Returns the body of a 2xx response and the time until it was complete.
    pub(crate) fn time(&self, url: &Url, key: Option<&str>) -> anyhow::Result<(String, Duration)> {
        let since = Instant::now();
        let body = self.get(url, key)?;
        Ok((body, since.elapsed()))
    }
}
