//! Checks responses to plan requests.
//!
//! The first response to a request is parsed completely. If later responses repeat its plan byte for byte, it is enough
//! to compare the bytes and to parse the few fields around them. All others are parsed completely.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{CheckResult, RequestOutcome, Seen, SeenBytes, Text, accepted, hash_of, parse};
use crate::args::Dialect;
use crate::fault::Fault;
use crate::keys::{Keys, Marks};
use crate::ledger::{Acknowledgement, Digest};
use crate::plan_id::PlanId;
use crate::wire::Answer;

const PLAN_DATA: &[u8] = b"\"plan_data\":";

/// The requirements of a plan.
#[derive(Debug)]
pub(crate) struct ExpectedPlan<'a> {
    pub(crate) user_id: &'a str,
    /// The keys to which the numbers in `requested` refer.
    pub(crate) keys: &'a Keys,
    /// The requested instruments, all distinct.
    pub(crate) requested: &'a mut [u32],
    pub(crate) limit: usize,
}

/// The response around a plan. A field that is parsed must be present and of its type.
#[derive(Deserialize)]
#[expect(dead_code, reason = "not all fields are compared")]
struct PlanAnswer<'a, P> {
    #[serde(borrow)]
    plan_id: Text<'a>,
    status: PlanStatus,
    cache_hit: bool,
    plan_data: P,
    duration_ms: f64,
    correlation_id: Text<'a>,
    response_time_ms: u64,
    config_driven: bool,
    api_version: Text<'a>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PlanStatus {
    Created,
    Cached,
}

/// A plan in responses of its creation and of reading it.
#[derive(Deserialize)]
pub(super) struct PlanData<'a> {
    #[serde(borrow)]
    plan_id: Text<'a>,
    user_id: Text<'a>,
    plan_name: Text<'a>,
    description: Text<'a>,
    subscription_type: Text<'a>,
    instruments: Vec<Text<'a>>,
    optimization_level: Text<'a>,
    filtering_strictness: Text<'a>,
    status: Text<'a>,
    estimated_cost: f64,
    performance_metrics: PerformanceMetrics,
    validation_results: &'a RawValue,
    cache_key: Text<'a>,
    created_at: Text<'a>,
    expires_at: Text<'a>,
    metadata: &'a RawValue,
}

#[derive(Deserialize)]
struct PerformanceMetrics {
    instrument_count: usize,
    removed_instruments: usize,
}

impl PlanData<'_> {
    /// Returns the acknowledgement of the plan, or `None` if its id is malformed.
    pub(super) fn acknowledgement(&self) -> Option<Acknowledgement> {
        let plan_id = PlanId::parse(&self.plan_id)?;
        // Hashes all fields after parsing, so that another spelling is not a change. The hash is the same in every
        // build, because a ledger may have been written by another build.
        let numbers = [self.estimated_cost.to_string(), self.performance_metrics.removed_instruments.to_string()];
        let fields = Digest::of(&[
            &*self.user_id,
            &*self.plan_name,
            &*self.description,
            &*self.subscription_type,
            &*self.optimization_level,
            &*self.filtering_strictness,
            &*self.status,
            &*self.cache_key,
            &*self.created_at,
            &*self.expires_at,
            &*numbers[0],
            &*numbers[1],
        ]);
        let digest = Digest::of(&self.instruments);
        Some(Acknowledgement { plan_id, digest, fields: Some(fields.beginning()) })
    }
}

#[derive(Deserialize)]
struct YardstickPlan<'a> {
    #[serde(borrow)]
    plan_id: Text<'a>,
    user_id: Text<'a>,
    plan_name: Text<'a>,
    subscription_type: Text<'a>,
    instruments: Vec<Text<'a>>,
    status: Text<'a>,
    removed: usize,
    cache_hit: bool,
}

/// The parts of a response that are compared with the request.
struct ParsedResponse<'a> {
    acknowledgement: Acknowledgement,
    user_id: Text<'a>,
    instruments: Vec<Text<'a>>,
    /// The plan's count of requested instruments that it does not contain.
    removed: usize,
    outcome: RequestOutcome,
    /// The first contradiction within the response.
    fault: Option<Fault>,
    /// The bytes that later responses repeat.
    bytes: &'a [u8],
}

