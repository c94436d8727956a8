use registry_actors::{Inspection, MailboxLoad};
use tokio::time::Instant;

use super::*;

fn list_lane(waited: Duration) -> LaneLoad {
    LaneLoad {
        lane: "list",
        waiting: 3,
        in_flight: 2,
        permits: 2,
        oldest_since: Some(Instant::now() - waited),
        wait_max: Duration::from_secs(6),
    }
}

#[test]
fn a_saturated_lane_is_described() {
    let lanes = [list_lane(Duration::ZERO), list_lane(Duration::from_millis(6500))];

    let described = saturation(&lanes).unwrap();

    let figures = "lane `list` saturated: 2 of 2 permits held, 3 waiting, the oldest for ";
    let waited = described.strip_prefix(figures).and_then(|rest| rest.strip_suffix(" ms (expected at most 6000 ms)"));
    assert!(waited.is_some_and(|waited| waited.parse::<u64>().unwrap() >= 6500), "{described}");
    assert_eq!(saturation(&[list_lane(Duration::ZERO)]), None);
}

#[test]
fn requests_are_degraded_without_a_free_permit() {
    assert_eq!(requests_check(1).status, "ok");
    assert_eq!(requests_check(1).in_flight, Some(REQUESTS_MAX - 1));
    assert_eq!(requests_check(0).status, "degraded");
    assert_eq!(requests_check(0).detail.as_deref(), Some(AT_CAPACITY));
}

#[test]
fn list_memory_is_degraded_if_a_list_waits_for_long() {
    let load = |oldest_wait| MemoryLoad { bytes: 16 << 20, bytes_max: 16 << 20, waiting: 3, oldest_wait };

    assert_eq!(list_memory_check(&load(WAIT_MAX)).status, "ok");
    let late = list_memory_check(&load(Duration::from_millis(2500)));
    assert_eq!(late.status, "degraded");
    assert_eq!(late.waiting, Some(3));
    assert_eq!(
        late.detail.as_deref(),
        Some(
            "saturated: 16777216 of 16777216 bytes taken, 3 lists waiting, the oldest for 2500 ms (expected at most \
             2000 ms)"
        )
    );
}

#[test]
fn an_actor_is_degraded_without_a_free_permit() {
    let report = |in_flight| {
        let mailbox = MailboxLoad { waiting: 1, in_flight, permits: 2 };
        let inspection = Ok(Inspection { mailbox, ..Inspection::default() });
        ActorReport { name: "planner_0", response_time: Duration::ZERO, inspection }
    };

    assert_eq!(check_of(&report(1)).status, "ok");
    assert_eq!(check_of(&report(1)).waiting, Some(1));
    assert_eq!(check_of(&report(2)).status, "degraded");
    assert_eq!(check_of(&report(2)).detail.as_deref(), Some(AT_CAPACITY));
}
