//! Tests of the client against a server that responds as each test needs. Real sockets, real time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::*;

const KEY: &str = "fake-key-to-ask-with";
const TTL: &str = "INSTRUMENT_REGISTRY_PLAN_CACHE_TTL";
const TIMEOUT: &str = "INSTRUMENT_REGISTRY_PLANNER_TIMEOUT";
/// The key that is fetched first.
const FIRST: &str = SETTINGS[0].name;

/// The response of the server for one key.
#[derive(Clone)]
enum KeyResponse {
    Status(u16),
    Body(String),
    /// In chunks, so that no length is announced.
    Streams(usize),
    After(Duration, String),
    RedirectsTo(String),
}

struct Server {
    address: SocketAddr,
    state: Arc<ServerState>,
}

#[derive(Default)]
struct ServerState {
    responses: BTreeMap<&'static str, KeyResponse>,
    /// The response for every key that is not in `responses`.
    otherwise: Option<KeyResponse>,
    seen: Mutex<Vec<(Uri, HeaderMap)>>,
    in_flight: Mutex<(usize, usize)>,
    /// The only API key that the server accepts. `None`: it accepts every key.
    only_key: Mutex<Option<&'static str>>,
}

fn value(text: &str) -> KeyResponse {
    KeyResponse::Body(serde_json::json!({"secret_value": text}).to_string())
}

impl Server {
    async fn start(
        responses: impl IntoIterator<Item = (&'static str, KeyResponse)>,
        otherwise: Option<KeyResponse>,
    ) -> Self {
        let state =
            Arc::new(ServerState { responses: responses.into_iter().collect(), otherwise, ..ServerState::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Server { address, state }
    }

    fn source(&self, secrets: &[SecretKey]) -> ConfigServiceSource {
        source(&format!("http://{}", self.address), secrets)
    }

    async fn fetch(&self) -> Result<Answers, SourceError> {
        self.source(&[]).fetch("an-id").await
    }

    fn paths(&self) -> Vec<String> {
        self.state.seen.lock().unwrap().iter().map(|(uri, _)| uri.path().to_owned()).collect()
    }
}

fn source(url: &str, secrets: &[SecretKey]) -> ConfigServiceSource {
    let url = ServiceUrl::parse(url).unwrap();
    ConfigServiceSource::new(
        url,
        "staging",
        &Secret::new(KEY),
        secrets.iter().map(|key| (*key, Need::Required)).collect(),
        |_, _| true,
        &Tls::default(),
    )
    .unwrap()
}

async fn answer(State(state): State<Arc<ServerState>>, request: Request) -> Response {
    state.seen.lock().unwrap().push((request.uri().clone(), request.headers().clone()));
    {
        let (now, max) = &mut *state.in_flight.lock().unwrap();
        *now += 1;
        *max = (*max).max(*now);
    }
    let path = request.uri().path();
    let key = path.strip_suffix("/value").and_then(|path| path.rsplit('/').next()).unwrap_or("health");
    let is_let_in = state.only_key.lock().unwrap().is_none_or(|only| request.headers()[API_KEY] == only);
    let refusal = (!is_let_in).then_some(&KeyResponse::Status(401));
    let responses = refusal
        .or_else(|| state.responses.get(key))
        .or(state.otherwise.as_ref())
        .cloned()
        .unwrap_or(KeyResponse::Status(404));
    let response = match responses {
        KeyResponse::Status(status) => axum::http::StatusCode::from_u16(status).unwrap().into_response(),
        KeyResponse::Body(body) => body.into_response(),
        KeyResponse::Streams(bytes) => {
            let pieces = (0..bytes / 1024).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024]));
            Body::from_stream(stream::iter(pieces)).into_response()
        }
        KeyResponse::After(delay, body) => {
            sleep(delay).await;
            body.into_response()
        }
        KeyResponse::RedirectsTo(url) => Redirect::temporary(&url).into_response(),
    };
    state.in_flight.lock().unwrap().0 -= 1;
    response
}

