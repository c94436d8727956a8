mod cutting;
mod golden;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::*;
use crate::allocation::BrokerPart;
use crate::catalogue::Catalogue;
use crate::create_plan;
use crate::instrument::Amount;
use crate::request::{RequestDocument, Resolved};
use crate::testing::{basis, demo_catalogue, request, stamp};
use crate::vocabulary::{FilteringStrictness, OptimizationLevel};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(demo_catalogue);

/// An instrument of a test: key, token and segment.
type TestInstrument<'a> = (&'a str, Option<&'a str>, Option<Segment>);

/// Returns a plan with these instruments, connections (account and endpoint) and subscriptions (position of the
/// instrument, connection, mode).
fn subscribed_plan(
    broker: Broker,
    instruments: &[TestInstrument<'_>],
    connections: &[(&str, &str)],
    legs: &[(u32, u32, Mode)],
) -> Plan {
    let keys: Vec<&str> = instruments.iter().map(|(key, ..)| *key).collect();
    let mut request = request(&keys);
    request.options.filtering_strictness = FilteringStrictness::Lenient;
    request.options.optimization_level = OptimizationLevel::Low;
    let resolved = Resolved::new(&request, basis(&CATALOGUE), &[0; 32]);
    let mut plan = create_plan(&request, &resolved, basis(&CATALOGUE), stamp()).unwrap();
    assert!(plan.instruments.iter().eq(keys));

    let connections = (1..).zip(connections).map(|(connection, (account, endpoint))| AllocatedConnection {
        connection,
        account: (*account).to_owned(),
        endpoint: (*endpoint).to_owned(),
        instruments: u32::try_from(legs.iter().filter(|leg| leg.1 == connection).count()).unwrap(),
        modes: BTreeMap::new(),
        messages_per_second: Amount::ZERO,
        bytes_per_second: 0,
    });
    let allocation = Allocation {
        broker,
        tier: "standard".to_owned(),
        accounts: vec!["default".to_owned()],
        connections: Some(connections.collect()),
        limits: Vec::new(),
        lowered: Vec::new(),
        substituted: Vec::new(),
        needed: None,
        unchanged_placement: None,
        time_to_ready_ms: Some(0),
        requests: None,
        requests_per_second: None,
        days_per_request: None,
        time_to_complete_ms: None,
        assumed: Vec::new(),
    };
    let subscribed = |(_, token, segment): &TestInstrument<'_>| SubscribedInstrument {
        token: token.map(Into::into),
        segment: *segment,
        mode: Some(Mode::Quote),
        identity: 0,
        terms: None,
    };
    let subscriptions = Subscriptions {
        catalogue_version: "1".to_owned(),
        terms: Vec::new(),
        instruments: instruments.iter().map(subscribed).collect(),
        legs: legs
            .iter()
            .map(|(instrument, connection, mode)| SubscribedLeg {
                instrument: *instrument,
                connection: *connection,
                mode: *mode,
            })
            .collect(),
    };
    plan.metadata.broker_part = Some(Arc::new(BrokerPart {
        allocation: Arc::new(allocation),
        subscriptions: Some(subscriptions),
        request: RequestDocument::of(&request),
    }));
    plan
}

/// Returns the JSON object of a connection.
fn connection(plan: &Plan, number: u32, instruments_max: u32) -> String {
    let mut out = Vec::new();
    PlanSubscriptions::of(plan).unwrap().write_messages(number, instruments_max, &mut out);
    String::from_utf8(out).unwrap()
}

/// Returns the keys that no message subscribes.
fn left_out(plan: &Plan) -> Vec<&str> {
    let subscriptions = PlanSubscriptions::of(plan).unwrap();
    subscriptions.without_token(subscriptions.positions(None))
}

#[test]
fn entries_are_in_the_order_of_the_schedule() {
    let instruments = [("NSE:TCS", Some("5"), Some(Segment::NseEquity)), ("NSE:GONE", None, None)];
    let legs = [(1, 1, Mode::Full), (0, 1, Mode::Ltp), (0, 2, Mode::Full)];
    let plan = subscribed_plan(Broker::Kite, &instruments, &[("a", "market"), ("b", "market")], &legs);

    let entries = serde_json::to_string(&PlanSubscriptions::of(&plan).unwrap()).unwrap();

    let first = r#"{"instrument":"NSE:GONE","broker_token":null,"segment":null,"mode":"full","connection":1,"account":"a","endpoint":"market"}"#;
    let second = r#"{"instrument":"NSE:TCS","broker_token":"5","segment":"NSE_EQ","mode":"ltp","connection":1,"account":"a","endpoint":"market"}"#;
    let third = r#"{"instrument":"NSE:TCS","broker_token":"5","segment":"NSE_EQ","mode":"full","connection":2,"account":"b","endpoint":"market"}"#;
    assert_eq!(entries, format!("[{first},{second},{third}]"));
    let subscriptions = PlanSubscriptions::of(&plan).unwrap();
    let mut written = Vec::new();
    subscriptions.write_entries(subscriptions.positions(Some(2)), &mut written);
    assert_eq!(String::from_utf8(written).unwrap(), third);
    assert!(subscriptions.estimated_bytes(0..3) >= entries.len());
}

#[test]
fn positions_of_a_connection_are_its_subscriptions() {
    let instruments = [("NSE:TCS", Some("5"), Some(Segment::NseEquity)), ("NSE:INFY", Some("6"), None)];
    let legs = [(0, 1, Mode::Full), (1, 1, Mode::Full), (0, 3, Mode::Full)];
    let plan = subscribed_plan(Broker::Kite, &instruments, &[("a", "market"); 3], &legs);
    let subscriptions = PlanSubscriptions::of(&plan).unwrap();

    assert_eq!(subscriptions.connection_numbers().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(subscriptions.positions(None), 0..3);
    assert_eq!(subscriptions.positions(Some(1)), 0..2);
    assert_eq!(subscriptions.positions(Some(2)), 2..2);
    assert_eq!(subscriptions.positions(Some(3)), 2..3);
    assert_eq!(connection(&plan, 4, 10), "");
}

#[test]
fn a_plan_without_a_broker_has_no_subscriptions() {
    let mut plan = subscribed_plan(Broker::Kite, &[("NSE:TCS", None, None)], &[("a", "market")], &[(0, 1, Mode::Full)]);

    assert!(PlanSubscriptions::of(&plan).unwrap().lacks_tokens());

    plan.metadata.broker_part = None;
    assert!(PlanSubscriptions::of(&plan).is_none());
}

#[test]
fn a_plan_without_instruments_lacks_no_tokens() {
    let plan = subscribed_plan(Broker::Kite, &[], &[], &[]);
    let subscriptions = PlanSubscriptions::of(&plan).unwrap();

    assert!(!subscriptions.lacks_tokens());
    assert_eq!(serde_json::to_string(&subscriptions).unwrap(), "[]");
}

#[test]
fn a_form_is_that_of_the_list_or_of_the_broker() {
    for (word, form) in [("json", SubscriptionForm::List), ("kite", SubscriptionForm::Sdk(Broker::Kite))] {
        assert_eq!(SubscriptionForm::parse(word), Some(form));
        assert_eq!(form.as_str(), word);
        assert_eq!(form.fault_at(Broker::Kite), None);
    }
    assert_eq!(SubscriptionForm::parse("csv"), None);
    assert_eq!(
        SubscriptionForm::Sdk(Broker::Dhan).fault_at(Broker::Kite).unwrap(),
        "expected `json` or the broker of the plan, `kite`, got `dhan`"
    );
}
