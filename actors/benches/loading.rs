//! Measures the cost of loading whole files while a catalogue is served: memory, time, and the wait of other writers.
//!
//! `cargo bench -p registry-actors --bench loading` measures 250,000 instruments of two brokers in an SQLite file.
//! Without `--bench`, or with `--test`, it loads a few instruments once. The instruments are those of real files if
//! these exist, extended by the same contracts in later years. A separate process writes the files, so that the
//! measured process holds only what a service would. Peaks are the kernel's, of the whole process, with the service's
//! allocator; each stage starts a new peak.

#[path = "loading/files.rs"]
mod files;
#[path = "../../planning/benches/search/instruments.rs"]
mod instruments;
#[path = "loading/measuring.rs"]
mod measuring;

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use chrono::{NaiveDate, Utc};
use registry_actors::ingest::{Force, Offering, offer};
use registry_planning::catalogue::Catalogue;
use registry_planning::dump::Limits;
use registry_planning::ingest::gate::GateSettings;
use registry_planning::ingest::read_file;
use registry_planning::ingest::selection::Selection;
use registry_planning::vocabulary::Broker;
use registry_store::background::Priority;
use registry_store::sqlite::SqliteStore;
use registry_store::{CatalogueStore, Offer, Store};

use crate::measuring::Stages;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The same setting as in the service.
#[allow(unsafe_code, reason = "the allocator reads its settings from a symbol of this name")]
#[unsafe(export_name = "_rjem_malloc_conf")]
static ALLOCATOR_SETTINGS: &[u8; 20] = b"dirty_decay_ms:1000\0";

const INSTRUMENTS: usize = 250_000;
const TEST_INSTRUMENTS: usize = 5000;

/// The maximum memory of the process, with a catalogue in service all the time.
const PEAK_MB_MAX: f64 = 250.0;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let after =
        |flag: &str| arguments.iter().position(|argument| argument == flag).map(|at| Path::new(&arguments[at + 1]));
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let is_test = has("--test") || !has("--bench");
    let count = if is_test { TEST_INSTRUMENTS } else { INSTRUMENTS };
    if let Some(folder) = after("--write") {
        return files::write(folder, count);
    }
    if let Some(folder) = after("--load") {
        return tokio::runtime::Runtime::new()?.block_on(load(folder));
    }
    let folder = tempfile::tempdir()?;
    let own = env::current_exe()?;
    for part in ["--write", "--load"] {
        let mut command = Command::new(&own);
        command.arg(part).arg(folder.path()).arg(if is_test { "--test" } else { "--bench" });
        if !command.status()?.success() {
            return Err(io::Error::other(format!("{part} failed")));
        }
    }
    Ok(())
}

/// Loads the files one after the other. Each time it builds the new catalogue while the old one is still served.
async fn load(folder: &Path) -> io::Result<()> {
    let store = Arc::new(SqliteStore::new(&folder.join("registry.db")));
    store.prepare().await.map_err(io::Error::other)?;
    let mut stages = Stages::new(Arc::clone(&store))?;
    writeln!(io::stdout(), "loading files of {}", fs::read_to_string(folder.join(files::ORIGIN))?)?;
    stages.head()?;

    let mut served: Option<Catalogue> = None;
    for file in files::ALL {
        let name = file.name;
        stages
            .run(&format!("{name}: read, check, store"), accept(&store, &folder.join(name), file.broker, file.date))
            .await?;
        let built = stages.run(&format!("{name}: build the next catalog"), build(&store)).await?;
        served = Some(built);
    }
    drop(served);
    stages.end(PEAK_MB_MAX)
}

async fn accept(store: &Arc<SqliteStore>, path: &Path, broker: Broker, date: NaiveDate) -> io::Result<()> {
    let file = File::open(path)?;
    // All files have Kite's format.
    let read = tokio::task::spawn_blocking(move || {
        read_file(Broker::Kite, file, &Limits::default(), &mut |_| ControlFlow::Continue(()))
    });
    let load = read.await?.map_err(io::Error::other)?;
    let offering = Offering {
        offer: Offer { broker, source: "bench".to_owned(), file_date: Some(date), loaded_at: Utc::now(), load },
        selection: Selection::default(),
        gates: GateSettings::default(),
        force: Force::No,
    };
    let store = Arc::clone(store);
    let outcome = tokio::spawn(async move { offer(&*store, offering, &|| false).await });
    let outcome = outcome.await?.map_err(io::Error::other)?;
    let outcome = outcome.ok_or_else(|| io::Error::other("the file was canceled"))?;
    if outcome.version.is_none() {
        return Err(io::Error::other(format!("file rejected: {:?}", outcome.faults)));
    }
    Ok(())
}

async fn build(store: &SqliteStore) -> io::Result<Catalogue> {
    let stored = store.catalogue(Priority::Normal).await.map_err(io::Error::other)?;
    Ok(stored.ok_or_else(|| io::Error::other("no catalog is stored"))?.catalogue)
}
