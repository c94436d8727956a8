//! Plans of a running service, which are neither stored nor cached.

use std::collections::BTreeMap;

use anyhow::bail;
use registry_planning::feed::{Accounts, StreamOptions};
use registry_planning::source::{ItemInstruments, PlanItem, Source};
use registry_planning::subscriptions::SubscriptionForm;
use serde_json::{Map, Value, json};

use super::tables::ShownPlan;
use super::{KEYS_MAX, PlanArguments};
use crate::cli::options::usage;
use crate::cli::output::{list, shown};
use crate::cli::remote::Remote;

/// Creates a plan by a service.
///
/// # Errors
/// A usage error for options that only a stored plan or the stored catalog has.
pub(super) async fn request_plan(
    arguments: &PlanArguments,
    source: &Source,
    feed: &StreamOptions,
    remote: &Remote,
) -> anyhow::Result<ShownPlan> {
    if arguments.explain.is_some() {
        return Err(usage("--explain cannot be combined with a server; store the plan and run `explain`"));
    }
    if matches!(arguments.format, Some(SubscriptionForm::Sdk(_))) {
        return Err(usage("--format of an SDK cannot be combined with a server; store the plan and run `schedule`"));
    }
    let mut query = vec![("user_id", super::USER.to_owned())];
    if feed.broker.is_some() {
        query.push(("include", "subscriptions".to_owned()));
    }
    let mut answer = remote.post(&["subscriptions", "plan"], &query, &body(arguments, source, feed)?).await?;
    let plan = answer["plan_data"].take();
    let instruments = if arguments.common.json { BTreeMap::new() } else { instruments(&plan, remote).await? };
    Ok(ShownPlan { subscriptions: answer["subscriptions"].take(), instruments, plan })
}

fn body(arguments: &PlanArguments, source: &Source, feed: &StreamOptions) -> anyhow::Result<Value> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    set("plan_name", Some(json!(super::PLAN_NAME)));
    set("subscription_type", Some(json!("live_feed")));
    set("dry_run", Some(json!(true)));
    let (name, entries) = match source {
        Source::Keys(keys) if keys.len() <= KEYS_MAX => ("instruments", keys.iter().map(Value::from).collect()),
        Source::Keys(keys) => ("items", keys.iter().map(|key| json!({"instrument": key})).collect()),
        Source::Items(items) => ("items", items.iter().map(item).collect()),
        _ => bail!("expected keys"),
    };
    set(name, Some(entries));
    set("optimization_level", arguments.optimization.map(|level| json!(level)));
    set("filtering_strictness", arguments.strictness.map(|strictness| json!(strictness)));
    set("as_of", arguments.as_of.map(|date| json!(date)));
    set("broker", feed.broker.map(|broker| json!(broker)));
    set("mode", feed.mode.map(|mode| json!(mode)));
    set("min_mode", feed.min_mode.map(|mode| json!(mode)));
    set("tier", feed.tier.as_ref().map(|tier| json!(tier)));
    set(
        "accounts",
        feed.accounts.as_ref().map(|accounts| match accounts {
            Accounts::Count(count) => json!(count),
            Accounts::Named(names) => json!(names),
        }),
    );
    set("connections", feed.connections.map(|count| json!(count)));
    set("placement", feed.placement.map(|placement| json!(placement)));
    Ok(Value::Object(body))
}

fn item(item: &PlanItem) -> Value {
    let mut entry = json!({"priority": item.options.priority, "pinned": item.options.is_pinned});
    if let ItemInstruments::Key(key) = &item.instruments {
        entry["instrument"] = json!(key);
    }
    for (name, mode) in [("mode", item.options.mode), ("min_mode", item.options.min_mode)] {
        if let Some(mode) = mode {
            entry[name] = json!(mode);
        }
    }
    entry
}

/// Returns the instruments of a plan that the catalog of the service has.
async fn instruments(plan: &Value, remote: &Remote) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    for keys in list(&plan["instruments"]).chunks(KEYS_MAX) {
        let mut answer = remote.post(&["instruments:batchResolve"], &[], &json!({"instruments": keys})).await?;
        let results = answer["results"].as_array_mut().into_iter().flatten();
        let results = results.filter(|of| of["instrument"].is_object());
        found.extend(results.map(|of| (shown(&of["requested"]), of["instrument"].take())));
    }
    Ok(found)
}
