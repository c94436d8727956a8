//! The steps, each with its peak of memory and its faults.

use std::time::Duration;

use tokio::time::timeout;

use crate::field::Field;
use crate::process;
use crate::row::{Row, Target};
use crate::service::Service;

/// The peak of resident memory. It consists of the heap, the stacks and the mapped pages of the program. The peak of
/// the control group is not used, because it includes the page cache, which the kernel reclaims.
const MEMORY_MB_MAX: Target = Target::AtMost(300.0);

/// The time limit of a step. The longest one takes a minute on two idle processors.
const STEP_TIMEOUT: Duration = Duration::from_secs(600);
pub(super) const WORK: &str = "pressure";

/// The checked responses of a step.
#[derive(Default)]
pub(super) struct StepOutcome {
    checked: usize,
    pub(super) faults: Vec<String>,
    note: Option<String>,
}

impl StepOutcome {
    pub(super) fn of(results: impl IntoIterator<Item = anyhow::Result<()>>) -> Self {
        let mut outcome = Self::default();
        for result in results {
            outcome.checked += 1;
            outcome.faults.extend(result.err().map(|error| format!("{error:#}")));
        }
        outcome
    }

    pub(super) fn noted(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

pub(super) struct Course<'a> {
    field: &'a Field,
    service: &'a Service,
    pid: u32,
    peak_mb: f64,
    rows: Vec<Row>,
}

impl<'a> Course<'a> {
    pub(super) fn new(field: &'a Field, service: &'a Service) -> anyhow::Result<Self> {
        Ok(Self { field, service, pid: service.pid()?, peak_mb: 0.0, rows: Vec::new() })
    }

    /// Runs a step that only checks responses.
    pub(super) async fn check(&mut self, name: &str, work: impl Future<Output = StepOutcome>) -> anyhow::Result<()> {
        self.step(name, async { Ok(((), work.await)) }).await
    }

    /// Runs a step and returns its result. Its rows contain the peak of memory and the number of wrong responses. Fails
    /// if the step fails or the process has exited.
    pub(super) async fn step<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = anyhow::Result<(T, StepOutcome)>>,
    ) -> anyhow::Result<T> {
        self.field.say(&format!("{WORK}: {name}"));
        process::reset_resident_mb_max(self.pid)?;
        let worked = timeout(STEP_TIMEOUT, Box::pin(work)).await;
        let worked = worked.unwrap_or_else(|_| anyhow::bail!("timeout: not complete within {STEP_TIMEOUT:?}"));
        // A killed process has no memory, so this fails.
        let peak_mb = process::resident_mb_max(self.pid).map_err(|_| {
            let cause = worked.as_ref().err().map_or(String::new(), |error| format!(": {error:#}"));
            anyhow::anyhow!("the process exited during the step `{name}`{cause}")
        })?;
        self.peak_mb = self.peak_mb.max(peak_mb);
        self.figure(&format!("{name}: peak memory"), "MB", peak_mb, MEMORY_MB_MAX, "");
        let (value, StepOutcome { checked, faults, note }) =
            worked.map_err(|error| error.context(format!("step `{name}`")))?;
        let fault = faults.first().map(|fault| format!("first fault: {fault}"));
        let notes: Vec<_> = [Some(format!("{checked} responses checked")), note, fault].into_iter().flatten().collect();
        let what = format!("{name}: faults");
        self.figure(&what, "", faults.len() as f64, Target::Exactly(0.0), &notes.join("; "));
        Ok(value)
    }

    pub(super) fn figure(&mut self, what: &str, unit: &'static str, value: f64, target: Target, note: &str) {
        self.field.say(&format!("{WORK}: {what}: {value:.0} {unit} {note}"));
        let row = Row::figure(WORK, what, unit, &[value], target);
        self.rows.push(if note.is_empty() { row } else { row.noted(note) });
    }

    /// Returns the rows of all steps. `ended` is the result of the steps.
    pub(super) fn end(mut self, ended: anyhow::Result<()>) -> anyhow::Result<Vec<Row>> {
        if let Err(error) = ended {
            self.rows.push(Row::failed(WORK, &error));
        }
        let Some(group) = &self.service.group else { anyhow::bail!("the service is in no control group") };
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
