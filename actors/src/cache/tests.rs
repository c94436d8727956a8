mod aliases;
mod sizes;

use std::sync::Arc;

use crate::runtime::ActorCell;
use chrono::{TimeDelta, Utc};
use tokio::time::{Duration, Instant};

use super::actor::CacheMessage;
use super::{CacheHandle, CachedPlan};
use crate::runtime::mailbox::CallError;
use crate::testing::{parent, plan_of_user, run_ready_tasks, soon, until};

const SECOND: Duration = Duration::from_secs(1);

/// Returns a plan of this user that expires after five minutes. All such plans have the same size.
fn cached(user: u32) -> Arc<CachedPlan> {
    Arc::new(CachedPlan::new(Arc::new(plan_of_user(&format!("{user:04}")))))
}

fn expiring(user: u32, seconds: i64) -> Arc<CachedPlan> {
    let mut plan = plan_of_user(&format!("{user:04}"));
    plan.expires_at = Utc::now() + TimeDelta::seconds(seconds);
    Arc::new(CachedPlan::new(Arc::new(plan)))
}

/// Returns a cache with capacity for this number of plans, and the supervisor of its actor.
async fn cache_for(plans: usize) -> (CacheHandle, ActorCell) {
    let (cache, parent) = (CacheHandle::new(None), parent().await);
    spawn(&cache, plans, &parent).await;
    (cache, parent)
}

async fn spawn(cache: &CacheHandle, plans: usize, parent: &ActorCell) {
    cache.spawn(plans * cached(0).bytes(), parent.clone()).await.unwrap();
}

/// Crashes the actor and waits until it has ended.
async fn crash(cache: &CacheHandle) {
    cache.crash().unwrap();
    until("the actor has stopped", || cache.crash().is_err()).await;
}

/// Returns the number of plans that the actor has accounted for.
async fn accounted(cache: &CacheHandle) -> usize {
    cache.inspect(SECOND).await.unwrap().in_flight.unwrap()
}

