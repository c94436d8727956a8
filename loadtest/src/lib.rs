//! The reports of the load generator, which it writes and `compare` reads, and the tables of both programs.

pub mod report;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// Returns an empty table without borders. The `numbers` columns are aligned to the right.
#[must_use]
pub fn table(header: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.to_vec());
    for index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Shows progress on standard error if it is a terminal.
///
/// # Panics
///
/// If the template is invalid.
#[must_use]
pub fn progress(template: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("a template is a constant");
    ProgressBar::new(length).with_style(style)
}
