//! Reads the keys of a plan from a file: one key per line, or one JSON object per line with the options of its key.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, bail};
use registry_planning::feed::{ItemDefaults, PRIORITY_MAX};
use registry_planning::json::shortened;
use registry_planning::source::{ItemInstruments, ItemOptions, PlanItem};
use registry_planning::vocabulary::{Mode, counted};
use serde::Deserialize;

/// Maximum number of keys of a file, as of items over HTTP.
pub(super) const FILE_KEYS_MAX: usize = 20_000;
/// Maximum number of faults that are listed. Further faults are only counted.
const FAULTS_MAX: usize = 20;
/// Maximum length of a listed fault, characters: it may contain a part of its line.
const FAULT_CHARACTERS_MAX: usize = 200;

/// A line with options, in the form of an item of a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemLine {
    instrument: String,
    mode: Option<Mode>,
    min_mode: Option<Mode>,
    #[serde(default)]
    priority: u32,
    #[serde(default)]
    pinned: bool,
}

/// Reads the entries of a file; `-` is standard input. Empty lines and lines that start with `#` are skipped.
pub(super) fn read_items(path: &Path, defaults: ItemDefaults) -> anyhow::Result<Vec<PlanItem>> {
    let reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
        Box::new(BufReader::new(file))
    };
    items_of(reader, defaults).with_context(|| format!("failed to read {}", path.display()))
}

fn items_of(reader: impl BufRead, defaults: ItemDefaults) -> anyhow::Result<Vec<PlanItem>> {
    let (mut items, mut faults) = (Vec::new(), Faults::default());
    for (number, line) in (1..).zip(reader.lines()) {
        let line = line?;
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match item_of(text, defaults) {
            Ok(item) => items.push(item),
            Err(fault) => faults.add(number, &fault),
        }
        if items.len() + faults.count > FILE_KEYS_MAX {
            bail!("expected at most {FILE_KEYS_MAX} keys, got more");
        }
    }
    match faults.into_message() {
        Some(message) => bail!("{message}"),
        None => Ok(items),
    }
}

/// The faults of the lines of a file. A file can have any number.
#[derive(Default)]
struct Faults {
    listed: Vec<String>,
    count: usize,
}

impl Faults {
    fn add(&mut self, line: u64, fault: &str) {
        self.count += 1;
        if self.listed.len() < FAULTS_MAX {
            self.listed.push(format!("line {line}: {}", shortened(fault, FAULT_CHARACTERS_MAX)));
        }
    }

    /// Returns the first faults and the number of the others; `None` if there are no faults.
    fn into_message(mut self) -> Option<String> {
        let beyond = self.count - self.listed.len();
        if beyond > 0 {
            self.listed.push(format!("and {}", counted(beyond, "more error")));
        }
        (self.count > 0).then(|| self.listed.join("\n  "))
    }
}

fn item_of(text: &str, defaults: ItemDefaults) -> Result<PlanItem, String> {
    if !text.starts_with('{') {
        return Ok(PlanItem { instruments: ItemInstruments::Key(text.to_owned()), options: ItemOptions::default() });
    }
    let line: ItemLine = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
    if line.priority > PRIORITY_MAX {
        return Err(format!("expected a priority from 0 to {PRIORITY_MAX}, got {}", line.priority));
    }
    let ItemLine { instrument, mode, min_mode, priority, pinned: is_pinned } = line;
    let options = ItemOptions { mode, min_mode, priority, is_pinned };
    let faults: Vec<String> = options.faults(defaults).map(|(name, detail)| format!("{name}: {detail}")).collect();
    if !faults.is_empty() {
        return Err(faults.join("; "));
    }
    Ok(PlanItem { instruments: ItemInstruments::Key(instrument), options })
}

#[cfg(test)]
mod tests {
    use registry_planning::vocabulary::Broker;

    use super::*;

    fn items(text: &str, broker: Option<Broker>) -> anyhow::Result<Vec<PlanItem>> {
        let has_broker = broker.is_some();
        let defaults = ItemDefaults { has_broker, mode: Some(Mode::Quote), min_mode: None, has_no_mode: false };
        items_of(text.as_bytes(), defaults)
    }

    #[test]
    fn lines_are_keys_or_objects_with_options() {
        let text = "# positions\nNSE:NIFTY 50\n\n{\"instrument\": \"NSE:TCS\", \"mode\": \"full\", \"pinned\": true}\n";

        let items = items(text, Some(Broker::Kite)).unwrap();

        let key = |key: &str, options| PlanItem { instruments: ItemInstruments::Key(key.to_owned()), options };
        let pinned = ItemOptions { mode: Some(Mode::Full), is_pinned: true, ..ItemOptions::default() };
        assert_eq!(items, [key("NSE:NIFTY 50", ItemOptions::default()), key("NSE:TCS", pinned)]);
    }

    #[test]
    fn every_fault_is_reported_with_its_line() {
        let text = "{\"instrument\": \"NSE:A\", \"priority\": 1001}\nNSE:TCS\n{\"key\": \"NSE:B\"}\n\
                    {\"instrument\": \"NSE:C\", \"min_mode\": \"full\"}\n";

        let fault = items(text, Some(Broker::Kite)).unwrap_err().to_string();

        assert!(fault.contains("line 1: expected a priority from 0 to 1000, got 1001"), "{fault}");
        assert!(fault.contains("line 3: unknown field `key`"), "{fault}");
        assert!(fault.contains("line 4: min_mode: expected a mode that `quote` includes"), "{fault}");
        let text = "{\"instrument\": \"NSE:A\", \"pinned\": true, \"min_mode\": \"ltp\"}";
        let fault = items(text, None).unwrap_err().to_string();
        assert_eq!(fault, "line 1: min_mode: requires `broker`; pinned: requires `broker`");
    }

    #[test]
    fn the_first_faults_are_listed_and_all_are_counted() {
        let long = format!("{{\"{}\": 1}}\n", "x".repeat(10_000));

        let fault = items(&long.repeat(23), None).unwrap_err().to_string();

        let lines: Vec<&str> = fault.lines().map(str::trim).collect();
        assert_eq!(lines.len(), FAULTS_MAX + 1);
        assert!(lines[0].starts_with("line 1: unknown field `xxx") && lines[0].ends_with('…'), "{}", lines[0]);
        assert!(lines.iter().all(|line| line.chars().count() < 300));
        assert_eq!(lines[FAULTS_MAX], "and 3 more errors");
        let many = "{}\n".repeat(FILE_KEYS_MAX + 1);
        assert_eq!(items(&many, None).unwrap_err().to_string(), "expected at most 20000 keys, got more");
    }

    #[test]
    fn a_file_has_a_maximum_number_of_keys() {
        let fault = items(&"NSE:TCS\n".repeat(FILE_KEYS_MAX + 1), None).unwrap_err().to_string();

        assert_eq!(fault, "expected at most 20000 keys, got more");
        assert_eq!(items(&"NSE:TCS\n".repeat(FILE_KEYS_MAX), None).unwrap().len(), FILE_KEYS_MAX);
    }
}
