//! The capacity of brokers as data: their limits with the sources, the tiers of their accounts, and the accounts of the
//! settings.
//!
//! A figure is a value with its source and the day on which the source was checked. If sources disagree, the file lists
//! all of them and gives the reason for the one that applies.

mod accounts;
mod changes;
mod check;
mod figures;
mod read;
#[cfg(feature = "openapi")]
mod schema;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use chrono::NaiveDate;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

pub use self::figures::FigureSource;
use crate::vocabulary::{Broker, Mode, Segment, words};

/// The endpoint of a broker's ordinary feed.
pub const MARKET: &str = "market";

/// The tier that the table of a broker describes; the default of its accounts.
pub const STANDARD: &str = "standard";

/// The account of a broker for which the settings name none.
pub const DEFAULT_ACCOUNT: &str = "default";

/// The maximum number of accounts of a broker in the settings, and of those that a request can ask for.
pub const ACCOUNTS_MAX: u32 = 16;

/// The maximum number of connections of an account, and of those that a request can ask for.
pub const CONNECTIONS_MAX: u32 = 256;

/// The maximum number of connections of an account if a connection with one mode alone carries more of it than one with
/// several: the ways to use such connections multiply.
const CONNECTIONS_IN_REGIMES_MAX: u32 = 8;

/// The maximum length of the name of an account, a tier or an endpoint, characters.
pub const NAME_CHARACTERS_MAX: usize = 64;

/// The form of the name of an account, a tier or an endpoint.
pub(crate) const NAME_FORM: &str = "a name of 1 to 64 letters, digits, `_`, `-` and `.`";

pub(crate) fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=NAME_CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

words! {
    /// The reaction of a broker if an account opens one connection more than it may.
    OnExcess {
        /// It refuses the new connection.
        Refuse = "refuse",
        /// It closes the oldest connection.
        ClosesOldest = "closes_oldest",
        /// It closes the old and the new connection in turns.
        ClosesBoth = "closes_both",
    }
}

words! {
    /// How the mode of a subscribed instrument is changed.
    ChangeMode {
        /// A message changes it.
        Message = "message",
        /// The instrument is unsubscribed, then subscribed in the new mode.
        Resubscribe = "resubscribe",
    }
}

words! {
    /// The thing that a limit of a mode applies to.
    Scope {
        /// All connections of an account together.
        Account = "account",
        /// Each connection.
        Connection = "connection",
    }
}

/// A figure, its source, and other sources that contradict it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sourced<T> {
    /// The value that applies, in the unit of the field that contains the figure.
    pub value: T,
    /// The source of the value: a document, an observation, or `assumption: …`.
    pub source: String,
    /// The day on which the source was checked.
    pub seen: NaiveDate,
    /// The reason why this value applies and not one of the others; `None` if no source contradicts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The contradicting values of other sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherValue<T>>,
    /// Whether the value comes from the override file and not from the built-in one.
    #[serde(rename = "overridden")]
    pub is_overridden: bool,
}

impl<T> Sourced<T> {
    /// Whether no document and no observation gives the value.
    pub fn is_assumed(&self) -> bool {
        self.source.starts_with("assumption")
    }
}

/// A value of another source, which contradicts the value that applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OtherValue<T> {
    /// The value, in the unit of the figure that it contradicts.
    pub value: T,
    /// The source of the value: a document or an observation.
    pub source: String,
    /// The day on which the source was checked.
    pub seen: NaiveDate,
}

/// One subscription that serves a mode or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ModeLeg))]
pub struct Leg {
    /// The endpoint.
    pub endpoint: String,
    /// The mode of the subscription.
    pub mode: Mode,
}

