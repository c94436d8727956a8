//! Checks responses to plan requests.
//!
//! The first response to a request is parsed completely. If later responses repeat its plan byte for byte, it is enough
//! to compare the bytes and to parse the few fields around them. All others are parsed completely.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{CheckResult, RequestOutcome, Text, accepted, cut, hash_of, parse};
use crate::args::Dialect;
use crate::fault::Fault;
use crate::keys::{Keys, Marks};
use crate::ledger::{Acknowledgement, Digest};
use crate::plan_id::PlanId;
use crate::wire::Answer;

const PLAN_DATA: &[u8] = b"\"plan_data\":";

/// The requirements of a plan.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    /// The user of the plan.
    pub(crate) user_id: &'a str,
    /// The keys to which the numbers in `asked` refer.
    pub(crate) keys: &'a Keys,
    /// The requested instruments, all distinct.
    pub(crate) asked: &'a mut [u32],
    /// Maximum number of instruments of a plan.
    pub(crate) limit: usize,
}

/// The state of a valid response to a request, for the comparison with later ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    acknowledgement: Acknowledgement,
    /// The length of the plan, or of the whole response in the format of the yardstick.
    length: usize,
    /// The hash of these bytes.
    bytes: u64,
}

/// The response around a plan. Fields that only must exist and have the right type are parsed and not checked.
#[derive(Deserialize)]
struct PlanAnswer<'a, P> {
    #[serde(borrow)]
    plan_id: Cow<'a, str>,
    status: PlanStatus,
    cache_hit: bool,
    plan_data: P,
    duration_ms: f64,
    #[serde(borrow)]
    correlation_id: Cow<'a, str>,
    response_time_ms: u64,
    config_driven: bool,
    #[serde(borrow)]
    api_version: Cow<'a, str>,
}

impl<'a, P> PlanAnswer<'a, P> {
    fn with_plan<Q>(self, plan_data: Q) -> PlanAnswer<'a, Q> {
        PlanAnswer {
            plan_id: self.plan_id,
            status: self.status,
            cache_hit: self.cache_hit,
            plan_data,
            duration_ms: self.duration_ms,
            correlation_id: self.correlation_id,
            response_time_ms: self.response_time_ms,
            config_driven: self.config_driven,
            api_version: self.api_version,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PlanStatus {
    Created,
    Cached,
}

/// A plan in responses of its creation and of reading it.
#[derive(Deserialize)]
pub(super) struct PlanData<'a> {
    #[serde(borrow)]
    plan_id: Cow<'a, str>,
    #[serde(borrow)]
    user_id: Cow<'a, str>,
    #[serde(borrow)]
    plan_name: Cow<'a, str>,
    #[serde(borrow)]
    description: Cow<'a, str>,
    #[serde(borrow)]
    subscription_type: Cow<'a, str>,
    #[serde(borrow)]
    instruments: Vec<Text<'a>>,
    #[serde(borrow)]
    optimization_level: Cow<'a, str>,
    #[serde(borrow)]
    filtering_strictness: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    estimated_cost: f64,
    performance_metrics: PerformanceMetrics,
    #[serde(borrow)]
    validation_results: &'a RawValue,
    #[serde(borrow)]
    cache_key: Cow<'a, str>,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
    #[serde(borrow)]
    expires_at: Cow<'a, str>,
    #[serde(borrow)]
    metadata: &'a RawValue,
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
        ])
        .beginning();
        Some(Acknowledgement { plan_id, digest: Digest::of(&self.instruments), fields: Some(fields) })
    }
}

#[derive(Deserialize)]
struct PerformanceMetrics {
    instrument_count: usize,
    removed_instruments: usize,
}

