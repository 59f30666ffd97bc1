//! What an error of SQLite means to the service.

use std::{io, path::PathBuf};

use contract::StoreError;
use sqlx_core::{error::Error, migrate::MigrateError};

/// Why a data file can't be opened, in words for the person who runs the service.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The folder or the file can't be made.
    #[error("can't make `{}`", path.display())]
    Make {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A later version of the service has migrated the file.
    #[error(
        "`{}` was written by a newer version: its schema has migration {version}, which this version doesn't know",
        path.display()
    )]
    Newer { path: PathBuf, version: i64 },
    /// A migration failed, or is not the one that was once applied.
    #[error("the schema of `{}` can't be brought up to date", path.display())]
    Migrate {
        path: PathBuf,
        #[source]
        source: MigrateError,
    },
    /// The file system has no shared memory or locks, as some network file systems.
    #[error("`{}` can't have a write-ahead log: its journal mode is `{mode}`", path.display())]
    NoWal { path: PathBuf, mode: String },
    /// The file can't be had, or is not a database.
    #[error("can't open `{}`", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: Error,
    },
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        let passing = match &error {
            OpenError::Make { .. } => true,
            OpenError::Newer { .. } | OpenError::NoWal { .. } => false,
            OpenError::Migrate { source, .. } => match source {
                MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                    passes(source)
                }
                _ => false,
            },
            OpenError::Open { source, .. } => passes(source),
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

/// What a failed statement means. SQLite's messages name tables, columns and
/// constraints, never values.
pub(crate) fn failed(error: Error) -> StoreError {
    if passes(&error) {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Failed(Box::new(error))
    }
}

/// Whether the same call may succeed later.
fn passes(error: &Error) -> bool {
    match error {
        Error::Database(_) => matches!(
            primary_code(error),
            Some(BUSY | LOCKED | CANTOPEN | PROTOCOL)
        ),
        Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed | Error::Io(_) => true,
        _ => false,
    }
}

/// Whether another connection holds a lock that was needed.
pub(crate) fn is_busy(error: &Error) -> bool {
    primary_code(error) == Some(BUSY)
}

// Primary result codes, <https://www.sqlite.org/rescode.html>.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const CANTOPEN: i32 = 14;
const PROTOCOL: i32 = 15;

fn primary_code(error: &Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    // The low byte of an extended code is its primary code.
    Some(code.parse::<i32>().ok()? & 0xff)
}
