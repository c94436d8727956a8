//! The output of all commands: tables, JSON and colors. Data goes to standard output, errors to standard error.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use comfy_table::{ColumnConstraint, ContentArrangement, Width, presets};
use serde::Serialize;
use serde_json::Value;

/// Maximum width that the longest word of a column requires, in characters. A longer word, such as a URL, is broken.
/// The first column has names, such as those of settings.
const WORD_MAX: usize = 20;
const NAME_MAX: usize = 50;
/// Minimum width of a column with a longer text, in characters.
const TEXT_MIN: usize = 20;
const COLUMN_FRAME: usize = 3;

/// The colors of the words that name a state: the code of the color for terminals.
const COLORS: [(&str, &[&str]); 4] = [
    ("32", &["ok", "closed", "running", "completed"]),
    ("33", &["warning", "degraded", "half_open"]),
    ("31", &["failed", "critical", "not_ready", "open"]),
    ("2", &["skipped"]),
];

/// A table in the style of the command line. It is as wide as the output at most, and long texts wrap between words. If
/// that is not possible, it has one line per cell instead.
pub(super) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

pub(super) fn table(header: &[&str]) -> Table {
    Table { header: header.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
}

impl Table {
    pub(super) fn add_row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(|cell| harmless(&cell.into())).collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn within(&self, width: Option<u16>) -> String {
        let mut drawn = comfy_table::Table::new();
        drawn.load_style(presets::ASCII_BORDERS_ONLY_CONDENSED).set_header(&self.header);
        drawn.add_rows(&self.rows);
        let Some(width) = width else { return drawn.to_string() };
        let words = self.word_widths();
        let frame = words.len() * COLUMN_FRAME + 1;
        if words.iter().map(|of| usize::from(*of)).sum::<usize>() + frame > usize::from(width) {
            return self.as_records();
        }
        drawn.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        for (column, width) in drawn.column_iter_mut().zip(words) {
            // The width includes one space on each side.
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width + 2)));
        }
        drawn.to_string()
    }

    /// Returns the width that each column requires: that of its longest word, and some words of a long text.
    fn word_widths(&self) -> Vec<u16> {
        let length = |text: &str| text.chars().count();
        let required = |text: &String, word_max: usize| {
            let word = text.split_whitespace().map(length).max().unwrap_or(0).min(word_max);
            word.max(length(text).min(TEXT_MIN))
        };
        let of_column = |column: usize| {
            let word_max = if column == 0 { NAME_MAX } else { WORD_MAX };
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.chain([&self.header[column]]).map(|cell| required(cell, word_max)).max().unwrap_or(0)
        };
        (0..self.header.len()).map(of_column).map(|width| u16::try_from(width).unwrap_or(u16::MAX)).collect()
    }

    /// Returns one line for each cell that is not empty, and an empty line after each row.
    fn as_records(&self) -> String {
        let record = |row: &Vec<String>| {
            let cells = self.header.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            cells.map(|(name, cell)| format!("{name}: {cell}\n")).collect::<String>()
        };
        self.rows.iter().map(record).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.within(width()))
    }
}

/// Returns the width of the output: `COLUMNS`, or that of the terminal. `None` if the output is neither limited nor a
/// terminal, so that programs get one line per row.
fn width() -> Option<u16> {
    let chosen = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    chosen.or_else(|| {
        let output = io::stdout();
        let size = output.is_terminal().then(|| rustix::termios::tcgetwinsize(&output).ok()).flatten();
        size.map(|size| size.ws_col).filter(|columns| *columns > 0)
    })
}

/// Whether the output may contain colors: it is a terminal, and `NO_COLOR` is not set.
fn has_colors() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// Colors the word for a state at the beginning of each line of a text or table, if the output may contain colors.
pub(super) fn painted(text: &str) -> String {
    if has_colors() { with_colors(text) } else { text.to_owned() }
}

fn with_colors(text: &str) -> String {
    let paint = |line: &str| {
        let start = line.len() - line.trim_start_matches(['|', ' ']).len();
        let (frame, rest) = line.split_at(start);
        let word = rest.split([' ', ':']).next().unwrap_or_default();
        match COLORS.iter().find(|(_, words)| words.contains(&word)) {
            Some((code, _)) => format!("{frame}\x1b[{code}m{word}\x1b[0m{}", &rest[word.len()..]),
            None => line.to_owned(),
        }
    };
    text.lines().map(paint).collect::<Vec<_>>().join("\n")
}

