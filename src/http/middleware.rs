//! The middleware of all requests: ids, key check, permits, problem documents, metrics and headers.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody as _};
use axum::extract::{Extension, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use metrics::counter;
use tokio::sync::SemaphorePermit;
use tracing::{Instrument, error};

use super::completion::Completion;
use super::context::{AppState, CORRELATION_ID, OnProbePort, RequestContext, RequestedPath, TRACEPARENT};
use super::hang_up;
use super::health::name_cause;
use super::keys::{API_KEY, KeyCheck};
use super::problem::{Problem, ProblemDocument, ProblemType};
use super::server_timing::{SERVER_TIMING, server_timing};
use crate::metrics::REQUESTS_SHED;

/// See the [module](self).
pub(crate) async fn pass(
    State(state): State<Arc<AppState>>,
    Extension(context): Extension<RequestContext>,
    request: Request,
    next: Next,
) -> Response {
    let method = method_label(request.method());
    let endpoint = request.extensions().get::<MatchedPath>().cloned();
    let endpoint = endpoint.as_ref().map(MatchedPath::as_str);
    let path = match request.extensions().get::<RequestedPath>() {
        Some(RequestedPath(path)) => path.to_string(),
        None => request.uri().path().to_owned(),
    };
    let has_api = request.extensions().get::<OnProbePort>().is_none();
    let is_private = has_api && ["/api", "/actuator"].iter().any(|root| is_below(&path, root));
    // Acquire the permit before reading the body, because bodies need memory. The permit is held until the response
    // starts: the memory for lists and the number of connections bound the responses that are sent in parts.
    let permit = if is_private { state.permits.try_acquire().map(Some) } else { Ok(None) };
    let key = if is_private { check_key(&state, &context, request.headers()) } else { Ok(()) };
    let conclude = |response: Response| conclude(response, &state, &context, method, endpoint, &path, is_private);
    let answer = async {
        if let Err(problem) = key {
            problem.into_response()
        } else if permit.is_err() {
            counter!(REQUESTS_SHED).increment(1);
            Problem::overloaded().into_response()
        } else {
            name_cause(&state, next.run(request).await).await
        }
    };
    watch(answer, &context, method, endpoint, conclude).await
}

/// Runs a handler in the span of its request. A panic becomes a problem.
pub(super) async fn watch(
    answer: impl Future<Output = Response>,
    context: &RequestContext,
    method: &'static str,
    endpoint: Option<&str>,
    conclude: impl FnOnce(Response) -> Response,
) -> Response {
    let span = context.span(method, endpoint);
    let answer = AssertUnwindSafe(context.trace.scope(answer).instrument(span.clone())).catch_unwind().await;
    span.in_scope(|| conclude(answer.unwrap_or_else(|panic| after_panic(&*panic))))
}

/// Returns a permit if one is available and the key is valid.
pub(super) fn admit<'a>(
    state: &'a AppState,
    context: &RequestContext,
    headers: &HeaderMap,
) -> Option<SemaphorePermit<'a>> {
    let permit = state.permits.try_acquire().ok()?;
    check_key(state, context, headers).ok().map(|()| permit)
}

/// Completes a response: writes the problem document and the headers, and records metrics and a log line. `endpoint` is
/// the template of the route, never the path, because a label has a closed list of values.
pub(super) fn conclude(
    mut response: Response,
    state: &AppState,
    context: &RequestContext,
    method: &'static str,
    endpoint: Option<&str>,
    path: &str,
    is_private: bool,
) -> Response {
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        response = with_document(response, problem, context, path);
    }
    let took = context.arrived_at.elapsed();
    add_headers(response.headers_mut(), is_private);
    add_request_headers(response.headers_mut(), context, (is_private && state.has_server_timing).then_some(took));
    if problem.as_ref().is_some_and(|problem| problem.has_hung_up) {
        // The caller is gone: nobody receives the problem.
        hang_up::record(state, context, method, endpoint, took);
        return response;
    }
    let (status, bytes) = (response.status(), response.body().size_hint().exact());
    let completion = Completion { method, endpoint, status, took, bytes, problem: problem.as_ref() };
    completion.log(context, completion.record(state, context));
    response
}

/// Returns the headers of a problem on a private path, and its document without correlation id and response time.
pub(super) fn rejection(problem: &Problem, path: &str) -> (HeaderMap, Vec<u8>) {
    let mut context = RequestContext::begin(&HeaderMap::new());
    context.correlation_id = "".into();
    let response = with_document(problem.clone().into_response(), problem, &context, path).map(drop);
    let mut headers = response.into_parts().0.headers;
    add_headers(&mut headers, true);
    (headers, document(problem, &context, path))
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Checks the key of a request, and records its name.
///
/// # Errors
/// The problem of a request without a valid key.
fn check_key(state: &AppState, context: &RequestContext, headers: &HeaderMap) -> Result<(), Problem> {
    let key = headers.get(API_KEY).map_or(&[][..], HeaderValue::as_bytes);
    match state.api_keys.check(key, Instant::now()) {
        KeyCheck::Accepted(name) => {
            context.set_key(name);
            Ok(())
        }
        KeyCheck::Rejected => Err(Problem::unauthorized()),
        KeyCheck::Unknown => Err(Problem::unavailable(
            "not_ready",
            "API key not yet received from the config service; retry later",
            Duration::from_secs(2),
        )),
    }
}

pub(super) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

fn after_panic(panic: &(dyn Any + Send)) -> Response {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    error!(panic = message.unwrap_or("no message"), "handler panicked");
    Problem::internal().into_response()
}

fn document(problem: &Problem, context: &RequestContext, path: &str) -> Vec<u8> {
    let document = ProblemDocument {
        kind: ProblemType(problem.code),
        title: problem.status.canonical_reason().unwrap_or("Error"),
        status: problem.status.as_u16(),
        detail: &problem.detail,
        instance: path,
        code: problem.code,
        correlation_id: &context.correlation_id,
        errors: &problem.faults,
        conflicts: &problem.conflicts,
        response_time_ms: context.elapsed_ms(),
    };
    serde_json::to_vec(&document).unwrap_or_default()
}

/// Writes the document of a problem.
fn with_document(response: Response, problem: &Problem, context: &RequestContext, path: &str) -> Response {
    let bytes = document(problem, context, path);
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if problem.status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("X-Internal-API-Key"));
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The policy of every response that is not a page.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Adds the headers that do not depend on the request.
fn add_headers(headers: &mut HeaderMap, is_private: bool) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    headers.reserve(fixed.len() + 7);
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The pages of the documentation have policies of their own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    if is_private {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

/// Adds the ids of the request, and the time in each stage if `took` has the whole time.
pub(super) fn add_request_headers(headers: &mut HeaderMap, context: &RequestContext, took: Option<Duration>) {
    if let Ok(id) = HeaderValue::from_str(&context.correlation_id) {
        headers.insert(CORRELATION_ID, id);
    }
    if context.is_traced
        && let Ok(traceparent) = HeaderValue::from_str(context.trace.context().traceparent())
    {
        headers.insert(TRACEPARENT, traceparent);
    }
    if let Some(timing) = took.and_then(|took| server_timing(&context.trace, took)) {
        headers.insert(SERVER_TIMING, timing);
    }
}