/// The response of the yardstick.
#[derive(Deserialize)]
struct YardstickPlan<'a> {
    #[serde(borrow)]
    plan_id: Cow<'a, str>,
    #[serde(borrow)]
    user_id: Cow<'a, str>,
    #[serde(borrow)]
    plan_name: Cow<'a, str>,
    #[serde(borrow)]
    subscription_type: Cow<'a, str>,
    #[serde(borrow)]
    instruments: Vec<Text<'a>>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    removed: usize,
    cache_hit: bool,
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
    expected: impl FnOnce(&mut Marks) -> Expected<'a>,
) -> CheckResult {
    let body = match accepted(answer) {
        Ok(body) => body,
        Err(fault) => return CheckResult::rejected(fault),
    };
    let before = seen.as_ref().and_then(|seen| seen.as_ref());
    if let Some(checked) = before.and_then(|seen| check_same(dialect, body, seen, rest)) {
        return checked;
    }
    let expected = expected(marks);
    let (checked, acknowledged) = match dialect {
        // The bytes of the plan are only needed for later comparisons. Without them, the response is parsed in one
        // pass.
        Dialect::Registry if seen.is_some() => check_registry(body, plan_apart, expected, marks),
        Dialect::Registry => check_registry(body, plan_within, expected, marks),
        Dialect::Yardstick => check_yardstick(body, expected, marks),
    };
    if let Some(seen) = seen
        && let Some((acknowledgement, plan)) = acknowledged
    {
        *seen = Some(Seen { acknowledgement, length: plan.len(), bytes: hash_of(plan) });
    }
    checked
}

/// Returns the result for a response that repeats the plan of `seen` byte for byte, or `None` for any other response.
fn check_same(dialect: Dialect, body: &[u8], seen: &Seen, rest: &mut Vec<u8>) -> Option<CheckResult> {
    let acknowledgement = Some(seen.acknowledgement);
    let outcome = match dialect {
        Dialect::Registry => {
            if !cut(body, PLAN_DATA, seen.length, seen.bytes, rest) {
                return None;
            }
            let around: PlanAnswer<'_, ()> = serde_json::from_slice(rest).ok()?;
            if PlanId::parse(&around.plan_id) != Some(seen.acknowledgement.plan_id) {
                return None;
            }
            match (around.status, around.cache_hit) {
                (PlanStatus::Created, false) => RequestOutcome::Created,
                (PlanStatus::Cached, true) => RequestOutcome::Cached,
                _ => return None,
            }
        }
        Dialect::Yardstick if body.len() == seen.length && hash_of(body) == seen.bytes => RequestOutcome::Created,
        Dialect::Yardstick => return None,
    };
    Some(CheckResult { outcome, acknowledgement, fault: None })
}

/// A response with its plan, and the bytes of the plan if they were cut out.
type Read<'a> = Result<(PlanAnswer<'a, PlanData<'a>>, &'a [u8]), Fault>;

fn plan_apart(body: &[u8]) -> Read<'_> {
    let around: PlanAnswer<'_, &RawValue> = parse(body)?;
    let bytes = around.plan_data.get().as_bytes();
    Ok((around.with_plan(parse(bytes)?), bytes))
}

fn plan_within(body: &[u8]) -> Read<'_> {
    Ok((parse(body)?, &[]))
}

/// The result of a check, and the state for comparisons with later responses: the acknowledgement and its bytes.
type Checked<'a> = (CheckResult, Option<(Acknowledgement, &'a [u8])>);

fn check_registry<'a>(
    body: &'a [u8],
    read: fn(&'a [u8]) -> Read<'a>,
    expected: Expected<'_>,
    marks: &mut Marks,
) -> Checked<'a> {
    let (answer, bytes) = match read(body) {
        Ok(read) => read,
        Err(fault) => return (CheckResult::failed(fault), None),
    };
    let plan = &answer.plan_data;
    let Some(plan_id) = PlanId::parse(&answer.plan_id) else {
        return (CheckResult::failed(Fault::PlanIdForm(answer.plan_id.into_owned())), None);
    };
    let Some(acknowledgement) = plan.acknowledgement().filter(|told| told.plan_id == plan_id) else {
        let inner = plan.plan_id.clone().into_owned();
        return (CheckResult::failed(Fault::PlanIdMismatch { outer: plan_id, inner }), None);
    };
    let PerformanceMetrics { instrument_count: counted, removed_instruments: removed } = plan.performance_metrics;
    let held = plan.instruments.len();
    let fault = around_fault(plan_id, &answer)
        .or((counted != held).then_some(Fault::CountMismatch { plan_id, counted, held }))
        .or_else(|| contradiction(plan_id, &plan.user_id, &plan.instruments, removed, expected, marks));
    if fault.is_some() {
        return (CheckResult { outcome: RequestOutcome::Failed, acknowledgement: Some(acknowledgement), fault }, None);
    }
    let outcome = match answer.status {
        PlanStatus::Created => RequestOutcome::Created,
        PlanStatus::Cached => RequestOutcome::Cached,
    };
    (CheckResult { outcome, acknowledgement: Some(acknowledgement), fault: None }, Some((acknowledgement, bytes)))
}

