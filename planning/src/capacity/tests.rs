mod overrides;

use super::*;
use crate::broker::BrokerModels;
use crate::testing;

fn embedded() -> Arc<Capacity> {
    Capacity::embedded()
}

fn standard(broker: Broker) -> Limits {
    embedded().of(broker).tier(STANDARD).unwrap().limits.clone()
}

fn value<T: Copy>(figure: Option<&Sourced<T>>) -> Option<T> {
    figure.map(|figure| figure.value)
}

#[test]
fn every_broker_has_limits_and_an_account() {
    for broker in Broker::ALL {
        let capacity = embedded();
        let capacity = capacity.of(broker);
        assert_eq!(capacity.tiers[capacity.default_tier].name, STANDARD, "{broker}");
        assert_eq!(
            capacity.accounts,
            [Account { name: DEFAULT_ACCOUNT.into(), tier: capacity.default_tier }],
            "{broker}"
        );
        let figures: Vec<_> = capacity.tiers.iter().flat_map(|tier| tier.limits.figures()).collect();
        assert!(figures.len() > 10, "{broker}");
        assert!(figures.iter().all(|figure| !figure.source.is_empty()), "{broker}");
    }
    assert!(!embedded().is_overridden());
}

#[test]
fn the_limits_of_kite_are_those_of_its_document() {
    let kite = standard(Broker::Kite);

    assert_eq!(kite.connections.value, 3);
    assert_eq!(kite.on_excess.value, OnExcess::Refuse);
    assert_eq!(value(kite.instruments_per_connection.as_ref()), Some(3000));
    assert!(kite.counts_duplicates.value);
    assert_eq!(kite.change_mode.value, ChangeMode::Message);
    assert_eq!(kite.lowering, [Mode::Full, Mode::Quote, Mode::Ltp]);
    assert_eq!(kite.session_ends_at.unwrap().value, "06:00");
    let fee = kite.fee.unwrap();
    assert_eq!(fee.currency, "INR");
    assert_eq!(fee.amount.value, 500);
    assert_eq!(fee.amount.others[0].value, 2000);
}

#[test]
fn limits_of_modes_belong_to_a_tier() {
    let capacity = embedded();
    let upstox = capacity.of(Broker::Upstox);
    let names: Vec<_> = upstox.tiers.iter().map(|tier| tier.name.as_str()).collect();
    assert_eq!(names, ["standard", "plus"]);
    let standard = &upstox.tier("standard").unwrap().limits;
    let plus = &upstox.tier("plus").unwrap().limits;

    assert_eq!(standard.connections.value, 1);
    assert_eq!(standard.connections.others[0].value, 2);
    assert_eq!(plus.connections.value, 5);
    assert!(!standard.modes.contains_key(&Mode::Depth30));
    let depth = &plus.modes[&Mode::Depth30];
    assert_eq!(value(depth.alone.as_ref()), Some(50));
    assert_eq!(value(depth.mixed.as_ref()), Some(1500));
    assert_eq!(depth.scope, Scope::Account);
    assert_eq!(plus.modes[&Mode::Full], standard.modes[&Mode::Full]);
    assert_eq!(value(plus.modes[&Mode::Full].mixed.as_ref()), Some(1500));
}

#[test]
fn depth_of_dhan_is_a_leg_at_its_own_endpoint() {
    let dhan = standard(Broker::Dhan);
    let leg = |endpoint: &str, mode| Leg { endpoint: endpoint.into(), mode };

    let depth = &dhan.modes[&Mode::Depth20];
    assert_eq!(depth.legs, [leg("depth20", Mode::Depth20), leg(MARKET, Mode::Full)]);
    assert_eq!(depth.segments.as_ref().unwrap().value, [Segment::NseEquity, Segment::NseDerivative]);
    assert_eq!(dhan.endpoints["depth20"].value, 50);
    assert_eq!(dhan.endpoints["depth200"].value, 1);
    assert_eq!(dhan.on_excess.value, OnExcess::ClosesOldest);
}

#[test]
fn contradicting_sources_are_listed_with_a_reason() {
    let fyers = standard(Broker::Fyers).instruments_per_account.unwrap();

    assert_eq!(fyers.value, 5000);
    assert_eq!(fyers.others.iter().map(|other| other.value).collect::<Vec<_>>(), [200, 200]);
    assert!(fyers.because.is_some());
    for (broker, other) in [(Broker::Angel, 1), (Broker::Upstox, 2)] {
        assert_eq!(standard(broker).connections.others[0].value, other, "{broker}");
    }
    for (broker, other) in [(Broker::Kotak, 3200), (Broker::Shoonya, 5000)] {
        assert_eq!(standard(broker).instruments_per_connection.unwrap().others[0].value, other, "{broker}");
    }
}

#[test]
fn the_limits_agree_with_the_estimates() {
    let models = BrokerModels::embedded();
    for broker in [Broker::Kite, Broker::Shoonya, Broker::AliceBlue] {
        let (limits, estimates) = (standard(broker), models.limits(Some(broker)));
        assert!(models.has_figures_of(broker));
        let mut pairs = vec![
            (limits.connections, &estimates.connections),
            (limits.instruments_per_connection.unwrap(), &estimates.instruments_per_connection),
            (limits.subscribe.instruments_per_message, &estimates.instruments_per_message),
            (limits.subscribe.pause_ms, &estimates.message_pause_ms),
            (limits.historical.requests_per_second, &estimates.historical_requests_per_second),
            (limits.historical.days_per_request, &estimates.historical_days_per_request),
        ];
        for (own, others) in
            [(limits.packet_bytes, &estimates.packet_bytes), (limits.index_packet_bytes, &estimates.index_packet_bytes)]
        {
            assert!(own.keys().eq(others.keys()), "{broker}");
            pairs.extend(own.into_values().zip(others.values()));
        }
        for (figure, estimate) in pairs {
            assert_eq!(figure.value, estimate.value, "{broker} {figure:?}");
            assert_eq!(figure.source, estimate.source, "{broker}");
            assert_eq!(figure.seen.to_string(), estimate.seen, "{broker} {figure:?}");
        }
    }
}

#[test]
fn a_test_can_describe_a_broker_in_a_few_lines() {
    let limits = testing::limits(
        "connections = 2\n[modes.ltp]\nalone = 5\n[endpoints]\ndepth20 = 7\n[modes.depth20]\nlegs = [\"depth20\", \"market ltp\"]",
    );

    assert_eq!(limits.connections.value, 2);
    assert_eq!(limits.lowering, [Mode::Ltp]);
    assert_eq!(value(limits.modes[&Mode::Ltp].alone.as_ref()), Some(5));
    assert_eq!(limits.endpoints["depth20"].value, 7);
    let legs: Vec<_> = limits.modes[&Mode::Depth20].legs.iter().map(|leg| (leg.endpoint.as_str(), leg.mode)).collect();
    assert_eq!(legs, [("depth20", Mode::Depth20), (MARKET, Mode::Ltp)]);
}
