//! JSON responses and entity tags.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use registry_planning::json::ObjectWriter;

use super::problem::Problem;

/// Returns a JSON response.
pub(crate) fn json(body: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(json) => json_bytes(json),
        Err(fault) => {
            tracing::error!(%fault, "failed to serialize response as JSON");
            Problem::internal().into_response()
        }
    }
}

/// Returns a JSON response. `part` is the size in bytes of its largest part.
pub(crate) fn json_object(part: usize, write: impl FnOnce(&mut ObjectWriter<'_>)) -> Response {
    json_bytes(object_bytes(part, write))
}

/// Returns a JSON object. `part` is the size in bytes of its largest part.
pub(super) fn object_bytes(part: usize, write: impl FnOnce(&mut ObjectWriter<'_>)) -> Vec<u8> {
    // With capacity for the rest: otherwise the buffer grows, and the part is copied again.
    let mut json = Vec::with_capacity(part + 512);
    let mut object = ObjectWriter::begin(&mut json);
    write(&mut object);
    object.end();
    json
}

/// Returns a response with rendered JSON.
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