/// The limits of one mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModeLimits {
    /// The subscriptions that serve the mode. At most one of them is at each endpoint.
    pub legs: Vec<Leg>,
    /// The maximum number of instruments if the scope has instruments of this mode alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::NumberFigure>, nullable = false))]
    pub alone: Option<Sourced<u32>>,
    /// The maximum number of instruments if the scope has instruments of other modes, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::NumberFigure>, nullable = false))]
    pub mixed: Option<Sourced<u32>>,
    /// The scope of `alone` and `mixed`.
    pub scope: Scope,
    /// The segments for which the mode is offered; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::SegmentsFigure>, nullable = false))]
    pub segments: Option<Sourced<Vec<Segment>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModeFigure {
    Alone,
    Mixed,
}

impl ModeLimits {
    /// Returns the figures that apply if the scope has instruments of this mode alone, or of others, too. Then `alone`
    /// still applies: several modes never allow more of one of them than it alone.
    pub(crate) fn figures(&self, is_alone: bool) -> impl Iterator<Item = (ModeFigure, &Sourced<u32>)> {
        let mixed = self.mixed.iter().filter(move |_| !is_alone).map(|figure| (ModeFigure::Mixed, figure));
        mixed.chain(self.alone.iter().map(|figure| (ModeFigure::Alone, figure)))
    }

    /// Returns the figure that binds: the smallest of those that apply.
    pub(crate) fn binding(&self, is_alone: bool) -> Option<(ModeFigure, &Sourced<u32>)> {
        self.figures(is_alone).min_by_key(|(_, figure)| figure.value)
    }
}

/// The subscribe messages of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SubscribeLimits))]
pub struct Subscribe {
    /// The maximum number of instruments in one message.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::NumberFigure))]
    pub instruments_per_message: Sourced<u32>,
    /// The pause between two messages, milliseconds.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::NumberFigure))]
    pub pause_ms: Sourced<u32>,
    /// The maximum number of messages in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::NumberFigure>, nullable = false))]
    pub messages_per_second: Option<Sourced<u32>>,
    /// The time without messages after the connection opens, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::NumberFigure>, nullable = false))]
    pub quiet_ms: Option<Sourced<u32>>,
}

/// The monthly fee of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fee {
    /// The amount, in whole units of the currency.
    #[serde(flatten)]
    pub amount: Sourced<u32>,
    /// The currency, by its ISO 4217 code.
    pub currency: String,
}

/// The pace of historical requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = HistoricalLimits))]
pub struct Historical {
    /// The maximum number of requests in a second.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::NumberFigure))]
    pub requests_per_second: Sourced<u32>,
    /// The number of days that one request covers.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::NumberFigure))]
    pub days_per_request: Sourced<u32>,
}

/// The limits of an account of one tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AccountLimits))]
pub struct Limits {
    /// The maximum number of connections of an account.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::NumberFigure))]
    pub connections: Sourced<u32>,
    /// The reaction of the broker to one connection too many.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::OnExcessFigure))]
    pub on_excess: Sourced<OnExcess>,
    /// The maximum number of instruments on one connection to the market endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::NumberFigure>, nullable = false))]
    pub instruments_per_connection: Option<Sourced<u32>>,
    /// The maximum number of different instruments of an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::NumberFigure>, nullable = false))]
    pub instruments_per_account: Option<Sourced<u32>>,
    /// Whether a repeated subscription counts again.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::FlagFigure))]
    pub counts_duplicates: Sourced<bool>,
    /// The modes that the broker offers.
    pub modes: BTreeMap<Mode, ModeLimits>,
    /// The limits of the endpoints other than the market endpoint. Each serves one mode, and its connections count towards
    /// `connections`. The figure is the maximum number of instruments on one connection.
    #[serde(serialize_with = "write_endpoints")]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, EndpointLimits>))]
    pub endpoints: BTreeMap<String, Sourced<u32>>,
    /// The modes of the market endpoint from the highest to the lowest: an instrument is lowered to the next one.
    pub lowering: Vec<Mode>,
    /// The subscribe messages.
    pub subscribe: Subscribe,
    /// How a mode is changed.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::ChangeModeFigure))]
    pub change_mode: Sourced<ChangeMode>,
    /// The lifetime of a connection, hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::NumberFigure>, nullable = false))]
    pub lifetime_hours: Option<Sourced<u32>>,
    /// The time of day in Asia/Kolkata, `HH:MM`, at which the session's token ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::TextFigure>, nullable = false))]
    pub session_ends_at: Option<Sourced<String>>,
    /// The monthly fee of an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<schema::FeeFigure>, nullable = false))]
    pub fee: Option<Fee>,
    /// Bytes of one packet of a subscription in each mode.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<Mode, schema::NumberFigure>))]
    pub packet_bytes: BTreeMap<Mode, Sourced<u32>>,
    /// Bytes of one packet of an index, if they differ.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<Mode, schema::NumberFigure>))]
    pub index_packet_bytes: BTreeMap<Mode, Sourced<u32>>,
    /// Historical requests.
    pub historical: Historical,
}

