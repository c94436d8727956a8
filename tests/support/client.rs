//! A client of the API, and what it was answered.

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

    /// Host and port, and the key, for requests that no client would write.
    pub(crate) fn raw(&self) -> (String, String) {
        (self.origin.trim_start_matches("http://").to_owned(), self.key.clone())
    }

    /// A request with the key. A path without a slash in front is below `subscriptions`.
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

    /// Posts a body as it stands, said to be JSON.
    pub(crate) async fn post_text(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.request(Method::POST, path).header("Content-Type", "application/json");
        Answer::to(request.body(body.into())).await
    }

    /// Asks for a plan.
    pub(crate) async fn ask(&self, user_id: &str, body: &Value) -> Answer {
        self.post(&format!("plan?user_id={user_id}"), body).await
    }

    /// Asks for a plan that must be made or found.
    pub(crate) async fn plan(&self, user_id: &str, body: &Value) -> Value {
        self.ask(user_id, body).await.json()
    }

    /// Reads what must be there.
    pub(crate) async fn read(&self, path: &str) -> Value {
        self.get(path).await.json()
    }

    /// The sum of all metrics whose lines begin with this.
    pub(crate) async fn metric_sum(&self, series: &str) -> f64 {
        let text = self.get("/metrics").await.text;
        let values = text.lines().filter(|line| line.starts_with(series)).filter_map(|line| line.rsplit(' ').next());
        values.map(|value| value.parse::<f64>().expect("a metric has a value")).sum()
    }

    /// The value of a metric, by its whole line up to the value. `None` where there is no such line.
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
    /// The answer to a request.
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        Self::attempt(request).await.expect("the service answers")
    }

    /// The answer to a request, unless the service goes away.
    pub(crate) async fn attempt(request: RequestBuilder) -> reqwest::Result<Self> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }

    /// A header's value, empty where it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("the header is ASCII"))
    }

    /// The body of an answer with status 200.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!((self.status, self.header("Content-Type")), (200, "application/json"), "{}", self.text);
        serde_json::from_str(&self.text).expect("the body is JSON")
    }

    /// The problem document, which must be of this status and code, and in the one style of all.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let has_errors = ["validation_failed", "pinned_over_capacity"].contains(&code);
        let expected: &[&str] = if has_errors { &["errors"] } else { &[] };
        self.problem_with(status, code, expected)
    }

    /// The problem document of a profile that conflicts with something.
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
        assert_eq!((&problem["status"], &problem["code"]), (&status.into(), &code.into()), "{problem}");
        assert_eq!(problem["correlation_id"], self.header("X-Correlation-ID"));
        assert!(problem["instance"].as_str().is_some_and(|path| path.starts_with('/')), "{problem}");
        for text in ["type", "title", "detail"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{text}: {problem}");
        }
        assert!(problem["response_time_ms"].is_u64(), "{problem}");
        problem
    }

    /// Every fault of a request that was refused with 422: pointer and detail.
    #[track_caller]
    pub(crate) fn faults(&self) -> BTreeMap<String, String> {
        let problem = self.problem(422, "validation_failed");
        let faults = problem["errors"].as_array().expect("errors is a list");
        let text = |value: &Value| value.as_str().expect("it is a text").to_owned();
        let by_pointer: BTreeMap<String, String> = faults
            .iter()
            .map(|fault| {
                assert_eq!(fields(fault), ["detail", "pointer"]);
                (text(&fault["pointer"]), text(&fault["detail"]))
            })
            .collect();
        assert_eq!(by_pointer.len(), faults.len(), "a fault is told once: {problem}");
        by_pointer
    }

    /// Where the faults are, sorted.
    #[track_caller]
    pub(crate) fn pointers(&self) -> Vec<String> {
        self.faults().into_keys().collect()
    }
}
