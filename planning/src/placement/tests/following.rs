//! Placements that follow the one of a previous plan.

use super::*;

/// Returns the places of a placement. `item` returns the new position of each instrument.
fn places_of(placement: &Placement, item: impl Fn(u32) -> Option<u32>) -> PreviousPlaces {
    let place = |leg: &PlacedLeg| Some((item(leg.instrument)?, leg.connection));
    let mut places: Vec<(u32, u32)> = placement.legs.iter().filter_map(place).collect();
    places.sort_unstable();
    let numbers = placement.connections.iter().map(|connection| connection.number).collect();
    PreviousPlaces { connections: placement.connections.clone(), numbers, places }
}

fn follow(case: &Case, previous: PreviousPlaces) -> (Placement, Vec<Option<u8>>) {
    placed_with(case, &PlacementRules { previous: Some(previous), ..rules(None) }, |_| None)
}

/// Returns a case whose candidates are those that are kept, each in its mode alone.
fn kept(case: &Case) -> Case {
    let modes = case.assigned();
    let kept = modes.iter().zip(&case.class_of).filter_map(|(mode, class)| Some((usize::from((*mode)?), *class)));
    let (chains, class_of) = kept.map(|(mode, class)| ((mode, mode), class)).unzip();
    Case { chains, class_of, ..case.clone() }
}

/// Returns the same case without the candidates that a set of bits lists.
fn without(case: &Case, removed: u8) -> Case {
    let left: Vec<usize> = (0..case.chains.len()).filter(|at| removed & (1 << at) == 0).collect();
    let chains = left.iter().map(|at| case.chains[*at]).collect();
    let class_of = left.iter().map(|at| case.class_of[*at]).collect();
    Case { chains, class_of, ..case.clone() }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap()
}

/// Returns the number of subscriptions that are not on the connection of before. `item` returns the previous position
/// of each instrument.
fn moved(before: &Placement, after: &Placement, item: impl Fn(u32) -> Option<u32>) -> usize {
    let is_where_it_was = |leg: &&PlacedLeg| {
        let connection = &after.connections[leg.connection as usize];
        let own = before.legs.iter().filter(|old| Some(old.instrument) == item(leg.instrument));
        let mut own = own.map(|old| &before.connections[old.connection as usize]);
        own.all(|old| old.endpoint != connection.endpoint || old == connection)
    };
    after.legs.iter().filter(|leg| !is_where_it_was(leg)).count()
}

/// Whether the last instrument can be placed without moving others, by trying all connections.
fn has_capacity_for_last(case: &Case, before: &Placement, modes: &[Option<u8>]) -> bool {
    let last = count(modes.len() - 1);
    let Some(mode) = modes[last as usize] else { return false };
    let mut ends = before.connections.clone();
    for (account, endpoint) in (0..case.accounts.len()).flat_map(|account| [(account, MARKET), (account, "depth")]) {
        ends.push(Connection { number: 90, account, endpoint: endpoint.to_owned() });
    }
    let ends = &ends;
    let ends_of = |endpoint: &'static str| (0..ends.len()).filter(move |at| ends[*at].endpoint == endpoint);
    let is_at_depth = mode == 2 && case.accounts[0].depth_endpoint.is_some();
    let depths: Vec<Option<usize>> = if is_at_depth { ends_of("depth").map(Some).collect() } else { vec![None] };
    let is_possible = |own: Vec<usize>| {
        let own = own.into_iter().map(|at| PlacedLeg { instrument: last, connection: count(at), mode: Mode::Ltp });
        let legs: Vec<PlacedLeg> = before.legs.iter().copied().chain(own).collect();
        let used: Vec<u32> = (0..count(ends.len())).filter(|at| legs.iter().any(|leg| leg.connection == *at)).collect();
        let position = |at: u32| count(used.binary_search(&at).unwrap());
        let legs = legs.iter().map(|leg| PlacedLeg { connection: position(leg.connection), ..*leg }).collect();
        let connections = used.iter().map(|at| ends[*at as usize].clone()).collect();
        is_within_limits(case, &Placement { connections, legs }, modes)
    };
    let mut pairs = ends_of(MARKET).flat_map(|market| depths.iter().map(move |depth| (market, *depth)));
    pairs.any(|(market, depth)| is_possible(depth.into_iter().chain([market]).collect()))
}