/// Checks the response to a plan request. The yardstick does not report whether it created a plan, so every plan counts
/// as created. `seen` is `None` if the request is not repeated. Otherwise it contains the state of an earlier valid
/// response to the same request, if there was one, and it receives the state of this response. `expected` is called
/// only if the response is parsed completely. `rest` is a buffer.
pub(crate) fn check_plan<'a>(
    dialect: Dialect,
    answer: &Answer<'_>,
    seen: Option<&mut Option<Seen>>,
    rest: &mut Vec<u8>,
    marks: &mut Marks,
    expected: impl FnOnce(&mut Marks) -> ExpectedPlan<'a>,
) -> CheckResult {
    let body = match accepted(answer) {
        Ok(body) => body,
        Err(fault) => return CheckResult::rejected(fault),
    };
    let before = seen.as_ref().and_then(|seen| seen.as_ref());
    if let Some(outcome) = before.and_then(|seen| check_same(dialect, body, seen, rest)) {
        return CheckResult { outcome, acknowledgement: before.map(|seen| seen.acknowledgement), fault: None };
    }
    let parsed = match dialect {
        Dialect::Registry => parse_registry(body, seen.is_some()),
        Dialect::Yardstick => parse_yardstick(body),
    };
    let mut parsed = match parsed {
        Ok(parsed) => parsed,
        Err(fault) => return CheckResult::failed(fault),
    };
    let acknowledgement = parsed.acknowledgement;
    let expected = expected(marks);
    let fault = parsed.fault.take().or_else(|| contradiction(&parsed, expected, marks));
    let outcome = if fault.is_some() { RequestOutcome::Failed } else { parsed.outcome };
    if let (Some(seen), None) = (seen, &fault) {
        *seen = Some(Seen { acknowledgement, bytes: SeenBytes::of(parsed.bytes) });
    }
    CheckResult { outcome, acknowledgement: Some(acknowledgement), fault }
}

/// Returns the outcome of a response that repeats the plan of `seen` byte for byte, or `None` for any other response.
fn check_same(dialect: Dialect, body: &[u8], seen: &Seen, rest: &mut Vec<u8>) -> Option<RequestOutcome> {
    if dialect == Dialect::Yardstick {
        return (SeenBytes::of(body) == seen.bytes).then_some(RequestOutcome::Created);
    }
    if !seen.bytes.cut(body, PLAN_DATA, rest) {
        return None;
    }
    let around: PlanAnswer<'_, ()> = serde_json::from_slice(rest).ok()?;
    let is_same = PlanId::parse(&around.plan_id) == Some(seen.acknowledgement.plan_id);
    outcome(around.status, around.cache_hit).filter(|_| is_same)
}

/// Returns `None` if the status and the flag contradict each other.
fn outcome(status: PlanStatus, cache_hit: bool) -> Option<RequestOutcome> {
    match (status, cache_hit) {
        (PlanStatus::Created, false) => Some(RequestOutcome::Created),
        (PlanStatus::Cached, true) => Some(RequestOutcome::Cached),
        _ => None,
    }
}

