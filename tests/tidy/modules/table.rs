//! The table of allowed edges.
//!
//! ```text
//! # A comment at the top of the file.
//! [src/lib.rs http]
//! plans => body, problem
//! ```
//!
//! A section names the file of a crate's root and, if its edges are those among the children of a module, this module.
//! A line that starts with a space continues the line before it.

use std::fmt;

use super::graph::Graph;

const COLUMNS_MAX: usize = 120;

/// The edges among the modules of one level of a crate.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// The root file of the crate.
    pub(super) file: String,
    /// The parent of the modules; empty for the top level of the crate.
    pub(super) module: String,
    pub(super) allowed: Graph,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    /// The lines before the first section.
    comment: String,
    pub(super) sections: Vec<Section>,
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

impl Table {
    pub(super) fn parse(text: &str) -> Self {
        let mut table = Table::default();
        for line in text.replace("\n ", " ").lines() {
            if line.starts_with('#') {
                table.comment.push_str(line);
                table.comment.push('\n');
            } else if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                let (file, module) = header.split_once(' ').unwrap_or((header, ""));
                let (file, module) = (file.to_owned(), module.to_owned());
                table.sections.push(Section { file, module, ..Section::default() });
            } else if !line.is_empty() {
                table.sections.last_mut().expect("a section starts with a header").parse_line(line);
            }
        }
        table
    }
}

impl Section {
    fn parse_line(&mut self, line: &str) {
        let (from, all) = line.split_once("=>").unwrap_or_else(|| panic!("expected `module => modules`, got `{line}`"));
        for to in names(all) {
            self.allowed.add(from.trim(), to);
        }
    }

    fn header(&self) -> String {
        if self.module.is_empty() { self.file.clone() } else { format!("{} {}", self.file, self.module) }
    }

    /// Describes every difference between the actual edges and the table, and every circle.
    pub(super) fn violations(&self, actual: &Graph) -> Vec<String> {
        let header = self.header();
        let new = actual.without(&self.allowed).map(|(from, to)| {
            format!(
                "[{header}] `{from}` imports `{to}`: this edge is not in the table; remove the import, or add the edge"
            )
        });
        let stale = self
            .allowed
            .without(actual)
            .map(|(from, to)| format!("[{header}] `{from}` does not import `{to}`: remove this edge from the table"));
        let circles = actual.circles().into_iter().map(|circle| {
            let listed = circle.into_iter().collect::<Vec<_>>().join(", ");
            format!("[{header}] these modules import each other in a circle: {listed}")
        });
        new.chain(stale).chain(circles).collect()
    }
}

/// Writes a list that continues on indented lines.
fn write_list<'a>(f: &mut fmt::Formatter<'_>, start: &str, list: impl IntoIterator<Item = &'a String>) -> fmt::Result {
    let mut line = start.to_owned();
    let mut separator = " ";
    for name in list {
        if line.len() + separator.len() + name.len() >= COLUMNS_MAX {
            writeln!(f, "{line},")?;
            line = "   ".to_owned();
            separator = " ";
        }
        line.push_str(separator);
        line.push_str(name);
        separator = ", ";
    }
    writeln!(f, "{line}")
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.comment)?;
        for section in &self.sections {
            writeln!(f, "\n[{}]", section.header())?;
            for (from, all) in section.allowed.modules() {
                write_list(f, &format!("{from} =>"), all)?;
            }
        }
        Ok(())
    }
}
