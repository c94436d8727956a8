//! Durable storage: the [`Store`] trait, its two implementations, and the types that they store.
//!
//! [`postgres`] is for production, [`sqlite`] is embedded. Both pass the same contract tests. Calls are neither batched nor
//! measured here: that is the task of the persistence actor, through which the service makes all of its database calls.
//!
//! This is the only crate of the service that names sqlx.

pub mod background;
mod documents;
pub mod idempotency;
pub mod jobs;
mod loads;
mod merging;
pub mod postgres;
pub mod profiles;
pub mod sqlite;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use self::loads::{
    ARCHIVES_KEPT, LastAccepted, LoadDiff, LoadRecord, LoadSummary, Offer, Refusal, RefusalRecord, StoredCatalogue,
    StoredFault,
};
pub use self::store::{
    COUNT_MAX, ConnectionCounts, LastGoodSettings, LastSaid, PlanFilter, PlanPage, PlanSummary, Position, Store,
    StoreError,
};

/// The value of the field `dependency` of log lines, and of the label of metrics, about the database.
pub const DEPENDENCY: &str = "database";
