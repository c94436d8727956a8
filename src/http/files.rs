//! The files of pages, which are embedded in the binary.

use std::borrow::Cow;
use std::io::Read;
use std::sync::OnceLock;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use super::response::is_known_to_caller;

pub(super) struct File {
    pub(super) name: Cow<'static, str>,
    pub(super) content: Bytes,
    content_type: &'static str,
    /// Whether the content is compressed. Every browser accepts that; it is decompressed for other callers.
    pub(super) is_gzip: bool,
    /// The decompressed content, once a caller has needed it.
    plain: OnceLock<Bytes>,
    tag: String,
    policy: &'static str,
}

impl File {
    pub(super) fn new(
        name: impl Into<Cow<'static, str>>,
        content_type: &'static str,
        policy: &'static str,
        content: impl Into<Bytes>,
    ) -> Self {
        let content = content.into();
        let hash = u128::from_be_bytes(Sha256::digest(&content)[..16].try_into().unwrap_or_default());
        File {
            name: name.into(),
            content,
            content_type,
            is_gzip: false,
            plain: OnceLock::new(),
            tag: format!("\"{hash:032x}\""),
            policy,
        }
    }

    /// Returns the file, or 304 if the caller has it. A new release can change it, so callers must revalidate it.
    pub(super) fn response(&self, headers: &HeaderMap) -> Response {
        let is_compressed = self.is_gzip && accepts_gzip(headers);
        let tag = if self.is_gzip && !is_compressed { self.tag_of_plain() } else { self.tag.clone() };
        let fields = [
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, self.policy),
            (header::ETAG, &tag),
            (header::VARY, "Accept-Encoding"),
            (header::CONTENT_TYPE, self.content_type),
            (header::CONTENT_ENCODING, "gzip"),
        ];
        let is_known = is_known_to_caller(headers, &tag);
        let is_sent = |name: &HeaderName| match *name {
            header::VARY => self.is_gzip,
            header::CONTENT_TYPE => !is_known,
            header::CONTENT_ENCODING => !is_known && is_compressed,
            _ => true,
        };
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else if self.is_gzip && !is_compressed {
            Response::new(Body::from(self.decompressed()))
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

    /// Returns the entity tag of the decompressed content, which is another representation of the file.
    fn tag_of_plain(&self) -> String {
        format!("{}-plain\"", self.tag.trim_end_matches('"'))
    }

    fn decompressed(&self) -> Bytes {
        let plain = self.plain.get_or_init(|| {
            let mut plain = Vec::new();
            if let Err(fault) = GzDecoder::new(&*self.content).read_to_end(&mut plain) {
                tracing::error!(%fault, file = %self.name, "failed to decompress a file of a page");
            }
            plain.into()
        });
        plain.clone()
    }
}

/// Whether the caller accepts gzip. Without the header, it may not know any encoding.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    let codings: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
    let weight_of = |wanted: &str| {
        codings.iter().find_map(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let is_wanted = parts.next()?.eq_ignore_ascii_case(wanted);
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            is_wanted.then(|| weight.unwrap_or(1.0))
        })
    };
    weight_of("gzip").or_else(|| weight_of("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_only_to_callers_that_accept_it() {
        let accepts = |value: &str| {
            accepts_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap())]))
        };

        for value in ["gzip", "br, GZIP;q=0.5", "*", "deflate, *;q=0.1"] {
            assert!(accepts(value), "{value}");
        }
        for value in ["", "identity", "gzip;q=0", "gzip; q=0, *", "*;q=0"] {
            assert!(!accepts(value), "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
