//! Lists of plans in pages.

use std::sync::Arc;

use registry_planning::plan::{Plan, PlanStatus};
use registry_planning::vocabulary::{ProfileReference, SubscriptionType};

use super::{Database, numbered, prepared};
use crate::{COUNT_MAX, PlanFilter, PlanPage, PlanSummary, Position, Store};

async fn insert(store: &dyn Store, plans: impl IntoIterator<Item = Plan>) {
    let plans: Vec<Arc<Plan>> = plans.into_iter().map(Arc::new).collect();
    for batch in plans.chunks(256) {
        store.insert_plans(batch).await.unwrap();
    }
}

async fn page(store: &dyn Store, filter: &PlanFilter, position: Position, limit: u32) -> PlanPage {
    store.plans(filter, &position, limit).await.unwrap()
}

fn ids(page: &PlanPage) -> Vec<&str> {
    page.items.iter().map(|plan| plan.plan_id.as_str()).collect()
}

fn summary(plan: &Plan) -> PlanSummary {
    PlanSummary {
        plan_id: plan.plan_id.clone(),
        user_id: plan.user_id.clone(),
        plan_name: plan.plan_name.clone(),
        subscription_type: plan.subscription_type,
        status: plan.status,
        estimated_cost: plan.estimated_cost,
        created_at: plan.created_at,
        expires_at: plan.expires_at,
        profile: plan.metadata.profile.clone(),
    }
}

/// Returns a plan like [`numbered`] does, for a profile.
fn of_profile(number: u32, profile_id: &str, version: u32) -> Plan {
    let mut plan = numbered(number);
    plan.metadata.profile = Some(ProfileReference { profile_id: profile_id.into(), version });
    plan
}

pub(crate) async fn plans_are_listed_newest_first_with_all_summary_fields(database: &dyn Database) {
    let store = prepared(database).await;
    let plans = [numbered(2), of_profile(1, "profile_1", 7), numbered(0)];
    // The order differs from that of the list.
    insert(&*store, plans.iter().cycle().skip(1).take(3).cloned()).await;

    let page = page(&*store, &PlanFilter::default(), Position::Offset(0), 10).await;

    let plans = plans.iter().map(summary).collect();
    assert_eq!(page, PlanPage { items: plans, total: 3, total_is_lower_bound: false, has_next: false });
}

pub(crate) async fn filters_of_plans_work_alone_and_together(database: &dyn Database) {
    let made = |number, user: &str, kind, status| {
        let mut plan = numbered(number);
        (plan.user_id, plan.subscription_type, plan.status) = (user.into(), kind, status);
        plan
    };
    let (live, alerts) = (SubscriptionType::LiveFeed, SubscriptionType::Alerts);
    let plans = [
        made(0, "a", live, PlanStatus::Optimized),
        made(1, "a", alerts, PlanStatus::Optimized),
        made(2, "a", alerts, PlanStatus::Error),
        made(3, "b", alerts, PlanStatus::Error),
        made(4, "%", live, PlanStatus::Optimized),
        of_profile(5, "profile_1", 1),
        of_profile(6, "profile_1", 2),
        of_profile(7, "profile_2", 1),
    ];
    let store = prepared(database).await;
    insert(&*store, plans.clone()).await;

    let user = |user: &str| PlanFilter { user_id: Some(user.into()), ..PlanFilter::default() };
    let profile = |profile_id: &str| PlanFilter { profile_id: Some(profile_id.into()), ..PlanFilter::default() };
    let cases = [
        (PlanFilter::default(), vec![7, 6, 5, 4, 3, 2, 1, 0]),
        (user("a"), vec![2, 1, 0]),
        (user("%"), vec![4]),
        (user("A"), vec![]),
        (user(""), vec![]),
        (PlanFilter { subscription_type: Some(alerts), ..PlanFilter::default() }, vec![3, 2, 1]),
        (PlanFilter { status: Some(PlanStatus::Error), ..PlanFilter::default() }, vec![3, 2]),
        (PlanFilter { status: Some(PlanStatus::Draft), ..PlanFilter::default() }, vec![]),
        (profile("profile_1"), vec![6, 5]),
        (profile("profile_"), vec![]),
        (profile(""), vec![]),
        (PlanFilter { user_id: Some("a".into()), ..profile("profile_1") }, vec![]),
        (PlanFilter { user_id: Some("u".into()), ..profile("profile_2") }, vec![7]),
        (PlanFilter { subscription_type: Some(alerts), status: Some(PlanStatus::Error), ..user("a") }, vec![2]),
    ];

    let newest = store.newest_plan_of("profile_1").await;
    assert_eq!(newest.as_ref().map(Option::as_deref), Ok(Some(plans[6].plan_id.as_str())));
    assert_eq!(store.newest_plan_of("profile_").await, Ok(None));
    for (filter, expected) in cases {
        let expected: Vec<&str> = expected.into_iter().map(|index: usize| plans[index].plan_id.as_str()).collect();
        let page = page(&*store, &filter, Position::Offset(0), 10).await;
        assert_eq!(ids(&page), expected, "{filter:?}");
        assert_eq!(page.total, expected.len() as u64, "{filter:?}");
        assert!(!page.has_next, "{filter:?}");
    }
}

