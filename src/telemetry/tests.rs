use std::io;
use std::sync::Arc;

use chrono::{DateTime, Local, TimeZone};
use tracing::{error, info, info_span, warn};

use super::*;

/// A log in memory.
#[derive(Clone, Default)]
struct LogBuffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for LogBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn clock() -> DateTime<Local> {
    Local.timestamp_opt(1_793_000_000, 7_000_000).unwrap()
}

/// Returns the lines in the text format that `work` logs, without the time.
fn lines_of(has_colors: bool, work: impl FnOnce()) -> Vec<String> {
    let written = LogBuffer::default();
    let writer = written.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).with_ansi(has_colors);
    let layer = layer.fmt_fields(TextFields).event_format(TextLines { clock: clock as fn() -> _ });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let time = clock().format("%H:%M:%S%.3f ").to_string();
    text.lines().map(|line| line.strip_prefix(&time).unwrap_or(line).to_owned()).collect()
}

/// A span as that of a request.
fn request_span() -> tracing::Span {
    let path = "/api/v1/internal/instrument-registry/subscriptions/plan";
    info_span!("request", correlation_id = "c-1", trace_id = "t-1", span_id = "s-1", method = "POST", path)
}

#[test]
fn text_lines_have_aligned_columns() {
    let lines = lines_of(false, || {
        info!(target: "registry_store::postgres::pool", version = 7, "connected");
        info!(actor = "planner_3", "actor restarted");
        error!(target: "hyper::client", fault = "no host", "failed");
    });

    assert_eq!(
        lines,
        [
            "INFO  postgres    connected version=7",
            "INFO  planner_3   actor restarted",
            "ERROR hyper       failed fault=\"no host\"",
        ]
    );
}

#[test]
fn text_lines_of_requests_have_figures_in_columns() {
    let lines = lines_of(false, || {
        request_span().in_scope(|| {
            info!(
                target: REQUEST_TARGET,
                status = 200_u16,
                duration_ms = 1.234_56,
                bytes = 812_u64,
                key = "environment",
                "request completed"
            );
            info!(target: REQUEST_TARGET, status = 404_u16, duration_ms = 120.5, code = "not_found", "request completed");
        });
    });

    assert_eq!(
        lines,
        [
            "INFO  request     200     1.235 ms     812 B POST …/subscriptions/plan",
            "INFO  request     404   120.500 ms       -   POST …/subscriptions/plan code=not_found",
        ]
    );
}

#[test]
fn text_lines_of_unknown_paths_have_no_path() {
    let path: Option<&str> = None;
    let lines = lines_of(false, || {
        let span = info_span!("request", correlation_id = "c-1", method = "GET", path);
        span.in_scope(|| info!(target: REQUEST_TARGET, status = 404_u16, duration_ms = 1.0, code = "not_found"));
        info_span!("job", job_id = "j-1").in_scope(|| warn!(target: "registry_actors::ingest", "failed"));
    });

    assert_eq!(
        lines,
        [
            "INFO  request     404     1.000 ms       -   GET (unknown path) code=not_found",
            "WARN  ingest      failed job_id=j-1",
        ]
    );
}

#[test]
fn severe_text_lines_have_the_correlation_id() {
    let lines = lines_of(false, || {
        request_span().in_scope(|| {
            info!(target: "registry_actors::cache", "stored");
            warn!(target: "registry_actors::cache", "not stored");
            warn!(target: REQUEST_TARGET, status = 503_u16, duration_ms = 1.0, bytes = 90_u64, "request failed");
        });
    });

    assert_eq!(
        lines,
        [
            "INFO  cache       stored",
            "WARN  cache       not stored POST …/subscriptions/plan correlation_id=c-1",
            "WARN  request     503     1.000 ms      90 B POST …/subscriptions/plan request failed correlation_id=c-1",
        ]
    );
}

#[test]
fn text_lines_cannot_change_the_terminal() {
    let lines = lines_of(false, || info!(target: "cli", text = "a\x1b[31m\nb", "c\x1b[2J{}", "\nd"));

    assert_eq!(lines, ["INFO  cli         c [2J d text=\"a\\u{1b}[31m\\nb\""]);
}

#[test]
fn text_lines_have_colors_on_request() {
    let lines = lines_of(true, || warn!(target: "cli", "stopped"));

    let time = clock().format("%H:%M:%S%.3f");
    assert_eq!(lines, [format!("\x1b[2m{time}\x1b[0m \x1b[33mWARN \x1b[0m \x1b[2mcli        \x1b[0m stopped")]);
}
