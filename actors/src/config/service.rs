//! The platform's config service as a source of settings and secrets.
//!
//! Each key is one request: `GET {url}/api/v1/secrets/{KEY}/value?environment=…`. One key is fetched first; if the
//! service does not respond, the others are not fetched, so that an outage costs one timeout and not one per key.
//!
//! No message contains a value: neither messages of the JSON parser, which would quote it, nor URLs, which may contain
//! secrets.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::secrets::{Need, Secret, SecretKey, Secrets};
use super::source::{Answers, SettingsSource, SourceError};
use crate::metrics::record_request;
use crate::settings::{Origin, SETTINGS};
use crate::tls::{Tls, http_fault, plain_http_client, unfinished_handshake};
use crate::trace::with_trace;

/// Timeout of connecting. The service is in the same network.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_millis(250);
/// Timeout of connecting with TLS: the handshake has two more round trips and verifies a certificate.
const TLS_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout of one request, from connecting to the end of the body.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of all requests together. Keys without a response by then have no answer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of concurrent requests: enough to be fast, few enough not to burden the service.
const CONCURRENCY: usize = 4;
/// Maximum size of a response in bytes. A value is a word or a URL.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Timeout of an idle connection. Shorter than the interval between two refreshes, so that no connection is used that
/// the server has closed meanwhile.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

const API_KEY: HeaderName = HeaderName::from_static("x-internal-api-key");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The value of the label `dependency`.
pub(crate) const DEPENDENCY: &str = "config_service";
/// The values of the label `outcome`.
pub(crate) const OUTCOMES: [&str; 4] = ["success", "timed_out", "unreachable", "refused"];

/// The URL of a service that is called over HTTP: of the config service, or of a collector of traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUrl(Url);

impl ServiceUrl {
    /// The allowed form, for messages.
    pub const ALLOWED: &'static str =
        "https://HOST[:PORT][/PATH] or http://HOST[:PORT][/PATH] without user, password, query or fragment";

    /// Parses a URL. Returns `None` if it is not allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_allowed = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        is_allowed.then_some(ServiceUrl(url))
    }

    fn has_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    fn with(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Invariant: a URL with a host has a path of segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl std::fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_str().trim_end_matches('/').fmt(f)
    }
}

/// A client of the config service, which fetches every setting and the requested secrets; see the [module](self).
pub struct ConfigServiceSource {
    client: Client,
    url: ServiceUrl,
    environment: String,
    keys: Mutex<RequestKeys>,
    secrets: BTreeMap<SecretKey, Need>,
    is_usable: fn(SecretKey, &Secret) -> bool,
}

/// The API keys that are sent to the config service.
struct RequestKeys {
    current: HeaderValue,
    /// The second key: the one that is stored in the service itself, or the previous one. After a rotation the service
    /// may accept only the new key, long before our environment has it.
    other: Option<HeaderValue>,
}

/// The reason why a key has no answer.
#[derive(Debug)]
enum KeyFault {
    /// There was no response.
    Unreachable(String),
    /// There was no response in time.
    TimedOut(String),
    /// The API key was rejected.
    Unauthorized(StatusCode),
    /// The response was unusable.
    Unusable(String),
}

impl KeyFault {
    /// Returns the value of the label `outcome`.
    const fn outcome(&self) -> &'static str {
        match self {
            KeyFault::Unreachable(_) => "unreachable",
            KeyFault::TimedOut(_) => "timed_out",
            KeyFault::Unauthorized(_) | KeyFault::Unusable(_) => "refused",
        }
    }

    fn describe(&self) -> String {
        match self {
            KeyFault::Unreachable(why) | KeyFault::TimedOut(why) | KeyFault::Unusable(why) => why.clone(),
            KeyFault::Unauthorized(status) => {
                format!("the config service rejected the API key ({})", status.as_u16())
            }
        }
    }
}

