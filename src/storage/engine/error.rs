//! What can go wrong with a database, in the classes that callers tell apart.

use super::postgres_transaction::ANOTHER_SESSION;

/// A failure of the database. Shows no stored value, no bound value and no password; its text is for logs, not for clients.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Not reachable, too busy, out of space, or the commit failed: the same request may succeed later (503).
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// It answers, and takes no writes: a standby, or a setting (503).
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// It answers, and has no room for writes (503).
    #[error("the database's disk is full: {0}")]
    Full(String),
    /// It answers, and commits do not come to an end: a synchronous standby is gone. What was asked for may be done later (503).
    #[error("commits do not come to an end: {0}")]
    CommitsHang(String),
    /// Another transaction was in the way and nothing was changed. [`Store::write`](crate::storage::Store::write) runs the work again.
    #[error("the transaction met another one: {0}")]
    Conflict(String),
    /// A value that may stand once stands there. Where another transaction may have been faster: `raced`.
    #[error("a unique value is taken: {0}")]
    Taken(String),
    /// A row that Doorward can't have written.
    #[error("a row of {table} is corrupt: {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column whose value makes no sense.
        column: &'static str,
    },
    /// A defect, of Doorward or of the database file.
    #[error("internal database error: {0}")]
    Internal(String),
}

impl Error {
    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::ReadOnly(_) | Self::Full(_) | Self::CommitsHang(_) | Self::Conflict(_)
        )
    }

    /// Of a statement that has looked whether a unique value is free: what is taken all the same another transaction has taken since,
    /// and who looks again sees it.
    #[must_use]
    pub(in crate::storage) fn raced(self) -> Self {
        match self {
            Self::Taken(reason) => Self::Conflict(reason),
            other => other,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                // Only the message: PostgreSQL's details and hints name stored values.
                let code = database.code().unwrap_or_default();
                let text = format!("{} ({code})", database.message());
                match class(&code, database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some()) {
                    Class::Unavailable => Self::Unavailable(text),
                    Class::ReadOnly => Self::ReadOnly(text),
                    Class::Full => Self::Full(text),
                    Class::Conflict => Self::Conflict(text),
                    Class::Taken => Self::Taken(text),
                    Class::Other => Self::Internal(text),
                }
            }
            sqlx::Error::Io(_)
            // A proxy whose database is gone accepts, and closes where an answer should come.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Class {
    Unavailable,
    ReadOnly,
    Full,
    Conflict,
    Taken,
    Other,
}

fn class(code: &str, postgres: bool) -> Class {
    if postgres {
        match code {
            // serialization_failure, deadlock_detected
            "40001" | "40P01" => Class::Conflict,
            // unique_violation
            "23505" => Class::Taken,
            // read_only_sql_transaction; object_not_in_prerequisite_state: a standby that is asked for what only its primary does
            "25006" | "55000" => Class::ReadOnly,
            // disk_full
            "53100" => Class::Full,
            // lock_not_available; idle transaction timeout; wrong password, since a moment ago. internal_error: what poolers say of a
            // server that they can't reach. Prepared statements that are not there, or are already, or take other values (which is a
            // violation of the protocol), and `session_is!`: a pooler has changed the session.
            "55P03" | "25P03" | "28P01" | "28000" | "3D000" | "XX000" | "26000" | "42P05" | ANOTHER_SESSION => {
                Class::Unavailable
            }
            // connection exception, insufficient resources, operator intervention (also: statement timeout), system error
            _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => Class::Unavailable,
            _ => Class::Other,
        }
    } else {
        // The extended code's low byte is the primary code.
        let code = code.parse::<i32>().unwrap_or(0);
        match (code & 0xff, code) {
            // READONLY, FULL
            (8, _) => Class::ReadOnly,
            (13, _) => Class::Full,
            // BUSY, LOCKED, NOMEM, IOERR, CANTOPEN
            (5 | 6 | 7 | 10 | 14, _) => Class::Unavailable,
            // CONSTRAINT_PRIMARYKEY, CONSTRAINT_UNIQUE
            (_, 1555 | 2067) => Class::Taken,
            _ => Class::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        for code in ["08006", "08P01", "53300", "57014", "57P01", "58030", "XX000", "26000", "42P05", "22012"] {
            assert_eq!(class(code, true), Class::Unavailable, "{code}");
        }
        assert_eq!((class("25006", true), class("1032", false)), (Class::ReadOnly, Class::ReadOnly));
        assert_eq!((class("53100", true), class("13", false)), (Class::Full, Class::Full));
        for code in ["40001", "40P01"] {
            assert_eq!(class(code, true), Class::Conflict, "{code}");
        }
        for (code, postgres) in [("23505", true), ("2067", false), ("1555", false)] {
            assert_eq!(class(code, postgres), Class::Taken, "{code}");
        }
        for code in ["42P01", "22P02", "42501"] {
            assert_eq!(class(code, true), Class::Other, "{code}");
        }
        // SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE
        for code in ["517", "778"] {
            assert_eq!(class(code, false), Class::Unavailable, "{code}");
        }
        // SQLITE_CORRUPT, SQLITE_CONSTRAINT_NOTNULL, SQLITE_ERROR
        for code in ["11", "1299", "1", ""] {
            assert_eq!(class(code, false), Class::Other, "{code}");
        }
    }
}
