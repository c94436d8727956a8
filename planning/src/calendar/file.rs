//! The file of a calendar: a CSV with a header.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{Datelike, NaiveDate, NaiveTime};
use csv::{ReaderBuilder, StringRecord, Trim, WriterBuilder};

use super::{Calendar, EntryDetails, EntryKind, Session};
use crate::dump::date::iso;
use crate::vocabulary::Exchange;

/// The header of a calendar file. The columns may be in any order.
pub const FORM: &str = "exchange,date,kind,open,close,description";
/// The maximum size of a calendar file, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Maximum number of rows of a file: ten exchanges with 25 holidays and sessions a year have 250 of them. A row of
/// several exchanges counts once for each.
pub const ROWS_MAX: usize = 2000;
/// The maximum number of faults of a calendar file that are reported.
pub const LISTED_MAX: usize = 100;
/// Maximum length of a description, characters.
const DESCRIPTION_CHARACTERS_MAX: usize = 200;
/// Maximum length of a value that a message shows, characters.
const SHOWN_CHARACTERS_MAX: usize = 40;
const NAMES: [&str; 6] = ["exchange", "date", "kind", "open", "close", "description"];
/// The columns without which no row can be read.
const REQUIRED: [&str; 3] = ["exchange", "date", "kind"];

/// A fault of a calendar file. A file with a fault is rejected as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CalendarFault {
    /// The number of the line, counted from 1; `None` if the fault is one of the whole file.
    pub line: Option<u64>,
    /// The fault, with the expected and the actual value.
    pub detail: String,
}

impl fmt::Display for CalendarFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}

impl Calendar {
    /// Parses a file.
    ///
    /// # Errors
    /// All faults, in the order of the lines.
    pub fn parse(text: &str) -> Result<Self, Vec<CalendarFault>> {
        let mut parser = Parser::default();
        parser.read(text.trim_start_matches('\u{feff}'));
        parser.finish()
    }

    /// Returns the calendar as a file, with one exchange in each row.
    pub fn to_csv(&self) -> String {
        let mut writer = WriterBuilder::new().from_writer(Vec::new());
        let time = |time: NaiveTime| time.format("%H:%M").to_string();
        let mut rows = vec![NAMES.map(str::to_owned)];
        for ((exchange, kind, date), EntryDetails { sessions, description }) in &self.entries {
            let times: Vec<(String, String)> = match sessions.as_slice() {
                [] => vec![Default::default()],
                sessions => sessions.iter().map(|session| (time(session.open), time(session.close))).collect(),
            };
            rows.extend(times.into_iter().map(|(open, close)| {
                [exchange.to_string(), date.to_string(), kind.to_string(), open, close, description.clone()]
            }));
        }
        for row in rows {
            writer.write_record(row).expect("writing to memory does not fail");
        }
        let bytes = writer.into_inner().expect("writing to memory does not fail");
        String::from_utf8(bytes).expect("the fields are UTF-8")
    }
}

struct Columns {
    positions: BTreeMap<&'static str, usize>,
    width: usize,
}

#[derive(Debug)]
struct Row {
    exchanges: Vec<Exchange>,
    date: NaiveDate,
    kind: EntryKind,
    session: Option<Session>,
    description: String,
}

#[derive(Default)]
struct Parser {
    calendar: Calendar,
    /// The first line of each entry.
    lines: BTreeMap<(Exchange, EntryKind, NaiveDate), u64>,
    faults: Vec<CalendarFault>,
}

impl Parser {
    fn fault(&mut self, line: u64, detail: String) {
        self.faults.push(CalendarFault { line: Some(line), detail });
    }

