//! The subscriptions of two plans by connection and token.

use std::collections::HashMap;

use super::NotComparable;
use crate::allocation::{AllocatedConnection, BrokerPart, SubscribedInstrument, Subscriptions};
use crate::capacity::MARKET;
use crate::keys::KeyList;
use crate::plan::Plan;
use crate::vocabulary::{Broker, Mode};

/// A plan with subscriptions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'a> {
    pub(super) keys: &'a KeyList,
    pub(super) part: &'a BrokerPart,
    pub(super) connections: &'a [AllocatedConnection],
    pub(super) subscriptions: &'a Subscriptions,
}

impl<'a> Side<'a> {
    /// Returns the subscriptions of a plan. `None` if it names no broker or is for historical data.
    pub(super) fn of(plan: &'a Plan) -> Option<Self> {
        let part = plan.metadata.broker_part.as_deref()?;
        let (connections, subscriptions) = (part.allocation.connections.as_deref()?, part.subscriptions.as_ref()?);
        Some(Side { keys: &plan.instruments, part, connections, subscriptions })
    }

    /// Returns both sides of a comparison.
    ///
    /// # Errors
    /// [`NotComparable`] if one of the plans has no subscriptions, or if their brokers differ.
    pub(super) fn pair(from: Option<&'a Plan>, to: &'a Plan) -> Result<(Option<Self>, Self), NotComparable> {
        let to = Side::of(to).ok_or(NotComparable::WithoutSubscriptions)?;
        let Some(from) = from else { return Ok((None, to)) };
        let from = Side::of(from).ok_or(NotComparable::EarlierWithoutSubscriptions)?;
        if from.broker() != to.broker() {
            return Err(NotComparable::OtherBroker { from: from.broker(), to: to.broker() });
        }
        Ok((Some(from), to))
    }

    pub(super) fn broker(&self) -> Broker {
        self.part.allocation.broker
    }

    pub(super) fn key(&self, position: u32) -> &'a str {
        self.keys.key(position as usize)
    }

    pub(super) fn instrument(&self, position: u32) -> &'a SubscribedInstrument {
        &self.subscriptions.instruments[position as usize]
    }

    /// Returns the connection with a number. The numbers can have gaps.
    ///
    /// # Panics
    /// If the plan has no connection with this number.
    pub(super) fn connection(&self, number: u32) -> &'a AllocatedConnection {
        let found = self.connections.iter().find(|of| of.connection == number);
        found.expect("a subscription is on a connection of its plan")
    }
}

/// A connection of one or both plans. A connection is the same if its number, account and endpoint are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Line<'a> {
    pub(super) number: u32,
    pub(super) account: &'a str,
    pub(super) endpoint: &'a str,
}

impl Line<'_> {
    pub(super) fn is_at_market(&self) -> bool {
        self.endpoint == MARKET
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct WireLeg {
    /// The position of the connection among the lines.
    pub(super) line: usize,
    /// The position of the instrument in its plan.
    pub(super) position: u32,
    pub(super) mode: Mode,
    /// The mode in which the instrument counts towards limits of modes: the planned one.
    pub(super) counted: Mode,
}

/// All connections of two plans.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines<'a> {
    pub(super) lines: Vec<Line<'a>>,
    positions: HashMap<Line<'a>, usize>,
}

impl<'a> Lines<'a> {
    /// Returns the subscriptions of a plan, in the order in which they are sent.
    pub(super) fn legs_of(&mut self, side: &Side<'a>) -> Vec<WireLeg> {
        let of_connections: HashMap<u32, usize> = side
            .connections
            .iter()
            .map(|of| {
                let line = Line { number: of.connection, account: &of.account, endpoint: &of.endpoint };
                (of.connection, self.add(line))
            })
            .collect();
        let leg = |leg: &crate::allocation::SubscribedLeg| WireLeg {
            line: of_connections[&leg.connection],
            position: leg.instrument,
            mode: leg.mode,
            counted: side.instrument(leg.instrument).mode.unwrap_or(leg.mode),
        };
        side.subscriptions.legs.iter().map(leg).collect()
    }

    fn add(&mut self, line: Line<'a>) -> usize {
        *self.positions.entry(line).or_insert_with(|| {
            self.lines.push(line);
            self.lines.len() - 1
        })
    }
}

/// Returns the name by which the broker knows an instrument of a plan: its token or, if no file of the broker lists it,
/// its key.
pub(super) fn wire_name<'a>(side: &Side<'a>, position: u32) -> &'a str {
    side.instrument(position).token.as_deref().unwrap_or_else(|| side.key(position))
}
