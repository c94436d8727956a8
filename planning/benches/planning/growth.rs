//! How the time of an operation grows with the number of instruments.
//!
//! The time is the processor time of the thread. In wall-clock time, other processes delay long operations by more than short
//! ones, and the growth would look larger than it is.

use std::io::{self, Write};

use registry_planning::catalogue::{Builder, Catalogue};
use registry_planning::dump::Row;
use registry_planning::vocabulary::Broker;
use rustix::time::{ClockId, clock_gettime};

use crate::median;

/// The maximum of the time for ten times as many instruments, as a multiple.
const RATIO_MAX: f64 = 12.0;

/// Writes the line of one operation: its times for few and for many instruments in milliseconds, and their ratio.
pub(crate) fn write_ratio(out: &mut impl Write, name: &str, [few, many]: [f64; 2]) -> io::Result<()> {
    let ratio = many / few;
    let gate = if ratio <= RATIO_MAX { "holds" } else { "MISSED" };
    writeln!(out, "{name:<58} {few:>9.2} {many:>12.2} {ratio:>7.2}x  at most {RATIO_MAX}x: {gate}")
}

/// Returns the median of the processor times of an operation, in milliseconds.
pub(crate) fn median_ms(rounds: usize, work: impl Fn()) -> f64 {
    let times = (0..rounds).map(|_| {
        let start = processor_ms();
        work();
        processor_ms() - start
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
