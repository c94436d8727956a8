//! Plans at a broker with limits of a few instruments.

mod bounds;
mod figures;
mod following;
mod stored;

use std::sync::Arc;

use super::*;
use crate::allocation::{Allocation, Needed};
use crate::capacity::Capacity;
use crate::catalogue::Builder;
use crate::feed::Accounts;
use crate::fit::PinnedOverCapacity;
use crate::source::{ItemInstruments, ItemOptions, PlanItem, Source};
use crate::testing::equity;
use crate::vocabulary::SubscriptionType;

/// Two connections of three instruments at Kite, small limits of modes at Upstox, a small depth endpoint at Dhan.
const SMALL: &str = r#"
[brokers.kite]
connections = { value = 2, source = "test", seen = "2026-11-01" }
instruments_per_connection = { value = 3, source = "test", seen = "2026-11-01" }

[brokers.upstox.modes.ltp]
alone = { value = 5, source = "test", seen = "2026-11-01" }
mixed = { value = 2, source = "test", seen = "2026-11-01" }

[brokers.upstox.modes.full]
alone = { value = 3, source = "test", seen = "2026-11-01" }
mixed = { value = 1, source = "test", seen = "2026-11-01" }

[brokers.dhan]
connections = { value = 3, source = "test", seen = "2026-11-01" }
instruments_per_connection = { value = 4, source = "test", seen = "2026-11-01" }

[brokers.dhan.endpoints.depth20]
instruments_per_connection = { value = 2, source = "test", seen = "2026-11-01" }
"#;

/// Returns keys `NSE:S00`, `NSE:S01`, ….
fn symbols(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("NSE:S{number:02}")).collect()
}

/// A catalog of shares that all brokers list, and one share `NSE:UNLISTED` that only Angel lists.
fn shares() -> Catalogue {
    let mut builder = Builder::new();
    for number in 0..20 {
        builder.add(equity("NSE", &format!("S{number:02}"), &format!("INE{number:03}A01012")), true);
        for broker in [Broker::Kite, Broker::Upstox, Broker::Dhan] {
            builder.add_token(broker, format!("NSE:S{number:02}"), &(1000 + number).to_string());
        }
    }
    builder.add(equity("NSE", "UNLISTED", "INE999A01012"), true);
    builder.add_token(Broker::Angel, "NSE:UNLISTED".to_owned(), "1");
    builder.build("1".into(), vec![])
}

fn small_brokers(accounts: Option<&str>) -> BrokerModels {
    BrokerModels::embedded().with_capacity(Capacity::with(Some(SMALL), accounts).unwrap())
}