/// Returns the number of instruments in each mode on each connection of an endpoint, sorted.
fn numbers_by_connection(placement: &Placement, modes: &[Option<u8>]) -> Vec<(String, usize, [u32; 3])> {
    let of = |(at, connection): (u32, &Connection)| {
        let own = placement.legs.iter().filter(|leg| leg.connection == at);
        let own: Vec<Option<u8>> = own.map(|leg| modes[leg.instrument as usize]).collect();
        (connection.endpoint.clone(), connection.account, numbers_of(&own))
    };
    let mut numbers: Vec<_> = (0u32..).zip(&placement.connections).map(of).collect();
    numbers.sort();
    numbers
}

proptest! {
    #![proptest_config(case_count())]

    #[test]
    fn a_rebalanced_plan_has_the_numbers_of_a_balanced_one(case in any_case(), other in any_case()) {
        let (before, _) = placed(&other, Some(3));
        let mut previous = places_of(&before, |old| ((old as usize) < case.chains.len()).then_some(old));
        previous.connections.iter_mut().for_each(|connection| connection.account %= case.accounts.len());
        let (balanced, modes) = placed(&case, None);

        let rules = PlacementRules { previous: Some(previous), is_rebalanced: true, ..rules(None) };
        let (rebalanced, _) = placed_with(&case, &rules, |_| None);

        prop_assert_eq!(numbers_by_connection(&rebalanced, &modes), numbers_by_connection(&balanced, &modes));
        prop_assert!(is_within_limits(&case, &rebalanced, &modes));
        let instruments = |placement: &Placement| {
            let mut legs: Vec<(u32, Mode)> = placement.legs.iter().map(|leg| (leg.instrument, leg.mode)).collect();
            legs.sort_unstable();
            legs
        };
        prop_assert_eq!(instruments(&rebalanced), instruments(&balanced));
    }

    #[test]
    fn rebalancing_a_balanced_plan_moves_nothing(case in any_case(), more in prop::option::of(0u32..4)) {
        let (balanced, _) = placed(&case, more);

        let rules = PlacementRules { previous: Some(places_of(&balanced, Some)), is_rebalanced: true, ..rules(more) };
        let (rebalanced, _) = placed_with(&case, &rules, |_| None);

        prop_assert_eq!(moved(&balanced, &rebalanced, Some), 0);
    }

    #[test]
    fn an_unchanged_plan_moves_nothing(case in any_case(), more in prop::option::of(0u32..4)) {
        let (before, modes) = placed(&case, more);

        let (after, _) = follow(&case, places_of(&before, Some));

        prop_assert_eq!(moved(&before, &after, Some), 0);
        prop_assert!(after.connections.iter().all(|connection| before.connections.contains(connection)));
        let unchanged = places_of(&before, Some).unchanged(&after, modes.len());
        prop_assert_eq!(unchanged, count(modes.iter().flatten().count()));
    }

    #[test]
    fn a_removal_moves_nothing(case in any_case(), removed in any::<u8>()) {
        let case = kept(&case);
        let left: Vec<u32> = (0..count(case.chains.len())).filter(|at| removed & (1 << at) == 0).collect();
        if left.is_empty() {
            return Ok(());
        }
        let (before, _) = placed(&case, None);
        let rest = without(&case, removed);

        let (after, modes) = follow(&rest, places_of(&before, |old| left.binary_search(&old).ok().map(count)));

        prop_assert!(is_within_limits(&rest, &after, &modes));
        prop_assert_eq!(moved(&before, &after, |new| Some(left[new as usize])), 0);
    }

    #[test]
    fn an_addition_with_capacity_moves_nothing(case in any_case()) {
        let full = kept(&case);
        if full.chains.len() < 2 {
            return Ok(());
        }
        let last = count(full.chains.len() - 1);
        let (before, _) = placed(&without(&full, 1 << last), None);

        let (after, modes) = follow(&full, places_of(&before, Some));

        prop_assert!(is_within_limits(&full, &after, &modes), "{:?}", after);
        if has_capacity_for_last(&full, &before, &modes) {
            let old = |new: u32| (new < last).then_some(new);
            prop_assert_eq!(moved(&before, &after, old), 0, "{:?} {:?}", before, after);
        }
    }

    #[test]
    fn any_previous_plan_leads_to_a_plan_within_limits(
        case in any_case(),
        other in any_case(),
        strategy in prop::sample::select(&PlacementStrategy::ALL[..]),
        more in prop::option::of(0u32..4),
    ) {
        let (before, _) = placed(&other, more);
        let mut previous = places_of(&before, |old| ((old as usize) < case.chains.len()).then_some(old));
        previous.connections.iter_mut().for_each(|connection| connection.account %= case.accounts.len());

        let rules = PlacementRules { strategy, previous: Some(previous), ..rules(more) };
        let (after, modes) = placed_with(&case, &rules, |at| (at > 0).then_some(at % 2));

        prop_assert!(is_within_limits(&case, &after, &modes), "{:?}", after);
        let legs_of = |mode: &Option<u8>| match mode {
            None => 0,
            Some(2) if case.accounts[0].depth_endpoint.is_some() => 2,
            Some(_) => 1,
        };
        prop_assert_eq!(after.legs.len(), modes.iter().map(legs_of).sum::<usize>());
        let numbers: Vec<u32> = after.connections.iter().map(|connection| connection.number).collect();
        prop_assert!(numbers.is_sorted_by(|a, b| a < b), "{:?}", numbers);
    }

    #[test]
    fn emptied_connections_are_used_before_new_ones(
        case in any_case(),
        other in any_case(),
        strategy in prop::sample::select(&PlacementStrategy::ALL[..]),
        more in prop::option::of(0u32..4),
        kept in any::<u32>(),
        is_rebalanced in any::<bool>(),
    ) {
        let (before, _) = placed(&other, Some(4));
        let is_kept = |old: u32| (old as usize) < case.chains.len() && kept & (1 << (old % 32)) != 0;
        let mut previous = places_of(&before, |old| is_kept(old).then_some(old));
        previous.connections.iter_mut().for_each(|connection| connection.account %= case.accounts.len());
        let PreviousPlaces { connections: old, numbers, .. } = previous.clone();

        let strategy = if is_rebalanced { PlacementStrategy::Balanced } else { strategy };
        let rules = PlacementRules { strategy, previous: Some(previous), is_rebalanced, ..rules(more) };
        let (after, _) = placed_with(&case, &rules, |at| (at > 0).then_some(at % 2));

        let is_used = |of: &Connection| after.connections.contains(of);
        for connection in &after.connections {
            let is_same = |of: &&Connection| (of.account, &of.endpoint) == (connection.account, &connection.endpoint);
            let emptied = old.iter().filter(is_same).find(|of| !is_used(of));

            prop_assert!(old.contains(connection) || !numbers.contains(&connection.number), "{:?} {:?}", old, after);
            prop_assert!(old.contains(connection) || emptied.is_none(), "{:?} {:?}", old, after);
        }
    }
}

