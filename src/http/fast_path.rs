//! Responses from the local cache, before the router.
//!
//! When the market opens, all callers request plans, and most of these plans were just created. A lookup takes a
//! microsecond, but routes, layers and extractors take several. Therefore two kinds of requests are recognized by
//! method and path and handled here: plan requests, whose identical repeats are served before they are parsed, and
//! cached plans that are read by id. Every other request goes to the router, which handles all kinds. Both paths share
//! the key check, the permits, the headers and the metrics of the [middleware](super::middleware).

use std::convert::Infallible;
use std::future::Ready;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use axum::{BoxError, Router};
use futures_util::future::Either;
use registry_actors::trace;
use tower_service::Service;

use super::body::{self, JsonBody, PLAN_BODY_BYTES_MAX};
use super::context::{AppState, RequestContext, RequestedPath, snapshot};
use super::draining::DrainedBody;
use super::endpoints::{PLAN_ENDPOINT, READ_ENDPOINT};
use super::hang_up::{AnswerFuture, UnansweredRequest};
use super::health::name_cause;
use super::shedding::{HeldUntil, Shedding};
use super::{idempotency, middleware, plans, profiles};

/// See the [module](self).
#[derive(Clone)]
pub(crate) struct FastPath {
    state: Arc<AppState>,
    router: Router,
    shedding: Arc<Shedding>,
    peer: Option<SocketAddr>,
    /// The time until which the next rejection on this connection is delayed.
    held: Arc<HeldUntil>,
}

impl FastPath {
    pub(crate) fn new(state: Arc<AppState>, router: Router, connections_max: usize) -> Self {
        let shedding = Arc::new(Shedding::new(connections_max));
        FastPath { state, router, shedding, peer: None, held: Arc::default() }
    }
}

/// Creates a [`FastPath`] for each connection.
pub(crate) struct FastPathMaker(pub(crate) FastPath);

impl Service<SocketAddr> for FastPathMaker {
    type Response = FastPath;
    type Error = Infallible;
    type Future = Ready<Result<FastPath, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, peer: SocketAddr) -> Self::Future {
        std::future::ready(Ok(FastPath { peer: Some(peer), held: Arc::default(), ..self.0.clone() }))
    }
}

impl<B> Service<Request<B>> for FastPath
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = AnswerFuture<
        Either<RouteFuture<Infallible>, Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send + 'static>>>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // A caller that expects `100 Continue` sends its body only after that.
        let is_sent_in_any_case = !request.headers().contains_key(header::EXPECT);
        let mut request =
            request.map(|body| if is_sent_in_any_case { Body::new(DrainedBody::new(body)) } else { Body::new(body) });
        if profiles::is_below(request.uri().path()) {
            prepare_for_profiles(&mut request);
        }
        let mut front = self.clone();
        let context = RequestContext::begin(request.headers());
        let method = middleware::method_label(request.method());
        let unanswered =
            UnansweredRequest::new(Arc::clone(&front.state), context.clone(), method, request.uri().clone());
        let is_plan_request = is_plan_request(&request);
        if !is_plan_request && read_by_id(&request).is_none() {
            request.extensions_mut().insert(context);
            if let Some(peer) = self.peer {
                request.extensions_mut().insert(ConnectInfo(peer));
            }
            return AnswerFuture::new(unanswered, Either::Left(front.router.call(request)));
        }
        let answer = async move {
            let result = if is_plan_request {
                plan_response(&front, context.clone(), request).await
            } else {
                cached_plan_response(&front.state, context.clone(), request).await
            };
            match result {
                FastPathResult::Response(response) => Ok(response),
                FastPathResult::NotHandled(mut request) => {
                    request.extensions_mut().insert(context);
                    front.router.call(request).await
                }
            }
        };
        AnswerFuture::new(unanswered, Either::Right(Box::pin(answer)))
    }
}

