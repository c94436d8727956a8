//! Measures how the time of an operation grows with the number of instruments.
//!
//! The time is the processor time of the thread. In wall-clock time, other processes delay long operations by more than
//! short ones, and the growth would look larger than it is. Ten small inputs are processed in turn and compared with a
//! large one of ten times their size, because a single small one would stay in the processor's caches.

use std::hint::black_box;
use std::io::{self, Write};

use registry_planning::catalogue::{Builder, Catalogue};
use registry_planning::dump::Row;
use registry_planning::vocabulary::Broker;
use rustix::time::{ClockId, clock_gettime};

use crate::median;

/// The maximum of the time for ten times as many instruments, as a multiple.
const RATIO_MAX: f64 = 12.0;

/// Returns ten small inputs, for the numbers 0 to 9, and a large one.
pub(crate) fn inputs<T>(small: usize, large: usize, input: impl Fn(usize, u64) -> T) -> [Vec<T>; 2] {
    assert_eq!(large, 10 * small);
    [(0..10).map(|number| input(small, number)).collect(), vec![input(large, 10)]]
}

/// Writes the line of one operation: its times for a small and for a large input in milliseconds, and their ratio.
pub(crate) fn write_growth<T>(
    out: &mut impl Write,
    name: &str,
    rounds: usize,
    inputs: &[Vec<T>; 2],
    work: impl Fn(&T),
) -> io::Result<()> {
    let [small, large] = inputs.each_ref().map(|inputs| median_ms(rounds, inputs, &work));
    let ratio = large / small;
    let gate = if ratio <= RATIO_MAX { "holds" } else { "MISSED" };
    writeln!(out, "{name:<58} {small:>9.2} {large:>12.2} {ratio:>7.2}x  at most {RATIO_MAX}x: {gate}")
}

/// Returns the processor time of an operation for one input, in milliseconds: the median of the rounds, which each
/// process all inputs.
fn median_ms<T>(rounds: usize, inputs: &[T], work: impl Fn(&T)) -> f64 {
    let times = (0..rounds).map(|_| {
        let start = processor_ms();
        for input in inputs {
            work(black_box(input));
        }
        (processor_ms() - start) / inputs.len() as f64
    });
    median(times.collect())
}

fn processor_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Creates a catalog in which Kite lists all instruments, with the tokens that `token_of` returns for their numbers.
pub(crate) fn catalogue_at_kite(rows: &[Row], token_of: impl Fn(u64) -> u64) -> Catalogue {
    let mut builder = Builder::new();
    for (number, row) in (1..).zip(rows) {
        builder.add_token(Broker::Kite, format!("{}:{}", row.exchange, row.symbol), &token_of(number).to_string());
        builder.add(row.clone(), true);
    }
    builder.build("bench".to_owned(), vec![])
}
