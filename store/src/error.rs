//! The errors of every store.

/// The reason why a store did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database does not respond; nothing was done.
    #[error("{0}")]
    Unavailable(String),
    /// The database stopped responding during the work, which may be done or not.
    #[error("the outcome of the write is unknown: {0}")]
    UnknownOutcome(String),
    /// The database responds, but rejects the data.
    #[error("the database rejected the data: {0}")]
    Data(String),
    /// The load is not accepted, because another one of its broker was accepted after it was checked.
    #[error("another file of the broker was accepted at the same time; retry")]
    Overtaken,
    /// The database responds, but a list took longer than a statement may. Nothing is wrong with the database.
    #[error("timeout: the list took too long: {0}")]
    Timeout(String),
    /// Other transactions hold the lock that the work needs; nothing was done.
    #[error("conflicting concurrent update; retry")]
    Busy,
}
