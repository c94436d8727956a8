//! `instrument-registry`: see `instrument-registry --help`.

use std::process::ExitCode;

/// Gives memory back after a catalogue is replaced, which the system's allocator does not.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    instrument_registry::cli::main()
}
