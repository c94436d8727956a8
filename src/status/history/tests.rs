use std::sync::atomic::AtomicU64;

use super::super::meters::entry;
use super::*;

const PLAN: (&str, &str) = ("POST", "/plan");

/// Meters and their history, at a time that the test sets.
struct Fixture {
    meters: Meters,
    history: History,
    now: Instant,
    at: DateTime<Utc>,
    steps: u32,
}

impl Fixture {
    fn begin(meters: Meters) -> Self {
        let (now, at) = (Instant::now(), DateTime::UNIX_EPOCH);
        let history = History::begin(&meters, Some(1.0), now, at);
        Fixture { meters, history, now, at, steps: 0 }
    }

    fn now(&self) -> Instant {
        self.now + STEP * self.steps
    }

    fn request(&self, milliseconds: u64) {
        self.endpoint().durations.record(milliseconds * 1000);
    }

    fn endpoint(&self) -> Arc<EndpointMeter> {
        entry(&self.meters.endpoints, (PLAN.0.to_owned(), PLAN.1.to_owned()))
    }

    fn step(&mut self) {
        self.steps += 1;
        let (now, at) = (self.now(), self.at + STEP * self.steps);
        self.history.sample(&self.meters, Some(1.0 + f64::from(self.steps)), now, at);
    }

    fn requests(&self) -> Vec<u64> {
        self.history.steps().map(|step| step.requests).collect()
    }
}

#[test]
fn the_oldest_step_is_dropped_after_15_minutes() {
    let mut fixture = Fixture::begin(Meters::default());
    fixture.request(1);
    fixture.step();
    (1..STEPS).for_each(|_| fixture.step());
    assert_eq!(fixture.requests().len(), 180);
    assert_eq!(fixture.requests()[0], 1);

    fixture.step();

    assert_eq!(fixture.requests(), [0; 180]);
    assert_eq!(fixture.history.taken(), 181);
}

#[test]
fn a_step_has_its_own_events_and_percentiles() {
    let mut fixture = Fixture::begin(Meters::default());
    (0..10).for_each(|_| fixture.request(1));
    fixture.step();
    (0..4).for_each(|_| fixture.request(100));
    fixture.endpoint().server_errors.fetch_add(2, Ordering::Relaxed);
    fixture.meters.tally(Tally::Shed).fetch_add(3, Ordering::Relaxed);
    fixture.step();

    let step = fixture.history.steps().nth(1).unwrap();

    assert_eq!(step.requests, 4);
    assert_eq!(step.server_errors, 2);
    assert_eq!(step.tally(Tally::Shed), 3);
    assert!((95.0..105.0).contains(&step.latency.p50_ms.unwrap()), "{step:?}");
    assert_eq!(step.at, fixture.at + STEP * 2);
}

#[test]
fn the_last_minute_includes_the_current_step() {
    let mut fixture = Fixture::begin(Meters::default());
    (0..50).for_each(|_| fixture.request(900));
    fixture.step();
    (0..MINUTE).for_each(|_| fixture.step());
    (0..60).for_each(|_| fixture.request(1));
    fixture.endpoint().server_errors.fetch_add(6, Ordering::Relaxed);

    let minute = fixture.history.last_minute(&fixture.meters, Some(14.0), fixture.now());

    assert!((minute.requests_per_second - 1.0).abs() < 1e-9, "{minute:?}");
    assert!((minute.server_error_ratio - 0.1).abs() < 1e-9, "{minute:?}");
    assert!(minute.latency.p99_ms.unwrap() < 2.0, "{minute:?}");
    assert!((minute.cpu_cores_used.unwrap() - 0.2).abs() < 1e-9, "{minute:?}");
}

#[test]
fn endpoints_are_shown_for_15_minutes_after_a_request() {
    let mut fixture = Fixture::begin(Meters::default());
    fixture.request(1);
    fixture.endpoint().client_errors.fetch_add(1, Ordering::Relaxed);

    let early = fixture.history.endpoints(&fixture.meters);
    (0..120).for_each(|_| fixture.step());
    let after_10_minutes = fixture.history.endpoints(&fixture.meters);
    (0..60).for_each(|_| fixture.step());

    assert_eq!(early, after_10_minutes);
    assert_eq!(early[0].requests, 1);
    assert_eq!(early[0].client_errors, 1);
    assert_eq!(fixture.history.endpoints(&fixture.meters), []);
}

#[test]
fn events_before_the_start_are_not_part_of_the_history() {
    let meters = Meters::default();
    entry::<_, EndpointMeter>(&meters.endpoints, (PLAN.0.to_owned(), PLAN.1.to_owned())).durations.record(1);
    entry::<_, AtomicU64>(&meters.plans_by_broker, "kite".to_owned()).fetch_add(5, Ordering::Relaxed);
    entry::<_, ActorMeter>(&meters.actors, "cache".to_owned()).restarts.fetch_add(1, Ordering::Relaxed);
    let mut fixture = Fixture::begin(meters);

    fixture.step();

    assert_eq!(fixture.requests(), [0]);
    assert_eq!(fixture.history.plans_by_broker(&fixture.meters)["kite"], 0);
    assert_eq!(fixture.history.actor(&fixture.meters, "cache", fixture.now()).restarts, 0);
}

#[test]
fn restarts_are_recent_for_15_minutes() {
    let meters = Meters::default();
    let actor = entry::<_, ActorMeter>(&meters.actors, "cache".to_owned());
    let mut fixture = Fixture::begin(meters);
    actor.restarts.fetch_add(1, Ordering::Relaxed);
    actor.handling.record(1000);

    fixture.step();
    let early = fixture.history.actor(&fixture.meters, "cache", fixture.now());
    (0..STEPS).for_each(|_| fixture.step());
    let late = fixture.history.actor(&fixture.meters, "cache", fixture.now());

    assert_eq!(early.recent_restarts, 1);
    assert!((early.handled_per_second - 0.2).abs() < 1e-9, "{early:?}");
    assert!(early.handle_p99_ms.is_some());
    assert_eq!(late.restarts, 1);
    assert_eq!(late.recent_restarts, 0);
    assert_eq!(late.handle_p99_ms, None);
}
