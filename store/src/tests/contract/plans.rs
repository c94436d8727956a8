//! Plans, single and in batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use registry_planning::instrument::Amount;
use registry_planning::plan::{Plan, PlanStatus, Reason, Rejection};
use registry_planning::profile::Rules;
use registry_planning::source::{ProfileSource, Source};
use registry_planning::vocabulary::{
    Broker, FilteringStrictness, Mode, OptimizationLevel, ProfileReference, SubscriptionType,
};

use super::{Database, numbered, plan_id, prepared, seconds, t0};
use crate::testing::{plan_for, request};
use crate::{PlanFilter, Position, Store, StoreError};

async fn insert(store: &dyn Store, plans: &[Plan]) -> Result<(), StoreError> {
    let plans: Vec<Arc<Plan>> = plans.iter().cloned().map(Arc::new).collect();
    store.insert_plans(&plans).await
}

async fn ids(store: &dyn Store) -> Vec<String> {
    let page = store.plans(&PlanFilter::default(), &Position::Offset(0), 200).await.unwrap();
    page.items.into_iter().map(|plan| plan.plan_id).collect()
}

pub(crate) async fn a_plan_reads_back_equal_in_every_field(database: &dyn Database) {
    let mut aggressive =
        request("u", &["NSE:TCS", "BSE:TCS", "NSE:NIFTY", "NSE:NIFTY 50", "NSE:TCS", "XX:NEW", "nonsense", "NSE:INFY"]);
    aggressive.options.optimization_level = OptimizationLevel::Aggressive;
    aggressive.options.max_instruments = 2;
    let mut aggressive = plan_for(&aggressive, plan_id(t0(), 1), t0());
    aggressive.metadata.optimization_result.optimization_time_ms = Some(Amount::from_ten_thousandths(12_345));
    let reasons: Vec<Reason> = aggressive.rejected.iter().map(|rejection| rejection.reason).collect();
    for reason in [Reason::Malformed, Reason::Unknown, Reason::Duplicate, Reason::Alias, Reason::OverLimit] {
        assert!(reasons.contains(&reason), "{reason} is not among {reasons:?}");
    }
    assert!(aggressive.metadata.optimization_result.exchange_distribution.is_some());

    let mut lenient = request("ना'\"\\user\u{1f680}", &["XX:NEW", "NSE:TCS"]);
    lenient.plan_name = "नमस्ते — \u{202e}\"plan\" 'x'\t\u{1F4C8}; drop table subscription_plans".into();
    lenient.description = Some("línea 1\nlinea 2 \u{10ffff}".into());
    lenient.subscription_type = SubscriptionType::Alerts;
    lenient.options.optimization_level = OptimizationLevel::Low;
    lenient.options.filtering_strictness = FilteringStrictness::Lenient;
    let mut lenient = plan_for(&lenient, plan_id(t0(), 2), t0());
    lenient.status = PlanStatus::Validated;
    lenient.metadata.warnings = vec!["ein “Hinweis”".into()];
    assert_eq!(lenient.validation_results.unknown_instruments, Some(vec!["XX:NEW".to_owned()]));

    let mut strict = request("u", &["NSE:TCS"]);
    strict.subscription_type = SubscriptionType::Historical;
    strict.options.filtering_strictness = FilteringStrictness::Strict;
    strict.options.cost_per_instrument = Amount::from_ten_thousandths(i64::from(u32::MAX));
    let mut strict = plan_for(&strict, plan_id(t0(), 3), t0());
    strict.status = PlanStatus::Error;

    let mut of_profile = request("u", &["NSE:TCS", "BSE:TCS"]);
    let reference = ProfileReference { profile_id: format!("profile_{}", "0".repeat(32)), version: 7 };
    let rules = Rules { max_per_underlying: Some(1), ..Rules::default() };
    let keys = Arc::new(["NSE:TCS", "BSE:TCS"].iter().collect());
    let source = ProfileSource { reference: reference.clone(), keys, selectors: Vec::new(), rules, is_strict: true };
    of_profile.source = Source::Profile(Box::new(source));
    let of_profile = plan_for(&of_profile, plan_id(t0(), 4), t0());
    assert_eq!(of_profile.metadata.profile, Some(reference));
    assert_eq!(of_profile.rejected[0].reason, Reason::NotAllowed);

    let mut fed = request("u", &["NSE:TCS", "BSE:TCS"]);
    fed.feed.broker = Some(Broker::Kite);
    fed.feed.modes = [("BSE:TCS".to_owned(), Mode::Full)].into();
    let mut fed = plan_for(&fed, plan_id(t0(), 5), t0());
    assert_eq!(fed.metadata.feed.as_ref().map(|feed| feed.modes.len()), Some(1));
    fed.rejected.push(Rejection { reason: Reason::NotAtBroker, ..of_profile.rejected[0].clone() });

    let store = prepared(database).await;
    let plans = [aggressive, lenient, strict, of_profile, fed];
    insert(&*store, &plans).await.unwrap();

    for plan in plans {
        assert_eq!(store.plan(&plan.plan_id).await, Ok(Some(plan)));
    }
}

pub(crate) async fn a_plan_without_instruments_reads_back_equal(database: &dyn Database) {
    let plan = plan_for(&request("u", &["XX:NEW"]), plan_id(t0(), 1), t0());
    assert!(plan.instruments.is_empty());

    let store = prepared(database).await;
    insert(&*store, std::slice::from_ref(&plan)).await.unwrap();

    assert_eq!(store.plan(&plan.plan_id).await, Ok(Some(plan)));
}

