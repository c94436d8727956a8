//! Metrics of the settings and of the config service.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use crate::config::{DEPENDENCY, OPERATIONS, OUTCOMES, Origin};

pub(super) fn register() {
    describe_counter!(
        "instrument_registry_settings_refused_total",
        "values out of range that the last good one outlived; each is counted once"
    );
    describe_gauge!("instrument_registry_settings_refused_keys", "keys whose value is out of range now");
    describe_gauge!("instrument_registry_settings_origins", "keys by the origin of their value");
    describe_counter!(
        "instrument_registry_settings_refreshes_total",
        "refreshes by outcome: ok, partial (some keys were not answered), unauthorized, failed, not_permitted (the \
         breaker was open)"
    );
    describe_gauge!(
        "instrument_registry_settings_age_seconds",
        Unit::Seconds,
        "time since the config service last answered for every key; since the start where it never did, 0 where there \
         is no config service"
    );
    super::register_requests(DEPENDENCY, &OPERATIONS, &OUTCOMES);
    for outcome in ["ok", "partial", "unauthorized", "failed", "not_permitted"] {
        counter!("instrument_registry_settings_refreshes_total", "outcome" => outcome).absolute(0);
    }
    for origin in Origin::ALL {
        gauge!("instrument_registry_settings_origins", "origin" => origin.as_str()).set(0);
    }
    counter!("instrument_registry_settings_refused_total").absolute(0);
    gauge!("instrument_registry_settings_refused_keys").set(0);
    gauge!("instrument_registry_settings_age_seconds").set(0);
    gauge!("instrument_registry_breaker_state", "dependency" => DEPENDENCY).set(0);
    super::zero_transitions(DEPENDENCY);
}
