//! Time per instrument in plans of different sizes.

use crate::field::{Field, Instance};
use crate::loader::Load;
use crate::process;
use crate::row::{Pairs, Row, Target};
use crate::service::Service;

const SIZES: [u32; 4] = [10, 100, 1_000, 5_000];

/// Number of connections: so few that the largest plans do not wait for each other.
const CONNECTIONS: u32 = 8;

pub(super) async fn cost_per_instrument(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let instance = Instance {
        purpose: "sizes",
        environment: vec![("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "5000".to_owned())],
        ..Instance::default()
    };
    let registry = field.new_registry(instance).await?;
    let (mut elapsed, mut processor) = ([const { Vec::new() }; SIZES.len()], [const { Vec::new() }; SIZES.len()]);
    for round in 1..=field.rounds {
        for (place, size) in SIZES.into_iter().enumerate() {
            let (elapsed_us, processor_us) = measure(field, &registry, size).await?;
            field.say(&format!(
                "size {round}/{}: {size} instruments, {elapsed_us:.3} µs and {processor_us:.3} µs of CPU time per instrument",
                field.rounds
            ));
            elapsed[place].push(elapsed_us);
            processor[place].push(processor_us);
        }
    }
    let row = |what: &str, times: &[Vec<f64>], most: Option<f64>| {
        let pairs = Pairs { ours: times[1].clone(), other: times[0].clone() };
        Row::ratio(work, what, "µs", &pairs, most.map(Target::AtMost))
    };
    Ok(vec![
        row("time per instrument, 5,000 / 1,000", &elapsed[2..], Some(1.1)),
        row("time per instrument, 1,000 / 100", &elapsed[1..], Some(1.0)),
        row("time per instrument, 100 / 10", &elapsed, None),
        row("CPU time per instrument, 5,000 / 1,000", &processor[2..], None),
        row("CPU time per instrument, 1,000 / 100", &processor[1..], None),
    ])
}

/// Returns the elapsed time and the service's CPU time per instrument, in µs.
async fn measure(field: &Field, registry: &Service, size: u32) -> anyhow::Result<(f64, f64)> {
    let load = Load::of("cold").with("instruments", size).with("connections", CONNECTIONS);
    field.loader.run(load.clone().with("seconds", 1), registry).await?;
    let before = process::processor_seconds(registry.pid()?)?;
    let report = field.loader.run(load.with("seconds", field.seconds), registry).await?;
    let processor_seconds = process::processor_seconds(registry.pid()?)? - before;
    let instruments = report.goodput_per_second * report.seconds * f64::from(size);
    Ok((report.seconds * 1e6 / instruments, processor_seconds * 1e6 / instruments))
}