/// Parses a response of the registry. The bytes of the plan are only needed for later comparisons; without them, the
/// response is parsed in one pass.
fn parse_registry(body: &[u8], is_repeated: bool) -> Result<ParsedResponse<'_>, Fault> {
    let (outer, status, cache_hit, plan, bytes) = if is_repeated {
        let PlanAnswer { plan_id, status, cache_hit, plan_data, .. } = parse::<PlanAnswer<'_, &RawValue>>(body)?;
        let bytes = plan_data.get().as_bytes();
        (plan_id, status, cache_hit, parse(bytes)?, bytes)
    } else {
        let PlanAnswer { plan_id, status, cache_hit, plan_data, .. } = parse::<PlanAnswer<'_, PlanData<'_>>>(body)?;
        (plan_id, status, cache_hit, plan_data, &[][..])
    };
    let plan_id = PlanId::parse(&outer).ok_or_else(|| Fault::plan_id_form(&outer))?;
    let Some(acknowledgement) = plan.acknowledgement().filter(|inner| inner.plan_id == plan_id) else {
        let inner = &*plan.plan_id;
        let message = format!("plan id `{plan_id}` of the response differs from `{inner}` in its plan");
        return Err(Fault::new("plan_id_mismatch", message));
    };
    let PlanData { user_id, instruments, performance_metrics, validation_results, metadata, .. } = plan;
    let PerformanceMetrics { instrument_count: counted, removed_instruments: removed } = performance_metrics;
    let is_object = |value: &RawValue| value.get().starts_with('{');
    let (held, outcome) = (instruments.len(), outcome(status, cache_hit));
    let fault = if !is_object(validation_results) || !is_object(metadata) {
        Some(Fault::shape("`validation_results` or `metadata` is not an object"))
    } else if outcome.is_none() {
        let message = format!("status `{status:?}` contradicts cache_hit `{cache_hit}` in `{plan_id}`");
        Some(Fault::new("cache_flag", message))
    } else if counted != held {
        let message = format!("plan `{plan_id}`: expected a count of {held} instruments, got {counted}");
        Some(Fault::new("count_mismatch", message))
    } else {
        None
    };
    let outcome = outcome.unwrap_or(RequestOutcome::Failed);
    Ok(ParsedResponse { acknowledgement, user_id, instruments, removed, outcome, fault, bytes })
}

fn parse_yardstick(body: &[u8]) -> Result<ParsedResponse<'_>, Fault> {
    let plan: YardstickPlan<'_> = parse(body)?;
    let plan_id = PlanId::parse(&plan.plan_id).ok_or_else(|| Fault::plan_id_form(&plan.plan_id))?;
    let fields = hash_of((&*plan.user_id, &*plan.plan_name, &*plan.subscription_type, &*plan.status, plan.cache_hit));
    let acknowledgement = Acknowledgement { plan_id, digest: Digest::of(&plan.instruments), fields: Some(fields) };
    let YardstickPlan { user_id, instruments, removed, .. } = plan;
    let outcome = RequestOutcome::Created;
    Ok(ParsedResponse { acknowledgement, user_id, instruments, removed, outcome, fault: None, bytes: body })
}

/// Returns the first contradiction between the plan and the request.
fn contradiction(plan: &ParsedResponse<'_>, expected: ExpectedPlan<'_>, marks: &mut Marks) -> Option<Fault> {
    let ExpectedPlan { user_id, keys, requested, limit } = expected;
    let ParsedResponse { acknowledgement: Acknowledgement { plan_id, .. }, user_id: got, instruments, removed, .. } =
        plan;
    let fault = |kind: &'static str, text: String| Some(Fault::new(kind, format!("plan `{plan_id}`: {text}")));
    let (held, most) = (instruments.len(), requested.len());
    if **got != *user_id {
        return fault("wrong_user", format!("expected user `{user_id}`, got `{}`", &**got));
    }
    if held > most {
        return fault("too_many_instruments", format!("expected at most the {most} requested instruments, got {held}"));
    }
    if held > limit {
        let text = format!("expected at most {limit} instruments, the maximum of the settings, got {held}");
        return fault("over_limit", text);
    }
    if !is_part_of(instruments, keys, requested) {
        marks.start(keys.len());
        for &number in requested.iter() {
            marks.set(number);
        }
        for key in instruments {
            // The key was requested but is no longer in the set, so it occurs twice in the plan.
            match keys.number(key) {
                Some(number) if marks.clear(number) => {}
                Some(number) if requested.contains(&number) => {
                    return fault("repeated_instrument", format!("`{}` occurs more than once", &**key));
                }
                _ => return fault("foreign_instrument", format!("`{}` was not requested", &**key)),
            }
        }
    }
    let left_out = most - held;
    if *removed != left_out {
        let text = format!("expected a count of {left_out} removed instruments, got {removed}");
        return fault("removed_mismatch", text);
    }
    None
}

/// Whether the instruments are a subset of the requested ones, each once and in the order of the keys, as in most
/// plans. The search for each starts after the previous one. Another order returns false even if it is a subset.
fn is_part_of(instruments: &[Text<'_>], keys: &Keys, requested: &mut [u32]) -> bool {
    requested.sort_unstable();
    let mut requested = requested.iter();
    instruments.iter().all(|key| requested.any(|&number| keys.escaped(number) == key.as_bytes()))
}
