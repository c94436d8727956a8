//! Fetches a broker's file from a URL.
//!
//! Redirects are followed by hand: each must lead to an origin of the list, or the list would be none.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, LOCATION};
use reqwest::{Client, Response, StatusCode, Url, redirect};

use super::source::{Origin, fetchable, shown};
use super::spool::{Spool, SpoolWriter};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the other side may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long all of it may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(600);
/// Redirects that are followed.
const REDIRECTS_MAX: usize = 5;

/// Fetches what stands at `url` into `spool`. `on_progress` is told how many bytes have come, and of how many where that
/// is said.
///
/// # Cancel safety
/// May be dropped at any time.
///
/// # Errors
/// What went wrong, in words; without the URL's query.
pub(super) async fn fetch(
    url: &Url,
    origins: &[Origin],
    spool: SpoolWriter,
    on_progress: &(dyn Fn(u64, Option<u64>) + Sync),
) -> Result<Spool, String> {
    let client = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(SILENCE_MAX)
        .timeout(FETCH_TIMEOUT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("instrument-registry/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|fault| format!("failed to create an HTTP client: {}", told(&fault)))?;
    let response = follow(&client, url, origins).await?;
    take(response, spool, on_progress).await.map_err(|why| format!("{}: {why}", shown(url)))
}

async fn follow(client: &Client, first: &Url, origins: &[Origin]) -> Result<Response, String> {
    let mut url = first.clone();
    for _ in 0..=REDIRECTS_MAX {
        // What comes gzipped is kept so: the readers know it by its first bytes.
        let asked = client.get(url.clone()).header(ACCEPT_ENCODING, "gzip").send().await;
        let response = asked.map_err(|fault| format!("{}: {}", shown(&url), told(&fault)))?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        if !status.is_redirection() {
            return Err(format!("{}: expected status 200, got {status}", shown(&url)));
        }
        let location = response.headers().get(LOCATION);
        let location = location.ok_or_else(|| format!("{}: rejected redirect: no Location header", shown(&url)))?;
        let next = location.to_str().ok().and_then(|location| {
            let mut next = url.join(location).ok()?;
            next.set_fragment(None);
            fetchable(next.as_str())
        });
        let next = next.ok_or_else(|| format!("{}: rejected redirect: expected an http(s) URL", shown(&url)))?;
        if !origins.contains(&Origin::of(&next)) {
            return Err(format!(
                "{}: rejected redirect to {}: not listed in INSTRUMENT_REGISTRY_INGEST_ORIGINS",
                shown(&url),
                next.origin().ascii_serialization()
            ));
        }
        url = next;
    }
    Err(format!("{}: too many redirects: expected at most {REDIRECTS_MAX}", shown(first)))
}

async fn take(
    mut response: Response,
    mut spool: SpoolWriter,
    on_progress: &(dyn Fn(u64, Option<u64>) + Sync),
) -> Result<Spool, String> {
    let length = response.content_length();
    if let Some(length) = length {
        spool.check(length).map_err(|fault| fault.to_string())?;
    }
    // The length may be a lie, or not be said.
    while let Some(chunk) = response.chunk().await.map_err(|fault| told(&fault))? {
        spool.write(&chunk).await.map_err(|fault| fault.to_string())?;
        on_progress(spool.length(), length);
    }
    spool.finish().await.map_err(|fault| fault.to_string())
}

/// In words of our own, and the innermost cause: reqwest's own message shows the whole URL.
fn told(fault: &reqwest::Error) -> String {
    let what = if fault.is_timeout() {
        "timeout"
    } else if fault.is_connect() {
        "connection failed"
    } else {
        "connection lost"
    };
    let causes = std::iter::successors(std::error::Error::source(fault), |cause| cause.source());
    match causes.last() {
        Some(cause) => format!("{what}: {cause}"),
        None => what.to_owned(),
    }
}
