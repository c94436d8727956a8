//! Metrics of the served catalog and of rejected files.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use registry_planning::ingest::gate;
use registry_planning::vocabulary::Broker;

use super::rejected_files::{FAILED_GATES, OTHER_GATE, REJECTED_FILES_IN_EFFECT, count_in_effect};

/// Describes the metrics of the catalog and sets those with a closed list of labels to 0.
pub(crate) fn register() {
    describe_gauge!("instrument_registry_catalogue_instruments", "Number of instruments in the served catalog");
    describe_gauge!(
        "instrument_registry_catalogue_loaded_timestamp_seconds",
        Unit::Seconds,
        "Time at which this process started to serve the catalog, as a Unix timestamp"
    );
    describe_counter!(
        FAILED_GATES,
        "Number of failed gates of rejected files, by broker and gate, including rejections in effect at the start"
    );
    describe_gauge!(
        REJECTED_FILES_IN_EFFECT,
        "Number of rejected files of a broker since its last accepted one: 0 as soon as the next file is accepted"
    );
    describe_gauge!("instrument_registry_broker_tokens_active", "Number of tokens of active instruments, by broker");

    gauge!("instrument_registry_catalogue_instruments").set(0);
    count_in_effect(&[]);
    for broker in Broker::WITH_FILES {
        gauge!("instrument_registry_broker_tokens_active", "broker_id" => broker.as_str()).set(0);
        for gate in gate::NAMES.into_iter().chain([OTHER_GATE]) {
            counter!(FAILED_GATES, "broker_id" => broker.as_str(), "gate" => gate).absolute(0);
        }
    }
}
