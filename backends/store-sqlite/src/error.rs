//! What an error of SQLite means to the service.

use std::{io, path::PathBuf};

use contract::StoreError;
use sqlx::Error;

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
        source: sqlx::migrate::MigrateError,
    },
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
            OpenError::Newer { .. } => false,
            OpenError::Migrate { source, .. } => match source {
                sqlx::migrate::MigrateError::Execute(source)
                | sqlx::migrate::MigrateError::ExecuteMigration(source, _) => passes(source),
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
    // Primary result codes, <https://www.sqlite.org/rescode.html>.
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const CANTOPEN: i32 = 14;
    const PROTOCOL: i32 = 15;
    match error {
        Error::Database(error) => {
            let code = error.code().and_then(|code| code.parse::<i32>().ok());
            // The low byte of an extended code is its primary code.
            matches!(
                code.map(|code| code & 0xff),
                Some(BUSY | LOCKED | CANTOPEN | PROTOCOL)
            )
        }
        Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed | Error::Io(_) => true,
        _ => false,
    }
}
