//! Bytes for nothing: the most that axum, this machine and the load generator can do with answers of a length.

use std::iter;

use axum::body;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Deserialize;

/// The longest answer, in bytes: a plan of 5,000 instruments is a tenth of it.
const BYTES_MAX: usize = 1 << 20;

/// What is answered, cut to length. Cloning it copies nothing.
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

/// How many bytes are asked for.
#[derive(Deserialize)]
pub(crate) struct Length {
    n: usize,
}

/// Answers as many bytes as are asked for.
pub(crate) async fn hello(State(bytes): State<Bytes>, Query(length): Query<Length>) -> impl IntoResponse {
    bytes.first(length.n)
}

/// The same after the body was read.
pub(crate) async fn echo(
    State(bytes): State<Bytes>,
    Query(length): Query<Length>,
    _body: body::Bytes,
) -> impl IntoResponse {
    bytes.first(length.n)
}
