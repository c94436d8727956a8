//! The files of pages, which are embedded in the binary.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::response::is_known_to_caller;

/// A file as it is sent.
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) content: Bytes,
    content_type: &'static str,
    /// Whether the content is compressed. Every browser accepts that, so it is not stored in a second form.
    pub(super) is_gzip: bool,
    tag: String,
    policy: &'static str,
}

impl File {
    pub(super) fn new(
        name: &'static str,
        content_type: &'static str,
        policy: &'static str,
        content: impl Into<Bytes>,
    ) -> Self {
        let content = content.into();
        let hash = u128::from_be_bytes(Sha256::digest(&content)[..16].try_into().unwrap_or_default());
        File { name, content, content_type, is_gzip: false, tag: format!("\"{hash:032x}\""), policy }
    }

    /// Returns the file, or 304 if the caller has it. A new release can change it, so callers must revalidate it.
    pub(super) fn response(&self, headers: &HeaderMap) -> Response {
        let fields = [
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, self.policy),
            (header::ETAG, &self.tag),
            (header::CONTENT_TYPE, self.content_type),
            (header::CONTENT_ENCODING, "gzip"),
        ];
        let is_known = is_known_to_caller(headers, &self.tag);
        let is_sent = |name: &HeaderName| match *name {
            header::CONTENT_TYPE => !is_known,
            header::CONTENT_ENCODING => !is_known && self.is_gzip,
            _ => true,
        };
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Response::new(Body::from(self.content.clone()))
        };
        for (name, value) in fields.into_iter().filter(|(name, _)| is_sent(name)) {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