    fn read(&mut self, text: &str) {
        let mut columns = None;
        let mut rows = 0;
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() || text.starts_with('#') {
                continue;
            }
            let record = fields(text);
            match &columns {
                None => match self.header(line, &record) {
                    Some(header) => columns = Some(header),
                    None => return,
                },
                Some(columns) => {
                    let row = self.row(line, &record, columns);
                    rows += row.as_ref().map_or(1, |row| row.exchanges.len());
                    if rows > ROWS_MAX {
                        self.fault(line, format!("expected at most {ROWS_MAX} rows, one for each exchange, got more"));
                        return;
                    }
                    if let Some(row) = row {
                        self.add(line, row);
                    }
                }
            }
        }
        if rows == 0 {
            let detail = format!("expected a header `{FORM}` and at least one row, got none");
            self.faults.push(CalendarFault { line: None, detail });
        }
    }

    /// Returns the columns of the header; `None` if it has a fault.
    fn header(&mut self, line: u64, record: &StringRecord) -> Option<Columns> {
        let before = self.faults.len();
        let mut positions = BTreeMap::new();
        for (position, name) in record.iter().enumerate() {
            match NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name)) {
                None => self.fault(line, format!("expected columns of `{FORM}`, got `{}`", shown(name))),
                Some(name) if positions.contains_key(name) => self.fault(line, format!("column `{name}` is repeated")),
                Some(name) => _ = positions.insert(name, position),
            }
        }
        for name in REQUIRED.into_iter().filter(|name| !positions.contains_key(name)) {
            self.fault(line, format!("column `{name}` is required"));
        }
        (self.faults.len() == before).then_some(Columns { positions, width: record.len() })
    }

    /// Returns a row; `None` if it has a fault.
    fn row(&mut self, line: u64, record: &StringRecord, columns: &Columns) -> Option<Row> {
        let before = self.faults.len();
        if record.len() != columns.width {
            self.fault(line, format!("expected {} fields, got {}", columns.width, record.len()));
            return None;
        }
        let field = |name: &str| columns.positions.get(name).and_then(|at| record.get(*at)).unwrap_or_default();
        let exchanges = self.exchanges(line, field("exchange"));
        let date = self.date(line, field("date"));
        let kind = EntryKind::parse(field("kind"));
        if kind.is_none() {
            self.fault(line, format!("`kind`: expected one of {}, got `{}`", EntryKind::WORDS, shown(field("kind"))));
        }
        let session = self.session(line, kind, field("open"), field("close"));
        let description = field("description").to_owned();
        let characters = description.chars().count();
        if characters > DESCRIPTION_CHARACTERS_MAX || description.contains(char::is_control) {
            self.fault(
                line,
                format!(
                    "`description`: expected at most {DESCRIPTION_CHARACTERS_MAX} characters without control characters, \
                     got {characters}"
                ),
            );
        }
        (self.faults.len() == before).then_some(Row { exchanges, date: date?, kind: kind?, session, description })
    }

    fn exchanges(&mut self, line: u64, field: &str) -> Vec<Exchange> {
        let mut exchanges = Vec::new();
        for word in field.split('|').map(str::trim) {
            match Exchange::parse(word) {
                Some(exchange) if exchanges.contains(&exchange) => {
                    self.fault(line, format!("`exchange`: `{exchange}` is repeated"));
                }
                Some(exchange) => exchanges.push(exchange),
                None => self.fault(
                    line,
                    format!("`exchange`: expected one or more of {}, got `{}`", Exchange::WORDS, shown(word)),
                ),
            }
        }
        exchanges
    }

    fn date(&mut self, line: u64, field: &str) -> Option<NaiveDate> {
        let date = iso(field).filter(|date| (2000..2100).contains(&date.year()));
        if date.is_none() {
            let got = shown(field);
            self.fault(line, format!("`date`: expected YYYY-MM-DD from 2000-01-01 to 2099-12-31, got `{got}`"));
        }
        date
    }

    fn session(&mut self, line: u64, kind: Option<EntryKind>, open: &str, close: &str) -> Option<Session> {
        if kind == Some(EntryKind::Holiday) {
            for (name, text) in [("open", open), ("close", close)] {
                if !text.is_empty() {
                    self.fault(line, format!("`{name}`: expected no time for a holiday, got `{}`", shown(text)));
                }
            }
            return None;
        }
        kind?;
        let (open, close) = (self.time(line, "open", open), self.time(line, "close", close));
        let (open, close) = (open?, close?);
        if close <= open {
            let (open, close) = (open.format("%H:%M"), close.format("%H:%M"));
            self.fault(line, format!("`close`: expected a time after `open`, got {open} to {close}"));
        }
        Some(Session { open, close })
    }

    fn time(&mut self, line: u64, name: &str, text: &str) -> Option<NaiveTime> {
        let time = (text.len() == 5).then(|| NaiveTime::parse_from_str(text, "%H:%M").ok()).flatten();
        if time.is_none() {
            self.fault(line, format!("`{name}`: expected a time as HH:MM, got `{}`", shown(text)));
        }
        time
    }

    /// Adds a row for each of its exchanges.
    fn add(&mut self, line: u64, row: Row) {
        let Row { exchanges, date, kind, session, description } = row;
        for exchange in exchanges {
            self.contradict_other_kind(line, exchange, date, kind);
            let key = (exchange, kind, date);
            let Some(session) = session else {
                if let Some(first) = self.lines.get(&key) {
                    self.fault(line, format!("holiday of {exchange} on {date} is repeated: see line {first}"));
                    continue;
                }
                self.lines.insert(key, line);
                let content = EntryDetails { sessions: Vec::new(), description: description.clone() };
                self.calendar.entries.insert(key, content);
                continue;
            };
            let content = self.calendar.entries.entry(key).or_default();
            let is_overlapping = |other: &Session| session.open < other.close && other.open < session.close;
            if content.sessions.iter().any(is_overlapping) {
                self.fault(line, format!("session of {exchange} on {date} overlaps another one"));
                continue;
            }
            self.lines.entry(key).or_insert(line);
            content.sessions.push(session);
            content.sessions.sort_unstable();
            if content.description.is_empty() {
                content.description.clone_from(&description);
            }
        }
    }

    /// Reports a date that is a holiday in one row and has a session in another one.
    fn contradict_other_kind(&mut self, line: u64, exchange: Exchange, date: NaiveDate, kind: EntryKind) {
        let other = match kind {
            EntryKind::Holiday => EntryKind::Session,
            EntryKind::Session => EntryKind::Holiday,
            EntryKind::Regular => return,
        };
        if let Some(first) = self.lines.get(&(exchange, other, date)).copied() {
            self.fault(
                line,
                format!(
                    "{exchange} has a holiday and a session on {date}: keep only the session if it trades, see line {first}"
                ),
            );
        }
    }

    fn finish(mut self) -> Result<Calendar, Vec<CalendarFault>> {
        // A row with a fault may be the holiday that is missing.
        if self.faults.is_empty() {
            let missing = self.calendar.cover();
            let fault = |(exchange, year): (Exchange, Option<i32>)| match year {
                Some(year) => {
                    format!("no holiday of {exchange} in {year}: expected one in each year from first to last")
                }
                None => format!("no holiday of {exchange}: expected those of at least one year"),
            };
            let faults = missing.into_iter().map(fault).map(|detail| CalendarFault { line: None, detail });
            self.faults.extend(faults);
        }
        if self.faults.is_empty() {
            return Ok(self.calendar);
        }
        Err(self.faults)
    }
}

/// Returns the fields of a line. Each line is read alone, so that a quote that it leaves open does not include other
/// lines.
fn fields(line: &str) -> StringRecord {
    let mut reader = ReaderBuilder::new().has_headers(false).trim(Trim::All).from_reader(line.as_bytes());
    // A line of UTF-8 is readable, and one that is not blank has a record.
    reader.records().next().and_then(Result::ok).unwrap_or_default()
}

/// Shortens a value for a message, and replaces control characters, which must not reach a terminal.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
