//! Time per instrument in plans of different sizes.

use crate::field::{Field, Instance};
use crate::loader::Load;
use crate::process;
use crate::row::{Pairs, Row, Target};
use crate::service::Service;

const SIZES: [u32; 4] = [10, 100, 1_000, 5_000];

/// Number of connections: so few that the largest plans do not wait for each other.
const CONNECTIONS: u32 = 8;

/// Time per instrument, in µs.
#[derive(Default)]
struct Cost {
    elapsed_us: Vec<f64>,
    processor_us: Vec<f64>,
}

pub(super) async fn cost_per_instrument(field: &Field, work: &str) -> anyhow::Result<Vec<Row>> {
    let instance = Instance {
        purpose: "sizes",
        environment: vec![("INSTRUMENT_REGISTRY_MAX_INSTRUMENTS_PER_PLAN", "5000".to_owned())],
        ..Instance::default()
    };
    let registry = field.new_registry(instance).await?;
    let mut costs: [Cost; SIZES.len()] = Default::default();
    for round in 0..field.rounds {
        for (size, cost) in SIZES.into_iter().zip(&mut costs) {
            let (elapsed_us, processor_us) = measure(field, &registry, size).await?;
            let round = round + 1;
            field.say(&format!(
                "size {round}/{}: {size} instruments, {elapsed_us:.3} µs and {processor_us:.3} µs of CPU time per instrument",
                field.rounds
            ));
            cost.elapsed_us.push(elapsed_us);
            cost.processor_us.push(processor_us);
        }
    }

    let [tens, hundreds, thousands, most] = &costs;
    let row = |what: &str, ours: &[f64], other: &[f64], most: Option<f64>| {
        let pairs = Pairs { ours: ours.to_vec(), other: other.to_vec() };
        Row::ratio(work, what, "µs", &pairs, most.map(Target::AtMost))
    };
    let elapsed = |what: &str, ours: &Cost, other: &Cost, most| row(what, &ours.elapsed_us, &other.elapsed_us, most);
    let processor = |what: &str, ours: &Cost, other: &Cost| row(what, &ours.processor_us, &other.processor_us, None);
    Ok(vec![
        elapsed("time per instrument, 5,000 / 1,000", most, thousands, Some(1.1)),
        elapsed("time per instrument, 1,000 / 100", thousands, hundreds, Some(1.0)),
        elapsed("time per instrument, 100 / 10", hundreds, tens, None),
        processor("CPU time per instrument, 5,000 / 1,000", most, thousands),
        processor("CPU time per instrument, 1,000 / 100", thousands, hundreds),
    ])
}

async fn measure(field: &Field, registry: &Service, size: u32) -> anyhow::Result<(f64, f64)> {
    let load = Load::of("cold").with("instruments", size).with("connections", CONNECTIONS);
    field.loader.run(load.clone().with("seconds", 1), registry).await?;
    let before = process::processor_seconds(registry.pid()?)?;
    let report = field.loader.run(load.with("seconds", field.seconds), registry).await?;
    let processor_seconds = process::processor_seconds(registry.pid()?)? - before;
    let instruments = report.goodput_per_second * report.seconds * f64::from(size);
    Ok((report.seconds * 1e6 / instruments, processor_seconds * 1e6 / instruments))
}
