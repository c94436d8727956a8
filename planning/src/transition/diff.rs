//! The difference between two plans at a broker, by instrument.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::NotComparable;
use super::legs::{Line, Side};
use crate::plan::Plan;
use crate::vocabulary::{Mode, words};

words! {
    /// The change of an instrument between two plans.
    ActionKind {
        /// It is subscribed.
        Subscribe = "subscribe",
        /// It is unsubscribed.
        Unsubscribe = "unsubscribe",
        /// Its mode changes.
        ChangeMode = "change_mode",
        /// It is subscribed on another connection or by another token.
        Move = "move",
    }
}

/// The stream of an instrument in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedStream<'a> {
    /// The planned mode.
    pub mode: Mode,
    /// The numbers of the connections that carry it: several if the mode has subscriptions at several endpoints.
    pub connections: Vec<u32>,
    /// The account of the connection to the market endpoint.
    pub account: &'a str,
    /// The broker's token. Null if no file of the broker lists the instrument.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub broker_token: Option<&'a str>,
}

/// An instrument whose connection, mode or token differs between two plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanAction<'a> {
    /// The change of its stream.
    pub action: ActionKind,
    /// The key of the instrument in the plan; if it is unsubscribed, in the earlier one.
    pub instrument: &'a str,
    /// The broker's token of the same plan. Null if no file of the broker lists the instrument.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub broker_token: Option<&'a str>,
    /// The number of the connection in the same plan, from 1; of several, that of the market endpoint.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub connection: u32,
    /// Its stream in the earlier plan. Absent if it is subscribed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub from: Option<PlannedStream<'a>>,
    /// Its stream in the plan. Absent if it is unsubscribed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub to: Option<PlannedStream<'a>>,
}

/// The number of actions of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionCounts {
    /// The number of instruments that are subscribed.
    pub subscribe: u32,
    /// The number of instruments that are unsubscribed.
    pub unsubscribe: u32,
    /// The number of instruments whose mode changes.
    pub change_mode: u32,
    /// The number of instruments that are subscribed on another connection or by another token.
    pub r#move: u32,
}

/// The difference between two plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanDiff<'a> {
    /// The instruments that differ: those of the plan in its order, then those of the earlier plan alone in its order.
    pub actions: Vec<PlanAction<'a>>,
    /// The number of actions of each kind.
    pub counts: ActionCounts,
    /// The number of subscribed instruments of both plans that do not differ.
    pub unchanged: u32,
}

/// The subscriptions of one instrument: the first connection, all connections, and the modes on them.
struct Streams<'a> {
    side: Side<'a>,
    /// For each instrument, its subscriptions as (connection, mode), by connection.
    of: Vec<Vec<(u32, Mode)>>,
}

impl<'a> Streams<'a> {
    fn new(side: Side<'a>) -> Self {
        let mut of = vec![Vec::new(); side.keys.len()];
        for leg in &side.subscriptions.legs {
            of[leg.instrument as usize].push((leg.connection, leg.mode));
        }
        of.iter_mut().for_each(|of| of.sort_unstable());
        Streams { side, of }
    }

    fn subscribed(&self) -> impl Iterator<Item = u32> {
        (0u32..).zip(&self.of).filter(|(_, of)| !of.is_empty()).map(|(position, _)| position)
    }

    /// Returns the connections of an instrument.
    fn lines(&self, position: u32) -> impl Iterator<Item = Line<'a>> {
        self.of[position as usize].iter().map(|(number, _)| {
            let of = self.side.connection(*number);
            Line { number: *number, account: &of.account, endpoint: &of.endpoint }
        })
    }

    /// Returns the connection of the market endpoint, or the first one.
    fn main_connection(&self, position: u32) -> u32 {
        let at_market = self.lines(position).find(Line::is_at_market);
        at_market.map_or(self.of[position as usize][0].0, |line| line.number)
    }

    fn stream(&self, position: u32) -> PlannedStream<'a> {
        let of = &self.of[position as usize];
        let instrument = self.side.instrument(position);
        PlannedStream {
            mode: instrument.mode.unwrap_or(of[0].1),
            connections: of.iter().map(|(connection, _)| *connection).collect(),
            account: &self.side.connection(self.main_connection(position)).account,
            broker_token: instrument.token.as_deref(),
        }
    }

    fn action(&self, action: ActionKind, position: u32) -> PlanAction<'a> {
        PlanAction {
            action,
            instrument: self.side.key(position),
            broker_token: self.side.instrument(position).token.as_deref(),
            connection: self.main_connection(position),
            from: None,
            to: None,
        }
    }
}

