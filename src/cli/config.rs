//! `config` and `check-config`: the settings with their values and origins.

use registry_actors::config::SourceError;
use registry_actors::settings::Origin;
use serde::Serialize;
use serde_json::{Value, json};

use super::options::Common;
use super::output::{print, print_line, shown, table};
use crate::boot::{self, FetchResult, Openers};
use crate::settings::{ApiKeyOrigin, Database, ProcessSettings, SettingsFaults};

/// The text of a value that is not set, in tables. In the data it is empty, as in the API.
const NOT_SET: &str = "(not set)";

/// The setting of a process or of the planner. It shows no secret.
#[derive(Serialize)]
struct SettingEntry {
    setting: String,
    value: String,
    origin: Origin,
}

/// The settings that a service would have if it started now, and the rejected values.
struct Configuration {
    settings: Vec<SettingEntry>,
    faults: Vec<String>,
    warnings: Vec<String>,
}

/// Prints the settings of a running service, or those that a service would have if it started now.
pub(super) async fn run(arguments: &Common, settings: &ProcessSettings) -> anyhow::Result<()> {
    let answer = match arguments.server(settings)? {
        Some(remote) => served(&remote.get(&["subscriptions", "planner", "config"], &[]).await?),
        None => {
            let Configuration { settings, faults, warnings } = configuration(settings).await?;
            json!({"settings": settings, "faults": faults, "warnings": warnings})
        }
    };
    print(arguments.json, &answer, parts)
}

/// Returns the settings of the planner in the form of this command.
fn served(answer: &Value) -> Value {
    let values = answer["configuration"].as_object().into_iter().flatten();
    let settings: Vec<Value> = values
        .map(|(setting, value)| json!({"setting": setting, "value": value, "origin": answer["sources"][setting]}))
        .collect();
    json!({"settings": settings, "faults": [], "warnings": []})
}

fn parts(answer: &Value) -> Vec<String> {
    let mut lines = table(&["setting", "value", "origin"]);
    for of in super::output::list(&answer["settings"]) {
        let value = match of["value"].as_str() {
            Some("") => NOT_SET.to_owned(),
            _ => shown(&of["value"]),
        };
        lines.add_row([shown(&of["setting"]), value, described(&of["origin"])]);
    }
    let mut parts = vec![lines.to_string()];
    for (word, list) in [("fault", &answer["faults"]), ("warning", &answer["warnings"])] {
        parts.extend(super::output::list(list).iter().map(|text| format!("{word}: {}", shown(text))));
    }
    parts
}

fn described(origin: &Value) -> String {
    let word = shown(origin);
    let known = Origin::ALL.iter().find(|origin| origin.as_str() == word);
    known.map_or(word, |origin| origin.describe().to_owned())
}

/// Prints all settings, and fails if one of them is invalid.
pub(super) async fn check(settings: &ProcessSettings) -> anyhow::Result<()> {
    let Configuration { settings, faults, warnings } = configuration(settings).await?;
    // The faults are the error.
    print(false, &json!({"settings": settings, "warnings": warnings}), parts)?;
    if !faults.is_empty() {
        return Err(SettingsFaults(faults).into());
    }
    print_line("the configuration is valid")
}