pub(crate) async fn an_unknown_id_has_no_plan(database: &dyn Database) {
    let store = prepared(database).await;

    for id in ["", "plan_", &plan_id(t0(), 1), "' or 1=1 --"] {
        assert_eq!(store.plan(id).await, Ok(None), "{id}");
    }
}

pub(crate) async fn plans_are_read_together_without_duplicates(database: &dyn Database) {
    let store = prepared(database).await;
    insert(&*store, &[numbered(1), numbered(2), numbered(3)]).await.unwrap();
    let [first, second] = [numbered(1), numbered(2)].map(|plan| plan.plan_id);

    let asked = [first.clone(), plan_id(t0(), 9), second, "a\0b".to_owned(), first];
    let mut read = store.plans_by_id(&asked).await.unwrap();

    read.sort_by(|a, b| a.plan_id.cmp(&b.plan_id));
    assert_eq!(read, [numbered(1), numbered(2)]);
    assert_eq!(store.plans_by_id(&[]).await, Ok(vec![]));
}

pub(crate) async fn inserting_an_id_again_does_not_change_the_plan(database: &dyn Database) {
    let (first, other) = (numbered(1), numbered(2));
    let mut again = first.clone();
    again.plan_name = "another name".into();
    let store = prepared(database).await;
    insert(&*store, std::slice::from_ref(&first)).await.unwrap();

    insert(&*store, &[again.clone(), other.clone(), again]).await.unwrap();

    assert_eq!(store.plan(&first.plan_id).await, Ok(Some(first.clone())));
    assert_eq!(ids(&*store).await, [other.plan_id, first.plan_id]);
}

pub(crate) async fn a_batch_is_stored_completely_or_not_at_all(database: &dyn Database) {
    let mut bad = numbered(2);
    bad.user_id = "bad".into();
    let store = prepared(database).await;
    database.refuse_bad().await;

    let refused = insert(&*store, &[numbered(1), bad, numbered(3)]).await;
    let stored = ids(&*store).await;
    insert(&*store, &[numbered(1), numbered(3)]).await.unwrap();

    assert!(matches!(refused, Err(StoreError::Data(_))), "{refused:?}");
    assert!(stored.is_empty());
    assert_eq!(ids(&*store).await, [numbered(3).plan_id, numbered(1).plan_id]);
}

pub(crate) async fn an_empty_batch_is_stored(database: &dyn Database) {
    let store = prepared(database).await;

    assert_eq!(store.insert_plans(&[]).await, Ok(()));
}

pub(crate) async fn plans_survive_reopening(database: &dyn Database) {
    let store = prepared(database).await;
    insert(&*store, &[numbered(1), numbered(2)]).await.unwrap();
    store.close().await;

    let closed = store.ping().await;
    let store = prepared(database).await;

    assert!(matches!(closed, Err(StoreError::Unavailable(_))), "{closed:?}");
    assert_eq!(store.plan(&numbered(1).plan_id).await, Ok(Some(numbered(1))));
    assert_eq!(ids(&*store).await.len(), 2);
}

pub(crate) async fn concurrent_writes_and_reads_succeed(database: &dyn Database) {
    let store = prepared(database).await;

    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for round in 0..5 {
                    let plan = numbered(task * 100 + round);
                    insert(&*store, std::slice::from_ref(&plan)).await.unwrap();
                    assert_eq!(store.plan(&plan.plan_id).await, Ok(Some(plan)));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    assert_eq!(ids(&*store).await.len(), 40);
}

pub(crate) async fn old_plans_are_deleted_up_to_the_cutoff_and_the_limit(database: &dyn Database) {
    let store = prepared(database).await;
    insert(&*store, &(0..10).map(numbered).collect::<Vec<_>>()).await.unwrap();
    let cutoff = t0() + seconds(7);

    let mut deleted = Vec::new();
    for _ in 0..4 {
        deleted.push(store.delete_plans_before(cutoff, 3).await.unwrap());
    }

    assert_eq!(deleted, [3, 3, 1, 0]);
    assert_eq!(ids(&*store).await, [9, 8, 7].map(|number| numbered(number).plan_id));
    assert_eq!(store.delete_plans_before(t0() - seconds(1), 1000).await, Ok(0));
}

pub(crate) async fn unexpired_plans_are_counted_by_type(database: &dyn Database) {
    let made = |seconds: u32, kind: SubscriptionType| {
        let mut plan = numbered(seconds);
        plan.plan_id = plan_id(plan.created_at, kind as u64);
        plan.subscription_type = kind;
        plan
    };
    let store = prepared(database).await;
    let empty = store.count_unexpired(t0()).await.unwrap();
    insert(
        &*store,
        &[
            made(0, SubscriptionType::LiveFeed),
            made(1, SubscriptionType::LiveFeed),
            made(2, SubscriptionType::LiveFeed),
            made(3, SubscriptionType::Alerts),
            made(0, SubscriptionType::Historical),
        ],
    )
    .await
    .unwrap();

    // Plans expire 300 s after their creation; the one of second 0 expires exactly now.
    let counts = store.count_unexpired(t0() + seconds(300)).await.unwrap();

    assert_eq!(empty, BTreeMap::new());
    assert_eq!(counts, BTreeMap::from([(SubscriptionType::LiveFeed, 2), (SubscriptionType::Alerts, 1)]));
}
