use std::sync::Arc;

use crate::runtime::ActorCell;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, advance};

use super::{CALL_TIMEOUT, KEYS_MAX, PING_TIMEOUT, PUTS_MAX, SHARED_BUDGET, SLOW_CALL};
use crate::cache::{CacheHandle, SharedCacheError};
use crate::testing::{CapturedLog, FakeSharedCache, parent, plan_of_user, run_ready_tasks, soon, until};
use registry_planning::vocabulary::CacheKey;

const SECOND: Duration = Duration::from_secs(1);

fn key(number: u32) -> CacheKey {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&number.to_be_bytes());
    CacheKey(key)
}

/// Returns a cache that uses the fake, after the first response.
async fn cache_over(shared: &Arc<FakeSharedCache>) -> (CacheHandle, ActorCell) {
    let (cache, parent) = (CacheHandle::new(Some(Arc::clone(shared) as _)), parent().await);
    cache.spawn(1 << 20, parent.clone()).await.unwrap();
    run_ready_tasks().await;
    (cache, parent)
}

async fn cache() -> (CacheHandle, Arc<FakeSharedCache>) {
    let shared = Arc::new(FakeSharedCache::default());
    let (cache, _) = cache_over(&shared).await;
    (cache, shared)
}

/// Looks a key up in a separate task.
fn look_up(cache: &CacheHandle, number: u32) -> JoinHandle<Option<String>> {
    let cache = cache.clone();
    tokio::spawn(async move { cache.look_up_shared(key(number), soon()).await })
}

fn share(cache: &CacheHandle, user: u32) -> JoinHandle<Option<String>> {
    let cache = cache.clone();
    tokio::spawn(async move { cache.share(&plan_of_user(&user.to_string()), soon()).await })
}

async fn breaker(cache: &CacheHandle) -> &'static str {
    cache.inspect(SECOND).await.unwrap().breaker.unwrap()
}

/// Makes every call fail until the breaker is open.
async fn open_breaker(cache: &CacheHandle, shared: &FakeSharedCache) {
    shared.fail();
    for number in 0..5 {
        look_up(cache, number).await.unwrap();
    }
    assert_eq!(breaker(cache).await, "open");
}

#[tokio::test(start_paused = true)]
async fn a_stored_id_is_found() {
    let (cache, _) = cache().await;
    let plan = plan_of_user("u");

    let before = cache.look_up_shared(plan.cache_key, soon()).await;
    let put = cache.share(&plan, soon()).await;
    let after = cache.look_up_shared(plan.cache_key, soon()).await;

    assert_eq!(before, None);
    assert_eq!(put.as_ref(), Some(&plan.plan_id));
    assert_eq!(after.as_ref(), Some(&plan.plan_id));
}

#[tokio::test(start_paused = true)]
async fn the_first_put_decides_and_the_second_gets_its_id() {
    let (cache, shared) = cache().await;
    let (first, second) = (plan_of_user("u"), plan_of_user("u"));

    cache.share(&first, soon()).await;
    let answer = cache.share(&second, soon()).await;

    assert_eq!(answer.as_ref(), Some(&first.plan_id));
    assert_eq!(shared.id(first.cache_key), Some(first.plan_id));
}

