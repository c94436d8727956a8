//! The command line: the service, commands that read and change what it stores, and commands for its operators.

mod breakers;
mod brokers;
mod catalog;
mod config;
mod doctor;
mod ingest;
mod local;
mod options;
mod output;
mod plan;
mod profiles;
mod remote;
mod search;
mod status;
mod stored;
mod verify;

use std::cell::RefCell;
use std::env::VarError;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use registry_actors::catalogue::empty;
use registry_actors::config::ConfigHandle;
use registry_planning::catalogue::Catalogue;
use registry_planning::demo;
use registry_planning::ingest::selection::Mode;
use registry_planning::plan::describe::trading_date;
use registry_planning::subscriptions::SubscriptionForm;
use registry_planning::vocabulary::{Broker, Segment, Word};
use registry_store::Store;
use registry_store::background::Priority;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};
use uuid::Uuid;

use self::options::Common;
use self::output::{print_error, print_line};
use self::plan::PlanArguments;
use crate::app::{App, KeyOrigin, curl_line};
use crate::boot::{self, Openers, Resources};
use crate::limits::BrokerLimits;
use crate::settings::{ProcessSettings, SettingsFaults};
use crate::telemetry;

/// Keep the registry of instruments and create subscription plans for market data.
///
/// Settings come from environment variables and, if `CONFIG_SERVICE_URL` is set, from the config service. Run
/// `check-config` to list them with their values and origins.
#[derive(Parser)]
#[command(name = "instrument-registry", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the HTTP API (the default without a subcommand).
    Serve,
    /// Create a plan from the stored catalog and print it, without storing it.
    Plan(Box<PlanArguments>),
    /// Print what differs between a stored plan and an earlier one.
    Diff(stored::DiffArguments),
    /// Print the messages that lead to a stored plan, from an earlier one or from nothing.
    Schedule(stored::ScheduleArguments),
    /// Explain why a stored plan contains an instrument, or why it was left out.
    Explain(stored::ExplainArguments),
    /// Compare a stored plan with the stored catalog, and print what changed.
    Verify(verify::VerifyArguments),
    /// Ingest a broker's instrument file into the catalog; a running service serves it within seconds.
    Ingest(IngestArguments),
    /// Show the figures, the versions or the changes of the catalog, or check the stored one.
    Catalog(catalog::CatalogArguments),
    /// Find instruments by symbol, name, ISIN or underlying.
    Search(Box<search::SearchArguments>),
    /// List the brokers with their last files, or show the limits of one of them.
    Brokers(brokers::BrokersArguments),
    /// Import watchlists as profiles, or export profiles.
    #[command(subcommand)]
    Profiles(profiles::ProfilesCommand),
    /// Show the health, the figures and the problems of a running service.
    Status(Common),
    /// List or force the circuit breakers of a running service.
    Breakers(breakers::BreakersArguments),
    /// Check the environment of a service, or a running service, and name a remedy for each problem.
    ///
    /// Without --server, it checks what a service would use if it started now: the configuration, the config service, the
    /// database, Redis, TLS, the catalog, the calendar, the clock, the disk, files, ports and limits. It changes nothing. The
    /// exit code is 1 if a check failed; warnings count only with --strict.
    Doctor(doctor::DoctorArguments),
    /// List the settings with their values and origins.
    Config(Common),
    /// Migrate the database schema to the current version.
    Migrate,
    /// Check the configuration and list every setting with its value and origin.
    CheckConfig,
    /// Print a script that completes commands in a shell.
    Completions { shell: Shell },
}

