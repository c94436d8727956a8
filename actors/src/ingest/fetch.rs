//! Fetches a broker's file from a URL.
//!
//! Redirects are followed one by one: each must lead to an allowed origin, or the list of origins would have no effect.

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, LOCATION};
use reqwest::{Client, Response, StatusCode, Url, redirect};

use super::source::{Origin, fetchable, shown};
use super::spool::{Spool, SpoolWriter};
use crate::tls::{Tls, http_fault, unfinished_handshake};
use crate::trace::with_trace;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time without data from the server.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const FETCH_TIMEOUT: Duration = Duration::from_secs(600);
const REDIRECTS_MAX: usize = 5;

/// Fetches a URL into `spool`. The certificate of an `https://` server must have an issuer that `tls` trusts.
/// `on_progress` gets the number of bytes that have arrived, and the total if the server reports it.
///
/// # Cancel safety
/// May be dropped at any time.
///
/// # Errors
/// A description of the failure, without the query of the URL.
pub(super) async fn fetch(
    url: &Url,
    origins: &[Origin],
    tls: &Tls,
    spool: SpoolWriter,
    on_progress: &(dyn Fn(u64, Option<u64>) + Sync),
) -> Result<Spool, String> {
    let client = Client::builder()
        .tls_backend_preconfigured(tls.http_client())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(FETCH_TIMEOUT)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("instrument-registry/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|fault| format!("failed to create an HTTP client: {}", describe(&fault)))?;
    let response = follow(&client, url, origins).await?;
    download(response, spool, on_progress).await.map_err(|why| format!("{}: {why}", shown(url)))
}

async fn follow(client: &Client, first: &Url, origins: &[Origin]) -> Result<Response, String> {
    let mut url = first.clone();
    for _ in 0..=REDIRECTS_MAX {
        // A gzipped response is stored as it is: the readers detect gzip by the first bytes.
        let request = client.get(url.clone()).header(ACCEPT_ENCODING, "gzip");
        let sent = with_trace(request).send().await;
        let response = sent.map_err(|fault| format!("{}: {}", shown(&url), describe(&fault)))?;
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

async fn download(
    mut response: Response,
    mut spool: SpoolWriter,
    on_progress: &(dyn Fn(u64, Option<u64>) + Sync),
) -> Result<Spool, String> {
    let length = response.content_length();
    if let Some(length) = length {
        spool.check(length).map_err(|fault| fault.to_string())?;
    }
    // The reported length may be wrong or absent.
    while let Some(chunk) = response.chunk().await.map_err(|fault| describe(&fault))? {
        spool.write(&chunk).await.map_err(|fault| fault.to_string())?;
        on_progress(spool.length(), length);
    }
    spool.finish().await.map_err(|fault| fault.to_string())
}

/// Describes a failure by its kind and innermost cause, because reqwest's own message contains the whole URL.
fn describe(fault: &reqwest::Error) -> String {
    let what = if fault.is_timeout() {
        "timeout"
    } else if fault.is_connect() {
        "connection failed"
    } else {
        "connection lost"
    };
    if let Some(fault) = http_fault(fault).or_else(|| unfinished_handshake(fault)) {
        return format!("{what}: {fault}");
    }
    let causes = std::iter::successors(std::error::Error::source(fault), |cause| cause.source());
    match causes.last() {
        Some(cause) => format!("{what}: {cause}"),
        None => what.to_owned(),
    }
}
