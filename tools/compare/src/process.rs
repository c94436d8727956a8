//! Reads memory and CPU time of a process from Linux.

use std::time::Duration;

use anyhow::Context;
use procfs::process::{ClearRefs, Process, Status};

const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// Returns the current resident memory, in MB of 2^20 bytes.
pub(crate) fn resident_mb(pid: u32) -> anyhow::Result<f64> {
    memory_mb(pid, |status| status.vmrss)
}

/// Returns the peak resident memory, in MB of 2^20 bytes.
pub(crate) fn resident_mb_max(pid: u32) -> anyhow::Result<f64> {
    memory_mb(pid, |status| status.vmhwm)
}

/// Resets the peak resident memory to the current one. Requires root or the same user.
pub(crate) fn reset_resident_mb_max(pid: u32) -> anyhow::Result<()> {
    process(pid)?.clear_refs(ClearRefs::PeakRSS).context("failed to reset the peak memory of a process")
}

/// Returns the CPU time of the process so far, in seconds.
pub(crate) fn processor_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = process(pid)?.stat().context("failed to read the CPU time of a process")?;
    Ok((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64)
}

fn memory_mb(pid: u32, field: impl FnOnce(&Status) -> Option<u64>) -> anyhow::Result<f64> {
    let status = process(pid)?.status().context("failed to read the memory of a process")?;
    // A process that has exited and was not waited for has no memory.
    let kilobytes = field(&status).with_context(|| format!("process {pid} has exited"))?;
    Ok(kilobytes as f64 / 1024.0)
}

fn process(pid: u32) -> anyhow::Result<Process> {
    Process::new(pid.cast_signed()).with_context(|| format!("process {pid} is not running"))
}

/// Samples the memory of a process four times per second until `work` ends. Returns its result and the samples in MB,
/// the oldest first.
pub(crate) async fn sampled<T>(pid: u32, work: impl Future<Output = T>) -> (T, Vec<f64>) {
    let mut samples = Vec::new();
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    tokio::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return (result, samples),
            // An error means that the process has exited, which its owner reports.
            _ = ticks.tick() => samples.extend(resident_mb(pid)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn a_living_process_has_memory_and_had_processor_time() {
        assert!(resident_mb(process::id()).unwrap() > 0.0);
        assert!(resident_mb_max(process::id()).unwrap() >= resident_mb(process::id()).unwrap() / 2.0);
        assert!(processor_seconds(process::id()).unwrap() >= 0.0);
    }

    #[test]
    fn a_reset_lowers_the_peak_to_the_current_memory() {
        const LARGE: usize = 256 << 20;
        let large = vec![1_u8; LARGE];
        assert!(resident_mb_max(process::id()).unwrap() > 256.0);
        assert_eq!(large.len(), LARGE);
        drop(large);

        reset_resident_mb_max(process::id()).unwrap();

        assert!(resident_mb_max(process::id()).unwrap() < 256.0);
    }
}
