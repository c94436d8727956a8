//! Errors of the API: RFC 9457 problem documents in one style.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use registry_actors::CallError;
use registry_actors::persistence::PersistenceError;
use registry_actors::planner::PlanError;
use registry_planning::fit::PinnedOverCapacity;
use registry_planning::vocabulary::counted;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A validation error of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// The JSON pointer to the field of the body, `/query/NAME` for a query parameter, or `/header/NAME` for a header.
    pub(crate) pointer: String,
    /// The value that is expected and the value that the request contains.
    pub(crate) detail: String,
}

impl fmt::Display for Fault {
    /// Joins pointer and detail. The empty pointer is the body itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "request body" } else { &self.pointer };
        write!(f, "{place}: {}", self.detail)
    }
}

impl Fault {
    /// Returns the message without the wording of requests, for a fault of a file.
    pub(crate) fn in_file(&self) -> String {
        if self.pointer.is_empty() { self.detail.clone() } else { self.to_string() }
    }
}

/// An error on its way to the caller. The middleware adds the fields of the request and writes the document.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) faults: Vec<Fault>,
    /// The number of faults, including those that are only counted.
    pub(crate) fault_count: usize,
    /// The conflicts of a profile, as stored.
    pub(crate) conflicts: Vec<serde_json::Value>,
    pub(crate) retry_after: Option<Duration>,
    /// Whether the caller closed the connection, so that nobody receives the problem.
    pub(crate) has_hung_up: bool,
}

pub(super) const ERRORS_PAGE: &str = "/docs/errors";

/// The `type` of a problem: the address of its code on the page of errors. Rendering it allocates nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProblemType(pub(super) &'static str);

impl fmt::Display for ProblemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ERRORS_PAGE}#{}", self.0)
    }
}

