//! Plans that keep the placement of a previous plan, and placements by underlying.

use super::*;
use crate::catalogue::Builder;
use crate::plan::placement::{PlacementMove, moves};
use crate::previous::PlacedConnection;
use crate::subscriptions::PlanSubscriptions;
use crate::testing::{future, index};
use crate::vocabulary::PlacementStrategy;

fn following(request: PlanRequest, previous: &Plan) -> PlanRequest {
    let feed = StreamOptions { previous: previous.as_previous(), ..request.feed };
    PlanRequest { feed, ..request }
}

/// Returns each subscription as `S00 1 desk_a`: symbol, connection and account, in the order of the plan.
fn places(plan: &Plan) -> Vec<String> {
    let subscriptions = PlanSubscriptions::of(plan).unwrap();
    let entries = subscriptions.entries(subscriptions.positions(None));
    let mut places: Vec<String> = entries
        .map(|of| format!("{} {} {}", of.instrument.split_once(':').unwrap().1, of.connection, of.account))
        .collect();
    places.sort();
    places
}

#[test]
fn instruments_stay_on_their_connections() {
    let before = planned(&at(Broker::Kite, &symbols(4)));
    let added = [symbols(3), vec!["NSE:S09".to_owned()], symbols(4).split_off(3)].concat();

    let after = planned(&following(at(Broker::Kite, &added), &before));

    assert_eq!(places(&before), ["S00 1 default", "S01 2 default", "S02 1 default", "S03 2 default"]);
    assert_eq!(places(&after), ["S00 1 default", "S01 2 default", "S02 1 default", "S03 2 default", "S09 1 default"]);
    assert_eq!(allocation_of(&after).unchanged_placement, Some(4));
    assert_eq!(allocation_of(&before).unchanged_placement, None);
}

#[test]
fn a_closed_connection_leaves_a_gap_in_the_numbers() {
    let before = planned(&at(Broker::Kite, &symbols(4)));
    let kept: Vec<String> = ["NSE:S01", "NSE:S03"].map(str::to_owned).to_vec();

    let after = planned(&following(at(Broker::Kite, &kept), &before));

    assert_eq!(places(&after), ["S01 2 default", "S03 2 default"]);
    let subscriptions = PlanSubscriptions::of(&after).unwrap();
    assert_eq!(subscriptions.connection_numbers().collect::<Vec<_>>(), [2]);
    let scopes: Vec<&str> = allocation_of(&after).limits.iter().map(|limit| limit.scope.as_str()).collect();
    assert_eq!(scopes, ["plan", "account default", "connection 2"]);
    let mut messages = Vec::new();
    subscriptions.write_messages(2, 100, &mut messages);
    assert!(String::from_utf8(messages).unwrap().contains("1001"));
    assert_eq!(allocation_of(&after).time_to_ready_ms, allocation_of(&before).time_to_ready_ms);
}

#[test]
fn connections_are_those_of_the_account_with_the_same_name() {
    let plan = |accounts: &str, previous: Option<&Plan>| {
        let request = at(Broker::Kite, &symbols(8));
        let request = previous.map_or(request.clone(), |previous| following(request, previous));
        try_plan(&request, &small_brokers(Some(accounts))).unwrap()
    };
    let before = plan("kite=desk_a,desk_b", None);

    let after = plan("kite=desk_b,desk_c", Some(&before));

    let of_desk_b = |plan: &Plan| places(plan).into_iter().filter(|of| of.ends_with("desk_b")).collect::<Vec<_>>();
    assert!(!of_desk_b(&before).is_empty());
    assert!(of_desk_b(&before).iter().all(|place| places(&after).contains(place)), "{:?}", places(&after));
    assert!(places(&after).iter().all(|place| !place.ends_with("desk_a")));
    let numbers = |plan: &Plan, account: &str| {
        let connections = allocation_of(plan).connections.clone().unwrap().into_iter();
        connections.filter(|of| of.account == account).map(|of| of.connection).collect::<Vec<_>>()
    };
    let old = numbers(&before, "desk_a");
    assert!(numbers(&after, "desk_c").iter().all(|number| !old.contains(number)));
}

/// A catalog with an index that has two names, and two futures of each of two underlyings.
fn contracts() -> Catalogue {
    let mut builder = Builder::new();
    builder.add(index("NSE", "NIFTY 50", Some("NIFTY")), true);
    builder.add_token(Broker::Kite, "NSE:NIFTY 50".to_owned(), "1");
    for (number, (underlying, expiry)) in
        [("AAA", "2026-12-31"), ("AAA", "2027-01-28"), ("BBB", "2026-12-31"), ("BBB", "2027-01-28")].iter().enumerate()
    {
        let symbol = format!("{underlying}{number}");
        builder.add(future(underlying, &symbol, expiry), true);
        builder.add_token(Broker::Kite, format!("NFO:{symbol}"), &(10 + number).to_string());
    }
    builder.build("1".into(), vec![])
}

fn plan_of_contracts(request: &PlanRequest) -> Plan {
    let (catalogue, brokers) = (contracts(), small_brokers(None));
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    crate::create_plan(request, &Resolved::new(request, basis, &[0; 32]), basis, stamp()).unwrap()
}

