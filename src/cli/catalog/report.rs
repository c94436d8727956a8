//! The findings of a check, as JSON and as tables.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use registry_planning::catalogue::check::{Disagreement, Doubled, DoubledIndex, Findings, SingleIndex, SuspiciousUnit};
use registry_planning::catalogue::{Catalogue, Source};
use registry_planning::vocabulary::Broker;
use serde::Serialize;

use crate::cli::output::{print_line, table};

/// All findings, each with its number and some examples.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    version: &'a str,
    files: Vec<FileEntry>,
    doubled: CountWithExamples<DoubledEntry<'a>>,
    series_differs_by_date: CountWithExamples<DoubledEntry<'a>>,
    symbol_differs_by_date: CountWithExamples<DoubledEntry<'a>>,
    doubled_indices: CountWithExamples<DoubledEntry<'a>>,
    single_indices: SingleIndices<'a>,
    contradictions: Contradictions<'a>,
    suspicious_units: Vec<UnitEntry<'a>>,
}

#[derive(Serialize)]
struct FileEntry {
    broker_id: &'static str,
    file_date: Option<NaiveDate>,
}

#[derive(Serialize)]
struct CountWithExamples<T> {
    count: usize,
    examples: Vec<T>,
}

impl<T> CountWithExamples<T> {
    fn new<S>(all: &[S], examples_max: usize, entry: impl FnMut(&S) -> T) -> Self {
        CountWithExamples { count: all.len(), examples: all.iter().take(examples_max).map(entry).collect() }
    }
}

#[derive(Serialize)]
struct DoubledEntry<'a> {
    keys: [KeyEntry<'a>; 2],
    /// The reason why the keys belong to one instrument.
    #[serde(skip_serializing_if = "Option::is_none")]
    matched_by: Option<&'static str>,
}

#[derive(Serialize)]
struct KeyEntry<'a> {
    instrument_key: &'a str,
    brokers: Vec<Broker>,
}

impl<'a> DoubledEntry<'a> {
    fn of_instrument(doubled: &Doubled<'a>) -> Self {
        DoubledEntry { keys: keys(doubled.keys, &doubled.brokers), matched_by: Some(doubled.matched_by.as_str()) }
    }

    fn of_index(doubled: &DoubledIndex<'a>) -> Self {
        DoubledEntry { keys: keys(doubled.keys, &doubled.brokers), matched_by: None }
    }
}

fn keys<'a>([first, second]: [&'a str; 2], [of_first, of_second]: &[Vec<Broker>; 2]) -> [KeyEntry<'a>; 2] {
    [
        KeyEntry { instrument_key: first, brokers: of_first.clone() },
        KeyEntry { instrument_key: second, brokers: of_second.clone() },
    ]
}

#[derive(Serialize)]
struct SingleIndices<'a> {
    count: usize,
    groups: Vec<SingleIndicesOfBroker<'a>>,
}

#[derive(Serialize)]
struct SingleIndicesOfBroker<'a> {
    broker_id: &'static str,
    count: usize,
    examples: Vec<&'a str>,
}

impl<'a> SingleIndices<'a> {
    fn new(singles: &[SingleIndex<'a>], examples_max: usize) -> Self {
        let mut by_broker: BTreeMap<Broker, Vec<&'a str>> = BTreeMap::new();
        for single in singles {
            by_broker.entry(single.broker).or_default().push(single.key);
        }
        let group = |(broker, keys): (Broker, Vec<&'a str>)| SingleIndicesOfBroker {
            broker_id: broker.as_str(),
            count: keys.len(),
            examples: keys.into_iter().take(examples_max).collect(),
        };
        SingleIndices { count: singles.len(), groups: by_broker.into_iter().map(group).collect() }
    }
}

/// The contradictions by field and brokers. A contradiction of three brokers can be in two groups, so that `count` can
/// be less than their sum.
#[derive(Serialize)]
struct Contradictions<'a> {
    count: usize,
    groups: Vec<DisagreementEntry<'a>>,
}

#[derive(Serialize)]
struct DisagreementEntry<'a> {
    field: &'static str,
    used_broker_id: &'static str,
    other_broker_id: &'static str,
    count: usize,
    examples: Vec<ContradictionEntry<'a>>,
}

#[derive(Serialize)]
struct ContradictionEntry<'a> {
    instrument_key: &'a str,
    used: &'a str,
    other: &'a str,
}

impl<'a> DisagreementEntry<'a> {
    fn new(group: &Disagreement<'a>, examples_max: usize) -> Self {
        let shown = group.contradictions.iter().take(examples_max).map(|contradiction| {
            let of = |broker: Broker| {
                contradiction.values.iter().find(|(other, _)| *other == broker).map_or("", |(_, value)| value)
            };
            ContradictionEntry { instrument_key: &contradiction.key, used: of(group.used), other: of(group.other) }
        });
        DisagreementEntry {
            field: group.field.as_str(),
            used_broker_id: group.used.as_str(),
            other_broker_id: group.other.as_str(),
            count: group.contradictions.len(),
            examples: shown.collect(),
        }
    }
}

#[derive(Serialize)]
struct UnitEntry<'a> {
    segment: &'static str,
    field: &'static str,
    broker_id: &'static str,
    reason: String,
    count: usize,
    compared: usize,
    examples: Vec<&'a str>,
}

