//! The part of a plan that depends on a broker: connections, limits, modes, and the subscriptions with their tokens.

mod heap;
mod stored;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use chrono::NaiveDate;
use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::catalogue::Instrument;
use crate::instrument::Amount;
use crate::keys::KeyList;
use crate::request::RequestDocument;
use crate::vocabulary::{Broker, Mode, Segment};

/// The allocation of a plan at a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Allocation {
    /// The broker.
    pub broker: Broker,
    /// The tier of the accounts; of several, the lowest.
    pub tier: String,
    /// The names of the accounts that the plan may use.
    pub accounts: Vec<String>,
    /// The connections, by number. The numbers start at 1, and have gaps if connections of the previous plan carry nothing any more.
    /// Absent for historical data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub connections: Option<Vec<AllocatedConnection>>,
    /// The limits that apply to the plan, and their use.
    pub limits: Vec<UsedLimit>,
    /// The instruments whose mode is lower than the requested one, because a limit would be exceeded.
    pub lowered: Vec<LoweredMode>,
    /// The instruments whose requested mode the broker does not offer.
    pub substituted: Vec<SubstitutedMode>,
    /// The smallest addition of one kind that admits as much as this kind can. Absent if nothing was lowered or left out because of
    /// a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub needed: Option<Needed>,
    /// The number of instruments all of whose subscriptions are on the same connection, at the same account and endpoint, as in the
    /// previous plan. Absent if the request names no previous plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub unchanged_placement: Option<u32>,
    /// The estimated time until the last instrument is subscribed, in milliseconds. Absent for historical data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub time_to_ready_ms: Option<u64>,
    /// The number of historical requests for one period of `days_per_request` days. Present only for historical data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub requests: Option<u64>,
    /// The maximum number of historical requests in a second. Present only for historical data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub requests_per_second: Option<u32>,
    /// The number of days that one historical request covers. Present only for historical data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub days_per_request: Option<u32>,
    /// The estimated time until the last historical request is sent, in milliseconds. Present only for historical data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub time_to_complete_ms: Option<u64>,
    /// The names of the figures that rest on assumptions.
    pub assumed: Vec<String>,
}

/// A connection of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AllocatedConnection {
    /// Its number, from 1.
    pub connection: u32,
    /// The account that opens it.
    pub account: String,
    /// The endpoint.
    pub endpoint: String,
    /// The number of its instruments.
    pub instruments: u32,
    /// The number of its instruments by the mode of their subscription.
    pub modes: BTreeMap<Mode, u32>,
    /// The expected number of messages in a second.
    #[cfg_attr(feature = "openapi", schema(value_type = f64))]
    pub messages_per_second: Amount,
    /// The expected bandwidth, in bytes per second.
    pub bytes_per_second: u64,
}

/// A limit of a broker or of the settings, and its use by the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsedLimit {
    /// The name of the limit, such as `instruments_per_connection`.
    pub limit: String,
    /// The thing that it applies to: `plan`, `account …` or `connection …`.
    pub scope: String,
    /// The number that the plan uses.
    pub used: u32,
    /// The number that the limit allows.
    pub allowed: u32,
    /// Whether the plan uses all of it.
    pub binding: bool,
    /// The source of the figure.
    pub source: String,
    /// The day on which the source was checked. Absent if the figure is a setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub seen: Option<NaiveDate>,
}

/// An instrument whose mode was lowered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoweredMode {
    /// The key of the instrument.
    pub instrument: String,
    /// The requested mode, or its substitute.
    pub from: Mode,
    /// The mode in the plan.
    pub to: Mode,
    /// The limit that the higher mode would exceed.
    pub limit: String,
}

/// An instrument whose requested mode was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubstitutedMode {
    /// The key of the instrument.
    pub instrument: String,
    /// The requested mode.
    pub from: Mode,
    /// The mode that replaces it.
    pub to: Mode,
}

/// The smallest addition of one kind of capacity that admits as much as this kind can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Needed {
    /// The limit to raise.
    pub limit: String,
    /// The number to add to it.
    pub add: u32,
    /// The number of instruments that would be kept in addition; if none was left out, the number that would get a higher mode.
    pub admits: u32,
    /// The same as a sentence.
    pub text: String,
}

