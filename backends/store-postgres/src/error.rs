//! What an error of PostgreSQL means to the service.

use std::{io, time::Duration};

use contract::StoreError;
use sqlx_core::{error::Error, migrate::MigrateError};

use crate::settings::Place;

/// Why a database can't be used, in words for the person who runs the service.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The URL is of another kind of database.
    #[error("the URL of a PostgreSQL database begins with `postgres://`")]
    Scheme,
    /// A part of the password was about to be taken for a host or a database.
    #[error(
        "the database's URL has an `@` behind the host: percent-encode the `/`, `?`, `#` and `@` of the password"
    )]
    Unescaped,
    /// The URL can't be read.
    #[error("the database's URL can't be read")]
    Malformed {
        #[source]
        source: Box<Error>,
    },
    /// The pool has no useful size.
    #[error("a pool has 1 to {max} connections, not {asked}")]
    MaxConnections { asked: u32, max: u32 },
    /// Nobody answers there, or whoever does refuses.
    #[error("can't connect to {place}")]
    Connect {
        place: Place,
        #[source]
        source: Cause,
    },
    /// A file that the URL names isn't there.
    #[error("can't read a certificate or key that the URL of {place} names")]
    Certificate {
        place: Place,
        #[source]
        source: Cause,
    },
    /// Not every name can be written down there.
    #[error("{place} is encoded in {encoding}; the service needs one in UTF8")]
    Encoding { place: Place, encoding: String },
    /// A later version of the service has migrated the database.
    #[error(
        "{place} was written by a newer version: its schema has migration {version}, which this version doesn't know"
    )]
    Newer { place: Place, version: i64 },
    /// A migration is not the one that was once applied.
    #[error("the schema of {place} is not this service's: migration {version} has been modified")]
    Modified { place: Place, version: i64 },
    /// A migration failed.
    #[error("the schema of {place} can't be brought up to date")]
    Migrate {
        place: Place,
        #[source]
        source: Cause,
    },
}

impl ConnectError {
    /// What a failed migration means.
    pub(crate) fn migrate(place: &Place, error: MigrateError) -> Self {
        let place = place.clone();
        match error {
            MigrateError::VersionMissing(version) => Self::Newer { place, version },
            MigrateError::VersionMismatch(version) => Self::Modified { place, version },
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                let source = source.into();
                Self::Migrate { place, source }
            }
            other => Self::Migrate {
                place,
                source: Error::from(other).into(),
            },
        }
    }
}

impl From<ConnectError> for StoreError {
    fn from(error: ConnectError) -> Self {
        let passing = match &error {
            ConnectError::Connect { source, .. } | ConnectError::Migrate { source, .. } => {
                source.passes()
            }
            _ => false,
        };
        if passing {
            Self::Unavailable(Box::new(error))
        } else {
            Self::Failed(Box::new(error))
        }
    }
}

/// Something is to be somebody's who is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no such account")]
pub(crate) struct NoSuchAccount;

impl From<NoSuchAccount> for StoreError {
    fn from(error: NoSuchAccount) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// What a failed call means.
pub(crate) fn failed(error: impl Into<Cause>) -> StoreError {
    let cause = error.into();
    if cause.passes() {
        StoreError::Unavailable(Box::new(cause))
    } else {
        StoreError::Failed(Box::new(cause))
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// The server's error, without its detail, hint and context: those quote
    /// the values of rows, such as password hashes, and the message doesn't.
    #[error("{message} (SQLSTATE {code})")]
    Server { code: String, message: String },
    /// The server was not reached, or not understood.
    #[error(transparent)]
    Client(Error),
    /// The server, or the network, is silent.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// A standby, or a server that an operator has made read-only.
    #[error("the server takes no writes")]
    ReadOnly,
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => Self::Server {
                code: error.code().unwrap_or_default().into_owned(),
                message: error.message().to_owned(),
            },
            error => Self::Client(error),
        }
    }
}

impl Cause {
    /// Whether a file was not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Client(Error::Io(error)) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Whether the same call may succeed later.
    fn passes(&self) -> bool {
        match self {
            Self::Server { code, .. } => passes(code),
            Self::Client(error) => match error {
                // rustls's refusal of a certificate comes as invalid data.
                Error::Io(error) => error.kind() != io::ErrorKind::InvalidData,
                // A server that dies may do so in the middle of a message.
                Error::PoolTimedOut | Error::PoolClosed | Error::Protocol(_) => true,
                _ => false,
            },
            Self::Silent(_) | Self::ReadOnly => true,
        }
    }
}

/// Whether an error of that code passes,
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn passes(code: &str) -> bool {
    const READ_ONLY: &str = "25006";
    const IDLE_IN_TRANSACTION: &str = "25P03";
    const DISK_FULL: &str = "53100";
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    const DATABASE_DROPPED: &str = "57P04";

    match code {
        // An operator has to act.
        DISK_FULL | DATABASE_DROPPED => false,
        READ_ONLY | IDLE_IN_TRANSACTION | LOCK_NOT_AVAILABLE => true,
        // Connections, conflicts between transactions, resources, and what an
        // operator or a timeout interrupts.
        _ => ["08", "40", "53", "57"]
            .iter()
            .any(|class| code.starts_with(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_succeed_later_is_unavailable() {
        for code in [
            "08000", "08006", "25006", "25P03", "40001", "40P01", "53200", "53300", "55P03",
            "57014", "57P01", "57P02", "57P03", "57P05",
        ] {
            assert!(passes(code), "{code}");
        }
        for code in [
            "", "22021", "23505", "23514", "28000", "28P01", "3D000", "42501", "42P01", "53100",
            "57P04", "58030", "XX000",
        ] {
            assert!(!passes(code), "{code}");
        }
    }
}
