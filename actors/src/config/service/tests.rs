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
enum Says {
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
    says: BTreeMap<&'static str, Says>,
    /// The response for every key that is not in `says`.
    otherwise: Option<Says>,
    seen: Mutex<Vec<(Uri, HeaderMap)>>,
    in_flight: Mutex<(usize, usize)>,
    /// The only API key that the server accepts. `None`: it accepts every key.
    only_key: Mutex<Option<&'static str>>,
}

fn value(text: &str) -> Says {
    Says::Body(serde_json::json!({"secret_value": text}).to_string())
}

impl Server {
    async fn start(says: impl IntoIterator<Item = (&'static str, Says)>, otherwise: Option<Says>) -> Self {
        let state = Arc::new(ServerState { says: says.into_iter().collect(), otherwise, ..ServerState::default() });
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
    let url = ConfigServiceUrl::parse(url).unwrap();
    ConfigServiceSource::new(
        url,
        "staging",
        &Secret::new(KEY),
        secrets.iter().map(|key| (*key, Need::Required)).collect(),
        |_, _| true,
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
    let refusal = (!is_let_in).then_some(&Says::Status(401));
    let says =
        refusal.or_else(|| state.says.get(key)).or(state.otherwise.as_ref()).cloned().unwrap_or(Says::Status(404));
    let response = match says {
        Says::Status(status) => axum::http::StatusCode::from_u16(status).unwrap().into_response(),
        Says::Body(body) => body.into_response(),
        Says::Streams(bytes) => {
            let pieces = (0..bytes / 1024).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024]));
            Body::from_stream(stream::iter(pieces)).into_response()
        }
        Says::After(delay, body) => {
            sleep(delay).await;
            body.into_response()
        }
        Says::RedirectsTo(url) => Redirect::temporary(&url).into_response(),
    };
    state.in_flight.lock().unwrap().0 -= 1;
    response
}

