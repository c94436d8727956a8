//! `instrument-registry`: see `instrument-registry --help`.

use std::process::ExitCode;

/// Returns memory after a catalog was replaced, unlike the allocator of the system.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Freed memory returns to the system after one second instead of ten. Otherwise the memory that loading a file needs
/// for moments would stay allocated in addition to later allocations.
#[allow(unsafe_code, reason = "the allocator reads its settings from a symbol of this name")]
#[unsafe(export_name = "_rjem_malloc_conf")]
static ALLOCATOR_SETTINGS: &[u8; 20] = b"dirty_decay_ms:1000\0";

fn main() -> ExitCode {
    registry_store::tls::install_provider();
    instrument_registry::cli::main()
}
