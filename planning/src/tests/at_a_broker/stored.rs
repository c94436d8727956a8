//! The stored form of plans at a broker.

use super::*;

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
