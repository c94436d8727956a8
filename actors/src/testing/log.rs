//! The log of a test, as an operator reads it.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use serde_json::Value;

thread_local! {
    /// The log of this thread, on which the runtime of its test runs; `None` if no test reads it.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// The lines at the default level `info` that were logged since it was created.
pub(crate) struct CapturedLog(());

impl CapturedLog {
    pub(crate) fn start() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED
            .call_once(|| tracing_subscriber::fmt().json().flatten_event(true).with_writer(|| ThreadWriter).init());
        LOGGED.set(Some(Vec::new()));
        CapturedLog(())
    }

    fn lines(&self) -> Vec<Value> {
        let logged = LOGGED.with_borrow(|logged| logged.clone().unwrap_or_default());
        logged.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    /// Returns the messages about a dependency, in order.
    pub(crate) fn about(&self, dependency: &str) -> Vec<String> {
        let lines = self.lines().into_iter().filter(|line| line["dependency"] == dependency);
        lines.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Returns the line with this message, if there is one.
    pub(crate) fn line(&self, message: &str) -> Option<Value> {
        self.lines().into_iter().find(|line| line["message"] == message)
    }
}

impl Drop for CapturedLog {
    fn drop(&mut self) {
        LOGGED.set(None);
    }
}

struct ThreadWriter;

impl io::Write for ThreadWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| {
            if let Some(logged) = logged {
                logged.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
