//! `profiles`: imports and exports watchlists in the database, without a running service.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use chrono::{SubsecRound, Utc};
use registry_planning::profile::Profile;
use registry_planning::vocabulary::{SubscriptionType, counted};
use registry_store::profiles::{Actor, Change, CommandOutcome, Done, ProfileCommand, ProfileContext, ProfileFilter};
use registry_store::{PortionLimit, Position, Store};
use uuid::Uuid;

use super::output::{print_error, print_line, table};
use super::{catalogue, resolve, word};
use crate::boot::Resources;
use crate::http::import_export::{Defaults, File, Watchlist, csv_header, read_csv, read_json, write_csv_rows};
use crate::http::{Fault, JsonBody, NAME_CHARACTERS_MAX, Problem, causes};
use crate::settings::ProcessSettings;

/// The number of profiles that are read at once.
const PAGE: u32 = 200;

#[derive(clap::Subcommand)]
pub(super) enum ProfilesCommand {
    /// Create a profile from each watchlist in a file; exit non-zero if a profile was not created.
    Import(ImportArguments),
    /// Export a user's profiles in a format that `import` reads.
    Export(ExportArguments),
}

#[derive(clap::Args)]
pub(super) struct ImportArguments {
    /// JSON `{"profiles": […]}`, or CSV: either one `EXCHANGE:SYMBOL` per line, or a header line with the column
    /// `instrument` and optionally `profile_id`, `profile_name` and `subscription_type`.
    file: PathBuf,
    /// User who gets the profiles.
    #[arg(long, value_parser = user)]
    user: String,
    /// Profile name for CSV rows without one [default: Watchlist].
    #[arg(long, value_parser = name)]
    name: Option<String>,
    /// Subscription type for CSV rows without one: `live_feed`, `historical` or `alerts` [default: `live_feed`].
    #[arg(long = "type", value_name = "TYPE", value_parser = word(SubscriptionType::parse, "live_feed, historical, alerts"))]
    kind: Option<SubscriptionType>,
}

#[derive(clap::Args)]
pub(super) struct ExportArguments {
    /// User whose profiles to export.
    #[arg(long, value_parser = user)]
    user: String,
    /// Output format; CSV contains only profile ids, names, types and instruments.
    #[arg(long, default_value = "json", value_parser = ["json", "csv"])]
    format: String,
    /// Include deactivated profiles.
    #[arg(long)]
    all: bool,
}

fn user(text: &str) -> Result<String, String> {
    if crate::http::is_user_id(text) { Ok(text.to_owned()) } else { Err(format!("expected {}", crate::http::USER_IDS)) }
}

fn name(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=NAME_CHARACTERS_MAX => Ok(text.to_owned()),
        characters => Err(format!("expected 1 to {NAME_CHARACTERS_MAX} characters, got {characters}")),
    }
}

pub(super) async fn run(command: ProfilesCommand, settings: &ProcessSettings) -> anyhow::Result<()> {
    match command {
        ProfilesCommand::Import(arguments) => import(arguments, settings).await,
        ProfilesCommand::Export(arguments) => export(&arguments, settings).await,
    }
}

async fn import(arguments: ImportArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let ImportArguments { file, user, name, kind } = arguments;
    let bytes = fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
    let now = Utc::now().trunc_subsecs(3);
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let lists = if is_json {
        if name.is_some() || kind.is_some() {
            bail!("--name and --type apply only to CSV files");
        }
        let unreadable = |problem: Problem| anyhow!("{}: {}", file.display(), problem.in_file());
        read_json(&JsonBody::of(bytes.into()), now, &settings.capacity).map_err(unreadable)?
    } else {
        let usual = Defaults::default();
        let defaults = Defaults {
            profile_name: name.unwrap_or(usual.profile_name),
            subscription_type: kind.unwrap_or(usual.subscription_type),
        };
        read_csv(&bytes, &defaults).map_err(|fault| anyhow!("{}: {fault}", file.display()))?
    };

    let Resources { store, settings: values, .. } = resolve(settings).await?;
    let catalogue = catalogue(&*store, settings, now).await?;
    let profile_context = ProfileContext::new(values.settings().profile_policy(), Arc::new(catalogue), now);
    // In a separate task: the work of the store must not be canceled halfway.
    let task = tokio::spawn(async move {
        let mut outcomes = Vec::with_capacity(lists.len());
        for list in lists {
            outcomes.push(create(&*store, &user, list, &profile_context).await);
        }
        store.close().await;
        outcomes
    });
    show(&task.await.context("failed to store the profiles")?)
}