#[derive(clap::Args)]
struct IngestArguments {
    /// Instrument file in the broker's own format, plain, gzipped or in a zip archive.
    #[arg(required_unless_present = "calendar")]
    file: Option<PathBuf>,
    #[arg(
        long,
        required_unless_present = "calendar",
        value_parser = file_broker,
        help = format!("Broker that published the file: one of {}", Broker::WORDS_WITH_FILES),
    )]
    broker: Option<Broker>,
    /// Trading date of the file, at most tomorrow in Asia/Kolkata [default: the date in the file name].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    file_date: Option<NaiveDate>,
    /// How to treat instruments that are not in the file: `full_catalog` deactivates them, `incremental` leaves them
    /// unchanged, `on_demand` deactivates those of the selected segments.
    #[arg(long, value_parser = word::<Mode>, default_value = "full_catalog")]
    mode: Mode,
    /// Ingest only rows of these segments, for example `NSE_FO,BSE_FO`, and leave other segments unchanged; required for
    /// `on_demand`.
    #[arg(long, value_name = "SEGMENT", value_delimiter = ',', value_parser = word::<Segment>)]
    segments: Vec<Segment>,
    /// CSV file of holidays and session times of exchanges, instead of an instrument file; it replaces the loaded calendar.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "broker", "file_date", "mode", "segments", "server"])]
    calendar: Option<PathBuf>,
    /// Accept the file even if it does not pass the gates; it must still contain a valid row and its date must not be
    /// later than tomorrow. Accept a calendar that contradicts the expiries of the catalog, or ends earlier than the loaded
    /// one.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

fn word<T: Word>(text: &str) -> Result<T, String> {
    T::parse(text).ok_or_else(|| format!("expected one of {}", T::WORDS))
}

fn file_broker(text: &str) -> Result<Broker, String> {
    Broker::parse_with_files(text).ok_or_else(|| format!("expected one of {}", Broker::WORDS_WITH_FILES))
}

fn form(text: &str) -> Result<SubscriptionForm, String> {
    SubscriptionForm::parse(text).ok_or_else(|| "expected `json` or the broker of the plan".to_owned())
}

fn date(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| "expected a date as YYYY-MM-DD".to_owned())
}

/// The exit code for an invalid configuration: `EX_CONFIG` of sysexits.
const EXIT_CONFIG: u8 = 78;
const EXIT_CODES: &str = "Exit codes:
  0   success
  1   the command failed, or a check of it
  2   wrong usage
  78  invalid configuration
  130 `serve` was stopped by a second signal

Without --server, commands read the database of the environment. INSTRUMENT_REGISTRY_URL names the \
service for all commands that have --server. The API key is INTERNAL_API_KEY, or else the one in DATA_DIR.";
/// The number of threads for blocking work. While the service runs, lookups of names use them: of the database, of
/// Redis, of the config service and of a source. At most one more thread writes the file of the last good settings,
/// builds the demonstration catalog, or exports the last traces at the end. All other work that blocks has threads of
/// its own.
const BLOCKING_THREADS: usize = 4;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Serve);
    if let Command::Completions { shell } = command {
        return exit_code(print_completions(shell));
    }
    let settings = match read_environment() {
        Ok(settings) => settings,
        Err(faults) => match &command {
            Command::Doctor(arguments) => return exit_code(doctor::report_invalid(arguments, &faults)),
            _ => return refuse(&faults),
        },
    };
    exit_code(run(command, &settings))
}

fn print_completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "instrument-registry", &mut script);
    print_line(String::from_utf8(script)?.trim_end())
}

