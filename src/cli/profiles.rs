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
use serde_json::{Value, json};
use uuid::Uuid;

use super::options::{Common, usage};
use super::output::{list, print_error, print_json, print_line, shown, table};
use super::remote::Remote;
use super::{catalogue, resolve, word};
use crate::boot::Resources;
use crate::http::import_export::{File, RowDefaults, Watchlist, csv_header, read_csv, read_json, write_csv_rows};
use crate::http::{Fault, JsonBody, NAME_CHARACTERS_MAX, Problem, causes};
use crate::settings::ProcessSettings;

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
    #[arg(long = "type", value_name = "TYPE", value_parser = word::<SubscriptionType>)]
    kind: Option<SubscriptionType>,
    #[command(flatten)]
    common: Common,
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
    #[command(flatten)]
    common: Common,
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
    let ImportArguments { file, user, name, kind, common } = arguments;
    let bytes = fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
    let now = Utc::now().trunc_subsecs(3);
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if is_json && (name.is_some() || kind.is_some()) {
        bail!("--name and --type apply only to CSV files");
    }
    if let Some(remote) = common.server(settings)? {
        let name = name.map(|name| ("profile_name", name));
        let kind = kind.map(|kind| ("subscription_type", kind.as_str().to_owned()));
        let query: Vec<_> = [name, kind].into_iter().flatten().collect();
        let content_type = if is_json { "application/json" } else { "text/csv" };
        let path = ["subscription-profiles", "users", &user, "import"];
        return show(&remote.upload(&path, &query, content_type, bytes).await?, common.json);
    }
    let lists = if is_json {
        let unreadable = |problem: Problem| anyhow!("{}: {}", file.display(), problem.in_file());
        read_json(&JsonBody::of(bytes.into()), now, &settings.capacity).map_err(unreadable)?
    } else {
        let usual = RowDefaults::default();
        let defaults = RowDefaults {
            profile_name: name.unwrap_or(usual.profile_name),
            subscription_type: kind.unwrap_or(usual.subscription_type),
        };
        read_csv(&bytes, &defaults).map_err(|fault| anyhow!("{}: {fault}", file.display()))?
    };

    let Resources { store, settings: values, .. } = resolve(settings).await?;
    let catalogue = catalogue(&*store, settings, now).await?;
    let profile_context = ProfileContext::new(values.settings().profile_policy(), Arc::new(catalogue), now);
    // Run in a separate task, because the work of the store must not be canceled halfway.
    let task = tokio::spawn(async move {
        let mut outcomes = Vec::with_capacity(lists.len());
        for list in lists {
            outcomes.push(create(&*store, &user, list, &profile_context).await);
        }
        store.close().await;
        outcomes
    });
    show(&import_answer(task.await.context("failed to store the profiles")?), common.json)
}

/// Stores a watchlist, and returns the result as the API does.
async fn create(store: &dyn Store, user: &str, list: Watchlist, profile_context: &ProfileContext) -> Value {
    let Watchlist { row, profile_name, draft, rejected_count, rejected_rows } = list;
    let mut result = json!({
        "row": row, "profile_name": profile_name, "rejected_count": rejected_count, "rejected_rows": rejected_rows,
    });
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
    match made {
        Ok(Done { profile, deactivated, .. }) => {
            result["status"] = json!("created");
            result["profile_id"] = json!(profile.profile_id);
            result["instrument_count"] = json!(profile.draft.instruments.len());
            result["deactivated_profiles"] = json!(deactivated);
        }
        Err(why) => {
            result["status"] = json!("failed");
            result["detail"] = json!(why);
        }
    }
    result
}

fn import_answer(mut results: Vec<Value>) -> Value {
    let gone: Vec<Value> = results.iter().flat_map(|result| list(&result["deactivated_profiles"])).cloned().collect();
    for result in &mut results {
        if gone.contains(&result["profile_id"]) {
            result["status"] = json!("deactivated");
        }
    }
    let of = |status: &str| results.iter().filter(|result| result["status"] == status).count();
    let (created, deactivated, failed) = (of("created"), of("deactivated"), of("failed"));
    json!({"created": created, "deactivated": deactivated, "failed": failed, "results": results})
}

fn show(answer: &Value, is_json: bool) -> anyhow::Result<()> {
    let results = list(&answer["results"]);
    if is_json {
        print_json(answer)?;
    } else {
        let mut lines = table(&["row", "profile", "instruments", "profile id or error"]);
        for result in results {
            let text = match result["profile_id"].as_str() {
                Some(id) if result["status"] == "deactivated" => {
                    format!("{id} (deactivated in favor of a later profile)")
                }
                Some(id) => id.to_owned(),
                None => reason(result),
            };
            let count = match result["instrument_count"].as_u64() {
                Some(count) => count.to_string(),
                None => "-".to_owned(),
            };
            lines.add_row([shown(&result["row"]), shown(&result["profile_name"]), count, text]);
        }
        print_line(&lines.to_string())?;
        print_left_out(results);
    }
    match answer["failed"].as_u64() {
        Some(failed) if failed > 0 => bail!("failed to create {failed} of {}", counted(results.len(), "profile")),
        _ => Ok(()),
    }
}

fn reason(result: &Value) -> String {
    let fault = |of: &Value| {
        let pointer = shown(&of["pointer"]);
        if pointer.is_empty() { shown(&of["detail"]) } else { format!("{pointer}: {}", shown(&of["detail"])) }
    };
    let faults: Vec<String> = list(&result["errors"]).iter().map(fault).collect();
    if faults.is_empty() { shown(&result["detail"]) } else { faults.join("; ") }
}

/// Prints the rejected rows and the deactivated profiles to standard error.
fn print_left_out(results: &[Value]) {
    for result in results {
        let rows = list(&result["rejected_rows"]);
        for row in rows {
            let [number, instrument, reason] = ["row", "instrument", "reason"].map(|name| shown(&row[name]));
            print_error(&format!("row {number}: rejected `{instrument}`: {reason}"));
        }
        let beyond = result["rejected_count"].as_u64().unwrap_or(0).saturating_sub(rows.len() as u64);
        if beyond > 0 {
            print_error(&format!("and {}", counted(beyond, "more rejected row")));
        }
    }
    let gone: Vec<String> = results.iter().flat_map(|of| list(&of["deactivated_profiles"])).map(shown).collect();
    if !gone.is_empty() {
        print_error(&format!("profiles deactivated in favor of imported ones ({}): {}", gone.len(), gone.join(", ")));
    }
}

async fn export(arguments: &ExportArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    if let Some(remote) = arguments.common.server(settings)? {
        return export_served(arguments, &remote).await;
    }
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

/// Prints the profiles of a running service.
///
/// # Errors
/// A usage error for CSV, which the service returns in pages.
async fn export_served(arguments: &ExportArguments, remote: &Remote) -> anyhow::Result<()> {
    if arguments.format == "csv" {
        return Err(usage("--format csv cannot be combined with a server"));
    }
    let mut profiles = Vec::new();
    for is_active in if arguments.all { &[true, false][..] } else { &[true] } {
        let mut cursor: Option<String> = None;
        loop {
            let cursor_pair = cursor.take().map(|cursor| ("cursor", cursor));
            let query: Vec<_> = [("is_active", is_active.to_string())].into_iter().chain(cursor_pair).collect();
            let path = ["subscription-profiles", "users", &arguments.user, "export"];
            let mut page = remote.get(&path, &query).await?;
            profiles.extend(page["profiles"].as_array_mut().map(std::mem::take).unwrap_or_default());
            cursor = page["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
    }
    print_json(&json!({"profiles": profiles}))
}
