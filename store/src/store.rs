//! The interface of a database.

use async_trait::async_trait;

use super::calendar::CalendarStore;
use super::error::StoreError;
use super::idempotency::KeyStore;
use super::jobs::JobStore;
use super::lanes::Lane;
use super::loads::CatalogueStore;
use super::plans::PlanStore;
use super::profiles::ProfileStore;
use super::settings::SettingsStore;

/// The value of the field `dependency` of log lines, and of the label of metrics, about the database.
pub const DEPENDENCY: &str = "database";

/// The connections to a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// Number of connections that are working or being created.
    pub busy: usize,
    /// Number of connections that wait for work.
    pub idle: usize,
}

/// A database, with one supertrait for each group of tables. Its methods may be called concurrently. A call must not be
/// canceled while it is in progress, so callers run it in a task of its own.
#[async_trait]
pub trait Store:
    PlanStore + KeyStore + CatalogueStore + CalendarStore + JobStore + ProfileStore + SettingsStore
{
    /// Returns the name for messages and metrics: `sqlite` or `postgres`.
    fn backend(&self) -> &'static str;

    /// Returns the host and port of the server, for messages. `None` without a server.
    fn address(&self) -> Option<&str> {
        None
    }

    /// Returns the maximum number of batches that may be written at the same time.
    fn batches_in_flight_max(&self) -> usize;

    /// Returns the maximum number of other calls of a lane that may be in progress at the same time.
    fn permits(&self, lane: Lane) -> usize;

    /// Counts the open connections, for metrics.
    fn connections(&self) -> ConnectionCounts;

    /// Connects and migrates the schema. Called until it succeeds, before any other method.
    async fn prepare(&self) -> Result<(), StoreError>;

    /// Checks that the database responds, for probes of the circuit breaker.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Closes all connections after calls in progress end. Later calls fail.
    async fn close(&self);
}
