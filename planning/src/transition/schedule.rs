//! The schedule of the messages that lead from one plan to the next.
//!
//! Each connection sends its messages at the pace of the broker. After each message all open subscriptions and
//! connections together are within the limits. A connection subscribes and changes modes in the order of the plan while
//! it has capacity, and unsubscribes only if it has none or nothing else is left to do. A connection that the plan
//! lacks closes when it is empty. If no order of mode changes is possible, the instruments that change are unsubscribed
//! first. Without the instruments that leave or change, the open subscriptions are a part of the plan, which is within
//! the limits: so every schedule comes to its end.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use foldhash::fast::RandomState;
use serde::Serialize;

use super::NotComparable;
use super::legs::{Line, Lines, Side, WireLeg, wire_name};
use super::open::Open;
use crate::accounts::accounts_of;
use crate::basis::Basis;
use crate::capacity::{ChangeMode, Limits};
use crate::plan::Plan;
use crate::source::ItemOptions;
use crate::vocabulary::{Mode, words};

words! {
    /// The effect of a message.
    BatchAction {
        /// It subscribes instruments.
        Subscribe = "subscribe",
        /// It unsubscribes instruments.
        Unsubscribe = "unsubscribe",
        /// It changes the mode of instruments.
        ChangeMode = "change_mode",
        /// It closes a connection that the plan lacks.
        Close = "close",
        /// It requests past candles.
        Request = "request",
    }
}

/// The instruments of one message to the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Batch<'a> {
    /// The time at which it is sent, in milliseconds after the schedule starts. A new connection opens at the start, or as soon as
    /// another one has closed if the account has no further connection.
    pub at_ms: u64,
    /// The number of the connection, from 1. Absent for historical data.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 1))]
    pub connection: Option<u32>,
    /// The account of the connection. Absent for historical data.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub account: Option<&'a str>,
    /// The endpoint of the connection. Absent for historical data.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub endpoint: Option<&'a str>,
    /// The effect of the message.
    pub action: BatchAction,
    /// The mode of the subscriptions; the new one if it changes. Absent for historical data and if a connection closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub mode: Option<Mode>,
    /// The keys of the instruments.
    pub instruments: Vec<&'a str>,
    /// The broker's tokens of the instruments; null if no file of the broker lists an instrument.
    pub tokens: Vec<Option<&'a str>>,
    /// The segments of the instruments, for the form of the SDK.
    #[serde(skip)]
    pub(super) segments: Vec<Option<crate::vocabulary::Segment>>,
}

/// The time until the instruments of one priority are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadyTime {
    /// Whether the instruments are pinned.
    pub pinned: bool,
    /// Their priority.
    pub priority: u32,
    /// The number of instruments that are subscribed or change their mode.
    pub instruments: u32,
    /// The time until the last of them is subscribed in its mode, in milliseconds.
    pub time_to_ready_ms: u64,
}

/// The messages that lead from one plan to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Schedule<'a> {
    /// The messages in the order in which they are sent. After each of them the open subscriptions exceed no limit.
    pub batches: Vec<Batch<'a>>,
    /// The time until the last instrument is subscribed in its mode, in milliseconds.
    pub time_to_ready_ms: u64,
    /// The same for the instruments of each priority, the pinned and the highest first.
    pub ready: Vec<ReadyTime>,
    /// Warnings about the schedule.
    pub warnings: Vec<String>,
}

/// The options of a schedule that a caller can choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScheduleOptions {
    /// Only the messages of the connection with this number. Without an earlier plan the other connections stay as they
    /// are.
    pub connection: Option<u32>,
}