async fn configuration(settings: &ProcessSettings) -> anyhow::Result<Configuration> {
    let answers = boot::fetch_once(settings).await?;
    let from_service = |value: &str| value.starts_with("(from the config service");
    // An empty variable counts as not set.
    let origin = |key: &str, value: &str| match std::env::var_os(key).filter(|given| !given.is_empty()) {
        Some(_) => Origin::Environment,
        None if from_service(value) => Origin::ConfigService,
        None => Origin::Default,
    };
    let (tls_key, tls_value) = settings.tls_value();
    let mut values = process_values(settings);
    values.push((tls_key.to_owned(), tls_value));
    values.extend(settings.trace_values().map(|(key, value)| (key.to_owned(), value)));
    values.extend(settings.gate_values().map(|(key, value)| (key.to_owned(), value)));
    values.extend(settings.ingest_values());
    values.extend(settings.capacity_values().map(|(key, value)| (key.to_owned(), value)));
    let entry = |(setting, value): (String, String)| {
        let origin = origin(&setting, &value);
        let value = if value == NOT_SET { String::new() } else { value };
        SettingEntry { setting, value, origin }
    };
    let mut entries: Vec<SettingEntry> = values.into_iter().map(entry).collect();
    let resolved = boot::effective(settings, answers.as_ref(), None).await;
    for (key, (value, origin)) in resolved.table.values() {
        entries.push(SettingEntry { setting: (*key).to_owned(), value: value.to_owned(), origin: *origin });
    }
    let mut faults: Vec<String> = resolved.refused.iter().map(ToString::to_string).collect();
    faults.extend(boot::unusable(settings, answers.as_ref(), Openers::default()));
    let mut warnings: Vec<String> = settings.traces.iter().flat_map(|traces| traces.warnings.clone()).collect();
    name_unanswered(answers, &mut faults, &mut warnings);
    Ok(Configuration { settings: entries, faults, warnings })
}

/// Adds a rejected key to the faults, and every other failure of the config service to the warnings.
fn name_unanswered(answers: Option<FetchResult>, faults: &mut Vec<String>, warnings: &mut Vec<String>) {
    match answers {
        Some(Err(fault @ SourceError::Unauthorized(_))) => faults.push(fault.to_string()),
        Some(Err(fault)) => warnings.push(fault.to_string()),
        Some(Ok(answers)) => {
            warnings.extend(answers.unanswered.into_iter().map(|(key, why)| format!("{key}: {why}")));
        }
        None => {}
    }
}

/// Returns the settings of the process from its environment.
fn process_values(settings: &ProcessSettings) -> Vec<(String, String)> {
    let has_own_key = std::env::var_os("CONFIG_SERVICE_API_KEY").is_some();
    let key = match settings.api_key_origin() {
        ApiKeyOrigin::Environment(_) => "set",
        ApiKeyOrigin::FromConfigService => "from the config service",
        ApiKeyOrigin::Made => "generated on first start, stored in DATA_DIR",
    };
    let database = match settings.database() {
        Database::Embedded => "not set: SQLite in DATA_DIR",
        Database::Url(_) => "set",
        Database::FromConfigService => "from the config service",
    };
    let redis = match (&settings.redis_url, &settings.config_service) {
        (Some(_), _) => "set",
        (None, Some(_)) => "from the config service, if set there",
        (None, None) => "not set: no shared cache",
    };
    let service = settings.config_service.as_ref().map_or(NOT_SET.to_owned(), |service| service.url.to_string());
    let probe_port = settings.probe_listen.map_or(NOT_SET.to_owned(), |address| address.port().to_string());
    let values = [
        ("BIND_ADDRESS", settings.listen.ip().to_string()),
        ("PORT", settings.listen.port().to_string()),
        ("PROBE_PORT", probe_port),
        ("ENVIRONMENT", settings.environment.clone()),
        ("DATA_DIR", settings.data_dir.display().to_string()),
        ("LOG_LEVEL", settings.log_level.clone()),
        ("LOG_FORMAT", settings.log_format.as_str().to_owned()),
        ("CONFIG_SERVICE_URL", service),
        ("DATABASE_URL", format!("({database})")),
        ("REDIS_URL", format!("({redis})")),
        ("INTERNAL_API_KEY", format!("({key})")),
        ("CONFIG_SERVICE_API_KEY", (if has_own_key { "(set)" } else { NOT_SET }).to_owned()),
        ("INSTRUMENT_REGISTRY_DEMO_CATALOGUE", settings.has_demonstration.to_string()),
        ("INSTRUMENT_REGISTRY_LEGACY_PLAN_ENCODING", settings.is_legacy_encoding.to_string()),
        ("INSTRUMENT_REGISTRY_SERVER_TIMING", settings.has_server_timing.to_string()),
    ];
    values.map(|(key, value)| (key.to_owned(), value)).into()
}
