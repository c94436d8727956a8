//! Compares the fit with an exhaustive search, and checks its guarantees.

use proptest::prelude::*;

use super::cases::{Case, Figures, MODES, accounts, any_case, case_count};
use super::region::{ModesInPlay, Region, Relaxation, WAYS_MAX};
use crate::accounts::PlanAccount;
use crate::capacity::{Capacity, Limits, Scope};
use crate::vocabulary::{Broker, Mode};

/// Returns the same case with one limit raised.
fn raised(mut case: Case, account: usize, limit: usize) -> Case {
    let count = case.accounts.len();
    if limit == 4 {
        let raise = |account: &mut Figures| account.depth_endpoint = account.depth_endpoint.map(|figure| figure + 1);
        case.accounts.iter_mut().for_each(raise);
    }
    let figures = &mut case.accounts[account % count];
    match limit {
        0 => case.max += 1,
        1 => figures.connections += 1,
        2 => figures.per_connection = figures.per_connection.map(|figure| figure + 1),
        3 => figures.per_account = figures.per_account.map(|figure| figure + 1),
        4 => {}
        mode => {
            let of_mode = &mut figures.of_modes[mode % 3];
            *of_mode = of_mode.map(|(alone, mixed)| (alone + 1, mixed + 1));
        }
    }
    case
}

/// Returns the value of an assignment: for each class in order, first the number of kept candidates, then their modes.
fn value(case: &Case, modes: &[Option<u8>]) -> Vec<(Vec<bool>, Vec<Option<u8>>)> {
    let mut start = 0;
    let class = |end: usize| {
        let of_class = &modes[std::mem::replace(&mut start, end)..end];
        (of_class.iter().map(Option::is_some).collect(), of_class.to_vec())
    };
    case.class_ends().into_iter().map(class).collect()
}

proptest! {
    #![proptest_config(case_count())]

    #[test]
    fn the_fit_is_the_best_of_all_assignments(case in any_case()) {
        prop_assert_eq!(case.assigned(), case.best());
    }

    #[test]
    fn no_limit_is_exceeded(case in any_case()) {
        let mut numbers = [0; 3];
        case.assigned().into_iter().flatten().for_each(|mode| numbers[usize::from(mode)] += 1);

        prop_assert!(case.carries(numbers), "{:?}", numbers);
    }

    #[test]
    fn a_raised_limit_never_gives_less(case in any_case(), account in 0usize..2, limit in 0usize..8) {
        let before = value(&case, &case.assigned());
        let after = raised(case.clone(), account, limit).assigned();

        prop_assert!(value(&case, &after) >= before, "{:?}", after);
    }

    #[test]
    fn a_lower_class_costs_a_higher_one_nothing(case in any_case()) {
        let end = case.class_ends()[0];
        let mut alone = case.clone();
        alone.chains.truncate(end);
        alone.class_of.truncate(end);

        prop_assert_eq!(&case.assigned()[..end], &alone.assigned()[..]);
    }
}

#[test]
fn a_mode_alone_has_more_capacity_than_with_others() {
    let upstox = Figures {
        connections: 1,
        per_connection: None,
        per_account: None,
        of_modes: [Some((5, 2)), Some((2, 1)), None],
        scope: Scope::Account,
        depth_endpoint: None,
    };
    let case = |chains: Vec<(usize, usize)>| {
        let class_of = vec![0; chains.len()];
        Case { accounts: vec![upstox.clone()], max: 100, chains, class_of }.assigned()
    };

    assert_eq!(case(vec![(1, 1); 3]), [Some(1), Some(1), None]);
    assert_eq!(case(vec![(1, 0); 5]), [Some(0); 5], "all are kept, so none gets the higher mode");
    assert_eq!(case(vec![(1, 0); 3]), [Some(1), Some(0), Some(0)]);
}

/// Returns the number of kept candidates, and of those with their highest mode.
fn score(case: &Case) -> (u32, u32) {
    let modes = case.assigned();
    let at_highest =
        case.chains.iter().zip(&modes).filter(|((highest, _), mode)| mode.map(usize::from) == Some(*highest));
    let count = |count: usize| u32::try_from(count).unwrap();
    (count(modes.iter().flatten().count()), count(at_highest.count()))
}

fn with_more(case: &Case, connections: u32, max: u32) -> Case {
    let mut more = case.clone();
    more.accounts[0].connections += connections;
    more.max += max;
    more
}

/// Returns more connections than the candidates of a case can use, but at most as many as are tried.
fn many(case: &Case) -> u32 {
    if case.limits().iter().any(Limits::has_regimes_of_connections) { 4 } else { 9 }
}

proptest! {
    #![proptest_config(case_count())]

    #[test]
    fn needed_connections_are_the_fewest_that_admit_as_much(case in any_case()) {
        let limits = case.limits();
        let accounts = accounts(&limits);
        let needed = case.fitted(&accounts).needed(&accounts, case.max);
        let (own, many) = (score(&case), many(&case));
        match needed {
            None => prop_assert_eq!(score(&with_more(&case, many, 9)), own),
            Some(needed) if needed.limit == "connections" => {
                // With both limits exhausted, the maximum is raised, too.
                let max = if needed.text.contains("maximum") { 9 } else { 0 };
                let best = score(&with_more(&case, many, max));
                let smallest = (1..=many).find(|add| score(&with_more(&case, *add, max)) == best).unwrap();
                let admits = if best.0 > own.0 { best.0 - own.0 } else { best.1 - own.1 };

                prop_assert_eq!((needed.add, needed.admits), (smallest, admits), "{}", needed.text);
            }
            Some(needed) => prop_assert_eq!(score(&with_more(&case, many, 0)), own, "{}", needed.text),
        }
    }
}

#[test]
fn the_ways_of_sixteen_accounts_are_few() {
    let capacity = Capacity::embedded();
    for broker in Broker::ALL {
        let tiers = &capacity.of(broker).tiers;
        let account = |at: usize| {
            let tier_rank = at % tiers.len();
            PlanAccount { name: String::new(), tier: "", tier_rank, limits: &tiers[tier_rank].limits }
        };
        for accounts in [(0..16).map(account).collect::<Vec<_>>(), (0..16).map(|_| account(0)).collect()] {
            let modes: Vec<Mode> = accounts.iter().flat_map(|account| account.limits.modes.keys().copied()).collect();
            let region = Region::new(&accounts, &ModesInPlay::new(modes, false), 20_000, &Relaxation::default());

            assert!(region.ways() * 5 < WAYS_MAX, "{broker}: {}", region.ways());
        }
    }
}

#[test]
fn many_ways_are_bounded() {
    let figures = Figures {
        connections: 8,
        per_connection: Some(30),
        per_account: None,
        of_modes: [Some((30, 20)), Some((20, 10)), Some((10, 5))],
        scope: Scope::Connection,
        depth_endpoint: None,
    };
    let limits = figures.limits();
    let accounts: Vec<PlanAccount<'_>> =
        (0..16).map(|_| PlanAccount { name: String::new(), tier: "", tier_rank: 0, limits: &limits }).collect();

    let region = Region::new(&accounts, &ModesInPlay::new(MODES.to_vec(), false), 20_000, &Relaxation::default());

    assert!(region.ways() <= WAYS_MAX, "{}", region.ways());
    assert_eq!(region.instruments_max(), Some(3840));
}
