//! `breakers`: lists and forces the circuit breakers of a running service.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::bail;
use serde_json::{Value, json};

use super::options::{Common, usage};
use super::output::{list, minute, painted, print, print_error, print_json, print_line, shown, table};
use super::status::duration;
use crate::settings::ProcessSettings;

#[derive(clap::Args)]
pub(super) struct BreakersArguments {
    #[command(subcommand)]
    action: Option<BreakerAction>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Subcommand)]
enum BreakerAction {
    /// Reject every call of a dependency, as an open breaker does.
    ForceOpen(Target),
    /// Let every call of a dependency pass, whatever the outcome of others.
    ForceClosed(Target),
    /// Return a breaker to its automatic state, closed and with an empty window.
    Reset(Target),
}

#[derive(clap::Args)]
struct Target {
    #[arg(value_parser = ["database", "redis", "config_service"])]
    dependency: String,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
}

impl BreakerAction {
    /// Returns the word of the API, the target and the effect.
    fn parts(&self) -> (&'static str, &Target, &'static str) {
        match self {
            BreakerAction::ForceOpen(target) => ("force_open", target, "reject every call of"),
            BreakerAction::ForceClosed(target) => ("force_closed", target, "let every call pass of"),
            BreakerAction::Reset(target) => ("reset", target, "return to the automatic state the breaker of"),
        }
    }
}

pub(super) async fn run(arguments: &BreakersArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let common = &arguments.common;
    let remote = common.server_or_local(settings)?;
    let Some(action) = &arguments.action else {
        let mut answer = remote.get(&["status"], &[]).await?;
        let answer = json!({"breakers": answer["breakers"].take()});
        return print(common.json, &answer, parts);
    };
    let (word, target, effect) = action.parts();
    if !target.yes {
        confirm(&format!("{effect} {} at {}", target.dependency, remote.url()))?;
    }
    let answer = remote.post(&["admin", "breakers", &target.dependency], &[], &json!({"action": word})).await?;
    if common.json {
        return print_json(&answer);
    }
    breakers_table(std::slice::from_ref(&answer)).map_or(Ok(()), |table| print_line(&painted(&table)))
}

/// Asks for a confirmation on the terminal.
///
/// # Errors
/// A usage error if the input is not a terminal, and an error if the answer is not `y`.
fn confirm(effect: &str) -> anyhow::Result<()> {
    let input = io::stdin();
    if !input.is_terminal() {
        return Err(usage("the input is not a terminal to ask for confirmation; add --yes"));
    }
    print_error(&format!("This will {effect}."));
    let _ = write!(io::stderr(), "Continue? [y/N] ");
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("canceled; nothing was changed"),
    }
}

fn parts(answer: &Value) -> Vec<String> {
    match breakers_table(list(&answer["breakers"])) {
        Some(table) => vec![table],
        None => vec!["no breaker has reported".to_owned()],
    }
}

/// Returns the breakers, one per line; nothing without any.
pub(super) fn breakers_table(breakers: &[Value]) -> Option<String> {
    let mut lines = table(&["state", "breaker", "failed", "slow", "calls", "open since, UTC", "next trial", "detail"]);
    for of in breakers {
        let share = |name: &str| of[name].as_f64().map_or("-".to_owned(), |ratio| format!("{:.0} %", ratio * 100.0));
        let [state, dependency, calls, detail] =
            ["state", "dependency", "calls_in_window", "detail"].map(|name| shown(&of[name]));
        let since = minute(&of["opened_at"]);
        let trial = of["next_trial_ms"].as_u64().map_or_else(String::new, |ms| format!("in {}", duration(ms / 1000)));
        lines.add_row([state, dependency, share("failure_ratio"), share("slow_ratio"), calls, since, trial, detail]);
    }
    (!lines.is_empty()).then(|| lines.to_string())
}
