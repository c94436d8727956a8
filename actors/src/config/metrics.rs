//! Metrics of the settings and of the config service.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use super::service::{DEPENDENCY, OUTCOMES};
use crate::metrics::{register_failures, register_transitions};
use crate::settings::Origin;

/// Describes the metrics of the settings and sets those with a closed list of labels to 0.
pub(crate) fn register() {
    describe_counter!(
        "instrument_registry_settings_refused_total",
        "Number of setting values rejected because they were out of range; each value is counted once"
    );
    describe_gauge!(
        "instrument_registry_settings_refused_keys",
        "Number of settings whose current value is out of range"
    );
    describe_gauge!("instrument_registry_settings_origins", "Number of settings by the origin of their value");
    describe_counter!(
        "instrument_registry_settings_refreshes_total",
        "Number of settings refreshes by outcome: ok, partial (some keys failed), unauthorized, failed, not_permitted \
         (the circuit breaker was open)"
    );
    describe_gauge!(
        "instrument_registry_settings_age_seconds",
        Unit::Seconds,
        "Time since the last complete settings refresh, or since the start before the first one; 0 without a config \
         service"
    );
    register_failures(DEPENDENCY, &OUTCOMES);
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
    register_transitions(DEPENDENCY);
}
