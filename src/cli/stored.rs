//! `diff`, `schedule` and `explain`: compares, schedules and explains stored plans, of the database or of a running
//! service.

mod tables;

use std::sync::Arc;

use anyhow::{anyhow, bail};
use chrono::Utc;
use registry_actors::snapshot::Snapshot;
use registry_planning::broker::BrokerModels;
use registry_planning::explain::{NotInPlan, explain};
use registry_planning::plan::Plan;
use registry_planning::subscriptions::{PlanSubscriptions, SubscriptionForm};
use registry_planning::transition::{ScheduleOptions, diff, request_schedule, schedule, write_batches};
use serde_json::{Value, json};

pub(super) use self::tables::print_explanation;
use super::options::Common;
use super::output::print;
use super::{catalogue, form, resolve};
use crate::boot::Resources;
use crate::settings::ProcessSettings;

#[derive(clap::Args)]
pub(super) struct DiffArguments {
    /// Id of the plan.
    plan_id: String,
    /// Id of the earlier plan [default: an empty plan].
    #[arg(long, value_name = "PLAN_ID")]
    from: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
pub(super) struct ScheduleArguments {
    /// Id of the plan.
    plan_id: String,
    /// Id of the earlier plan [default: nothing is subscribed].
    #[arg(long, value_name = "PLAN_ID")]
    from: Option<String>,
    /// Only the messages of this connection, for example after a reconnect.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    connection: Option<u32>,
    /// Print the messages as JSON: `json`, or the broker of the plan for the arguments of its SDK.
    #[arg(long, value_parser = form)]
    format: Option<SubscriptionForm>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
pub(super) struct ExplainArguments {
    /// Id of the plan.
    plan_id: String,
    /// Key of an instrument, as the request of the plan has it.
    key: String,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run_diff(arguments: DiffArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let DiffArguments { plan_id, from, common } = arguments;
    let answer = match common.server(settings)? {
        Some(remote) => {
            let query: Vec<_> = from.into_iter().map(|from| ("from", from)).collect();
            remote.get(&["subscriptions", "plans", &plan_id, "diff"], &query).await?
        }
        None => {
            let stored = StoredPlans::load(&plan_id, from.as_deref(), settings).await?;
            let diff = diff(stored.from.as_ref(), &stored.to).map_err(|fault| anyhow!("{fault}"))?;
            stored.with_ids(serde_json::to_value(&diff)?)
        }
    };
    print(common.json, &answer, tables::diff_parts)
}

pub(super) async fn run_schedule(arguments: ScheduleArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let ScheduleArguments { plan_id, from, connection, format, common } = arguments;
    let answer = match common.server(settings)? {
        Some(remote) => {
            let from = from.map(|from| ("from", from));
            let connection = connection.map(|connection| ("connection", connection.to_string()));
            let format = format.map(|format| ("format", format.as_str().to_owned()));
            let query: Vec<_> = [from, connection, format].into_iter().flatten().collect();
            remote.get(&["subscriptions", "plans", &plan_id, "schedule"], &query).await?
        }
        None => {
            let stored = StoredPlans::load(&plan_id, from.as_deref(), settings).await?;
            stored.schedule(connection, format.unwrap_or(SubscriptionForm::List))?
        }
    };
    print(common.json || format.is_some(), &answer, tables::schedule_parts)
}

pub(super) async fn run_explain(arguments: ExplainArguments, settings: &ProcessSettings) -> anyhow::Result<()> {
    let ExplainArguments { plan_id, key, common } = arguments;
    let answer = match common.server(settings)? {
        Some(remote) => {
            let query = [("instrument", key)];
            remote.get(&["subscriptions", "plans", &plan_id, "explain"], &query).await?
        }
        None => {
            let stored = StoredPlans::load(&plan_id, None, settings).await?;
            explanation(&stored.to, &key, &stored.snapshot)?
        }
    };
    print(common.json, &answer, |answer| vec![tables::explanation(answer)])
}

pub(super) fn explanation(plan: &Plan, key: &str, snapshot: &Snapshot) -> anyhow::Result<Value> {
    match explain(plan, key, snapshot.basis()) {
        Ok(explanation) => Ok(serde_json::to_value(&explanation)?),
        Err(NotInPlan { suggestions }) if suggestions.is_empty() => {
            bail!("`{key}` is not among the keys of the plan")
        }
        Err(NotInPlan { suggestions }) => {
            bail!("`{key}` is not among the keys of the plan; it contains {}", suggestions.join(", "))
        }
    }
}

/// A stored plan, an earlier one, and what they are compared with.
pub(super) struct StoredPlans {
    from: Option<Plan>,
    pub(super) to: Plan,
    pub(super) snapshot: Snapshot,
}

impl StoredPlans {
    /// Reads the plans of one user, the catalog and the settings from the database.
    ///
    /// # Errors
    /// If a plan does not exist, or if the earlier one is of another user.
    pub(super) async fn load(plan_id: &str, from: Option<&str>, settings: &ProcessSettings) -> anyhow::Result<Self> {
        let Resources { store, settings: planner, .. } = resolve(settings).await?;
        let to = store.plan(plan_id).await?;
        let earlier = match from {
            Some(from) => store.plan(from).await?,
            None => None,
        };
        let catalogue = Arc::new(catalogue(&*store, settings, Utc::now()).await?);
        store.close().await;
        let missing = |id: &str| anyhow!("the plan `{id}` does not exist");
        let to = to.ok_or_else(|| missing(plan_id))?;
        if let Some(from) = from
            && earlier.as_ref().is_none_or(|earlier| earlier.user_id != to.user_id)
        {
            return Err(missing(from).context(format!("--from: the user of the plan has no plan `{from}`")));
        }
        let brokers = BrokerModels::embedded().with_capacity(Arc::clone(&settings.capacity));
        Ok(StoredPlans { from: earlier, to, snapshot: Snapshot::new(&planner, catalogue, Arc::new(brokers)) })
    }

