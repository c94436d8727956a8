//! Classifies failures by the certainty that remains about the work.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use super::super::error::StoreError;

/// The failure of a statement, by what is known about its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server rejected the data, or contains data that this service never writes. Nothing was done.
    Data(String),
    /// The server reported that it did not do the work, for a reason other than the data.
    Undone(String),
    /// The server canceled the statement at its timeout. Nothing was done.
    Canceled(String),
    /// The connection died before the response was complete. The work may be done or not.
    Lost(String),
    /// The server did not respond in time. The work may be done or not, or still be in progress.
    TimedOut(String),
}

impl Fault {
    /// Returns the error of work that has no effect if the connection is lost.
    pub(super) fn of_attempt(self) -> StoreError {
        match self {
            Fault::Data(why) => StoreError::Data(why),
            Fault::Undone(why) | Fault::Canceled(why) | Fault::Lost(why) | Fault::TimedOut(why) => {
                StoreError::Unavailable(why)
            }
        }
    }

    /// Returns the error of a list. If it takes too long, it visits too many rows, which is not a fault of the server.
    pub(super) fn of_list(self) -> StoreError {
        match self {
            Fault::Canceled(why) | Fault::TimedOut(why) => StoreError::Timeout(why),
            other => other.of_attempt(),
        }
    }

    /// Returns the error of work that may have been committed.
    pub(super) fn of_commit(self) -> StoreError {
        match self {
            Fault::Data(why) => StoreError::Data(why),
            Fault::Undone(why) | Fault::Canceled(why) => StoreError::Unavailable(why),
            Fault::Lost(why) | Fault::TimedOut(why) => StoreError::UnknownOutcome(why),
        }
    }

    /// Returns the error of a second attempt to commit. Unless the database rejects the data, it does not show the
    /// outcome of the first attempt, which was lost.
    pub(super) fn of_second_commit(self) -> StoreError {
        match self {
            Fault::Data(why) => StoreError::Data(why),
            Fault::Undone(why) | Fault::Canceled(why) | Fault::Lost(why) | Fault::TimedOut(why) => {
                StoreError::UnknownOutcome(why)
            }
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let why = error.to_string();
        let fault = match &error {
            sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
                Some(answer) => of_answer(answer.severity(), answer.code(), why),
                None => Fault::Lost(why),
            },
            sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::RowNotFound => Fault::Data(why),
            _ => Fault::Lost(why),
        };
        match fault {
            Fault::Lost(why) => Fault::Lost(format!("connection lost: {why}")),
            other => other,
        }
    }
}

/// Classifies an error message of the server by severity, then by SQLSTATE.
///
/// `ERROR` rolls back one statement, and the session continues: a statement timeout (57014), a full disk (53100), a
/// deadlock (40P01), a read-only server after a failover (25006). `FATAL` and `PANIC` end the session, and do not show
/// how far the statement came: an administrator's shutdown (57P01) may happen between the commit and its message.
///
/// An `ERROR` that reports a broken connection (class 08) or a shutdown (57P01, 57P02) comes from a proxy that lost its
/// server. It does not show how far the statement came either.
///
/// See <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn of_answer(severity: PgSeverity, code: &str, why: String) -> Fault {
    if matches!(severity, PgSeverity::Fatal | PgSeverity::Panic) || OUTCOME_UNKNOWN.contains(&code) {
        return Fault::Lost(why);
    }
    match code.get(..2) {
        Some(CONNECTION_EXCEPTION) => Fault::Lost(why),
        // Contradictory rows, values out of range, constraints, an operator's trigger or view that rejects the data,
        // and values beyond the limits of the server.
        Some("21" | "22" | "23" | "44" | "54" | "P0") => Fault::Data(why),
        _ if code == QUERY_CANCELED => Fault::Canceled(why),
        _ => Fault::Undone(why),
    }
}