impl ConfigServiceSource {
    /// Creates a client of the service at `url`, which sends `api_key` and fetches the values of `environment`: every
    /// setting, and these secrets. `is_usable` returns whether a secret has the allowed form. The certificate of an
    /// `https://` service must have an issuer that `tls` trusts.
    ///
    /// # Errors
    /// [`SourceError`] if the key is not a valid header value, or the client cannot be created.
    pub fn new(
        url: ServiceUrl,
        environment: &str,
        api_key: &Secret,
        secrets: BTreeMap<SecretKey, Need>,
        is_usable: fn(SecretKey, &Secret) -> bool,
        tls: &Tls,
    ) -> Result<Self, SourceError> {
        let api_key = header(api_key)
            .ok_or_else(|| SourceError::Unauthorized("the API key is not a valid header value".to_owned()))?;
        let (config, connect_timeout) = if url.has_tls() {
            (tls.http_client(), TLS_CONNECT_TIMEOUT)
        } else {
            (plain_http_client(), CONNECT_TIMEOUT)
        };
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .connect_timeout(connect_timeout)
            .timeout(REQUEST_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(CONCURRENCY)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|fault| SourceError::Unavailable(fault.without_url().to_string()))?;
        let keys = Mutex::new(RequestKeys { current: api_key, other: None });
        Ok(ConfigServiceSource { client, url, environment: environment.to_owned(), keys, secrets, is_usable })
    }

    fn keys(&self) -> MutexGuard<'_, RequestKeys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the other key from now on. Returns `false` if there is no other key.
    fn change_key(&self) -> bool {
        let mut keys = self.keys();
        let Some(other) = keys.other.take() else { return false };
        keys.other = Some(std::mem::replace(&mut keys.current, other));
        true
    }

    /// Stores the key from the service, for the time when it rejects the current one.
    fn update_other_key(&self, secrets: &Secrets) {
        let held = secrets.get(&SecretKey::InternalApiKey).and_then(|held| header(held.as_ref()?));
        let mut keys = self.keys();
        if let Some(held) = held.filter(|held| *held != keys.current) {
            keys.other = Some(held);
        }
    }

    /// Returns the value of a key, or `None` if the service does not know it.
    async fn value(&self, key: &'static str, correlation_id: &str) -> Result<Option<String>, KeyFault> {
        let mut url = self.url.with(&["api", "v1", "secrets", key, "value"]);
        url.query_pairs_mut().append_pair("environment", &self.environment);
        let request = self.client.get(url).header(API_KEY, self.keys().current.clone());
        let ask = async {
            let response = send(request, correlation_id).await?;
            match response.status() {
                StatusCode::OK => value_in(&body(response).await?).map(Some),
                StatusCode::NOT_FOUND => Ok(None),
                status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(KeyFault::Unauthorized(status)),
                status => Err(unexpected(status)),
            }
        };
        measured("value", ask).await
    }
}

#[async_trait]
impl SettingsSource for ConfigServiceSource {
    async fn fetch(&self, correlation_id: &str) -> Result<Answers, SourceError> {
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let keys = SETTINGS.iter().map(|key| key.name).chain(self.secrets.keys().map(|key| key.name()));
        let mut asked: Vec<_> = keys.collect();
        let mut outcomes = Vec::with_capacity(asked.len());

        let first = asked.remove(0);
        let mut outcome = self.value(first, correlation_id).await;
        if matches!(outcome, Err(KeyFault::Unauthorized(_))) && self.change_key() {
            outcome = self.value(first, correlation_id).await;
        }
        outcomes.push((first, outcome));
        if let [(_, Err(fault))] = outcomes.as_slice()
            && !matches!(fault, KeyFault::Unusable(_))
        {
            return Err(error(fault));
        }
        // The futures do not run before the stream polls them.
        let others: Vec<_> = asked.iter().map(|key| async { (*key, self.value(key, correlation_id).await) }).collect();
        let mut others = stream::iter(others).buffer_unordered(CONCURRENCY);
        while let Ok(Some(outcome)) = timeout_at(deadline, others.next()).await {
            outcomes.push(outcome);
        }
        drop(others);
        asked.retain(|key| !outcomes.iter().any(|(answered, _)| answered == key));
        let late = asked.into_iter().map(|key| {
            (key, Err(KeyFault::TimedOut(format!("timeout: the refresh took longer than {FETCH_TIMEOUT:?}"))))
        });
        outcomes.extend(late);

        match outcomes.iter().find_map(|(_, outcome)| outcome.as_ref().err()) {
            Some(fault) if outcomes.iter().all(|(_, outcome)| outcome.is_err()) => Err(error(fault)),
            _ => {
                let answers = answers(outcomes);
                self.update_other_key(&answers.secrets);
                Ok(answers)
            }
        }
    }

    async fn probe(&self, correlation_id: &str) -> Result<(), SourceError> {
        let request = self.client.get(self.url.with(&["health"]));
        let ask = async {
            match send(request, correlation_id).await?.status() {
                StatusCode::OK => Ok(()),
                status => Err(unexpected(status)),
            }
        };
        measured("health", ask).await.map_err(|fault| error(&fault))
    }