#[tokio::test]
async fn both_forms_of_an_answer_are_read_and_a_key_that_is_not_known_is_not_there() {
    let older = Says::Body(r#"{"value": "60"}"#.to_owned());
    let server = Server::start([(TTL, value("30")), (TIMEOUT, older)], None).await;

    let answers = server.fetch().await.unwrap();

    let expected =
        [(TTL, ("30".to_owned(), Origin::ConfigService)), (TIMEOUT, ("60".to_owned(), Origin::ConfigService))];
    assert_eq!(answers.values, BTreeMap::from(expected));
    assert!(answers.unanswered.is_empty());
    assert_eq!(server.paths().len(), SETTINGS.len());
}

#[tokio::test]
async fn every_request_names_key_and_environment_and_carries_our_key_and_the_correlation_id() {
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
async fn a_key_that_is_refused_is_told_and_the_other_keys_are_not_asked_for() {
    let server = Server::start([], Some(Says::Status(401))).await;

    let fault = server.fetch().await.unwrap_err();

    assert_eq!(fault.to_string(), "failed to read settings: the config service rejected the API key (401)");
    assert!(matches!(fault, SourceError::Unauthorized(_)));
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn one_key_that_fails_leaves_the_others_readable() {
    let slow = Says::After(Duration::from_secs(10), r#"{"value": "60"}"#.to_owned());
    let server = Server::start([(TTL, slow), (TIMEOUT, Says::Status(500)), (FIRST, value("low"))], None).await;

    let answers = server.fetch().await.unwrap();

    assert_eq!(answers.values[FIRST].0, "low");
    let unanswered: Vec<_> = answers.unanswered.iter().map(|(key, why)| (*key, why.as_str())).collect();
    assert_eq!(unanswered, [(TIMEOUT, "the config service returned status 500"), (TTL, "config service timeout")]);
}

#[tokio::test]
async fn a_service_that_does_not_answer_costs_one_timeout() {
    let slow = Says::After(Duration::from_secs(10), String::new());
    let server = Server::start([], Some(slow)).await;

    let started_at = Instant::now();
    let fault = server.fetch().await.unwrap_err();

    assert_eq!(fault, SourceError::Unavailable("config service timeout".to_owned()));
    assert!(started_at.elapsed() < 2 * REQUEST_TIMEOUT, "{:?}", started_at.elapsed());
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_told_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();

    let fault = source(&format!("http://{closed}"), &[]).fetch("an-id").await.unwrap_err();

    let why = "config service connection failed: connection refused";
    assert_eq!(fault, SourceError::Unavailable(why.to_owned()));
}

#[tokio::test]
async fn a_service_that_answers_no_key_has_failed() {
    let server = Server::start([], Some(Says::Status(503))).await;

    let fault = server.fetch().await.unwrap_err();

    assert_eq!(fault, SourceError::Unavailable("the config service returned status 503".to_owned()));
}

#[tokio::test]
async fn answers_of_no_use_are_refused_without_being_shown() {
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
        let server = Server::start([(TTL, Says::Body(body.to_owned()))], None).await;

        let answers = server.fetch().await.unwrap();

        assert_eq!(answers.unanswered, BTreeMap::from([(TTL, expected.to_owned())]), "{body}");
    }
}

#[tokio::test]
async fn an_answer_may_be_as_large_as_the_limit_and_no_larger() {
    let padded = |bytes: usize| {
        let answer = r#"{"secret_value": "30"}"#;
        Says::Body(format!("{answer}{}", " ".repeat(bytes - answer.len())))
    };
    let says = [(TTL, padded(BODY_BYTES_MAX)), (TIMEOUT, padded(BODY_BYTES_MAX + 1)), (FIRST, Says::Streams(1 << 20))];
    let server = Server::start(says, None).await;

    let answers = server.fetch().await.unwrap();

    assert_eq!(answers.values[TTL].0, "30");
    assert_eq!(answers.unanswered[TIMEOUT], "the config service returned more than 65536 bytes");
    assert_eq!(answers.unanswered[FIRST], "the config service returned more than 65536 bytes");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start([], Some(value("30"))).await;
    let redirect = Says::RedirectsTo(format!("http://{}/", elsewhere.address));
    let server = Server::start([(TTL, redirect)], None).await;

    let answers = server.fetch().await.unwrap();

    assert_eq!(answers.unanswered[TTL], "the config service returned status 307; redirects are not followed");
    assert!(elsewhere.paths().is_empty());
}

#[tokio::test]
async fn four_requests_are_under_way_at_most() {
    let server = Server::start([], Some(Says::After(Duration::from_millis(50), r#"{"value": "1"}"#.to_owned()))).await;

    server.fetch().await.unwrap();

    assert_eq!(server.state.in_flight.lock().unwrap().1, CONCURRENCY);
}

#[tokio::test]
async fn secrets_are_read_beside_the_settings_and_an_empty_one_is_none() {
    let says = [("DATABASE_URL", value(" postgres://fake \n")), ("REDIS_URL", value(" ")), (TTL, value("30"))];
    let server = Server::start(says, None).await;

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
async fn once_the_key_is_refused_it_is_asked_with_the_one_that_it_held() {
    let server = Server::start([("INTERNAL_API_KEY", value("fake-new-key")), (TTL, value("30"))], None).await;
    let source = server.source(SecretKey::ALL);
    source.fetch("before").await.unwrap();

    *server.state.only_key.lock().unwrap() = Some("fake-new-key");
    let after = source.fetch("after").await.unwrap();
    *server.state.only_key.lock().unwrap() = Some(KEY);
    let back = source.fetch("back").await.unwrap();
    *server.state.only_key.lock().unwrap() = Some("fake-third-key");
    let refused = source.fetch("refused").await.unwrap_err();

    assert_eq!((after.values.len(), back.values.len()), (1, 1));
    assert!(matches!(refused, SourceError::Unauthorized(_)));
    // One request with each of the two keys, and no request for another key.
    let asked =
        |id| server.state.seen.lock().unwrap().iter().filter(|(_, headers)| headers[CORRELATION_ID] == id).count();
    assert_eq!(asked("refused"), 2);
}

#[tokio::test]
async fn a_probe_asks_for_its_health() {
    let healthy = Server::start([("health", Says::Body(r#"{"status": "healthy"}"#.to_owned()))], None).await;
    let unhealthy = Server::start([("health", Says::Status(503))], None).await;

    assert_eq!(healthy.source(&[]).probe("an-id").await, Ok(()));
    let fault = unhealthy.source(&[]).probe("an-id").await.unwrap_err();
    assert_eq!(fault, SourceError::Unavailable("the config service returned status 503".to_owned()));
    assert_eq!(healthy.paths(), ["/health"]);
}

#[test]
fn only_plain_urls_of_a_host_are_allowed() {
    for allowed in ["http://config:8100", "http://127.0.0.1:1/", "http://[::1]:1/base/path"] {
        assert_eq!(ConfigServiceUrl::parse(allowed).unwrap().to_string(), allowed.trim_end_matches('/'));
    }
    for refused in ["", "config:8100", "https://config", "http://", "file:///x", "http://u:p@config", "http://c/?a=b"] {
        assert_eq!(ConfigServiceUrl::parse(refused), None, "{refused}");
    }
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_without_being_shown() {
    let url = ConfigServiceUrl::parse("http://config").unwrap();

    let fault =
        ConfigServiceSource::new(url, "prod", &Secret::new("fake\nkey"), BTreeMap::new(), |_, _| true).err().unwrap();

    assert!(!fault.to_string().contains("fake"));
}
