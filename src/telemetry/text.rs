//! The text format of the log: the time, the level, the part of the service, the message and its fields.
//!
//! A line is short, because a terminal is narrow: it has no ids of traces, and it has the correlation id of its request
//! only if it is a warning or an error. Lines of requests have no message, but the figures in columns.

use std::fmt::{self, Write as _};

use chrono::{DateTime, Local};
use registry_actors::current_actor;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use super::REQUEST_TARGET;

/// Width of the name of the part of the service: that of the longest name of an actor.
const PART_WIDTH: usize = 11;
/// The beginnings of paths of the internal API, which lines abbreviate.
const ROOTS: [&str; 2] = ["/api/v1/internal/instrument-registry/", "/api/v1/internal/"];
/// Separates, in the formatted fields of a span, the method and path of a request from the other fields.
const SEPARATOR: char = '\n';

/// See the [module](self).
pub(super) struct TextLines<C> {
    pub(super) clock: C,
}

impl TextLines<fn() -> DateTime<Local>> {
    pub(super) fn new() -> Self {
        TextLines { clock: Local::now }
    }
}

/// The style of a part of a line, as the number of an ANSI escape sequence.
#[derive(Clone, Copy)]
enum Style {
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Blue = 34,
    Magenta = 35,
}

impl Style {
    fn of(level: Level) -> Self {
        match level {
            Level::ERROR => Style::Red,
            Level::WARN => Style::Yellow,
            Level::INFO => Style::Green,
            Level::DEBUG => Style::Blue,
            Level::TRACE => Style::Magenta,
        }
    }
}

/// Writes a text, in its style if the writer has colors.
fn write_styled(writer: &mut Writer<'_>, style: Style, text: fmt::Arguments<'_>) -> fmt::Result {
    if writer.has_ansi_escapes() {
        write!(writer, "\x1b[{}m{text}\x1b[0m", style as u8)
    } else {
        writer.write_fmt(text)
    }
}

impl<S, C> FormatEvent<S, TextFields> for TextLines<C>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    C: Fn() -> DateTime<Local>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, TextFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let level = *metadata.level();
        let is_request = metadata.target() == REQUEST_TARGET;
        let mut fields = EventFields { is_request, ..EventFields::default() };
        event.record(&mut fields);
        let span = event.parent().and_then(|id| context.span(id)).or_else(|| context.lookup_current());
        let span_fields = span.as_ref().and_then(|span| {
            let extensions = span.extensions();
            extensions.get::<FormattedFields<TextFields>>().map(|fields| fields.fields.clone())
        });
        let span_fields = span_fields.unwrap_or_default();
        let (request, ids) = span_fields.split_once(SEPARATOR).unwrap_or_default();

        let part = fields.actor.as_deref().or(current_actor()).unwrap_or_else(|| part(metadata));
        write_styled(&mut writer, Style::Dim, format_args!("{}", (self.clock)().format("%H:%M:%S%.3f")))?;
        writer.write_char(' ')?;
        write_styled(&mut writer, Style::of(level), format_args!("{:<5}", level.as_str()))?;
        writer.write_char(' ')?;
        write_styled(&mut writer, Style::Dim, format_args!("{part:<PART_WIDTH$}"))?;
        let is_severe = level <= Level::WARN;
        if is_request {
            fields.write_figures(&mut writer)?;
            write!(writer, " {request}")?;
        }
        if !is_request || is_severe {
            write!(writer, " {}", fields.message)?;
        }
        writer.write_str(&fields.rest)?;
        if is_severe {
            if !is_request && !request.is_empty() {
                write!(writer, " {request}")?;
            }
            writer.write_str(ids)?;
        }
        writeln!(writer)
    }
}

/// Returns the part of the service that logs: a module of it, or a library.
fn part(metadata: &Metadata<'static>) -> &'static str {
    let target = metadata.target();
    let (library, rest) = target.split_once("::").unwrap_or((target, ""));
    let module = rest.split("::").next().unwrap_or_default();
    let is_own = library == "instrument_registry" || library.starts_with("registry_");
    if is_own && !module.is_empty() { module } else { library }
}

/// The fields of an event.
#[derive(Default)]
struct EventFields {
    is_request: bool,
    message: String,
    actor: Option<String>,
    status: Option<u64>,
    duration_ms: Option<f64>,
    bytes: Option<u64>,
    /// The other fields.
    rest: String,
}

impl EventFields {
    /// Writes the columns of a line of a request.
    fn write_figures(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, " {:>3} {:>9.3} ms ", self.status.unwrap_or_default(), self.duration_ms.unwrap_or_default())?;
        match self.bytes {
            Some(bytes) => write!(writer, "{bytes:>7} B"),
            None => write!(writer, "{:>7}  ", "-"),
        }
    }
}

impl Visit for EventFields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        match field.name() {
            "duration_ms" if self.is_request => self.duration_ms = Some(value),
            name if name.ends_with("_ms") => push(&mut self.rest, name, format_args!("{value:.3}")),
            name => push(&mut self.rest, name, format_args!("{value}")),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "status" if self.is_request => self.status = Some(value),
            "bytes" if self.is_request => self.bytes = Some(value),
            name => push(&mut self.rest, name, format_args!("{value}")),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            // The key of requests is omitted: it is the same in almost every line.
            "key" if self.is_request => {}
            "actor" => self.actor = Some(value.to_owned()),
            "message" => self.message.push_str(&one_line(value)),
            name => push_text(&mut self.rest, name, value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Messages and fields with `%` arrive here as `Debug` values.
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.message.push_str(&one_line(&value)),
            name => push_text(&mut self.rest, name, &value),
        }
    }
}

/// Formats the fields of spans: the method and path of a request, and its other fields without the ids of its trace.
#[derive(Default)]
pub(super) struct TextFields;

impl<'writer> FormatFields<'writer> for TextFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut span = SpanFields::default();
        fields.record(&mut span);
        // A request without a path in its span has no route.
        let path = if span.request.is_empty() || span.has_path { "" } else { " (unknown path)" };
        write!(writer, "{}{path}{SEPARATOR}{}", span.request, span.rest)
    }
}

#[derive(Default)]
struct SpanFields {
    request: String,
    has_path: bool,
    rest: String,
}

impl Visit for SpanFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "trace_id" | "span_id" | "parent_id" => {}
            "method" => self.request.push_str(value),
            "path" => {
                self.has_path = true;
                let short = ROOTS.iter().find_map(|root| value.strip_prefix(root));
                let _ = match short {
                    Some(rest) => write!(self.request, " …/{rest}"),
                    None => write!(self.request, " {value}"),
                };
            }
            name => push_text(&mut self.rest, name, value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Appends a field. Quotes a text that would not be recognizable as one value, or that would change the terminal.
fn push_text(fields: &mut String, name: &str, value: &str) {
    let is_plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"');
    // Lists of texts are quoted already.
    let is_list = value.starts_with('[') && !value.contains(char::is_control);
    if is_plain || is_list {
        push(fields, name, format_args!("{value}"));
    } else {
        push(fields, name, format_args!("{value:?}"));
    }
}

fn push(fields: &mut String, name: &str, value: fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = write!(fields, " {name}={value}");
}

/// Returns a message without characters that would change the terminal.
fn one_line(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
