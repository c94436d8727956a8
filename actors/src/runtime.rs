//! The foundation of all actors, and the only folder that names ractor, the library for actors.
//!
//! These modules do not depend on any actor of the service.

pub(crate) mod breaker;
pub(crate) mod deadline;
pub(crate) mod guard;
pub(crate) mod identity;
pub(crate) mod inspection;
pub(crate) mod mailbox;
pub(crate) mod metrics;
pub(crate) mod panics;
pub(crate) mod running_time;
pub(crate) mod supervisor;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use ractor::{ActorCell, SpawnErr};