/// Returns the schedule from an earlier plan, or from nothing.
///
/// # Errors
/// [`NotComparable`] if one of the plans has no subscriptions, or if their brokers differ.
pub fn schedule<'a>(
    from: Option<&'a Plan>,
    to: &'a Plan,
    options: ScheduleOptions,
    basis: Basis<'a>,
) -> Result<Schedule<'a>, NotComparable> {
    let (from, to) = Side::pair(from, to)?;
    let mut lines = Lines::default();
    let to_legs = lines.legs_of(&to);
    let from_legs = from.map(|from| lines.legs_of(&from)).unwrap_or_default();
    let accounts = [Some(to), from].into_iter().flatten();
    let accounts: Vec<_> = accounts
        .flat_map(|side| accounts_of(&side.part.request.request().feed, side.broker(), basis.brokers))
        .collect();
    let capacity = basis.brokers.capacity().of(to.broker());
    let limits_of = |name: &str| -> &'a Limits {
        let known = accounts.iter().find(|account| account.name == name).map(|account| account.limits);
        known.unwrap_or(&capacity.tiers[capacity.default_tier].limits)
    };
    let open = Open::new(&lines.lines, limits_of);
    let is_selected = |line: usize| {
        let is_alone = from.is_none().then_some(options.connection).flatten();
        is_alone.is_none_or(|number| lines.lines[line].number == number)
    };
    let mut planner = Planner::new(&lines.lines, open, to, from, basis);
    planner.start(&from_legs, &to_legs, is_selected);
    planner.run();
    let Planner { mut batches, ready_at, warnings, .. } = planner;
    if let Some(number) = options.connection {
        batches.retain(|batch| batch.connection == Some(number));
    }
    let selected: Option<HashSet<u32>> = options.connection.map(|number| {
        let of_connection = to_legs.iter().filter(|leg| lines.lines[leg.line].number == number);
        of_connection.map(|leg| leg.position).collect()
    });
    let ready_at =
        ready_at.into_iter().filter(|(position, _)| selected.as_ref().is_none_or(|of| of.contains(position)));
    let ready = ready_times(ready_at, &to, basis);
    let time_to_ready_ms = ready.iter().map(|ready| ready.time_to_ready_ms).max().unwrap_or(0);
    Ok(Schedule { batches, time_to_ready_ms, ready, warnings })
}

/// Returns the times by priority. The options are those of the request; an instrument that a selector found and no
/// longer finds has the defaults.
fn ready_times(ready_at: impl Iterator<Item = (u32, u64)>, to: &Side<'_>, basis: Basis<'_>) -> Vec<ReadyTime> {
    let request = to.part.request.request();
    let sourced = request.source.resolve(basis.catalogue, request.options.as_of);
    let of_keys = if sourced.options.is_empty() { request.feed.options_of(&sourced.keys) } else { sourced.options };
    // Few instruments of a large plan change.
    let ready_at: Vec<(u32, u64)> = ready_at.collect();
    let mut options: HashMap<&str, Option<ItemOptions>> =
        ready_at.iter().map(|(position, _)| (to.key(*position), None)).collect();
    for (key, own) in sourced.keys.iter().zip(&of_keys) {
        if let Some(options) = options.get_mut(key) {
            match options {
                Some(options) => options.merge(*own, None),
                None => *options = Some(*own),
            }
        }
    }
    let mut times: BTreeMap<(bool, u32), ReadyTime> = BTreeMap::new();
    for (position, at) in ready_at {
        let ItemOptions { is_pinned, priority, .. } = options[to.key(position)].unwrap_or_default();
        let none = ReadyTime { pinned: is_pinned, priority, instruments: 0, time_to_ready_ms: 0 };
        let time = times.entry((is_pinned, priority)).or_insert(none);
        time.instruments += 1;
        time.time_to_ready_ms = time.time_to_ready_ms.max(at);
    }
    times.into_values().rev().collect()
}

/// Subscriptions of one connection that one message can treat alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct MessageKind {
    mode: Mode,
    counted: Mode,
    /// The mode before, and the one in which the instrument counted; `None` if it was not subscribed.
    before: Option<(Mode, Mode)>,
}

#[derive(Clone, Debug, Default)]
struct Pending {
    /// The positions in the plan of the instruments to subscribe or change, by kind, in the order in which they are
    /// sent. The first number is their rank on the connection.
    wanted: BTreeMap<MessageKind, VecDeque<(u32, u32)>>,
    /// The positions in the earlier plan of the instruments to unsubscribe, the least valuable first.
    unwanted: BTreeMap<(Mode, Mode), VecDeque<(u32, u32)>>,
    /// The time at which the connection can send the next message.
    free_at: u64,
    is_blocked: bool,
    /// Whether the plan has the connection.
    is_planned: bool,
}

impl Pending {
    fn has_wanted(&self) -> bool {
        self.wanted.values().any(|of_kind| !of_kind.is_empty())
    }

    fn has_unwanted(&self) -> bool {
        self.unwanted.values().any(|of_kind| !of_kind.is_empty())
    }
}

