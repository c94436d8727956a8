//! Files of limits as trees: merging, and reading with all faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use chrono::NaiveDate;
use toml::{Table, Value};

use super::{CapacityFault, CapacityInput, OtherValue, Sourced};

/// A table, or a figure or list that is replaced as a whole.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Table(Branch),
    Leaf(Leaf),
}

/// A table with its path.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) path: String,
    pub(super) nodes: BTreeMap<String, Node>,
}

/// A value with its path.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) path: String,
    pub(super) is_overridden: bool,
    pub(super) value: Value,
}

/// The field that makes a table a figure.
const VALUE: &str = "value";

impl Branch {
    pub(super) fn new(path: String, table: Table, is_overridden: bool) -> Self {
        let node = |(name, value): (String, Value)| {
            let path = join(&path, &name);
            let node = match value {
                Value::Table(table) if !table.contains_key(VALUE) => {
                    Node::Table(Branch::new(path, table, is_overridden))
                }
                value => Node::Leaf(Leaf { path, is_overridden, value }),
            };
            (name, node)
        };
        let nodes = table.into_iter().map(node).collect();
        Branch { path, nodes }
    }

    /// Replaces the values that another table has, too, and adds those that this one lacks.
    pub(super) fn merge(&mut self, other: Branch, reader: &mut FigureReader) {
        for (name, node) in other.nodes {
            match (self.nodes.get_mut(&name), node) {
                (Some(Node::Table(own)), Node::Table(other)) => own.merge(other, reader),
                (Some(Node::Table(_)), Node::Leaf(leaf)) => reader.no_table(&leaf),
                // A figure without its value: the reader reports the value that is missing.
                (Some(Node::Leaf(own)), Node::Table(other)) => {
                    *own = Leaf { path: other.path.clone(), is_overridden: true, value: other.into_value() };
                }
                (_, node) => drop(self.nodes.insert(name, node)),
            }
        }
    }

    /// Takes a table; an empty one if it is absent.
    pub(super) fn take_table(&mut self, name: &str, reader: &mut FigureReader) -> Branch {
        let path = join(&self.path, name);
        match self.nodes.remove(name) {
            Some(Node::Table(branch)) => branch,
            Some(Node::Leaf(leaf)) => {
                reader.no_table(&leaf);
                Branch { path, nodes: BTreeMap::new() }
            }
            None => Branch { path, nodes: BTreeMap::new() },
        }
    }

    fn take_leaf(&mut self, name: &str) -> Option<Leaf> {
        Some(match self.nodes.remove(name)? {
            Node::Leaf(leaf) => leaf,
            Node::Table(branch) => Leaf { path: branch.path.clone(), is_overridden: false, value: branch.into_value() },
        })
    }

    fn into_value(self) -> Value {
        let value = |node| match node {
            Node::Table(branch) => branch.into_value(),
            Node::Leaf(leaf) => leaf.value,
        };
        Value::Table(self.nodes.into_iter().map(|(name, node)| (name, value(node))).collect())
    }
}

impl Node {
    /// Returns the path: if a tier has the field, that of the tier, even if the table was merged into that of the
    /// broker.
    pub(super) fn path(&self) -> &str {
        match self {
            Node::Table(Branch { path, .. }) | Node::Leaf(Leaf { path, .. }) => path,
        }
    }
}

/// Returns the path of a field of a table.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Names a value in a message.
pub(super) fn describe_value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", text.chars().take(100).collect::<String>()),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(_) => "a date".into(),
        Value::Array(_) => "a list".into(),
        Value::Table(_) => "a table".into(),
    }
}

/// Collects the faults of a file. A fault of a table that several tiers share is reported once.
#[derive(Debug, Default)]
pub(super) struct FigureReader {
    faults: BTreeSet<CapacityFault>,
    /// The last day on which the source of an override can have been checked; `None` if any day is possible.
    seen_max: Option<NaiveDate>,
}

/// Parses a value; an error names the expected and the actual one.
pub(super) type Parse<T> = fn(&Value) -> Result<T, String>;

impl FigureReader {
    /// Creates a reader of figures whose overrides were checked on `seen_max` or before.
    pub(super) fn new(seen_max: Option<NaiveDate>) -> Self {
        FigureReader { seen_max, ..FigureReader::default() }
    }

    pub(super) fn fault(&mut self, path: &str, message: impl Display) {
        let message = message.to_string();
        self.faults.insert(CapacityFault { input: CapacityInput::Limits, path: path.to_owned(), message });
    }

    /// Reports a value in the place of a table.
    pub(super) fn no_table(&mut self, leaf: &Leaf) {
        self.fault(&leaf.path, format!("expected a table, got {}", describe_value(&leaf.value)));
    }

    pub(super) fn into_faults(self) -> Vec<CapacityFault> {
        self.faults.into_iter().collect()
    }

    pub(super) fn is_faultless(&self) -> bool {
        self.faults.is_empty()
    }

    /// Reports the fields of a table that no reader has taken.
    pub(super) fn finish(&mut self, branch: &Branch) {
        for node in branch.nodes.values() {
            self.fault(node.path(), "unknown field");
        }
    }

    /// Takes a value without a source.
    pub(super) fn plain<T>(&mut self, branch: &mut Branch, name: &str, parse: Parse<T>) -> Option<T> {
        let leaf = branch.take_leaf(name)?;
        self.parsed(&leaf.path, &leaf.value, parse)
    }

