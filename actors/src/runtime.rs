//! The base of all actors: mailboxes, supervision, circuit breakers and deadlines. The only folder that names ractor.

pub(crate) mod breaker;
pub(crate) mod deadline;
pub(crate) mod guard;
pub(crate) mod mailbox;
pub(crate) mod panics;
pub(crate) mod supervisor;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use ractor::{ActorCell, SpawnErr};
