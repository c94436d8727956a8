//! Lookups of plans by fingerprint.

use super::super::aliases::{ALIAS_BYTES, ALIASES_MAX, Aliases, OwnAliases, Target};
use super::super::{Fingerprint, Ready};
use super::*;

fn ready(cached: &Arc<CachedPlan>) -> Ready {
    Ready { cached: Arc::clone(cached), json: None }
}

/// Returns the plan with an encoded JSON text of this size.
fn encoded(cached: &Arc<CachedPlan>, bytes: usize) -> Ready {
    Ready { json: Some("x".repeat(bytes).into()), ..ready(cached) }
}

/// Returns the size of an encoded JSON text in memory.
fn json_bytes(bytes: usize) -> usize {
    registry_planning::heap::arc_text(&"x".repeat(bytes))
}

fn alias(cache: &CacheHandle, cached: &Arc<CachedPlan>, fingerprints: std::ops::Range<u128>) {
    fingerprints.for_each(|fingerprint| cache.alias(Fingerprint(fingerprint), &ready(cached)));
}

/// Returns the plan that the fingerprint leads to.
fn found(cache: &CacheHandle, fingerprint: u128) -> Option<Arc<CachedPlan>> {
    cache.by_fingerprint(Fingerprint(fingerprint)).map(|ready| ready.cached)
}

