//! The command line.

use std::path::PathBuf;

use clap::value_parser;
use serde::Deserialize;

/// The environment variable with the key, if no option provides one.
pub(crate) const KEY_VARIABLE: &str = "INTERNAL_API_KEY";

/// Generate load for an instrument registry and check every response.
///
/// Exit code: 0 if the run passed, 1 if a response was wrong or there was no successful response, 2 if the run could not
/// start.
#[derive(Debug, clap::Parser)]
#[command(name = "loadtest", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Run one scenario.
    ///
    /// The run ends after --requests requests or --seconds seconds, whichever comes first. After that it sends no new
    /// request and waits for the responses to those in flight.
    Run(Box<RunArgs>),
    /// Read back every plan of a ledger that `run --ledger` wrote.
    Verify(VerifyArgs),
}

/// The target of the load.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// URL of the registry.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8901")]
    pub(crate) url: String,

    /// Allow a URL of another machine.
    #[arg(long)]
    pub(crate) allow_remote: bool,

    /// File with the API key. Without it, the environment variable `INTERNAL_API_KEY` is used.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Timeout of a request, in seconds.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(1..=120))]
    pub(crate) timeout_seconds: u64,

    /// Format of the responses.
    #[arg(long, value_enum, default_value_t = Dialect::Registry)]
    pub(crate) dialect: Dialect,

    /// Threads that send requests [default: the number of processors].
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=64))]
    pub(crate) threads: Option<u16>,
}

/// The formats of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Dialect {
    /// The format of the registry.
    Registry,
    /// The format of the yardstick, the small service that the registry is compared with.
    Yardstick,
}

/// How the requests of an open loop are spread in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Arrivals {
    /// At equal intervals.
    Constant,
    /// At random intervals, like many independent callers.
    Poisson,
}

/// `loadtest run`: the scenario, and the options that replace its values.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,

    /// Name of a built-in scenario, or path of a scenario file.
    pub(crate) scenario: String,

    /// Connections, each with one request in flight.
    #[arg(long, value_name = "N")]
    pub(crate) connections: Option<usize>,

    /// Maximum duration in which requests are sent, in seconds; --verify may take ten minutes more.
    #[arg(long, value_name = "N")]
    pub(crate) seconds: Option<u64>,

    /// Maximum number of requests to send.
    #[arg(long, value_name = "N")]
    pub(crate) requests: Option<u64>,

    /// Seconds at the start in which requests are sent and checked, but not measured.
    #[arg(long, value_name = "N")]
    pub(crate) warmup_seconds: Option<u64>,

    /// Numbers of instruments in a plan; each plan gets one of them, with equal probability.
    #[arg(long, alias = "sizes", value_name = "N,…", value_delimiter = ',')]
    pub(crate) instruments: Option<Vec<usize>>,

    /// Number of distinct users of the requests.
    #[arg(long, value_name = "N")]
    pub(crate) users: Option<u32>,

    /// Broker of the plans [default: none]. Plans of different brokers have different cache keys.
    #[arg(long, value_name = "ID", value_parser = broker_id)]
    pub(crate) broker: Option<String>,

    /// Seed of the random sequence of requests. The same seed, scenario and options give the same sequence.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// File with the instrument keys of the plans, one per line [default: the active instruments of the catalog].
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,

    /// File with the ids of the plans to read, one per line. They are read in the order of the file, repeatedly.
    #[arg(long, value_name = "FILE")]
    pub(crate) ids: Option<PathBuf>,

    /// Size of the responses that `hello` and `echo` request, in bytes.
    #[arg(long, value_name = "N")]
    pub(crate) answer_bytes: Option<usize>,

    /// Number of distinct requests to repeat if the mix has no new plans.
    #[arg(long, value_name = "N")]
    pub(crate) pool: Option<u64>,

    /// Write the report as JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,

    /// Requests to send per second, without waiting for earlier responses.
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<u64>,

    /// Distribution of the requests over time, if there is a rate.
    #[arg(long, value_enum)]
    pub(crate) arrivals: Option<Arrivals>,

    /// Read every acknowledged plan back at the end.
    #[arg(long)]
    pub(crate) verify: bool,

    /// Write the ledger to this file: one line per acknowledged plan, with its id and a digest of its instruments.
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,

    /// Write the latency of all successful responses by percentile to this file, in the format `.hgrm`.
    #[arg(long, value_name = "FILE")]
    pub(crate) histogram: Option<PathBuf>,
}

/// `loadtest verify`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,

    /// File with the ledger.
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: PathBuf,
}

/// Parses the id of a broker: letters, digits and underscores.
fn broker_id(text: &str) -> Result<String, String> {
    let is_id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_id.then(|| text.to_owned()).ok_or_else(|| "expected letters, digits and underscores".to_owned())
}
