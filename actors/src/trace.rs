//! The trace of a request: its context, and the time that it spends in each stage.
//!
//! Each stage is measured by the code that runs it: by the handles of the cache and of persistence, by the planner, and
//! by every wait for a permit. [`RequestTrace::record`] is the only place that receives the measurements, each with its
//! start and its end. If an exporter is installed and the trace is sampled, each of them becomes a child of the span of
//! the request.
//!
//! The trace of a request is in scope while its handler runs. A message that an actor handles later carries it.

mod context;
mod spans;
mod state;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::RequestBuilder;
use strum::{EnumCount, VariantArray};
use tokio::time::Instant;

pub use self::context::TraceContext;
use self::spans::Stages;
pub use self::spans::{
    AttributeValue, FinishedSpan, SpanDescription, SpanExporter, SpanKind, StageSpan, install_exporter,
    shut_down_exporter,
};

/// The header with the ids of a trace.
pub const TRACEPARENT: &str = "traceparent";
/// The header with the data of the tracing systems that take part in a trace.
pub const TRACESTATE: &str = "tracestate";

tokio::task_local! {
    static CURRENT: Arc<RequestTrace>;
}

/// A stage of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumCount, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Waiting for a permit, or in the mailbox of a planner.
    Queue,
    /// Looking up in L1 or L2, or putting into L2.
    Cache,
    /// Computing the plan.
    Plan,
    /// Waiting for the persistence actor: for the write of a batch, or for a read.
    Database,
}

impl Stage {
    /// All stages, in the order in which a response lists them.
    pub const ALL: &[Stage] = Stage::VARIANTS;

    /// Returns the name in the header `Server-Timing` and of spans.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A part of a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) stage: Stage,
    pub(crate) started_at: Instant,
    pub(crate) ended_at: Instant,
}

impl Interval {
    pub(crate) fn of(stage: Stage, started_at: Instant, took: Duration) -> Self {
        Interval { stage, started_at, ended_at: started_at + took }
    }

    /// Returns the interval from `started_at` to this moment.
    pub(crate) fn since(started_at: Instant, stage: Stage) -> Self {
        Interval { stage, started_at, ended_at: Instant::now() }
    }

    pub(crate) fn duration(&self) -> Duration {
        self.ended_at.saturating_duration_since(self.started_at)
    }
}

/// The trace of a request.
///
/// Stages do not overlap: of an interval, only the part after the end of all earlier ones counts. Therefore the sum of
/// the stages is at most the time since the request arrived, and an interval within another one, such as the wait for a
/// permit, is not counted twice.
#[derive(Debug)]
pub struct RequestTrace {
    context: TraceContext,
    began_at: Instant,
    /// The end of the last interval, in nanoseconds since the beginning.
    recorded_until: AtomicU64,
    /// By stage, in nanoseconds.
    spent: [AtomicU64; Stage::COUNT],
    /// The stages that have occurred, one bit for each.
    occurred: AtomicU8,
    /// Intervals for the exporter, if the trace is sampled.
    stages: Stages,
}

impl RequestTrace {
    /// Begins the trace of a request that arrived at `began_at`.
    pub fn begin(mut context: TraceContext, began_at: Instant) -> Arc<Self> {
        let stages = spans::sample(&mut context);
        Arc::new(RequestTrace {
            context,
            began_at,
            recorded_until: AtomicU64::new(0),
            spent: Default::default(),
            occurred: AtomicU8::new(0),
            stages,
        })
    }

    /// Returns the ids of the trace, of this span and of the caller's span.
    pub fn context(&self) -> &TraceContext {
        &self.context
    }

    /// Adds an interval to a stage.
    pub fn record(&self, stage: Stage, started_at: Instant, ended_at: Instant) {
        self.stages.add(Interval { stage, started_at, ended_at });
        let since_beginning =
            |at: Instant| u64::try_from(at.saturating_duration_since(self.began_at).as_nanos()).unwrap_or(u64::MAX);
        let ended_at = since_beginning(ended_at);
        let recorded_until = self.recorded_until.fetch_max(ended_at, Ordering::Relaxed);
        let counted = ended_at.saturating_sub(recorded_until.max(since_beginning(started_at)));
        self.spent[stage as usize].fetch_add(counted, Ordering::Relaxed);
        self.occurred.fetch_or(1 << stage as u8, Ordering::Relaxed);
    }

    /// Returns the time in a stage. `None` if it has not occurred.
    pub fn spent(&self, stage: Stage) -> Option<Duration> {
        let has_occurred = self.occurred.load(Ordering::Relaxed) & (1 << stage as u8) != 0;
        has_occurred.then(|| Duration::from_nanos(self.spent[stage as usize].load(Ordering::Relaxed)))
    }

