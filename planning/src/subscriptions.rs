//! The subscriptions of a plan: as a list, and as the arguments of the official SDK of the broker.

mod forms;
mod messages;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Serialize, Serializer};

pub(crate) use self::forms::Target;
pub(crate) use self::messages::{MessageUse, sent_count, write_batch};
use crate::allocation::{AllocatedConnection, Allocation, SubscribedInstrument, SubscribedLeg, Subscriptions};
use crate::capacity::Capacity;
use crate::keys::KeyList;
use crate::plan::Plan;
use crate::vocabulary::{Broker, Mode, Segment};

/// The size of an entry as JSON without its texts of variable length, in bytes.
const ENTRY_BYTES: usize = 160;

/// A subscription of an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription<'a> {
    /// The key of the instrument.
    pub instrument: &'a str,
    /// The broker's token of the instrument. Null if no file of the broker lists the instrument.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub broker_token: Option<&'a str>,
    /// The segment of the instrument. Null if the catalog lacks the instrument.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub segment: Option<Segment>,
    /// The mode of the subscription.
    pub mode: Mode,
    /// The number of the connection, from 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub connection: u32,
    /// The account that opens the connection.
    pub account: &'a str,
    /// The endpoint of the connection.
    pub endpoint: &'a str,
}

/// The form in which a response returns the subscriptions of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionForm {
    /// A JSON list of all subscriptions.
    List,
    /// The arguments of the calls of the broker's SDK.
    Sdk(Broker),
}

impl SubscriptionForm {
    /// The word of [`SubscriptionForm::List`] in requests.
    pub const LIST: &str = "json";

    /// Parses a form: [`Self::LIST`], or the word of a broker.
    pub fn parse(word: &str) -> Option<Self> {
        if word == Self::LIST { Some(Self::List) } else { Broker::parse(word).map(Self::Sdk) }
    }

    /// Returns the word that [`Self::parse`] reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            SubscriptionForm::List => Self::LIST,
            SubscriptionForm::Sdk(broker) => broker.as_str(),
        }
    }

    /// Returns the fault of a form that is not one of a plan at this broker.
    pub fn fault_at(self, broker: Broker) -> Option<String> {
        match self {
            SubscriptionForm::Sdk(other) if other != broker => {
                Some(format!("expected `json` or the broker of the plan, `{broker}`, got `{other}`"))
            }
            SubscriptionForm::List | SubscriptionForm::Sdk(_) => None,
        }
    }
}

/// The subscriptions of a plan that names a broker.
#[derive(Clone, Copy, Debug)]
pub struct PlanSubscriptions<'a> {
    keys: &'a KeyList,
    allocation: &'a Allocation,
    connections: &'a [AllocatedConnection],
    subscriptions: &'a Subscriptions,
}

impl<'a> PlanSubscriptions<'a> {
    /// Returns the subscriptions of a plan. `None` if the plan names no broker or is for historical data.
    pub fn of(plan: &'a Plan) -> Option<Self> {
        let part = plan.metadata.broker_part.as_ref()?;
        let subscriptions = part.subscriptions.as_ref()?;
        let connections = part.allocation.connections.as_deref()?;
        Some(PlanSubscriptions { keys: &plan.instruments, allocation: &part.allocation, connections, subscriptions })
    }

    /// Returns the broker that the subscriptions are sent to.
    pub fn broker(&self) -> Broker {
        self.allocation.broker
    }

    /// Returns the maximum number of instruments in a message at the tier of the plan. If an override has removed the
    /// tier, it is that of the default tier.
    pub fn instruments_per_message(&self, capacity: &Capacity) -> u32 {
        let capacity = capacity.of(self.broker());
        let tier = capacity.tier(&self.allocation.tier).unwrap_or(&capacity.tiers[capacity.default_tier]);
        tier.limits.subscribe.instruments_per_message.value
    }

    /// Returns the numbers of the connections, in order. They can have gaps.
    pub fn connection_numbers(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.connections.iter().map(|connection| connection.connection)
    }

    /// Whether no instrument has a token, although there are instruments to subscribe.
    pub fn lacks_tokens(&self) -> bool {
        !self.subscriptions.legs.is_empty() && self.subscriptions.instruments.iter().all(|of| of.token.is_none())
    }

    /// Returns the positions of the subscriptions of a connection, or of all connections.
    pub fn positions(&self, connection: Option<u32>) -> Range<usize> {
        match connection {
            None => 0..self.subscriptions.legs.len(),
            Some(number) => positions_of(&self.subscriptions.legs, number),
        }
    }

