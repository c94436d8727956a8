//! Checks responses to all requests except plan requests and reads of plans.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{CheckResult, Text, accepted, parse};
use crate::fault::Fault;
use crate::plan_id::{PlanId, hex_digits};
use crate::profile::Step;
use crate::wire::Answer;

#[derive(Deserialize)]
#[expect(dead_code, reason = "a field that is read must be present and of its type")]
struct Description<'a> {
    #[serde(borrow)]
    plan_id: Text<'a>,
    description_level: Text<'a>,
    instrument_analysis: InstrumentAnalysis,
    cost_breakdown: IgnoredAny,
    recommendations: Vec<IgnoredAny>,
    risk_analysis: IgnoredAny,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "a field that is read must be present and of its type")]
struct InstrumentAnalysis {
    total_instruments: u64,
}

#[derive(Deserialize)]
struct PlanList<'a> {
    #[serde(borrow)]
    plans: Vec<ListedPlan<'a>>,
    pagination: Pagination,
}

#[derive(Deserialize)]
struct ListedPlan<'a> {
    #[serde(borrow)]
    plan_id: Text<'a>,
    user_id: Text<'a>,
    created_at: Text<'a>,
}

#[derive(Deserialize)]
struct Pagination {
    total: usize,
}

#[derive(Deserialize)]
struct SearchPage<'a> {
    #[serde(borrow)]
    instruments: Vec<SearchHit<'a>>,
    pagination: SearchPagination,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "a field that is read must be present and of its type")]
struct SearchHit<'a> {
    #[serde(borrow)]
    instrument_key: Text<'a>,
}

#[derive(Deserialize)]
struct SearchPagination {
    page_size: usize,
    total_count: usize,
}

#[derive(Deserialize)]
struct ProfileAnswer<'a> {
    #[serde(borrow)]
    profile_id: Option<Text<'a>>,
    status: Option<Text<'a>>,
    profile: Option<Profile<'a>>,
    profiles: Option<Vec<Profile<'a>>>,
}

#[derive(Deserialize)]
struct Profile<'a> {
    #[serde(borrow)]
    profile_id: Text<'a>,
    user_id: Text<'a>,
}

pub(crate) fn check_described(plan_id: PlanId, answer: &Answer<'_>) -> CheckResult {
    check(answer, |body| {
        let described: Description<'_> = parse(body)?;
        let (id, level) = (&*described.plan_id, &*described.description_level);
        let is_right = PlanId::parse(id) == Some(plan_id) && level == "detailed";
        expect(is_right, || format!("describe: expected level `detailed` of `{plan_id}`, got `{level}` of `{id}`"))
    })
}

/// Checks a list of at most `limit` plans of one user, newest first.
pub(crate) fn check_listed(user_id: &str, limit: usize, answer: &Answer<'_>) -> CheckResult {
    check(answer, |body| {
        let PlanList { plans, pagination: Pagination { total } } = parse(body)?;
        let held = plans.len();
        expect(held <= limit && held <= total, || {
            format!("list: expected at most {limit} plans, got {held} of a total of {total}")
        })?;
        for ListedPlan { plan_id, user_id: got, .. } in &plans {
            PlanId::parse(plan_id).ok_or_else(|| Fault::plan_id_form(plan_id))?;
            expect(**got == *user_id, || format!("list: expected plans of user `{user_id}`, got one of `{}`", &**got))?;
        }
        // Times of the same length in the same zone sort like their texts.
        let is_sorted = plans.is_sorted_by(|newer, older| *newer.created_at >= *older.created_at);
        expect(is_sorted, || "list: plans are not sorted from newest to oldest".to_owned())
    })
}

/// Checks a page of at most `page_size` instruments.
pub(crate) fn check_searched(page_size: usize, answer: &Answer<'_>) -> CheckResult {
    check(answer, |body| {
        let SearchPage { instruments, pagination } = parse(body)?;
        let (held, SearchPagination { page_size: size, total_count: total }) = (instruments.len(), pagination);
        expect(held <= page_size && size == page_size && total >= held, || {
            format!("search: expected a page of {page_size}, got {held} of a total of {total} on a page of {size}")
        })
    })
}

pub(crate) fn check_bytes(length: usize, answer: &Answer<'_>) -> CheckResult {
    check(answer, |body| {
        let got = body.len();
        let fault = || Fault::new("answer_length", format!("expected a response of {length} bytes, got {got}"));
        if got == length { Ok(()) } else { Err(fault()) }
    })
}

/// Checks a step in the life of a profile. The response to its creation contains the id.
pub(crate) fn check_profile(
    step: Step,
    user_id: &str,
    known: Option<&str>,
    answer: &Answer<'_>,
) -> (CheckResult, Option<String>) {
    let mut made = None;
    let is_known = |profile: &Profile<'_>| Some(&*profile.profile_id) == known && *profile.user_id == *user_id;
    let checked = check(answer, |body| {
        let ProfileAnswer { profile_id, status, profile, profiles } = parse(body)?;
        let [id, status] = [&profile_id, &status].map(|text| text.as_deref().unwrap_or_default());
        let profiles = profiles.unwrap_or_default();
        let is_right = match step {
            Step::Create => {
                made = Some(id.to_owned());
                let digits = id.strip_prefix("profile_").and_then(|digits| hex_digits(digits, 32));
                digits.is_some() && status == "created"
            }
            Step::Read => profile.as_ref().is_some_and(is_known),
            Step::Change => true,
            Step::List => profiles.iter().all(|profile| *profile.user_id == *user_id) && profiles.iter().any(is_known),
            Step::Deactivate => status == "deactivated",
        };
        expect(is_right, || {
            let count = profiles.len();
            format!(
                "profile: unexpected response to {step:?} for `{user_id}`: id `{id}`, status `{status}`, {count} profiles"
            )
        })
    });
    (checked, made)
}

fn check(answer: &Answer<'_>, read: impl FnOnce(&[u8]) -> Result<(), Fault>) -> CheckResult {
    match accepted(answer) {
        Ok(body) => CheckResult::other(read(body)),
        Err(fault) => CheckResult::rejected(fault),
    }
}

/// Fails with this message if the condition is not met.
fn expect(condition: bool, message: impl FnOnce() -> String) -> Result<(), Fault> {
    if condition { Ok(()) } else { Err(Fault::new("wrong_answer", message())) }
}
