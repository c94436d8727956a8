//! The export of spans to a collector by OTLP over HTTP.
//!
//! Spans are created at the end of a request from the stages that it has recorded anyway. Spans of `tracing` would have
//! to travel through the mailboxes, and would take their time also if no trace is sampled.
//!
//! Requests only put spans into a queue; a thread of the library sends them in batches. If the queue is full, because
//! the collector does not respond or is too slow, spans are dropped and counted. The service never waits for the
//! collector, except for a moment at its end.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use metrics::counter;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, Key, KeyValue, Value};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanEvents, SpanExporter, SpanLinks, SpanProcessor,
};
use registry_actors::tls::{Tls, plain_http_client};
use registry_actors::trace::{self, AttributeValue, FinishedSpan, StageSpan, TraceContext};
use reqwest::{blocking, redirect};
use tracing::{info, warn};

use crate::metrics::{SPAN_DROPPED, SPAN_EXPORTED, SPAN_FAILED, SPANS};
use crate::settings::{Sampler, TraceSettings};

/// Maximum number of spans that wait: some seconds of a busy service, in a few MiB.
const QUEUE_MAX: usize = 4096;
/// Timeout of connecting to the collector.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The key of the name of the service in its resource.
const SERVICE_NAME: &str = "service.name";

/// Starts to export spans. Does not connect. Must not be called within a runtime.
///
/// # Errors
/// If the client cannot be created.
pub fn export_traces(settings: &TraceSettings, environment: &str, tls: &Tls) -> anyhow::Result<()> {
    for warning in &settings.warnings {
        warn!(setting = warning, "setting of traces ignored");
    }
    let url = &*settings.url;
    let tls = if url.starts_with("https:") { tls.http_client() } else { plain_http_client() };
    let client = blocking::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(settings.timeout);
    let client = client.build().context("failed to create the HTTP client of traces")?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .with_timeout(settings.timeout)
        .build()
        .context("failed to create the exporter of traces")?;
    let queue = Arc::new(Queue { waiting: AtomicUsize::new(0), is_failing: AtomicBool::new(false) });
    let exporter = ReportingExporter { exporter, queue: Arc::clone(&queue) };
    let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE_MAX).build();
    let mut processor = BatchSpanProcessor::new(exporter, config);
    processor.set_resource(&resource(environment));
    let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION")).build();
    trace::install_exporter(Box::new(Exporter { processor, sampler: settings.sampler, queue, scope }));
    info!(url, "exporting traces");
    Ok(())
}

/// Returns the attributes of this process. The library adds those of the variables of OpenTelemetry.
fn resource(environment: &str) -> Resource {
    let known = Resource::builder().build();
    let name = known.get(&Key::from_static_str(SERVICE_NAME)).map(|name| name.to_string());
    let resource = Resource::builder().with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("deployment.environment.name", environment.to_owned()),
    ]);
    match name {
        Some(name) if !name.starts_with("unknown_service") => resource.build(),
        _ => resource.with_service_name(env!("CARGO_PKG_NAME")).build(),
    }
}

/// The spans that wait for the thread.
#[derive(Debug)]
struct Queue {
    waiting: AtomicUsize,
    is_failing: AtomicBool,
}

impl Queue {
    /// Counts a span that is put into the queue. Returns false if it is full.
    fn enter(&self) -> bool {
        let has_capacity = self.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE_MAX;
        if !has_capacity {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            counter!(SPANS, "status" => SPAN_DROPPED).increment(1);
        }
        has_capacity
    }

    /// Counts a batch that was sent or not. Logs the first failure, and the first success after it.
    fn leave(&self, spans: usize, result: &OTelSdkResult) {
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        let status = if result.is_ok() { SPAN_EXPORTED } else { SPAN_FAILED };
        counter!(SPANS, "status" => status).increment(spans as u64);
        let was_failing = self.is_failing.swap(result.is_err(), Ordering::Relaxed);
        match result {
            Err(fault) if !was_failing => warn!(%fault, spans, "failed to export traces; dropping spans"),
            Ok(()) if was_failing => info!("traces are exported again"),
            _ => {}
        }
    }
}

/// Counts the spans that the exporter sends.
#[derive(Debug)]
struct ReportingExporter {
    exporter: opentelemetry_otlp::SpanExporter,
    queue: Arc<Queue>,
}

impl SpanExporter for ReportingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        self.queue.leave(spans, &result);
        result
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.exporter.shutdown()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Converts spans, and puts them into the queue.
struct Exporter {
    processor: BatchSpanProcessor,
    sampler: Sampler,
    queue: Arc<Queue>,
    scope: InstrumentationScope,
}

impl trace::SpanExporter for Exporter {
    fn is_sampled(&self, context: &TraceContext) -> bool {
        self.sampler.is_sampled(context)
    }

    fn export(&self, span: FinishedSpan<'_>) {
        let own = id_of(span.context.span_id());
        for stage in &span.stages {
            self.put(|| self.stage(span.context, own, stage));
        }
        self.put(|| self.span(span));
    }

    fn shut_down(&self, within: Duration) {
        if let Err(fault @ (OTelSdkError::Timeout(_) | OTelSdkError::InternalFailure(_))) =
            self.processor.shutdown_with_timeout(within)
        {
            warn!(%fault, "failed to export the last traces");
        }
    }
}

impl Exporter {
    fn put(&self, span: impl FnOnce() -> SpanData) {
        if self.queue.enter() {
            self.processor.on_end(span());
        }
    }

    fn span(&self, span: FinishedSpan<'_>) -> SpanData {
        let FinishedSpan { context, description, started_at, ended_at, stages: _ } = span;
        let attributes = description.attributes.into_iter().map(|(name, value)| {
            let value = match value {
                AttributeValue::Text(text) => Value::from(text),
                AttributeValue::Integer(number) => Value::from(number),
            };
            KeyValue::new(name, value)
        });
        SpanData {
            span_context: span_context(context, id_of(context.span_id())),
            parent_span_id: context.parent_id().map_or(SpanId::INVALID, id_of),
            parent_span_is_remote: context.parent_id().is_some(),
            span_kind: match description.kind {
                trace::SpanKind::Server => SpanKind::Server,
                trace::SpanKind::Client => SpanKind::Client,
            },
            name: Cow::Owned(description.name),
            attributes: attributes.collect(),
            status: if description.has_failed { Status::error("") } else { Status::Unset },
            ..self.empty(started_at, ended_at)
        }
    }

    fn stage(&self, context: &TraceContext, parent: SpanId, stage: &StageSpan) -> SpanData {
        SpanData {
            span_context: span_context(context, SpanId::from(fastrand::u64(1..))),
            parent_span_id: parent,
            name: Cow::Borrowed(stage.stage.as_str()),
            ..self.empty(stage.started_at, stage.ended_at)
        }
    }

    fn empty(&self, start_time: std::time::SystemTime, end_time: std::time::SystemTime) -> SpanData {
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: Cow::Borrowed(""),
            start_time,
            end_time,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

fn id_of(hex: &str) -> SpanId {
    // Invariant: the ids of a context are hexadecimal numbers.
    SpanId::from_hex(hex).unwrap_or(SpanId::INVALID)
}

fn span_context(context: &TraceContext, span_id: SpanId) -> SpanContext {
    let trace_id = TraceId::from_hex(context.trace_id()).unwrap_or(TraceId::INVALID);
    SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, false, TraceState::NONE)
}
