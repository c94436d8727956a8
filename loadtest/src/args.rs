//! The command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::RangedU64ValueParser;

use crate::scenario::{
    ANSWER_BYTES_MAX, Arrivals, CONNECTIONS_MAX, INSTRUMENTS_MAX, POOL_MAX, RATE_MAX, REQUESTS_MAX, SECONDS_MAX,
    USERS_MAX,
};

/// The longest time for which a single answer may be waited for.
const TIMEOUT_SECONDS_MAX: u64 = 120;
/// More threads than a machine has cores are of no use.
const THREADS_MAX: u64 = 64;

/// The variable that holds the key when no option does.
pub(crate) const KEY_VARIABLE: &str = "INTERNAL_API_KEY";

/// Puts load on an instrument registry and checks every answer.
///
/// Exit code: 0 when all was well, 1 when an answer was at fault or nothing was answered, 2 when the run could not be
/// made.
#[derive(Debug, clap::Parser)]
#[command(name = "loadtest", version)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Runs one scenario.
    ///
    /// The run ends when the requests are used up or the time is, whichever comes first; at the time bound no request is
    /// begun and those under way are still waited for.
    Run(RunArgs),
    /// Doubles the connections of a closed loop until the rate has grown by less than 5 % twice in a row, and says the saturating rate.
    Saturate(SaturateArgs),
    /// Reads back every plan of a ledger that `run --ledger` wrote.
    Verify(VerifyArgs),
    /// Lists the scenarios that are built in.
    Scenarios,
}

/// Whom to load.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// Where the registry listens.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8901")]
    pub(crate) url: String,

    /// Accept a URL that leads to another machine.
    #[arg(long)]
    pub(crate) allow_remote: bool,

    /// The API key; other users of this machine can see it, so prefer --key-file.
    #[arg(long, value_name = "KEY", conflicts_with = "key_file")]
    pub(crate) key: Option<Secret>,

    /// File that holds the API key. Without either option it is taken from `INTERNAL_API_KEY`.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Seconds to wait for one answer.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = up_to(TIMEOUT_SECONDS_MAX))]
    pub(crate) timeout_seconds: u64,

    /// What answers look like.
    #[arg(long, value_enum, default_value_t = Dialect::Registry)]
    pub(crate) dialect: Dialect,

    /// Threads that send; as many as there are processors where absent.
    #[arg(long, value_name = "N", value_parser = up_to(THREADS_MAX))]
    pub(crate) threads: Option<u64>,
}

/// What answers look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Dialect {
    /// As the contract of the registry has it.
    Registry,
    /// As the small service answers that the registry is measured against.
    Yardstick,
}

impl Dialect {
    /// The word that reports use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Dialect::Registry => "registry",
            Dialect::Yardstick => "yardstick",
        }
    }
}

/// What of a scenario is replaced.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Overrides {
    /// A built-in scenario, or the path of a file.
    pub(crate) scenario: String,

    /// Connections, each with one request under way.
    #[arg(long, value_name = "N", value_parser = up_to(CONNECTIONS_MAX))]
    pub(crate) connections: Option<u64>,

    /// Seconds for which requests are begun at most; --verify may take ten minutes more.
    #[arg(long, value_name = "N", value_parser = up_to(SECONDS_MAX))]
    pub(crate) seconds: Option<u64>,

    /// Requests to send at most.
    #[arg(long, value_name = "N", value_parser = up_to(REQUESTS_MAX))]
    pub(crate) requests: Option<u64>,

    /// Seconds at the beginning in which requests are sent and checked, and not measured.
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(0..=SECONDS_MAX))]
    pub(crate) warmup_seconds: Option<u64>,

    /// Instruments in each plan.
    #[arg(long, value_name = "N", value_parser = up_to(INSTRUMENTS_MAX), conflicts_with = "sizes")]
    pub(crate) instruments: Option<u64>,

    /// Instruments in each plan, drawn evenly from several numbers.
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = up_to(INSTRUMENTS_MAX))]
    pub(crate) sizes: Option<Vec<u64>>,

    /// Distinct users that the requests are spread over.
    #[arg(long, value_name = "N", value_parser = up_to(USERS_MAX))]
    pub(crate) users: Option<u64>,

    /// The sequence of requests follows from this number, the scenario and the options.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// File with the keys to draw from, one a line [default: the active ones of the served catalogue].
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,

    /// File with the ids of the plans to read, one a line, in its order and over again.
    #[arg(long, value_name = "FILE")]
    pub(crate) ids: Option<PathBuf>,

    /// Bytes that `hello` and `echo` ask for.
    #[arg(long, value_name = "N", value_parser = up_to(ANSWER_BYTES_MAX))]
    pub(crate) answer_bytes: Option<u64>,

    /// Distinct requests that are repeated where the mix has nothing new.
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

    /// Requests to begin each second, whatever becomes of those before them.
    #[arg(long, value_name = "N", value_parser = up_to(RATE_MAX))]
    pub(crate) rate: Option<u64>,

    /// How requests at a rate are spread in time.
    #[arg(long, value_enum)]
    pub(crate) arrivals: Option<Arrivals>,

    /// Read every acknowledged plan back at the end.
    #[arg(long)]
    pub(crate) verify: bool,

    /// Write a line for each acknowledged plan, its id and a digest of its instruments.
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,

    /// Write a report to look at in a browser.
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

    /// The ledger.
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: PathBuf,

    /// Connections to read over.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = up_to(CONNECTIONS_MAX))]
    pub(crate) connections: u64,

    /// Seconds for which plans are read at most.
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = up_to(SECONDS_MAX))]
    pub(crate) seconds: u64,

    /// Write the report as JSON instead of a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Takes whole numbers from 1 to `max`.
fn up_to(max: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=max)
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
