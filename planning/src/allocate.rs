//! Allocates a plan at a broker: composes its connections, limits and subscriptions from its fit and its placement.

mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::places::underlyings;
use crate::accounts::{PlanAccount, accounts_of};
use crate::allocation::{
    AllocatedConnection, Allocation, BrokerPart, LoweredMode, SubscribedInstrument, SubscribedLeg, Subscriptions,
    SubstitutedMode, TermsTable, UsedLimit,
};
use crate::basis::Basis;
use crate::broker::{rate_amount, rounded, thousandths};
use crate::capacity::{Limits, MARKET, Scope, Sourced};
use crate::fit::{ChangedMode, Fit, LimitName};
use crate::identity::identity_hash;
use crate::instrument::compare_keys;
use crate::placement::{PlacedItem, Placement, place};
use crate::request::{PlanRequest, RequestDocument, Resolved, ResolvedItem};
use crate::subscriptions::message_count;
use crate::transition::pause_ms;
use crate::vocabulary::{Broker, InstrumentType, Mode, PlacementStrategy, counted};

/// The age of a figure after which a plan warns about it, in days.
const FIGURE_DAYS_MAX: i64 = 180;
/// The source of the maximum of a plan.
pub(crate) const OWN_MAXIMUM: &str = "the lowest maximum of the request, the profile and the settings";

/// The part of a plan that its broker determines, and its consequences for the rest of the plan.
pub(crate) struct AllocationResult {
    pub(crate) part: BrokerPart,
    pub(crate) warnings: Vec<String>,
    /// The time until the last instrument is subscribed or requested, milliseconds.
    pub(crate) ready_ms: u64,
    pub(crate) bytes_per_second: u64,
    pub(crate) memory_bytes: u64,
}

/// Allocates a plan with these instruments, in its order.
pub(crate) fn allocate(
    request: &PlanRequest,
    resolved: &Resolved,
    kept: &[ResolvedItem],
    fitted: &Fit,
    broker: Broker,
    basis: Basis<'_>,
) -> AllocationResult {
    let accounts = accounts_of(&request.feed, broker, basis.brokers);
    let usual = request.feed.mode_of_others(request.subscription_type, basis.brokers);
    let mut composer =
        Composer { request, resolved, kept, fitted, broker, basis, accounts: &accounts, used: Vec::new() };
    match usual {
        Some(_) => composer.stream(),
        None => composer.history(),
    }
}

struct Composer<'a> {
    request: &'a PlanRequest,
    resolved: &'a Resolved,
    kept: &'a [ResolvedItem],
    fitted: &'a Fit,
    broker: Broker,
    basis: Basis<'a>,
    accounts: &'a [PlanAccount<'a>],
    /// The figures that the plan depends on: name, whether it is assumed, and the day of its source.
    used: Vec<(String, bool, chrono::NaiveDate)>,
}

/// The number of instruments by type and mode of the subscription.
type Numbers = BTreeMap<(Option<InstrumentType>, Mode), u32>;

/// The number of types, with that of unknown instruments.
const TYPES: usize = InstrumentType::ALL.len() + 1;

/// A value for each type, by [`type_index`].
type PerType<T> = [T; TYPES];

fn type_index(class: Option<InstrumentType>) -> usize {
    class.map_or(0, |class| class as usize + 1)
}

fn types() -> impl Iterator<Item = Option<InstrumentType>> {
    std::iter::once(None).chain(InstrumentType::ALL.into_iter().map(Some))
}

fn numbers_of(counts: &PerType<[u32; Mode::ALL.len()]>) -> Numbers {
    let of_type =
        |class| Mode::ALL.into_iter().map(move |mode| ((class, mode), counts[type_index(class)][mode as usize]));
    types().flat_map(of_type).filter(|(_, count)| *count > 0).collect()
}

