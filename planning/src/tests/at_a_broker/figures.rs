//! The figures that a plan at a broker depends on.

use super::*;

fn assumed(request: &PlanRequest) -> Vec<String> {
    allocation_of(&planned(request)).assumed.clone()
}

#[test]
fn assumed_packet_sizes_of_the_planned_modes_are_named() {
    let of_fyers = assumed(&at(Broker::Fyers, &symbols(1)));

    assert!(of_fyers.contains(&"packet_bytes.quote".to_owned()), "{of_fyers:?}");
    assert!(!of_fyers.contains(&"packet_bytes.ltp".to_owned()), "{of_fyers:?}");
    // Documents give those of Kite.
    assert_eq!(assumed(&at(Broker::Kite, &symbols(1))), ["bytes_per_second", "messages_per_second"]);
}

#[test]
fn assumed_segments_of_the_requested_modes_are_named() {
    let mut request = at(Broker::Upstox, &symbols(1));
    let segments = "modes.greeks.segments".to_owned();
    assert!(!assumed(&request).contains(&segments));

    request.feed.mode = Some(Mode::Greeks);

    // The shares have no greeks, so another mode replaces it.
    let plan = planned(&request);
    assert_eq!(allocation_of(&plan).substituted.len(), 1);
    assert!(allocation_of(&plan).assumed.contains(&segments));
    request.feed.mode = None;
    let options = |_| ItemOptions { mode: Some(Mode::Greeks), ..ItemOptions::default() };
    assert!(assumed(&with_options(request, options)).contains(&segments));
}

#[test]
fn old_packet_sizes_are_in_a_warning() {
    let mut request = at(Broker::Kite, &symbols(1));
    request.options.as_of = "2027-06-01".parse().unwrap();

    let warnings = planned(&request).metadata.warnings;

    assert!(warnings.iter().any(|warning| warning.contains("`packet_bytes.quote` seen 2026-08-17")), "{warnings:?}");
}
