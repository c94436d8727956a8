//! Samples of the meters: 15 minutes in steps of 5 seconds, and windows for percentiles.
//!
//! Memory: a set of buckets has 1.5 kB. An endpoint has at most four sets, an actor six and the last minute 14, so that
//! all together stay below 700 kB.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::STEP;
use super::buckets::{Counts, Window};
use super::meters::{ActorMeter, EndpointMeter, Meters, Tally, entries};

/// Number of steps that are kept: 15 minutes.
pub(crate) const STEPS: usize = 180;
/// Number of steps of the last minute.
const MINUTE: usize = 12;
/// Number of steps between two rotations of the windows of endpoints. With two ended periods and the current one, they
/// cover the last 10 to 15 minutes.
const ENDPOINT_STEPS: u64 = 60;

/// The events and figures of one sampling interval.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// The end of the step.
    pub(crate) at: DateTime<Utc>,
    pub(crate) requests: u64,
    pub(crate) client_errors: u64,
    pub(crate) server_errors: u64,
    tallies: [u64; Tally::COUNT],
    pub(crate) latency: Latency,
    cpu_seconds: Option<f64>,
}

impl Step {
    /// Returns the number of events in the step.
    pub(crate) fn tally(&self, tally: Tally) -> u64 {
        self.tallies[tally as usize]
    }
}

/// Percentiles in milliseconds. `None` without values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Latency {
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p95_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

impl Latency {
    fn of(counts: &Counts) -> Self {
        Latency {
            p50_ms: milliseconds(counts, 500),
            p95_ms: milliseconds(counts, 950),
            p99_ms: milliseconds(counts, 990),
        }
    }
}

/// Returns a percentile of microseconds in milliseconds.
fn milliseconds(counts: &Counts, thousandths: u64) -> Option<f64> {
    counts.percentile(thousandths).map(|microseconds| microseconds / 1e3)
}

/// The sums since the start of the process.
#[derive(Clone, Debug, Default)]
struct Totals {
    client_errors: u64,
    server_errors: u64,
    tallies: [u64; Tally::COUNT],
}

impl Totals {
    fn of(meters: &Meters) -> Self {
        let mut totals = Totals { tallies: meters.tallies(), ..Totals::default() };
        for (_, endpoint) in entries(&meters.endpoints) {
            totals.client_errors += endpoint.client_errors.load(Ordering::Relaxed);
            totals.server_errors += endpoint.server_errors.load(Ordering::Relaxed);
        }
        totals
    }
}

/// The last minute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LastMinute {
    pub(crate) requests_per_second: f64,
    pub(crate) server_error_ratio: f64,
    pub(crate) shed_per_second: f64,
    pub(crate) latency: Latency,
    pub(crate) cpu_cores_used: Option<f64>,
}

/// The last 10 to 15 minutes of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EndpointSummary {
    pub(crate) method: String,
    pub(crate) endpoint: String,
    pub(crate) requests: u64,
    pub(crate) client_errors: u64,
    pub(crate) server_errors: u64,
    pub(crate) latency: Latency,
}

/// The last one to two minutes of one actor, and its restarts since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ActorSummary {
    pub(crate) wait_p99_ms: Option<f64>,
    pub(crate) handle_p99_ms: Option<f64>,
    pub(crate) handled_per_second: f64,
    pub(crate) restarts: u64,
    /// The restarts of the last 15 minutes.
    pub(crate) recent_restarts: u64,
}

/// The batches of the last one to two minutes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchSummary {
    pub(crate) rows_p50: Option<f64>,
    pub(crate) rows_p99: Option<f64>,
    pub(crate) per_second: f64,
    pub(crate) duration_p50_ms: Option<f64>,
    pub(crate) duration_p99_ms: Option<f64>,
}

struct EndpointWindow {
    durations: Window,
    /// The client and server errors at the start of each period of the window, oldest first.
    errors: VecDeque<(u64, u64)>,
}

struct ActorWindow {
    waits: Window,
    handling: Window,
    /// The restarts at the end of each step of the last 15 minutes, oldest first.
    restarts: VecDeque<u64>,
    restarts_at_start: u64,
}

/// See the [module](self).
pub(crate) struct History {
    steps: VecDeque<Step>,
    taken: u64,
    /// The totals at the last sample.
    last: Totals,
    last_at: Instant,
    cpu_seconds: Option<f64>,
    all: Window,
    endpoints: BTreeMap<(String, String), EndpointWindow>,
    actors: BTreeMap<String, ActorWindow>,
    batch_rows: Window,
    batch_durations: Window,
    plans_by_broker: BTreeMap<String, u64>,
    pub(crate) started_at: DateTime<Utc>,
}

/// Returns the sum of the durations of all endpoints.
fn all_durations(meters: &Meters) -> Counts {
    let mut all = Counts::default();
    for (_, endpoint) in entries(&meters.endpoints) {
        all.add(&endpoint.durations.counts());
    }
    all
}

fn errors_of(meter: &EndpointMeter) -> (u64, u64) {
    (meter.client_errors.load(Ordering::Relaxed), meter.server_errors.load(Ordering::Relaxed))
}

