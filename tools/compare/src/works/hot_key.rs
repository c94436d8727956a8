//! A thousand callers request the same new plan at the same time.

use crate::exposition;
use crate::field::Field;
use crate::loader::Load;
use crate::row::{Row, Target};

const CALLERS: u32 = 1000;

const PLANNED: &str = "instrument_registry_subscription_plans_created_total";

pub(super) fn planned_once(field: &Field) -> anyhow::Result<Vec<Row>> {
    let registry = field.registry()?;
    let planned = || Ok::<_, anyhow::Error>(exposition::sum(&registry.get("/metrics")?.0, PLANNED));
    let stored = || Ok::<_, anyhow::Error>(registry.plans_stored()? as f64);
    let load = Load::of("hot-key").connections(CALLERS).requests(CALLERS.into()).seconds(60);

    let (mut planned_each, mut stored_each) = (Vec::new(), Vec::new());
    let (mut answered_each, mut slowest) = (Vec::new(), Vec::new());
    for round in 0..field.rounds {
        let before = (planned()?, stored()?);
        let report = field.loader.run(load.clone().seed(field.loader.seed()), &registry)?;
        let refused = report.refused.as_ref().map_or(0, |refused| refused.count);
        answered_each.push((report.sent - refused) as f64);
        planned_each.push(planned()? - before.0);
        stored_each.push(stored()? - before.1);
        slowest.push(report.latency()?.p99_ms);
        field.say(&format!("hot-key {}/{}: {} callers", round + 1, field.rounds, report.sent));
    }

    let what = |verb: &str| format!("plans {verb} for {CALLERS} callers");
    Ok(vec![
        Row::figure("hot-key", what("created"), "", &planned_each, Target::Exactly(1.0)),
        Row::figure("hot-key", what("stored"), "", &stored_each, Target::Exactly(1.0)),
        Row::figure("hot-key", "callers that got the plan", "", &answered_each, Target::Exactly(f64::from(CALLERS))),
        Row::figure("hot-key", "p99 of all callers", "ms", &slowest, None),
    ])
}
