//! Requests whose callers close the connection before the response.
//!
//! hyper then drops the future of the response, so no code after an `await` runs. Therefore a value that is created
//! with the future records the request when it is dropped. The module [`closing`](crate::closing) ensures that hyper
//! calls the service before it sees the end of the connection.
//!
//! A caller who leaves while a response is being sent is not counted here: the response has its status already.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::Uri;

use super::completion::Completion;
use super::context::{AppState, RequestContext};
use super::measures::hung_up;

/// The future of a response. If it is dropped before the response, the request is recorded with status 499.
pub(crate) struct AnswerFuture<F> {
    answer: F,
    /// `None` after the response.
    unanswered: Option<UnansweredRequest>,
}

impl<F> AnswerFuture<F> {
    pub(super) fn new(unanswered: UnansweredRequest, answer: F) -> Self {
        AnswerFuture { answer, unanswered: Some(unanswered) }
    }
}

impl<F: Future + Unpin> Future for AnswerFuture<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let response = ready!(Pin::new(&mut self.answer).poll(cx));
        self.unanswered = None;
        Poll::Ready(response)
    }
}

impl<F> Drop for AnswerFuture<F> {
    fn drop(&mut self) {
        if let Some(unanswered) = self.unanswered.take() {
            unanswered.record();
        }
    }
}

pub(super) struct UnansweredRequest {
    state: Arc<AppState>,
    context: RequestContext,
    method: &'static str,
    uri: Uri,
}

impl UnansweredRequest {
    pub(super) fn new(state: Arc<AppState>, context: RequestContext, method: &'static str, uri: Uri) -> Self {
        UnansweredRequest { state, context, method, uri }
    }

    fn record(self) {
        let UnansweredRequest { state, context, method, uri } = self;
        // The router may not have seen the request.
        let endpoint = state.measures.template(uri.path());
        let took = context.arrived_at.elapsed();
        context.span(method, endpoint).in_scope(|| record(&state, &context, method, endpoint, took));
    }
}

/// Records a request whose caller closed the connection before the response. Must be called within its span.
pub(super) fn record(
    state: &AppState,
    context: &RequestContext,
    method: &'static str,
    endpoint: Option<&str>,
    took: Duration,
) {
    let completion = Completion { method, endpoint, status: hung_up(), took, bytes: None, problem: None };
    completion.log(context, completion.record(state, context));
}
