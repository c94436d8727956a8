//! `instrument-registry`: see `instrument-registry --help`.

use std::process::ExitCode;

/// Gives memory back after a catalogue is replaced, which the system's allocator does not.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What is freed goes back to the system after a second instead of ten: what loading a file takes for moments would
/// otherwise stay beside what comes next.
#[allow(unsafe_code, reason = "the allocator reads its settings from a symbol of this name")]
#[unsafe(export_name = "_rjem_malloc_conf")]
static ALLOCATOR_SETTINGS: &[u8; 20] = b"dirty_decay_ms:1000\0";

fn main() -> ExitCode {
    instrument_registry::cli::main()
}
