//! Requests to a running service.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use chrono::{DateTime, Utc};
use registry_actors::tls::{http_fault, plain_http_client, unfinished_handshake};
use reqwest::header::{CONTENT_TYPE, DATE};
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use serde_json::Value;

use crate::app::kept_api_key;
use crate::http::BASE;
use crate::settings::ProcessSettings;

/// The time after which a request without a file has failed.
const TIMEOUT: Duration = Duration::from_secs(60);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Remote {
    url: Url,
    api_key: String,
    client: Client,
    /// The remedy if the service does not respond.
    hint: &'static str,
}

impl Remote {
    /// Returns the service at an address such as `http://127.0.0.1:8901`, or with `https://` at a proxy that offers
    /// TLS. The key is that of the settings, or the one that a service with the same data folder has generated.
    pub(super) fn new(url: &Url, settings: &ProcessSettings) -> anyhow::Result<Self> {
        let api_key = match &settings.api_key {
            Some(key) => key.expose().to_owned(),
            None => kept_api_key(&settings.data_dir)
                .context("set INTERNAL_API_KEY, or DATA_DIR to the data folder of the service")?,
        };
        let client = client(url, settings, TIMEOUT)?;
        Ok(Remote { url: url.clone(), api_key, client, hint: "" })
    }

    /// Returns the service that the environment would start, which may run on this machine.
    pub(super) fn local(settings: &ProcessSettings) -> anyhow::Result<Self> {
        let url = local_url(settings.listen);
        let hint = "; start the service, or name a running one with --server URL or INSTRUMENT_REGISTRY_URL";
        let service = Remote::new(&url, settings).with_context(|| format!("cannot ask {url}{hint}"))?;
        Ok(Remote { hint, ..service })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the response to a request with this path below the internal API and this query.
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Value> {
        self.answer(self.client.get(self.path(path, query)?)).await
    }

    pub(super) async fn post(&self, path: &[&str], query: &[(&str, String)], body: &Value) -> anyhow::Result<Value> {
        self.answer(self.client.post(self.path(path, query)?).json(body)).await
    }

    pub(super) async fn delete(&self, path: &[&str]) -> anyhow::Result<Value> {
        self.answer(self.client.delete(self.path(path, &[])?)).await
    }

    /// Returns the response to a request with this file. Its duration depends on the connection, so it has no limit.
    pub(super) async fn upload(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        content_type: &str,
        content: Vec<u8>,
    ) -> anyhow::Result<Value> {
        let request = self.client.post(self.path(path, query)?).header(CONTENT_TYPE, content_type);
        self.answer(request.body(content).timeout(Duration::MAX)).await
    }

    /// Returns the response of a path outside the internal API, whatever its status.
    pub(super) async fn probe(&self, path: &str) -> anyhow::Result<Probe> {
        let mut url = self.url.clone();
        url.set_path(path);
        probe(&self.client, url).await.map_err(|fault| self.unanswered(&fault))
    }

    fn path(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Url> {
        let mut url = self.url.clone();
        url.set_path(BASE);
        url.path_segments_mut().map_err(|()| anyhow!("--server: the URL has no path"))?.extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    async fn answer(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let sent = request.header("X-Internal-API-Key", &self.api_key).send().await;
        let response = sent.map_err(|fault| self.unanswered(&fault))?;
        let (status, url) = (response.status(), response.url().clone());
        if status.is_redirection() {
            bail!("{url} redirects to another address; name the address of the service itself");
        }
        // Every response of the service has it, also through a proxy.
        let is_from_service = response.headers().contains_key("x-correlation-id");
        let body: Value = response.json().await.with_context(|| format!("{status} without JSON from {url}"))?;
        match (status.is_success(), problem(&body)) {
            (true, _) if is_from_service => Ok(body),
            (true, _) => bail!("{url} is not an instrument registry: the response has no X-Correlation-ID"),
            (false, detail) if detail.is_empty() => bail!("{status} without a problem document from {url}"),
            (false, detail) => Err(ErrorResponse { status, detail }.into()),
        }
    }

    fn unanswered(&self, fault: &reqwest::Error) -> anyhow::Error {
        let (url, hint) = (&self.url, self.hint);
        match http_fault(fault).or_else(|| unfinished_handshake(fault)) {
            Some(why) => anyhow!("no response from {url}: {why}{hint}"),
            None => {
                let causes = std::iter::successors(std::error::Error::source(fault), |cause| cause.source());
                let cause = causes.last().map_or_else(|| fault.to_string(), ToString::to_string);
                anyhow!("no response from {url}: {cause}{hint}")
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
struct ErrorResponse {
    status: StatusCode,
    detail: String,
}

/// Returns the status of the error response of the service that a request failed with.
pub(super) fn error_status(fault: &anyhow::Error) -> Option<StatusCode> {
    fault.downcast_ref::<ErrorResponse>().map(|response| response.status)
}

/// A response whose status does not matter.
pub(super) struct Probe {
    pub(super) date: Option<DateTime<Utc>>,
    /// The body; null if it is not JSON.
    pub(super) body: Value,
}

/// Returns the response to a request without a key.
pub(super) async fn probe(client: &Client, url: Url) -> reqwest::Result<Probe> {
    let response = client.get(url).send().await?;
    let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc());
    Ok(Probe { date, body: response.json().await.unwrap_or_default() })
}

pub(super) fn client(url: &Url, settings: &ProcessSettings, timeout: Duration) -> reqwest::Result<Client> {
    let tls = if url.scheme() == "https" { settings.tls.http_client() } else { plain_http_client() };
    let client = Client::builder().tls_backend_preconfigured(tls).redirect(redirect::Policy::none()).no_proxy();
    client.connect_timeout(CONNECT_TIMEOUT.min(timeout)).timeout(timeout).build()
}

/// Returns the URL of a service on this machine that listens on an address.
pub(super) fn local_url(listen: SocketAddr) -> Url {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(ip, listen.port());
    // Invariant: an address is the host and the port of a URL.
    Url::parse(&format!("http://{address}")).expect("an address is a part of a URL")
}

/// Returns the detail of a problem, and its faults on lines of their own.
fn problem(body: &Value) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut shown = text(body, "detail");
    let faults = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    // The detail of a problem with one fault repeats it.
    let is_repeated = matches!(faults, [fault] if shown.contains(&text(fault, "detail")));
    for fault in faults.iter().filter(|_| !is_repeated) {
        let _ = write!(shown, "\n  {}: {}", text(fault, "pointer"), text(fault, "detail"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_is_shown_with_its_faults() {
        let body = json!({"detail": "2 faults", "errors": [{"pointer": "/query/from", "detail": "expected an id"}]});

        assert_eq!(problem(&body), "2 faults\n  /query/from: expected an id");
        assert_eq!(problem(&json!({"detail": "unknown plan id"})), "unknown plan id");
        let one = json!({"detail": "/query/page: expected 1", "errors": [{"pointer": "/query/page", "detail": "expected 1"}]});
        assert_eq!(problem(&one), "/query/page: expected 1");
    }
}
