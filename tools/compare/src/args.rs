//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Compare the instrument registry with a yardstick and check the ratios against targets.
///
/// Exit code: 1 if a target was missed or a measurement failed, 2 if the comparison could not run.
#[derive(Debug, Parser)]
#[command(name = "compare", version)]
pub(crate) struct Args {
    /// Release binary of the service, `instrument-registry`
    #[arg(long, value_name = "FILE")]
    pub(crate) registry: PathBuf,

    /// Release binary of the load generator, `loadtest`
    #[arg(long, value_name = "FILE")]
    pub(crate) loadtest: PathBuf,

    /// Release binary of the yardstick
    #[arg(long, value_name = "FILE")]
    pub(crate) yardstick: PathBuf,

    /// External yardstick to use instead, started as `FILE PORT DATABASE_URL`
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Option<PathBuf>,

    /// PostgreSQL server; the comparison creates its own databases there
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: String,

    /// Redis server for the service; its databases are used from number 0 on
    #[arg(long, value_name = "URL")]
    pub(crate) redis_url: Option<String>,

    /// Number of rounds; the report shows the median
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) rounds: u64,

    /// Duration of a measurement of each side in a round, in seconds
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,

    /// Run only these works, separated by commas
    #[arg(long, value_name = "WORK,…", value_delimiter = ',')]
    pub(crate) only: Vec<Work>,

    /// Write the report as JSON in addition
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// The works, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Work {
    Create32,
    Create128,
    CreateBroker,
    Repeat,
    Reorder,
    GetHot,
    GetCold,
    Mixed80,
    Mixed20,
    HotKey,
    Size,
    Yardstick,
    Overload,
    Box,
    Pressure,
    Million,
}