/// Replaces the path of a profile by its canonical form.
fn prepare_for_profiles(request: &mut Request) {
    let requested = request.uri().path();
    let Some(mut canonical) = profiles::canonical(requested) else { return };
    let requested = RequestedPath(requested.into());
    if let Some(query) = request.uri().query() {
        canonical.push('?');
        canonical.push_str(query);
    }
    // The rest of the path was valid, so the new path is.
    if let Ok(uri) = Uri::try_from(canonical) {
        *request.uri_mut() = uri;
        request.extensions_mut().insert(requested);
    }
}

enum FastPathResult {
    Response(Response),
    NotHandled(Request),
}

/// Whether the request is a plan request of known length whose response depends only on the request, the settings, the
/// catalog and the trading date.
fn is_plan_request(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::POST
        && request.uri().path() == PLAN_ENDPOINT.1
        && body::is_json(headers)
        && request.body().size_hint().exact().is_some_and(|length| length <= PLAN_BODY_BYTES_MAX as u64)
        // The response to a request with a key depends on earlier requests, which a fingerprint does not cover.
        && !headers.contains_key(idempotency::HEADER)
}

async fn plan_response(front: &FastPath, context: RequestContext, request: Request) -> FastPathResult {
    let state = &*front.state;
    // The permit is taken before the body is read, because bodies need memory. If the request is rejected, the router
    // passes it to the middleware, which returns the problem.
    let Some(permit) = middleware::admit(state, &context, request.headers()) else {
        return FastPathResult::NotHandled(request);
    };
    let (parts, body) = request.into_parts();
    let (method, endpoint) = PLAN_ENDPOINT;
    let path = parts.uri.path();
    let conclude =
        |response: Response| middleware::conclude(response, state, &context, method, Some(endpoint), path, true);
    if !state.system.planners.has_capacity()
        && let Ok(snapshot) = snapshot(state)
    {
        let answer = plans::repeat_response(state, &context, &parts.uri, body, &snapshot);
        let answer = match context.trace.scope(answer).await {
            Ok(Some(response)) => response,
            Ok(None) => {
                drop(permit);
                return FastPathResult::Response(front.shedding.reject(state, &context, &front.held).await);
            }
            Err(problem) => problem.into_response(),
        };
        let answer = std::future::ready(answer);
        return FastPathResult::Response(middleware::watch(answer, &context, method, Some(endpoint), conclude).await);
    }
    let answer = async {
        let body = JsonBody::read_within(&body::PLANS, body).await?;
        plans::plan_response(state, &context, &parts.uri, &body).await
    };
    let answer = async { name_cause(state, answer.await.into_response()).await };
    FastPathResult::Response(middleware::watch(answer, &context, method, Some(endpoint), conclude).await)
}

async fn cached_plan_response(state: &AppState, context: RequestContext, request: Request) -> FastPathResult {
    let Some(_permit) = middleware::admit(state, &context, request.headers()) else {
        return FastPathResult::NotHandled(request);
    };
    // Plans are served only after settings and catalog are loaded.
    let Ok(snapshot) = snapshot(state) else { return FastPathResult::NotHandled(request) };
    let plan_id = read_by_id(&request);
    let look_up = || plan_id.and_then(|plan_id| state.system.cache.hit_by_id(plan_id));
    let Some(cached) = trace::within(Some(Arc::clone(&context.trace)), look_up) else {
        return FastPathResult::NotHandled(request);
    };
    let (method, endpoint) = READ_ENDPOINT;
    let (parts, _) = request.into_parts();
    let path = parts.uri.path();
    let conclude =
        |response: Response| middleware::conclude(response, state, &context, method, Some(endpoint), path, true);
    let answer = plans::plan_by_id_response(state, &snapshot, &context, &parts.uri, &parts.headers, cached);
    let answer = async { answer.await.into_response() };
    FastPathResult::Response(middleware::watch(answer, &context, method, Some(endpoint), conclude).await)
}

/// Returns the id of the plan if the request reads a plan by id without any option.
fn read_by_id(request: &Request) -> Option<&str> {
    let (prefix, _) = READ_ENDPOINT.1.split_once('{')?;
    let plan_id = request.uri().path().strip_prefix(prefix)?;
    let is_plain = plan_id.len() == 37 && plan_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (request.method() == Method::GET && is_plain && request.uri().query().is_none()).then_some(plan_id)
}
