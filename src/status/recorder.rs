//! A recorder that forwards every metric and also records the metrics that the status shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use registry_actors::planner::PLANS_BY_BROKER;
use registry_actors::{HANDLE_DURATION, MAILBOX_WAIT};

use super::buckets::Buckets;
use super::meters::{ActorMeter, EndpointMeter, Level, Meters, Tally, entry};
use crate::metrics::{CONNECTIONS_MAX, CONNECTIONS_OPEN, HTTP_DURATION, HTTP_REQUESTS, REQUESTS_SHED};

/// See the [module](self).
pub(crate) struct CountingRecorder<R> {
    pub(crate) inner: R,
    pub(crate) meters: &'static Meters,
}

/// Returns the value of a label.
fn label<'a>(key: &'a Key, name: &str) -> &'a str {
    key.labels().find(|label| label.key() == name).map_or("", |label| label.value())
}

/// Two counters, gauges or histograms that get the same values: one of the inner recorder and one of the status.
struct Tee<I, O> {
    inner: I,
    own: O,
}

impl<O: AsRef<AtomicU64>> CounterFn for Tee<Counter, O> {
    fn increment(&self, value: u64) {
        self.inner.increment(value);
        self.own.as_ref().fetch_add(value, Ordering::Relaxed);
    }

    /// Our part may be the sum of several series, and the value is of one: it is only ever the first one, 0.
    fn absolute(&self, value: u64) {
        self.inner.absolute(value);
    }
}

impl GaugeFn for Tee<Gauge, Arc<Level>> {
    fn increment(&self, value: f64) {
        self.inner.increment(value);
        self.own.change(value);
    }

    fn decrement(&self, value: f64) {
        self.inner.decrement(value);
        self.own.change(-value);
    }

    fn set(&self, value: f64) {
        self.inner.set(value);
        self.own.set(value);
    }
}

impl<O: HistogramSink> HistogramFn for Tee<Histogram, O> {
    fn record(&self, value: f64) {
        self.inner.record(value);
        self.own.record(value);
    }
}

/// The destination of the values of a histogram.
trait HistogramSink {
    fn record(&self, value: f64);
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn microseconds(seconds: f64) -> u64 {
    (seconds * 1e6) as u64
}

struct Durations(Arc<EndpointMeter>);
struct Waits(Arc<ActorMeter>);
struct Handling(Arc<ActorMeter>);
struct Times(Arc<Buckets>);
struct Rows(Arc<Buckets>);

impl HistogramSink for Durations {
    fn record(&self, value: f64) {
        self.0.durations.record(microseconds(value));
    }
}

impl HistogramSink for Waits {
    fn record(&self, value: f64) {
        self.0.waits.record(microseconds(value));
    }
}

impl HistogramSink for Handling {
    fn record(&self, value: f64) {
        self.0.handling.record(microseconds(value));
    }
}

impl HistogramSink for Times {
    fn record(&self, value: f64) {
        self.0.record(microseconds(value));
    }
}

impl HistogramSink for Rows {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn record(&self, value: f64) {
        self.0.record(value as u64);
    }
}

/// The counters of an endpoint or an actor, which are fields of their meter.
struct ClientErrors(Arc<EndpointMeter>);
struct ServerErrors(Arc<EndpointMeter>);
struct Restarts(Arc<ActorMeter>);

impl AsRef<AtomicU64> for ClientErrors {
    fn as_ref(&self) -> &AtomicU64 {
        &self.0.client_errors
    }
}

impl AsRef<AtomicU64> for ServerErrors {
    fn as_ref(&self) -> &AtomicU64 {
        &self.0.server_errors
    }
}

impl AsRef<AtomicU64> for Restarts {
    fn as_ref(&self) -> &AtomicU64 {
        &self.0.restarts
    }
}

impl<R> CountingRecorder<R> {
    fn endpoint(&self, key: &Key) -> Arc<EndpointMeter> {
        entry(&self.meters.endpoints, (label(key, "method").to_owned(), label(key, "endpoint").to_owned()))
    }