#[allow(clippy::cast_precision_loss)]
fn per_second(count: u64, period: Duration) -> f64 {
    // A shorter period would show the first requests after the start as a high rate.
    count as f64 / period.max(STEP).as_secs_f64()
}

#[allow(clippy::cast_precision_loss)]
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl History {
    /// Begins with the present values, which are not part of it.
    pub(crate) fn begin(meters: &Meters, cpu_seconds: Option<f64>, now: Instant, at: DateTime<Utc>) -> Self {
        let mut history = History {
            steps: VecDeque::with_capacity(STEPS),
            taken: 0,
            last: Totals::of(meters),
            last_at: now,
            cpu_seconds,
            all: Window::begin(MINUTE, all_durations(meters), now),
            endpoints: BTreeMap::new(),
            actors: BTreeMap::new(),
            batch_rows: Window::begin(1, meters.batch_rows.counts(), now),
            batch_durations: Window::begin(1, meters.batch_durations.counts(), now),
            plans_by_broker: plans_by_broker(meters),
            started_at: at,
        };
        for (key, meter) in entries(&meters.endpoints) {
            history.endpoints.insert(key, EndpointWindow::begin(meter.durations.counts(), errors_of(&meter), now));
        }
        for (name, meter) in entries(&meters.actors) {
            history.actors.insert(name, ActorWindow::begin(&meter, now));
        }
        history
    }

    /// Ends a step.
    pub(crate) fn sample(&mut self, meters: &Meters, cpu_seconds: Option<f64>, now: Instant, at: DateTime<Utc>) {
        let (totals, all) = (Totals::of(meters), all_durations(meters));
        let durations = self.all.current(&all);
        self.steps.push_back(Step {
            at,
            requests: durations.total(),
            client_errors: totals.client_errors - self.last.client_errors,
            server_errors: totals.server_errors - self.last.server_errors,
            tallies: std::array::from_fn(|index| totals.tallies[index] - self.last.tallies[index]),
            latency: Latency::of(&durations),
            cpu_seconds,
        });
        if self.steps.len() > STEPS {
            self.steps.pop_front();
        }
        self.all.rotate(all, now);
        (self.last, self.last_at) = (totals, now);
        self.taken += 1;
        self.rotate(meters, now);
    }

    /// Rotates the windows that are due, and begins those of new endpoints and actors.
    fn rotate(&mut self, meters: &Meters, now: Instant) {
        let is_minute = self.taken.is_multiple_of(MINUTE as u64);
        for (key, meter) in entries(&meters.endpoints) {
            let window =
                self.endpoints.entry(key).or_insert_with(|| EndpointWindow::begin(Counts::default(), (0, 0), now));
            if self.taken.is_multiple_of(ENDPOINT_STEPS) {
                window.rotate(&meter, now);
            }
        }
        for (name, meter) in entries(&meters.actors) {
            let window = self.actors.entry(name).or_insert_with(|| ActorWindow::begin(&ActorMeter::default(), now));
            window.note_restarts(&meter);
            if is_minute {
                window.waits.rotate(meter.waits.counts(), now);
                window.handling.rotate(meter.handling.counts(), now);
            }
        }
        if is_minute {
            self.batch_rows.rotate(meters.batch_rows.counts(), now);
            self.batch_durations.rotate(meters.batch_durations.counts(), now);
        }
    }

    /// Returns the steps, oldest first.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter()
    }

    /// Returns the number of steps that were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns the events of the last 15 minutes and of the current step.
    pub(crate) fn recent(&self, meters: &Meters, tally: Tally) -> u64 {
        let current = meters.tallies()[tally as usize] - self.last.tallies[tally as usize];
        self.steps.iter().map(|step| step.tally(tally)).sum::<u64>() + current
    }

    /// Returns the time that [`History::recent`] covers, at least a step.
    pub(crate) fn covered(&self, now: Instant) -> Duration {
        let steps = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        (STEP * steps + now.saturating_duration_since(self.last_at)).max(STEP)
    }

    /// Returns the events of the last minute and of the current step.
    fn minute(&self, meters: &Meters, of_step: impl Fn(&Step) -> u64, of_totals: impl Fn(&Totals) -> u64) -> u64 {
        let steps = self.steps.iter().rev().take(MINUTE).map(of_step).sum::<u64>();
        steps + of_totals(&Totals::of(meters)) - of_totals(&self.last)
    }

    pub(crate) fn last_minute(&self, meters: &Meters, cpu_seconds: Option<f64>, now: Instant) -> LastMinute {
        let counts = self.all.sum(&all_durations(meters));
        let (period, requests) = (now.saturating_duration_since(self.all.start()), counts.total());
        let server_errors = self.minute(meters, |step| step.server_errors, |totals| totals.server_errors);
        let shed = self.minute(meters, |step| step.tally(Tally::Shed), |totals| totals.tallies[Tally::Shed as usize]);
        let before = self.steps.iter().rev().nth(MINUTE).map_or(self.cpu_seconds, |step| step.cpu_seconds);
        let used = cpu_seconds.zip(before).map(|(now, before)| (now - before).max(0.0));
        LastMinute {
            requests_per_second: per_second(requests, period),
            server_error_ratio: ratio(server_errors, requests).unwrap_or(0.0),
            shed_per_second: per_second(shed, period),
            latency: Latency::of(&counts),
            cpu_cores_used: used.map(|seconds| seconds / period.max(STEP).as_secs_f64()),
        }
    }

    /// Returns the endpoints with requests in the last 10 to 15 minutes, busiest first.
    pub(crate) fn endpoints(&self, meters: &Meters) -> Vec<EndpointSummary> {
        let summary = |(key, meter): ((String, String), Arc<EndpointMeter>)| {
            let window = self.endpoints.get(&key);
            let counts = meter.durations.counts();
            let counts = window.map_or(counts.clone(), |window| window.durations.sum(&counts));
            let before = window.and_then(|window| window.errors.front().copied()).unwrap_or_default();
            let errors = errors_of(&meter);
            let (method, endpoint) = key;
            EndpointSummary {
                method,
                endpoint,
                requests: counts.total(),
                client_errors: errors.0 - before.0,
                server_errors: errors.1 - before.1,
                latency: Latency::of(&counts),
            }
        };
        let mut endpoints: Vec<_> = entries(&meters.endpoints).into_iter().map(summary).collect();
        endpoints.retain(|endpoint| endpoint.requests > 0);
        endpoints.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.requests));
        endpoints
    }

    pub(crate) fn actor(&self, meters: &Meters, name: &str, now: Instant) -> ActorSummary {
        let found = entries(&meters.actors).into_iter().find(|(other, _)| other == name);
        let Some(((_, meter), window)) = found.zip(self.actors.get(name)) else { return ActorSummary::default() };
        let waits = window.waits.sum(&meter.waits.counts());
        let handling = window.handling.sum(&meter.handling.counts());
        let restarts = meter.restarts.load(Ordering::Relaxed);
        ActorSummary {
            wait_p99_ms: milliseconds(&waits, 990),
            handle_p99_ms: milliseconds(&handling, 990),
            handled_per_second: per_second(handling.total(), now.saturating_duration_since(window.handling.start())),
            restarts: restarts - window.restarts_at_start,
            recent_restarts: restarts - window.before_15_minutes(),
        }
    }

    pub(crate) fn batches(&self, meters: &Meters, now: Instant) -> BatchSummary {
        let rows = self.batch_rows.sum(&meters.batch_rows.counts());
        let durations = self.batch_durations.sum(&meters.batch_durations.counts());
        BatchSummary {
            rows_p50: rows.percentile(500),
            rows_p99: rows.percentile(990),
            per_second: per_second(rows.total(), now.saturating_duration_since(self.batch_rows.start())),
            duration_p50_ms: milliseconds(&durations, 500),
            duration_p99_ms: milliseconds(&durations, 990),
        }
    }

    /// Returns the number of plans created since the start, by broker.
    pub(crate) fn plans_by_broker(&self, meters: &Meters) -> BTreeMap<String, u64> {
        let since = |(broker, count): (String, u64)| {
            let before = self.plans_by_broker.get(&broker).copied().unwrap_or(0);
            (broker, count - before)
        };
        plans_by_broker(meters).into_iter().map(since).collect()
    }
}