impl<'a> UnitEntry<'a> {
    fn new(unit: &SuspiciousUnit<'a>, examples_max: usize) -> Self {
        UnitEntry {
            segment: unit.segment.as_str(),
            field: unit.field.as_str(),
            broker_id: unit.broker.as_str(),
            reason: unit.fault.to_string(),
            count: unit.keys.len(),
            compared: unit.compared,
            examples: unit.keys.iter().copied().take(examples_max).collect(),
        }
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, findings: &Findings<'a>, examples_max: usize) -> Self {
        let file =
            |source: &Source| Some(FileEntry { broker_id: source.broker?.as_str(), file_date: source.file_date });
        let doubled = |all: &[Doubled<'a>]| CountWithExamples::new(all, examples_max, DoubledEntry::of_instrument);
        Report {
            version: catalogue.version(),
            files: catalogue.sources().iter().filter_map(file).collect(),
            doubled: doubled(&findings.doubled),
            series_differs_by_date: doubled(&findings.series_differs_by_date),
            symbol_differs_by_date: doubled(&findings.symbol_differs_by_date),
            doubled_indices: CountWithExamples::new(&findings.doubled_indices, examples_max, DoubledEntry::of_index),
            single_indices: SingleIndices::new(&findings.single_indices, examples_max),
            contradictions: Contradictions {
                count: catalogue.contradictions().len(),
                groups: findings
                    .disagreements
                    .iter()
                    .map(|group| DisagreementEntry::new(group, examples_max))
                    .collect(),
            },
            suspicious_units: findings.suspicious_units.iter().map(|unit| UnitEntry::new(unit, examples_max)).collect(),
        }
    }

    /// Prints the number of each finding, then a table of examples for each finding that occurs.
    pub(super) fn print(&self) -> anyhow::Result<()> {
        self.print_counts()?;
        for (heading, doubled) in [
            ("doubled", &self.doubled),
            ("series_differs_by_date", &self.series_differs_by_date),
            ("symbol_differs_by_date", &self.symbol_differs_by_date),
            ("doubled_indices", &self.doubled_indices),
        ] {
            print_doubled(heading, &doubled.examples)?;
        }
        self.print_single_indices()?;
        self.print_contradictions()?;
        self.print_units()
    }

    fn print_counts(&self) -> anyhow::Result<()> {
        let mut files = table(&["broker", "file date"]);
        for file in &self.files {
            let date = file.file_date.map_or_else(|| "unknown".to_owned(), |date| date.to_string());
            files.add_row([file.broker_id.to_owned(), date]);
        }
        print_line(&files.to_string())?;
        let mut counts = table(&["finding", "count"]);
        for (finding, count) in [
            ("doubled", self.doubled.count),
            ("series_differs_by_date", self.series_differs_by_date.count),
            ("symbol_differs_by_date", self.symbol_differs_by_date.count),
            ("doubled_indices", self.doubled_indices.count),
            ("single_indices", self.single_indices.count),
            ("contradictions", self.contradictions.count),
            ("suspicious_units", self.suspicious_units.len()),
        ] {
            counts.add_row([finding.to_owned(), count.to_string()]);
        }
        print_line(&counts.to_string())
    }

    fn print_single_indices(&self) -> anyhow::Result<()> {
        if self.single_indices.count == 0 {
            return Ok(());
        }
        let mut shown = table(&["single_indices", "count", "examples"]);
        for group in &self.single_indices.groups {
            shown.add_row([group.broker_id.to_owned(), group.count.to_string(), group.examples.join(", ")]);
        }
        print_line(&shown.to_string())
    }

    fn print_contradictions(&self) -> anyhow::Result<()> {
        if self.contradictions.count == 0 {
            return Ok(());
        }
        let mut shown = table(&["contradictions", "used", "other", "count", "examples: used, other"]);
        for group in &self.contradictions.groups {
            let examples: Vec<String> = group
                .examples
                .iter()
                .map(|example| format!("{} {}, {}", example.instrument_key, example.used, example.other))
                .collect();
            shown.add_row([
                group.field.to_owned(),
                group.used_broker_id.to_owned(),
                group.other_broker_id.to_owned(),
                group.count.to_string(),
                examples.join("\n"),
            ]);
        }
        print_line(&shown.to_string())
    }

    fn print_units(&self) -> anyhow::Result<()> {
        if self.suspicious_units.is_empty() {
            return Ok(());
        }
        let mut shown = table(&["suspicious_units", "field", "broker", "reason", "count", "compared", "examples"]);
        for unit in &self.suspicious_units {
            shown.add_row([
                unit.segment.to_owned(),
                unit.field.to_owned(),
                unit.broker_id.to_owned(),
                unit.reason.clone(),
                unit.count.to_string(),
                unit.compared.to_string(),
                unit.examples.join("\n"),
            ]);
        }
        print_line(&shown.to_string())
    }
}

fn print_doubled(heading: &str, examples: &[DoubledEntry<'_>]) -> anyhow::Result<()> {
    if examples.is_empty() {
        return Ok(());
    }
    let mut shown = table(&[heading, "brokers", "other key", "brokers", "matched by"]);
    for DoubledEntry { keys: [first, second], matched_by } in examples {
        let brokers = |key: &KeyEntry<'_>| {
            let names: Vec<&str> = key.brokers.iter().map(|broker| broker.as_str()).collect();
            names.join(", ")
        };
        shown.add_row([
            first.instrument_key.to_owned(),
            brokers(first),
            second.instrument_key.to_owned(),
            brokers(second),
            matched_by.unwrap_or("name").to_owned(),
        ]);
    }
    print_line(&shown.to_string())
}
