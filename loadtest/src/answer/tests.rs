use serde_json::{Value, json};

use super::*;
use crate::args::Dialect;
use crate::keys::{Keys, Marks};
use crate::ledger::{Digest, Ledger};
use crate::plan_id::PlanId;
use crate::profile::Step;

const ID: &str = "plan_0192f3a4b5c67d8e9f00112233445566";

fn keys() -> Keys {
    Keys::parse("NSE:LT\nNSE:TCS\nNSE:INFY\nNSE:ITC").expect("four keys")
}

/// Checks a response to a request for three of the [`keys`]. A plan may contain two of them.
fn check(dialect: Dialect, answer: &Reply, seen: Option<&mut Option<Seen>>) -> CheckResult {
    let (keys, answer) = (keys(), answer.answer());
    let mut requested = ["NSE:TCS", "NSE:INFY", "NSE:ITC"].map(|key| keys.number(key).expect("it is one of them"));
    let expected = ExpectedPlan { user_id: "load-1-7", keys: &keys, requested: &mut requested, limit: 2 };
    check_plan(dialect, &answer, seen, &mut Vec::new(), &mut Marks::default(), |_| expected)
}

/// Checks two responses to that request, records both in a ledger, and returns the kind of fault of the second one.
fn fault_of_second(dialect: Dialect, first: &Value, second: &Reply) -> Option<String> {
    let (mut seen, mut ledger) = (None, Ledger::default());
    let first = check(dialect, &answer(200, first), Some(&mut seen));
    assert!(first.fault.is_none() && seen.is_some());
    ledger.record(0, first.acknowledgement.expect("it has a plan")).expect("it is the first");
    let CheckResult { acknowledgement, fault, .. } = check(dialect, second, Some(&mut seen));
    let changed = acknowledgement.and_then(|acknowledgement| ledger.record(0, acknowledgement).err());
    fault.or(changed).map(|fault| fault.kind.into_owned())
}

fn check_created(answer: &Reply) -> CheckResult {
    let checked = check(Dialect::Registry, answer, None);
    // If the request will be repeated, the plan is cut out first, and must be checked as strictly.
    let before_repeats = check(Dialect::Registry, answer, Some(&mut None));
    let kind = |checked: &CheckResult| checked.fault.as_ref().map(|fault| fault.kind.clone());
    assert_eq!(kind(&before_repeats), kind(&checked));
    assert_eq!(before_repeats.outcome, checked.outcome);
    assert_eq!(before_repeats.acknowledgement, checked.acknowledgement);
    checked
}

fn check_again(acknowledgement: Acknowledgement, reply: &Reply) -> Result<(), Fault> {
    let plan_id = acknowledgement.plan_id;
    check_stored(Dialect::Registry, plan_id, Some(acknowledgement), &reply.answer(), &mut None, &mut Vec::new())
}

/// A response with its own body.
struct Reply {
    status: u16,
    retry_after: Option<u64>,
    body: Vec<u8>,
}

impl Reply {
    fn answer(&self) -> Answer<'_> {
        Answer { status: self.status, retry_after: self.retry_after, body: &self.body }
    }
}

/// Returns a valid response whose plan contains two of the three instruments.
fn plan_answer() -> Value {
    json!({
        "plan_id": ID, "status": "created", "cache_hit": false,
        "plan_data": {
            "plan_id": ID, "user_id": "load-1-7", "plan_name": "Load test 0", "description": "…",
            "subscription_type": "live_feed", "instruments": ["NSE:INFY", "NSE:TCS"],
            "optimization_level": "moderate", "filtering_strictness": "moderate", "status": "optimized",
            "estimated_cost": 0.1, "performance_metrics": {"instrument_count": 2, "removed_instruments": 1},
            "validation_results": {}, "cache_key": "…", "created_at": "…", "expires_at": "…", "metadata": {},
        },
        "duration_ms": 3, "correlation_id": "…", "response_time_ms": 3, "config_driven": true,
        "api_version": "v1",
    })
}

fn answer(status: u16, body: &Value) -> Reply {
    Reply { status, retry_after: None, body: body.to_string().into_bytes() }
}

/// Returns the result for [`plan_answer`] with the value at `pointer` replaced.
fn check_with(pointer: &str, value: Value) -> CheckResult {
    let mut body = plan_answer();
    *body.pointer_mut(pointer).expect("the pointer names a field") = value;
    check_created(&answer(200, &body))
}

fn plan_id() -> PlanId {
    PlanId::parse(ID).expect("the id is valid")
}