#[test]
fn another_name_of_an_instrument_is_the_same_place() {
    let before = plan_of_contracts(&at(Broker::Kite, &["NSE:NIFTY".to_owned()]));
    let after = at(Broker::Kite, &["NSE:NIFTY 50", "NFO:AAA0"].map(str::to_owned));

    let after = plan_of_contracts(&following(after, &before));

    assert_eq!(allocation_of(&after).unchanged_placement, Some(1));
}

#[test]
fn contracts_of_an_underlying_are_together_or_spread() {
    let keys = ["NFO:AAA0", "NFO:AAA1", "NFO:BBB2", "NFO:BBB3"].map(str::to_owned);
    let placed = |placement| {
        let mut request = at(Broker::Kite, &keys);
        request.feed.placement = Some(placement);
        places(&plan_of_contracts(&request))
    };

    assert_eq!(
        placed(PlacementStrategy::Together),
        ["AAA0 1 default", "AAA1 1 default", "BBB2 2 default", "BBB3 2 default"]
    );
    assert_eq!(
        placed(PlacementStrategy::Spread),
        ["AAA0 1 default", "AAA1 2 default", "BBB2 1 default", "BBB3 2 default"]
    );
}

#[test]
fn the_placement_of_the_previous_plan_is_in_the_cache_key() {
    let (catalogue, brokers) = (shares(), small_brokers(None));
    let key = |request: &PlanRequest| {
        Resolved::new(request, Basis { catalogue: &catalogue, brokers: &brokers }, &[0; 32]).cache_key()
    };
    let request = || at(Broker::Kite, &symbols(4));
    let with_placement = |placement| {
        let mut request = request();
        request.feed.placement = Some(placement);
        request
    };
    let before = planned(&request());
    let mut renamed = before.clone();
    renamed.plan_id = "plan_2".to_owned();
    let other = planned(&PlanRequest {
        feed: StreamOptions { connections: Some(2), ..request().feed },
        ..at(Broker::Kite, &symbols(3))
    });

    let base = key(&following(request(), &before));

    assert_eq!(key(&following(request(), &renamed)), base, "plans with the same placement are equivalent");
    let others = [
        key(&request()),
        key(&following(request(), &other)),
        key(&following(with_placement(PlacementStrategy::Spread), &before)),
        key(&with_placement(PlacementStrategy::Spread)),
        key(&with_placement(PlacementStrategy::Together)),
    ];
    let distinct: std::collections::BTreeSet<_> = others.iter().chain([&base]).map(|key| key.0).collect();
    assert_eq!(distinct.len(), 6);
}

#[test]
fn a_stored_plan_has_only_the_id_of_the_previous_one() {
    let before = planned(&at(Broker::Kite, &symbols(4)));
    let after = planned(&following(at(Broker::Kite, &symbols(5)), &before));

    let part = after.metadata.broker_part.as_ref().unwrap();

    let previous = part.request.request().feed.previous.as_ref().unwrap();
    assert_eq!(previous.plan_id.as_str(), before.plan_id.as_str());
    assert_eq!(previous.placement, None);
    let mut metadata: Metadata = serde_json::from_str(&after.metadata_to_json()).unwrap();
    metadata.restore_instruments(&after.instruments);
    assert_eq!(metadata, after.metadata);
}

#[test]
fn opening_fewer_connections_is_a_warning_with_the_reason() {
    let warnings = |plan: &Plan| {
        let warnings = plan.metadata.warnings.iter();
        warnings.filter(|warning| warning.contains("requested,")).cloned().collect::<Vec<_>>()
    };
    let requested = |connections: u32, request: PlanRequest| {
        let feed = StreamOptions { connections: Some(connections), ..request.feed };
        PlanRequest { feed, ..request }
    };
    let before = planned(&at(Broker::Dhan, &symbols(5)));
    let same = requested(3, following(at(Broker::Dhan, &symbols(5)), &before));
    let more = requested(3, following(at(Broker::Dhan, &symbols(6)), &before));
    let keys = ["NFO:AAA0", "NFO:AAA1"].map(str::to_owned);
    let mut together = requested(2, at(Broker::Kite, &keys));
    together.feed.placement = Some(PlacementStrategy::Together);

    let no_new = "3 connections requested, 2 opened: no new instruments to place on further connections";
    assert_eq!(warnings(&planned(&same)), [no_new]);
    assert_eq!(warnings(&planned(&more)), [""; 0]);
    let all = "9 connections requested, 2 opened: the accounts allow no more";
    assert_eq!(warnings(&planned(&requested(9, at(Broker::Kite, &symbols(4))))), [all]);
    let of_together = "2 connections requested, 1 opened: `together` needs no further connections";
    assert_eq!(warnings(&plan_of_contracts(&together)), [of_together]);
}

#[test]
fn moves_name_the_connections_of_both_plans() {
    let before = planned(&at(Broker::Kite, &symbols(4)));
    let grown = planned(&following(at(Broker::Kite, &symbols(6)), &before));
    let balanced = planned(&at(Broker::Kite, &symbols(2)));

    let connection =
        |connection| PlacedConnection { connection, account: "default".to_owned(), endpoint: "market".to_owned() };
    let to_first = PlacementMove { instrument: "NSE:S01".to_owned(), from: connection(2), to: connection(1) };
    assert_eq!(moves(&grown, &balanced), [to_first]);
    assert_eq!(moves(&before, &grown), []);
}
