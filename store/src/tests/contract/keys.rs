//! Responses for idempotency keys.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use registry_planning::plan::Plan;
use registry_planning::vocabulary::Broker;

use super::jobs::numbered as job;
use super::profiles::{FAIL, creation, make, profile_id, refused, ten};
use super::{Database, numbered, prepared, seconds, t0};
use crate::idempotency::{Claimed, KeyClaim, KeyedPlan, KeyedRequest, PlanAnswerRecord, StoredAnswer};
use crate::jobs::{Created, JobStatus};
use crate::profiles::ProfileClaim;
use crate::profiles::{Change, CommandOutcome};
use crate::testing::plan_for;
use crate::{Store, StoreError};

const DAY: TimeDelta = TimeDelta::hours(24);

/// Returns a request with this key, whose digest repeats one byte.
fn keyed(key: &str, digest: u8, now: DateTime<Utc>) -> Arc<KeyedRequest> {
    Arc::new(KeyedRequest { scope: "plan/u".to_owned(), key: key.to_owned(), digest: [digest; 32], now })
}

/// Returns plan `number` as the response to a request with this key.
pub(crate) fn row(number: u32, key: &str) -> KeyedPlan {
    row_of(numbered(number), &keyed(key, 1, t0()))
}

fn row_of(plan: Plan, request: &Arc<KeyedRequest>) -> KeyedPlan {
    let record = PlanAnswerRecord { plan_id: plan.plan_id.clone(), is_reused: false, duration_ms: 7 };
    KeyedPlan { claim: record.claim(request).unwrap(), plan: Some(Arc::new(plan)) }
}

fn stored(row: &KeyedPlan) -> StoredAnswer {
    StoredAnswer { digest: row.claim.request.digest, answer: row.claim.answer.clone() }
}

async fn answer(store: &dyn Store, key: &str, now: DateTime<Utc>) -> Option<StoredAnswer> {
    store.stored_answer("plan/u", key, now).await.unwrap()
}

async fn is_stored(store: &dyn Store, row: &KeyedPlan) -> bool {
    store.plan(&row.plan.as_ref().unwrap().plan_id).await.unwrap().is_some()
}

pub(crate) async fn a_response_is_stored_with_its_plan(database: &dyn Database) {
    let store = prepared(database).await;
    let new = row(1, "k");
    let reused = KeyedPlan { plan: None, ..row(1, "l") };

    assert_eq!(answer(&*store, "k", t0()).await, None);
    let claimed = store.insert_keyed_plans(&[new.clone(), reused.clone()]).await;
    store.close().await;
    let reopened = prepared(database).await;

    assert_eq!(claimed, Ok(vec![Claimed::Stored, Claimed::Stored]));
    assert_eq!(reopened.plan(&numbered(1).plan_id).await, Ok(Some(numbered(1))));
    assert_eq!(answer(&*reopened, "k", t0()).await, Some(stored(&new)));
    assert_eq!(answer(&*reopened, "l", t0()).await, Some(stored(&reused)));
    assert_eq!(reopened.insert_keyed_plans(&[]).await, Ok(vec![]));
    reopened.close().await;
}

pub(crate) async fn a_used_key_keeps_its_response_and_stores_no_plan(database: &dyn Database) {
    let store = prepared(database).await;
    let first = row(1, "b");
    store.insert_keyed_plans(std::slice::from_ref(&first)).await.unwrap();
    let other = row_of(numbered(2), &keyed("b", 2, t0() + seconds(1)));
    let before = row(3, "c");
    let after = row(4, "a");

    let claimed = store.insert_keyed_plans(&[before.clone(), other.clone(), after.clone()]).await;

    assert_eq!(claimed, Ok(vec![Claimed::Stored, Claimed::Taken(stored(&first)), Claimed::Stored]));
    assert!(!is_stored(&*store, &other).await);
    assert!(is_stored(&*store, &before).await && is_stored(&*store, &after).await);
    assert_eq!(answer(&*store, "b", t0()).await, Some(stored(&first)));
    store.close().await;
}

