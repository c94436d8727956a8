//! Follows the requests of a connection: a request is in flight until the body of its response is complete.

use std::future::Ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::HttpBody;
use axum::http::Response;
use futures_util::FutureExt;
use futures_util::future::{Join, Map, join};
use http_body::{Frame, SizeHint};
use tower_service::Service;

use super::Connection;

#[derive(Clone)]
pub(crate) struct TrackedService<S> {
    service: S,
    connection: Arc<Connection>,
}

impl<S> TrackedService<S> {
    pub(super) fn new(service: S, connection: Arc<Connection>) -> Self {
        TrackedService { service, connection }
    }
}

/// A request in flight. It ends when this is dropped.
pub(crate) struct Exchange(Arc<Connection>);

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.end_exchange();
    }
}

type Answer<B, E> = Result<Response<B>, E>;
type TrackedAnswer<B, E> = Answer<TrackedBody<B>, E>;

impl<S, R, B> Service<R> for TrackedService<S>
where
    S: Service<R, Response = Response<B>>,
{
    type Response = Response<TrackedBody<B>>;
    type Error = S::Error;
    // A function pointer, because a closure has no name.
    type Future =
        Map<Join<S::Future, Ready<Exchange>>, fn((Answer<B, S::Error>, Exchange)) -> TrackedAnswer<B, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.connection.begin_exchange();
        let exchange = Exchange(Arc::clone(&self.connection));
        join(self.service.call(request), std::future::ready(exchange)).map(track_body)
    }
}

fn track_body<B, E>((answer, exchange): (Answer<B, E>, Exchange)) -> TrackedAnswer<B, E> {
    answer.map(|response| response.map(|body| TrackedBody { body, _exchange: exchange }))
}

/// The body of a response. hyper drops it when all of it is in its buffer.
pub(crate) struct TrackedBody<B> {
    body: B,
    _exchange: Exchange,
}

impl<B: HttpBody + Unpin> HttpBody for TrackedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
