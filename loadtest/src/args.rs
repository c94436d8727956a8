//! The command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::RangedU64ValueParser;

use crate::scenario::{
    ANSWER_BYTES_MAX, Arrivals, CONNECTIONS_MAX, INSTRUMENTS_MAX, POOL_MAX, RATE_MAX, REQUESTS_MAX, SECONDS_MAX,
    USERS_MAX,
};

/// Maximum timeout of a single response, seconds.
const TIMEOUT_SECONDS_MAX: u64 = 120;
/// Maximum number of threads. More threads than a machine has cores do not help.
const THREADS_MAX: u64 = 64;

/// The environment variable with the key, if no option provides one.
pub(crate) const KEY_VARIABLE: &str = "INTERNAL_API_KEY";

/// Generate load for an instrument registry and check every response.
///
/// Exit code: 0 if the run passed, 1 if a response was wrong or there was no successful response, 2 if the run could not
/// start.
#[derive(Debug, clap::Parser)]
#[command(name = "loadtest", version)]
pub(crate) struct Args {
    /// The command to run.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Run one scenario.
    ///
    /// The run ends after --requests requests or --seconds seconds, whichever comes first. After that it sends no new
    /// request and waits for the responses to those in flight.
    Run(RunArgs),
    /// Find the saturation rate.
    ///
    /// Doubles the connections of a closed loop until the rate grows by less than 5 % twice in a row.
    Saturate(SaturateArgs),
    /// Read back every plan of a ledger that `run --ledger` wrote.
    Verify(VerifyArgs),
    /// List the built-in scenarios.
    Scenarios,
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

    /// API key. Other users of this machine can see it, so prefer --key-file.
    #[arg(long, value_name = "KEY", conflicts_with = "key_file")]
    pub(crate) key: Option<Secret>,

    /// File with the API key. Without --key and --key-file, the environment variable `INTERNAL_API_KEY` is used.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Timeout of a request, in seconds.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = up_to(TIMEOUT_SECONDS_MAX))]
    pub(crate) timeout_seconds: u64,

    /// Format of the responses.
    #[arg(long, value_enum, default_value_t = Dialect::Registry)]
    pub(crate) dialect: Dialect,

    /// Threads that send requests [default: the number of processors].
    #[arg(long, value_name = "N", value_parser = up_to(THREADS_MAX))]
    pub(crate) threads: Option<u64>,
}

/// The formats of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Dialect {
    /// The format of the registry.
    Registry,
    /// The format of the yardstick, the small service that the registry is compared with.
    Yardstick,
}

impl Dialect {
    /// Returns the word that reports use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Dialect::Registry => "registry",
            Dialect::Yardstick => "yardstick",
        }
    }
}

/// The options that replace values of a scenario.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Overrides {
    /// Name of a built-in scenario, or path of a scenario file.
    pub(crate) scenario: String,

    /// Connections, each with one request in flight.
    #[arg(long, value_name = "N", value_parser = up_to(CONNECTIONS_MAX))]
    pub(crate) connections: Option<u64>,

    /// Maximum duration in which requests are sent, in seconds; --verify may take ten minutes more.
    #[arg(long, value_name = "N", value_parser = up_to(SECONDS_MAX))]
    pub(crate) seconds: Option<u64>,

    /// Maximum number of requests to send.
    #[arg(long, value_name = "N", value_parser = up_to(REQUESTS_MAX))]
    pub(crate) requests: Option<u64>,

    /// Seconds at the start in which requests are sent and checked, but not measured.
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(0..=SECONDS_MAX))]
    pub(crate) warmup_seconds: Option<u64>,

    /// Number of instruments in each plan.
    #[arg(long, value_name = "N", value_parser = up_to(INSTRUMENTS_MAX), conflicts_with = "sizes")]
    pub(crate) instruments: Option<u64>,

    /// Numbers of instruments in a plan; each plan gets one of them, with equal probability.
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = up_to(INSTRUMENTS_MAX))]
    pub(crate) sizes: Option<Vec<u64>>,

    /// Number of distinct users of the requests.
    #[arg(long, value_name = "N", value_parser = up_to(USERS_MAX))]
    pub(crate) users: Option<u64>,

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
    #[arg(long, value_name = "N", value_parser = up_to(ANSWER_BYTES_MAX))]
    pub(crate) answer_bytes: Option<u64>,

    /// Number of distinct requests to repeat if the mix has no new plans.
    #[arg(long, value_name = "N", value_parser = up_to(POOL_MAX))]
    pub(crate) pool: Option<u64>,

    /// Write the report as JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `loadtest run`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) overrides: Overrides,

    /// Requests to send per second, without waiting for earlier responses.
    #[arg(long, value_name = "N", value_parser = up_to(RATE_MAX))]
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

    /// Write the report as an HTML page.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// `loadtest saturate`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SaturateArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
}

/// `loadtest verify`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,

    /// File with the ledger.
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: PathBuf,

    /// Number of connections.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = up_to(CONNECTIONS_MAX))]
    pub(crate) connections: u64,

    /// Maximum duration of the verification, in seconds.
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = up_to(SECONDS_MAX))]
    pub(crate) seconds: u64,

    /// Write the report as JSON instead of a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Returns a parser of integers from 1 to `max`.
fn up_to(max: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=max)
}

/// Parses the id of a broker: letters, digits and underscores.
fn broker_id(text: &str) -> Result<String, String> {
    let is_id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_id.then(|| text.to_owned()).ok_or_else(|| "expected letters, digits and underscores".to_owned())
}

/// Text that is never shown.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Secret(text.to_owned()))
    }
}
