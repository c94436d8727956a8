//! The header `Idempotency-Key`: the same key and request get the same answer for 24 hours.
//!
//! The answer is stored in the transaction of its result, so that a caller who does not know the outcome can repeat the
//! request. A request that failed stores nothing, and its key may be used again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use chrono::{SubsecRound, Utc};
use registry_actors::persistence::{Op, PersistenceHandle};
use registry_store::Store;
use registry_store::idempotency::{KeyedRequest, StoredAnswer};
use sha2::{Digest, Sha256};

use super::problem::{Fault, Problem};

pub(super) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of a response that repeats a stored answer.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const CHARACTERS_MAX: usize = 255;
/// When a request that is in flight is likely to be done.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Returns the request's key; `None` if it has none.
///
/// # Errors
/// 422 if it is malformed, or there are several.
pub(super) fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(first) = values.next() else { return Ok(None) };
    let fault =
        |detail: String| Err(Problem::invalid(vec![Fault { pointer: "/header/Idempotency-Key".to_owned(), detail }]));
    if values.any(|other| other != first) {
        return fault("expected one key, got several different ones".to_owned());
    }
    let bytes = first.as_bytes();
    let expected = format!("expected 1 to {CHARACTERS_MAX} visible ASCII characters");
    if !(1..=CHARACTERS_MAX).contains(&bytes.len()) {
        return fault(format!("{expected}, got {}", bytes.len()));
    }
    match std::str::from_utf8(bytes) {
        Ok(key) if bytes.iter().all(u8::is_ascii_graphic) => Ok(Some(key.to_owned())),
        _ => fault(format!("{expected}, got a space, a control character or a non-ASCII character")),
    }
}

/// The keys of the requests in flight in this process. Requests of other replicas wait for each other in the database.
#[derive(Default)]
pub(crate) struct KeysInFlight(Mutex<HashSet<(String, String)>>);

impl KeysInFlight {
    /// Marks a request with this key as in flight, unless another one is.
    pub(super) fn enter(&self, scope: String, key: String) -> KeyGuard<'_> {
        let name = (scope, key);
        let is_first = self.keys().insert(name.clone());
        KeyGuard { keys: self, name, is_first }
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request with a key, while it is in flight.
pub(super) struct KeyGuard<'a> {
    keys: &'a KeysInFlight,
    name: (String, String),
    /// Whether no other request with the key was in flight when it arrived.
    is_first: bool,
}

impl KeyGuard<'_> {
    /// Admits the request. It is called after no stored answer was found, so that concurrent repeats of a completed
    /// request all get its answer.
    ///
    /// # Errors
    /// 409 `idempotency_key_in_flight`.
    fn check(&self) -> Result<(), Problem> {
        if self.is_first {
            return Ok(());
        }
        let detail = "a request with this Idempotency-Key is in flight; retry later";
        let problem = Problem::of(StatusCode::CONFLICT, "idempotency_key_in_flight", detail);
        Err(Problem { retry_after: Some(RETRY_AFTER), ..problem })
    }

    /// Returns the request with its digest, after the whole request was read.
    pub(super) fn request(&self, digest: RequestHasher) -> Arc<KeyedRequest> {
        let (scope, key) = self.name.clone();
        Arc::new(KeyedRequest { scope, key, digest: digest.0.finalize().into(), now: Utc::now().trunc_subsecs(3) })
    }
}

impl Drop for KeyGuard<'_> {
    fn drop(&mut self) {
        if self.is_first {
            self.keys.keys().remove(&self.name);
        }
    }
}

/// Hashes a request: its kind, path and query, then its body.
pub(super) struct RequestHasher(Sha256);

