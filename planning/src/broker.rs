//! The limits and feeds of brokers as data, and the estimates that are computed from them.
//!
//! The figures are in `planning/estimates.toml`, each with its source and the day on which it was checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::capacity::Capacity;
use crate::instrument::Amount;
use crate::vocabulary::{Broker, InstrumentType, Mode, SubscriptionType};

/// A figure of the file of broker models, with the source that supports it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure<T> {
    /// The value, in the unit of the field that contains the figure.
    pub value: T,
    /// The source: a document, an observation, or `assumption: …`.
    pub source: String,
    /// The day on which the source was checked, `YYYY-MM-DD`.
    pub seen: String,
}

/// The limits and weights of one broker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerLimits {
    /// The broker's name in words, for display.
    pub name: String,
    /// The maximum number of connections per API key.
    pub connections: Figure<u32>,
    /// The maximum number of instruments on one connection.
    pub instruments_per_connection: Figure<u32>,
    /// The maximum number of instruments in one subscribe message.
    pub instruments_per_message: Figure<u32>,
    /// Pause between two subscribe messages on one connection, milliseconds.
    pub message_pause_ms: Figure<u32>,
    /// Bytes of one packet of an instrument that is not an index, by mode.
    pub packet_bytes: BTreeMap<Mode, Figure<u32>>,
    /// Bytes of one packet of an index by mode.
    pub index_packet_bytes: BTreeMap<Mode, Figure<u32>>,
    /// The maximum number of historical requests per second.
    pub historical_requests_per_second: Figure<u32>,
    /// The number of trading days that one historical request covers.
    pub historical_days_per_request: Figure<u32>,
}

/// The modes with figures of their own. Those of a mode with more levels of depth are estimated as `full`, and those of
/// `greeks` as `quote`.
const ESTIMATED_MODES: [Mode; 3] = [Mode::Ltp, Mode::Quote, Mode::Full];

/// Packets a second by mode.
type Rates = BTreeMap<Mode, Figure<f64>>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateRates {
    index: Rates,
    equity: Rates,
    future: Rates,
    option: Rates,
    other: Rates,
}