struct Planner<'a, 'l> {
    lines: &'l [Line<'a>],
    open: Open<'l, 'a>,
    to: Side<'a>,
    from: Option<Side<'a>>,
    basis: Basis<'a>,
    pending: Vec<Pending>,
    batches: Vec<Batch<'a>>,
    /// The time at which the last subscription of an instrument is sent, by its position.
    ready_at: BTreeMap<u32, u64>,
    /// For each account, the time at which the last message that gave capacity back has been sent.
    released_at: BTreeMap<usize, u64>,
    warnings: Vec<String>,
}

impl<'a, 'l> Planner<'a, 'l> {
    fn new(lines: &'l [Line<'a>], open: Open<'l, 'a>, to: Side<'a>, from: Option<Side<'a>>, basis: Basis<'a>) -> Self {
        let pending = vec![Pending::default(); lines.len()];
        let (batches, ready_at, released_at, warnings) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), Vec::new());
        Planner { lines, open, to, from, basis, pending, batches, ready_at, released_at, warnings }
    }

    /// Opens the earlier subscriptions and collects the work. Of lines that are not selected, the subscriptions are
    /// open already.
    fn start(&mut self, from_legs: &[WireLeg], to_legs: &[WireLeg], is_selected: impl Fn(usize) -> bool) {
        let mut earlier: HashMap<(usize, &str), usize, RandomState> =
            HashMap::with_capacity_and_hasher(from_legs.len(), RandomState::default());
        if let Some(from) = self.from {
            for (at, leg) in from_legs.iter().enumerate() {
                self.open.add(leg.line, leg.counted, 1);
                self.open.connect(leg.line);
                earlier.insert((leg.line, wire_name(&from, leg.position)), at);
            }
        }
        for leg in to_legs {
            self.pending[leg.line].is_planned = true;
            if !is_selected(leg.line) {
                self.open.connect(leg.line);
            }
        }
        // The connections that the account has left open at the start, those that need a closed one wait.
        for line in 0..self.lines.len() {
            if self.pending[line].is_planned && !self.open.is_connected(line) && self.open.can_connect(line) {
                self.open.connect(line);
                self.pending[line].free_at = self.opening_ms(line);
            }
        }
        let mut is_matched = vec![false; from_legs.len()];
        for (rank, leg) in (0u32..).zip(to_legs) {
            if !is_selected(leg.line) {
                self.open.add(leg.line, leg.counted, 1);
                continue;
            }
            let known = earlier.get(&(leg.line, wire_name(&self.to, leg.position))).map(|at| (*at, from_legs[*at]));
            let before = known.map(|(_, leg)| (leg.mode, leg.counted));
            if let Some((at, known)) = known {
                is_matched[at] = true;
                if known.mode == leg.mode {
                    self.open.remove(leg.line, known.counted, 1);
                    self.open.add(leg.line, leg.counted, 1);
                    continue;
                }
            }
            let kind = MessageKind { mode: leg.mode, counted: leg.counted, before };
            self.pending[leg.line].wanted.entry(kind).or_default().push_back((rank, leg.position));
        }
        let unwanted = from_legs.iter().zip(&is_matched).rev().filter(|(_, is_matched)| !**is_matched);
        for (rank, (leg, _)) in (0u32..).zip(unwanted) {
            let of_kind = self.pending[leg.line].unwanted.entry((leg.mode, leg.counted)).or_default();
            of_kind.push_back((rank, leg.position));
        }
    }

    fn run(&mut self) {
        let mut has_warned = false;
        loop {
            let waiting = (0..self.lines.len()).filter(|line| self.pending[*line].has_wanted());
            let next = waiting.clone().filter(|line| !self.pending[*line].is_blocked);
            if let Some(line) = next.min_by_key(|line| self.pending[*line].free_at) {
                if self.send_wanted(line) {
                    continue;
                }
                match self.pending[line].has_unwanted() {
                    true => self.send_unwanted(line),
                    false => self.pending[line].is_blocked = true,
                }
                continue;
            }
            let blocked: Vec<usize> = waiting.collect();
            let accounts: Vec<usize> = blocked.iter().map(|line| self.open.account(*line)).collect();
            let takes_capacity = |line: &usize| !accounts.contains(&self.open.account(*line));
            let leaving = (0..self.lines.len()).filter(|line| self.pending[*line].has_unwanted());
            if let Some(line) = leaving.min_by_key(|line| (takes_capacity(line), self.pending[*line].free_at)) {
                self.send_unwanted(line);
            } else if blocked.is_empty() {
                return;
            } else if !blocked.iter().any(|line| self.resubscribe_changes(*line)) {
                if !std::mem::replace(&mut has_warned, true) {
                    let broker = self.to.broker();
                    self.warnings.push(format!(
                        "the plan exceeds the limits of {broker} that are in effect now; create it again"
                    ));
                }
                self.send_in_excess(blocked[0]);
            }
        }
    }

    /// Sends the first message that the limits allow. Returns whether there is one.
    fn send_wanted(&mut self, line: usize) -> bool {
        let pending = &self.pending[line];
        let mut kinds: Vec<(u32, MessageKind)> =
            pending.wanted.iter().filter_map(|(kind, queue)| Some((queue.front()?.0, *kind))).collect();
        kinds.sort_unstable();
        let has_unwanted = pending.has_unwanted();
        for (_, kind) in kinds {
            let count = self.sendable(line, kind);
            if count > 0 {
                self.send(line, kind, count);
                return true;
            }
            if has_unwanted {
                return false;
            }
        }
        false
    }

    /// Returns the number of instruments of a kind that the next message can treat.
    fn sendable(&self, line: usize, kind: MessageKind) -> u32 {
        let waiting = self.pending[line].wanted.get(&kind).map_or(0, VecDeque::len);
        let max = self.open.limits(line).subscribe.instruments_per_message.value.max(1);
        let count = u32::try_from(waiting).unwrap_or(u32::MAX).min(max);
        match kind.before {
            None => count.min(self.open.capacity_left(line, kind.counted)),
            Some((_, counted)) => self.open.changes_left(line, counted, kind.counted, count),
        }
    }

    /// Returns the time until a new connection can send its first message, milliseconds.
    fn opening_ms(&self, line: usize) -> u64 {
        let quiet = self.open.limits(line).subscribe.quiet_ms.as_ref().map_or(0, |figure| u64::from(figure.value));
        self.basis.brokers.connect_ms() + quiet
    }

    fn send(&mut self, line: usize, kind: MessageKind, count: u32) {
        if !self.open.is_connected(line) {
            self.open.connect(line);
            let closed_at = self.released_at.get(&self.open.account(line)).copied().unwrap_or(0);
            self.pending[line].free_at = self.pending[line].free_at.max(closed_at) + self.opening_ms(line);
        }
        let queue = self.pending[line].wanted.entry(kind).or_default();
        let positions: Vec<u32> = queue.drain(..count as usize).map(|(_, position)| position).collect();
        let mut action = BatchAction::Subscribe;
        if let Some((mode, counted)) = kind.before {
            if self.open.limits(line).change_mode.value == ChangeMode::Resubscribe {
                self.push(line, BatchAction::Unsubscribe, Some(mode), self.to, &positions);
            } else {
                action = BatchAction::ChangeMode;
            }
            self.open.remove(line, counted, count);
        }
        self.open.add(line, kind.counted, count);
        let end = self.push(line, action, Some(kind.mode), self.to, &positions);
        if kind.before.is_some() {
            // Another connection may now have capacity for the earlier mode, or with fewer modes.
            self.unblock(end);
        }
        for position in positions {
            let at = self.ready_at.entry(position).or_default();
            *at = end.max(*at);
        }
    }

    /// Unsubscribes as many instruments as one message can.
    fn send_unwanted(&mut self, line: usize) {
        let from = self.from.unwrap_or(self.to);
        let max = self.open.limits(line).subscribe.instruments_per_message.value.max(1) as usize;
        let of_kinds = self.pending[line].unwanted.iter();
        let first = of_kinds.filter_map(|(kind, queue)| Some((queue.front()?.0, *kind))).min();
        let Some((_, kind)) = first else { return };
        let queue = self.pending[line].unwanted.entry(kind).or_default();
        let count = queue.len().min(max);
        let positions: Vec<u32> = queue.drain(..count).map(|(_, position)| position).collect();
        let (mode, counted) = kind;
        self.open.remove(line, counted, u32::try_from(count).unwrap_or(u32::MAX));
        let end = self.push(line, BatchAction::Unsubscribe, Some(mode), from, &positions);
        if self.open.is_empty(line) && !self.pending[line].is_planned {
            self.push(line, BatchAction::Close, None, from, &[]);
            self.open.close(line);
        }
        self.unblock(end);
    }

    /// Lets all connections try again to send messages, but not before a time.
    fn unblock(&mut self, at: u64) {
        for pending in &mut self.pending {
            if std::mem::take(&mut pending.is_blocked) {
                pending.free_at = pending.free_at.max(at);
            }
        }
    }

    /// Unsubscribes all instruments of a connection whose mode changes, so that they are subscribed again. Returns
    /// whether there are any.
    fn resubscribe_changes(&mut self, line: usize) -> bool {
        let changes: Vec<MessageKind> = self.pending[line]
            .wanted
            .iter()
            .filter(|(kind, queue)| kind.before.is_some() && !queue.is_empty())
            .map(|(kind, _)| *kind)
            .collect();
        let mut end = 0;
        for kind in &changes {
            let Some((mode, counted)) = kind.before else { continue };
            let queue = self.pending[line].wanted.remove(kind).unwrap_or_default();
            let positions: Vec<u32> = queue.iter().map(|(_, position)| *position).collect();
            let max = self.open.limits(line).subscribe.instruments_per_message.value.max(1) as usize;
            for positions in positions.chunks(max) {
                self.open.remove(line, counted, u32::try_from(positions.len()).unwrap_or(u32::MAX));
                end = self.push(line, BatchAction::Unsubscribe, Some(mode), self.to, positions);
            }
            let of_kind = self.pending[line].wanted.entry(MessageKind { before: None, ..*kind }).or_default();
            of_kind.extend(queue);
            of_kind.make_contiguous().sort_unstable();
        }
        if !changes.is_empty() {
            self.unblock(end);
        }
        !changes.is_empty()
    }

    /// Sends the first message of a connection although a limit does not allow it.
    fn send_in_excess(&mut self, line: usize) {
        let of_kinds = self.pending[line].wanted.iter();
        let first = of_kinds.filter_map(|(kind, queue)| Some((queue.front()?.0, *kind, queue.len()))).min();
        let Some((_, kind, waiting)) = first else { return };
        let max = self.open.limits(line).subscribe.instruments_per_message.value.max(1);
        self.send(line, kind, max.min(u32::try_from(waiting).unwrap_or(u32::MAX)));
    }

    /// Adds a message and returns the time at which it has been sent. A message that may need capacity is sent after
    /// all those of the account that gave capacity back.
    fn push(&mut self, line: usize, action: BatchAction, mode: Option<Mode>, side: Side<'a>, positions: &[u32]) -> u64 {
        let Line { number, account, endpoint } = self.lines[line];
        let now = self.batches.last().map_or(0, |batch| batch.at_ms);
        let released_at = self.released_at.entry(self.open.account(line)).or_default();
        let gives_back = matches!(action, BatchAction::Unsubscribe | BatchAction::Close);
        let at_ms = self.pending[line].free_at.max(now).max(if gives_back { 0 } else { *released_at });
        let batch = Batch {
            at_ms,
            connection: Some(number),
            account: Some(account),
            endpoint: Some(endpoint),
            action,
            mode,
            instruments: positions.iter().map(|position| side.key(*position)).collect(),
            tokens: positions.iter().map(|position| side.instrument(*position).token.as_deref()).collect(),
            segments: positions.iter().map(|position| side.instrument(*position).segment).collect(),
        };
        let pause = pause_ms(self.open.limits(line));
        let sent = batch.sent(side.broker());
        let end = at_ms + sent * self.basis.brokers.message_ms() + sent.saturating_sub(1) * pause;
        if action != BatchAction::Subscribe {
            *released_at = end.max(*released_at);
        }
        self.pending[line].free_at = end + pause;
        self.batches.push(batch);
        end
    }
}

/// Returns the pause between two messages of a connection, milliseconds.
pub(crate) fn pause_ms(limits: &Limits) -> u64 {
    let by_rate = limits.subscribe.messages_per_second.as_ref().map_or(0, |figure| 1000 / figure.value.max(1));
    u64::from(limits.subscribe.pause_ms.value.max(by_rate))
}
