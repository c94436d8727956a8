//! Waiting for the network in a program that does one thing after the other.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::{Client, Url};
use tokio::runtime::{self, Runtime};

use crate::interruption::Interruption;

const LOOK_EVERY: Duration = Duration::from_millis(100);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What header the registry's key travels in.
const KEY_HEADER: &str = "X-Internal-API-Key";

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
        let client =
            Client::builder().no_proxy().timeout(ANSWER_WITHIN).build().context("failed to create an HTTP client")?;
        Ok(Self { runtime: Rc::new(runtime), client, interruption })
    }

    /// Waits until it is done.
    ///
    /// # Errors
    /// Its own, and after a signal.
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

    /// Waits until it is done, also after a signal, for so long as an answer may take.
    pub(crate) fn regardless<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
    where
        anyhow::Error: From<E>,
    {
        self.runtime.block_on(async { Ok(tokio::time::timeout(ANSWER_WITHIN, work).await??) })
    }

    /// The body of a 2xx answer.
    pub(crate) fn get(&self, url: &Url, key: Option<&str>) -> anyhow::Result<String> {
        let mut request = self.client.get(url.clone());
        if let Some(key) = key {
            request = request.header(KEY_HEADER, key);
        }
        let answer = async { request.send().await?.error_for_status()?.text().await };
        self.wait(answer).with_context(|| format!("failed to get {url}"))
    }

    /// The same, and how long it took.
    pub(crate) fn time(&self, url: &Url, key: Option<&str>) -> anyhow::Result<(String, Duration)> {
        let since = Instant::now();
        let body = self.get(url, key)?;
        Ok((body, since.elapsed()))
    }
}
