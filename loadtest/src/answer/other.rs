//! Checks responses to all requests except plan requests and reads of plans.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{CheckResult, accepted, parse};
use crate::fault::Fault;
use crate::plan_id::PlanId;
use crate::profile::Step;
use crate::wire::Answer;

#[derive(Deserialize)]
#[expect(dead_code, reason = "a field that is read must be present and of its type")]
struct Description<'a> {
    #[serde(borrow)]
    plan_id: Cow<'a, str>,
    #[serde(borrow)]
    description_level: Cow<'a, str>,
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
    plan_id: Cow<'a, str>,
    #[serde(borrow)]
    user_id: Cow<'a, str>,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Pagination {
    total: u64,
}

#[derive(Deserialize)]
struct SearchPage {
    instruments: Vec<SearchHit>,
    pagination: SearchPagination,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "a field that is read must be present and of its type")]
struct SearchHit {
    instrument_key: String,
}

#[derive(Deserialize)]
struct SearchPagination {
    page_size: usize,
    total_count: usize,
}

#[derive(Deserialize)]
struct ProfileAnswer<'a> {
    #[serde(borrow)]
    profile_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    profile: Option<Profile<'a>>,
    #[serde(borrow)]
    profiles: Option<Vec<Profile<'a>>>,
}

#[derive(Deserialize)]
struct Profile<'a> {
    #[serde(borrow)]
    profile_id: Cow<'a, str>,
    #[serde(borrow)]
    user_id: Cow<'a, str>,
}

/// Checks the detailed description of a plan.
pub(crate) fn check_described(plan_id: PlanId, answer: &Answer<'_>) -> CheckResult {
    check(answer, |body| {
        let described: Description<'_> = parse(body)?;
        if PlanId::parse(&described.plan_id) != Some(plan_id) {
            return wrong("describe", format!("expected plan `{plan_id}`, got `{}`", described.plan_id));
        }
        if described.description_level != "detailed" {
            return wrong("describe", format!("expected level `detailed`, got `{}`", described.description_level));
        }
        Ok(())
    })
}

/// Checks a list of at most `limit` plans of one user, newest first.
pub(crate) fn check_listed(user_id: &str, limit: usize, answer: &Answer<'_>) -> CheckResult {
    check(answer, |body| {
        let list: PlanList<'_> = parse(body)?;
        let held = list.plans.len();
        if held > limit || list.pagination.total < held as u64 {
            let total = list.pagination.total;
            return wrong("list", format!("expected at most {limit} plans, got {held} of a total of {total}"));
        }
        for plan in &list.plans {
            if PlanId::parse(&plan.plan_id).is_none() {
                return Err(Fault::PlanIdForm(plan.plan_id.clone().into_owned()));
            }
            if plan.user_id != user_id {
                return wrong("list", format!("expected plans of user `{user_id}`, got one of `{}`", plan.user_id));
            }
        }
        // Times of the same length in the same zone sort like their texts.
        if !list.plans.is_sorted_by(|newer, older| newer.created_at >= older.created_at) {
            return wrong("list", "plans are not sorted from newest to oldest".to_owned());
        }
        Ok(())
    })
}

/// Checks a page of at most `page_size` instruments.
pub(crate) fn check_searched(page_size: usize, answer: &Answer<'_>) -> CheckResult {
    check(answer, |body| {
        let found: SearchPage = parse(body)?;
        let held = found.instruments.len();
        let pages = &found.pagination;
        if held > page_size || pages.page_size != page_size || pages.total_count < held {
            let (total, size) = (pages.total_count, pages.page_size);
            return wrong(
                "search",
                format!("expected a page of {page_size}, got {held} of a total of {total} on a page of {size}"),
            );
        }
        Ok(())
    })
}

/// Checks only the length of a response.
pub(crate) fn check_bytes(length: usize, answer: &Answer<'_>) -> CheckResult {
    check(answer, |body| match body.len() {
        got if got == length => Ok(()),
        got => Err(Fault::AnswerLength { asked: length, got }),
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
    let checked = check(answer, |body| {
        let shown: ProfileAnswer<'_> = parse(body)?;
        let status = shown.status.as_deref();
        match step {
            Step::Create => {
                let id = shown.profile_id.unwrap_or_default();
                let digits = id.strip_prefix("profile_").unwrap_or_default();
                if digits.len() != 32 || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                    return wrong("profile", format!("profile id `{id}` is not `profile_` and 32 hex digits"));
                }
                made = Some(id.into_owned());
                if status != Some("created") {
                    return wrong(
                        "profile",
                        format!("expected status `created`, got `{}`", status.unwrap_or_default()),
                    );
                }
            }
            Step::Read => match shown.profile {
                Some(profile) if Some(&*profile.profile_id) == known && profile.user_id == user_id => {}
                _ => return wrong("profile", "response does not contain the requested profile".to_owned()),
            },
            Step::Change => {}
            Step::List => {
                let Some(profiles) = shown.profiles else {
                    return wrong("profile", "list has no field `profiles`".to_owned());
                };
                if let Some(other) = profiles.iter().find(|profile| profile.user_id != user_id) {
                    let user = &other.user_id;
                    return wrong("profile", format!("expected profiles of user `{user_id}`, got one of `{user}`"));
                }
                if !profiles.iter().any(|profile| Some(&*profile.profile_id) == known) {
                    return wrong("profile", "list does not contain the created profile".to_owned());
                }
            }
            Step::Deactivate if status == Some("deactivated") => {}
            Step::Deactivate => {
                return wrong(
                    "profile",
                    format!("expected status `deactivated`, got `{}`", status.unwrap_or_default()),
                );
            }
        }
        Ok(())
    });
    (checked, made)
}

fn check(answer: &Answer<'_>, read: impl FnOnce(&[u8]) -> Result<(), Fault>) -> CheckResult {
    match accepted(answer) {
        Ok(body) => CheckResult::other(read(body)),
        Err(fault) => CheckResult::rejected(fault),
    }
}

fn wrong(kind: &'static str, reason: String) -> Result<(), Fault> {
    Err(Fault::WrongAnswer { kind, reason })
}