    /// Checks the connection and the form of a schedule, as the API does.
    fn check_choices(&self, connection: Option<u32>, form: SubscriptionForm) -> anyhow::Result<()> {
        let Some(part) = self.to.metadata.broker_part.as_deref() else { return Ok(()) };
        if let Some(fault) = form.fault_at(part.allocation.broker) {
            bail!("--format: {fault}");
        }
        let plans = [Some(&self.to), self.from.as_ref()].into_iter().flatten();
        let mut numbers = plans.filter_map(PlanSubscriptions::of).flat_map(|of| of.connection_numbers());
        if let Some(connection) = connection
            && !numbers.any(|number| number == connection)
        {
            bail!("--connection: the plan has no connection {connection}");
        }
        if form != SubscriptionForm::List && PlanSubscriptions::of(&self.to).is_some_and(|of| of.lacks_tokens()) {
            bail!(
                "--format: no file of {} lists an instrument of the plan; use `--format json`",
                part.allocation.broker
            );
        }
        Ok(())
    }

    /// Adds the ids and the broker of the plans, as the API does.
    fn with_ids(&self, mut answer: Value) -> Value {
        answer["plan_id"] = json!(self.to.plan_id);
        if let Some(part) = self.to.metadata.broker_part.as_deref() {
            answer["broker"] = json!(part.allocation.broker);
        }
        if let Some(from) = &self.from {
            answer["from"] = json!(from.plan_id);
        }
        answer
    }

    fn schedule(&self, connection: Option<u32>, form: SubscriptionForm) -> anyhow::Result<Value> {
        let basis = self.snapshot.basis();
        let historical = self.from.is_none().then(|| request_schedule(&self.to, basis)).flatten();
        let found = match historical {
            Some(schedule) => schedule,
            None => schedule(self.from.as_ref(), &self.to, ScheduleOptions { connection }, basis)
                .map_err(|fault| anyhow!("{fault}"))?,
        };
        self.check_choices(connection, form)?;
        let mut batches = Vec::new();
        write_batches(form, &found.batches, &mut batches);
        let mut answer = json!({
            "time_to_ready_ms": found.time_to_ready_ms,
            "ready": serde_json::to_value(&found.ready)?,
            "warnings": found.warnings,
        });
        answer["format"] = json!(form.as_str());
        answer["batches"] = serde_json::from_slice(&batches)?;
        Ok(self.with_ids(answer))
    }
}