    /// Runs `work` with this trace in scope.
    pub fn scope<F: Future>(self: &Arc<Self>, work: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(Arc::clone(self), work)
    }
}

/// Returns the trace in scope.
pub fn current() -> Option<Arc<RequestTrace>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Runs `work` with `trace` in scope, if there is one.
pub async fn scoped<T>(trace: Option<Arc<RequestTrace>>, work: impl Future<Output = T>) -> T {
    match trace {
        Some(trace) => trace.scope(work).await,
        None => work.await,
    }
}

/// Adds the trace in scope to a call of another service.
pub(crate) fn with_trace(call: RequestBuilder) -> RequestBuilder {
    let Some(trace) = current() else { return call };
    let call = call.header(TRACEPARENT, trace.context.traceparent());
    match trace.context.tracestate() {
        Some(state) => call.header(TRACESTATE, state),
        None => call,
    }
}

/// Runs `work` with `trace` in scope, for work on another thread.
pub fn within<T>(trace: Option<Arc<RequestTrace>>, work: impl FnOnce() -> T) -> T {
    match trace {
        Some(trace) => CURRENT.sync_scope(trace, work),
        None => work(),
    }
}

/// Runs `work`, and records it as a stage of the trace in scope.
pub fn measured<T>(stage: Stage, work: impl FnOnce() -> T) -> T {
    let Some(started_at) = start() else { return work() };
    let result = work();
    record_since(started_at, stage);
    result
}

/// Waits for `work`, and records it as a stage of the trace in scope.
pub async fn measured_async<T>(stage: Stage, work: impl Future<Output = T>) -> T {
    let Some(started_at) = start() else { return work.await };
    let result = work.await;
    record_since(started_at, stage);
    result
}

/// Returns the current moment if a trace is in scope.
fn start() -> Option<Instant> {
    CURRENT.try_with(|_| Instant::now()).ok()
}

fn record_since(started_at: Instant, stage: Stage) {
    let _ = CURRENT.try_with(|trace| trace.record(stage, started_at, Instant::now()));
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn trace_from(began_at: Instant) -> Arc<RequestTrace> {
        RequestTrace::begin(TraceContext::fresh(), began_at)
    }

    #[test]
    fn a_stage_is_the_sum_of_its_intervals() {
        let began_at = Instant::now();
        let trace = trace_from(began_at);

        trace.record(Stage::Queue, began_at, began_at + 2 * MS);
        trace.record(Stage::Database, began_at + 3 * MS, began_at + 5 * MS);
        trace.record(Stage::Queue, began_at + 5 * MS, began_at + 6 * MS);

        assert_eq!(trace.spent(Stage::Queue), Some(3 * MS));
        assert_eq!(trace.spent(Stage::Database), Some(2 * MS));
        assert_eq!(trace.spent(Stage::Plan), None);
    }

    #[test]
    fn a_stage_that_took_no_time_has_occurred() {
        let began_at = Instant::now();
        let trace = trace_from(began_at);

        trace.record(Stage::Cache, began_at, began_at);

        assert_eq!(trace.spent(Stage::Cache), Some(Duration::ZERO));
    }

    #[test]
    fn an_interval_counts_from_the_arrival_of_the_request() {
        let began_at = Instant::now();
        let trace = trace_from(began_at);

        trace.record(Stage::Database, began_at - 7 * MS, began_at + 2 * MS);

        assert_eq!(trace.spent(Stage::Database), Some(2 * MS));
    }

    #[test]
    fn intervals_that_overlap_count_once() {
        let began_at = Instant::now();
        let trace = trace_from(began_at);

        trace.record(Stage::Queue, began_at + 2 * MS, began_at + 4 * MS);
        trace.record(Stage::Database, began_at + MS, began_at + 9 * MS);
        trace.record(Stage::Database, began_at + 3 * MS, began_at + 8 * MS);

        assert_eq!(trace.spent(Stage::Queue), Some(2 * MS));
        assert_eq!(trace.spent(Stage::Database), Some(5 * MS));
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_recorded_on_the_trace_in_scope() {
        let trace = trace_from(Instant::now());
        let wait = || measured_async(Stage::Database, tokio::time::sleep(5 * MS));

        wait().await;
        assert_eq!(trace.spent(Stage::Database), None);
        trace.scope(wait()).await;
        assert_eq!(trace.spent(Stage::Database), Some(5 * MS));
        within(Some(Arc::clone(&trace)), || measured(Stage::Plan, || ()));
        assert_eq!(trace.spent(Stage::Plan), Some(Duration::ZERO));
    }
}
