//! `brokers`: the brokers with their last files, and the limits of one of them.

use registry_planning::vocabulary::Broker;
use serde_json::Value;

use super::local::{query_uri, stored_catalogue};
use super::options::Common;
use super::output::{list, print, shown, table};
use super::word;
use crate::http::offline;
use crate::settings::ProcessSettings;

#[derive(clap::Args)]
pub(super) struct BrokersArguments {
    #[arg(
        value_parser = word::<Broker>,
        help = format!("Show the limits of this broker instead of all brokers: one of {}", Broker::WORDS),
    )]
    broker: Option<Broker>,
    /// Tier of the limits [default: the default tier of the broker].
    #[arg(long, requires = "broker")]
    tier: Option<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(arguments: &BrokersArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let BrokersArguments { broker, tier, common } = arguments;
    let remote = common.server(settings)?;
    let Some(broker) = broker else {
        let answer = match remote {
            Some(remote) => remote.get(&["brokers"], &[]).await?,
            None => offline::brokers(&stored_catalogue(settings).await?),
        };
        return print(common.json, &answer, |answer| vec![brokers_table(answer)]);
    };
    let query: Vec<_> = tier.iter().map(|tier| ("tier", tier.clone())).collect();
    let answer = match remote {
        Some(remote) => remote.get(&["brokers", broker.as_str(), "limits"], &query).await?,
        None => offline::limits(&settings.capacity, *broker, &query_uri(&query)?)?,
    };
    print(common.json, &answer, limit_parts)
}

fn brokers_table(answer: &Value) -> String {
    let mut lines = table(&["broker", "files", "loaded", "file date", "active tokens"]);
    for of in list(&answer["brokers"]) {
        let cells =
            [&of["broker_id"], &of["supports"]["files"], &of["is_loaded"], &of["file_date"], &of["active_tokens"]];
        lines.add_row(cells.map(shown));
    }
    lines.to_string()
}

/// Returns the tier and the accounts, and one line per figure.
fn limit_parts(answer: &Value) -> Vec<String> {
    let accounts = list(&answer["accounts"]).iter();
    let accounts: Vec<String> = accounts.map(|of| format!("{} ({})", shown(&of["name"]), shown(&of["tier"]))).collect();
    let heading = format!(
        "{}, tier {} of {}; accounts: {}",
        shown(&answer["name"]),
        shown(&answer["tier"]),
        shown(&answer["tiers"]),
        if accounts.is_empty() { "none".to_owned() } else { accounts.join(", ") }
    );
    let mut lines = table(&["limit", "value", "source", "checked"]);
    for (path, figure) in figures("", &answer["limits"]) {
        lines.add_row([path, shown(&figure["value"]), shown(&figure["source"]), shown(&figure["seen"])]);
    }
    vec![heading, lines.to_string()]
}

/// Returns the figures below a value with their paths. A figure has a value and its source.
fn figures<'a>(path: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    let Value::Object(fields) = value else { return Vec::new() };
    if fields.contains_key("value") {
        return vec![(path.to_owned(), value)];
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    fields.iter().flat_map(|(name, value)| figures(&below(name), value)).collect()
}
