//! The concurrent engine.
//!
//! ```text
//! supervisor ── persistence   batches, the database's breaker
//!            ├─ config        settings, last good ones kept, the config service's breaker
//!            ├─ catalogue     follows the stored catalogue, publishes it
//!            ├─ cache         L1's budget and expiry, L2
//!            └─ planner × N   the in-flight table
//! ```
//!
//! **Who may call whom.** Calls go down this list and never up or round: the front end → planners → cache, persistence;
//! catalogue and config → persistence. `mailbox` and `breaker` know no actor. Started in the order of the tree, from the
//! top; stopped along the flow of the data: planners, persistence, catalogue, cache, config, supervisor.
//!
//! **Invariants.**
//! * No handler is async: an actor decides, starts a task, and the outcome comes back as a message.
//! * Every call has a deadline, every queue a bound, every timer a generation or a handler that does not mind a stale one.
//! * A plan is acknowledged only when the database has it.
//! * Expected failures travel in replies. An actor ends only by a panic, its own or that of a task it waits for, and its
//!   successor is behind the same handle.
//!
//! This is the only crate that names ractor.

mod breaker;
pub mod cache;
pub mod catalogue;
pub mod config;
mod deadline;
mod mailbox;
mod metrics;
mod panics;
pub mod persistence;
pub mod planner;
pub mod snapshot;
mod supervisor;
pub mod system;
#[cfg(test)]
mod testing;

pub use self::breaker::{BreakerSettings, BreakerState, CircuitBreaker, NotPermitted, Outcome, Permit, Transition};
pub use self::mailbox::{CallError, Inspection};
