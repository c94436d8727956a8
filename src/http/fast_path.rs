//! In front of the router: what the cache at hand answers.
//!
//! When the market opens everybody asks for a plan, and most for one that was just made. To find it takes a microsecond;
//! routes, layers and extractors take several. So two kinds of requests are recognised by their path alone and answered
//! here: plan requests, among them repeats byte for byte, which are answered before they are read; and plans that are
//! read by their id, where the cache has them. Whatever is unusual about a request goes on to the router, which answers
//! all. The key, the bound on requests under way, headers and measures are the gate's for both.

use std::convert::Infallible;
use std::future::Ready;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use axum::{BoxError, Router};
use futures_util::future::Either;
use tower_service::Service;

use super::body::{self, BODY_BYTES_MAX, JsonBody};
use super::context::{AppState, RequestContext, RequestedPath, snapshot};
use super::endpoints::{PLAN_ENDPOINT, READ_ENDPOINT};
use super::health::name_cause;
use super::{idempotency, middleware, plans, profiles};

/// See the [module](self).
#[derive(Clone)]
pub(crate) struct FastPath {
    state: Arc<AppState>,
    router: Router,
    /// Who is at the other end.
    peer: Option<SocketAddr>,
}

impl FastPath {
    pub(crate) fn new(state: Arc<AppState>, router: Router) -> Self {
        FastPath { state, router, peer: None }
    }
}

/// Makes a front for each connection.
pub(crate) struct FastPathMaker(pub(crate) FastPath);

impl Service<SocketAddr> for FastPathMaker {
    type Response = FastPath;
    type Error = Infallible;
    type Future = Ready<Result<FastPath, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, peer: SocketAddr) -> Self::Future {
        std::future::ready(Ok(FastPath { peer: Some(peer), ..self.0.clone() }))
    }
}

impl<B> Service<Request<B>> for FastPath
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future =
        Either<RouteFuture<Infallible>, Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send + 'static>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut request = request.map(Body::new);
        let FastPath { state, mut router, peer } = self.clone();
        if is_plan_request(&request) {
            return Either::Right(Box::pin(async move {
                match plan(&state, request).await {
                    Outcome::Answered(response) => Ok(response),
                    Outcome::HandedOn(request) => router.call(request).await,
                }
            }));
        }
        if read_by_id(&request).is_none() {
            if profiles::is_below(request.uri().path()) {
                prepare_for_profiles(&mut request, peer);
            }
            return Either::Left(router.call(request));
        }
        Either::Right(Box::pin(async move {
            match read(&state, request).await {
                Outcome::Answered(response) => Ok(response),
                Outcome::HandedOn(request) => router.call(request).await,
            }
        }))
    }
}

/// Makes one of a profile's paths, and says who asks, which the audit log keeps.
fn prepare_for_profiles(request: &mut Request, peer: Option<SocketAddr>) {
    if let Some(peer) = peer {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    let requested = request.uri().path();
    let Some(mut canonical) = profiles::canonical(requested) else { return };
    let requested = RequestedPath(requested.into());
    if let Some(query) = request.uri().query() {
        canonical.push('?');
        canonical.push_str(query);
    }
    // A part of a path that was one remains one.
    if let Ok(uri) = Uri::try_from(canonical) {
        *request.uri_mut() = uri;
        request.extensions_mut().insert(requested);
    }
}

enum Outcome {
    Answered(Response),
    HandedOn(Request),
}

/// Whether it is a plan request of known length whose answer depends on nothing but itself, settings, catalogue and day.
fn is_plan_request(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::POST
        && request.uri().path() == PLAN_ENDPOINT.1
        && body::is_json(headers)
        && request.body().size_hint().exact().is_some_and(|length| length <= BODY_BYTES_MAX as u64)
        // Its answer depends on earlier requests, which no fingerprint covers.
        && !headers.contains_key(idempotency::HEADER)
}

async fn plan(state: &AppState, mut request: Request) -> Outcome {
    let context = RequestContext::begin(request.headers());
    // Before the body is read, which is what takes memory. Whom the gate would refuse, it shall tell.
    let Some(_permit) = middleware::admit(state, request.headers()) else {
        request.extensions_mut().insert(context);
        return Outcome::HandedOn(request);
    };
    let (parts, body) = request.into_parts();
    let (method, endpoint) = PLAN_ENDPOINT;
    let answer = async {
        let body = JsonBody::of(body::read(body).await?);
        plans::plan(state, &context, &parts.uri, &body).await
    };
    let path = parts.uri.path();
    let conclude =
        |response: Response| middleware::conclude(response, state, &context, method, Some(endpoint), path, true);
    let answer = async { name_cause(state, answer.await.into_response()).await };
    Outcome::Answered(middleware::watch(answer, &context, method, Some(endpoint), conclude).await)
}

async fn read(state: &AppState, request: Request) -> Outcome {
    let context = RequestContext::begin(request.headers());
    let Some(_permit) = middleware::admit(state, request.headers()) else { return Outcome::HandedOn(request) };
    // Until there are settings and a catalogue nothing is answered.
    let is_ready = snapshot(state).is_ok();
    let plan_id = read_by_id(&request).filter(|_| is_ready);
    let Some(cached) = plan_id.and_then(|plan_id| state.system.cache.hit_by_id(plan_id)) else {
        return Outcome::HandedOn(request);
    };
    let (method, endpoint) = READ_ENDPOINT;
    let (parts, _) = request.into_parts();
    let path = parts.uri.path();
    let conclude =
        |response: Response| middleware::conclude(response, state, &context, method, Some(endpoint), path, true);
    let answer = async { plans::read_answer(&context, &parts.headers, &cached) };
    Outcome::Answered(middleware::watch(answer, &context, method, Some(endpoint), conclude).await)
}

/// The id of the plan that is read, where it is written as ids are and nothing else is requested.
fn read_by_id(request: &Request) -> Option<&str> {
    let (prefix, _) = READ_ENDPOINT.1.split_once('{')?;
    let plan_id = request.uri().path().strip_prefix(prefix)?;
    let is_plain = plan_id.len() == 37 && plan_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (request.method() == Method::GET && is_plain && request.uri().query().is_none()).then_some(plan_id)
}
