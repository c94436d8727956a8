//! A line on the terminal with the progress of the run.

use std::io::{self, IsTerminal, Write};

/// The output for progress, if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    /// Shows progress on standard error if it is a terminal.
    pub(crate) fn on_terminal() -> Self {
        Progress { is_shown: io::stderr().is_terminal() }
    }

    /// Shows nothing.
    #[cfg(test)]
    pub(crate) fn hidden() -> Self {
        Progress { is_shown: false }
    }

    /// Replaces the line by `text`.
    pub(crate) fn show(self, text: &str) {
        self.write(&format!("\r\x1b[2K{text}"));
    }

    /// Removes the line.
    pub(crate) fn clear(self) {
        self.write("\r\x1b[2K");
    }

    fn write(self, text: &str) {
        if self.is_shown {
            let mut stderr = io::stderr().lock();
            // A closed terminal does not end the run.
            let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        }
    }
}