pub(crate) async fn keys_of_different_scopes_are_different_keys(database: &dyn Database) {
    let store = prepared(database).await;
    let here = row(1, "k");
    let request = KeyedRequest { scope: "plan/v".to_owned(), ..KeyedRequest::clone(&keyed("k", 2, t0())) };
    let other = row_of(numbered(2), &Arc::new(request));

    let claimed = store.insert_keyed_plans(&[here.clone(), other.clone()]).await;

    assert_eq!(claimed, Ok(vec![Claimed::Stored, Claimed::Stored]));
    assert_eq!(store.stored_answer("plan/v", "k", t0()).await, Ok(Some(stored(&other))));
    assert_eq!(answer(&*store, "k", t0()).await, Some(stored(&here)));
    store.close().await;
}

pub(crate) async fn a_key_expires_after_a_day(database: &dyn Database) {
    let store = prepared(database).await;
    let first = row(1, "k");
    store.insert_keyed_plans(std::slice::from_ref(&first)).await.unwrap();
    let (last_moment, day_after) = (t0() + DAY - TimeDelta::milliseconds(1), t0() + DAY);
    let too_early = row_of(numbered(2), &keyed("k", 2, last_moment));
    let next = row_of(numbered(3), &keyed("k", 3, day_after));

    assert_eq!(answer(&*store, "k", last_moment).await, Some(stored(&first)));
    assert_eq!(answer(&*store, "k", day_after).await, None);
    assert_eq!(store.insert_keyed_plans(&[too_early]).await, Ok(vec![Claimed::Taken(stored(&first))]));
    assert_eq!(store.insert_keyed_plans(std::slice::from_ref(&next)).await, Ok(vec![Claimed::Stored]));
    assert_eq!(answer(&*store, "k", day_after).await, Some(stored(&next)));
    assert!(is_stored(&*store, &next).await);
    store.close().await;
}

pub(crate) async fn concurrent_claims_of_one_key_store_one_plan(database: &dyn Database) {
    let store = prepared(database).await;

    let claiming = (1..=16).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.insert_keyed_plans(&[row(number, "k")]).await.unwrap().remove(0) })
    });
    let mut claimed = Vec::new();
    for claim in claiming.collect::<Vec<_>>() {
        claimed.push(claim.await.unwrap());
    }

    let winner = answer(&*store, "k", t0()).await.unwrap();
    assert_eq!(claimed.iter().filter(|claimed| **claimed == Claimed::Stored).count(), 1);
    assert!(claimed.iter().all(|claimed| *claimed == Claimed::Stored || *claimed == Claimed::Taken(winner.clone())));
    let ids: Vec<String> = (1..=16).map(|number| numbered(number).plan_id).collect();
    let plans = store.plans_by_id(&ids).await.unwrap();
    assert_eq!(plans.len(), 1);
    assert!(winner.answer.contains(&plans[0].plan_id));
    store.close().await;
}

pub(crate) async fn concurrent_batches_claim_their_keys_without_deadlock(database: &dyn Database) {
    let store = prepared(database).await;

    let claiming = (0..8_u32).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut rows: Vec<KeyedPlan> = (0..20).map(|key| row(number * 100 + key + 1, &format!("k{key}"))).collect();
            if number % 2 == 1 {
                rows.reverse();
            }
            store.insert_keyed_plans(&rows).await
        })
    });
    let mut stored = 0;
    for claim in claiming.collect::<Vec<_>>() {
        let claimed = claim.await.unwrap().unwrap();
        stored += claimed.iter().filter(|claimed| **claimed == Claimed::Stored).count();
    }

    assert_eq!(stored, 20);
    store.close().await;
}