/// The limits of an endpoint other than the market endpoint, as the file and the API have them.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndpointLimits {
    /// The maximum number of instruments on one connection.
    #[cfg_attr(feature = "openapi", schema(value_type = schema::NumberFigure))]
    pub instruments_per_connection: Sourced<u32>,
}

fn write_endpoints<S: Serializer>(
    endpoints: &BTreeMap<String, Sourced<u32>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        endpoints.iter().map(|(name, figure)| (name, EndpointLimits { instruments_per_connection: figure.clone() })),
    )
}

/// A tier of accounts: they have the same limits and the same fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tier {
    /// The name of the tier, by which requests and settings choose it.
    pub name: String,
    /// The limits of an account of this tier.
    pub limits: Limits,
}

/// The limits of one broker, and the accounts that the settings have at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokerCapacity {
    /// The broker's name in words, for display.
    pub name: String,
    /// The tiers from the lowest to the highest; at least one.
    pub tiers: Vec<Tier>,
    /// The position in `tiers` of the tier of accounts without a tier of their own.
    pub default_tier: usize,
    /// The accounts in the settings, in their order; at least one.
    pub accounts: Vec<Account>,
}

/// An account of a broker in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The name of the account, by which a feed handler finds the API key.
    pub name: String,
    /// The position of the account's tier in [`BrokerCapacity::tiers`].
    pub tier: usize,
}

/// The limits and accounts of all brokers. The value never changes: a reload creates another one.
#[derive(Clone, Debug)]
pub struct Capacity {
    brokers: BTreeMap<Broker, BrokerCapacity>,
    content_hash: [u8; 32],
    is_overridden: bool,
}

/// The input text that contains a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CapacityInput {
    /// The override file of limits.
    Limits,
    /// The list of accounts in the settings.
    Accounts,
}

/// A fault of a file of limits or of a list of accounts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CapacityFault {
    /// The input text that contains the fault.
    pub input: CapacityInput,
    /// The path of the field, such as `brokers.kite.connections.value`; empty if the text is not a table at all.
    pub path: String,
    /// The description of the fault, with the expected and the actual value.
    pub message: String,
}

impl std::fmt::Display for CapacityFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}{}", self.path, self.message)
    }
}

static EMBEDDED: LazyLock<Arc<Capacity>> = LazyLock::new(|| {
    let brokers = read::brokers(Capacity::EMBEDDED, None).expect("a test parses the embedded brokers.toml");
    Arc::new(Capacity { content_hash: content_hash(&brokers), brokers, is_overridden: false })
});

impl Capacity {
    /// The built-in file of limits, as TOML. The crate contains it.
    pub const EMBEDDED: &str = include_str!("../brokers.toml");

    /// Returns the figures that the crate contains, with one account at each broker. They are parsed once.
    ///
    /// # Panics
    /// Never: a test parses them.
    pub fn embedded() -> Arc<Self> {
        Arc::clone(&EMBEDDED)
    }