fn without_fields(acknowledgement: Acknowledgement) -> Acknowledgement {
    Acknowledgement { fields: None, ..acknowledgement }
}

fn acknowledgement() -> Acknowledgement {
    Acknowledgement { plan_id: plan_id(), digest: Digest::of(&["NSE:INFY", "NSE:TCS"]), fields: None }
}

#[test]
fn a_valid_response_acknowledges_its_plan() {
    let checked = check_created(&answer(200, &plan_answer()));

    assert_eq!(checked.outcome, RequestOutcome::Created);
    assert_eq!(checked.fault, None);
    assert_eq!(checked.acknowledgement.map(without_fields), Some(acknowledgement()));
}

#[test]
fn a_cached_plan_is_distinguished_from_a_new_one() {
    let mut body = plan_answer();
    body["status"] = "cached".into();
    body["cache_hit"] = true.into();

    let checked = check_created(&answer(200, &body));

    assert_eq!(checked.outcome, RequestOutcome::Cached);
    assert_eq!(checked.fault, None);
}

#[test]
fn a_plan_without_instruments_is_valid() {
    let mut body = plan_answer();
    body["plan_data"]["instruments"] = json!([]);
    body["plan_data"]["performance_metrics"] = json!({"instrument_count": 0, "removed_instruments": 3});

    assert_eq!(check_created(&answer(200, &body)).outcome, RequestOutcome::Created);
}

#[test]
fn a_503_is_a_rejection_only_with_retry_after() {
    let refusal = Reply { status: 503, retry_after: Some(1), body: Vec::new() };

    let checked = check_created(&refusal);

    assert_eq!(checked, CheckResult { outcome: RequestOutcome::Refused, acknowledgement: None, fault: None });
    let silent = Reply { retry_after: None, ..refusal };
    assert_eq!(
        check_created(&silent),
        CheckResult::failed(Fault::new(
            "refusal_without_retry_after",
            "status `503` without a `Retry-After` in seconds"
        ))
    );
}

#[test]
fn another_status_is_a_fault_with_the_code_of_the_problem() {
    let body = json!({"status": 422, "code": "validation_failed"});

    let checked = check_created(&answer(422, &body));

    let fault = checked.fault.expect("a status");
    assert_eq!(fault.kind, "status_422");
    assert_eq!(fault.to_string(), "status `422` with code `validation_failed`");
    let checked = check_created(&answer(201, &plan_answer()));
    assert_eq!(checked.fault.expect("a status").to_string(), "status `201`");
}

#[test]
fn a_truncated_body_is_not_json() {
    let mut cut = answer(200, &plan_answer());
    cut.body.truncate(40);

    let fault = check_created(&cut).fault.expect("the response is incomplete");

    assert_eq!(fault.kind, "not_json");
}

#[test]
fn a_missing_field_or_a_wrong_type_is_a_fault_of_shape() {
    for name in ["plan_id", "cache_hit", "plan_data", "response_time_ms", "api_version"] {
        let mut body = plan_answer();
        body.as_object_mut().expect("an object").remove(name);

        let fault = check_created(&answer(200, &body)).fault.expect(name);

        assert_eq!(fault.kind, "shape");
        assert!(fault.to_string().contains(name), "{fault}");
    }
    for (pointer, value) in [
        ("/status", json!("reused")),
        ("/response_time_ms", json!(1.5)),
        ("/plan_data/instruments", json!("[\"NSE:TCS\"]")),
        ("/plan_data/estimated_cost", json!("0.1")),
        ("/plan_data/performance_metrics", json!("{}")),
        ("/plan_data/description", json!(null)),
    ] {
        let fault = check_with(pointer, value).fault.expect(pointer);

        assert_eq!(fault.kind, "shape", "{pointer}");
    }
}

#[test]
fn a_malformed_plan_id_is_a_fault_without_acknowledgement() {
    let checked = check_with("/plan_id", json!("plan_1"));

    assert_eq!(checked, CheckResult::failed(Fault::plan_id_form("plan_1")));
}

#[test]
fn a_plan_with_a_foreign_instrument_is_still_acknowledged() {
    let checked = check_with("/plan_data/instruments", json!(["NSE:TCS", "NSE:WIPRO"]));

    let fault = checked.fault.expect("an instrument that was not requested");
    assert_eq!(fault.kind, "foreign_instrument");
    assert!(fault.to_string().contains("NSE:WIPRO"), "{fault}");
    assert_eq!(checked.outcome, RequestOutcome::Failed);
    assert_eq!(checked.acknowledgement.map(|it| it.plan_id), Some(plan_id()));
}

