use super::*;

const SOURCE: &str = "source = \"observed: our own account\"\nseen = \"2026-11-30\"";

fn overridden(text: &str) -> Arc<Capacity> {
    Capacity::with(Some(text), None).unwrap()
}

/// Returns an override file that sets one figure.
fn figure(path: &str, value: &str) -> String {
    format!("[{path}]\nvalue = {value}\n{SOURCE}\n")
}

fn faults(text: &str) -> Vec<String> {
    Capacity::with(Some(text), None).unwrap_err().iter().map(ToString::to_string).collect()
}

fn faults_of_accounts(list: &str) -> Vec<String> {
    Capacity::with(None, Some(list)).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn an_override_replaces_one_figure() {
    let capacity = overridden(&figure("brokers.kite.connections", "5"));

    let limits = &capacity.of(Broker::Kite).tier(STANDARD).unwrap().limits;
    assert_eq!(limits.connections.value, 5);
    assert_eq!(limits.connections.source, "observed: our own account");
    assert!(limits.connections.is_overridden);
    assert!(!limits.instruments_per_connection.as_ref().unwrap().is_overridden);
    assert_eq!(value(limits.instruments_per_connection.as_ref()), Some(3000));
    assert_eq!(capacity.of(Broker::Dhan), embedded().of(Broker::Dhan));
    assert!(capacity.is_overridden());
    assert_ne!(capacity.content_hash(), embedded().content_hash());
}

#[test]
fn an_override_of_a_broker_applies_to_its_tiers() {
    let text =
        figure("brokers.upstox.modes.full.mixed", "1000") + &figure("brokers.upstox.tiers.plus.connections", "4");
    let capacity = overridden(&text);
    let tier = |name| &capacity.of(Broker::Upstox).tier(name).unwrap().limits;

    assert_eq!(value(tier(STANDARD).modes[&Mode::Full].mixed.as_ref()), Some(1000));
    assert_eq!(value(tier("plus").modes[&Mode::Full].mixed.as_ref()), Some(1000));
    assert!(tier("plus").modes[&Mode::Full].mixed.as_ref().unwrap().is_overridden);
    assert_eq!(tier(STANDARD).connections.value, 1);
    assert_eq!(tier("plus").connections.value, 4);
}

#[test]
fn an_override_adds_a_tier_a_mode_and_an_endpoint() {
    let text = format!(
        "[brokers.dhan.tiers.institutional]\n{}{}{}\n[brokers.dhan.tiers.institutional.modes.depth50]\n\
         legs = [{{ endpoint = \"depth50\", mode = \"depth50\" }}, {{ endpoint = \"market\", mode = \"full\" }}]\n",
        figure("brokers.dhan.tiers.institutional.connections", "10"),
        figure("brokers.dhan.tiers.institutional.endpoints.depth50.instruments_per_connection", "20"),
        figure("brokers.dhan.tiers.institutional.packet_bytes.depth50", "1600"),
    );
    let capacity = overridden(&text);

    let dhan = capacity.of(Broker::Dhan);
    assert_eq!(dhan.tiers.iter().map(|tier| tier.name.as_str()).collect::<Vec<_>>(), [STANDARD, "institutional"]);
    assert_eq!(dhan.default_tier, 0);
    let limits = &dhan.tier("institutional").unwrap().limits;
    assert_eq!(limits.connections.value, 10);
    assert_eq!(limits.endpoints["depth50"].value, 20);
    assert_eq!(limits.endpoints["depth20"].value, 50);
    assert!(limits.modes.contains_key(&Mode::Depth50));
    assert!(!dhan.tier(STANDARD).unwrap().limits.modes.contains_key(&Mode::Depth50));
}

#[test]
fn the_order_of_tiers_can_place_one_below_the_default() {
    let text = format!(
        "[brokers.kite]\ntier_order = [\"trial\", \"standard\"]\n{}{}",
        figure("brokers.kite.tiers.pro.connections", "9"),
        figure("brokers.kite.tiers.trial.connections", "1"),
    );
    let capacity = overridden(&text);

    let kite = capacity.of(Broker::Kite);
    assert_eq!(kite.tiers.iter().map(|tier| tier.name.as_str()).collect::<Vec<_>>(), ["trial", STANDARD, "pro"]);
    assert_eq!(kite.tiers[kite.default_tier].name, STANDARD);
    assert_eq!(kite.accounts[0].tier, 1);
}

#[test]
fn all_faults_of_an_override_are_reported_with_paths() {
    let text = format!(
        "limits = 1\n[brokers.zerodha]\n[brokers.kite]\nlowering = [\"full\", \"depth20\"]\ncolor = \"red\"\nsubscribe = 3\n\
         fee = {{ value = 500, source = \"x\", seen = \"2026-11-30\" }}\n\
         [brokers.kite.modes.depth]\n[brokers.kite.historical.requests_per_second]\nvalue = 0\nsource = \"\"\n\
         {}[brokers.upstox.tiers.standard]\n{}{}{}",
        figure("brokers.kite.connections", "-3"),
        figure("brokers.dhan.session_ends_at", "\"25:00\""),
        figure("brokers.dhan.on_excess", "\"explode\""),
        "[brokers.angel.fee]\nsource = \"x\"\n",
    );

    assert_eq!(
        faults(&text),
        [
            "brokers.angel.fee.value: is required",
            "brokers.dhan.on_excess.value: expected one of refuse, closes_oldest, closes_both, got `explode`",
            "brokers.dhan.session_ends_at.value: expected a time as HH:MM, got `25:00`",
            "brokers.kite.color: unknown field",
            "brokers.kite.connections.value: expected an integer from 1 to 1000000, got -3",
            "brokers.kite.fee.currency: is required",
            "brokers.kite.historical.requests_per_second.seen: is required",
            "brokers.kite.historical.requests_per_second.source: expected 1 to 500 characters, got 0",
            "brokers.kite.historical.requests_per_second.value: expected an integer from 1 to 1000000, got 0",
            "brokers.kite.modes.depth: unknown mode; expected one of ltp, greeks, quote, full, depth20, depth30, depth50, depth200",
            "brokers.kite.subscribe: expected a table, got 3",
            "brokers.upstox.tiers.standard: expected another name: the table of the broker is this tier",
            "brokers.zerodha: unknown broker; expected one of kite, upstox, dhan, angel, fyers, groww, nuvama, shoonya, aliceblue, kotak, fivepaisa, breeze",
            "limits: unknown field",
        ]
    );
}

#[test]
fn values_that_contradict_each_other_are_rejected() {
    let text = format!(
        "[brokers.kite]\nlowering = [\"quote\", \"full\", \"depth20\"]\n[brokers.kite.modes.depth30]\n\
         legs = [{{ endpoint = \"deep\", mode = \"depth30\" }}, {{ endpoint = \"deep\", mode = \"full\" }}]\n{}{}{}\
         [brokers.dhan.modes.depth50]\nlegs = [{{ endpoint = \"depth20\", mode = \"depth20\" }}]\n",
        figure("brokers.kite.endpoints.unused.instruments_per_connection", "1"),
        figure("brokers.kite.endpoints.market.instruments_per_connection", "1"),
        figure("brokers.upstox.modes.ltp.mixed", "6000"),
    );

    assert_eq!(
        faults(&text),
        [
            "brokers.dhan.endpoints.depth20: expected one mode with a leg at this endpoint, got depth20, depth50",
            "brokers.dhan.modes.depth50.legs: expected a leg at the endpoint `market`",
            "brokers.kite.endpoints.market: expected another name: `instruments_per_connection` of the broker is its limit",
            "brokers.kite.endpoints.unused: expected a mode with a leg at this endpoint, got none",
            "brokers.kite.lowering: expected each mode to include the next one, got `full` before `depth20`",
            "brokers.kite.lowering: expected each mode to include the next one, got `quote` before `full`",
            "brokers.kite.lowering: expected modes that the broker offers, got `depth20`",
            "brokers.kite.modes.depth30.legs: expected a leg at the endpoint `market`",
            "brokers.kite.modes.depth30.legs: expected an endpoint of market, unused, got `deep`",
            "brokers.kite.modes.depth30.legs: expected at most one leg at each endpoint, got two at `deep`",
            "brokers.kite.packet_bytes.depth30: is required",
            "brokers.upstox.modes.ltp.mixed: expected at most `alone`, 5000, or a reason in `because`, got 6000",
        ]
    );
}

#[test]
fn a_contradiction_of_a_tier_names_the_tier() {
    let text = "[brokers.upstox.tiers.plus]\nlowering = [\"depth30\", \"quote\"]\n";

    assert_eq!(
        faults(text),
        ["brokers.upstox.tiers.plus.lowering: expected modes that the broker offers, got `quote`"]
    );
}

#[test]
fn a_fault_of_a_tier_has_the_path_of_the_tier() {
    let text = format!(
        "[brokers.upstox.tiers.plus]\ncolor = 1\n[brokers.upstox.tiers.plus.modes.depth]\nlegs = []\n\
         [brokers.upstox.tiers.plus.modes.full]\nshape = 1\n[brokers.upstox.tiers.plus.subscribe]\nsize = 1\n{}extra = 1\n\
         [brokers.upstox.tiers.plus.packet_bytes]\nhuge = 1\n[brokers.upstox.tiers.plus.endpoints.\"a b\"]\n",
        figure("brokers.upstox.tiers.plus.connections", "4"),
    );

    assert_eq!(
        faults(&text),
        [
            "brokers.upstox.tiers.plus.color: unknown field",
            "brokers.upstox.tiers.plus.connections.extra: unknown field",
            "brokers.upstox.tiers.plus.endpoints.a b: expected a name of 1 to 64 letters, digits, `_`, `-` and `.`",
            "brokers.upstox.tiers.plus.modes.depth: unknown mode; expected one of ltp, greeks, quote, full, depth20, depth30, depth50, depth200",
            "brokers.upstox.tiers.plus.modes.full.shape: unknown field",
            "brokers.upstox.tiers.plus.packet_bytes.huge: unknown mode; expected one of ltp, greeks, quote, full, depth20, depth30, depth50, depth200",
            "brokers.upstox.tiers.plus.subscribe.size: unknown field",
        ]
    );
}

#[test]
fn a_fault_of_a_value_hides_no_contradiction() {
    let text = format!(
        "[brokers.kite]\nlowering = [\"quote\", \"full\"]\n{}{}{}{}",
        figure("brokers.kite.connections", "0"),
        figure("brokers.kite.change_mode", "\"never\""),
        figure("brokers.kite.subscribe.pause_ms", "-1"),
        figure("brokers.kite.tiers.pro.connections", "0"),
    );

    assert_eq!(
        faults(&text),
        [
            "brokers.kite.change_mode.value: expected one of message, resubscribe, got `never`",
            "brokers.kite.connections.value: expected an integer from 1 to 1000000, got 0",
            "brokers.kite.lowering: expected each mode to include the next one, got `quote` before `full`",
            "brokers.kite.subscribe.pause_ms.value: expected an integer from 0 to 1000000, got -1",
            "brokers.kite.tiers.pro.connections.value: expected an integer from 1 to 1000000, got 0",
        ]
    );
}

#[test]
fn a_size_of_packets_with_a_fault_is_not_missing() {
    let text = figure("brokers.kite.packet_bytes.full", "0");

    let detail = "expected an integer from 1 to 1000000, got 0";
    assert_eq!(faults(&text), [format!("brokers.kite.packet_bytes.full.value: {detail}")]);
}

#[test]
fn a_source_is_not_checked_in_the_future() {
    let text = "[brokers.kite.connections]\nvalue = 3\nsource = \"x\"\nseen = 2026-11-30\nbecause = \"newer\"\n\
                others = [{ value = 2, source = \"y\", seen = \"2026-12-01\" }]\n";
    let on = |day: &str| {
        let faults = Capacity::with_on(day.parse().unwrap(), Some(text), None).err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };

    assert_eq!(on("2026-12-01"), [""; 0]);
    assert_eq!(
        on("2026-11-29"),
        [
            "brokers.kite.connections.others[0].seen: expected today, 2026-11-29, or an earlier date, got 2026-12-01",
            "brokers.kite.connections.seen: expected today, 2026-11-29, or an earlier date, got 2026-11-30",
        ]
    );
    // The built-in figures are not judged by the clock of a machine.
    assert!(Capacity::with_on("2020-01-01".parse().unwrap(), None, None).is_ok());
    assert!(Capacity::with_on("2020-01-01".parse().unwrap(), Some("[brokers.kite]\n"), None).is_ok());
}

#[test]
fn another_value_needs_a_source_and_a_reason() {
    let text = "[brokers.kite.connections]\nvalue = 3\nsource = \"x\"\nseen = 2026-11-30\nothers = [{ value = 0, source = \"y\" }, 4]\n";

    assert_eq!(
        faults(text),
        [
            "brokers.kite.connections.others[0].seen: is required",
            "brokers.kite.connections.others[0].value: expected an integer from 1 to 1000000, got 0",
            "brokers.kite.connections.others[1]: expected a table, got 4",
        ]
    );
    let text = text.replace("{ value = 0, source = \"y\" }, 4", "{ value = 2, source = \"y\", seen = \"2026-11-30\" }");
    assert_eq!(faults(&text), ["brokers.kite.connections.because: is required if there are other values"]);
}

#[test]
fn a_file_that_is_not_toml_is_rejected_with_its_line() {
    let faults = faults("[brokers.kite]\nname = \n");

    assert_eq!(faults.len(), 1);
    assert!(faults[0].starts_with("failed to parse TOML: TOML parse error at line 2"), "{}", faults[0]);
}

#[test]
fn files_that_change_nothing_keep_the_hash() {
    for text in ["", "# A comment.\n", "[brokers.kite]\n"] {
        let capacity = overridden(text);
        assert!(!capacity.is_overridden(), "{text}");
        assert_eq!(capacity.content_hash(), embedded().content_hash(), "{text}");
    }
    let list = Capacity::with(None, Some("kite=default; upstox=default:standard;")).unwrap();
    assert!(!list.is_overridden());
}

#[test]
fn the_order_of_tiers_is_a_change() {
    let text = "[brokers.upstox]\ntier_order = [\"plus\", \"standard\"]\n";
    let capacity = overridden(text);

    assert_ne!(capacity.content_hash(), embedded().content_hash());
    assert_eq!(embedded().changes(&capacity), ["brokers.upstox.tier_order: standard < plus -> plus < standard"]);
}

#[test]
fn connections_are_bounded() {
    let faults = |text: &str| match Capacity::with(Some(text), None) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    let connections = |value: &str| figure("brokers.angel.connections", value);
    let regimes = figure("brokers.angel.modes.depth20.alone", "100");

    assert_eq!(faults(&connections("256")), [""; 0]);
    assert_eq!(faults(&connections("257")), ["brokers.angel.connections: expected at most 256, got 257"]);
    assert_eq!(faults(&(connections("8") + &regimes)), [""; 0]);
    assert_eq!(
        faults(&(connections("9") + &regimes)),
        [
            "brokers.angel.connections: expected at most 8 if a mode of the scope `connection` has `alone` above `mixed`, got 9"
        ]
    );
}

#[test]
fn changes_name_the_figures_with_both_values() {
    let text = figure("brokers.kite.connections", "5")
        + &figure("brokers.kite.instruments_per_connection", "3000")
        + &figure("brokers.kite.lifetime_hours", "24")
        + "[brokers.kite.modes.quote]\nscope = \"connection\"\n";
    let capacity = Capacity::with(Some(&text), Some("dhan=a,b")).unwrap();

    let changes = [
        "brokers.kite.standard.connections: 3 -> 5",
        "brokers.kite.standard.instruments_per_connection: 3000, with another source",
        "brokers.kite.standard.lifetime_hours: none -> 24",
        "brokers.kite.standard.modes.quote.scope: account -> connection",
        "brokers.dhan.accounts: [\"default:standard\"] -> [\"a:standard\",\"b:standard\"]",
    ];
    assert_eq!(embedded().changes(&capacity), changes);
    assert_eq!(embedded().changes(&embedded()), [""; 0]);
}

#[test]
fn accounts_have_names_and_tiers() {
    let capacity = Capacity::with(None, Some("kite=desk_a, desk_b;upstox=main:plus,second")).unwrap();
    let accounts = |broker| {
        let of_broker: Vec<_> =
            capacity.of(broker).accounts.iter().map(|account| format!("{}:{}", account.name, account.tier)).collect();
        of_broker
    };

    assert_eq!(accounts(Broker::Kite), ["desk_a:0", "desk_b:0"]);
    assert_eq!(accounts(Broker::Upstox), ["main:1", "second:0"]);
    assert_eq!(accounts(Broker::Dhan), ["default:0"]);
    assert!(capacity.is_overridden());
    assert_ne!(capacity.content_hash(), embedded().content_hash());
}

#[test]
fn all_faults_of_a_list_of_accounts_are_reported() {
    let many: Vec<String> = (0..17).map(|number| format!("a{number}")).collect();
    let list = format!("kite;zerodha=a;dhan=;upstox=main:gold,a b,x,x;kite=a;kite=b;angel={}", many.join(","));

    assert_eq!(
        faults_of_accounts(&list),
        [
            "kite: expected `broker=account,account`",
            "zerodha: unknown broker; expected one of kite, upstox, dhan, angel, fyers, groww, nuvama, shoonya, aliceblue, kotak, fivepaisa, breeze",
            "dhan=: expected a name of 1 to 64 letters, digits, `_`, `-` and `.`",
            "upstox=main:gold: unknown tier; expected one of standard, plus",
            "upstox=a b: expected a name of 1 to 64 letters, digits, `_`, `-` and `.`",
            "upstox=x: duplicate of an earlier account of this broker",
            "kite: duplicate of an earlier broker in this list",
            "angel: expected 1 to 16 accounts, got 17",
        ]
    );
}

#[test]
fn an_account_can_have_a_tier_of_the_override_file() {
    let text = figure("brokers.kite.tiers.pro.connections", "9");

    let capacity = Capacity::with(Some(&text), Some("kite=a:pro")).unwrap();
    let faults = Capacity::with(Some(&(text + "x = 1\n")), Some("kite=a:pro;upstox=a")).unwrap_err();

    assert_eq!(capacity.of(Broker::Kite).accounts, [Account { name: "a".into(), tier: 1 }]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].input, CapacityInput::Limits);
}

#[test]
fn every_mode_has_the_same_legs_in_all_tiers_one_at_the_market() {
    let depth = "[brokers.dhan.modes.depth20]\nlegs = [{ endpoint = \"depth20\", mode = \"depth20\" }]\n";
    let of_plus = "[brokers.upstox.tiers.plus.modes.full]\nlegs = [{ endpoint = \"market\", mode = \"ltp\" }]\n";

    assert_eq!(faults(depth), ["brokers.dhan.modes.depth20.legs: expected a leg at the endpoint `market`"]);
    assert_eq!(faults(of_plus), ["brokers.upstox.tiers.plus.modes.full.legs: expected the value of the other tiers"]);
}