/// Returns a text that cannot control a terminal: names and messages can come from a file or from another server. Lines
/// stay.
pub(super) fn harmless(text: &str) -> String {
    let is_harmful = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// Prints a line to standard output. A closed reader, such as `head`, is not an error.
pub(super) fn print_line(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("failed to write to standard output"),
    }
}

/// Prints a line to standard error. A failure to do so cannot be reported.
pub(super) fn print_error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", harmless(text));
}

/// Prints JSON, indented.
pub(super) fn print_json(answer: &impl Serialize) -> anyhow::Result<()> {
    print_line(&serde_json::to_string_pretty(answer)?)
}

/// Prints an answer as JSON, or as the parts that `parts` makes of it.
pub(super) fn print(is_json: bool, answer: &Value, parts: impl Fn(&Value) -> Vec<String>) -> anyhow::Result<()> {
    if is_json {
        return print_json(answer);
    }
    parts(answer).iter().try_for_each(|part| print_line(&painted(&harmless(part))))
}

/// Returns a text or a number; nothing if it is absent or null.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(is_set) => if *is_set { "yes" } else { "no" }.to_owned(),
        // A whole number has no fraction.
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

/// Returns a time of the API to the minute, in UTC; nothing if it is absent.
pub(super) fn minute(value: &Value) -> String {
    let time = shown(value);
    time.get(..16).unwrap_or(&time).replace('T', " ")
}

/// Returns the items of a list; none if it is absent.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns the counts of an object that are not 0, such as `3 added, 1 removed`; nothing if it is absent.
pub(super) fn counts(value: &Value) -> String {
    let Value::Object(fields) = value else { return String::new() };
    let counts = fields.iter().filter(|(_, count)| **count != 0);
    let counts: Vec<String> = counts.map(|(name, count)| format!("{} {name}", shown(count))).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_cannot_control_the_terminal() {
        let mut lines = table(&["name"]);
        lines.add_row(["\x1b[31mEVIL\x07 \u{202e}x\u{9b}2J"]);
        let drawn = lines.to_string();

        assert!(!drawn.contains(|c: char| c.is_control() && c != '\n'), "{drawn:?}");
        assert!(drawn.contains("\u{fffd}[31mEVIL\u{fffd} \u{fffd}x\u{fffd}2J"), "{drawn:?}");
        assert_eq!(harmless("NIFTY 50 ₹\nline"), "NIFTY 50 ₹\nline");
    }

    #[test]
    fn states_at_the_beginning_of_lines_have_colors() {
        let text = "+---+\n| ok       database   |\n| failed   open       |\nok: All parts work.";

        let expected = "+---+\n| \x1b[32mok\x1b[0m       database   |\n| \x1b[31mfailed\x1b[0m   open       |\n\
                        \x1b[32mok\x1b[0m: All parts work.";
        assert_eq!(with_colors(text), expected);
    }

    #[test]
    fn times_are_shown_to_the_minute() {
        assert_eq!(minute(&json!("2026-11-30T20:05:29.083Z")), "2026-11-30 20:05");
        assert_eq!(minute(&Value::Null), "");
    }

    #[test]
    fn counts_are_shown_with_their_names() {
        assert_eq!(counts(&json!({"added": 3, "moved": 0, "removed": 1})), "3 added, 1 removed");
        assert_eq!(counts(&json!({"added": 0})), "none");
        assert_eq!(counts(&Value::Null), "");
    }

    #[test]
    fn a_table_wraps_between_words_or_becomes_records() {
        let mut lines = table(&["state", "detail"]);
        lines.add_row(["ok", "the database responds and its schema is current"]);

        let wide = lines.within(Some(40));
        assert!(wide.lines().all(|line| line.chars().count() <= 40), "{wide}");
        assert!(wide.contains("| ok"), "{wide}");
        assert!(!wide.contains("databas "), "{wide}");
        assert_eq!(lines.within(Some(30)), "state: ok\ndetail: the database responds and its schema is current\n");
        assert!(lines.within(None).contains("| ok      the database responds and its schema is current |"));
    }
}
