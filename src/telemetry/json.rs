//! The JSON format of the log: one object per line.

use std::fmt;

use registry_actors::current_actor;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{self, Format, FormatEvent, FormatFields, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, time::SystemTime};
use tracing_subscriber::registry::LookupSpan;

/// Writes the fields of an event, its span, and the actor that logs it.
pub(super) struct JsonLines(Format<Json, SystemTime>);

impl JsonLines {
    pub(super) fn new() -> Self {
        JsonLines(format::format().json().flatten_event(true).with_span_list(false))
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        // A line about an actor names it itself.
        let is_about_actor = event.metadata().fields().field("actor").is_some();
        let Some(actor) = current_actor().filter(|_| !is_about_actor) else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        // The names of actors need no escapes.
        match line.strip_suffix("}\n") {
            Some(fields) => writeln!(writer, r#"{fields},"actor":"{actor}"}}"#),
            None => writer.write_str(&line),
        }
    }
}
