//! The concurrent engine.
//!
//! ```text
//! supervisor ── persistence   batches, the database's breaker
//!            ├─ config        settings with their last good values, the config service's breaker
//!            ├─ catalogue     follows the stored catalog, publishes it
//!            ├─ ingest        jobs that load brokers' files, and their schedule
//!            ├─ cache         the memory budget and expiry of L1, the connection to L2
//!            └─ planner × N   the plans in progress, which identical requests share
//! ```
//!
//! **Calls** go in one direction: the front end → planners → cache, persistence; ingest → catalogue, persistence;
//! catalogue and config → persistence. `runtime` does not depend on any actor. Actors start in the order of the tree,
//! from the top, and stop along the flow of the data: jobs, planners, persistence, ingest, catalogue, cache, config,
//! supervisor.
//!
//! **Invariants.**
//! * No handler is async: an actor decides, starts a task, and the outcome returns as a message.
//! * Every call has a deadline, every queue a bound, every timer a generation or a handler that tolerates a stale one.
//! * A plan is acknowledged only after the database has stored it.
//! * Expected failures travel in replies. An actor ends only by a panic, its own or that of a task it waits for. Its
//!   successor has the same handle.
//!
//! `runtime` is the only folder that names ractor.

pub mod cache;
pub mod catalogue;
pub mod config;
pub mod ingest;
mod metrics;
pub mod persistence;
pub mod planner;
mod runtime;
pub mod settings;
pub mod snapshot;
pub mod system;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod trace;

pub use self::runtime::breaker::{
    BreakerReport, BreakerSettings, BreakerState, CallOutcome, CallTime, CircuitBreaker, ForcedState, NotPermitted,
    Permit, Transition,
};
pub use self::runtime::guard::ForcedChange;
pub use self::runtime::identity::current_actor;
pub use self::runtime::mailbox::{CallError, Inspection, MailboxLoad};
pub use self::runtime::metrics::{HANDLE_DURATION, MAILBOX_WAIT};
