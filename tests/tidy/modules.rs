//! The allowed imports between the modules of a crate: `modules.txt` lists every edge, and no edges form a circle.
//!
//! `TIDY_RECORD=1 cargo test --test integration tidy::modules` writes the current edges into `modules.txt`. A circle
//! fails regardless of the table.

mod graph;
mod source;
mod table;
mod tests;

use std::fs;
use std::path::Path;

use self::graph::Graph;
use self::source::Crate;
use self::table::Table;

use super::root;

const TABLE: &str = "tests/tidy/modules.txt";

/// Returns the edges among the modules directly below the module of the section.
fn edges_of(section: &table::Section) -> Graph {
    let read = |path: &Path| fs::read_to_string(root().join(path)).ok();
    Crate::read(Path::new(&section.file), &read).edges_below(&section.module)
}

#[test]
fn modules_have_only_the_allowed_edges_and_no_circle() {
    let path = root().join(TABLE);
    let mut table = Table::parse(&fs::read_to_string(&path).expect("the table is readable"));
    let mut violations = Vec::new();
    let is_recording = std::env::var_os("TIDY_RECORD").is_some();

    for section in &mut table.sections {
        let actual = edges_of(section);
        if is_recording {
            section.allowed = actual.clone();
        }
        violations.extend(section.violations(&actual));
    }

    if is_recording {
        fs::write(&path, table.to_string()).expect("the table is writable");
    }
    assert!(violations.is_empty(), "{TABLE}:\n{}", violations.join("\n"));
}
