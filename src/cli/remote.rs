//! Requests to a running service.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use registry_actors::tls::{http_fault, plain_http_client, unfinished_handshake};
use reqwest::{Client, Url, redirect};
use serde_json::Value;

use crate::app::kept_api_key;
use crate::http::BASE;
use crate::settings::ProcessSettings;

/// The time after which a request has failed.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The time after which connecting has failed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A service and the key that it requires.
pub(super) struct Remote {
    url: Url,
    api_key: String,
    client: Client,
}

impl Remote {
    /// Returns the service at an address such as `http://127.0.0.1:8901`, or with `https://` at a proxy that offers TLS. The
    /// key is that of the settings, or the one that a service with the same data folder has generated.
    pub(super) fn new(url: &Url, settings: &ProcessSettings) -> anyhow::Result<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            bail!("--server: expected a URL that starts with `https://` or `http://`, got `{}:`", url.scheme());
        }
        check_address(url)?;
        let api_key = match &settings.api_key {
            Some(key) => key.expose().to_owned(),
            None => kept_api_key(&settings.data_dir)
                .context("--server: set INTERNAL_API_KEY, or DATA_DIR to the data folder of the service")?,
        };
        let tls = if url.scheme() == "https" { settings.tls.http_client() } else { plain_http_client() };
        let client = Client::builder().tls_backend_preconfigured(tls).redirect(redirect::Policy::none()).no_proxy();
        Ok(Remote {
            url: url.clone(),
            api_key,
            client: client.connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT).build()?,
        })
    }

    /// Returns the response to a request with this path below the internal API and this query.
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Value> {
        let mut url = self.url.clone();
        url.set_path(BASE);
        url.path_segments_mut().map_err(|()| anyhow!("--server: the URL has no path"))?.extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let sent = self.client.get(url.clone()).header("X-Internal-API-Key", &self.api_key).send().await;
        let response = sent.map_err(|fault| match http_fault(&fault).or_else(|| unfinished_handshake(&fault)) {
            Some(why) => anyhow!("no response from {}: {why}", self.url),
            None => anyhow::Error::new(fault).context(format!("no response from {}", self.url)),
        })?;
        let status = response.status();
        let body: Value = response.json().await.with_context(|| format!("{status} without JSON from {url}"))?;
        if status.is_success() { Ok(body) } else { Err(anyhow!("{}", problem(&body))) }
    }
}

/// Rejects parts of an address that are not sent. The message repeats nothing of it, because it may contain a password.
fn check_address(url: &Url) -> anyhow::Result<()> {
    if !url.username().is_empty() || url.password().is_some() {
        bail!("--server: expected a URL without user and password; set INTERNAL_API_KEY instead");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        bail!("--server: expected a URL without path, query and fragment, such as https://host:8901");
    }
    Ok(())
}

/// Returns the detail of a problem, and its faults on lines of their own.
fn problem(body: &Value) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut shown = text(body, "detail");
    for fault in body["errors"].as_array().into_iter().flatten() {
        let _ = write!(shown, "\n  {}: {}", text(fault, "pointer"), text(fault, "detail"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_has_only_host_and_port() {
        let fault = |url: &str| check_address(&url.parse().unwrap()).map_err(|fault| fault.to_string());

        for url in ["https://host", "http://127.0.0.1:8901/"] {
            assert_eq!(fault(url), Ok(()), "{url}");
        }
        for url in ["https://user:hunter5@host/", "https://hunter5@host"] {
            let refused = fault(url).unwrap_err();
            assert_eq!(refused, "--server: expected a URL without user and password; set INTERNAL_API_KEY instead");
        }
        for url in ["https://host/registry", "https://host?key=hunter5", "https://host/#hunter5"] {
            let refused = fault(url).unwrap_err();
            assert_eq!(refused, "--server: expected a URL without path, query and fragment, such as https://host:8901");
        }
    }

    #[test]
    fn a_problem_is_shown_with_its_faults() {
        let body = json!({"detail": "2 faults", "errors": [{"pointer": "/query/from", "detail": "expected an id"}]});

        assert_eq!(problem(&body), "2 faults\n  /query/from: expected an id");
        assert_eq!(problem(&json!({"detail": "unknown plan id"})), "unknown plan id");
    }
}
