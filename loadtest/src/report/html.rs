//! The report as an HTML page, which needs no other file.

use std::fmt::Display;
use std::io::{self, Write};

use super::Report;
use super::escaped::Escaped;
use super::plot::{Axis, Line, Plot};
use super::table::{HEADS, figures};
use crate::tally::Latency;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #667; --rule: #ccd; --paper: #fff;
  --one: #0b66c3; --two: #c2410c; --three: #15803d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --faint: #99a; --rule: #445; --paper: #16181c;
  --one: #6cb2ff; --two: #ff9a62; --three: #5dd28a; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; }
td.text { text-align: left; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .line { fill: none; stroke-width: 2; }
.c0 { stroke: var(--one); } .c1 { stroke: var(--two); } .c2 { stroke: var(--three); }
.failed { color: var(--two); font-weight: 600; }
";

impl Report {
    /// Writes the HTML page.
    ///
    /// # Errors
    ///
    /// An error of `out`.
    pub(crate) fn write_html(&self, out: &mut impl Write) -> io::Result<()> {
        let name = Escaped(&self.scenario);
        writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(out, "<title>Load test: {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>")?;
        writeln!(out, "<h1>{name}</h1>\n<p>{}</p>", Escaped(&self.about))?;
        self.write_summary(out)?;
        self.write_latency_table(out)?;
        if !self.faults.is_empty() {
            writeln!(out, "<h2>Faults</h2>\n<table>\n<tr><th>fault</th><th>count</th><th>first</th></tr>")?;
            for fault in &self.faults {
                let (kind, count, first) = (Escaped(&fault.kind), fault.count, Escaped(&fault.first));
                writeln!(out, "<tr><td>{kind}</td><td>{count}</td><td class=\"text\">{first}</td></tr>")?;
            }
            writeln!(out, "</table>")?;
        }
        writeln!(out, "<h2>Latency over time</h2>\n{}", self.latency_over_time())?;
        writeln!(out, "<h2>Responses over time</h2>\n{}", self.answers_over_time())?;
        writeln!(out, "<h2>Latency by percentile</h2>\n{}", self.latency_by_percentile())?;
        writeln!(out, "</body>\n</html>")
    }

    fn write_summary(&self, out: &mut impl Write) -> io::Result<()> {
        let verdict = if self.passed { "passed" } else { "<span class=\"failed\">failed</span>" };
        let rate = self.rate.map_or_else(String::new, |rate| format!(" at {rate}/s"));
        writeln!(out, "<table>")?;
        let rows: [(&str, &dyn Display); 8] = [
            ("result", &verdict),
            ("registry", &Escaped(&self.url)),
            ("load", &format!("{} loop{rate}, {} connections, seed {}", self.mode, self.connections, self.seed)),
            ("duration", &format!("{:.1} s", self.seconds)),
            ("requests", &format!("{} sent, {} answered, {} refused", self.sent, self.answered, self.refused.count)),
            ("responses", &format!("{:.1}/s, {:.1}/s successful", self.rate_per_second, self.goodput_per_second)),
            ("bytes", &format!("{:.0} per successful response", self.answer_bytes_mean)),
            ("plans", &format!("{} acknowledged, {} replanned", self.ledger.plans, self.ledger.replanned)),
        ];
        for (name, value) in rows {
            writeln!(out, "<tr><th scope=\"row\">{name}</th><td class=\"text\">{value}</td></tr>")?;
        }
        if let Some(found) = self.verification {
            let crate::verify::Verification { intact, lost, different, unread } = found;
            let found = format!("{intact} intact, {lost} lost, {different} different, {unread} unread");
            writeln!(out, "<tr><th scope=\"row\">read back</th><td class=\"text\">{found}</td></tr>")?;
        }
        writeln!(out, "</table>")
    }

    fn write_latency_table(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "<h2>Latency</h2>\n<table>\n<tr><th>kind</th><th>count</th>")?;
        for head in HEADS {
            writeln!(out, "<th>{head}</th>")?;
        }
        writeln!(out, "</tr>")?;
        let mut row = |name: &str, latency: &Latency| -> io::Result<()> {
            write!(out, "<tr><td>{name}</td><td>{}</td>", latency.count)?;
            figures(latency).iter().try_for_each(|value| write!(out, "<td>{value:.3}</td>"))?;
            writeln!(out, "</tr>")
        };
        for (name, kind) in &self.kinds {
            row(name, &kind.latency)?;
        }
        row("all", &self.latency)?;
        if let Some(latency) = &self.refused.latency {
            row("refused", latency)?;
        }
        writeln!(out, "</table>")
    }

    fn latency_over_time(&self) -> Plot {
        let of = |pick: fn(&crate::tally::Second) -> Option<f64>| {
            self.timeline.iter().filter_map(|second| Some((second.second as f64, pick(second)?))).collect()
        };
        Plot {
            id: "latency-over-time",
            title: "Latency over time",
            about: "Median and 99th percentile of successful responses in each second",
            x: Axis::linear("time, s"),
            y: Axis::logarithmic("latency, ms"),
            lines: vec![Line::new("p50", of(|second| second.p50_ms)), Line::new("p99", of(|second| second.p99_ms))],
        }
    }

    fn answers_over_time(&self) -> Plot {
        let of = |pick: fn(&crate::tally::Second) -> u64| {
            self.timeline.iter().map(|second| (second.second as f64, pick(second) as f64)).collect()
        };
        Plot {
            id: "answers-over-time",
            title: "Responses over time",
            about: "Requests sent, answered and refused in each second",
            x: Axis::linear("time, s"),
            y: Axis::linear("requests per second"),
            lines: vec![
                Line::new("answered", of(|second| second.answered)),
                Line::new("refused", of(|second| second.refused)),
                Line::new("sent", of(|second| second.sent)),
            ],
        }
    }

    fn latency_by_percentile(&self) -> Plot {
        // Each step to the right is a tenth of the remaining responses.
        let points = self.percentiles.iter().map(|&(tail, latency)| (-tail.log10(), latency)).collect();
        Plot {
            id: "latency-by-percentile",
            title: "Latency by percentile",
            about: "Maximum latency of each share of the successful responses",
            x: Axis::percentiles("share of responses, %"),
            y: Axis::logarithmic("latency, ms"),
            lines: vec![Line::new("all kinds", points)],
        }
    }
}
