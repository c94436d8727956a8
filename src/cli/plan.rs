//! `plan`: creates plans offline, from the stored catalog.

mod keys;
mod served;
mod tables;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};
use registry_actors::snapshot::Snapshot;
use registry_planning::Stamp;
use registry_planning::broker::BrokerModels;
use registry_planning::catalogue::Catalogue;
use registry_planning::feed::{ACCOUNTS_MAX, Accounts, CONNECTIONS_MAX, ItemDefaults, StreamOptions};
use registry_planning::json::ObjectWriter;
use registry_planning::plan::Plan;
use registry_planning::plan::describe::trading_date;
use registry_planning::request::{Options, PlanRequest, Resolved};
use registry_planning::source::{ItemInstruments, ItemOptions, PlanItem, Source};
use registry_planning::subscriptions::{PlanSubscriptions, SubscriptionForm};
use registry_planning::vocabulary::{
    Broker, FilteringStrictness, Mode, OptimizationLevel, PlacementStrategy, SubscriptionType,
};
use serde_json::json;
use uuid::Uuid;

use self::tables::ShownPlan;
use super::options::Common;
use super::output::{print_json, print_line};
use super::stored::explanation;
use super::{catalogue, date, form, resolve, stored, word};
use crate::boot::Resources;
use crate::settings::ProcessSettings;

/// Maximum number of keys in the arguments, as in a list over HTTP.
const KEYS_MAX: usize = 5000;

/// The user and the name of a plan that is not stored.
const USER: &str = "command-line";
const PLAN_NAME: &str = "command line";

#[derive(clap::Args)]
pub(super) struct PlanArguments {
    /// Instrument keys as `EXCHANGE:SYMBOL`, most important first: 1 to 5000, or none if `--from` names a file.
    #[arg(required_unless_present = "from", value_name = "KEY")]
    keys: Vec<String>,
    /// File with up to 20000 further keys, `-` for standard input: a key or a JSON object per line, such as
    /// `{"instrument": "NSE:TCS", "mode": "full", "min_mode": "quote", "priority": 5, "pinned": true}`.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Trading date of the plan [default: today in Asia/Kolkata].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    as_of: Option<NaiveDate>,
    /// Which keys to keep: `lenient` (all well-formed keys), `moderate` (keys in the catalog) or `strict` (active and
    /// unexpired keys) [default: the configured strictness].
    #[arg(long, value_name = "STRICTNESS", value_parser = word::<FilteringStrictness>)]
    strictness: Option<FilteringStrictness>,
    /// How to optimize the plan: `low` (remove duplicates), `moderate` (also sort) or `aggressive` (also collapse
    /// aliases and rank instruments) [default: the configured level].
    #[arg(long, value_name = "LEVEL", value_parser = word::<OptimizationLevel>)]
    optimization: Option<OptimizationLevel>,
    #[arg(
        long,
        value_parser = word::<Broker>,
        help = format!("Broker of the feed, whose last accepted file must list each instrument: one of {}", Broker::WORDS),
    )]
    broker: Option<Broker>,
    #[arg(
        long,
        value_parser = word::<Mode>,
        help = format!("How much data to stream for each instrument: one of {}", Mode::WORDS),
    )]
    mode: Option<Mode>,
    /// Mode below which no limit of the broker lowers an instrument.
    #[arg(long, value_name = "MODE", value_parser = word::<Mode>, requires = "broker")]
    min_mode: Option<Mode>,
    /// Tier of the accounts at the broker [default: that of each account].
    #[arg(long, requires = "broker")]
    tier: Option<String>,
    /// Accounts at the broker: a number, or names separated by commas [default: those of the settings].
    #[arg(long, value_name = "ACCOUNTS", value_parser = accounts, requires = "broker")]
    accounts: Option<Accounts>,
    /// Minimum number of connections [default: the fewest that the limits require].
    #[arg(
        long,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(CONNECTIONS_MAX)),
        requires = "broker",
    )]
    connections: Option<u32>,
    /// How to distribute the contracts of one underlying over connections: `balanced`, `together` or `spread`
    /// [default: balanced].
    #[arg(long, value_name = "PLACEMENT", value_parser = word::<PlacementStrategy>, requires = "broker")]
    placement: Option<PlacementStrategy>,
    /// Print the subscriptions instead of the plan: `json`, or the broker for the arguments of its SDK.
    #[arg(long, value_parser = form, requires = "broker")]
    format: Option<SubscriptionForm>,
    /// Explain why the plan contains this key, or why it was left out, instead of printing the plan.
    #[arg(long, value_name = "KEY", conflicts_with = "format")]
    explain: Option<String>,
    #[command(flatten)]
    common: Common,
}

