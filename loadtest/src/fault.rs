//! The faults of responses and connections.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::plan_id::PlanId;

/// Enough for every message of the load test. Text from a registry can be megabytes long.
const FIRST_CHARS_MAX: usize = 300;

/// A reason to end with a non-zero exit code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The connection could not be opened, or was lost before the response was complete.
    #[error("no response: {0}")]
    Transport(String),
    /// The response was not complete before the timeout.
    #[error("timeout: no complete response within {}s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The response is longer than any plan can be.
    #[error("response too long: expected at most {max} bytes")]
    Oversized {
        /// The maximum size of a response, bytes.
        max: usize,
    },
    /// The status is neither 200 nor that of a rejection.
    #[error("status `{got}`{}", .code.as_deref().map(|code| format!(" with code `{code}`")).unwrap_or_default())]
    Status {
        /// The HTTP status.
        got: u16,
        /// The code of the problem document, if there is one.
        code: Option<String>,
    },
    /// A 503 has no `Retry-After`.
    #[error("status `503` without a `Retry-After` in seconds")]
    RefusalWithoutRetryAfter,
    /// The body does not parse.
    #[error("body is not JSON: {0}")]
    NotJson(String),
    /// A field is missing or has another type than in the contract.
    #[error("body does not match the contract: {0}")]
    Shape(String),
    /// The plan id is not `plan_` and 32 lowercase hex digits.
    #[error("plan id `{0}` is not `plan_` and 32 lower-case hex digits")]
    PlanIdForm(String),
    /// The response contains two plan ids.
    #[error("plan id `{outer}` of the response differs from `{inner}` in its plan")]
    PlanIdMismatch {
        /// The id outside `plan_data`.
        outer: PlanId,
        /// The id inside `plan_data`.
        inner: String,
    },
    /// `status` and `cache_hit` contradict each other.
    #[error("status `{status}` contradicts cache_hit `{cache_hit}` in `{plan_id}`")]
    CacheFlag {
        /// The plan in the response.
        plan_id: PlanId,
        /// `created` or `cached`.
        status: &'static str,
        /// `cache_hit` in the response.
        cache_hit: bool,
    },
    /// The plan belongs to another user.
    #[error("plan `{plan_id}`: expected user `{asked}`, got `{got}`")]
    WrongUser {
        /// The plan in the response.
        plan_id: PlanId,
        /// The user of the request.
        asked: String,
        /// The user of the plan.
        got: String,
    },
    /// The plan has more instruments than the request.
    #[error("plan `{plan_id}`: expected at most the {asked} requested instruments, got {got}")]
    TooManyInstruments {
        /// The plan in the response.
        plan_id: PlanId,
        /// Instruments in the request.
        asked: usize,
        /// Instruments in the plan.
        got: usize,
    },
    /// The plan has more instruments than the registry allows.
    #[error("plan `{plan_id}`: expected at most {max} instruments, the maximum of the settings, got {got}")]
    OverLimit {
        /// The plan in the response.
        plan_id: PlanId,
        /// The maximum in the settings of the registry.
        max: usize,
        /// Instruments in the plan.
        got: usize,
    },
    /// The plan's count of removed instruments differs from the number of missing ones.
    #[error("plan `{plan_id}`: expected a count of {left_out} removed instruments, got {counted}")]
    RemovedMismatch {
        /// The plan in the response.
        plan_id: PlanId,
        /// Its own count.
        counted: usize,
        /// Requested instruments that are not in the plan.
        left_out: usize,
    },
    /// The plan contains an instrument that was not requested.
    #[error("plan `{plan_id}` contains `{instrument}`, which was not requested")]
    ForeignInstrument {
        /// The plan in the response.
        plan_id: PlanId,
        /// The first such key.
        instrument: String,
    },
    /// The plan contains an instrument twice.
    #[error("plan `{plan_id}` contains `{instrument}` more than once")]
    RepeatedInstrument {
        /// The plan in the response.
        plan_id: PlanId,
        /// The first such key.
        instrument: String,
    },
    /// The plan's count differs from the number of its instruments.
    #[error("plan `{plan_id}`: expected a count of {held} instruments, got {counted}")]
    CountMismatch {
        /// The plan in the response.
        plan_id: PlanId,
        /// `performance_metrics.instrument_count`.
        counted: usize,
        /// Instruments in the plan.
        held: usize,
    },
    /// Two responses with the same plan differ in its contents.
    #[error("plan `{0}` was acknowledged twice with different contents")]
    Changed(PlanId),
    /// Concurrent callers with the same request got different plans.
    #[error("identical concurrent requests got two plans, `{first}` and `{other}`")]
    SeveralPlans {
        /// One of the plans.
        first: PlanId,
        /// Another.
        other: PlanId,
    },
    /// A response does not have the requested number of bytes.
    #[error("expected a response of {asked} bytes, got {got}")]
    AnswerLength {
        /// Bytes in the request.
        asked: usize,
        /// Bytes of the body.
        got: usize,
    },
    /// A description, list, search or profile does not match the request.
    #[error("{kind}: {reason}")]
    WrongAnswer {
        /// The kind of request.
        kind: &'static str,
        /// The difference.
        reason: String,
    },
    /// An acknowledged plan is unknown to the registry.
    #[error("plan `{0}` was acknowledged and is lost")]
    Lost(PlanId),
    /// An acknowledged plan reads back with another id, other instruments or other fields.
    #[error("plan `{0}` differs from the acknowledged plan")]
    Different(PlanId),
    /// An acknowledged plan could not be read, so its state is unknown.
    #[error("failed to read back plan `{plan_id}`: {reason}")]
    Unread {
        /// The acknowledged plan.
        plan_id: PlanId,
        /// The cause.
        reason: String,
    },
}