impl RequestHasher {
    pub(super) fn new(kind: &str, uri: &Uri) -> Self {
        let mut hasher = Sha256::new();
        // The length comes first, so that different parts cannot have the same bytes.
        for part in [kind, uri.path(), uri.query().unwrap_or_default()] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        RequestHasher(hasher)
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn with_body(mut self, bytes: &[u8]) -> Self {
        self.update(bytes);
        self
    }
}

/// Returns the answer that is stored for the request. If it returns `None`, the request is admitted.
///
/// # Errors
/// 422 `idempotency_key_reused` if another request has the key. 409 `idempotency_key_in_flight` if none is stored and
/// another request with the key is in flight. 503 if the database is unavailable.
pub(super) async fn stored_answer(
    persistence: &PersistenceHandle,
    guard: &KeyGuard<'_>,
    request: &Arc<KeyedRequest>,
    deadline: Instant,
) -> Result<Option<String>, Problem> {
    let keyed = Arc::clone(request);
    let read =
        move |store: Arc<dyn Store>| async move { store.stored_answer(&keyed.scope, &keyed.key, keyed.now).await };
    match persistence.run(Op::StoredAnswer, deadline.into(), read).await? {
        Some(stored) => answer_to(request, stored).map(Some),
        None => guard.check().map(|()| None),
    }
}

/// Returns a stored answer, if it answers this request.
///
/// # Errors
/// 422 `idempotency_key_reused` if it answers another one.
pub(super) fn answer_to(request: &KeyedRequest, stored: StoredAnswer) -> Result<String, Problem> {
    if stored.digest == request.digest {
        return Ok(stored.answer);
    }
    let detail = "the Idempotency-Key was used with another request within the last 24 hours; use a new key";
    Err(Problem::of(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail))
}

/// Reads a stored answer.
///
/// # Errors
/// 500 if it has another form than this release writes.
pub(super) fn parse<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T, Problem> {
    serde_json::from_str(answer).map_err(|fault| {
        tracing::error!(%fault, "failed to read stored response of idempotency key");
        Problem::internal()
    })
}

/// Adds the header that marks a response as a repeated answer.
pub(super) fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&[u8]]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        key_of(&headers).map_err(|problem| problem.detail)
    }

    #[test]
    fn a_key_is_1_to_255_visible_ascii_characters() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&[b"!"]), Ok(Some("!".to_owned())));
        assert_eq!(key(&[&[b'~'; 255]]), Ok(Some("~".repeat(255))));
        for malformed in [&b""[..], &[b'a'; 256], b"two words", b"tab\tbed", "naïve".as_bytes()] {
            assert!(key(&[malformed]).is_err(), "{malformed:?}");
        }
    }

    #[test]
    fn a_repeated_header_must_have_one_value() {
        assert_eq!(key(&[b"k", b"k"]), Ok(Some("k".to_owned())));
        assert!(key(&[b"k", b"l"]).is_err());
    }

    #[test]
    fn a_key_is_in_flight_until_its_guard_is_dropped() {
        let keys = KeysInFlight::default();
        let enter = |scope: &str| keys.enter(scope.to_owned(), "k".to_owned());

        let first = enter("plan/u");
        let second = enter("plan/u").check().unwrap_err();
        let other_scope = enter("plan/v").check();
        // The end of the second request does not remove the key of the first one.
        let third = enter("plan/u").check();
        drop(first);

        assert_eq!(second.code, "idempotency_key_in_flight");
        assert_eq!(second.status, StatusCode::CONFLICT);
        assert_eq!(second.retry_after, Some(RETRY_AFTER));
        assert!(other_scope.is_ok());
        assert!(third.is_err());
        assert!(enter("plan/u").check().is_ok());
    }

    #[test]
    fn a_request_digest_covers_every_part_and_its_end() {
        let digest = |kind: &str, uri: &str, body: &str| {
            RequestHasher::new(kind, &uri.parse().unwrap()).with_body(body.as_bytes()).0.finalize()
        };
        let all = [
            digest("document", "/a?b=c", "{}"),
            digest("upload", "/a?b=c", "{}"),
            digest("document", "/b?b=c", "{}"),
            digest("document", "/a?b=d", "{}"),
            digest("document", "/a?b=c", "{ }"),
            digest("document", "/a?b=c{", "}"),
        ];

        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        assert_eq!(all[0], digest("document", "/a?b=c", "{}"));
    }
}
