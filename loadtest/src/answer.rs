//! Checks responses against the contract and the request.

mod other;
mod plan;
mod stored;

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash};
use std::ops::Deref;

use serde::Deserialize;
use serde_json::error::Category;

pub(crate) use self::other::{check_bytes, check_described, check_listed, check_profile, check_searched};
pub(crate) use self::plan::{ExpectedPlan, check_plan};
pub(crate) use self::stored::{check_stored, unread};
use crate::fault::Fault;
use crate::ledger::Acknowledgement;
use crate::wire::Answer;

#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumCount, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum RequestOutcome {
    Created,
    Cached,
    /// A request other than a plan request got a valid response.
    Other,
    /// 503 with `Retry-After`: the registry rejected the request, as it may under overload.
    Refused,
    /// Any other response. Each has a fault.
    Failed,
}

impl RequestOutcome {
    /// Whether the answer was a 2xx without fault.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, RequestOutcome::Created | RequestOutcome::Cached | RequestOutcome::Other)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckResult {
    pub(crate) outcome: RequestOutcome,
    /// The plan that the registry acknowledged. A response with a fault may still contain one.
    pub(crate) acknowledgement: Option<Acknowledgement>,
    /// The first fault. Invariant: it is present exactly if the outcome is `Failed`.
    pub(crate) fault: Option<Fault>,
}

impl CheckResult {
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
        let other = CheckResult { outcome: RequestOutcome::Other, acknowledgement: None, fault: None };
        found.map_or_else(CheckResult::failed, |()| other)
    }
}

/// The bytes of a valid response, or of its plan, for the comparison with later ones.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SeenBytes {
    length: usize,
    hash: u64,
}

impl SeenBytes {
    fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len(), hash: hash_of(bytes) }
    }

    /// Cuts the value of `name`, a field in quotes with its colon, out of a body. If the value has these bytes, `rest`
    /// receives the body with `null` in place of the value.
    fn cut(self, body: &[u8], name: &[u8], rest: &mut Vec<u8>) -> bool {
        let prefix = &body[..body.len().min(PREFIX_BYTES_MAX)];
        let Some(found) = prefix.windows(name.len()).position(|window| window == name) else { return false };
        let start = found + name.len();
        let end = start + self.length;
        if body.get(start..end).is_none_or(|value| SeenBytes::of(value) != self) {
            return false;
        }
        rest.clear();
        rest.extend_from_slice(&body[..start]);
        rest.extend_from_slice(b"null");
        rest.extend_from_slice(&body[end..]);
        true
    }
}

/// The state of a valid response to a request, for the comparison with later ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    acknowledgement: Acknowledgement,
    bytes: SeenBytes,
}

/// Maximum number of bytes before the value that is cut out. In the registry's responses it is within the first
/// hundred.
const PREFIX_BYTES_MAX: usize = 512;

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
        503 => Err(Some(Fault::new("refusal_without_retry_after", "status `503` without a `Retry-After` in seconds"))),
        _ => Err(Some(status_fault(answer))),
    }
}

fn status_fault(answer: &Answer<'_>) -> Fault {
    let status = answer.status;
    let code = serde_json::from_slice(answer.body).map(|ProblemDocument { code }| format!(" with code `{code}`"));
    Fault::new(format!("status_{status}"), format!("status `{status}`{}", code.unwrap_or_default()))
}

fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Fault::shape(error),
        Category::Syntax | Category::Eof | Category::Io => Fault::new("not_json", format!("body is not JSON: {error}")),
    })
}

/// Text of a response, borrowed unless it contains escapes. A struct that contains it needs `#[serde(borrow)]` once.
#[derive(Clone, Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Returns a fast hash. It protects against faults, not against deliberate collisions.
fn hash_of<T: Hash>(value: T) -> u64 {
    foldhash::quality::FixedState::default().hash_one(value)
}

#[cfg(test)]
mod tests;
