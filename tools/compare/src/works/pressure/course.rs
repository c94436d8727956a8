//! The steps, each with its peak of memory and its faults.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::timeout;

use crate::field::Field;
use crate::process;
use crate::row::{Row, Target};
use crate::service::Service;

/// The peak of resident memory. It consists of the heap, the stacks and the mapped pages of the program. The peak of the
/// control group is not used, because it includes the page cache, which the kernel reclaims.
const MEMORY_MB_MAX: Target = Target::AtMost(300.0);

/// The time limit of a step. The longest one takes a minute on two idle processors.
const STEP_WITHIN: Duration = Duration::from_secs(600);

/// The name of the work in the report.
const WORK: &str = "pressure";

/// The result of a step.
pub(super) struct Outcome {
    /// The number of checked responses.
    checked: usize,
    faults: Vec<String>,
    note: Option<String>,
}

impl Outcome {
    pub(super) fn of<E: Into<anyhow::Error>>(results: impl IntoIterator<Item = Result<(), E>>) -> Self {
        let mut outcome = Self { checked: 0, faults: Vec::new(), note: None };
        for result in results {
            outcome.checked += 1;
            outcome.faults.extend(result.err().map(|error| format!("{:#}", error.into())));
        }
        outcome
    }

    /// Adds a fault.
    pub(super) fn fault(mut self, fault: impl Display) -> Self {
        self.faults.push(fault.to_string());
        self
    }

    pub(super) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// The steps so far.
pub(super) struct Course<'a> {
    pub(super) field: &'a Field,
    service: &'a Service,
    pid: u32,
    peak_mb: f64,
    rows: Vec<Row>,
}

impl<'a> Course<'a> {
    pub(super) fn new(field: &'a Field, service: &'a Service) -> anyhow::Result<Self> {
        Ok(Self { field, service, pid: service.pid()?, peak_mb: 0.0, rows: Vec::new() })
    }

    /// Runs a step and returns its result. Its rows contain the peak and the number of wrong responses.
    ///
    /// # Errors
    /// The step failed, the process has exited, or a signal has arrived.
    pub(super) fn step<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = anyhow::Result<(T, Outcome)>>,
    ) -> anyhow::Result<T> {
        self.field.say(&format!("{WORK}: {name}"));
        process::reset_resident_mb_max(self.pid)?;
        let bounded = async {
            let ended = timeout(STEP_WITHIN, work).await;
            ended.unwrap_or_else(|_| anyhow::bail!("timeout: not complete within {} s", STEP_WITHIN.as_secs()))
        };
        let worked = self.field.network().wait(bounded);
        // A killed process has no memory, so this fails.
        let peak_mb = process::resident_mb_max(self.pid).map_err(|_| {
            let cause = worked.as_ref().err().map_or(String::new(), |error| format!(": {error:#}"));
            anyhow::anyhow!("the process exited during the step `{name}`{cause}")
        })?;
        self.peak_mb = self.peak_mb.max(peak_mb);
        self.field.say(&format!("{WORK}: {name}: peak {peak_mb:.0} MB"));
        self.rows.push(Row::figure(WORK, format!("{name}: peak memory"), "MB", &[peak_mb], MEMORY_MB_MAX));
        let (value, outcome) = worked.map_err(|error| error.context(format!("step `{name}`")))?;
        self.check(&format!("{name}: faults"), outcome);
        Ok(value)
    }

    /// Adds a row for the time before the first step, in which the service loads the catalog and stores profiles.
    pub(super) fn stored(&mut self) -> anyhow::Result<()> {
        self.peak_mb = process::resident_mb_max(self.pid)?;
        let (peak_mb, note) = (self.peak_mb, format!("{:.0} MB afterwards", process::resident_mb(self.pid)?));
        self.field.say(&format!("{WORK}: profiles stored: peak {peak_mb:.0} MB, {note}"));
        self.figure("profiles stored: peak memory", "MB", peak_mb, MEMORY_MB_MAX, &note);
        Ok(())
    }

    fn check(&mut self, what: &str, outcome: Outcome) {
        let Outcome { checked, faults, note } = outcome;
        let mut notes = vec![format!("{checked} responses checked")];
        notes.extend(note);
        notes.extend(faults.first().map(|fault| format!("first fault: {fault}")));
        let notes = notes.join("; ");
        self.field.say(&format!("{WORK}: {what}: {}; {notes}", faults.len()));
        self.rows.push(Row::figure(WORK, what, "", &[faults.len() as f64], Target::Exactly(0.0)).noted(notes));
    }

    /// Adds a row.
    pub(super) fn figure(&mut self, what: &str, unit: &'static str, value: f64, target: Target, note: &str) {
        self.rows.push(Row::figure(WORK, what, unit, &[value], target).noted(note));
    }

    /// Returns the rows of all steps. `ended` is the result of the steps.
    ///
    /// # Errors
    /// The control group cannot be read.
    pub(super) fn end(mut self, ended: anyhow::Result<()>) -> anyhow::Result<Vec<Row>> {
        if let Err(error) = ended {
            self.field.check()?;
            self.rows.push(Row::failed(WORK, &error));
        }
        let Some(group) = self.service.group() else { anyhow::bail!("the service is in no control group") };
        let (kills, group_mb) = (group.oom_kills()?, group.memory_mb_max()?);
        let note = format!("{group_mb:.0} MB with the page cache and the kernel's buffers");
        self.figure("peak memory of all steps", "MB", self.peak_mb, MEMORY_MB_MAX, &note);
        self.figure("processes killed for lack of memory", "", kills as f64, Target::Exactly(0.0), "control group");
        let is_alive = process::resident_mb(self.pid).is_ok();
        let note = format!("process {} from the start", self.pid);
        self.figure("running processes at the end", "", f64::from(u8::from(is_alive)), Target::Exactly(1.0), &note);
        Ok(self.rows)
    }
}
