//! What a broker allows and what its feed weighs, as data, and the estimates made of it.
//!
//! The figures stand in `planning/brokers.toml`, each with its source and the day it was seen.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::instrument::Amount;
use crate::vocabulary::{Broker, Class, Mode, SubscriptionType};

/// A figure and where it comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure<T> {
    /// The figure.
    pub value: T,
    /// A document, an observation, or `assumption: …`.
    pub source: String,
    /// The day on which the source said so, `YYYY-MM-DD`.
    pub seen: String,
}

/// The limits and weights of one broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerLimits {
    /// The broker's name in words.
    pub name: String,
    /// Connections per API key.
    pub connections: Figure<u32>,
    /// Instruments on one connection.
    pub instruments_per_connection: Figure<u32>,
    /// Instruments in one subscribe message.
    pub instruments_per_message: Figure<u32>,
    /// Pause between two subscribe messages on one connection, milliseconds.
    pub message_pause_ms: Figure<u32>,
    /// Bytes of one packet by mode.
    pub packet_bytes: BTreeMap<Mode, Figure<u32>>,
    /// Bytes of one packet of an index by mode.
    pub index_packet_bytes: BTreeMap<Mode, Figure<u32>>,
    /// Historical requests a second.
    pub historical_requests_per_second: Figure<u32>,
    /// Trading days that one historical request covers.
    pub historical_days_per_request: Figure<u32>,
}

/// Packets a second by mode.
type Rates = BTreeMap<Mode, Figure<f64>>;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateRates {
    index: Rates,
    equity: Rates,
    future: Rates,
    option: Rates,
    other: Rates,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assumptions {
    reference_broker: String,
    modes: BTreeMap<SubscriptionType, Mode>,
    connect_ms: Figure<u32>,
    message_ms: Figure<u32>,
    buffer_seconds: Figure<u32>,
    session_minutes: Figure<u32>,
    history_window_minutes: Figure<u32>,
    candle_bytes: Figure<u32>,
    trading_days_per_month: Figure<u32>,
    updates_per_second: UpdateRates,
}

/// Every broker's limits and the assumptions of the estimates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    model: Assumptions,
    brokers: BTreeMap<String, BrokerLimits>,
}

/// How many instruments of each class and mode. Keys that the catalogue lacks are of no class, and historical data has no mode.
pub type Loads = BTreeMap<(Option<Class>, Option<Mode>), u64>;

/// What carrying out a plan is estimated to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// From the first byte sent until the last instrument is asked for, milliseconds.
    pub latency_ms: u64,
    /// What a consumer holds in memory, bytes.
    pub memory_bytes: u64,
    /// What the feed sends, bytes a second; 0 for historical data.
    pub bandwidth_bytes_per_second: u64,
}