fn accounts(text: &str) -> Result<Accounts, String> {
    if let Ok(count) = text.parse::<u32>() {
        let is_allowed = (1..=ACCOUNTS_MAX).contains(&count);
        return if is_allowed { Ok(Accounts::Count(count)) } else { Err(format!("expected 1 to {ACCOUNTS_MAX}")) };
    }
    let names: Vec<String> = text.split(',').map(str::to_owned).collect();
    Ok(Accounts::Named(names))
}

pub(super) async fn run(arguments: PlanArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    if arguments.keys.len() > KEYS_MAX {
        bail!("expected 1 to {KEYS_MAX} keys, got {}; use `--from` for more", arguments.keys.len());
    }
    let brokers = BrokerModels::embedded().with_capacity(Arc::clone(&settings.capacity));
    let (source, feed) = (source(&arguments, &brokers)?, feed(&arguments, &brokers)?);
    if let Some(remote) = arguments.common.server(settings)? {
        let shown_plan = served::request_plan(&arguments, &source, &feed, &remote).await?;
        return print_served(&arguments, &shown_plan);
    }
    let Resources { store, settings: planner, .. } = resolve(settings).await?;
    let now = Utc::now();
    let catalogue = Arc::new(catalogue(&*store, settings, now).await?);
    let calendar = store.calendar_after(0).await.context("failed to read the trading calendar")?;
    let snapshot = Snapshot::new(&planner, catalogue, Arc::new(brokers)).with_calendar(calendar.map(Arc::new));
    store.close().await;

    let plan = create_plan(&arguments, source, feed, &snapshot, now)?;
    if let Some(key) = &arguments.explain {
        return print_explanation(&plan, key, &snapshot, arguments.common.json);
    }
    if let Some(form) = arguments.format {
        return print_subscriptions(&plan, form, &snapshot);
    }
    if arguments.common.json {
        return print_json(&plan);
    }
    print_parts(&shown_plan(&plan, &snapshot.catalogue)?)
}

/// Prints the subscriptions of a plan of a service, or the plan.
fn print_served(arguments: &PlanArguments, shown_plan: &ShownPlan) -> anyhow::Result<()> {
    let ShownPlan { plan, subscriptions, .. } = shown_plan;
    if let (Some(_), Some(broker)) = (arguments.format, arguments.broker) {
        return print_json(&json!({"broker": broker, "format": "json", "subscriptions": subscriptions}));
    }
    if arguments.common.json { print_json(plan) } else { print_parts(shown_plan) }
}

fn print_parts(shown_plan: &ShownPlan) -> anyhow::Result<()> {
    tables::plan_parts(shown_plan).iter().try_for_each(|part| print_line(part))
}

/// Returns a plan as a service returns it, and what the catalog has about its instruments.
fn shown_plan(plan: &Plan, catalogue: &Catalogue) -> anyhow::Result<ShownPlan> {
    let known = plan.instruments.iter().filter_map(|key| {
        let of = catalogue.get(catalogue.find(key)?);
        let entry = json!({
            "instrument_type": of.class().as_str(), "expiry": of.expiry(), "lot_size": of.lot_size(), "name": of.name(),
        });
        Some((key.to_owned(), entry))
    });
    Ok(ShownPlan {
        plan: serde_json::to_value(plan)?,
        subscriptions: serde_json::to_value(PlanSubscriptions::of(plan))?,
        instruments: known.collect(),
    })
}

/// Returns the keys of the arguments, then those of the file.
fn source(arguments: &PlanArguments, brokers: &BrokerModels) -> anyhow::Result<Source> {
    let Some(path) = &arguments.from else { return Ok(arguments.keys.iter().collect()) };
    let defaults = ItemDefaults {
        has_broker: arguments.broker.is_some(),
        mode: arguments.mode.or_else(|| brokers.usual_mode(SubscriptionType::LiveFeed)),
        min_mode: arguments.min_mode,
        has_no_mode: false,
    };
    let own =
        |key: &String| PlanItem { instruments: ItemInstruments::Key(key.clone()), options: ItemOptions::default() };
    let mut items: Vec<PlanItem> = arguments.keys.iter().map(own).collect();
    items.extend(keys::read_items(path, defaults)?);
    if items.is_empty() {
        bail!("expected at least one key in {}", path.display());
    }
    let has_options = items.iter().any(|item| item.options != ItemOptions::default());
    if has_options {
        return Ok(Source::Items(Arc::new(items)));
    }
    let key = |item: PlanItem| match item.instruments {
        ItemInstruments::Key(key) => Some(key),
        ItemInstruments::Selector(_) => None,
    };
    Ok(items.into_iter().filter_map(key).collect())
}

