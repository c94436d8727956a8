//! The settings of ingestion.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveTime;
use registry_planning::dump::Limits;
use registry_planning::ingest::gate::GateSettings;
use registry_planning::vocabulary::Broker;

use super::source::{self, Origin, Source};
use crate::tls::Tls;

/// The rules for brokers' files, and their sources and schedules.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// The gates that a file must pass.
    pub gates: GateSettings,
    /// The maximum size of a file.
    pub limits: Limits,
    /// The folder below which callers may name files. `None`: callers may not name files.
    pub folder: Option<PathBuf>,
    /// The origins from which callers may have files fetched, and to which redirects may lead.
    pub origins: Vec<Origin>,
    /// The folder for files between arrival and reading.
    pub spool: PathBuf,
    /// The folder for copies of rejected files.
    pub rejected_files: PathBuf,
    /// The source of each broker's file if a request names none.
    pub sources: BTreeMap<Broker, ScheduledSource>,
    /// The delay before the first retry of a failed scheduled load, doubled for each later one.
    pub retry_after: Duration,
    /// The trust in the certificates of `https://` sources.
    pub tls: Arc<Tls>,
}

/// The source of a broker's file if a request names none, and the schedule of its loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledSource {
    /// The path of a file, or a URL. The operator sets it, so `folder` and `origins` do not restrict it.
    pub source: String,
    /// Times of day in Asia/Kolkata. Empty: no load is scheduled.
    pub at: Vec<NaiveTime>,
}

impl ScheduledSource {
    /// Returns the source, which is opened later, or `None` if it is neither a path nor a URL that can be fetched.
    pub fn source(&self) -> Option<Source> {
        match source::is_url(&self.source) {
            true => source::fetchable(&self.source).map(Source::Url),
            false => {
                (!self.source.is_empty()).then(|| Source::File { path: PathBuf::from(&self.source), opened: None })
            }
        }
    }
}

impl Default for IngestSettings {
    /// Returns settings that accept uploads only: no folder, no origins and no schedules.
    fn default() -> Self {
        IngestSettings {
            gates: GateSettings::default(),
            limits: Limits::default(),
            folder: None,
            origins: Vec::new(),
            spool: PathBuf::from("data"),
            rejected_files: PathBuf::from("data/refused"),
            sources: BTreeMap::new(),
            retry_after: Duration::from_secs(60),
            tls: Arc::default(),
        }
    }
}
