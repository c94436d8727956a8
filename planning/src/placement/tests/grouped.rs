//! Placements by underlying.

use super::*;

/// Returns the number of contracts of each underlying on each connection, of at least `connections`. `contracts` has
/// the number of contracts of each underlying.
fn grouped(strategy: PlacementStrategy, contracts: &[u32], per_connection: u32, connections: u32) -> Vec<Vec<u32>> {
    let figures = Figures {
        connections: 4,
        per_connection: Some(per_connection),
        per_account: None,
        of_modes: [None; 3],
        scope: Scope::Account,
        depth_endpoint: None,
    };
    let underlying = |(underlying, count): (u32, &u32)| vec![underlying; *count as usize];
    let of: Vec<u32> = (0u32..).zip(contracts).flat_map(underlying).collect();
    let case = Case { accounts: vec![figures], max: 1000, chains: vec![(0, 0); of.len()], class_of: vec![0; of.len()] };
    let rules = PlacementRules { strategy, ..rules(Some(connections)) };
    let (placement, _) = placed_with(&case, &rules, |at| Some(of[at as usize]));
    let mut numbers = vec![vec![0; contracts.len()]; placement.connections.len()];
    for leg in &placement.legs {
        numbers[leg.connection as usize][of[leg.instrument as usize] as usize] += 1;
    }
    numbers
}

#[test]
fn contracts_of_an_underlying_are_together() {
    let together = |contracts: &[u32], connections| grouped(PlacementStrategy::Together, contracts, 10, connections);

    assert_eq!(together(&[6, 6, 4, 4], 1), [[6, 0, 4, 0], [0, 6, 0, 4]]);
    assert_eq!(together(&[2, 2, 2], 3), [[2, 0, 0], [0, 2, 0], [0, 0, 2]]);
}

#[test]
fn first_fit_is_used_if_it_divides_fewer_underlyings() {
    // By the lowest rate, the first two go to different connections, and the last one fits on neither.
    let together = grouped(PlacementStrategy::Together, &[5, 5, 4, 3, 3], 10, 1);

    assert_eq!(together, [[5, 5, 0, 0, 0], [0, 0, 4, 3, 3]]);
}

#[test]
fn an_underlying_that_does_not_fit_is_divided() {
    assert_eq!(grouped(PlacementStrategy::Together, &[12, 3], 10, 1), [[2, 3], [10, 0]]);
}

#[test]
fn contracts_of_an_underlying_are_spread_evenly() {
    assert_eq!(grouped(PlacementStrategy::Spread, &[6, 3], 10, 3), [[2, 1], [2, 1], [2, 1]]);
    assert_eq!(grouped(PlacementStrategy::Spread, &[1, 1], 10, 2), [[0, 1], [1, 0]]);
}

proptest! {
    #![proptest_config(case_count())]

    #[test]
    fn placements_by_underlying_exceed_no_limit(
        case in any_case(),
        is_together in any::<bool>(),
        more in prop::option::of(0u32..4),
    ) {
        let strategy = if is_together { PlacementStrategy::Together } else { PlacementStrategy::Spread };
        let rules = PlacementRules { strategy, ..rules(more) };

        let (placement, modes) = placed_with(&case, &rules, |at| (at > 0).then_some(at % 2));

        prop_assert!(is_within_limits(&case, &placement, &modes), "{:?}", placement);
    }

    #[test]
    fn the_numbers_of_an_underlying_differ_by_at_most_one(
        contracts in prop::collection::vec(1u32..8, 1..4),
        connections in 1u32..4,
    ) {
        let total: u32 = contracts.iter().sum();
        let numbers = grouped(PlacementStrategy::Spread, &contracts, total, connections);
        for underlying in 0..contracts.len() {
            let of = || numbers.iter().map(|of| of[underlying]);

            prop_assert!(of().max().unwrap() - of().min().unwrap() <= 1, "{:?}", numbers);
        }
    }

    #[test]
    fn underlyings_are_undivided_if_each_has_a_connection(contracts in prop::collection::vec(1u32..6, 1..4)) {
        let connections = u32::try_from(contracts.len()).unwrap();
        let numbers = grouped(PlacementStrategy::Together, &contracts, 6, connections);
        for underlying in 0..contracts.len() {
            prop_assert_eq!(numbers.iter().filter(|of| of[underlying] > 0).count(), 1, "{:?}", numbers);
        }
    }
}