pub(crate) async fn a_rejected_plan_leaves_its_key_free(database: &dyn Database) {
    let store = prepared(database).await;
    database.refuse_bad().await;
    let bad = plan_for(&crate::testing::request("bad", &["NSE:TCS"]), numbered(1).plan_id, t0());

    let failed = store.insert_keyed_plans(&[row(2, "l"), row_of(bad, &keyed("k", 1, t0()))]).await;

    assert!(matches!(failed, Err(StoreError::Data(_))), "{failed:?}");
    assert_eq!(answer(&*store, "k", t0()).await, None);
    assert_eq!(answer(&*store, "l", t0()).await, None);
    assert_eq!(store.insert_keyed_plans(&[row(3, "k")]).await, Ok(vec![Claimed::Stored]));
    store.close().await;
}

pub(crate) async fn expired_keys_are_deleted_up_to_the_limit(database: &dyn Database) {
    let store = prepared(database).await;
    for (number, key) in [(1, "a"), (2, "b"), (3, "c")] {
        let request = keyed(key, 1, t0() + seconds(i64::from(number)));
        store.insert_keyed_plans(&[row_of(numbered(number), &request)]).await.unwrap();
    }
    let now = t0() + DAY + seconds(2);

    assert_eq!(store.delete_expired_keys(now, 1).await, Ok(1));
    assert_eq!(store.delete_expired_keys(now, 10).await, Ok(1));
    assert_eq!(store.delete_expired_keys(now, 10).await, Ok(0));
    assert!(answer(&*store, "c", now).await.is_some());
    store.close().await;
}

pub(crate) async fn a_plan_is_kept_as_long_as_its_key(database: &dyn Database) {
    let store = prepared(database).await;
    let row = row(1, "k");
    store.insert_keyed_plans(std::slice::from_ref(&row)).await.unwrap();
    store.insert_plans(&[Arc::new(numbered(2))]).await.unwrap();
    let cutoff = t0() + seconds(60);

    assert_eq!(store.delete_plans_before(cutoff, 10).await, Ok(1));
    assert!(is_stored(&*store, &row).await);
    assert_eq!(store.delete_expired_keys(t0() + DAY, 10).await, Ok(1));
    assert_eq!(store.delete_plans_before(cutoff, 10).await, Ok(1));
    assert!(!is_stored(&*store, &row).await);
    store.close().await;
}

pub(crate) fn job_claim(number: u32, key: &str) -> KeyClaim {
    let answer = format!("{{\"job\":{number}}}");
    KeyClaim { request: keyed(key, 1, t0()), plan_id: None, answer }
}

pub(crate) async fn a_keyed_job_is_created_once(database: &dyn Database) {
    let store = prepared(database).await;
    let (first, second) = (job(1, Broker::Kite, None), job(2, Broker::Kite, None));

    assert_eq!(store.create_keyed_job(&first, &job_claim(1, "k")).await, Ok(Created::Yes));
    let answer = StoredAnswer { digest: [1; 32], answer: "{\"job\":1}".to_owned() };
    // The response takes precedence over the unfinished job of the broker, which is its own.
    assert_eq!(store.create_keyed_job(&second, &job_claim(2, "k")).await, Ok(Created::Answered(answer.clone())));
    assert_eq!(store.create_keyed_job(&second, &job_claim(2, "l")).await, Ok(Created::Busy(first.clone())));
    assert_eq!(store.job(&second.job_id).await, Ok(None));
    let mut done = first.clone();
    done.finish(JobStatus::Completed, vec![], t0());
    store.save_job(&done).await.unwrap();
    // The key of the rejected job is free.
    assert_eq!(store.create_keyed_job(&second, &job_claim(2, "l")).await, Ok(Created::Yes));
    assert_eq!(store.create_keyed_job(&first, &job_claim(3, "k")).await, Ok(Created::Answered(answer)));
    store.close().await;
}

