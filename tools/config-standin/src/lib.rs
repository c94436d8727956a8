//! A stand-in for the platform's config service that serves its contract from a file.
//!
//! The file is a JSON object of keys and values. It is read again for every request, so an edit changes a setting
//! immediately. Values are the same in every environment. Not for production, because secrets are in a plain file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

/// The configuration of a stand-in, which all its requests share.
#[derive(Clone, Debug)]
pub struct Standin {
    /// The file with the JSON object of keys and values.
    pub file: PathBuf,
    /// The key that callers must send as `X-Internal-API-Key`.
    pub api_key: String,
    /// Whether responses have the older format `{"value": …}`.
    pub is_legacy: bool,
}

/// Returns the routes: `/health` and `/api/v1/secrets/{key}/value`.
pub fn router(standin: Standin) -> Router {
    Router::new()
        .route("/health", get(|| async { Json(json!({"status": "healthy", "service": "config-standin"})) }))
        .route("/api/v1/secrets/{key}/value", get(value))
        .with_state(Arc::new(standin))
}

async fn value(
    State(standin): State<Arc<Standin>>,
    Path(key): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if headers.get("x-internal-api-key").is_none_or(|key| key.as_bytes() != standin.api_key.as_bytes()) {
        return refuse(StatusCode::UNAUTHORIZED, "the header X-Internal-API-Key is missing or wrong");
    }
    if !query.contains_key("environment") {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "the query parameter `environment` is required");
    }
    let Some(values) = tokio::fs::read(&standin.file).await.ok().and_then(|bytes| parse(&bytes)) else {
        return refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "the file is missing or is not a JSON object of strings, numbers and booleans",
        );
    };
    match values.get(&key) {
        Some(value) if standin.is_legacy => Json(json!({"value": value})).into_response(),
        Some(value) => Json(json!({"secret_value": value})).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "unknown key"),
    }
}

/// Parses the file. Numbers and booleans become the strings that the config service would store.
fn parse(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let values: BTreeMap<String, Value> = serde_json::from_slice(bytes).ok()?;
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    values.into_iter().map(|(key, value)| Some((key, text(value)?))).collect()
}

fn refuse(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({"detail": detail}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns status and body of a response, from a file with this content.
    async fn ask(file: &str, is_legacy: bool, path: &str, api_key: &str) -> (u16, Value) {
        let folder = tempfile::tempdir().unwrap();
        let path_of_file = folder.path().join("settings.json");
        std::fs::write(&path_of_file, file).unwrap();
        let router = router(Standin { file: path_of_file, api_key: "fake-key".to_owned(), is_legacy });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });

        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        let request = client.get(format!("http://{address}{path}")).header("X-Internal-API-Key", api_key);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    const FILE: &str = r#"{"A": "one", "B": 2, "C": true}"#;

    #[tokio::test]
    async fn a_known_key_is_returned_in_either_format() {
        let path = "/api/v1/secrets/A/value?environment=prod";

        assert_eq!(ask(FILE, false, path, "fake-key").await, (200, json!({"secret_value": "one"})));
        assert_eq!(ask(FILE, true, path, "fake-key").await, (200, json!({"value": "one"})));
    }

    #[tokio::test]
    async fn numbers_and_booleans_are_returned_as_strings() {
        for (key, expected) in [("B", "2"), ("C", "true")] {
            let path = format!("/api/v1/secrets/{key}/value?environment=prod");
            assert_eq!(ask(FILE, false, &path, "fake-key").await.1, json!({"secret_value": expected}));
        }
    }

    #[tokio::test]
    async fn errors_have_the_status_of_the_contract() {
        let table = [
            (FILE, "/api/v1/secrets/D/value?environment=prod", "fake-key", 404),
            (FILE, "/api/v1/secrets/A/value?environment=prod", "other", 401),
            (FILE, "/api/v1/secrets/A/value?environment=prod", "", 401),
            (FILE, "/api/v1/secrets/A/value", "fake-key", 422),
            ("not this", "/api/v1/secrets/A/value?environment=prod", "fake-key", 503),
            (r#"{"A": ["one"]}"#, "/api/v1/secrets/A/value?environment=prod", "fake-key", 503),
        ];
        for (file, path, api_key, expected) in table {
            assert_eq!(ask(file, false, path, api_key).await.0, expected, "{file} {path} {api_key}");
        }
    }

    #[tokio::test]
    async fn health_requires_no_key() {
        let (status, body) = ask(FILE, false, "/health", "").await;

        assert_eq!(status, 200);
        assert_eq!(body["status"], "healthy");
    }
}
