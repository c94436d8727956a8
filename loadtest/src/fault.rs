//! The faults of responses and connections.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use registry_loadtest::report::FaultCount;

/// Enough for every message of the load test. Text from a registry can be megabytes long.
const FIRST_CHARS_MAX: usize = 300;

/// A reason to end with a non-zero exit code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Fault {
    /// The word under which the fault is counted.
    pub(crate) kind: Cow<'static, str>,
    message: String,
}

impl Fault {
    pub(crate) fn new(kind: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into() }
    }

    /// The connection could not be opened, or was lost before the response was complete.
    pub(crate) fn transport(cause: impl Display) -> Self {
        Self::new("transport", format!("no response: {cause}"))
    }

    /// A field is missing or has another type than in the contract.
    pub(crate) fn shape(cause: impl Display) -> Self {
        Self::new("shape", format!("body does not match the contract: {cause}"))
    }

    /// A plan id is not `plan_` and 32 lowercase hex digits.
    pub(crate) fn plan_id_form(id: &str) -> Self {
        Self::new("plan_id_form", format!("plan id `{id}` is not `plan_` and 32 lower-case hex digits"))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(BTreeMap<Cow<'static, str>, FaultCount>);

impl Faults {
    pub(crate) fn add(&mut self, fault: &Fault) {
        self.add_many(fault, 1);
    }

    /// Counts `count` faults of the kind of `fault`.
    pub(crate) fn add_many(&mut self, fault: &Fault, count: u64) {
        let kind = fault.kind.clone();
        let new = || FaultCount { kind: kind.to_string(), count: 0, first: printable(&fault.message) };
        self.0.entry(kind.clone()).or_insert_with(new).count += count;
    }

    pub(crate) fn merge(&mut self, other: Faults) {
        for (kind, more) in other.0 {
            let count = more.count;
            let known = self.0.entry(kind).or_insert(FaultCount { count: 0, ..more });
            known.count += count;
        }
    }

    pub(crate) fn list(&self) -> Vec<FaultCount> {
        self.0.values().cloned().collect()
    }
}

/// Returns the beginning of `text` without control characters, because parts of it come from the registry.
fn printable(text: &str) -> String {
    let shown: String =
        text.chars().take(FIRST_CHARS_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let is_cut = text.chars().nth(FIRST_CHARS_MAX).is_some();
    if is_cut { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted_by_kind_and_the_first_is_kept() {
        let mut faults = Faults::default();

        for (kind, message) in [("status_401", "first"), ("status_500", "other"), ("status_401", "second")] {
            faults.add(&Fault::new(kind, message));
        }

        let expected = |kind: &str, count, first: &str| FaultCount { kind: kind.into(), count, first: first.into() };
        assert_eq!(faults.list(), [expected("status_401", 2, "first"), expected("status_500", 1, "other")]);
    }

    #[test]
    fn merging_adds_counts_and_keeps_the_earlier_first() {
        let mut faults = Faults::default();
        faults.add(&Fault::transport("refused"));
        let mut later = Faults::default();
        later.add_many(&Fault::transport("reset"), 2);

        faults.merge(later);

        let first = "no response: refused".to_owned();
        assert_eq!(faults.list(), [FaultCount { kind: "transport".into(), count: 3, first }]);
    }

    #[test]
    fn text_of_a_registry_is_cut_and_safe_for_a_terminal() {
        let mut faults = Faults::default();

        faults.add(&Fault::plan_id_form(&format!("\x1b[2J{}", "x".repeat(1_000))));

        let first = &faults.list()[0].first;
        assert!(first.starts_with("plan id `\u{fffd}[2Jxxx"), "{first}");
        assert_eq!(first.chars().count(), FIRST_CHARS_MAX + 1);
    }
}