pub(crate) async fn concurrent_jobs_of_one_key_are_one_job(database: &dyn Database) {
    let store = prepared(database).await;

    let creating = (1..=8).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store.create_keyed_job(&job(number, Broker::Kite, None), &job_claim(number, "k")).await.unwrap()
        })
    });
    let mut created = Vec::new();
    for creation in creating.collect::<Vec<_>>() {
        created.push(creation.await.unwrap());
    }

    let winner = answer(&*store, "k", t0()).await.unwrap();
    assert_eq!(created.iter().filter(|created| **created == Created::Yes).count(), 1);
    assert_eq!(created.iter().filter(|created| **created == Created::Answered(winner.clone())).count(), 7);
    store.close().await;
}

/// Returns the creation of profile `number` of the user `u`, whose response is the id of the profile.
pub(crate) fn keyed_creation(number: u32, key: &str) -> Change {
    let claim = ProfileClaim {
        request: keyed(key, 1, t0()),
        answer: Arc::new(|done| format!("{{\"id\":\"{}\"}}", done.profile.profile_id)),
    };
    Change { claim: Some(claim), ..creation(number, "u", &ten(0), FAIL, 1000) }
}

fn profile_answer(number: u32) -> StoredAnswer {
    StoredAnswer { digest: [1; 32], answer: format!("{{\"id\":\"{}\"}}", profile_id(number)) }
}

pub(crate) async fn a_keyed_profile_is_created_once(database: &dyn Database) {
    let store = prepared(database).await;

    let created = store.change_profile(&keyed_creation(1, "k")).await.unwrap();
    let again = store.change_profile(&keyed_creation(2, "k")).await;

    let CommandOutcome::Kept(done, written) = created else { panic!("{created:?}") };
    assert_eq!(done.profile.profile_id, profile_id(1));
    assert_eq!(written, profile_answer(1).answer);
    assert_eq!(again, Ok(CommandOutcome::Answered(profile_answer(1))));
    assert_eq!(answer(&*store, "k", t0()).await, Some(profile_answer(1)));
    assert_eq!(store.profile(&profile_id(2)).await, Ok(None));
    store.close().await;
}

pub(crate) async fn a_rejected_profile_stores_conflicts_and_frees_its_key(database: &dyn Database) {
    let store = prepared(database).await;
    make(&*store, 1, &ten(0)).await;

    let conflicts = refused(store.change_profile(&keyed_creation(2, "k")).await);
    let again = refused(store.change_profile(&keyed_creation(3, "k")).await);

    assert_eq!(conflicts.len(), 1);
    assert_ne!(conflicts, again);
    assert_eq!(answer(&*store, "k", t0()).await, None);
    store.close().await;
}

pub(crate) async fn concurrent_profiles_of_one_key_are_one_profile(database: &dyn Database) {
    let store = prepared(database).await;

    let creating = (1..=8).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.change_profile(&keyed_creation(number, "k")).await.unwrap() })
    });
    let mut changed = Vec::new();
    for creation in creating.collect::<Vec<_>>() {
        changed.push(creation.await.unwrap());
    }

    // This strategy rejects duplicates, so a loser must not see the profile of the winner before its response.
    let winner = answer(&*store, "k", t0()).await.unwrap();
    assert_eq!(changed.iter().filter(|changed| matches!(changed, CommandOutcome::Kept(..))).count(), 1);
    assert_eq!(changed.iter().filter(|changed| **changed == CommandOutcome::Answered(winner.clone())).count(), 7);
    store.close().await;
}

pub(crate) async fn a_keyed_profile_that_fails_midway_leaves_nothing(database: &dyn Database) {
    let store = prepared(database).await;
    let version = format!("insert into profile_versions values ('{}', 1, 'update', '{{}}', '{{}}')", profile_id(1));
    assert_eq!(database.attempt(&version).await, Ok(1));

    let failed = store.change_profile(&keyed_creation(1, "k")).await;

    assert!(matches!(failed, Err(StoreError::Data(_))), "{failed:?}");
    assert_eq!(answer(&*store, "k", t0()).await, None);
    assert!(matches!(store.change_profile(&keyed_creation(2, "k")).await, Ok(CommandOutcome::Kept(..))));
    store.close().await;
}
