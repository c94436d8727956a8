//! Checks that the yardstick is not slower than the external one.

use crate::field::Field;
use crate::loader::Load;
use crate::row::{Row, Target};
use crate::works::{CONNECTIONS, WARMUP_SECONDS};

/// Approximate length of the response to a plan request with a hundred instruments, in bytes.
const ANSWER_BYTES: u64 = 2_000;

pub(super) fn as_fast_as_the_anchor(field: &Field) -> anyhow::Result<Vec<Row>> {
    let Some(anchor) = field.anchor()? else {
        field.say("skipped: yardstick requires --anchor to compare with");
        return Ok(vec![Row::skipped("yardstick", "requires --anchor to compare with")]);
    };
    let yardstick = field.yardstick()?;

    let mut rows = Vec::new();
    let works =
        [("new plans", "cold"), ("repeats", "warm"), ("plans by id", "read"), ("hello", "hello"), ("echo", "echo")];
    for (what, scenario) in works {
        let load = Load::of(scenario).connections(CONNECTIONS).seconds(field.seconds).warmup_seconds(WARMUP_SECONDS);
        let load = if matches!(scenario, "hello" | "echo") { load.answer_bytes(ANSWER_BYTES) } else { load };
        let rate = |service, seed| Ok(field.loader.run(load.clone().seed(seed), service)?.goodput_per_second);
        let work = format!("yardstick {what}");
        let pairs = field.alternate(&work, "responses/s", |seed| rate(&yardstick, seed), |seed| rate(&anchor, seed))?;
        rows.push(Row::ratio(
            "yardstick",
            format!("{what}, compared with the anchor"),
            "responses/s",
            &pairs,
            Target::AtLeast(0.95),
        ));
    }
    Ok(rows)
}