impl Fault {
    /// Returns the word under which the fault is counted.
    pub(crate) fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Fault::Transport(_) => "transport",
            Fault::Timeout(_) => "timeout",
            Fault::Oversized { .. } => "oversized",
            Fault::Status { got, .. } => return Cow::Owned(format!("status_{got}")),
            Fault::RefusalWithoutRetryAfter => "refusal_without_retry_after",
            Fault::NotJson(_) => "not_json",
            Fault::Shape(_) => "shape",
            Fault::PlanIdForm(_) => "plan_id_form",
            Fault::PlanIdMismatch { .. } => "plan_id_mismatch",
            Fault::CacheFlag { .. } => "cache_flag",
            Fault::WrongUser { .. } => "wrong_user",
            Fault::TooManyInstruments { .. } => "too_many_instruments",
            Fault::OverLimit { .. } => "over_limit",
            Fault::RemovedMismatch { .. } => "removed_mismatch",
            Fault::ForeignInstrument { .. } => "foreign_instrument",
            Fault::RepeatedInstrument { .. } => "repeated_instrument",
            Fault::CountMismatch { .. } => "count_mismatch",
            Fault::Changed(_) => "changed",
            Fault::SeveralPlans { .. } => "several_plans",
            Fault::AnswerLength { .. } => "answer_length",
            Fault::WrongAnswer { .. } => "wrong_answer",
            Fault::Lost(_) => "lost",
            Fault::Different(_) => "different",
            Fault::Unread { .. } => "unread",
        })
    }
}

/// Faults by kind.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Faults {
    by_kind: BTreeMap<Cow<'static, str>, FaultCount>,
}

/// The number of faults of a kind.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FaultCount {
    /// Occurrences.
    pub(crate) count: u64,
    /// The message of the first fault, as one line that is safe for a terminal.
    pub(crate) first: String,
}

impl Faults {
    /// Counts one fault.
    pub(crate) fn add(&mut self, fault: &Fault) {
        self.add_many(fault, 1);
    }

    /// Counts `count` faults of the kind of `fault`.
    pub(crate) fn add_many(&mut self, fault: &Fault, count: u64) {
        if count == 0 {
            return;
        }
        let new = || FaultCount { count: 0, first: printable(&fault.to_string()) };
        self.by_kind.entry(fault.kind()).or_insert_with(new).count += count;
    }

    /// Adds the faults of `other`.
    pub(crate) fn merge(&mut self, other: Faults) {
        for (kind, more) in other.by_kind {
            match self.by_kind.get_mut(&kind) {
                Some(known) => known.count += more.count,
                None => drop(self.by_kind.insert(kind, more)),
            }
        }
    }

    /// Whether there are no faults.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_kind.is_empty()
    }

    /// Returns the kinds in alphabetical order with their counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &FaultCount)> {
        self.by_kind.iter().map(|(kind, count)| (kind.as_ref(), count))
    }

    /// Returns the number of faults of a kind.
    #[cfg(test)]
    pub(crate) fn count(&self, kind: &str) -> u64 {
        self.by_kind.get(kind).map_or(0, |fault| fault.count)
    }
}

/// Returns the beginning of `text` without control characters, because parts of it come from the registry.
fn printable(text: &str) -> String {
    let mut shown: String =
        text.chars().take(FIRST_CHARS_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(FIRST_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted_by_kind_and_the_first_is_kept() {
        let mut faults = Faults::default();

        faults.add(&Fault::Status { got: 401, code: Some("unauthorized".into()) });
        faults.add(&Fault::Status { got: 500, code: None });
        faults.add(&Fault::Status { got: 401, code: None });

        assert_eq!(faults.count("status_401"), 2);
        assert_eq!(faults.count("status_500"), 1);
        let first = faults.iter().next().expect("two kinds were added");
        assert_eq!(first.1.first, "status `401` with code `unauthorized`");
    }

    #[test]
    fn merging_adds_counts_and_keeps_the_earlier_first() {
        let mut faults = Faults::default();
        faults.add(&Fault::Transport("refused".into()));
        let mut later = Faults::default();
        later.add_many(&Fault::Transport("reset".into()), 2);
        later.add_many(&Fault::RefusalWithoutRetryAfter, 0);

        faults.merge(later);

        assert_eq!(faults.count("transport"), 3);
        assert_eq!(faults.iter().count(), 1);
        assert_eq!(faults.iter().next().expect("one kind").1.first, "no response: refused");
    }

    #[test]
    fn text_of_a_registry_is_cut_and_safe_for_a_terminal() {
        let mut faults = Faults::default();

        faults.add(&Fault::PlanIdForm(format!("\x1b[2J{}", "x".repeat(1_000))));

        let first = &faults.iter().next().expect("one kind").1.first;
        assert!(first.starts_with("plan id `\u{fffd}[2Jxxx"), "{first}");
        assert_eq!(first.chars().count(), FIRST_CHARS_MAX + 1);
    }
}