/// Returns the number of aliases, and their size in bytes with the encoded JSON texts.
fn aliases(cache: &CacheHandle) -> (usize, usize) {
    (cache.local.alias_count(), cache.local.alias_bytes())
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_found_by_exactly_its_fingerprints() {
    let (cache, _) = cache_for(10).await;
    let (one, two) = (cached(1), cached(2));
    cache.insert(&one);
    cache.insert(&two);

    alias(&cache, &one, 1..3);
    alias(&cache, &two, 3..4);
    alias(&cache, &two, 3..4);

    assert!(Arc::ptr_eq(&found(&cache, 1).unwrap(), &one) && Arc::ptr_eq(&found(&cache, 2).unwrap(), &one));
    assert!(Arc::ptr_eq(&found(&cache, 3).unwrap(), &two));
    assert!(found(&cache, 4).is_none());
    assert_eq!(aliases(&cache), (3, 3 * ALIAS_BYTES));
}

#[tokio::test(start_paused = true)]
async fn only_cached_plans_have_fingerprints() {
    let (cache, _) = cache_for(10).await;
    let (held, equal, absent) = (cached(1), cached(1), cached(2));
    cache.insert(&held);

    alias(&cache, &equal, 1..2);
    alias(&cache, &absent, 2..3);

    assert!(found(&cache, 1).is_none() && found(&cache, 2).is_none());
    assert_eq!(aliases(&cache), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_expired_plan_removes_its_fingerprints() {
    let (cache, _) = cache_for(10).await;
    let cached = expiring(1, 2);
    cache.insert(&cached);
    cache.alias(Fingerprint(1), &encoded(&cached, 1000));
    let (before, held) = (found(&cache, 1).is_some(), aliases(&cache));

    tokio::time::sleep(2 * SECOND).await;
    let (after, still_held) = (found(&cache, 1).is_some(), aliases(&cache));
    cache.clear_expired(soon()).await.unwrap();

    assert!(before);
    assert!(!after);
    assert_eq!(held, (1, ALIAS_BYTES + json_bytes(1000)));
    assert_eq!(still_held, (1, ALIAS_BYTES + json_bytes(1000)));
    assert_eq!(aliases(&cache), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_maximum_a_new_fingerprint_replaces_the_oldest() {
    let (cache, _) = cache_for(10).await;
    let cached = cached(1);
    cache.insert(&cached);

    alias(&cache, &cached, 0..100);

    let present: Vec<u128> = (0..100).filter(|fingerprint| found(&cache, *fingerprint).is_some()).collect();
    assert_eq!(present, (92..100).collect::<Vec<_>>());
    assert_eq!(aliases(&cache), (ALIASES_MAX, ALIASES_MAX * ALIAS_BYTES));
}

#[tokio::test(start_paused = true)]
async fn all_fingerprints_of_a_plan_share_one_encoded_json() {
    let (cache, _) = cache_for(10).await;
    let cached = cached(1);
    cache.insert(&cached);

    cache.alias(Fingerprint(1), &encoded(&cached, 500));
    cache.alias(Fingerprint(2), &encoded(&cached, 500));

    let [first, second] = [1, 2].map(|fingerprint| cache.by_fingerprint(Fingerprint(fingerprint)).unwrap());
    assert_eq!(first.json().len(), 500);
    assert!(Arc::ptr_eq(&first.json.unwrap(), &second.json.unwrap()));
    assert_eq!(aliases(&cache), (2, 2 * ALIAS_BYTES + json_bytes(500)));
}

#[tokio::test(start_paused = true)]
async fn a_fingerprint_leads_to_a_replacement_only_once_it_is_added() {
    let (cache, _) = cache_for(10).await;
    let (first, second) = (cached(1), cached(1));
    cache.insert(&first);
    cache.alias(Fingerprint(1), &encoded(&first, 500));
    cache.alias(Fingerprint(2), &encoded(&first, 500));

    cache.insert(&second);
    let after = (found(&cache, 1).is_some(), aliases(&cache));
    cache.alias(Fingerprint(1), &encoded(&second, 600));

    assert_eq!(after, (false, (0, 0)));
    assert_eq!(cache.by_fingerprint(Fingerprint(1)).unwrap().json().len(), 600);
    assert_eq!(aliases(&cache), (1, ALIAS_BYTES + json_bytes(600)));
}

#[tokio::test(start_paused = true)]
async fn an_evicted_plan_frees_its_fingerprints() {
    let (cache, _) = cache_for(10).await;
    let plans: Vec<_> = (0..20).map(cached).collect();

    for (cached, fingerprint) in plans.iter().zip(0..) {
        cache.insert(cached);
        cache.alias(Fingerprint(fingerprint), &encoded(cached, 100));
        run_ready_tasks().await;
    }
    cache.clear_expired(soon()).await.unwrap();

    let present = cache.local.all().len();
    assert_eq!(aliases(&cache), (present, present * (ALIAS_BYTES + json_bytes(100))));
    assert!(found(&cache, 0).is_none() && found(&cache, 19).is_some());
}

#[tokio::test(start_paused = true)]
async fn fingerprints_count_towards_the_byte_budget() {
    let (cache, _) = cache_for(10).await;
    let plans: Vec<_> = (0..10).map(cached).collect();
    plans.iter().for_each(|cached| cache.insert(cached));
    run_ready_tasks().await;
    let before = accounted(&cache).await;

    // The aliases nearly double the size of each plan, so half of the plans must be evicted. The blocks of the
    // allocator are up to a quarter larger than requested.
    let bytes = (plans[0].bytes() - ALIAS_BYTES) * 4 / 5;
    for (cached, fingerprint) in plans.iter().zip(0..) {
        cache.alias(Fingerprint(fingerprint), &encoded(cached, bytes));
    }
    cache.clear_expired(soon()).await.unwrap();

    assert_eq!(before, 10);
    assert_eq!(accounted(&cache).await, 5);
    assert_eq!(aliases(&cache), (5, 5 * (ALIAS_BYTES + json_bytes(bytes))));
    assert!((0..5).all(|fingerprint| found(&cache, fingerprint).is_none()));
    assert!((5..10).all(|fingerprint| found(&cache, fingerprint).is_some()));
}

#[tokio::test(start_paused = true)]
async fn a_lookup_by_fingerprint_gives_a_second_chance() {
    let (cache, _) = cache_for(10).await;
    let plans: Vec<_> = (0..10).map(cached).collect();
    plans.iter().for_each(|cached| cache.insert(cached));
    run_ready_tasks().await;
    alias(&cache, &plans[0], 0..1);

    found(&cache, 0).unwrap();
    // The size of the alias evicts one more plan.
    cache.insert(&cached(10));
    run_ready_tasks().await;

    let evicted: Vec<usize> = (0..10).filter(|index| !is_in_cache(&cache, &plans[*index])).collect();
    assert_eq!(evicted, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn fingerprints_outlive_the_actor_and_its_successor_frees_them() {
    let (cache, parent) = cache_for(10).await;
    let plans: Vec<_> = (0..3).map(cached).collect();
    cache.insert(&plans[0]);
    alias(&cache, &plans[0], 0..1);
    run_ready_tasks().await;

    crash(&cache).await;
    cache.insert(&plans[1]);
    alias(&cache, &plans[1], 1..2);
    let while_down = [0, 1].map(|index| Arc::ptr_eq(&found(&cache, index as u128).unwrap(), &plans[index]));
    spawn(&cache, 10, &parent).await;
    cache.insert(&plans[2]);
    alias(&cache, &plans[2], 2..3);
    run_ready_tasks().await;
    let after = [0, 1, 2].map(|index| Arc::ptr_eq(&found(&cache, index as u128).unwrap(), &plans[index]));
    crash(&cache).await;
    spawn(&cache, 0, &parent).await;
    cache.clear_expired(soon()).await.unwrap();

    assert_eq!(while_down, [true; 2]);
    assert_eq!(after, [true; 3]);
    assert!((0..3).all(|fingerprint| found(&cache, fingerprint).is_none()));
    assert_eq!(aliases(&cache), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_aliases_lead_to_their_plans_and_are_freed() {
    let (cache, parent) = cache_for(5).await;

    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let cache = cache.clone();
            tokio::spawn(async move {
                for round in 0..400 {
                    let user = (task * 31 + round * 7) % 20;
                    let cached = cached(user);
                    cache.insert(&cached);
                    // More spellings than an entry may have, and the same ones for all plans of one user.
                    for spelling in 0..12 {
                        let fingerprint = Fingerprint(u128::from(user * 12 + spelling));
                        cache.alias(fingerprint, &encoded(&cached, 100));
                        if let Some(ready) = cache.by_fingerprint(fingerprint) {
                            assert_eq!(ready.cached.plan.user_id, cached.plan.user_id);
                            assert!(ready.json.is_some());
                        }
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let held = aliases(&cache);
    crash(&cache).await;
    spawn(&cache, 0, &parent).await;
    cache.clear_expired(Instant::now() + 10 * SECOND).await.unwrap();

    assert!(held.0 > 0);
    assert_eq!(aliases(&cache), (0, 0));
}

/// This happens if a plan is inserted and served while its predecessor is still being removed.
#[test]
fn a_late_removal_keeps_the_aliases_of_the_successor() {
    let (aliases, fingerprint, key) = (Aliases::default(), Fingerprint(1), cached(1).plan.cache_key);
    let (mut first, mut second) = (OwnAliases::default(), OwnAliases::default());
    aliases.add(fingerprint, Target { key, generation: 1 }, None, &mut first);
    aliases.add(fingerprint, Target { key, generation: 2 }, None, &mut second);

    aliases.forget(&first, 1);
    let left = (aliases.target(fingerprint), aliases.bytes());
    aliases.forget(&second, 2);

    assert_eq!(left, (Some(Target { key, generation: 2 }), ALIAS_BYTES));
    assert_eq!(aliases.target(fingerprint), None);
    assert_eq!(aliases.bytes(), 0);
}