/// The result for a watchlist.
struct ImportResult {
    row: u64,
    name: String,
    /// The profile and the profiles that were deactivated for it, or the reason of the failure.
    made: Result<Done, String>,
    rejected: Vec<String>,
}

async fn create(store: &dyn Store, user: &str, list: Watchlist, profile_context: &ProfileContext) -> ImportResult {
    let Watchlist { row, profile_name, draft, rejected_count, rejected_rows } = list;
    let mut rejected: Vec<String> = rejected_rows.iter().map(ToString::to_string).collect();
    let beyond = rejected_count - rejected.len() as u64;
    if beyond > 0 {
        rejected.push(format!("and {}", counted(beyond, "more rejected row")));
    }
    let name = profile_name.unwrap_or_default();
    let made = match draft {
        Err(problem) => {
            let faults: Vec<String> = problem.faults.iter().map(Fault::in_file).collect();
            Err(if faults.is_empty() { problem.detail } else { faults.join("; ") })
        }
        Ok(draft) => {
            let command = ProfileCommand::Create {
                profile_id: format!("profile_{}", Uuid::now_v7().simple()),
                user_id: user.to_owned(),
                draft,
                profile_context: profile_context.clone(),
            };
            let actor = Actor { key_name: "command line".to_owned(), ..Actor::default() };
            let correlation_id = Uuid::now_v7().to_string();
            let change = Change { command, actor, correlation_id, now: Utc::now().trunc_subsecs(3), claim: None };
            match store.change_profile(&change).await {
                Ok(CommandOutcome::Done(done)) => Ok(*done),
                Ok(CommandOutcome::Refused(conflicts)) => {
                    let details: Vec<&str> = causes(&conflicts).into_iter().map(|(_, detail)| detail).collect();
                    Err(details.join("; "))
                }
                Ok(_) => Err("failed to create the profile".to_owned()),
                Err(fault) => Err(fault.to_string()),
            }
        }
    };
    ImportResult { row, name, made, rejected }
}

fn show(outcomes: &[ImportResult]) -> anyhow::Result<()> {
    let mut shown = table(&["row", "profile", "instruments", "profile id or error"]);
    let gone: Vec<&String> =
        outcomes.iter().filter_map(|outcome| outcome.made.as_ref().ok()).flat_map(|done| &done.deactivated).collect();
    for ImportResult { row, name, made, .. } in outcomes {
        let (count, text) = match made {
            Ok(Done { profile, .. }) => {
                let id = &profile.profile_id;
                let left = if gone.contains(&id) { " (deactivated in favor of a later profile)" } else { "" };
                (profile.draft.instruments.len().to_string(), format!("{id}{left}"))
            }
            Err(why) => ("-".to_owned(), why.clone()),
        };
        shown.add_row([row.to_string(), name.clone(), count, text]);
    }
    print_line(&shown.to_string())?;
    for rejected in outcomes.iter().flat_map(|outcome| &outcome.rejected) {
        print_error(rejected);
    }
    if !gone.is_empty() {
        let ids: Vec<&str> = gone.iter().map(|id| id.as_str()).collect();
        print_error(&format!("profiles deactivated in favor of imported ones ({}): {}", ids.len(), ids.join(", ")));
    }
    let failed = outcomes.iter().filter(|outcome| outcome.made.is_err()).count();
    if failed > 0 {
        bail!("failed to create {failed} of {}", counted(outcomes.len(), "profile"));
    }
    Ok(())
}

async fn export(arguments: &ExportArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let store = resolve(settings).await?.store;
    let is_active = (!arguments.all).then_some(true);
    let filter = ProfileFilter { user_id: Some(arguments.user.clone()), subscription_type: None, is_active };
    let mut profiles: Vec<Profile> = Vec::new();
    let mut position = Position::Offset(0);
    loop {
        let limit = PortionLimit { rows: PAGE, bytes: u64::MAX };
        let page = store.whole_profiles(&filter, &position, limit).await?;
        for stored in page.rows {
            profiles.push(stored.parse().context("failed to read the preferences of a profile")?);
        }
        let last = profiles.last().filter(|_| page.outline.has_next).map(|profile| profile.profile_id.clone());
        let Some(last) = last else { break };
        position = Position::After(last);
    }
    store.close().await;
    if arguments.format == "csv" {
        let mut rows = csv_header()?;
        for profile in &profiles {
            write_csv_rows(&profile.profile_id, &profile.draft, &mut rows)?;
        }
        let rows = String::from_utf8(rows).context("failed to write the profiles")?;
        return print_line(rows.trim_end());
    }
    let file = File { profiles: profiles.iter().map(|profile| &profile.draft).collect() };
    print_line(&serde_json::to_string_pretty(&file)?)
}