#[tokio::test(start_paused = true)]
async fn lookups_during_a_pipeline_share_the_next_one() {
    let (cache, shared) = cache().await;
    shared.set(key(7), "plan_7");
    shared.hold();

    let all: Vec<_> = (0..100).map(|number| look_up(&cache, number)).collect();
    run_ready_tasks().await;
    let while_held = shared.calls().look_ups;
    shared.release(2);
    let mut found = Vec::new();
    for (number, answer) in all.into_iter().enumerate() {
        if let Some(id) = answer.await.unwrap() {
            found.push((number, id));
        }
    }

    assert_eq!(while_held, [1]);
    assert_eq!(shared.calls().look_ups, [1, 99]);
    assert_eq!(found, [(7, "plan_7".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_has_a_maximum_number_of_keys() {
    let (cache, shared) = cache().await;
    shared.hold();

    let all: Vec<_> = (0..600).map(|number| look_up(&cache, number)).collect();
    run_ready_tasks().await;
    shared.release(10);
    for answer in all {
        answer.await.unwrap();
    }

    assert_eq!(shared.calls().look_ups, [1, KEYS_MAX, KEYS_MAX, 600 - 1 - 2 * KEYS_MAX]);
}

#[tokio::test(start_paused = true)]
async fn puts_share_pipelines_and_do_not_delay_lookups() {
    let (cache, shared) = cache().await;
    shared.hold();
    let puts: Vec<_> = (0..10).map(|user| share(&cache, user)).collect();
    run_ready_tasks().await;

    let look_up = look_up(&cache, 1);
    run_ready_tasks().await;
    let calls = shared.calls();
    shared.release(10);
    for put in puts {
        assert!(put.await.unwrap().is_some());
    }

    assert_eq!(calls.puts, vec![1]);
    assert_eq!(calls.look_ups, vec![1]);
    assert_eq!(shared.calls().puts, [1, 9]);
    assert_eq!(look_up.await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_hangs_costs_a_lookup_at_most_its_budget() {
    let (cache, shared) = cache().await;
    shared.hang();

    // More than two pipelines hold, so the last lookup would wait for a third.
    let asked_at = Instant::now();
    let first = look_up(&cache, 0);
    run_ready_tasks().await;
    let all: Vec<_> = (1..600).map(|number| look_up(&cache, number)).collect();
    assert_eq!(first.await.unwrap(), None);
    assert_eq!(asked_at.elapsed(), CALL_TIMEOUT);
    for answer in all {
        assert_eq!(answer.await.unwrap(), None);
    }

    assert_eq!(asked_at.elapsed(), SHARED_BUDGET);
}

#[tokio::test(start_paused = true)]
async fn slow_responses_open_the_breaker() {
    let log = CapturedLog::start();
    let (cache, shared) = cache().await;
    shared.slow_down(SLOW_CALL + Duration::from_millis(2));
    for number in 0..5 {
        look_up(&cache, number).await.unwrap();
    }
    let slow = breaker(&cache).await;

    // A slow heartbeat does not count as a success.
    tokio::time::sleep(2 * SECOND).await;
    let still_slow = breaker(&cache).await;
    shared.slow_down(SLOW_CALL / 2);
    tokio::time::sleep(5 * SECOND).await;

    assert_eq!([slow, still_slow, breaker(&cache).await], ["open", "open", "closed"]);
    let unavailable = log.line("shared cache unavailable: creating plans without it").unwrap();
    assert_eq!(unavailable["fault"], "timeout: calls take longer than 25ms");
}

/// Looks keys up while this process is delayed: it runs for a moment after each `step`.
async fn look_up_delayed(cache: &CacheHandle, count: u32, step: Duration) -> usize {
    let mut found = 0;
    for number in 0..count {
        let lookup = look_up(cache, number);
        run_ready_tasks().await;
        while !lookup.is_finished() {
            advance(step).await;
            run_ready_tasks().await;
        }
        found += usize::from(lookup.await.unwrap().is_some());
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_delayed_process_leaves_the_breaker_closed() {
    let (cache, shared) = cache().await;
    (0..30).for_each(|number| shared.set(key(number), "plan_1"));
    shared.slow_down(Duration::from_millis(1));

    // Each response is read long after its arrival.
    let found = look_up_delayed(&cache, 30, SHARED_BUDGET - Duration::from_millis(1)).await;

    assert_eq!(found, 30);
    assert_eq!(breaker(&cache).await, "closed");
}

#[tokio::test(start_paused = true)]
async fn a_delayed_process_does_not_hide_a_slow_cache() {
    let (cache, shared) = cache().await;
    shared.hang();

    // The process runs in less than a third of the time.
    look_up_delayed(&cache, 10, Duration::from_millis(20)).await;

    assert_eq!(breaker(&cache).await, "open");
}

#[tokio::test(start_paused = true)]
async fn a_response_of_a_tenth_of_a_second_opens_the_breaker() {
    let (cache, shared) = cache().await;
    shared.slow_down(Duration::from_millis(100));
    for number in 0..5 {
        look_up(&cache, number).await.unwrap();
    }

    assert_eq!(breaker(&cache).await, "open");
    let asked_at = Instant::now();
    look_up(&cache, 9).await.unwrap();
    assert_eq!(asked_at.elapsed(), Duration::ZERO);
}

/// The process blocks in real time, as it does without a processor.
#[tokio::test]
async fn a_blocked_runtime_leaves_the_breaker_closed() {
    let (cache, shared) = cache().await;
    shared.slow_down(Duration::from_millis(1));
    let before = shared.calls().look_ups.len();

    for number in 0..6 {
        let lookup = look_up(&cache, number);
        until("the lookup is in progress", || shared.calls().look_ups.len() > before + number as usize).await;
        std::thread::sleep(2 * CALL_TIMEOUT);
        lookup.await.unwrap();
    }

    assert_eq!(breaker(&cache).await, "closed");
}

#[tokio::test(start_paused = true)]
async fn a_lookup_ends_at_the_deadline_of_its_caller() {
    let (cache, shared) = cache().await;
    shared.hang();

    let asked_at = Instant::now();
    let found = cache.look_up_shared(key(1), asked_at + Duration::from_millis(3)).await;

    assert_eq!(found, None);
    assert_eq!(asked_at.elapsed(), Duration::from_millis(3));
}

#[tokio::test(start_paused = true)]
async fn a_lookup_without_a_waiting_caller_is_not_sent() {
    let (cache, shared) = cache().await;
    shared.hold();
    let first = look_up(&cache, 1);
    run_ready_tasks().await;
    let second = look_up(&cache, 2);
    run_ready_tasks().await;

    second.abort();
    run_ready_tasks().await;
    shared.release(1);
    first.await.unwrap();
    run_ready_tasks().await;

    assert_eq!(shared.calls().look_ups, [1]);
}

#[tokio::test(start_paused = true)]
async fn five_failures_open_the_breaker_and_calls_stop() {
    let (cache, shared) = cache().await;
    shared.fail();
    for number in 0..5 {
        assert_eq!(breaker(&cache).await, "closed");
        assert_eq!(look_up(&cache, number).await.unwrap(), None);
    }
    let calls = shared.calls();

    let asked_at = Instant::now();
    let found = look_up(&cache, 9).await.unwrap();
    let put = share(&cache, 9).await.unwrap();

    assert_eq!(breaker(&cache).await, "open");
    assert_eq!(found, None);
    assert_eq!(put, None);
    assert_eq!(asked_at.elapsed(), Duration::ZERO);
    assert_eq!(shared.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_are_answered_when_the_breaker_opens() {
    let (cache, shared) = cache().await;
    for number in 0..4 {
        shared.fail();
        look_up(&cache, number).await.unwrap();
    }
    shared.hold();
    let (under_way, under_way_put) = (look_up(&cache, 5), share(&cache, 5));
    run_ready_tasks().await;
    let (waiting, waiting_put) = (look_up(&cache, 6), share(&cache, 6));
    run_ready_tasks().await;

    shared.release(1);
    let asked_at = Instant::now();

    assert_eq!(under_way.await.unwrap(), None);
    assert_eq!(waiting.await.unwrap(), None);
    assert_eq!(waiting_put.await.unwrap(), None);
    assert_eq!(asked_at.elapsed(), Duration::ZERO);
    assert_eq!(shared.calls().look_ups.len(), 5);
    under_way_put.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_probe_closes_the_breaker_without_traffic() {
    let log = CapturedLog::start();
    let (cache, shared) = cache().await;
    open_breaker(&cache, &shared).await;
    let before = shared.calls();

    tokio::time::sleep(SECOND / 2).await;
    let early = shared.calls().pings - before.pings;
    shared.come_up();
    tokio::time::sleep(SECOND).await;

    assert_eq!(early, 0);
    assert_eq!(breaker(&cache).await, "closed");
    let unavailable = "shared cache unavailable: creating plans without it";
    assert_eq!(log.about("redis"), [unavailable, "shared cache recovered"]);
    assert_eq!(shared.calls().look_ups, before.look_ups);
    shared.set(key(1), "plan_1");
    assert_eq!(look_up(&cache, 1).await.unwrap().as_deref(), Some("plan_1"));
}

#[tokio::test(start_paused = true)]
async fn failed_probes_become_less_frequent_and_never_stop() {
    let (cache, shared) = cache().await;
    open_breaker(&cache, &shared).await;
    let before = shared.calls().pings;

    tokio::time::sleep(8 * SECOND).await;
    let early = shared.calls().pings - before;
    tokio::time::sleep(60 * SECOND).await;
    let late = shared.calls().pings - before - early;

    // After 1, 2 and 4 seconds with their jitter; then every 8 seconds.
    assert!((2..=3).contains(&early), "{early}");
    assert!((6..=8).contains(&late), "{late}");
}

#[tokio::test(start_paused = true)]
async fn a_recovered_cache_is_used_within_10_s() {
    let (cache, shared) = cache().await;
    open_breaker(&cache, &shared).await;
    // The pause between probes has its maximum.
    tokio::time::sleep(60 * SECOND).await;
    let pings = shared.calls().pings;
    until("another probe fails", || shared.calls().pings > pings).await;

    shared.come_up();
    tokio::time::sleep(10 * SECOND).await;

    assert_eq!(breaker(&cache).await, "closed");
}

/// Regression: the next probe started before the first one had its response, which was ignored then.
#[tokio::test(start_paused = true)]
async fn the_response_to_a_delayed_probe_counts() {
    let (cache, shared) = cache().await;
    open_breaker(&cache, &shared).await;
    shared.come_up();
    shared.slow_down(4 * PING_TIMEOUT + Duration::from_millis(10));
    let pings = shared.calls().pings;
    until("the breaker is probed", || shared.calls().pings > pings).await;

    // The process hardly runs: it is late for the timer of the ping, and on time for that of the next probe.
    for millis in [498, 498, 20] {
        advance(Duration::from_millis(millis)).await;
        run_ready_tasks().await;
    }

    assert_eq!(shared.calls().pings, pings + 1);
    assert_eq!(breaker(&cache).await, "closed");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_is_followed_by_another() {
    let (cache, shared) = cache().await;
    open_breaker(&cache, &shared).await;
    shared.hang();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(breaker(&cache).await, "open");

    shared.come_up();
    tokio::time::sleep(3 * SECOND).await;

    assert_eq!(breaker(&cache).await, "closed");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_detected_without_traffic() {
    let (cache, shared) = cache().await;
    let reached = cache.inspect(SECOND).await.unwrap().reached;

    shared.fail();
    tokio::time::sleep(6 * SECOND).await;

    assert_eq!(reached, Some(true));
    assert_eq!(breaker(&cache).await, "open");
}

#[tokio::test(start_paused = true)]
async fn a_cache_without_any_response_is_reported_as_unreached() {
    let shared = Arc::new(FakeSharedCache::default());
    shared.fail();
    let (cache, _) = cache_over(&shared).await;

    let before = cache.inspect(SECOND).await.unwrap().reached;
    shared.come_up();
    tokio::time::sleep(2 * SECOND).await;
    let after = cache.inspect(SECOND).await.unwrap().reached;

    assert_eq!(before, Some(false));
    assert_eq!(after, Some(true));
}

#[tokio::test(start_paused = true)]
async fn without_a_shared_cache_its_state_is_not_reported() {
    let (cache, parent) = (CacheHandle::new(None), parent().await);
    cache.spawn(1 << 20, parent).await.unwrap();

    let inspection = cache.inspect(SECOND).await.unwrap();

    assert_eq!(inspection.breaker, None);
    assert_eq!(inspection.reached, None);
    assert_eq!(cache.look_up_shared(key(1), soon()).await, None);
    assert_eq!(cache.share(&plan_of_user("u"), soon()).await, None);
}

#[tokio::test(start_paused = true)]
async fn lookups_continue_if_puts_are_rejected() {
    let (cache, shared) = cache().await;
    shared.fail_with(SharedCacheError::Refused("OOM".to_owned()));
    for user in 0..50 {
        assert_eq!(share(&cache, user).await.unwrap(), None);
    }

    shared.come_up();
    shared.set(key(1), "plan_1");

    assert_eq!(breaker(&cache).await, "closed");
    assert_eq!(look_up(&cache, 1).await.unwrap().as_deref(), Some("plan_1"));
}

#[tokio::test(start_paused = true)]
async fn puts_beyond_the_queue_capacity_are_dropped() {
    let (cache, shared) = cache().await;
    shared.hold();
    let waiting: Vec<_> = (0..1 + u32::try_from(PUTS_MAX).unwrap()).map(|user| share(&cache, user)).collect();
    run_ready_tasks().await;
    run_ready_tasks().await;
    run_ready_tasks().await;

    let asked_at = Instant::now();
    let dropped = share(&cache, 1_000_000).await.unwrap();

    assert_eq!(dropped, None);
    assert_eq!(asked_at.elapsed(), Duration::ZERO);
    assert_eq!(cache.inspect(SECOND).await.unwrap().dropped, Some("puts"));
    shared.release(10);
    for put in waiting {
        assert!(put.await.unwrap().is_some());
    }
    assert_eq!(cache.inspect(SECOND).await.unwrap().dropped, None);
    assert_eq!(shared.calls().puts.iter().sum::<usize>(), 1 + PUTS_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_put_even_if_its_caller_did_not_wait() {
    let (cache, shared) = cache().await;
    let plan = plan_of_user("u");

    let answer = cache.share(&plan, Instant::now()).await;

    assert_eq!(answer, None);
    until("the plan exists", || shared.id(plan.cache_key).is_some()).await;
}
