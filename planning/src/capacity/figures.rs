//! The sources of all figures of a tier.

use chrono::NaiveDate;

use super::{Limits, ModeLimits, Sourced};

/// A figure of the limits by its path, and the source that supports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureSource<'a> {
    /// The path of the figure, such as `modes.full.mixed`.
    pub path: String,
    /// A document, an observation, or `assumption: …`.
    pub source: &'a str,
    /// The day on which the source was checked.
    pub seen: NaiveDate,
    /// Whether no document and no observation gives the value.
    pub is_assumed: bool,
}

struct Sources<'a>(Vec<FigureSource<'a>>);

impl<'a> Sources<'a> {
    fn add<T>(&mut self, path: impl Into<String>, figure: &'a Sourced<T>) {
        let Sourced { source, seen, .. } = figure;
        self.0.push(FigureSource { path: path.into(), source, seen: *seen, is_assumed: figure.is_assumed() });
    }

    fn extend<T>(&mut self, path: impl Into<String>, figure: Option<&'a Sourced<T>>) {
        if let Some(figure) = figure {
            self.add(path, figure);
        }
    }
}

impl Limits {
    /// Returns the path and the source of each figure.
    pub fn figures(&self) -> impl Iterator<Item = FigureSource<'_>> {
        let mut sources = Sources(Vec::new());
        sources.add("connections", &self.connections);
        sources.add("on_excess", &self.on_excess);
        sources.extend("instruments_per_connection", self.instruments_per_connection.as_ref());
        sources.extend("instruments_per_account", self.instruments_per_account.as_ref());
        sources.add("counts_duplicates", &self.counts_duplicates);
        for (mode, ModeLimits { alone, mixed, segments, .. }) in &self.modes {
            sources.extend(format!("modes.{mode}.alone"), alone.as_ref());
            sources.extend(format!("modes.{mode}.mixed"), mixed.as_ref());
            sources.extend(format!("modes.{mode}.segments"), segments.as_ref());
        }
        for (endpoint, figure) in &self.endpoints {
            sources.add(format!("endpoints.{endpoint}.instruments_per_connection"), figure);
        }
        sources.add("subscribe.instruments_per_message", &self.subscribe.instruments_per_message);
        sources.add("subscribe.pause_ms", &self.subscribe.pause_ms);
        sources.extend("subscribe.messages_per_second", self.subscribe.messages_per_second.as_ref());
        sources.extend("subscribe.quiet_ms", self.subscribe.quiet_ms.as_ref());
        sources.add("change_mode", &self.change_mode);
        sources.extend("lifetime_hours", self.lifetime_hours.as_ref());
        sources.extend("session_ends_at", self.session_ends_at.as_ref());
        sources.extend("fee", self.fee.as_ref().map(|fee| &fee.amount));
        for (table, packets) in [("packet_bytes", &self.packet_bytes), ("index_packet_bytes", &self.index_packet_bytes)]
        {
            for (mode, figure) in packets {
                sources.add(format!("{table}.{mode}"), figure);
            }
        }
        sources.add("historical.requests_per_second", &self.historical.requests_per_second);
        sources.add("historical.days_per_request", &self.historical.days_per_request);
        sources.0.into_iter()
    }
}