impl UpdateRates {
    fn of(&self, class: Option<InstrumentType>) -> &Rates {
        match class {
            Some(InstrumentType::Index) => &self.index,
            Some(InstrumentType::Equity) => &self.equity,
            Some(InstrumentType::Future) => &self.future,
            Some(InstrumentType::Call | InstrumentType::Put) => &self.option,
            _ => &self.other,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
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

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelsFile {
    model: Assumptions,
    brokers: BTreeMap<String, BrokerLimits>,
}

/// The limits of all brokers, and the assumptions of the estimates. Immutable.
#[derive(Clone, Debug)]
pub struct BrokerModels {
    model: Assumptions,
    brokers: BTreeMap<String, BrokerLimits>,
    content_hash: [u8; 32],
    capacity: Arc<Capacity>,
}

/// The reason why a file of broker models cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerModelsError {
    /// The text is not a document of broker models.
    #[error("failed to parse the broker models: {0}")]
    Form(#[from] toml::de::Error),
    /// The file has no figures of the broker whose figures are the default for other brokers.
    #[error("expected figures of the reference broker `{0}`")]
    NoReference(String),
    /// A table has no figure of a mode.
    #[error("{table}: expected a figure of `{mode}`")]
    NoFigure {
        /// The path of the table in the file.
        table: String,
        /// The mode that it lacks.
        mode: Mode,
    },
}

/// The number of instruments by type and mode. A key that the catalog lacks has no type, and historical data has no
/// mode.
pub type Loads = BTreeMap<(Option<InstrumentType>, Option<Mode>), u64>;

/// The load that a plan is expected to cause, estimated from the figures of its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The time from the first byte that is sent until the last instrument is requested, milliseconds.
    pub latency_ms: u64,
    /// The memory that a consumer of the feed needs, in bytes.
    pub memory_bytes: u64,
    /// The bandwidth of the feed, bytes a second; 0 for historical data.
    pub bandwidth_bytes_per_second: u64,
}

impl ModelsFile {
    /// Checks the conditions of the estimates: the reference broker exists, and each table has a figure of every mode.
    fn check(&self) -> Result<(), BrokerModelsError> {
        let reference = &self.model.reference_broker;
        if !self.brokers.contains_key(reference) {
            return Err(BrokerModelsError::NoReference(reference.clone()));
        }
        for (id, broker) in &self.brokers {
            has_all_modes(&broker.packet_bytes, || format!("brokers.{id}.packet_bytes"))?;
            has_all_modes(&broker.index_packet_bytes, || format!("brokers.{id}.index_packet_bytes"))?;
        }
        let UpdateRates { index, equity, future, option, other } = &self.model.updates_per_second;
        for (kind, rates) in
            [("index", index), ("equity", equity), ("future", future), ("option", option), ("other", other)]
        {
            has_all_modes(rates, || format!("model.updates_per_second.{kind}"))?;
        }
        Ok(())
    }
}

fn has_all_modes<T>(figures: &BTreeMap<Mode, T>, table: impl Fn() -> String) -> Result<(), BrokerModelsError> {
    match ESTIMATED_MODES.into_iter().find(|mode| !figures.contains_key(mode)) {
        Some(mode) => Err(BrokerModelsError::NoFigure { table: table(), mode }),
        None => Ok(()),
    }
}

impl BrokerModels {
    /// The default file of broker models, as TOML. The crate contains it.
    pub const EMBEDDED: &str = include_str!("../estimates.toml");

    /// Parses the models that the crate contains.
    ///
    /// # Panics
    /// Never: a test parses them.
    pub fn embedded() -> Self {
        Self::parse(Self::EMBEDDED).expect("a test parses the embedded estimates.toml")
    }

    /// Parses models from TOML.
    ///
    /// # Errors
    /// [`BrokerModelsError`] of the first fault.
    pub fn parse(text: &str) -> Result<Self, BrokerModelsError> {
        let document: ModelsFile = toml::from_str(text)?;
        document.check()?;
        let content = serde_json::to_vec(&document).expect("the figures serialize to JSON");
        let ModelsFile { model, brokers } = document;
        Ok(BrokerModels {
            model,
            brokers,
            content_hash: Sha256::digest(&content).into(),
            capacity: Capacity::embedded(),
        })
    }

    /// Returns the same models with the capacity of other accounts.
    #[must_use]
    pub fn with_capacity(self, capacity: impl Into<Arc<Capacity>>) -> Self {
        BrokerModels { capacity: capacity.into(), ..self }
    }

    /// Returns the capacity of all brokers. The estimates do not depend on it.
    pub fn capacity(&self) -> &Capacity {
        &self.capacity
    }

    /// Returns the SHA-256 of all figures with their sources, but not of the [capacity](Self::capacity). It does not
    /// depend on the layout of the file.
    pub fn content_hash(&self) -> &[u8; 32] {
        &self.content_hash
    }

    /// Returns the limits of a broker; those of the reference broker if none is named or its figures are unknown.
    pub fn limits(&self, broker: Option<Broker>) -> &BrokerLimits {
        let known = broker.and_then(|broker| self.brokers.get(broker.as_str()));
        known.unwrap_or_else(|| &self.brokers[&self.model.reference_broker])
    }

    /// Whether the file has figures of the broker. Otherwise those of the reference broker apply.
    pub fn has_figures_of(&self, broker: Broker) -> bool {
        self.brokers.contains_key(broker.as_str())
    }

    /// Returns the default mode of a subscription type; `None` if it is not streamed.
    pub fn usual_mode(&self, subscription_type: SubscriptionType) -> Option<Mode> {
        self.model.modes.get(&subscription_type).copied()
    }

    /// Returns the expected number of messages in a second for one instrument.
    pub(crate) fn messages_per_second(&self, class: Option<InstrumentType>, mode: Mode) -> f64 {
        self.model.updates_per_second.of(class)[&estimated_as(mode)].value
    }

    /// Returns the time until a connection is open, milliseconds.
    pub(crate) fn connect_ms(&self) -> u64 {
        u64::from(self.model.connect_ms.value)
    }

    /// Returns the time that one message takes, milliseconds.
    pub(crate) fn message_ms(&self) -> u64 {
        u64::from(self.model.message_ms.value)
    }

    /// Returns the time until the last of some historical requests is sent at a pace, milliseconds.
    pub(crate) fn history_ms(&self, requests: u64, requests_per_second: u32) -> u64 {
        match requests {
            0 => 0,
            // The first request goes out at once.
            _ => self.connect_ms() + (requests - 1) * 1000 / u64::from(requests_per_second.max(1)),
        }
    }

    /// Returns the memory of a consumer, bytes: of a stream with this bandwidth, or of the answers to one historical
    /// request for each instrument.
    pub(crate) fn memory_bytes(&self, bytes_per_second: u64, history: Option<(u64, u32)>) -> u64 {
        match history {
            None => bytes_per_second * u64::from(self.model.buffer_seconds.value),
            Some((requests, days)) => {
                let candles = u64::from(self.model.session_minutes.value) * u64::from(days);
                requests * candles * u64::from(self.model.candle_bytes.value)
            }
        }
    }

    /// Returns the number of trading days in a month, for monthly costs.
    pub fn trading_days_per_month(&self) -> u32 {
        self.model.trading_days_per_month.value
    }

    /// Returns the time within which historical data should be complete, milliseconds.
    pub fn history_window_ms(&self) -> u64 {
        u64::from(self.model.history_window_minutes.value) * 60_000
    }

    /// Returns how many instruments a broker carries: for streams on all connections of an account, for historical data
    /// at its pace within the [window](Self::history_window_ms).
    pub fn instruments_max(&self, subscription_type: SubscriptionType, broker: Option<Broker>) -> u64 {
        let limits = self.limits(broker);
        match self.usual_mode(subscription_type) {
            Some(_) => u64::from(limits.connections.value) * u64::from(limits.instruments_per_connection.value),
            None => self.requests_within_window(limits.historical_requests_per_second.value),
        }
    }

    /// Returns how many historical requests a pace allows within the [window](Self::history_window_ms).
    pub(crate) fn requests_within_window(&self, requests_per_second: u32) -> u64 {
        let window = self.history_window_ms().saturating_sub(u64::from(self.model.connect_ms.value));
        // The first request goes out at once.
        1 + window * u64::from(requests_per_second) / 1000
    }

    /// Estimates the load of a plan with these numbers of instruments.
    ///
    /// * Streams: connections open in parallel; on each, messages go out with the broker's pause between them.
    ///   Bandwidth is packet size times update rate, memory is bandwidth times the time that a consumer buffers.
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
        let rate = |((class, mode), count): (&(Option<InstrumentType>, Option<Mode>), &u64)| {
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
        Estimate {
            latency_ms: self.history_ms(total, broker.historical_requests_per_second.value),
            memory_bytes: self.memory_bytes(0, Some((total, broker.historical_days_per_request.value))),
            bandwidth_bytes_per_second: 0,
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn bytes_per_second(&self, broker: &BrokerLimits, mode: Mode, class: Option<InstrumentType>, count: u64) -> f64 {
        let rates = self.model.updates_per_second.of(class);
        let packets = match class {
            Some(InstrumentType::Index) => &broker.index_packet_bytes,
            _ => &broker.packet_bytes,
        };
        let mode = estimated_as(mode);
        f64::from(packets[&mode].value) * rates[&mode].value * count as f64
    }
}

fn estimated_as(mode: Mode) -> Mode {
    match mode {
        Mode::Ltp => Mode::Ltp,
        Mode::Greeks | Mode::Quote => Mode::Quote,
        Mode::Full | Mode::Depth20 | Mode::Depth30 | Mode::Depth50 | Mode::Depth200 => Mode::Full,
    }
}

/// Converts bytes to megabytes (10⁶ bytes) with four decimals.
pub fn megabytes(bytes: u64) -> Amount {
    Amount::from_ten_thousandths(i64::try_from(bytes / 100).unwrap_or(i64::MAX))
}

/// Returns a rate with three decimals.
pub(crate) fn rate_amount(rate: f64) -> Amount {
    Amount::from_ten_thousandths(i64::from(thousandths(rate)) * 10)
}

/// Returns a rate in thousandths.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn thousandths(rate: f64) -> u32 {
    (rate * 1000.0).round() as u32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn rounded(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(Option<InstrumentType>, u64)]) -> Loads {
        pairs.iter().map(|(class, count)| ((*class, None), *count)).collect()
    }

    #[test]
    fn the_shipped_figures_are_complete_and_sourced() {
        let model = BrokerModels::embedded();

        for mode in ESTIMATED_MODES {
            for broker in model.brokers.values() {
                assert!(broker.packet_bytes.contains_key(&mode));
                assert!(broker.index_packet_bytes.contains_key(&mode));
            }
            let rates = &model.model.updates_per_second;
            for rates in [&rates.index, &rates.equity, &rates.future, &rates.option, &rates.other] {
                assert!(rates.contains_key(&mode));
            }
        }
        let text = BrokerModels::EMBEDDED;
        assert_eq!(text.matches("value =").count(), text.matches("source =").count());
        assert_eq!(text.matches("value =").count(), text.matches("seen =").count());
    }

    #[test]
    fn the_content_hash_depends_on_the_figures_alone() {
        let text = BrokerModels::EMBEDDED;
        let hash = |text: &str| *BrokerModels::parse(text).unwrap().content_hash();
        let (figure, other) = ("[brokers.kite.connections]\nvalue = 3", "[brokers.kite.connections]\nvalue = 4");
        assert!(text.contains(figure));

        assert_eq!(hash(text), hash(text));
        assert_eq!(hash(&format!("# A comment.\n\n{text}")), hash(text));
        assert_ne!(hash(&text.replacen(figure, other, 1)), hash(text));
    }

    #[test]
    fn models_that_lack_a_figure_are_rejected() {
        let text = BrokerModels::EMBEDDED;
        let fault = |text: &str| BrokerModels::parse(text).unwrap_err();

        assert!(matches!(fault("brokers = 1"), BrokerModelsError::Form(_)));
        let renamed = text.replacen("reference_broker = \"kite\"", "reference_broker = \"none\"", 1);
        assert_eq!(fault(&renamed), BrokerModelsError::NoReference("none".into()));
        assert_eq!(fault(&renamed).to_string(), "expected figures of the reference broker `none`");
        let (rates, lacking) = ("[model.updates_per_second.index]\nltp", "[model.updates_per_second.index]\n# ltp");
        assert_eq!(
            fault(&text.replacen(rates, lacking, 1)).to_string(),
            "model.updates_per_second.index: expected a figure of `ltp`"
        );
    }

    #[test]
    fn the_bandwidth_of_a_stream_is_packets_times_rate() {
        let estimate = BrokerModels::embedded().estimate(
            SubscriptionType::LiveFeed,
            None,
            &counts(&[(Some(InstrumentType::Equity), 2), (Some(InstrumentType::Index), 1)]),
        );

        assert_eq!(estimate.bandwidth_bytes_per_second, 2 * 44 + 28);
        assert_eq!(estimate.memory_bytes, 60 * (2 * 44 + 28));
        assert_eq!(estimate.latency_ms, 102);
    }

    #[test]
    fn the_mode_of_an_instrument_determines_its_load() {
        let estimate = |loads: &[(Mode, u64)]| {
            let loads =
                loads.iter().map(|(mode, count)| ((Some(InstrumentType::Equity), Some(*mode)), *count)).collect();
            let model = BrokerModels::embedded();
            model.estimate(SubscriptionType::Alerts, Some(Broker::Kite), &loads).bandwidth_bytes_per_second
        };

        // A full instrument sends two packets of 184 bytes per second, a quote one of 44.
        assert_eq!(estimate(&[(Mode::Full, 3), (Mode::Quote, 2)]), 3 * 2 * 184 + 2 * 44);
        assert!(estimate(&[(Mode::Ltp, 5)]) < estimate(&[(Mode::Quote, 5)]));
    }

    #[test]
    fn connections_subscribe_in_parallel() {
        let estimate = |count| {
            let counts = counts(&[(Some(InstrumentType::Equity), count)]);
            BrokerModels::embedded().estimate(SubscriptionType::Alerts, None, &counts).latency_ms
        };

        assert_eq!(estimate(201), 100 + 2 * 2 + 500);
        assert_eq!(estimate(3000), estimate(9000));
    }

    #[test]
    fn historical_requests_follow_the_rate_limit() {
        let estimate = BrokerModels::embedded().estimate(SubscriptionType::Historical, None, &counts(&[(None, 7)]));

        assert_eq!(estimate.latency_ms, 100 + 2000);
        assert_eq!(estimate.memory_bytes, 7 * 375 * 60 * 48);
    }

    #[test]
    fn the_capacity_for_history_fits_into_its_window() {
        let model = BrokerModels::embedded();
        let latency = |count| {
            model.estimate(SubscriptionType::Historical, Some(Broker::Kite), &counts(&[(None, count)])).latency_ms
        };

        let capacity = model.instruments_max(SubscriptionType::Historical, Some(Broker::Kite));

        assert!(latency(capacity) <= model.history_window_ms());
        assert!(latency(capacity + 1) > model.history_window_ms());
        assert_eq!(model.instruments_max(SubscriptionType::LiveFeed, Some(Broker::Kite)), 9000);
    }

    #[test]
    fn an_empty_plan_has_no_load() {
        for kind in SubscriptionType::ALL {
            let estimate = BrokerModels::embedded().estimate(kind, None, &Loads::new());
            assert_eq!(estimate.latency_ms, 0);
            assert_eq!(estimate.memory_bytes, 0);
            assert_eq!(estimate.bandwidth_bytes_per_second, 0);
        }
    }
}
