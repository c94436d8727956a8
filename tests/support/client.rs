//! A client of the API, and the answers that it receives.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::{BASE, KEY, fields};

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    origin: String,
    key: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build();
        let http = http.expect("a client without TLS needs nothing");
        Client { http, origin: format!("http://{address}"), key: KEY.to_owned() }
    }

    pub(crate) fn with_key(self, key: &str) -> Self {
        Client { key: key.to_owned(), ..self }
    }

    /// Returns the host and port, and the key, for requests that an HTTP client cannot send.
    pub(crate) fn raw(&self) -> (String, String) {
        (self.origin.trim_start_matches("http://").to_owned(), self.key.clone())
    }

    /// Builds a request with the key. A path without a leading slash is relative to `BASE`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_without_key(method, path).header("X-Internal-API-Key", &self.key)
    }

    pub(crate) fn request_without_key(&self, method: Method, path: &str) -> RequestBuilder {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{BASE}/{path}") };
        self.http.request(method, format!("{}{path}", self.origin))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(body)).await
    }

    /// Posts a body unchanged, with the content type of JSON.
    pub(crate) async fn post_text(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.request(Method::POST, path).header("Content-Type", "application/json");
        Answer::to(request.body(body.into())).await
    }

    /// Requests a plan, and returns the answer with any status.
    pub(crate) async fn ask(&self, user_id: &str, body: &Value) -> Answer {
        self.post(&format!("plan?user_id={user_id}"), body).await
    }

    /// Requests a plan, and returns the body. Panics unless the status is 200.
    pub(crate) async fn plan(&self, user_id: &str, body: &Value) -> Value {
        self.ask(user_id, body).await.json()
    }

    /// Returns the body of a resource. Panics unless the status is 200.
    pub(crate) async fn read(&self, path: &str) -> Value {
        self.get(path).await.json()
    }

    /// Returns the sum of all metrics whose lines begin with this text.
    pub(crate) async fn metric_sum(&self, series: &str) -> f64 {
        let text = self.get("/metrics").await.text;
        let values = text.lines().filter(|line| line.starts_with(series)).filter_map(|line| line.rsplit(' ').next());
        values.map(|value| value.parse::<f64>().expect("a metric has a value")).sum()
    }

    /// Returns the value of a metric, which is identified by its line without the value. `None` if the line is missing.
    pub(crate) async fn metric(&self, series: &str) -> Option<f64> {
        let text = self.get("/metrics").await.text;
        let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))?;
        line[series.len()..].trim().parse().ok()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Sends a request that must be answered, with any status.
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        Self::attempt(request).await.expect("the service answers")
    }

    /// Sends a request. Returns an error if the service closes the connection without an answer.
    pub(crate) async fn attempt(request: RequestBuilder) -> reqwest::Result<Self> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }

    /// Returns the value of a header; empty if the header is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("the header is ASCII"))
    }

    /// Returns the body. Panics unless it is JSON with the status 200.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        assert_eq!(self.header("Content-Type"), "application/json", "{}", self.text);
        serde_json::from_str(&self.text).expect("the body is JSON")
    }

    /// Returns the problem document. Panics unless it has this status and code, and exactly the fields of its code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let has_errors = ["validation_failed", "pinned_over_capacity"].contains(&code);
        let expected: &[&str] = if has_errors { &["errors"] } else { &[] };
        self.problem_with(status, code, expected)
    }

    /// Returns the problem document of a profile with conflicts, which has the fields `conflicts` and `errors` in
    /// addition.
    #[track_caller]
    pub(crate) fn problem_with_conflicts(&self, status: u16, code: &str) -> Value {
        self.problem_with(status, code, &["conflicts", "errors"])
    }

    #[track_caller]
    fn problem_with(&self, status: u16, code: &str, more: &[&str]) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("Content-Type"), "application/problem+json");
        let problem: Value = serde_json::from_str(&self.text).expect("a problem is JSON");

        let mut expected =
            vec!["code", "correlation_id", "detail", "instance", "response_time_ms", "status", "title", "type"];
        expected.extend(more);
        expected.sort_unstable();
        assert_eq!(fields(&problem), expected);
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["correlation_id"], self.header("X-Correlation-ID"));
        assert!(problem["instance"].as_str().is_some_and(|path| path.starts_with('/')), "{problem}");
        for text in ["type", "title", "detail"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{text}: {problem}");
        }
        assert!(problem["response_time_ms"].is_u64(), "{problem}");
        problem
    }

    /// Returns the faults of a request that was rejected with 422: the detail of each by its pointer.
    #[track_caller]
    pub(crate) fn faults(&self) -> BTreeMap<String, String> {
        let problem = self.problem(422, "validation_failed");
        let faults = problem["errors"].as_array().expect("errors is a list");
        let text = |value: &Value| value.as_str().expect("the value is a string").to_owned();
        let by_pointer: BTreeMap<String, String> = faults
            .iter()
            .map(|fault| {
                assert_eq!(fields(fault), ["detail", "pointer"]);
                (text(&fault["pointer"]), text(&fault["detail"]))
            })
            .collect();
        assert_eq!(by_pointer.len(), faults.len(), "each pointer has one fault: {problem}");
        by_pointer
    }

    /// Returns the pointers of the faults, sorted.
    #[track_caller]
    pub(crate) fn pointers(&self) -> Vec<String> {
        self.faults().into_keys().collect()
    }
}