#[tokio::test]
async fn both_response_formats_are_read_and_unknown_keys_are_absent() {
    let older = KeyResponse::Body(r#"{"value": "60"}"#.to_owned());
    let server = Server::start([(TTL, value("30")), (TIMEOUT, older)], None).await;

    let answers = server.fetch().await.unwrap();

    let expected =
        [(TTL, ("30".to_owned(), Origin::ConfigService)), (TIMEOUT, ("60".to_owned(), Origin::ConfigService))];
    assert_eq!(answers.values, BTreeMap::from(expected));
    assert!(answers.unanswered.is_empty());
    assert_eq!(server.paths().len(), SETTINGS.len());
}

#[tokio::test]
async fn requests_carry_environment_key_and_correlation_id() {
    let server = Server::start([], None).await;

    let url = format!("http://{}/config/", server.address);
    source(&url, &[SecretKey::RedisUrl]).fetch("the-id").await.unwrap();

    let seen = server.state.seen.lock().unwrap();
    let uris: Vec<String> = seen.iter().map(|(uri, _)| uri.to_string()).collect();
    for key in SETTINGS.iter().map(|key| key.name).chain(["REDIS_URL"]) {
        assert!(uris.contains(&format!("/config/api/v1/secrets/{key}/value?environment=staging")), "{key}: {uris:?}");
    }
    assert!(seen.iter().all(|(_, headers)| headers["x-internal-api-key"] == KEY));
    assert!(seen.iter().all(|(_, headers)| headers["x-correlation-id"] == "the-id"));
}

#[tokio::test]
async fn a_rejected_api_key_ends_the_fetch() {
    let server = Server::start([], Some(KeyResponse::Status(401))).await;

    let fault = server.fetch().await.unwrap_err();

    assert_eq!(fault.to_string(), "failed to read settings: the config service rejected the API key (401)");
    assert!(matches!(fault, SourceError::Unauthorized(_)));
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn a_failed_key_does_not_affect_the_others() {
    let slow = KeyResponse::After(Duration::from_secs(10), r#"{"value": "60"}"#.to_owned());
    let server = Server::start([(TTL, slow), (TIMEOUT, KeyResponse::Status(500)), (FIRST, value("low"))], None).await;

    let answers = server.fetch().await.unwrap();

    assert_eq!(answers.values[FIRST].0, "low");
    let unanswered: Vec<_> = answers.unanswered.iter().map(|(key, why)| (*key, why.as_str())).collect();
    assert_eq!(unanswered, [(TIMEOUT, "the config service returned status 500"), (TTL, "config service timeout")]);
}

#[tokio::test]
async fn a_service_that_does_not_respond_costs_one_timeout() {
    let slow = KeyResponse::After(Duration::from_secs(10), String::new());
    let server = Server::start([], Some(slow)).await;

    let fault = server.fetch().await.unwrap_err();

    assert_eq!(fault, SourceError::Unavailable("config service timeout".to_owned()));
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn a_closed_port_is_reported_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();

    let fault = source(&format!("http://{closed}"), &[]).fetch("an-id").await.unwrap_err();

    let why = "config service connection failed: connection refused";
    assert_eq!(fault, SourceError::Unavailable(why.to_owned()));
}

#[tokio::test]
async fn a_fetch_without_any_response_fails() {
    let server = Server::start([], Some(KeyResponse::Status(503))).await;

    let fault = server.fetch().await.unwrap_err();

    assert_eq!(fault, SourceError::Unavailable("the config service returned status 503".to_owned()));
}

#[tokio::test]
async fn unusable_responses_are_rejected_without_showing_them() {
    let table = [
        ("fake-value", "the config service returned an invalid response: expected JSON"),
        ("", "the config service returned an invalid response: expected JSON"),
        (
            "\"fake-value\"",
            "the config service returned an invalid response: expected `secret_value` or `value`, got neither",
        ),
        (
            r#"{"secret": "fake-value"}"#,
            "the config service returned an invalid response: expected `secret_value` or `value`, got neither",
        ),
        (
            r#"{"secret_value": ["fake-value"]}"#,
            "the config service returned an invalid response: expected a string as the value",
        ),
        (
            r#"{"secret_value": null, "value": "fake-value"}"#,
            "the config service returned an invalid response: expected a string as the value",
        ),
    ];
    for (body, expected) in table {
        let server = Server::start([(TTL, KeyResponse::Body(body.to_owned()))], None).await;

        let answers = server.fetch().await.unwrap();

        assert_eq!(answers.unanswered, BTreeMap::from([(TTL, expected.to_owned())]), "{body}");
    }
}

#[tokio::test]
async fn a_response_may_be_at_most_as_large_as_the_limit() {
    let padded = |bytes: usize| {
        let answer = r#"{"secret_value": "30"}"#;
        KeyResponse::Body(format!("{answer}{}", " ".repeat(bytes - answer.len())))
    };
    let responses =
        [(TTL, padded(BODY_BYTES_MAX)), (TIMEOUT, padded(BODY_BYTES_MAX + 1)), (FIRST, KeyResponse::Streams(1 << 20))];
    let server = Server::start(responses, None).await;

    let answers = server.fetch().await.unwrap();

    assert_eq!(answers.values[TTL].0, "30");
    assert_eq!(answers.unanswered[TIMEOUT], "the config service returned more than 65536 bytes");
    assert_eq!(answers.unanswered[FIRST], "the config service returned more than 65536 bytes");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start([], Some(value("30"))).await;
    let redirect = KeyResponse::RedirectsTo(format!("http://{}/", elsewhere.address));
    let server = Server::start([(TTL, redirect)], None).await;

    let answers = server.fetch().await.unwrap();

    assert_eq!(answers.unanswered[TTL], "the config service returned status 307; redirects are not followed");
    assert!(elsewhere.paths().is_empty());
}

#[tokio::test]
async fn at_most_four_requests_are_in_flight() {
    let server =
        Server::start([], Some(KeyResponse::After(Duration::from_millis(50), r#"{"value": "1"}"#.to_owned()))).await;

    server.fetch().await.unwrap();

    assert_eq!(server.state.in_flight.lock().unwrap().1, CONCURRENCY);
}

#[tokio::test]
async fn secrets_are_fetched_too_and_an_empty_one_is_absent() {
    let responses = [("DATABASE_URL", value(" postgres://fake \n")), ("REDIS_URL", value(" ")), (TTL, value("30"))];
    let server = Server::start(responses, None).await;

    let answers = server.source(SecretKey::ALL).fetch("an-id").await.unwrap();

    let expected = [
        (SecretKey::DatabaseUrl, Some(Secret::new("postgres://fake"))),
        (SecretKey::RedisUrl, None),
        (SecretKey::InternalApiKey, None),
    ];
    assert_eq!(answers.secrets, BTreeMap::from(expected));
    assert_eq!(answers.values.len(), 1);
    assert!(!format!("{answers:?}").contains("fake"));
}

#[tokio::test]
async fn a_rejected_key_is_replaced_by_the_one_from_the_service() {
    let server = Server::start([("INTERNAL_API_KEY", value("fake-new-key")), (TTL, value("30"))], None).await;
    let source = server.source(SecretKey::ALL);
    source.fetch("before").await.unwrap();

    *server.state.only_key.lock().unwrap() = Some("fake-new-key");
    let after = source.fetch("after").await.unwrap();
    *server.state.only_key.lock().unwrap() = Some(KEY);
    let back = source.fetch("back").await.unwrap();
    *server.state.only_key.lock().unwrap() = Some("fake-third-key");
    let refused = source.fetch("refused").await.unwrap_err();

    assert_eq!(after.values.len(), 1);
    assert_eq!(back.values.len(), 1);
    assert!(matches!(refused, SourceError::Unauthorized(_)));
    // One request with each of the two keys, and no request for another key.
    let asked =
        |id| server.state.seen.lock().unwrap().iter().filter(|(_, headers)| headers[CORRELATION_ID] == id).count();
    assert_eq!(asked("refused"), 2);
}

#[tokio::test]
async fn a_probe_requests_the_health() {
    let healthy = Server::start([("health", KeyResponse::Body(r#"{"status": "healthy"}"#.to_owned()))], None).await;
    let unhealthy = Server::start([("health", KeyResponse::Status(503))], None).await;

    assert_eq!(healthy.source(&[]).probe("an-id").await, Ok(()));
    let fault = unhealthy.source(&[]).probe("an-id").await.unwrap_err();
    assert_eq!(fault, SourceError::Unavailable("the config service returned status 503".to_owned()));
    assert_eq!(healthy.paths(), ["/health"]);
}

#[test]
fn only_plain_urls_of_a_host_are_allowed() {
    for allowed in ["http://config:8100", "http://127.0.0.1:1/", "http://[::1]:1/base/path"] {
        assert_eq!(ServiceUrl::parse(allowed).unwrap().to_string(), allowed.trim_end_matches('/'));
    }
    for refused in
        ["", "config:8100", "ftp://config", "https://", "http://", "file:///x", "http://u:p@config", "http://c/?a=b"]
    {
        assert_eq!(ServiceUrl::parse(refused), None, "{refused}");
    }
}

#[test]
fn an_invalid_header_value_as_key_is_rejected_and_not_shown() {
    let url = ServiceUrl::parse("http://config").unwrap();

    let fault =
        ConfigServiceSource::new(url, "prod", &Secret::new("fake\nkey"), BTreeMap::new(), |_, _| true, &Tls::default())
            .err()
            .unwrap();

    assert!(!fault.to_string().contains("fake"));
}
