//! `verify`: compares a stored plan with the catalog, of the database or of a running service.

use chrono::{NaiveDate, Utc};
use registry_planning::plan::describe::trading_date;
use registry_planning::transition::{PlanDiff, diff};
use registry_planning::verify::{Verification, replan, verify};
use registry_planning::vocabulary::counted;
use serde::Serialize;
use serde_json::Value;

use super::date;
use super::options::{Common, SERVER_VARIABLE, usage};
use super::output::{list, print, shown, table};
use super::stored::StoredPlans;
use crate::settings::ProcessSettings;

#[derive(clap::Args)]
pub(super) struct VerifyArguments {
    /// Id of the plan.
    plan_id: String,
    /// Trading date on which contracts count as expired [default: today in Asia/Kolkata].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date, conflicts_with = "server")]
    as_of: Option<NaiveDate>,
    #[command(flatten)]
    common: Common,
}

/// A verification, and what a new plan would change.
#[derive(Serialize)]
struct VerifyOutput<'a> {
    #[serde(flatten)]
    verification: Verification<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replan: Option<PlanDiff<'a>>,
}

pub(super) async fn run(arguments: VerifyArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let answer = match arguments.common.server(settings)? {
        Some(_) if arguments.as_of.is_some() => {
            return Err(usage(&format!("--as-of cannot be combined with a server; unset {SERVER_VARIABLE}")));
        }
        Some(remote) => remote.get(&["subscriptions", "plans", &arguments.plan_id, "verify"], &[]).await?,
        None => verified(&arguments, settings).await?,
    };
    print(arguments.common.json, &answer, parts)
}

async fn verified(arguments: &VerifyArguments, settings: &ProcessSettings) -> anyhow::Result<Value> {
    let StoredPlans { to: plan, snapshot, .. } = StoredPlans::load(&arguments.plan_id, None, settings).await?;
    let today = arguments.as_of.unwrap_or_else(|| trading_date(Utc::now()));
    let basis = snapshot.basis();
    let new_plan = replan(&plan, basis, snapshot.settings.max_instruments_per_plan, today);
    let replan = new_plan.as_ref().and_then(|new_plan| diff(Some(&plan), new_plan).ok());
    Ok(serde_json::to_value(VerifyOutput { verification: verify(&plan, basis, today), replan })?)
}

/// Returns the instruments that changed, the counts, and the effect of a new plan.
fn parts(answer: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    if answer["stale_instruments"] != 0 {
        let mut lines = table(&["instrument", "verdict", "changes"]);
        for of in list(&answer["instruments"]).iter().filter(|of| of["verdict"] != "unchanged") {
            let changes: Vec<String> = list(&of["changes"]).iter().map(change).collect();
            lines.add_row([shown(&of["instrument"]), shown(&of["verdict"]), changes.join("\n")]);
        }
        parts.push(lines.to_string());
    }
    parts.push(summary(answer));
    if let Value::Object(_) = &answer["replan"] {
        let count = |name: &str| shown(&answer["replan"]["counts"][name]);
        parts.push(format!(
            "a new plan would subscribe {}, unsubscribe {}, change the mode of {}, move {}, and keep {}",
            count("subscribe"),
            count("unsubscribe"),
            count("change_mode"),
            count("move"),
            shown(&answer["replan"]["unchanged"])
        ));
    }
    parts
}

fn change(of: &Value) -> String {
    let value = |value: &Value| if value.is_null() { "none".to_owned() } else { shown(value) };
    format!("{}: {} → {}", shown(&of["field"]), value(&of["from"]), value(&of["to"]))
}

fn summary(answer: &Value) -> String {
    let counts = answer["counts"].as_object().into_iter().flatten();
    let counts: Vec<String> =
        counts.filter(|(_, count)| **count != 0).map(|(verdict, count)| format!("{count} {verdict}")).collect();
    let counts = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    format!(
        "{} on {}: {counts}\ncompared by {}; catalog version {} in the plan, {} now",
        counted(list(&answer["instruments"]).len() as u64, "instrument"),
        shown(&answer["as_of"]),
        shown(&answer["basis"]),
        shown(&answer["catalogue"]["planned"]),
        shown(&answer["catalogue"]["current"]),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        let changes = json!([
            {"field": "broker_token", "from": "1", "to": null},
            {"field": "lot_size", "from": 50, "to": 75},
        ]);
        json!({
            "plan_id": "plan_1", "basis": "identities", "as_of": "2026-11-30",
            "catalogue": {"planned": "6", "current": "7", "has_changed": true},
            "counts": {"token_changed": 1, "gone": 0, "unchanged": 1}, "stale_instruments": 1,
            "instruments": [
                {"instrument": "NFO:A", "verdict": "token_changed", "changes": changes},
                {"instrument": "NFO:B", "verdict": "unchanged", "changes": []},
            ],
            "replan": {
                "counts": {"subscribe": 1, "unsubscribe": 2, "change_mode": 3, "move": 4}, "unchanged": 5,
            },
        })
    }

    #[test]
    fn the_table_contains_only_changes() {
        let table = &parts(&answer())[0];

        assert!(table.contains("NFO:A") && table.contains("token_changed"), "{table}");
        assert!(table.contains("broker_token: 1 → none") && table.contains("lot_size: 50 → 75"), "{table}");
        assert!(!table.contains("NFO:B"), "{table}");
    }

    #[test]
    fn counts_of_changes_and_of_a_new_plan_are_shown() {
        assert_eq!(
            parts(&answer())[1..],
            [
                "2 instruments on 2026-11-30: 1 token_changed, 1 unchanged\n\
                 compared by identities; catalog version 6 in the plan, 7 now",
                "a new plan would subscribe 1, unsubscribe 2, change the mode of 3, move 4, and keep 5",
            ]
        );
        let empty = json!({"as_of": "2026-11-30", "stale_instruments": 0});
        assert!(parts(&empty)[0].starts_with("0 instruments on 2026-11-30: none\n"));
    }
}
