use super::*;

fn assert_close(got: f64, expected: f64) {
    assert!((got - expected).abs() <= expected * 0.001, "{got} is not within 0.1 % of {expected}");
}

fn measured(kind: RequestKind, outcome: RequestOutcome, begun_ms: u64, latency: Duration) -> Measurement {
    let begun = Duration::from_millis(begun_ms);
    Measurement { kind, outcome, is_answered: true, answer_bytes: 100, begun, ended: begun + latency }
}

#[test]
fn percentiles_are_the_values_that_this_share_does_not_exceed() {
    let mut tally = Tally::new();
    for ms in 1..=1_000 {
        tally.record(&measured(RequestKind::New, RequestOutcome::Created, 0, Duration::from_millis(ms)));
    }

    let latency = tally.latency(RequestKind::New).expect("a thousand requests");

    assert_eq!(latency.count, 1_000);
    assert_close(latency.mean_ms, 500.5);
    assert_close(latency.p50_ms, 500.0);
    assert_close(latency.p90_ms, 900.0);
    assert_close(latency.p95_ms, 950.0);
    assert_close(latency.p99_ms, 990.0);
    assert_close(latency.p999_ms, 999.0);
    assert_close(latency.max_ms, 1_000.0);
    assert_eq!(latency, latency_of(&tally.all_latencies()));
}

#[test]
fn kinds_and_rejections_are_measured_separately() {
    let mut tally = Tally::new();

    tally.record(&measured(RequestKind::New, RequestOutcome::Created, 0, Duration::from_millis(40)));
    tally.record(&measured(RequestKind::Repeat, RequestOutcome::Cached, 0, Duration::from_micros(250)));
    tally.record(&measured(RequestKind::Repeat, RequestOutcome::Refused, 0, Duration::from_micros(90)));
    tally.record(&measured(RequestKind::New, RequestOutcome::Failed, 0, Duration::from_secs(9)));

    assert_close(tally.latency(RequestKind::New).expect("one").max_ms, 40.0);
    assert_close(tally.latency(RequestKind::Repeat).expect("one").p50_ms, 0.25);
    assert_close(tally.refusals().expect("one").max_ms, 0.09);
    assert_eq!(tally.latency(RequestKind::Read), None);
    assert_eq!(tally.total(), 4);
    assert_eq!(tally.good(), 2);
    assert_eq!(tally.count(RequestOutcome::Failed), 1);
    assert_close(tally.answer_bytes_mean(), 100.0);
}

#[test]
fn extreme_latencies_are_recorded() {
    let mut tally = Tally::new();

    tally.record(&measured(RequestKind::New, RequestOutcome::Created, 0, Duration::ZERO));
    tally.record(&measured(RequestKind::New, RequestOutcome::Created, 0, Duration::from_secs(240)));

    let latency = tally.latency(RequestKind::New).expect("two");
    assert_eq!(latency.count, 2);
    assert_close(latency.max_ms, 240_000.0);
}

#[test]
fn a_second_counts_its_requests_and_responses() {
    let (mut one, mut two) = (Tally::new(), Tally::new());
    one.record(&measured(RequestKind::New, RequestOutcome::Created, 100, Duration::from_millis(10)));
    one.record(&measured(RequestKind::New, RequestOutcome::Created, 900, Duration::from_millis(1_500)));
    one.record(&measured(RequestKind::New, RequestOutcome::Refused, 2_100, Duration::from_millis(1)));
    two.record(&measured(RequestKind::New, RequestOutcome::Created, 2_200, Duration::from_millis(30)));
    two.record(&measured(RequestKind::New, RequestOutcome::Created, 300, Duration::from_millis(20)));

    one.merge(two);

    let seconds = one.timeline();
    let counts: Vec<_> = seconds.iter().map(|second| (second.sent, second.answered, second.refused)).collect();
    assert_eq!(counts, [(3, 2, 0), (0, 0, 0), (2, 3, 1)]);
    assert_close(seconds[0].p99_ms.expect("two answers"), 20.0);
    assert_eq!(seconds[1].p50_ms, None);
    assert_close(seconds[2].p50_ms.expect("two answers"), 30.0);
    assert_close(seconds[2].p99_ms.expect("two answers"), 1_500.0);
    assert_eq!(one.total(), 5);
    assert_eq!(one.elapsed, Duration::from_millis(2_400));
}