fn plans_by_broker(meters: &Meters) -> BTreeMap<String, u64> {
    let counts = entries(&meters.plans_by_broker).into_iter();
    counts.map(|(broker, count)| (broker, count.load(Ordering::Relaxed))).collect()
}

impl EndpointWindow {
    fn begin(durations: Counts, errors: (u64, u64), now: Instant) -> Self {
        EndpointWindow { durations: Window::begin(2, durations, now), errors: VecDeque::from([errors]) }
    }

    fn rotate(&mut self, meter: &EndpointMeter, now: Instant) {
        self.durations.rotate(meter.durations.counts(), now);
        self.errors.push_back(errors_of(meter));
        if self.errors.len() > 3 {
            self.errors.pop_front();
        }
    }
}

impl ActorWindow {
    fn begin(meter: &ActorMeter, now: Instant) -> Self {
        ActorWindow {
            waits: Window::begin(1, meter.waits.counts(), now),
            handling: Window::begin(1, meter.handling.counts(), now),
            restarts: VecDeque::new(),
            restarts_at_start: meter.restarts.load(Ordering::Relaxed),
        }
    }

    /// Returns the restarts 15 minutes ago, or at the start.
    fn before_15_minutes(&self) -> u64 {
        if self.restarts.len() < STEPS {
            return self.restarts_at_start;
        }
        self.restarts.front().copied().unwrap_or(self.restarts_at_start)
    }

    fn note_restarts(&mut self, meter: &ActorMeter) {
        self.restarts.push_back(meter.restarts.load(Ordering::Relaxed));
        if self.restarts.len() > STEPS {
            self.restarts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