    fn actor(&self, key: &Key) -> Arc<ActorMeter> {
        entry(&self.meters.actors, label(key, "actor").to_owned())
    }

    fn counter(&self, key: &Key, inner: Counter) -> Counter {
        let tally = match key.name() {
            HTTP_REQUESTS => match label(key, "status").as_bytes() {
                [b'4', ..] => {
                    return Counter::from_arc(Arc::new(Tee { inner, own: ClientErrors(self.endpoint(key)) }));
                }
                [b'5', ..] => {
                    return Counter::from_arc(Arc::new(Tee { inner, own: ServerErrors(self.endpoint(key)) }));
                }
                _ => return inner,
            },
            "instrument_registry_actor_restarts_total" => {
                return Counter::from_arc(Arc::new(Tee { inner, own: Restarts(self.actor(key)) }));
            }
            PLANS_BY_BROKER => {
                let own = entry(&self.meters.plans_by_broker, label(key, "broker").to_owned());
                return Counter::from_arc(Arc::new(Tee { inner, own }));
            }
            REQUESTS_SHED => Tally::Shed,
            "instrument_registry_subscription_plans_created_total" if label(key, "status") == "success" => {
                Tally::PlansCreated
            }
            "instrument_registry_subscription_plan_cache_operations_total" if label(key, "operation") == "get" => {
                if label(key, "status") == "hit" {
                    Tally::CacheHits
                } else {
                    Tally::CacheMisses
                }
            }
            "instrument_registry_cache_operations_total" if label(key, "operation") == "shared_look_up" => {
                match label(key, "status") {
                    "hit" => Tally::SharedHits,
                    "miss" => Tally::SharedMisses,
                    "failed" => Tally::SharedFailed,
                    _ => Tally::SharedSkipped,
                }
            }
            _ => return inner,
        };
        Counter::from_arc(Arc::new(Tee { inner, own: self.meters.tally(tally) }))
    }

    fn gauge(&self, key: &Key, inner: Gauge) -> Gauge {
        let meters = self.meters;
        let own = match key.name() {
            "instrument_registry_cache_entries" => Arc::clone(&meters.cache_entries),
            "instrument_registry_cache_bytes" => Arc::clone(&meters.cache_bytes),
            CONNECTIONS_OPEN if label(key, "listener") == "main" => Arc::clone(&meters.connections_open),
            CONNECTIONS_MAX if label(key, "listener") == "main" => Arc::clone(&meters.connections_max),
            "instrument_registry_subscription_plans_active" => {
                entry(&meters.plans_active, label(key, "subscription_type").to_owned())
            }
            "instrument_registry_broker_tokens_active" => {
                entry(&meters.tokens_active, label(key, "broker_id").to_owned())
            }
            _ => return inner,
        };
        Gauge::from_arc(Arc::new(Tee { inner, own }))
    }

    fn histogram(&self, key: &Key, inner: Histogram) -> Histogram {
        match key.name() {
            HTTP_DURATION => Histogram::from_arc(Arc::new(Tee { inner, own: Durations(self.endpoint(key)) })),
            MAILBOX_WAIT => Histogram::from_arc(Arc::new(Tee { inner, own: Waits(self.actor(key)) })),
            HANDLE_DURATION => Histogram::from_arc(Arc::new(Tee { inner, own: Handling(self.actor(key)) })),
            "instrument_registry_persistence_batch_rows" => {
                Histogram::from_arc(Arc::new(Tee { inner, own: Rows(Arc::clone(&self.meters.batch_rows)) }))
            }
            "instrument_registry_persistence_batch_duration_seconds" => {
                Histogram::from_arc(Arc::new(Tee { inner, own: Times(Arc::clone(&self.meters.batch_durations)) }))
            }
            _ => inner,
        }
    }
}

impl<R: Recorder> Recorder for CountingRecorder<R> {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.inner.describe_counter(key, unit, description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.inner.describe_gauge(key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.inner.describe_histogram(key, unit, description);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.counter(key, self.inner.register_counter(key, metadata))
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.gauge(key, self.inner.register_gauge(key, metadata))
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.histogram(key, self.inner.register_histogram(key, metadata))
    }
}
