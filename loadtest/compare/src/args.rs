//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Measures the instrument registry beside a yardstick and holds the ratios against targets. Exit code 1: a target was
/// missed or a measurement failed; 2: nothing could be measured.
#[derive(Debug, Parser)]
#[command(name = "compare", version)]
pub(crate) struct Args {
    /// The service: `instrument-registry`, built for release
    #[arg(long, value_name = "FILE")]
    pub(crate) registry: PathBuf,

    /// The load generator
    #[arg(long, value_name = "FILE")]
    pub(crate) loadtest: PathBuf,

    /// The yardstick
    #[arg(long, value_name = "FILE")]
    pub(crate) yardstick: PathBuf,

    /// A yardstick from elsewhere, `FILE PORT DATABASE_URL`, which takes the place of the other
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Option<PathBuf>,

    /// A PostgreSQL server on which databases may be made
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: String,

    /// A Redis server, of which databases are used from the first on
    #[arg(long, value_name = "URL")]
    pub(crate) redis_url: Option<String>,

    /// How often each side is measured; what is told is the median
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) rounds: u64,

    /// How long each side is measured in a round
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,

    /// These alone, by comma; an unknown name lists them
    #[arg(long, value_name = "WORK,…", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Write the report as JSON too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
