use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// The first number of a token. Numbers with six digits are found in every form, because nothing else has as many.
const FIRST_NUMBER: u32 = 100_000;

/// Returns the token that the broker's file has for an instrument of NSE.
fn token(broker: Broker, number: u32) -> String {
    match broker {
        Broker::Kite => number.to_string(),
        Broker::Upstox | Broker::Dhan => format!("NSE_EQ|{number}"),
        Broker::Angel | Broker::Shoonya | Broker::AliceBlue => format!("NSE|{number}"),
        Broker::Fyers => format!("NSE:X{number}-EQ"),
        Broker::Groww => format!("NSE|CASH|{number}"),
        Broker::Nuvama => format!("{number}_NSE"),
        Broker::Kotak => format!("nse_cm|{number}"),
        Broker::FivePaisa => format!("N|C|{number}"),
        Broker::Breeze => format!("4.1!{number}"),
    }
}

/// Whether the broker sends the depth separately from the price.
fn has_separate_depth(broker: Broker) -> bool {
    !matches!(
        broker,
        Broker::Kite | Broker::Upstox | Broker::Dhan | Broker::Angel | Broker::Shoonya | Broker::AliceBlue
    )
}

/// Collects the numbers of six digits in a message. Kite's `modes` repeats the numbers of `subscribe`.
fn numbers(value: &Value, found: &mut Vec<u32>) {
    match value {
        Value::Object(fields) => {
            fields.iter().filter(|(name, _)| *name != "modes").for_each(|(_, value)| numbers(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| numbers(value, found)),
        other => {
            let text = other.to_string();
            let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6);
            found.extend(runs.map(|run| run.parse::<u32>().unwrap()));
        }
    }
}

proptest! {
    #[test]
    fn every_subscription_is_in_one_message_of_its_connection(
        broker in select(&Broker::ALL[..]),
        legs in prop::collection::vec((1_u32..4, select(&[Mode::Ltp, Mode::Quote, Mode::Full][..]), any::<bool>()), 0..60),
        instruments_max in 1_u32..12,
    ) {
        let mut legs = legs;
        legs.sort_by_key(|(connection, ..)| *connection);
        let tokens: Vec<String> = (FIRST_NUMBER..).zip(&legs).map(|(number, _)| token(broker, number)).collect();
        let keys: Vec<String> = (0..legs.len()).map(|index| format!("NSE:X{index}")).collect();
        let instruments: Vec<TestInstrument<'_>> = legs.iter().enumerate().map(|(index, (.., has_token))| {
            (keys[index].as_str(), has_token.then_some(tokens[index].as_str()), Some(Segment::NseEquity))
        }).collect();
        let placed: Vec<_> = (0..).zip(&legs).map(|(index, (connection, mode, _))| (index, *connection, *mode)).collect();
        let plan = subscribed_plan(broker, &instruments, &[("a", "market"); 3], &placed);

        let mut expected: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for (number, (connection, mode, has_token)) in (FIRST_NUMBER..).zip(&legs) {
            if *has_token {
                let calls = if has_separate_depth(broker) && *mode == Mode::Full { 2 } else { 1 };
                expected.insert((*connection, number), calls);
            }
        }
        let mut subscribed: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for number in 1..=3 {
            let written: Value = serde_json::from_str(&connection(&plan, number, instruments_max)).unwrap();
            for message in written["messages"].as_array().unwrap() {
                let mut found = Vec::new();
                numbers(message, &mut found);
                prop_assert!((1..=instruments_max as usize).contains(&found.len()), "{message}");
                found.iter().for_each(|token| *subscribed.entry((number, *token)).or_default() += 1);
            }
        }
        prop_assert_eq!(subscribed, expected);

        let listed: Vec<TestInstrument<'_>> = instruments.iter().zip(&tokens).map(|((key, ..), token)| {
            (*key, Some(token.as_str()), Some(Segment::NseEquity))
        }).collect();
        let listed = self::subscribed_plan(broker, &listed, &[("a", "market"); 3], &placed);
        prop_assert_eq!(counted_messages(&listed, 2, instruments_max), sent_by_mode(broker, &legs, instruments_max));
        let without: Vec<&str> =
            legs.iter().zip(&keys).filter(|((.., has_token), _)| !has_token).map(|(_, key)| key.as_str()).collect();
        prop_assert_eq!(left_out(&plan), without);
    }
}

