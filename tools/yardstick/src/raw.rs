//! Responses without work: they show the limit of axum, the machine and the load generator for responses of a given
//! length.

use std::iter;

use axum::body;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Deserialize;

/// The maximum length of a response, in bytes. A plan of 5,000 instruments has a tenth of it.
const BYTES_MAX: usize = 1 << 20;

/// The content of all responses; each response returns a prefix of it. A clone shares the memory.
#[derive(Clone)]
pub(crate) struct Bytes(body::Bytes);

impl Bytes {
    pub(crate) fn new() -> Self {
        Self(iter::repeat_n(b'x', BYTES_MAX).collect())
    }

    fn first(&self, bytes: usize) -> impl IntoResponse + use<> {
        ([(CONTENT_TYPE, "application/json")], self.0.slice(..bytes.min(BYTES_MAX)))
    }
}

/// The requested number of bytes.
#[derive(Deserialize)]
pub(crate) struct Length {
    n: usize,
}

/// Returns the requested number of bytes.
pub(crate) async fn hello(State(bytes): State<Bytes>, Query(length): Query<Length>) -> impl IntoResponse {
    bytes.first(length.n)
}

/// Reads the body and returns the requested number of bytes.
pub(crate) async fn echo(
    State(bytes): State<Bytes>,
    Query(length): Query<Length>,
    _body: body::Bytes,
) -> impl IntoResponse {
    bytes.first(length.n)
}