/// A broker with limits of connections only.
fn broker(connections: u32, per_connection: u32) -> Figures {
    Figures {
        connections,
        per_connection: Some(per_connection),
        per_account: None,
        of_modes: [None; 3],
        scope: Scope::Account,
        depth_endpoint: None,
    }
}

fn case_of(account: Figures, instruments: usize) -> Case {
    Case { accounts: vec![account], max: 100, chains: vec![(0, 0); instruments], class_of: vec![0; instruments] }
}

/// Returns the previous connections `(number, account)` and, for each instrument, the number of its connection.
fn previous(connections: &[(u32, usize)], places: &[u32]) -> PreviousPlaces {
    let connection = |(number, account): &(u32, usize)| Connection {
        number: *number,
        account: *account,
        endpoint: MARKET.to_owned(),
    };
    let position = |number: &u32| count(connections.iter().position(|(other, _)| other == number).unwrap());
    PreviousPlaces {
        connections: connections.iter().map(connection).collect(),
        numbers: connections.iter().map(|(number, _)| *number).collect(),
        places: (0u32..).zip(places.iter().map(position)).collect(),
    }
}

/// Returns the number of the connection of each instrument.
fn numbers_by_instrument(placement: &Placement) -> Vec<u32> {
    let mut legs = placement.legs.clone();
    legs.sort_by_key(|leg| leg.instrument);
    legs.iter().map(|leg| placement.connections[leg.connection as usize].number).collect()
}

fn followed(case: &Case, previous: PreviousPlaces) -> Vec<u32> {
    numbers_by_instrument(&follow(case, previous).0)
}

#[test]
fn the_least_valuable_overflow_of_a_connection_moves() {
    let case = case_of(broker(2, 3), 5);

    assert_eq!(followed(&case, previous(&[(1, 0)], &[1, 1, 1, 1, 1])), [1, 1, 1, 2, 2]);
}

