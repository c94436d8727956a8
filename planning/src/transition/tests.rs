mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::basis::Basis;
use crate::broker::BrokerModels;
use crate::capacity::{Capacity, Limits, MARKET, Scope};
use crate::catalogue::{Builder, Catalogue};
use crate::create_plan;
use crate::fit::cases::case_count;
use crate::plan::Plan;
use crate::request::Resolved;
use crate::source::{ItemInstruments, ItemOptions, PlanItem, Source};
use crate::testing::{equity, request, stamp};
use crate::vocabulary::{Broker, Mode, OptimizationLevel};

const INSTRUMENTS: usize = 12;

/// A catalog of shares that all brokers list.
fn shares() -> Catalogue {
    let mut builder = Builder::new();
    for number in 0..INSTRUMENTS {
        builder.add(equity("NSE", &format!("S{number:02}"), &format!("INE{number:03}A01012")), true);
        for broker in Broker::ALL {
            let token = match broker {
                Broker::Kite => (1000 + number).to_string(),
                _ => format!("NSE_EQ|{}", 1000 + number),
            };
            builder.add_token(broker, format!("NSE:S{number:02}"), &token);
        }
    }
    builder.build("1".into(), vec![])
}

/// An instrument of a plan: its number, its mode, and whether it is pinned.
type StreamedItem = (usize, Mode, bool);

fn plan_of(broker: Broker, wanted: &[StreamedItem], connections: Option<u32>, basis: Basis<'_>) -> Option<Plan> {
    let item = |(number, mode, is_pinned): &StreamedItem| PlanItem {
        instruments: ItemInstruments::Key(format!("NSE:S{number:02}")),
        options: ItemOptions { mode: Some(*mode), is_pinned: *is_pinned, ..ItemOptions::default() },
    };
    let mut request = request(&["NSE:S00"]);
    request.source = Source::Items(Arc::new(wanted.iter().map(item).collect()));
    request.feed.broker = Some(broker);
    request.feed.connections = connections;
    request.options.optimization_level = OptimizationLevel::Low;
    let resolved = Resolved::new(&request, basis, &[0; 32]);
    create_plan(&request, &resolved, basis, stamp()).ok()
}

fn figure(value: u32) -> String {
    format!(r#"{{ value = {value}, source = "test", seen = "2026-11-01", because = "test" }}"#)
}

/// Small limits of each kind: connections and instruments on them at Kite, modes of an account at Upstox, an endpoint
/// of depth at Dhan, modes of a connection at Angel, and instruments of an account at Fyers.
fn small_limits(figures: &[u32; 6]) -> String {
    let [a, b, c, d, e, f] = figures.map(figure);
    format!(
        "[brokers.kite]\nconnections = {a}\ninstruments_per_connection = {b}\n\
         [brokers.kite.subscribe]\ninstruments_per_message = {f}\n\
         [brokers.upstox]\nconnections = {a}\n[brokers.upstox.subscribe]\ninstruments_per_message = {f}\n\
         [brokers.upstox.modes.ltp]\nalone = {e}\nmixed = {c}\n[brokers.upstox.modes.full]\nalone = {d}\nmixed = {b}\n\
         [brokers.dhan]\nconnections = {e}\ninstruments_per_connection = {b}\n\
         [brokers.dhan.endpoints.depth20]\ninstruments_per_connection = {c}\n\
         [brokers.dhan.subscribe]\ninstruments_per_message = {f}\n\
         [brokers.angel]\nconnections = {a}\ninstruments_per_connection = {e}\n\
         [brokers.angel.modes.full]\nalone = {e}\nmixed = {c}\nscope = \"connection\"\n\
         [brokers.angel.modes.depth20]\nalone = {d}\nmixed = {b}\n\
         [brokers.angel.subscribe]\ninstruments_per_message = {f}\n\
         [brokers.fyers]\nconnections = {a}\ninstruments_per_account = {d}\n\
         [brokers.fyers.subscribe]\ninstruments_per_message = {f}\n"
    )
}

fn any_wanted() -> impl Strategy<Value = Vec<StreamedItem>> {
    let modes = [Mode::Ltp, Mode::Quote, Mode::Full, Mode::Depth20];
    let one = (0..INSTRUMENTS, prop::sample::select(modes.to_vec()), prop::bool::weighted(0.1));
    prop::collection::btree_map(0..INSTRUMENTS, one, 0..10)
        .prop_map(|of| of.into_iter().map(|(number, (_, mode, is_pinned))| (number, mode, is_pinned)).collect())
}

/// The open subscriptions at a broker: for each connection and token, the mode.
type OpenSubscriptions = BTreeMap<(u32, String, String, String), Mode>;

fn feed_of(plan: &Plan) -> OpenSubscriptions {
    let subscriptions = crate::subscriptions::PlanSubscriptions::of(plan).unwrap();
    let entry = |of: crate::subscriptions::Subscription<'_>| {
        ((of.connection, of.account.into(), of.endpoint.into(), of.broker_token.unwrap().into()), of.mode)
    };
    subscriptions.entries(subscriptions.positions(None)).map(entry).collect()
}