#[test]
fn each_contradiction_is_a_separate_fault() {
    for (pointer, value, kind) in [
        ("/plan_data/plan_id", json!("plan_00000000000000000000000000000000"), "plan_id_mismatch"),
        ("/plan_data/user_id", json!("load-1-8"), "wrong_user"),
        ("/cache_hit", json!(true), "cache_flag"),
        ("/status", json!("cached"), "cache_flag"),
        ("/plan_data/performance_metrics/removed_instruments", json!(0), "removed_mismatch"),
        ("/plan_data/performance_metrics/instrument_count", json!(3), "count_mismatch"),
        ("/plan_data/instruments", json!(["NSE:TCS", "NSE:TCS"]), "repeated_instrument"),
    ] {
        let fault = check_with(pointer, value).fault.expect(kind);

        assert_eq!(fault.kind, kind);
    }
}

/// Returns the response to reading [`plan_answer`] back.
fn stored() -> Value {
    json!({"plan": plan_answer()["plan_data"], "response_time_ms": 1})
}

#[test]
fn a_plan_that_reads_back_as_acknowledged_passes() {
    let acknowledged = check_created(&answer(200, &plan_answer())).acknowledgement.expect("it has a plan");

    assert_eq!(check_again(acknowledged, &answer(200, &stored())), Ok(()));
    assert_eq!(check_again(without_fields(acknowledged), &answer(200, &stored())), Ok(()));
}

#[test]
fn an_unknown_plan_is_lost() {
    let outcome = check_again(acknowledgement(), &answer(404, &json!({"code": "plan_not_found"})));

    assert_eq!(outcome.expect_err("it is unknown").kind, "lost");
}

#[test]
fn a_plan_that_reads_back_with_changes_is_different() {
    let acknowledged = check_created(&answer(200, &plan_answer())).acknowledgement.expect("it has a plan");
    for (name, value) in [
        ("instruments", json!(["NSE:INFY"])),
        ("instruments", json!(["NSE:TCS", "NSE:INFY"])),
        ("plan_id", json!("plan_00000000000000000000000000000000")),
        ("user_id", json!("load-1-8")),
        ("plan_name", json!("Load test 1")),
        ("estimated_cost", json!(0.2)),
        ("status", json!("error")),
        ("expires_at", json!("later")),
    ] {
        let mut body = stored();
        body["plan"][name] = value;

        let outcome = check_again(acknowledged, &answer(200, &body));

        assert_eq!(outcome.expect_err(name).kind, "different", "{name}");
    }
}

#[test]
fn an_unread_plan_is_neither_lost_nor_intact() {
    let outcome = check_again(acknowledgement(), &answer(500, &json!({"code": "internal_error"})));

    let fault = outcome.expect_err("the state is unknown");
    assert_eq!(fault.kind, "unread");
    assert!(fault.to_string().ends_with("status `500` with code `internal_error`"), "{fault}");
    let fault = check_again(acknowledgement(), &answer(200, &json!({}))).expect_err("no plan in the body");
    assert_eq!(fault.kind, "unread");
}

#[test]
fn too_many_instruments_in_a_plan_are_a_fault() {
    for (count, kind) in [(4, "too_many_instruments"), (3, "over_limit")] {
        let mut body = plan_answer();
        body["plan_data"]["instruments"] = json!(["NSE:TCS", "NSE:INFY", "NSE:ITC", "NSE:LT"][..count]);
        body["plan_data"]["performance_metrics"]["instrument_count"] = count.into();

        assert_eq!(check_created(&answer(200, &body)).fault.expect(kind).kind, kind);
    }
}

/// Returns [`plan_answer`] as in a later response.
fn cached() -> Value {
    let mut body = plan_answer();
    body["status"] = "cached".into();
    body["cache_hit"] = true.into();
    body["correlation_id"] = "another".into();
    body
}

/// Returns the state of the first response.
fn seen() -> Option<Seen> {
    let mut seen = None;
    assert_eq!(
        check(Dialect::Registry, &answer(200, &plan_answer()), Some(&mut seen)).outcome,
        RequestOutcome::Created
    );
    assert!(seen.is_some());
    seen
}

#[test]
fn a_repeat_with_equal_bytes_acknowledges_the_plan_again() {
    let (keys, reply) = (keys(), answer(200, &cached()));
    let not_read = |_: &mut Marks| -> ExpectedPlan<'_> {
        panic!("the plan is parsed completely although its bytes are known: {keys:?}")
    };

    let checked = check_plan(
        Dialect::Registry,
        &reply.answer(),
        Some(&mut seen()),
        &mut Vec::new(),
        &mut Marks::default(),
        not_read,
    );

    assert_eq!(checked.outcome, RequestOutcome::Cached);
    assert_eq!(checked.fault, None);
    assert_eq!(checked.acknowledgement.map(without_fields), Some(acknowledgement()));
}

