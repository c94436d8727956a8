//! Measures every hot operation: `cargo bench -p registry-benches`, with a part of a name to select some of them.

use criterion::Criterion;
use registry_benches::CASES;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for case in CASES {
        let mut operation = None;
        criterion.bench_function(case.name, |bencher| {
            // Created lazily, because a filter on the command line excludes others.
            let operation = operation.get_or_insert_with(|| (case.make)().expect("this machine can prepare it"));
            bencher.iter(operation);
        });
    }
    criterion.final_summary();
}