/// Returns the exit code of a command, and prints its error.
fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    let Err(fault) = result else { return ExitCode::SUCCESS };
    match fault.downcast::<SettingsFaults>().map_err(anyhow::Error::downcast::<clap::Error>) {
        Ok(faults) => refuse(&faults),
        Err(Ok(usage)) => usage.exit(),
        Err(Err(fault)) => {
            print_error(&format!("error: {fault:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, settings: &ProcessSettings) -> anyhow::Result<()> {
    match command {
        Command::Serve => serve(settings),
        Command::Plan(arguments) => block_on(plan::run(*arguments, settings)),
        Command::Diff(arguments) => block_on(stored::run_diff(arguments, settings)),
        Command::Schedule(arguments) => block_on(stored::run_schedule(arguments, settings)),
        Command::Explain(arguments) => block_on(stored::run_explain(arguments, settings)),
        Command::Verify(arguments) => block_on(verify::run(arguments, settings)),
        Command::Ingest(arguments) => block_on(ingest::run(arguments, settings)),
        Command::Catalog(arguments) => block_on(catalog::run(arguments, settings)),
        Command::Search(arguments) => block_on(search::run(&arguments, settings)),
        Command::Brokers(arguments) => block_on(brokers::run(&arguments, settings)),
        Command::Profiles(command) => block_on(profiles::run(command, settings)),
        Command::Migrate => block_on(migrate(settings)),
        Command::CheckConfig => block_on(config::check(settings)),
        Command::Config(arguments) => block_on(config::run(&arguments, settings)),
        Command::Doctor(arguments) => block_on(doctor::run(&arguments, settings)),
        Command::Status(arguments) => block_on(status::run(&arguments, settings)),
        Command::Breakers(arguments) => block_on(breakers::run(&arguments, settings)),
        // `main` prints completions before it reads the settings.
        Command::Completions { .. } => Ok(()),
    }
}

/// Returns the stored catalog, or the catalog that a service without a stored one serves.
async fn catalogue(store: &dyn Store, settings: &ProcessSettings, now: DateTime<Utc>) -> anyhow::Result<Catalogue> {
    Ok(match store.catalogue(Priority::Normal).await? {
        Some(stored) => stored.catalogue,
        None if settings.has_demonstration => demo::catalogue(trading_date(now)),
        None => empty(),
    })
}

/// Reads the settings from the environment. A value that is not UTF-8 is a fault like any other.
fn read_environment() -> Result<ProcessSettings, SettingsFaults> {
    let unreadable = RefCell::new(Vec::new());
    let settings = ProcessSettings::read(|key| match std::env::var(key) {
        Ok(value) => Some(value),
        Err(VarError::NotPresent) => None,
        Err(VarError::NotUnicode(_)) => {
            unreadable.borrow_mut().push(format!("{key}: expected UTF-8 text, got invalid UTF-8 from the environment"));
            None
        }
    });
    let mut faults = unreadable.into_inner();
    match settings {
        Ok(settings) if faults.is_empty() => Ok(settings),
        Ok(_) => Err(SettingsFaults(faults)),
        Err(SettingsFaults(others)) => {
            faults.extend(others);
            Err(SettingsFaults(faults))
        }
    }
}

fn refuse(faults: &SettingsFaults) -> ExitCode {
    let count = match faults.0.len() {
        1 => "1 problem".to_owned(),
        several => format!("{several} problems"),
    };
    print_error(&format!("error: invalid configuration: {count}"));
    for fault in &faults.0 {
        print_error(&format!("  {fault}"));
    }
    ExitCode::from(EXIT_CONFIG)
}

fn runtime() -> anyhow::Result<Runtime> {
    // The number of workers is the number of processors, or the CPU quota of a container: if two workers share half a
    // processor, both use up the quota at once and the process is suspended most of the time, which costs more than a
    // third of the plans. Long computations do not run on these threads.
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().max_blocking_threads(BLOCKING_THREADS);
    builder.build().context("failed to start the runtime")
}

/// Runs a command to its end. A thread that is blocked, such as by the lookup of a name, must not keep the process
/// alive.
fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let result = runtime.block_on(command);
    runtime.shutdown_background();
    result
}

fn serve(settings: &ProcessSettings) -> anyhow::Result<()> {
    telemetry::init_logs(&settings.log_level, settings.log_format);
    if let Some(traces) = &settings.traces {
        telemetry::export_traces(traces, &settings.environment, &settings.tls)?;
    }
    block_on(async {
        let metrics = telemetry::init_metrics().context("failed to install the metrics recorder")?;
        // The first step, because SIGHUP ends the process until there is a listener.
        let hangup = signal(SignalKind::hangup()).context("failed to listen for SIGHUP")?;
        let app = App::start(settings, metrics).await?;
        greet(&app)?;
        tokio::spawn(refresh_at_hangup(hangup, app.system().config.clone(), app.limits()));
        app.run(stop_signal()).await
    })
}

/// Prints the address of the service, and a command that requests a plan once the service is ready.
fn greet(app: &App) -> anyhow::Result<()> {
    let address = app.address()?;
    info!(version = env!("CARGO_PKG_VERSION"), %address, database = app.system().backend(), "listening");
    let mut lines = format!("instrument-registry {} listens on http://{address}\n", env!("CARGO_PKG_VERSION"));
    if let Some(address) = app.probe_address()? {
        info!(%address, "listening for probes");
        lines += &format!("probes and metrics: http://{address}\n");
    }
    let key = match app.key() {
        KeyOrigin::Environment | KeyOrigin::ConfigService => "$INTERNAL_API_KEY".to_owned(),
        KeyOrigin::Made { key, path } => {
            let path = path.display();
            lines += &format!("generated an API key and stored it in {path}; later starts do not show it\n");
            key.clone()
        }
        KeyOrigin::Kept { path } => format!("$(cat '{}')", path.display().to_string().replace('\'', "'\\''")),
    };
    lines += &format!("try it:\n\n  {}\n", curl_line(address, &key));
    let ready = app.ready();
    tokio::spawn(async move {
        ready.await;
        if let Err(fault) = print_line(&lines) {
            warn!(%fault, "failed to write the startup text");
        }
    });
    Ok(())
}

/// Returns at SIGTERM or SIGINT. A second signal ends the process at once.
async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        warn!("failed to listen for SIGTERM and SIGINT");
        return std::future::pending().await;
    };
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let first = next().await;
    info!(signal = first, "shutting down; a second signal stops the process immediately");
    tokio::spawn(async move {
        next().await;
        warn!("stopped immediately by a second signal");
        std::process::exit(130);
    });
}