/// Everything that a plan has in addition because it names a broker. It is stored with the plan.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BrokerPart {
    /// The connections, limits and mode changes, as answers contain them.
    pub allocation: Arc<Allocation>,
    /// The subscriptions to send to the broker; `None` for historical data, which is requested and not subscribed.
    pub subscriptions: Option<Subscriptions>,
    /// The request in canonical form, from which the plan can be created again with another catalog.
    pub request: RequestDocument,
}

/// The subscriptions of a plan. They are stored with the plan, so that a later catalog cannot change their meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriptions {
    /// The version of the catalog that the tokens and terms were read from.
    pub catalogue_version: String,
    /// The distinct terms of the instruments, to which [`SubscribedInstrument`] refers by a [`TermsId`].
    pub terms: Vec<Terms>,
    /// The token and terms of each instrument, in the order of the plan.
    pub instruments: Vec<SubscribedInstrument>,
    /// The subscriptions by connection, and on each connection in the order in which they are sent.
    pub legs: Vec<SubscribedLeg>,
}

/// The identity of an instrument of a plan at the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribedInstrument {
    /// The broker's token; `None` if no file of the broker lists the instrument.
    pub token: Option<Box<str>>,
    /// The segment; `None` if the catalog lacks the instrument.
    pub segment: Option<Segment>,
    /// The mode; `None` if the instrument has no subscription.
    pub mode: Option<Mode>,
    /// The first eight bytes of the SHA-256 of its identity.
    pub identity: u64,
    /// The terms of the instrument; `None` if the catalog lacks the instrument.
    pub terms: Option<TermsId>,
}

/// The terms of an instrument that an exchange can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// The last trading date; `None` of an instrument that does not expire.
    pub expiry: Option<NaiveDate>,
    /// The number of units in a lot; 0 if no file contains it.
    pub lot_size: u32,
    /// The smallest price step, in rupees; 0 if no file contains it.
    pub tick_size: Amount,
}

/// The number of terms among those of a plan, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermsId(NonZeroU32);

impl TermsId {
    /// Returns the id of the terms at a position, from 0.
    fn of(position: usize) -> Option<Self> {
        u32::try_from(position).ok()?.checked_add(1).and_then(NonZeroU32::new).map(TermsId)
    }

    fn position(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Subscriptions {
    /// Returns the terms of an instrument, if they are known.
    pub fn terms_of(&self, instrument: &SubscribedInstrument) -> Option<&Terms> {
        self.terms.get(instrument.terms?.position())
    }
}

/// Collects the distinct terms of the instruments of a plan. A plan of thousands of contracts has only hundreds.
#[derive(Default)]
pub(crate) struct TermsTable {
    terms: Vec<Terms>,
    ids: HashMap<Terms, TermsId, FixedState>,
}

impl TermsTable {
    /// Returns the id of the terms of an instrument.
    pub(crate) fn add(&mut self, instrument: &Instrument<'_>) -> Option<TermsId> {
        let terms =
            Terms { expiry: instrument.expiry(), lot_size: instrument.lot_size(), tick_size: instrument.tick_size() };
        if let Some(id) = self.ids.get(&terms) {
            return Some(*id);
        }
        let id = TermsId::of(self.terms.len())?;
        self.terms.push(terms);
        self.ids.insert(terms, id);
        Some(id)
    }

    pub(crate) fn into_terms(self) -> Vec<Terms> {
        self.terms
    }
}

/// A subscription of an instrument on a connection. An instrument has several of them if its mode needs several
/// endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribedLeg {
    /// The position of the instrument in the plan, from 0.
    pub instrument: u32,
    /// The number of the connection, from 1.
    pub connection: u32,
    /// The mode of this subscription, which may serve only a part of the mode of the instrument.
    pub mode: Mode,
}

#[derive(Serialize)]
struct StoredPart<'a, R> {
    allocation: &'a Allocation,
    subscriptions: Option<&'a Subscriptions>,
    request: R,
}

impl BrokerPart {
    /// Returns the stored form. It does not repeat the instruments of the plan, which have a place of their own.
    pub(crate) fn stored<'a>(&'a self, instruments: &KeyList) -> impl Serialize + use<'a> {
        let BrokerPart { allocation, subscriptions, request } = self;
        StoredPart { allocation, subscriptions: subscriptions.as_ref(), request: request.stored(instruments) }
    }
}
