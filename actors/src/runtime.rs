//! What actors are made of. The only folder that names ractor, the library for actors.
//!
//! These modules know no actor of the service.

pub(crate) mod breaker;
pub(crate) mod deadline;
pub(crate) mod guard;
pub(crate) mod mailbox;
pub(crate) mod panics;
pub(crate) mod supervisor;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use ractor::{ActorCell, SpawnErr};