#[test]
fn a_repeat_with_any_changed_field_is_a_fault() {
    for (pointer, value) in [
        ("/plan_data/instruments", json!(["NSE:TCS", "NSE:INFY"])),
        ("/plan_data/instruments", json!(["NSE:INFY", "NSE:ITC"])),
        ("/plan_data/estimated_cost", json!(0.2)),
        ("/plan_data/plan_name", json!("Load test 1")),
        ("/plan_data/status", json!("error")),
        ("/plan_data/expires_at", json!("later")),
        ("/plan_data/cache_key", json!("other")),
    ] {
        let mut body = cached();
        *body.pointer_mut(pointer).expect("the pointer names a field") = value;

        let fault = fault_of_second(Dialect::Registry, &plan_answer(), &answer(200, &body));

        assert_eq!(fault.as_deref(), Some("changed"), "{pointer}");
    }
}

#[test]
fn the_fields_around_a_repeated_plan_are_checked() {
    for (pointer, value, kind) in [
        ("/plan_id", json!("plan_00000000000000000000000000000000"), "plan_id_mismatch"),
        ("/plan_id", json!("plan_1"), "plan_id_form"),
        ("/cache_hit", json!(false), "cache_flag"),
        ("/status", json!("reused"), "shape"),
        ("/response_time_ms", json!(-1), "shape"),
        ("/plan_data/user_id", json!("load-1-8"), "wrong_user"),
        ("/plan_data/instruments", json!(["NSE:INFY", "NSE:LT"]), "foreign_instrument"),
        ("/plan_data/instruments", json!(["NSE:INFY", "NSE:INFY"]), "repeated_instrument"),
    ] {
        let mut body = cached();
        *body.pointer_mut(pointer).expect("the pointer names a field") = value;

        let checked = check(Dialect::Registry, &answer(200, &body), Some(&mut seen()));

        assert_eq!(checked.fault.expect(kind).kind, kind, "{pointer}");
    }
    let mut cut = answer(200, &cached());
    cut.body.pop();
    let checked = check(Dialect::Registry, &cut, Some(&mut seen()));
    assert_eq!(checked.fault.expect("the response is incomplete").kind, "not_json");
    let missing = answer(200, &json!({"plan_data": cached()["plan_data"], "status": "cached"}));
    assert_eq!(check(Dialect::Registry, &missing, Some(&mut seen())).fault.expect("no id").kind, "shape");
}

#[test]
fn another_plan_or_another_notation_is_not_a_change() {
    let other = "plan_0192f3a4b5c67d8e9f00112233445577";
    let mut body = cached();
    body["plan_id"] = other.into();
    body["plan_data"]["plan_id"] = other.into();

    let checked = check(Dialect::Registry, &answer(200, &body), Some(&mut seen()));

    assert_eq!(checked.acknowledgement.map(|it| it.plan_id), PlanId::parse(other));
    assert_eq!(checked.fault, None);
    let spaced = Reply { status: 200, retry_after: None, body: format!("{:#}", cached()).into_bytes() };
    assert_eq!(fault_of_second(Dialect::Registry, &plan_answer(), &spaced), None);
}

#[test]
fn the_yardstick_returns_the_plan_itself() {
    let plan = json!({
        "plan_id": ID, "user_id": "load-1-7", "plan_name": "Load test 0", "subscription_type": "live_feed",
        "instruments": ["NSE:INFY", "NSE:TCS"], "status": "optimized", "removed": 1, "cache_hit": false,
    });
    let mut seen = None;

    let checked = check(Dialect::Yardstick, &answer(200, &plan), Some(&mut seen));

    assert_eq!(checked.acknowledgement.map(without_fields), Some(acknowledgement()));
    assert_eq!(checked, check(Dialect::Yardstick, &answer(200, &plan), Some(&mut seen)), "byte for byte the same");
    for (name, value, kind) in [
        ("instruments", json!(["NSE:TCS", "NSE:INFY"]), "changed"),
        ("cache_hit", json!(true), "changed"),
        ("removed", json!(0), "removed_mismatch"),
        ("user_id", json!("load-1-8"), "wrong_user"),
        ("instruments", json!(["NSE:LT", "NSE:INFY"]), "foreign_instrument"),
    ] {
        let (first, mut plan) = (plan.clone(), plan.clone());
        plan[name] = value;

        let fault = fault_of_second(Dialect::Yardstick, &first, &answer(200, &plan));
        assert_eq!(fault.as_deref(), Some(kind), "{name}");
    }
}

