//! The check of an answer against the contract and against what was asked for.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::client::Answer;
use crate::fault::Fault;
use crate::ledger::{Acknowledgement, Digest, PlanId};
use crate::workload::PlanRequest;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A plan was made.
    Created,
    /// A plan made before was answered.
    Cached,
    /// 503 with a time to come back: the registry declined, as an overloaded one may.
    Refused,
    /// Anything else, each with a fault.
    Failed,
}

impl Outcome {
    /// Every outcome, in the order of their discriminants.
    pub(crate) const ALL: [Outcome; 4] = [Outcome::Created, Outcome::Cached, Outcome::Refused, Outcome::Failed];

    /// The word that the report uses.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Cached => "cached",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        }
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
}

/// The answer to a plan request. Fields that are only required to be there and of their type are read and
/// not looked at.
#[derive(Deserialize)]
#[expect(dead_code, reason = "a field that is read must be present and of its type")]
struct PlanAnswer {
    plan_id: String,
    status: PlanStatus,
    cache_hit: bool,
    plan_data: PlanData,
    duration_ms: f64,
    correlation_id: String,
    response_time_ms: u64,
    config_driven: bool,
    api_version: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PlanStatus {
    Created,
    Cached,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "a field that is read must be present and of its type")]
struct PlanData {
    plan_id: String,
    user_id: String,
    plan_name: String,
    description: String,
    subscription_type: String,
    instruments: Vec<String>,
    optimization_level: String,
    filtering_strictness: String,
    status: String,
    estimated_cost: f64,
    performance_metrics: PerformanceMetrics,
    validation_results: Map<String, Value>,
    cache_key: String,
    created_at: String,
    expires_at: String,
    metadata: Map<String, Value>,
}

#[derive(Deserialize)]
struct PerformanceMetrics {
    instrument_count: usize,
}

/// The answer to reading a plan back, as far as it is compared.
#[derive(Deserialize)]
struct StoredAnswer {
    plan: StoredPlan,
}

#[derive(Deserialize)]
struct StoredPlan {
    plan_id: String,
    instruments: Vec<String>,
}

#[derive(Deserialize)]
struct ProblemDocument {
    code: String,
}

/// Checks the answer to a plan request.
pub(crate) fn check_created(request: &PlanRequest<'_>, answer: &Answer) -> Verdict {
    match answer.status {
        200 => {}
        503 if answer.retry_after.is_some() => {
            return Verdict { outcome: Outcome::Refused, acknowledgement: None, fault: None };
        }
        503 => return Verdict::failed(Fault::RefusalWithoutRetryAfter),
        _ => return Verdict::failed(status_fault(answer)),
    }
    let parsed: PlanAnswer = match parse(&answer.body) {
        Ok(parsed) => parsed,
        Err(fault) => return Verdict::failed(fault),
    };
    let Some(plan_id) = PlanId::parse(&parsed.plan_id) else {
        return Verdict::failed(Fault::PlanIdForm(parsed.plan_id));
    };
    let acknowledgement = Some(Acknowledgement { plan_id, digest: Digest::of(&parsed.plan_data.instruments) });
    match contradiction(request, plan_id, &parsed) {
        Some(fault) => Verdict { outcome: Outcome::Failed, acknowledgement, fault: Some(fault) },
        None => {
            let outcome = match parsed.status {
                PlanStatus::Created => Outcome::Created,
                PlanStatus::Cached => Outcome::Cached,
            };
            Verdict { outcome, acknowledgement, fault: None }
        }
    }
}