/// Returns the number of messages that a schedule sends on connection 2. Each has one mode, and Kite's SDK sends
/// another one to set a mode other than `quote`.
fn sent_by_mode(broker: Broker, legs: &[(u32, Mode, bool)], instruments_max: u32) -> u64 {
    let mut counts: BTreeMap<Mode, u32> = BTreeMap::new();
    for (_, mode, _) in legs.iter().filter(|(connection, ..)| *connection == 2) {
        *counts.entry(*mode).or_default() += 1;
    }
    let calls = |mode: Mode| match broker {
        Broker::Kite => 1 + u64::from(mode != Mode::Quote),
        broker => 1 + u64::from(has_separate_depth(broker) && mode == Mode::Full),
    };
    // A call of Breeze's SDK has one instrument.
    let max = if broker == Broker::Breeze { 1 } else { instruments_max };
    counts.into_iter().map(|(mode, count)| u64::from(count.div_ceil(max)) * calls(mode)).sum()
}

fn counted_messages(plan: &Plan, number: u32, instruments_max: u32) -> u64 {
    let subscriptions = PlanSubscriptions::of(plan).unwrap();
    message_count(subscriptions.broker(), subscriptions.subscriptions, number, instruments_max)
}

#[test]
fn unknown_tokens_need_as_many_messages_as_known_ones() {
    let keys: Vec<String> = (0..7).map(|index| format!("NSE:X{index}")).collect();
    let modes = [Mode::Full, Mode::Ltp, Mode::Full, Mode::Quote, Mode::Ltp, Mode::Full, Mode::Full];
    let legs: Vec<_> = (0..).zip(modes).map(|(index, mode)| (index, 1, mode)).collect();
    for broker in Broker::ALL {
        let tokens: Vec<String> = (FIRST_NUMBER..).zip(&keys).map(|(number, _)| token(broker, number)).collect();
        let known = keys.iter().zip(&tokens);
        let known: Vec<TestInstrument<'_>> =
            known.map(|(key, token)| (key.as_str(), Some(token.as_str()), Some(Segment::NseEquity))).collect();
        let unknown: Vec<TestInstrument<'_>> = keys.iter().map(|key| (key.as_str(), None, None)).collect();
        let counted = |instruments: &[TestInstrument<'_>]| {
            counted_messages(&subscribed_plan(broker, instruments, &[("a", "market")], &legs), 1, 2)
        };

        assert!(counted(&known) > 1, "{broker}");
        assert_eq!(counted(&unknown), counted(&known), "{broker}");
    }
}

#[test]
fn messages_have_the_order_of_their_first_subscriptions() {
    let keys: Vec<String> = (0..5).map(|index| format!("NSE:X{index}")).collect();
    let instruments: Vec<TestInstrument<'_>> = keys.iter().map(|key| (key.as_str(), Some(&key[4..]), None)).collect();
    let modes = [Mode::Full, Mode::Ltp, Mode::Full, Mode::Full, Mode::Ltp];
    let legs: Vec<_> = (0..).zip(modes).map(|(index, mode)| (index, 1, mode)).collect();
    let plan = subscribed_plan(Broker::Upstox, &instruments, &[("a", "market")], &legs);

    let written: Value = serde_json::from_str(&connection(&plan, 1, 2)).unwrap();

    assert_eq!(
        written["messages"],
        serde_json::json!([
            {"mode": "full", "instrumentKeys": ["X0", "X2"]},
            {"mode": "ltpc", "instrumentKeys": ["X1", "X4"]},
            {"mode": "full", "instrumentKeys": ["X3"]},
        ])
    );
}
