//! `verify`: compares a stored plan with the stored catalog.

use std::sync::Arc;

use anyhow::bail;
use chrono::{NaiveDate, Utc};
use registry_planning::basis::Basis;
use registry_planning::broker::BrokerModels;
use registry_planning::plan::describe::trading_date;
use registry_planning::transition::{ActionCounts, PlanDiff, diff};
use registry_planning::verify::{ChangedValue, InstrumentChange, Verdict, Verification, replan, verify};
use registry_planning::vocabulary::counted;
use serde::Serialize;

use super::{catalogue, date, print_line, resolve, table};
use crate::settings::ProcessSettings;

#[derive(clap::Args)]
pub(super) struct VerifyArguments {
    /// Id of the plan.
    plan_id: String,
    /// Trading date on which contracts count as expired [default: today in Asia/Kolkata].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    as_of: Option<NaiveDate>,
    /// Print all instruments as JSON instead of a table of those that changed.
    #[arg(long)]
    json: bool,
}

/// A verification, and what a new plan would change.
#[derive(Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    verification: Verification<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replan: Option<PlanDiff<'a>>,
}

pub(super) async fn run(arguments: VerifyArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let store = resolve(settings).await?.store;
    let now = Utc::now();
    let plan = store.plan(&arguments.plan_id).await?;
    let catalogue = catalogue(&*store, settings, now).await?;
    store.close().await;
    let Some(plan) = plan else { bail!("the plan `{}` does not exist", arguments.plan_id) };

    let brokers = BrokerModels::embedded().with_capacity(Arc::clone(&settings.capacity));
    let today = arguments.as_of.unwrap_or_else(|| trading_date(now));
    let basis = Basis { catalogue: &catalogue, brokers: &brokers };
    let new_plan = replan(&plan, basis, today);
    let replan = new_plan.as_ref().and_then(|new_plan| diff(Some(&plan), new_plan).ok());
    let output = Output { verification: verify(&plan, basis, today), replan };
    if arguments.json { print_line(&serde_json::to_string_pretty(&output)?) } else { print(&output) }
}

fn print(Output { verification, replan }: &Output<'_>) -> anyhow::Result<()> {
    if verification.stale_instruments > 0 {
        print_line(&changed_instruments(verification).to_string())?;
    }
    print_line(&summary(verification))?;
    replan.as_ref().map_or(Ok(()), |diff| print_line(&replan_line(diff)))
}

/// Returns the effect of a new plan.
fn replan_line(PlanDiff { counts, unchanged, .. }: &PlanDiff<'_>) -> String {
    let ActionCounts { subscribe, unsubscribe, change_mode, r#move } = counts;
    format!(
        "a new plan would subscribe {subscribe}, unsubscribe {unsubscribe}, change the mode of {change_mode}, move \
         {move}, and keep {unchanged}"
    )
}

/// Returns a table of the instruments that changed.
fn changed_instruments(verification: &Verification<'_>) -> comfy_table::Table {
    let mut lines = table(&["instrument", "verdict", "changes"]);
    for of in verification.instruments.iter().filter(|of| of.verdict != Verdict::Unchanged) {
        let changes: Vec<String> = of.changes.iter().map(change).collect();
        lines.add_row([of.instrument.to_owned(), of.verdict.to_string(), changes.join("\n")]);
    }
    lines
}

fn change(of: &InstrumentChange<'_>) -> String {
    let value = |value: &Option<ChangedValue<'_>>| match value {
        None => "none".to_owned(),
        Some(ChangedValue::Text(text)) => text.to_string(),
        Some(ChangedValue::Number(number)) => number.to_string(),
    };
    format!("{}: {} → {}", of.field, value(&of.from), value(&of.to))
}

fn summary(verification: &Verification<'_>) -> String {
    let Verification { basis, as_of, catalogue, counts, instruments, .. } = verification;
    let counts: Vec<String> =
        counts.iter().filter(|(_, count)| **count > 0).map(|(verdict, count)| format!("{count} {verdict}")).collect();
    let counts = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    format!(
        "{} on {as_of}: {counts}\ncompared by {basis}; catalog version {} in the plan, {} now",
        counted(instruments.len(), "instrument"),
        catalogue.planned,
        catalogue.current,
    )
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    use registry_planning::instrument::Amount;
    use registry_planning::verify::{ChangedField, VerificationBasis, VerifiedCatalogue, VerifiedInstrument};

    use super::*;

    fn verification() -> Verification<'static> {
        let text = |text: &'static str| Some(ChangedValue::Text(Cow::Borrowed(text)));
        let number = |number: &str| Some(ChangedValue::Number(Amount::parse(number).unwrap()));
        let changes = vec![
            InstrumentChange { field: ChangedField::BrokerToken, from: text("1"), to: None },
            InstrumentChange { field: ChangedField::LotSize, from: number("50"), to: number("75") },
        ];
        Verification {
            plan_id: "plan_1",
            basis: VerificationBasis::Identities,
            as_of: NaiveDate::from_ymd_opt(2026, 11, 30).unwrap(),
            catalogue: VerifiedCatalogue { planned: "6", current: "7", has_changed: true },
            counts: BTreeMap::from([(Verdict::TokenChanged, 1), (Verdict::Gone, 0), (Verdict::Unchanged, 1)]),
            stale_instruments: 1,
            instruments: vec![
                VerifiedInstrument { instrument: "NFO:A", verdict: Verdict::TokenChanged, changes },
                VerifiedInstrument { instrument: "NFO:B", verdict: Verdict::Unchanged, changes: Vec::new() },
            ],
        }
    }

    #[test]
    fn the_table_has_only_what_changed() {
        let table = changed_instruments(&verification()).to_string();

        assert!(table.contains("NFO:A") && table.contains("token_changed"), "{table}");
        assert!(table.contains("broker_token: 1 → none") && table.contains("lot_size: 50 → 75"), "{table}");
        assert!(!table.contains("NFO:B"), "{table}");
    }

    #[test]
    fn the_effect_of_a_new_plan_is_counted() {
        let counts = ActionCounts { subscribe: 1, unsubscribe: 2, change_mode: 3, r#move: 4 };

        assert_eq!(
            replan_line(&PlanDiff { actions: Vec::new(), counts, unchanged: 5 }),
            "a new plan would subscribe 1, unsubscribe 2, change the mode of 3, move 4, and keep 5"
        );
    }

    #[test]
    fn the_summary_counts_the_verdicts() {
        assert_eq!(
            summary(&verification()),
            "2 instruments on 2026-11-30: 1 token_changed, 1 unchanged\n\
             compared by identities; catalog version 6 in the plan, 7 now"
        );
        let empty = Verification { counts: BTreeMap::new(), instruments: Vec::new(), ..verification() };
        assert!(summary(&empty).starts_with("0 instruments on 2026-11-30: none\n"));
    }
}
