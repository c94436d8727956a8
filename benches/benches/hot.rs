//! Times every hot operation: `cargo bench -p registry-benches`, with part of a name for some of them.

use criterion::Criterion;
use registry_benches::CASES;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for case in CASES {
        let mut operation = None;
        criterion.bench_function(case.name, |bencher| {
            // Made when it is its turn: a name on the command line leaves the others out.
            let operation = operation.get_or_insert_with(|| (case.make)().expect("this machine can prepare it"));
            bencher.iter(operation);
        });
    }
    criterion.final_summary();
}
