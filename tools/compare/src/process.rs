//! Reads memory and CPU time of a process from Linux.

use std::fs;
use std::time::Duration;

use anyhow::Context;

const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// Ticks per second of the times in `/proc/PID/stat`: a constant of Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Returns the current resident memory, in MB of 2^20 bytes.
pub(crate) fn resident_mb(pid: u32) -> anyhow::Result<f64> {
    status_mb(pid, "VmRSS")
}

/// Returns the peak resident memory, in MB of 2^20 bytes.
pub(crate) fn resident_mb_max(pid: u32) -> anyhow::Result<f64> {
    status_mb(pid, "VmHWM")
}

/// Resets the peak resident memory to the current one. Requires root or the same user.
pub(crate) fn reset_resident_mb_max(pid: u32) -> anyhow::Result<()> {
    let path = format!("/proc/{pid}/clear_refs");
    // The value of Linux for the peak alone.
    fs::write(&path, "5").with_context(|| format!("failed to write {path}"))
}

/// Returns the CPU time of the process so far, in seconds.
pub(crate) fn processor_seconds(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
    parse_stat(&text).with_context(|| format!("{path} has no CPU time"))
}

fn status_mb(pid: u32, field: &str) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {path}"))?;
    parse_status(&text, field).with_context(|| format!("{path} has no {field}"))
}

/// Returns a field in MB; the file has kB.
fn parse_status(text: &str, field: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kilobytes: f64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// Returns the sum of user and system time, in seconds.
fn parse_stat(text: &str) -> Option<f64> {
    // The program's name is in parentheses and can contain any character. The first field after it is the state.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// Samples the memory of a process four times per second until `work` ends. Returns its result and the samples in MB, the
/// oldest first.
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
    fn a_memory_field_is_found_by_its_full_name() {
        let text = "Name:\tcompare\nVmRSS_other:\t1 kB\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n";

        assert_eq!(parse_status(text, "VmRSS"), Some(2.0));
        assert_eq!(parse_status(text, "VmHWM"), Some(4.0));
        assert_eq!(parse_status(text, "VmSwap"), None);
    }

    #[test]
    fn cpu_time_is_read_for_any_program_name() {
        let text = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 3 0 99";

        assert_eq!(parse_stat(text), Some(4.0));
        assert_eq!(parse_stat("42"), None);
    }

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