impl<'a> Composer<'a> {
    fn stream(&mut self) -> AllocationResult {
        let classes: Vec<Option<InstrumentType>> = self.kept.iter().map(|item| self.class_of(*item)).collect();
        let rates: Vec<PerType<u32>> = self.fitted.in_play.modes().iter().map(|mode| self.rates_of(*mode)).collect();
        let rules = self.placement_rules();
        let underlyings = match rules.strategy {
            PlacementStrategy::Balanced => vec![None; self.kept.len()],
            PlacementStrategy::Together | PlacementStrategy::Spread => underlyings(self.kept, self.basis.catalogue),
        };
        let place_item = |((item, class), underlying): ((&ResolvedItem, &Option<InstrumentType>), Option<u32>)| {
            let mode = self.fitted.mode_position(*item);
            let rate = mode.map_or(0, |mode| rates[mode][type_index(*class)]);
            PlacedItem { mode, rate, rank: 0, underlying }
        };
        let mut items: Vec<PlacedItem> = self.kept.iter().zip(&classes).zip(underlyings).map(place_item).collect();
        self.by_value().zip(0u32..).for_each(|(at, rank)| items[at].rank = rank);
        let placement = place(self.fitted, self.accounts, &items, &rules);

        let mut counts = vec![[[0u32; Mode::ALL.len()]; TYPES]; placement.connections.len()];
        for leg in &placement.legs {
            let class = classes[leg.instrument as usize];
            counts[leg.connection as usize][type_index(class)][leg.mode as usize] += 1;
        }
        let numbers: Vec<Numbers> = counts.iter().map(numbers_of).collect();
        let connections: Vec<AllocatedConnection> =
            (0..placement.connections.len()).map(|at| self.connection(at, &placement, &numbers[at])).collect();
        let limits = self.limits(&placement, &numbers);
        let subscriptions = self.subscriptions(&placement);
        let ready_ms = placement.connections.iter().map(|connection| {
            let limits = self.accounts[connection.account].limits;
            let instruments_max = limits.subscribe.instruments_per_message.value;
            self.ready_ms(limits, message_count(self.broker, &subscriptions, connection.number, instruments_max))
        });
        let ready_ms = ready_ms.max().unwrap_or(0);
        for (connection, numbers) in placement.connections.iter().zip(&numbers) {
            let limits = self.accounts[connection.account].limits;
            self.use_subscribe_figures(limits);
            self.use_packet_figures(limits, numbers);
        }
        self.use_segments();
        let bytes_per_second = connections.iter().map(|connection| connection.bytes_per_second).sum();
        let (lowered, substituted) = self.changed();
        let mut assumed = self.assumed();
        if !connections.is_empty() {
            // Both figures depend on the update rates, for which no broker has figures.
            assumed.insert("messages_per_second".to_owned());
            assumed.insert("bytes_per_second".to_owned());
        }
        let opened = connections.len();
        let allocation = Allocation {
            connections: Some(connections),
            limits,
            lowered,
            substituted,
            unchanged_placement: self.unchanged(&placement, &rules),
            time_to_ready_ms: Some(ready_ms),
            assumed: assumed.into_iter().collect(),
            ..self.allocation()
        };
        let memory_bytes = self.basis.brokers.memory_bytes(bytes_per_second, None);
        let mut allocated = self.composed(allocation, Some(subscriptions), ready_ms, bytes_per_second, memory_bytes);
        if let Some(requested) = self.request.feed.connections.filter(|requested| *requested > count(opened)) {
            let reason = self.why_no_further_connection(&placement, &rules);
            allocated
                .warnings
                .push(format!("{} requested, {opened} opened: {reason}", counted(requested, "connection")));
        }
        allocated
    }

    fn history(&mut self) -> AllocationResult {
        let requests = self.kept.len() as u64;
        let figures: Vec<&Limits> = self.accounts.iter().map(|account| account.limits).collect();
        for limits in &figures {
            self.use_figure("requests_per_second", &limits.historical.requests_per_second);
            self.use_figure("days_per_request", &limits.historical.days_per_request);
        }
        let per_second: u32 = figures.iter().map(|limits| limits.historical.requests_per_second.value).sum();
        let days = figures.iter().map(|limits| limits.historical.days_per_request.value).min().unwrap_or(1);
        let complete_ms = self.basis.brokers.history_ms(requests, per_second);
        let allocation = Allocation {
            limits: vec![self.plan_limit()],
            requests: Some(requests),
            requests_per_second: Some(per_second),
            days_per_request: Some(days),
            time_to_complete_ms: Some(complete_ms),
            assumed: self.assumed().into_iter().collect(),
            ..self.allocation()
        };
        let memory_bytes = self.basis.brokers.memory_bytes(0, Some((requests, days)));
        self.composed(allocation, None, complete_ms, 0, memory_bytes)
    }