/// Refreshes the settings and reloads the limits of brokers at every SIGHUP, which would end the process without a
/// listener.
async fn refresh_at_hangup(mut hangup: Signal, config: ConfigHandle, limits: Arc<BrokerLimits>) {
    while hangup.recv().await.is_some() {
        let correlation_id = Uuid::now_v7().to_string();
        info!(correlation_id, "SIGHUP received: refreshing settings");
        if let Err(fault) = config.refresh(correlation_id.into()) {
            warn!(%fault, "failed to refresh settings");
        }
        limits.reload().await;
    }
}

async fn migrate(settings: &ProcessSettings) -> anyhow::Result<()> {
    let Resources { store, database, .. } = resolve(settings).await?;
    store.close().await;
    print_line(&format!("the schema of {database} is up to date"))
}

/// Resolves database and settings as `serve` does, and migrates the schema.
async fn resolve(settings: &ProcessSettings) -> anyhow::Result<Resources> {
    boot::resolve(settings, Openers::default()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_ends_while_a_thread_is_blocked() {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (start, started) = tokio::sync::oneshot::channel();

        let result = block_on(async move {
            tokio::task::spawn_blocking(move || {
                let _ = start.send(());
                released.recv()
            });
            Ok(started.await?)
        });

        // The thread is blocked until here.
        assert!(release.send(()).is_ok());
        assert!(result.is_ok(), "{result:?}");
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;

        Cli::command().debug_assert();
    }

    #[test]
    fn the_error_of_a_malformed_argument_names_the_expected_form() {
        for (arguments, expected) in [
            (&["plan", "NSE:TCS", "--as-of", "x"][..], "expected a date as YYYY-MM-DD"),
            (&["ingest", "x.csv", "--broker", "kite", "--file-date", "x"], "expected a date as YYYY-MM-DD"),
            (&["profiles", "import", "x.csv", "--user", "u", "--name", ""], "expected 1 to 255 characters, got 0"),
        ] {
            let fault = Cli::try_parse_from([&["instrument-registry"], arguments].concat()).map(|_| ()).unwrap_err();

            assert!(fault.to_string().contains(expected), "{fault}");
        }
    }
}
