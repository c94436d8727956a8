//! The report as a page.

use std::io::{self, Write};

use super::Report;

impl Report {
    /// Writes the page.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub(crate) fn write_html(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "<!doctype html>")
    }
}