    fn composed(
        &self,
        allocation: Allocation,
        subscriptions: Option<Subscriptions>,
        ready_ms: u64,
        bytes_per_second: u64,
        memory_bytes: u64,
    ) -> AllocationResult {
        let request = RequestDocument::of(self.request);
        let part = BrokerPart { allocation: Arc::new(allocation), subscriptions, request };
        AllocationResult {
            part,
            warnings: self.old_figures().into_iter().collect(),
            ready_ms,
            bytes_per_second,
            memory_bytes,
        }
    }

    /// Returns an allocation without connections.
    fn allocation(&self) -> Allocation {
        let lowest = self.accounts.iter().min_by_key(|account| account.tier_rank);
        Allocation {
            broker: self.broker,
            tier: lowest.map_or_else(String::new, |account| account.tier.to_owned()),
            accounts: self.accounts.iter().map(|account| account.name.clone()).collect(),
            connections: None,
            limits: Vec::new(),
            lowered: Vec::new(),
            substituted: Vec::new(),
            needed: self.fitted.needed(self.accounts, self.request.options.max_instruments),
            unchanged_placement: None,
            time_to_ready_ms: None,
            requests: None,
            requests_per_second: None,
            days_per_request: None,
            time_to_complete_ms: None,
            assumed: Vec::new(),
        }
    }

    /// Returns the expected number of messages in a second of each type, in thousandths.
    fn rates_of(&self, mode: Mode) -> PerType<u32> {
        let mut rates = [0; TYPES];
        for class in types() {
            rates[type_index(class)] = thousandths(self.basis.brokers.messages_per_second(class, mode));
        }
        rates
    }

    fn class_of(&self, item: ResolvedItem) -> Option<InstrumentType> {
        item.id.map(|id| self.basis.catalogue.get(id).class())
    }

    fn connection(&self, at: usize, placement: &Placement, numbers: &Numbers) -> AllocatedConnection {
        let connection = &placement.connections[at];
        let account = &self.accounts[connection.account];
        let mut modes: BTreeMap<Mode, u32> = BTreeMap::new();
        let (mut messages, mut bytes) = (0.0, 0.0);
        for ((class, mode), number) in numbers {
            *modes.entry(*mode).or_default() += number;
            let rate = self.basis.brokers.messages_per_second(*class, *mode) * f64::from(*number);
            messages += rate;
            bytes += rate * f64::from(packet_bytes(account.limits, *class, *mode));
        }
        AllocatedConnection {
            connection: connection.number,
            account: account.name.clone(),
            endpoint: connection.endpoint.clone(),
            instruments: modes.values().sum(),
            modes,
            messages_per_second: rate_amount(messages),
            bytes_per_second: rounded(bytes),
        }
    }

    /// Estimates the time until the last instrument of a connection is subscribed.
    fn ready_ms(&self, limits: &Limits, messages: u64) -> u64 {
        let subscribe = &limits.subscribe;
        let pause = pause_ms(limits);
        let quiet = subscribe.quiet_ms.as_ref().map_or(0, |figure| u64::from(figure.value));
        let brokers = self.basis.brokers;
        brokers.connect_ms() + quiet + messages * brokers.message_ms() + messages.saturating_sub(1) * pause
    }

    fn use_figure<T>(&mut self, name: &str, figure: &Sourced<T>) {
        if !self.used.iter().any(|(known, _, seen)| known == name && *seen == figure.seen) {
            self.used.push((name.to_owned(), figure.is_assumed(), figure.seen));
        }
    }

    fn use_subscribe_figures(&mut self, limits: &Limits) {
        self.use_figure("instruments_per_message", &limits.subscribe.instruments_per_message);
        self.use_figure("pause_ms", &limits.subscribe.pause_ms);
        if let Some(figure) = &limits.subscribe.messages_per_second {
            self.use_figure("subscribe.messages_per_second", figure);
        }
        if let Some(figure) = &limits.subscribe.quiet_ms {
            self.use_figure("quiet_ms", figure);
        }
    }

    fn use_packet_figures(&mut self, limits: &Limits, numbers: &Numbers) {
        for (class, mode) in numbers.keys() {
            if let Some((table, figure)) = packet_figure(limits, *class, *mode) {
                self.use_figure(&format!("{table}.{mode}"), figure);
            }
        }
    }