/// Returns the options of the stream. A plan that is not stored may exceed the accounts of the settings.
fn feed(arguments: &PlanArguments, brokers: &BrokerModels) -> anyhow::Result<StreamOptions> {
    let mut feed = StreamOptions {
        broker: arguments.broker,
        mode: arguments.mode,
        min_mode: arguments.min_mode,
        tier: arguments.tier.clone(),
        accounts: arguments.accounts.clone(),
        connections: arguments.connections,
        placement: arguments.placement,
        ..StreamOptions::default()
    };
    let mut faults = feed.retain_valid_modes(brokers.usual_mode(SubscriptionType::LiveFeed));
    faults.extend(feed.retain_valid_accounts(brokers.capacity(), true));
    if faults.is_empty() {
        return Ok(feed);
    }
    let option = |pointer: &str| format!("--{}", pointer.trim_start_matches('/').replace('_', "-"));
    let faults: Vec<String> = faults.iter().map(|of| format!("{}: {}", option(&of.pointer), of.detail)).collect();
    bail!("{}", faults.join("\n  "))
}

fn create_plan(
    arguments: &PlanArguments,
    source: Source,
    feed: StreamOptions,
    snapshot: &Snapshot,
    now: DateTime<Utc>,
) -> anyhow::Result<Plan> {
    let defaults = &snapshot.settings;
    let today = trading_date(now);
    let mut request = PlanRequest {
        user_id: USER.to_owned(),
        plan_name: PLAN_NAME.to_owned(),
        description: None,
        subscription_type: SubscriptionType::LiveFeed,
        source,
        options: Options {
            optimization_level: arguments.optimization.unwrap_or(defaults.optimization_level),
            filtering_strictness: arguments.strictness.unwrap_or(defaults.filtering_strictness),
            max_instruments: defaults.max_instruments_per_plan,
            cost_per_instrument: defaults.cost_per_instrument,
            as_of: arguments.as_of.unwrap_or_else(|| snapshot.calendar().plan_date(today)),
        },
        feed,
        warnings: Vec::new(),
    };
    if arguments.as_of.is_none() {
        request.warn_about_calendar(snapshot.calendar(), today);
    }
    let resolved = Resolved::new(&request, snapshot.basis(), &snapshot.hash);
    let created_at = now.trunc_subsecs(3);
    let ttl = TimeDelta::from_std(defaults.plan_cache_ttl).unwrap_or(TimeDelta::MAX);
    let plan_id = format!("plan_{}", Uuid::now_v7().simple());
    let stamp = Stamp { plan_id, created_at, expires_at: created_at + ttl };
    registry_planning::create_plan(&request, &resolved, snapshot.basis(), stamp)
        .map_err(|over| anyhow!("{over}\n  {}", over.arithmetic.join("\n  ")))
}

fn print_explanation(plan: &Plan, key: &str, snapshot: &Snapshot, is_json: bool) -> anyhow::Result<()> {
    let answer = explanation(plan, key, snapshot)?;
    if is_json { print_json(&answer) } else { stored::print_explanation(&answer) }
}

fn print_subscriptions(plan: &Plan, form: SubscriptionForm, snapshot: &Snapshot) -> anyhow::Result<()> {
    let Some(subscriptions) = PlanSubscriptions::of(plan) else { bail!("the plan has no subscriptions") };
    let broker = subscriptions.broker();
    if let Some(fault) = form.fault_at(broker) {
        bail!("{fault}");
    }
    let mut json = Vec::new();
    let mut object = ObjectWriter::begin(&mut json);
    object.field("broker", &broker);
    match form {
        SubscriptionForm::List => {
            object.field("format", form.as_str());
            object.field("subscriptions", &subscriptions);
        }
        SubscriptionForm::Sdk(_) if subscriptions.lacks_tokens() => {
            bail!(
                "no file of {broker} lists an instrument of the plan; ingest a file of {broker}, or use `--format json`"
            );
        }
        SubscriptionForm::Sdk(_) => {
            object.field("format", form.as_str());
            let instruments_max = subscriptions.instruments_per_message(snapshot.brokers.capacity());
            let mut connections = vec![b'['];
            for number in subscriptions.connection_numbers() {
                if number > 1 {
                    connections.push(b',');
                }
                subscriptions.write_messages(number, instruments_max, &mut connections);
            }
            connections.push(b']');
            object.raw("connections", &connections);
            object.field("without_token", &subscriptions.without_token(subscriptions.positions(None)));
        }
    }
    object.end();
    print_line(&String::from_utf8(json)?)
}