impl Model {
    /// The model that the crate ships.
    pub fn built_in() -> &'static Model {
        static MODEL: LazyLock<Model> = LazyLock::new(|| {
            toml::from_str(include_str!("../brokers.toml")).expect("the shipped brokers.toml is checked by a test")
        });
        &MODEL
    }

    /// The limits of a broker. Where none is named, or its figures are not known, the reference broker stands for it.
    pub fn limits(&self, broker: Option<Broker>) -> &BrokerLimits {
        let known = broker.and_then(|broker| self.brokers.get(broker.as_str()));
        known.unwrap_or_else(|| &self.brokers[&self.model.reference_broker])
    }

    /// Whether the figures of that broker are known.
    pub fn has_figures_of(&self, broker: Broker) -> bool {
        self.brokers.contains_key(broker.as_str())
    }

    /// The mode in which instruments of that type are streamed where nothing else is asked for; `None` where they are not.
    pub fn usual_mode(&self, subscription_type: SubscriptionType) -> Option<Mode> {
        self.model.modes.get(&subscription_type).copied()
    }

    /// Trading days in a month, for monthly costs.
    pub fn trading_days_per_month(&self) -> u32 {
        self.model.trading_days_per_month.value
    }

    /// Returns the time within which historical data should be complete, milliseconds.
    pub fn history_window_ms(&self) -> u64 {
        u64::from(self.model.history_window_minutes.value) * 60_000
    }

    /// Returns how many instruments a broker carries: for streams on all connections of an account, for historical data at its
    /// pace within the [window](Self::history_window_ms).
    pub fn capacity(&self, subscription_type: SubscriptionType, broker: Option<Broker>) -> u64 {
        let limits = self.limits(broker);
        match self.usual_mode(subscription_type) {
            Some(_) => u64::from(limits.connections.value) * u64::from(limits.instruments_per_connection.value),
            None => {
                let window = self.history_window_ms().saturating_sub(u64::from(self.model.connect_ms.value));
                // The first request goes out at once.
                1 + window * u64::from(limits.historical_requests_per_second.value) / 1000
            }
        }
    }

    /// Estimates a plan of so many instruments of each class and mode.
    ///
    /// * Streams: connections open side by side; on each, messages go out with the broker's pause between them.
    ///   Bandwidth is packet size times update rate, memory is that for as long as a consumer buffers.
    /// * Historical: requests go out at the broker's rate; memory is one request's candles for each instrument.
    pub fn estimate(&self, subscription_type: SubscriptionType, broker: Option<Broker>, loads: &Loads) -> Estimate {
        let broker = self.limits(broker);
        let total: u64 = loads.values().sum();
        let Some(usual) = self.usual_mode(subscription_type) else {
            return self.estimate_historical(broker, total);
        };
        let per_connection = total.min(u64::from(broker.instruments_per_connection.value));
        let messages = per_connection.div_ceil(u64::from(broker.instruments_per_message.value));
        let pauses = messages.saturating_sub(1) * u64::from(broker.message_pause_ms.value);
        let latency_ms = match messages {
            0 => 0,
            _ => u64::from(self.model.connect_ms.value) + messages * u64::from(self.model.message_ms.value) + pauses,
        };
        let rate = |((class, mode), count): (&(Option<Class>, Option<Mode>), &u64)| {
            self.bytes_per_second(broker, mode.unwrap_or(usual), *class, *count)
        };
        let bandwidth: f64 = loads.iter().map(rate).sum();
        Estimate {
            latency_ms,
            memory_bytes: rounded(bandwidth * f64::from(self.model.buffer_seconds.value)),
            bandwidth_bytes_per_second: rounded(bandwidth),
        }
    }

    fn estimate_historical(&self, broker: &BrokerLimits, total: u64) -> Estimate {
        let rate = u64::from(broker.historical_requests_per_second.value);
        let candles = u64::from(self.model.session_minutes.value) * u64::from(broker.historical_days_per_request.value);
        let latency_ms = match total {
            0 => 0,
            _ => u64::from(self.model.connect_ms.value) + (total - 1) * 1000 / rate,
        };
        Estimate {
            latency_ms,
            memory_bytes: total * candles * u64::from(self.model.candle_bytes.value),
            bandwidth_bytes_per_second: 0,
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn bytes_per_second(&self, broker: &BrokerLimits, mode: Mode, class: Option<Class>, count: u64) -> f64 {
        let rates = &self.model.updates_per_second;
        let (packets, rates) = match class {
            Some(Class::Index) => (&broker.index_packet_bytes, &rates.index),
            Some(Class::Equity) => (&broker.packet_bytes, &rates.equity),
            Some(Class::Future) => (&broker.packet_bytes, &rates.future),
            Some(Class::Call | Class::Put) => (&broker.packet_bytes, &rates.option),
            _ => (&broker.packet_bytes, &rates.other),
        };
        f64::from(packets[&mode].value) * rates[&mode].value * count as f64
    }
}

/// Megabytes (10⁶ bytes) to four decimals.
pub fn megabytes(bytes: u64) -> Amount {
    Amount::from_ten_thousandths(i64::try_from(bytes / 100).unwrap_or(i64::MAX))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(Option<Class>, u64)]) -> Loads {
        pairs.iter().map(|(class, count)| ((*class, None), *count)).collect()
    }

    #[test]
    fn the_shipped_figures_are_complete_and_sourced() {
        let model = Model::built_in();

        for mode in Mode::ALL {
            for broker in model.brokers.values() {
                assert!(broker.packet_bytes.contains_key(&mode));
                assert!(broker.index_packet_bytes.contains_key(&mode));
            }
            let rates = &model.model.updates_per_second;
            for rates in [&rates.index, &rates.equity, &rates.future, &rates.option, &rates.other] {
                assert!(rates.contains_key(&mode));
            }
        }
        let text = include_str!("../brokers.toml");
        assert_eq!(text.matches("value =").count(), text.matches("source =").count());
        assert_eq!(text.matches("value =").count(), text.matches("seen =").count());
    }

    #[test]
    fn a_stream_costs_packets_times_rate() {
        let estimate = Model::built_in().estimate(
            SubscriptionType::LiveFeed,
            None,
            &counts(&[(Some(Class::Equity), 2), (Some(Class::Index), 1)]),
        );

        assert_eq!(estimate.bandwidth_bytes_per_second, 2 * 44 + 28);
        assert_eq!(estimate.memory_bytes, 60 * (2 * 44 + 28));
        assert_eq!(estimate.latency_ms, 102);
    }

    #[test]
    fn each_instrument_weighs_as_its_mode_does() {
        let estimate = |loads: &[(Mode, u64)]| {
            let loads = loads.iter().map(|(mode, count)| ((Some(Class::Equity), Some(*mode)), *count)).collect();
            let model = Model::built_in();
            model.estimate(SubscriptionType::Alerts, Some(Broker::Kite), &loads).bandwidth_bytes_per_second
        };

        // Two full packets of 184 bytes a second, one quote of 44.
        assert_eq!(estimate(&[(Mode::Full, 3), (Mode::Quote, 2)]), 3 * 2 * 184 + 2 * 44);
        assert!(estimate(&[(Mode::Ltp, 5)]) < estimate(&[(Mode::Quote, 5)]));
    }

    #[test]
    fn connections_subscribe_side_by_side() {
        let estimate = |count| {
            let counts = counts(&[(Some(Class::Equity), count)]);
            Model::built_in().estimate(SubscriptionType::Alerts, None, &counts).latency_ms
        };

        assert_eq!(estimate(201), 100 + 2 * 2 + 500);
        assert_eq!(estimate(3000), estimate(9000));
    }

    #[test]
    fn history_is_paced_by_requests() {
        let estimate = Model::built_in().estimate(SubscriptionType::Historical, None, &counts(&[(None, 7)]));

        assert_eq!(estimate.latency_ms, 100 + 2000);
        assert_eq!(estimate.memory_bytes, 7 * 375 * 60 * 48);
    }

    #[test]
    fn the_capacity_of_history_is_complete_within_its_window() {
        let model = Model::built_in();
        let latency = |count| {
            model.estimate(SubscriptionType::Historical, Some(Broker::Kite), &counts(&[(None, count)])).latency_ms
        };

        let capacity = model.capacity(SubscriptionType::Historical, Some(Broker::Kite));

        assert!(latency(capacity) <= model.history_window_ms());
        assert!(latency(capacity + 1) > model.history_window_ms());
        assert_eq!(model.capacity(SubscriptionType::LiveFeed, Some(Broker::Kite)), 9000);
    }

    #[test]
    fn nothing_takes_nothing() {
        for kind in SubscriptionType::ALL {
            let estimate = Model::built_in().estimate(kind, None, &Loads::new());
            assert_eq!((estimate.latency_ms, estimate.memory_bytes, estimate.bandwidth_bytes_per_second), (0, 0, 0));
        }
    }
}
