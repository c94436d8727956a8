//! Compares the fit with an exhaustive search, and checks its guarantees.

use proptest::prelude::*;

use super::cases::{Case, Figures, any_case, case_count};
use crate::capacity::Scope;

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

/// Returns the value of an assignment: of each class in order first what is kept, then the modes.
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