impl Serialize for ProblemType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'a> {
    /// The address of the explanation of the code, relative to the service: `/docs/errors#` and the code.
    #[serde(rename = "type")]
    #[schema(value_type = String, format = "uri-reference")]
    pub(super) kind: ProblemType,
    /// The name of the HTTP status.
    pub(crate) title: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The cause of the problem and, if there is one, the remedy.
    pub(crate) detail: &'a str,
    /// The path of the request.
    pub(crate) instance: &'a str,
    /// The code of the problem: a stable word for programs. `/docs/errors` explains every code.
    pub(crate) code: &'static str,
    /// The correlation id of the request.
    pub(crate) correlation_id: &'a str,
    /// Every validation error of the request. Present if validation failed.
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    pub(crate) errors: &'a [Fault],
    /// The conflicts that prevent a change of a profile.
    #[serde(skip_serializing_if = "<[serde_json::Value]>::is_empty")]
    #[schema(value_type = Vec<crate::http::schema::conflict::ProfileConflict>)]
    pub(crate) conflicts: &'a [serde_json::Value],
    /// The time from the arrival of the request to the response, in milliseconds.
    pub(crate) response_time_ms: u64,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Problem {
            status,
            code,
            detail: detail.into(),
            faults: Vec::new(),
            fault_count: 0,
            conflicts: Vec::new(),
            retry_after: None,
            has_hung_up: false,
        }
    }

    /// Creates a problem with its own status and code, for a part of the API that defines them.
    pub(super) fn of(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Problem::new(status, code, detail)
    }

    /// Adds the detailed faults, and the conflicts that were recorded.
    pub(super) fn with(self, faults: Vec<Fault>, conflicts: Vec<serde_json::Value>) -> Self {
        Problem { fault_count: faults.len(), faults: bounded(faults), conflicts, ..self }
    }

    /// Creates the problem of a row of a file that contains nothing that could be stored.
    pub(crate) fn unreadable_row(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail)
    }

    /// Creates the problem of a row of a file that was skipped, because an earlier row failed for a reason that applies
    /// to it too.
    pub(crate) fn not_tried(detail: &str) -> Self {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_tried", detail)
    }

    /// 422: an id in the path is malformed.
    pub(crate) fn malformed_id(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed_id", detail)
    }

    /// 400: the body is not valid JSON.
    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 400: the body ended early, or its chunks are malformed.
    pub(crate) fn unreadable_body(fault: &(dyn Error + 'static)) -> Self {
        let has_hung_up = is_end_of_connection(fault);
        let problem = Problem::bad_request("unreadable_body", "failed to read the request body to its end");
        Problem { has_hung_up, ..problem }
    }

    /// 401.
    pub(crate) fn unauthorized() -> Self {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "header X-Internal-API-Key is missing or invalid")
    }

    /// 404.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "method not allowed for this path; the `Allow` header lists the allowed methods",
        )
    }

    /// 408: the body did not arrive in time.
    pub(crate) fn body_timeout(limit: Duration) -> Self {
        let detail = format!("timeout: the request body did not arrive within {} s", limit.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
    }

    /// 413.
    pub(crate) fn too_large(limit: usize) -> Self {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("request body exceeds {limit} bytes"))
    }

    /// 413, for a file.
    pub(crate) fn file_too_large(detail: String) -> Self {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// 409: a conflicting operation is in progress.
    pub(crate) fn busy(detail: String) -> Self {
        Problem::new(StatusCode::CONFLICT, "job_in_progress", detail)
    }

    /// 415.
    pub(crate) fn not_json() -> Self {
        Problem::unsupported_media_type("application/json")
    }

    /// 415, if other content types are accepted.
    pub(crate) fn unsupported_media_type(allowed: &str) -> Self {
        let detail = format!("`Content-Type` of the request body must be {allowed}");
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// 422 with every fault.
    pub(crate) fn invalid(faults: Vec<Fault>) -> Self {
        Problem::invalid_and_more(faults, 0)
    }

    /// 422 with every fault, if `faults` contains notes that represent `more` further faults.
    pub(crate) fn invalid_and_more(faults: Vec<Fault>, more: usize) -> Self {
        let fault_count = faults.len() + more;
        let detail = match faults.as_slice() {
            [only] => only.to_string(),
            _ => format!("validation failed with {fault_count} errors; see `errors`"),
        };
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", detail);
        Problem { faults: bounded(faults), fault_count, ..problem }
    }

    /// Returns the problem of a file that a command reads, as text: without the fields of a request, and with every
    /// stored fault.
    pub(crate) fn in_file(&self) -> String {
        match self.faults.as_slice() {
            [] => self.detail.strip_prefix(REQUEST_BODY_IS).unwrap_or(&self.detail).to_owned(),
            [only] => only.in_file(),
            several => {
                let lines = several.iter().map(|fault| format!("\n  {}", fault.in_file()));
                format!("{} errors:{}", self.fault_count, lines.collect::<String>())
            }
        }
    }

    /// 409: more instruments are pinned than the broker carries. `pointer` is the field that pins them; it is empty if
    /// the body does not contain them.
    pub(super) fn pinned_over_capacity(over: &PinnedOverCapacity, pointer: &str) -> Self {
        let problem = Problem::new(StatusCode::CONFLICT, "pinned_over_capacity", over.to_string());
        let fault = |detail: &String| Fault { pointer: pointer.to_owned(), detail: detail.clone() };
        let faults: Vec<Fault> = over.arithmetic.iter().map(fault).collect();
        Problem { fault_count: faults.len(), faults, ..problem }
    }

    /// 500: a fault of the service. The log has the details.
    pub(crate) fn internal() -> Self {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error; the service log has the cause")
    }

    /// 503.
    pub(crate) fn unavailable(code: &'static str, detail: impl Into<String>, retry_after: Duration) -> Self {
        let retry_after = Some(retry_after);
        Problem { retry_after, ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail) }
    }

    /// 503: the service is at capacity.
    pub(crate) fn overloaded() -> Self {
        Problem::unavailable("overloaded", "the service is at capacity; retry later", RETRY_AFTER_MIN)
    }

    /// 504.
    pub(crate) fn list_timeout() -> Self {
        Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "deadline_exceeded",
            "timeout: the list took too long and was canceled; use more selective filters",
        )
    }

    pub(crate) fn deadline_exceeded() -> Self {
        Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "deadline_exceeded",
            "deadline exceeded; the operation may still complete",
        )
    }
}

