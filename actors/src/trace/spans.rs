//! The export of finished spans.
//!
//! The process installs one exporter at most, as it installs one log. Without it, a request does not collect its
//! stages.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{Interval, RequestTrace, Stage, TraceContext};

/// Maximum number of stages of a span. A request has less than ten; a batch of lookups can have more.
const STAGES_MAX: usize = 128;

static EXPORTER: OnceLock<Box<dyn SpanExporter>> = OnceLock::new();

/// Receives the spans of this process. No method may wait, except for [`SpanExporter::shut_down`].
pub trait SpanExporter: Send + Sync {
    /// Whether the span of a request is exported: as the caller has decided, or else as the exporter decides.
    fn is_sampled(&self, context: &TraceContext) -> bool;

    /// Exports a span and its stages.
    fn export(&self, span: FinishedSpan<'_>);

    /// Exports the spans that are left, but returns after this time at the latest.
    fn shut_down(&self, within: Duration);
}

/// The side of a call that a span describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// The handling of a request.
    Server,
    /// A call of another service.
    Client,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// An integer.
    Integer(i64),
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        AttributeValue::Text(text.to_owned())
    }
}

/// The properties of a span that are known at its end.
#[derive(Clone, Debug)]
pub struct SpanDescription {
    /// The name, which has few different values.
    pub name: String,
    /// The side of the call.
    pub kind: SpanKind,
    /// Names and values, with the names of the semantic conventions of OpenTelemetry.
    pub attributes: Vec<(&'static str, AttributeValue)>,
    /// Whether the call failed because of this service or of the called one.
    pub has_failed: bool,
}

/// A stage of a request, within its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageSpan {
    /// The kind of work.
    pub stage: Stage,
    /// The time at which it began.
    pub started_at: SystemTime,
    /// The time at which it ended.
    pub ended_at: SystemTime,
}

/// A span with its stages, which are its children.
pub struct FinishedSpan<'a> {
    /// The ids of the trace, of the span and of its parent.
    pub context: &'a TraceContext,
    /// The name, the side of the call, the attributes and the result.
    pub description: SpanDescription,
    /// The time at which the request or call began.
    pub started_at: SystemTime,
    /// The time at which the request or call ended.
    pub ended_at: SystemTime,
    /// The stages, in the order of their ends.
    pub stages: Vec<StageSpan>,
}

/// Installs the exporter of the process. Has no effect if there is one.
pub fn install_exporter(exporter: Box<dyn SpanExporter>) {
    let _ = EXPORTER.set(exporter);
}

/// Exports the spans that are left, if there is an exporter. Blocks until then, but no longer than this time.
pub fn shut_down_exporter(within: Duration) {
    if let Some(exporter) = EXPORTER.get() {
        exporter.shut_down(within);
    }
}

/// Decides whether the trace is sampled. Does not change it without an exporter.
pub(super) fn sample(context: &mut TraceContext) -> Stages {
    let Some(exporter) = EXPORTER.get() else { return Stages::default() };
    let is_sampled = exporter.is_sampled(context);
    context.set_sampled(is_sampled);
    if is_sampled { Stages::collecting() } else { Stages::default() }
}

/// The stages of a sampled request until its end.
#[derive(Debug, Default)]
pub(super) struct Stages(Option<Mutex<Intervals>>);

/// `None` after the end.
type Intervals = Option<Vec<Interval>>;

impl Stages {
    pub(super) fn collecting() -> Self {
        Stages(Some(Mutex::new(Some(Vec::new()))))
    }

    pub(super) const fn are_collected(&self) -> bool {
        self.0.is_some()
    }

    /// Adds an interval, unless the span has ended: a job that a request started may continue after it.
    pub(super) fn add(&self, interval: Interval) {
        let Some(collected) = &self.0 else { return };
        let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(intervals) = collected.as_mut().filter(|intervals| intervals.len() < STAGES_MAX) {
            intervals.push(interval);
        }
    }

    /// Ends the collection, and returns the intervals; `None` if nothing was collected, or the collection has ended.
    fn take(&self) -> Intervals {
        self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl RequestTrace {
    /// Whether the span is exported at its end.
    pub fn is_recorded(&self) -> bool {
        self.stages.are_collected()
    }

    /// Exports the span if it is sampled. Has no effect after the first time.
    pub fn end(&self, describe: impl FnOnce() -> SpanDescription) {
        let Some(exporter) = EXPORTER.get() else { return };
        if let Some(span) = self.finished(Instant::now(), SystemTime::now(), describe) {
            exporter.export(span);
        }
    }

    /// Returns the span that ends at `now`, which is `time` on the clock.
    fn finished(
        &self,
        now: Instant,
        time: SystemTime,
        describe: impl FnOnce() -> SpanDescription,
    ) -> Option<FinishedSpan<'_>> {
        let intervals = self.stages.take()?;
        // A stage that several requests share may begin before this one.
        let on_clock = |at: Instant| time - now.saturating_duration_since(at.max(self.began_at));
        let stages = intervals.iter().map(|interval| StageSpan {
            stage: interval.stage,
            started_at: on_clock(interval.started_at),
            ended_at: on_clock(interval.ended_at),
        });
        Some(FinishedSpan {
            context: &self.context,
            description: describe(),
            started_at: on_clock(self.began_at),
            ended_at: time,
            stages: stages.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn describe() -> SpanDescription {
        SpanDescription { name: "GET /".to_owned(), kind: SpanKind::Server, attributes: Vec::new(), has_failed: false }
    }

    fn recorded_from(began_at: Instant) -> RequestTrace {
        let trace = RequestTrace::begin(TraceContext::fresh(), began_at);
        RequestTrace { stages: Stages::collecting(), ..Arc::into_inner(trace).unwrap() }
    }

    #[test]
    fn stages_are_within_the_span() {
        let (began_at, end) = (Instant::now(), SystemTime::now());
        let trace = recorded_from(began_at);
        trace.record(Stage::Queue, began_at - MS, began_at + 2 * MS);
        trace.record(Stage::Database, began_at + 3 * MS, began_at + 20 * MS);

        let span = trace.finished(began_at + 10 * MS, end, describe).unwrap();

        assert_eq!(span.started_at, end - 10 * MS);
        assert_eq!(span.ended_at, end);
        let queue = StageSpan { stage: Stage::Queue, started_at: end - 10 * MS, ended_at: end - 8 * MS };
        let database = StageSpan { stage: Stage::Database, started_at: end - 7 * MS, ended_at: end };
        assert_eq!(span.stages, [queue, database]);
    }

    #[test]
    fn a_span_ends_once() {
        let began_at = Instant::now();
        let trace = recorded_from(began_at);

        assert!(trace.finished(began_at + MS, SystemTime::now(), describe).is_some());
        trace.record(Stage::Cache, began_at, began_at + MS);
        assert!(trace.finished(began_at + MS, SystemTime::now(), describe).is_none());
        assert_eq!(trace.spent(Stage::Cache), Some(MS));
    }

    #[test]
    fn the_number_of_stages_is_bounded() {
        let began_at = Instant::now();
        let trace = recorded_from(began_at);
        for _ in 0..=STAGES_MAX {
            trace.record(Stage::Cache, began_at, began_at + MS);
        }

        let span = trace.finished(began_at + MS, SystemTime::now(), describe).unwrap();

        assert_eq!(span.stages.len(), STAGES_MAX);
    }

    #[test]
    fn without_an_exporter_nothing_is_collected() {
        let trace = RequestTrace::begin(TraceContext::fresh(), Instant::now());

        assert!(!trace.is_recorded());
        assert!(!trace.context().is_sampled());
    }
}