/// Returns the difference of a plan to an earlier one, or to an empty plan. An instrument is the same if its key is, or
/// if the key changed and its token and identity are the same.
///
/// # Errors
/// [`NotComparable`] if one of the plans has no subscriptions, or if their brokers differ.
pub fn diff<'a>(from: Option<&'a Plan>, to: &'a Plan) -> Result<PlanDiff<'a>, NotComparable> {
    let (from, to) = Side::pair(from, to)?;
    let (from, to) = (from.map(Streams::new), Streams::new(to));
    let mut diff = PlanDiff { actions: Vec::new(), counts: ActionCounts::default(), unchanged: 0 };
    let Some(from) = from else {
        for position in to.subscribed() {
            let action = PlanAction { to: Some(to.stream(position)), ..to.action(ActionKind::Subscribe, position) };
            diff.push(action);
        }
        return Ok(diff);
    };
    let earlier_of = matched(&from, &to);
    for position in to.subscribed() {
        let stream = || Some(to.stream(position));
        match earlier_of.get(&position) {
            None => diff.push(PlanAction { to: stream(), ..to.action(ActionKind::Subscribe, position) }),
            Some(earlier) => match changed(&from, *earlier, &to, position) {
                None => diff.unchanged += 1,
                Some(kind) => {
                    let from = Some(from.stream(*earlier));
                    diff.push(PlanAction { from, to: stream(), ..to.action(kind, position) });
                }
            },
        }
    }
    let matched: HashSet<u32> = earlier_of.into_values().collect();
    for position in from.subscribed().filter(|position| !matched.contains(position)) {
        let stream = Some(from.stream(position));
        diff.push(PlanAction { from: stream, ..from.action(ActionKind::Unsubscribe, position) });
    }
    Ok(diff)
}

impl<'a> PlanDiff<'a> {
    fn push(&mut self, action: PlanAction<'a>) {
        let ActionCounts { subscribe, unsubscribe, change_mode, r#move } = &mut self.counts;
        let count = match action.action {
            ActionKind::Subscribe => subscribe,
            ActionKind::Unsubscribe => unsubscribe,
            ActionKind::ChangeMode => change_mode,
            ActionKind::Move => r#move,
        };
        *count += 1;
        self.actions.push(action);
    }
}

/// Returns for instruments of a plan their positions in the earlier one.
fn matched(from: &Streams<'_>, to: &Streams<'_>) -> HashMap<u32, u32> {
    let earlier: HashMap<&str, u32> = from.subscribed().map(|position| (from.side.key(position), position)).collect();
    let mut of: HashMap<u32, u32> = HashMap::with_capacity(earlier.len());
    let mut renamed = Vec::new();
    for position in to.subscribed() {
        match earlier.get(to.side.key(position)) {
            Some(earlier) => {
                of.insert(position, *earlier);
            }
            None => renamed.push(position),
        }
    }
    if renamed.is_empty() {
        return of;
    }
    let taken: HashSet<u32> = of.values().copied().collect();
    let identity = |streams: &Streams<'_>, position: u32| {
        let instrument = streams.side.instrument(position);
        instrument.token.clone().map(|token| (token, instrument.identity))
    };
    let mut by_identity: HashMap<_, u32> = from
        .subscribed()
        .filter(|position| !taken.contains(position))
        .filter_map(|position| Some((identity(from, position)?, position)))
        .collect();
    for position in renamed {
        if let Some(earlier) = identity(to, position).and_then(|identity| by_identity.remove(&identity)) {
            of.insert(position, earlier);
        }
    }
    of
}

/// Returns the change of an instrument of both plans; `None` if nothing changes.
fn changed(from: &Streams<'_>, earlier: u32, to: &Streams<'_>, position: u32) -> Option<ActionKind> {
    let (old, new) = (from.side.instrument(earlier), to.side.instrument(position));
    if old.token != new.token {
        return Some(ActionKind::Move);
    }
    // A connection that one of them lacks serves a part of another mode.
    let is_mode_equal = old.mode == new.mode;
    let has_equal_lines = || from.lines(earlier).eq(to.lines(position));
    fn main_line<'a>(streams: &Streams<'a>, position: u32) -> (u32, &'a str) {
        let main = streams.main_connection(position);
        (main, &streams.side.connection(main).account)
    }
    if main_line(from, earlier) != main_line(to, position) || (is_mode_equal && !has_equal_lines()) {
        return Some(ActionKind::Move);
    }
    (!is_mode_equal).then_some(ActionKind::ChangeMode)
}