#[test]
fn repeated_reads_are_compared_by_their_bytes() {
    // In the format of the yardstick, which stores few fields of a plan.
    let (dialect, mut seen) = (Dialect::Yardstick, None);
    let mut read = |body: Value| {
        let reply = answer(200, &body);
        check_stored(dialect, plan_id(), Some(acknowledgement()), &reply.answer(), &mut seen, &mut Vec::new())
    };
    let plan =
        |instruments: &[&str]| json!({"plan": {"plan_id": ID, "instruments": instruments}, "response_time_ms": 1});

    assert_eq!(read(plan(&["NSE:INFY", "NSE:TCS"])), Ok(()));
    assert_eq!(read(plan(&["NSE:INFY", "NSE:TCS"])), Ok(()));
    let fault = read(plan(&["NSE:TCS", "NSE:INFY"])).expect_err("another order");
    assert_eq!(fault.kind, "different");
}

#[test]
fn descriptions_lists_searches_and_raw_bytes_are_checked() {
    let kind = |checked: CheckResult| checked.fault.map(|fault| fault.kind.into_owned());
    let described = |id: &str| {
        answer(
            200,
            &json!({
                "plan_id": id, "description_level": "detailed", "instrument_analysis": {"total_instruments": 2},
                "cost_breakdown": {}, "recommendations": [], "risk_analysis": {},
            }),
        )
    };
    let other = "plan_00000000000000000000000000000000";
    assert_eq!(kind(check_described(plan_id(), &described(ID).answer())), None);
    assert_eq!(kind(check_described(plan_id(), &described(other).answer())).as_deref(), Some("wrong_answer"));
    let listed = |user: &str, times: [&str; 2]| {
        let plan = |time| json!({"plan_id": ID, "user_id": user, "created_at": time});
        answer(200, &json!({"plans": [plan(times[0]), plan(times[1])], "pagination": {"total": 2}}))
    };
    assert_eq!(kind(check_listed("u", 50, &listed("u", ["2", "1"]).answer())), None);
    for (user, limit, times) in [("v", 50, ["2", "1"]), ("u", 1, ["2", "1"]), ("u", 50, ["1", "2"])] {
        let found = kind(check_listed("u", limit, &listed(user, times).answer()));
        assert_eq!(found.as_deref(), Some("wrong_answer"), "{user} {limit} {times:?}");
    }
    let page =
        json!({"instruments": [{"instrument_key": "NSE:TCS"}], "pagination": {"page_size": 20, "total_count": 1}});
    assert_eq!(kind(check_searched(20, &answer(200, &page).answer())), None);
    assert_eq!(kind(check_searched(10, &answer(200, &page).answer())).as_deref(), Some("wrong_answer"));
    let two = Reply { status: 200, retry_after: None, body: b"xx".to_vec() };
    assert_eq!(kind(check_bytes(2, &two.answer())), None);
    assert_eq!(kind(check_bytes(3, &two.answer())).as_deref(), Some("answer_length"));
}

#[test]
fn responses_to_the_steps_of_a_profile_are_checked() {
    let id = "profile_0192f3a4b5c67d8e9f00112233445566";
    let fault = |step, body: &Value| {
        let (checked, _) = check_profile(step, "u", Some(id), &answer(200, body).answer());
        checked.fault.map(|fault| fault.kind)
    };
    let profile = |user: &str| json!({"profile_id": id, "user_id": user});
    for (step, good, bad) in [
        (Step::Create, json!({"profile_id": id, "status": "created"}), json!({"profile_id": "1", "status": "created"})),
        (Step::Create, json!({"profile_id": id, "status": "created"}), json!({"profile_id": id, "status": "active"})),
        (Step::Read, json!({"profile": profile("u")}), json!({"profile": profile("v")})),
        (Step::List, json!({"profiles": [profile("u")]}), json!({"profiles": []})),
        (Step::List, json!({"profiles": [profile("u")]}), json!({"profiles": [profile("u"), profile("v")]})),
        (Step::Deactivate, json!({"status": "deactivated"}), json!({"status": "active"})),
    ] {
        assert_eq!(fault(step, &good), None, "{step:?}");
        assert_eq!(fault(step, &bad).as_deref(), Some("wrong_answer"), "{step:?}: {bad}");
    }
}