#[test]
fn instruments_of_a_vanished_connection_move() {
    let case = case_of(broker(1, 9), 4);

    let places = previous(&[(1, 0), (2, 0)], &[1, 2, 2, 2]);
    assert_eq!(followed(&case, places), [2, 2, 2, 2], "the connection with the most instruments stays");
}

#[test]
fn new_instruments_go_to_the_lowest_rate() {
    let case = case_of(broker(3, 9), 6);

    // The rates of the instruments are 0, 1, 2, 0, 1 and 2.
    assert_eq!(followed(&case, previous(&[(1, 0), (2, 0)], &[1, 1, 1, 2])), [1, 1, 1, 2, 2, 2]);
}

#[test]
fn another_connection_is_opened_only_if_needed() {
    let case = case_of(broker(3, 2), 5);

    let (after, _) = follow(&case, previous(&[(3, 0)], &[3, 3]));

    let numbers: Vec<u32> = after.connections.iter().map(|connection| connection.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(numbers_by_instrument(&after)[..2], [3, 3]);
}

#[test]
fn a_new_connection_is_an_emptied_one_of_its_account() {
    let case = case_of(broker(3, 2), 4);
    let two_accounts = Case { accounts: vec![broker(3, 2), broker(3, 2)], ..case.clone() };

    assert_eq!(followed(&case, previous(&[(1, 0), (2, 0)], &[2, 2])), [2, 2, 1, 1]);
    assert_eq!(followed(&two_accounts, previous(&[(1, 0), (2, 1)], &[1, 1])), [1, 1, 3, 3]);
}

#[test]
fn all_connections_of_an_account_are_used_again() {
    let case = case_of(broker(3, 2), 6);
    let places = previous(&[(1, 0), (2, 0), (3, 0)], &[1, 1, 2, 2]);

    assert_eq!(followed(&case, places), [1, 1, 2, 2, 3, 3]);
}

#[test]
fn requested_connections_are_opened_for_new_instruments() {
    let case = case_of(broker(3, 9), 4);
    let follow = |instruments: usize| {
        let places = previous(&[(1, 0)], &vec![1; instruments]);
        let rules = PlacementRules { previous: Some(places), ..rules(Some(3)) };
        numbers_by_instrument(&placed_with(&case, &rules, |_| None).0)
    };

    assert_eq!(follow(4), [1, 1, 1, 1]);
    assert_eq!(follow(3), [1, 1, 1, 2]);
}

#[test]
fn each_requested_connection_gets_a_new_instrument() {
    let case = case_of(broker(3, 9), 4);
    // Instruments 0 and 3 are new, and their rate is 0.
    let places = PreviousPlaces { places: vec![(1, 0), (2, 0)], ..previous(&[(1, 0)], &[]) };

    let rules = PlacementRules { previous: Some(places), ..rules(Some(3)) };
    let numbers = numbers_by_instrument(&placed_with(&case, &rules, |_| None).0);

    assert_eq!(numbers, [2, 1, 1, 3]);
}

/// Only one connection can carry the second mode, and the others must leave it.
#[test]
fn few_instruments_move_if_the_modes_require_it() {
    let account = Figures { of_modes: [Some((4, 1)), Some((4, 1)), None], ..broker(1, 9) };
    let chains = [vec![(0, 0); 4], vec![(1, 1); 3]].concat();
    let class_of = vec![0; chains.len()];
    let case = Case { accounts: vec![account.clone(), account], max: 100, chains, class_of };

    assert_eq!(followed(&case, previous(&[(1, 0)], &[1, 1, 1, 1, 1])), [1, 1, 1, 1, 2, 2, 2]);
}

#[test]
fn rebalancing_moves_few_instruments() {
    // Instruments 0 and 3 have one rate, 1 and 4 another one, 2 and 5 a third.
    let case = case_of(broker(3, 9), 6);
    let places = previous(&[(2, 0), (4, 0)], &[4, 4, 4, 4, 4, 2]);

    let rules = PlacementRules { previous: Some(places), is_rebalanced: true, ..rules(Some(2)) };
    let rebalanced = numbers_by_instrument(&placed_with(&case, &rules, |_| None).0);

    assert_eq!(rebalanced, [4, 4, 4, 2, 2, 2]);
}