/// Whether the cause is that the connection ended.
fn is_end_of_connection(fault: &(dyn Error + 'static)) -> bool {
    let ends = [
        io::ErrorKind::UnexpectedEof,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::TimedOut,
    ];
    let mut cause = Some(fault);
    while let Some(fault) = cause {
        if fault.downcast_ref::<io::Error>().is_some_and(|fault| ends.contains(&fault.kind())) {
            return true;
        }
        cause = fault.source();
    }
    false
}

/// The start of the detail if a body is not JSON.
pub(super) const REQUEST_BODY_IS: &str = "request body is ";

/// Maximum number of faults that are listed. Further faults are only counted.
const FAULTS_MAX: usize = 200;

/// Limits the faults in a response, because its size must not grow with the faults of a body.
fn bounded(mut faults: Vec<Fault>) -> Vec<Fault> {
    let beyond = faults.len().saturating_sub(FAULTS_MAX);
    if beyond > 0 {
        faults.truncate(FAULTS_MAX);
        let detail = format!("and {}", counted(beyond, "more error"));
        faults.push(Fault { pointer: String::new(), detail });
    }
    faults
}

/// The minimum `Retry-After`.
pub(super) const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

/// Returns the value of `Retry-After`, with up to two seconds of jitter, so that callers do not retry at the same time.
pub(super) fn retry_after_seconds(retry_after: Duration) -> u64 {
    let seconds = retry_after.max(RETRY_AFTER_MIN).as_secs_f64().ceil();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let seconds = seconds as u64;
    seconds + fastrand::u64(0..=2)
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Overloaded(_) => Problem::overloaded(),
            CallError::Gone(_) => Problem::unavailable(
                "unavailable",
                "a component of the service is restarting; retry later",
                RETRY_AFTER_MIN,
            ),
            CallError::DeadlineExceeded(_) => Problem::deadline_exceeded(),
        }
    }
}

impl From<PersistenceError> for Problem {
    fn from(error: PersistenceError) -> Self {
        match error {
            PersistenceError::Unavailable { retry_after } => {
                Problem::unavailable("database_unavailable", "database unavailable; retry later", retry_after)
            }
            PersistenceError::UnknownOutcome => Problem::new(
                StatusCode::GATEWAY_TIMEOUT,
                "unknown_outcome",
                "the database connection failed during the write, so the outcome is unknown; it is safe to repeat the request",
            ),
            PersistenceError::Refused(why) => {
                tracing::error!(why, "database rejected a statement of the service");
                Problem::internal()
            }
            PersistenceError::Timeout => Problem::list_timeout(),
            PersistenceError::Call(error) => error.into(),
        }
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::NotStored(error) => error.into(),
            PlanError::Panicked => Problem::internal(),
            PlanError::PinnedOverCapacity(over) => Problem::pinned_over_capacity(&over, ""),
            PlanError::Call(error) => error.into(),
            // Only requests with a key get this result, which is handled above.
            PlanError::Answered(_) => Problem::internal(),
        }
    }
}

impl IntoResponse for Problem {
    /// Attaches the problem to the response: the middleware knows the request and writes the document.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(retry_after) = self.retry_after {
            let seconds = HeaderValue::from(retry_after_seconds(retry_after));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(count: usize) -> Vec<Fault> {
        (0..count).map(|at| Fault { pointer: format!("/{at}"), detail: "x".to_owned() }).collect()
    }

    #[test]
    fn a_type_leads_to_the_section_of_its_code() {
        assert_eq!(serde_json::to_string(&ProblemType("no_room")).unwrap(), r#""/docs/errors#no_room""#);
    }

    #[test]
    fn an_aborted_body_counts_as_a_hang_up() {
        let problem = |kind| Problem::unreadable_body(&axum::Error::new(io::Error::from(kind)));

        assert!(problem(io::ErrorKind::UnexpectedEof).has_hung_up);
        assert!(problem(io::ErrorKind::ConnectionReset).has_hung_up);
        assert!(!problem(io::ErrorKind::InvalidInput).has_hung_up, "a malformed chunk");
    }

    #[test]
    fn unlisted_faults_are_counted() {
        let many = Problem::invalid_and_more(faults(FAULTS_MAX + 1), 3);

        assert_eq!(many.detail, "validation failed with 204 errors; see `errors`");
        assert_eq!(many.faults.len(), FAULTS_MAX + 1);
        assert_eq!(many.faults[FAULTS_MAX].detail, "and 1 more error");
        assert_eq!(Problem::invalid(faults(FAULTS_MAX + 2)).faults[FAULTS_MAX].detail, "and 2 more errors");
        assert_eq!(Problem::invalid(faults(1)).detail, "/0: x");
    }
}
