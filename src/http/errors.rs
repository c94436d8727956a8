//! The catalog of errors: an entry for each `code` of a problem document.
//!
//! The page `/docs/errors` and `docs/errors.md` are rendered from these entries. The `type` of a problem is the address
//! of its entry on the page.

mod page;
mod table;

use axum::http::StatusCode;
use serde_json::Value;

pub(super) use self::page::html;
use self::table::CATALOG;
use super::problem::{Fault, ProblemDocument, ProblemType};

struct ErrorEntry {
    code: &'static str,
    status: u16,
    meaning: &'static str,
    /// The reason why a request gets the code.
    cause: &'static str,
    retry: Retry,
    action: &'static str,
    example: Example,
}

/// Whether, when and how a caller repeats the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Retry {
    /// The condition passes without an action of the caller.
    Later,
    /// The transfer failed; the request itself may be right.
    Resend,
    /// The outcome of the request is unknown.
    SameKey,
    /// The request is wrong.
    Changed,
    /// The key belongs to another request.
    NewKey,
    /// The request conflicts with the current state.
    AfterAction,
}

impl Retry {
    const ALL: [Retry; 6] =
        [Retry::Later, Retry::Resend, Retry::SameKey, Retry::Changed, Retry::NewKey, Retry::AfterAction];

    /// Returns the name of the rule, and the rule.
    const fn rule(self) -> (&'static str, &'static str) {
        match self {
            Retry::Later => (
                "retry later",
                "Wait for the number of seconds in `Retry-After`, and send the same request again, with the same \
                 `Idempotency-Key` if it had one.",
            ),
            Retry::Resend => (
                "send again",
                "Send the whole request again, with the same `Idempotency-Key` if it had one. Nothing was changed.",
            ),
            Retry::SameKey => (
                "retry with the same key",
                "The operation may have been completed. Send the same request again with the same `Idempotency-Key`: if \
                 it was completed, the response is that of the first request. If the request had no key, read the \
                 current state before you repeat a change.",
            ),
            Retry::Changed => (
                "change the request",
                "The same request fails again. Change it first. The failed request did not use its `Idempotency-Key`, so \
                 the changed request may have the same one.",
            ),
            Retry::NewKey => ("use another key", "Send the request with another `Idempotency-Key`."),
            Retry::AfterAction => (
                "change the state",
                "The request conflicts with the current state. Resolve the conflict, or send another request.",
            ),
        }
    }
}

struct Example {
    /// The path of the request, below the path of the API.
    path: &'static str,
    detail: &'static str,
    /// Pointers and details of `errors`.
    errors: &'static [(&'static str, &'static str)],
}

const fn example(path: &'static str, detail: &'static str) -> Example {
    Example { path, detail, errors: &[] }
}

const CORRELATION_ID: &str = "01a2287037de75ad95a4fd1c06c1a564";

impl ErrorEntry {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or_default()
    }

    fn title(&self) -> &'static str {
        self.status().canonical_reason().unwrap_or_default()
    }

    /// Returns the example as indented JSON.
    fn text(&self) -> String {
        self.with_document(|document| serde_json::to_string_pretty(document)).unwrap_or_default()
    }

    /// Passes the document of the example to `write`.
    fn with_document<T>(&self, write: impl FnOnce(&ProblemDocument<'_>) -> T) -> T {
        let fault =
            |&(pointer, detail): &(&str, &str)| Fault { pointer: pointer.to_owned(), detail: detail.to_owned() };
        let document = ProblemDocument {
            kind: ProblemType(self.code),
            title: self.title(),
            status: self.status,
            detail: self.example.detail,
            instance: self.example.path,
            code: self.code,
            correlation_id: CORRELATION_ID,
            errors: &self.example.errors.iter().map(fault).collect::<Vec<_>>(),
            conflicts: &[],
            response_time_ms: 2,
        };
        write(&document)
    }
}

/// The example of a code, for the OpenAPI document.
pub(super) struct CodeExample {
    pub(super) code: &'static str,
    pub(super) meaning: &'static str,
    pub(super) document: Value,
}

pub(super) fn examples() -> impl Iterator<Item = CodeExample> {
    CATALOG.iter().map(|entry| CodeExample {
        code: entry.code,
        meaning: entry.meaning,
        document: entry.with_document(|document| serde_json::to_value(document)).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_is_sorted_and_complete() {
        assert!(CATALOG.is_sorted_by(|one, next| one.code < next.code));
        for entry in &CATALOG {
            assert_ne!(entry.title(), "", "{}", entry.code);
            for text in [entry.meaning, entry.cause, entry.action] {
                assert!(text.ends_with('.'), "{}: {text}", entry.code);
            }
            assert!(entry.example.path.starts_with('/'), "{}", entry.code);
        }
    }

    #[test]
    fn codes_with_retry_after_are_retried_later() {
        let later = CATALOG.iter().filter(|entry| entry.retry == Retry::Later).map(|entry| entry.code);

        // `not_tried` is a problem of one row of an import, which has no headers of its own.
        let has_header = |entry: &&ErrorEntry| entry.status == 503 && entry.code != "not_tried";
        let mut expected: Vec<&str> = CATALOG.iter().filter(has_header).map(|entry| entry.code).collect();
        expected.push("idempotency_key_in_flight");
        expected.sort_unstable();
        assert_eq!(later.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_example_is_a_problem_document() {
        let entry = CATALOG.iter().find(|entry| entry.code == "validation_failed").unwrap();

        let document: Value = serde_json::from_str(&entry.text()).unwrap();

        assert_eq!(document["type"], "/docs/errors#validation_failed");
        assert_eq!(document["title"], "Unprocessable Entity");
        assert_eq!(document["errors"].as_array().unwrap().len(), 2);
    }
}
