//! The stored form of plans at a broker.

use super::*;

#[test]
fn a_plan_and_its_request_share_their_keys() {
    let plan = planned(&at(Broker::Kite, &symbols(3)));
    let mut unshared = plan.clone();
    let keys = Arc::new(KeyList::clone(&plan.instruments));
    (unshared.instruments, unshared.metadata.optimization_result.optimized_instruments) = (Arc::clone(&keys), keys);

    let own = crate::heap::arc::<KeyList>() + unshared.instruments.heap_bytes();
    // A clone has no spare capacity.
    assert_eq!(unshared.heap_bytes() - own, plan.clone().heap_bytes());
}

#[test]
fn stored_plans_do_not_repeat_their_keys() {
    let mut keys = symbols(3);
    keys.reverse();

    let plan = planned(&at(Broker::Kite, &keys));

    let stored = plan.metadata_to_json();
    assert!(!stored.contains("NSE:S"), "{stored}");
    let mut metadata: Metadata = serde_json::from_str(&stored).unwrap();
    metadata.restore_instruments(&plan.instruments);
    assert_eq!(metadata, plan.metadata);
    let unequal = planned(&at(Broker::Kite, &symbols(7)));
    assert!(unequal.metadata_to_json().contains(r#""instruments":["NSE:S00","#));
}