pub(crate) async fn offsets_visit_each_plan_once(database: &dyn Database) {
    let store = prepared(database).await;
    insert(&*store, (0..10).map(numbered)).await;

    let mut walked = Vec::new();
    let mut shapes = Vec::new();
    for offset in [0, 4, 8, 12] {
        let page = page(&*store, &PlanFilter::default(), Position::Offset(offset), 4).await;
        shapes.push((page.items.len(), page.total, page.has_next));
        walked.extend(page.items);
    }
    let whole = page(&*store, &PlanFilter::default(), Position::Offset(0), 10).await;

    assert_eq!(shapes, [(4, 10, true), (4, 10, true), (2, 10, false), (0, 10, false)]);
    assert_eq!(walked, whole.items);
    // A page that is exactly full is the last one.
    assert!(!whole.has_next);
    assert!(page(&*store, &PlanFilter::default(), Position::Offset(u64::MAX), 4).await.items.is_empty());
}

pub(crate) async fn cursors_visit_each_plan_once_while_new_plans_arrive(database: &dyn Database) {
    let of = |number, user: &str| {
        let mut plan = numbered(number);
        plan.user_id = user.into();
        plan
    };
    let filter = PlanFilter { user_id: Some("a".into()), ..PlanFilter::default() };
    let store = prepared(database).await;
    insert(&*store, (0..20).map(|number| of(number, if number % 2 == 0 { "a" } else { "b" }))).await;

    let mut walked: Vec<String> = Vec::new();
    let mut page = page(&*store, &filter, Position::Offset(0), 3).await;
    for newer in 100.. {
        walked.extend(ids(&page).into_iter().map(str::to_owned));
        if !page.has_next {
            break;
        }
        insert(&*store, [of(newer, "a")]).await;
        page = self::page(&*store, &filter, Position::After(walked.last().unwrap().clone()), 3).await;
    }
    let beyond = self::page(&*store, &filter, Position::After(walked.last().unwrap().clone()), 3).await;

    let expected: Vec<String> = (0..20).rev().filter(|number| number % 2 == 0).map(|n| numbered(n).plan_id).collect();
    assert_eq!(walked, expected);
    assert_eq!(beyond.items.len(), 0);
    assert!(!beyond.has_next);
    // The total does not depend on the start of the page.
    assert_eq!(beyond.total, 10 + 3);
}

pub(crate) async fn the_total_of_plans_is_exact_up_to_its_maximum(database: &dyn Database) {
    let store = prepared(database).await;
    let maximum = u32::try_from(COUNT_MAX).unwrap();
    insert(&*store, (0..maximum).map(small)).await;
    let others = PlanFilter { user_id: Some("nobody".into()), ..PlanFilter::default() };

    let at_maximum = page(&*store, &PlanFilter::default(), Position::Offset(0), 1).await;
    insert(&*store, [small(maximum)]).await;
    let above = page(&*store, &PlanFilter::default(), Position::Offset(0), 1).await;
    let last = page(&*store, &PlanFilter::default(), Position::Offset(COUNT_MAX), 1).await;
    let filtered = page(&*store, &others, Position::Offset(0), 1).await;

    assert_eq!(at_maximum.total, COUNT_MAX);
    assert!(!at_maximum.total_is_lower_bound);
    assert_eq!(above.total, COUNT_MAX);
    assert!(above.total_is_lower_bound);
    assert!(above.has_next);
    assert_eq!(ids(&last), vec![small(0).plan_id.as_str()]);
    assert!(!last.has_next);
    assert_eq!(filtered.total, 0);
    assert!(!filtered.total_is_lower_bound);
}

/// Returns a plan like [`numbered`] does, but cheap enough for ten thousand plans.
fn small(number: u32) -> Plan {
    static FIRST: std::sync::LazyLock<Plan> = std::sync::LazyLock::new(|| numbered(0));
    let at = super::t0() + super::seconds(number.into());
    Plan { plan_id: super::plan_id(at, 0), created_at: at, ..FIRST.clone() }
}