    fn is_usable(&self, key: SecretKey, secret: &Secret) -> bool {
        (self.is_usable)(key, secret)
    }

    fn required_secrets(&self) -> BTreeSet<SecretKey> {
        self.secrets.iter().filter(|(_, need)| **need == Need::Required).map(|(key, _)| *key).collect()
    }
}

/// Returns the key as a header value, or `None` if it is not a valid one.
fn header(key: &Secret) -> Option<HeaderValue> {
    let mut key = HeaderValue::from_str(key.expose()).ok()?;
    key.set_sensitive(true);
    Some(key)
}

fn error(fault: &KeyFault) -> SourceError {
    match fault {
        KeyFault::Unauthorized(_) => SourceError::Unauthorized(fault.describe()),
        _ => SourceError::Unavailable(fault.describe()),
    }
}

fn answers(outcomes: Vec<(&'static str, Result<Option<String>, KeyFault>)>) -> Answers {
    let mut answers = Answers::default();
    for (key, outcome) in outcomes {
        let secret = SecretKey::ALL.iter().find(|secret| secret.name() == key);
        match (outcome, secret) {
            (Err(fault), _) => drop(answers.unanswered.insert(key, fault.describe())),
            // An empty secret is a placeholder.
            (Ok(value), Some(secret)) => {
                let value = value.filter(|value| !value.trim().is_empty());
                answers.secrets.insert(*secret, value.map(|value| Secret::new(value.trim())));
            }
            (Ok(Some(value)), None) => drop(answers.values.insert(key, (value, Origin::ConfigService))),
            (Ok(None), None) => {}
        }
    }
    answers
}

async fn send(request: RequestBuilder, correlation_id: &str) -> Result<Response, KeyFault> {
    with_trace(request.header(CORRELATION_ID, correlation_id)).send().await.map_err(unreachable)
}

/// Reads the whole body, whose reported length may be wrong.
async fn body(mut response: Response) -> Result<Vec<u8>, KeyFault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(KeyFault::Unusable(format!("the config service returned more than {BODY_BYTES_MAX} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Parses `{"secret_value": "…"}`, or `{"value": "…"}` of older deployments.
fn value_in(body: &[u8]) -> Result<String, KeyFault> {
    let unusable = |what: &str| KeyFault::Unusable(format!("the config service returned an invalid response: {what}"));
    let document: Value = serde_json::from_slice(body).map_err(|_| unusable("expected JSON"))?;
    let value = document.get("secret_value").or_else(|| document.get("value"));
    let value = value.ok_or_else(|| unusable("expected `secret_value` or `value`, got neither"))?;
    value.as_str().map(str::to_owned).ok_or_else(|| unusable("expected a string as the value"))
}

/// Describes a failure by the kind of the system error, because reqwest's message contains the URL.
#[allow(clippy::needless_pass_by_value)] // So that `map_err` can take it by name.
fn unreachable(error: reqwest::Error) -> KeyFault {
    let what = if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connection failed"
    } else {
        "connection lost"
    };
    if let Some(fault) = http_fault(&error) {
        return KeyFault::Unreachable(format!("config service {what}: {fault}"));
    }
    if let Some(fault) = unfinished_handshake(&error) {
        let why = format!("config service {what}: {fault}");
        return if error.is_timeout() { KeyFault::TimedOut(why) } else { KeyFault::Unreachable(why) };
    }
    let mut causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let kind = causes.find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let why = match kind {
        Some(kind) => format!("config service {what}: {kind}"),
        None => format!("config service {what}"),
    };
    if error.is_timeout() { KeyFault::TimedOut(why) } else { KeyFault::Unreachable(why) }
}

fn unexpected(status: StatusCode) -> KeyFault {
    let redirects = if status.is_redirection() { "; redirects are not followed" } else { "" };
    KeyFault::Unusable(format!("the config service returned status {}{redirects}", status.as_u16()))
}

async fn measured<T>(operation: &'static str, ask: impl Future<Output = Result<T, KeyFault>>) -> Result<T, KeyFault> {
    let started_at = Instant::now();
    let result = ask.await;
    let outcome = result.as_ref().err().map_or("success", KeyFault::outcome);
    record_request(DEPENDENCY, operation, outcome, started_at.elapsed());
    result
}
