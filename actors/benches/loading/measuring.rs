//! Memory and time of each stage, and the longest wait of another writer during it.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use registry_store::sqlite::SqliteStore;
use registry_store::{LastGoodSetting, SettingsStore, StoreError};

/// Interval between two writes of the other writer.
const WRITE_EVERY: Duration = Duration::from_millis(5);

/// Runs stages one after the other, and prints the cost of each.
pub(crate) struct Stages {
    longest_wait_us: Arc<AtomicU64>,
    peak_mb_max: f64,
}

impl Stages {
    /// Starts a task that writes to the store while the stages run.
    pub(crate) fn new(store: Arc<SqliteStore>) -> io::Result<Self> {
        let longest_wait_us = Arc::new(AtomicU64::new(0));
        let longest = Arc::clone(&longest_wait_us);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(WRITE_EVERY).await;
                let start = Instant::now();
                // A write that was rejected after waiting too long is retried; its wait includes all attempts.
                while write(&store).await.is_err() {}
                let waited = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                longest.fetch_max(waited, Ordering::Relaxed);
            }
        });
        Ok(Stages { longest_wait_us, peak_mb_max: 0.0 })
    }

    pub(crate) fn head(&self) -> io::Result<()> {
        writeln!(
            io::stdout(),
            "{:<46} {:>8} {:>10} {:>9} {:>22}",
            "stage",
            "s",
            "peak MB",
            "after MB",
            "longest write wait"
        )?;
        writeln!(io::stdout(), "{:<46} {:>8} {:>10} {:>9.1}", "before", "", "", resident("VmRSS:")?)
    }

    /// Runs a stage.
    pub(crate) async fn run<T>(&mut self, name: &str, stage: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        // Starts a new peak.
        fs::write("/proc/self/clear_refs", "5")?;
        self.longest_wait_us.store(0, Ordering::Relaxed);
        let start = Instant::now();
        let done = stage.await?;
        let seconds = start.elapsed().as_secs_f64();
        // A write that still waits must end to be counted.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (peak, after) = (resident("VmHWM:")?, resident("VmRSS:")?);
        let waited = self.longest_wait_us.load(Ordering::Relaxed) as f64 / 1e3;
        self.peak_mb_max = self.peak_mb_max.max(peak);
        writeln!(io::stdout(), "{name:<46} {seconds:>8.2} {peak:>10.1} {after:>9.1} {waited:>19.0} ms")?;
        Ok(done)
    }

    /// Prints the highest peak and the allowed maximum.
    pub(crate) fn end(&self, max: f64) -> io::Result<()> {
        writeln!(
            io::stdout(),
            "\n{:<46} {:>19.1} MB   (limit {max} MB)",
            "peak memory of the process",
            self.peak_mb_max
        )
    }
}

/// Writes a small change, as each batch of plans does.
async fn write(store: &SqliteStore) -> Result<(), StoreError> {
    let said = LastGoodSetting { value: None, said_at: Utc::now() };
    store.save_last_good(&BTreeMap::from([("BENCH".to_owned(), said)])).await
}

/// Returns a value of `/proc/self/status` in megabytes.
fn resident(name: &str) -> io::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes
        .map(|kilobytes| kilobytes * 1024.0 / 1e6)
        .ok_or_else(|| io::Error::other(format!("{name} not found in /proc/self/status")))
}
