//! Reloads the file of the limits of brokers at SIGHUP.

use std::sync::{Arc, Mutex, PoisonError};

use metrics::{counter, describe_counter, describe_gauge, gauge};
use registry_actors::system::System;
use registry_planning::vocabulary::counted;
use tracing::{error, info};

use crate::settings::CapacitySource;

const RELOADS: &str = "instrument_registry_broker_limits_reloads_total";
const FAULTS: &str = "instrument_registry_broker_limits_faults";

/// The file of the limits of brokers, and the result of its last reload.
pub struct BrokerLimits {
    source: CapacitySource,
    system: Arc<System>,
    /// The faults of the file as it was last read. A process does not start with any.
    faults: Mutex<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LimitsState {
    NotConfigured,
    Current,
    /// The file has faults, and the last good version is in effect.
    LastGood(Vec<String>),
}

impl BrokerLimits {
    pub(crate) fn new(source: CapacitySource, system: Arc<System>) -> Self {
        BrokerLimits { source, system, faults: Mutex::default() }
    }

    pub(crate) fn state(&self) -> LimitsState {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.source.has_file(), faults.is_empty()) {
            (false, _) => LimitsState::NotConfigured,
            (true, true) => LimitsState::Current,
            (true, false) => LimitsState::LastGood(faults.clone()),
        }
    }

    /// Reads the file again. If it has a fault, the last good version stays in effect.
    pub async fn reload(&self) {
        if !self.source.has_file() {
            return;
        }
        let source = self.source.clone();
        let loaded = tokio::task::spawn_blocking(move || source.load()).await;
        let loaded = loaded.unwrap_or_else(|fault| Err(vec![fault.to_string()]));
        let outcome = match &loaded {
            Ok(capacity) => {
                let brokers = self.system.brokers();
                let before = brokers.capacity();
                if before.content_hash() == capacity.content_hash() {
                    info!("broker limits unchanged");
                    "unchanged"
                } else {
                    let changes = before.changes(capacity);
                    self.system.set_capacity(Arc::clone(capacity));
                    info!(changed = changes.len(), changes = changes.join("; "), "broker limits reloaded");
                    "ok"
                }
            }
            Err(faults) => {
                let all = faults.join("; ");
                error!(count = faults.len(), faults = all, "invalid broker limits: last good version stays in effect");
                "failed"
            }
        };
        counter!(RELOADS, "outcome" => outcome).increment(1);
        let faults = loaded.err().unwrap_or_default();
        #[allow(clippy::cast_precision_loss)]
        gauge!(FAULTS).set(faults.len() as f64);
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }
}

impl LimitsState {
    /// Returns the status of the check, and its detail.
    pub(crate) fn check(&self) -> (&'static str, Option<String>) {
        match self {
            LimitsState::NotConfigured => ("not_configured", None),
            LimitsState::Current => ("ok", None),
            LimitsState::LastGood(faults) => {
                let count = counted(u32::try_from(faults.len()).unwrap_or(u32::MAX), "fault");
                let detail = format!("last good version in effect: the file has {count}, the first is {}", faults[0]);
                ("degraded", Some(detail))
            }
        }
    }
}

/// Describes the metrics of reloads and sets them to 0.
pub(crate) fn register() {
    describe_counter!(
        RELOADS,
        "Number of reloads of the file of broker limits by outcome: ok, unchanged, failed (the last good version stays \
         in effect)"
    );
    describe_gauge!(FAULTS, "Number of faults of the file of broker limits when it was last read");
    for outcome in ["ok", "unchanged", "failed"] {
        counter!(RELOADS, "outcome" => outcome).absolute(0);
    }
    gauge!(FAULTS).set(0);
}