/// A connection by its number, account and endpoint.
type ConnectionId = (u32, String, String);

fn connections_of(feed: &OpenSubscriptions) -> BTreeSet<ConnectionId> {
    feed.keys().map(|(number, account, endpoint, _)| (*number, account.clone(), endpoint.clone())).collect()
}

/// Applies a message as the broker does.
fn apply(feed: &mut OpenSubscriptions, connected: &mut BTreeSet<ConnectionId>, batch: &Batch<'_>) {
    let connection = (batch.connection.unwrap(), batch.account.unwrap().to_owned(), batch.endpoint.unwrap().to_owned());
    match batch.action {
        BatchAction::Subscribe => {
            connected.insert(connection);
        }
        BatchAction::Close => {
            assert!(feed.keys().all(|(number, account, endpoint, _)| {
                (*number, account, endpoint) != (connection.0, &connection.1, &connection.2)
            }));
            assert!(connected.remove(&connection), "{connection:?} is closed twice");
        }
        _ => assert!(connected.contains(&connection), "{connection:?} is closed"),
    }
    for token in &batch.tokens {
        let of = |text: Option<&str>| text.unwrap().to_owned();
        let key = (batch.connection.unwrap(), of(batch.account), of(batch.endpoint), of(*token));
        let before = match batch.action {
            BatchAction::Unsubscribe => feed.remove(&key),
            _ => feed.insert(key.clone(), batch.mode.unwrap()),
        };
        match batch.action {
            BatchAction::Subscribe => assert_eq!(before, None, "{key:?} is subscribed twice"),
            BatchAction::Unsubscribe => assert_eq!(before, batch.mode, "{key:?}"),
            _ => assert!(before.is_some() && before != batch.mode, "{key:?} has the mode already"),
        }
    }
}

/// Returns the first limit that a feed exceeds, by other code than that of the schedule. An instrument counts in the
/// mode of its subscription: in these cases no mode with a limit has another endpoint.
fn exceeded(feed: &OpenSubscriptions, connected: &BTreeSet<ConnectionId>, limits: &Limits) -> Option<String> {
    for (_, account, _) in connected {
        let own = connected.iter().filter(|of| of.1 == *account).count();
        if own > limits.connections.value as usize {
            return Some(format!("{own} connections of {account}"));
        }
    }
    let mut connections: BTreeMap<(u32, &str, &str), Vec<Mode>> = BTreeMap::new();
    for ((number, account, endpoint, _), mode) in feed {
        connections.entry((*number, account, endpoint)).or_default().push(*mode);
    }
    let value =
        |figure: &Option<crate::capacity::Sourced<u32>>| figure.as_ref().map_or(usize::MAX, |of| of.value as usize);
    let modes_exceeded = |scope: Scope, modes: &[Mode]| {
        let is_mixed = modes.iter().any(|mode| *mode != modes[0]);
        modes.iter().any(|mode| {
            let Some(of_mode) = limits.modes.get(mode).filter(|of| of.scope == scope) else { return false };
            let count = modes.iter().filter(|other| *other == mode).count();
            count > value(&of_mode.alone) || (is_mixed && count > value(&of_mode.mixed))
        })
    };
    for ((number, account, endpoint), modes) in &connections {
        if *endpoint == MARKET {
            if modes.len() > value(&limits.instruments_per_connection) || modes_exceeded(Scope::Connection, modes) {
                return Some(format!("connection {number}: {modes:?}"));
            }
        } else if modes.len() > limits.endpoints[*endpoint].value as usize {
            return Some(format!("endpoint {endpoint}: {modes:?}"));
        }
        let own = |of: &&(u32, &str, &str)| of.1 == *account;
        let at_market = connections.iter().filter(|(of, _)| own(of) && of.2 == MARKET);
        let of_account: Vec<Mode> = at_market.flat_map(|(_, modes)| modes.clone()).collect();
        if of_account.len() > value(&limits.instruments_per_account) || modes_exceeded(Scope::Account, &of_account) {
            return Some(format!("account {account}: {of_account:?}"));
        }
    }
    None
}

