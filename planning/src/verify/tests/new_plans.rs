//! The plan that would replace a stored one.

use super::*;
use crate::broker::BrokerModels;
use crate::capacity::Capacity;

#[test]
fn a_new_plan_changes_stale_instruments() {
    let infy = share("INFY", "INE009A01021", "3");
    let files =
        [vec![call("2026-12-29", "1"), share("TCS", ISIN, "2"), infy.clone()], vec![share("TCS", ISIN, "9"), infy]];
    let keys = keys_of(&files[0]);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut request = request(&keys);
    request.feed.broker = Some(Broker::Kite);
    request.options.filtering_strictness = FilteringStrictness::Strict;
    let plan = planned(&request, &catalogue_of(&[(Broker::Kite, &files[..1])]));
    let now = catalogue_of(&[(Broker::Kite, &files)]);

    let new_plan = replan(&plan, basis(&now), 1000, TODAY.parse().unwrap()).unwrap();

    let diff = crate::transition::diff(Some(&plan), &new_plan).unwrap();
    let actions: Vec<String> = diff.actions.iter().map(|of| format!("{} {}", of.action, of.instrument)).collect();
    assert_eq!(actions, ["move NSE:TCS", "unsubscribe NFO:NIFTY26DEC24000CE"]);
    assert_eq!(diff.unchanged, 1);
}

#[test]
fn a_new_plan_keeps_the_connections_of_the_rest() {
    let shares =
        |count: usize| (0..count).map(|at| share(&format!("S{at}"), &format!("INE{at:03}A01012"), &at.to_string()));
    let files = [shares(12).collect::<Vec<Row>>(), shares(12).skip(1).collect()];
    let keys = keys_of(&files[0]);
    let mut request = request(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    request.feed.broker = Some(Broker::Kite);
    request.feed.connections = Some(3);
    let plan = planned(&request, &catalogue_of(&[(Broker::Kite, &files[..1])]));
    let now = catalogue_of(&[(Broker::Kite, &files)]);

    let new_plan = replan(&plan, basis(&now), 1000, TODAY.parse().unwrap()).unwrap();

    let diff = crate::transition::diff(Some(&plan), &new_plan).unwrap();
    let actions: Vec<String> = diff.actions.iter().map(|of| format!("{} {}", of.action, of.instrument)).collect();
    assert_eq!(actions, ["unsubscribe NSE:S0"]);
}

#[test]
fn a_new_plan_is_for_today_or_later() {
    let file = vec![call("2026-12-29", "1")];
    let catalogue = catalogue_of(&[(Broker::Kite, std::slice::from_ref(&file))]);
    let plan = plan_at_kite(&["NFO:NIFTY26DEC24000CE"], &catalogue);
    let as_of = |today: &str| {
        replan(&plan, basis(&catalogue), 1000, today.parse().unwrap()).unwrap().metadata.as_of.to_string()
    };

    assert_eq!(as_of("2026-11-20"), TODAY);
    assert_eq!(as_of("2026-11-30"), "2026-11-30");
    let without_broker = planned(&request(&["NFO:NIFTY26DEC24000CE"]), &catalogue);
    assert_eq!(replan(&without_broker, basis(&catalogue), 1000, TODAY.parse().unwrap()), None);
}

#[test]
fn a_new_plan_is_within_the_settings() {
    let file = vec![share("TCS", ISIN, "2"), share("INFY", "INE009A01021", "3")];
    let catalogue = catalogue_of(&[(Broker::Kite, std::slice::from_ref(&file))]);
    let mut request = request(&["NSE:INFY", "NSE:TCS"]);
    request.feed.broker = Some(Broker::Kite);
    request.feed.connections = Some(3);
    let plan = planned(&request, &catalogue);
    let brokers = |limits: &str| BrokerModels::embedded().with_capacity(Capacity::with(Some(limits), None).unwrap());
    let new_plan = |brokers: &BrokerModels, max_instruments: u32| {
        let basis = Basis { catalogue: &catalogue, brokers };
        replan(&plan, basis, max_instruments, TODAY.parse().unwrap()).unwrap()
    };
    let fewer = brokers("[brokers.kite]\nconnections = { value = 1, source = \"test\", seen = \"2026-11-24\" }\n");

    assert_eq!(new_plan(&brokers("# nothing"), 1).instruments.len(), 1);
    let of_one_connection = new_plan(&fewer, 1000);
    assert!(of_one_connection.metadata.warnings[0].starts_with("ignored option `/connections`: "));
}
