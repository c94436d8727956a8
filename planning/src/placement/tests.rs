mod following;
mod grouped;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fit::cases::{Case, Figures, MODES, accounts, any_case, case_count, within_modes};

fn rules(min_connections: Option<u32>) -> PlacementRules {
    PlacementRules { strategy: PlacementStrategy::Balanced, min_connections, previous: None, is_rebalanced: false }
}

/// Places the kept instruments of a case, and returns the mode of each, as a position in `MODES`. `underlying` is that
/// of each instrument.
fn placed_with(
    case: &Case,
    rules: &PlacementRules,
    underlying: impl Fn(u32) -> Option<u32>,
) -> (Placement, Vec<Option<u8>>) {
    let limits = case.limits();
    let accounts = accounts(&limits);
    let fitted = case.fitted(&accounts);
    let modes = case.assigned();
    let item = |(at, mode): (u32, &Option<u8>)| PlacedItem {
        mode: mode.map(|mode| fitted.in_play.position(MODES[usize::from(mode)])),
        rate: 1000 * (at % 3),
        rank: at,
        underlying: underlying(at),
    };
    let items: Vec<PlacedItem> = (0u32..).zip(&modes).map(item).collect();
    (place(&fitted, &accounts, &items, rules), modes)
}

fn placed(case: &Case, min_connections: Option<u32>) -> (Placement, Vec<Option<u8>>) {
    placed_with(case, &rules(min_connections), |_| None)
}

fn numbers_of(modes: &[Option<u8>]) -> [u32; 3] {
    let mut numbers = [0; 3];
    modes.iter().flatten().for_each(|mode| numbers[usize::from(*mode)] += 1);
    numbers
}

/// Whether the placed instruments exceed no limit of a connection or an account.
fn is_within_limits(case: &Case, placement: &Placement, modes: &[Option<u8>]) -> bool {
    let mut of_market: BTreeMap<u32, Vec<Option<u8>>> = BTreeMap::new();
    let mut of_others: BTreeMap<u32, u32> = BTreeMap::new();
    for leg in &placement.legs {
        match placement.connections[leg.connection as usize].endpoint.as_str() {
            MARKET => of_market.entry(leg.connection).or_default().push(modes[leg.instrument as usize]),
            _ => *of_others.entry(leg.connection).or_default() += 1,
        }
    }
    let figures = |connection: u32| &case.accounts[placement.connections[connection as usize].account];
    let of_connections = of_market.iter().all(|(connection, modes)| {
        let Figures { per_connection, of_modes, scope, .. } = figures(*connection);
        per_connection.is_none_or(|max| modes.len() <= max as usize)
            && (*scope == Scope::Account || within_modes(of_modes, numbers_of(modes)))
    });
    let of_depth = of_others.iter().all(|(connection, number)| figures(*connection).depth_endpoint >= Some(*number));
    let of_accounts = case.accounts.iter().enumerate().all(|(account, figures)| {
        let own = |connection: &u32| placement.connections[*connection as usize].account == account;
        let modes: Vec<Option<u8>> =
            of_market.iter().filter(|(connection, _)| own(connection)).flat_map(|(_, modes)| modes.clone()).collect();
        let opened = placement.connections.iter().filter(|connection| connection.account == account).count();
        opened <= figures.connections as usize
            && figures.per_account.is_none_or(|max| modes.len() <= max as usize)
            && (figures.scope == Scope::Connection || within_modes(&figures.of_modes, numbers_of(&modes)))
    });
    of_connections && of_depth && of_accounts
}

proptest! {
    #![proptest_config(case_count())]

    #[test]
    fn a_placement_exceeds_no_limit(case in any_case(), more in 0u32..3) {
        let (placement, modes) = placed(&case, Some(more));

        prop_assert!(is_within_limits(&case, &placement, &modes), "{:?}", placement);
    }

    #[test]
    fn an_instrument_has_one_subscription_per_leg(case in any_case()) {
        let (placement, modes) = placed(&case, None);
        let has_endpoint = case.accounts.iter().any(|figures| figures.depth_endpoint.is_some());
        for (at, mode) in (0u32..).zip(&modes) {
            let legs = placement.legs.iter().filter(|leg| leg.instrument == at).count();
            let expected = match mode {
                None => 0,
                Some(2) if has_endpoint => 2,
                Some(_) => 1,
            };

            prop_assert_eq!(legs, expected);
        }
    }

    #[test]
    fn as_few_connections_are_opened_as_possible(case in any_case()) {
        let (placement, modes) = placed(&case, None);

        prop_assert_eq!(placement.connections.len(), case.fewest_connections(numbers_of(&modes)) as usize);
    }
}

/// Returns a plan of instruments in two modes at a broker with limits of connections only.
fn balanced(counts: [u32; 2], connections: Option<u32>) -> Vec<[u32; 2]> {
    let figures = Figures {
        connections: 3,
        per_connection: Some(4),
        per_account: None,
        of_modes: [None; 3],
        scope: Scope::Account,
        depth_endpoint: None,
    };
    let chains = [vec![(0, 0); counts[0] as usize], vec![(1, 1); counts[1] as usize]].concat();
    let class_of = vec![0; chains.len()];
    let case = Case { accounts: vec![figures], max: 100, chains, class_of };
    let (placement, _) = placed(&case, connections);
    let mut numbers = vec![[0; 2]; placement.connections.len()];
    for leg in &placement.legs {
        numbers[leg.connection as usize][usize::from(leg.mode == MODES[1])] += 1;
    }
    numbers
}

proptest! {
    #![proptest_config(case_count())]

    #[test]
    fn equal_connections_differ_by_at_most_one_in_each_mode(
        counts in [0u32..9, 0u32..9],
        connections in prop::option::of(1u32..4),
    ) {
        let numbers = balanced(counts, connections);
        for mode in 0..2 {
            let of_mode = || numbers.iter().map(|of| of[mode]);
            let (least, most) = (of_mode().min().unwrap_or(0), of_mode().max().unwrap_or(0));

            prop_assert!(most - least <= 1, "{:?}", numbers);
        }
    }
}

#[test]
fn instruments_are_dealt_evenly_in_each_mode() {
    assert_eq!(balanced([3, 1], None), [[3, 1]]);
    assert_eq!(balanced([4, 3], None), [[2, 2], [2, 1]]);
    assert_eq!(balanced([5, 5], None), [[2, 2], [1, 2], [2, 1]]);
}

#[test]
fn requested_connections_are_opened_if_allowed() {
    assert_eq!(balanced([2, 1], Some(2)), [[1, 1], [1, 0]]);
    assert_eq!(balanced([2, 2], Some(9)).len(), 3);
}