proptest! {
    #![proptest_config(case_count())]

    #[test]
    fn no_prefix_of_a_schedule_exceeds_a_limit(
        broker in prop::sample::select(vec![Broker::Kite, Broker::Upstox, Broker::Dhan, Broker::Angel, Broker::Fyers]),
        figures in [1u32..4, 1u32..5, 1u32..5, 1u32..6, 2u32..8, 1u32..4],
        from in prop::option::of(any_wanted()),
        to in any_wanted(),
        connections in [prop::option::of(1u32..4), prop::option::of(1u32..4)],
    ) {
        let brokers = BrokerModels::embedded().with_capacity(Capacity::with(Some(&small_limits(&figures)), None).unwrap());
        let catalogue = shares();
        let basis = Basis { catalogue: &catalogue, brokers: &brokers };
        let limits = &brokers.capacity().of(broker).tiers[0].limits;
        let from = match from {
            Some(from) => {
                let Some(plan) = plan_of(broker, &from, connections[0], basis) else { return Ok(()) };
                Some(plan)
            }
            None => None,
        };
        let Some(to) = plan_of(broker, &to, connections[1], basis) else { return Ok(()) };

        let schedule = schedule(from.as_ref(), &to, ScheduleOptions::default(), basis).unwrap();

        let mut feed = from.as_ref().map(feed_of).unwrap_or_default();
        let mut connected = connections_of(&feed);
        let mut sent_at = 0;
        for (at, batch) in schedule.batches.iter().enumerate() {
            apply(&mut feed, &mut connected, batch);
            prop_assert_eq!(exceeded(&feed, &connected, limits), None, "{:?}", &schedule.batches);
            // Capacity that another connection gives back is free when its message has been sent.
            let gives_back = |of: &&Batch<'_>| {
                of.account == batch.account
                    && of.connection != batch.connection
                    && matches!(of.action, BatchAction::Unsubscribe | BatchAction::Close)
            };
            if batch.action == BatchAction::Subscribe {
                let given_back = schedule.batches[..at].iter().filter(gives_back);
                prop_assert!(given_back.map(|of| of.at_ms).all(|at_ms| at_ms < batch.at_ms), "{:?}", &schedule.batches);
            }
            prop_assert!(batch.instruments.len() <= figures[5] as usize, "{:?}", batch);
            prop_assert!(batch.at_ms >= sent_at, "{:?}", batch);
            sent_at = batch.at_ms;
        }
        prop_assert_eq!(&feed, &feed_of(&to), "{:?}", &schedule.batches);
        prop_assert_eq!(connected, connections_of(&feed), "{:?}", &schedule.batches);
        prop_assert!(schedule.warnings.is_empty(), "{:?}", schedule.warnings);
        if from.is_none() {
            let allocation = to.allocation.as_ref().unwrap();
            prop_assert_eq!(Some(schedule.time_to_ready_ms), allocation.time_to_ready_ms);
        }
    }

    #[test]
    fn a_difference_names_each_instrument_that_differs_once(
        from in any_wanted(),
        to in any_wanted(),
        connections in [prop::option::of(1u32..4), prop::option::of(1u32..4)],
    ) {
        let brokers =
            BrokerModels::embedded().with_capacity(Capacity::with(Some(&small_limits(&[3, 5, 3, 5, 8, 2])), None).unwrap());
        let catalogue = shares();
        let basis = Basis { catalogue: &catalogue, brokers: &brokers };
        let plans = (plan_of(Broker::Kite, &from, connections[0], basis), plan_of(Broker::Kite, &to, connections[1], basis));
        let (Some(from), Some(to)) = plans else { return Ok(()) };

        let found = diff(Some(&from), &to).unwrap();

        let streams = |plan: &Plan| -> BTreeMap<String, (u32, Mode)> {
            feed_of(plan).into_iter().map(|((number, _, _, token), mode)| (token, (number, mode))).collect()
        };
        let (old, new) = (streams(&from), streams(&to));
        let mut expected: BTreeMap<String, ActionKind> = BTreeMap::new();
        for token in old.keys().chain(new.keys()) {
            let kind = match (old.get(token), new.get(token)) {
                (None, _) => ActionKind::Subscribe,
                (_, None) => ActionKind::Unsubscribe,
                (Some((a, _)), Some((b, _))) if a != b => ActionKind::Move,
                (Some((_, a)), Some((_, b))) if a != b => ActionKind::ChangeMode,
                _ => continue,
            };
            expected.insert(token.clone(), kind);
        }
        let actions: BTreeMap<String, ActionKind> =
            found.actions.iter().map(|of| (of.broker_token.unwrap().to_owned(), of.action)).collect();
        prop_assert_eq!(actions.len(), found.actions.len());
        prop_assert_eq!(actions, expected);
        let changed = found.actions.iter().filter(|of| of.action != ActionKind::Unsubscribe).count();
        prop_assert_eq!(found.unchanged as usize + changed, new.len());
    }
}