    /// Takes a value without a source, and reports a fault if it is absent.
    pub(super) fn required_plain<T>(&mut self, branch: &mut Branch, name: &str, parse: Parse<T>) -> Option<T> {
        self.require(branch, name);
        self.plain(branch, name, parse)
    }

    /// Takes a figure, and reports a fault if it is absent.
    pub(super) fn required<T>(&mut self, branch: &mut Branch, name: &str, parse: Parse<T>) -> Option<Sourced<T>> {
        self.require(branch, name);
        self.figure(branch, name, parse)
    }

    fn require(&mut self, branch: &Branch, name: &str) {
        if !branch.nodes.contains_key(name) {
            self.fault(&join(&branch.path, name), "is required");
        }
    }

    pub(super) fn figure<T>(&mut self, branch: &mut Branch, name: &str, parse: Parse<T>) -> Option<Sourced<T>> {
        let leaf = branch.take_leaf(name)?;
        let path = leaf.path.clone();
        let (figure, rest) = self.sourced(leaf, parse)?;
        rest.keys().for_each(|field| self.fault(&join(&path, field), "unknown field"));
        figure
    }

    /// Reads a figure, and returns its other fields. The figure is `None` if it has a fault.
    pub(super) fn sourced<T>(&mut self, leaf: Leaf, parse: Parse<T>) -> Option<(Option<Sourced<T>>, Table)> {
        let Leaf { path, is_overridden, value } = leaf;
        let Value::Table(mut table) = value else {
            self.fault(
                &path,
                format!("expected a table with `value`, `source` and `seen`, got {}", describe_value(&value)),
            );
            return None;
        };
        let seen_max = self.seen_max.filter(|_| is_overridden);
        let parts = self.parts(&path, &mut table, parse, seen_max);
        let because = match table.remove("because") {
            Some(value) => self.parsed(&join(&path, "because"), &value, text),
            None => None,
        };
        let others = self.others(&join(&path, "others"), table.remove("others"), parse, seen_max);
        if !others.is_empty() && because.is_none() {
            self.fault(&join(&path, "because"), "is required if there are other values");
        }
        let figure = parts.map(|(value, source, seen)| Sourced { value, source, seen, because, others, is_overridden });
        Some((figure, table))
    }

    fn others<T>(
        &mut self,
        path: &str,
        list: Option<Value>,
        parse: Parse<T>,
        seen_max: Option<NaiveDate>,
    ) -> Vec<OtherValue<T>> {
        let mut others = Vec::new();
        let list = match list {
            None => return others,
            Some(Value::Array(list)) => list,
            Some(value) => {
                self.fault(path, format!("expected a list, got {}", describe_value(&value)));
                return others;
            }
        };
        for (position, value) in list.into_iter().enumerate() {
            let path = format!("{path}[{position}]");
            match value {
                Value::Table(mut table) => {
                    let parts = self.parts(&path, &mut table, parse, seen_max);
                    others.extend(parts.map(|(value, source, seen)| OtherValue { value, source, seen }));
                    table.keys().for_each(|field| self.fault(&join(&path, field), "unknown field"));
                }
                value => self.fault(&path, format!("expected a table, got {}", describe_value(&value))),
            }
        }
        others
    }

    fn parts<T>(
        &mut self,
        path: &str,
        table: &mut Table,
        parse: Parse<T>,
        seen_max: Option<NaiveDate>,
    ) -> Option<(T, String, NaiveDate)> {
        let value = self.part(path, table, VALUE, parse);
        let source = self.part(path, table, "source", text);
        let seen = self.part(path, table, "seen", date);
        if let (Some(seen), Some(max)) = (seen, seen_max.filter(|max| seen.is_some_and(|seen| seen > *max))) {
            self.fault(&join(path, "seen"), format!("expected today, {max}, or an earlier date, got {seen}"));
        }
        Some((value?, source?, seen?))
    }

    fn part<T>(&mut self, path: &str, table: &mut Table, name: &str, parse: Parse<T>) -> Option<T> {
        let path = join(path, name);
        match table.remove(name) {
            Some(value) => self.parsed(&path, &value, parse),
            None => {
                self.fault(&path, "is required");
                None
            }
        }
    }

    pub(super) fn parsed<T>(&mut self, path: &str, value: &Value, parse: Parse<T>) -> Option<T> {
        parse(value).map_err(|message| self.fault(path, message)).ok()
    }
}

const TEXT_CHARACTERS_MAX: usize = 500;

pub(super) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if (1..=TEXT_CHARACTERS_MAX).contains(&text.chars().count()) => Ok(text.clone()),
        Value::String(text) => {
            Err(format!("expected 1 to {TEXT_CHARACTERS_MAX} characters, got {}", text.chars().count()))
        }
        value => Err(format!("expected a string, got {}", describe_value(value))),
    }
}

fn date(value: &Value) -> Result<NaiveDate, String> {
    let parsed = match value {
        Value::String(text) => text.parse().ok(),
        Value::Datetime(time) => time.to_string().parse().ok(),
        _ => None,
    };
    parsed.ok_or_else(|| format!("expected a date as YYYY-MM-DD, got {}", describe_value(value)))
}