/// Checks the answer to reading back the plan of `acknowledgement`.
///
/// # Errors
///
/// [`Fault::Lost`] for a 404, [`Fault::Different`] for another plan or other instruments, [`Fault::Unread`]
/// for an answer that shows neither.
pub(crate) fn check_stored(acknowledgement: Acknowledgement, answer: &Answer) -> Result<(), Fault> {
    let Acknowledgement { plan_id, digest } = acknowledgement;
    match answer.status {
        200 => {}
        404 => return Err(Fault::Lost(plan_id)),
        _ => {
            return Err(Fault::Unread { plan_id, reason: status_fault(answer).to_string() });
        }
    }
    let StoredAnswer { plan } =
        parse(&answer.body).map_err(|fault| Fault::Unread { plan_id, reason: fault.to_string() })?;
    if PlanId::parse(&plan.plan_id) != Some(plan_id) || Digest::of(&plan.instruments) != digest {
        return Err(Fault::Different(plan_id));
    }
    Ok(())
}

/// The first way in which a well-formed answer contradicts the request or itself.
fn contradiction(request: &PlanRequest<'_>, plan_id: PlanId, answer: &PlanAnswer) -> Option<Fault> {
    let plan = &answer.plan_data;
    if plan.plan_id != answer.plan_id {
        return Some(Fault::PlanIdMismatch { outer: plan_id, inner: plan.plan_id.clone() });
    }
    if plan.user_id != request.user_id {
        let (asked, got) = (request.user_id.clone(), plan.user_id.clone());
        return Some(Fault::WrongUser { plan_id, asked, got });
    }
    let cache_hit = answer.cache_hit;
    match (answer.status, cache_hit) {
        (PlanStatus::Created, false) | (PlanStatus::Cached, true) => {}
        (PlanStatus::Created, true) => {
            return Some(Fault::CacheFlag { plan_id, status: "created", cache_hit });
        }
        (PlanStatus::Cached, false) => {
            return Some(Fault::CacheFlag { plan_id, status: "cached", cache_hit });
        }
    }
    let (asked, held) = (request.instruments.len(), plan.instruments.len());
    if held > asked {
        return Some(Fault::TooManyInstruments { plan_id, asked, got: held });
    }
    let counted = plan.performance_metrics.instrument_count;
    if counted != held {
        return Some(Fault::CountMismatch { plan_id, counted, held });
    }
    let asked: HashSet<&str> = request.instruments.iter().copied().collect();
    let mut seen = HashSet::with_capacity(held);
    for key in &plan.instruments {
        if !asked.contains(key.as_str()) {
            return Some(Fault::ForeignInstrument { plan_id, instrument: key.clone() });
        }
        if !seen.insert(key) {
            return Some(Fault::RepeatedInstrument { plan_id, instrument: key.clone() });
        }
    }
    None
}

fn status_fault(answer: &Answer) -> Fault {
    let code = serde_json::from_slice::<ProblemDocument>(&answer.body).ok().map(|problem| problem.code);
    Fault::Status { got: answer.status, code }
}

fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Fault::Shape(error.to_string()),
        Category::Syntax | Category::Eof | Category::Io => Fault::NotJson(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "plan_0192f3a4b5c67d8e9f00112233445566";

    fn request() -> PlanRequest<'static> {
        PlanRequest {
            origin: 0,
            user_id: "load-1-7".into(),
            instruments: vec!["NSE:TCS", "NSE:INFY", "NSE:ITC"],
            body: Vec::new(),
        }
    }

    /// A faultless answer to [`request`] that keeps two of the three instruments.
    fn plan() -> Value {
        json!({
            "plan_id": ID, "status": "created", "cache_hit": false,
            "plan_data": {
                "plan_id": ID, "user_id": "load-1-7", "plan_name": "Load test 0", "description": "…",
                "subscription_type": "live_feed", "instruments": ["NSE:INFY", "NSE:TCS"],
                "optimization_level": "moderate", "filtering_strictness": "moderate", "status": "optimized",
                "estimated_cost": 0.1, "performance_metrics": {"instrument_count": 2},
                "validation_results": {}, "cache_key": "…", "created_at": "…", "expires_at": "…", "metadata": {},
            },
            "duration_ms": 3, "correlation_id": "…", "response_time_ms": 3, "config_driven": true,
            "api_version": "v1",
        })
    }

    fn answer(status: u16, body: &Value) -> Answer {
        Answer { status, retry_after: None, body: body.to_string().into_bytes() }
    }

    /// The verdict on [`plan`] with the value at `pointer` replaced.
    fn verdict_with(pointer: &str, value: Value) -> Verdict {
        let mut body = plan();
        *body.pointer_mut(pointer).expect("the pointer names a field") = value;
        check_created(&request(), &answer(200, &body))
    }

    fn plan_id() -> PlanId {
        PlanId::parse(ID).expect("the form is right")
    }

    fn acknowledgement() -> Acknowledgement {
        Acknowledgement { plan_id: plan_id(), digest: Digest::of(&["NSE:INFY", "NSE:TCS"]) }
    }

    #[test]
    fn a_faultless_answer_acknowledges_its_plan() {
        let verdict = check_created(&request(), &answer(200, &plan()));

        let expected = Verdict { outcome: Outcome::Created, acknowledgement: Some(acknowledgement()), fault: None };
        assert_eq!(verdict, expected);
    }

    #[test]
    fn an_answer_from_the_cache_is_told_from_a_new_plan() {
        let mut body = plan();
        body["status"] = "cached".into();
        body["cache_hit"] = true.into();

        let verdict = check_created(&request(), &answer(200, &body));

        assert_eq!(verdict.outcome, Outcome::Cached);
        assert_eq!(verdict.fault, None);
    }

    #[test]
    fn a_plan_that_keeps_nothing_is_no_fault() {
        let mut body = plan();
        body["plan_data"]["instruments"] = json!([]);
        body["plan_data"]["performance_metrics"]["instrument_count"] = 0.into();

        assert_eq!(check_created(&request(), &answer(200, &body)).outcome, Outcome::Created);
    }

    #[test]
    fn a_503_is_a_refusal_only_when_it_says_when_to_come_back() {
        let refusal = Answer { status: 503, retry_after: Some(1), body: Vec::new() };

        let verdict = check_created(&request(), &refusal);

        assert_eq!(verdict, Verdict { outcome: Outcome::Refused, acknowledgement: None, fault: None });
        let silent = Answer { retry_after: None, ..refusal };
        assert_eq!(check_created(&request(), &silent), Verdict::failed(Fault::RefusalWithoutRetryAfter));
    }

    #[test]
    fn another_status_is_a_fault_with_the_code_of_the_problem() {
        let body = json!({"status": 422, "code": "validation_failed"});

        let verdict = check_created(&request(), &answer(422, &body));

        assert_eq!(verdict, Verdict::failed(Fault::Status { got: 422, code: Some("validation_failed".into()) }));
        let verdict = check_created(&request(), &answer(201, &plan()));
        assert_eq!(verdict, Verdict::failed(Fault::Status { got: 201, code: None }));
    }

    #[test]
    fn a_body_that_is_cut_off_is_not_json() {
        let mut cut = answer(200, &plan());
        cut.body.truncate(40);

        let fault = check_created(&request(), &cut).fault.expect("half an answer");

        assert_eq!(fault.kind(), "not_json");
    }

    #[test]
    fn a_missing_field_and_a_field_of_another_type_are_faults_of_shape() {
        for name in ["plan_id", "cache_hit", "plan_data", "response_time_ms", "api_version"] {
            let mut body = plan();
            body.as_object_mut().expect("an object").remove(name);

            let fault = check_created(&request(), &answer(200, &body)).fault.expect(name);

            assert!(matches!(&fault, Fault::Shape(text) if text.contains(name)), "{fault}");
        }
        for (pointer, value) in [
            ("/status", json!("reused")),
            ("/response_time_ms", json!(1.5)),
            ("/plan_data/instruments", json!("[\"NSE:TCS\"]")),
            ("/plan_data/estimated_cost", json!("0.1")),
            ("/plan_data/performance_metrics", json!("{}")),
            ("/plan_data/description", json!(null)),
        ] {
            let fault = verdict_with(pointer, value).fault.expect(pointer);

            assert_eq!(fault.kind(), "shape", "{pointer}");
        }
    }

    #[test]
    fn a_plan_id_of_another_form_is_a_fault_and_acknowledges_nothing() {
        let verdict = verdict_with("/plan_id", json!("plan_1"));

        assert_eq!(verdict, Verdict::failed(Fault::PlanIdForm("plan_1".into())));
    }

    #[test]
    fn an_instrument_that_was_not_asked_for_is_a_fault_and_the_plan_is_still_acknowledged() {
        let verdict = verdict_with("/plan_data/instruments", json!(["NSE:TCS", "NSE:WIPRO"]));

        let expected = Fault::ForeignInstrument { plan_id: plan_id(), instrument: "NSE:WIPRO".into() };
        assert_eq!(verdict.fault, Some(expected));
        assert_eq!(verdict.outcome, Outcome::Failed);
        assert_eq!(verdict.acknowledgement.map(|it| it.plan_id), Some(plan_id()));
    }

    #[test]
    fn each_contradiction_is_a_fault_of_its_own() {
        let four = json!(["NSE:TCS", "NSE:INFY", "NSE:ITC", "NSE:LT"]);
        for (pointer, value, kind) in [
            ("/plan_data/plan_id", json!("plan_00000000000000000000000000000000"), "plan_id_mismatch"),
            ("/plan_data/user_id", json!("load-1-8"), "wrong_user"),
            ("/cache_hit", json!(true), "cache_flag"),
            ("/status", json!("cached"), "cache_flag"),
            ("/plan_data/instruments", four, "too_many_instruments"),
            ("/plan_data/performance_metrics/instrument_count", json!(3), "count_mismatch"),
            ("/plan_data/instruments", json!(["NSE:TCS", "NSE:TCS"]), "repeated_instrument"),
        ] {
            let fault = verdict_with(pointer, value).fault.expect(kind);

            assert_eq!(fault.kind(), kind);
        }
    }

    #[test]
    fn a_plan_that_reads_back_as_acknowledged_passes() {
        let body = json!({"plan": {"plan_id": ID, "instruments": ["NSE:INFY", "NSE:TCS"], "status": "optimized"}});

        assert_eq!(check_stored(acknowledgement(), &answer(200, &body)), Ok(()));
    }

    #[test]
    fn a_plan_that_is_unknown_is_lost() {
        let outcome = check_stored(acknowledgement(), &answer(404, &json!({"code": "plan_not_found"})));

        assert_eq!(outcome, Err(Fault::Lost(plan_id())));
    }

    #[test]
    fn a_plan_that_reads_back_otherwise_is_different() {
        for plan in [
            json!({"plan_id": ID, "instruments": ["NSE:INFY"]}),
            json!({"plan_id": ID, "instruments": ["NSE:TCS", "NSE:INFY"]}),
            json!({"plan_id": "plan_00000000000000000000000000000000", "instruments": ["NSE:INFY", "NSE:TCS"]}),
        ] {
            let outcome = check_stored(acknowledgement(), &answer(200, &json!({"plan": plan})));

            assert_eq!(outcome, Err(Fault::Different(plan_id())), "{plan}");
        }
    }

    #[test]
    fn a_plan_that_could_not_be_read_is_neither_lost_nor_well() {
        let outcome = check_stored(acknowledgement(), &answer(500, &json!({"code": "internal_error"})));

        let reason = "status `500` with code `internal_error`".to_owned();
        assert_eq!(outcome, Err(Fault::Unread { plan_id: plan_id(), reason }));
        let fault = check_stored(acknowledgement(), &answer(200, &json!({}))).expect_err("no plan in the body");
        assert_eq!(fault.kind(), "unread");
    }
}
