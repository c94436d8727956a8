//! A thousand callers request the same new plan at the same time.

use crate::field::Field;
use crate::loader::Load;
use crate::row::{Row, Target};

const CALLERS: u32 = 1000;
const PLANNED: &str = "instrument_registry_subscription_plans_created_total";

pub(super) async fn planned_once(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let registry = field.registry().await?;
    let planned = async || registry.metric(PLANNED, &[]).await;
    let load = Load::of("hot-key").with("connections", CALLERS).with("requests", CALLERS).with("seconds", 60);

    let (mut planned_each, mut stored_each) = (Vec::new(), Vec::new());
    let (mut answered_each, mut slowest) = (Vec::new(), Vec::new());
    for round in 0..field.rounds {
        let (planned_before, stored_before) = (planned().await?, registry.plans_stored().await?);
        let report = field.loader.run(load.clone(), &registry).await?;
        answered_each.push((report.sent - report.refused.count) as f64);
        planned_each.push(planned().await? - planned_before);
        stored_each.push((registry.plans_stored().await? - stored_before) as f64);
        slowest.push(report.latency()?.p99_ms);
        field.say(&format!("hot-key {}/{}: {} callers", round + 1, field.rounds, report.sent));
    }

    let what = |verb: &str| format!("plans {verb} for {CALLERS} callers");
    Ok(vec![
        Row::figure(work, what("created"), "", &planned_each, Target::Exactly(1.0)),
        Row::figure(work, what("stored"), "", &stored_each, Target::Exactly(1.0)),
        Row::figure(work, "callers that got the plan", "", &answered_each, Target::Exactly(f64::from(CALLERS))),
        Row::figure(work, "p99 of all callers", "ms", &slowest, None),
    ])
}
