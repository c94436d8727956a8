//! Checks responses against the contract and the request.

mod other;
mod plan;
mod stored;

use serde::Deserialize;
use serde_json::error::Category;

pub(crate) use self::other::{check_bytes, check_described, check_listed, check_profile, check_searched};
pub(crate) use self::plan::{Expected, Seen, check_plan};
pub(crate) use self::stored::{SeenStored, check_stored};
use crate::fault::Fault;
use crate::ledger::Acknowledgement;
use crate::wire::Answer;

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestOutcome {
    /// A plan was created.
    Created,
    /// An existing plan was returned.
    Cached,
    /// A request other than a plan request got a valid response.
    Other,
    /// 503 with `Retry-After`: the registry rejected the request, as it may under overload.
    Refused,
    /// Any other response. Each has a fault.
    Failed,
}

impl RequestOutcome {
    /// Every outcome, in the order of their discriminants.
    pub(crate) const ALL: [RequestOutcome; 5] = [
        RequestOutcome::Created,
        RequestOutcome::Cached,
        RequestOutcome::Other,
        RequestOutcome::Refused,
        RequestOutcome::Failed,
    ];

    /// Returns the word that the report uses.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            RequestOutcome::Created => "created",
            RequestOutcome::Cached => "cached",
            RequestOutcome::Other => "other",
            RequestOutcome::Refused => "refused",
            RequestOutcome::Failed => "failed",
        }
    }

    /// Whether the answer was a 2xx without fault.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, RequestOutcome::Created | RequestOutcome::Cached | RequestOutcome::Other)
    }
}

/// The result of checking a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckResult {
    /// The outcome of the request.
    pub(crate) outcome: RequestOutcome,
    /// The plan that the registry acknowledged. A response with a fault may still contain one.
    pub(crate) acknowledgement: Option<Acknowledgement>,
    /// The first fault. Invariant: it is present exactly if the outcome is `Failed`.
    pub(crate) fault: Option<Fault>,
}

impl CheckResult {
    /// Returns the result for a response without a usable plan.
    pub(crate) fn failed(fault: Fault) -> Self {
        CheckResult { outcome: RequestOutcome::Failed, acknowledgement: None, fault: Some(fault) }
    }

    /// Returns the result for a response that was not accepted: a rejection if there is no fault.
    fn rejected(fault: Option<Fault>) -> Self {
        let refused = CheckResult { outcome: RequestOutcome::Refused, acknowledgement: None, fault: None };
        fault.map_or(refused, CheckResult::failed)
    }

    /// Returns the result for a response to a request other than a plan request.
    fn other(found: Result<(), Fault>) -> Self {
        match found {
            Ok(()) => CheckResult { outcome: RequestOutcome::Other, acknowledgement: None, fault: None },
            Err(fault) => CheckResult::failed(fault),
        }
    }
}

#[derive(Deserialize)]
struct ProblemDocument {
    code: String,
}

/// Returns the result of reading a plan, from the result of its check. A rejection does not show whether the plan
/// exists.
pub(crate) fn check_read(found: Result<(), Fault>, answer: &Answer<'_>) -> CheckResult {
    match answer.status {
        503 => CheckResult::rejected(accepted(answer).err().flatten()),
        _ => CheckResult::other(found),
    }
}

/// Returns the body of a response with status 200.
///
/// # Errors
///
/// The fault of any other status, or `None` for a rejection with `Retry-After`.
fn accepted<'a>(answer: &Answer<'a>) -> Result<&'a [u8], Option<Fault>> {
    match answer.status {
        200 => Ok(answer.body),
        503 if answer.retry_after.is_some() => Err(None),
        503 => Err(Some(Fault::RefusalWithoutRetryAfter)),
        _ => Err(Some(status_fault(answer))),
    }
}

fn status_fault(answer: &Answer<'_>) -> Fault {
    let code = serde_json::from_slice::<ProblemDocument>(answer.body).ok().map(|problem| problem.code);
    Fault::Status { got: answer.status, code }
}

fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Fault::Shape(error.to_string()),
        Category::Syntax | Category::Eof | Category::Io => Fault::NotJson(error.to_string()),
    })
}

/// Text of a response, borrowed unless it contains escapes.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Maximum number of bytes before the value that [`cut`] searches for. In the registry's responses it is within the
/// first hundred.
const PREFIX_BYTES_MAX: usize = 512;

/// Cuts the value of `name`, a field in quotes with its colon, out of a body. If the value has `length` bytes and the
/// hash `hash`, both known from the first response, `rest` receives the body with `null` in place of the value.
fn cut(body: &[u8], name: &[u8], length: usize, hash: u64, rest: &mut Vec<u8>) -> bool {
    let Some(start) = value_start(body, name) else { return false };
    let Some(value) = body.get(start..start + length) else { return false };
    if hash_of(value) != hash {
        return false;
    }
    rest.clear();
    rest.extend_from_slice(&body[..start]);
    rest.extend_from_slice(b"null");
    rest.extend_from_slice(&body[start + length..]);
    true
}

/// Returns the position of the value after the first `name`.
fn value_start(body: &[u8], name: &[u8]) -> Option<usize> {
    let prefix = &body[..body.len().min(PREFIX_BYTES_MAX)];
    prefix.windows(name.len()).position(|window| window == name).map(|found| found + name.len())
}

/// Returns a fast hash. It protects against faults, not against deliberate collisions.
fn hash_of<T: std::hash::Hash>(value: T) -> u64 {
    use std::hash::BuildHasher;
    foldhash::quality::FixedState::default().hash_one(value)
}

#[cfg(test)]
mod tests;