fn is_in_cache(cache: &CacheHandle, cached: &CachedPlan) -> bool {
    cache.local.all().iter().any(|queued| queued.key == cached.plan.cache_key)
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_found_by_its_key_and_its_id() {
    let (cache, _) = cache_for(10).await;
    let cached = cached(1);

    cache.insert(&cached);

    assert!(Arc::ptr_eq(&cache.get(cached.plan.cache_key).unwrap(), &cached));
    assert!(Arc::ptr_eq(&cache.by_id(&cached.plan.plan_id).unwrap(), &cached));
    assert!(cache.by_id("plan_other").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_byte_budget_evicts_the_oldest_plans_first() {
    let (cache, _) = cache_for(10).await;
    let plans: Vec<_> = (0..100).map(cached).collect();

    for cached in &plans {
        cache.insert(cached);
        run_ready_tasks().await;
        assert!(cache.local.all().len() <= 10);
    }

    let present: Vec<usize> = (0..100).filter(|index| is_in_cache(&cache, &plans[*index])).collect();
    assert_eq!(present, (90..100).collect::<Vec<_>>());
    assert_eq!(accounted(&cache).await, 10);
    // Evicted plans cannot be found by id either.
    assert!(cache.by_id(&plans[0].plan.plan_id).is_none());
    assert_eq!(cache.local.id_count(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_was_read_gets_a_second_chance() {
    let (cache, _) = cache_for(10).await;
    let plans: Vec<_> = (0..15).map(cached).collect();
    plans[..10].iter().for_each(|cached| cache.insert(cached));
    run_ready_tasks().await;

    cache.get(plans[0].plan.cache_key).unwrap();
    cache.by_id(&plans[3].plan.plan_id).unwrap();
    plans[10..].iter().for_each(|cached| cache.insert(cached));
    run_ready_tasks().await;

    let evicted: Vec<usize> = (0..15).filter(|index| !is_in_cache(&cache, &plans[*index])).collect();
    assert_eq!(evicted, [1, 2, 4, 5, 6]);
}

/// Regression: if all other entries had been read, the new plan was evicted first.
#[tokio::test(start_paused = true)]
async fn a_new_plan_stays_even_if_all_others_were_read() {
    let (cache, _) = cache_for(10).await;
    let plans: Vec<_> = (0..11).map(cached).collect();
    plans[..10].iter().for_each(|cached| cache.insert(cached));
    run_ready_tasks().await;

    plans[..10].iter().for_each(|cached| drop(cache.get(cached.plan.cache_key).unwrap()));
    cache.insert(&plans[10]);
    run_ready_tasks().await;

    let evicted: Vec<usize> = (0..11).filter(|index| !is_in_cache(&cache, &plans[*index])).collect();
    assert_eq!(evicted, [0]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_larger_than_the_whole_budget_does_not_stay() {
    let (cache, _) = cache_for(0).await;
    let cached = cached(1);

    cache.insert(&cached);
    run_ready_tasks().await;

    assert!(!is_in_cache(&cache, &cached));
    assert_eq!(accounted(&cache).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_expired_plan_is_not_found_and_cleared_once() {
    let (cache, _) = cache_for(10).await;
    let (short, long) = ([1, 2, 3].map(|user| expiring(user, 2)), [4, 5].map(|user| expiring(user, 100)));
    short.iter().chain(&long).for_each(|cached| cache.insert(cached));
    run_ready_tasks().await;
    let early = cache.clear_expired(soon()).await;

    tokio::time::sleep(3 * SECOND).await;
    let found = cache.get(short[0].plan.cache_key).is_some() || cache.by_id(&short[0].plan.plan_id).is_some();
    let cleared = [cache.clear_expired(soon()).await, cache.clear_expired(soon()).await];

    assert!(!found);
    assert_eq!(early, Ok(0));
    assert_eq!(cleared, [Ok(3), Ok(0)]);
    assert!(long.iter().all(|cached| cache.get(cached.plan.cache_key).is_some()));
    assert_eq!(accounted(&cache).await, 2);
    assert_eq!(cache.local.id_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn expired_plans_are_freed_by_the_timer() {
    let (cache, _) = cache_for(10).await;
    cache.insert(&expiring(1, 2));
    cache.insert(&expiring(2, 100));

    tokio::time::sleep(11 * SECOND).await;

    assert_eq!(accounted(&cache).await, 1);
    assert_eq!(cache.local.all().len(), 1);
    assert_eq!(cache.local.id_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_expired_plan_is_not_inserted() {
    let (cache, _) = cache_for(10).await;

    cache.insert(&expiring(1, -1));

    assert!(cache.local.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_replaced_plan_is_not_found() {
    let (cache, _) = cache_for(10).await;
    let (first, second) = (cached(1), cached(1));
    assert_eq!(first.plan.cache_key, second.plan.cache_key);

    cache.insert(&first);
    cache.insert(&second);
    run_ready_tasks().await;

    assert!(cache.by_id(&first.plan.plan_id).is_none());
    assert!(Arc::ptr_eq(&cache.by_id(&second.plan.plan_id).unwrap(), &second));
    assert!(Arc::ptr_eq(&cache.get(first.plan.cache_key).unwrap(), &second));
    // The replaced entry stays accounted for until the next sweep, and is not counted twice after it.
    cache.clear_expired(soon()).await.unwrap();
    assert_eq!(accounted(&cache).await, 1);
    assert_eq!(cache.local.id_count(), 1);
}

/// Regression: the second insert removed the id of the plan, as the id of the replaced entry.
#[tokio::test(start_paused = true)]
async fn a_plan_that_is_inserted_twice_is_found_by_its_id() {
    let (cache, _) = cache_for(1).await;
    let cached = cached(1);

    cache.insert(&cached);
    cache.insert(&cached);
    run_ready_tasks().await;

    assert!(cache.by_id(&cached.plan.plan_id).is_some());
    assert_eq!(accounted(&cache).await, 1);
}

#[tokio::test(start_paused = true)]
async fn reads_and_inserts_work_without_the_actor() {
    let (cache, parent) = cache_for(10).await;
    let plans: Vec<_> = (0..15).map(cached).collect();
    plans[..6].iter().for_each(|cached| cache.insert(cached));
    run_ready_tasks().await;

    crash(&cache).await;
    plans[6..9].iter().for_each(|cached| cache.insert(cached));
    let while_down = plans[..9].iter().filter(|cached| cache.get(cached.plan.cache_key).is_some()).count();
    let cleared = cache.clear_expired(soon()).await;
    spawn(&cache, 10, &parent).await;
    let after = accounted(&cache).await;
    plans[9..].iter().for_each(|cached| cache.insert(cached));
    run_ready_tasks().await;

    assert_eq!(while_down, 9);
    assert_eq!(cleared, Err(CallError::Gone("cache")));
    assert_eq!(after, 9);
    assert_eq!(accounted(&cache).await, 10);
    assert_eq!(cache.local.all().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn plans_over_budget_after_a_restart_are_evicted_later() {
    let (cache, parent) = cache_for(10).await;
    crash(&cache).await;
    (0..30).for_each(|user| cache.insert(&cached(user)));

    spawn(&cache, 20, &parent).await;
    cache.insert(&cached(30));
    run_ready_tasks().await;
    let with_next_plan = (accounted(&cache).await, cache.local.all().len());
    crash(&cache).await;
    spawn(&cache, 10, &parent).await;
    tokio::time::sleep(6 * SECOND).await;

    assert_eq!(with_next_plan, (20, 20));
    assert_eq!(accounted(&cache).await, 10);
    assert_eq!(cache.local.all().len(), 10);
}

/// Regression: a plan that was inserted between the successor's recount and its first message was never evicted.
#[tokio::test(start_paused = true)]
async fn a_sweep_counts_a_plan_whose_message_was_lost() {
    let (cache, _) = cache_for(10).await;
    cache.insert(&cached(1));
    run_ready_tasks().await;
    let (key, generation) = cache.local.insert(cached(2), soon());

    cache.clear_expired(soon()).await.unwrap();
    let swept = accounted(&cache).await;
    // Its message may still arrive.
    cache.mailbox.tell(CacheMessage::Inserted { key, generation }).unwrap();

    assert_eq!(swept, 2);
    assert_eq!(accounted(&cache).await, 2);
}

/// Regression: if an entry had been spared in the meantime, it was counted twice.
#[tokio::test(start_paused = true)]
async fn a_message_after_a_recount_does_not_count_twice() {
    let (cache, parent) = cache_for(3).await;
    crash(&cache).await;
    let inserted: Vec<_> = (0..3).map(|user| cache.local.insert(cached(user), soon())).collect();
    spawn(&cache, 3, &parent).await;

    cache.get(inserted[0].0).unwrap();
    cache.insert(&cached(3));
    run_ready_tasks().await;
    let (key, generation) = inserted[2];
    cache.mailbox.tell(CacheMessage::Inserted { key, generation }).unwrap();

    assert_eq!(accounted(&cache).await, 3);
    assert_eq!(cache.local.all().len(), 3);
}

/// Regression: of two concurrent inserts of one plan, the later could remove the id that both share.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_concurrently_inserted_plan_is_found_by_its_id() {
    let (cache, _) = cache_for(20).await;
    let plans: Arc<Vec<_>> = Arc::new((0..5).map(cached).collect());

    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (cache, plans) = (cache.clone(), Arc::clone(&plans));
            tokio::spawn(async move { (0..2000).for_each(|round| cache.insert(&plans[round % 5])) })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    assert!(plans.iter().all(|cached| cache.by_id(&cached.plan.plan_id).is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_and_readers_keep_the_sizes_correct() {
    let (cache, _) = cache_for(20).await;
    let plans: Arc<Vec<_>> = Arc::new((0..200).map(cached).collect());

    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let (cache, plans) = (cache.clone(), Arc::clone(&plans));
            tokio::spawn(async move {
                for round in 0..200 {
                    let cached = &plans[(task * 31 + round * 7) % 200];
                    cache.insert(cached);
                    if let Some(found) = cache.by_id(&cached.plan.plan_id) {
                        assert_eq!(found.plan.plan_id, cached.plan.plan_id);
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // When this call returns, the actor has handled all earlier messages.
    cache.clear_expired(Instant::now() + 10 * SECOND).await.unwrap();

    let present = cache.local.all().len();
    assert!(present <= 20, "{present}");
    assert_eq!(accounted(&cache).await, present);
    assert_eq!(cache.local.id_count(), present);
}