fn check_yardstick<'a>(body: &'a [u8], expected: Expected<'_>, marks: &mut Marks) -> Checked<'a> {
    let plan: YardstickPlan<'_> = match parse(body) {
        Ok(plan) => plan,
        Err(fault) => return (CheckResult::failed(fault), None),
    };
    let Some(plan_id) = PlanId::parse(&plan.plan_id) else {
        return (CheckResult::failed(Fault::PlanIdForm(plan.plan_id.into_owned())), None);
    };
    let fields = Some(hash_of((&plan.user_id, &plan.plan_name, &plan.subscription_type, &plan.status, plan.cache_hit)));
    let acknowledgement = Acknowledgement { plan_id, digest: Digest::of(&plan.instruments), fields };
    let fault = contradiction(plan_id, &plan.user_id, &plan.instruments, plan.removed, expected, marks);
    if fault.is_some() {
        return (CheckResult { outcome: RequestOutcome::Failed, acknowledgement: Some(acknowledgement), fault }, None);
    }
    let checked = CheckResult { outcome: RequestOutcome::Created, acknowledgement: Some(acknowledgement), fault: None };
    (checked, Some((acknowledgement, body)))
}

/// Returns the first contradiction between the response and its plan, or within the response.
fn around_fault(plan_id: PlanId, around: &PlanAnswer<'_, PlanData<'_>>) -> Option<Fault> {
    let plan = &around.plan_data;
    for (name, value) in [("validation_results", plan.validation_results), ("metadata", plan.metadata)] {
        if !value.get().starts_with('{') {
            return Some(Fault::Shape(format!("`{name}` is not an object")));
        }
    }
    let cache_hit = around.cache_hit;
    match (around.status, cache_hit) {
        (PlanStatus::Created, false) | (PlanStatus::Cached, true) => None,
        (PlanStatus::Created, true) => Some(Fault::CacheFlag { plan_id, status: "created", cache_hit }),
        (PlanStatus::Cached, false) => Some(Fault::CacheFlag { plan_id, status: "cached", cache_hit }),
    }
}

/// Returns the first contradiction between the plan and the request.
fn contradiction(
    plan_id: PlanId,
    user_id: &str,
    instruments: &[Text<'_>],
    removed: usize,
    expected: Expected<'_>,
    marks: &mut Marks,
) -> Option<Fault> {
    let Expected { keys, asked, limit, .. } = expected;
    if user_id != expected.user_id {
        let (asked, got) = (expected.user_id.to_owned(), user_id.to_owned());
        return Some(Fault::WrongUser { plan_id, asked, got });
    }
    let held = instruments.len();
    if held > asked.len() {
        return Some(Fault::TooManyInstruments { plan_id, asked: asked.len(), got: held });
    }
    if held > limit {
        return Some(Fault::OverLimit { plan_id, max: limit, got: held });
    }
    let left_out = asked.len() - held;
    let mismatch = (removed != left_out).then_some(Fault::RemovedMismatch { plan_id, counted: removed, left_out });
    if is_part_of(instruments, keys, asked) {
        return mismatch;
    }
    marks.start(keys.len());
    for &number in asked.iter() {
        marks.set(number);
    }
    for Text(key) in instruments {
        // The key was requested but is no longer in the set, so it occurs twice in the plan.
        match keys.number(key) {
            Some(number) if marks.clear(number) => {}
            Some(number) if asked.contains(&number) => {
                return Some(Fault::RepeatedInstrument { plan_id, instrument: key.clone().into_owned() });
            }
            _ => return Some(Fault::ForeignInstrument { plan_id, instrument: key.clone().into_owned() }),
        }
    }
    mismatch
}

/// Whether the instruments are a subset of the requested ones, each once and in the order of the keys, as in most
/// plans. The search for each starts after the previous one. Another order returns false even if it is a subset.
fn is_part_of(instruments: &[Text<'_>], keys: &Keys, asked: &mut [u32]) -> bool {
    asked.sort_unstable();
    let mut asked = asked.iter();
    instruments.iter().all(|Text(key)| asked.any(|&number| keys.escaped(number) == key.as_bytes()))
}