    /// Returns the subscriptions at these positions, in the order in which they are sent.
    pub fn entries(self, positions: Range<usize>) -> impl Iterator<Item = Subscription<'a>> + Clone {
        self.subscriptions.legs[positions].iter().filter_map(move |leg| {
            let (key, of) = self.instrument(leg)?;
            let AllocatedConnection { account, endpoint, .. } = self.connection(leg.connection)?;
            let (broker_token, segment) = (of.token.as_deref(), of.segment);
            Some(Subscription {
                instrument: key,
                broker_token,
                segment,
                mode: leg.mode,
                connection: leg.connection,
                account,
                endpoint,
            })
        })
    }

    /// Appends the subscriptions at these positions as JSON, separated by commas.
    ///
    /// # Panics
    /// Never: an entry serializes to JSON.
    pub fn write_entries(&self, positions: Range<usize>, out: &mut Vec<u8>) {
        for (index, entry) in self.entries(positions).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            serde_json::to_writer(&mut *out, &entry).expect("an entry serializes to JSON");
        }
    }

    /// Appends a connection as a JSON object whose `messages` are the arguments of the broker's SDK, each with at most
    /// `instruments_max` instruments. Nothing is appended if the plan has no such connection.
    pub fn write_messages(&self, connection: u32, instruments_max: u32, out: &mut Vec<u8>) {
        let Some(of) = self.connection(connection) else { return };
        let targets = self.targets(self.positions(Some(connection))).map(|(_, target)| target);
        messages::write(self.broker(), of, targets, instruments_max, out);
    }

    /// Returns the keys of the instruments at these positions that no message subscribes: those without a token, and
    /// those of a segment that the SDK does not know. They have the order of the plan.
    pub fn without_token(&self, positions: Range<usize>) -> Vec<&'a str> {
        let broker = self.broker();
        let left_out = self.targets(positions).filter(|(_, target)| !messages::subscribes(broker, target));
        let positions: BTreeSet<u32> = left_out.map(|(position, _)| position).collect();
        positions.into_iter().map(|position| self.keys.key(position as usize)).collect()
    }

    /// Returns an estimate of the size of the subscriptions at these positions as JSON, in bytes.
    pub fn estimated_bytes(&self, positions: Range<usize>) -> usize {
        let bytes = |entry: Subscription<'_>| {
            ENTRY_BYTES + entry.instrument.len() + entry.broker_token.map_or(0, str::len) + entry.account.len()
        };
        self.entries(positions).map(bytes).sum()
    }

    fn targets(self, positions: Range<usize>) -> impl Iterator<Item = (u32, Target<'a>)> {
        self.subscriptions.legs[positions].iter().filter_map(move |leg| {
            let (_, of) = self.instrument(leg)?;
            Some((leg.instrument, target(of, leg)))
        })
    }

    fn instrument(&self, leg: &SubscribedLeg) -> Option<(&'a str, &'a SubscribedInstrument)> {
        let position = leg.instrument as usize;
        let of = self.subscriptions.instruments.get(position)?;
        (position < self.keys.len()).then(|| (self.keys.key(position), of))
    }

    fn connection(&self, number: u32) -> Option<&'a AllocatedConnection> {
        let at = self.connections.binary_search_by_key(&number, |of| of.connection).ok()?;
        Some(&self.connections[at])
    }
}

/// Returns the number of messages that the broker's SDK sends to subscribe the instruments of a connection, with at
/// most `instruments_max` instruments of one mode each, as a schedule has them.
pub(crate) fn message_count(
    broker: Broker,
    subscriptions: &Subscriptions,
    connection: u32,
    instruments_max: u32,
) -> u64 {
    let Subscriptions { instruments, legs, .. } = subscriptions;
    let legs = &legs[positions_of(legs, connection)];
    let mut of_modes: BTreeMap<(Mode, Option<Mode>), Vec<Target<'_>>> = BTreeMap::new();
    for leg in legs {
        let Some(of) = instruments.get(leg.instrument as usize) else { continue };
        of_modes.entry((leg.mode, of.mode)).or_default().push(target(of, leg));
    }
    let cut = of_modes.values().flat_map(|targets| targets.chunks(instruments_max.max(1) as usize));
    cut.map(|targets| sent_count(broker, MessageUse::Subscribe, targets.iter().copied())).sum()
}

fn positions_of(legs: &[SubscribedLeg], connection: u32) -> Range<usize> {
    let start = legs.partition_point(|leg| leg.connection < connection);
    start..start + legs[start..].partition_point(|leg| leg.connection == connection)
}

fn target<'a>(of: &'a SubscribedInstrument, leg: &SubscribedLeg) -> Target<'a> {
    Target { token: of.token.as_deref(), segment: of.segment, mode: leg.mode }
}

/// Serializes to the list of all subscriptions.
impl Serialize for PlanSubscriptions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries(self.positions(None)))
    }
}

#[cfg(test)]
mod tests;
