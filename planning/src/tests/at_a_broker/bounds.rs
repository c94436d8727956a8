//! Repeated options, names of accounts, and limits at their bounds.

use super::*;

#[test]
fn a_repeated_conflict_is_counted_once() {
    let keys = ["NSE:S00", "NSE:S01", "NSE:S00", "NSE:S01", "NSE:S00"].map(str::to_owned);
    let mode = |number| ItemOptions { mode: (number >= 2).then_some(Mode::Full), ..ItemOptions::default() };

    let plan = planned(&with_options(at(Broker::Kite, &keys), mode));

    let warning = "2 instruments repeated with another mode; the higher mode counts: `NSE:S00`, `NSE:S01`";
    assert!(plan.metadata.warnings.contains(&warning.to_owned()), "{:?}", plan.metadata.warnings);
}

#[test]
fn repeats_in_modes_that_exclude_each_other_keep_one_whole() {
    let keys = ["NSE:S00", "NSE:S00"].map(str::to_owned);
    let greeks = ItemOptions { mode: Some(Mode::Greeks), min_mode: Some(Mode::Greeks), ..ItemOptions::default() };
    let quote = ItemOptions { mode: Some(Mode::Quote), min_mode: Some(Mode::Quote), ..ItemOptions::default() };
    for options in [[greeks, quote], [quote, greeks]] {
        let mut merged = options[0];
        merged.merge(options[1], Some(Mode::Quote));
        assert_eq!(merged, if Mode::Greeks > Mode::Quote { greeks } else { quote });
        let plan = planned(&with_options(at(Broker::Upstox, &keys), |number| options[number]));
        assert_eq!(rejected_as(&plan, Reason::NotOffered), [""; 0]);
    }
}

#[test]
fn the_higher_mode_takes_a_higher_minimum_that_it_includes() {
    let of = |mode, min_mode| ItemOptions { mode: Some(mode), min_mode, ..ItemOptions::default() };
    for (low, high, merged) in [
        (Some(Mode::Quote), Some(Mode::Ltp), Some(Mode::Quote)),
        (Some(Mode::Quote), None, Some(Mode::Quote)),
        (Some(Mode::Ltp), Some(Mode::Quote), Some(Mode::Quote)),
        (None, Some(Mode::Quote), Some(Mode::Quote)),
    ] {
        let mut own = of(Mode::Quote, low);
        own.merge(of(Mode::Full, high), None);

        assert_eq!(own, of(Mode::Full, merged), "{low:?} {high:?}");
    }
}

#[test]
fn a_further_account_has_a_name_of_its_own() {
    let brokers = small_brokers(Some("kite=main,account_3"));
    let mut request = at(Broker::Kite, &symbols(20));
    request.feed.accounts = Some(Accounts::Count(4));

    let plan = try_plan(&request, &brokers).unwrap();

    assert_eq!(allocation_of(&plan).accounts, ["main", "account_3", "account_4", "account_5"]);
}

#[test]
fn the_smaller_figure_of_a_mode_binds_among_others() {
    let figure =
        |value: u32, rest: &str| format!(r#"{{ value = {value}, source = "test", seen = "2026-11-01"{rest} }}"#);
    let full = "[brokers.upstox.modes.full]\nalone = ";
    let others = SMALL.replace(&format!("{full}{}", figure(3, "")), &format!("{full}{}", figure(2, "")));
    let limits = others
        .replace(&format!("mixed = {}", figure(1, "")), &format!("mixed = {}", figure(3, r#", because = "test""#)));
    let brokers = BrokerModels::embedded().with_capacity(Capacity::with(Some(&limits), None).unwrap());
    let mode = |number| ItemOptions { mode: (number < 3).then_some(Mode::Full), ..ItemOptions::default() };
    let mut request = with_options(at(Broker::Upstox, &symbols(4)), mode);
    request.feed.mode = Some(Mode::Ltp);

    let plan = try_plan(&request, &brokers).unwrap();

    let full = allocation_of(&plan).limits.iter().find(|of| of.limit.starts_with("modes.full")).unwrap();
    assert_eq!(full.limit.as_str(), "modes.full.alone");
    assert_eq!(full.used, 2);
    assert_eq!(full.allowed, 2);
    assert!(full.binding);
}

#[test]
fn the_largest_addition_that_is_not_enough_is_described() {
    let mut text = SMALL.replace("connections = { value = 2", "connections = { value = 1");
    text = text.replace("instruments_per_connection = { value = 3", "instruments_per_connection = { value = 1");
    let capacity = Capacity::with(Some(&text), None).unwrap();
    let mut builder = Builder::new();
    for number in 0..300 {
        builder.add(equity("NSE", &format!("T{number:03}"), &format!("INE{number:03}B01012")), true);
        builder.add_token(Broker::Kite, format!("NSE:T{number:03}"), &(1000 + number).to_string());
    }
    let (catalogue, brokers) = (builder.build("1".into(), vec![]), BrokerModels::embedded().with_capacity(capacity));
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    let keys: Vec<String> = (0..300).map(|number| format!("NSE:T{number:03}")).collect();
    let request = at(Broker::Kite, &keys);
    let resolved = Resolved::new(&request, basis, &[0; 32]);

    let plan = crate::create_plan(&request, &resolved, basis, stamp()).unwrap();

    let needed = allocation_of(&plan).needed.as_ref().unwrap();
    assert_eq!(needed.text, "256 more connections admit 256 more instruments, and further ones more");
}
