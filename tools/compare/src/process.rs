//! What Linux says about a process.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;

const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// Ticks of `/proc/PID/stat` in a second: Linux shows no other to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// The memory that is in use now, in MB of 2^20 bytes.
pub(crate) fn resident_mb(pid: u32) -> anyhow::Result<f64> {
    status_mb(pid, "VmRSS")
}

/// The most memory that was ever in use, in MB of 2^20 bytes.
pub(crate) fn resident_mb_max(pid: u32) -> anyhow::Result<f64> {
    status_mb(pid, "VmHWM")
}

/// The processor time that the process has used up, in seconds.
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

/// In MB; the file has kB.
fn parse_status(text: &str, field: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kilobytes: f64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// In seconds, of the process itself and of the system for it.
fn parse_stat(text: &str) -> Option<f64> {
    // The program's name stands in parentheses and may hold anything; the state is the first field after it.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// Looks at a process' memory four times a second.
pub(crate) struct Sampler {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<f64>>,
}

impl Sampler {
    pub(crate) fn start(pid: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let mut samples = Vec::new();
            while !over.load(Ordering::Relaxed) {
                // The end of the process is somebody else's news.
                samples.extend(resident_mb(pid));
                thread::sleep(SAMPLE_EVERY);
            }
            samples
        });
        Self { is_over, thread }
    }

    /// In MB, in the order of time.
    pub(crate) fn stop(self) -> anyhow::Result<Vec<f64>> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the memory sampler panicked"))
    }
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn memory_is_read_from_the_field_of_the_whole_name() {
        let text = "Name:\tcompare\nVmRSS_other:\t1 kB\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n";

        assert_eq!(parse_status(text, "VmRSS"), Some(2.0));
        assert_eq!(parse_status(text, "VmHWM"), Some(4.0));
        assert_eq!(parse_status(text, "VmSwap"), None);
    }

    #[test]
    fn processor_time_is_read_past_whatever_the_program_is_named() {
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
}