    /// Returns the figures that the crate contains, over which a file of the same shape is merged, and the accounts of
    /// a list such as `kite=desk_a,desk_b;upstox=main:plus`.
    ///
    /// # Errors
    /// All faults of both texts.
    pub fn with(overrides: Option<&str>, accounts: Option<&str>) -> Result<Arc<Self>, Vec<CapacityFault>> {
        Capacity::checked_until(None, overrides, accounts)
    }

    /// Returns the same as [`Capacity::with`]. The sources of the overrides must have been checked on `today` or
    /// before.
    ///
    /// # Errors
    /// As [`Capacity::with`].
    pub fn with_on(
        today: NaiveDate,
        overrides: Option<&str>,
        accounts: Option<&str>,
    ) -> Result<Arc<Self>, Vec<CapacityFault>> {
        Capacity::checked_until(Some(today), overrides, accounts)
    }

    fn checked_until(
        seen_max: Option<NaiveDate>,
        overrides: Option<&str>,
        accounts: Option<&str>,
    ) -> Result<Arc<Self>, Vec<CapacityFault>> {
        let mut faults = Vec::new();
        let built_in = &EMBEDDED.brokers;
        let overrides = overrides.map(|text| read::Overrides { text, seen_max, built_in });
        let mut brokers = match overrides.map(|overrides| read::brokers(Capacity::EMBEDDED, Some(overrides))) {
            None => EMBEDDED.brokers.clone(),
            Some(Ok(brokers)) => brokers,
            Some(Err(of_limits)) => {
                faults = of_limits;
                EMBEDDED.brokers.clone()
            }
        };
        if let Some(accounts) = accounts {
            // If the file has faults, a tier that it adds is not known.
            accounts::apply(accounts, &mut brokers, faults.is_empty(), &mut faults);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let content_hash = content_hash(&brokers);
        let is_overridden = content_hash != EMBEDDED.content_hash;
        Ok(Arc::new(Capacity { brokers, content_hash, is_overridden }))
    }

    /// Returns the capacity of a broker.
    ///
    /// # Panics
    /// Never: every broker has figures.
    pub fn of(&self, broker: Broker) -> &BrokerCapacity {
        &self.brokers[&broker]
    }

    /// Returns the SHA-256 of all figures with their sources, and of the accounts. It does not depend on the layout of
    /// a file.
    pub fn content_hash(&self) -> &[u8; 32] {
        &self.content_hash
    }

    /// Whether an override file or a list of accounts changes the figures that the crate contains.
    pub fn is_overridden(&self) -> bool {
        self.is_overridden
    }
}

/// Returns the limits of the default tier of a broker's table.
///
/// # Panics
/// If the table has a fault.
#[cfg(test)]
pub(crate) fn standard_limits(table: toml::Table) -> Limits {
    match read::broker(table) {
        Ok(mut capacity) => capacity.tiers.swap_remove(capacity.default_tier).limits,
        Err(faults) => panic!("{faults:?}"),
    }
}

fn content_hash(brokers: &BTreeMap<Broker, BrokerCapacity>) -> [u8; 32] {
    Sha256::digest(serde_json::to_vec(brokers).expect("figures serialize to JSON")).into()
}

impl Limits {
    /// Whether a connection with one mode alone carries more of it than one with several.
    pub(crate) fn has_regimes_of_connections(&self) -> bool {
        let value =
            |limits: &ModeLimits, is_alone: bool| limits.binding(is_alone).map_or(u32::MAX, |(_, figure)| figure.value);
        let mut of_connections = self.modes.values().filter(|limits| limits.scope == Scope::Connection);
        of_connections.any(|limits| value(limits, true) > value(limits, false))
    }
}

impl BrokerCapacity {
    /// Returns the tier with this name; `None` if the broker has no such tier.
    pub fn tier(&self, name: &str) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.name == name)
    }
}
