use std::collections::HashSet;

use super::*;
use crate::kind::Mix;

fn workload(mix: &[(RequestKind, u32)]) -> Workload {
    let mix = Mix(mix.iter().copied().collect());
    let scenario = Scenario { sizes: vec![20], users: 10, mix, pool: 50, ..Scenario::default() };
    Workload { keys: Keys::of_the_yardstick(), scenario, broker: None, seed: 1 }
}

fn body(workload: &Workload, origin: u64) -> String {
    let (mut drawn, mut body) = (Vec::new(), Vec::new());
    workload.instruments(origin, &mut Marks::default(), &mut drawn);
    workload.write_body(workload.plan_request_of(origin), &drawn, &mut body);
    String::from_utf8(body).expect("JSON is UTF-8")
}

#[test]
fn a_body_is_json_with_distinct_instruments() {
    let workload = workload(&[(RequestKind::New, 1)]);

    let body: serde_json::Value = serde_json::from_str(&body(&workload, 7)).expect("it is JSON");

    assert_eq!(body["plan_name"], "Load test 7");
    assert_eq!(body["subscription_type"], "live_feed");
    let instruments: HashSet<_> = body["instruments"].as_array().expect("a list").iter().collect();
    assert_eq!(instruments.len(), 20);
    assert!(instruments.iter().all(|key| key.as_str().is_some_and(|key| key.starts_with("NSE:STOCK"))));
}

#[test]
fn a_body_names_the_broker() {
    let at_broker = Workload { broker: Some("kite".to_owned()), ..workload(&[(RequestKind::New, 1)]) };

    let with_broker: serde_json::Value = serde_json::from_str(&body(&at_broker, 7)).expect("it is JSON");
    let without: serde_json::Value =
        serde_json::from_str(&body(&workload(&[(RequestKind::New, 1)]), 7)).expect("it is JSON");

    assert_eq!(with_broker["broker"], "kite");
    assert_eq!(with_broker["instruments"], without["instruments"]);
    assert!(without.get("broker").is_none());
}

#[test]
fn the_seed_determines_the_requests() {
    let one = workload(&[(RequestKind::New, 1), (RequestKind::Repeat, 1)]);
    let two = Workload { seed: 2, ..workload(&[(RequestKind::New, 1), (RequestKind::Repeat, 1)]) };

    let again = workload(&[(RequestKind::New, 1), (RequestKind::Repeat, 1)]);
    assert!(
        (0..200)
            .all(|index| one.kind(index) == again.kind(index) && one.plan_request(index) == again.plan_request(index))
    );
    assert_eq!(body(&one, 41), body(&again, 41));
    assert_ne!(body(&one, 41), body(&two, 41));
    assert_ne!(body(&one, 0), body(&one, 1));
}

#[test]
fn kinds_have_the_shares_of_their_weights_in_the_mix() {
    let workload = workload(&[
        (RequestKind::New, 20),
        (RequestKind::Repeat, 70),
        (RequestKind::Read, 4),
        (RequestKind::Describe, 3),
        (RequestKind::List, 3),
    ]);

    let count = |kind| (0..20_000).filter(|&index| workload.kind(index) == kind).count();

    assert!((3_800..4_200).contains(&count(RequestKind::New)));
    assert!((13_700..14_300).contains(&count(RequestKind::Repeat)));
    assert!((700..900).contains(&count(RequestKind::Read)));
    assert_eq!(count(RequestKind::Search), 0);
    assert_eq!(workload.kind(0), RequestKind::New, "there must be something to repeat");
}

#[test]
fn a_repeat_repeats_an_earlier_new_request() {
    let workload = workload(&[(RequestKind::New, 1), (RequestKind::Repeat, 3), (RequestKind::Read, 1)]);
    for index in 0..1_000 {
        let origin = workload.plan_request(index).origin;

        assert_eq!(workload.kind(origin), RequestKind::New);
        assert_eq!(origin == index, workload.kind(index) == RequestKind::New);
        assert!(origin <= index);
    }
}

#[test]
fn without_new_requests_the_pool_is_repeated() {
    let workload = workload(&[(RequestKind::Repeat, 1)]);

    let origins: HashSet<u64> = (0..1_000).map(|index| workload.plan_request(index).origin).collect();

    assert_eq!(origins.len(), 50);
    assert!(origins.iter().all(|&origin| origin < 50));
}

#[test]
fn another_order_has_the_same_instruments() {
    let workload = workload(&[(RequestKind::Reorder, 1)]);
    let (mut drawn, mut marks) = (Vec::new(), Marks::default());
    workload.instruments(3, &mut marks, &mut drawn);
    let mut reordered = drawn.clone();

    workload.reorder(8, &mut reordered);

    assert_ne!(drawn, reordered);
    drawn.sort_unstable();
    reordered.sort_unstable();
    assert_eq!(drawn, reordered);
}

#[test]
fn sizes_are_drawn_evenly() {
    let mut workload = workload(&[(RequestKind::New, 1)]);
    workload.scenario.sizes = vec![10, 100];
    let (mut drawn, mut marks) = (Vec::new(), Marks::default());

    let small = (0..1_000).filter(|&origin| {
        workload.instruments(origin, &mut marks, &mut drawn);
        assert!(matches!(drawn.len(), 10 | 100));
        drawn.len() == 10
    });

    assert!((430..570).contains(&small.count()));
}
