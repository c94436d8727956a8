//! JSON responses and entity tags.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use registry_planning::json::ObjectWriter;
use serde::Serialize;

use super::context::RequestContext;
use super::problem::Problem;

pub(crate) fn json(body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(json) => json_bytes(json),
        Err(fault) => {
            tracing::error!(%fault, "failed to serialize response as JSON");
            Problem::internal().into_response()
        }
    }
}

/// A response with the fields that every response of the API has.
#[derive(Serialize)]
pub(super) struct FramedAnswer<'a, T> {
    #[serde(flatten)]
    body: T,
    correlation_id: &'a str,
    response_time_ms: u64,
}

impl<'a, T> FramedAnswer<'a, T> {
    pub(super) fn of(context: &'a RequestContext, body: T) -> Self {
        FramedAnswer { body, correlation_id: &context.correlation_id, response_time_ms: context.elapsed_ms() }
    }
}

/// Returns a JSON response with the fields that every response has.
pub(super) fn framed(context: &RequestContext, body: impl Serialize) -> Response {
    json(&FramedAnswer::of(context, body))
}

/// Returns a function that renders a response whose list is its first field and empty. The rows of the list are written
/// into it.
pub(super) fn frame<T: Serialize + Send + Sync + 'static>(
    context: &RequestContext,
    body: T,
) -> impl Fn() -> serde_json::Result<Vec<u8>> + Send + Sync + 'static {
    let context = context.clone();
    move || serde_json::to_vec(&FramedAnswer::of(&context, &body))
}

pub(super) fn write_request_fields(answer: &mut ObjectWriter<'_>, context: &RequestContext) {
    answer.field("correlation_id", &*context.correlation_id);
    answer.field("response_time_ms", &context.elapsed_ms());
}

/// Returns a JSON response. `part` is the size in bytes of its largest part.
pub(crate) fn json_object(part: usize, write: impl FnOnce(&mut ObjectWriter<'_>)) -> Response {
    json_bytes(object_bytes(part, write))
}

/// Returns a JSON object. `part` is the size in bytes of its largest part.
pub(super) fn object_bytes(part: usize, write: impl FnOnce(&mut ObjectWriter<'_>)) -> Vec<u8> {
    // The capacity includes the other fields: otherwise the buffer grows, and the part is copied again.
    let mut json = Vec::with_capacity(part + 512);
    let mut object = ObjectWriter::begin(&mut json);
    write(&mut object);
    object.end();
    json
}

pub(super) fn json_bytes(json: impl Into<Body>) -> Response {
    let json: Body = json.into();
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

/// Whether the caller has the response with this tag.
pub(super) fn is_known_to_caller(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == opaque)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_compared_weakly_and_in_lists() {
        let known = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            is_known_to_caller(&headers, "W/\"abc\"")
        };

        assert!(known("W/\"abc\"") && known("\"abc\"") && known("\"x\", W/\"abc\"") && known("*"));
        assert!(!known("\"abcd\"") && !known("abc"));
    }
}
