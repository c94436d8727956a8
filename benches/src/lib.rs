//! The operations that the service is made of while it is busy, each ready to be done again and again.
//!
//! To measure another, add it to [`CASES`]: a name, and what makes it. `benches/hot.rs` then times it, and
//! `instructions.sh` counts its instructions. Only what the crates offer to everybody is used, so that a change within
//! them changes figures and not this.
//!
//! * `domain` is the work on a request of a hundred instruments, part by part, and storing what comes of it;
//! * `service` is the whole of it, asked over HTTP on one connection: reading, looking up, answering.

mod domain;
mod service;

/// Something that is done once each time it is called.
pub type Operation = Box<dyn FnMut()>;

/// A name and what makes the operation, with everything that it needs.
pub struct Case {
    /// Lower case, as it stands in reports.
    pub name: &'static str,
    /// Makes it.
    ///
    /// # Errors
    /// Where what it needs cannot be made on this machine.
    pub make: fn() -> anyhow::Result<Operation>,
}

/// Every operation that is measured.
pub const CASES: [Case; 8] = [
    Case { name: "resolve-100", make: domain::resolve },
    Case { name: "plan-100", make: domain::plan },
    Case { name: "render-100", make: domain::render },
    Case { name: "store-64-of-100", make: domain::store },
    Case { name: "http-health", make: service::health },
    Case { name: "http-repeat-100", make: service::repeat },
    Case { name: "http-reorder-100", make: service::reorder },
    Case { name: "http-get-100", make: service::get },
];

/// Instruments of a request.
const INSTRUMENTS: usize = 100;

/// Keys of instruments from all over the demonstration catalogue, which depends on the day in its expiries alone: the
/// same number of keys of the same length, so far as names go.
fn keys(all: &[String]) -> Vec<String> {
    let step = all.len() / INSTRUMENTS;
    // Not in their order: a request seldom is.
    (0..INSTRUMENTS).map(|index| all[index * 37 % INSTRUMENTS * step].clone()).collect()
}