/// `query_canceled`, which is a statement timeout.
const QUERY_CANCELED: &str = "57014";
/// `connection_exception`.
const CONNECTION_EXCEPTION: &str = "08";
/// `statement_completion_unknown`, `admin_shutdown` and `crash_shutdown`.
const OUTCOME_UNKNOWN: [&str; 3] = ["40003", "57P01", "57P02"];

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(severity: PgSeverity, code: &str) -> Fault {
        of_answer(severity, code, code.to_owned())
    }

    #[test]
    fn an_error_rolls_back_and_only_some_blame_the_data() {
        for code in ["21000", "22021", "23505", "23514", "44000", "54000", "P0001"] {
            assert_eq!(answer(PgSeverity::Error, code), Fault::Data(code.into()));
        }
        for code in
            ["0A000", "25006", "25P02", "40P01", "42P01", "42501", "53100", "55P03", "57P03", "58030", "XX000", ""]
        {
            assert_eq!(answer(PgSeverity::Error, code), Fault::Undone(code.into()));
        }
        assert_eq!(answer(PgSeverity::Error, "57014"), Fault::Canceled("57014".into()));
    }

    #[test]
    fn an_error_that_ends_the_session_has_unknown_outcome() {
        for (severity, code) in [
            (PgSeverity::Fatal, "57P01"),
            (PgSeverity::Fatal, "57P02"),
            (PgSeverity::Fatal, "08P01"),
            (PgSeverity::Fatal, "25P03"),
            (PgSeverity::Panic, "53100"),
            (PgSeverity::Error, "40003"),
        ] {
            assert_eq!(answer(severity, code), Fault::Lost(code.into()));
        }
    }

    /// An error of a proxy that lost its server and keeps the session with its client.
    #[test]
    fn an_error_about_a_lost_connection_has_unknown_outcome() {
        for code in ["08000", "08001", "08003", "08004", "08006", "08007", "08P01", "57P01", "57P02"] {
            assert_eq!(answer(PgSeverity::Error, code), Fault::Lost(code.into()));
        }
    }

    #[test]
    fn only_a_possibly_committed_write_has_unknown_outcome() {
        let lost = Fault::Lost("gone".into());

        assert_eq!(lost.clone().of_attempt(), StoreError::Unavailable("gone".into()));
        assert_eq!(lost.of_commit(), StoreError::UnknownOutcome("gone".into()));
        assert_eq!(Fault::TimedOut("slow".into()).of_attempt(), StoreError::Unavailable("slow".into()));
        assert_eq!(Fault::TimedOut("slow".into()).of_commit(), StoreError::UnknownOutcome("slow".into()));
        assert_eq!(Fault::Undone("full".into()).of_commit(), StoreError::Unavailable("full".into()));
        assert_eq!(Fault::Data("bad".into()).of_commit(), StoreError::Data("bad".into()));
    }

    #[test]
    fn a_statement_timeout_is_an_outage_except_for_lists() {
        let canceled = Fault::Canceled("slow".into());

        assert_eq!(canceled.clone().of_list(), StoreError::Timeout("slow".into()));
        assert_eq!(Fault::TimedOut("slow".into()).of_list(), StoreError::Timeout("slow".into()));
        assert_eq!(Fault::Lost("gone".into()).of_list(), StoreError::Unavailable("gone".into()));
        assert_eq!(canceled.clone().of_attempt(), StoreError::Unavailable("slow".into()));
        assert_eq!(canceled.clone().of_commit(), StoreError::Unavailable("slow".into()));
        assert_eq!(canceled.of_second_commit(), StoreError::UnknownOutcome("slow".into()));
    }

    #[test]
    fn only_a_broken_connection_counts_as_lost() {
        let broken = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        let unreadable = sqlx::Error::Decode("nonsense".into());

        assert!(matches!(Fault::from(broken), Fault::Lost(_)));
        assert!(matches!(Fault::from(unreadable), Fault::Data(_)));
    }
}
