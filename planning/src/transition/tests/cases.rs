//! Differences and schedules of single cases.

use super::*;
use crate::vocabulary::SubscriptionType;

/// Describes a message: time, connection, action, mode and instruments.
fn shown(batch: &Batch<'_>) -> String {
    let numbers: Vec<&str> = batch.instruments.iter().map(|key| key.trim_start_matches("NSE:")).collect();
    let connection = batch.connection.unwrap();
    match batch.mode {
        Some(mode) => format!("{connection} {} {mode} {}", batch.action, numbers.join(",")),
        None => format!("{connection} {}", batch.action),
    }
}

struct Case {
    broker: Broker,
    limits: String,
    from: Option<Vec<StreamedItem>>,
    to: Vec<StreamedItem>,
}

impl Case {
    fn new(broker: Broker, limits: &str, from: &[StreamedItem], to: &[StreamedItem]) -> Self {
        Case { broker, limits: limits.to_owned(), from: Some(from.to_vec()), to: to.to_vec() }
    }

    fn scheduled(&self) -> Vec<String> {
        self.with(|schedule| {
            assert_eq!(schedule.warnings, [""; 0]);
            schedule.batches.iter().map(shown).collect()
        })
    }

    fn with<T>(&self, use_it: impl Fn(&Schedule<'_>) -> T) -> T {
        let brokers = BrokerModels::embedded().with_capacity(Capacity::with(Some(&self.limits), None).unwrap());
        let catalogue = shares();
        let basis = Basis { catalogue: &catalogue, brokers: &brokers };
        let from = self.from.as_ref().map(|from| plan_of(self.broker, from, None, basis).unwrap());
        let to = plan_of(self.broker, &self.to, None, basis).unwrap();
        use_it(&schedule(from.as_ref(), &to, ScheduleOptions::default(), basis).unwrap())
    }
}

fn in_mode(numbers: &[usize], mode: Mode) -> Vec<StreamedItem> {
    numbers.iter().map(|number| (*number, mode, false)).collect()
}

fn kite(connections: u32, instruments: u32) -> String {
    let (connections, instruments) = (figure(connections), figure(instruments));
    format!("[brokers.kite]\nconnections = {connections}\ninstruments_per_connection = {instruments}\n")
}

#[test]
fn subscribes_before_it_unsubscribes() {
    let case = Case::new(Broker::Kite, &kite(1, 4), &in_mode(&[0, 1], Mode::Quote), &in_mode(&[1, 2], Mode::Quote));

    assert_eq!(case.scheduled(), ["1 subscribe quote S02", "1 unsubscribe quote S00"]);
}

#[test]
fn unsubscribes_first_without_capacity() {
    let case = Case::new(Broker::Kite, &kite(1, 2), &in_mode(&[0, 1], Mode::Quote), &in_mode(&[1, 2], Mode::Quote));

    assert_eq!(case.scheduled(), ["1 unsubscribe quote S00", "1 subscribe quote S02"]);
}

#[test]
fn pinned_instruments_are_subscribed_first() {
    let mut to = in_mode(&[0, 1, 2], Mode::Quote);
    to[2].2 = true;
    let limits = kite(1, 4) + &format!("[brokers.kite.subscribe]\ninstruments_per_message = {}\n", figure(1));
    let case = Case { from: None, ..Case::new(Broker::Kite, &limits, &[], &to) };

    assert_eq!(case.scheduled(), ["1 subscribe quote S02", "1 subscribe quote S00", "1 subscribe quote S01"]);
    case.with(|schedule| {
        let ready: Vec<(bool, u32)> = schedule.ready.iter().map(|of| (of.pinned, of.instruments)).collect();
        assert_eq!(ready, [(true, 1), (false, 2)]);
        assert!(schedule.ready[0].time_to_ready_ms < schedule.ready[1].time_to_ready_ms);
    });
}

#[test]
fn a_mode_changes_by_a_message_or_by_a_new_subscription() {
    let (from, to) = (in_mode(&[0], Mode::Full), in_mode(&[0], Mode::Ltp));

    assert_eq!(Case::new(Broker::Kite, "", &from, &to).scheduled(), ["1 change_mode ltp S00"]);
    assert_eq!(Case::new(Broker::Dhan, "", &from, &to).scheduled(), ["1 unsubscribe full S00", "1 subscribe ltp S00"]);
}

fn upstox(ltp: [u32; 2], full: [u32; 2]) -> String {
    let [ltp, full] = [ltp, full].map(|of| of.map(figure));
    format!(
        "[brokers.upstox.modes.ltp]\nalone = {}\nmixed = {}\n[brokers.upstox.modes.full]\nalone = {}\nmixed = {}\n\
         [brokers.upstox.subscribe]\ninstruments_per_message = {}\n",
        ltp[0],
        ltp[1],
        full[0],
        full[1],
        figure(1)
    )
}

#[test]
fn one_mode_alone_gives_way_before_another_one_is_mixed_in() {
    let (from, to) = (in_mode(&[0, 1, 2], Mode::Full), in_mode(&[0, 1, 2], Mode::Ltp));
    // With several modes, one instrument can be `full` and one `ltp`.
    let case = Case::new(Broker::Upstox, &upstox([3, 1], [3, 1]), &from, &to);

    assert_eq!(
        case.scheduled(),
        [
            "1 unsubscribe full S00",
            "1 unsubscribe full S01",
            "1 unsubscribe full S02",
            "1 subscribe ltp S00",
            "1 subscribe ltp S01",
            "1 subscribe ltp S02"
        ]
    );
}

#[test]
fn modes_change_one_by_one_within_mixed_limits() {
    let (from, to) = (in_mode(&[0, 1], Mode::Full), in_mode(&[0, 1], Mode::Ltp));
    let case = Case::new(Broker::Upstox, &upstox([3, 2], [3, 2]), &from, &to);

    assert_eq!(case.scheduled(), ["1 change_mode ltp S00", "1 change_mode ltp S01"]);
}

#[test]
fn equal_plans_need_no_message() {
    let plan = in_mode(&[0, 1], Mode::Full);

    assert_eq!(Case::new(Broker::Kite, "", &plan, &plan).scheduled(), [""; 0]);
    assert_eq!(Case::new(Broker::Kite, "", &plan, &[]).scheduled(), ["1 unsubscribe full S01,S00", "1 close"]);
}

/// Calls a function with a plan of one instrument per connection, its basis, and a basis with lower limits.
fn two_connections(use_it: impl Fn(&Plan, Basis<'_>, Basis<'_>)) {
    let models = |limits: &str| BrokerModels::embedded().with_capacity(Capacity::with(Some(limits), None).unwrap());
    let (brokers, lowered) = (models(&kite(2, 1)), models(&kite(1, 1)));
    let catalogue = shares();
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    let plan = plan_of(Broker::Kite, &in_mode(&[0, 1], Mode::Quote), None, basis).unwrap();
    use_it(&plan, basis, Basis { brokers: &lowered, ..basis });
}

#[test]
fn one_connection_is_subscribed_again_alone() {
    two_connections(|plan, basis, _| {
        let options = ScheduleOptions { connection: Some(2) };
        let again = schedule(None, plan, options, basis).unwrap();

        assert_eq!(again.batches.iter().map(shown).collect::<Vec<_>>(), ["2 subscribe quote S01"]);
        assert_eq!(again.ready[0].instruments, 1);
    });
}

#[test]
fn a_plan_beyond_lowered_limits_is_sent_with_a_warning() {
    two_connections(|plan, _, lowered| {
        let sent = schedule(None, plan, ScheduleOptions::default(), lowered).unwrap();

        assert_eq!(sent.batches.len(), 2);
        assert_eq!(sent.warnings, ["the plan exceeds the limits of kite that are in effect now; create it again"]);
    });
}

#[test]
fn messages_have_the_form_of_the_sdk() {
    let written = |from: &[StreamedItem], to: &[StreamedItem]| {
        Case::new(Broker::Kite, "", from, to).with(|schedule| {
            let mut json = Vec::new();
            write_batches(crate::subscriptions::SubscriptionForm::Sdk(Broker::Kite), &schedule.batches, &mut json);
            let batches: serde_json::Value = serde_json::from_slice(&json).unwrap();
            batches.as_array().unwrap().iter().map(|batch| batch["messages"].to_string()).collect::<Vec<_>>()
        })
    };
    let (full, ltp) = (in_mode(&[0], Mode::Full), in_mode(&[0], Mode::Ltp));

    assert_eq!(written(&[], &full), [r#"[{"modes":{"full":[1000]},"subscribe":[1000]}]"#]);
    assert_eq!(written(&full, &in_mode(&[0], Mode::Quote)), [r#"[{"modes":{"quote":[1000]},"subscribe":[]}]"#]);
    assert_eq!(written(&ltp, &[]), [r#"[{"unsubscribe":[1000]}]"#, "[]"]);
}

#[test]
fn plans_of_different_brokers_are_not_compared() {
    let (brokers, catalogue) = (BrokerModels::embedded(), shares());
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    let at = |broker| plan_of(broker, &in_mode(&[0], Mode::Full), None, basis).unwrap();
    let (kite, dhan) = (at(Broker::Kite), at(Broker::Dhan));

    let fault = diff(Some(&kite), &dhan).unwrap_err();

    assert_eq!(fault, NotComparable::OtherBroker { from: Broker::Kite, to: Broker::Dhan });
    assert_eq!(fault.to_string(), "the plan is at dhan, and the earlier plan is at kite");
    let mut request = request(&["NSE:S00"]);
    let resolved = Resolved::new(&request, basis, &[0; 32]);
    let without = create_plan(&request, &resolved, basis, stamp()).unwrap();
    assert_eq!(diff(None, &without).unwrap_err(), NotComparable::WithoutSubscriptions);
    assert_eq!(diff(Some(&without), &kite).unwrap_err(), NotComparable::EarlierWithoutSubscriptions);

    request.feed.broker = Some(Broker::Kite);
    request.subscription_type = SubscriptionType::Historical;
    let resolved = Resolved::new(&request, basis, &[0; 32]);
    let history = create_plan(&request, &resolved, basis, stamp()).unwrap();
    let requests = request_schedule(&history, basis).unwrap();
    assert_eq!(requests.batches.len(), 1);
    assert_eq!(requests.batches[0].action, BatchAction::Request);
    assert_eq!(request_schedule(&kite, basis), None);
}

#[test]
fn a_change_of_a_mode_gives_capacity_to_another_connection() {
    let brokers =
        BrokerModels::embedded().with_capacity(Capacity::with(Some(&small_limits(&[2, 1, 3, 4, 3, 1])), None).unwrap());
    let catalogue = shares();
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    let from = plan_of(Broker::Upstox, &in_mode(&[0, 1], Mode::Full), None, basis).unwrap();
    let to = [in_mode(&[0, 1], Mode::Ltp), vec![(2, Mode::Full, true)], in_mode(&[3], Mode::Ltp)].concat();
    let to = plan_of(Broker::Upstox, &to, Some(2), basis).unwrap();

    let found = schedule(Some(&from), &to, ScheduleOptions::default(), basis).unwrap();

    assert_eq!(found.warnings, [""; 0]);
    assert_eq!(
        found.batches.iter().map(shown).collect::<Vec<_>>(),
        [
            "1 subscribe full S02",
            "1 unsubscribe full S00",
            "1 change_mode ltp S01",
            "2 subscribe ltp S00",
            "2 subscribe ltp S03"
        ]
    );
}