fn at(broker: Broker, keys: &[String]) -> PlanRequest {
    let mut request = request(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    request.feed.broker = Some(broker);
    request.options.as_of = "2026-11-24".parse().unwrap();
    request
}

/// Returns the same request with options for each of its instruments.
fn with_options(mut request: PlanRequest, options: impl Fn(usize) -> ItemOptions) -> PlanRequest {
    let item = |(number, key): (usize, &str)| PlanItem {
        instruments: ItemInstruments::Key(key.to_owned()),
        options: options(number),
    };
    let items = keys_of(&request).iter().enumerate().map(item).collect();
    request.source = Source::Items(Arc::new(items));
    request
}

fn try_plan(request: &PlanRequest, brokers: &BrokerModels) -> Result<Plan, PinnedOverCapacity> {
    let catalogue = shares();
    let basis = Basis { catalogue: &catalogue, brokers };
    crate::create_plan(request, &Resolved::new(request, basis, &[0; 32]), basis, stamp())
}

fn planned(request: &PlanRequest) -> Plan {
    try_plan(request, &small_brokers(None)).unwrap()
}

fn allocation_of(plan: &Plan) -> &Allocation {
    plan.allocation.as_deref().unwrap()
}

/// Returns the number of instruments of each connection by mode, as `full 1 quote 2`.
fn connections_of(plan: &Plan) -> Vec<String> {
    let connection = |connection: &crate::allocation::AllocatedConnection| {
        let modes: Vec<String> = connection.modes.iter().map(|(mode, number)| format!("{mode} {number}")).collect();
        modes.join(" ")
    };
    allocation_of(plan).connections.iter().flatten().map(connection).collect()
}

/// Returns the keys that were left out for a reason.
fn rejected_as(plan: &Plan, reason: Reason) -> Vec<&str> {
    plan.rejected.iter().filter(|of| of.reason == reason).map(|of| of.instrument.as_str()).collect()
}

#[test]
fn instruments_over_the_connections_are_rejected_with_help() {
    let plan = planned(&at(Broker::Kite, &symbols(8)));

    assert_eq!(plan.instruments.iter().collect::<Vec<_>>(), symbols(6));
    assert_eq!(rejected_as(&plan, Reason::OverCapacity), ["NSE:S06", "NSE:S07"]);
    assert_eq!(
        plan.rejected[0].detail,
        "exceeds the limit `connections` of kite: 2 connections with 3 instruments each"
    );
    assert_eq!(plan.rejected[0].limit.as_deref(), Some("connections"));
    assert_eq!(connections_of(&plan), ["quote 3", "quote 3"]);
    let needed = Needed {
        limit: "connections".into(),
        add: 1,
        admits: 2,
        text: "1 more connection admits 2 more instruments".into(),
    };
    assert_eq!(allocation_of(&plan).needed, Some(needed));
    assert_eq!(plan.validation_results.invalid_instruments, 0);
    assert!(!plan.validation_results.within_limits);
}

#[test]
fn the_limits_state_their_use_and_source() {
    let plan = planned(&at(Broker::Kite, &symbols(4)));

    let limits: Vec<String> = allocation_of(&plan)
        .limits
        .iter()
        .map(|of| format!("{} of {}: {}/{} {}", of.limit, of.scope, of.used, of.allowed, of.binding))
        .collect();
    assert_eq!(
        limits,
        [
            "max_instruments of plan: 4/1000 false",
            "connections of account default: 2/2 true",
            "instruments_per_connection of connection 1: 2/3 false",
            "instruments_per_connection of connection 2: 2/3 false",
        ]
    );
    assert_eq!(allocation_of(&plan).limits[1].source, "test");
    assert_eq!(allocation_of(&plan).needed, None);
}

#[test]
fn pinned_instruments_come_first_and_never_drop_out() {
    let pinned = |number| ItemOptions { is_pinned: number >= 6, ..ItemOptions::default() };
    let plan = planned(&with_options(at(Broker::Kite, &symbols(8)), pinned));

    assert_eq!(rejected_as(&plan, Reason::OverCapacity), ["NSE:S04", "NSE:S05"]);

    let all = |_| ItemOptions { is_pinned: true, ..ItemOptions::default() };
    let over = try_plan(&with_options(at(Broker::Kite, &symbols(8)), all), &small_brokers(None)).unwrap_err();
    assert_eq!(over.to_string(), "the limit `connections` allows 6 of 8 pinned instruments; raise it, or pin fewer");
    assert_eq!(
        over.arithmetic,
        [
            "the request pins 8 instruments",
            "without capacity: `NSE:S06`, `NSE:S07`",
            "`max_instruments` allows 1000 instruments",
            "`connections` allows 2 connections with 3 instruments each",
            "`instruments_per_connection` allows 3 instruments",
        ]
    );
}

#[test]
fn a_higher_priority_is_kept_first() {
    let priority = |number: usize| ItemOptions { priority: u32::try_from(number).unwrap(), ..ItemOptions::default() };
    let plan = planned(&with_options(at(Broker::Kite, &symbols(8)), priority));

    assert_eq!(rejected_as(&plan, Reason::OverCapacity), ["NSE:S00", "NSE:S01"]);
}

#[test]
fn an_unoffered_mode_is_substituted() {
    let mut request = at(Broker::Upstox, &symbols(2));
    request.feed.mode = Some(Mode::Quote);

    let plan = planned(&request);

    let substituted: Vec<(Mode, Mode)> = allocation_of(&plan).substituted.iter().map(|of| (of.from, of.to)).collect();
    assert_eq!(substituted, [(Mode::Quote, Mode::Full); 2]);
    assert_eq!(connections_of(&plan), ["full 2"]);
    assert_eq!(plan.metadata.feed.unwrap().modes.len(), 2);
}

#[test]
fn instruments_are_lowered_before_any_is_left_out() {
    let mut request = at(Broker::Upstox, &symbols(6));
    request.feed.mode = Some(Mode::Full);

    let plan = planned(&request);

    assert_eq!(connections_of(&plan), ["ltp 5"], "one mode alone carries most");
    assert_eq!(rejected_as(&plan, Reason::OverCapacity), ["NSE:S05"]);
    assert_eq!(plan.rejected[0].detail, "exceeds the limit `modes.ltp.alone` of upstox: 5 instruments");
    let lowered = &allocation_of(&plan).lowered;
    assert_eq!(lowered.len(), 5);
    assert_eq!(lowered[0].from, Mode::Full);
    assert_eq!(lowered[0].to, Mode::Ltp);

    request.source = Source::Keys(Arc::new(symbols(3).iter().collect()));
    assert_eq!(connections_of(&planned(&request)), ["full 3"]);
}

#[test]
fn no_limit_lowers_below_the_lowest_mode() {
    let mut request = at(Broker::Upstox, &symbols(6));
    (request.feed.mode, request.feed.min_mode) = (Some(Mode::Full), Some(Mode::Full));

    let plan = planned(&request);

    assert_eq!(connections_of(&plan), ["full 3"]);
    assert_eq!(rejected_as(&plan, Reason::OverCapacity).len(), 3);
}

#[test]
fn a_mode_without_a_substitute_is_rejected() {
    let mut request = at(Broker::Upstox, &symbols(1));
    (request.feed.mode, request.feed.min_mode) = (Some(Mode::Depth200), Some(Mode::Depth200));

    let plan = planned(&request);

    assert_eq!(rejected_as(&plan, Reason::NotOffered), ["NSE:S00"]);
    assert_eq!(
        plan.rejected[0].detail,
        "upstox offers neither `depth200` for NSE_EQ nor a substitute that includes `depth200`"
    );
    assert_eq!(plan.validation_results.invalid_instruments, 0);
}

#[test]
fn depth_has_its_own_connections_and_loses_them_first() {
    let mut request = at(Broker::Dhan, &symbols(5));
    request.feed.mode = Some(Mode::Depth20);

    let plan = planned(&request);

    // Five instruments need two connections for their prices, so one is left for depth.
    assert_eq!(connections_of(&plan), ["full 3", "full 2", "depth20 2"]);
    let allocation = allocation_of(&plan);
    assert_eq!(allocation.connections.as_ref().unwrap()[2].endpoint, "depth20");
    assert_eq!(allocation.lowered.len(), 3);
    assert_eq!(allocation.lowered[0].limit, "connections");
    assert_eq!(
        allocation.needed.as_ref().unwrap().text,
        "2 more connections give 3 more instruments the requested mode"
    );
    let part = plan.metadata.broker_part.as_deref().unwrap();
    let subscriptions = part.subscriptions.as_ref().unwrap();
    assert_eq!(subscriptions.legs.iter().filter(|leg| leg.instrument == 0).count(), 2);
    assert_eq!(subscriptions.instruments[0].token.as_deref(), Some("1000"));
}

#[test]
fn an_instrument_with_several_options_has_the_highest() {
    let keys = ["NSE:S00", "NSE:S01", "NSE:S00"].map(str::to_owned);
    let mode = |number| ItemOptions { mode: (number == 2).then_some(Mode::Full), ..ItemOptions::default() };

    let plan = planned(&with_options(at(Broker::Kite, &keys), mode));

    assert_eq!(plan.metadata.feed.as_ref().unwrap().mode_of("NSE:S00"), Some(Mode::Full));
    assert!(
        plan.metadata
            .warnings
            .contains(&"1 instrument repeated with another mode; the higher mode counts: `NSE:S00`".to_owned()),
        "{:?}",
        plan.metadata.warnings
    );
}

#[test]
fn accounts_add_connections_of_their_own() {
    let brokers = small_brokers(Some("kite=desk_a,desk_b"));
    let plan = try_plan(&at(Broker::Kite, &symbols(8)), &brokers).unwrap();

    let accounts: Vec<&str> = allocation_of(&plan).connections.iter().flatten().map(|of| of.account.as_str()).collect();
    assert_eq!(accounts, ["desk_a", "desk_a", "desk_b"]);

    let mut request = at(Broker::Kite, &symbols(8));
    request.feed.accounts = Some(Accounts::Named(vec!["desk_b".into()]));
    let plan = try_plan(&request, &brokers).unwrap();
    assert_eq!(allocation_of(&plan).accounts, ["desk_b"]);
    assert_eq!(rejected_as(&plan, Reason::OverCapacity).len(), 2);
}

#[test]
fn the_maximum_of_the_plan_is_one_more_limit() {
    let mut request = at(Broker::Kite, &symbols(8));
    request.options.max_instruments = 4;

    let plan = planned(&request);

    assert_eq!(rejected_as(&plan, Reason::OverLimit).len(), 4);
    assert_eq!(plan.rejected[0].detail, "beyond the maximum of 4 instruments");
    let needed = allocation_of(&plan).needed.as_ref().unwrap();
    assert_eq!(needed.limit.as_str(), "max_instruments");
    assert_eq!(needed.add, 2);
    assert_eq!(needed.admits, 2);
    assert_eq!(needed.text, "a maximum of 6 instruments admits 2 more instruments");
}

#[test]
fn lenient_keeps_an_instrument_without_a_token_unsubscribed() {
    let keys = ["NSE:S00", "NSE:UNLISTED"].map(str::to_owned);
    let mut request = at(Broker::Kite, &keys);
    request.options.filtering_strictness = FilteringStrictness::Lenient;

    let plan = planned(&request);

    assert_eq!(plan.instruments.len(), 2);
    assert_eq!(connections_of(&plan), ["quote 1"]);
}

#[test]
fn historical_data_has_requests_instead_of_connections() {
    let mut request = at(Broker::Kite, &symbols(7));
    request.subscription_type = SubscriptionType::Historical;

    let plan = planned(&request);

    let allocation = allocation_of(&plan);
    assert_eq!(allocation.connections, None);
    assert_eq!(allocation.requests, Some(7));
    assert_eq!(allocation.requests_per_second, Some(3));
    assert_eq!(allocation.time_to_complete_ms, Some(2100));
    assert_eq!(plan.performance_metrics.estimated_latency_ms, 2100);
    assert_eq!(plan.metadata.broker_part.unwrap().subscriptions, None);
}

#[test]
fn old_figures_add_a_warning() {
    let mut request = at(Broker::Kite, &symbols(1));
    request.options.as_of = "2027-05-20".parse().unwrap();

    let warnings = planned(&request).metadata.warnings;

    let warning = warnings.iter().find(|warning| warning.starts_with("figures of kite were checked")).unwrap();
    assert!(warning.contains("`connections` seen 2026-11-01"), "{warning}");
}

#[test]
fn a_plan_depends_on_every_option_of_its_allocation() {
    let base = at(Broker::Kite, &symbols(4));
    let brokers = small_brokers(Some("kite=desk_a,desk_b"));
    let catalogue = shares();
    let key = |request: &PlanRequest, brokers: &BrokerModels| {
        Resolved::new(request, Basis { catalogue: &catalogue, brokers }, &[0; 32]).cache_key()
    };
    let changes: [fn(&mut PlanRequest); 7] = [
        |r| r.feed.min_mode = Some(Mode::Ltp),
        |r| r.feed.min_modes = [("NSE:S00".to_owned(), Mode::Ltp)].into(),
        |r| r.feed.pinned = ["NSE:S00".to_owned()].into(),
        |r| r.feed.tier = Some("standard".into()),
        |r| r.feed.accounts = Some(Accounts::Count(1)),
        |r| r.feed.accounts = Some(Accounts::Named(vec!["desk_a".into()])),
        |r| r.feed.connections = Some(2),
    ];
    let mut keys: Vec<_> = changes
        .iter()
        .map(|change| {
            let mut other = base.clone();
            change(&mut other);
            key(&other, &brokers)
        })
        .collect();
    keys.push(key(&base, &brokers));
    keys.push(key(&base, &small_brokers(None)));
    for options in [
        ItemOptions { mode: Some(Mode::Full), ..ItemOptions::default() },
        ItemOptions { min_mode: Some(Mode::Ltp), ..ItemOptions::default() },
        ItemOptions { priority: 1, ..ItemOptions::default() },
        ItemOptions { is_pinned: true, ..ItemOptions::default() },
    ] {
        keys.push(key(&with_options(base.clone(), |_| options), &brokers));
    }
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn the_order_counts_only_if_a_limit_can_bind() {
    let key = |keys: &[String]| {
        let request = at(Broker::Kite, keys);
        let (catalogue, brokers) = (shares(), small_brokers(None));
        Resolved::new(&request, Basis { catalogue: &catalogue, brokers: &brokers }, &[0; 32]).cache_key()
    };
    let backwards = |count| symbols(count).into_iter().rev().collect::<Vec<_>>();

    assert_eq!(key(&symbols(3)), key(&backwards(3)));
    assert_ne!(key(&symbols(4)), key(&backwards(4)), "one connection carries three");
}

#[test]
fn an_endpoint_that_not_all_accounts_have_is_not_used() {
    let tier = format!(
        "{SMALL}\n[brokers.dhan.tiers.pro.endpoints.depth20]\n\
         instruments_per_connection = {{ value = 9, source = \"test\", seen = \"2026-11-01\" }}\n"
    );
    let planned = |accounts: &str| {
        let brokers = BrokerModels::embedded().with_capacity(Capacity::with(Some(&tier), Some(accounts)).unwrap());
        let mut request = at(Broker::Dhan, &symbols(2));
        request.feed.mode = Some(Mode::Depth20);
        connections_of(&try_plan(&request, &brokers).unwrap())
    };

    assert_eq!(planned("dhan=a:pro,b:pro"), ["full 2", "depth20 2"]);
    assert_eq!(planned("dhan=a:pro,b"), ["full 2"]);
}

#[test]
fn time_to_ready_counts_the_messages_of_the_sdk() {
    let limits = r#"
[brokers.kite.subscribe]
instruments_per_message = { value = 2, source = "test", seen = "2026-11-01" }
pause_ms = { value = 1000, source = "test", seen = "2026-11-01" }
[brokers.kotak.subscribe]
instruments_per_message = { value = 2, source = "test", seen = "2026-11-01" }
pause_ms = { value = 1000, source = "test", seen = "2026-11-01" }
"#;
    let brokers = BrokerModels::embedded().with_capacity(Capacity::with(Some(limits), None).unwrap());
    let ready_ms = |broker, mode: &dyn Fn(usize) -> Mode| {
        let options = |number| ItemOptions { mode: Some(mode(number)), ..ItemOptions::default() };
        let plan = try_plan(&with_options(at(broker, &symbols(4)), options), &brokers).unwrap();
        allocation_of(&plan).time_to_ready_ms.unwrap()
    };

    // 100 ms until the connection is open, 2 ms per message, and a pause between two messages.
    // Kite: two messages subscribe, one in each mode, and one of them is followed by a message that sets the mode.
    let alternating = |number: usize| if number.is_multiple_of(2) { Mode::Full } else { Mode::Quote };
    assert_eq!(ready_ms(Broker::Kite, &alternating), 100 + 3 * 2 + 2 * 1000);
    assert_eq!(ready_ms(Broker::Kite, &|_| Mode::Quote), 100 + 2 * 2 + 1000);
    // Kotak sends the depth separately from the price. The catalog has no tokens of it.
    assert_eq!(ready_ms(Broker::Kotak, &|_| Mode::Full), 100 + 4 * 2 + 3 * 1000);
    assert_eq!(ready_ms(Broker::Kotak, &|_| Mode::Quote), 100 + 2 * 2 + 1000);
}

#[test]
fn connections_without_instruments_are_not_opened() {
    let mut request = at(Broker::Kite, &symbols(1));
    request.feed.connections = Some(2);

    let plan = planned(&request);

    assert_eq!(connections_of(&plan), ["quote 1"]);
    let warning = "2 connections requested, 1 opened: a connection needs at least one instrument";
    assert!(plan.metadata.warnings.iter().any(|own| own == warning), "{:?}", plan.metadata.warnings);
}

#[test]
fn a_needed_account_is_one_of_the_lowest_tier() {
    let brokers = small_brokers(Some("upstox=main:plus,second"));
    let mut request = at(Broker::Upstox, &symbols(2));
    (request.feed.mode, request.feed.min_mode) = (Some(Mode::Depth30), Some(Mode::Depth30));

    let plan = try_plan(&request, &brokers).unwrap();

    // The tier of `main` carries all of them.
    assert_eq!(plan.instruments.len(), 2);
    request.source = Source::Keys(Arc::new(symbols(20).iter().collect()));
    let mut limits = SMALL.to_owned();
    limits += "\n[brokers.upstox.tiers.plus.modes.depth30]\nalone = { value = 5, source = \"test\", seen = \"2026-11-01\" }\nmixed = { value = 5, source = \"test\", seen = \"2026-11-01\" }\n";
    let capacity = Capacity::with(Some(&limits), Some("upstox=main:plus,second")).unwrap();
    let plan = try_plan(&request, &BrokerModels::embedded().with_capacity(capacity)).unwrap();
    assert_eq!(plan.instruments.len(), 5);
    assert_eq!(allocation_of(&plan).needed, None, "accounts of the default tier do not offer the mode");
}

#[test]
fn substituted_modes_do_not_depend_on_a_free_order() {
    let substituted = |keys: &[String]| {
        let mut request = at(Broker::Upstox, keys);
        request.feed.mode = Some(Mode::Quote);
        request.options.max_instruments = 1000;
        planned_at_full_capacity(&request).allocation.unwrap().substituted.clone()
    };
    let backwards: Vec<String> = symbols(2).into_iter().rev().collect();

    assert_eq!(substituted(&symbols(2)), substituted(&backwards));
}

/// Returns a plan with the limits that the crate contains.
fn planned_at_full_capacity(request: &PlanRequest) -> Plan {
    try_plan(request, &BrokerModels::embedded()).unwrap()
}
