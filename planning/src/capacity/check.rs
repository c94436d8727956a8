//! Checks that the limits of a tier agree with each other.

use std::collections::BTreeSet;

use super::{CONNECTIONS_IN_REGIMES_MAX, CONNECTIONS_MAX, Limits, MARKET, ModeLimits};
use crate::vocabulary::Mode;

/// Returns the fields whose values contradict others, each with a message.
pub(super) fn contradictions(limits: &Limits) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let fault = &mut |field: &str, message: String| {
        found.insert((field.to_owned(), message));
    };
    connections(limits, fault);
    legs(limits, fault);
    endpoints(limits, fault);
    lowering(limits, fault);
    packets(limits, fault);
    for (mode, of_mode) in &limits.modes {
        let (Some(alone), Some(mixed)) = (&of_mode.alone, &of_mode.mixed) else { continue };
        if mixed.value > alone.value && mixed.because.is_none() {
            let message =
                format!("expected at most `alone`, {}, or a reason in `because`, got {}", alone.value, mixed.value);
            fault(&format!("modes.{mode}.mixed"), message);
        }
    }
    found
}

/// Returns the fields of legs that differ from those of another tier: a subscription is placed at any account.
pub(super) fn different_legs(limits: &Limits, other: &Limits) -> Vec<String> {
    let differs =
        |(mode, of_mode): &(&Mode, &ModeLimits)| other.modes.get(mode).is_some_and(|other| other.legs != of_mode.legs);
    limits.modes.iter().filter(differs).map(|(mode, _)| format!("modes.{mode}.legs")).collect()
}

fn connections(limits: &Limits, fault: &mut dyn FnMut(&str, String)) {
    let connections = limits.connections.value;
    if connections > CONNECTIONS_MAX {
        fault("connections", format!("expected at most {CONNECTIONS_MAX}, got {connections}"));
    } else if connections > CONNECTIONS_IN_REGIMES_MAX && limits.has_regimes_of_connections() {
        let condition = "if a mode of the scope `connection` has `alone` above `mixed`";
        fault("connections", format!("expected at most {CONNECTIONS_IN_REGIMES_MAX} {condition}, got {connections}"));
    }
}

fn legs(limits: &Limits, fault: &mut dyn FnMut(&str, String)) {
    for (mode, of_mode) in &limits.modes {
        let field = format!("modes.{mode}.legs");
        // The limits of modes and accounts count the subscriptions at the market endpoint.
        if !of_mode.legs.iter().any(|leg| leg.endpoint == MARKET) {
            fault(&field, format!("expected a leg at the endpoint `{MARKET}`"));
        }
        for (position, leg) in of_mode.legs.iter().enumerate() {
            if leg.endpoint != MARKET && !limits.endpoints.contains_key(&leg.endpoint) {
                let declared = limits.endpoints.keys().map(String::as_str).filter(|endpoint| *endpoint != MARKET);
                let known: Vec<_> = [MARKET].into_iter().chain(declared).collect();
                fault(&field, format!("expected an endpoint of {}, got `{}`", known.join(", "), leg.endpoint));
            }
            if of_mode.legs[..position].iter().any(|earlier| earlier.endpoint == leg.endpoint) {
                fault(&field, format!("expected at most one leg at each endpoint, got two at `{}`", leg.endpoint));
            }
        }
    }
}

fn endpoints(limits: &Limits, fault: &mut dyn FnMut(&str, String)) {
    for endpoint in limits.endpoints.keys() {
        let field = format!("endpoints.{endpoint}");
        if endpoint == MARKET {
            fault(&field, "expected another name: `instruments_per_connection` of the broker is its limit".into());
            continue;
        }
        let serves = |mode: &&Mode| limits.modes[*mode].legs.iter().any(|leg| leg.endpoint == *endpoint);
        let served: Vec<_> = limits.modes.keys().filter(serves).map(|mode| mode.as_str()).collect();
        match served.as_slice() {
            [_] => {}
            [] => fault(&field, "expected a mode with a leg at this endpoint, got none".into()),
            served => {
                fault(&field, format!("expected one mode with a leg at this endpoint, got {}", served.join(", ")));
            }
        }
    }
}

fn lowering(limits: &Limits, fault: &mut dyn FnMut(&str, String)) {
    for mode in &limits.lowering {
        match limits.modes.get(mode) {
            None => fault("lowering", format!("expected modes that the broker offers, got `{mode}`")),
            Some(of_mode) if of_mode.legs.iter().any(|leg| leg.endpoint != MARKET) => {
                fault("lowering", format!("expected modes of the market endpoint alone, got `{mode}`"));
            }
            Some(_) => {}
        }
    }
    for pair in limits.lowering.windows(2) {
        let (higher, lower) = (pair[0], pair[1]);
        if higher == lower || !higher.includes(lower) {
            fault("lowering", format!("expected each mode to include the next one, got `{higher}` before `{lower}`"));
        }
    }
}

fn packets(limits: &Limits, fault: &mut dyn FnMut(&str, String)) {
    for leg in limits.modes.values().flat_map(|of_mode| &of_mode.legs) {
        if !limits.packet_bytes.contains_key(&leg.mode) {
            fault(&format!("packet_bytes.{}", leg.mode), "is required".into());
        }
    }
}