    /// Uses the segments of all modes that are requested or planned: they decide which of them are offered.
    fn use_segments(&mut self) {
        let Some(highest) = self.accounts.iter().max_by_key(|account| account.tier_rank) else { return };
        let requested = self.resolved.options.iter().filter_map(|options| options.mode);
        let usual = self.request.feed.mode_of_others(self.request.subscription_type, self.basis.brokers);
        let planned = self.fitted.in_play.modes().iter().copied();
        let modes: BTreeSet<Mode> = requested.chain(usual).chain(planned).collect();
        for (mode, of_mode) in &highest.limits.modes {
            if let Some(segments) = of_mode.segments.as_ref().filter(|_| modes.contains(mode)) {
                self.use_figure(&format!("modes.{mode}.segments"), segments);
            }
        }
    }

    fn assumed(&self) -> BTreeSet<String> {
        self.used.iter().filter(|(_, is_assumed, _)| *is_assumed).map(|(name, ..)| name.clone()).collect()
    }

    /// Returns the warning about figures whose sources were checked long ago.
    fn old_figures(&self) -> Option<String> {
        let as_of = self.request.options.as_of;
        let is_old = |seen: chrono::NaiveDate| (as_of - seen).num_days() > FIGURE_DAYS_MAX;
        let old = self.used.iter().filter(|(_, _, seen)| is_old(*seen));
        let old: Vec<String> = old.map(|(name, _, seen)| format!("`{name}` seen {seen}")).collect();
        (!old.is_empty()).then(|| {
            format!(
                "figures of {} were checked more than {FIGURE_DAYS_MAX} days before {as_of}: {}",
                self.broker,
                old.join(", ")
            )
        })
    }

    fn changed(&self) -> (Vec<LoweredMode>, Vec<SubstitutedMode>) {
        let (mut lowered, mut substituted) = (Vec::new(), Vec::new());
        let key = |changed: &ChangedMode| self.resolved.keys.key(changed.position as usize);
        let mut changed: Vec<&ChangedMode> = self.fitted.changed.iter().collect();
        if self.resolved.is_order_free {
            changed.sort_by(|a, b| compare_keys(key(a), key(b)));
        }
        for changed in changed {
            let instrument = self.resolved.keys.key(changed.position as usize).to_owned();
            let (from, to) = (changed.from, changed.to);
            match &changed.limit {
                Some(limit) => lowered.push(LoweredMode { instrument, from, to, limit: limit.to_string() }),
                None => substituted.push(SubstitutedMode { instrument, from, to }),
            }
        }
        (lowered, substituted)
    }

    fn plan_limit(&self) -> UsedLimit {
        let (used, allowed) = (count(self.kept.len()), self.request.options.max_instruments);
        UsedLimit {
            limit: LimitName::MaxInstruments.to_string(),
            scope: "plan".to_owned(),
            used,
            allowed,
            binding: used >= allowed,
            source: OWN_MAXIMUM.to_owned(),
            seen: None,
        }
    }

    /// Returns the limits of the plan, of its accounts and of its connections.
    fn limits(&mut self, placement: &Placement, numbers: &[Numbers]) -> Vec<UsedLimit> {
        let mut limits = vec![self.plan_limit()];
        // An instrument counts in the mode that was planned for it, on the connection of its first subscription.
        let is_first: Vec<bool> =
            placement.connections.iter().map(|connection| connection.endpoint == MARKET).collect();
        let mut counts = vec![[0u32; Mode::ALL.len()]; placement.connections.len()];
        for leg in placement.legs.iter().filter(|leg| is_first[leg.connection as usize]) {
            if let Some(mode) = self.fitted.mode(self.kept[leg.instrument as usize]) {
                counts[leg.connection as usize][mode as usize] += 1;
            }
        }
        let of_modes = |counts: &[u32; Mode::ALL.len()]| {
            let counts = Mode::ALL.into_iter().zip(*counts);
            counts.filter(|(_, count)| *count > 0).collect::<BTreeMap<Mode, u32>>()
        };
        let of_connections: Vec<BTreeMap<Mode, u32>> = counts.iter().map(of_modes).collect();
        for (position, account) in self.accounts.iter().enumerate() {
            let own: Vec<usize> =
                (0..placement.connections.len()).filter(|at| placement.connections[*at].account == position).collect();
            if own.is_empty() {
                continue;
            }
            let scope = format!("account {}", account.name);
            self.push(&mut limits, &LimitName::Connections, &scope, count(own.len()), &account.limits.connections);
            let mut of_account: BTreeMap<Mode, u32> = BTreeMap::new();
            for (mode, number) in own.iter().flat_map(|at| &of_connections[*at]) {
                *of_account.entry(*mode).or_default() += number;
            }
            if let Some(figure) = &account.limits.instruments_per_account {
                let used = of_account.values().sum();
                self.push(&mut limits, &LimitName::InstrumentsPerAccount, &scope, used, figure);
            }
            self.push_modes(&mut limits, account.limits, Scope::Account, &scope, &of_account);
            for at in own {
                let scope = format!("connection {}", placement.connections[at].number);
                let used = numbers[at].values().sum();
                let endpoint = placement.connections[at].endpoint.as_str();
                let (name, figure) = match endpoint {
                    MARKET => (LimitName::InstrumentsPerConnection, account.limits.instruments_per_connection.as_ref()),
                    other => (LimitName::EndpointInstruments(other.to_owned()), account.limits.endpoints.get(other)),
                };
                if let Some(figure) = figure {
                    self.push(&mut limits, &name, &scope, used, figure);
                }
                self.push_modes(&mut limits, account.limits, Scope::Connection, &scope, &of_connections[at]);
            }
        }
        limits
    }

