//! The check of an answer against the contract and against what was asked for.

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

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A plan was made.
    Created,
    /// A plan made before was answered.
    Cached,
    /// Something else than a plan request was answered as it should be.
    Other,
    /// 503 with a time to come back: the registry declined, as an overloaded one may.
    Refused,
    /// Anything else, each with a fault.
    Failed,
}

impl Outcome {
    /// Every outcome, in the order of their discriminants.
    pub(crate) const ALL: [Outcome; 5] =
        [Outcome::Created, Outcome::Cached, Outcome::Other, Outcome::Refused, Outcome::Failed];

    /// The word that the report uses.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Cached => "cached",
            Outcome::Other => "other",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        }
    }

    /// Whether the answer was a 2xx without fault.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, Outcome::Created | Outcome::Cached | Outcome::Other)
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How the request ended.
    pub(crate) outcome: Outcome,
    /// The plan that the registry vouches for; an answer that is at fault otherwise may still hold one.
    pub(crate) acknowledgement: Option<Acknowledgement>,
    /// The first thing that is wrong. Invariant: there is one exactly when the outcome is `Failed`.
    pub(crate) fault: Option<Fault>,
}

impl Verdict {
    /// The verdict on an answer without a usable plan.
    pub(crate) fn failed(fault: Fault) -> Self {
        Verdict { outcome: Outcome::Failed, acknowledgement: None, fault: Some(fault) }
    }

    /// The verdict on an answer that was not accepted: a refusal where there is no fault.
    fn rejected(fault: Option<Fault>) -> Self {
        let refused = Verdict { outcome: Outcome::Refused, acknowledgement: None, fault: None };
        fault.map_or(refused, Verdict::failed)
    }

    /// The verdict on an answer that is not about a plan request.
    fn other(found: Result<(), Fault>) -> Self {
        match found {
            Ok(()) => Verdict { outcome: Outcome::Other, acknowledgement: None, fault: None },
            Err(fault) => Verdict::failed(fault),
        }
    }
}

#[derive(Deserialize)]
struct ProblemDocument {
    code: String,
}

/// The verdict on the reading of a plan whose check ended so. A refusal says nothing of whether the plan is there.
pub(crate) fn check_read(found: Result<(), Fault>, answer: &Answer<'_>) -> Verdict {
    match answer.status {
        503 => Verdict::rejected(accepted(answer).err().flatten()),
        _ => Verdict::other(found),
    }
}

/// Goes on with a 200.
///
/// # Errors
///
/// What is wrong with any other status: nothing with a refusal that says when to come back.
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

/// Text of an answer, borrowed unless it is escaped.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Most bytes before the value that [`cut`] looks for; ours come within a hundred.
const PREFIX_BYTES_MAX: usize = 512;

/// Cuts the value after `name`, a field in quotes with its colon, out of a body: where it has `length` bytes, and
/// the hash of them is `hash`, leaves the body with `null` in its place in `rest`. A first answer has shown both.
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

/// Where the value after the first `name` begins.
fn value_start(body: &[u8], name: &[u8]) -> Option<usize> {
    let prefix = &body[..body.len().min(PREFIX_BYTES_MAX)];
    prefix.windows(name.len()).position(|window| window == name).map(|found| found + name.len())
}

/// A fast hash: what it guards against is a fault, and no one who looks for a collision.
fn hash_of<T: std::hash::Hash>(value: T) -> u64 {
    use std::hash::BuildHasher;
    foldhash::quality::FixedState::default().hash_one(value)
}

#[cfg(test)]
mod tests;
