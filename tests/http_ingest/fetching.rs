//! Files that the service fetches from another server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use reqwest::Method;
use serde_json::json;

use super::{FEW, ask, id, kite, kite_of, start_file_server, symbols, until};
use crate::support::{Answer, REGISTRY, Service, texts};

const ORIGINS: &str = "INSTRUMENT_REGISTRY_INGEST_ORIGINS";

fn redirect(to: &str) -> impl IntoResponse + use<> {
    (StatusCode::FOUND, [(header::LOCATION, to.to_owned())])
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_between_allowed_origins_are_followed() {
    let file = || async { kite(&[("ONE", 1)]) };
    let target = start_file_server(Router::new().route("/kite_2026-11-20.csv", get(file))).await;
    let to = format!("http://{target}/kite_2026-11-20.csv");
    let redirecting = Router::new()
        .route("/moved", get(|| async { redirect("/again") }))
        .route("/again", get(move || async move { redirect(&to) }));
    let redirecting = start_file_server(redirecting).await;
    let service = Service::with(&[FEW, (ORIGINS, &format!("http://{redirecting},http://{target}"))]).await;

    let taken =
        ask(&service.client, "kite", &json!({"source": format!("http://{redirecting}/moved?token=fake")})).await;
    let done = until(&service.client, &id(&taken), "completed").await;
    super::until_served(&service.client, 1).await;

    assert_eq!(done["source"], format!("http://{redirecting}/moved"));
    assert_eq!(symbols(&service.client, true).await, ["ONE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_gets_the_trace_of_the_request() {
    let seen: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
    let note = {
        let seen = Arc::clone(&seen);
        move |headers: HeaderMap| {
            seen.lock().unwrap().push(headers);
            std::future::ready(kite(&[("ONE", 1)]))
        }
    };
    let redirecting = start_file_server(Router::new().route("/kite_2026-11-20.csv", get(note))).await;
    let service = Service::with(&[FEW, (ORIGINS, &format!("http://{redirecting}"))]).await;
    let request = service.client.request(Method::POST, &format!("{REGISTRY}/brokers/kite/ingest"));
    let request = request.header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let request = request.header("tracestate", "rojo=1").header("tracestate", "congo=2");
    let body = json!({"source": format!("http://{redirecting}/kite_2026-11-20.csv")});

    let taken = Answer::to(request.json(&body)).await;
    until(&service.client, &id(&taken), "completed").await;

    let seen = seen.lock().unwrap();
    assert_eq!(seen[0]["traceparent"], taken.header("traceparent"));
    assert!(taken.header("traceparent").starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert_eq!(seen[0]["tracestate"], "rojo=1,congo=2");
    assert!(taken.header("Server-Timing").contains("database;dur="), "{}", taken.header("Server-Timing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_fetches_report_the_cause() {
    let target = start_file_server(Router::new().route("/file", get(|| async { kite_of(3) }))).await;
    let to = format!("http://{target}/file");
    let redirecting = Router::new()
        .route("/elsewhere", get(move || async move { redirect(&to) }))
        .route("/round", get(|| async { redirect("/round") }))
        .route("/local", get(|| async { redirect("file:///etc/passwd") }))
        .route("/nowhere", get(|| async { StatusCode::FOUND }))
        .route("/error", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "try later") }))
        .route("/long", get(|| async { vec![b'x'; 2 << 20] }))
        .route(
            "/chunks",
            get(|| async {
                let chunk = || async { Some((Ok::<_, std::io::Error>(vec![b'x'; 1 << 16]), ())) };
                axum::body::Body::from_stream(futures_util::stream::unfold((), move |()| chunk()))
            }),
        )
        .route(
            "/cut",
            get(|| async {
                let cut = futures_util::stream::iter([Ok(vec![b'x'; 100]), Err(std::io::Error::other("cut"))]);
                axum::body::Body::from_stream(cut)
            }),
        );
    let redirecting = start_file_server(redirecting).await;
    let closed = "http://127.0.0.1:1";
    let origins = format!("http://{redirecting},{closed}");
    let service = Service::with(&[FEW, (ORIGINS, &origins), ("INSTRUMENT_REGISTRY_INGEST_BYTES_MAX", "1048576")]).await;

    for (url, said) in [
        (
            format!("http://{redirecting}/elsewhere"),
            format!("rejected redirect to http://{target}: not listed in INSTRUMENT_REGISTRY_INGEST_ORIGINS"),
        ),
        (format!("http://{redirecting}/round"), "too many redirects: expected at most 5".to_owned()),
        (format!("http://{redirecting}/local"), "rejected redirect: expected an http(s) URL".to_owned()),
        (format!("http://{redirecting}/nowhere"), "rejected redirect: no Location header".to_owned()),
        (format!("http://{redirecting}/error"), "expected status 200, got 503 Service Unavailable".to_owned()),
        (format!("http://{redirecting}/missing"), "expected status 200, got 404 Not Found".to_owned()),
        (format!("http://{redirecting}/long"), "the file exceeds 1048576 bytes".to_owned()),
        (format!("http://{redirecting}/chunks"), "the file exceeds 1048576 bytes".to_owned()),
        (format!("http://{redirecting}/cut"), "connection lost".to_owned()),
        (format!("{closed}/x"), "connection failed: ".to_owned()),
    ] {
        let taken = ask(&service.client, "kite", &json!({"source": url})).await;
        let failed = until(&service.client, &id(&taken), "failed").await;
        let errors = texts(&failed["errors"]);
        assert_eq!(errors.len(), 1, "{url}");
        assert!(errors[0].starts_with(&format!("{url}: {said}")), "{url}: {errors:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_an_unresponsive_source_can_be_canceled() {
    let silent = Router::new().route("/file", get(|| async { tokio::time::sleep(Duration::from_secs(60)).await }));
    let silent = start_file_server(silent).await;
    let service = Service::with(&[FEW, (ORIGINS, &format!("http://{silent}"))]).await;
    let taken = id(&ask(&service.client, "kite", &json!({"source": format!("http://{silent}/file")})).await);
    until(&service.client, &taken, "running").await;

    super::cancel(&service.client, &taken).await;

    assert_eq!(until(&service.client, &taken, "cancelled").await["errors"], json!([]));
}