    fn push_modes(
        &mut self,
        limits: &mut Vec<UsedLimit>,
        of: &'a Limits,
        scope: Scope,
        name: &str,
        numbers: &BTreeMap<Mode, u32>,
    ) {
        for (mode, used) in numbers {
            let Some(of_mode) = of.modes.get(mode).filter(|of_mode| of_mode.scope == scope) else { continue };
            if let Some((name_of_figure, figure)) = of_mode.binding(numbers.len() == 1) {
                self.push(limits, &LimitName::of_mode(*mode, name_of_figure), name, *used, figure);
            }
        }
    }

    fn push(&mut self, limits: &mut Vec<UsedLimit>, limit: &LimitName, scope: &str, used: u32, figure: &Sourced<u32>) {
        self.use_figure(&limit.to_string(), figure);
        limits.push(UsedLimit {
            limit: limit.to_string(),
            scope: scope.to_owned(),
            used,
            allowed: figure.value,
            binding: used >= figure.value,
            source: figure.source.clone(),
            seen: Some(figure.seen),
        });
    }

    fn subscriptions(&self, placement: &Placement) -> Subscriptions {
        let Basis { catalogue, .. } = self.basis;
        let mut terms = TermsTable::default();
        let instrument = |item: &ResolvedItem| {
            let known = item.id.map(|id| catalogue.get(catalogue.target(id)));
            SubscribedInstrument {
                token: known.and_then(|known| known.token(self.broker)).map(Into::into),
                segment: known.map(|known| known.segment()),
                mode: self.fitted.mode(*item),
                identity: known.map_or(0, |known| identity_hash(&known)),
                terms: known.and_then(|known| terms.add(&known)),
            }
        };
        let instruments = self.kept.iter().map(instrument).collect();
        let mut legs: Vec<SubscribedLeg> = placement
            .legs
            .iter()
            .map(|leg| {
                let connection = placement.connections[leg.connection as usize].number;
                SubscribedLeg { instrument: leg.instrument, connection, mode: leg.mode }
            })
            .collect();
        let options = |leg: &SubscribedLeg| self.resolved.options_of(self.kept[leg.instrument as usize].position);
        if self.resolved.options.is_empty() {
            legs.sort_unstable_by_key(|leg| (leg.connection, leg.instrument));
        } else {
            legs.sort_by_cached_key(|leg| {
                let options = options(leg);
                (leg.connection, !options.is_pinned, std::cmp::Reverse(options.priority), leg.instrument)
            });
        }
        Subscriptions {
            catalogue_version: catalogue.version().to_owned(),
            terms: terms.into_terms(),
            instruments,
            legs,
        }
    }
}

pub(crate) fn packet_bytes(limits: &Limits, class: Option<InstrumentType>, mode: Mode) -> u32 {
    packet_figure(limits, class, mode).map_or(0, |(_, figure)| figure.value)
}

/// Returns the size of a packet with the name of its table.
fn packet_figure(limits: &Limits, class: Option<InstrumentType>, mode: Mode) -> Option<(&'static str, &Sourced<u32>)> {
    let of_index = (class == Some(InstrumentType::Index)).then(|| limits.index_packet_bytes.get(&mode)).flatten();
    let of_others = || Some(("packet_bytes", limits.packet_bytes.get(&mode)?));
    of_index.map(|figure| ("index_packet_bytes", figure)).or_else(of_others)
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
