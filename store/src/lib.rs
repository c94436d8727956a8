//! Durable storage: the [`Store`] trait, its two implementations, and the types that they store.
//!
//! [`postgres`] is for production, [`sqlite`] is embedded. Both pass the same contract tests. Calls are neither batched
//! nor measured here: that is the task of the persistence actor, through which the service makes all of its database
//! calls.
//!
//! This is the only crate of the service that names sqlx.

pub mod background;
mod calendar;
mod documents;
mod error;
pub mod idempotency;
pub mod jobs;
mod lanes;
mod loads;
mod merging;
mod paging;
mod plans;
pub mod postgres;
pub mod profiles;
mod report;
mod settings;
mod sql;
pub mod sqlite;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod tls;

pub use self::calendar::{CALENDARS_KEPT, CalendarRecord, CalendarStore, StoredCalendar};
pub use self::error::StoreError;
pub use self::idempotency::KeyStore;
pub use self::jobs::JobStore;
pub use self::lanes::Lane;
pub use self::loads::{
    ARCHIVES_KEPT, CatalogueStore, LastAccepted, LoadDiff, LoadRecord, LoadSummary, Offer, RejectedFile,
    RejectedFileRecord, StoredCatalogue, StoredFault,
};
pub use self::paging::{COUNT_MAX, Page, Portion, PortionLimit, Position, RowOutline, rows_within};
pub use self::plans::{PlanFilter, PlanPage, PlanStore, PlanSummary};
pub use self::profiles::ProfileStore;
pub use self::report::DatabaseReport;
pub use self::settings::{LastGoodSetting, LastGoodSettings, SettingsStore, merge_last_good};
pub use self::store::{ConnectionCounts, DEPENDENCY, Store};
