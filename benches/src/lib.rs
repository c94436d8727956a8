//! Repeatable operations of a busy service.
//!
//! To measure another one, add its name and constructor to [`CASES`]. `benches/hot.rs` then measures its time, and
//! `instructions.sh` counts its instructions. Only public APIs of the crates are used, so that a change within them
//! changes the results and not this crate.
//!
//! * `domain` has the steps of a request of a hundred instruments, and storing their results;
//! * `service` has whole requests over HTTP on one connection: parsing, lookups, and responses.

mod domain;
mod service;

/// An operation, which runs once per call.
pub type Operation = Box<dyn FnMut()>;

/// The name and the constructor of an operation with everything that it needs.
pub struct Case {
    /// The name in lower case, as reports show it.
    pub name: &'static str,
    /// Creates the operation.
    ///
    /// # Errors
    /// If a resource that it needs cannot be created on this machine.
    pub make: fn() -> anyhow::Result<Operation>,
}

/// Every operation that is measured.
pub const CASES: [Case; 8] = [
    Case { name: "resolve-100", make: domain::resolve },
    Case { name: "plan-100", make: domain::plan_creation },
    Case { name: "render-100", make: domain::render },
    Case { name: "store-64-of-100", make: domain::store },
    Case { name: "http-health", make: service::health },
    Case { name: "http-repeat-100", make: service::repeat },
    Case { name: "http-reorder-100", make: service::reorder },
    Case { name: "http-get-100", make: service::get },
];

/// The number of instruments of a request.
const INSTRUMENTS: usize = 100;

/// Selects keys of instruments from the whole demonstration catalog. It depends on the date only in its expiries, so
/// the selection always has the same number of keys of the same lengths.
fn keys(all: &[String]) -> Vec<String> {
    let step = all.len() / INSTRUMENTS;
    // In another order than the catalog, like most requests.
    (0..INSTRUMENTS).map(|index| all[index * 37 % INSTRUMENTS * step].clone()).collect()
}
