//! Measures how fast real files of brokers are read.

use std::hint::black_box;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use registry_planning::dump::Limits;
use registry_planning::ingest::read_file;
use registry_planning::vocabulary::Broker;

const FILES: [(Broker, &str); 3] = [
    (Broker::Kite, "kite_nfo_bfo_2026-08-17.csv.gz"),
    (Broker::Upstox, "upstox_complete_2025-06-12.json.gz"),
    (Broker::Upstox, "upstox_complete_2024-09-05.csv.gz"),
];

/// Reads each file from memory, unpacking included.
pub(crate) fn measure(out: &mut impl Write, rounds: usize) -> io::Result<()> {
    let Some(folder) = folder() else {
        return writeln!(
            out,
            "SKIPPED: reading brokers' files: folder `data` not found in $REGISTRY_SHARED (default ../shared)"
        );
    };
    writeln!(out, "reading brokers' files from memory (median of {rounds} rounds)\n")?;
    writeln!(out, "{:<36} {:>8} {:>8} {:>9} {:>11}", "file", "rows", "kept", "ms", "rows/s")?;
    for (broker, name) in FILES {
        let Ok(file) = fs::read(folder.join(name)) else {
            writeln!(out, "{name:<36} SKIPPED: not found in {}", folder.display())?;
            continue;
        };
        let mut seconds = Vec::with_capacity(rounds);
        let mut counts = (0, 0);
        for _ in 0..rounds {
            let start = Instant::now();
            let load = black_box(read_file(broker, &file[..], &Limits::default(), &mut |_| ControlFlow::Continue(())));
            seconds.push(start.elapsed().as_secs_f64());
            let load = load.map_err(io::Error::other)?;
            counts = (load.rows_read, load.rows.len());
        }
        let (read, kept) = counts;
        let seconds = crate::median(seconds);
        writeln!(out, "{name:<36} {read:>8} {kept:>8} {:>9.1} {:>11.0}", seconds * 1e3, read as f64 / seconds)?;
    }
    Ok(())
}

/// Returns the folder of real files: `$REGISTRY_SHARED`, by default `../shared`, relative to the root of the workspace.
pub(crate) fn folder() -> Option<PathBuf> {
    let shared = env::var_os("REGISTRY_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    // An absolute path does not change.
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(shared).join("data");
    data.is_dir().then_some(data)
}
